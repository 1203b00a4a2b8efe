//! Prints its base URL, serves until its standard input closes, and leaves nothing running.

use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

/// Plays the Versioner service for the test vectors and judges the results.
#[derive(Parser)]
struct Arguments {
    /// The folder that holds schema.json and the case files.
    #[arg(long)]
    vectors: PathBuf,
    /// Validate the case files, print how many cases each holds, and exit.
    #[arg(long)]
    list: bool,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("scripted-server: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn std::error::Error>> {
    if arguments.list {
        return list(&arguments.vectors);
    }
    let handle = scripted_server::start(&arguments.vectors)?;
    let mut out = std::io::stdout();
    writeln!(out, "{}", handle.url())?;
    out.flush()?;
    std::io::copy(&mut std::io::stdin().by_ref(), &mut std::io::sink())?;
    Ok(())
}

fn list(vectors: &std::path::Path) -> Result<(), Box<dyn std::error::Error>> {
    let mut counts = std::collections::BTreeMap::<String, usize>::new();
    let cases = scripted_server::load(vectors)?;
    for name in cases.keys() {
        let file = name.split('/').next().unwrap_or(name);
        *counts.entry(file.to_owned()).or_default() += 1;
    }
    for (file, count) in counts {
        println!("{count:4} {file}");
    }
    println!("{:4} in all", cases.len());
    Ok(())
}
