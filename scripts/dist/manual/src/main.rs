//! Writes the manual pages and the completions of both programs below a folder, as their definitions
//! say: `manual FOLDER` makes `FOLDER/PROGRAM/man` and `FOLDER/PROGRAM/completions`.

use std::io;
use std::path::PathBuf;

use clap::{Command, ValueEnum};
use clap_complete::Shell;

fn main() -> io::Result<()> {
    let folder = std::env::args_os().nth(1).map(PathBuf::from);
    let folder = folder.ok_or_else(|| io::Error::other("usage: manual FOLDER"))?;
    for definition in [versioner::cli::command(), versioner_server::cli::command()] {
        let own = folder.join(definition.get_name());
        write(definition, own)?;
    }
    Ok(())
}

fn write(definition: Command, folder: PathBuf) -> io::Result<()> {
    let name = definition.get_name().to_owned();
    let (man, completions) = (folder.join("man"), folder.join("completions"));
    std::fs::create_dir_all(&man)?;
    std::fs::create_dir_all(&completions)?;
    clap_mangen::generate_to(definition.clone(), man)?;
    for shell in Shell::value_variants() {
        clap_complete::generate_to(*shell, &mut definition.clone(), &name, &completions)?;
    }
    Ok(())
}
