//! PostgreSQL: one database that several servers share, a schema for each account, and a transaction
//! for each command.
//!
//! Locks are taken in this order everywhere: the row of the Idempotency-Key, the policy, the names, the
//! environment, the cell. Nothing that a lock protects is read before it is had.

mod account;
mod connect;
mod database;
mod doctor;
mod open;
mod places;
mod schema;
mod statements;
mod time;

pub use account::Account;
pub use database::Database;
