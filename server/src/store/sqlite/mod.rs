//! SQLite: one database per account, one writer, and readers beside it.

mod account;
mod audit;
mod backup;
mod check;
mod fold;
mod names;
pub(super) mod open;
mod statements;
mod writer;

pub use account::{Account, open_account, write_alone, write_as_it_is};
pub use audit::{last_at, since, verify_log};
pub use backup::{accounts, backup, examine, restore, verify_backup};
pub use check::check_migration;
pub use fold::{Compared, compare};
pub use statements::ready;

/// How SQLite goes about a statement, in its words.
#[cfg(test)]
pub fn explain(
    connection: &rusqlite::Connection,
    sql: &str,
    parameters: &[&dyn super::sql::Parameter],
) -> String {
    use super::sql::Statements;
    let sql = format!("EXPLAIN QUERY PLAN {sql}");
    let steps = connection.rows(&sql, parameters, |row| row.get::<String>(3));
    ready(steps).expect("a plan").join("\n")
}
