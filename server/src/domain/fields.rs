//! Reads the fields of a JSON object, and collects everything that is wrong with them.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

use super::answer::Refusal;
use super::names::fault;

/// The longest name of a product, version, environment or rule, in characters.
pub const MAX_NAME: usize = 255;
/// The longest descriptive text, in characters.
pub const MAX_TEXT: usize = 2048;

/// What is wrong with one field of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// The way to the field, beginning with `body`, `query`, `path` or `header`.
    pub loc: Vec<String>,
    /// What is wrong, for people.
    pub msg: String,
    /// What is wrong, for programs.
    #[serde(rename = "type")]
    pub kind: &'static str,
}

impl FieldError {
    /// An error in the field `name` of the part `part` of the request.
    pub fn new(part: &str, name: &str, kind: &'static str, msg: impl Into<String>) -> FieldError {
        FieldError {
            loc: vec![part.to_owned(), name.to_owned()],
            msg: msg.into(),
            kind,
        }
    }
}

/// A JSON object being read field by field.
#[derive(Debug)]
pub struct Fields {
    object: Map<String, Value>,
    path: Vec<String>,
    errors: Vec<FieldError>,
    stored: bool,
}

impl Fields {
    /// The fields of a request body.
    ///
    /// # Errors
    /// When the body is not an object.
    pub fn of_body(body: Value) -> Result<Fields, Refusal> {
        match body {
            Value::Object(object) => Ok(Fields::of(object, vec!["body".to_owned()])),
            _ => Err(Refusal::Invalid(vec![FieldError {
                loc: vec!["body".to_owned()],
                msg: "Input should be a JSON object".to_owned(),
                kind: "dict_type",
            }])),
        }
    }

    /// The fields of an object found at `path`.
    pub fn of(object: Map<String, Value>, path: Vec<String>) -> Fields {
        Fields {
            object,
            path,
            errors: Vec::new(),
            stored: false,
        }
    }

    /// The same fields, read back from where they were stored: what was valid then, when less was
    /// refused, is so now.
    pub fn stored(self) -> Fields {
        Fields {
            stored: true,
            ..self
        }
    }

    /// Whether they are read back from where they were stored.
    pub fn is_stored(&self) -> bool {
        self.stored
    }

    /// A copy of the fields that nobody has read.
    pub fn clone_object(&self) -> Map<String, Value> {
        self.object.clone()
    }

    /// Records that the field `name` is wrong.
    pub fn reject(&mut self, name: &str, kind: &'static str, msg: impl Into<String>) {
        let mut loc = self.path.clone();
        loc.push(name.to_owned());
        self.errors.push(FieldError {
            loc,
            msg: msg.into(),
            kind,
        });
    }

    /// Takes the field out; a `null` is as good as none.
    pub fn take(&mut self, name: &str) -> Option<Value> {
        self.object
            .shift_remove(name)
            .filter(|value| !value.is_null())
    }

    /// Optional text, trimmed; empty text is as good as none.
    pub fn text(&mut self, name: &str, max: usize) -> Option<String> {
        match self.take(name)? {
            Value::String(text) => self.checked_text(name, &text, max),
            _ => {
                self.reject(name, "string_type", "Input should be a valid string");
                None
            }
        }
    }

    fn checked_text(&mut self, name: &str, text: &str, max: usize) -> Option<String> {
        let text = versioner::names::trim(text);
        if text.chars().count() > max {
            let msg = format!("String should have at most {max} characters");
            self.reject(name, "string_too_long", msg);
            return None;
        }
        if text.chars().any(char::is_control) {
            let msg = "String should have no control characters";
            self.reject(name, "string_pattern_mismatch", msg);
            return None;
        }
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// Required text, trimmed; empty (and already reported) where it is missing or wrong.
    pub fn required_text(&mut self, name: &str, max: usize) -> String {
        self.required(name, |fields| fields.text(name, max))
            .unwrap_or_default()
    }

    /// A required name of a product, an environment or a version.
    pub fn required_name(&mut self, name: &str) -> String {
        self.required(name, |fields| fields.name(name, MAX_NAME))
            .unwrap_or_default()
    }

    /// An optional name, which is what [`Fields::required_name`] takes.
    pub fn name(&mut self, name: &str, max: usize) -> Option<String> {
        let text = self.text(name, max)?;
        if let Some(fault) = fault(&text).filter(|_| !self.stored) {
            self.reject(name, "string_pattern_mismatch", fault);
        }
        Some(text)
    }

    /// An optional truth value.
    pub fn boolean(&mut self, name: &str) -> Option<bool> {
        match self.take(name)? {
            Value::Bool(value) => Some(value),
            _ => {
                self.reject(name, "bool_type", "Input should be a valid boolean");
                None
            }
        }
    }

    /// A required truth value.
    pub fn required_boolean(&mut self, name: &str) -> Option<bool> {
        self.required(name, |fields| fields.boolean(name))
    }

    /// An optional whole number within `range`.
    pub fn integer(&mut self, name: &str, range: std::ops::RangeInclusive<i64>) -> Option<i64> {
        let number = self.take(name)?.as_i64();
        self.within(name, number, range)
    }

    /// An optional whole number within `range`, written as text.
    pub fn integer_text(
        &mut self,
        name: &str,
        range: std::ops::RangeInclusive<i64>,
    ) -> Option<i64> {
        let number = self.text(name, MAX_NAME)?.parse().ok();
        self.within(name, number, range)
    }

    fn within(
        &mut self,
        name: &str,
        number: Option<i64>,
        range: std::ops::RangeInclusive<i64>,
    ) -> Option<i64> {
        let number = number.filter(|number| range.contains(number));
        if number.is_none() {
            let msg = format!(
                "Input should be a whole number from {} to {}",
                range.start(),
                range.end()
            );
            self.reject(name, "int_type", msg);
        }
        number
    }

    /// A required whole number within `range`.
    pub fn required_integer(
        &mut self,
        name: &str,
        range: std::ops::RangeInclusive<i64>,
    ) -> Option<i64> {
        self.required(name, |fields| fields.integer(name, range))
    }

    fn required<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&mut Fields) -> Option<T>,
    ) -> Option<T> {
        let errors = self.errors.len();
        let found = read(self);
        if found.is_none() && self.errors.len() == errors {
            self.reject(name, "missing", "Field required");
        }
        found
    }

    /// An optional instant: RFC 3339 with a zone.
    pub fn timestamp(&mut self, name: &str) -> Option<Timestamp> {
        let text = self.text(name, MAX_NAME)?;
        let instant = read_timestamp(&text);
        if instant.is_none() {
            let msg = "Input should be an RFC 3339 time with a zone, such as 2025-11-21T18:00:00Z";
            self.reject(name, "datetime_parsing", msg);
        }
        instant
    }

    /// A required instant: RFC 3339 with a zone.
    pub fn required_timestamp(&mut self, name: &str) -> Option<Timestamp> {
        self.required(name, |fields| fields.timestamp(name))
    }

    /// Whether the field is there.
    pub fn contains(&self, name: &str) -> bool {
        self.object.contains_key(name)
    }

    /// Whether the field is there and says nothing.
    pub fn is_blank(&self, name: &str) -> bool {
        self.object.get(name).is_some_and(is_empty)
    }

    /// An optional JSON object.
    pub fn object(&mut self, name: &str) -> Option<Map<String, Value>> {
        match self.take(name)? {
            Value::Object(object) => Some(object),
            _ => {
                self.reject(name, "dict_type", "Input should be a JSON object");
                None
            }
        }
    }

    /// An optional list of names; duplicates count once.
    pub fn names(&mut self, name: &str) -> Option<Vec<String>> {
        const MOST: usize = 1000;
        let Value::Array(items) = self.take(name)? else {
            self.reject(name, "list_type", "Input should be a list of strings");
            return None;
        };
        if items.len() > MOST {
            self.reject(
                name,
                "too_long",
                format!("List should have at most {MOST} items"),
            );
            return None;
        }
        let mut names = Vec::with_capacity(items.len());
        for item in items {
            let Some(text) = item.as_str().filter(|text| !text.trim().is_empty()) else {
                self.reject(
                    name,
                    "string_type",
                    "Input should be a list of non-empty strings",
                );
                return None;
            };
            let text = self.checked_text(name, text, MAX_NAME)?;
            if let Some(fault) = fault(&text).filter(|_| !self.stored) {
                self.reject(name, "string_pattern_mismatch", fault);
                return None;
            }
            if !names.contains(&text) {
                names.push(text);
            }
        }
        Some(names)
    }

    /// A required list with at least one name.
    pub fn required_names(&mut self, name: &str) -> Option<Vec<String>> {
        let names = |fields: &mut Fields| fields.names(name).filter(|names| !names.is_empty());
        self.required(name, names)
    }

    /// One of `choices`, or `None` (reported when it is another word).
    pub fn choice<T: Copy>(&mut self, name: &str, choices: &[(&str, T)]) -> Option<T> {
        let text = self.text(name, MAX_NAME)?;
        let found = choices.iter().find(|(word, _)| *word == text);
        if found.is_none() {
            let words: Vec<_> = choices.iter().map(|(word, _)| *word).collect();
            self.reject(
                name,
                "enum",
                format!("Input should be one of: {}", words.join(", ")),
            );
        }
        found.map(|(_, value)| *value)
    }

    /// Like [`Fields::choice`], and its absence is reported as well.
    pub fn required_choice<T: Copy>(&mut self, name: &str, choices: &[(&str, T)]) -> Option<T> {
        self.required(name, |fields| fields.choice(name, choices))
    }

    /// Takes over the errors of another reader.
    pub fn absorb(&mut self, other: Fields) {
        self.errors.extend(other.errors);
    }

    /// Reports fields that nobody has read, for resources where a typing error must not pass.
    pub fn refuse_unread(&mut self) {
        let names: Vec<String> = self.object.keys().cloned().collect();
        for name in names {
            self.reject(&name, "extra_forbidden", "Extra inputs are not permitted");
        }
    }

    /// Takes out the errors of fields for which `forgiven` is true, and what they say.
    pub fn forgive(&mut self, forgiven: impl Fn(&str) -> bool) -> Vec<String> {
        let named = |error: &FieldError| error.loc.last().cloned().unwrap_or_default();
        let errors = std::mem::take(&mut self.errors);
        let (left_out, kept): (Vec<_>, Vec<_>) = errors
            .into_iter()
            .partition(|error| forgiven(&named(error)));
        self.errors = kept;
        let words = left_out
            .iter()
            .map(|error| format!("{} was left out: {}", named(error), error.msg));
        words.collect()
    }

    /// Reports fields that are there and say nothing, if nothing would mean more than they do.
    pub fn refuse_empty(&mut self) {
        let names: Vec<String> = self
            .object
            .iter()
            .filter(|(_, value)| is_empty(value))
            .map(|(name, _)| name.clone())
            .collect();
        for name in names {
            self.object.shift_remove(&name);
            self.reject(
                &name,
                "empty",
                "Input should not be empty; leave it out instead",
            );
        }
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] with everything that was wrong.
    pub fn finish(self) -> Result<(), Refusal> {
        if self.errors.is_empty() {
            Ok(())
        } else {
            Err(Refusal::Invalid(self.errors))
        }
    }
}

/// Whether a value says nothing.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => versioner::names::trim(text).is_empty(),
        _ => false,
    }
}

/// An instant: RFC 3339 with a zone, and nothing else that a lenient parser would take.
pub fn read_timestamp(text: &str) -> Option<Timestamp> {
    // `2025-11-21T18:00:00`, then a fraction, then `Z` or `+01:00`.
    let shape: String = text
        .chars()
        .map(|char| if char.is_ascii_digit() { '0' } else { char })
        .collect();
    let rest = shape.strip_prefix("0000-00-00")?;
    let rest = rest
        .strip_prefix(['T', 't', ' '])?
        .strip_prefix("00:00:00")?;
    let rest = match rest.strip_prefix('.') {
        Some(fraction) => {
            let zone = fraction.trim_start_matches('0');
            (zone.len() < fraction.len()).then_some(zone)?
        }
        None => rest,
    };
    matches!(rest, "Z" | "z" | "+00:00" | "-00:00").then(|| text.parse().ok())?
}
