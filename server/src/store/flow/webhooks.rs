//! Webhooks: making and changing them, what becomes of deliveries, and how far the log is told.

use std::fmt;

use serde_json::{Map, Value};

use crate::domain::answer::{Answer, Refusal};
use crate::domain::change::{Change, Decision};
use crate::domain::queue::{Kind, NewItem, Which};
use crate::domain::webhook::{
    Attempt, DeliveryOutcome, NewWebhook, PATIENCE, Secrets, Webhook, secret_name,
};
use crate::store::transaction::{Envelope, Transaction};
use crate::store::{Kept, StoreError};

type Decided = Result<Decision, Refusal>;

/// Secrets, and the same encrypted.
#[derive(Debug, Clone)]
pub struct Sealed {
    /// The secrets.
    pub secrets: Secrets,
    /// What is kept of them.
    pub bytes: Vec<u8>,
}

/// What happens to webhooks. An address never shows in `Debug`: some have a secret in them.
pub enum WebhookCommand {
    /// A new one.
    Add {
        /// Its identifier.
        id: String,
        /// The webhook.
        new: Box<NewWebhook>,
        /// Its host.
        host: String,
        /// Its secrets.
        sealed: Sealed,
    },
    /// New values for some fields, which were checked before.
    Change {
        /// The webhook.
        id: String,
        /// The fields.
        changes: Map<String, Value>,
        /// If its address changes, its new host, what was kept of its secrets, and its new ones.
        address: Option<(String, Vec<u8>, Sealed)>,
    },
    /// Another secret; the present one goes on for so long, in microseconds.
    Rotate {
        /// The webhook.
        id: String,
        /// What was kept of its secrets.
        before: Vec<u8>,
        /// Its secrets from now on.
        sealed: Sealed,
        /// For how long the present one goes on.
        overlap: i64,
    },
    /// It is told nothing any more.
    Remove(String),
    /// An attempt to deliver something is over. If nothing comes of the webhook for too long, it is
    /// switched off.
    Attempted {
        /// The webhook.
        id: String,
        /// What was kept of its secrets when it was read for the attempt, and when it was changed. An
        /// attempt with another address or under other terms says nothing of it.
        of: (Vec<u8>, i64),
        /// The attempt.
        attempt: Attempt,
        /// What it says of the webhook.
        outcome: DeliveryOutcome,
    },
    /// What the log tells between two places goes into the queue.
    Announce {
        /// After this place.
        from: i64,
        /// Up to this one.
        to: i64,
        /// What it tells.
        items: Vec<NewItem>,
    },
}

impl fmt::Debug for WebhookCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, id) = match self {
            WebhookCommand::Add { id, .. } => ("Add", id),
            WebhookCommand::Change { id, .. } => ("Change", id),
            WebhookCommand::Rotate { id, .. } => ("Rotate", id),
            WebhookCommand::Remove(id) => ("Remove", id),
            WebhookCommand::Attempted { id, .. } => ("Attempted", id),
            WebhookCommand::Announce { from, to, .. } => {
                return write!(f, "Announce({from}, {to}, …)");
            }
        };
        write!(f, "{name}({id}, …)")
    }
}

impl WebhookCommand {
    /// Whether it changes what people have decided.
    pub fn is_decision(&self) -> bool {
        match self {
            // It can switch the webhook off.
            WebhookCommand::Attempted { outcome, .. } => {
                matches!(outcome, DeliveryOutcome::Failed | DeliveryOutcome::Gone)
            }
            WebhookCommand::Announce { .. } => false,
            _ => true,
        }
    }
}

/// What follows from it.
pub async fn decide<T: Transaction>(
    transaction: &mut T,
    envelope: &Envelope,
    command: &WebhookCommand,
) -> Result<Decided, StoreError> {
    let now = envelope.now;
    let id = match command {
        WebhookCommand::Add {
            id,
            new,
            host,
            sealed,
        } => {
            let webhook = new.webhook(id.clone(), host.clone(), &sealed.secrets, now);
            let secret = Some(sealed);
            return Ok(Ok(decision(webhook, None, secret, 201, "webhook.added")));
        }
        WebhookCommand::Attempted {
            id,
            of,
            attempt,
            outcome,
        } => {
            transaction.note_attempt(attempt).await?;
            let found = transaction.webhook(id).await?;
            let same = |kept: &Kept| (&kept.sealed, kept.webhook.updated_at) == (&of.0, of.1);
            let Some(kept) = found.filter(|kept| kept.webhook.is_told() && same(kept)) else {
                return Ok(Ok(used()));
            };
            let given_up = give_up(transaction, kept.webhook, attempt, *outcome, now).await?;
            return Ok(Ok(given_up.unwrap_or_else(used)));
        }
        WebhookCommand::Announce { from, to, items } => {
            if transaction.advance(*from, *to).await? {
                for item in items {
                    transaction.enqueue(item, now).await?;
                }
            }
            return Ok(Ok(used()));
        }
        WebhookCommand::Change { id, .. }
        | WebhookCommand::Rotate { id, .. }
        | WebhookCommand::Remove(id) => id,
    };
    let found = transaction.webhook(id).await?;
    let Some(kept) = found.filter(|kept| kept.webhook.removed_at.is_none()) else {
        return Ok(Err(Refusal::NotFound("Webhook")));
    };
    let before = kept.webhook;
    Ok(match command {
        WebhookCommand::Change {
            changes, address, ..
        } => {
            let stale = address
                .as_ref()
                .is_some_and(|(_, sealed, _)| *sealed != kept.sealed);
            if stale {
                return Ok(Err(Refusal::Changed));
            }
            before
                .patched(changes.clone(), |_| Ok(()), now)
                .map(|mut patched| {
                    let secret = address.as_ref().map(|(host, _, sealed)| {
                        patched.webhook.host.clone_from(host);
                        sealed
                    });
                    decision(
                        patched.webhook,
                        Some(before),
                        secret,
                        200,
                        "webhook.changed",
                    )
                })
        }
        WebhookCommand::Rotate {
            before: known,
            sealed,
            overlap,
            ..
        } => {
            if *known != kept.sealed {
                return Ok(Err(Refusal::Changed));
            }
            let webhook = before.rotated(&sealed.secrets, *overlap, now);
            let secret = Some(sealed);
            Ok(decision(
                webhook,
                Some(before),
                secret,
                200,
                "webhook.rotated",
            ))
        }
        WebhookCommand::Remove(_) => {
            let which = Which {
                kind: Some(Kind::Webhook),
                topic: Some(id.clone()),
                ..Which::default()
            };
            transaction.drop_queued(&which, now).await?;
            let webhook = Webhook {
                removed_at: Some(now),
                updated_at: now,
                ..before.clone()
            };
            let name = secret_name(&webhook.id);
            let mut decision = decision(webhook, Some(before), None, 200, "webhook.removed");
            decision.changes.push(Change::Secret {
                name,
                fingerprint: None,
                sealed: None,
            });
            Ok(decision)
        }
        // Those were answered before.
        _ => Err(Refusal::NotFound("Webhook")),
    })
}

/// Takes note of what an attempt says of a webhook, and switches it off if that was too much.
async fn give_up<T: Transaction>(
    transaction: &mut T,
    before: Webhook,
    attempt: &Attempt,
    outcome: DeliveryOutcome,
    now: i64,
) -> Result<Option<Decision>, StoreError> {
    let reason = match outcome {
        DeliveryOutcome::Test => return Ok(None),
        DeliveryOutcome::Delivered => {
            transaction.note_success(&before.id).await?;
            return Ok(None);
        }
        DeliveryOutcome::Failed => {
            let since = transaction.note_failure(&before.id, now).await?;
            if now - since < PATIENCE {
                return Ok(None);
            }
            let last = attempt.error.as_deref().unwrap_or_default();
            format!("for five days nothing came of it; the last time: {last}")
        }
        DeliveryOutcome::Gone => {
            transaction.note_failure(&before.id, now).await?;
            "it answered 410 Gone".to_owned()
        }
    };
    let error = attempt.error.as_deref().unwrap_or(&reason);
    transaction
        .give_up_queued(&attempt.item_id, error, now)
        .await?;
    let notice = Change::Notice {
        notice: "webhook_disabled".to_owned(),
        subject: before.id.clone(),
        message: format!(
            "The webhook {} ({}) is switched off: {reason}",
            before.id,
            before.called()
        ),
    };
    let webhook = before.disabled(reason, now);
    let mut decision = decision(webhook, Some(before), None, 200, "webhook.disabled");
    decision.changes.push(notice);
    // Or else it would be what the delivery became.
    decision.answer = Answer::new(200, &Map::new());
    Ok(Some(decision))
}

/// What is no row of the log.
fn used() -> Decision {
    Decision {
        changes: Vec::new(),
        answer: Answer::new(200, &Map::new()),
        subject: None,
        kind: "webhook.used",
    }
}

fn decision(
    webhook: Webhook,
    before: Option<Webhook>,
    secret: Option<&Sealed>,
    status: u16,
    kind: &'static str,
) -> Decision {
    let answer = Answer::new(status, &webhook.to_json(None, None));
    let subject = Some(webhook.id.clone());
    let secret = secret.map(|secret| Change::Secret {
        name: secret_name(&webhook.id),
        fingerprint: Some(webhook.secret.clone()),
        sealed: Some(secret.bytes.clone()),
    });
    let mut changes = vec![Change::Webhook {
        webhook: Box::new(webhook),
        before: before.map(Box::new),
    }];
    changes.extend(secret);
    Decision {
        changes,
        answer,
        subject,
        kind,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_address_shows_nowhere() {
        let mut changes = Map::new();
        changes.insert("url".to_owned(), json!("https://e.com/s3cret?token=s3cret"));
        let command = WebhookCommand::Change {
            id: "w1".to_owned(),
            changes,
            address: None,
        };
        assert_eq!(format!("{command:?}"), "Change(w1, …)");
    }
}
