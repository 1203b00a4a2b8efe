//! Moments, as RFC 3339 writes them.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::model::failure::Failure;

/// Refuses what is not a moment with a zone.
pub(crate) fn check(name: &'static str, text: &str) -> Result<(), Failure> {
    // The parser takes any character between date and time, and the year 0, which no calendar
    // that a service reads has.
    let has_t = matches!(text.as_bytes().get(10), Some(b'T' | b't'));
    if has_t && !text.starts_with("0000") && OffsetDateTime::parse(text, &Rfc3339).is_ok() {
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
