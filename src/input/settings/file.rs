//! The configuration file: a flat YAML mapping of settings to plain values.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span};

use super::precedence::Decided;
use crate::input::environment::Environment;
use crate::input::{pipe, text};
use crate::model::failure::Failure;
use crate::model::source::Source;

/// A configuration file is a handful of lines; whatever is larger is something else.
const MAX_BYTES: u64 = 1024 * 1024;

/// The one setting that may be a list.
const LIST: &str = "environments";

/// The settings of a file; empty if there is no file.
#[derive(Default)]
pub(super) struct File {
    path: PathBuf,
    settings: BTreeMap<String, Setting>,
}

struct Setting {
    text: String,
    line: usize,
}

impl File {
    /// Reads the file that is named explicitly or by `VERSIONER_CONFIG`, which must exist, or
    /// else `$HOME/.versioner/config.yaml` if that exists.
    pub fn load(explicit: &str, environment: &Environment) -> Result<Self, Failure> {
        let named = match text::given(explicit) {
            Some(path) => Some(path),
            None => environment.setting("VERSIONER_CONFIG")?,
        };
        if let Some(path) = named {
            return Self::read(Path::new(path));
        }
        let Some(home) = environment.home() else {
            return Ok(File::default());
        };
        let path = home.join(".versioner/config.yaml");
        if path.exists() {
            Self::read(&path)
        } else {
            Ok(File::default())
        }
    }

    fn read(path: &Path) -> Result<Self, Failure> {
        let text = read_text(path).map_err(|error| {
            failure(format!(
                "cannot read the configuration file {}: {error}",
                path.display()
            ))
        })?;
        let settings = parse(&text).map_err(|Problem { line, what }| {
            failure(format!(
                "configuration file {}, line {line}: {what}",
                path.display()
            ))
        })?;
        Ok(File {
            path: path.to_owned(),
            settings,
        })
    }

    /// A setting; `None` if the file has none or a blank one.
    pub fn get(&self, name: &str) -> Option<Decided> {
        let setting = self.settings.get(name)?;
        Some(Decided {
            text: text::given(&setting.text)?.to_owned(),
            source: Source::File {
                path: self.path.clone(),
                line: setting.line,
            },
        })
    }

    /// A warning for each key that is no setting.
    pub fn unknown_keys(&self, is_setting: fn(&str) -> bool) -> Vec<String> {
        let unknown = self.settings.iter().filter(|(name, _)| !is_setting(name));
        let path = self.path.display();
        unknown
            .map(|(name, setting)| {
                format!(
                    "configuration file {path}, line {}: unknown setting {name:?}",
                    setting.line
                )
            })
            .collect()
    }
}

fn failure(message: String) -> Failure {
    Failure::setting("config", message)
}

fn read_text(path: &Path) -> io::Result<String> {
    if path.is_dir() {
        return Err(io::Error::other("it is a folder"));
    }
    let mut bytes = Vec::new();
    pipe::open(path)?
        .take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(io::Error::other(format!(
            "it is larger than {MAX_BYTES} bytes"
        )));
    }
    if is_utf_16(&bytes) {
        return Err(io::Error::other("it is UTF-16: save it as UTF-8"));
    }
    String::from_utf8(bytes).map_err(|error| {
        let line = 1 + error
            .as_bytes()
            .iter()
            .take(error.utf8_error().valid_up_to())
            .filter(|byte| **byte == b'\n')
            .count();
        io::Error::other(format!("line {line} is not valid UTF-8"))
    })
}

/// By its byte order mark, or because every other byte of its beginning is zero.
fn is_utf_16(bytes: &[u8]) -> bool {
    match bytes {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => true,
        [first, second, third, fourth, ..] => {
            let zeros = [first, second, third, fourth].map(|byte| *byte == 0);
            zeros == [true, false, true, false] || zeros == [false, true, false, true]
        }
        _ => false,
    }
}

struct Problem {
    line: usize,
    what: String,
}

impl Problem {
    fn new(span: Span, what: impl Into<String>) -> Self {
        Problem {
            line: span.start.line(),
            what: what.into(),
        }
    }
}

impl From<ScanError> for Problem {
    fn from(error: ScanError) -> Self {
        Problem {
            line: error.marker().line(),
            what: error.info().to_owned(),
        }
    }
}

/// Values are kept as written: `version: 1.10` is the text `1.10`, not a number. No value appears
/// in an error, because it may be the API key.
fn parse(text: &str) -> Result<BTreeMap<String, Setting>, Problem> {
    let mut settings = BTreeMap::new();
    let mut key: Option<String> = None;
    let mut is_mapping_open = false;
    let mut list: Option<Vec<String>> = None;
    for event in Parser::new_from_str(text.trim_start_matches('\u{feff}')) {
        let (event, span) = event?;
        if let Some(mark) = mark(&event) {
            let what = format!("{mark} means nothing here: put the value in quotes if it is text");
            return Err(Problem::new(span, what));
        }
        match event {
            Event::SequenceStart(..) if key.as_deref() == Some(LIST) && list.is_none() => {
                list = Some(Vec::new());
            }
            Event::SequenceEnd => {
                let text = list.take().unwrap_or_default().join("\n");
                add(&mut settings, key.take().unwrap_or_default(), text, span)?;
            }
            Event::Scalar(text, style, ..) if list.is_some() => {
                list.get_or_insert_default().push(scalar(&text, style));
            }
            Event::MappingStart(..) if !is_mapping_open => is_mapping_open = true,
            Event::Scalar(text, style, ..) if is_mapping_open => match key.take() {
                None => key = Some(text.into_owned()),
                Some(name) => add(&mut settings, name, scalar(&text, style), span)?,
            },
            Event::Scalar(text, style, ..) if scalar(&text, style).is_empty() => {}
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd
            | Event::MappingEnd => {}
            _ => {
                let of = key.map(|key| format!(" after {key}")).unwrap_or_default();
                let what = format!("expected lines of the form `name: value`{of}");
                return Err(Problem::new(span, what));
            }
        }
    }
    Ok(settings)
}

fn add(
    settings: &mut BTreeMap<String, Setting>,
    name: String,
    text: String,
    span: Span,
) -> Result<(), Problem> {
    let line = span.start.line();
    match settings.insert(name.clone(), Setting { text, line }) {
        None => Ok(()),
        Some(_) => Err(Problem::new(span, format!("{name} stands here again"))),
    }
}

/// A tag or an anchor, which would make another value of what is written.
fn mark(event: &Event<'_>) -> Option<String> {
    let (anchor, tag) = match event {
        Event::Scalar(_, _, anchor, tag) => (anchor, tag),
        Event::MappingStart(anchor, tag) | Event::SequenceStart(anchor, tag) => (anchor, tag),
        _ => return None,
    };
    match tag {
        Some(tag) => Some(format!("the tag {}{}", tag.handle, tag.suffix)),
        None => (*anchor != 0).then(|| "an anchor (&)".to_owned()),
    }
}

fn scalar(text: &str, style: ScalarStyle) -> String {
    match style {
        ScalarStyle::Plain if matches!(text, "~" | "null" | "Null" | "NULL") => String::new(),
        _ => text.to_owned(),
    }
}
