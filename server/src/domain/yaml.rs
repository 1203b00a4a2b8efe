//! YAML, as far as people need it to keep rules in a file: mappings, lists, text, whole numbers, `true`,
//! `false` and `null`, each with the line on which it stands.

use std::collections::BTreeMap;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput};
use serde_json::{Map, Value};

/// How deep lists and mappings may be in each other.
const MAX_DEPTH: usize = 20;

/// What is wrong with a file, and on which line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The line; the first is 1.
    pub line: usize,
    /// What is wrong.
    pub what: String,
}

impl Problem {
    /// `what` is wrong on this line.
    pub fn new(line: usize, what: impl Into<String>) -> Problem {
        Problem {
            line,
            what: what.into(),
        }
    }
}

impl From<ScanError> for Problem {
    fn from(error: ScanError) -> Problem {
        Problem::new(error.marker().line(), error.info().to_owned())
    }
}

/// A file that was read: its value, and on which line each part of it stands.
#[derive(Debug)]
pub struct Document {
    /// What it says.
    pub value: Value,
    lines: BTreeMap<Vec<String>, usize>,
}

impl Document {
    /// Reads the one document of a file.
    ///
    /// # Errors
    /// With what is wrong first, such as a key that stands in a mapping twice.
    pub fn read(text: &str) -> Result<Document, Problem> {
        let mut reader = Reader {
            events: Parser::new_from_str(text.trim_start_matches('\u{feff}')),
            lines: BTreeMap::new(),
        };
        let mut value = None;
        loop {
            let (event, span) = reader.next()?;
            match event {
                Event::StreamEnd => break,
                Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd => {}
                event if value.is_none() => {
                    value = Some(reader.value(event, span, &mut Vec::new())?);
                }
                _ => return Err(Problem::new(line(span), "a second document begins here")),
            }
        }
        Ok(Document {
            value: value.unwrap_or_default(),
            lines: reader.lines,
        })
    }

    /// The line on which a part stands, or what it is to be part of.
    pub fn line(&self, path: &[String]) -> usize {
        let found = (0..=path.len())
            .rev()
            .find_map(|end| self.lines.get(&path[..end]));
        found.copied().unwrap_or(1)
    }
}

fn line(span: Span) -> usize {
    span.start.line()
}

struct Reader<'a> {
    events: Parser<'a, StrInput<'a>>,
    lines: BTreeMap<Vec<String>, usize>,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Span), Problem> {
        match self.events.next() {
            Some(next) => Ok(next?),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    /// The value that begins with `event`, at `path`.
    fn value(
        &mut self,
        event: Event<'a>,
        span: Span,
        path: &mut Vec<String>,
    ) -> Result<Value, Problem> {
        refuse_marks(&event, span)?;
        if path.len() > MAX_DEPTH {
            return Err(Problem::new(line(span), "this is nested too deeply"));
        }
        self.lines.entry(path.clone()).or_insert(line(span));
        match event {
            Event::Scalar(text, ScalarStyle::Plain, ..) => Ok(plain(&text)),
            Event::Scalar(text, ..) => Ok(text.into_owned().into()),
            Event::SequenceStart(..) => self.list(path).map(Value::Array),
            Event::MappingStart(..) => self.mapping(path).map(Value::Object),
            _ => Err(Problem::new(line(span), "a value is missing here")),
        }
    }

    fn list(&mut self, path: &mut Vec<String>) -> Result<Vec<Value>, Problem> {
        let mut items = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::SequenceEnd) {
                return Ok(items);
            }
            path.push(items.len().to_string());
            items.push(self.value(event, span, path)?);
            path.pop();
        }
    }

    fn mapping(&mut self, path: &mut Vec<String>) -> Result<Map<String, Value>, Problem> {
        let mut members = Map::new();
        loop {
            let (event, span) = self.next()?;
            refuse_marks(&event, span)?;
            let name = match event {
                Event::MappingEnd => return Ok(members),
                Event::Scalar(name, ..) => name.into_owned(),
                _ => return Err(Problem::new(line(span), "a name should stand here")),
            };
            path.push(name.clone());
            if members.contains_key(&name) {
                let before = self.line_of(path);
                let what = format!("{name} stands here again, after line {before}");
                return Err(Problem::new(line(span), what));
            }
            self.lines.insert(path.clone(), line(span));
            let (event, span) = self.next()?;
            let value = self.value(event, span, path)?;
            path.pop();
            members.insert(name, value);
        }
    }

    fn line_of(&self, path: &[String]) -> usize {
        self.lines.get(path).copied().unwrap_or_default()
    }
}

/// Refuses a tag, an anchor or an alias, which would make another value of what is written.
fn refuse_marks(event: &Event<'_>, span: Span) -> Result<(), Problem> {
    let mark = match event {
        Event::Alias(_) => Some("an alias (*)".to_owned()),
        Event::Scalar(_, _, anchor, tag)
        | Event::MappingStart(anchor, tag)
        | Event::SequenceStart(anchor, tag) => match tag {
            Some(tag) => Some(format!("the tag {}{}", tag.handle, tag.suffix)),
            None => (*anchor != 0).then(|| "an anchor (&)".to_owned()),
        },
        _ => None,
    };
    match mark {
        Some(mark) => {
            let what = format!("{mark} means nothing here: put the value in quotes if it is text");
            Err(Problem::new(line(span), what))
        }
        None => Ok(()),
    }
}

/// What stands there without quotes. Fractions are text: versions and times of day look like them.
fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => true.into(),
        "false" | "False" | "FALSE" => false.into(),
        _ => match text.parse::<i64>() {
            Ok(number) if !text.starts_with('+') => number.into(),
            _ => text.into(),
        },
    }
}

/// Writes a value so that [`Document::read`] reads it again.
pub fn write(value: &Value) -> String {
    let mut text = String::new();
    put(&mut text, value, 0);
    text
}

/// Writes a value whose first line goes on where the text ends.
fn put(text: &mut String, value: &Value, indent: usize) {
    let pad = "  ".repeat(indent);
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (at, (name, value)) in members.iter().enumerate() {
                if at > 0 {
                    *text += &pad;
                }
                *text += &scalar(name);
                *text += ":";
                put_member(text, value, indent + 1);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    *text += &pad;
                }
                *text += "- ";
                put(text, item, indent + 1);
            }
        }
        Value::Object(_) => *text += "{}\n",
        Value::Array(_) => *text += "[]\n",
        Value::String(string) => {
            *text += &scalar(string);
            text.push('\n');
        }
        other => {
            *text += &other.to_string();
            text.push('\n');
        }
    }
}

/// What follows the name of a member.
fn put_member(text: &mut String, value: &Value, indent: usize) {
    let is_block = match value {
        Value::Object(members) => !members.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    };
    if is_block {
        text.push('\n');
        *text += &"  ".repeat(indent);
    } else {
        text.push(' ');
    }
    put(text, value, indent);
}

/// Text, in quotes if it could be read as something else.
fn scalar(text: &str) -> String {
    let is_word = text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.chars().all(|char| {
            char.is_ascii_alphanumeric() || matches!(char, '_' | '-' | '.' | '/' | ' ')
        })
        && !text.ends_with(' ');
    // These are something else to some readers of YAML.
    let words = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"];
    if is_word && !words.contains(&text.to_ascii_lowercase().as_str()) {
        return text.to_owned();
    }
    let mut quoted = String::from('"');
    for char in text.chars() {
        match char {
            '"' | '\\' => quoted.extend(['\\', char]),
            _ if char.is_control() || matches!(char, '\u{2028}' | '\u{2029}' | '\u{feff}') => {
                quoted += &format!("\\u{:04x}", u32::from(char));
            }
            _ => quoted.push(char),
        }
    }
    quoted + "\""
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_file_of_people_is_read_with_its_lines() {
        let text = "\u{feff}# policy\nrules:\n- name: Freeze\n  config:\n    days: [friday, 5]\n    \
                    start_time: 15:00\n    on: no\n  status:\n";
        let document = Document::read(text).unwrap();
        assert_eq!(
            document.value,
            json!({ "rules": [{
                "name": "Freeze",
                "config": { "days": ["friday", 5], "start_time": "15:00", "on": "no" },
                "status": null,
            }]})
        );
        let path = |parts: &[&str]| {
            parts
                .iter()
                .map(|part| (*part).to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(
            document.line(&path(&["rules", "0", "config", "days", "1"])),
            5
        );
        assert_eq!(document.line(&path(&["rules", "0", "config", "none"])), 4);
        assert_eq!(document.line(&path(&["rules", "7"])), 2);
        assert_eq!(Document::read("").unwrap().value, Value::Null);
    }

    #[test]
    fn what_says_something_else_than_it_seems_is_refused_with_its_line() {
        let deep = format!("a: {}", "[".repeat(100));
        for (text, line, what) in [
            ("a: 1\nb: 2\na: 3\n", 3, "a stands here again, after line 1"),
            ("a: 1\n---\nb: 2\n", 3, "a second document begins here"),
            ("a: &x 1\nb: *x\n", 1, "an anchor (&) means nothing here"),
            ("a:\n  - !!int 1\n", 2, "the tag"),
            ("a: [1, 2\nb: 3\n", 2, ""),
            ("? [a]\n: 1\n", 1, "a name should stand here"),
            (&deep, 1, "nested too deeply"),
        ] {
            let problem = Document::read(text).unwrap_err();
            assert!(problem.what.contains(what), "{text}: {problem:?}");
            assert_eq!(problem.line, line, "{text}: {problem:?}");
        }
    }

    fn value() -> impl Strategy<Value = Value> {
        let word = prop_oneof![
            "\\PC*",
            "[ -~]{0,9}",
            "[0-9:.+-]{1,5}",
            "true|no|null|~|- a|a: b"
        ];
        let leaf = prop_oneof![
            word.prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<bool>().prop_map(Value::from),
            Just(Value::Null),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec(("\\PC{0,5}", inner), 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

        #[test]
        fn what_is_written_is_read_as_it_was(value in value()) {
            let text = write(&value);
            let read = Document::read(&text).map(|document| document.value);
            prop_assert_eq!(read, Ok(value), "{}", text);
        }
    }
}
