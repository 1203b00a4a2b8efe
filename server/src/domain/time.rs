//! Stored times: microseconds since 1970-01-01 UTC.

use jiff::Timestamp;

/// The instant of a stored time. A stored time always comes from a [`Timestamp`]; should the file
/// be damaged, the nearest instant that exists is shown.
pub fn instant(microseconds: i64) -> Timestamp {
    Timestamp::from_microsecond(microseconds).unwrap_or(if microseconds < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    })
}

/// A stored time as RFC 3339 in UTC.
pub fn rfc3339(microseconds: i64) -> String {
    instant(microseconds).to_string()
}

/// The same instant or the next full second: a time to try again at must not be too early.
pub fn rounded_up(time: Timestamp) -> Timestamp {
    let seconds = time.as_second() + i64::from(time.subsec_nanosecond() > 0);
    Timestamp::from_second(seconds).unwrap_or(time)
}
