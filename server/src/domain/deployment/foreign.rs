//! What somebody else's system tells of a deployment: history, in whatever order it comes.
//!
//! If the run has told of itself here, its own row stands. Otherwise its events are one row, and every order
//! of them ends in the same one: an end counts more than what comes before it, of two ends the later one,
//! of two at the same time the worse by [`rank`].

use super::draft::{Draft, begin};
use super::end::{become_current, report, step_down};
use super::response::{Notes, recorded};
use super::{EndedBy, Facts, Gate, Known, Request, Row, State};
use crate::domain::answer::Refusal;
use crate::domain::change::{Change, Decision};
use crate::domain::event::{GITHUB_DEPLOYMENT, PART};

/// The row whose details are needed.
pub fn find<'a>(request: &Request, facts: &'a Facts) -> Option<&'a Row> {
    own(request, facts).or_else(|| told(request, facts))
}

/// Whether a row is of the run that the event tells of, in the same attempt.
pub fn is_of_run(request: &Request, row: &Row) -> bool {
    let origin = &request.origin;
    (row.origin.same_run(origin) || row.origin.same_job(origin))
        && row.origin.attempts_agree(origin)
}

fn own<'a>(request: &Request, facts: &'a Facts) -> Option<&'a Row> {
    let own = |row: &&Row| row.gate != Gate::Told && is_here(row, facts) && is_of_run(request, row);
    facts.rows.iter().find(own)
}

fn told<'a>(request: &Request, facts: &'a Facts) -> Option<&'a Row> {
    let told =
        |row: &&Row| row.gate == Gate::Told && is_here(row, facts) && is_of_run(request, row);
    facts.rows.iter().find(told)
}

fn is_here(row: &Row, facts: &Facts) -> bool {
    row.product_id == facts.place.product_id && row.environment_id == facts.place.environment_id
}

/// What follows from the event.
pub fn decide(request: &Request, known: &Known<'_>) -> Result<Decision, Refusal> {
    let facts = known.facts;
    if let Some(own) = own(request, facts) {
        return heard(request, known, own).unwrap_or_else(|| Ok(joined(request, known, own)));
    }
    let status = State::of(request.event.status);
    let at = request.occurred.unwrap_or(known.now);
    let found = told(request, facts);
    let before = found.map(|row| row.state);
    let row = match found {
        Some(row) => row.clone(),
        None => begin(request, known, status, Gate::Told),
    };
    let was_current = before == Some(State::Completed);
    let row = merged(row, (status, at), found.is_none(), known.now);
    let mut draft = Draft::new(request, known, row, found.is_none());
    let warning = draft.merge_what_fits(request, known);
    draft.row.deployed_at = (draft.row.state == State::Completed).then_some(draft.row.at);
    if draft.row.state == State::Completed {
        if draft.cell.current_id.as_ref() == Some(&draft.row.id) {
            draft.cell.current_at = Some(draft.row.at);
        }
        become_current(known, &mut draft);
    } else if was_current && draft.cell.current_id.as_ref() == Some(&draft.row.id) {
        step_down(known, &mut draft);
    }
    let is_judged = matches!(before, None | Some(State::Pending))
        && !matches!(status, State::Pending | State::Aborted);
    let verdict = is_judged.then(|| report(request, known, &mut draft));
    let notes = Notes {
        verdict: verdict.as_ref(),
        warnings: warning.into_iter().collect(),
        told: true,
    };
    let answer = recorded(&facts.place, &draft.row, notes);
    let kind = match status {
        State::Completed => "deployment.completed",
        State::Failed => "deployment.failed",
        State::Aborted => "deployment.aborted",
        State::Pending => "deployment.pending",
        _ => "deployment.started",
    };
    Ok(draft.finish(known, answer, kind))
}

/// Of equal times the order of these decides.
const fn rank(state: State) -> u8 {
    match state {
        State::Pending => 0,
        State::PreflightFailed | State::Started => 1,
        State::Aborted => 2,
        State::Failed => 3,
        State::Completed => 4,
    }
}

/// The row with what was told of it.
fn merged(mut row: Row, (status, at): (State, i64), new: bool, now: i64) -> Row {
    row.updated_at = now;
    if status == State::Started {
        row.started_at = Some(row.started_at.map_or(at, |known| known.min(at)));
    }
    let guessed = row.ended_by.as_ref().is_some_and(EndedBy::is_guess);
    let counts = match (row.state.is_end() && !guessed, status.is_end()) {
        (false, true) => true,
        (true, true) => (at, rank(status)) > (row.at, rank(row.state)),
        (true, false) => false,
        (false, false) if guessed => false,
        (false, false) => rank(status) > rank(row.state),
    };
    if new || counts {
        row.state = status;
        row.at = at;
        row.ended_by = None;
    } else if status == row.state && !status.is_end() {
        row.at = row.at.min(at);
    }
    match row.state {
        state if state.is_end() => row.expires_at = None,
        State::Started => {
            row.lease = super::EXPIRY;
            row.renew(now);
        }
        _ => row.renew(now),
    }
    row
}

/// What is told of a deployment whose job has waited here for a verdict: nobody else tells of it, unless the
/// run has a client of its own. `None` if it changes nothing.
fn heard(request: &Request, known: &Known<'_>, own: &Row) -> Option<Result<Decision, Refusal>> {
    let said = request.event.extra_metadata.get(GITHUB_DEPLOYMENT);
    let said = said.and_then(|said| said.as_str());
    let other = said.is_some_and(|said| !own.parts.is_empty() && !own.parts.contains_key(said));
    if !own.is_gate() || other {
        return None;
    }
    let mut told = Request {
        span: None,
        occurred: None,
        foreign: false,
        ..request.clone()
    };
    if let Some(said) = said.filter(|said| own.parts.contains_key(*said)) {
        let members = &mut told.event.extra_metadata;
        members.insert(PART.to_owned(), said.into());
    }
    match State::of(request.event.status) {
        status if status.is_end() => Some(super::end::decide(&told, known, status)),
        State::Started if own.state == State::Started => {
            let mut draft = Draft::new(&told, known, own.clone(), false);
            draft.row.renew(known.now);
            let answer = recorded(&known.facts.place, &draft.row, Notes::default());
            Some(Ok(draft.finish(known, answer, "deployment.started")))
        }
        _ => None,
    }
}

/// The run has told of itself: its row stands as it is, and what was told of it before that is over.
fn joined(request: &Request, known: &Known<'_>, own: &Row) -> Decision {
    let facts = known.facts;
    let open = told(request, facts).filter(|row| !row.state.is_end());
    let changes = open.map(|row| {
        let mut row = row.clone();
        row.end(State::Aborted, Some(EndedBy::RunEnded), known.now);
        Change::Deployment {
            row: Box::new(row),
            details: None,
            new: false,
        }
    });
    let warning = format!(
        "The run has told of this itself; {} stands as it is",
        own.id
    );
    let notes = Notes {
        verdict: None,
        warnings: vec![warning],
        told: true,
    };
    Decision {
        changes: changes.into_iter().collect(),
        answer: recorded(&facts.place, own, notes),
        subject: Some(own.id.clone()),
        kind: "deployment.told",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn row() -> Row {
        Row {
            id: "d".to_owned(),
            position: 1,
            product_id: String::new(),
            environment_id: String::new(),
            version_id: String::new(),
            version: String::new(),
            state: State::Pending,
            gate: Gate::Told,
            exclusive: false,
            origin: Default::default(),
            span: None,
            parts: Default::default(),
            deployed_by: None,
            asked_by: None,
            asked: None,
            asks: 0,
            refused_by: None,
            ended_by: None,
            overlapped: false,
            evidence: false,
            created_at: 0,
            updated_at: 0,
            started_at: None,
            at: 0,
            deployed_at: None,
            expires_at: None,
            lease: 0,
        }
    }

    fn after(events: &[(State, i64)]) -> (State, i64, Option<i64>) {
        let mut folded = row();
        for (number, event) in events.iter().enumerate() {
            folded = merged(folded, *event, number == 0, 100);
        }
        (folded.state, folded.at, folded.started_at)
    }

    fn events() -> impl Strategy<Value = Vec<(State, i64)>> {
        let state = prop::sample::select(vec![
            State::Pending,
            State::Started,
            State::Aborted,
            State::Failed,
            State::Completed,
        ]);
        prop::collection::vec((state, 1..4_i64), 1..7)
    }

    proptest! {
        #[test]
        // Any order comes from any other by such changes.
        fn neighbours_in_the_order_of_arrival_can_change_places(events in events(), at in 0..6_usize) {
            let mut swapped = events.clone();
            let at = at % events.len();
            let other = (at + 1) % events.len();
            swapped.swap(at, other);
            prop_assert_eq!(after(&swapped), after(&events));
        }
    }
}
