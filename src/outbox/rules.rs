//! What is kept, what is delivered late to which service, and what an answer means for an event
//! that was kept. Nothing here reads a disk or sends.

use std::time::{Duration, SystemTime};

use super::entry::Entry;
use super::name::Name;
use crate::model::event::EventKind;
use crate::model::kind::{Code, Kind};
use crate::model::outcome::Outcome;
use crate::model::status::Status;

/// How long an event waits; a service remembers what it was sent for a few days more.
const LONGEST: Duration = Duration::from_secs(30 * 86_400);

/// What a service lists that takes what happened earlier for what it is.
const HISTORY: &str = "history";

/// What a service lists that tells a repetition from another event.
const IDEMPOTENCY: &str = "idempotency";

/// What a service can that matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Abilities {
    pub history: bool,
    pub idempotency: bool,
}

/// What is to be done with an event that waits.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Plan {
    Send,
    /// It would be taken for what happens now.
    Drop,
    /// It must not be sent any more, for this reason.
    Refuse(&'static str),
}

/// What an answer means for an event that was sent late.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Delivered,
    /// The service does not want this one.
    Refused,
    /// Nothing is delivered now.
    Stop,
}

/// Whether an event that could not be recorded for this reason may be recorded later.
pub(crate) fn is_kept(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Network
            | Kind::Timeout
            | Kind::Tls
            | Kind::RateLimited
            | Kind::Server
            // A key is renewed, or gets its scopes, and then may.
            | Kind::Authentication
            | Kind::Authorization
    )
}

impl Abilities {
    /// Of an answer of the service; `None` if that tells nothing, because it may be that of what
    /// stands before the service.
    pub fn of(outcome: &Outcome, is_json: bool) -> Option<Self> {
        let lists = |name| outcome.features.iter().any(|feature| *feature == name);
        let is_its_own = is_json && matches!(outcome.http_status, 200..=299 | 401 | 403..=405);
        (is_its_own || !outcome.features.is_empty()).then(|| Abilities {
            history: lists(HISTORY),
            idempotency: lists(IDEMPOTENCY),
        })
    }
}

/// Decides about an event before it is sent late.
pub(super) fn plan(entry: &Entry, name: &Name, now: SystemTime, service: Abilities) -> Plan {
    let status = Status::parse(&entry.wire.status);
    let is_begin = matches!(status, Some(Status::Pending | Status::Started));
    let is_deployment = entry.wire.kind == EventKind::Deployment;
    if is_too_old(entry, now) {
        Plan::Refuse("it waited for more than 30 days")
    } else if is_begin && !service.history {
        Plan::Drop
    } else if is_deployment && name.is_overtaken && !service.history {
        Plan::Refuse(
            "a later event of this product and environment went out before it, and the service \
             would take it for what happened last",
        )
    } else if name.is_tried && !service.idempotency {
        Plan::Refuse(
            "it may have arrived when it was first sent, and the service could not tell that it is \
             the same",
        )
    } else {
        Plan::Send
    }
}

fn is_too_old(entry: &Entry, now: SystemTime) -> bool {
    let age = now.duration_since(entry.occurred_at);
    age.is_ok_and(|age| age > LONGEST)
}

/// Whether an event that belongs to what the service knows may be told later: it was not told, and
/// nothing is wrong with it.
pub(crate) fn may_be_told_later(outcome: &Outcome) -> bool {
    let is_ours = matches!(
        outcome.kind,
        Kind::Interrupted | Kind::Internal | Kind::InvalidArgument | Kind::Config
    );
    outcome.code != Code::Ok && !is_ours && fate(outcome) == Fate::Stop
}

/// Reads the answer to an event that was sent late.
pub(super) fn fate(outcome: &Outcome) -> Fate {
    let is_about_it = matches!(outcome.http_status, 400 | 409 | 413 | 415 | 422 | 423 | 428);
    match outcome.code {
        // Recorded, or taken to be.
        Code::Ok => Fate::Delivered,
        Code::Rejected => Fate::Refused,
        _ if is_about_it && outcome.kind != Kind::Interrupted => Fate::Refused,
        _ => Fate::Stop,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::foreign::Foreign;

    fn answered(kind: Kind, status: u16) -> Outcome {
        let mut outcome = Outcome::new(Some(EventKind::Deployment), kind, "");
        outcome.http_status = status;
        outcome
    }

    #[test]
    fn only_what_is_about_the_event_refuses_it() {
        for status in [400, 413, 415, 422] {
            assert_eq!(
                fate(&answered(Kind::Http, status)),
                Fate::Refused,
                "{status}"
            );
        }
        for status in [409, 423, 428] {
            assert_eq!(fate(&answered(Kind::Rejected, status)), Fate::Refused);
        }
        for status in [
            0, 200, 301, 401, 403, 404, 405, 407, 408, 418, 421, 425, 429, 500, 503,
        ] {
            assert_eq!(fate(&answered(Kind::Http, status)), Fate::Stop, "{status}");
        }
        assert_eq!(fate(&answered(Kind::Ok, 202)), Fate::Delivered);
    }

    #[test]
    fn what_a_login_page_or_a_gateway_says_tells_nothing_of_the_service() {
        let nothing = Abilities {
            history: false,
            idempotency: false,
        };
        let own = [(200, true), (401, true), (403, true), (404, true)];
        for (status, is_json) in own {
            let abilities = Abilities::of(&answered(Kind::Http, status), is_json);
            assert_eq!(abilities, Some(nothing), "{status}");
        }
        let others = [
            (0, false),
            (200, false),
            (404, false),
            (301, true),
            (407, true),
            (503, true),
        ];
        for (status, is_json) in others {
            let abilities = Abilities::of(&answered(Kind::Http, status), is_json);
            assert_eq!(abilities, None, "{status}");
        }
        let mut versioner = answered(Kind::Server, 503);
        versioner.features = ["idempotency", "history"].map(Foreign::line).to_vec();
        let all = Abilities {
            history: true,
            idempotency: true,
        };
        assert_eq!(Abilities::of(&versioner, true), Some(all));
    }
}
