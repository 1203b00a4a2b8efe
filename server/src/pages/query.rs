//! The parameters of a page, which stand in its address.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::format;

/// The parameters of a request for a page. What is empty is as good as left out: forms send it.
#[derive(Debug, Clone, Default)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Reads the part of an address after its question mark.
    pub fn parse(query: &str) -> Query {
        let pairs = form_urlencoded::parse(query.as_bytes());
        let kept = pairs.filter_map(|(name, value)| {
            let value = storable(value.trim());
            (!value.is_empty()).then(|| (name.into_owned(), value))
        });
        Query(kept.collect())
    }

    /// The first value of that name.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(other, _)| other == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The same as text of its own.
    pub fn owned(&self, name: &str) -> Option<String> {
        self.get(name).map(str::to_owned)
    }

    /// Every value of that name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(other, _)| other == name)
            .map(|(_, value)| value.as_str())
    }

    /// How many of these are set.
    pub fn count(&self, names: &[&str]) -> usize {
        names.iter().filter(|name| self.get(name).is_some()).count()
    }

    /// The address of `path` with these parameters, but another value for one; none leaves it out. A
    /// place in a list does not outlive another filter.
    pub fn address(&self, path: &str, name: &str, value: Option<&str>) -> String {
        let mut pairs: Vec<(&str, &str)> = self
            .0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .filter(|(other, _)| ![name, "after", "cursor", "format"].contains(other))
            .collect();
        pairs.extend(value.map(|value| (name, value)));
        format::address(path, &pairs)
    }
}

/// The text with no character that PostgreSQL cannot hold, so that what is asked for is not there instead
/// of being a fault of the database.
pub fn storable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Query, Infallible> {
        Ok(Query::parse(parts.uri.query().unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::Query;

    #[test]
    fn what_is_empty_is_left_out_and_a_place_does_not_outlive_another_filter() {
        let query = Query::parse("product=&state=failed&environment=a%26b&environment=c&after=x");
        assert_eq!(query.get("product"), None);
        assert_eq!(query.all("environment").collect::<Vec<_>>(), ["a&b", "c"]);
        assert_eq!(query.count(&["product", "state", "environment"]), 2);
        let long = format!("product={}%00", "x".repeat(5000));
        let kept = Query::parse(&long).owned("product").unwrap();
        assert_eq!(
            kept.chars().count(),
            5001,
            "what is asked for is not left out"
        );
        assert!(!kept.contains('\0'));
        assert_eq!(
            query.address("/manage/", "state", None),
            "/manage/?environment=a%26b&environment=c"
        );
        assert_eq!(
            query.address("/manage/", "after", Some("y")),
            "/manage/?state=failed&environment=a%26b&environment=c&after=y"
        );
    }
}
