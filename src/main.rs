//! The `versioner` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(versioner::cli::main(std::env::args_os()))
}
