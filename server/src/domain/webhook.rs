//! Webhooks: whom the server tells what happens, and when it tries again or gives up.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::answer::Refusal;
use super::fields::{Fields, MAX_NAME, MAX_TEXT};
use super::news::Interest;
use super::time::rfc3339;

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
/// How long is waited after each attempt that failed; after the last it is given up.
pub const PAUSES: [i64; 9] = [
    5 * SECOND,
    5 * MINUTE,
    30 * MINUTE,
    2 * HOUR,
    5 * HOUR,
    10 * HOUR,
    14 * HOUR,
    20 * HOUR,
    24 * HOUR,
];
/// The longest that a receiver may ask to wait.
const LONGEST_WISH: i64 = 24 * HOUR;
/// For how long nothing but failures switches a webhook off: five days.
pub const PATIENCE: i64 = 5 * 24 * HOUR;
/// The shortest and the longest secret that somebody may choose.
const SECRET: std::ops::RangeInclusive<usize> = 16..=200;

/// The form of what is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// `type`, `timestamp` and `data`, as Standard Webhooks has it.
    Standard,
    /// The flat fields of the hosted service.
    Versioner,
    /// CDEvents, as far as it has a word for it.
    Cdevents,
    /// An e-mail for people.
    Email,
}

impl Format {
    /// The words for those that are to be chosen.
    pub const WORDS: [(&'static str, Format); 3] = [
        ("standard", Format::Standard),
        ("versioner", Format::Versioner),
        ("cdevents", Format::Cdevents),
    ];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Format::Standard => "standard",
            Format::Versioner => "versioner",
            Format::Cdevents => "cdevents",
            Format::Email => "email",
        }
    }
}

/// What only the receiver and the server know. It never shows in `Debug`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secrets {
    /// The address: some have a secret in them.
    pub url: String,
    /// What deliveries are signed with.
    pub present: String,
    /// The secret before, as long as deliveries are signed with it too.
    pub old: Option<String>,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets(…)")
    }
}

/// What the secrets of a webhook are kept under.
pub fn secret_name(id: &str) -> String {
    format!("webhook:{id}")
}

/// Tells a secret from others, and says nothing of it.
fn fingerprint(secret: &str) -> String {
    let hash = Sha256::digest(secret);
    hash.iter()
        .take(6)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// A webhook, without what is secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    /// Its identifier.
    pub id: String,
    /// What people call it.
    pub name: Option<String>,
    /// The host that it leads to.
    pub host: String,
    /// Tells its address from others.
    pub address: String,
    /// Tells its secret from others.
    pub secret: String,
    /// The form of what is sent.
    pub format: Format,
    /// What it is told of.
    pub interest: Interest,
    /// Whether it is told.
    pub enabled: bool,
    /// Why the server has switched it off.
    pub disabled_reason: Option<String>,
    /// Until when deliveries are signed with the secret before, too.
    pub old_secret_until: Option<i64>,
    /// When it was made, in microseconds since 1970.
    pub created_at: i64,
    /// From when on it is told: since it was made, or switched on again.
    pub told_from: i64,
    /// When it was changed.
    pub updated_at: i64,
    /// When it was removed.
    pub removed_at: Option<i64>,
}

/// A webhook to be made. Its address and its secret never show in `Debug`.
#[derive(Clone)]
pub struct NewWebhook {
    /// What people call it.
    pub name: Option<String>,
    /// Where it leads to.
    pub url: String,
    /// The secret, if somebody has chosen it.
    pub secret: Option<String>,
    /// The form of what is sent.
    pub format: Format,
    /// What it is told of.
    pub interest: Interest,
}

impl fmt::Debug for NewWebhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "NewWebhook({:?}, {}, …)",
            self.name,
            self.format.as_str()
        )
    }
}

impl NewWebhook {
    /// Reads a request body. `check` says what is wrong with an address.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] with every field that is missing, wrong or unknown.
    pub fn read(
        body: Value,
        check: impl Fn(&str) -> Result<(), String>,
    ) -> Result<NewWebhook, Refusal> {
        let mut fields = Fields::of_body(body)?;
        let mut interest = Interest::default();
        let name = fields.text("name", MAX_NAME);
        let url = fields.required_text("url", MAX_TEXT);
        check_url(&mut fields, &url, check);
        let secret = fields.text("secret", *SECRET.end());
        check_secret(&mut fields, secret.as_deref());
        let format = fields.choice("format", &Format::WORDS);
        interest.read(&mut fields);
        fields.refuse_unread();
        fields.finish()?;
        Ok(NewWebhook {
            name,
            url,
            secret,
            format: format.unwrap_or(Format::Standard),
            interest,
        })
    }

    /// The webhook that this makes with these secrets.
    pub fn webhook(&self, id: String, host: String, secrets: &Secrets, now: i64) -> Webhook {
        Webhook {
            id,
            name: self.name.clone(),
            host,
            address: fingerprint(&secrets.url),
            secret: fingerprint(&secrets.present),
            format: self.format,
            interest: self.interest.clone(),
            enabled: true,
            disabled_reason: None,
            old_secret_until: None,
            created_at: now,
            told_from: now,
            updated_at: now,
            removed_at: None,
        }
    }
}

fn check_url(fields: &mut Fields, url: &str, check: impl Fn(&str) -> Result<(), String>) {
    if !url.is_empty()
        && let Err(msg) = check(url)
    {
        fields.reject("url", "url_parsing", msg);
    }
}

/// What is wrong with a secret is said without it.
fn check_secret(fields: &mut Fields, secret: Option<&str>) {
    let Some(secret) = secret else { return };
    if !SECRET.contains(&secret.len()) || !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
        let msg = "A secret has 16 to 200 letters, digits and signs of ASCII, without spaces; leave it \
                   out, and the server makes one";
        fields.reject("secret", "string_pattern_mismatch", msg);
    }
}

/// A webhook with some of its fields replaced, and its address if that changes.
pub struct Patched {
    /// The webhook.
    pub webhook: Webhook,
    /// Its new address.
    pub url: Option<String>,
}

impl Webhook {
    /// The webhook with some of its fields replaced.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] with every field that is wrong or unknown.
    pub fn patched(
        &self,
        changes: Map<String, Value>,
        check: impl Fn(&str) -> Result<(), String>,
        now: i64,
    ) -> Result<Patched, Refusal> {
        let mut fields = Fields::of(changes, vec!["body".to_owned()]);
        let mut webhook = self.clone();
        if fields.contains("name") {
            webhook.name = fields.text("name", MAX_NAME);
        }
        fields.refuse_empty();
        let url = fields.text("url", MAX_TEXT);
        if let Some(url) = &url {
            check_url(&mut fields, url, check);
            webhook.address = fingerprint(url);
        }
        if let Some(format) = fields.choice("format", &Format::WORDS) {
            if self.format == Format::Email {
                let msg = "It sends e-mail, which has one form";
                fields.reject("format", "value_error", msg);
            }
            webhook.format = format;
        }
        if let Some(enabled) = fields.boolean("enabled") {
            if enabled && !webhook.enabled {
                webhook.told_from = now;
            }
            webhook.enabled = enabled;
            webhook.disabled_reason = None;
        }
        webhook.interest.read(&mut fields);
        fields.refuse_unread();
        fields.finish()?;
        webhook.updated_at = now;
        Ok(Patched { webhook, url })
    }

    /// The webhook with another secret. Deliveries are signed with the one before, too, for so long.
    pub fn rotated(&self, secrets: &Secrets, overlap: i64, now: i64) -> Webhook {
        Webhook {
            secret: fingerprint(&secrets.present),
            old_secret_until: secrets.old.as_ref().map(|_| now + overlap),
            updated_at: now,
            ..self.clone()
        }
    }

    /// The webhook switched off by the server.
    pub fn disabled(&self, reason: String, now: i64) -> Webhook {
        Webhook {
            enabled: false,
            disabled_reason: Some(reason),
            updated_at: now,
            ..self.clone()
        }
    }

    /// What people call it.
    pub fn called(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.host)
    }

    /// Whether it is told.
    pub fn is_told(&self) -> bool {
        self.enabled && self.removed_at.is_none()
    }

    /// What deliveries are signed with now, the newest first.
    pub fn signs_with<'a>(&self, secrets: &'a Secrets, now: i64) -> Vec<&'a str> {
        let old = secrets.old.as_deref();
        let old = old.filter(|_| self.old_secret_until.is_some_and(|until| now < until));
        std::iter::once(secrets.present.as_str())
            .chain(old)
            .collect()
    }

    /// The webhook as the API shows it.
    pub fn to_json(&self, url: Option<&str>, failing_since: Option<i64>) -> Value {
        json!({
            "id": self.id,
            "name": self.name,
            "url": url,
            "host": self.host,
            "format": self.format,
            "events": self.interest.events,
            "products": self.interest.products,
            "environments": self.interest.environments,
            "statuses": self.interest.statuses,
            "enabled": self.enabled,
            "disabled_reason": self.disabled_reason,
            "failing_since": failing_since.map(rfc3339),
            "old_secret_until": self.old_secret_until.map(rfc3339),
            "created_at": rfc3339(self.created_at),
            "updated_at": rfc3339(self.updated_at),
        })
    }
}

/// One attempt to deliver something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The row of the queue.
    pub item_id: String,
    /// When it ended, in microseconds since 1970.
    pub at: i64,
    /// How long it took, in milliseconds.
    pub millis: i64,
    /// What was answered, if anything was.
    pub status: Option<i64>,
    /// What went wrong, if anything did.
    pub error: Option<String>,
    /// The beginning of the answer.
    pub answer: Option<String>,
}

impl Attempt {
    /// The attempt as the API shows it.
    pub fn to_json(&self) -> Value {
        json!({
            "at": rfc3339(self.at),
            "duration_ms": self.millis,
            "status": self.status,
            "error": self.error,
            "answer": self.answer,
        })
    }
}

/// What an attempt to deliver something says of its webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryOutcome {
    /// Nothing: it was a test.
    Test,
    /// It works.
    Delivered,
    /// It does not work now.
    Failed,
    /// Its receiver is there no more.
    Gone,
}

/// When to try again after so many attempts, the receiver having asked to wait so long; never if there
/// were enough. `spread` is a number that is another for each delivery: what failed together does not
/// come again together.
pub fn next_attempt(attempts: i64, wish: Option<i64>, spread: u64, now: i64) -> Option<i64> {
    let index = usize::try_from(attempts - 1).unwrap_or(0);
    let pause = PAUSES.get(index)?;
    // Up to a tenth more.
    let share = i64::try_from(spread % 1000).unwrap_or(0);
    let pause = pause + pause / 10 * share / 1000;
    Some(now + pause.max(wish.unwrap_or(0).min(LONGEST_WISH)))
}

/// How long a receiver asks to wait in `Retry-After`, in microseconds: seconds, or a time of HTTP.
pub fn wish(header: &str, now: i64) -> Option<i64> {
    let header = header.trim();
    if !header.is_empty() && header.bytes().all(|byte| byte.is_ascii_digit()) {
        let seconds = header.parse::<i64>().unwrap_or(i64::MAX);
        return Some(seconds.saturating_mul(SECOND).min(LONGEST_WISH));
    }
    let at = jiff::fmt::rfc2822::parse(header).ok()?.timestamp();
    let wait = at.as_microsecond().saturating_sub(now);
    Some(wait.clamp(0, LONGEST_WISH))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_come_after_these_pauses_and_then_no_more() {
        let pause = |attempts, spread| next_attempt(attempts, None, spread, 0);
        for (attempts, pause_of) in (1..).zip(PAUSES) {
            assert_eq!(pause(attempts, 0), Some(pause_of));
            let most = pause(attempts, 999).unwrap();
            assert!(
                most > pause_of && most <= pause_of + pause_of / 10,
                "{most}"
            );
        }
        assert_eq!(pause(10, 0), None);
    }

    #[test]
    fn a_receiver_may_ask_to_wait_longer_and_not_for_ever() {
        let at = |attempts, wish| next_attempt(attempts, Some(wish), 0, 0).unwrap();
        assert_eq!(at(1, 60 * SECOND), 60 * SECOND);
        assert_eq!(at(2, SECOND), 5 * MINUTE, "never sooner than otherwise");
        assert_eq!(at(1, i64::MAX), 24 * HOUR);
    }

    #[test]
    fn an_odd_wish_is_none() {
        let now = 1_763_553_600 * SECOND; // 2025-11-19T12:00:00Z
        for (header, expected) in [
            ("120", Some(120 * SECOND)),
            (" 0 ", Some(0)),
            ("99999999999999999999", Some(24 * HOUR)),
            ("Wed, 19 Nov 2025 12:02:00 GMT", Some(120 * SECOND)),
            ("Wed, 19 Nov 2025 11:00:00 GMT", Some(0)),
            ("Tue, 31 Dec 2999 23:59:59 GMT", Some(24 * HOUR)),
            ("-5", None),
            ("1.5", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(wish(header, now), expected, "{header:?}");
        }
    }

    #[test]
    fn secrets_show_nowhere() {
        let secrets = Secrets {
            url: "https://example.com/s3cret".to_owned(),
            present: "whsec_s3cret".to_owned(),
            old: Some("s3cret".to_owned()),
        };
        let refused = |body| match NewWebhook::read(body, |_| Err("it is none".to_owned())) {
            Err(refusal) => format!("{refusal:?}"),
            Ok(new) => panic!("{new:?}"),
        };
        let body = json!({ "url": "x", "secret": "short s3cret" });
        let shown = refused(body) + &format!("{secrets:?}");
        assert!(!shown.contains("s3cret"), "{shown}");
        let body = json!({ "url": "https://e.com/s3cret", "secret": "a-long-s3cret-of-mine" });
        let new = NewWebhook::read(body, |_| Ok(())).unwrap();
        let shown = format!("{new:?}");
        assert!(!shown.contains("s3cret"), "{shown}");
    }
}
