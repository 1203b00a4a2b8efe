//! What people are told while a start waits: one line for each change.

use std::time::Duration;

use crate::model::outcome::Outcome;

/// From when on minutes are told rather than seconds.
const MINUTES: Duration = Duration::from_secs(120);

/// What keeps a start waiting, in a few words.
pub(super) fn reason(outcome: &Outcome) -> String {
    let Some(rejection) = &outcome.rejection else {
        return format!("no answer ({})", outcome.kind);
    };
    let code = match rejection.policy_code.as_str() {
        "" => outcome.kind.as_str().to_uppercase(),
        code => code.to_owned(),
    };
    match rejection.rule.as_str() {
        "" => code,
        rule => format!("{code} ({rule})"),
    }
}

/// How much of the wait has passed.
pub(super) fn passed(waited: Duration, length: Duration) -> String {
    let (unit, name) = unit(length);
    format!(
        "{} {name} of {}",
        waited.min(length).as_secs() / unit,
        length.as_secs() / unit
    )
}

/// A duration in round numbers.
pub(super) fn rounded(duration: Duration) -> String {
    let (unit, name) = unit(duration);
    format!("{} {name}", duration.as_secs() / unit)
}

fn unit(length: Duration) -> (u64, &'static str) {
    match length < MINUTES {
        true => (1, "s"),
        false => (60, "min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_told_in_what_people_count() {
        let passed = |waited, length| {
            super::passed(Duration::from_secs(waited), Duration::from_secs(length))
        };
        assert_eq!(passed(299, 1_800), "4 min of 30");
        assert_eq!(passed(7, 90), "7 s of 90");
        assert_eq!(passed(95, 90), "90 s of 90");
        assert_eq!(rounded(Duration::from_secs(3_601)), "60 min");
    }
}
