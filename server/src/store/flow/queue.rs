//! The queue: what waits to be done, who is at it, and how it ends.

use serde_json::{Value, json};

use super::{Command, Outcome, apply, finish};
use crate::domain::answer::Answer;
use crate::domain::change::{Change, Decision};
use crate::domain::queue::{End, Kind, NewItem, Retention, Which};
use crate::store::StoreError;
use crate::store::transaction::{Envelope, Transaction};

/// The setting that holds every queue.
pub const QUEUES_HELD: &str = "queues_held";

/// A command that is done in the transaction in which a row of the queue ends.
#[derive(Debug)]
pub struct Step {
    /// Who does it, and when.
    pub envelope: Envelope,
    /// The command.
    pub command: Command,
}

/// What happens to the queue.
#[derive(Debug)]
pub enum QueueCommand {
    /// Something new that is to be done. The answer is 202 with its `id`, and `new`.
    Add(NewItem),
    /// Somebody takes up what may be done.
    Claim {
        /// What is to be done.
        kind: Kind,
        /// What their claim is called; nobody else's is called so.
        lease: String,
        /// When somebody else may take it up.
        until: i64,
        /// The most rows.
        count: i64,
        /// Only of these topics, in this order, and of each so many; none for all of them.
        topics: Option<Vec<(String, i64)>>,
    },
    /// Somebody ends an attempt. Everything that follows from it is in the same transaction; if a step
    /// is refused, nothing of it is done and the row still waits.
    End {
        /// The row.
        id: String,
        /// What their claim is called.
        lease: String,
        /// How it ends.
        end: End,
        /// What else is done.
        steps: Vec<Step>,
    },
    /// What was taken up by a server that is no more waits again.
    GiveBack,
    /// Rows that have ended begin anew.
    Replay(Which),
    /// Rows are given up on.
    Drop(Which),
    /// Nothing is taken up any more, or again.
    Hold(bool),
    /// What ended long ago is forgotten.
    Forget(Retention),
}

impl QueueCommand {
    /// Whether it changes what people have decided.
    pub fn is_decision(&self) -> bool {
        match self {
            QueueCommand::Hold(_) => true,
            // The lock that such a step needs comes before that of the row: whoever removes a webhook
            // takes them in this order too.
            QueueCommand::End { steps, .. } => steps.iter().any(|step| !step.command.is_event()),
            _ => false,
        }
    }
}

/// Does what the command says.
pub async fn queue<T: Transaction>(
    transaction: &mut T,
    envelope: &Envelope,
    command: &QueueCommand,
) -> Result<Outcome, StoreError> {
    let now = envelope.now;
    match command {
        QueueCommand::Add(new) => {
            let (id, new) = transaction.enqueue(new, now).await?;
            done(202, &json!({ "id": id, "new": new }))
        }
        QueueCommand::Claim {
            kind,
            lease,
            until,
            count,
            topics,
        } => {
            if transaction.setting(QUEUES_HELD).await?.as_deref() == Some("true") {
                return Ok(Outcome::Claimed(Vec::new()));
            }
            let claim = (lease.as_str(), *until);
            let Some(topics) = topics else {
                let all = (*kind, None);
                let items = transaction.claim_queued(all, claim, *count, now).await?;
                return Ok(Outcome::Claimed(items));
            };
            let mut items = Vec::new();
            let mut left = *count;
            for (topic, most) in topics {
                if left == 0 {
                    break;
                }
                // Half of what is left stays for those that come after it.
                let count = (*most).min((left / 2).max(1));
                let of_topic = (*kind, Some(topic.as_str()));
                let claimed = transaction
                    .claim_queued(of_topic, claim, count, now)
                    .await?;
                left -= i64::try_from(claimed.len()).unwrap_or(left);
                items.extend(claimed);
            }
            Ok(Outcome::Claimed(items))
        }
        QueueCommand::End {
            id,
            lease,
            end,
            steps,
        } => {
            let claim = (id.as_str(), lease.as_str());
            if !transaction.end_queued(claim, end, now).await? {
                // Somebody else has taken it up, or it was dropped.
                return done(200, &json!({ "id": id, "lost": true }));
            }
            let mut results = Vec::new();
            for step in steps {
                match Box::pin(apply(transaction, &step.envelope, &step.command)).await? {
                    // What only waits is no result.
                    Outcome::Done(answer) if answer.status == 202 => {}
                    Outcome::Done(answer) => results.extend(id_of(&answer)),
                    Outcome::Refused(refusal) => return Ok(Outcome::Refused(refusal)),
                    Outcome::Looked(_) | Outcome::Shown(_) | Outcome::Claimed(_) => {
                        let msg = "a step that only asks stands in the queue";
                        return Err(StoreError::Damaged(msg.to_owned()));
                    }
                }
            }
            if !results.is_empty() {
                transaction.note_result(id, &results.join(",")).await?;
            }
            done(200, &json!({ "id": id }))
        }
        QueueCommand::GiveBack => {
            let count = transaction.give_queued_back(now).await?;
            done(200, &json!({ "count": count }))
        }
        QueueCommand::Replay(which) => {
            let count = transaction.replay_queued(which, now).await?;
            act(transaction, envelope, "queue.replayed", which, count).await
        }
        QueueCommand::Drop(which) => {
            let count = transaction.drop_queued(which, now).await?;
            act(transaction, envelope, "queue.dropped", which, count).await
        }
        QueueCommand::Hold(held) => {
            let decision = Decision {
                changes: vec![Change::Setting {
                    name: QUEUES_HELD.to_owned(),
                    value: held.to_string(),
                    before: transaction.setting(QUEUES_HELD).await?,
                }],
                answer: Answer::new(200, &json!({ "held": held })),
                subject: Some(QUEUES_HELD.to_owned()),
                kind: if *held {
                    "queue.held"
                } else {
                    "queue.released"
                },
            };
            finish(transaction, envelope, Ok(decision)).await
        }
        QueueCommand::Forget(kept) => {
            let count = transaction.forget_queued(*kept, now).await?;
            done(200, &json!({ "count": count }))
        }
    }
}

fn done(status: u16, body: &Value) -> Result<Outcome, StoreError> {
    Ok(Outcome::Done(Answer::new(status, body)))
}

/// The identifier of what a command has made or changed.
fn id_of(answer: &Answer) -> Option<String> {
    let body: Value = serde_json::from_str(&answer.body).ok()?;
    body["id"].as_str().map(str::to_owned)
}

/// Writes into the log what somebody did to rows of the queue.
async fn act<T: Transaction>(
    transaction: &mut T,
    envelope: &Envelope,
    kind: &'static str,
    which: &Which,
    count: u64,
) -> Result<Outcome, StoreError> {
    let answer = Answer::new(200, &json!({ "count": count }));
    if count == 0 {
        return Ok(Outcome::Done(answer));
    }
    let mut said = vec![format!("{count} rows of the queue")];
    let parts = [
        ("kind", which.kind.map(Kind::as_str)),
        ("topic", which.topic.as_deref()),
        (
            "state",
            which.state.map(crate::domain::queue::State::as_str),
        ),
    ];
    for (name, value) in parts {
        said.extend(value.map(|value| format!("{name} {value}")));
    }
    let decision = Decision {
        changes: vec![Change::Notice {
            notice: kind.to_owned(),
            subject: which.id.clone().unwrap_or_else(|| "queue".to_owned()),
            message: said.join(", "),
        }],
        answer,
        subject: which.id.clone(),
        kind,
    };
    finish(transaction, envelope, Ok(decision)).await
}
