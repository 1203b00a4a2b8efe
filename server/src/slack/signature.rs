//! Whether a request comes from Slack: the signature `v0` over its raw bytes.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// How far the time of a request may lie from now, in seconds, before or after.
const TOLERANCE: i64 = 300;

/// Why a request is not taken for one of Slack's. What the signature should have been is not in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsigned {
    /// A header is missing.
    Missing,
    /// The time is no number of seconds.
    NoTime,
    /// It is too old, or from the future.
    OtherTime,
    /// Another secret has signed it, or other bytes.
    Wrong,
}

impl Unsigned {
    /// What is wrong, and what to do.
    pub const fn words(self) -> &'static str {
        match self {
            Unsigned::Missing => {
                "X-Slack-Request-Timestamp and X-Slack-Signature are required, once each"
            }
            Unsigned::NoTime => "X-Slack-Request-Timestamp should be seconds since 1970",
            Unsigned::OtherTime => {
                "The request was made more than 5 minutes from now; is the clock of this server right?"
            }
            Unsigned::Wrong => {
                "The signature does not match; does PUT /slack/ name the signing_secret of this app?"
            }
        }
    }
}

/// Checks the signature of a request that arrives at `now`, in seconds since 1970.
///
/// # Errors
/// Why it is not taken.
pub fn check(
    secret: &str,
    timestamp: Option<&str>,
    signature: Option<&str>,
    body: &[u8],
    now: i64,
) -> Result<(), Unsigned> {
    let (Some(timestamp), Some(signature)) = (timestamp, signature) else {
        return Err(Unsigned::Missing);
    };
    let is_number = !timestamp.is_empty() && timestamp.bytes().all(|byte| byte.is_ascii_digit());
    let seconds: i64 = match timestamp.parse() {
        Ok(seconds) if is_number => seconds,
        _ => return Err(Unsigned::NoTime),
    };
    if now.abs_diff(seconds) > TOLERANCE.unsigned_abs() {
        return Err(Unsigned::OtherTime);
    }
    let claimed = signature.strip_prefix("v0=").and_then(bytes);
    let mac = mac(secret, timestamp, body).ok_or(Unsigned::Wrong)?;
    let claimed = claimed.ok_or(Unsigned::Wrong)?;
    mac.verify_slice(&claimed).map_err(|_| Unsigned::Wrong)
}

/// The code over a request; none without a secret, with which anybody could sign.
fn mac(secret: &str, timestamp: &str, body: &[u8]) -> Option<Hmac<Sha256>> {
    if secret.is_empty() {
        return None;
    }
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok()?;
    mac.update(b"v0:");
    mac.update(timestamp.as_bytes());
    mac.update(b":");
    mac.update(body);
    Some(mac)
}

/// The bytes that lower-case hexadecimal digits stand for.
fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let pairs = hex.as_bytes().chunks(2);
    pairs
        .map(|pair| match pair {
            [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Unsigned, check};

    // The example in the tests of Slack's own slack_sdk.
    const SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";
    const TIME: &str = "1531420618";
    const NOW: i64 = 1_531_420_618;
    const BODY: &[u8] = b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&\
        team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&\
        user_name=roadrunner&command=%2Fwebhook-collect&text=&\
        response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F\
        96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.\
        803a0bc887a14d10d2c447fce8b6703c";
    const SIGNATURE: &str = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";

    #[test]
    fn the_example_of_slack_holds() {
        assert_eq!(
            check(SECRET, Some(TIME), Some(SIGNATURE), BODY, NOW),
            Ok(())
        );
    }

    #[test]
    fn five_minutes_either_way_are_taken_and_no_more() {
        for (now, expected) in [
            (NOW - 301, Err(Unsigned::OtherTime)),
            (NOW - 300, Ok(())),
            (NOW + 300, Ok(())),
            (NOW + 301, Err(Unsigned::OtherTime)),
            (i64::MIN, Err(Unsigned::OtherTime)),
        ] {
            let found = check(SECRET, Some(TIME), Some(SIGNATURE), BODY, now);
            assert_eq!(found, expected, "{now}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        let of = |secret, time, signature, body| check(secret, time, signature, body, NOW);
        let cases = [
            (of(SECRET, None, Some(SIGNATURE), BODY), Unsigned::Missing),
            (of(SECRET, Some(TIME), None, BODY), Unsigned::Missing),
            (
                of(SECRET, Some(""), Some(SIGNATURE), BODY),
                Unsigned::NoTime,
            ),
            (
                of(SECRET, Some("+1531420618"), Some(SIGNATURE), BODY),
                Unsigned::NoTime,
            ),
            (
                of(
                    SECRET,
                    Some("9999999999999999999999"),
                    Some(SIGNATURE),
                    BODY,
                ),
                Unsigned::NoTime,
            ),
            // The same moment, but other bytes than those that were signed.
            (
                of(SECRET, Some("01531420618"), Some(SIGNATURE), BODY),
                Unsigned::Wrong,
            ),
            (
                of(SECRET, Some(TIME), Some(SIGNATURE), &BODY[1..]),
                Unsigned::Wrong,
            ),
            (
                of(SECRET, Some(TIME), Some(&SIGNATURE[3..]), BODY),
                Unsigned::Wrong,
            ),
            (
                of(SECRET, Some(TIME), Some(&SIGNATURE[..66]), BODY),
                Unsigned::Wrong,
            ),
            (of(SECRET, Some(TIME), Some("v0="), BODY), Unsigned::Wrong),
            (of(SECRET, Some(TIME), Some("v0=é"), BODY), Unsigned::Wrong),
            (
                of(SECRET, Some(TIME), Some(&SIGNATURE.to_uppercase()), BODY),
                Unsigned::Wrong,
            ),
            (
                of("other", Some(TIME), Some(SIGNATURE), BODY),
                Unsigned::Wrong,
            ),
            (of("", Some(TIME), Some(SIGNATURE), BODY), Unsigned::Wrong),
        ];
        for (index, (found, expected)) in cases.into_iter().enumerate() {
            assert_eq!(found, Err(expected), "{index}");
        }
    }
}
