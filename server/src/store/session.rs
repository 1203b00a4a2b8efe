//! One open transaction of the writer, and what the writer remembers between transactions.

use std::collections::HashMap;
use std::sync::Arc;

use sqlx::SqliteConnection;

use super::VersionRow;
use crate::rules::Rule;

/// Names that are forgotten beyond this many: the cache saves look-ups, it must not grow for ever.
const MAX_NAMES: usize = 10_000;

/// What the writer has read or written before. It is the only writer, so this is never stale;
/// after a rollback it is thrown away.
#[derive(Default)]
pub struct Cache {
    pub(super) products: HashMap<String, String>,
    pub(super) environments: HashMap<String, String>,
    pub(super) versions: HashMap<(String, String), VersionRow>,
    pub(super) rules: Option<Arc<Vec<Rule>>>,
}

impl Cache {
    /// Forgets everything.
    pub fn clear(&mut self) {
        *self = Cache::default();
    }

    fn trim(&mut self) {
        let names = self.products.len() + self.environments.len() + self.versions.len();
        if names > MAX_NAMES {
            self.clear();
        }
    }
}

/// An open write transaction.
pub struct Session<'c> {
    pub(super) connection: &'c mut SqliteConnection,
    pub(super) cache: &'c mut Cache,
}

impl<'c> Session<'c> {
    /// A session in the transaction that is open on `connection`.
    pub fn new(connection: &'c mut SqliteConnection, cache: &'c mut Cache) -> Session<'c> {
        cache.trim();
        Session { connection, cache }
    }
}
