//! What the end of a command means.

use std::process::ExitStatus;

use signal_hook::low_level::signal_name;

use crate::model::status::Status;
use crate::span::End;

/// The exit code of a program that Ctrl-C or Ctrl-Break ended on Windows, `0xC000013A`. No other
/// system has one below 0.
const ENDED_BY_CONSOLE: i32 = -0x3FFF_FEC6;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    Code(i32),
    #[cfg_attr(
        windows,
        expect(dead_code, reason = "a program ends by its code alone there")
    )]
    Signal(i32),
}

impl Ending {
    pub fn of(status: ExitStatus) -> Ending {
        #[cfg(unix)]
        if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
            return Ending::Signal(signal);
        }
        Ending::Code(status.code().unwrap_or(1))
    }

    /// What is told: a success is one whatever signal came; `was_signalled` if one came that ends.
    pub fn status(self, success_codes: &[i32], was_signalled: bool) -> Status {
        match self {
            Ending::Code(code) if success_codes.contains(&code) => Status::Completed,
            Ending::Code(ENDED_BY_CONSOLE) | Ending::Signal(_) => Status::Aborted,
            Ending::Code(_) if was_signalled => Status::Aborted,
            Ending::Code(_) => Status::Failed,
        }
    }

    /// The exit code of this program: the command's own, or as a shell shows a signal.
    pub fn exit_code(self) -> i32 {
        match self {
            Ending::Code(code) => code,
            Ending::Signal(signal) => 128 + signal,
        }
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
            (
                Code(ENDED_BY_CONSOLE),
                &[0],
                false,
                Status::Aborted,
                ENDED_BY_CONSOLE,
            ),
            (Code(3010), &[0, 3010], false, Status::Completed, 3010),
        ] {
            assert_eq!(ending.status(success, was_signalled), status, "{ending}");
            assert_eq!(ending.exit_code(), code, "{ending}");
        }
        assert_eq!(Signal(15).signal().as_deref(), Some("TERM"));
    }
}
