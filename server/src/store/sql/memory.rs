//! What the writer remembers between transactions, as long as nobody else writes; what is rolled back
//! takes all of it along.

use std::collections::HashMap;
use std::sync::Arc;

use super::log::Last;
use crate::domain::deployment::{Cell, Completed, Row, State};
use crate::domain::naming::EnvironmentType;
use crate::domain::people;
use crate::domain::rules::{AllStop, Exemption, Rule};
use crate::store::watch::Touched;

/// The most that is known of one kind; one more, and it begins anew.
const MOST: usize = 2048;

/// What people have decided, as it was read when the database said this version of it.
#[derive(Debug)]
pub struct Policy {
    /// The version.
    pub version: String,
    /// The rules.
    pub rules: Arc<Vec<Rule>>,
    /// The exemptions that may still be used.
    pub exemptions: Arc<Vec<Exemption>>,
    /// The stop of every start that was put on last.
    pub stop: Option<Arc<AllStop>>,
    /// Everybody.
    pub people: Arc<Vec<people::Known>>,
}

/// What the writer remembers.
#[derive(Default)]
pub struct Memory {
    /// The rules; `None` if they must be read.
    pub rules: Option<Arc<Vec<Rule>>>,
    /// The exemptions that may still be used; `None` if they must be read.
    pub exemptions: Option<Arc<Vec<Exemption>>>,
    /// The stop of every start that was put on last; `None` if it must be read.
    pub stop: Option<Option<Arc<AllStop>>>,
    /// Everybody; `None` if they must be read.
    pub people: Option<Arc<Vec<people::Known>>>,
    /// What people have decided, where others decide as well: it holds if the database says so.
    pub policy: Option<Arc<Policy>>,
    /// The last row of the log; `None` if it must be read.
    pub last: Option<Last>,
    /// The position that the next row of the log gets, if it has one already.
    pub next: Option<i64>,
    /// Changes if somebody else writes.
    pub data_version: Option<i64>,
    /// Whether the version before has left answers; `None` if that must be looked up.
    pub old_answers: Option<bool>,
    /// The identifier and the name of products, by their folded names.
    pub products: Known<String, Name>,
    /// The same of environments.
    pub environments: Known<String, Name>,
    /// The version that was named last, by product.
    pub versions: Known<String, Version>,
    /// Cells, by product and environment.
    pub cells: Known<(String, String), Cell>,
    /// What the transaction has changed.
    pub touched: Touched,
    /// Deployments, by identifier.
    pub rows: Known<String, Row>,
    /// What is known of the newest rows of a cell, by product and environment.
    pub newest: Known<(String, String), Newest>,
}

/// How many of the newest rows of a version an event can be about.
pub const OF_VERSION: usize = 16;
/// How many of the completed rows of a cell its order needs.
pub const COMPLETED: usize = 8;

/// The newest rows of a cell.
#[derive(Debug, Clone, Default)]
pub struct Newest {
    /// The version that was named last, and its rows, newest first.
    pub of_version: Option<(String, Vec<String>)>,
    /// The completed deployments, by their place in time.
    pub completed: Option<Vec<Completed>>,
}

impl Newest {
    /// Takes note of a row as it is from now on.
    pub fn note(&mut self, row: &Row, new: bool) {
        if new
            && let Some((version_id, ids)) = &mut self.of_version
            && *version_id == row.version_id
        {
            ids.insert(0, row.id.clone());
            ids.truncate(OF_VERSION);
        }
        let Some(completed) = &mut self.completed else {
            return;
        };
        let known = completed.iter().position(|other| other.id == row.id);
        let completes = row.state == State::Completed;
        let unclear = match known {
            // Another may move up that is not known.
            Some(at) => !completes || completed[at].at != row.at,
            None => completes && completed.iter().any(|other| other.at == row.at),
        };
        if unclear {
            self.completed = None;
        } else if completes && known.is_none() {
            let later = completed.partition_point(|other| other.at > row.at);
            completed.insert(
                later,
                Completed {
                    id: row.id.clone(),
                    version_id: row.version_id.clone(),
                    at: row.at,
                },
            );
            completed.truncate(COMPLETED);
        }
    }
}

impl Memory {
    /// Remembers nothing of the database any more, because some of it was rolled back.
    pub fn forget(&mut self) {
        let touched = std::mem::take(&mut self.touched);
        *self = Memory {
            touched,
            data_version: self.data_version,
            ..Memory::default()
        };
    }

    /// Forgets everything if somebody else has written, a command on the machine beside the server:
    /// then SQLite says another `version`. What it has changed is not known.
    pub fn forget_if_changed(&mut self, version: i64) {
        let before = self.data_version.replace(version);
        if before != Some(version) {
            let touched = match before {
                Some(_) => Touched::everything(),
                None => std::mem::take(&mut self.touched),
            };
            *self = Memory {
                touched,
                data_version: Some(version),
                ..Memory::default()
            };
        }
    }

    /// What it remembers, without anything that names of products and environments are part of.
    pub fn only_last(&mut self) -> Memory {
        Memory {
            touched: std::mem::take(&mut self.touched),
            last: self.last.take(),
            data_version: self.data_version,
            old_answers: self.old_answers.take(),
            policy: self.policy.take(),
            ..Memory::default()
        }
    }
}

/// A product or an environment.
#[derive(Debug, Clone, Default)]
pub struct Name {
    /// Its identifier.
    pub id: String,
    /// Its name as it was first written.
    pub name: String,
    /// What kind of environment it is.
    pub environment_type: Option<EnvironmentType>,
}

/// A version.
#[derive(Debug, Clone, Default)]
pub struct Version {
    /// Its identifier.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its commit.
    pub scm_sha: Option<String>,
}

/// A bounded number of things that are known by a key.
pub struct Known<K, V>(HashMap<K, V>);

impl<K, V> Default for Known<K, V> {
    fn default() -> Self {
        Known(HashMap::new())
    }
}

impl<K: std::hash::Hash + Eq, V> Known<K, V> {
    /// What is remembered of `key`.
    pub fn get<Q>(&self, key: &Q) -> Option<&V>
    where
        K: std::borrow::Borrow<Q>,
        Q: std::hash::Hash + Eq + ?Sized,
    {
        self.0.get(key)
    }

    /// What is remembered, to be changed.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.0.values_mut()
    }

    /// What is remembered of `key`, to change it.
    pub fn get_mut<Q>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: std::borrow::Borrow<Q>,
        Q: std::hash::Hash + Eq + ?Sized,
    {
        self.0.get_mut(key)
    }

    /// What is remembered of `key`, to change it; nothing, to begin with.
    pub fn or_default(&mut self, key: K) -> &mut V
    where
        V: Default,
    {
        if self.0.len() >= MOST {
            self.0.clear();
        }
        self.0.entry(key).or_default()
    }

    /// Remembers `value`.
    pub fn put(&mut self, key: K, value: V) {
        if self.0.len() >= MOST {
            self.0.clear();
        }
        self.0.insert(key, value);
    }
}
