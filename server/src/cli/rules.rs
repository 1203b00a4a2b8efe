//! `rules …`: the rules of an account as a file, for people who keep policy in git.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::Value;

use super::{Data, Failure, account_name, machine, now};
use crate::domain::answer::Refusal;
use crate::domain::fields::{FieldError, MAX_TEXT};
use crate::domain::rules::file;
use crate::domain::yaml::{Document, Problem};
use crate::store::flow::{Command, Import, Outcome};
use crate::store::{Directory, StoreError};

/// The most that a file may have, in bytes.
const MAX_BYTES: u64 = 4 * 1024 * 1024;

#[derive(Debug, Subcommand)]
pub enum Rules {
    /// Print the rules as YAML
    Export {
        #[command(flatten)]
        data: Data,
        /// The account
        #[arg(long, value_name = "NAME", value_parser = account_name)]
        account: String,
    },
    /// Make the rules what a file of `rules export` says, all of them or none
    Import {
        #[command(flatten)]
        data: Data,
        /// The account
        #[arg(long, value_name = "NAME", value_parser = account_name)]
        account: String,
        /// Only say what would change
        #[arg(long)]
        check: bool,
        /// Make the environments that the rules name and that do not exist
        #[arg(long)]
        create: bool,
        /// Remove the rules that are not in the file
        #[arg(long)]
        remove_others: bool,
        /// Why, for the log
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
        /// The file; - for standard input
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

/// Does what the command says.
pub fn run(rules: Rules) -> Result<(), Failure> {
    match rules {
        Rules::Export { data, account } => {
            let directory = Directory::open(&data.directory)?;
            let note = Command::Note {
                kind: "account.rules_exported",
                message: "The rules were printed".to_owned(),
            };
            super::done(directory.write(&account, &machine(), note, now())?)?;
            let rules = directory.rules(&account)?;
            Ok(io::stdout().write_all(file::export(&account, &rules).as_bytes())?)
        }
        Rules::Import {
            data,
            account,
            check,
            create,
            remove_others,
            reason,
            file: path,
        } => {
            let text = read_file(&path)?;
            let at_fault = |problem: Problem| {
                Failure::Refused(format!(
                    "{}:{}: {}",
                    name(&path),
                    problem.line,
                    problem.what
                ))
            };
            let document = Document::read(&text).map_err(at_fault)?;
            let told = |errors: &[FieldError]| {
                let lines = errors.iter().map(|error| {
                    let line = document.line(&error.loc[1..]);
                    let field = error.loc.last().map_or("", String::as_str);
                    let hint = match error.kind {
                        "unknown_environment" => "; --create makes it",
                        _ => "",
                    };
                    format!("{}:{line}: {field}: {}{hint}", name(&path), error.msg)
                });
                Failure::Refused(lines.collect::<Vec<_>>().join("\n"))
            };
            if reason
                .as_ref()
                .is_some_and(|text| text.chars().count() > MAX_TEXT)
            {
                let msg = format!("--reason has more than {MAX_TEXT} characters");
                return Err(Failure::Refused(msg));
            }
            let import = Import {
                rules: file::read(&document.value).map_err(|errors| told(&errors))?,
                create,
                remove_others,
                reason,
                check,
                expected: None,
            };
            let directory = Directory::open(&data.directory)?;
            let command = Command::ImportRules(import);
            match directory.write(&account, &machine(), command, now())? {
                Outcome::Refused(Refusal::Invalid(errors)) => Err(told(&errors)),
                outcome => {
                    let answer = super::done(outcome)?;
                    let answer: Value =
                        serde_json::from_str(&answer.body).map_err(StoreError::from)?;
                    Ok(tell(&answer, check, |loc| {
                        format!("{}:{}", name(&path), document.line(loc))
                    })?)
                }
            }
        }
    }
}

fn name(file: &Path) -> String {
    match file.as_os_str() == "-" {
        true => "standard input".to_owned(),
        false => file.display().to_string(),
    }
}

fn read_file(file: &Path) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    let read = if file.as_os_str() == "-" {
        io::stdin().take(MAX_BYTES + 1).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(file).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes))
    };
    let fault = |what: String| Failure::Refused(format!("{}: {what}", name(file)));
    read.map_err(|error| fault(error.to_string()))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(fault(format!("it is larger than {MAX_BYTES} bytes")));
    }
    String::from_utf8(bytes).map_err(|_| fault("it is not UTF-8".to_owned()))
}

/// Says what has changed, or would change.
fn tell(answer: &Value, check: bool, place: impl Fn(&[String]) -> String) -> io::Result<()> {
    let mut out = io::stdout();
    let items = |name: &str| answer[name].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let would = if check { "would be " } else { "" };
    for warning in items("warnings") {
        let loc: Vec<String> = warning["loc"]
            .as_array()
            .into_iter()
            .flatten()
            .map(text)
            .collect();
        let at = place(loc.get(1..).unwrap_or_default());
        writeln!(out, "warning: {at}: {}", text(&warning["msg"]))?;
    }
    for name in items("added") {
        writeln!(out, "{would}added: {}", text(&name))?;
    }
    for changed in items("changed") {
        let fields: Vec<String> = changed["fields"]
            .as_array()
            .into_iter()
            .flatten()
            .map(text)
            .collect();
        let name = text(&changed["name"]);
        writeln!(out, "{would}changed: {name} ({})", fields.join(", "))?;
    }
    for name in items("removed") {
        writeln!(out, "{would}removed: {}", text(&name))?;
    }
    for name in items("left") {
        let name = text(&name);
        writeln!(
            out,
            "not in the file, stays (--remove-others removes it): {name}"
        )?;
    }
    writeln!(out, "as they are already: {}", answer["unchanged"])
}
