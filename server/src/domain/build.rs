//! Builds: which row an event belongs to, and the commit of a version.

use serde::{Deserialize, Serialize};
use serde_json::json;
use versioner::Status;

use super::answer::{Answer, Refusal};
use super::change::{Change, Decision, Details};
use super::deployment::{State, details_fit};
use super::event::{BuildEvent, attributes};
use super::origin::Origin;
use super::time::rfc3339;

/// The shortest abbreviation of a commit that is taken for the commit.
const SHORT_SHA: usize = 7;

/// A build as it is stored, without its details.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildRow {
    /// Its identifier.
    pub id: String,
    /// Its place in the order of arrival.
    pub position: i64,
    /// The product.
    pub product_id: String,
    /// The version.
    pub version_id: String,
    /// Its state.
    pub state: State,
    /// The run it belongs to.
    pub origin: Origin,
    /// When its first event arrived, in microseconds since 1970.
    pub created_at: i64,
    /// When its last event arrived.
    pub updated_at: i64,
}

/// What is looked up for a build event.
#[derive(Debug, Clone, Default)]
pub struct BuildFacts {
    /// The product.
    pub product_id: String,
    /// The version.
    pub version_id: String,
    /// The commit of the version.
    pub scm_sha: Option<String>,
    /// Whether a build from it is completed.
    pub pinned: bool,
    /// The newest builds of the version, newest first.
    pub rows: Vec<BuildRow>,
}

/// The row that the event belongs to; none if it begins a new one.
pub fn target<'a>(event: &BuildEvent, facts: &'a BuildFacts) -> Option<&'a BuildRow> {
    let origin = event.origin();
    let open = facts.rows.iter().find(|row| {
        !row.state.is_end() && (row.origin.same_run(&origin) || row.origin.unknown_run(&origin))
    });
    open.or_else(|| {
        facts.rows.iter().find(|row| {
            let told_before =
                !State::of(event.status).is_end() || row.state == State::of(event.status);
            told_before && row.origin.same_run(&origin) && row.origin.attempts_agree(&origin)
        })
    })
}

/// What follows from the event.
///
/// # Errors
/// [`Refusal::OtherCommit`] if the version is built from another commit already, and if there is
/// too much metadata.
pub fn decide(
    event: &BuildEvent,
    facts: &BuildFacts,
    known: Option<&Details>,
    (new_id, position, now): (String, i64, i64),
) -> Result<Decision, Refusal> {
    let mut changes = Vec::new();
    if let Some(sent) = &event.details.scm_sha {
        changes.extend(commit(event, facts, sent)?);
    }
    let added = Details {
        attributes: attributes(&event.details),
        metadata: event.extra_metadata.clone(),
    };
    details_fit(known, &added).map_err(|msg| Refusal::field("extra_metadata", "too_long", msg))?;
    let state = State::of(event.status);
    let found = target(event, facts);
    let mut row = found.cloned().unwrap_or_else(|| BuildRow {
        id: new_id,
        position,
        product_id: facts.product_id.clone(),
        version_id: facts.version_id.clone(),
        state,
        origin: event.origin(),
        created_at: now,
        updated_at: now,
    });
    row.origin.learn(&event.origin());
    row.updated_at = now;
    if !row.state.is_end() && event.status != Status::Pending {
        row.state = state;
    }
    let answer = Answer::new(
        200,
        &json!({
            "id": row.id,
            "product_id": row.product_id,
            "version_id": row.version_id,
            "product_name": event.product_name,
            "version": event.version,
            "status": row.state.as_str(),
            "created_at": rfc3339(row.created_at),
        }),
    );
    let subject = Some(row.id.clone());
    changes.push(Change::Build {
        row,
        details: added,
        new: found.is_none(),
    });
    Ok(Decision {
        changes,
        answer,
        subject,
        kind: match event.status {
            Status::Pending => "build.pending",
            Status::Started => "build.started",
            Status::Completed => "build.completed",
            Status::Failed => "build.failed",
            Status::Aborted => "build.aborted",
        },
    })
}

/// What the event says of the version's commit: it stays once a build from it is completed. Until
/// then a later one takes its place.
fn commit(event: &BuildEvent, facts: &BuildFacts, sent: &str) -> Result<Option<Change>, Refusal> {
    let completes = event.status == Status::Completed;
    let change = |scm_sha: &str, pinned| {
        Some(Change::Commit {
            version_id: facts.version_id.clone(),
            scm_sha: scm_sha.to_owned(),
            pinned,
        })
    };
    let Some(known) = &facts.scm_sha else {
        return Ok(change(sent, completes));
    };
    let same = same_commit(sent, known);
    if facts.pinned && !same {
        return Err(Refusal::OtherCommit(event.version.clone()));
    }
    let longer = if same && known.len() >= sent.len() {
        known
    } else {
        sent
    };
    let pinned = facts.pinned || completes;
    Ok(if longer == known && pinned == facts.pinned {
        None
    } else {
        change(longer, pinned)
    })
}

/// Whether two names mean one commit: letter case does not matter, and one may be abbreviated.
pub fn same_commit(a: &str, b: &str) -> bool {
    let (a, b) = (a.to_lowercase(), b.to_lowercase());
    let (short, long) = if a.len() < b.len() { (a, b) } else { (b, a) };
    short == long || (short.len() >= SHORT_SHA && long.starts_with(&short))
}

#[cfg(test)]
mod tests {
    use super::same_commit;

    #[test]
    fn a_commit_is_known_by_its_abbreviation() {
        assert!(same_commit("ABCDEF0", "abcdef0123456789"));
        assert!(same_commit("abc", "abc"));
        assert!(!same_commit("abcdef", "abcdef0123456789"));
        assert!(!same_commit("abcdef1", "abcdef0123456789"));
    }
}
