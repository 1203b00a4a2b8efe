//! Taking names of people and of machines out of what is stored: where they stand, and what then stands there.
//!
//! A name is looked for in the members that say who did something, and nowhere else: a product may be called
//! as somebody is. What others have sent as metadata stays as it is, but for what the server wrote in there.

use serde_json::Value;

use super::names::fold;
use super::rules::PREFLIGHT_STATUS;

/// The members that say who.
const WHO: [&str; 13] = [
    "deployed_by",
    "deployed_by_email",
    "deployed_by_name",
    "built_by",
    "built_by_email",
    "built_by_name",
    "approved_by",
    "asked_by",
    "lifted_by",
    "actor",
    "author",
    "owner",
    "by",
];
/// The members that are what others have sent.
const METADATA: [&str; 2] = ["metadata", "extra_metadata"];
/// How the sentence begins with which a start is refused because somebody does not want it.
const REFUSED: &str = "Refused by ";

/// Names, and what stands in their place from now on.
#[derive(Debug, Clone)]
pub struct Erasure {
    names: Vec<String>,
    place: String,
}

impl Erasure {
    /// Takes out these names, however they are spelled; `place` stands there afterwards.
    pub fn new<'a>(names: impl IntoIterator<Item = &'a str>, place: String) -> Erasure {
        let mut folded: Vec<String> = names.into_iter().map(fold).collect();
        folded.sort();
        folded.dedup();
        Erasure {
            names: folded,
            place,
        }
    }

    /// The names, in the form in which they are compared.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// What stands in their place.
    pub fn place(&self) -> &str {
        &self.place
    }

    fn is_meant(&self, text: &str) -> bool {
        let folded = fold(text);
        self.names.contains(&folded)
    }

    /// What stands where a text says who, if it names one of them: `ada`, `name:ada`, `cli:ada@machine`, or
    /// `ada (key:k1)`.
    pub fn who(&self, text: &str) -> Option<String> {
        let place = &self.place;
        if self.is_meant(text) {
            return Some(place.clone());
        }
        if let Some(name) = text.strip_prefix("name:") {
            return self.is_meant(name).then(|| format!("name:{place}"));
        }
        if let Some(name) = text.strip_prefix("cli:") {
            if self.is_meant(name) {
                return Some(format!("cli:{place}"));
            }
            let (user, host) = name.rsplit_once('@')?;
            let parts = [user, host].map(|part| if self.is_meant(part) { place } else { part });
            return (parts != [user, host]).then(|| format!("cli:{}@{}", parts[0], parts[1]));
        }
        let (name, key) = text.rsplit_once(" (")?;
        self.is_meant(name).then(|| format!("{place} ({key}"))
    }

    /// A text of JSON without them; `None` if it has none of them, or is no JSON.
    pub fn json(&self, text: &str) -> Option<String> {
        let mut value = serde_json::from_str(text).ok()?;
        self.take(None, &mut value).then(|| value.to_string())
    }

    /// The same of what others have sent as metadata: what the server wrote in there.
    pub fn metadata(&self, text: &str) -> Option<String> {
        let mut value: Value = serde_json::from_str(text).ok()?;
        self.take_of_metadata(&mut value).then(|| value.to_string())
    }

    fn take_of_metadata(&self, metadata: &mut Value) -> bool {
        metadata
            .get_mut(PREFLIGHT_STATUS)
            .is_some_and(|status| self.take(None, status))
    }

    /// Takes them out of what stands in a member; whether there was something.
    fn take(&self, member: Option<&str>, value: &mut Value) -> bool {
        match value {
            Value::String(text) => {
                let other = match member {
                    Some(member) if WHO.contains(&member) => self.who(text),
                    Some("message" | "error_message") => self.sentence(text),
                    _ => None,
                };
                let found = other.is_some();
                if let Some(other) = other {
                    *text = other;
                }
                found
            }
            Value::Array(items) => {
                let mut found = false;
                for item in items {
                    found |= self.take(member, item);
                }
                found
            }
            Value::Object(members) => {
                // A setting is text, and may be JSON again.
                let is_setting = members.get("change").is_some_and(|kind| kind == "setting");
                let mut found = false;
                for (name, value) in members {
                    found |= match (name.as_str(), &mut *value) {
                        (name, metadata) if METADATA.contains(&name) => {
                            self.take_of_metadata(metadata)
                        }
                        ("value" | "before", Value::String(text)) if is_setting => {
                            let other = self.json(text);
                            let found = other.is_some();
                            if let Some(other) = other {
                                *text = other;
                            }
                            found
                        }
                        (name, value) => self.take(Some(name), value),
                    };
                }
                found
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
        }
    }

    fn sentence(&self, text: &str) -> Option<String> {
        let (name, rest) = text.strip_prefix(REFUSED)?.split_once(": ")?;
        let place = self.who(name)?;
        Some(format!("{REFUSED}{place}: {rest}"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Erasure;

    fn ada() -> Erasure {
        let names = ["Ada@Example.com", "ada", "build-7"];
        Erasure::new(names, "person:p1".to_owned())
    }

    #[track_caller]
    fn taken(from: Value, expected: Value) {
        let text = ada().json(&from.to_string());
        let found: Value = serde_json::from_str(&text.expect("something is found")).unwrap();
        assert_eq!(found, expected);
    }

    #[test]
    fn whoever_is_named_is_found_however_they_are_spelled() {
        for (text, expected) in [
            ("ADA", Some("person:p1")),
            ("ada@example.COM", Some("person:p1")),
            ("name:ada", Some("name:person:p1")),
            ("cli:ada@laptop", Some("cli:person:p1@laptop")),
            ("cli:root@Build-7", Some("cli:root@person:p1")),
            ("cli:ada@example.com", Some("cli:person:p1")),
            ("ada (key:k1)", Some("person:p1 (key:k1)")),
            ("adam", None),
            ("key:ada", None),
            ("", None),
        ] {
            assert_eq!(ada().who(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn names_are_taken_from_where_somebody_is_named_and_from_nowhere_else() {
        taken(
            json!([{ "change": "deployment", "row": {
                "id": "ada", "version": "ada", "deployed_by": "Ada", "asked_by": "key:k1",
                "ended_by": { "request": { "actor": "cli:ada@laptop", "reason": "ada" } },
            }, "details": {
                "attributes": { "deployed_by_email": "ada@example.com", "scm_branch": "ada" },
                "metadata": { "deployed_by": "ada", "preflight_status": { "by": ["ada", "bob"] } },
            } }]),
            json!([{ "change": "deployment", "row": {
                "id": "ada", "version": "ada", "deployed_by": "person:p1", "asked_by": "key:k1",
                "ended_by": { "request": { "actor": "cli:person:p1@laptop", "reason": "ada" } },
            }, "details": {
                "attributes": { "deployed_by_email": "person:p1", "scm_branch": "ada" },
                "metadata": { "deployed_by": "ada", "preflight_status": { "by": ["person:p1", "bob"] } },
            } }]),
        );
    }

    #[test]
    fn a_setting_is_looked_into_and_so_are_the_words_of_a_refusal() {
        let stop = json!({ "message": "ada", "by": "cli:ada@laptop" }).to_string();
        let after = json!({ "message": "ada", "by": "cli:person:p1@laptop" }).to_string();
        taken(
            json!({ "change": "setting", "name": "all_stop", "value": stop, "before": null }),
            json!({ "change": "setting", "name": "all_stop", "value": after, "before": null }),
        );
        taken(
            json!({ "message": "Refused by Ada: ada is away" }),
            json!({ "message": "Refused by person:p1: ada is away" }),
        );
    }

    #[test]
    fn what_has_none_of_them_stays_as_it_was_written() {
        assert_eq!(ada().json(r#"{"deployed_by": "bob", "n": 1.00}"#), None);
        assert_eq!(ada().json("ada"), None);
        let long = r#"{"deployed_by":"ada","n":12345678901234567890.10}"#;
        let expected = r#"{"deployed_by":"person:p1","n":12345678901234567890.10}"#;
        assert_eq!(ada().json(long).as_deref(), Some(expected));
        assert_eq!(ada().metadata(r#"{"deployed_by":"ada"}"#), None);
    }
}
