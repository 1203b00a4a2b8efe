//! Which requests belong to one span, as a case names it.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::http::Request;
use crate::judge::items;
use crate::requests::UUID;

/// The requests of one name carry one header `Versioner-Span`, those of different names different
/// ones, and those without a name none. The idempotency key of the first start is the span, that of
/// an end is not; a start that waited may be asked for under others.
pub fn differences(expected: Option<&Value>, requests: &[Request]) -> Vec<String> {
    let mut found = Vec::new();
    let mut known: BTreeMap<&str, String> = BTreeMap::new();
    let mut keys: Vec<String> = Vec::new();
    for (index, (wanted, request)) in items(expected).iter().zip(requests).enumerate() {
        let span = request.header("Versioner-Span").unwrap_or_default();
        let place = index + 1;
        let key = request.header("Idempotency-Key").unwrap_or_default();
        let is_new = !keys.contains(&key);
        if wanted.get("new_key").is_some() && !is_new {
            found.push(format!(
                "request {place}: expected a new Idempotency-Key, but was {key:?} again"
            ));
        }
        let was_asked = keys.contains(&span);
        keys.push(key.clone());
        let Some(name) = wanted.get("span").and_then(Value::as_str) else {
            if !span.is_empty() {
                found.push(format!(
                    "request {place}: expected no span, but was {span:?}"
                ));
            }
            continue;
        };
        let is_of_another = known
            .iter()
            .any(|(other, id)| *other != name && *id == span);
        let first = known.entry(name).or_insert_with(|| span.clone());
        if !UUID.is_match(&span) || *first != span || is_of_another {
            found.push(format!(
                "request {place}: expected the span {name:?} ({first}), but was {span:?}"
            ));
        }
        if key.is_empty() {
            // A question belongs to a span and records nothing.
            continue;
        }
        let body: Value =
            serde_json::from_slice(request.body.as_deref().unwrap_or_default()).unwrap_or_default();
        let is_start = body["status"] == "started";
        let is_wrong = match key == span {
            true => !is_start,
            false => is_start && !was_asked,
        };
        if is_wrong {
            found.push(format!(
                "request {place}: the Idempotency-Key must be the span on the first start and no \
                 other event, but was {key:?}"
            ));
        }
    }
    found
}
