//! One event as the outbox keeps it: what was sent, to whom and when. It holds no key.

use std::time::SystemTime;

use ring::hmac;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::input::text::time;
use crate::model::event::EventKind;
use crate::model::failure::Failure;
use crate::model::kind::Kind;
use crate::model::secret::Secret;
use crate::send::attempts::Message;
use crate::send::wire::Wire;

/// The newest form that is read, and the one that is written.
const VERSION: u32 = 1;

const SALT_BYTES: usize = 16;

/// An event that waits for its delivery.
#[derive(Debug)]
pub(super) struct Entry {
    pub wire: Wire,
    pub idempotency_key: String,
    /// The scoped deployment that it belongs to; empty if none.
    pub span: String,
    pub occurred_at: SystemTime,
    address: Address,
}

/// Why a text is no entry.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// It was written by a newer version of this library.
    Newer(u32),
    Damaged(String),
}

#[derive(Serialize, Deserialize)]
struct Written {
    v: u32,
    kind: EventKind,
    idempotency_key: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    span: String,
    occurred_at: String,
    #[serde(rename = "for")]
    address: Address,
    /// The event, byte for byte as it is sent.
    event: Box<RawValue>,
}

/// The service and the account that an event is for.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Address {
    api_url: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    account: String,
    /// Of a key that names no account: what shows that another one is the same, and no more.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    salt: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    key_hmac: String,
}

impl Entry {
    /// An event that `key` is for.
    ///
    /// # Errors
    /// If the system gives no random numbers.
    pub fn new(
        message: &Message<'_>,
        occurred_at: SystemTime,
        api_url: &str,
        key: &Secret,
    ) -> Result<Self, Failure> {
        Ok(Entry {
            wire: message.wire.clone(),
            idempotency_key: message.idempotency_key.to_owned(),
            span: message.span.to_owned(),
            occurred_at,
            address: Address::new(api_url, key)?,
        })
    }

    /// Writes it on one line.
    pub fn write(&self) -> Result<String, Failure> {
        let event = RawValue::from_string(self.wire.body.clone()).map_err(unwritable)?;
        let written = Written {
            v: VERSION,
            kind: self.wire.kind,
            idempotency_key: self.idempotency_key.clone(),
            span: self.span.clone(),
            occurred_at: time::write(self.occurred_at),
            address: self.address.clone(),
            event,
        };
        let mut text = serde_json::to_string(&written).map_err(unwritable)?;
        text.push('\n');
        Ok(text)
    }

    /// Reads what [`Entry::write`] wrote, in whatever process.
    pub fn read(text: &str) -> Result<Self, Unreadable> {
        #[derive(Deserialize)]
        struct Form {
            v: u32,
        }
        let damaged = |error: serde_json::Error| Unreadable::Damaged(error.to_string());
        let form: Form = serde_json::from_str(text).map_err(damaged)?;
        if form.v != VERSION {
            return Err(Unreadable::Newer(form.v));
        }
        let written: Written = serde_json::from_str(text).map_err(damaged)?;
        let not = |what: &str| Unreadable::Damaged(format!("{what} is not what one is"));
        let headers = [&written.idempotency_key, &written.span];
        // They become headers.
        if headers
            .iter()
            .any(|text| !text.bytes().all(|byte| byte.is_ascii_graphic()))
        {
            return Err(not("idempotency_key or span"));
        }
        let wire = Wire::read(written.kind, written.event.get());
        Ok(Entry {
            wire: wire.map_err(|failure| Unreadable::Damaged(failure.message))?,
            occurred_at: time::parse(&written.occurred_at).ok_or_else(|| not("occurred_at"))?,
            idempotency_key: written.idempotency_key,
            span: written.span,
            address: written.address,
        })
    }

    /// Whether it is for this service, and for the account of this key.
    pub fn is_for(&self, api_url: &str, key: &Secret) -> bool {
        self.address.api_url == api_url && self.address.is_of(key)
    }

    #[cfg(feature = "cli")]
    pub fn api_url(&self) -> &str {
        &self.address.api_url
    }

    /// Empty if its key names none.
    #[cfg(any(feature = "cli", test))]
    pub fn account(&self) -> &str {
        &self.address.account
    }
}

impl Address {
    fn new(api_url: &str, key: &Secret) -> Result<Self, Failure> {
        let mut address = Address {
            api_url: api_url.to_owned(),
            account: key.account().to_owned(),
            salt: String::new(),
            key_hmac: String::new(),
        };
        if address.account.is_empty() {
            let mut salt = [0; SALT_BYTES];
            getrandom::fill(&mut salt).map_err(|error| {
                let problem = format!("the system gives no random numbers: {error}");
                Failure::new(Kind::Internal, problem)
            })?;
            address.salt = hex(&salt);
            address.key_hmac = hmac_of(&address.salt, key);
        }
        Ok(address)
    }

    fn is_of(&self, key: &Secret) -> bool {
        match self.account.as_str() {
            "" => !self.salt.is_empty() && self.key_hmac == hmac_of(&self.salt, key),
            account => account == key.account(),
        }
    }
}

fn hmac_of(salt: &str, key: &Secret) -> String {
    let salt = hmac::Key::new(hmac::HMAC_SHA256, salt.as_bytes());
    hex(hmac::sign(&salt, key.reveal().as_bytes()).as_ref())
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unwritable(error: serde_json::Error) -> Failure {
    let problem = format!("the event cannot be written for the outbox: {error}");
    Failure::new(Kind::Internal, problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str =
        r#"{"product_name":"api","version":"1","status":"completed","extra_metadata":{"n":1.50}}"#;

    fn entry(key: &str) -> Entry {
        let message = Message {
            wire: &Wire::read(EventKind::Build, BODY).expect("a body"),
            idempotency_key: "k",
            span: "",
            sent_before: None,
            occurred_at: None,
        };
        let url = "https://api.example";
        Entry::new(&message, SystemTime::UNIX_EPOCH, url, &Secret::new(key)).expect("an entry")
    }

    #[test]
    fn an_event_is_read_byte_for_byte_as_it_was_sent() {
        let text = entry("sk_acme_k1_secret").write().expect("a text");
        let read = Entry::read(&text).expect("an entry");
        assert_eq!(read.wire.body, BODY);
        assert_eq!(read.idempotency_key, "k");
        assert_eq!(read.account(), "acme");
    }

    #[test]
    fn only_a_client_of_the_service_and_the_account_delivers_it() {
        let url = "https://api.example";
        for (key, others) in [
            ("sk_acme_k1_secret", ["sk_other_k1_secret", "secret"]),
            ("an-odd-key", ["another-odd-key", "sk_acme_k1_secret"]),
        ] {
            let text = entry(key).write().expect("a text");
            assert!(
                !text.contains("secret") && !text.contains("an-odd-key"),
                "{text}"
            );
            let read = Entry::read(&text).expect("an entry");
            assert!(read.is_for(url, &Secret::new(key)));
            assert!(!read.is_for("https://api.example/other", &Secret::new(key)));
            for other in others {
                assert!(!read.is_for(url, &Secret::new(other)), "{key} and {other}");
            }
        }
        let rotated = Secret::new("sk_acme_k2_other");
        assert!(entry("sk_acme_k1_secret").is_for(url, &rotated));
    }

    #[test]
    fn what_is_no_entry_is_damaged_and_what_is_newer_is_not() {
        let text = entry("sk_acme_k1_secret").write().expect("a text");
        for broken in [
            "",
            "{}",
            &text[..text.len() / 2],
            &text.replace("\"k\"", "\"k\\r\\nEvil: yes\""),
            &text.replace("1970", "x"),
        ] {
            let read = Entry::read(broken).expect_err("no entry");
            assert!(matches!(read, Unreadable::Damaged(_)), "{broken}");
        }
        let newer = text.replace("\"v\":1", "\"v\":2");
        assert_eq!(Entry::read(&newer).err(), Some(Unreadable::Newer(2)));
    }
}
