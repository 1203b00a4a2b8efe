//! The `versioner` command.

fn main() {
    std::process::exit(versioner::cli::main(std::env::args_os()));
}
