//! Tables for people, as wide as the terminal.

use serde_json::Value;
use terminal_size::{Width, terminal_size};

use crate::model::foreign::Foreign;
use crate::report::console;

const GAP: &str = "  ";

/// No column is made narrower than this.
const NARROWEST: usize = 6;

/// Prints rows under their heads. What does not fit a terminal is cut; in a pipe nothing is.
pub fn show(heads: &[&str], rows: Vec<Vec<String>>) {
    for line in lines(heads, &rows, terminal_width()) {
        console::print(&line);
    }
}

/// How many columns the terminal has, if there is one.
pub fn terminal_width() -> Option<usize> {
    terminal_size().map(|(Width(width), _)| usize::from(width))
}

fn lines(heads: &[&str], rows: &[Vec<String>], width: Option<usize>) -> Vec<String> {
    let heads: Vec<String> = heads.iter().map(|head| (*head).to_owned()).collect();
    let all = || std::iter::once(&heads).chain(rows);
    let length = |text: &String| text.chars().count();
    let mut widths: Vec<usize> = (0..heads.len())
        .map(|column| {
            all()
                .map(|row| length(&row[column]))
                .max()
                .unwrap_or_default()
        })
        .collect();
    fit(&mut widths, width);
    let line = |row: &Vec<String>| {
        let cells = row
            .iter()
            .zip(&widths)
            .map(|(text, width)| cell(text, *width));
        cells.collect::<Vec<_>>().join(GAP).trim_end().to_owned()
    };
    all().map(line).collect()
}

/// Takes from the widest column until all fit.
fn fit(widths: &mut [usize], width: Option<usize>) {
    let gaps = GAP.len() * widths.len().saturating_sub(1);
    let Some(most) = width.map(|width| width.saturating_sub(gaps)) else {
        return;
    };
    while widths.iter().sum::<usize>() > most {
        match widths.iter_mut().max() {
            Some(widest) if *widest > NARROWEST => *widest -= 1,
            _ => return,
        }
    }
}

fn cell(text: &str, width: usize) -> String {
    let length = text.chars().count();
    if length <= width {
        return format!("{text}{}", " ".repeat(width - length));
    }
    let start: String = text.chars().take(width.saturating_sub(1)).collect();
    format!("{start}…")
}

/// The items of a member that is a list; none if it is none.
pub fn items<'a>(object: &'a Value, member: &str) -> &'a [Value] {
    let items = object.get(member).and_then(Value::as_array);
    items.map_or(&[], Vec::as_slice)
}

/// A text member on one line; empty if it is none.
pub fn text(object: &Value, member: &str) -> String {
    let text = object.get(member).and_then(Value::as_str);
    Foreign::line(text.unwrap_or_default()).to_string()
}

/// A moment to the minute, as people read it.
pub fn time(object: &Value, member: &str) -> String {
    let text = text(object, member);
    let is_utc = text.ends_with('Z');
    match (text.get(..10), text.get(11..16)) {
        (Some(date), Some(minute)) if is_utc => format!("{date} {minute} UTC"),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<Vec<String>> {
        let row = |texts: [&str; 2]| texts.map(str::to_owned).to_vec();
        vec![row(["api", "a-long-environment"]), row(["é", ""])]
    }

    #[test]
    fn columns_are_as_wide_as_their_longest_text() {
        let shown = lines(&["PRODUCT", "ENVIRONMENT"], &rows(), None);
        assert_eq!(
            shown,
            ["PRODUCT  ENVIRONMENT", "api      a-long-environment", "é"]
        );
    }

    #[test]
    fn what_does_not_fit_is_cut_where_there_is_most() {
        let shown = lines(&["PRODUCT", "ENVIRONMENT"], &rows(), Some(20));
        assert_eq!(shown, ["PRODUCT  ENVIRONMENT", "api      a-long-env…", "é"]);
        let shown = lines(&["PRODUCT", "ENVIRONMENT"], &rows(), Some(3));
        assert!(
            shown.iter().all(|line| line.chars().count() <= 14),
            "{shown:?}"
        );
    }
}
