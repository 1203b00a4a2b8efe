//! What is kept of products and environments besides what happened there: their names, and what
//! people say of them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::answer::Refusal;
use super::fields::{Fields, MAX_NAME};
use super::names::fold;

/// A thing that is known by its name alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A product.
    Product,
    /// An environment.
    Environment,
}

impl Kind {
    /// The word for people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Kind::Product => "Product",
            Kind::Environment => "Environment",
        }
    }
}

/// What kind of environment it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EnvironmentType {
    /// Where people try things.
    Dev,
    /// Where it is tested.
    Test,
    /// Where it is as it will be.
    Staging,
    /// Where it counts.
    Production,
}

impl EnvironmentType {
    const WORDS: [(&'static str, EnvironmentType); 4] = [
        ("dev", EnvironmentType::Dev),
        ("test", EnvironmentType::Test),
        ("staging", EnvironmentType::Staging),
        ("production", EnvironmentType::Production),
    ];
    /// The parts of a name that tell its type; the first that is found counts.
    const PATTERNS: [(&'static str, EnvironmentType); 15] = [
        ("preprod", EnvironmentType::Staging),
        ("preproduction", EnvironmentType::Staging),
        ("nonprod", EnvironmentType::Test),
        ("staging", EnvironmentType::Staging),
        ("stage", EnvironmentType::Staging),
        ("uat", EnvironmentType::Staging),
        ("dev", EnvironmentType::Dev),
        ("development", EnvironmentType::Dev),
        ("local", EnvironmentType::Dev),
        ("sandbox", EnvironmentType::Dev),
        ("test", EnvironmentType::Test),
        ("qa", EnvironmentType::Test),
        ("integration", EnvironmentType::Test),
        ("prod", EnvironmentType::Production),
        ("production", EnvironmentType::Production),
    ];

    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            EnvironmentType::Dev => "dev",
            EnvironmentType::Test => "test",
            EnvironmentType::Staging => "staging",
            EnvironmentType::Production => "production",
        }
    }

    /// Reads the word on the wire.
    pub fn parse(word: &str) -> Option<EnvironmentType> {
        let found = EnvironmentType::WORDS
            .iter()
            .find(|(name, _)| *name == word);
        found.map(|(_, kind)| *kind)
    }

    /// How rules name environments by their type.
    pub fn words() -> String {
        EnvironmentType::WORDS
            .map(|(word, _)| format!("type:{word}"))
            .join(", ")
    }

    /// The type that a name suggests; none if it suggests nothing.
    pub fn of_name(name: &str) -> Option<EnvironmentType> {
        let folded = fold(name);
        let parts: Vec<&str> = folded
            .split(|char: char| !char.is_alphanumeric())
            .map(|part| part.trim_end_matches(|char: char| char.is_ascii_digit()))
            .collect();
        // `pre-prod` is one word.
        let joined = parts.windows(2).map(<[&str]>::concat);
        let words: Vec<String> = joined
            .chain(parts.iter().map(|part| (*part).to_owned()))
            .collect();
        let live = words.iter().any(|word| word == "live");
        let found = EnvironmentType::PATTERNS
            .iter()
            .find(|(pattern, _)| words.iter().any(|word| word == pattern));
        found
            .map(|(_, kind)| *kind)
            .or(live.then_some(EnvironmentType::Production))
    }

    /// The place of such environments in the order from development to production.
    pub const fn order(self) -> i64 {
        match self {
            EnvironmentType::Dev => 10,
            EnvironmentType::Test => 20,
            EnvironmentType::Staging => 30,
            EnvironmentType::Production => 40,
        }
    }
}

/// A product or an environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// Its identifier.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What kind of environment it is; none for a product.
    pub environment_type: Option<EnvironmentType>,
    /// Its place among the environments.
    pub order: Option<i64>,
    /// Whether nobody needs to see it any more.
    pub archived: bool,
    /// Whose it is.
    pub owner: Option<String>,
    /// What it is only another name of, by identifier.
    pub alias_of: Option<String>,
}

/// What somebody wants to be changed of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// What it is from now on.
    pub named: Named,
    /// What it is merged into, by identifier or name.
    pub merged_into: Option<String>,
}

/// Reads a change of a product or an environment.
///
/// # Errors
/// [`Refusal::Invalid`] with every field that is wrong or unknown.
pub fn read(before: &Named, kind: Kind, changes: Map<String, Value>) -> Result<Wanted, Refusal> {
    let mut fields = Fields::of(changes, vec!["body".to_owned()]);
    for name in ["id", "created_at"] {
        fields.take(name);
    }
    let mut named = before.clone();
    let has = |fields: &Fields, name: &str| fields.contains(name);
    if has(&fields, "name") {
        named.name = fields.required_name("name");
    }
    if has(&fields, "archived") {
        named.archived = fields.required_boolean("archived").unwrap_or_default();
    }
    if has(&fields, "owner") {
        named.owner = fields.text("owner", MAX_NAME);
    }
    if kind == Kind::Environment {
        if has(&fields, "type") {
            named.environment_type = fields.choice("type", &EnvironmentType::WORDS);
            if named.order == before.environment_type.map(EnvironmentType::order) {
                named.order = named.environment_type.map(EnvironmentType::order);
            }
        }
        if has(&fields, "order") {
            named.order = fields.integer("order", 0..=1_000_000);
        }
    }
    let alias_of = fields.name("alias_of", MAX_NAME);
    let merged_into = alias_of.filter(|target| before.alias_of.as_ref() != Some(target));
    fields.refuse_unread();
    if before.alias_of.is_some() && (named != *before || merged_into.is_some()) {
        let msg = "This is only another name; change what it is a name of";
        fields.reject("alias_of", "value_error", msg);
    }
    if merged_into.is_some() && named != *before {
        let msg = "Send alias_of alone: what is merged has nothing of its own any more";
        fields.reject("alias_of", "value_error", msg);
    }
    fields.finish()?;
    Ok(Wanted { named, merged_into })
}

#[cfg(test)]
mod tests {
    use super::EnvironmentType;

    #[test]
    fn a_name_tells_its_type_by_whole_words() {
        let of = |name| EnvironmentType::of_name(name).map(EnvironmentType::as_str);
        for name in ["production", "Prod", "prod-eu", "eu_prod", "live", "prod2"] {
            assert_eq!(of(name), Some("production"), "{name}");
        }
        for name in ["pre-prod", "preprod", "staging", "UAT", "staging-2"] {
            assert_eq!(of(name), Some("staging"), "{name}");
        }
        assert_eq!(of("non-prod"), Some("test"));
        assert_eq!(of("qa"), Some("test"));
        assert_eq!(of("dev-local"), Some("dev"));
        for name in ["product-api", "delivery", "eu-west-1", "reproduction"] {
            assert_eq!(of(name), None, "{name}");
        }
    }
}
