//! What each change of a decision writes.

use super::super::{
    Statements, approvals, builds, buttons, catalog, deployments, exemptions, keys, merge, people,
    prune, rules, secrets, sessions, slack, sources, webhooks,
};
use super::Session;
use crate::domain::change::Change;
use crate::domain::sessions::Link;
use crate::store::StoreError;

impl<S: Statements> Session<'_, S> {
    /// Makes a change.
    pub async fn apply(&mut self, change: &Change) -> Result<(), StoreError> {
        let database = self.database;
        match change {
            // Made already, because the rest refers to them.
            Change::Product { .. } | Change::Environment { .. } | Change::Version { .. } => Ok(()),
            Change::Commit {
                version_id,
                scm_sha,
                pinned,
            } => {
                let known = self.memory.versions.values_mut();
                for version in known.filter(|version| version.id == *version_id) {
                    version.scm_sha = Some(scm_sha.clone());
                }
                catalog::set_commit(database, version_id, scm_sha, *pinned).await
            }
            Change::Named {
                kind,
                named,
                before,
            } => {
                *self.memory = self.memory.only_last();
                catalog::write_named(database, *kind, named, before).await
            }
            Change::Merged { kind, from, into } => {
                *self.memory = self.memory.only_last();
                merge::merge(database, *kind, from, into).await?;
                // An old database makes one of two before it has a table of these.
                buttons::merge(database, *kind, from, into).await
            }
            Change::Key { key, hashes, .. } => keys::write(database, key, hashes.as_ref()).await,
            Change::Setting { name, value, .. } => {
                self.memory.stop = None;
                // One of them holds the queues.
                self.memory.touched.note_queued();
                catalog::set(database, name, value).await
            }
            Change::Build { row, details, new } => {
                builds::write(database, row, details, *new).await
            }
            Change::Deployment { row, details, new } => {
                let known = self.read.take_if(|(id, _)| *id == row.id);
                let known = known.map(|(_, details)| details);
                deployments::write(database, row, details.as_ref(), known, *new).await?;
                let place = (row.product_id.clone(), row.environment_id.clone());
                if let Some(newest) = self.memory.newest.get_mut(&place) {
                    newest.note(row, *new);
                }
                let row = deployments::as_stored(row);
                self.memory.rows.put(row.id.clone(), row);
                Ok(())
            }
            Change::Span {
                span,
                deployment_id,
                part,
                aborted_until,
            } => {
                deployments::write_span(
                    database,
                    span,
                    deployment_id.as_deref(),
                    part.as_deref(),
                    *aborted_until,
                )
                .await
            }
            Change::Cell {
                product_id,
                environment_id,
                cell,
            } => {
                deployments::write_cell(database, product_id, environment_id, cell).await?;
                let place = (product_id.clone(), environment_id.clone());
                self.memory.cells.put(place, cell.clone());
                Ok(())
            }
            Change::Rule {
                id,
                definition,
                created_at,
                updated_at,
                ..
            } => {
                self.memory.rules = None;
                rules::write(database, id, definition.as_ref(), *created_at, *updated_at).await
            }
            Change::Exemption {
                exemption, before, ..
            } => {
                self.memory.exemptions = None;
                if S::SHARED
                    && let Some(before) = before
                {
                    exemptions::expect(database, before).await?;
                }
                exemptions::write(database, exemption).await
            }
            Change::Pruned {
                deployments,
                builds,
                ..
            } => {
                *self.memory = self.memory.only_last();
                prune::take(database, deployments, builds).await
            }
            // What it says was done before: the row of the log has to say what came of it.
            Change::Notice { .. } | Change::Erased { .. } => Ok(()),
            Change::Approval { approval, .. } => approvals::write(database, approval).await,
            Change::Person {
                person, identities, ..
            } => {
                self.memory.people = None;
                people::write(database, person, identities.as_deref()).await
            }
            // Without what the log leaves out there is nothing to write.
            Change::SessionBegun { kept, .. } => match kept.as_deref() {
                Some((session, hash)) => sessions::begin(database, session, hash).await,
                None => Ok(()),
            },
            Change::SessionsEnded { person_id, only } => {
                sessions::end(database, person_id, only.as_deref()).await
            }
            Change::Link {
                id,
                person_id,
                expires_at,
                used,
                hash,
            } => {
                let link = Link {
                    id: id.clone(),
                    person_id: person_id.clone(),
                    expires_at: *expires_at,
                    used: *used,
                };
                sessions::write_link(database, &link, hash.as_deref()).await
            }
            Change::Buttons {
                product_id,
                buttons,
                ..
            } => buttons::write(database, product_id, buttons).await,
            Change::Source { source, .. } => sources::write(database, source).await,
            Change::Secret {
                name,
                fingerprint,
                sealed,
            } => match (fingerprint, sealed) {
                (Some(_), None) => Ok(()),
                (_, sealed) => secrets::write(database, name, sealed.as_deref()).await,
            },
            Change::Webhook { webhook, .. } => webhooks::write(database, webhook).await,
            Change::Slack { slack, .. } => slack::write(database, slack.as_deref()).await,
            Change::SlackCode { code: None, .. } => Ok(()),
            Change::SlackCode {
                made,
                code: Some(code),
            } => match made {
                true => slack::add_code(database, code).await,
                false => slack::forget_codes(database, &code.team, &code.user).await,
            },
            Change::Password {
                person_id,
                set,
                hashed,
            } => match (set, hashed) {
                (true, None) => Ok(()),
                (_, hashed) => sessions::set_password(database, person_id, hashed.as_ref()).await,
            },
        }
    }
}
