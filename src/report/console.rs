//! The standard streams: the only place that prints what somebody else wrote. CI systems read
//! commands from the very lines that people read, so no line may begin one by accident.

use std::io::{IsTerminal, Write, stderr, stdout};
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;

use crate::model::foreign::clean;

/// The most bytes of one block. Nobody reads more, and GitHub drops a summary above 1 MiB.
const MAX_BLOCK: usize = 16 * 1024;

/// What begins a command anywhere in a line: of GitHub and Azure, of Azure, of TeamCity.
const MARKS: [&str; 3] = ["##[", "##vso[", "##teamcity["];

/// Lines on standard output.
pub fn print(text: &str) {
    write(stdout().lock(), &harmless(text));
}

/// A line on standard error that is rewritten in place, if it is a terminal; else one for each
/// change.
pub fn progress(line: &str, is_change: bool, width: Option<usize>) {
    let mut stream = stderr().lock();
    let line = harmless(line).replace('\n', " ");
    if !stream.is_terminal() {
        if is_change {
            write(stream, &line);
        }
        return;
    }
    IN_PLACE.store(true, Ordering::Relaxed);
    // A line that wraps could not be rewritten.
    let most = width.unwrap_or(usize::MAX).saturating_sub(1);
    let line: String = line.chars().take(most).collect();
    // As for `write`.
    let _ = write!(stream, "{REWRITE}{line}").and_then(|()| stream.flush());
}

/// Goes to the beginning of the line and clears it.
const REWRITE: &str = "\r\x1b[K";

/// Whether the last line on the terminal has no end yet.
static IN_PLACE: AtomicBool = AtomicBool::new(false);

/// Lines on standard error.
pub fn error(text: &str) {
    write(stderr().lock(), &harmless(text));
}

/// Lines of this program's own making on standard output, as they are: help, completions, and
/// commands that are meant.
pub fn own(text: &str) {
    write(stdout().lock(), text);
}

/// The same on standard error.
pub fn own_error(text: &str) {
    write(stderr().lock(), text);
}

/// One line of JSON on standard output. What steers a terminal or begins a command is escaped, so
/// that the values stay what they are.
pub fn json(value: &Value) {
    write(stdout().lock(), &escaped(&value.to_string()));
}

fn escaped(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    let mut last = ' ';
    for character in json.chars() {
        // Both stand inside texts only, where an escape means the same.
        let is_mark = character == '#' && last == '#';
        let steers = !character.is_ascii_graphic() && character != ' ' && {
            let mut buffer = [0; 4];
            !clean(character.encode_utf8(&mut buffer)).starts_with(character)
        };
        if is_mark || steers {
            for unit in character.encode_utf16(&mut [0; 2]) {
                escaped.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            escaped.push(character);
        }
        last = character;
    }
    escaped
}

/// A reader that has gone away or a full disk is no reason to stop: the event and the exit code
/// matter more.
fn write(mut stream: impl Write, text: &str) {
    if IN_PLACE.swap(false, Ordering::Relaxed) {
        let _ = writeln!(stderr());
    }
    let _ = writeln!(stream, "{text}").and_then(|()| stream.flush());
}

/// The text with nothing in it that steers a terminal or begins a command of a CI system, and of
/// bounded size.
fn harmless(text: &str) -> String {
    let text = bounded(&clean(text), MAX_BLOCK);
    let lines: Vec<String> = text.split('\n').map(without_command).collect();
    lines.join("\n")
}

fn without_command(line: &str) -> String {
    let line = without_marks(line);
    let words = line.trim_start();
    let is_command = words.starts_with("::");
    match is_command {
        true => format!("{}: {}", &line[..line.len() - words.len()], &words[1..]),
        false => line,
    }
}

/// Commands that may stand anywhere in a line get a blank into their first characters.
pub fn without_marks(text: &str) -> String {
    let mut broken = String::with_capacity(text.len());
    for (position, character) in text.char_indices() {
        let rest = &text.as_bytes()[position..];
        let begins = |mark: &&str| {
            let start = rest.get(..mark.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(mark.as_bytes()))
        };
        broken.push(character);
        if MARKS.iter().any(begins) {
            broken.push(' ');
        }
    }
    broken
}

/// The text, or as much of it as fits, and how much is left out.
fn bounded(text: &str, bytes: usize) -> String {
    if text.len() <= bytes {
        return text.to_owned();
    }
    let mut end = bytes;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let start = &text[..end];
    let left_out = text.len() - start.len();
    format!("{start}\n… ({left_out} more bytes are left out)")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn no_line_begins_a_command() {
        for (text, shown) in [
            ("::error::x", ": :error::x"),
            (
                "a\n \t::set-output name=a::b",
                "a\n \t: :set-output name=a::b",
            ),
            ("a\r::x", "a\n: :x"),
            ("a\u{2028}\u{a0}::x", "a\n\u{a0}: :x"),
            (":\u{200b}:x", ": :x"),
            (":::x", ": ::x"),
            ("see ##[set-env name=a;]b", "see # #[set-env name=a;]b"),
            ("##VSO[task.setvariable]", "# #VSO[task.setvariable]"),
            ("###\u{1b}#vso[x]", "### #vso[x]"),
            ("##TeamCity[x]", "# #TeamCity[x]"),
            ("a::b # ##", "a::b # ##"),
        ] {
            assert_eq!(harmless(text), shown);
        }
    }

    #[test]
    fn a_large_text_is_cut_and_says_so() {
        let text = harmless(&"é".repeat(100_000));
        assert!(text.len() < MAX_BLOCK + 100);
        assert!(text.ends_with("more bytes are left out)"));
    }

    proptest! {
        #[test]
        fn json_begins_no_command_and_keeps_its_values(text in "([:# \\[\u{200d}\u{1b}\u{202e}\u{7f}]|vso|\n|.){0,30}") {
            let value = serde_json::json!({"a": text});
            let shown = escaped(&value.to_string());
            prop_assert!(MARKS.iter().all(|mark| !shown.contains(mark)), "{shown:?}");
            prop_assert!(shown.chars().all(|next| !next.is_control() && next != '\u{202e}'), "{shown:?}");
            prop_assert_eq!(serde_json::from_str::<Value>(&shown).expect("JSON"), value);
        }

        #[test]
        fn no_text_begins_a_command(text in "([:# \\[\u{200d}\u{1b}]|vso|TeamCity|\n|\r|.){0,30}") {
            let shown = harmless(&text).to_lowercase();
            prop_assert!(MARKS.iter().all(|mark| !shown.contains(mark)), "{shown:?}");
            prop_assert!(shown.lines().all(|line| !line.trim_start().starts_with("::")), "{shown:?}");
        }
    }
}
