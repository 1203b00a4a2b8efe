//! Times as others write them.

use jiff::Timestamp;

const SECOND: i64 = 1_000_000;
/// From here on a number counts milliseconds: as seconds it would be in the year 5138.
const MILLISECONDS_FROM: i64 = 100_000_000_000;

/// A time in microseconds since 1970: RFC 3339, the two forms of GitLab (`2021-04-28 21:50:00 +0200`,
/// `2016-08-12 15:23:28 UTC`), or seconds or milliseconds since 1970. A time before that is none: senders in Go
/// write the year 1 for one that they do not know.
pub fn read(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(number) = text.parse::<i64>() {
        let micros = match number {
            ..0 => return None,
            0..MILLISECONDS_FROM => number * SECOND,
            _ => number.checked_mul(1000)?,
        };
        return Timestamp::from_microsecond(micros)
            .ok()
            .map(Timestamp::as_microsecond);
    }
    let spelled = match text.strip_suffix(" UTC") {
        Some(time) => format!("{time} +0000"),
        None => text.to_owned(),
    };
    let read = text
        .parse::<Timestamp>()
        .or_else(|_| Timestamp::strptime("%Y-%m-%d %H:%M:%S %z", &spelled));
    let read = read.ok().map(Timestamp::as_microsecond);
    read.filter(|micros| *micros >= 0)
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn every_form_is_the_same_moment() {
        let moment = Some(1_619_639_400_000_000);
        for text in [
            "2021-04-28T19:50:00Z",
            "2021-04-28T21:50:00+02:00",
            "2021-04-28T19:50:00.000Z",
            "2021-04-28 21:50:00 +0200",
            "2021-04-28 19:50:00 UTC",
            "1619639400",
            "1619639400000",
            " 2021-04-28T19:50:00Z ",
        ] {
            assert_eq!(read(text), moment, "{text}");
        }
        for text in [
            "",
            "yesterday",
            "2021-04-28",
            "-5",
            "0001-01-01T00:00:00Z",
            "-009999-01-02T01:59:59Z",
            "9223372036854775807",
            "2021-13-28 21:50:00 +0200",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
