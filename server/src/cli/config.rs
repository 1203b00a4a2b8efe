//! Settings from a file, and where each setting comes from.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::error::{ContextKind, ErrorKind};
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command, CommandFactory, FromArgMatches};
use toml::{Table, Value};

use super::Cli;
use crate::store::database_url;

/// Settings that are no matter of the file.
const NOT_IN_FILE: [&str; 3] = ["config", "help", "version"];

/// Why a file of settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It cannot be read.
    #[error("cannot read the settings in {path}: {source}")]
    Read { path: String, source: io::Error },
    /// It is no TOML.
    #[error("the settings in {path} are not TOML: line {line}: {reason}")]
    Toml {
        path: String,
        line: usize,
        reason: String,
    },
    /// It has a setting that there is not.
    #[error("{path} has the setting {name}, which there is not{hint}")]
    Unknown {
        path: String,
        name: String,
        hint: String,
    },
    /// A setting has a value that it cannot have.
    #[error("{path} sets {name} to {value}: {reason}")]
    Value {
        path: String,
        name: String,
        value: String,
        reason: String,
    },
}

/// What the file says: for each setting, by the name of its flag, its values.
#[derive(Debug, Default)]
pub struct File {
    path: Option<PathBuf>,
    values: BTreeMap<String, Vec<String>>,
}

/// Reads flags, variables and the file that one of them names. A wrong flag ends the process, as
/// clap does.
pub fn parse(arguments: Vec<OsString>) -> Result<(Cli, ArgMatches, File), ConfigError> {
    let file = match named_file(&arguments) {
        Some(path) => File::read(path)?,
        None => File::default(),
    };
    let matches = with_file(Cli::command(), &file, true).get_matches_from(arguments);
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    Ok((cli, matches, file))
}

/// The file, whatever else is wrong with the arguments.
fn named_file(arguments: &[OsString]) -> Option<PathBuf> {
    let command = Cli::command().ignore_errors(true);
    let matches = command.try_get_matches_from(arguments).ok()?;
    let matches = match matches.subcommand() {
        Some(("config" | "health", matches)) => matches,
        _ => &matches,
    };
    matches.get_one::<PathBuf>("config").cloned()
}

/// The command with the values of the file as its defaults. Commands on the data take from it which
/// data that is, and where people find its pages.
fn with_file(command: Command, file: &File, is_serving: bool) -> Command {
    let command = command.mut_args(|arg| {
        let name = arg.get_long().unwrap_or_default().to_owned();
        match file.values.get(&name) {
            // Help shows defaults, and those may have a password in them.
            Some(values) if arg.is_hide_env_values_set() && (is_serving || name == "data") => {
                arg.default_values(values).hide_default_value(true)
            }
            Some(values) if is_serving || name == "public-url" => arg.default_values(values),
            _ => arg,
        }
    });
    command.mut_subcommands(|command| {
        let is_of_server = ["config", "health"].contains(&command.get_name());
        with_file(command, file, is_of_server)
    })
}

impl File {
    fn read(path: PathBuf) -> Result<File, ConfigError> {
        let shown = || path.display().to_string();
        let text = std::fs::read_to_string(&path).map_err(|source| ConfigError::Read {
            path: shown(),
            source,
        })?;
        let table: Table = text
            .parse()
            .map_err(|error| not_toml(&text, shown(), &error))?;
        let command = Cli::command();
        let mut values = BTreeMap::new();
        for (name, value) in table {
            let flag = name.replace('_', "-");
            let arg = settings(&command).find(|arg| arg.get_long() == Some(&flag));
            let arg = arg.ok_or_else(|| ConfigError::Unknown {
                path: shown(),
                name: name.clone(),
                hint: nearest(&command, &flag),
            })?;
            let texts = texts(&value)
                .ok_or_else(|| "a setting is a text, a number, true or false, or a list".to_owned())
                .and_then(|texts| check(arg, &flag, &texts).map(|()| texts));
            let texts = texts.map_err(|reason| ConfigError::Value {
                path: shown(),
                name,
                value: told(&value),
                reason,
            })?;
            values.insert(flag, texts);
        }
        let path = Some(path);
        Ok(File { path, values })
    }
}

/// The reason alone: the line itself may have the password of a database in it.
fn not_toml(text: &str, path: String, error: &toml::de::Error) -> ConfigError {
    let at = error.span().map_or(0, |span| span.start);
    let before = text.get(..at).unwrap_or_default();
    ConfigError::Toml {
        path,
        line: before.matches('\n').count() + 1,
        reason: error.message().to_owned(),
    }
}

/// A value as an error names it.
fn told(value: &Value) -> String {
    let text = value.to_string();
    match text.contains("://") {
        true => "an address".to_owned(),
        false => text,
    }
}

/// Everything that can be set.
fn settings(command: &Command) -> impl Iterator<Item = &Arg> {
    command.get_arguments().filter(|arg| {
        arg.get_long()
            .is_some_and(|name| !NOT_IN_FILE.contains(&name))
    })
}

fn nearest(command: &Command, flag: &str) -> String {
    let names = settings(command).filter_map(Arg::get_long);
    let near = names
        .map(|name| (strsim::damerau_levenshtein(name, flag), name))
        .min();
    match near {
        Some((distance, name)) if distance <= 3 => format!("; did you mean {name}?"),
        _ => String::new(),
    }
}

fn texts(value: &Value) -> Option<Vec<String>> {
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Boolean(is_set) => Some(is_set.to_string()),
        _ => None,
    };
    match value {
        Value::Array(values) => values.iter().map(text).collect(),
        other => text(other).map(|text| vec![text]),
    }
}

/// Whether the flag takes these values, and if not, what is wrong with them.
fn check(arg: &Arg, flag: &str, values: &[String]) -> Result<(), String> {
    if matches!(arg.get_action(), ArgAction::SetTrue) {
        return match values {
            [value] if value == "true" || value == "false" => Ok(()),
            _ => Err("it is true or false".to_owned()),
        };
    }
    if values.len() != 1 && !matches!(arg.get_action(), ArgAction::Append) {
        return Err("it has one value".to_owned());
    }
    let flags = values.iter().map(|value| format!("--{flag}={value}"));
    let arguments = std::iter::once("versioner-server".to_owned()).chain(flags);
    let Err(error) = Cli::command().try_get_matches_from(arguments) else {
        return Ok(());
    };
    let of_value = [ErrorKind::InvalidValue, ErrorKind::ValueValidation];
    let named = error.get(ContextKind::InvalidArg).map(ToString::to_string);
    if of_value.contains(&error.kind()) && named.is_some_and(|arg| arg.contains(flag)) {
        let text = error.to_string();
        let reason = text.lines().next().unwrap_or_default();
        return Err(reason.trim_start_matches("error: ").to_owned());
    }
    Ok(())
}

/// Prints every setting as the file would have it, with where it comes from.
pub fn show(matches: &ArgMatches, file: &File) -> io::Result<()> {
    let matches = matches.subcommand_matches("config").unwrap_or(matches);
    let mut out = io::stdout();
    for arg in settings(&Cli::command()) {
        let (id, name) = (arg.get_id().as_str(), arg.get_long().unwrap_or_default());
        let values: Vec<String> = matches
            .get_raw(id)
            .into_iter()
            .flatten()
            .map(|value| without_password(&value.to_string_lossy()))
            .collect();
        if values.is_empty() {
            writeln!(out, "# {name} is not set")?;
            continue;
        }
        let source = match matches.value_source(id) {
            Some(ValueSource::CommandLine) => format!("--{name}"),
            Some(ValueSource::EnvVariable) => {
                let variable = arg.get_env().unwrap_or_default();
                variable.to_string_lossy().into_owned()
            }
            _ if file.values.contains_key(name) => {
                let path = file.path.as_deref().unwrap_or(Path::new(""));
                path.display().to_string()
            }
            _ => "default".to_owned(),
        };
        let value = written(arg, &values);
        writeln!(out, "{name} = {value}  # {source}")?;
    }
    Ok(())
}

/// The address of a database or a proxy without its password; everything else as it is.
fn without_password(value: &str) -> String {
    let Some(url) = database_url(Path::new(value)) else {
        return value.to_owned();
    };
    let (address, options) = match url.split_once('?') {
        Some((address, options)) if options.contains("password") => (address, "?…"),
        Some((address, _)) => (address, &url[address.len()..]),
        None => (url, ""),
    };
    let user = address.rsplit_once('@').and_then(|(user, host)| {
        let (name, _) = user.split_once("://")?.1.split_once(':')?;
        Some((user.split_once("://")?.0, name, host))
    });
    match user {
        Some((scheme, name, host)) => format!("{scheme}://{name}:…@{host}{options}"),
        None => format!("{address}{options}"),
    }
}

fn written(arg: &Arg, values: &[String]) -> String {
    let one = |text: &String| {
        let is_bare = text.parse::<i64>().is_ok() || matches!(text.as_str(), "true" | "false");
        match is_bare {
            true => text.clone(),
            false => Value::String(text.clone()).to_string(),
        }
    };
    match (arg.get_action(), values) {
        (ArgAction::Append, values) => {
            let values: Vec<String> = values.iter().map(one).collect();
            format!("[{}]", values.join(", "))
        }
        (_, [value, ..]) => one(value),
        (_, []) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_of_a_database_is_not_shown() {
        for (value, shown) in [
            ("./versioner-data", "./versioner-data"),
            (
                "postgres://ada@db/v?sslmode=require",
                "postgres://ada@db/v?sslmode=require",
            ),
            ("postgres://ada:s3@cret@db/v", "postgres://ada:…@db/v"),
            (
                "postgresql://ada:a/b@db/v?port=1",
                "postgresql://ada:…@db/v?port=1",
            ),
            ("postgres:///v?user=ada&password=x", "postgres:///v?…"),
            ("postgers://ada:s3cret@db/v", "postgers://ada:…@db/v"),
            ("http://ada:s3cret@proxy:3128", "http://ada:…@proxy:3128"),
            ("http://proxy:3128", "http://proxy:3128"),
        ] {
            assert_eq!(without_password(value), shown);
        }
    }
}
