//! API keys: making them, changing them, and taking note of their use.

use serde_json::{Map, Value};

use crate::domain::answer::{Answer, Refusal};
use crate::domain::change::{Change, Decision};
use crate::domain::keys::{Giver, Hashes, KeyInfo, NewKey, hash_of};
use crate::domain::scope::{Scope, Scopes};
use crate::domain::time::rfc3339;
use crate::store::StoreError;
use crate::store::transaction::{Envelope, Transaction};

type Decided = Result<Decision, Refusal>;

/// What happens to keys.
#[derive(Debug)]
pub enum KeyCommand {
    /// A new key, with this secret part.
    Add(NewKey, Secret),
    /// New values for some fields.
    Change(String, Map<String, Value>),
    /// A second secret part; the present one stays valid for so long, in microseconds.
    Rotate(String, Secret, i64),
    /// No more scopes than it has used since then.
    Narrow(String, i64),
    /// It is not valid any more.
    Revoke(String),
    /// It was used for this.
    Used(String, Scope),
}

/// The secret part of a key, and the account it is for. It never shows in `Debug`.
pub struct Secret {
    /// The account.
    pub account: String,
    /// The part.
    pub part: String,
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Why a key may not belong to whom it is to belong to: a name that nobody has would make its approvals
/// nobody's. What a key has already stays, such as a person who was erased.
async fn unknown_owner<T: Transaction>(
    transaction: &mut T,
    before: Option<&KeyInfo>,
    key: &KeyInfo,
) -> Result<Option<Refusal>, StoreError> {
    let Some(owner) = &key.owner else {
        return Ok(None);
    };
    if before.is_some_and(|before| before.owner == key.owner) {
        return Ok(None);
    }
    let people = transaction.people().await?;
    let is_known = people.iter().any(|known| known.person.id == *owner);
    Ok((!is_known).then(|| {
        let msg = format!("There is no person {owner}: use an identifier that /people/ shows");
        Refusal::field("owner", "unknown_person", msg)
    }))
}

/// What follows from it.
pub async fn decide<T: Transaction>(
    transaction: &mut T,
    envelope: &Envelope,
    giver: &Giver,
    command: &KeyCommand,
) -> Result<Decided, StoreError> {
    let now = envelope.now;
    let id = match command {
        KeyCommand::Add(new, secret) => {
            let id = format!("k{}", transaction.count_keys().await? + 1);
            let hashes = Hashes {
                present: hash_of(&secret.account, &id, &secret.part).to_vec(),
                old: None,
            };
            let key = new.info(id, now);
            if let Err(refusal) = giver.check(&key) {
                return Ok(Err(refusal));
            }
            if let Some(refusal) = unknown_owner(transaction, None, &key).await? {
                return Ok(Err(refusal));
            }
            return Ok(Ok(decision(key, None, Some(hashes), 201, "key.added")));
        }
        KeyCommand::Change(id, _)
        | KeyCommand::Rotate(id, ..)
        | KeyCommand::Narrow(id, _)
        | KeyCommand::Revoke(id)
        | KeyCommand::Used(id, _) => id,
    };
    let found = transaction.key(id).await?;
    let Some((before, hashes)) = found.filter(|(key, _)| key.revoked_at.is_none()) else {
        return Ok(Err(Refusal::NotFound("Key")));
    };
    // Whoever changes a key could use what it has.
    if !matches!(command, KeyCommand::Used(..) | KeyCommand::Revoke(_))
        && let Err(refusal) = giver.check(&before)
    {
        return Ok(Err(refusal));
    }
    Ok(match command {
        KeyCommand::Change(_, changes) => match before.patched(changes.clone(), now) {
            Ok(key) => match unknown_owner(transaction, Some(&before), &key).await? {
                Some(refusal) => Err(refusal),
                None => giver
                    .check(&key)
                    .map(|()| decision(key, Some(before), None, 200, "key.changed")),
            },
            Err(refusal) => Err(refusal),
        },
        KeyCommand::Rotate(_, secret, overlap) => {
            let rotated = Hashes {
                present: hash_of(&secret.account, id, &secret.part).to_vec(),
                old: (*overlap > 0).then_some(hashes.present),
            };
            let key = KeyInfo {
                old_secret_until: (*overlap > 0).then_some(now + overlap),
                ..before.clone()
            };
            Ok(decision(
                key,
                Some(before),
                Some(rotated),
                200,
                "key.rotated",
            ))
        }
        KeyCommand::Narrow(_, since) => {
            let used = transaction.used_scopes(id, *since).await?;
            narrow(before, used)
        }
        KeyCommand::Revoke(_) => {
            let key = KeyInfo {
                revoked_at: Some(now),
                ..before.clone()
            };
            Ok(decision(key, Some(before), None, 200, "key.revoked"))
        }
        KeyCommand::Used(_, scope) => {
            transaction.note_use(id, *scope, now).await?;
            Ok(tell_expiry(before, now))
        }
        KeyCommand::Add(..) => Err(Refusal::NotFound("Key")),
    })
}

/// The key with what it has used of its scopes.
fn narrow(before: KeyInfo, used: Scopes) -> Decided {
    let scopes = before.scopes.and(used);
    if scopes.is_none() {
        let msg = "The key has used none of its scopes in this time; revoke it if nobody needs it";
        return Err(Refusal::Conflict(msg.to_owned()));
    }
    let key = KeyInfo {
        scopes,
        legacy: false,
        ..before.clone()
    };
    Ok(decision(key, Some(before), None, 200, "key.narrowed"))
}

/// Tells people once that a key which is in use is about to expire.
fn tell_expiry(before: KeyInfo, now: i64) -> Decision {
    if !before.is_to_be_told(now) {
        return Decision {
            changes: Vec::new(),
            answer: answer(200, &before),
            subject: Some(before.id),
            kind: "key.used",
        };
    }
    let name = before.name.as_deref().unwrap_or("without a name");
    let message = format!(
        "The API key {} ({name}) is in use and expires at {}",
        before.id,
        before.expires_at.map(rfc3339).unwrap_or_default()
    );
    let key = KeyInfo {
        expiry_told: true,
        ..before.clone()
    };
    let notice = Change::Notice {
        notice: "key_expires".to_owned(),
        subject: key.id.clone(),
        message,
    };
    let mut decision = decision(key, Some(before), None, 200, "key.expires");
    decision.changes.push(notice);
    decision
}

fn answer(status: u16, key: &KeyInfo) -> Answer {
    Answer::new(status, &key.to_json(None))
}

fn decision(
    key: KeyInfo,
    before: Option<KeyInfo>,
    hashes: Option<Hashes>,
    status: u16,
    kind: &'static str,
) -> Decision {
    Decision {
        answer: answer(status, &key),
        subject: Some(key.id.clone()),
        changes: vec![Change::Key {
            secret: hashes.as_ref().map(Hashes::fingerprint),
            hashes,
            key: Box::new(key),
            before: before.map(Box::new),
        }],
        kind,
    }
}
