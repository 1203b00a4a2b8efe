//! What others have sent becomes events of ours.

use futures_util::future::BoxFuture;
use serde_json::{Map, Value, json};

use super::queue::{Ending, Handler, Place};
use crate::announce::VIA;
use crate::domain::answer::Refusal;
use crate::domain::deployment::Request;
use crate::domain::event::{BuildEvent, DeploymentEvent};
use crate::domain::gate::Wait;
use crate::domain::mapping::{Delivery, Mapped, Told, map};
use crate::domain::queue::{End, Item, Kind};
use crate::domain::run_end::RunEnd;
use crate::domain::source::Source;
use crate::store::StoreError;
use crate::store::flow::{Command, QueueCommand, Step};
use crate::store::transaction::Envelope;

/// Does what others have sent.
pub struct Inbox;

impl Handler for Inbox {
    fn kind(&self) -> Kind {
        Kind::Inbox
    }

    fn at_once(&self) -> usize {
        64
    }

    fn handle<'a>(&'a self, place: &'a Place, item: &'a Item) -> BoxFuture<'a, Ending> {
        Box::pin(async move {
            match handle(place, item).await {
                Ok(ending) => ending,
                Err(error) => {
                    tracing::warn!(row = %item.id, %error, "what others have sent waits");
                    let reason = "the database did not answer".to_owned();
                    End::after_failure(item.attempts, place.app.now(), reason).into()
                }
            }
        })
    }
}

async fn handle(place: &Place, item: &Item) -> Result<Ending, StoreError> {
    let now = place.app.now();
    if let Some(end) = RunEnd::read(&item.head, item.created_at) {
        let step = Step {
            envelope: Envelope::new(actor(&item.topic), now),
            command: Command::EndRun(end),
        };
        return Ok(done(vec![step]));
    }
    let found = place.account.source(item.topic.clone()).await?;
    let Some(source) = found.filter(|source| source.removed_at.is_none()) else {
        return Ok(End::Dead("its source was removed".to_owned()).into());
    };
    let delivery = Delivery {
        headers: &item.head,
        body: &item.body,
    };
    let told = match map(source.kind, &source.settings, delivery) {
        Mapped::Events(told) => told,
        Mapped::Ignored(reason) => return Ok(End::Ignored(reason).into()),
        Mapped::Unreadable(reason) => return Ok(End::Dead(reason).into()),
    };
    let steps = told.into_iter().enumerate();
    let steps = steps.map(|(number, told)| step(&source, item, number, told, now));
    Ok(match steps.collect::<Result<Vec<_>, Refusal>>() {
        Ok(steps) => done(steps),
        Err(refusal) => End::Dead(refusal.sentence()).into(),
    })
}

fn done(steps: Vec<Step>) -> Ending {
    Ending {
        end: End::Done(None),
        steps,
    }
}

fn actor(source_id: &str) -> String {
    format!("source:{source_id}")
}

/// What is done for one thing that was told. What lies ahead by the sender's clock happened as it arrived.
fn step(
    source: &Source,
    item: &Item,
    number: usize,
    told: Told,
    now: i64,
) -> Result<Step, Refusal> {
    let moment = |at: Option<i64>| at.unwrap_or(item.created_at).min(item.created_at);
    let mut envelope = Envelope::new(actor(&source.id), now);
    envelope.request_id = Some(item.id.clone());
    let command = match told {
        Told::Deployment { body, at } => {
            let at = moment(at);
            envelope.occurred_at = Some(at);
            let event = DeploymentEvent::read(body)?;
            Command::Foreign(Box::new(Request {
                origin: event.origin(),
                event,
                span: None,
                has_key: false,
                actor: envelope.actor.clone(),
                owner: None,
                fingerprint: String::new(),
                occurred: Some(at),
                history: source.settings.evidence,
                foreign: true,
            }))
        }
        Told::Build { body, at } => {
            envelope.occurred_at = Some(moment(at));
            Command::Build(Box::new(BuildEvent::read(body)?))
        }
        Told::Asks { body, callback } => {
            // What is wrong with it is said now, and not to the job.
            DeploymentEvent::read(body.clone())?;
            let wait = Wait::new(callback, item.created_at);
            Command::Queue(QueueCommand::Add(wait.item(&source.id, &body, 0)))
        }
        Told::RunEnded { run, at } => {
            let end = RunEnd {
                run,
                at: moment(at),
            };
            let why = format!("{}:{number}", item.id);
            Command::Queue(QueueCommand::Add(end.look(&source.id, &why, now)))
        }
    };
    Ok(Step { envelope, command })
}

/// The headers that are kept: what says what it is, and nothing that proves who sent it.
const KEPT: [&str; 16] = [
    "content-type",
    "user-agent",
    "x-github-event",
    "x-github-delivery",
    "x-github-hook-id",
    "x-gitea-event",
    "x-gitea-delivery",
    "x-forgejo-event",
    "x-forgejo-delivery",
    "x-gitlab-event",
    "x-gitlab-event-uuid",
    "idempotency-key",
    "webhook-id",
    "webhook-timestamp",
    "gotk-component",
    VIA,
];
/// The longest that is kept, in bytes.
const MAX_HEADER: usize = 1024;

/// The headers of a request that are kept.
pub fn kept(headers: &axum::http::HeaderMap) -> Map<String, Value> {
    let mut kept = Map::new();
    for (name, value) in headers {
        let name = name.as_str();
        let text = value.to_str().ok().filter(|text| text.len() <= MAX_HEADER);
        if (KEPT.contains(&name) || name.starts_with("ce-")) && text.is_some() {
            kept.insert(name.to_owned(), json!(text));
        }
    }
    kept
}
