//! Webhooks: making and changing them, what becomes of deliveries, and how far the log is told.

use serde_json::{Map, Value};

use crate::domain::answer::{Answer, Refusal};
use crate::domain::change::{Change, Decision};
use crate::domain::queue::{Kind, NewItem, Which};
use crate::domain::webhook::{Attempt, NewWebhook, Secrets, Webhook, secret_name};
use crate::store::StoreError;
use crate::store::transaction::{Envelope, Transaction};

type Decided = Result<Decision, Refusal>;

/// Secrets, and the same encrypted.
#[derive(Debug, Clone)]
pub struct Sealed {
    /// The secrets.
    pub secrets: Secrets,
    /// What is kept of them.
    pub bytes: Vec<u8>,
}

/// What happens to webhooks.
#[derive(Debug)]
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
    /// The server gives it up, for this reason.
    SwitchOff(String, String),
    /// An attempt to deliver something is over.
    Attempted {
        /// The webhook.
        id: String,
        /// Since when nothing but failures came of it.
        failing_since: Option<i64>,
        /// The attempt.
        attempt: Attempt,
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

impl WebhookCommand {
    /// Whether it changes what people have decided.
    pub fn is_decision(&self) -> bool {
        !matches!(
            self,
            WebhookCommand::Attempted { .. } | WebhookCommand::Announce { .. }
        )
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
            failing_since,
            attempt,
        } => {
            transaction
                .note_attempt(id, *failing_since, attempt)
                .await?;
            return Ok(Ok(used()));
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
        | WebhookCommand::Remove(id)
        | WebhookCommand::SwitchOff(id, _) => id,
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
        WebhookCommand::SwitchOff(_, reason) => {
            if !before.enabled {
                return Ok(Ok(used()));
            }
            let message = format!(
                "The webhook {} ({}) is switched off: {reason}",
                before.id,
                before.called()
            );
            let webhook = before.disabled(reason.clone(), now);
            let notice = Change::Notice {
                notice: "webhook_disabled".to_owned(),
                subject: before.id.clone(),
                message,
            };
            let mut decision = decision(webhook, Some(before), None, 200, "webhook.disabled");
            decision.changes.push(notice);
            Ok(decision)
        }
        // Those were answered before.
        _ => Err(Refusal::NotFound("Webhook")),
    })
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
