//! Delivers to webhooks.

use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderName, HeaderValue, Request, StatusCode};
use futures_util::future::BoxFuture;
use lettre::Address;
use serde_json::Value;
use sha2::{Digest, Sha256};
use url::Url;

use super::mail::{MailError, Recipients};
use super::make::{NO_MAIL, check_url};
use super::{VIA, open, sign};
use crate::api::App;
use crate::domain::news::TEST;
use crate::domain::people::{Identity, IdentityKind};
use crate::domain::queue::{End, Item, Kind};
use crate::domain::rules::ApprovalKind;
use crate::domain::webhook::{
    Attempt, DeliveryOutcome, Format, PAUSES, Secrets, next_attempt, wish,
};
use crate::jobs::queue::{Ending, Handler, Place};
use crate::outgoing::{Answer, Outgoing, OutgoingError, Terms, Wanted};
use crate::store::flow::{Command, Step, WebhookCommand};
use crate::store::transaction::Envelope;
use crate::store::{Kept, StoreError};

const SECOND: i64 = 1_000_000;
/// How long a receiver may take.
const TIME: Duration = Duration::from_secs(15);
/// How many deliveries of one webhook are under way at once.
const AT_ONCE: usize = 8;

/// Delivers to webhooks.
pub struct Deliver;

impl Deliver {
    async fn deliver(&self, place: &Place, item: &Item) -> Ending {
        let now = place.app.now();
        let found = match place.account.webhook(item.topic.clone()).await {
            Ok(found) => found,
            Err(error) => return End::after_failure(item.attempts, now, error.to_string()).into(),
        };
        let Some(kept) = found.filter(|kept| kept.webhook.removed_at.is_none()) else {
            return End::Ignored("The webhook was removed".to_owned()).into();
        };
        let is_test = item.head.get("event").is_some_and(|event| event == TEST);
        if !kept.webhook.enabled && !is_test {
            return End::Dead("The webhook is switched off".to_owned()).into();
        }
        let keeper = place.app.secrets();
        let secrets = keeper.and_then(|keeper| open(keeper, &kept.webhook, &kept.sealed));
        let secrets = match secrets {
            Ok(secrets) => secrets,
            Err(error) => return End::after_failure(item.attempts, now, error.to_string()).into(),
        };
        let begun = Instant::now();
        let sent = match kept.webhook.format {
            Format::Email => mail(place, item, &secrets).await,
            _ => {
                let answered = send(&place.app, item, &kept, &secrets, now).await;
                Sent::of(answered, now)
            }
        };
        let millis = i64::try_from(begun.elapsed().as_millis()).unwrap_or(i64::MAX);
        ending(place, item, &kept, sent, millis)
    }
}

impl Handler for Deliver {
    fn kind(&self) -> Kind {
        Kind::Webhook
    }

    fn at_once(&self) -> usize {
        64
    }

    fn at_once_of_topic(&self) -> Option<usize> {
        Some(AT_ONCE)
    }

    fn handle<'a>(&'a self, place: &'a Place, item: &'a Item) -> BoxFuture<'a, Ending> {
        Box::pin(self.deliver(place, item))
    }
}

impl App {
    /// Says what is wrong with the address of a webhook.
    pub(crate) fn check_webhook(&self, text: &str) -> Result<(), String> {
        let own = |url: &Url| own_address(self, url);
        check_url(text, own, self.mailer.is_some())
    }
}

/// Whether an address is the server's own: it would tell itself what it told itself.
fn own_address(app: &App, url: &Url) -> bool {
    let own = app.reach.public_url.as_ref();
    let own = own.and_then(|own| Url::parse(&own.to_string()).ok());
    own.is_some_and(|own| own.origin() == url.origin())
}

async fn send(
    app: &App,
    item: &Item,
    kept: &Kept,
    secrets: &Secrets,
    now: i64,
) -> Result<Answer, OutgoingError> {
    let url = Outgoing::read_url(&secrets.url)?;
    if own_address(app, &url) {
        return Err(OutgoingError::Url("it is this server's own"));
    }
    let signs_with = kept.webhook.signs_with(secrets, now);
    let seconds = now / SECOND;
    let text = |name: &str| item.head.get(name).and_then(|value| value.as_str());
    let via = match text("via") {
        Some(before) => format!("{before}, {}", kept.webhook.id),
        None => kept.webhook.id.clone(),
    };
    let mut headers = vec![
        ("webhook-id", item.id.clone()),
        ("webhook-timestamp", seconds.to_string()),
        (
            "webhook-signature",
            sign::standard(&signs_with, &item.id, seconds, &item.body),
        ),
        (
            "x-versioner-event",
            text("called").unwrap_or_default().to_owned(),
        ),
        (
            "x-versioner-signature",
            sign::versioner(&secrets.present, &item.body),
        ),
        (CONTENT_TYPE.as_str(), "application/json".to_owned()),
        (VIA, via),
    ];
    let attributes = item
        .head
        .get("attributes")
        .and_then(|value| value.as_object());
    for (name, value) in attributes.into_iter().flatten() {
        let name = match name.as_str() {
            "ce-specversion" => "ce-specversion",
            "ce-id" => "ce-id",
            "ce-source" => "ce-source",
            "ce-type" => "ce-type",
            "ce-time" => "ce-time",
            _ => continue,
        };
        headers.push((name, value.as_str().unwrap_or_default().to_owned()));
    }
    let mut request = Request::post(url.as_str())
        .body(Bytes::from(item.body.clone()))
        .map_err(|_| OutgoingError::Url("it has something that no request can have"))?;
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            let name = HeaderName::from_static(name);
            request.headers_mut().insert(name, value);
        }
    }
    let terms = Terms {
        time: TIME,
        wanted: Wanted::Beginning,
        named: None,
    };
    app.outgoing.send(request, terms).await
}

/// What became of an attempt.
#[derive(Debug, Default)]
struct Sent {
    /// What was answered, if anything was.
    status: Option<u16>,
    /// The beginning of the answer.
    answer: Option<String>,
    /// How long the receiver asks to wait.
    wish: Option<i64>,
    /// What went wrong, if anything did.
    failure: Option<String>,
    /// Whether it is no use to try this again.
    for_good: bool,
    /// Whether the receiver is there no more.
    gone: bool,
}

impl Sent {
    fn of(answered: Result<Answer, OutgoingError>, now: i64) -> Sent {
        let answer = match answered {
            Ok(answer) => answer,
            Err(error) => {
                return Sent {
                    failure: Some(error.to_string()),
                    ..Sent::default()
                };
            }
        };
        let status = answer.status;
        let header = answer.headers.get(RETRY_AFTER);
        let header = header.and_then(|value| value.to_str().ok());
        let failure = match status {
            status if status.is_success() => None,
            status if status.is_redirection() => Some(format!(
                "It answers {status}, and redirects are not followed"
            )),
            status => Some(format!("It answers {status}")),
        };
        Sent {
            status: Some(status.as_u16()),
            answer: answer.excerpt(),
            wish: header.and_then(|header| wish(header, now)),
            failure,
            for_good: false,
            gone: status == StatusCode::GONE,
        }
    }
}

/// Sends an e-mail.
async fn mail(place: &Place, item: &Item, secrets: &Secrets) -> Sent {
    let failed = |failure: String, for_good| Sent {
        failure: Some(failure),
        for_good,
        ..Sent::default()
    };
    let Some(mailer) = &place.app.mailer else {
        return failed(NO_MAIL.to_owned(), false);
    };
    let to = match Recipients::read(&secrets.url) {
        Ok(Recipients::Addresses(addresses)) => addresses,
        Ok(Recipients::Approvers) => match approvers(place, item).await {
            Ok(addresses) => addresses,
            Err(error) => return failed(error.to_string(), false),
        },
        Err(error) => return failed(error, true),
    };
    if to.is_empty() {
        let msg = "Nobody who can say yes has an e-mail address here";
        return failed(msg.to_owned(), true);
    }
    let letter: Value = serde_json::from_slice(&item.body).unwrap_or_default();
    match mailer.send(&item.id, &to, &letter).await {
        Ok(()) => Sent {
            status: Some(250),
            ..Sent::default()
        },
        Err(error) => {
            let (code, for_good) = match &error {
                MailError::Refused { code, for_good, .. } => (*code, *for_good),
                MailError::Message(_) => (None, true),
            };
            Sent {
                status: code,
                ..failed(error.to_string(), for_good)
            }
        }
    }
}

/// The addresses of everybody who can give what waits; of whoever can give anything, for a test.
async fn approvers(place: &Place, item: &Item) -> Result<Vec<Address>, StoreError> {
    let wanted = item.head.get("approval").and_then(Value::as_str);
    let wanted = wanted.and_then(ApprovalKind::parse);
    let kinds = match &wanted {
        Some(kind) => std::slice::from_ref(kind),
        None => &[ApprovalKind::Release, ApprovalKind::Quality],
    };
    let people = place.account.people().await?;
    let may = people
        .iter()
        .filter(|known| kinds.iter().any(|kind| known.person.may_give(*kind)));
    let emails = may.filter_map(|known| {
        let email = |one: &&Identity| one.kind == IdentityKind::Email;
        known.identities.iter().find(email)?.value.parse().ok()
    });
    Ok(emails.collect())
}

/// How the attempt ends, and what is noted of it. Whether that is too much for the webhook is judged where
/// it is written, and ends the row then: others are delivered meanwhile, and people change webhooks.
fn ending(place: &Place, item: &Item, kept: &Kept, sent: Sent, millis: i64) -> Ending {
    let now = place.app.now();
    let is_test = item.head.get("event").is_some_and(|event| event == TEST);
    let outcome = match &sent {
        _ if is_test => DeliveryOutcome::Test,
        Sent { failure: None, .. } => DeliveryOutcome::Delivered,
        Sent { gone: true, .. } => DeliveryOutcome::Gone,
        _ => DeliveryOutcome::Failed,
    };
    let attempt = Attempt {
        item_id: item.id.clone(),
        at: now,
        millis,
        status: sent.status.map(i64::from),
        error: sent.failure.clone(),
        answer: sent.answer,
    };
    let command = WebhookCommand::Attempted {
        id: item.topic.clone(),
        of: (kept.sealed.clone(), kept.webhook.updated_at),
        attempt,
        outcome,
    };
    let steps = vec![Step {
        envelope: Envelope::of_server(now),
        command: Command::Webhook(command),
    }];
    let counted = match &sent.failure {
        None => "delivered",
        Some(_) => "failed",
    };
    metrics::counter!("versioner_deliveries_total", "outcome" => counted).increment(1);
    let end = match sent.failure {
        None => End::Done(Some(
            sent.status
                .map_or_else(String::new, |status| status.to_string()),
        )),
        Some(failure) if is_test || sent.for_good => End::Dead(failure),
        // If its address is still the same, the webhook is switched off; or else the new one gets it soon.
        Some(failure) if sent.gone => End::Again(now + PAUSES[0], failure),
        Some(failure) => match next_attempt(item.attempts, sent.wish, spread(item), now) {
            Some(at) => End::Again(at, failure),
            None => End::Dead(failure),
        },
    };
    Ending { end, steps }
}

/// A number that is another for each delivery.
fn spread(item: &Item) -> u64 {
    let hash = Sha256::digest(&item.id);
    let start = hash.iter().take(4);
    start.fold(0, |all, byte| all * 256 + u64::from(*byte))
}
