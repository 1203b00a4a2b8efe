//! The log, for admins: who changed what, before and after.

use std::collections::HashMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::request::Parts;
use axum::response::Response;
use serde_json::{Map, Value};

use super::error::PageError;
use super::filters;
use super::form::Form;
use super::frame::{Frame, Here, show};
use super::login::query;
use super::viewer::Admin;
use crate::api::App;
use crate::domain::fields::read_timestamp;
use crate::store::AuditFilter;
use crate::store::views::LogRow;

/// How many rows a page has.
const ROWS: i64 = 50;
/// The families of what happens.
const FAMILIES: [&str; 15] = [
    "deployment",
    "build",
    "rule",
    "exemption",
    "approval",
    "stop",
    "key",
    "person",
    "session",
    "link",
    "product",
    "environment",
    "setting",
    "account",
    "pruned",
];

/// One field that is another.
struct Difference {
    what: String,
    before: String,
    after: String,
}

struct Row {
    at: i64,
    kind: String,
    /// Who, as people call them.
    actor: String,
    actor_id: String,
    subject: String,
    subject_id: String,
    request_id: String,
    differences: Vec<Difference>,
    all: String,
}

#[derive(Template)]
#[template(path = "audit.html")]
struct Audit {
    frame: Frame,
    rows: Vec<Row>,
    kind: String,
    actor: String,
    subject: String,
    older: Option<String>,
    is_first: bool,
}

impl Audit {
    fn families(&self) -> [&'static str; 15] {
        FAMILIES
    }

    fn is_filtered(&self) -> bool {
        ![&self.kind, &self.actor, &self.subject]
            .iter()
            .all(|filter| filter.is_empty())
    }
}

/// A page of the log, newest first.
pub async fn audit(
    State(_): State<Arc<App>>,
    admin: Admin,
    parts: Parts,
) -> Result<Response, PageError> {
    let query = query(&parts);
    let names: HashMap<String, String> = admin
        .account
        .people()
        .await?
        .iter()
        .map(|known| (known.person.id.clone(), known.name().to_owned()))
        .collect();
    let set = |name: &str| Some(query.text(name).to_owned()).filter(|text| !text.is_empty());
    let filter = AuditFilter {
        kind: set("kind"),
        actor: set("actor").map(|actor| actor_of(&names, &actor)),
        subject: set("subject"),
        before: query.text("before").parse().ok(),
        limit: ROWS,
    };
    let page = admin.account.audit(filter).await?;
    let older = page.next_cursor.map(|before| address(&query, &before));
    Ok(show(&Audit {
        frame: admin.frame(Here::Me),
        rows: page
            .items
            .into_iter()
            .map(|row| shown(row, &names))
            .collect(),
        kind: query.text("kind").to_owned(),
        actor: query.text("actor").to_owned(),
        subject: query.text("subject").to_owned(),
        older,
        is_first: query.text("before").is_empty(),
    }))
}

/// The same page with what came before.
fn address(query: &Form, before: &str) -> String {
    let mut out = form_urlencoded::Serializer::new("/manage/audit?".to_owned());
    out.append_pair("before", before);
    for name in ["kind", "actor", "subject"] {
        if !query.text(name).is_empty() {
            out.append_pair(name, query.text(name));
        }
    }
    // The serializer puts nothing before the first pair of a text that ends so.
    out.finish().replace("?&", "?")
}

/// Whom a filter means: the actor as the log names it, or a person by their name.
fn actor_of(names: &HashMap<String, String>, typed: &str) -> String {
    let found = names
        .iter()
        .find(|(_, name)| name.eq_ignore_ascii_case(typed));
    found.map_or(typed.to_owned(), |(id, _)| format!("person:{id}"))
}

fn shown(row: LogRow, names: &HashMap<String, String>) -> Row {
    let person = row
        .actor
        .strip_prefix("person:")
        .and_then(|id| names.get(id));
    let subject_id = row.subject.unwrap_or_default();
    let at = read_timestamp(&row.at).map_or(0, |at| at.as_microsecond());
    Row {
        at,
        kind: row.kind,
        actor: person.unwrap_or(&row.actor).clone(),
        actor_id: row.actor,
        subject: names.get(&subject_id).unwrap_or(&subject_id).clone(),
        subject_id,
        request_id: row.request_id.unwrap_or_default(),
        differences: differences(&row.changes),
        all: serde_json::to_string_pretty(&row.changes).unwrap_or_default(),
    }
}

/// What is another than before, of every change that knows what was before.
fn differences(changes: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    for change in changes.as_array().into_iter().flatten() {
        if let Some(value) = change.get("value") {
            found.push(Difference {
                what: text(change.get("name")),
                before: text(change.get("before")),
                after: text(Some(value)),
            });
            continue;
        }
        let Some(before) = change.get("before").and_then(Value::as_object) else {
            continue;
        };
        // What is from now on has the name of its kind.
        let after = [
            "definition",
            "named",
            "person",
            "key",
            "exemption",
            "approval",
        ];
        let after = after.iter().find_map(|name| change.get(name)?.as_object());
        let nothing = Map::new();
        let after = after.unwrap_or(&nothing);
        let mut fields: Vec<&String> = before.keys().chain(after.keys()).collect();
        fields.sort_unstable();
        fields.dedup();
        for field in fields {
            let (was, is) = (before.get(field), after.get(field));
            if was != is {
                found.push(Difference {
                    what: field.clone(),
                    before: text(was),
                    after: text(is),
                });
            }
        }
    }
    found
}

fn text(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "nothing".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::differences;

    #[test]
    fn only_what_is_another_is_told() {
        let changes = json!([
            { "change": "person", "person": { "id": "p1", "role": "admin", "active": true },
              "before": { "id": "p1", "role": "viewer", "active": true } },
            { "change": "sessions_ended", "person_id": "p1" },
            { "change": "setting", "name": "environments", "value": "closed", "before": null },
        ]);
        let told = differences(&changes);
        let told = told
            .iter()
            .map(|one| [&*one.what, &*one.before, &*one.after]);
        assert_eq!(
            told.collect::<Vec<_>>(),
            [
                ["role", "viewer", "admin"],
                ["environments", "nothing", "closed"],
            ]
        );
    }
}
