//! Moments, as RFC 3339 writes them.

use std::time::SystemTime;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::model::failure::Failure;

/// Reads a moment with a zone; `None` if it is none.
pub(crate) fn parse(text: &str) -> Option<SystemTime> {
    // The parser takes any character between date and time, and the year 0, which no calendar
    // that a service reads has.
    let has_t = matches!(text.as_bytes().get(10), Some(b'T' | b't'));
    let moment = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    (has_t && !text.starts_with("0000")).then(|| moment.into())
}

/// Writes a moment in UTC, to the millisecond.
pub(crate) fn write(moment: SystemTime) -> String {
    let moment = OffsetDateTime::from(moment);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        moment.year(),
        u8::from(moment.month()),
        moment.day(),
        moment.hour(),
        moment.minute(),
        moment.second(),
        moment.millisecond()
    )
}

/// Refuses what is not a moment with a zone.
pub(crate) fn check(name: &'static str, text: &str) -> Result<(), Failure> {
    if parse(text).is_some() {
        return Ok(());
    }
    Err(Failure::argument(
        name,
        format!(
            "{name} must be an RFC 3339 time with a zone, such as 2026-01-31T15:04:05Z or \
             2026-01-31T16:04:05+01:00, but is {text:?}"
        ),
    ))
}
