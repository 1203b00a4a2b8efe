//! Moments as people type them: `7d` ago, or a time.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use time::OffsetDateTime;

use crate::input::text::time::check;
use crate::model::failure::Failure;
use crate::model::outcome::Error;

const UNITS: [(char, u64); 5] = [
    ('s', 1),
    ('m', 60),
    ('h', 3_600),
    ('d', 86_400),
    ('w', 604_800),
];

/// The RFC 3339 time that is meant.
pub fn parse(name: &'static str, text: &str) -> Result<String, Error> {
    if let Some(ago) = duration(text) {
        return rfc3339(SystemTime::now(), ago).ok_or_else(|| error(too_long(name, text)));
    }
    let problem = |_| {
        Failure::argument(
            name,
            format!(
                "{name} must be a length of time such as 30m, 12h, 7d or 2w, or an RFC 3339 time with \
                 a zone such as 2026-01-31T15:04:05Z, but is {text:?}"
            ),
        )
    };
    check(name, text).map_err(|failure| error(problem(failure)))?;
    Ok(text.to_owned())
}

fn error(failure: Failure) -> Error {
    failure.into_outcome(None).into()
}

fn too_long(name: &'static str, text: &str) -> Failure {
    Failure::argument(
        name,
        format!("{name} {text:?} is before 1970: name a shorter time"),
    )
}

fn duration(text: &str) -> Option<Duration> {
    let unit = text.chars().next_back()?;
    let (_, seconds) = UNITS.iter().find(|(name, _)| *name == unit)?;
    let count: u64 = text[..text.len() - unit.len_utf8()].parse().ok()?;
    Some(Duration::from_secs(count.saturating_mul(*seconds)))
}

/// To the second, in UTC; `None` before 1970.
fn rfc3339(now: SystemTime, ago: Duration) -> Option<String> {
    let since = now.checked_sub(ago)?.duration_since(UNIX_EPOCH).ok()?;
    let time = OffsetDateTime::from_unix_timestamp(since.as_secs().try_into().ok()?).ok()?;
    let (year, month, day) = time.to_calendar_date();
    let (hour, minute, second) = time.to_hms();
    let month = u8::from(month);
    Some(format!(
        "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_of_time_is_counted_back() {
        let now = UNIX_EPOCH + Duration::from_secs(1_767_225_600);
        for (text, then) in [
            ("0s", "2026-01-01T00:00:00Z"),
            ("90m", "2025-12-31T22:30:00Z"),
            ("7d", "2025-12-25T00:00:00Z"),
            ("2w", "2025-12-18T00:00:00Z"),
        ] {
            let ago = duration(text).expect(text);
            assert_eq!(rfc3339(now, ago).as_deref(), Some(then), "{text}");
        }
        let ago = duration("99999999999999999999w");
        assert_eq!(ago, None);
        let ago = duration("18446744073709551615w").expect("a duration");
        assert_eq!(rfc3339(now, ago), None);
    }

    #[test]
    fn a_time_stays_and_anything_else_is_refused() {
        let time = "2026-01-31T16:04:05+01:00";
        assert_eq!(parse("since", time).expect("a time"), time);
        for text in ["7", "d", "7 d", "-7d", "7y", "é", "2026-01-31", "yesterday"] {
            let error = parse("since", text).expect_err(text);
            assert!(error.to_string().contains("7d"), "{error}");
        }
    }
}
