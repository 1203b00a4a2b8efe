//! Prints its base URL, serves until its standard input closes, and leaves nothing running.

use std::error::Error;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    match vectors(std::env::args_os().skip(1)).and_then(|folder| serve(&folder)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("scripted-server: {error}");
            ExitCode::FAILURE
        }
    }
}

fn vectors(mut arguments: impl Iterator<Item = OsString>) -> Result<PathBuf, Box<dyn Error>> {
    let flag = arguments.next();
    match (flag, arguments.next(), arguments.next()) {
        (Some(flag), Some(folder), None) if flag == "--vectors" => Ok(folder.into()),
        _ => Err("usage: scripted-server --vectors DIR".into()),
    }
}

fn serve(vectors: &std::path::Path) -> Result<(), Box<dyn Error>> {
    let server = scripted_server::start(vectors)?;
    let mut out = io::stdout();
    writeln!(out, "{}", server.url())?;
    out.flush()?;
    io::copy(&mut io::stdin(), &mut io::sink())?;
    Ok(())
}
