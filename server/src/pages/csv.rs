//! Tables for spreadsheets.

/// A line of CSV.
pub fn line<'a>(cells: impl IntoIterator<Item = &'a str>) -> String {
    let cells: Vec<String> = cells.into_iter().map(cell).collect();
    format!("{}\r\n", cells.join(","))
}

/// A cell. One that a spreadsheet would take for a formula begins with an apostrophe, so that it is
/// text.
fn cell(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
    let text = match formula {
        true => format!("'{text}"),
        false => text.to_owned(),
    };
    if text.contains([',', '"', '\r', '\n', '\t', ';', '\'']) {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn nothing_from_outside_becomes_a_formula() {
        for begin in ["=", "+", "-", "@", "\t", "\r"] {
            let shown = line([format!("{begin}cmd|' /C calc'!A0").as_str()]);
            assert!(shown.starts_with("\"'"), "{shown:?}");
        }
        assert_eq!(line(["a", "b,c", "d\"e", ""]), "a,\"b,c\",\"d\"\"e\",\r\n");
    }
}
