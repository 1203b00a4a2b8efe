//! API keys: what they may do, who gives it, and how they end.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::answer::Refusal;
use super::fields::{Fields, MAX_NAME};
use super::names::{fold, rename};
use super::naming::Kind;
use super::scope::{Scope, Scopes};
use super::time::rfc3339;

const DAY: i64 = 24 * 3600 * 1_000_000;
const HOUR: i64 = 3600 * 1_000_000;
/// How long before its end a key's expiry is told.
const TOLD_BEFORE: i64 = 14 * DAY;
/// How long the old secret of a rotated key is valid, in hours, unless it is said.
const OVERLAP: i64 = 7 * 24;
/// The longest that may be said.
const MAX_OVERLAP: i64 = 90 * 24;
const MAX_EXPIRY_DAYS: i64 = 36_500;

/// What is known of a key; the key itself is not kept, and the hashes of its secrets are not here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyInfo {
    /// Its name within the account: `k1`, `k2`, …
    pub id: String,
    /// What people call it.
    pub name: Option<String>,
    /// The person that it belongs to, by identifier.
    pub owner: Option<String>,
    /// What it may do.
    pub scopes: Scopes,
    /// The products that it may tell of; none means all.
    pub products: Vec<String>,
    /// The environments that it may tell of; none means all.
    pub environments: Vec<String>,
    /// When it ends to be valid, in microseconds since 1970.
    pub expires_at: Option<i64>,
    /// Whether people were told that it is about to expire.
    pub expiry_told: bool,
    /// Whether it was made before keys had scopes.
    pub legacy: bool,
    /// Until when the secret before the present one is valid.
    pub old_secret_until: Option<i64>,
    /// When it was made, in microseconds since 1970.
    pub created_at: i64,
    /// When it was revoked, in microseconds since 1970.
    pub revoked_at: Option<i64>,
}

/// A key to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewKey {
    /// What people call it.
    pub name: Option<String>,
    /// The person that it belongs to, by identifier.
    pub owner: Option<String>,
    /// What it may do.
    pub scopes: Scopes,
    /// The products that it may tell of; none means all.
    pub products: Vec<String>,
    /// The environments that it may tell of; none means all.
    pub environments: Vec<String>,
    /// When it ends to be valid, in microseconds since 1970.
    pub expires_at: Option<i64>,
}

impl NewKey {
    /// A key without limits.
    pub fn new(scopes: Scopes) -> NewKey {
        NewKey {
            name: None,
            owner: None,
            scopes,
            products: Vec::new(),
            environments: Vec::new(),
            expires_at: None,
        }
    }

    /// Reads a request body.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] with every field that is missing, wrong or unknown.
    pub fn read(body: Value, now: i64) -> Result<NewKey, Refusal> {
        let mut fields = Fields::of_body(body)?;
        let new = NewKey {
            name: fields.text("name", MAX_NAME),
            owner: fields.text("owner", MAX_NAME),
            scopes: scopes(&mut fields).unwrap_or(Scopes::of(&[Scope::Events, Scope::Read])),
            products: fields.names("products").unwrap_or_default(),
            environments: fields.names("environments").unwrap_or_default(),
            expires_at: fields
                .integer("expires_in_days", 1..=MAX_EXPIRY_DAYS)
                .map(|days| now + days * DAY),
        };
        fields.refuse_unread();
        fields.finish()?;
        Ok(new)
    }

    /// The key that this makes.
    pub fn info(&self, id: String, now: i64) -> KeyInfo {
        KeyInfo {
            id,
            name: self.name.clone(),
            owner: self.owner.clone(),
            scopes: self.scopes,
            products: self.products.clone(),
            environments: self.environments.clone(),
            expires_at: self.expires_at,
            expiry_told: false,
            legacy: false,
            old_secret_until: None,
            created_at: now,
            revoked_at: None,
        }
    }
}

fn scopes(fields: &mut Fields) -> Option<Scopes> {
    let words = fields.names("scopes")?;
    match Scopes::parse(&words.join(" ")) {
        Ok(scopes) => Some(scopes),
        Err(msg) => {
            fields.reject("scopes", "enum", msg);
            None
        }
    }
}

/// Reads for how long the old secret of a rotated key stays valid, in microseconds.
///
/// # Errors
/// [`Refusal::Invalid`] with every field that is wrong or unknown.
pub fn read_overlap(body: Value) -> Result<i64, Refusal> {
    let mut fields = Fields::of_body(body)?;
    let overlap = overlap_of(&mut fields);
    fields.refuse_unread();
    fields.finish()?;
    Ok(overlap)
}

/// The same of fields that say more.
pub fn overlap_of(fields: &mut Fields) -> i64 {
    let hours = fields.integer("overlap_hours", 0..=MAX_OVERLAP);
    hours.unwrap_or(OVERLAP) * HOUR
}

/// What somebody can give: nobody gives more than they have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Giver {
    /// The scopes.
    pub scopes: Scopes,
    /// The products; none means all.
    pub products: Vec<String>,
    /// The environments; none means all.
    pub environments: Vec<String>,
}

impl Giver {
    /// Whoever has the machine has everything.
    pub fn machine() -> Giver {
        Giver {
            scopes: Scopes::all(),
            products: Vec::new(),
            environments: Vec::new(),
        }
    }

    /// Whether they can give this.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`] if it is more than they have.
    pub fn check(&self, key: &KeyInfo) -> Result<(), Refusal> {
        let everyday = Scopes::of(&[Scope::Events, Scope::Read, Scope::Share]);
        if !self.scopes.contains(Scope::Admin) && !key.scopes.is_within(everyday) {
            let msg = "More than events, read and share is an admin's to give";
            return Err(Refusal::Forbidden(msg));
        }
        let within = |wanted: &[String], own: &[String]| {
            let mine = |name: &String| own.iter().any(|own| fold(own) == fold(name));
            own.is_empty() || !wanted.is_empty() && wanted.iter().all(mine)
        };
        // What is shared is a part of what can be read.
        let scopes_are_own = key.scopes.is_within(self.scopes)
            || key.scopes == Scopes::shared() && self.scopes.contains(Scope::Read);
        if scopes_are_own
            && within(&key.products, &self.products)
            && within(&key.environments, &self.environments)
        {
            return Ok(());
        }
        let msg = "A key can be given at most the scopes, products and environments of whoever \
                   gives it";
        Err(Refusal::Forbidden(msg))
    }
}

impl KeyInfo {
    /// The key with some of its fields replaced.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] with every field that is wrong or unknown.
    pub fn patched(&self, changes: Map<String, Value>, now: i64) -> Result<KeyInfo, Refusal> {
        let mut fields = Fields::of(changes, vec!["body".to_owned()]);
        let mut key = self.clone();
        if fields.contains("name") {
            key.name = fields.text("name", MAX_NAME);
        }
        if fields.contains("owner") {
            key.owner = fields.text("owner", MAX_NAME);
        }
        fields.refuse_empty();
        if let Some(scopes) = scopes(&mut fields) {
            key.legacy &= scopes == key.scopes;
            key.scopes = scopes;
        }
        if let Some(products) = fields.names("products") {
            key.products = products;
        }
        if let Some(environments) = fields.names("environments") {
            key.environments = environments;
        }
        if let Some(days) = fields.integer("expires_in_days", 1..=MAX_EXPIRY_DAYS) {
            key.expires_at = Some(now + days * DAY);
            key.expiry_told = false;
        }
        fields.refuse_unread();
        fields.finish()?;
        Ok(key)
    }

    /// The key with another name for what its limits call `old`; none if they do not name that.
    pub fn renamed(&self, kind: Kind, old: &str, new: &str) -> Option<KeyInfo> {
        let mut key = self.clone();
        match kind {
            Kind::Product => rename(&mut key.products, old, new),
            Kind::Environment => rename(&mut key.environments, old, new),
        }
        (key != *self).then_some(key)
    }

    /// Whether it is valid.
    pub fn is_valid(&self, now: i64) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|at| now < at)
    }

    /// Whether people are to be told that it is about to expire.
    pub fn is_to_be_told(&self, now: i64) -> bool {
        !self.expiry_told && self.expires_at.is_some_and(|at| at - now <= TOLD_BEFORE)
    }

    /// The key as the API shows it, with when it was last used.
    pub fn to_json(&self, last_used_at: Option<i64>) -> Value {
        let scopes = self.scopes.to_string();
        json!({
            "id": self.id,
            "name": self.name,
            "owner": self.owner,
            "scopes": scopes.split(' ').collect::<Vec<_>>(),
            "products": self.products,
            "environments": self.environments,
            "expires_at": self.expires_at.map(rfc3339),
            "legacy": self.legacy,
            "old_secret_until": self.old_secret_until.map(rfc3339),
            "created_at": rfc3339(self.created_at),
            "revoked_at": self.revoked_at.map(rfc3339),
            "last_used_at": last_used_at.map(rfc3339),
        })
    }
}

/// The hash of the whole key with this secret part.
pub fn hash_of(account: &str, id: &str, part: &str) -> [u8; 32] {
    Sha256::digest(format!("sk_{account}_{id}_{part}")).into()
}

/// The hashes of the secrets of a key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hashes {
    /// That of the present secret.
    pub present: Vec<u8>,
    /// That of the one before, as long as it is valid.
    pub old: Option<Vec<u8>>,
}

impl Hashes {
    /// Tells secrets apart in the log, and says nothing of them.
    pub fn fingerprint(&self) -> String {
        let hash = Sha256::digest(&self.present);
        hash.iter()
            .take(6)
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::scope::{Scope, Scopes};
    use super::{Giver, NewKey};

    #[test]
    fn nobody_gives_more_than_they_have() {
        let giver = Giver {
            scopes: Scopes::of(&[Scope::Events, Scope::Admin]),
            products: vec!["API".to_owned()],
            environments: Vec::new(),
        };
        let gives = |scopes: &[Scope], products: &[&str]| {
            let new = NewKey {
                products: products.iter().map(|name| (*name).to_owned()).collect(),
                ..NewKey::new(Scopes::of(scopes))
            };
            giver.check(&new.info("k2".to_owned(), 0)).is_ok()
        };
        assert!(gives(&[Scope::Events], &["api"]));
        assert!(!gives(&[Scope::Events], &[]), "no limit is more than one");
        assert!(!gives(&[Scope::Events], &["api", "web"]));
        assert!(!gives(&[Scope::Read], &["api"]));
        assert!(
            !gives(&[Scope::Share], &["api"]),
            "without read nothing to share"
        );
        let developer = Giver {
            scopes: Scopes::of(&[Scope::Events, Scope::Read, Scope::Approve]),
            ..Giver::machine()
        };
        let gives = |scopes: &[Scope]| {
            let new = NewKey::new(Scopes::of(scopes));
            developer.check(&new.info("k2".to_owned(), 0)).is_ok()
        };
        assert!(gives(&[Scope::Events, Scope::Read]));
        assert!(gives(&[Scope::Share]), "less than read");
        assert!(!gives(&[Scope::Approve]), "an admin's to give");
    }
}
