//! `started`: a deployment asks whether it may go on.

use serde_json::json;

use super::draft::{Draft, begin};
use super::response::{Notes, aborted_before, recorded, rejected};
use super::{
    EXPIRY, EndedBy, Facts, Gate, Known, RETRY_WINDOW, Request, Row, State, asking, other_span,
};
use crate::domain::answer::{Refusal, Verdict};
use crate::domain::change::{Change, Decision};
use crate::domain::gate;
use crate::domain::rules::{PREFLIGHT_STATUS, Preflight, Start, evaluate, expiry};
use crate::domain::time::rfc3339;

/// The member of the metadata that says why the checks are skipped.
const SKIP_REASON: &str = "vi_skip_reason";

/// What a start is to the rows that are there.
enum Case<'a> {
    /// It repeats the start of a row in progress.
    Again(&'a Row),
    /// It is another part of a row in progress.
    Joins(&'a Row, &'a str),
    /// It asks for a row that waits or was refused.
    Continues(&'a Row),
    /// It asks for a new row.
    New,
    /// Its span was aborted before.
    Aborted,
    /// Its span belongs to a row that is over.
    Over(&'a Row),
    /// Its span belongs to another deployment.
    Elsewhere(&'a Row),
}

/// The row whose details are needed.
pub fn find<'a>(request: &'a Request, facts: &'a Facts, now: i64) -> Option<&'a Row> {
    match case(request, facts, now) {
        Case::Again(row) | Case::Joins(row, _) | Case::Continues(row) => Some(row),
        _ => None,
    }
}

fn case<'a>(request: &'a Request, facts: &'a Facts, now: i64) -> Case<'a> {
    let version_id = &facts.place.version_id;
    if let Some(span) = &facts.span {
        if let Some(row) = &span.row {
            let here = row.version_id == *version_id
                && row.product_id == facts.place.product_id
                && row.environment_id == facts.place.environment_id;
            return match row.state {
                _ if !here => Case::Elsewhere(row),
                State::Started if !row.is_expired(now) => Case::Again(row),
                State::Pending | State::PreflightFailed => Case::Continues(row),
                _ => Case::Over(row),
            };
        }
        if span.aborted_until.is_some_and(|until| now < until) {
            return Case::Aborted;
        }
    }
    let origin = &request.origin;
    let slot = facts.slot().filter(|row| !row.is_expired(now));
    if let Some(row) = slot.filter(|_| request.occurred.is_none()) {
        let retry = request.span.is_none()
            && !request.has_key
            && row.asked_by.as_ref() == Some(&request.actor)
            && row.asked.as_ref() == Some(&request.fingerprint)
            && row.started_at.is_some_and(|at| now - at < RETRY_WINDOW);
        if retry {
            return Case::Again(row);
        }
        if let Some(part) = request.event.part()
            && row.version_id == *version_id
            && row.origin.same_run(origin)
            && row.origin.same_round(origin)
            && !row.parts.is_empty()
            && !row.parts.contains_key(part)
        {
            return Case::Joins(row, part);
        }
        // The run was let go on as a whole, and now tells of itself.
        if row.is_gate()
            && row.version_id == *version_id
            && row.origin.same_run(origin)
            && row.origin.attempts_agree(origin)
        {
            return Case::Again(row);
        }
    }
    let asked_before = facts.rows.iter().find(|row| {
        let waits = row.state == State::Pending
            && !other_span(request, row)
            && (row.origin.same_run(origin) || row.origin.unknown_run(origin));
        let refused = row.state == State::PreflightFailed && row.origin.same_run(origin);
        row.version_id == *version_id && (waits || refused)
    });
    asked_before.map_or(Case::New, Case::Continues)
}

/// What follows from it.
pub fn decide(request: &Request, known: &Known<'_>) -> Result<Decision, Refusal> {
    let (facts, now) = (known.facts, known.now);
    match case(request, facts, now) {
        Case::Again(row) => Ok(again(request, known, row)),
        Case::Joins(row, part) => join(request, known, row, part),
        Case::Continues(row) => ask(request, known, row.clone(), false),
        Case::New => {
            let row = begin(request, known, State::Started, Gate::Allowed);
            ask(request, known, row, true)
        }
        Case::Aborted => Ok(aborted(request, known)),
        Case::Over(row) => {
            let state = if row.state.is_end() {
                row.state.as_str()
            } else {
                "expired"
            };
            let msg = format!(
                "This span belongs to a deployment that has ended ({state}); begin another one"
            );
            Err(Refusal::header("Versioner-Span", "span_ended", msg))
        }
        Case::Elsewhere(row) => {
            let msg = format!(
                "This span belongs to another deployment, {} of version {}; a span is one \
                 deployment of one version to one environment",
                row.id, row.version
            );
            Err(Refusal::header("Versioner-Span", "span_elsewhere", msg))
        }
    }
}

fn again(request: &Request, known: &Known<'_>, row: &Row) -> Decision {
    let mut draft = Draft::new(request, known, row.clone(), false);
    draft.row.renew(known.now);
    let verdict = known
        .details
        .as_ref()
        .and_then(|details| details.metadata.get(PREFLIGHT_STATUS));
    let notes = Notes {
        verdict,
        ..Notes::default()
    };
    let answer = recorded(&known.facts.place, &draft.row, notes);
    draft.finish(known, answer, "deployment.started")
}

fn join(request: &Request, known: &Known<'_>, row: &Row, part: &str) -> Result<Decision, Refusal> {
    let mut draft = Draft::new(request, known, row.clone(), false);
    draft.row.parts.insert(part.to_owned(), None);
    draft.row.renew(known.now);
    draft.merge_or_refuse(request, known)?;
    let verdict = known
        .details
        .as_ref()
        .and_then(|details| details.metadata.get(PREFLIGHT_STATUS));
    if let Some(verdict) = verdict {
        draft.note(PREFLIGHT_STATUS, verdict.clone());
    }
    let notes = Notes {
        verdict,
        ..Notes::default()
    };
    let answer = recorded(&known.facts.place, &draft.row, notes);
    Ok(draft.finish(known, answer, "deployment.joined"))
}

fn aborted(request: &Request, known: &Known<'_>) -> Decision {
    let row = begin(request, known, State::Aborted, Gate::Refused);
    let draft = Draft::new(request, known, row, true);
    let answer = aborted_before(&draft.row);
    draft.finish(known, answer, "deployment.aborted")
}

/// Judges a start, unless it is told after it happened.
fn ask(request: &Request, known: &Known<'_>, mut row: Row, new: bool) -> Result<Decision, Refusal> {
    // The attempt that asks is the one that goes on.
    let mut origin = request.origin.clone();
    origin.learn(&row.origin);
    row.origin = origin;
    let (facts, now) = (known.facts, known.now);
    let mut before = Vec::new();
    let mut slot = facts.slot().cloned();
    // A told start is never in progress, and so in nobody's way.
    if request.occurred.is_none()
        && let Some(other) = &slot
        && let Some(by) = gives_way(request, other, now)
    {
        let mut ended = other.clone();
        ended.end(State::Aborted, Some(by), now);
        before.push(Change::Deployment {
            row: Box::new(ended),
            details: None,
            new: false,
        });
        slot = None;
    }
    let moment = known.moment();
    let mut draft = Draft::new(request, known, row, new);
    draft.before = before;
    draft.merge_or_refuse(request, known)?;
    let row = &mut draft.row;
    row.asks += 1;
    row.at = request.occurred.unwrap_or(moment);
    row.evidence |= request.occurred.is_none() || request.history;
    row.lease = expiry(known.rules, &facts.place, now).unwrap_or(EXPIRY);
    let preflight = if request.occurred.is_some() {
        None
    } else if request.event.skip_preflight_checks {
        // A stop is no check: it is for every start.
        Some(match known.stop.filter(|stop| stop.holds(now)) {
            Some(stop) => stop.alone(),
            None => Preflight::skipped(skip_reason(request)),
        })
    } else {
        Some(evaluate(
            known.rules,
            &Start {
                place: &facts.place,
                in_progress: slot.as_ref(),
                evidence: &known.evidence,
                asking: asking(request, known),
                scm_sha: request.event.details.scm_sha.as_deref(),
                exemptions: known.exemptions,
                stop: known.stop,
                now,
            },
        ))
    };
    row.gate = match &preflight {
        None => Gate::Told,
        Some(found) if found.is_skipped() => Gate::Skipped,
        Some(found) if found.blocks() => Gate::Refused,
        Some(_) => Gate::Allowed,
    };
    if row.gate == Gate::Refused {
        row.state = State::PreflightFailed;
        row.refused_by = preflight.as_ref().and_then(Preflight::blocking_names);
    } else {
        row.state = State::Started;
        row.started_at = Some(request.occurred.unwrap_or(now));
        row.exclusive = row.gate == Gate::Allowed && slot.is_none();
        row.asked_by = Some(request.actor.clone());
        row.asked = Some(request.fingerprint.clone());
        row.parts = request
            .event
            .part()
            .map(|part| (part.to_owned(), None))
            .into_iter()
            .collect();
    }
    row.renew(now);
    let waits = request.span.as_deref();
    if row.gate == Gate::Refused && waits.is_some_and(|span| span.starts_with(gate::SPAN)) {
        // A job that waits says no word of it.
        row.expires_at = Some(now + gate::LONGEST + EXPIRY);
    }
    if row.gate != Gate::Refused && row.gate != Gate::Told {
        draft.cell.last_started_id = Some(draft.row.id.clone());
    }
    let verdict = preflight.as_ref().map(Preflight::to_json);
    if let Some(verdict) = &verdict {
        draft.note(PREFLIGHT_STATUS, verdict.clone());
    }
    if let Some(found) = &preflight {
        spend(found, known, &mut draft);
    }
    let mut warnings = request.event.warnings.clone();
    if draft.row.gate == Gate::Skipped && skip_reason(request).is_none() {
        let msg = "The checks were skipped without a reason (extra_metadata.vi_skip_reason); the \
                   deployment is marked, and the admins are told";
        warnings.push(msg.to_owned());
        draft.notice("skipped_without_reason", msg);
    }
    let rejection = preflight
        .as_ref()
        .and_then(|found| rejected(&draft.row, found, &warnings));
    let kind = match rejection {
        Some(_) => "deployment.refused",
        None => "deployment.started",
    };
    let answer = rejection.unwrap_or_else(|| {
        let notes = Notes {
            verdict: verdict.as_ref(),
            warnings,
            told: request.occurred.is_some(),
        };
        recorded(&facts.place, &draft.row, notes)
    });
    Ok(draft.finish(known, answer, kind))
}

/// Why the checks are skipped, if the event says so.
fn skip_reason(request: &Request) -> Option<String> {
    let reason = request.event.extra_metadata.get(SKIP_REASON)?.as_str()?;
    let reason = versioner::names::trim(reason);
    (!reason.is_empty()).then(|| reason.to_owned())
}

/// Counts the exemptions that an allowed start has used.
fn spend(found: &Preflight, known: &Known<'_>, draft: &mut Draft) {
    if found.blocks() {
        return;
    }
    let used = found.exemptions();
    let used = known
        .exemptions
        .iter()
        .filter(|exemption| used.contains(&&exemption.id));
    for exemption in used {
        draft.after.push(Change::Exemption {
            exemption: Box::new(exemption.spent()),
            before: Some(Box::new(exemption.clone())),
            reason: None,
        });
    }
}

/// Whether the deployment in progress is over by this start, and by what.
fn gives_way(request: &Request, other: &Row, now: i64) -> Option<EndedBy> {
    if other.is_expired(now) {
        Some(EndedBy::Expiry)
    } else if request.origin.is_later_attempt_of(&other.origin) {
        Some(EndedBy::NewerAttempt)
    } else if other.is_gate()
        && other.origin.same_run(&request.origin)
        && other.origin.attempts_agree(&request.origin)
    {
        Some(EndedBy::Request {
            actor: request.actor.clone(),
            reason: format!("the run deploys version {}", request.event.version),
        })
    } else {
        None
    }
}

/// Whether the start would be allowed now, with every rule's verdict.
pub fn preflight(request: &Request, known: &Known<'_>) -> Verdict {
    let (facts, now) = (known.facts, known.now);
    let goes_on = matches!(case(request, facts, now), Case::Again(_) | Case::Joins(..));
    let in_the_way = facts
        .slot()
        .filter(|other| !goes_on && gives_way(request, other, now).is_none());
    let start = Start {
        place: &facts.place,
        in_progress: in_the_way,
        evidence: &known.evidence,
        asking: asking(request, known),
        scm_sha: request.event.details.scm_sha.as_deref(),
        exemptions: known.exemptions,
        stop: known.stop,
        now,
    };
    let mut found = evaluate(known.rules, &start);
    if goes_on {
        // It was judged when it began.
        found = found.into_report();
    }
    let latest = facts
        .cell
        .last_started_id
        .as_ref()
        .and_then(|id| facts.row(id));
    let allowed = !found.blocks();
    let body = json!({
        "allowed": allowed,
        "latest": latest.map(|row| json!({
            "deployment_id": row.id,
            "version": row.version,
            "status": row.state.as_str(),
            "started_at": row.started_at.map(rfc3339),
        })),
        "rules_evaluated": found.verdicts(known.rules, &facts.place, now),
    });
    Verdict {
        body,
        allowed,
        place: facts.place.clone(),
        held_by: found.blocking_ids(),
        changes_at: found.changes_at(),
    }
}
