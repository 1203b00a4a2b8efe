//! What somebody reads on a page.

use crate::support::Reply;

/// The text of a piece of a page, with its tags taken out and one blank between words.
pub fn words(html: &str) -> String {
    let mut text = String::new();
    let mut in_tag = false;
    for character in html.chars() {
        match character {
            '<' => in_tag = true,
            '>' => {
                in_tag = false;
                text.push(' ');
            }
            _ if in_tag => {}
            other => text.push(other),
        }
    }
    for (entity, character) in [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&#34;", "\""),
        ("&#60;", "<"),
        ("&#62;", ">"),
        ("&#38;", "&"),
        ("&amp;", "&"),
    ] {
        text = text.replace(entity, character);
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What stands in the main part of a page that is as it should be.
#[track_caller]
pub fn main_words(reply: &Reply) -> String {
    words(main_part(reply))
}

/// The main part of a page, as it is sent.
#[track_caller]
pub fn main_part(reply: &Reply) -> &str {
    let from = reply
        .text
        .find("<main")
        .unwrap_or_else(|| panic!("no page: {}", reply.text));
    &reply.text[from..]
}

/// The row of a table whose head says `name`.
#[track_caller]
pub fn row<'a>(reply: &'a Reply, name: &str) -> &'a str {
    let found = main_part(reply)
        .split("<tr role=\"row\">")
        .skip(1)
        .find(|row| {
            let row = row.split("</tr>").next().unwrap_or_default();
            let head = row
                .split_once("<th role=\"rowheader\"")
                .and_then(|(_, rest)| rest.split_once("</th>"));
            head.is_some_and(|(head, _)| words(&format!("<{head}")) == name)
        });
    let found = found.unwrap_or_else(|| panic!("no row {name}: {}", main_words(reply)));
    found.split("</tr>").next().unwrap_or_default()
}

/// What stands in the cell of the matrix for a product in an environment.
#[track_caller]
pub fn cell(reply: &Reply, product: &str, environment: &str) -> String {
    let label = format!("data-l=\"{environment}\"");
    let row = row(reply, product);
    let cell = row.split("<td ").find(|cell| cell.contains(&label));
    let cell = cell.unwrap_or_else(|| panic!("no cell {environment}: {}", words(row)));
    words(&format!("<{cell}"))
}

/// The address of the first link whose text is `text`.
#[track_caller]
pub fn link(reply: &Reply, text: &str) -> String {
    link_in(&reply.text, text)
}

/// The same of a piece of a page.
#[track_caller]
pub fn link_in(html: &str, text: &str) -> String {
    let found = html.split("<a ").skip(1).find_map(|rest| {
        let (tag, rest) = rest.split_once('>')?;
        let (inside, _) = rest.split_once("</a>")?;
        let href = tag.split_once("href=\"")?.1.split_once('"')?.0;
        (words(inside) == text).then(|| href.replace("&#38;", "&").replace("&amp;", "&"))
    });
    found.unwrap_or_else(|| panic!("no link {text:?}: {}", words(html)))
}

/// The value of the first field of that name.
#[track_caller]
pub fn field(html: &str, name: &str) -> String {
    let found = html.split("<input ").skip(1).find_map(|rest| {
        let tag = rest.split_once('>')?.0;
        let value = tag.split_once("value=\"")?.1.split_once('"')?.0;
        tag.contains(&format!("name=\"{name}\""))
            .then(|| value.replace("&#34;", "\"").replace("&quot;", "\""))
    });
    found.unwrap_or_else(|| panic!("no field {name}: {html}"))
}
