//! SQLite: one database per account, one writer, and readers beside it.

mod account;
mod approvals;
mod audit;
mod backup;
mod builds;
mod catalog;
mod check;
mod deployments;
mod evidence;
mod exemptions;
mod figures;
mod fold;
mod keys;
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

pub use account::{Account, open_account, write_alone};
pub use audit::{AuditFilter, last_at, since, verify_log};
pub use backup::{accounts, backup, examine, restore, verify_backup};
pub use check::check_migration;
pub use fold::{Compared, compare};
pub use keys::{import_key, list as list_keys};
pub use lists::Listed;
pub use memory::Name;
pub use people::{mentions, read as list_people};
pub use places::{Products, SHORT_SHA};

use super::StoreError;

/// The JSON object in a column.
fn object(row: &rusqlite::Row<'_>, column: usize) -> Result<Map<String, Value>, StoreError> {
    Ok(serde_json::from_str(&row.get::<_, String>(column)?)?)
}
