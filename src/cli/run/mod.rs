//! `versioner run`: a command between the start and the end of a deployment or a build.
//!
//! `flags` is its command line, `plan` what they say, `story` asks, runs and tells, `watch` stands by
//! the command, `news` is what it hears meanwhile, `ending` what its end means, `told` what people and
//! files get. `unix` and `windows` are the same thing in two ways: they find the command, run it as a
//! process, and hear what comes from outside.

mod ending;
mod flags;
mod news;
mod plan;
mod story;
mod told;
mod watch;

#[cfg(unix)]
mod unix;
#[cfg(unix)]
use unix as system;

#[cfg(windows)]
mod windows;
#[cfg(windows)]
use windows as system;

pub use flags::command;
pub use story::run;
