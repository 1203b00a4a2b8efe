//! Coming in by an OpenID provider.
//!
//! It begins with a link: a form whose answer leads to another site is forbidden by the policy of the
//! pages. What ties the provider's answer to the browser is in a cookie of ten minutes.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use subtle::ConstantTimeEq;

use super::error::PageError;
use super::login::{came_in, new_session, query};
use super::viewer::{By, safe_next};
use crate::api::App;
use crate::api::error::ApiError;
use crate::auth::address;
use crate::auth::openid::{Answered, OpenId, OpenIdError};
use crate::domain::sessions::Means;
use crate::store::flow::{Command, SessionCommand};

const DONE: &str = "/manage/login/openid/done";
/// How long somebody may take at the provider, in seconds.
const PATIENCE: u32 = 600;

/// The provider, if there is one and the client has not asked for it too often: each time it costs
/// requests to another system.
fn provider<'a>(app: &'a App, parts: &Parts) -> Result<&'a OpenId, PageError> {
    let provider = app.reach.openid.as_ref();
    let provider = provider.ok_or(PageError::NotFound("page"))?;
    if let Some(client) = address::client(parts, &app.trusted_proxies) {
        let visits = &app.provider_visits;
        let admitted = visits.admit(address::place(client), app.clock.running());
        admitted.map_err(|retry_after| ApiError::RateLimited {
            limit: visits.limit(),
            what: "visits to the provider",
            retry_after,
        })?;
    }
    Ok(provider)
}

/// Sends somebody to the provider.
pub async fn begin(State(app): State<Arc<App>>, parts: Parts) -> Result<Response, PageError> {
    app.unsafe_to_log_in(&parts)?;
    let redirect = format!("{}{DONE}", app.origin(&parts.headers));
    let provider = provider(&app, &parts)?;
    let begun = provider.begin(&app.outgoing, &redirect).await?;
    let query = query(&parts);
    let next = safe_next(query.text("next")).as_bytes();
    let next: String = form_urlencoded::byte_serialize(next).collect();
    let kept = [begun.state, begun.nonce, begun.verifier, next].join("!");
    let mut response = Redirect::to(&begun.address).into_response();
    let headers = response.headers_mut();
    headers.append(header::SET_COOKIE, app.set_login_cookie(&kept, PATIENCE));
    Ok(response)
}

/// Lets in whom the provider vouches for.
pub async fn done(State(app): State<Arc<App>>, parts: Parts) -> Result<Response, PageError> {
    app.unsafe_to_log_in(&parts)?;
    let provider = provider(&app, &parts)?;
    let query = query(&parts);
    let kept = app.login_cookie(&parts.headers).unwrap_or_default();
    let kept: Vec<&str> = kept.split('!').collect();
    let [state, nonce, verifier, next] = kept[..] else {
        return Err(again());
    };
    if state.is_empty() || !bool::from(state.as_bytes().ct_eq(query.exact("state").as_bytes())) {
        return Err(again());
    }
    if !query.text("error").is_empty() {
        let (error, why) = (query.text("error"), query.text("error_description"));
        let msg = format!("The provider let nobody in: {error}. {why}");
        return Err(PageError::Forbidden(msg));
    }
    let redirect = format!("{}{DONE}", app.origin(&parts.headers));
    let answered = Answered {
        code: query.exact("code").to_owned(),
        nonce: nonce.to_owned(),
        verifier: verifier.to_owned(),
    };
    let vouched = provider
        .finish(&app.outgoing, &redirect, answered, app.now())
        .await?;
    let account = app.directory.known_account(&provider.account).await?;
    let account = account.ok_or(PageError::NotFound("account"))?;
    let (token, session) = new_session(&app, &parts, &provider.account, Means::OpenId)?;
    let command = SessionCommand::ComeVouched { vouched, session };
    let by = By::of("openid".to_owned(), &parts);
    by.write(&app, &account, Command::Session(command)).await?;
    let next = form_urlencoded::parse(format!("next={next}").as_bytes())
        .next()
        .map_or(String::new(), |(_, next)| next.into_owned());
    let mut response = came_in(&app, &parts, &token, &next).await?;
    let headers = response.headers_mut();
    headers.append(header::SET_COOKIE, app.set_login_cookie("", 0));
    Ok(response)
}

/// Sends somebody who has logged out here to the provider, to log out there, too.
pub async fn log_out(State(app): State<Arc<App>>, parts: Parts) -> Result<Response, PageError> {
    let back = format!("{}/manage/login?out=1", app.origin(&parts.headers));
    let way = provider(&app, &parts)?
        .way_out(&app.outgoing, &back)
        .await?;
    let way = way.ok_or_else(|| {
        let msg = "The provider offers no log-out to other systems. Log out at its own page.";
        PageError::Gone(msg.to_owned())
    })?;
    Ok(Redirect::to(&way).into_response())
}

fn again() -> PageError {
    let msg = "This login was not begun in this browser, or too long ago. Begin it again.";
    PageError::Forbidden(msg.to_owned())
}

impl From<OpenIdError> for PageError {
    fn from(error: OpenIdError) -> PageError {
        tracing::warn!(%error, "nobody comes in by OpenID");
        let msg = match error {
            OpenIdError::Provider(..) => {
                "The provider cannot be asked now. The log of the server says why; with a password \
                 you can come in all the same."
            }
            OpenIdError::NotBelieved(_) => {
                "What the provider says of you is not believed. The log of the server says why; \
                 begin again."
            }
        };
        PageError::Forbidden(msg.to_owned())
    }
}
