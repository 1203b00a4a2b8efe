//! `versioner run`: a command between the start and the end of a deployment or a build.
//!
//! `flags` is its command line, `plan` what they say, `lookup` finds the command, `story` asks, runs
//! and tells, `process` is the command at work, `watch` stands by it, `signals` is what comes from
//! outside, `ending` what its end means, `told` what people and files get.

mod flags;

#[cfg(unix)]
mod ending;
#[cfg(unix)]
mod lookup;
#[cfg(unix)]
mod plan;
#[cfg(unix)]
mod process;
#[cfg(unix)]
mod signals;
#[cfg(unix)]
mod story;
#[cfg(unix)]
mod told;
#[cfg(unix)]
mod watch;

pub use flags::command;
#[cfg(unix)]
pub use story::run;

/// Without job objects a command would outlive this program.
#[cfg(not(unix))]
pub fn run(_: Option<(&str, &clap::ArgMatches)>) -> u8 {
    crate::report::console::error(
        "error: versioner run is not there yet on this system. Begin and end with `versioner span` \
         around the command",
    );
    crate::model::kind::Code::Error as u8
}
