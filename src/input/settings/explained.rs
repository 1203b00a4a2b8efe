//! The settings with their values and where those came from.

use std::time::Duration;

use super::precedence::Sources;
use super::{Options, Settings};
use crate::input::text;
use crate::model::explanation::Explained;
use crate::model::failure::Failure;
use crate::model::source::Source;

impl Sources<'_> {
    /// The settings that have a value. The API key is none of them, so that nobody shows it.
    pub fn explained(
        &self,
        options: &Options,
        settings: &Settings,
    ) -> Result<Vec<Explained>, Failure> {
        let given = |text: &str| text::given(text).is_some();
        let seconds = |limit: Duration| limit.as_secs_f64().to_string();
        let (retries, tls) = (&settings.retries, &settings.tls);
        let rows: [(&'static str, bool, String); 11] = [
            (
                "api_url",
                given(&options.api_url),
                settings.api_url.as_str().to_owned(),
            ),
            (
                "ui_url",
                given(&options.ui_url),
                settings.ui_url.as_str().to_owned(),
            ),
            (
                "fail_on_api_error",
                options.fail_on_api_error.is_some(),
                settings.fail_on_api_error.to_string(),
            ),
            (
                "max_retries",
                options.max_retries.is_some(),
                retries.max_retries.to_string(),
            ),
            (
                "retry_pause",
                options.retry_pause.is_some(),
                seconds(retries.pause),
            ),
            (
                "attempt_timeout",
                options.attempt_timeout.is_some(),
                seconds(settings.attempt_timeout),
            ),
            (
                "total_timeout",
                options.total_timeout.is_some(),
                seconds(retries.total),
            ),
            ("ca_file", given(&options.ca_file), tls.ca_file.clone()),
            (
                "client_cert",
                given(&options.client_cert),
                tls.client_cert.clone(),
            ),
            (
                "client_key",
                given(&options.client_key),
                tls.client_key.clone(),
            ),
            ("outbox", given(&options.outbox), settings.outbox_shown()),
        ];
        let set = rows.into_iter().filter(|(_, _, value)| !value.is_empty());
        set.map(|(name, is_given, value)| {
            let source = match is_given {
                true => Source::Argument,
                false => self.source(name)?,
            };
            Ok(Explained::new(name, value, source))
        })
        .collect()
    }

    /// Where a setting that the caller does not give comes from.
    fn source(&self, name: &'static str) -> Result<Source, Failure> {
        let decided = self.setting(name, "")?;
        Ok(match decided.text.is_empty() {
            true => Source::Default,
            false => decided.source,
        })
    }
}
