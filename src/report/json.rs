//! An outcome as data, for every surface that reads JSON.

use serde_json::{Value, json};

use crate::model::outcome::{Outcome, Rejection, Warning};

impl Outcome {
    /// Every value, as a flat JSON object with the names that every surface shares. Absent texts
    /// are empty; absent details are null.
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
            "event_id": self.event_id,
            "product_id": self.product_id,
            "version_id": self.version_id,
            "environment_id": self.environment_id,
            "status": self.status,
            "deployed_at": self.deployed_at,
            "source_system": self.source_system,
            "rule": rejection.rule,
            "policy_code": rejection.policy_code,
            "retry_after": rejection.retry_after,
            "details": rejection.details,
            "text": self.text(),
            "warnings": warnings,
        })
    }
}

fn warning(warning: &Warning) -> Value {
    json!({"kind": warning.kind.as_str(), "message": warning.message, "rule": warning.rule})
}
