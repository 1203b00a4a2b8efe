//! The rules as a file: to take along, and to bring back after a look at what it would change.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::error::PageError;
use super::filters;
use super::form::Form;
use super::frame::{Frame, Here, show_as};
use super::once::Once;
use super::viewer::{Admin, Viewer};
use crate::api::App;
use crate::api::error::refusal_status;
use crate::domain::answer::Refusal;
use crate::domain::fields::{FieldError, MAX_TEXT};
use crate::domain::rules::{etag, file};
use crate::domain::yaml::Document;
use crate::store::flow::{Command, Import, Outcome};
use crate::store::transaction::Envelope;

/// What a file changes, or would change.
struct Told {
    /// Each with what becomes of it.
    rules: Vec<(&'static str, String)>,
    warnings: Vec<String>,
    unchanged: u64,
}

#[derive(Template)]
#[template(path = "rules_file.html")]
struct Page {
    frame: Frame,
    text: String,
    create: bool,
    remove_others: bool,
    reason: String,
    /// The entity tag of the rules that were looked at.
    seen: String,
    errors: Vec<String>,
    reason_error: Option<&'static str>,
    /// What would change, once that was looked at.
    would: Option<Told>,
    /// What has changed.
    done: Option<Told>,
}

impl Page {
    fn new(viewer: &Viewer) -> Page {
        Page {
            frame: viewer.frame(Here::Rules),
            text: String::new(),
            create: false,
            remove_others: false,
            reason: String::new(),
            seen: String::new(),
            errors: Vec::new(),
            reason_error: None,
            would: None,
            done: None,
        }
    }

    /// Tells files apart, with what is to be done by them.
    fn looked(&self) -> String {
        etag(&json!([self.text, self.create, self.remove_others]))
    }
}

/// The rules as YAML, as `versioner-server rules export` prints them.
///
/// # Errors
/// If the database fails.
pub async fn export(viewer: Viewer) -> Result<Response, PageError> {
    let rules = viewer.account.rules().await?;
    let headers = [
        (header::CONTENT_TYPE, "application/yaml; charset=utf-8"),
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"rules.yaml\"",
        ),
    ];
    Ok((headers, file::export(&viewer.account_name, &rules)).into_response())
}

/// Asks for a file.
///
/// # Errors
/// [`PageError::Forbidden`] if whoever asks is no admin.
pub async fn form(viewer: Admin) -> Result<Response, PageError> {
    Ok(show_as(StatusCode::OK, &Page::new(&viewer)))
}

/// Shows what a file would change, and then changes it.
///
/// # Errors
/// [`PageError::Forbidden`] if whoever asks is no admin.
pub async fn take(
    State(app): State<Arc<App>>,
    viewer: Admin,
    form: Form,
) -> Result<Response, PageError> {
    let mut page = Page {
        // A browser sends lines with both of their ends.
        text: form.exact("text").replace("\r\n", "\n"),
        create: form.text("create") == "1",
        remove_others: form.text("remove_others") == "1",
        reason: form.text("reason").to_owned(),
        ..Page::new(&viewer)
    };
    let seen = form.text("seen");
    let is_wanted = form.text("do") == "import";
    // Nothing changes that was not looked at as it stands here.
    let is_looked_at = is_wanted && !seen.is_empty() && form.text("looked") == page.looked();
    if is_wanted && !is_looked_at {
        let text = "This is not the file that you looked at. What it would change stands below.";
        page.errors.push(text.to_owned());
    }
    if is_looked_at {
        page.reason_error = match page.reason.chars().count() {
            0 => Some("Give a reason. It stands in the record."),
            count if count > MAX_TEXT => Some("This is too long."),
            _ => None,
        };
    }
    let wrong = |page: &Page| Ok(show_as(StatusCode::UNPROCESSABLE_ENTITY, page));
    let document = match Document::read(&page.text) {
        Ok(document) => document,
        Err(problem) => {
            page.errors = vec![format!("Line {}: {}", problem.line, problem.what)];
            return wrong(&page);
        }
    };
    if !document.value.is_object() {
        let text = "There are no rules in this. Paste a file as the export has it: it begins with “rules:”.";
        page.errors = vec![text.to_owned()];
        return wrong(&page);
    }
    let told = |errors: Vec<FieldError>| -> Vec<String> {
        errors.iter().map(|error| line(&document, error)).collect()
    };
    let import = |check: bool, page: &Page| -> Result<Import, Vec<FieldError>> {
        Ok(Import {
            rules: file::read(&document.value)?,
            create: page.create,
            remove_others: page.remove_others,
            reason: Some(page.reason.clone()).filter(|reason| !reason.is_empty()),
            check,
            expected: (!check).then(|| seen.to_owned()),
        })
    };
    if is_looked_at && page.reason_error.is_none() {
        let wanted = match import(false, &page) {
            Ok(wanted) => wanted,
            Err(errors) => {
                page.errors = told(errors);
                return wrong(&page);
            }
        };
        match viewer
            .write_once(&app, Once::of(&form).as_ref(), Command::ImportRules(wanted))
            .await
        {
            Ok(answer) => {
                let done = Some(read(&answer.body, &document));
                return Ok(show_as(
                    StatusCode::OK,
                    &Page {
                        done,
                        ..Page::new(&viewer)
                    },
                ));
            }
            Err(PageError::Refused(Refusal::Changed)) => {
                let text = "Somebody has changed the rules since you looked. What your file would \
                    change by now stands below.";
                page.errors.push(text.to_owned());
            }
            Err(PageError::Refused(Refusal::Invalid(errors))) => {
                page.errors = told(errors);
                return wrong(&page);
            }
            Err(other) => return Err(other),
        }
    }
    let wanted = match import(true, &page) {
        Ok(wanted) => wanted,
        Err(errors) => {
            page.errors = told(errors);
            return wrong(&page);
        }
    };
    // Read before they are looked at: whatever changes in between is seen as a change.
    page.seen = file::tag(&viewer.account.rules().await?);
    let envelope = Envelope::new("pages".to_owned(), app.now());
    let command = Command::ImportRules(wanted);
    match viewer.account.write(envelope, command).await? {
        Outcome::Shown(answer) => page.would = Some(read(&answer.body, &document)),
        Outcome::Refused(Refusal::Invalid(errors)) => {
            page.errors = told(errors);
            return wrong(&page);
        }
        Outcome::Refused(refusal) => return Err(PageError::Refused(refusal)),
        Outcome::Done(_) | Outcome::Claimed(_) | Outcome::Looked(_) => {
            return Err(PageError::Broken);
        }
    }
    let status = match (&page.reason_error, page.errors.is_empty()) {
        (Some(_), _) => StatusCode::UNPROCESSABLE_ENTITY,
        (None, false) => refusal_status(&Refusal::Changed),
        (None, true) => StatusCode::OK,
    };
    Ok(show_as(status, &page))
}

/// What is wrong, with its line.
fn line(document: &Document, error: &FieldError) -> String {
    let line = document.line(error.loc.get(1..).unwrap_or_default());
    let field = error.loc.last().map_or("", String::as_str);
    let hint = match error.kind {
        "unknown_environment" => "; tick that it is to be made, if it is to exist from now on",
        _ => "",
    };
    format!("Line {line}: {field}: {}{hint}", error.msg)
}

/// What an answer says.
fn read(body: &str, document: &Document) -> Told {
    let answer: Value = serde_json::from_str(body).unwrap_or_default();
    let items = |name: &str| answer[name].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut rules = Vec::new();
    for (word, name) in [("new", "added"), ("removed", "removed"), ("stays", "left")] {
        rules.extend(items(name).iter().map(|rule| (word, text(rule))));
    }
    rules.extend(items("changed").iter().map(|changed| {
        let fields = changed["fields"].as_array().into_iter().flatten();
        let fields: Vec<String> = fields.map(text).collect();
        (
            "changed",
            format!("{}: {}", text(&changed["name"]), fields.join(", ")),
        )
    }));
    let warnings = items("warnings");
    let warnings = warnings.iter().map(|warning| {
        let loc = warning["loc"].as_array().into_iter().flatten();
        let loc: Vec<String> = loc.map(text).collect();
        let line = document.line(loc.get(1..).unwrap_or_default());
        format!("Line {line}: {}", text(&warning["msg"]))
    });
    Told {
        rules,
        warnings: warnings.collect(),
        unchanged: answer["unchanged"].as_u64().unwrap_or_default(),
    }
}
