//! How long a start waits for its gate, and what it waits out.

use std::time::Duration;

use crate::model::event::Given;
use crate::model::failure::Failure;
use crate::model::status::Status;

/// What a start waits for beyond windows, soak times, approvals and its turn.
const FLOW: &str = "flow";
/// What is done if another version was started meanwhile.
const STOP: &str = "stop";
const GO: &str = "go";

/// How a start waits for its gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wait {
    pub length: Duration,
    /// Whether it waits for the environments that come first, too.
    pub for_flow: bool,
    /// Whether it goes on although another version was started there meanwhile.
    pub past_others: bool,
}

impl Wait {
    /// Reads what the caller gave for an event of this status; `None` if it does not wait.
    ///
    /// # Errors
    /// For words that mean nothing, and if there is nothing to wait for.
    pub fn read(given: &Given<'_>, status: &str) -> Result<Option<Wait>, Failure> {
        let for_flow = choice("wait_for", given.wait_for, FLOW, None)?;
        let past_others = choice("wait_superseded", given.wait_superseded, GO, Some(STOP))?;
        let Some(length) = given.wait else {
            return match [given.wait_for, given.wait_superseded] {
                ["", ""] => Ok(None),
                ["", _] => Err(alone("wait_superseded")),
                _ => Err(alone("wait_for")),
            };
        };
        if status != Status::Started.as_str() {
            let message = format!(
                "wait is for a deployment that starts, but the status is {status}: leave wait out, \
                 or say started"
            );
            return Err(Failure::argument("wait", message));
        }
        Ok((!length.is_zero()).then_some(Wait {
            length,
            for_flow,
            past_others,
        }))
    }
}

/// Whether a text is the word that means yes. One that is given and blank is a variable that
/// nobody set.
fn choice(name: &'static str, given: &str, yes: &str, no: Option<&str>) -> Result<bool, Failure> {
    let word = given.trim();
    if given.is_empty() || Some(word) == no {
        return Ok(false);
    }
    if word == yes {
        return Ok(true);
    }
    let known = no.map(|no| format!(" or {no}")).unwrap_or_default();
    let message = format!("{name} must be {yes}{known}, but is {given:?}");
    Err(Failure::argument(name, message))
}

fn alone(name: &'static str) -> Failure {
    let message = format!("{name} means nothing without wait: say how long");
    Failure::argument(name, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::event::DeploymentEvent;

    fn read(event: &DeploymentEvent, status: &str) -> Result<Option<Wait>, &'static str> {
        Wait::read(&event.given(), status).map_err(|failure| failure.argument)
    }

    #[test]
    fn words_that_mean_nothing_are_refused_by_name() {
        let event = |wait, wait_for: &str, wait_superseded: &str| DeploymentEvent {
            wait,
            wait_for: wait_for.to_owned(),
            wait_superseded: wait_superseded.to_owned(),
            ..DeploymentEvent::default()
        };
        let hour = Some(Duration::from_secs(3_600));
        for (event, argument) in [
            (event(hour, "approval", ""), "wait_for"),
            (event(hour, " ", ""), "wait_for"),
            (event(hour, "", "yes"), "wait_superseded"),
            (event(None, "flow", ""), "wait_for"),
            (event(None, "", "go"), "wait_superseded"),
        ] {
            assert_eq!(read(&event, "started"), Err(argument));
        }
        assert_eq!(read(&event(hour, "", ""), "completed"), Err("wait"));
        assert_eq!(read(&event(None, "", ""), "completed"), Ok(None));
        assert_eq!(
            read(&event(Some(Duration::ZERO), "", ""), "started"),
            Ok(None)
        );
        let all = read(&event(hour, "flow", "go"), "started").expect("a wait");
        assert!(all.is_some_and(|wait| wait.for_flow && wait.past_others));
        let least = read(&event(hour, "", "stop"), "started").expect("a wait");
        assert!(least.is_some_and(|wait| !wait.for_flow && !wait.past_others));
    }
}
