//! How long a start that waits pauses before it asks again.

use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// The longest pause for the sake of a time that the service names, and between questions that
/// record nothing: people lift rules early.
const LONGEST: Duration = Duration::from_secs(60);

/// Between two events that are likely to be refused, which somebody sees.
const EVENTS: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(120));

/// Between two questions that record nothing and are answered at once.
const QUESTIONS: (Duration, Duration) = (Duration::from_secs(30), LONGEST);

/// After an answer that should have been held back and was not.
const HASTY: (Duration, Duration) = (SECOND, LONGEST);

/// What is asked again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    Event,
    Question,
    HeldQuestion,
}

/// The pause before something is asked for the `count`th time again, from 0. `opens_in` is how long
/// the service says that the gate stays closed. `jitter` is in `0.0..1.0`.
pub(super) fn before(
    again: Again,
    count: u32,
    opens_in: Option<Duration>,
    jitter: f64,
) -> Duration {
    if let Some(opens_in) = opens_in {
        return opens_in.clamp(SECOND, LONGEST);
    }
    let (first, longest) = match again {
        Again::Event => EVENTS,
        Again::Question => QUESTIONS,
        Again::HeldQuestion => HASTY,
    };
    let doubled = first.saturating_mul(1 << count.min(16)).min(longest);
    doubled.mul_f64(0.75 + jitter / 2.0).min(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(again: Again, count: u32, opens_in: Option<u64>, jitter: f64) -> f64 {
        let opens_in = opens_in.map(Duration::from_secs);
        before(again, count, opens_in, jitter).as_secs_f64()
    }

    #[test]
    fn events_are_sent_again_after_half_a_minute_growing_to_two() {
        let pauses = [0, 1, 2, 3, u32::MAX].map(|count| seconds(Again::Event, count, None, 0.5));
        assert_eq!(pauses, [30.0, 60.0, 120.0, 120.0, 120.0]);
        assert_eq!(seconds(Again::Event, 0, None, 0.0), 22.5);
        assert!(seconds(Again::Event, 9, None, 0.999) <= 120.0);
    }

    #[test]
    fn a_time_that_the_service_names_is_waited_for_a_minute_at_most() {
        assert_eq!(seconds(Again::Event, 7, Some(12), 0.9), 12.0);
        assert_eq!(seconds(Again::Question, 0, Some(3_600), 0.9), 60.0);
        assert_eq!(seconds(Again::Event, 0, Some(0), 0.5), 1.0);
    }

    #[test]
    fn a_service_that_does_not_hold_its_answer_back_is_not_asked_all_the_time() {
        let pauses = [0, 1, 5, 9].map(|count| seconds(Again::HeldQuestion, count, None, 0.5));
        assert_eq!(pauses, [1.0, 2.0, 32.0, 60.0]);
    }
}
