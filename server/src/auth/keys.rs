//! API keys: `sk_{account}_{id}_{random}`.

use std::fmt;

use subtle::ConstantTimeEq;

use crate::domain::keys::hash_of;

/// The longest account name.
pub const MAX_ACCOUNT_LEN: usize = 40;
const MAX_KEY_LEN: usize = 256;

/// An API key as a client sends it. Its secret part never shows in `Debug`.
pub struct ApiKey {
    text: String,
    account: std::ops::Range<usize>,
    id: std::ops::Range<usize>,
}

impl ApiKey {
    /// Reads a key; `None` when the text is not of the form `sk_{account}_{id}_{random}`.
    pub fn parse(text: &str) -> Option<ApiKey> {
        let text = text.trim();
        if text.len() > MAX_KEY_LEN {
            return None;
        }
        let mut parts = text.split('_');
        let (prefix, account, id, secret) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let plain =
            |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let valid = prefix == "sk"
            && parts.next().is_none()
            && is_account_name(account)
            && plain(id)
            && plain(secret);
        valid.then(|| ApiKey::of(account, id, secret))
    }

    /// The key of these parts.
    pub fn of(account: &str, id: &str, secret: &str) -> ApiKey {
        let account_end = 3 + account.len();
        ApiKey {
            text: format!("sk_{account}_{id}_{secret}"),
            account: 3..account_end,
            id: account_end + 1..account_end + 1 + id.len(),
        }
    }

    /// The account whose database the key opens.
    pub fn account(&self) -> &str {
        &self.text[self.account.clone()]
    }

    /// The part that names the key among the account's keys.
    pub fn id(&self) -> &str {
        &self.text[self.id.clone()]
    }

    /// The whole key, to be shown to its owner once.
    pub fn reveal(&self) -> &str {
        &self.text
    }

    /// What is stored in place of the key. A plain hash is enough: the key is random, not chosen.
    pub fn hash(&self) -> [u8; 32] {
        let secret = &self.text[self.id.end + 1..];
        hash_of(self.account(), self.id(), secret)
    }

    /// Whether `hash` is this key's, in a time that does not depend on where they differ.
    pub fn matches(&self, hash: &[u8]) -> bool {
        self.hash().as_slice().ct_eq(hash).into()
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKey(sk_{}_{}_…)", self.account(), self.id())
    }
}

/// How many random bytes the secret part of a key has.
const PART_BYTES: usize = 20;

/// The secret part of a new key: 160 random bits.
///
/// # Errors
/// If the operating system gives no random bytes.
pub fn secret_part() -> Result<String, getrandom::Error> {
    let mut random = [0_u8; 32];
    getrandom::fill(&mut random)?;
    Ok(part_of(&random))
}

/// The secret part of a key that these bytes make.
pub fn part_of(bytes: &[u8; 32]) -> String {
    let part = bytes.iter().take(PART_BYTES);
    part.map(|byte| format!("{byte:02x}")).collect()
}

/// Whether `name` can be an account: it becomes a file name, and `_` separates the parts of a key.
pub fn is_account_name(name: &str) -> bool {
    (1..=MAX_ACCOUNT_LEN).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && !name.starts_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_key_reads_back_and_matches_only_its_own_hash() {
        let key = ApiKey::of("acme-2", "k1", &secret_part().unwrap());
        let other = ApiKey::of("acme-2", "k1", &secret_part().unwrap());
        let read = ApiKey::parse(&format!(" {}\n", key.reveal())).unwrap();
        assert_eq!((read.account(), read.id()), ("acme-2", "k1"));
        assert!(read.matches(&key.hash()));
        assert!(!read.matches(&other.hash()));
        assert!(!read.matches(b""));
    }

    #[test]
    fn debug_hides_the_secret() {
        let key = ApiKey::parse("sk_acme_k1_verysecret").unwrap();
        assert_eq!(format!("{key:?}"), "ApiKey(sk_acme_k1_…)");
    }

    #[test]
    fn text_that_could_leave_the_data_directory_is_no_key() {
        for text in [
            "",
            "sk",
            "sk_a_k1",
            "sk_a_k1_x_y",
            "pk_a_k1_x",
            "sk_../etc_k1_x",
            "sk_A_k1_x",
            "sk__k1_x",
            "sk_a__x",
            "sk_a_k1_",
            "sk_-a_k1_x",
            "sk_a/b_k1_x",
            "sk_a.db_k1_x",
            "sk_é_k1_x",
        ] {
            assert!(ApiKey::parse(text).is_none(), "{text:?}");
        }
        assert!(ApiKey::parse(&format!("sk_{}_k1_x", "a".repeat(41))).is_none());
        assert!(ApiKey::parse(&format!("sk_a_k1_{}", "x".repeat(300))).is_none());
    }
}
