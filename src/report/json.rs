//! An outcome as data, for every surface that reads JSON.

use serde_json::{Map, Value, json};

use crate::model::explanation::{Explained, Explanation};
use crate::model::foreign::Foreign;
use crate::model::outcome::{Outcome, Rejection, Warning};

impl Outcome {
    /// Every value, as a flat JSON object with the names that every surface shares. Absent texts
    /// are empty; absent details and data are null.
    pub fn to_json(&self) -> Value {
        let none = Rejection::default();
        let rejection = self.rejection.as_ref().unwrap_or(&none);
        let warnings: Vec<Value> = self.warnings.iter().map(warning).collect();
        json!({
            "code": self.code as i32,
            "kind": self.kind.as_str(),
            "message": self.message,
            "argument": self.argument,
            "http_status": self.http_status,
            "attempts": self.attempts,
            "recorded": self.recorded,
            "event_id": self.event_id.as_str(),
            "product_id": self.product_id.as_str(),
            "version_id": self.version_id.as_str(),
            "environment_id": self.environment_id.as_str(),
            "status": self.status.as_str(),
            "deployed_at": self.deployed_at.as_str(),
            "version": self.version.as_str(),
            "source_system": self.source_system,
            "features": self.features.iter().map(Foreign::as_str).collect::<Vec<_>>(),
            "rule": rejection.rule.as_str(),
            "policy_code": rejection.policy_code.as_str(),
            "retry_after": rejection.retry_after.as_str(),
            "details": rejection.details,
            "data": self.data,
            "text": self.text(),
            "warnings": warnings,
        })
    }
}

impl Explanation {
    /// The request, and the lists of values and settings with where each came from.
    pub fn to_json(&self) -> Value {
        let headers = self.headers.iter();
        let headers: Map<String, Value> = headers
            .map(|(name, value)| ((*name).to_owned(), value.as_str().into()))
            .collect();
        let body: Value = serde_json::from_str(&self.body).unwrap_or_default();
        let list = |all: &[Explained]| -> Value { all.iter().map(explained).collect() };
        json!({
            "method": self.method,
            "url": self.url,
            "headers": headers,
            "body": body,
            "values": list(&self.values),
            "settings": list(&self.settings),
        })
    }
}

fn explained(explained: &Explained) -> Value {
    json!({
        "field": explained.field,
        "value": explained.value,
        "source": explained.source.to_string(),
    })
}

fn warning(warning: &Warning) -> Value {
    json!({"kind": warning.kind.as_str(), "message": warning.message, "rule": warning.rule.as_str()})
}
