//! Whatever arrives, in whatever order: the promises of a cell hold.

use std::collections::{BTreeMap, HashMap};

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use serde_json::{Map, json};
use versioner::Status;

use super::{
    Cell, Completed, EndedBy, Facts, Gate, Known, Place, Request, Row, SpanFact, State, decide,
    expire, occurred, target,
};
use crate::domain::change::{Change, Details};
use crate::domain::event::{DeploymentDetails, DeploymentEvent};
use crate::domain::rules::Evidence;

const SECOND: i64 = 1_000_000;

/// One event, and how long after the one before it arrives.
#[derive(Debug, Clone)]
struct Step {
    status: Status,
    run: Option<&'static str>,
    attempt: u32,
    part: Option<&'static str>,
    span: Option<&'static str>,
    version: &'static str,
    environment: &'static str,
    keyed: bool,
    told: Option<i64>,
    pause: i64,
    sweep: bool,
}

fn step() -> impl Strategy<Value = Step> {
    let pick = prop::sample::select::<Option<&'static str>>;
    (
        (
            prop::sample::select(Status::ALL.to_vec()),
            pick(vec![None, Some("A"), Some("A"), Some("B")]),
            1..3_u32,
            pick(vec![None, None, Some("eu"), Some("us")]),
            pick(vec![None, None, Some("s1"), Some("s2"), Some("s3")]),
        ),
        (
            prop::sample::select(vec!["1", "1", "2"]),
            prop::sample::select(vec!["prod", "prod", "test"]),
            any::<bool>(),
            prop::option::weighted(0.15, 0..(48 * 3600 * SECOND)),
            prop::sample::select(vec![
                0,
                SECOND,
                200 * SECOND,
                13 * 3600 * SECOND,
                25 * 3600 * SECOND,
                -3600 * SECOND,
            ]),
            prop::bool::weighted(0.1),
        ),
    )
        .prop_map(
            |(
                (status, run, attempt, part, span),
                (version, environment, keyed, told, pause, sweep),
            )| Step {
                status,
                run,
                attempt,
                part,
                span,
                version,
                environment,
                keyed,
                told,
                pause,
                sweep,
            },
        )
}

/// The deployment of a span, its part, and until when its abort is remembered.
type Span = (Option<String>, Option<String>, Option<i64>);

/// An account, as far as deployments need it, in memory.
#[derive(Debug, Default)]
struct Model {
    rows: BTreeMap<String, Row>,
    spans: HashMap<String, Span>,
    cells: HashMap<String, Cell>,
    position: i64,
    now: i64,
}

fn event(step: &Step) -> DeploymentEvent {
    let mut metadata = Map::new();
    metadata.insert("vi_gh_job".to_owned(), json!("deploy"));
    metadata.insert(
        "vi_gh_run_attempt".to_owned(),
        json!(step.attempt.to_string()),
    );
    if let Some(part) = step.part {
        metadata.insert("vi_part".to_owned(), json!(part));
    }
    DeploymentEvent {
        product_name: "api".to_owned(),
        version: step.version.to_owned(),
        environment_name: step.environment.to_owned(),
        status: step.status,
        invoke_id: step.run.map(str::to_owned),
        deployed_by: None,
        skip_preflight_checks: false,
        details: DeploymentDetails::default(),
        extra_metadata: metadata,
        completed: None,
        warnings: Vec::new(),
    }
}

impl Model {
    fn facts(&self, step: &Step) -> Facts {
        let place = Place {
            product_id: "api".to_owned(),
            environment_id: step.environment.to_owned(),
            version_id: step.version.to_owned(),
            environment: step.environment.to_owned(),
            ..Place::default()
        };
        let cell = self
            .cells
            .get(step.environment)
            .cloned()
            .unwrap_or_default();
        let of_cell = [&cell.last_id, &cell.last_started_id].into_iter().flatten();
        let named: Vec<_> = of_cell.chain(&cell.in_progress).cloned().collect();
        let here = |row: &&Row| row.environment_id == step.environment;
        let mut rows: Vec<Row> = self
            .rows
            .values()
            .filter(here)
            .filter(|row| row.version_id == step.version || named.contains(&row.id))
            .cloned()
            .collect();
        rows.sort_by_key(|row| std::cmp::Reverse(row.position));
        let completed = self.rows.values().filter(here);
        let mut completed: Vec<_> = completed
            .filter(|row| row.state == State::Completed)
            .collect();
        completed.sort_by_key(|row| std::cmp::Reverse((row.at, row.position)));
        let completed = completed.into_iter().map(|row| Completed {
            id: row.id.clone(),
            version_id: row.version_id.clone(),
            at: row.at,
        });
        Facts {
            place,
            span: step.span.and_then(|span| {
                let (id, part, aborted_until) = self.spans.get(span)?;
                Some(SpanFact {
                    row: id.as_ref().map(|id| self.rows[id].clone()),
                    part: part.clone(),
                    aborted_until: *aborted_until,
                })
            }),
            rows,
            completed: completed.collect(),
            cell,
        }
    }

    fn apply(&mut self, changes: &[Change]) {
        for change in changes {
            match change {
                Change::Deployment { row, .. } => {
                    self.rows.insert(row.id.clone(), (**row).clone());
                }
                Change::Span {
                    span,
                    deployment_id,
                    part,
                    aborted_until,
                } => {
                    let fact = (deployment_id.clone(), part.clone(), *aborted_until);
                    self.spans.insert(span.clone(), fact);
                }
                Change::Cell {
                    environment_id,
                    cell,
                    ..
                } => {
                    self.cells.insert(environment_id.clone(), cell.clone());
                }
                Change::Notice { .. } => {}
                other => panic!("{other:?}"),
            }
        }
        self.position += 1;
    }

    /// The event arrives; checks what it may do.
    fn take(&mut self, step: &Step) {
        self.now += step.pause;
        if step.sweep {
            self.sweep();
        }
        let facts = self.facts(step);
        let occurred = step.told.map(|ago| {
            let instant = |at| jiff::Timestamp::from_microsecond(at).unwrap();
            occurred(instant(self.now - ago), None, instant(self.now), false)
        });
        let event = event(step);
        let request = Request {
            origin: event.origin(),
            span: step.span.map(str::to_owned),
            has_key: step.keyed,
            actor: "key:k1".to_owned(),
            owner: None,
            fingerprint: format!("{event:?}"),
            event,
            occurred,
            history: false,
            foreign: false,
        };
        let details = target(&request, &facts, self.now).map(|_| Details::default());
        let known = Known {
            facts: &facts,
            details,
            rules: &[],
            evidence: Evidence::default(),
            exemptions: &[],
            stop: None,
            now: self.now,
            new_id: format!("d{}", self.position),
            position: self.position,
        };
        let is_end = State::of(step.status).is_end();
        let decision = match decide(&request, &known) {
            Ok(decision) => decision,
            Err(refusal) => {
                assert!(!is_end, "an end is lost: {refusal:?}");
                return;
            }
        };
        let before = self.rows.clone();
        self.apply(&decision.changes);
        for (id, row) in &self.rows {
            if let Some(old) = before.get(id) {
                check_move(old, row);
                check_owner(&request, step, &facts, old, row);
            }
        }
        if is_end {
            self.check_kept(step, decision.subject.as_deref(), &before);
        }
        self.check_cells();
    }

    fn sweep(&mut self) {
        let ids: Vec<String> = self.rows.keys().cloned().collect();
        for id in ids {
            let row = &self.rows[&id];
            let cell = self
                .cells
                .get(&row.environment_id)
                .cloned()
                .unwrap_or_default();
            if let Some(decision) = expire(row, &cell, self.now) {
                self.apply(&decision.changes);
            }
        }
        self.check_cells();
    }

    /// An end is in the row that it was answered with.
    fn check_kept(&self, step: &Step, id: Option<&str>, before: &BTreeMap<String, Row>) {
        let status = State::of(step.status);
        let Some(id) = id else {
            let remembered = step.span.and_then(|span| self.spans.get(span));
            assert!(status == State::Aborted && remembered.is_some_and(|it| it.2.is_some()));
            return;
        };
        let row = &self.rows[id];
        let in_part = row.parts.values().any(|end| *end == Some(status));
        let whole = row.state.is_end() && row.state.worse(status) == row.state;
        assert!(
            in_part || whole,
            "{status:?} is lost in {row:?}, which was {:?}",
            before.get(id)
        );
    }

    fn check_cells(&self) {
        for environment in ["prod", "test"] {
            let rows: Vec<&Row> = self
                .rows
                .values()
                .filter(|row| row.environment_id == environment)
                .collect();
            let going: Vec<&str> = rows
                .iter()
                .filter(|row| row.in_progress())
                .map(|row| row.id.as_str())
                .collect();
            assert!(going.len() <= 1, "in progress at once: {going:?}");
            let Some(cell) = self.cells.get(environment) else {
                assert!(rows.is_empty());
                continue;
            };
            assert_eq!(cell.in_progress, going);
            let newest = rows
                .iter()
                .filter(|row| row.state == State::Completed)
                .map(|row| row.at)
                .max();
            let current = cell.current_id.as_ref().map(|id| &self.rows[id]);
            assert_eq!(current.map(|row| row.at), newest, "{cell:?}");
            assert!(current.is_none_or(|row| row.state == State::Completed));
        }
    }
}

fn rank(state: State) -> u8 {
    match state {
        State::Pending => 0,
        State::PreflightFailed => 1,
        State::Started => 2,
        _ => 3,
    }
}

/// A row goes forward; an end gives way only to a worse one, or if it was a guess.
fn check_move(old: &Row, new: &Row) {
    assert!(
        rank(old.state) <= rank(new.state),
        "{old:?} went back to {new:?}"
    );
    if old.state.is_end() {
        let guess = old.ended_by.as_ref().is_some_and(EndedBy::is_guess);
        assert!(
            guess || old.state.worse(new.state) == new.state,
            "{old:?} became {new:?}"
        );
    }
    for (part, end) in &old.parts {
        assert!(new.parts.contains_key(part));
        assert!(end.is_none() || new.parts[part].is_some());
    }
}

/// Only events of its own run, or of its span, change a row; a guess is nobody's event.
fn check_owner(request: &Request, step: &Step, facts: &Facts, old: &Row, new: &Row) {
    let told = (old.state, old.gate, &old.parts, &old.span, old.asks);
    if told == (new.state, new.gate, &new.parts, &new.span, new.asks) {
        return;
    }
    let origin = &request.origin;
    let of_span = facts.span.as_ref().and_then(|span| span.row.as_ref());
    let own_span = step.span.is_some() && of_span.is_some_and(|row| row.id == old.id);
    let own_run = old.version_id == step.version
        && (old.origin.same_run(origin) || old.origin.unknown_run(origin));
    let expired = new.ended_by == Some(EndedBy::Expiry);
    let newer = new.ended_by == Some(EndedBy::NewerAttempt) && old.origin.same_run(origin);
    assert!(
        own_span || own_run || expired || newer,
        "{step:?} changed {old:?} to {new:?}"
    );
    let is_end = State::of(step.status).is_end();
    if is_end && step.span.is_some() {
        assert!(own_span, "an end with a span ended another's row: {old:?}");
    }
    let begun = !matches!(old.state, State::Pending | State::PreflightFailed);
    assert!(old.gate != Gate::Told || new.gate == Gate::Told || !begun);
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2000,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(1),
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_promises_of_a_cell_hold(steps in prop::collection::vec(step(), 1..24)) {
        let mut model = Model { now: 1_700_000_000 * SECOND, ..Model::default() };
        for step in &steps {
            model.take(step);
        }
    }
}
