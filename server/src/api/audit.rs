//! `GET /audit/`: the log.

use super::error::ApiError;
use super::lists::{DEFAULT_LIMIT, MAX_LIMIT, Parameters};
use crate::auth::principal::{Key, ToAudit};
use crate::domain::answer::Answer;
use crate::domain::fields::MAX_NAME;
use crate::store::AuditFilter;
use crate::store::views::{LogRow, Page};

/// Everything that happened in the account, newest first: who did what, and what it changed.
#[utoipa::path(
    get, path = "/audit/", tag = "Audit",
    params(
        ("kind" = Option<String>, Query, description = "Only of this kind, such as `rule` or `rule.changed`"),
        ("actor" = Option<String>, Query, description = "Only by this actor, such as `key:k1`"),
        ("subject" = Option<String>, Query, description = "Only about the thing with this identifier"),
        ("limit" = Option<i64>, Query, description = "The most items to answer: 1 to 500, 50 by default"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before")
    ),
    responses((status = 200, description = "A page of the log", body = Page<LogRow>))
)]
pub async fn audit(
    key: Key<ToAudit>,
    Parameters(mut fields): Parameters,
) -> Result<Answer, ApiError> {
    fields.refuse_empty();
    let filter = AuditFilter {
        kind: fields.text("kind", MAX_NAME),
        actor: fields.text("actor", MAX_NAME),
        subject: fields.text("subject", MAX_NAME),
        before: fields.integer_text("cursor", 1..=i64::MAX),
        limit: fields
            .integer_text("limit", 1..=MAX_LIMIT)
            .unwrap_or(DEFAULT_LIMIT),
    };
    fields.refuse_unread();
    fields.finish()?;
    Ok(Answer::new(200, &key.account.audit(filter).await?))
}
