//! Deployment buttons: addresses of what deploys, in which the names of a version are filled in.
//!
//! An admin writes the address, with `{name}` where a value is to stand. Values come from everywhere, so each
//! is percent-encoded until nothing is left of it that an address is made of: whatever it is, the address
//! leads to where it is written.

use std::collections::BTreeMap;
use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::Url;

use super::answer::Refusal;
use super::fields::Fields;
use super::rules::etag;

/// What the server itself fills in.
pub const SYSTEM: [&str; 7] = [
    "vi_version",
    "vi_build_number",
    "vi_product_id",
    "vi_product_name",
    "vi_environment_id",
    "vi_environment_name",
    "vi_sha",
];
/// How the names begin that only the server gives.
const RESERVED: &str = "vi_";
/// The longest address as it is written, in characters.
const MAX_ADDRESS: usize = 2000;
/// The longest address that is made of it.
const LONGEST: usize = 4000;
/// The longest name and the longest value of a variable.
const MAX_NAME: usize = 64;
const MAX_VALUE: usize = 500;
/// The most variables of a product, and of the account.
const MOST: usize = 100;
/// What stays as it is in a value: the letters, digits and marks that mean nothing in an address.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The buttons of a product, or the variables of the whole account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Buttons {
    /// The variables.
    pub variables: BTreeMap<String, String>,
    /// The address for each environment, by its identifier.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub addresses: BTreeMap<String, String>,
}

impl Buttons {
    /// What tells one state of them from another.
    pub fn tag(&self) -> String {
        etag(&json!(self))
    }

    /// The same with what is of another product as well, which is the same one from now on.
    pub fn joined(self, other: Buttons) -> Buttons {
        let mut joined = other;
        joined.variables.extend(self.variables);
        joined.addresses.extend(self.addresses);
        joined
    }
}

/// New values; what is none is taken away, and what is not named stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Of variables.
    pub variables: Vec<(String, Option<String>)>,
    /// Of addresses, by the name of the environment.
    pub environments: Vec<(String, Option<String>)>,
}

impl Changes {
    /// Reads a request body. Only products have addresses.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] with everything that is wrong.
    pub fn read(body: Value, of_product: bool) -> Result<Changes, Refusal> {
        let mut fields = Fields::of_body(body)?;
        let variables = of(&mut fields, "variables", |name, value| {
            name_fault(name).or_else(|| value_fault(value))
        });
        let environments = match of_product {
            true => of(&mut fields, "environments", |_, address| {
                Template::read(address).err()
            }),
            false => Vec::new(),
        };
        fields.refuse_unread();
        fields.finish()?;
        Ok(Changes {
            variables,
            environments,
        })
    }
}

/// The members of an object of texts, where `null` takes one away.
fn of(
    fields: &mut Fields,
    member: &str,
    fault: impl Fn(&str, &str) -> Option<String>,
) -> Vec<(String, Option<String>)> {
    let object = fields.object(member).unwrap_or_default();
    let mut inner = Fields::of(object.clone(), vec!["body".to_owned(), member.to_owned()]);
    let mut found = Vec::new();
    for (name, value) in object {
        let value = match value {
            Value::Null => None,
            Value::String(text) => Some(text.trim().to_owned()),
            _ => {
                inner.reject(
                    &name,
                    "string_type",
                    "Input should be a valid string, or null",
                );
                continue;
            }
        };
        match value.as_deref().and_then(|value| fault(&name, value)) {
            Some(fault) => inner.reject(&name, "value_error", fault),
            None => found.push((name, value)),
        }
    }
    fields.absorb(inner);
    found
}

/// What is wrong with the name of a variable.
fn name_fault(name: &str) -> Option<String> {
    if name.starts_with(RESERVED) {
        return Some(format!(
            "Names that begin with {RESERVED} are the server's own"
        ));
    }
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let fits = (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(plain);
    (!fits).then(|| format!("A name has a to z, 0 to 9 and _, and at most {MAX_NAME} of them"))
}

fn value_fault(value: &str) -> Option<String> {
    let length = value.chars().count();
    if length == 0 || length > MAX_VALUE {
        return Some(format!(
            "A value has 1 to {MAX_VALUE} characters; null takes the variable away"
        ));
    }
    let strange = value.chars().any(char::is_control);
    strange.then(|| "A value has no control characters".to_owned())
}

/// Makes sure that there are not too many variables.
///
/// # Errors
/// [`Refusal::Invalid`] if there are.
pub fn check_count(buttons: &Buttons) -> Result<(), Refusal> {
    match buttons.variables.len() <= MOST {
        true => Ok(()),
        false => {
            let msg = format!("There can be {MOST} variables; take one away with null");
            Err(Refusal::field("variables", "too_long", msg))
        }
    }
}

/// A part of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part<'t> {
    /// It stands as it is written.
    Text(&'t str),
    /// The value of this variable stands there.
    Value(&'t str),
}

/// An address as an admin has written it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template<'t>(Vec<Part<'t>>);

impl<'t> Template<'t> {
    /// Reads it.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(text: &'t str) -> Result<Template<'t>, String> {
        if text.chars().count() > MAX_ADDRESS {
            return Err(format!("An address has at most {MAX_ADDRESS} characters"));
        }
        // Browsers leave some of these out, and read `\` as `/`.
        let strange = |one: &char| !one.is_ascii_graphic() || "\\\"<>`^|".contains(*one);
        if let Some(one) = text.chars().find(strange) {
            let code = u32::from(one);
            return Err(format!(
                "U+{code:04X} cannot stand in an address; write it percent-encoded"
            ));
        }
        let scheme = ["https://", "http://"]
            .into_iter()
            .find(|scheme| text.starts_with(scheme))
            .ok_or("An address begins with https:// or http://")?;
        let rest = &text[scheme.len()..];
        let host = rest.find(['/', '?', '#']).map_or(rest, |end| &rest[..end]);
        if host.is_empty() || host.contains(['{', '}', '@']) {
            return Err(format!(
                "The host {host:?} has to stand there as it is, without a variable and without a user"
            ));
        }
        let parts = parts(text)?;
        let template = Template(parts);
        match template.filled(|_| Some("x")).map(|text| Url::parse(&text)) {
            Ok(Ok(url)) if url.has_host() => Ok(template),
            _ => Err(format!("{text:?} is no address of a page")),
        }
    }

    /// The address with the values in it.
    ///
    /// # Errors
    /// [`Unfilled`], if it cannot be made.
    pub fn fill(&self, values: &Values<'_>) -> Result<String, Unfilled> {
        let filled = self.filled(|name| values.get(name))?;
        if filled.len() > LONGEST {
            return Err(Unfilled::Long(filled.len()));
        }
        // A value that is `..` would take away what is written before it.
        let path = |text: &str| -> usize {
            let path = text.split(['?', '#']).next().unwrap_or_default();
            path.split('/').filter(|part| is_dots(part)).count()
        };
        let written = self.filled(|_| Some("x"))?;
        match path(&filled) == path(&written) {
            true => Ok(filled),
            false => Err(Unfilled::Dots),
        }
    }

    fn filled<'v>(&self, get: impl Fn(&str) -> Option<&'v str>) -> Result<String, Unfilled> {
        let mut filled = String::new();
        let mut missing: Vec<String> = Vec::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => filled += text,
                Part::Value(name) => match get(name) {
                    Some(value) => filled.extend(utf8_percent_encode(value, ENCODED)),
                    None if missing.iter().any(|other| other == name) => {}
                    None => missing.push((*name).to_owned()),
                },
            }
        }
        match missing.is_empty() {
            true => Ok(filled),
            false => Err(Unfilled::Missing(missing)),
        }
    }
}

/// Whether a part of a path leads back or stays, as browsers read it.
fn is_dots(part: &str) -> bool {
    let part = part.to_ascii_lowercase().replace("%2e", ".");
    part == "." || part == ".."
}

/// Takes an address apart at its variables.
fn parts(text: &str) -> Result<Vec<Part<'_>>, String> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        let (before, brace) = rest.split_at(at);
        let inner = brace
            .strip_prefix('{')
            .and_then(|inner| inner.split_once('}'));
        let Some((name, after)) = inner else {
            return Err(
                "A { has no } or a } has no {; as such they are written %7B and %7D".to_owned(),
            );
        };
        let known = SYSTEM.contains(&name);
        if !known && name.starts_with(RESERVED) {
            let all = SYSTEM.join(", ");
            return Err(format!("There is no {{{name}}}; the server fills in {all}"));
        }
        if !known && name_fault(name).is_some() {
            return Err(format!(
                "{{{name}}} is no variable: a name has a to z, 0 to 9 and _"
            ));
        }
        parts.push(Part::Text(before));
        parts.push(Part::Value(name));
        rest = after;
    }
    parts.push(Part::Text(rest));
    Ok(parts)
}

/// Why an address cannot be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unfilled {
    /// Nobody says what these are.
    Missing(Vec<String>),
    /// A value would lead elsewhere on the host.
    Dots,
    /// It would be this long.
    Long(usize),
    /// What is kept is no address.
    Damaged(String),
}

impl fmt::Display for Unfilled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unfilled::Missing(names) if names.len() == 1 => {
                write!(f, "Missing variable: {}", names[0])
            }
            Unfilled::Missing(names) => write!(f, "Missing variables: {}", names.join(", ")),
            Unfilled::Dots => {
                f.write_str("A part of the path would be . or .., which leads elsewhere")
            }
            Unfilled::Long(length) => {
                write!(
                    f,
                    "The address would have {length} characters; {LONGEST} are the most"
                )
            }
            Unfilled::Damaged(why) => f.write_str(why),
        }
    }
}

/// What can stand in an address.
#[derive(Debug, Clone, Default)]
pub struct Values<'a> {
    /// What the server fills in, as far as it is known.
    pub system: Vec<(&'static str, &'a str)>,
    /// The variables of the product, and then those of the account.
    pub variables: [Option<&'a BTreeMap<String, String>>; 2],
}

impl<'a> Values<'a> {
    fn get(&self, name: &str) -> Option<&'a str> {
        if name.starts_with(RESERVED) {
            let mut system = self.system.iter();
            return system
                .find(|(own, _)| *own == name)
                .map(|(_, value)| *value);
        }
        let mut variables = self.variables.iter().flatten();
        variables.find_map(|all| all.get(name)).map(String::as_str)
    }
}

/// The address of a button, or why there is none.
pub fn filled(address: &str, values: &Values<'_>) -> Result<String, Unfilled> {
    match Template::read(address) {
        Ok(template) => template.fill(values),
        Err(why) => Err(Unfilled::Damaged(why)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn values<'a>(own: &'a BTreeMap<String, String>) -> Values<'a> {
        Values {
            system: vec![("vi_version", "1.2/3 ü&x=#?")],
            variables: [Some(own), None],
        }
    }

    #[test]
    fn each_value_stays_in_its_place() {
        let own = BTreeMap::from([("branch".to_owned(), "feat/a b".to_owned())]);
        let address =
            "https://ci.example.com/job/{branch}/build?VERSION={vi_version}&x[y]=1#{branch}";
        assert_eq!(
            filled(address, &values(&own)).unwrap(),
            "https://ci.example.com/job/feat%2Fa%20b/build\
             ?VERSION=1.2%2F3%20%C3%BC%26x%3D%23%3F&x[y]=1#feat%2Fa%20b"
        );
    }

    #[test]
    fn what_nobody_says_is_named_and_the_product_goes_before_the_account() {
        let of = |value: &str| BTreeMap::from([("job".to_owned(), value.to_owned())]);
        let (product, account) = (of("own"), of("all"));
        let both = Values {
            system: Vec::new(),
            variables: [Some(&product), Some(&account)],
        };
        assert_eq!(filled("http://h/{job}", &both).unwrap(), "http://h/own");
        let one = Values {
            variables: [None, Some(&account)],
            ..both.clone()
        };
        assert_eq!(filled("http://h/{job}", &one).unwrap(), "http://h/all");
        let why = |address: &str| filled(address, &one).unwrap_err().to_string();
        assert_eq!(why("http://h/{team}?{team}"), "Missing variable: team");
        assert_eq!(why("http://h/{vi_sha}"), "Missing variable: vi_sha");
        assert_eq!(why("http://h/{a}{b}"), "Missing variables: a, b");
    }

    #[test]
    fn what_is_no_address_of_a_page_is_refused() {
        for wrong in [
            "",
            "h/{job}",
            "javascript:alert({vi_version})",
            "https://",
            "https:///path",
            "https://{host}/",
            "https://h{port}/",
            "https://a@h/",
            "https://a:b@{h}",
            "https:\\\\h/",
            "https://h\\@e/{vi_sha}",
            "https://h/ a",
            "https://h/\u{202e}",
            "https://h/{",
            "https://h/}",
            "https://h/{a{b}}",
            "https://h/{A}",
            "https://h/{}",
            "https://h/{vi_secret}",
            "https://h:99999/",
            "https://[::1/",
            "HTTPS://h/",
        ] {
            assert!(Template::read(wrong).is_err(), "{wrong:?}");
        }
        for right in [
            "https://h",
            "https://h?{vi_sha}",
            "http://[::1]:8080/{a}",
            "https://h/%7B{a}%7D",
        ] {
            assert!(Template::read(right).is_ok(), "{right:?}");
        }
    }

    #[test]
    fn a_value_does_not_lead_back() {
        let own = |value: &str| BTreeMap::from([("a".to_owned(), value.to_owned())]);
        for (address, value, fits) in [
            ("https://h/x/{a}/y", "..", false),
            ("https://h/x/{a}", ".", false),
            ("https://h/x/.{a}/y", ".", false),
            ("https://h/x/%2e{a}/y", ".", false),
            ("https://h/x/{a}/y", "...", true),
            ("https://h/x/../{a}", "1", true),
            ("https://h/x?v={a}", "..", true),
            ("https://h/x/{a}/y", "../..", true),
        ] {
            let own = own(value);
            assert_eq!(
                filled(address, &values(&own)).is_ok(),
                fits,
                "{address} {value}"
            );
        }
    }

    #[test]
    fn names_and_values_are_read_or_refused() {
        let read = |body: Value| Changes::read(body, true);
        let body = json!({ "variables": { "job": "deploy", "old": null },
            "environments": { "production": " https://h/{job} ", "test": null } });
        let changes = read(body).unwrap();
        assert_eq!(changes.variables[1], ("old".to_owned(), None));
        assert_eq!(
            changes.environments[0].1.as_deref(),
            Some("https://h/{job}")
        );
        for wrong in [
            json!({ "variables": { "Job": "x" } }),
            json!({ "variables": { "vi_job": "x" } }),
            json!({ "variables": { "job": "" } }),
            json!({ "variables": { "job": "a\nb" } }),
            json!({ "variables": { "job": 1 } }),
            json!({ "variables": [] }),
            json!({ "environments": { "production": "ftp://h/" } }),
            json!({ "urls": {} }),
        ] {
            assert!(read(wrong.clone()).is_err(), "{wrong}");
        }
        let body = json!({ "environments": {} });
        assert!(Changes::read(body, false).is_err());
    }

    /// Addresses as people write them, and as nobody should.
    fn address() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            Just("/".to_owned()),
            Just("..".to_owned()),
            Just("?".to_owned()),
            Just("#".to_owned()),
            Just("&a=".to_owned()),
            Just("{a}".to_owned()),
            Just("{vi_version}".to_owned()),
            "[a-z0-9.:@%\\\\{}-]{0,6}",
        ];
        let host = prop_oneof![
            Just("ci.example.com".to_owned()),
            Just("h:8080".to_owned()),
            Just("[::1]".to_owned()),
            "[a-z@:.{}\\\\]{0,8}",
        ];
        let scheme = prop_oneof![
            Just("https://"),
            Just("http://"),
            Just("HTTP:/"),
            Just("javascript:")
        ];
        (scheme, host, prop::collection::vec(piece, 0..8))
            .prop_map(|(scheme, host, pieces)| format!("{scheme}{host}{}", pieces.concat()))
    }

    /// Values that nobody expects; none is empty.
    fn value() -> impl Strategy<Value = String> {
        let strange = prop_oneof![any::<String>(), "[./:@#?%\\\\]{1,6}"];
        strange.prop_filter("a value says something", |value| !value.is_empty())
    }

    proptest! {
        #[test]
        fn no_value_leads_to_another_host_or_scheme(
            address in address(),
            a in value(),
            version in value(),
        ) {
            let own = BTreeMap::from([("a".to_owned(), a)]);
            let values = Values {
                system: vec![("vi_version", version.as_str())],
                variables: [Some(&own), None],
            };
            let Ok(template) = Template::read(&address) else {
                return Ok(());
            };
            let written = Url::parse(&template.filled(|_| Some("x")).unwrap()).unwrap();
            prop_assert!(["http", "https"].contains(&written.scheme()));
            let begins = format!("{}://", written.scheme());
            prop_assert!(address.starts_with(&begins));
            prop_assert!(written.username().is_empty() && written.password().is_none());
            if let Ok(filled) = template.fill(&values) {
                let url = Url::parse(&filled).unwrap();
                prop_assert_eq!(url.origin(), written.origin());
                prop_assert!(url.username().is_empty() && url.password().is_none());
                // Nor to another depth of the path, nor to more of a query.
                let depth = |url: &Url| url.path_segments().map(Iterator::count);
                prop_assert_eq!(depth(&url), depth(&written));
                prop_assert_eq!(url.query_pairs().count(), written.query_pairs().count());
                prop_assert_eq!(url.fragment().is_some(), written.fragment().is_some());
            }
        }

        #[test]
        fn a_value_is_read_back_as_it_was(value in "\\PC{1,40}") {
            let own = BTreeMap::from([("a".to_owned(), value.clone())]);
            let url = Url::parse(&filled("https://h/x?v={a}&w=1", &values(&own)).unwrap()).unwrap();
            let read: Vec<_> = url.query_pairs().collect();
            prop_assert_eq!(&read[0].1, &value);
            prop_assert_eq!(read.len(), 2);
        }
    }
}
