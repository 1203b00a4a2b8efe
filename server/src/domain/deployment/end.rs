//! `completed`, `failed`, `aborted`: what has happened is recorded, whatever the rules say of it.

use serde_json::Value;

use super::draft::{Draft, begin};
use super::response::{Notes, recorded, remembered};
use super::{ABORT_MEMORY, EndedBy, Facts, Gate, Known, Request, Row, State, asking, other_span};
use crate::domain::answer::Refusal;
use crate::domain::change::{Change, Decision};
use crate::domain::rules::{PREFLIGHT_STATUS, Start, evaluate};

/// The row that the event ends or has ended; none if it stands as a deployment of its own.
pub fn find<'a>(request: &Request, facts: &'a Facts) -> Option<&'a Row> {
    let here = |row: &&Row| {
        row.version_id == facts.place.version_id
            && row.product_id == facts.place.product_id
            && row.environment_id == facts.place.environment_id
    };
    if request.span.is_some() {
        let row = facts.span.as_ref().and_then(|span| span.row.as_ref());
        return row.filter(here);
    }
    let origin = &request.origin;
    let mut of_version = facts.rows.iter().filter(here).collect::<Vec<_>>();
    // What is in progress comes before what waits, however new that is.
    of_version.sort_by_key(|row| row.state != State::Started);
    let open = |row: &&&Row| matches!(row.state, State::Started | State::Pending);
    let own = of_version
        .iter()
        .filter(open)
        .find(|row| row.origin.same_run(origin) && !row.origin.is_later_attempt_of(origin));
    let nameless = || {
        of_version
            .iter()
            .filter(open)
            .find(|row| row.origin.unknown_run(origin))
    };
    let guessed = || {
        of_version.iter().find(|row| {
            let guess = row.ended_by.as_ref().is_some_and(EndedBy::is_guess);
            guess && row.origin.same_run(origin) && row.origin.attempts_agree(origin)
        })
    };
    let refused = || {
        of_version.iter().find(|row| {
            let is_last = facts.cell.last_id.as_ref() == Some(&row.id);
            let own = row.origin.same_run(origin) && row.origin.attempts_agree(origin);
            row.state == State::PreflightFailed
                && (own || is_last && row.origin.unknown_run(origin))
        })
    };
    let last = |status: Option<State>| {
        of_version.iter().find(|row| {
            row.state.is_end()
                && status.is_none_or(|status| row.state == status)
                && facts.cell.last_id.as_ref() == Some(&row.id)
                && row.origin.same_run(origin)
                && row.origin.attempts_agree(origin)
        })
    };
    own.or_else(nameless)
        .or_else(guessed)
        // Of a run that was refused once and allowed once, a repeated end is of what was allowed.
        .or_else(|| last(Some(State::of(request.event.status))))
        .or_else(refused)
        .or_else(|| last(None))
        .copied()
        .filter(|row| !other_span(request, row))
}

/// What follows from it.
pub fn decide(request: &Request, known: &Known<'_>, status: State) -> Result<Decision, Refusal> {
    let facts = known.facts;
    if let Some(row) = find(request, facts) {
        return Ok(if row.state.is_end() {
            end_again(request, known, row, status)
        } else {
            end_row(request, known, row, status)
        });
    }
    if status == State::Aborted
        && let Some(span) = &request.span
        && facts.span.as_ref().is_none_or(|span| span.row.is_none())
    {
        return Ok(remember(request, known, span));
    }
    Ok(stand_alone(request, known, status))
}

/// An end before its start: the start, should it come yet, finds that it is over.
fn remember(request: &Request, known: &Known<'_>, span: &str) -> Decision {
    let place = &known.facts.place;
    Decision {
        changes: vec![Change::Span {
            span: span.to_owned(),
            deployment_id: None,
            part: request.event.part().map(str::to_owned),
            aborted_until: Some(known.now + ABORT_MEMORY),
        }],
        answer: remembered(place, span),
        subject: None,
        kind: "deployment.span_aborted",
    }
}

/// Ends an open row, or a part of it.
fn end_row(request: &Request, known: &Known<'_>, row: &Row, status: State) -> Decision {
    let before = row.state;
    let mut draft = Draft::new(request, known, row.clone(), false);
    let mut warnings = request.event.warnings.clone();
    warnings.extend(draft.merge_what_fits(request, known));
    let of_span = known
        .facts
        .span
        .as_ref()
        .and_then(|span| span.part.as_deref());
    let part = request.event.part().or(of_span);
    let row = &mut draft.row;
    let state = match part.filter(|_| before == State::Started && !row.parts.is_empty()) {
        Some(part) => {
            row.parts.insert(part.to_owned(), Some(status));
            let open = row.parts.values().any(Option::is_none);
            (!open).then(|| {
                row.parts
                    .values()
                    .flatten()
                    .fold(status, |a, b| a.worse(*b))
            })
        }
        None => {
            let ended = row
                .parts
                .values()
                .flatten()
                .fold(status, |a, b| a.worse(*b));
            for part in row.parts.values_mut().filter(|part| part.is_none()) {
                *part = Some(status);
            }
            Some(ended)
        }
    };
    let mut verdict = None;
    match state {
        Some(state) => {
            finish_row(request, known, &mut draft, state);
            if before == State::Pending {
                verdict = judge_afterwards(request, known, &mut draft);
            }
        }
        None => {
            row.renew(known.now);
            let open = row.parts.iter().filter(|(_, end)| end.is_none());
            let open: Vec<_> = open.map(|(name, _)| name.as_str()).collect();
            warnings.push(format!("Still in progress: {}", open.join(", ")));
        }
    }
    answer(request, known, draft, verdict, warnings)
}

/// Another end of a row that is over.
fn end_again(request: &Request, known: &Known<'_>, row: &Row, status: State) -> Decision {
    let mut draft = Draft::new(request, known, row.clone(), false);
    let mut warnings = request.event.warnings.clone();
    warnings.extend(draft.merge_what_fits(request, known));
    if row.ended_by.as_ref().is_some_and(EndedBy::is_guess) {
        overlap(known, &mut draft);
        finish_row(request, known, &mut draft, status);
    } else if row.state.worse(status) != row.state {
        warnings.push(format!(
            "This deployment was told to be {} before; the worse of the two stands",
            row.state.as_str()
        ));
        finish_row(request, known, &mut draft, status);
    } else if row.state != status {
        warnings.push(format!(
            "This deployment was told to be {} before, which stands",
            row.state.as_str()
        ));
    }
    answer(request, known, draft, None, warnings)
}

/// A deployment of which only the end was told.
fn stand_alone(request: &Request, known: &Known<'_>, status: State) -> Decision {
    let row = begin(request, known, status, Gate::NotAsked);
    let mut draft = Draft::new(request, known, row, true);
    let mut warnings = request.event.warnings.clone();
    warnings.extend(draft.merge_what_fits(request, known));
    if let Some(other) = known.facts.slot() {
        warnings.push(format!(
            "{} of version {} is still in progress here; this event is not its end and stands \
             as a deployment of its own",
            other.id, other.version
        ));
    }
    if let Some(span) = known.facts.span.as_ref().and_then(|span| span.row.as_ref()) {
        warnings.push(format!(
            "The span belongs to {}, a deployment of another version or to another environment",
            span.id
        ));
        draft.row.span = None;
        draft.after.clear();
    }
    finish_row(request, known, &mut draft, status);
    let verdict = judge_afterwards(request, known, &mut draft);
    answer(request, known, draft, verdict, warnings)
}

/// Gives the row its end, and its place in the order of the cell.
fn finish_row(request: &Request, known: &Known<'_>, draft: &mut Draft, state: State) {
    let row = &mut draft.row;
    let was_completed = row.state == State::Completed;
    let at = request
        .occurred
        .map_or(known.moment(), |at| at.max(row.started_at.unwrap_or(at)));
    row.end(state, None, known.now);
    row.at = at;
    let shown = request.event.completed.map(|time| time.as_microsecond());
    row.deployed_at = (state == State::Completed).then(|| {
        shown
            .unwrap_or(request.occurred.unwrap_or(known.now))
            .min(known.now)
    });
    row.evidence |= request.occurred.is_some() && row.gate.has_started();
    if state == State::Completed {
        become_current(known, draft);
    } else if was_completed && draft.cell.current_id.as_ref() == Some(&draft.row.id) {
        step_down(known, draft);
    }
}

pub fn become_current(known: &Known<'_>, draft: &mut Draft) {
    let (row, cell) = (&draft.row, &mut draft.cell);
    if cell.current_at.is_some_and(|at| at > row.at) || cell.current_id.as_ref() == Some(&row.id) {
        return;
    }
    let before = known
        .facts
        .completed
        .iter()
        .find(|other| other.version_id != row.version_id);
    if let Some(before) = before {
        cell.previous_id = Some(before.id.clone());
    }
    cell.current_id = Some(row.id.clone());
    cell.current_at = Some(row.at);
}

/// The deployment that ran here turns out to have failed: the one before it runs here.
pub fn step_down(known: &Known<'_>, draft: &mut Draft) {
    let cell = &mut draft.cell;
    let before = known
        .facts
        .completed
        .iter()
        .find(|other| other.id != draft.row.id);
    cell.current_id = before.map(|other| other.id.clone());
    cell.current_at = before.map(|other| other.at);
    let version = before.map(|other| &other.version_id);
    let earlier = known
        .facts
        .completed
        .iter()
        .find(|other| other.id != draft.row.id && Some(&other.version_id) != version);
    cell.previous_id = earlier.map(|other| other.id.clone());
}

/// Marks both, if somebody else had the slot after this row was thought to be over.
fn overlap(known: &Known<'_>, draft: &mut Draft) {
    let since = draft.row.position;
    let other = known.facts.cell.last_started_id.as_ref();
    let other = other.and_then(|id| known.facts.row(id));
    let Some(other) = other.filter(|other| other.id != draft.row.id && other.position > since)
    else {
        return;
    };
    draft.row.overlapped = true;
    let message = format!(
        "{} of version {} went on while {} of version {} was in progress",
        draft.row.id, draft.row.version, other.id, other.version
    );
    draft.notice("overlapped", &message);
    let mut other = other.clone();
    other.overlapped = true;
    draft.before.push(Change::Deployment {
        row: Box::new(other),
        details: None,
        new: false,
    });
}

/// What the rules would have said. It blocks nothing: the deployment has taken place.
fn judge_afterwards(request: &Request, known: &Known<'_>, draft: &mut Draft) -> Option<Value> {
    if request.occurred.is_some() || draft.row.state == State::Aborted {
        return None;
    }
    draft.row.gate = Gate::NotAsked;
    Some(report(request, known, draft))
}

/// What the rules would have said, kept with the row.
pub fn report(request: &Request, known: &Known<'_>, draft: &mut Draft) -> Value {
    let start = Start {
        place: &known.facts.place,
        in_progress: known.facts.slot().filter(|other| other.id != draft.row.id),
        evidence: &known.evidence,
        asking: asking(request, known),
        scm_sha: request.event.details.scm_sha.as_deref(),
        exemptions: &[],
        stop: known.stop,
        now: known.now,
    };
    let verdict = evaluate(known.rules, &start).into_report().to_json();
    draft.note(PREFLIGHT_STATUS, verdict.clone());
    verdict
}

fn answer(
    request: &Request,
    known: &Known<'_>,
    draft: Draft,
    verdict: Option<Value>,
    warnings: Vec<String>,
) -> Decision {
    let kind = match draft.row.state {
        State::Completed => "deployment.completed",
        State::Failed => "deployment.failed",
        State::Aborted => "deployment.aborted",
        _ => "deployment.part_ended",
    };
    let notes = Notes {
        verdict: verdict.as_ref(),
        warnings,
        told: request.occurred.is_some(),
    };
    let answer = recorded(&known.facts.place, &draft.row, notes);
    draft.finish(known, answer, kind)
}
