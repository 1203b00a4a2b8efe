//! Coming in by a password, and going out.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};

use super::error::PageError;
use super::filters;
use super::form::Form;
use super::frame::{Frame, show, show_as};
use super::viewer::{By, find, safe_next};
use crate::api::App;
use crate::auth::address;
use crate::auth::browsers;
use crate::auth::passwords::Password;
use crate::auth::throttle::Counted;
use crate::auth::tokens::Token;
use crate::domain::names::fold;
use crate::domain::people::{IdentityKind, Known};
use crate::domain::sessions::{Hashed, MAX_AGENT, Means};
use crate::store::Account;
use crate::store::flow::{Command, NewSession, SessionCommand};

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage {
    frame: Frame,
    /// The account, if the server has no other.
    only: Option<String>,
    account: String,
    name: String,
    next: String,
    problem: Option<String>,
    is_out: bool,
    /// Whether a form was sent without a session, so that nothing of it is recorded.
    is_lost: bool,
    /// Whether the provider would let them in again at once.
    is_in_there: bool,
    in_the_clear: bool,
    /// Where the link to the provider leads, if there is one.
    openid: Option<String>,
}

/// Asks for a name and a password.
pub async fn form(State(app): State<Arc<App>>, parts: Parts) -> Result<Response, PageError> {
    app.unsafe_to_log_in(&parts)?;
    let query = query(&parts);
    if find(&app, &parts).await?.is_some() {
        return Ok(Redirect::to(safe_next(query.text("next"))).into_response());
    }
    let page = LoginPage {
        is_out: !query.exact("out").is_empty(),
        is_lost: !query.exact("lost").is_empty(),
        is_in_there: query.exact("out") == "here" && app.reach.openid.is_some(),
        ..LoginPage::new(&app, &query).await?
    };
    Ok(show(&page))
}

impl LoginPage {
    async fn new(app: &App, sent: &Form) -> Result<LoginPage, PageError> {
        Ok(LoginPage {
            frame: Frame::bare(),
            only: app.directory.only_account().await?,
            account: sent.text("account").to_owned(),
            name: sent.text("name").to_owned(),
            next: safe_next(sent.text("next")).to_owned(),
            problem: None,
            is_out: false,
            is_lost: false,
            is_in_there: false,
            in_the_clear: !app.is_https(),
            openid: app.reach.openid.as_ref().map(|_| {
                let next = safe_next(sent.text("next")).as_bytes();
                let next: String = form_urlencoded::byte_serialize(next).collect();
                format!("/manage/login/openid?next={next}")
            }),
        })
    }
}

/// Lets somebody in whose password is right.
pub async fn log_in(
    State(app): State<Arc<App>>,
    parts: Parts,
    form: Form,
) -> Result<Response, PageError> {
    app.unsafe_to_log_in(&parts)?;
    let mut page = LoginPage::new(&app, &form).await?;
    let account_name = page.only.clone().unwrap_or(page.account.clone());
    let from = address::client(&parts, &app.trusted_proxies).map(address::place);
    let found = known_by(&app, &account_name, &page.name).await?;
    let counted = counted_by(&app, &parts, found.as_ref()).unwrap_or_else(|| {
        let name = format!("{account_name}/{}", fold(&page.name));
        Counted::by_name(from, &name)
    });
    let left = match app.wrong_passwords.admit(&counted, app.clock.running()) {
        Ok(left) => left,
        Err(seconds) => {
            page.problem = Some(format!("Too many tries. Try again in {seconds} s."));
            let mut response = show_as(StatusCode::TOO_MANY_REQUESTS, &page);
            let headers = response.headers_mut();
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            return Ok(response);
        }
    };
    let (account, known, kept) = match found {
        Some((account, known, kept)) => (Some(account), Some(known), kept),
        None => (None, None, None),
    };
    let typed = Password::typed(form.exact("password"));
    let is_right = typed.is(kept.clone()).await;
    let (Some(account), Some(known), Some(compared), true) = (account, known, kept, is_right)
    else {
        // The name may be a password that was typed into the wrong field.
        tracing::info!(?from, "a name and a password did not match");
        let then = match left {
            0 => "Try again in 1 min.".to_owned(),
            1 => "1 try left before a pause of 1 min.".to_owned(),
            left => format!("{left} tries left before a pause of 1 min."),
        };
        page.problem = Some(format!("Name and password do not match. {then}"));
        return Ok(show_as(StatusCode::UNPROCESSABLE_ENTITY, &page));
    };
    app.wrong_passwords.forgive(&counted);
    let mark = app.mark_browser(&compared, &known.person.id);
    let (token, session) = new_session(&app, &parts, &account_name, Means::Password)?;
    let command = SessionCommand::LogIn {
        person_id: known.person.id.clone(),
        compared,
        session,
    };
    let by = By::of(format!("person:{}", known.person.id), &parts);
    by.write(&app, &account, Command::Session(command)).await?;
    let mut response = came_in(&app, &parts, &token, &page.next).await?;
    append_cookie(&mut response, mark);
    Ok(response)
}

/// By what the tries are counted of a browser in which this person has shown their password before.
fn counted_by(app: &App, parts: &Parts, found: Option<&Found>) -> Option<Counted> {
    let mark = app.browser_mark(&parts.headers)?;
    let (_, known, kept) = found?;
    let is_marked = browsers::is_marked(&mark, kept.as_ref()?, &known.person.id);
    is_marked.then(|| Counted::known(&mark))
}

/// Gives a browser something else to keep.
pub fn append_cookie(response: &mut Response, cookie: Option<HeaderValue>) {
    if let Some(cookie) = cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}

/// A person, their account, and what is kept of their password.
type Found = (Arc<Account>, Known, Option<Hashed>);

/// The one active person who is known by an address or a name, and what is kept of their password.
/// Anybody can be called as somebody else's address, so an address goes first.
pub async fn known_by(app: &App, account: &str, name: &str) -> Result<Option<Found>, PageError> {
    let Some(account) = app.directory.known_account(account).await? else {
        return Ok(None);
    };
    let name = fold(name);
    let mut people = account.people().await?;
    let is_called = |known: &Known, kind| {
        let mut identities = known.identities.iter();
        identities.any(|one| one.kind == kind && fold(&one.value) == name)
    };
    let owner = |known: &Known| is_called(known, IdentityKind::Email);
    let known = match people.iter().position(owner) {
        Some(at) => Some(people.swap_remove(at)),
        None => {
            people.retain(|known| known.person.active && is_called(known, IdentityKind::Name));
            // A name that two people have says nothing; each has an address.
            people.pop().filter(|_| people.is_empty())
        }
    };
    let known = known.filter(|known| known.person.active);
    // Asked for in any case, so that it takes as long.
    let id = known.as_ref().map_or("", |known| &known.person.id);
    let kept = account.password(id.to_owned()).await?;
    Ok(known.map(|known| (account, known, kept)))
}

/// Ends the session of whoever sends this.
pub async fn log_out(State(app): State<Arc<App>>, parts: Parts) -> Result<Response, PageError> {
    let is_vouched = end_own(&app, &parts).await? == Some(Means::OpenId);
    // The policy of the pages lets the answer to a form lead nowhere else: the provider is a link there.
    let to = match is_vouched && app.reach.openid.is_some() {
        true => "/manage/login?out=here",
        false => "/manage/login?out=1",
    };
    let mut response = Redirect::to(to).into_response();
    let headers = response.headers_mut();
    headers.append(header::SET_COOKIE, app.set_cookie(None));
    Ok(response)
}

/// Ends it, and answers how they had come in.
async fn end_own(app: &App, parts: &Parts) -> Result<Option<Means>, PageError> {
    let found = find(app, parts).await?;
    // The proxy's word is no session that could end.
    let Some(viewer) = found.filter(|viewer| viewer.session.means != Means::Proxy) else {
        return Ok(None);
    };
    let command = SessionCommand::End {
        person_id: viewer.person().id.clone(),
        id: viewer.session.id.clone(),
    };
    viewer.write(app, Command::Session(command)).await?;
    Ok(Some(viewer.session.means))
}

/// What stands in the address after the `?`.
pub fn query(parts: &Parts) -> Form {
    Form::parse(parts.uri.query().unwrap_or_default().as_bytes())
}

/// A session for the browser that sends this.
pub fn new_session(
    app: &App,
    parts: &Parts,
    account: &str,
    means: Means,
) -> Result<(Token, NewSession), PageError> {
    let token = Token::new(account)?;
    let agent = parts.headers.get(header::USER_AGENT);
    let agent = agent.map(|agent| String::from_utf8_lossy(agent.as_bytes()));
    let session = NewSession {
        proof: token.proof(),
        means,
        address: address::client(parts, &app.trusted_proxies).map(|from| from.to_string()),
        agent: agent.map(|agent| agent.chars().take(MAX_AGENT).collect()),
    };
    Ok((token, session))
}

/// Gives a browser its new session, in place of one that it has had, and leads on.
pub async fn came_in(
    app: &App,
    parts: &Parts,
    token: &Token,
    next: &str,
) -> Result<Response, PageError> {
    end_own(app, parts).await?;
    let mut response = Redirect::to(safe_next(next)).into_response();
    let headers = response.headers_mut();
    headers.append(header::SET_COOKIE, app.set_cookie(Some(token)));
    Ok(response)
}
