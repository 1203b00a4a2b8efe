//! `GET /openapi.json`, and `GET /docs`: the same for people, in one page that loads nothing else.

use std::fmt::Write;
use std::sync::Arc;

use axum::Extension;
use axum::http::{HeaderValue, header};
use axum::response::{Html, IntoResponse};
use serde_json::Value;

use super::description::complete;
use crate::domain::answer::Answer;

const STYLE: &str = "\
body{font:16px/1.5 system-ui,sans-serif;max-width:56rem;margin:2rem auto;padding:0 1rem}\
section{border-top:1px solid #8884;padding:.5rem 0}h3{font:600 1rem ui-monospace,monospace}\
pre,code{font-family:ui-monospace,monospace;font-size:.9em}pre{background:#8882;padding:.75rem;\
overflow:auto}table{border-collapse:collapse}td,th{text-align:left;vertical-align:top;\
padding:.2rem 1rem .2rem 0}";

/// What the service shows of itself.
#[derive(Debug)]
pub struct Documents {
    /// The OpenAPI description.
    openapi: String,
    /// The page for people.
    page: String,
}

impl Documents {
    /// Writes both.
    pub fn new(openapi: &utoipa::openapi::OpenApi) -> Documents {
        let mut value = serde_json::to_value(openapi).unwrap_or_default();
        complete(&mut value);
        Documents {
            openapi: value.to_string(),
            page: render(&value),
        }
    }
}

/// The description of this service, for programs.
#[utoipa::path(
    get,
    path = "/openapi.json",
    tag = "Service",
    security(()),
    responses((status = 200, description = "OpenAPI 3.1", body = Object))
)]
pub async fn openapi(Extension(documents): Extension<Arc<Documents>>) -> Answer {
    Answer {
        status: 200,
        body: documents.openapi.clone(),
        replayed: false,
    }
}

/// The description of this service, for people.
#[utoipa::path(
    get,
    path = "/docs",
    tag = "Service",
    security(()),
    responses((status = 200, description = "An HTML page", body = String, content_type = "text/html"))
)]
pub async fn docs(Extension(documents): Extension<Arc<Documents>>) -> impl IntoResponse {
    let policy = HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'");
    let page = Html(documents.page.clone());
    ([(header::CONTENT_SECURITY_POLICY, policy)], page)
}

/// Makes the page from the description.
fn render(openapi: &Value) -> String {
    let mut page = String::new();
    let title = text(&openapi["info"]["title"]);
    // Writing to a string cannot fail.
    let _ = write!(
        page,
        "<!DOCTYPE html><html lang=\"en\"><meta charset=\"utf-8\"><title>{title} API</title>\
         <style>{STYLE}</style><h1>{title} API {}</h1><p>{}</p>\
         <p>Send <code>Authorization: Bearer sk_…</code> with every request but those under \
         “Service”. For programs: <a href=\"/openapi.json\">openapi.json</a>.</p>",
        text(&openapi["info"]["version"]),
        text(&openapi["info"]["description"]),
    );
    for (path, methods) in openapi["paths"].as_object().into_iter().flatten() {
        for (method, operation) in methods.as_object().into_iter().flatten() {
            render_operation(&mut page, openapi, &method.to_uppercase(), path, operation);
        }
    }
    page.push_str("</html>\n");
    page
}

fn render_operation(
    page: &mut String,
    openapi: &Value,
    method: &str,
    path: &str,
    operation: &Value,
) {
    let _ = write!(
        page,
        "<section><h3>{method} {}</h3><p>{} {}</p>",
        escape(path),
        text(&operation["summary"]),
        text(&operation["description"])
    );
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    let parameters = parameters.map(|parameter| {
        let name = format!(
            "{} <small>{}</small>",
            text(&parameter["name"]),
            text(&parameter["in"])
        );
        (name, text(&parameter["description"]))
    });
    render_table(page, "Parameters", parameters);
    let body = &operation["requestBody"];
    if body.is_object() {
        let _ = write!(
            page,
            "<h4>Body</h4><p style=\"white-space:pre-line\">{}</p>",
            text(&body["description"])
        );
        let content = &body["content"]["application/json"];
        if !content["example"].is_null() {
            let _ = write!(
                page,
                "<pre>{}</pre>",
                escape(&format!("{:#}", content["example"]))
            );
        }
        render_schema(page, openapi, &content["schema"]);
    }
    let responses = operation["responses"].as_object().into_iter().flatten();
    let responses = responses.map(|(code, answer)| (escape(code), text(&answer["description"])));
    render_table(page, "Answers", responses);
    page.push_str("</section>");
}

fn render_schema(page: &mut String, openapi: &Value, schema: &Value) {
    let schema = resolve(openapi, schema);
    let parts = schema["allOf"]
        .as_array()
        .map_or_else(|| vec![schema], |all| all.iter().collect());
    let parts: Vec<&Value> = parts
        .into_iter()
        .map(|part| resolve(openapi, part))
        .collect();
    let fields = parts.iter().flat_map(|part| {
        let required: Vec<&str> = part["required"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let properties = part["properties"].as_object().into_iter().flatten();
        properties.map(move |(name, field)| {
            let mark = if required.contains(&name.as_str()) {
                " <small>required</small>"
            } else {
                ""
            };
            (
                format!("{}{mark}", escape(name)),
                text(&field["description"]),
            )
        })
    });
    render_table(page, "Fields", fields);
}

fn resolve<'a>(openapi: &'a Value, schema: &'a Value) -> &'a Value {
    let target = schema["$ref"]
        .as_str()
        .and_then(|path| path.strip_prefix('#'));
    target
        .and_then(|path| openapi.pointer(path))
        .unwrap_or(schema)
}

fn render_table(page: &mut String, title: &str, rows: impl Iterator<Item = (String, String)>) {
    let mut rows = rows.peekable();
    if rows.peek().is_none() {
        return;
    }
    let _ = write!(page, "<h4>{title}</h4><table>");
    for (name, description) in rows {
        let _ = write!(page, "<tr><td><code>{name}</code><td>{description}");
    }
    page.push_str("</table>");
}

fn text(value: &Value) -> String {
    escape(value.as_str().unwrap_or_default())
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('"', "&quot;")
}
