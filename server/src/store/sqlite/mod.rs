//! SQLite: one database per account, one writer, and readers beside it.

mod account;
mod approvals;
mod audit;
mod backup;
mod builds;
mod catalog;
mod deployments;
mod evidence;
mod exemptions;
mod figures;
mod lists;
mod log;
mod memory;
mod merge;
pub(super) mod open;
mod people;
mod places;
mod rules;
mod story;
mod transaction;
mod writer;

use serde_json::{Map, Value};

pub use account::Account;
pub use audit::{AuditFilter, verify_log};
pub use backup::backup;
pub use lists::Listed;
pub use memory::Name;
pub use places::{Products, SHORT_SHA};

use super::StoreError;

/// The JSON object in a column.
fn object(row: &rusqlite::Row<'_>, column: usize) -> Result<Map<String, Value>, StoreError> {
    Ok(serde_json::from_str(&row.get::<_, String>(column)?)?)
}
