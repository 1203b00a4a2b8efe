//! A decision in the making.

use super::{Cell, Gate, Known, PENDING_EXPIRY, Request, Row, State, details};
use crate::domain::answer::{Answer, Refusal};
use crate::domain::change::{Change, Decision, Details};
use serde::Serializer;
use serde_json::Value;

/// A new row.
pub fn begin(request: &Request, known: &Known<'_>, state: State, gate: Gate) -> Row {
    let place = &known.facts.place;
    let at = request.occurred.unwrap_or(known.moment());
    Row {
        id: known.new_id.clone(),
        position: known.position,
        product_id: place.product_id.clone(),
        environment_id: place.environment_id.clone(),
        version_id: place.version_id.clone(),
        version: place.version.clone(),
        state,
        gate: if request.occurred.is_some() {
            Gate::Told
        } else {
            gate
        },
        exclusive: false,
        origin: request.origin.clone(),
        span: request.span.clone(),
        parts: Default::default(),
        deployed_by: request.event.deployed_by.clone(),
        asked_by: None,
        asked: None,
        asks: 0,
        refused_by: None,
        ended_by: None,
        overlapped: false,
        evidence: request.occurred.is_none() || request.history,
        created_at: known.now,
        updated_at: known.now,
        started_at: None,
        at,
        deployed_at: None,
        expires_at: None,
        lease: PENDING_EXPIRY,
    }
}

/// A decision in the making, about one row.
pub struct Draft {
    /// The row as it will be.
    pub row: Row,
    /// The cell as it will be.
    pub cell: Cell,
    /// What else changes, before the row.
    pub before: Vec<Change>,
    /// What else changes, after it.
    pub after: Vec<Change>,
    merge: Option<Details>,
    new: bool,
}

impl Draft {
    /// Begins with `row`, and what the event says of its run.
    pub fn new(request: &Request, known: &Known<'_>, mut row: Row, new: bool) -> Draft {
        row.origin.learn(&request.origin);
        row.updated_at = known.now;
        if request.event.deployed_by.is_some() {
            row.deployed_by.clone_from(&request.event.deployed_by);
        }
        let mut cell = known.facts.cell.clone();
        cell.last_id = Some(row.id.clone());
        if cell.latest_at.is_none_or(|at| at <= row.at) || cell.latest_id.as_ref() == Some(&row.id)
        {
            cell.latest_id = Some(row.id.clone());
        }
        let mut draft = Draft {
            row,
            cell,
            before: Vec::new(),
            after: Vec::new(),
            merge: None,
            new,
        };
        draft.claim_span(request, request.event.part().map(str::to_owned));
        draft
    }

    fn claim_span(&mut self, request: &Request, part: Option<String>) {
        let Some(span) = &request.span else { return };
        self.row.span = Some(span.clone());
        self.after.push(Change::Span {
            span: span.clone(),
            deployment_id: Some(self.row.id.clone()),
            part,
            aborted_until: None,
        });
    }

    /// Takes over the details of the event.
    ///
    /// # Errors
    /// If there would be too many of them.
    pub fn merge_or_refuse(&mut self, request: &Request, known: &Known<'_>) -> Result<(), Refusal> {
        let added = details(request);
        details_fit(known.details.as_ref(), &added)
            .map_err(|msg| Refusal::field("extra_metadata", "too_long", msg))?;
        self.merge = Some(added);
        Ok(())
    }

    /// Takes over the details of the event, but for metadata that is too much; that is the warning.
    pub fn merge_what_fits(&mut self, request: &Request, known: &Known<'_>) -> Option<String> {
        let mut added = details(request);
        let warning = details_fit(known.details.as_ref(), &added)
            .err()
            .map(|msg| {
                added.metadata.clear();
                format!("extra_metadata was left out: {msg}")
            });
        self.merge = Some(added);
        warning
    }

    /// Adds a member to the metadata, which no client can overwrite.
    pub fn note(&mut self, name: &str, value: serde_json::Value) {
        let details = self.merge.get_or_insert_default();
        details.metadata.insert(name.to_owned(), value);
    }

    /// Tells people something about the row.
    pub fn notice(&mut self, notice: &str, message: &str) {
        self.after.push(Change::Notice {
            notice: notice.to_owned(),
            subject: self.row.id.clone(),
            message: message.to_owned(),
        });
    }

    /// The decision.
    pub fn finish(self, known: &Known<'_>, answer: Answer, kind: &'static str) -> Decision {
        let Draft {
            row,
            mut cell,
            mut before,
            after,
            merge,
            new,
        } = self;
        if cell.latest_id.as_ref() == Some(&row.id) {
            cell.latest_at = Some(row.at);
        }
        for change in &before {
            if let Change::Deployment { row, .. } = change {
                cell.note(row);
            }
        }
        cell.note(&row);
        let subject = Some(row.id.clone());
        let place = &known.facts.place;
        before.push(Change::Deployment {
            row: Box::new(row),
            details: merge,
            new,
        });
        before.extend(after);
        before.push(Change::Cell {
            product_id: place.product_id.clone(),
            environment_id: place.environment_id.clone(),
            cell,
        });
        Decision {
            changes: before,
            answer,
            subject,
            kind,
        }
    }
}

/// The most metadata of one event, in bytes, but for what clients detect.
const MAX_EVENT_METADATA: usize = 102_400;
/// How the names of detected members begin.
const DETECTED: &str = "vi_";
/// The most metadata that one build or deployment collects over its events, in bytes.
const MAX_METADATA: usize = 1024 * 1024;

/// Whether what an event adds fits to what is known.
///
/// # Errors
/// What is too much, in words.
pub fn details_fit(known: Option<&Details>, added: &Details) -> Result<(), String> {
    let given = added.metadata.iter();
    let given = size(given.filter(|(name, _)| !name.starts_with(DETECTED)));
    if given > MAX_EVENT_METADATA {
        return Err(format!(
            "It has {given} bytes; at most {MAX_EVENT_METADATA} are taken"
        ));
    }
    let apart =
        size(&added.metadata).saturating_add(known.map_or(0, |known| size(&known.metadata)));
    let fits = apart <= MAX_METADATA || {
        let mut together = known.cloned().unwrap_or_default();
        together.merge(added);
        size(&together.metadata) <= MAX_METADATA
    };
    if fits {
        return Ok(());
    }
    Err(format!(
        "The metadata of all events together should have at most {MAX_METADATA} bytes"
    ))
}

/// How many bytes of JSON these members are.
fn size<'a>(members: impl IntoIterator<Item = (&'a String, &'a Value)>) -> usize {
    let mut json = Vec::new();
    let written = serde_json::Serializer::new(&mut json).collect_map(members);
    written.map_or(usize::MAX, |()| json.len())
}
