//! What a key may do.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One thing that a key may do. None includes another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Tell of builds and deployments.
    Events,
    /// Read the record.
    Read,
    /// Approve versions.
    Approve,
    /// Make, change and remove rules.
    Rules,
    /// Tell of what happened longer ago than others may.
    History,
    /// Start without checks, exempt from rules, and end what others have started.
    Override,
    /// Read the audit log.
    Admin,
    /// Show badges and feeds, with the key in their address. It stands alone.
    Share,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Scope; 8] = [
        Scope::Events,
        Scope::Read,
        Scope::Approve,
        Scope::Rules,
        Scope::History,
        Scope::Override,
        Scope::Admin,
        Scope::Share,
    ];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Scope::Events => "events",
            Scope::Read => "read",
            Scope::Approve => "approve",
            Scope::Rules => "rules",
            Scope::History => "history",
            Scope::Override => "override",
            Scope::Admin => "admin",
            Scope::Share => "share",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scopes(u8);

impl Scopes {
    /// Everything that the API allows. What may be shared is for keys of its own.
    pub fn all() -> Scopes {
        let all = Scopes::of(&Scope::ALL);
        Scopes(all.0 & !Scopes::shared().0)
    }

    /// What a key has that stands in the address of a badge or a feed.
    pub fn shared() -> Scopes {
        Scopes::of(&[Scope::Share])
    }

    /// These.
    pub fn of(scopes: &[Scope]) -> Scopes {
        Scopes(
            scopes
                .iter()
                .fold(0, |bits, scope| bits | 1 << *scope as u8),
        )
    }

    /// Those that are among both.
    pub fn and(self, other: Scopes) -> Scopes {
        Scopes(self.0 & other.0)
    }

    /// Whether there are none.
    pub fn is_none(self) -> bool {
        self.0 == 0
    }

    /// Whether all of them are among `others`.
    pub fn is_within(self, others: Scopes) -> bool {
        self.and(others) == self
    }

    /// Whether the scope is among them.
    pub fn contains(self, scope: Scope) -> bool {
        self.0 & 1 << scope as u8 != 0
    }

    /// Reads the word for one.
    pub fn one(word: &str) -> Option<Scope> {
        Scope::ALL.into_iter().find(|scope| scope.as_str() == word)
    }

    /// Reads words with commas or blanks between them.
    ///
    /// # Errors
    /// The word that is none.
    pub fn parse(text: &str) -> Result<Scopes, String> {
        let words = text.split([',', ' ']).filter(|word| !word.is_empty());
        let mut scopes = Vec::new();
        for word in words {
            scopes.push(Scopes::one(word).ok_or_else(|| {
                let all: Vec<_> = Scope::ALL.iter().map(|scope| scope.as_str()).collect();
                format!("{word:?} is no scope; there are {}", all.join(", "))
            })?);
        }
        if scopes.is_empty() {
            return Err("a key needs at least one scope".to_owned());
        }
        let scopes = Scopes::of(&scopes);
        if scopes.contains(Scope::Share) && scopes != Scopes::shared() {
            let msg = "share stands alone: whoever sees a badge sees its key, which must open nothing \
                else";
            return Err(msg.to_owned());
        }
        Ok(scopes)
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = Scope::ALL.into_iter().filter(|scope| self.contains(*scope));
        let words: Vec<_> = words.map(Scope::as_str).collect();
        f.write_str(&words.join(" "))
    }
}

impl Serialize for Scopes {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Scopes {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let words = String::deserialize(from)?;
        Scopes::parse(&words).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::{Scope, Scopes};

    #[test]
    fn words_are_read_back() {
        let scopes = Scopes::parse("read,rules events").unwrap();
        assert_eq!(scopes.to_string(), "events read rules");
        assert!(scopes.contains(Scope::Rules) && !scopes.contains(Scope::Override));
        assert_eq!(Scopes::parse(&Scopes::all().to_string()), Ok(Scopes::all()));
        assert!(
            Scopes::parse("read,write")
                .unwrap_err()
                .contains("\"write\"")
        );
        assert!(Scopes::parse("").is_err());
        assert_eq!(Scopes::parse("share"), Ok(Scopes::shared()));
        assert!(Scopes::parse("read,share").unwrap_err().contains("alone"));
        assert!(!Scopes::all().contains(Scope::Share));
    }
}
