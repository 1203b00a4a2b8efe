//! Writing to the standard streams. A reader that has gone away is no reason to stop: the event
//! and the exit code matter more.

use std::io::{Write, stderr, stdout};

/// A line on standard output.
pub fn print(line: &str) {
    let mut stream = stdout().lock();
    let _ = writeln!(stream, "{line}").and_then(|()| stream.flush());
}

/// A line on standard error.
pub fn error(line: &str) {
    let _ = writeln!(stderr().lock(), "{line}");
}
