//! Exemptions: one deployment past some rules, without opening them for everybody who waits.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::overriding::required_end;
use crate::domain::answer::Refusal;
use crate::domain::deployment::Place;
use crate::domain::fields::{Fields, MAX_NAME, MAX_TEXT};
use crate::domain::names::composed;
use crate::domain::time::rfc3339;

/// The most starts that one exemption lets through.
const MAX_USES: i64 = 100;

/// What an exemption lets a start past.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exempted {
    /// Every rule.
    All,
    /// The rules with these identifiers.
    Rules(Vec<String>),
}

/// A permission for starts of a product in an environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exemption {
    /// Its identifier.
    pub id: String,
    /// What it lets a start past.
    pub exempted: Exempted,
    /// The product.
    pub product_id: String,
    /// The product's name.
    pub product: String,
    /// The environment.
    pub environment_id: String,
    /// The environment's name.
    pub environment: String,
    /// The version; none means any.
    pub version: Option<String>,
    /// When it ends, in microseconds since 1970.
    pub until: i64,
    /// How many starts it lets through.
    pub uses: i64,
    /// How many it has let through.
    pub used: i64,
    /// Why.
    pub reason: String,
    /// Who made it.
    pub by: String,
    /// When it was made.
    pub created_at: i64,
    /// When it was withdrawn.
    pub withdrawn_at: Option<i64>,
}

/// An exemption as a client asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExemptionSpec {
    /// What it lets a start past.
    pub exempted: Exempted,
    /// The product.
    pub product: String,
    /// The environment.
    pub environment: String,
    /// The version; none means any.
    pub version: Option<String>,
    /// When it ends, in microseconds since 1970.
    pub until: i64,
    /// How many starts it lets through.
    pub uses: i64,
    /// Why.
    pub reason: String,
}

impl ExemptionSpec {
    /// Reads a request body.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] with every field that is missing, wrong or unknown.
    pub fn read(body: Value, now: i64) -> Result<ExemptionSpec, Refusal> {
        let mut fields = Fields::of_body(body)?;
        let all = fields.boolean("all");
        let rules = fields.names("rule_ids");
        let exempted = match (all, rules) {
            (Some(true), None) => Exempted::All,
            (None | Some(false), Some(rules)) if !rules.is_empty() => Exempted::Rules(rules),
            _ => {
                let msg = "Either name the rules in rule_ids, or send \"all\": true";
                fields.reject("rule_ids", "value_error", msg);
                Exempted::All
            }
        };
        let product = fields.required_name("product");
        let environment = fields.required_name("environment");
        // Blank, it would be for every version.
        let blank = fields.is_blank("version");
        let version = fields.text("version", MAX_NAME).map(|name| composed(&name));
        if blank {
            let msg = "Input should not be empty; leave it out for any version";
            fields.reject("version", "empty", msg);
        }
        let until = required_end(&mut fields, now);
        let uses = fields.integer("uses", 1..=MAX_USES).unwrap_or(1);
        let reason = fields.required_text("reason", MAX_TEXT);
        fields.refuse_unread();
        fields.finish()?;
        Ok(ExemptionSpec {
            exempted,
            product,
            environment,
            version,
            until,
            uses,
            reason,
        })
    }
}

impl Exemption {
    /// Whether it still lets something through.
    pub fn is_live(&self, now: i64) -> bool {
        self.withdrawn_at.is_none() && now < self.until && self.used < self.uses
    }

    /// Whether it is for this deployment.
    pub fn is_for(&self, place: &Place) -> bool {
        self.product_id == place.product_id
            && self.environment_id == place.environment_id
            && self
                .version
                .as_ref()
                .is_none_or(|version| *version == place.version)
    }

    /// Whether it lets a start past this rule.
    pub fn covers(&self, rule_id: &str) -> bool {
        match &self.exempted {
            Exempted::All => true,
            Exempted::Rules(rules) => rules.iter().any(|id| id == rule_id),
        }
    }

    /// The exemption after it has let a start through.
    pub fn spent(&self) -> Exemption {
        Exemption {
            used: self.used + 1,
            ..self.clone()
        }
    }

    /// The exemption as the API shows it.
    pub fn to_json(&self, now: i64) -> Value {
        let rules = match &self.exempted {
            Exempted::All => None,
            Exempted::Rules(rules) => Some(rules),
        };
        json!({
            "id": self.id,
            "all": rules.is_none(),
            "rule_ids": rules,
            "product": self.product,
            "environment": self.environment,
            "version": self.version,
            "until": rfc3339(self.until),
            "uses": self.uses,
            "used": self.used,
            "live": self.is_live(now),
            "reason": self.reason,
            "by": self.by,
            "created_at": rfc3339(self.created_at),
            "withdrawn_at": self.withdrawn_at.map(rfc3339),
        })
    }
}
