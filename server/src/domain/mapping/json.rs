//! Any sender that sends JSON, by a mapping that says where everything stands.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use versioner::Status;

use super::{Mapping, Stop, Told, body, ignored, time, word};
use crate::domain::origin::Origin;
use crate::domain::source::Settings;

/// The most places that a mapping names: each is looked up for each delivery.
const MOST_PLACES: usize = 200;

/// Where a value comes from: a JSON pointer (`/build/number`), a header (`header:ce-type`), any other text
/// as it stands, the first of several that is there, or a part of one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum From {
    /// A pointer, a header, or a text.
    One(String),
    /// The first that is there.
    First(Vec<From>),
    /// A part of one.
    Part {
        /// Of what.
        of: Box<From>,
        /// What stands behind the last of these.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<String>,
        /// What stands before the first of these.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<String>,
    },
}

/// Where everything stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct JsonMapping {
    /// The product.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product: Option<From>,
    /// The version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<From>,
    /// The environment; without one it tells of builds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<From>,
    /// Their word for what happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<From>,
    /// Our words for theirs. A word that is not here, and is none of ours, is ignored.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub statuses: BTreeMap<String, String>,
    /// When it happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<From>,
    /// Other fields of the event, such as `invoke_id`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, From>,
    /// Members of `extra_metadata`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, From>,
    /// What it must be about: for a value that is none of these it is ignored.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub only: BTreeMap<String, Vec<String>>,
    /// Their words after which the run is over.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub run_ends: Vec<String>,
}

impl From {
    fn find(&self, headers: &Map<String, Value>, sent: &Value) -> Option<String> {
        match self {
            From::One(text) if text.starts_with('/') => super::text(sent, text),
            From::One(text) => match text.strip_prefix("header:") {
                Some(name) => {
                    let value = headers.get(&name.to_ascii_lowercase())?.as_str()?.trim();
                    (!value.is_empty()).then(|| value.to_owned())
                }
                None => Some(text.clone()),
            },
            From::First(several) => several.iter().find_map(|one| one.find(headers, sent)),
            From::Part { of, after, before } => {
                let whole = of.find(headers, sent)?;
                let mut part = whole.as_str();
                if let Some(after) = after {
                    part = part.rsplit(after.as_str()).next().unwrap_or(part);
                }
                if let Some(before) = before {
                    part = part.split(before.as_str()).next().unwrap_or(part);
                }
                (!part.is_empty()).then(|| part.to_owned())
            }
        }
    }

    /// How many places it names.
    fn places(&self) -> usize {
        match self {
            From::One(_) => 1,
            From::First(several) => several.iter().map(From::places).sum(),
            From::Part { of, .. } => of.places(),
        }
    }

    /// What it is, for people.
    fn shown(&self) -> String {
        match self {
            From::One(text) => text.clone(),
            From::First(several) => {
                let several: Vec<_> = several.iter().map(From::shown).collect();
                several.join(" or ")
            }
            From::Part { of, .. } => of.shown(),
        }
    }
}

impl JsonMapping {
    /// What is wrong with it, if anything is.
    pub fn problem(&self) -> Option<String> {
        let words = self.statuses.values();
        let mut wrong = words.filter(|word| Status::parse(word).is_none());
        if let Some(word) = wrong.next() {
            let known = Status::ALL.map(Status::as_str).join(", ");
            return Some(format!("statuses: {word:?} is none of {known}"));
        }
        if self.status.is_none() || self.version.is_none() {
            return Some("status and version must say where they stand".to_owned());
        }
        let single = [
            &self.product,
            &self.version,
            &self.environment,
            &self.status,
            &self.time,
        ];
        let all = single.into_iter().flatten();
        let all = all.chain(self.fields.values().chain(self.metadata.values()));
        let places = all.map(From::places).sum::<usize>() + self.only.len();
        (places > MOST_PLACES)
            .then(|| format!("it names {places} places; at most {MOST_PLACES} are looked up"))
    }
}

/// What a body becomes.
pub fn map(
    mapping: &JsonMapping,
    settings: &Settings,
    headers: &Map<String, Value>,
    sent: &Value,
) -> Mapping {
    let find = |from: &From| from.find(headers, sent);
    for (place, values) in &mapping.only {
        let found = From::One(place.clone())
            .find(headers, sent)
            .unwrap_or_default();
        if !values.contains(&found) {
            let found = word(&found);
            return ignored(format!(
                "{place} is {found:?}, none of {}",
                values.join(", ")
            ));
        }
    }
    let needed = |name: &str, from: Option<&From>| {
        let Some(from) = from else {
            return Err(Stop::Unreadable(format!(
                "the mapping does not say where {name} stands"
            )));
        };
        find(from).ok_or_else(|| {
            Stop::Unreadable(format!(
                "{name} is missing: nothing stands at {}",
                from.shown()
            ))
        })
    };
    let theirs = needed("status", mapping.status.as_ref())?;
    let status = match mapping.statuses.get(&theirs) {
        Some(ours) => ours.clone(),
        None if Status::parse(&theirs).is_some() => theirs.clone(),
        None => return ignored(format!("{} is no status that is mapped", word(&theirs))),
    };
    let product = match &settings.product {
        Some(product) => product.clone(),
        None => needed("product", mapping.product.as_ref())?,
    };
    let mut fields: Vec<(&str, Option<String>)> = vec![
        ("product_name", Some(product)),
        (
            "version",
            Some(needed("version", mapping.version.as_ref())?),
        ),
        ("status", Some(status)),
    ];
    let is_deployment = mapping.environment.is_some() || settings.environment.is_some();
    if is_deployment {
        let found = mapping.environment.as_ref().and_then(find);
        let environment = match found.or_else(|| settings.environment.clone()) {
            Some(environment) => environment,
            None => needed("environment", mapping.environment.as_ref())?,
        };
        fields.push(("environment_name", Some(settings.environment(&environment))));
    }
    for (name, from) in &mapping.fields {
        fields.push((name, find(from)));
    }
    let said = mapping.metadata.iter();
    let metadata: Map<String, Value> = said
        .filter_map(|(name, from)| Some((name.clone(), find(from)?.into())))
        .collect();
    let field = |name: &str| {
        let found = fields.iter().find(|(known, _)| *known == name);
        found.and_then(|(_, value)| value.clone())
    };
    let origin = Origin::new(
        field("source_system").as_deref(),
        field("invoke_id").as_deref(),
        field("scm_repository").as_deref(),
        &metadata,
    );
    let at = mapping.time.as_ref().and_then(find);
    let at = at.as_deref().and_then(time::read);
    let body = body(&fields, metadata);
    let mut told = vec![match is_deployment {
        true => Told::Deployment { body, at },
        false => Told::Build { body, at },
    }];
    if mapping.run_ends.contains(&theirs) && origin.invoke_id.is_some() {
        told.push(Told::RunEnded { run: origin, at });
    }
    Ok(told)
}
