//! What a form sends.

use std::sync::Arc;

use askama::filters::Safe;
use axum::extract::{FromRequest, Request};
use axum::http::header::CONTENT_TYPE;
use serde_json::{Value, json};

use super::error::PageError;
use super::filters::marked;
use super::query::storable;
use crate::api::App;
use crate::api::body::read_within;
use crate::domain::answer::Refusal;
use crate::domain::fields::FieldError;

/// The largest form, in bytes.
const MAX_FORM: usize = 256 * 1024;

/// The fields of a form, in their order.
pub struct Form {
    fields: Vec<(String, String)>,
    path: String,
}

impl Form {
    /// Reads what is written as `a=b&c=d`.
    pub fn parse(bytes: &[u8]) -> Form {
        Form::parse_at("", bytes)
    }

    /// The same of what was sent to this path.
    pub fn parse_at(path: &str, bytes: &[u8]) -> Form {
        let pairs = form_urlencoded::parse(bytes);
        let pairs = pairs.map(|(name, value)| (storable(&name), storable(&value)));
        Form {
            fields: pairs.collect(),
            path: path.to_owned(),
        }
    }

    /// Where it was sent to.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Every name and every value, in their order.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        let fields = self.fields.iter();
        fields.flat_map(|(name, value)| [name.as_str(), value.as_str()])
    }

    /// What a field says, without the white space around it; nothing if it is not there.
    pub fn text(&self, name: &str) -> &str {
        self.exact(name).trim()
    }

    /// The same with its white space, for passwords.
    pub fn exact(&self, name: &str) -> &str {
        let found = self.fields.iter().find(|(field, _)| field == name);
        found.map_or("", |(_, value)| value)
    }

    /// What every field of this name says, such as the boxes that are ticked.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let fields = self.fields.iter().filter(move |(field, _)| field == name);
        fields.map(|(_, value)| value.trim())
    }
}

/// The names that stand in one field, by commas.
pub fn words(text: &str) -> Vec<&str> {
    let words = text.split(',').map(str::trim);
    words.filter(|word| !word.is_empty()).collect()
}

/// The number that stands in a field, or what stands there in its place.
pub fn integer(text: &str) -> Value {
    text.parse::<i64>()
        .map_or_else(|_| json!(text), |number| json!(number))
}

/// What is wrong with a form that was sent.
#[derive(Default)]
pub struct Problems {
    fields: Vec<FieldError>,
    /// What is wrong with all of it.
    whole: Option<String>,
}

impl Problems {
    /// What a person can mend about an error.
    ///
    /// # Errors
    /// The error itself if they can mend nothing.
    pub fn of_error(error: PageError) -> Result<Problems, PageError> {
        match error {
            PageError::Refused(Refusal::Invalid(fields)) => Ok(Problems {
                fields,
                whole: None,
            }),
            PageError::Refused(refusal @ (Refusal::Conflict(_) | Refusal::Forbidden(_))) => {
                Ok(Problems {
                    fields: Vec::new(),
                    whole: Some(refusal.to_string()),
                })
            }
            other => Err(other),
        }
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.whole.is_none()
    }

    fn of<'a>(&'a self, field: &str) -> impl Iterator<Item = &'a FieldError> {
        let is_of = move |error: &&FieldError| error.loc.get(1).is_some_and(|of| of == field);
        self.fields.iter().filter(is_of)
    }

    /// What the markup of a field says of it: nothing, if it is right.
    pub fn attributes(&self, field: &str) -> Safe<String> {
        Safe(match self.of(field).next() {
            Some(_) => format!(" aria-invalid=\"true\" aria-describedby=\"{field}-error\""),
            None => String::new(),
        })
    }

    /// What is wrong with a field, to stand below it.
    pub fn told(&self, field: &str) -> Safe<String> {
        let problems: Vec<String> = self.of(field).map(|error| marked(&error.msg)).collect();
        Safe(match problems.is_empty() {
            true => String::new(),
            false => format!(
                "<p class=\"err\" id=\"{field}-error\"><svg class=\"i\" aria-hidden=\"true\">\
                 <use href=\"#i-bad\"/></svg><span>{}</span></p>",
                problems.join("; ")
            ),
        })
    }

    /// What is wrong with the form, to stand above it, with links to the fields.
    pub fn summary(&self) -> Safe<String> {
        let mut said: Vec<String> = self.whole.iter().map(|whole| marked(whole)).collect();
        said.extend(self.fields.iter().map(|error| {
            let field = error.loc.get(1).map_or("", String::as_str);
            let (field, msg) = (marked(field), marked(&error.msg));
            format!("<a href=\"#{field}\">{field}</a>: {msg}")
        }));
        Safe(match said.is_empty() {
            true => String::new(),
            false => format!(
                "<div class=\"say bad\" role=\"alert\"><svg class=\"i\" aria-hidden=\"true\">\
                 <use href=\"#i-bad\"/></svg><div>{}</div></div>",
                said.iter()
                    .map(|one| format!("<p>{one}</p>"))
                    .collect::<String>()
            ),
        })
    }
}

impl FromRequest<Arc<App>> for Form {
    type Rejection = PageError;

    async fn from_request(request: Request, _: &Arc<App>) -> Result<Form, PageError> {
        let (parts, body) = request.into_parts();
        let kind = parts.headers.get(CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let essence = kind.split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            let msg = "This page takes what its own form sends.".to_owned();
            return Err(PageError::Forbidden(msg));
        }
        let body = read_within(body, MAX_FORM).await?;
        Ok(Form::parse_at(parts.uri.path(), &body))
    }
}
