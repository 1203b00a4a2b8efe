//! What is somebody's own: their sessions and their password.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};

use super::error::PageError;
use super::filters;
use super::form::Form;
use super::frame::{Frame, Here, show, show_as};
use super::link::new_password;
use super::login::{append_cookie, new_session, query};
use super::once::Once;
use super::viewer::Viewer;
use crate::api::App;
use crate::auth::passwords::Password;
use crate::auth::throttle::Counted;
use crate::domain::people::{Known, Role};
use crate::domain::sessions::{Means, Session};
use crate::store::flow::{Command, SessionCommand};

#[derive(Template)]
#[template(path = "me.html")]
struct Me {
    frame: Frame,
    account: String,
    known: Known,
    is_admin: bool,
    has_keys: bool,
    own: String,
    sessions: Vec<Session>,
    has_password: bool,
    /// Whether another system lets them in: then it must be able to let them go, too.
    is_vouched: bool,
    /// Whether a proxy says with every request who they are: then there is no session to end.
    by_proxy: bool,
    said: &'static str,
    old_problem: Option<String>,
    new_problem: Option<String>,
    now: i64,
}

/// What becomes of a form that is wrong, by field.
#[derive(Default)]
struct Problems {
    old: Option<String>,
    new: Option<String>,
}

impl Me {
    async fn new(app: &App, viewer: &Viewer, problems: Problems) -> Result<Me, PageError> {
        let id = &viewer.person().id;
        let mut sessions = viewer.account.sessions(id.clone()).await?;
        sessions.retain(|session| session.is_valid(app.now()));
        Ok(Me {
            frame: viewer.frame(Here::Me),
            account: viewer.account_name.clone(),
            known: viewer.known.clone(),
            is_admin: viewer.may(Role::Admin),
            has_keys: viewer.may(Role::Developer),
            own: viewer.session.id.clone(),
            sessions,
            has_password: viewer.account.password(id.clone()).await?.is_some(),
            is_vouched: is_vouched(viewer),
            by_proxy: viewer.session.means == Means::Proxy,
            said: "",
            old_problem: problems.old,
            new_problem: problems.new,
            now: app.now(),
        })
    }

    /// A browser and its system in two words, if it says so in the usual way.
    fn browser(&self, agent: &str) -> String {
        let find = |words: &[(&str, &'static str)]| {
            let mut words = words.iter();
            words
                .find(|(word, _)| agent.contains(word))
                .map(|(_, name)| *name)
        };
        // Most of them claim to be those below as well.
        let browsers = [
            ("Edg/", "Edge"),
            ("OPR/", "Opera"),
            ("Firefox/", "Firefox"),
            ("Chrome/", "Chrome"),
            ("Safari/", "Safari"),
        ];
        let systems = [
            ("Android", "Android"),
            ("iPhone", "iPhone"),
            ("iPad", "iPad"),
            ("Windows", "Windows"),
            ("Mac OS X", "macOS"),
            ("Linux", "Linux"),
        ];
        match (find(&browsers), find(&systems)) {
            (Some(browser), Some(system)) => format!("{browser} on {system}"),
            (Some(browser), None) => browser.to_owned(),
            _ => agent.to_owned(),
        }
    }

    fn means(&self, session: &Session) -> &'static str {
        match session.means {
            Means::Link => "link",
            Means::Password => "password",
            Means::OpenId => "OpenID",
            Means::Proxy => "proxy",
        }
    }
}

fn is_vouched(viewer: &Viewer) -> bool {
    matches!(viewer.session.means, Means::OpenId | Means::Proxy)
}

/// Shows it.
pub async fn me(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    parts: Parts,
) -> Result<Response, PageError> {
    let mut page = Me::new(&app, &viewer, Problems::default()).await?;
    page.said = match query(&parts).text("said") {
        "password" => "The password is set, and every other session has ended.",
        "ended" => "The session has ended.",
        _ => "",
    };
    Ok(show(&page))
}

/// Sets a password. Whoever has one must know it; every session ends but for a new one here.
pub async fn set_password(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    parts: Parts,
    form: Form,
) -> Result<Response, PageError> {
    if is_vouched(&viewer) {
        let msg = "You come in by your company account, which can let you go; a password would let \
            you in all the same. An admin can make you a link by which you set one.";
        return Err(PageError::Forbidden(msg.to_owned()));
    }
    let wrong = async |problems| {
        let page = Me::new(&app, &viewer, problems).await?;
        Ok(show_as(StatusCode::UNPROCESSABLE_ENTITY, &page))
    };
    let id = viewer.person().id.clone();
    let compared = viewer.account.password(id.clone()).await?;
    if compared.is_some() {
        // Whoever sits at an open session may try no more passwords than anybody else.
        let counted = Counted::known(&viewer.session.id);
        if let Err(seconds) = app.wrong_passwords.admit(&counted, app.clock.running()) {
            let old = Some(format!("Too many tries. Try again in {seconds} s."));
            return wrong(Problems { old, new: None }).await;
        }
        let typed = Password::typed(form.exact("old"));
        if !typed.is(compared.clone()).await {
            let old = Some("This is not your password".to_owned());
            return wrong(Problems { old, new: None }).await;
        }
        app.wrong_passwords.forgive(&counted);
    }
    let password = match new_password(form.exact("new")).await {
        Ok(Some(password)) => password,
        Ok(None) => {
            let new = Some("Write the new password".to_owned());
            return wrong(Problems { old: None, new }).await;
        }
        Err(problem) => {
            let new = Some(problem);
            return wrong(Problems { old: None, new }).await;
        }
    };
    let means = viewer.session.means;
    let mark = app.mark_browser(&password, &id);
    let (token, session) = new_session(&app, &parts, &viewer.account_name, means)?;
    let command = SessionCommand::SetPassword {
        person_id: id,
        compared,
        password,
        session,
    };
    viewer.write(&app, Command::Session(command)).await?;
    let mut response = Redirect::to("/manage/me?said=password").into_response();
    let headers = response.headers_mut();
    headers.append(header::SET_COOKIE, app.set_cookie(Some(&token)));
    append_cookie(&mut response, mark);
    Ok(response)
}

/// Ends one session, or all of them.
pub async fn end(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    form: Form,
) -> Result<Response, PageError> {
    let person_id = viewer.person().id.clone();
    let command = match form.text("session") {
        "" => SessionCommand::EndAll { person_id },
        id => SessionCommand::End {
            person_id,
            id: id.to_owned(),
        },
    };
    let once = Once::of(&form);
    let command = Command::Session(command);
    viewer.write_once(&app, once.as_ref(), command).await?;
    Ok(Redirect::to("/manage/me?said=ended").into_response())
}
