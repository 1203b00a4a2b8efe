//! What the end of a command means.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use signal_hook::low_level::signal_name;

use crate::model::status::Status;
use crate::span::End;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    Code(i32),
    Signal(i32),
}

impl Ending {
    pub fn of(status: ExitStatus) -> Ending {
        match (status.code(), status.signal()) {
            (None, Some(signal)) => Ending::Signal(signal),
            (code, _) => Ending::Code(code.unwrap_or(1)),
        }
    }

    /// What is told: a success is one whatever signal came; `was_signalled` if one came that ends.
    pub fn status(self, success_codes: &[u8], was_signalled: bool) -> Status {
        let is_success =
            |code: i32| u8::try_from(code).is_ok_and(|code| success_codes.contains(&code));
        match self {
            Ending::Code(code) if is_success(code) => Status::Completed,
            Ending::Signal(_) => Status::Aborted,
            Ending::Code(_) if was_signalled => Status::Aborted,
            Ending::Code(_) => Status::Failed,
        }
    }

    /// The exit code of this program: the command's own, or as a shell shows a signal.
    pub fn exit_code(self) -> u8 {
        let code = match self {
            Ending::Code(code) => code,
            Ending::Signal(signal) => 128 + signal,
        };
        u8::try_from(code).unwrap_or(1)
    }

    pub fn code(self) -> Option<i32> {
        match self {
            Ending::Code(code) => Some(code),
            Ending::Signal(_) => None,
        }
    }

    /// The name of the signal, such as `TERM`.
    pub fn signal(self) -> Option<String> {
        match self {
            Ending::Code(_) => None,
            Ending::Signal(signal) => Some(name(signal)),
        }
    }

    /// The event that tells it.
    pub fn event(self, status: Status) -> End {
        End {
            exit_code: self.code(),
            signal: self.signal().unwrap_or_default(),
            ..End::new(status.as_str())
        }
    }
}

impl std::fmt::Display for Ending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Ending::Code(code) => write!(f, "exit code {code}"),
            Ending::Signal(signal) => write!(f, "signal {}", name(*signal)),
        }
    }
}

/// The name of a signal, such as `TERM`.
pub fn name(signal: i32) -> String {
    match signal_name(signal) {
        Some(name) => name.trim_start_matches("SIG").to_owned(),
        None => signal.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_decides_and_a_signal_explains() {
        use Ending::{Code, Signal};
        for (ending, success, was_signalled, status, code) in [
            (Code(0), &[0][..], false, Status::Completed, 0),
            (Code(0), &[0], true, Status::Completed, 0),
            (Code(2), &[0, 2], true, Status::Completed, 2),
            (Code(0), &[2], false, Status::Failed, 0),
            (Code(3), &[0], false, Status::Failed, 3),
            (Code(130), &[0], true, Status::Aborted, 130),
            (Signal(15), &[0], false, Status::Aborted, 143),
            (Signal(9), &[0], true, Status::Aborted, 137),
        ] {
            assert_eq!(ending.status(success, was_signalled), status, "{ending}");
            assert_eq!(ending.exit_code(), code, "{ending}");
        }
        assert_eq!(Signal(15).signal().as_deref(), Some("TERM"));
    }
}
