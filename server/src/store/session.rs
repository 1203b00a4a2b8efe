//! One open transaction of the writer.

use std::sync::Arc;

use rusqlite::Connection;

use crate::rules::Rule;

/// What the writer remembers between transactions. It is the only writer, so this is never stale.
#[derive(Default)]
pub struct Memory {
    /// The rules; `None` where they must be read.
    pub(super) rules: Option<Arc<Vec<Rule>>>,
}

/// An open write transaction.
pub struct Session<'c> {
    pub(super) connection: &'c Connection,
    pub(super) memory: &'c mut Memory,
}

impl<'c> Session<'c> {
    /// A session in the transaction that is open on `connection`.
    pub fn new(connection: &'c Connection, memory: &'c mut Memory) -> Session<'c> {
        Session { connection, memory }
    }
}
