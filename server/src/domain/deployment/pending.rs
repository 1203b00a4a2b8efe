//! `pending`: a deployment waits in a queue. It never takes anything back.

use super::draft::{Draft, begin};
use super::response::{Notes, recorded};
use super::{Facts, Gate, Known, Request, Row, State, other_span};
use crate::domain::answer::Refusal;
use crate::domain::change::Decision;

/// The row that the event tells of, whatever became of it since.
pub fn find<'a>(request: &Request, facts: &'a Facts) -> Option<&'a Row> {
    if let Some(span) = &facts.span {
        return span.row.as_ref();
    }
    let origin = &request.origin;
    facts.rows.iter().find(|row| {
        let same_run = row.origin.same_run(origin)
            && row.origin.attempts_agree(origin)
            && !origin.is_later_attempt_of(&row.origin);
        let nameless = !row.state.is_end() && row.origin.unknown_run(origin);
        row.version_id == facts.place.version_id
            && !other_span(request, row)
            && (same_run || nameless)
    })
}

/// What follows from it.
pub fn decide(request: &Request, known: &Known<'_>) -> Result<Decision, Refusal> {
    let place = &known.facts.place;
    let notes = |warnings| Notes {
        warnings,
        told: request.occurred.is_some(),
        ..Notes::default()
    };
    let found = find(request, known.facts);
    if let Some(row) = found
        && row.state != State::Pending
    {
        let warning = format!(
            "This deployment is {} already; a late pending changes nothing",
            row.state.as_str()
        );
        return Ok(Decision {
            changes: Vec::new(),
            answer: recorded(place, row, notes(vec![warning])),
            subject: Some(row.id.clone()),
            kind: "deployment.pending",
        });
    }
    let (row, new) = match found {
        Some(row) => (row.clone(), false),
        None => (begin(request, known, State::Pending, Gate::Waiting), true),
    };
    let mut draft = Draft::new(request, known, row, new);
    draft.row.renew(known.now);
    draft.merge_or_refuse(request, known)?;
    let answer = recorded(place, &draft.row, notes(Vec::new()));
    Ok(draft.finish(known, answer, "deployment.pending"))
}
