//! What is said to jobs that wait: from the queue, until GitHub has taken it.

use futures_util::future::BoxFuture;

use super::client::{Client, GithubError};
use crate::domain::gate::{Asked, Said, Word};
use crate::domain::queue::{End, Item, Kind};
use crate::domain::source::Source;
use crate::jobs::queue::{Ending, Handler, Place};
use crate::store::StoreError;
use crate::store::flow::{Command, GateCommand, Step};
use crate::store::transaction::Envelope;

const SECOND: i64 = 1_000_000;
/// When a job asks again that could not be told that it may go on.
const AGAIN: i64 = 3600 * SECOND;

/// Says to jobs what became of their asking.
pub struct Answers;

impl Handler for Answers {
    fn kind(&self) -> Kind {
        Kind::Answer
    }

    fn at_once_of_topic(&self) -> Option<usize> {
        Some(8)
    }

    fn handle<'a>(&'a self, place: &'a Place, item: &'a Item) -> BoxFuture<'a, Ending> {
        Box::pin(async move {
            match handle(place, item).await {
                Ok(ending) => ending,
                Err(error) => {
                    tracing::warn!(row = %item.id, %error, "GitHub is told later");
                    let reason = "the database did not answer".to_owned();
                    End::after_failure(item.attempts, place.app.now(), reason).into()
                }
            }
        })
    }
}

async fn handle(place: &Place, item: &Item) -> Result<Ending, StoreError> {
    let (asked, said) = Asked::of_said(item)?;
    let found = place.account.source(item.topic.clone()).await?;
    let Some(source) = found.filter(|source| source.removed_at.is_none()) else {
        let reason = "its source was removed".to_owned();
        return Ok(lost(place, &asked, &said, reason, None));
    };
    let sent = match Client::of(place, &source).await {
        Ok(client) => client.say(&said.callback, item.body.clone()).await,
        Err(error) => Err(error),
    };
    let error = match sent {
        Ok(()) => return Ok(End::Done(Some(said.word.as_str().to_owned())).into()),
        Err(error) => error,
    };
    let now = place.app.now();
    let reason = error.to_string();
    Ok(match error {
        // It stands already, by an attempt whose answer was lost or by somebody at GitHub; or the run is over.
        GithubError::Refused(_) if said.word == Word::Approved => {
            match run_is_over(place, &source, &said).await {
                Some(true) => lost(place, &asked, &said, reason, None),
                Some(false) => End::Ignored(reason).into(),
                None => again(place, item, (&asked, &said), reason),
            }
        }
        GithubError::Refused(_) => End::Ignored(reason).into(),
        GithubError::Gone(_) => lost(place, &asked, &said, reason, None),
        GithubError::Limited(pause) => match again(place, item, (&asked, &said), reason) {
            Ending {
                end: End::Again(at, reason),
                steps,
            } => Ending {
                end: End::Again(at.max(now + pause), reason),
                steps,
            },
            ending => ending,
        },
        _ => again(place, item, (&asked, &said), reason),
    })
}

/// Whether the run is over; `None` if that cannot be known now.
async fn run_is_over(place: &Place, source: &Source, said: &Said) -> Option<bool> {
    let client = Client::of(place, source).await.ok()?;
    match client.run(&said.callback).await {
        Ok(Some(run)) => Some(run["status"] == "completed"),
        // The app may not know: then its end is told, or it expires.
        Ok(None) => Some(false),
        Err(GithubError::Gone(_)) => Some(true),
        Err(_) => None,
    }
}

/// Another attempt after a pause. After the last one the slot is free, and the job asks again later.
fn again(place: &Place, item: &Item, (asked, said): (&Asked, &Said), reason: String) -> Ending {
    let now = place.app.now();
    match End::after_failure(item.attempts, now, reason) {
        End::Dead(reason) => lost(place, asked, said, reason, Some(now + AGAIN)),
        end => end.into(),
    }
}

/// It cannot be said. Whoever was to go on gives the slot back.
fn lost(
    place: &Place,
    asked: &Asked,
    said: &Said,
    reason: String,
    again_at: Option<i64>,
) -> Ending {
    let mut steps = Vec::new();
    if let (Word::Approved, Some(id)) = (said.word, &said.deployment_id) {
        let command = GateCommand::GiveBack {
            asked: Box::new(asked.clone()),
            deployment_id: id.clone(),
            as_of: said.as_of,
            reason: format!("GitHub could not be told that it may start: {reason}"),
            again_at,
        };
        steps.push(Step {
            envelope: Envelope::new(asked.actor(), place.app.now()),
            command: Command::Gate(command),
        });
    }
    Ending {
        end: End::Dead(reason),
        steps,
    }
}
