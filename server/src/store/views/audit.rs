//! The log.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// A row of the log.
#[derive(Debug, Serialize, ToSchema)]
pub struct LogRow {
    /// Its place in the log.
    pub position: i64,
    /// When it arrived.
    #[schema(format = DateTime)]
    pub at: String,
    /// When it happened, if it was told late.
    #[schema(format = DateTime)]
    pub occurred_at: Option<String>,
    /// Who did it, such as `key:k1`.
    pub actor: String,
    /// The request that did it.
    pub request_id: Option<String>,
    /// What it was, such as `rule.changed`.
    pub kind: String,
    /// The thing that it is about.
    pub subject: Option<String>,
    /// What it changed.
    #[schema(value_type = Vec<Object>)]
    pub changes: Value,
    /// The HTTP status of the answer.
    pub status: Option<u16>,
    /// The hash of the row, which holds that of the row before.
    pub hash: String,
    /// Whether a name was taken out of the row since; `hash` is that of the row as it was.
    pub erased: bool,
}
