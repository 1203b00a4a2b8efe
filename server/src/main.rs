//! The `versioner-server` program.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    versioner_server::cli::main()
}
