//! Jobs at GitHub that wait for a verdict: one transaction judges, takes the slot, and puts into the queue
//! what is said to the job, or when it asks again.

use serde_json::{Value, json};

use super::deployment::{ask, name_version, preflight};
use super::{Outcome, finish};
use crate::domain::answer::{Answer, Refusal, Verdict};
use crate::domain::deployment::{self, EndedBy, Request, Row, State};
use crate::domain::gate::{Asked, Word, plain, refused};
use crate::store::StoreError;
use crate::store::transaction::{Envelope, Transaction};

const SECOND: i64 = 1_000_000;

/// What happens to a job that waits.
#[derive(Debug)]
pub enum GateCommand {
    /// Somebody looks whether it would be allowed. Nothing is recorded.
    Look(Box<Asked>),
    /// It asks.
    Ask(Box<Asked>),
    /// Nobody can let it go on any more, for this reason.
    Reject(Box<Asked>, String),
    /// It could not be told that it may go on: its slot is free, unless something was heard of it since.
    GiveBack {
        /// The job.
        asked: Box<Asked>,
        /// Its deployment.
        deployment_id: String,
        /// When that had changed last.
        as_of: i64,
        /// Why.
        reason: String,
        /// When it asks again, if there is any use in it.
        again_at: Option<i64>,
    },
}

/// Does what the command says.
pub async fn gate<T: Transaction>(
    transaction: &mut T,
    envelope: &Envelope,
    command: &GateCommand,
) -> Result<Outcome, StoreError> {
    match command {
        GateCommand::Look(asked) => look(transaction, envelope, asked).await,
        GateCommand::Ask(asked) => judge(transaction, envelope, asked).await,
        GateCommand::Reject(asked, reason) => reject(transaction, envelope, asked, reason).await,
        GateCommand::GiveBack {
            asked,
            deployment_id,
            as_of,
            reason,
            again_at,
        } => {
            let now = envelope.now;
            if !give_back(
                transaction,
                envelope,
                asked,
                (deployment_id, *as_of),
                reason,
            )
            .await?
            {
                return Ok(done(Some(deployment_id)));
            }
            if let Some(at) = again_at {
                let wait = asked.wait.again();
                let item = wait.item(&asked.source_id, &asked.event, *at);
                transaction.enqueue(&item, now).await?;
            }
            Ok(done(Some(deployment_id)))
        }
    }
}

fn done(id: Option<&str>) -> Outcome {
    Outcome::Done(Answer::new(200, &json!({ "id": id })))
}

async fn look<T: Transaction>(
    transaction: &mut T,
    envelope: &Envelope,
    asked: &Asked,
) -> Result<Outcome, StoreError> {
    let mut ended = Value::Null;
    if let Some(id) = &asked.wait.deployment_id
        && let Some((row, _)) = transaction.deployment(id).await?
        && row.state.is_end()
    {
        ended = json!({ "by": row.ended_by.as_ref().and_then(by_person) });
    }
    let request = match asked.request() {
        Ok(request) => request,
        Err(refusal) => return Ok(Outcome::Refused(refusal)),
    };
    let mut verdict = preflight(transaction, &request, envelope.now).await?;
    verdict.body["ended"] = ended;
    Ok(Outcome::Looked(Box::new(verdict)))
}

/// Why somebody has ended it.
fn by_person(by: &EndedBy) -> Option<String> {
    match by {
        EndedBy::Request { reason, .. } => Some(reason.clone()),
        _ => None,
    }
}

async fn judge<T: Transaction>(
    transaction: &mut T,
    envelope: &Envelope,
    asked: &Asked,
) -> Result<Outcome, StoreError> {
    let mut asked = asked.clone();
    let mut request = match asked.request() {
        Ok(request) => request,
        Err(refusal) => return reject(transaction, envelope, &asked, &refusal.sentence()).await,
    };
    if asked.wait.deployment_id.is_none() {
        name_version(transaction, &mut request).await?;
        // It stays so, whatever is built from the commit meanwhile.
        asked.event["version"] = request.event.version.clone().into();
    }
    let (decision, verdict) = match ask(transaction, &request, envelope.now).await? {
        Ok(judged) => judged,
        Err(Refusal::TooMany { retry_after, .. }) => {
            let pause = i64::try_from(retry_after)
                .unwrap_or(60)
                .saturating_mul(SECOND);
            return ask_again(transaction, envelope, asked, envelope.now + pause).await;
        }
        Err(refusal) if is_over(&refusal) => return Ok(done(None)),
        Err(refusal) => return reject(transaction, envelope, &asked, &refusal.sentence()).await,
    };
    let (answer, id) = (decision.answer.clone(), decision.subject.clone());
    finish(transaction, envelope, Ok(decision)).await?;
    let Some(id) = id else {
        return Ok(done(None));
    };
    let row = transaction.deployment(&id).await?.map(|(row, _)| row);
    let Some(row) = row.filter(|row| !row.state.is_end()) else {
        return Ok(done(Some(&id)));
    };
    asked.wait.deployment_id = Some(id);
    tell(transaction, envelope, asked, (&row, &answer), verdict).await
}

/// Puts into the queue what follows from what was decided.
async fn tell<T: Transaction>(
    transaction: &mut T,
    envelope: &Envelope,
    mut asked: Asked,
    (row, answer): (&Row, &Answer),
    verdict: Option<Verdict>,
) -> Result<Outcome, StoreError> {
    let of = Some((row.id.as_str(), row.updated_at));
    if answer.status < 400 {
        let said = asked.say(Word::Approved, &asked.allowed(&row.id), of);
        transaction.enqueue(&said, envelope.now).await?;
        return Ok(done(Some(&row.id)));
    }
    if let Some(who) = verdict.as_ref().and_then(refused) {
        return reject(transaction, envelope, &asked, &who).await;
    }
    if asked.may_note() {
        let body: Value = serde_json::from_str(&answer.body)?;
        let message = body["message"].as_str().unwrap_or_default();
        let text = asked.held(message, body["retry_after"].as_str(), &row.id);
        transaction
            .enqueue(&asked.say(Word::Note, &text, of), envelope.now)
            .await?;
    }
    asked.wait.held_by = verdict.map(|verdict| verdict.held_by).unwrap_or_default();
    ask_again(transaction, envelope, asked, envelope.now).await
}

async fn ask_again<T: Transaction>(
    transaction: &mut T,
    envelope: &Envelope,
    mut asked: Asked,
    at: i64,
) -> Result<Outcome, StoreError> {
    asked.wait.asks += 1;
    let item = asked.wait.item(&asked.source_id, &asked.event, at);
    transaction.enqueue(&item, envelope.now).await?;
    Ok(done(asked.wait.deployment_id.as_deref()))
}

async fn reject<T: Transaction>(
    transaction: &mut T,
    envelope: &Envelope,
    asked: &Asked,
    reason: &str,
) -> Result<Outcome, StoreError> {
    let id = asked.wait.deployment_id.as_deref();
    let said = asked.say(Word::Rejected, &plain(reason), id.map(|id| (id, 0)));
    transaction.enqueue(&said, envelope.now).await?;
    Ok(done(id))
}

/// Whether its deployment has ended meanwhile.
fn is_over(refusal: &Refusal) -> bool {
    match refusal {
        Refusal::Invalid(errors) => errors.iter().any(|error| error.kind == "span_ended"),
        _ => false,
    }
}

/// Ends what was let go on and never heard of it; whether there was something to end.
async fn give_back<T: Transaction>(
    transaction: &mut T,
    envelope: &Envelope,
    asked: &Asked,
    (id, as_of): (&str, i64),
    reason: &str,
) -> Result<bool, StoreError> {
    let Some((row, cell)) = transaction.deployment(id).await? else {
        return Ok(false);
    };
    if row.state != State::Started || row.updated_at != as_of {
        return Ok(false);
    }
    let now = transaction.now(envelope.now);
    let open = row.parts.values().filter(|end| end.is_none()).count();
    if open <= 1 {
        let decided = deployment::abort(&row, &cell, &envelope.actor, reason, now);
        if let Ok(decision) = decided {
            finish(transaction, envelope, Ok(decision)).await?;
        }
        return Ok(true);
    }
    // Others of its run go on in the same place.
    let mut aborted = asked.clone();
    aborted.event["status"] = "aborted".into();
    let request: Request = match aborted.request() {
        Ok(request) => request,
        Err(_) => return Ok(false),
    };
    if let Ok(decision) = super::deployment::record(transaction, &request, now).await? {
        finish(transaction, envelope, Ok(decision)).await?;
    }
    Ok(true)
}
