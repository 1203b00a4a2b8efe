//! The flags of a start that waits for its gate.

use clap::Arg;

use super::{duration, text};

/// Those flags.
pub fn flags() -> [Arg; 3] {
    let wait = Arg::new("wait")
        .long("wait")
        .value_name("DURATION")
        .help(
            "Of a start: wait so long, such as 30m, if a window, a soak time, an approval or another \
             deployment keeps the gate closed [env: VERSIONER_WAIT]",
        )
        .value_parser(duration);
    let wait_for = text(
        "wait_for",
        "flow: wait for the environments that come first, too".to_owned(),
    )
    .value_name("WHAT");
    let superseded = text(
        "wait_superseded",
        "What to do if another version was started there meanwhile: stop, so that an older version \
         does not go out last by luck, or go [default: stop]"
            .to_owned(),
    )
    .value_name("WORD");
    [wait, wait_for, superseded]
}
