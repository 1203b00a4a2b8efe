//! A form that is sent twice, as by a double click, does what it says once.
//!
//! Each page gives its forms a token of its own. The token and what the form says are the Idempotency-Key
//! of the command, which is remembered in its transaction: whoever sends the same again gets the answer of
//! the first. What is shown once, such as a key, is made of them as well, so that it is the same for both.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use super::form::Form;
use crate::store::transaction::RequestKey;

/// The field of a form that holds the token.
pub const FIELD: &str = "once";
/// How many random bytes a token has.
const BYTES: usize = 32;

/// A new token; none if there are no random bytes, and then a form does what it says each time.
pub fn new_token() -> String {
    let mut bytes = [0; BYTES];
    match getrandom::fill(&mut bytes) {
        Ok(()) => URL_SAFE_NO_PAD.encode(bytes),
        Err(_) => String::new(),
    }
}

/// What tells a form that was sent from every other. It never shows in `Debug`.
pub struct Once([u8; 32]);

impl Once {
    /// That of a form with a token; none of one that has no token of ours.
    pub fn of(form: &Form) -> Option<Once> {
        let token = URL_SAFE_NO_PAD.decode(form.text(FIELD)).ok()?;
        if token.len() != BYTES {
            return None;
        }
        let mut hash = Sha256::new();
        for text in [form.path()].into_iter().chain(form.texts()) {
            // The length keeps two texts from passing for two others.
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text);
        }
        Some(Once(hash.finalize().into()))
    }

    /// 32 bytes for `purpose` that nobody knows who does not know the token.
    pub fn bytes(&self, purpose: &str) -> [u8; 32] {
        let hash = Sha256::new().chain_update(self.0);
        hash.chain_update(purpose).finalize().into()
    }

    /// The key under which the command is remembered.
    pub fn request(&self) -> RequestKey {
        RequestKey {
            key: URL_SAFE_NO_PAD.encode(self.bytes("request")),
            endpoint: "form",
            fingerprint: String::new(),
            old_fingerprint: [0; 32],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn once(path: &str, fields: &str) -> Option<[u8; 32]> {
        Once::of(&Form::parse_at(path, fields.as_bytes())).map(|once| once.0)
    }

    #[test]
    fn only_the_same_form_with_the_same_words_is_the_same() {
        let (token, other) = (new_token(), new_token());
        let first = once("/manage/keys", &format!("once={token}&name=a"));
        assert!(first.is_some());
        assert_eq!(first, once("/manage/keys", &format!("once={token}&name=a")));
        for (path, fields) in [
            ("/manage/keys", format!("once={token}&name=b")),
            ("/manage/keys", format!("once={other}&name=a")),
            ("/manage/people", format!("once={token}&name=a")),
            ("/manage/keys", format!("once={token}&na=mea")),
        ] {
            assert_ne!(first, once(path, &fields), "{path} {fields}");
        }
        for fields in ["name=a", "once=&name=a", "once=short&name=a"] {
            assert_eq!(once("/manage/keys", fields), None, "{fields}");
        }
    }

    #[test]
    fn what_is_remembered_does_not_tell_what_is_shown() {
        let form = format!("once={}", new_token());
        let once = Once::of(&Form::parse_at("/", form.as_bytes())).unwrap();
        let key = once.request().key;
        assert_ne!(key, URL_SAFE_NO_PAD.encode(once.bytes("secret")));
        assert_ne!(key, URL_SAFE_NO_PAD.encode(once.0));
    }
}
