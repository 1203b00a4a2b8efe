//! The first admin of an account, who comes by the link that the first start gives out.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use serde_json::json;

use super::error::PageError;
use super::filters;
use super::form::{Form, Problems};
use super::frame::{Frame, show, show_as};
use super::link::{new_password, usable};
use super::login::{came_in, new_session, query};
use super::viewer::By;
use crate::api::App;
use crate::domain::people::PersonSpec;
use crate::domain::sessions::Means;
use crate::store::flow::{Command, SessionCommand};

#[derive(Template)]
#[template(path = "setup.html")]
struct SetUpPage {
    frame: Frame,
    account: String,
    token: String,
    name: String,
    email: String,
    problems: Problems,
    password_problem: Option<String>,
}

/// Asks who the first admin is.
pub async fn form(State(app): State<Arc<App>>, parts: Parts) -> Result<Response, PageError> {
    app.unsafe_to_log_in(&parts)?;
    let link = usable(&app, query(&parts).text("token")).await?;
    if link.known.is_some() {
        return Err(PageError::NotFound("page"));
    }
    if !link.account.people().await?.is_empty() {
        let msg = "Somebody has set this account up already. Log in, or ask an admin.";
        return Err(PageError::Gone(msg.to_owned()));
    }
    Ok(show(&SetUpPage {
        frame: Frame::bare(),
        account: link.token.account().to_owned(),
        token: link.token.reveal().to_owned(),
        name: String::new(),
        email: String::new(),
        problems: Problems::default(),
        password_problem: None,
    }))
}

/// Makes the first admin, and lets them in.
pub async fn set_up(
    State(app): State<Arc<App>>,
    parts: Parts,
    form: Form,
) -> Result<Response, PageError> {
    app.unsafe_to_log_in(&parts)?;
    let link = usable(&app, form.text("token")).await?;
    let (name, email) = (form.text("name"), form.text("email"));
    let emails: Vec<&str> = [email]
        .into_iter()
        .filter(|email| !email.is_empty())
        .collect();
    let spec = PersonSpec::read(json!({ "name": name, "emails": emails, "role": "admin" }));
    let password = match form.exact("password") {
        "" => Err("The first admin needs a password".to_owned()),
        typed => new_password(typed).await,
    };
    let (spec, password) = match (spec, password) {
        (Ok(spec), Ok(password)) => (spec, password),
        (spec, password) => {
            let problems = match spec {
                Ok(_) => Problems::default(),
                Err(refusal) => Problems::of_error(PageError::Refused(refusal))?,
            };
            let page = SetUpPage {
                frame: Frame::bare(),
                account: link.token.account().to_owned(),
                token: link.token.reveal().to_owned(),
                name: name.to_owned(),
                email: email.to_owned(),
                problems,
                password_problem: password.err(),
            };
            return Ok(show_as(StatusCode::UNPROCESSABLE_ENTITY, &page));
        }
    };
    let (token, session) = new_session(&app, &parts, link.token.account(), Means::Link)?;
    let command = SessionCommand::SetUp {
        link: link.token.proof(),
        spec,
        password,
        session,
    };
    let by = By::of(format!("link:{}", link.token.id()), &parts);
    by.write(&app, &link.account, Command::Session(command))
        .await?;
    came_in(&app, &parts, &token, "").await
}
