//! The five statuses of an event, and the other words that mean them.

/// Where a build or a deployment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// Queued or scheduled.
    Pending,
    /// Running. A deployment with this status is checked against policy before it happens.
    Started,
    /// Finished well. The default of an event that names no status.
    Completed,
    /// Finished with errors.
    Failed,
    /// Cancelled or skipped.
    Aborted,
}

impl Status {
    /// Every status, in the order of an event's life.
    pub const ALL: [Status; 5] = [
        Status::Pending,
        Status::Started,
        Status::Completed,
        Status::Failed,
        Status::Aborted,
    ];

    /// The word that travels on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Status::Pending => "pending",
            Status::Started => "started",
            Status::Completed => "completed",
            Status::Failed => "failed",
            Status::Aborted => "aborted",
        }
    }

    /// The words that mean this status besides [`Status::as_str`].
    pub const fn aliases(self) -> &'static [&'static str] {
        match self {
            Status::Pending => &[
                "queued",
                "scheduled",
                "waiting",
                "requested",
                "created",
                "received",
                "preparing",
                "waiting_for_resource",
                "manual",
                "on_hold",
                "not_running",
                "paused",
                "halted",
            ],
            Status::Started => &[
                "in_progress",
                "inprogress",
                "init",
                "building",
                "deploying",
                "running",
            ],
            Status::Completed => &[
                "success",
                "successful",
                "complete",
                "finished",
                "built",
                "deployed",
                "succeeded",
                "passed",
                "unstable",
                "succeeded_with_issues",
                "succeededwithissues",
                "partially_succeeded",
                "partiallysucceeded",
                "neutral",
            ],
            Status::Failed => &[
                "fail",
                "failure",
                "error",
                "errored",
                "timed_out",
                "timedout",
                "failing",
                "failed_with_retry",
                "infrastructure_fail",
                "startup_failure",
            ],
            Status::Aborted => &[
                "abort",
                "cancelled",
                "cancel",
                "canceled",
                "skipped",
                "not_built",
                "stopped",
                "not_run",
                "stale",
                "expired",
            ],
        }
    }

    /// Reads a status or one of its aliases; blanks around it and letter case do not matter, and
    /// `-` and blanks in it are `_`. `None` for any other word.
    pub fn parse(text: &str) -> Option<Status> {
        let word = word(text);
        Status::ALL
            .into_iter()
            .find(|status| status.as_str() == word || status.aliases().contains(&word.as_str()))
    }
}

/// The aliases of `completed` that do not mean a clean success.
const PARTIAL: [&str; 6] = [
    "unstable",
    "succeeded_with_issues",
    "succeededwithissues",
    "partially_succeeded",
    "partiallysucceeded",
    "neutral",
];

/// The word for a success that is not a clean one, if it is one.
pub(crate) fn partial_success(text: &str) -> Option<String> {
    Some(word(text)).filter(|word| PARTIAL.contains(&word.as_str()))
}

/// The text as statuses are compared: trimmed, in lower case, `-` and blanks as `_`.
pub(crate) fn word(text: &str) -> String {
    let is_joint = |character: char| character == '-' || character.is_whitespace();
    text.trim().to_lowercase().replace(is_joint, "_")
}
