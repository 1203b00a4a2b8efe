//! `${server}`, `${home}`, `${port}`, `${run}` and `${repeat:TEXT:TIMES}` in a case's strings.

use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde_json::{Map, Value};

static REPEAT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?s)\$\{repeat:(.+?):(\d+)\}").expect("the pattern is a constant and valid")
});

/// What the names stand for in one run.
pub struct Template {
    pub server: String,
    pub home: String,
    pub port: String,
    pub run: String,
}

impl Template {
    /// The same value with every string, keys of objects included, filled in.
    pub fn apply(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.fill(text)),
            Value::Array(items) => items.iter().map(|item| self.apply(item)).collect(),
            Value::Object(members) => Value::Object(
                members
                    .iter()
                    .map(|(name, member)| (self.fill(name), self.apply(member)))
                    .collect::<Map<_, _>>(),
            ),
            other => other.clone(),
        }
    }

    fn fill(&self, text: &str) -> String {
        if !text.contains("${") {
            return text.to_owned();
        }
        let named = text
            .replace("${server}", &self.server)
            .replace("${home}", &self.home)
            .replace("${port}", &self.port)
            .replace("${run}", &self.run);
        REPEAT
            .replace_all(&named, |found: &Captures<'_>| {
                let times = found[2].parse().unwrap_or(0);
                found[1].repeat(times)
            })
            .into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn template() -> Template {
        Template {
            server: "http://127.0.0.1:80/run/1".into(),
            home: "/tmp/h".into(),
            port: "80".into(),
            run: "1".into(),
        }
    }

    #[test]
    fn names_are_filled_in_keys_and_values() {
        let text = r#"{"${home}/a": ["${server}/", "${port}${run}", 1.50]}"#;
        let value = serde_json::from_str(text).expect("the text is JSON");
        let filled = template().apply(&value);
        assert_eq!(
            filled.to_string(),
            r#"{"/tmp/h/a":["http://127.0.0.1:80/run/1/","801",1.50]}"#
        );
    }

    #[test]
    fn repeats_may_hold_braces_and_colons() {
        let filled = template().apply(&json!(r#"${repeat:{"a"::2}1${repeat:}:2}"#));
        assert_eq!(filled, json!(r#"{"a":{"a":1}}"#));
    }
}
