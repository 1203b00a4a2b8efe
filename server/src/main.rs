//! The `versioner-server` program.
#![forbid(unsafe_code)]

use std::process::ExitCode;

/// Events are read on one thread and stored on another; this allocator does not mind.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    versioner_server::cli::main()
}
