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
            Status::Pending => &["queued", "scheduled"],
            Status::Started => &["in_progress", "init", "building", "deploying", "running"],
            Status::Completed => &[
                "success",
                "complete",
                "finished",
                "built",
                "deployed",
                "succeeded",
                "passed",
            ],
            Status::Failed => &[
                "fail",
                "failure",
                "error",
                "errored",
                "timed_out",
                "timedout",
            ],
            Status::Aborted => &[
                "abort",
                "cancelled",
                "cancel",
                "canceled",
                "skipped",
                "not_built",
            ],
        }
    }

    /// Reads a status or one of its aliases; blanks around it and letter case do not matter.
    /// `None` for any other word.
    pub fn parse(text: &str) -> Option<Status> {
        let word = text.trim().to_lowercase();
        Status::ALL
            .into_iter()
            .find(|status| status.as_str() == word || status.aliases().contains(&word.as_str()))
    }
}
