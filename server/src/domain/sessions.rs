//! Sessions of people at the pages, and the links that begin them.

use std::fmt;

use serde::{Deserialize, Serialize};

const MINUTE: i64 = 60 * 1_000_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// How long a session lasts that nobody uses, in microseconds.
pub const IDLE: i64 = 7 * DAY;
/// How long a session lasts that another system vouches for, in microseconds: whom that system lets go
/// is not let in for longer.
pub const VOUCHED: i64 = 12 * HOUR;
/// How long the link lives that makes the first admin, in microseconds.
pub const SET_UP_LIFE: i64 = HOUR;
/// How long a link lives that logs a person in, in microseconds.
pub const LINK_LIFE: i64 = DAY;
/// How exactly the last use of a session is kept, in microseconds.
pub const SEEN_STEP: i64 = 10 * MINUTE;
/// The longest name of a browser that is kept, in characters.
pub const MAX_AGENT: usize = 200;

/// How a person has shown who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Means {
    /// By a link that was made for them.
    Link,
    /// By their password.
    Password,
    /// By an OpenID provider.
    OpenId,
    /// By a proxy that says so with every request.
    Proxy,
}

impl Means {
    const ALL: [Means; 4] = [Means::Link, Means::Password, Means::OpenId, Means::Proxy];

    /// Reads the word in the database.
    pub fn parse(word: &str) -> Option<Means> {
        Means::ALL.into_iter().find(|means| means.as_str() == word)
    }

    /// The word in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Means::Link => "link",
            Means::Password => "password",
            Means::OpenId => "open_id",
            Means::Proxy => "proxy",
        }
    }
}

/// A session, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The identifier.
    pub id: String,
    /// Whose it is.
    pub person_id: String,
    /// How they have shown who they are.
    pub means: Means,
    /// When it began, in microseconds since 1970.
    pub created_at: i64,
    /// When it was last used, in microseconds since 1970, give or take [`SEEN_STEP`].
    pub seen_at: i64,
    /// Where it began.
    pub address: Option<String>,
    /// What the browser calls itself.
    pub agent: Option<String>,
}

impl Session {
    /// When it ends if nobody uses it any more, in microseconds since 1970.
    pub fn ends_at(&self) -> i64 {
        match self.means {
            Means::OpenId | Means::Proxy => self.created_at + VOUCHED,
            Means::Link | Means::Password => self.seen_at + IDLE,
        }
    }

    /// Whether it lasts.
    pub fn is_valid(&self, now: i64) -> bool {
        now < self.ends_at()
    }

    /// Whether a use of it is to be noted.
    pub fn is_to_be_noted(&self, now: i64) -> bool {
        now - self.seen_at >= SEEN_STEP
    }
}

/// A link that begins a session once, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The identifier.
    pub id: String,
    /// Whom it logs in; nobody if it makes the first admin.
    pub person_id: Option<String>,
    /// When it ends to be valid, in microseconds since 1970.
    pub expires_at: i64,
    /// Whether somebody has used it.
    pub used: bool,
}

impl Link {
    /// Whether it can be used.
    pub fn is_valid(&self, now: i64) -> bool {
        !self.used && now < self.expires_at
    }
}

/// A hashed password, as a PHC string. It never shows in `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Hashed(pub String);

impl fmt::Debug for Hashed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hashed(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::{DAY, HOUR, Means, Session};

    #[test]
    fn a_session_ends_unused_and_a_vouched_one_in_any_case() {
        let of = |means, seen_at| Session {
            id: "s1".to_owned(),
            person_id: "p1".to_owned(),
            means,
            created_at: 0,
            seen_at,
            address: None,
            agent: None,
        };
        assert!(of(Means::Password, 0).is_valid(7 * DAY - 1));
        assert!(!of(Means::Password, 0).is_valid(7 * DAY));
        assert!(of(Means::Link, 30 * DAY).is_valid(36 * DAY));
        assert!(of(Means::OpenId, 11 * HOUR).is_valid(12 * HOUR - 1));
        assert!(!of(Means::OpenId, 11 * HOUR).is_valid(12 * HOUR));
    }
}
