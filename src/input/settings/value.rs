//! Settings that are more than text.

use std::time::Duration;

use super::precedence::Sources;
use super::url::BaseUrl;
use crate::input::text::{self, placeholder};
use crate::model::failure::Failure;
use crate::model::kind::WarningKind;
use crate::model::outcome::Warning;
use crate::model::secret::Secret;

pub(crate) const BOOL_WORDS: &str = "true or false (or yes/no, on/off, 1/0)";

pub(crate) fn parse_bool(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Some(true),
        "false" | "no" | "off" | "0" => Some(false),
        _ => None,
    }
}

/// Less than this nobody means by a limit.
pub(super) const LEAST_LIMIT: Duration = Duration::from_millis(1);

/// The limit of one call.
pub(crate) fn check_timeout(timeout: Option<Duration>) -> Result<(), Failure> {
    match timeout {
        Some(timeout) if timeout < LEAST_LIMIT => Err(Failure::argument(
            "timeout",
            format!("timeout must be a millisecond or more, but is {timeout:?}"),
        )),
        _ => Ok(()),
    }
}

/// The longest idempotency key that the service takes.
const MAX_IDEMPOTENCY_KEY: usize = 255;

/// A key that nobody filled in would make one event of all that share it.
pub(super) fn check_idempotency_key(key: &str) -> Result<(), Failure> {
    const NAME: &str = "idempotency_key";
    let refused = |problem: String| Err(Failure::argument(NAME, format!("{NAME} {problem}")));
    let text = text::trim(key);
    if key.is_empty() {
        return Ok(());
    }
    if text.is_empty() {
        return refused("is given and blank: is a variable not set?".to_owned());
    }
    if let Some(found) = placeholder::find(text) {
        return refused(format!(
            "holds {found}, a placeholder that nobody replaced: is the variable defined where this \
             runs?"
        ));
    }
    let is_visible = |byte: u8| byte == b' ' || byte.is_ascii_graphic();
    if text.len() > MAX_IDEMPOTENCY_KEY || !text.bytes().all(is_visible) {
        return refused(format!(
            "must be 1 to {MAX_IDEMPOTENCY_KEY} visible ASCII characters, but is {text:?}"
        ));
    }
    Ok(())
}

/// More than a year nobody waits, and clocks cannot always count.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

fn parse_seconds(text: &str) -> Option<Duration> {
    Duration::try_from_secs_f64(text.parse().ok()?).ok()
}

pub(super) fn check_api_key(key: &Secret) -> Result<(), Failure> {
    let problem = if key.is_empty() {
        "API key is required: pass it explicitly, set VERSIONER_API_KEY, or write it as api_key \
         into $HOME/.versioner/config.yaml"
            .to_owned()
    } else if placeholder::is_whole(key.reveal()) {
        format!(
            "the API key is a placeholder that nobody replaced, {}: is the secret defined, and \
             may this job read it?",
            key.reveal()
        )
    } else if !key.reveal().bytes().all(|byte| byte.is_ascii_graphic()) {
        "the API key holds characters that no key has (blanks, line ends or non-ASCII): copy it again"
            .to_owned()
    } else {
        return Ok(());
    };
    Err(Failure::setting("api_key", problem))
}

/// What is odd about a key that can be sent.
pub(super) fn unusual_key(key: &Secret) -> Option<Warning> {
    let message = "the API key does not begin with sk_: is it the key of this service?";
    let is_unusual = !key.reveal().starts_with("sk_");
    is_unusual.then(|| Warning::new(WarningKind::UnusualKey, message.to_owned()))
}

/// What the `User-Agent` names as the sender.
pub(super) fn check_surface(surface: &str) -> Result<(), Failure> {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if surface.bytes().all(is_word) {
        return Ok(());
    }
    let problem =
        "surface must be a name of ASCII letters, digits and -_., such as my-tool, but is";
    Err(Failure::setting(
        "surface",
        format!("{problem} {surface:?}"),
    ))
}

impl Sources<'_> {
    /// A setting that is not text: the explicit value, or the text from elsewhere read by `parse`.
    fn parsed<T>(
        &self,
        name: &'static str,
        explicit: Option<T>,
        default: T,
        parse: fn(&str) -> Option<T>,
        expected: &str,
    ) -> Result<T, Failure> {
        if let Some(value) = explicit {
            return Ok(value);
        }
        let decided = self.setting(name, "")?;
        if decided.text.is_empty() {
            return Ok(default);
        }
        parse(&decided.text).ok_or_else(|| {
            let (origin, text) = (decided.origin(name), &decided.text);
            Failure::setting(
                name,
                format!("{origin} must be {expected}, but is {text:?}"),
            )
        })
    }

    pub fn flag(
        &self,
        name: &'static str,
        explicit: Option<bool>,
        default: bool,
    ) -> Result<bool, Failure> {
        self.parsed(name, explicit, default, parse_bool, BOOL_WORDS)
    }

    pub fn count(
        &self,
        name: &'static str,
        explicit: Option<u32>,
        default: u32,
    ) -> Result<u32, Failure> {
        self.parsed(
            name,
            explicit,
            default,
            |text| text.parse().ok(),
            "a whole number up to 4294967295",
        )
    }

    /// A number of seconds, `least` of them or more.
    pub fn seconds(
        &self,
        name: &'static str,
        explicit: Option<Duration>,
        default: Duration,
        least: Duration,
    ) -> Result<Duration, Failure> {
        let is_fit = |value: &Duration| (least..=LONGEST).contains(value);
        let (value, given) = match explicit {
            Some(value) => (
                Some(value),
                (name.to_owned(), format!("{}", value.as_secs_f64())),
            ),
            None => {
                let decided = self.setting(name, "")?;
                if decided.text.is_empty() {
                    return Ok(default);
                }
                let origin = decided.origin(name);
                (
                    parse_seconds(&decided.text),
                    (origin, format!("{:?}", decided.text)),
                )
            }
        };
        value.filter(is_fit).ok_or_else(|| {
            let (origin, given) = given;
            let (least, most) = (least.as_secs_f64(), LONGEST.as_secs());
            Failure::setting(
                name,
                format!(
                    "{origin} must be a number of seconds from {least} to {most}, such as 2.5, \
                     but is {given}"
                ),
            )
        })
    }

    /// Texts between commas or on lines of their own, and where they were found.
    pub fn list(&self, name: &'static str) -> Result<(Vec<String>, String), Failure> {
        let decided = self.setting(name, "")?;
        let items = decided.text.split([',', '\n']).filter_map(text::given);
        let items = items.map(str::to_owned).collect();
        Ok((items, decided.origin(name)))
    }

    pub fn url(
        &self,
        name: &'static str,
        explicit: &str,
        default: &str,
    ) -> Result<BaseUrl, Failure> {
        let decided = self.setting(name, explicit)?;
        let given = text::given(&decided.text);
        BaseUrl::parse(given.unwrap_or(default)).map_err(|problem| {
            let origin = decided.origin(name);
            Failure::setting(
                name,
                format!(
                    "{origin} must be an absolute http or https URL, such as {default}: {problem}"
                ),
            )
        })
    }
}
