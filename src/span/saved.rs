//! A span as text. It holds no key.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::machine::{Ended, Ending, Machine, State, Waiting};
use crate::input::text::time;
use crate::model::event::EventKind;
use crate::model::failure::Failure;
use crate::model::wait::Wait;
use crate::send::wire::Wire;

/// The newest form that is read, and the one that is written.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Saved {
    v: u32,
    id: String,
    kind: EventKind,
    /// The start, byte for byte as it is sent.
    event: Box<RawValue>,
    api_url: String,
    account: String,
    asked_at: String,
    state: SavedState,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    deployment_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lease_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    wait: Option<SavedWait>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    begun_at: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    end: Option<SavedEnd>,
}

#[derive(Serialize, Deserialize)]
struct SavedWait {
    ms: u64,
    since: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    for_flow: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    past_others: bool,
}

#[derive(Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum SavedState {
    Asking,
    Open,
    Ended,
}

#[derive(Serialize, Deserialize)]
struct SavedEnd {
    event: Box<RawValue>,
    told: bool,
}

/// Writes a span on one line.
pub(super) fn write(machine: &Machine) -> Result<String, Failure> {
    let raw = |wire: &Wire| RawValue::from_string(wire.body.clone()).map_err(unusable);
    let (state, end) = match &machine.state {
        State::Asking => (SavedState::Asking, None),
        State::Open => (SavedState::Open, None),
        State::Ended(Ended::Refused) => (SavedState::Ended, None),
        State::Ended(Ended::With(ending)) => {
            let end = SavedEnd {
                event: raw(&ending.event)?,
                told: ending.is_told,
            };
            (SavedState::Ended, Some(end))
        }
    };
    let saved = Saved {
        v: VERSION,
        id: machine.id.clone(),
        kind: machine.start.kind,
        event: raw(&machine.start)?,
        api_url: machine.api_url.clone(),
        account: machine.account.clone(),
        asked_at: time::write(machine.asked_at),
        state,
        deployment_id: machine.deployment_id.clone(),
        lease_ms: machine.lease.map(milliseconds),
        wait: machine.wait.map(|Waiting { wait, since }| SavedWait {
            ms: milliseconds(wait.length),
            since: time::write(since),
            for_flow: wait.for_flow,
            past_others: wait.past_others,
        }),
        begun_at: machine.begun_at.map(time::write),
        end,
    };
    serde_json::to_string(&saved).map_err(unusable)
}

/// Reads what [`write`] wrote, in whatever process.
pub(super) fn read(text: &str) -> Result<Machine, Failure> {
    #[derive(Deserialize)]
    struct Form {
        v: u32,
    }
    let form: Form = serde_json::from_str(text).map_err(unusable)?;
    if form.v != VERSION {
        return Err(unusable(format!(
            "it has form {}, and this version of the library reads form {VERSION}",
            form.v
        )));
    }
    let saved: Saved = serde_json::from_str(text).map_err(unusable)?;
    // It becomes a header.
    let id = Uuid::parse_str(&saved.id).map_err(unusable)?.to_string();
    let kind = saved.kind;
    let moment = |name: &str, text: &str| {
        time::parse(text).ok_or_else(|| unusable(format!("{name} {text:?} is no time")))
    };
    let asked_at = moment("asked_at", &saved.asked_at)?;
    let begun_at = saved.begun_at.as_deref();
    let begun_at = begun_at.map(|text| moment("begun_at", text)).transpose()?;
    let wait = saved.wait.map(|wait| {
        Ok(Waiting {
            since: moment("since", &wait.since)?,
            wait: Wait {
                length: Duration::from_millis(wait.ms),
                for_flow: wait.for_flow,
                past_others: wait.past_others,
            },
        })
    });
    let wire = |raw: &RawValue| Wire::read(kind, raw.get()).map_err(unusable);
    let state = match (saved.state, &saved.end) {
        (SavedState::Asking, _) => State::Asking,
        (SavedState::Open, _) => State::Open,
        (SavedState::Ended, None) => State::Ended(Ended::Refused),
        (SavedState::Ended, Some(end)) => State::Ended(Ended::With(Box::new(Ending {
            event: wire(&end.event)?,
            is_told: end.told,
            outcome: None,
        }))),
    };
    Ok(Machine {
        id,
        start: wire(&saved.event)?,
        api_url: saved.api_url,
        account: saved.account,
        asked_at,
        wait: wait.transpose()?,
        begun_at,
        was_asked: true,
        state,
        deployment_id: saved.deployment_id,
        lease: saved.lease_ms.map(Duration::from_millis),
    })
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn unusable(problem: impl std::fmt::Display) -> Failure {
    Failure::argument(
        "state",
        format!("state is not what a span was saved as: {problem}"),
    )
}
