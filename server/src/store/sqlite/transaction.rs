//! The open transaction of the writer.

use std::sync::Arc;

use rusqlite::Connection;

use super::catalog::{self, Catalog};
use super::{approvals, builds, deployments, evidence, log, rules};
use crate::domain::build::{BuildFacts, BuildRow};
use crate::domain::change::{Change, Decision, Details};
use crate::domain::deployment::{Cell, Facts, Place, Row};
use crate::domain::rules::{Approval, Evidence, Questions, Rule};
use crate::store::StoreError;
use crate::store::transaction::{Envelope, Names, Remembered, RequestKey, Transaction};

/// What the writer remembers between transactions. It is the only writer, so this is never stale.
#[derive(Default)]
pub struct Memory {
    /// The rules; `None` if they must be read.
    rules: Option<Arc<Vec<Rule>>>,
    /// The last row of the log; `None` if it must be read.
    pub(super) last: Option<log::Last>,
    /// Whether the version before has left answers; `None` if that must be looked up.
    pub(super) old_answers: Option<bool>,
}

/// An open write transaction.
pub struct Session<'c> {
    connection: &'c Connection,
    memory: &'c mut Memory,
    /// The details that were read last, and of which deployment.
    read: Option<(String, Details)>,
}

impl<'c> Session<'c> {
    /// The transaction that is open on `connection`.
    pub fn new(connection: &'c Connection, memory: &'c mut Memory) -> Session<'c> {
        Session {
            connection,
            memory,
            read: None,
        }
    }

    fn apply(&mut self, change: &Change) -> Result<(), StoreError> {
        let connection = self.connection;
        match change {
            // Made already, because the rest refers to them.
            Change::Product { .. } | Change::Environment { .. } | Change::Version { .. } => Ok(()),
            Change::Commit {
                version_id,
                scm_sha,
                pinned,
            } => catalog::set_commit(connection, version_id, scm_sha, *pinned),
            Change::Build { row, details, new } => builds::write(connection, row, details, *new),
            Change::Deployment { row, details, new } => {
                let known = self.read.take_if(|(id, _)| *id == row.id);
                let known = known.map(|(_, details)| details);
                deployments::write(connection, row, details.as_ref(), known, *new)
            }
            Change::Span {
                span,
                deployment_id,
                part,
                aborted_until,
            } => deployments::write_span(
                connection,
                span,
                deployment_id.as_deref(),
                part.as_deref(),
                *aborted_until,
            ),
            Change::Cell {
                product_id,
                environment_id,
                cell,
            } => deployments::write_cell(connection, product_id, environment_id, cell),
            Change::Rule {
                id,
                definition,
                created_at,
                updated_at,
                ..
            } => {
                self.memory.rules = None;
                rules::write(
                    connection,
                    id,
                    definition.as_ref(),
                    *created_at,
                    *updated_at,
                )
            }
            Change::Approval { .. } => approvals::write(connection, change),
        }
    }
}

impl Transaction for Session<'_> {
    async fn claim(
        &mut self,
        actor: &str,
        request: &RequestKey,
    ) -> Result<Option<Remembered>, StoreError> {
        log::remembered(self.connection, self.memory, actor, request)
    }

    async fn ensure(
        &mut self,
        names: Names<'_>,
        now: i64,
    ) -> Result<(Place, Vec<Change>), StoreError> {
        let mut created = Vec::new();
        let connection = self.connection;
        let (product_id, product) = catalog::ensure(
            connection,
            Catalog::Product,
            names.product,
            now,
            &mut created,
        )?;
        let version_id =
            catalog::ensure_version(connection, &product_id, names.version, now, &mut created)?;
        let named = created.len();
        let (environment_id, environment) = match names.environment {
            Some(name) => {
                catalog::ensure(connection, Catalog::Environment, name, now, &mut created)?
            }
            None => Default::default(),
        };
        let place = Place {
            product_id,
            environment_id,
            version_id,
            product,
            environment,
            version: names.version.to_owned(),
            environment_created: created.len() > named,
        };
        Ok((place, created))
    }

    /// There is one writer.
    async fn lock(&mut self, _: &Place) -> Result<(), StoreError> {
        Ok(())
    }

    async fn rules(&mut self) -> Result<Arc<Vec<Rule>>, StoreError> {
        if let Some(rules) = &self.memory.rules {
            return Ok(rules.clone());
        }
        let rules = Arc::new(rules::read(self.connection)?);
        self.memory.rules = Some(rules.clone());
        Ok(rules)
    }

    async fn facts(
        &mut self,
        place: Place,
        span: Option<&str>,
        ends: bool,
    ) -> Result<Facts, StoreError> {
        deployments::facts(self.connection, place, span, ends)
    }

    async fn build_facts(&mut self, place: &Place) -> Result<BuildFacts, StoreError> {
        builds::facts(self.connection, place)
    }

    async fn deployment_details(&mut self, row: &Row) -> Result<Details, StoreError> {
        let details = deployments::details(self.connection, &row.id)?;
        self.read = Some((row.id.clone(), details.clone()));
        Ok(details)
    }

    async fn build_details(&mut self, row: &BuildRow) -> Result<Details, StoreError> {
        builds::details(self.connection, &row.id)
    }

    async fn deployment(&mut self, id: &str) -> Result<Option<(Row, Cell)>, StoreError> {
        let Some(row) = deployments::by_id(self.connection, id)? else {
            return Ok(None);
        };
        let cell = deployments::cell(self.connection, &row.product_id, &row.environment_id)?;
        Ok(Some((row, cell)))
    }

    async fn expired(&mut self, now: i64, limit: i64) -> Result<Vec<Row>, StoreError> {
        deployments::expired(self.connection, now, limit)
    }

    async fn evidence(
        &mut self,
        place: &Place,
        questions: &Questions,
    ) -> Result<Evidence, StoreError> {
        evidence::find(self.connection, place, questions)
    }

    async fn version_exists(&mut self, id: &str) -> Result<bool, StoreError> {
        catalog::version_exists(self.connection, id)
    }

    async fn ensure_environment(
        &mut self,
        name: &str,
        now: i64,
    ) -> Result<(String, Vec<Change>), StoreError> {
        let mut created = Vec::new();
        let (id, _) = catalog::ensure(
            self.connection,
            Catalog::Environment,
            name,
            now,
            &mut created,
        )?;
        Ok((id, created))
    }

    async fn environments(&mut self) -> Result<Vec<String>, StoreError> {
        catalog::environments(self.connection)
    }

    async fn approval(
        &mut self,
        wanted: &Approval,
        environment_id: &str,
    ) -> Result<Option<Approval>, StoreError> {
        approvals::find(self.connection, wanted, environment_id)
    }

    async fn position(&mut self) -> Result<i64, StoreError> {
        Ok(log::last(self.connection, self.memory)?.position + 1)
    }

    async fn write(&mut self, envelope: &Envelope, decision: &Decision) -> Result<(), StoreError> {
        for change in &decision.changes {
            self.apply(change)?;
        }
        log::append(self.connection, self.memory, envelope, decision)
    }
}
