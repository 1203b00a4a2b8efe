//! What the body of an answer says to people, in whichever of its many forms a service or a
//! gateway writes it.

use serde_json::{Map, Value};

/// Where a message may stand, the most telling name first. Upper and lower case are one.
const NAMES: [&str; 11] = [
    "detail",
    "message",
    "error_description",
    "error",
    "errors",
    "fault",
    "faultstring",
    "reason",
    "title",
    "msg",
    "description",
];

/// How deep a message is searched for.
const MAX_DEPTH: usize = 8;

/// The most bytes of an HTML page that are searched for text.
const MAX_HTML: usize = 64 * 1024;

/// The message of a body: of JSON its own, or else the JSON itself; of HTML the text; of text all
/// of it.
pub(super) fn said(json: Option<&Value>, body: &str) -> String {
    match json {
        Some(Value::String(text)) => text.clone(),
        Some(json) => message(json, 0)
            .or_else(|| fields(json.as_object()?, true))
            .unwrap_or_else(|| empty_or_compact(json)),
        None => without_tags(body),
    }
}

/// The message of a JSON object; empty if it has none.
pub(super) fn message_of(object: &Map<String, Value>) -> String {
    member_message(object, 0).unwrap_or_default()
}

/// The member of that name, in upper or lower case.
pub(super) fn member<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    object.get(name).or_else(|| {
        let mut members = object.iter();
        members.find_map(|(key, value)| key.eq_ignore_ascii_case(name).then_some(value))
    })
}

/// A JSON value as people write it; absent and null are empty.
pub(super) fn text(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

fn message(value: &Value, depth: usize) -> Option<String> {
    if depth > MAX_DEPTH {
        return None;
    }
    match value {
        Value::String(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::Array(problems) => {
            let problems = problems
                .iter()
                .filter_map(|value| message(value, depth + 1));
            joined(problems.collect())
        }
        Value::Object(object) => member_message(object, depth),
        _ => None,
    }
}

fn member_message(object: &Map<String, Value>, depth: usize) -> Option<String> {
    let listed = |name: &str| fields(member(object, name)?.as_object()?, false);
    let of_name = |name: &&str| match message(member(object, name)?, depth + 1) {
        None if *name == "errors" => listed(name),
        found => found,
    };
    let found = NAMES
        .iter()
        .find_map(of_name)
        .or_else(|| listed("detail"))?;
    match place(object) {
        place if place.is_empty() => Some(found),
        place => Some(format!("{place}: {found}")),
    }
}

/// `product_name` of `{"loc": ["body", "product_name"], "msg": "field required"}`, and of
/// `{"field": "product_name", "message": "is required"}`.
fn place(problem: &Map<String, Value>) -> String {
    if let Some(Value::Array(parts)) = member(problem, "loc") {
        let parts: Vec<String> = parts.iter().map(|part| text(Some(part))).collect();
        let parts = parts.into_iter().filter(|part| part != "body");
        return parts.collect::<Vec<_>>().join(".");
    }
    match member(problem, "field") {
        Some(Value::String(field)) => field.clone(),
        _ => String::new(),
    }
}

/// `version: is too long` of `{"version": ["is too long"]}`, if every member is such a list, or
/// also a text.
fn fields(object: &Map<String, Value>, only_lists: bool) -> Option<String> {
    let problems = object.iter().map(|(name, value)| {
        let said = match value {
            Value::Array(texts) if !texts.is_empty() => {
                let texts: Option<Vec<&str>> = texts.iter().map(Value::as_str).collect();
                texts?.join(", ")
            }
            Value::String(text) if !only_lists => text.clone(),
            _ => return None,
        };
        Some(format!("{name}: {said}"))
    });
    joined(problems.collect::<Option<_>>()?)
}

fn joined(problems: Vec<String>) -> Option<String> {
    (!problems.is_empty()).then(|| problems.join("; "))
}

fn empty_or_compact(json: &Value) -> String {
    match json {
        Value::Null => String::new(),
        Value::Object(object) if object.is_empty() => String::new(),
        Value::Array(array) if array.is_empty() => String::new(),
        other => other.to_string(),
    }
}

/// The text of an HTML page on one line; anything else as it is.
fn without_tags(body: &str) -> String {
    let page = body.trim_start();
    if !page.starts_with('<') {
        return body.trim().to_owned();
    }
    let end = (0..=MAX_HTML.min(page.len())).rev();
    let end = end.into_iter().find(|end| page.is_char_boundary(*end));
    let page = &page[..end.unwrap_or_default()];
    let lower = page.to_ascii_lowercase();
    let mut text = String::new();
    let mut position = 0;
    while let Some(open) = lower[position..].find('<') {
        let open = position + open;
        text.push_str(&page[position..open]);
        text.push(' ');
        position = element_end(&lower, open);
    }
    text.push_str(&page[position..]);
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ")
}

/// The end of the tag that starts here; of styles and scripts, of the whole element.
fn element_end(lower: &str, open: usize) -> usize {
    let tag = &lower[open..];
    let is = |name: &str| {
        let rest = tag[1..].strip_prefix(name);
        rest.is_some_and(|rest| !rest.starts_with(|next: char| next.is_ascii_alphanumeric()))
    };
    let close = match () {
        () if is("style") => "</style>",
        () if is("script") => "</script>",
        () => ">",
    };
    tag.find(close)
        .map_or(lower.len(), |end| open + end + close.len())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_form_of_an_error_is_read() {
        for (body, expected) in [
            (json!({"detail": "no"}), "no"),
            (json!({"Message": "no"}), "no"),
            (json!({"MESSAGE": "no", "code": 7}), "no"),
            (
                json!({"errors": [{"message": "no"}, {"message": "never"}]}),
                "no; never",
            ),
            (
                json!({"error": {"message": "no", "status": "DENIED"}}),
                "no",
            ),
            (json!({"error": "denied", "error_description": "no"}), "no"),
            (
                json!({"fault": {"faultstring": "no", "detail": {"errorcode": "x"}}}),
                "no",
            ),
            (
                json!({"detail": {"version": "is long"}}),
                "version: is long",
            ),
            (json!({"reason": ["no", "never"]}), "no; never"),
            (
                json!({"errors": {"version": ["is long", "is odd"]}}),
                "version: is long, is odd",
            ),
            (
                json!({"title": "Invalid", "errors": {"Version": "is long"}}),
                "Version: is long",
            ),
            (
                json!({"version": ["is long"], "status": ["is odd"]}),
                "version: is long; status: is odd",
            ),
            (
                json!({"errors": [{"field": "version", "message": "is long"}]}),
                "version: is long",
            ),
            (
                json!({"detail": [{"loc": ["body", "version"], "msg": "is long", "type": "x"}]}),
                "version: is long",
            ),
            (
                json!({"error": null, "hint": [1, {"a": true}]}),
                r#"{"error":null,"hint":[1,{"a":true}]}"#,
            ),
            (json!([]), ""),
            (json!({}), ""),
            (json!(null), ""),
            (json!("no"), "no"),
        ] {
            assert_eq!(said(Some(&body), ""), expected, "{body}");
        }
    }

    #[test]
    fn a_message_is_searched_for_in_a_few_levels() {
        let nested = |levels| (0..levels).fold(json!("no"), |inner, _| json!({"error": inner}));
        assert_eq!(said(Some(&nested(5)), ""), "no");
        assert!(said(Some(&nested(20)), "").starts_with(r#"{"error":"#));
    }

    #[test]
    fn of_a_large_page_the_beginning_is_read() {
        for page in ["<p>", "<p>x"].map(|start| start.to_owned() + &"é".repeat(MAX_HTML)) {
            let text = said(None, &page);
            assert!(text.len() < MAX_HTML && text.len() > MAX_HTML - 10);
        }
    }

    #[test]
    fn html_is_read_without_its_tags_scripts_and_styles() {
        let page = "<!DOCTYPE html><html><head><STYLE>p {}</Style><script>x < 1</script></head>\
                    <body><h1>502 Bad Gateway</h1><hr>nginx</body></html>";
        assert_eq!(said(None, page), "502 Bad Gateway nginx");
        assert_eq!(said(None, "<styled>é</styled> <style>lost"), "é");
    }
}
