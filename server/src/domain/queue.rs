//! What waits to be done outside of the transaction that asks for it: what others have sent us, and what
//! we send to others.

use serde::Serialize;
use serde_json::{Map, Value};

const SECOND: i64 = 1_000_000;
const DAY: i64 = 24 * 3600 * SECOND;
/// The longest pause between two attempts.
const LONGEST_PAUSE: i64 = 3600 * SECOND;
/// Nothing waits longer for its next attempt, whoever asks for it.
pub const LONGEST_WAIT: i64 = 2 * DAY;
/// How often something is tried that fails for no reason of its own, such as a database that is down.
pub const MOST_ATTEMPTS: i64 = 12;

/// How long rows stay after their end, with what was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Those that are done or were not to be done, in days: what comes again is known by them, and can be read
    /// again.
    pub done: i64,
    /// Those that could not be done, which somebody may repair.
    pub dead: i64,
}

impl Retention {
    /// The fewest days: some senders send a thing again so long after it.
    pub const LEAST: i64 = 3;

    /// What ended before these times goes: what is done, and what could not be done.
    pub fn before(self, now: i64) -> (i64, i64) {
        (now - self.done * DAY, now - self.dead * DAY)
    }
}

impl Default for Retention {
    fn default() -> Retention {
        Retention { done: 30, dead: 90 }
    }
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Somebody else's event becomes one of ours. The topic is the source.
    Inbox,
    /// A webhook is delivered. The topic is the webhook.
    Webhook,
    /// Slack is told something. The topic is the channel.
    Slack,
    /// An e-mail is sent. The topic is the address.
    Email,
    /// A job at GitHub asks whether it may go on. The topic is the source.
    Gate,
    /// GitHub is told what became of that. The topic is the source.
    Answer,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 6] = [
        Kind::Inbox,
        Kind::Webhook,
        Kind::Slack,
        Kind::Email,
        Kind::Gate,
        Kind::Answer,
    ];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Kind::Inbox => "inbox",
            Kind::Webhook => "webhook",
            Kind::Slack => "slack",
            Kind::Email => "email",
            Kind::Gate => "gate",
            Kind::Answer => "answer",
        }
    }

    /// Reads the word for one.
    ///
    /// # Errors
    /// If it is none.
    pub fn parse(word: &str) -> Result<Kind, String> {
        named(&Kind::ALL, Kind::as_str, word)
    }
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is still to be done, or somebody is at it.
    Waiting,
    /// It is done.
    Done,
    /// There was nothing to do.
    Ignored,
    /// It cannot be done.
    Dead,
    /// Somebody has decided that it is not to be done.
    Dropped,
}

impl State {
    /// Every state.
    pub const ALL: [State; 5] = [
        State::Waiting,
        State::Done,
        State::Ignored,
        State::Dead,
        State::Dropped,
    ];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            State::Waiting => "waiting",
            State::Done => "done",
            State::Ignored => "ignored",
            State::Dead => "dead",
            State::Dropped => "dropped",
        }
    }

    /// Reads the word for one.
    ///
    /// # Errors
    /// If it is none.
    pub fn parse(word: &str) -> Result<State, String> {
        named(&State::ALL, State::as_str, word)
    }
}

fn named<T: Copy>(all: &[T], word_of: fn(T) -> &'static str, word: &str) -> Result<T, String> {
    let found = all.iter().copied().find(|one| word_of(*one) == word);
    found.ok_or_else(|| {
        let words: Vec<_> = all.iter().map(|one| word_of(*one)).collect();
        format!("{word:?} is none of {}", words.join(", "))
    })
}

/// Something new that is to be done.
#[derive(Clone)]
pub struct NewItem {
    /// What is to be done.
    pub kind: Kind,
    /// What it belongs to, such as a source or a webhook.
    pub topic: String,
    /// What tells it from others of the topic: the same thing that comes again has the same.
    pub key: String,
    /// When it may be done, in microseconds since 1970; 0 is at once.
    pub not_before: i64,
    /// What is to be known besides the body. No secrets: it is shown.
    pub head: Map<String, Value>,
    /// The body, as it came or as it goes.
    pub body: Vec<u8>,
}

impl std::fmt::Debug for NewItem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NewItem({}, {}, …)", self.kind.as_str(), self.topic)
    }
}

/// Something that is to be done, or was.
#[derive(Clone, PartialEq)]
pub struct Item {
    /// Its identifier; later ones sort after earlier ones.
    pub id: String,
    /// What is to be done.
    pub kind: Kind,
    /// What it belongs to.
    pub topic: String,
    /// What tells it from others of the topic.
    pub key: String,
    /// What became of it.
    pub state: State,
    /// How often it was begun.
    pub attempts: i64,
    /// When it was asked for.
    pub created_at: i64,
    /// When it may be done; while somebody is at it, when somebody else may take it up.
    pub not_before: i64,
    /// Whether somebody is at it, or was until they were cut off.
    pub claimed: bool,
    /// When it ended.
    pub ended_at: Option<i64>,
    /// What went wrong last, or why it was ignored.
    pub error: Option<String>,
    /// What it became, such as the deployment.
    pub result: Option<String>,
    /// What is to be known besides the body.
    pub head: Map<String, Value>,
    /// How long the body is, in bytes.
    pub size: i64,
    /// The body; empty in a list.
    pub body: Vec<u8>,
}

impl std::fmt::Debug for Item {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Item({}, {}, …)", self.id, self.kind.as_str())
    }
}

/// How an attempt ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// It is done; and what it became, if that is not what the commands say that come with it.
    Done(Option<String>),
    /// There was nothing to do, for this reason.
    Ignored(String),
    /// It is to be tried again at that time, because of this.
    Again(i64, String),
    /// It cannot be done, for this reason.
    Dead(String),
}

impl End {
    /// Another attempt after a pause that doubles each time; the end, if there were enough.
    pub fn after_failure(attempts: i64, now: i64, reason: String) -> End {
        if attempts >= MOST_ATTEMPTS {
            return End::Dead(reason);
        }
        let doubled = SECOND << attempts.clamp(1, 20);
        End::Again(now + doubled.min(LONGEST_PAUSE), reason)
    }
}

/// Which rows are meant.
#[derive(Debug, Clone, Default)]
pub struct Which {
    /// This one.
    pub id: Option<String>,
    /// Those of this kind.
    pub kind: Option<Kind>,
    /// Those that belong to this.
    pub topic: Option<String>,
    /// Those of which this became.
    pub state: Option<State>,
    /// Those that were asked for then or later.
    pub since: Option<i64>,
}

/// What waits of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// What is to be done.
    pub kind: Kind,
    /// How many rows.
    pub rows: i64,
    /// How many bytes their bodies have.
    pub bytes: i64,
    /// When the oldest was asked for.
    pub oldest: i64,
    /// When the next may be done.
    pub due: i64,
}

/// How much may wait in an account.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Bounds {
    /// How many rows of a kind.
    pub rows: i64,
    /// How many bytes their bodies may have.
    pub bytes: i64,
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds {
            rows: 100_000,
            bytes: 1 << 30,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_doubles_up_to_an_hour_and_then_it_is_over() {
        let pause = |attempts| match End::after_failure(attempts, 0, String::new()) {
            End::Again(at, _) => at / SECOND,
            _ => -1,
        };
        assert_eq!([pause(1), pause(2), pause(11)], [2, 4, 2048]);
        assert_eq!(pause(MOST_ATTEMPTS), -1);
    }

    #[test]
    fn what_is_done_and_what_is_dead_is_kept_apart() {
        assert_eq!(Retention::default().before(100 * DAY), (70 * DAY, 10 * DAY));
        let short = Retention { done: 3, dead: 4 };
        assert_eq!(short.before(0), (-3 * DAY, -4 * DAY));
    }

    #[test]
    fn words_are_read_as_they_are_written() {
        for kind in Kind::ALL {
            assert_eq!(Kind::parse(kind.as_str()), Ok(kind));
        }
        for state in State::ALL {
            assert_eq!(State::parse(state.as_str()), Ok(state));
        }
        assert!(Kind::parse("mail").unwrap_err().contains("webhook"));
    }
}
