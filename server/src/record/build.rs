//! Recording a build event.

use axum::http::StatusCode;
use serde_json::json;

use super::merge;
use crate::answer::Answer;
use crate::event::{BuildEvent, attributes};
use crate::store::{Catalog, Session, StoreError};

/// The shortest abbreviation of a commit that is taken for the commit.
const SHORT_SHA: usize = 7;

/// Records `event` and answers it.
pub fn record(
    session: &mut Session<'_>,
    event: &BuildEvent,
    now: i64,
) -> Result<Answer, StoreError> {
    let product_id = session.ensure(Catalog::Product, &event.product_name, now)?;
    let version = session.ensure_version(&product_id, &event.version, now)?;
    match (&event.details.scm_sha, &version.scm_sha) {
        (Some(sent), Some(known)) if !same_commit(sent, known) => {
            let detail = format!(
                "Version {} already exists with different SHA",
                event.version
            );
            let answer = Answer::new(StatusCode::CONFLICT, &json!({ "detail": detail }));
            return Ok(answer);
        }
        (Some(sent), None) => {
            session.pin_version(&version.id, sent)?;
        }
        _ => {}
    }
    let invoke_id = event.invoke_id.as_deref();
    let id = match session.open_build(&version.id, invoke_id)? {
        Some(mut open) => {
            open.attributes.extend(attributes(&event.details)?);
            if let Err(refused) = merge(&mut open.extra_metadata, &event.extra_metadata) {
                return Ok(refused);
            }
            session.update_build(&open, event.status, invoke_id, now)?;
            open.id
        }
        None => session.insert_build(event, &product_id, &version.id, now)?,
    };
    let body = json!({
        "id": id,
        "product_id": product_id,
        "version_id": version.id,
        "status": event.status.as_str(),
    });
    Ok(Answer::new(StatusCode::OK, &body))
}

/// Whether two names mean one commit: letter case does not matter, and one may be abbreviated.
fn same_commit(a: &str, b: &str) -> bool {
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
