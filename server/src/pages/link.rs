//! Coming in by a link that was made for one person.
//!
//! Looking at the page changes nothing: mail programs and chats look at every link before a person
//! does. Only its button uses the link up.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;

use super::error::PageError;
use super::filters;
use super::form::Form;
use super::frame::{Frame, show, show_as};
use super::login::{append_cookie, came_in, new_session, query};
use super::viewer::{By, safe_next};
use crate::api::App;
use crate::auth::passwords::Password;
use crate::auth::tokens::Token;
use crate::domain::people::Known;
use crate::domain::sessions::{Hashed, Link, Means};
use crate::store::Account;
use crate::store::flow::{Command, SessionCommand};

#[derive(Template)]
#[template(path = "link.html")]
struct LinkPage {
    frame: Frame,
    account: String,
    name: String,
    email: String,
    token: String,
    next: String,
    problem: Option<String>,
}

impl LinkPage {
    fn new(token: &Token, known: &Known, next: &str) -> LinkPage {
        LinkPage {
            frame: Frame::bare(),
            account: token.account().to_owned(),
            name: known.name().to_owned(),
            email: known.login().to_owned(),
            token: token.reveal().to_owned(),
            next: safe_next(next).to_owned(),
            problem: None,
        }
    }
}

/// A link that can be used.
pub struct Usable {
    /// What the link holds.
    pub token: Token,
    /// The account that it is for.
    pub account: Arc<Account>,
    /// The person whom it logs in.
    pub known: Option<Known>,
}

/// The link of a token, if it can be used.
///
/// # Errors
/// [`PageError::Gone`] if it cannot.
pub async fn usable(app: &App, text: &str) -> Result<Usable, PageError> {
    let gone = || {
        let msg = "This link was used or is over. An admin can make another, and so can \
            versioner-server people link on the server.";
        PageError::Gone(msg.to_owned())
    };
    let token = Token::parse(text).ok_or_else(gone)?;
    let account = app.directory.known_account(token.account()).await?;
    let account = account.ok_or_else(gone)?;
    let found = account.link(token.id().to_owned()).await?;
    let is_usable = |link: &Link, hash: &[u8]| token.matches(hash) && link.is_valid(app.now());
    match found {
        Some((link, hash, known)) if is_usable(&link, &hash) => Ok(Usable {
            token,
            account,
            known,
        }),
        _ => Err(gone()),
    }
}

/// A new password that may be left out.
///
/// # Errors
/// What is wrong with it.
pub async fn new_password(typed: &str) -> Result<Option<Hashed>, String> {
    if typed.is_empty() {
        return Ok(None);
    }
    let password = Password::typed(typed);
    if let Some(problem) = password.problem() {
        return Err(problem);
    }
    let hashed = password.hash().await;
    let failed = || "The password cannot be hashed now; try again".to_owned();
    hashed.map(Some).ok_or_else(failed)
}

/// Asks a person to come in.
pub async fn form(State(app): State<Arc<App>>, parts: Parts) -> Result<Response, PageError> {
    app.unsafe_to_log_in(&parts)?;
    let query = query(&parts);
    let link = usable(&app, query.text("token")).await?;
    let Some(known) = &link.known else {
        return Err(PageError::NotFound("page"));
    };
    Ok(show(&LinkPage::new(&link.token, known, query.text("next"))))
}

/// Lets them in.
pub async fn follow(
    State(app): State<Arc<App>>,
    parts: Parts,
    form: Form,
) -> Result<Response, PageError> {
    app.unsafe_to_log_in(&parts)?;
    let link = usable(&app, form.text("token")).await?;
    let Some(known) = &link.known else {
        return Err(PageError::NotFound("page"));
    };
    let password = match new_password(form.exact("password")).await {
        Ok(password) => password,
        Err(problem) => {
            let page = LinkPage {
                problem: Some(problem),
                ..LinkPage::new(&link.token, known, form.text("next"))
            };
            return Ok(show_as(StatusCode::UNPROCESSABLE_ENTITY, &page));
        }
    };
    let mark = password.as_ref();
    let mark = mark.and_then(|kept| app.mark_browser(kept, &known.person.id));
    let (token, session) = new_session(&app, &parts, link.token.account(), Means::Link)?;
    let command = SessionCommand::Follow {
        link: link.token.proof(),
        password,
        session,
    };
    let by = By::of(format!("person:{}", known.person.id), &parts);
    by.write(&app, &link.account, Command::Session(command))
        .await?;
    let mut response = came_in(&app, &parts, &token, form.text("next")).await?;
    append_cookie(&mut response, mark);
    Ok(response)
}
