//! Settings that are more than text.

use std::time::Duration;

use super::precedence::Sources;
use super::url::BaseUrl;
use crate::input::text;
use crate::model::failure::Failure;
use crate::model::secret::Secret;

pub(crate) const BOOL_WORDS: &str = "true or false (or yes/no, on/off, 1/0)";

pub(crate) fn parse_bool(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Some(true),
        "false" | "no" | "off" | "0" => Some(false),
        _ => None,
    }
}

fn parse_seconds(text: &str) -> Option<Duration> {
    Duration::try_from_secs_f64(text.parse().ok()?).ok()
}

pub(super) fn check_api_key(key: &Secret) -> Result<(), Failure> {
    let problem = if key.is_empty() {
        "API key is required: pass it explicitly, set VERSIONER_API_KEY, or write it as api_key \
         into $HOME/.versioner/config.yaml"
    } else if !key.reveal().bytes().all(|byte| byte.is_ascii_graphic()) {
        "the API key holds characters that no key has (blanks, line ends or non-ASCII): copy it again"
    } else {
        return Ok(());
    };
    Err(Failure::setting("api_key", problem))
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
            "a whole number",
        )
    }

    pub fn seconds(
        &self,
        name: &'static str,
        explicit: Option<Duration>,
        default: Duration,
    ) -> Result<Duration, Failure> {
        self.parsed(
            name,
            explicit,
            default,
            parse_seconds,
            "a number of seconds, such as 2.5",
        )
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
