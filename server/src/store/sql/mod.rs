//! Every statement that the databases share, written once.
//!
//! A database is [`Statements`]. SQLite answers at once, PostgreSQL when the answer has come over the
//! wire. Integers have 64 bits, times are microseconds since 1970, and what is true is 1.

mod approvals;
mod audit;
mod board;
mod builds;
pub mod buttons;
pub mod catalog;
pub mod deployments;
mod erase;
mod evidence;
mod exemptions;
mod figures;
pub mod keys;
mod lists;
pub mod log;
pub mod memory;
pub mod merge;
pub mod people;
mod places;
mod prune;
pub mod queue;
pub mod rules;
pub mod secrets;
pub mod sessions;
pub mod slack;
pub mod sources;
mod standing;
mod story;
pub mod transaction;
mod value;
pub mod webhooks;

use std::ops::ControlFlow;

use serde_json::{Map, Value as Json};

pub use approvals::Given;
pub use audit::AuditFilter;
pub use buttons::{Everything as AllButtons, OF_ACCOUNT};
pub use erase::Erased;
pub use lists::Listed;
pub use memory::Name;
pub use places::{Products, SHORT_SHA};
pub use slack::{About, Message as SlackMessage, Shown, Touch};
pub use value::{Owned, Parameter, Row, Value, borrowed};
pub use webhooks::Kept;

use super::StoreError;

/// The parameters of a statement.
macro_rules! params {
    ($($value:expr),* $(,)?) => {
        [$(&$value as &dyn $crate::store::sql::Parameter),*]
    };
}
pub(in crate::store) use params;

/// What a transaction keeps to itself until its end.
#[derive(Debug, Clone, Copy)]
pub enum Lock<'a> {
    /// What people decide: rules, exemptions, approvals, keys, people, settings.
    Policy,
    /// That names stay what they are; many have it at once.
    NamesAsTheyAre,
    /// The names, to change them.
    Names,
    /// An environment.
    Environment(&'a str),
    /// A product in an environment; no environment for its builds.
    Cell(&'a str, &'a str),
}

/// What stands once a lock is had, in a database that others write to as well.
#[derive(Debug, Clone)]
pub struct Standing {
    /// Tells whether what was read before of what people have decided still holds.
    pub policy: String,
    /// The position that the next row of the log gets.
    pub position: i64,
    /// The time by the database's clock, in microseconds since 1970, if that counts.
    pub now: Option<i64>,
}

/// What each row of an answer is given to; it says whether there is to be another.
pub type Each<'a> = dyn FnMut(&dyn Row) -> Result<ControlFlow<()>, StoreError> + 'a;

/// A database in a transaction. Parameters are `?`, or `?1` if one stands in several places.
pub trait Statements {
    /// Whether others write at the same time.
    const SHARED: bool;
    /// The column of the log with the order in which it is read.
    const PLACE: &'static str;

    /// Waits until nobody else has this, and has it until the end of the transaction. Answers what then
    /// stands, unless many can have it or nobody else writes.
    async fn lock(&self, lock: Lock<'_>) -> Result<Option<Standing>, StoreError>;

    /// Gives each row of the answer to `read`, until that has enough.
    async fn each(
        &self,
        sql: &str,
        parameters: &[&dyn Parameter],
        read: &mut Each<'_>,
    ) -> Result<(), StoreError>;

    /// Does what is no question, and counts the rows that it changed.
    async fn execute(&self, sql: &str, parameters: &[&dyn Parameter]) -> Result<u64, StoreError>;

    /// Every row of the answer, as `read` makes it.
    async fn rows<T>(
        &self,
        sql: &str,
        parameters: &[&dyn Parameter],
        mut read: impl FnMut(&dyn Row) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut rows = Vec::new();
        let mut add = |row: &dyn Row| {
            rows.push(read(row)?);
            Ok(ControlFlow::Continue(()))
        };
        self.each(sql, parameters, &mut add).await?;
        Ok(rows)
    }

    /// The first row of the answer, if there is one.
    async fn row<T>(
        &self,
        sql: &str,
        parameters: &[&dyn Parameter],
        read: impl FnOnce(&dyn Row) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let (mut read, mut first) = (Some(read), None);
        let mut take = |row: &dyn Row| {
            first = read.take().map(|read| read(row)).transpose()?;
            Ok(ControlFlow::Break(()))
        };
        self.each(sql, parameters, &mut take).await?;
        Ok(first)
    }

    /// Whether the answer has a row.
    async fn exists(&self, sql: &str, parameters: &[&dyn Parameter]) -> Result<bool, StoreError> {
        Ok(self.row(sql, parameters, |_| Ok(())).await?.is_some())
    }
}

/// The JSON object in a column.
fn object(row: &dyn Row, column: usize) -> Result<Map<String, Json>, StoreError> {
    Ok(serde_json::from_str(&row.get::<String>(column)?)?)
}

/// The JSON text of the one column of a row.
fn definition<T: serde::de::DeserializeOwned>(row: &dyn Row) -> Result<T, StoreError> {
    Ok(serde_json::from_str(&row.get::<String>(0)?)?)
}
