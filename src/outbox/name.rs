//! The name of a queued file, which says in which order it is delivered and what became of it.

use std::time::{Duration, SystemTime};

use ring::digest;

use super::entry::hex;
use crate::model::event::EventKind;

/// Enough of a digest that no two keys of one outbox have the same.
const ID_BYTES: usize = 12;

const END: &str = ".json";
const TRIED: &str = ".tried";
const OVERTAKEN: &str = ".overtaken";

/// `MILLISECONDS-ID[.tried][.overtaken].json`. Sorted as text, the files of a directory are in the
/// order in which their events were.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name {
    /// Since 1970, and later than whatever was queued before.
    pub order: u64,
    /// The same for every file of one event.
    pub id: String,
    /// Whether it may have arrived at a service that cannot tell a repetition.
    pub is_tried: bool,
    /// Whether a later event of its product and environment went out before it.
    pub is_overtaken: bool,
}

impl Name {
    /// The name of an event that is queued at `now`, after those that are `there`.
    pub fn new(id: String, now: SystemTime, there: Option<&Name>) -> Self {
        let since = now.duration_since(SystemTime::UNIX_EPOCH);
        let now = milliseconds(since.unwrap_or_default());
        // A clock that was set back must not put an end before its start.
        let after = there.map_or(0, |name| name.order.saturating_add(1));
        Name {
            order: now.max(after),
            id,
            is_tried: false,
            is_overtaken: false,
        }
    }

    /// What a file is called, if it is one of this outbox.
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_suffix(END)?;
        let (rest, is_overtaken) = without(rest, OVERTAKEN);
        let (rest, is_tried) = without(rest, TRIED);
        let (order, id) = rest.split_once('-')?;
        let is_hex = |byte: u8| byte.is_ascii_hexdigit();
        if id.len() != ID_BYTES * 2 || !id.bytes().all(is_hex) {
            return None;
        }
        let name = Name {
            order: order.parse().ok()?,
            id: id.to_owned(),
            is_tried,
            is_overtaken,
        };
        // Another way to write it would be a file that nobody finds again.
        (name.file() == text).then_some(name)
    }

    pub fn file(&self) -> String {
        let tried = if self.is_tried { TRIED } else { "" };
        let overtaken = if self.is_overtaken { OVERTAKEN } else { "" };
        format!("{:015}-{}{tried}{overtaken}{END}", self.order, self.id)
    }
}

/// The id of an event: the same for whoever queues it again.
pub(super) fn id(kind: EventKind, idempotency_key: &str) -> String {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in [kind.path(), idempotency_key] {
        context.update(part.as_bytes());
    }
    let digest = context.finish();
    hex(&digest.as_ref()[..ID_BYTES])
}

fn without<'a>(text: &'a str, mark: &str) -> (&'a str, bool) {
    match text.strip_suffix(mark) {
        Some(rest) => (rest, true),
        None => (text, false),
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(order: u64) -> Name {
        Name {
            order,
            id: id(EventKind::Build, "key"),
            is_tried: false,
            is_overtaken: false,
        }
    }

    #[test]
    fn a_name_is_read_as_it_was_written() {
        for (is_tried, is_overtaken) in [(false, false), (true, false), (false, true), (true, true)]
        {
            let name = Name {
                is_tried,
                is_overtaken,
                ..name(1_767_225_600_000)
            };
            assert_eq!(Name::parse(&name.file()), Some(name));
        }
        for other in [
            "",
            ".lock",
            "refused",
            "1-2.json",
            "1-000000000000000000000000.json",
            "+00000000000001-000000000000000000000000.json",
            "x-000000000000000000000000.json",
        ] {
            assert_eq!(Name::parse(other), None, "{other:?}");
        }
    }

    #[test]
    fn what_is_queued_later_comes_later_whatever_the_clock_says() {
        let epoch = SystemTime::UNIX_EPOCH;
        let first = Name::new("a".to_owned(), epoch + Duration::from_secs(10), None);
        let second = Name::new("b".to_owned(), epoch, Some(&first));
        assert!(second.file() > first.file());
        let last = Name {
            order: u64::MAX,
            ..first
        };
        assert_eq!(
            Name::new("b".to_owned(), epoch, Some(&last)).order,
            u64::MAX
        );
    }

    #[test]
    fn a_build_and_a_deployment_are_two_events_though_their_keys_are_equal() {
        assert_ne!(id(EventKind::Build, "k"), id(EventKind::Deployment, "k"));
        assert_eq!(id(EventKind::Build, "k"), id(EventKind::Build, "k"));
    }
}
