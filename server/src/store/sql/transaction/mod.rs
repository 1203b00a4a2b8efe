//! The open transaction of the writer, and what it remembers from one event to the next.

mod changes;
mod flow;

use std::sync::Arc;

use futures_util::future::{try_join, try_join4};

use super::memory::{Memory, Name, Policy, Version};
use super::{Standing, Statements, catalog, deployments, exemptions, people, rules};
use crate::domain::change::{Change, Details};
use crate::domain::deployment::{Cell, Completed, Place, Row, SpanFact};
use crate::domain::names::fold;
use crate::domain::naming::Kind;
use crate::store::StoreError;
use crate::store::transaction::Names;

/// An open write transaction.
pub struct Session<'c, S> {
    database: &'c S,
    memory: &'c mut Memory,
    /// The details that were read last, and of which deployment.
    read: Option<(String, Details)>,
    /// Whether nobody named the version of the event before: then nothing of it can be found.
    new_version: bool,
    /// The time by the database's clock when the last lock was had, if that counts.
    now: Option<i64>,
}

impl<'c, S: Statements> Session<'c, S> {
    /// The transaction that is open on `database`.
    pub fn new(database: &'c S, memory: &'c mut Memory) -> Session<'c, S> {
        Session {
            database,
            memory,
            read: None,
            new_version: false,
            now: None,
        }
    }

    /// Goes by what stands now that a lock is had.
    fn stand(&mut self, standing: &Standing) {
        self.now = standing.now;
        self.memory.next = Some(standing.position);
    }

    /// What people have decided, as it stands: read only if it is another than before.
    async fn stand_by_policy(&mut self, standing: Standing) -> Result<(), StoreError> {
        self.stand(&standing);
        let known = self.memory.policy.take();
        let policy = match known.filter(|known| known.version == standing.policy) {
            Some(policy) => policy,
            None => Arc::new(Policy {
                version: standing.policy,
                rules: Arc::new(rules::all(self.database).await?),
                exemptions: Arc::new(exemptions::usable(self.database).await?),
                stop: catalog::all_stop(self.database).await?.map(Arc::new),
                people: Arc::new(people::read(self.database).await?),
            }),
        };
        self.memory.rules = Some(policy.rules.clone());
        self.memory.exemptions = Some(policy.exemptions.clone());
        self.memory.stop = Some(policy.stop.clone());
        self.memory.people = Some(policy.people.clone());
        self.memory.policy = Some(policy);
        Ok(())
    }

    /// Asks for the names of an event at once, where each answer comes over the wire.
    async fn find_together(&mut self, names: Names<'_>) -> Result<(), StoreError> {
        let database = self.database;
        let environment = async {
            match names.environment {
                Some(name) => catalog::find(database, Kind::Environment, name).await,
                None => Ok(None),
            }
        };
        let product = catalog::find(database, Kind::Product, names.product);
        let (product, environment) = try_join(product, environment).await?;
        if let Some(found) = product {
            self.memory.products.put(fold(names.product), found);
        }
        if let (Some(found), Some(name)) = (environment, names.environment) {
            self.memory.environments.put(fold(name), found);
        }
        Ok(())
    }

    /// The same for what [`Transaction::facts`] is going to look for.
    async fn ask_together(
        &mut self,
        place: &Place,
        span: Option<&str>,
        ends: bool,
    ) -> Result<Option<SpanFact>, StoreError> {
        let (database, new_version) = (self.database, self.new_version);
        let rows = async {
            match new_version {
                true => Ok(Vec::new()),
                false => deployments::of_version(database, place).await,
            }
        };
        let completed = async {
            match ends {
                true => deployments::completed(database, place).await.map(Some),
                false => Ok(None),
            }
        };
        let span = async {
            match span {
                Some(span) => deployments::find_span(database, span).await,
                None => Ok(None),
            }
        };
        let cell = deployments::cell(database, &place.product_id, &place.environment_id);
        let (cell, rows, completed, span) = try_join4(cell, rows, completed, span).await?;
        let key = (place.product_id.clone(), place.environment_id.clone());
        self.memory.cells.put(key.clone(), cell);
        self.memory.newest.or_default(key).completed = completed;
        self.remember_rows(place, &rows);
        Ok(span)
    }

    /// Remembers the newest rows of a version in a cell.
    fn remember_rows(&mut self, place: &Place, rows: &[Row]) {
        let key = (place.product_id.clone(), place.environment_id.clone());
        let ids = rows.iter().map(|row| row.id.clone()).collect();
        for row in rows {
            self.memory.rows.put(row.id.clone(), row.clone());
        }
        self.memory.newest.or_default(key).of_version = Some((place.version_id.clone(), ids));
    }

    /// The product or environment `name`, which exists from now on.
    async fn named(
        &mut self,
        kind: Kind,
        name: &str,
        now: i64,
        created: &mut Vec<Change>,
    ) -> Result<Name, StoreError> {
        let known = match kind {
            Kind::Product => &mut self.memory.products,
            Kind::Environment => &mut self.memory.environments,
        };
        let folded = fold(name);
        if let Some(name) = known.get(&folded) {
            return Ok(name.clone());
        }
        let name = catalog::ensure(self.database, kind, name, now, created).await?;
        known.put(folded, name.clone());
        Ok(name)
    }

    /// A version, which exists from now on.
    async fn version(
        &mut self,
        product_id: &str,
        version: &str,
        now: i64,
        created: &mut Vec<Change>,
    ) -> Result<Version, StoreError> {
        let versions = &mut self.memory.versions;
        if let Some(known) = versions.get(product_id)
            && known.name == version
        {
            return Ok(known.clone());
        }
        let found =
            catalog::ensure_version(self.database, product_id, version, now, created).await?;
        versions.put(product_id.to_owned(), found.clone());
        Ok(found)
    }

    async fn cell(&mut self, product_id: &str, environment_id: &str) -> Result<Cell, StoreError> {
        let place = (product_id.to_owned(), environment_id.to_owned());
        if let Some(cell) = self.memory.cells.get(&place) {
            return Ok(cell.clone());
        }
        let cell = deployments::cell(self.database, product_id, environment_id).await?;
        self.memory.cells.put(place, cell.clone());
        Ok(cell)
    }

    async fn row(&mut self, id: &str) -> Result<Option<Row>, StoreError> {
        if let Some(row) = self.memory.rows.get(id) {
            return Ok(Some(row.clone()));
        }
        let row = deployments::by_id(self.database, id).await?;
        if let Some(row) = &row {
            self.memory.rows.put(id.to_owned(), row.clone());
        }
        Ok(row)
    }

    /// The newest rows of a version in a cell.
    async fn of_version(&mut self, place: &Place) -> Result<Vec<Row>, StoreError> {
        let key = (place.product_id.clone(), place.environment_id.clone());
        if let Some(newest) = self.memory.newest.get(&key)
            && let Some((version_id, ids)) = &newest.of_version
            && *version_id == place.version_id
        {
            let rows = &self.memory.rows;
            let known: Option<Vec<Row>> = ids.iter().map(|id| rows.get(id).cloned()).collect();
            if let Some(known) = known {
                return Ok(known);
            }
        }
        let found = if self.new_version {
            Vec::new()
        } else {
            deployments::of_version(self.database, place).await?
        };
        self.remember_rows(place, &found);
        Ok(found)
    }

    /// The newest completed deployments of a cell.
    async fn completed(&mut self, place: &Place) -> Result<Vec<Completed>, StoreError> {
        let key = (place.product_id.clone(), place.environment_id.clone());
        if let Some(newest) = self.memory.newest.get(&key)
            && let Some(completed) = &newest.completed
        {
            return Ok(completed.clone());
        }
        let found = deployments::completed(self.database, place).await?;
        self.memory.newest.or_default(key).completed = Some(found.clone());
        Ok(found)
    }
}
