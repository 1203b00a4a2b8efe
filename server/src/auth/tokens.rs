//! What a cookie or a link holds: `{account}.{id}.{secret}`.

use std::fmt;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::keys::{is_account_name, part_of, secret_part};
use crate::store::flow::Proof;
use crate::store::{StoreError, new_id};

const MAX_LEN: usize = 256;

/// A token as a browser sends it. Its secret part never shows in `Debug`.
#[derive(Clone)]
pub struct Token {
    text: String,
    account: std::ops::Range<usize>,
    id: std::ops::Range<usize>,
}

impl Token {
    /// A new one for an account.
    ///
    /// # Errors
    /// [`StoreError::Random`] if the operating system gives no random bytes.
    pub fn new(account: &str) -> Result<Token, StoreError> {
        Ok(Token::of(account, &new_id(), &secret_part()?))
    }

    /// The one that these bytes make, by what they are for.
    pub fn made_of(account: &str, bytes: impl Fn(&str) -> [u8; 32]) -> Token {
        let (id, secret) = (part_of(&bytes("token id")), part_of(&bytes("token secret")));
        Token::of(account, &id, &secret)
    }

    fn of(account: &str, id: &str, secret: &str) -> Token {
        let account_end = account.len();
        Token {
            text: format!("{account}.{id}.{secret}"),
            account: 0..account_end,
            id: account_end + 1..account_end + 1 + id.len(),
        }
    }

    /// Reads a token; `None` if the text has not this form.
    pub fn parse(text: &str) -> Option<Token> {
        if text.len() > MAX_LEN {
            return None;
        }
        let mut parts = text.split('.');
        let (account, id, secret) = (parts.next()?, parts.next()?, parts.next()?);
        let plain = |part: &str| {
            let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
            !part.is_empty() && part.bytes().all(fits)
        };
        let valid =
            parts.next().is_none() && is_account_name(account) && plain(id) && plain(secret);
        valid.then(|| Token::of(account, id, secret))
    }

    /// The account whose database knows it.
    pub fn account(&self) -> &str {
        &self.text[self.account.clone()]
    }

    /// What it belongs to.
    pub fn id(&self) -> &str {
        &self.text[self.id.clone()]
    }

    /// The whole token, for its owner alone.
    pub fn reveal(&self) -> &str {
        &self.text
    }

    /// What is stored in place of the token. A plain hash is enough: it is random, not chosen.
    pub fn proof(&self) -> Proof {
        Proof {
            id: self.id().to_owned(),
            hash: Sha256::digest(&self.text).to_vec(),
        }
    }

    /// Whether `hash` is this token's, in a time that does not depend on where they differ.
    pub fn matches(&self, hash: &[u8]) -> bool {
        self.proof().hash.ct_eq(hash).into()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({}.{}.…)", self.account(), self.id())
    }
}

#[cfg(test)]
mod tests {
    use super::Token;

    #[test]
    fn a_token_reads_back_and_matches_only_its_own_hash() {
        let token = Token::new("acme-2").unwrap();
        let other = Token::new("acme-2").unwrap();
        let read = Token::parse(token.reveal()).unwrap();
        assert_eq!((read.account(), read.id()), ("acme-2", token.id()));
        assert!(read.matches(&token.proof().hash));
        assert!(!read.matches(&other.proof().hash));
        let secret = token.reveal().rsplit('.').next().unwrap();
        for shown in [format!("{token:?}"), format!("{:?}", token.proof())] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }

    #[test]
    fn the_same_bytes_make_the_same_token_and_its_name_does_not_tell_its_secret() {
        let bytes = |part: &str| [part.len() as u8; 32];
        let token = Token::made_of("acme", bytes);
        assert_eq!(token.reveal(), Token::made_of("acme", bytes).reveal());
        let read = Token::parse(token.reveal()).unwrap();
        let secret = token.reveal().rsplit('.').next().unwrap();
        assert_ne!(read.id(), secret);
        assert!(read.matches(&token.proof().hash));
    }

    #[test]
    fn other_text_is_no_token() {
        let long = format!("a.b.{}", "c".repeat(300));
        for text in [
            "", "a.b", "a.b.c.d", "A.b.c", "../x.b.c", "a..c", "a.b.c;", "a.b.é", &long,
        ] {
            assert!(Token::parse(text).is_none(), "{text:?}");
        }
    }
}
