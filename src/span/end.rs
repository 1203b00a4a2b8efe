//! How a span ended, as its caller says it.

use std::time::Duration;

use serde_json::value::{RawValue, to_raw_value};

use crate::input::metadata;
use crate::input::text::{self, password};
use crate::model::event::EventKind;
use crate::model::failure::Failure;
use crate::model::outcome::Warning;
use crate::model::resolved::Metadata;
use crate::model::status::{self, Status};

/// How a deployment or build ended. An empty text means unset.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct End {
    /// completed, failed or aborted, or an alias such as success. Required: nothing is a success
    /// because nobody said otherwise.
    pub status: String,
    /// The exit code of the command that was run; kept as `vi_exit_code`.
    pub exit_code: Option<i32>,
    /// The signal that ended that command, such as `TERM`; kept as `vi_signal`.
    pub signal: String,
    /// The class of the error that ended it, never its message; kept as `vi_error_class`.
    pub error_class: String,
    /// A JSON object of the caller's own, as text, at most 102,400 bytes, over the start's.
    pub extra_metadata: String,
    /// The longest that the telling may take with all its attempts and pauses, in place of the
    /// client's total timeout. `None` means the client's.
    pub timeout: Option<Duration>,
}

impl End {
    /// An end with nothing but its status.
    pub fn new(status: impl Into<String>) -> Self {
        End {
            status: status.into(),
            ..End::default()
        }
    }

    /// The word that is sent.
    pub(crate) fn read_status(&self) -> Result<Status, Failure> {
        let known = Status::parse(&self.status);
        let is_end = |status: &Status| !matches!(status, Status::Pending | Status::Started);
        known.filter(is_end).ok_or_else(|| {
            let problem = match text::given(&self.status) {
                None => "status is required".to_owned(),
                Some(word) => format!("status {word:?} is no end"),
            };
            Failure::argument(
                "status",
                format!("{problem}: a span ends as completed, failed or aborted"),
            )
        })
    }

    /// What goes along, and what somebody should know about it.
    pub(super) fn metadata(
        &self,
        kind: EventKind,
        duration: Duration,
    ) -> Result<(Metadata, Option<Warning>), Failure> {
        metadata::check_size(&self.extra_metadata)?;
        let mut all = metadata::parse(&self.extra_metadata)?;
        let mut note = |name: &str, raw: serde_json::Result<Box<RawValue>>| {
            all.insert(name.to_owned(), raw.map_err(unwritable)?);
            Ok::<(), Failure>(())
        };
        let milliseconds = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        note("vi_duration_ms", to_raw_value(&milliseconds))?;
        if let Some(code) = self.exit_code {
            note("vi_exit_code", to_raw_value(&code))?;
        }
        for (name, value) in [
            ("vi_signal", &self.signal),
            ("vi_error_class", &self.error_class),
        ] {
            if let Some(value) = text::given(value) {
                note(name, to_raw_value(&*password::removed(value)))?;
            }
        }
        let Some(word) = status::partial_success(&self.status) else {
            return Ok((all, None));
        };
        note("vi_status", to_raw_value(&word))?;
        let warning = Warning::partial_success(&self.status, &word);
        Ok((all, (kind == EventKind::Deployment).then_some(warning)))
    }
}

fn unwritable(error: serde_json::Error) -> Failure {
    Failure::argument("extra_metadata", format!("extra_metadata: {error}"))
}
