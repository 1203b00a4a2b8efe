//! What the flow asks of the open transaction.

use std::sync::Arc;

use super::super::memory::Name;
use super::super::{Erased, Shown, Touch};
use super::super::{
    Lock, Statements, approvals, builds, buttons, catalog, deployments, erase, evidence,
    exemptions, keys, log, people, prune, queue, rules, secrets, sessions, slack, sources,
    webhooks,
};
use super::Session;
use crate::domain::build::{BuildFacts, BuildRow};
use crate::domain::buttons::Buttons;
use crate::domain::change::{Change, Decision, Details};
use crate::domain::deployment::{Cell, Facts, Place, Row};
use crate::domain::erasure::Erasure;
use crate::domain::keys::{Hashes, KeyInfo};
use crate::domain::naming::{Kind, Named};
use crate::domain::origin::Origin;
use crate::domain::people::Known;
use crate::domain::prune::{Ages, Old, Place as PrunedUpTo};
use crate::domain::queue::{End, Item, Kind as Queued, NewItem, Retention, Which};
use crate::domain::rules::{AllStop, Approval, ApprovalKind, Evidence, Exemption, Questions, Rule};
use crate::domain::run_end::RunEnd;
use crate::domain::scope::{Scope, Scopes};
use crate::domain::sessions::{Hashed, Link, Session as Visit};
use crate::domain::slack::{Code, Slack};
use crate::domain::source::Source;
use crate::domain::webhook::Attempt;
use crate::store::transaction::{Approvable, Envelope, Names, Remembered, RequestKey, Transaction};
use crate::store::{Kept, StoreError};

impl<S: Statements> Transaction for Session<'_, S> {
    async fn claim(
        &mut self,
        actor: &str,
        request: &RequestKey,
    ) -> Result<Option<Remembered>, StoreError> {
        if !log::claim(self.database, actor, request).await? {
            return Ok(None);
        }
        log::remembered(self.database, self.memory, actor, request).await
    }

    async fn ensure(
        &mut self,
        names: Names<'_>,
        now: i64,
    ) -> Result<(Place, Vec<Change>), StoreError> {
        self.database.lock(Lock::NamesAsTheyAre).await?;
        if S::SHARED {
            self.find_together(names).await?;
        }
        let mut created = Vec::new();
        let product = self
            .named(Kind::Product, names.product, now, &mut created)
            .await?;
        let before = created.len();
        let version = self
            .version(&product.id, names.version, now, &mut created)
            .await?;
        let named = created.len();
        self.new_version = named > before;
        let environment = match names.environment {
            Some(name) => {
                self.named(Kind::Environment, name, now, &mut created)
                    .await?
            }
            None => Name::default(),
        };
        let place = Place {
            product_id: product.id,
            environment_id: environment.id,
            version_id: version.id,
            product: product.name,
            environment: environment.name,
            version: names.version.to_owned(),
            environment_created: created.len() > named,
            environment_type: environment.environment_type,
            scm_sha: version.scm_sha,
        };
        Ok((place, created))
    }

    async fn lock(&mut self, place: &Place) -> Result<(), StoreError> {
        if !S::SHARED {
            return Ok(());
        }
        let (product_id, environment_id) = (&place.product_id, &place.environment_id);
        // What was known when this began; whether it still stands turns out under the lock.
        let rules = match &self.memory.policy {
            Some(policy) => policy.rules.clone(),
            None => Transaction::rules(self).await?,
        };
        let of_environment = rules.iter().any(Rule::looks_elsewhere);
        if of_environment {
            self.database
                .lock(Lock::Environment(environment_id))
                .await?;
        }
        let standing = self
            .database
            .lock(Lock::Cell(product_id, environment_id))
            .await?;
        // What was read before the lock may have changed since.
        *self.memory = self.memory.only_last();
        if let Some(standing) = standing {
            self.stand_by_policy(standing).await?;
        }
        let looks_elsewhere = Transaction::rules(self)
            .await?
            .iter()
            .any(Rule::looks_elsewhere);
        if looks_elsewhere && !of_environment {
            return Err(StoreError::CameBetween("a rule".to_owned()));
        }
        Ok(())
    }

    async fn lock_policy(&mut self, names: bool) -> Result<(), StoreError> {
        let mut standing = self.database.lock(Lock::Policy).await?;
        if names {
            standing = self.database.lock(Lock::Names).await?;
        }
        if let Some(standing) = standing {
            self.stand(&standing);
        }
        Ok(())
    }

    fn now(&self, arrived: i64) -> i64 {
        self.now.unwrap_or(arrived)
    }

    async fn rules(&mut self) -> Result<Arc<Vec<Rule>>, StoreError> {
        if let Some(rules) = &self.memory.rules {
            return Ok(rules.clone());
        }
        let rules = Arc::new(rules::all(self.database).await?);
        self.memory.rules = Some(rules.clone());
        Ok(rules)
    }

    async fn exemptions(&mut self) -> Result<Arc<Vec<Exemption>>, StoreError> {
        if let Some(exemptions) = &self.memory.exemptions {
            return Ok(exemptions.clone());
        }
        let exemptions = Arc::new(exemptions::usable(self.database).await?);
        self.memory.exemptions = Some(exemptions.clone());
        Ok(exemptions)
    }

    async fn exemption(&mut self, id: &str) -> Result<Option<Exemption>, StoreError> {
        exemptions::by_id(self.database, id).await
    }

    async fn facts(
        &mut self,
        place: Place,
        span: Option<&str>,
        ends: bool,
    ) -> Result<Facts, StoreError> {
        let span = match span {
            _ if S::SHARED => self.ask_together(&place, span, ends).await?,
            Some(span) => deployments::find_span(self.database, span).await?,
            None => None,
        };
        let cell = self.cell(&place.product_id, &place.environment_id).await?;
        let mut rows = self.of_version(&place).await?;
        for id in deployments::missing(&cell, &rows) {
            rows.extend(self.row(&id).await?);
        }
        let completed = if ends {
            self.completed(&place).await?
        } else {
            Vec::new()
        };
        Ok(Facts::new(place, span, rows, completed, cell))
    }

    async fn build_facts(&mut self, place: &Place) -> Result<BuildFacts, StoreError> {
        builds::facts(self.database, place).await
    }

    async fn deployment_details(&mut self, row: &Row) -> Result<Details, StoreError> {
        let details = deployments::details(self.database, &row.id).await?;
        self.read = Some((row.id.clone(), details.clone()));
        Ok(details)
    }

    async fn build_details(&mut self, row: &BuildRow) -> Result<Details, StoreError> {
        builds::details(self.database, &row.id).await
    }

    async fn deployment(&mut self, id: &str) -> Result<Option<(Row, Cell)>, StoreError> {
        if S::SHARED {
            self.database.lock(Lock::NamesAsTheyAre).await?;
            let Some(row) = deployments::by_id(self.database, id).await? else {
                return Ok(None);
            };
            Transaction::lock(self, &row.place()).await?;
        }
        let Some(row) = self.row(id).await? else {
            return Ok(None);
        };
        let cell = self.cell(&row.product_id, &row.environment_id).await?;
        Ok(Some((row, cell)))
    }

    async fn expired(&mut self, now: i64, limit: i64) -> Result<Vec<Row>, StoreError> {
        deployments::expired(self.database, now, limit).await
    }

    async fn evidence(
        &mut self,
        place: &Place,
        questions: &Questions,
        now: i64,
    ) -> Result<Evidence, StoreError> {
        evidence::find(self.database, place, questions, now).await
    }

    async fn approvable(
        &mut self,
        version_id: &str,
        environment_id: &str,
    ) -> Result<Option<Approvable>, StoreError> {
        approvals::approvable(self.database, version_id, environment_id).await
    }

    async fn ensure_environment(
        &mut self,
        name: &str,
        now: i64,
    ) -> Result<(String, Vec<Change>), StoreError> {
        self.database.lock(Lock::NamesAsTheyAre).await?;
        let mut created = Vec::new();
        let environment = self
            .named(Kind::Environment, name, now, &mut created)
            .await?;
        Ok((environment.id, created))
    }

    async fn product(&mut self, name: &str) -> Result<Option<(String, String)>, StoreError> {
        let found = catalog::find(self.database, Kind::Product, name).await?;
        Ok(found.map(|found| (found.id, found.name)))
    }

    async fn environment(&mut self, name: &str) -> Result<Option<(String, String)>, StoreError> {
        let found = catalog::find(self.database, Kind::Environment, name).await?;
        Ok(found.map(|found| (found.id, found.name)))
    }

    async fn named(&mut self, kind: Kind, id: &str) -> Result<Option<Named>, StoreError> {
        catalog::named(self.database, kind, id).await
    }

    async fn both_in_progress(
        &mut self,
        kind: Kind,
        one: &str,
        other: &str,
    ) -> Result<bool, StoreError> {
        catalog::both_in_progress(self.database, kind, one, other).await
    }

    async fn setting(&mut self, name: &str) -> Result<Option<String>, StoreError> {
        catalog::setting(self.database, name).await
    }

    async fn all_stop(&mut self) -> Result<Option<Arc<AllStop>>, StoreError> {
        if let Some(stop) = &self.memory.stop {
            return Ok(stop.clone());
        }
        let stop = catalog::all_stop(self.database).await?.map(Arc::new);
        self.memory.stop = Some(stop.clone());
        Ok(stop)
    }

    async fn name_made_at(&mut self, newer: i64, since: i64) -> Result<Option<i64>, StoreError> {
        catalog::name_made_at(self.database, newer, since).await
    }

    async fn environments(&mut self) -> Result<Vec<String>, StoreError> {
        catalog::environments(self.database).await
    }

    async fn approvals(
        &mut self,
        version_id: &str,
        kind: ApprovalKind,
        environment_id: &str,
    ) -> Result<Vec<Approval>, StoreError> {
        approvals::standing(self.database, version_id, kind, environment_id).await
    }

    async fn approval(&mut self, id: &str) -> Result<Option<Approval>, StoreError> {
        approvals::by_id(self.database, id).await
    }

    async fn people(&mut self) -> Result<Arc<Vec<Known>>, StoreError> {
        if let Some(people) = &self.memory.people {
            return Ok(people.clone());
        }
        let people = Arc::new(people::read(self.database).await?);
        self.memory.people = Some(people.clone());
        Ok(people)
    }

    async fn keys(&mut self) -> Result<Vec<KeyInfo>, StoreError> {
        let listed = keys::list(self.database).await?;
        Ok(listed.into_iter().map(|(key, _)| key).collect())
    }

    async fn count_keys(&mut self) -> Result<i64, StoreError> {
        keys::count(self.database).await
    }

    async fn key(&mut self, id: &str) -> Result<Option<(KeyInfo, Hashes)>, StoreError> {
        keys::by_id(self.database, id).await
    }

    async fn used_scopes(&mut self, id: &str, since: i64) -> Result<Scopes, StoreError> {
        keys::used_scopes(self.database, id, since).await
    }

    async fn note_use(&mut self, id: &str, scope: Scope, now: i64) -> Result<(), StoreError> {
        keys::note_use(self.database, id, scope, now).await
    }

    async fn find_old(&mut self, from: &PrunedUpTo, ages: &Ages) -> Result<Old, StoreError> {
        prune::find(self.database, from, ages).await
    }

    async fn forget_answers(
        &mut self,
        answers: &[(String, String, String)],
        before: i64,
    ) -> Result<(), StoreError> {
        self.memory.old_answers = None;
        prune::forget_answers(self.database, answers, before).await
    }

    async fn erase(&mut self, erasure: &Erasure) -> Result<Erased, StoreError> {
        *self.memory = self.memory.only_last();
        erase::erase(self.database, erasure).await
    }

    async fn session(&mut self, id: &str) -> Result<Option<Visit>, StoreError> {
        let found = sessions::by_id(self.database, id).await?;
        Ok(found.map(|(session, _)| session))
    }

    async fn note_session(&mut self, id: &str, now: i64) -> Result<(), StoreError> {
        sessions::note_use(self.database, id, now).await
    }

    async fn link(&mut self, id: &str) -> Result<Option<(Link, Vec<u8>)>, StoreError> {
        sessions::link(self.database, id).await
    }

    async fn password(&mut self, person_id: &str) -> Result<Option<Hashed>, StoreError> {
        sessions::password(self.database, person_id).await
    }

    async fn enqueue(&mut self, new: &NewItem, now: i64) -> Result<(String, bool), StoreError> {
        let added = queue::add(self.database, new, now).await?;
        self.memory.touched.note_queued();
        Ok(added)
    }

    async fn claim_queued(
        &mut self,
        which: (Queued, Option<&str>),
        claim: (&str, i64),
        count: i64,
        now: i64,
    ) -> Result<Vec<Item>, StoreError> {
        queue::claim(self.database, which, claim, count, now).await
    }

    async fn end_queued(
        &mut self,
        claim: (&str, &str),
        end: &End,
        now: i64,
    ) -> Result<bool, StoreError> {
        queue::end(self.database, claim, end, now).await
    }

    async fn give_up_queued(&mut self, id: &str, reason: &str, now: i64) -> Result<(), StoreError> {
        queue::give_up(self.database, id, reason, now).await
    }

    async fn note_result(&mut self, id: &str, result: &str) -> Result<(), StoreError> {
        queue::set_result(self.database, id, result).await
    }

    async fn give_queued_back(&mut self, now: i64) -> Result<u64, StoreError> {
        queue::give_back(self.database, now).await
    }

    async fn replay_queued(&mut self, which: &Which, now: i64) -> Result<u64, StoreError> {
        self.memory.touched.note_queued();
        queue::replay(self.database, which, now).await
    }

    async fn drop_queued(&mut self, which: &Which, now: i64) -> Result<u64, StoreError> {
        queue::drop_them(self.database, which, now).await
    }

    async fn forget_queued(&mut self, kept: Retention, now: i64) -> Result<u64, StoreError> {
        if queue::recall(self.database, now).await? > 0 {
            self.memory.touched.note_queued();
        }
        queue::forget(self.database, kept, now).await
    }

    async fn webhook(&mut self, id: &str) -> Result<Option<Kept>, StoreError> {
        webhooks::by_id(self.database, id).await
    }

    async fn note_attempt(&mut self, attempt: &Attempt) -> Result<(), StoreError> {
        webhooks::note_attempt(self.database, attempt).await
    }

    async fn note_success(&mut self, id: &str) -> Result<(), StoreError> {
        webhooks::note_success(self.database, id).await
    }

    async fn note_failure(&mut self, id: &str, now: i64) -> Result<i64, StoreError> {
        webhooks::note_failure(self.database, id, now).await
    }

    async fn advance(&mut self, from: i64, to: i64) -> Result<bool, StoreError> {
        webhooks::advance(self.database, from, to).await
    }

    async fn slack(&mut self) -> Result<Option<Slack>, StoreError> {
        let reached = slack::reached(self.database).await?;
        Ok(reached.map(|reached| reached.slack))
    }

    async fn slack_code(&mut self, hash: &[u8]) -> Result<Option<Code>, StoreError> {
        slack::code(self.database, hash).await
    }

    async fn hold_slack(&mut self, by: &str, until: i64, now: i64) -> Result<bool, StoreError> {
        slack::hold(self.database, by, until, now).await
    }

    async fn follow_slack(
        &mut self,
        part: (i64, i64),
        touches: &[Touch],
        decided: bool,
        now: i64,
    ) -> Result<bool, StoreError> {
        slack::follow(self.database, part, touches, decided, now).await
    }

    async fn post_to_slack(
        &mut self,
        by: &str,
        row: (&str, Option<&str>),
        until: i64,
        now: i64,
    ) -> Result<bool, StoreError> {
        slack::posting(self.database, by, row, until, now).await
    }

    async fn slack_shown(&mut self, by: &str, shown: &Shown) -> Result<bool, StoreError> {
        slack::shown(self.database, by, shown).await
    }

    async fn source(&mut self, id: &str) -> Result<Option<Source>, StoreError> {
        sources::by_id(self.database, id).await
    }

    async fn buttons(&mut self, product_id: &str) -> Result<Buttons, StoreError> {
        buttons::of(self.database, product_id).await
    }

    async fn sealed(&mut self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        secrets::by_name(self.database, name).await
    }

    async fn newest_of_cell(
        &mut self,
        product_id: &str,
        environment_id: &str,
    ) -> Result<Vec<Row>, StoreError> {
        deployments::newest_of_cell(self.database, product_id, environment_id).await
    }

    async fn run_ends(&mut self, run: &Origin) -> Result<Vec<(String, RunEnd)>, StoreError> {
        queue::run_ends(self.database, run).await
    }

    async fn open_of_run(&mut self, invoke_id: &str) -> Result<Vec<Row>, StoreError> {
        deployments::open_of_run(self.database, invoke_id).await
    }

    async fn version_of_commit(
        &mut self,
        product_id: &str,
        sha: &str,
    ) -> Result<Option<String>, StoreError> {
        catalog::version_of_commit(self.database, product_id, sha).await
    }

    async fn commit_of(
        &mut self,
        product_id: &str,
        version: &str,
    ) -> Result<Option<String>, StoreError> {
        catalog::commit_of(self.database, product_id, version).await
    }

    async fn position(&mut self) -> Result<i64, StoreError> {
        log::next(self.database, self.memory).await
    }

    async fn write(&mut self, envelope: &Envelope, decision: &Decision) -> Result<(), StoreError> {
        for change in &decision.changes {
            self.apply(change).await?;
            self.memory.touched.note(change);
        }
        let now = Transaction::now(self, envelope.now);
        log::append(self.database, self.memory, (envelope, now), decision).await
    }
}
