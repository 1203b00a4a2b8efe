//! Sources: making them, changing them, and their secrets.

use serde_json::{Map, Value};

use crate::domain::answer::{Answer, Refusal};
use crate::domain::change::{Change, Decision};
use crate::domain::source::{Kind, NewSource, Source};
use crate::store::StoreError;
use crate::store::transaction::{Envelope, Transaction};

/// A secret, encrypted, and what the log tells it by.
pub struct SealedSecret {
    /// The fingerprint.
    pub fingerprint: String,
    /// The secret, encrypted under [`secret_name`].
    pub sealed: Vec<u8>,
}

impl std::fmt::Debug for SealedSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SealedSecret(…)")
    }
}

/// What happens to sources. What somebody wants to change never shows in `Debug`: it can be a secret that
/// does not belong there.
pub enum SourceCommand {
    /// A new one with this identifier and secret, and an app's private key.
    Add(String, Box<NewSource>, SealedSecret, Option<SealedSecret>),
    /// New values for some fields; and the entity tag of the source that they are for, if it matters.
    Change(String, Map<String, Value>, Option<String>),
    /// A second secret; the present one stays valid for so long, in microseconds.
    Rotate(String, SealedSecret, i64),
    /// Another private key of an app.
    Rekey(String, SealedSecret),
    /// Nothing is taken from it any more.
    Remove(String),
}

impl std::fmt::Debug for SourceCommand {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = match self {
            SourceCommand::Add(_, new, ..) => return write!(f, "Add({new:?})"),
            SourceCommand::Change(..) => "Change(…)",
            SourceCommand::Rotate(..) => "Rotate(…)",
            SourceCommand::Rekey(..) => "Rekey(…)",
            SourceCommand::Remove(_) => "Remove(…)",
        };
        f.write_str(name)
    }
}

/// What the secret of a source is encrypted under, the one before as well.
pub fn secret_name(id: &str) -> String {
    format!("source:{id}")
}

/// Where the secret before the present one is.
pub fn old_secret_name(id: &str) -> String {
    format!("source:{id}:old")
}

/// Where the private key of an app is, and what it is encrypted under.
pub fn key_name(id: &str) -> String {
    format!("source:{id}:key")
}

/// What follows from it.
pub async fn decide<T: Transaction>(
    transaction: &mut T,
    envelope: &Envelope,
    command: &SourceCommand,
) -> Result<Result<Decision, Refusal>, StoreError> {
    let now = envelope.now;
    let (before, source, kind, secrets) = match command {
        SourceCommand::Add(id, new, sealed, key) => {
            let source = Source {
                id: id.clone(),
                name: new.name.clone(),
                kind: new.kind,
                settings: new.settings.clone(),
                enabled: true,
                created_at: now,
                removed_at: None,
                old_secret_until: None,
            };
            let mut secrets = vec![is_now(secret_name(id), sealed)];
            secrets.extend(key.as_ref().map(|key| is_now(key_name(id), key)));
            (None, source, "source.added", secrets)
        }
        SourceCommand::Change(id, changes, expected) => {
            let Some(before) = known(transaction, id).await? else {
                return Ok(Err(Refusal::NotFound("Source")));
            };
            if expected.as_ref().is_some_and(|tag| *tag != before.tag()) {
                return Ok(Err(Refusal::Changed));
            }
            match before.changed(changes.clone()) {
                Ok(source) => (Some(before), source, "source.changed", Vec::new()),
                Err(refusal) => return Ok(Err(refusal)),
            }
        }
        SourceCommand::Rotate(id, sealed, overlap) => {
            let Some(before) = known(transaction, id).await? else {
                return Ok(Err(Refusal::NotFound("Source")));
            };
            let source = Source {
                old_secret_until: Some(now + overlap),
                ..before.clone()
            };
            let mut secrets = vec![is_now(secret_name(id), sealed)];
            if let Some(old) = transaction.sealed(&secret_name(id)).await? {
                secrets.push(Change::Secret {
                    name: old_secret_name(id),
                    fingerprint: Some("the one before".to_owned()),
                    sealed: Some(old),
                });
            }
            (Some(before), source, "source.rotated", secrets)
        }
        SourceCommand::Rekey(id, sealed) => {
            let Some(before) = known(transaction, id).await? else {
                return Ok(Err(Refusal::NotFound("Source")));
            };
            if before.kind != Kind::GithubApp {
                let msg = "Only a source of the kind github-app has a private key";
                return Ok(Err(Refusal::field("private_key", "value_error", msg)));
            }
            let secrets = vec![is_now(key_name(id), sealed)];
            (Some(before.clone()), before, "source.rotated", secrets)
        }
        SourceCommand::Remove(id) => {
            let Some(before) = known(transaction, id).await? else {
                return Ok(Err(Refusal::NotFound("Source")));
            };
            let source = Source {
                removed_at: Some(now),
                enabled: false,
                ..before.clone()
            };
            let names = [secret_name(id), old_secret_name(id), key_name(id)];
            let gone = names.map(|name| Change::Secret {
                name,
                fingerprint: None,
                sealed: None,
            });
            (Some(before), source, "source.removed", gone.to_vec())
        }
    };
    let status = if before.is_none() { 201 } else { 200 };
    let answer = Answer::new(status, &source.to_json());
    let subject = Some(source.id.clone());
    let mut changes = vec![Change::Source {
        source: Box::new(source),
        before: before.map(Box::new),
    }];
    changes.extend(secrets);
    Ok(Ok(Decision {
        changes,
        answer,
        subject,
        kind,
    }))
}

async fn known<T: Transaction>(
    transaction: &mut T,
    id: &str,
) -> Result<Option<Source>, StoreError> {
    let found = transaction.source(id).await?;
    Ok(found.filter(|source| source.removed_at.is_none()))
}

fn is_now(name: String, sealed: &SealedSecret) -> Change {
    Change::Secret {
        name,
        fingerprint: Some(sealed.fingerprint.clone()),
        sealed: Some(sealed.sealed.clone()),
    }
}
