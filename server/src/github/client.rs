//! What the server asks of GitHub.

use std::time::Duration;

use axum::body::Bytes;
use axum::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, DATE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode};
use serde_json::Value;

use super::key::{AppKey, KeyError};
use crate::domain::gate::Callback;
use crate::domain::source::Source;
use crate::domain::webhook::wish;
use crate::jobs::queue::Place;
use crate::outgoing::{Answer, Outgoing, OutgoingError, Terms, Wanted};
use crate::secrets::{Secrets, SecretsError};
use crate::store::StoreError;
use crate::store::flow::key_name;

const SECOND: i64 = 1_000_000;
/// How long a call may take: three of them fit into what a row of the queue may take.
const PATIENCE: Duration = Duration::from_secs(8);
/// The longest answer that is read.
const MAX_ANSWER: usize = 512 * 1024;
/// How far GitHub's clock may be from ours, in seconds, until its own is gone by.
const DRIFT: i64 = 30;
/// The version of the API that this is written for.
const VERSION: (&str, &str) = ("x-github-api-version", "2022-11-28");

/// Why GitHub did not do what it was asked for. No text has a token or a key in it.
#[derive(Debug, thiserror::Error)]
pub enum GithubError {
    /// It does not know who asks, or not any more; or its clock is another one.
    #[error(
        "GitHub does not know who asks ({0}): look at the token, or at app_id and whether the private key \
         is still listed at GitHub"
    )]
    Unknown(String),
    /// The app may not, or it was asked too often.
    #[error("GitHub does not let the app ({0})")]
    Forbidden(String),
    /// There is no such thing, or the app is not installed there.
    #[error("{0}")]
    Gone(String),
    /// It does not fit any more.
    #[error("GitHub does not take it: {0}")]
    Refused(String),
    /// It was asked too often; then it may be again.
    #[error("GitHub takes no more for a while")]
    Limited(i64),
    /// It cannot do it now, or not be reached.
    #[error("{0}")]
    Away(String),
    /// The key is none.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The key cannot be read.
    #[error("the private key of the app cannot be read: {0}")]
    Secrets(#[from] SecretsError),
    /// There is no key.
    #[error("the app has no private key here; give it one")]
    NoKey,
    /// The database does not answer.
    #[error("the database did not answer")]
    Store(#[from] StoreError),
}

impl From<OutgoingError> for GithubError {
    fn from(error: OutgoingError) -> GithubError {
        GithubError::Away(error.to_string())
    }
}

/// GitHub's API, as it is called.
pub struct Api<'a> {
    outgoing: &'a Outgoing,
    base: &'a str,
    now: Box<dyn Fn() -> i64 + Send + Sync + 'a>,
}

/// Who calls it.
pub enum Bearer<'a> {
    /// Whoever has this token.
    Token(&'a str),
    /// An app as itself, with its key and its identifier.
    App(&'a AppKey, &'a str),
}

impl<'a> Api<'a> {
    /// The API at `base`. `now` is asked at each call: microseconds since 1970.
    pub fn new(
        outgoing: &'a Outgoing,
        base: &'a str,
        now: impl Fn() -> i64 + Send + Sync + 'a,
    ) -> Api<'a> {
        Api {
            outgoing,
            base,
            now: Box::new(now),
        }
    }

    /// Where it is.
    pub fn base(&self) -> &str {
        self.base
    }

    /// Asks for something of at most so many bytes: it, and the headers that it came with.
    ///
    /// # Errors
    /// Why GitHub does not answer with it.
    pub async fn get(
        &self,
        who: &Bearer<'_>,
        url: &str,
        most: usize,
    ) -> Result<(Value, HeaderMap), GithubError> {
        let answer = self.send(who, (Method::GET, url), None, most).await?;
        match read(&answer, (self.now)())? {
            Some(body) => Ok((body, answer.headers)),
            None => Err(GithubError::Away("GitHub's answer is empty".to_owned())),
        }
    }

    /// Asks for a page of a list, as [`Api::get`] asks for one thing.
    ///
    /// # Errors
    /// Why GitHub does not answer with it.
    pub async fn list(
        &self,
        who: &Bearer<'_>,
        url: &str,
        most: usize,
    ) -> Result<(Vec<Value>, HeaderMap), GithubError> {
        match self.get(who, url, most).await? {
            (Value::Array(items), headers) => Ok((items, headers)),
            _ => Err(GithubError::Away("GitHub's answer is no list".to_owned())),
        }
    }

    /// Sends something.
    ///
    /// # Errors
    /// Why GitHub does not take it.
    pub async fn post(
        &self,
        who: &Bearer<'_>,
        url: &str,
        body: Vec<u8>,
    ) -> Result<Value, GithubError> {
        let sent = self
            .send(who, (Method::POST, url), Some(body), MAX_ANSWER)
            .await?;
        Ok(read(&sent, (self.now)())?.unwrap_or_default())
    }

    async fn send(
        &self,
        who: &Bearer<'_>,
        (method, url): (Method, &str),
        body: Option<Vec<u8>>,
        most: usize,
    ) -> Result<Answer, GithubError> {
        let (key, app_id) = match who {
            Bearer::Token(token) => return self.call(method, url, token, body, most).await,
            Bearer::App(key, app_id) => (key, app_id),
        };
        let now = (self.now)() / SECOND;
        let token = key.token(app_id, now)?;
        let answer = self
            .call(method.clone(), url, &token, body.clone(), most)
            .await?;
        if answer.status == StatusCode::UNAUTHORIZED
            && let Some(theirs) = date(&answer.headers)
            && now.abs_diff(theirs) > DRIFT.unsigned_abs()
        {
            tracing::warn!(
                seconds = now - theirs,
                "this server's clock is not GitHub's, whose own is gone by; set the clock"
            );
            let token = key.token(app_id, theirs)?;
            return self.call(method, url, &token, body, most).await;
        }
        Ok(answer)
    }

    async fn call(
        &self,
        method: Method,
        url: &str,
        token: &str,
        body: Option<Vec<u8>>,
        most: usize,
    ) -> Result<Answer, GithubError> {
        let wrong = || GithubError::Away("this address cannot be called".to_owned());
        // Only what the settings name is called, whatever a delivery says.
        if !url.starts_with(&format!("{}/", self.base)) {
            return Err(GithubError::Away(
                "the address is not of the API of this source, and is not called".to_owned(),
            ));
        }
        let mut bearer = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| wrong())?;
        bearer.set_sensitive(true);
        let mut request = Request::builder()
            .method(method)
            .uri(Outgoing::read_url(url)?.as_str())
            .header(AUTHORIZATION, bearer)
            .header(ACCEPT, "application/vnd.github+json")
            .header(HeaderName::from_static(VERSION.0), VERSION.1);
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let request = request
            .body(Bytes::from(body.unwrap_or_default()))
            .map_err(|_| wrong())?;
        let terms = Terms {
            time: PATIENCE,
            wanted: Wanted::Whole(most),
            named: None,
        };
        Ok(self.outgoing.send(request, terms).await?)
    }
}

/// An app at GitHub, as a server calls it.
pub struct Client<'a> {
    api: Api<'a>,
    key: AppKey,
    app_id: &'a str,
}

impl<'a> Client<'a> {
    /// The app of a source.
    ///
    /// # Errors
    /// If it has no key that can be used.
    pub async fn of(place: &'a Place, source: &'a Source) -> Result<Client<'a>, GithubError> {
        let name = key_name(&source.id);
        let sealed = place.account.sealed(name.clone()).await?;
        let sealed = sealed.ok_or(GithubError::NoKey)?;
        let app = &place.app;
        Ok(Client {
            api: Api::new(&app.outgoing, source.settings.api(), || app.now()),
            key: open_key(app.secrets()?, source, &sealed)?,
            app_id: source.settings.app_id.as_deref().unwrap_or_default(),
        })
    }

    /// What GitHub says of the run of a job; none if the app may not know.
    ///
    /// # Errors
    /// Why it says nothing.
    pub async fn run(&self, callback: &Callback) -> Result<Option<Value>, GithubError> {
        let token = self.token(&callback.installation).await?;
        let url = callback.url.rsplit_once('/').map_or("", |(url, _)| url);
        let who = Bearer::Token(&token);
        match self.api.get(&who, url, MAX_ANSWER).await {
            Ok((run, _)) => Ok(Some(run)),
            Err(GithubError::Forbidden(_)) => Ok(None),
            Err(GithubError::Gone(_)) => {
                let msg = "GitHub does not know the run any more";
                Err(GithubError::Gone(msg.to_owned()))
            }
            Err(error) => Err(error),
        }
    }

    /// Says something to a job that waits.
    ///
    /// # Errors
    /// Why GitHub does not take it.
    pub async fn say(&self, callback: &Callback, body: Vec<u8>) -> Result<(), GithubError> {
        let token = self.token(&callback.installation).await?;
        let who = Bearer::Token(&token);
        self.api.post(&who, &callback.url, body).await.map(|_| ())
    }

    /// A token for a place where the app is installed. It is used at once and kept nowhere.
    async fn token(&self, installation: &str) -> Result<String, GithubError> {
        let base = self.api.base();
        let url = format!("{base}/app/installations/{installation}/access_tokens");
        let who = Bearer::App(&self.key, self.app_id);
        match self.api.post(&who, &url, Vec::new()).await {
            Ok(body) => match body["token"].as_str() {
                Some(token) => Ok(token.to_owned()),
                None => Err(GithubError::Away("GitHub's answer has no token".to_owned())),
            },
            Err(GithubError::Gone(_)) => Err(GithubError::Gone(format!(
                "The app is not installed there any more (installation {installation})"
            ))),
            Err(error) => Err(error),
        }
    }
}

/// Reads the private key of a source as it is kept.
///
/// # Errors
/// If it is encrypted with another key, or none.
pub fn open_key(keeper: &Secrets, source: &Source, sealed: &[u8]) -> Result<AppKey, GithubError> {
    let name = key_name(&source.id);
    let opened = keeper.open(&name, sealed)?;
    let pem = String::from_utf8(opened).map_err(|_| SecretsError::Damaged(name))?;
    Ok(AppKey::read(&pem)?)
}

/// What GitHub answers, if it says more than yes; or why it does not answer.
fn read(answer: &Answer, now: i64) -> Result<Option<Value>, GithubError> {
    let body = serde_json::from_slice(&answer.body);
    let status = answer.status;
    if status.is_success() {
        return match body {
            _ if answer.body.is_empty() => Ok(None),
            Ok(body) => Ok(Some(body)),
            Err(_) => Err(GithubError::Away(format!(
                "something else than GitHub answers {status}, such as a proxy with a page of its own"
            ))),
        };
    }
    let body: Value = body.unwrap_or_default();
    let said = match said(&body) {
        text if text.is_empty() || answer.is_private => status.to_string(),
        text => format!("{status}: {text}"),
    };
    let wait = wait(&answer.headers, now);
    Err(match status.as_u16() {
        401 => GithubError::Unknown(said),
        403 | 429 if wait.is_some() || status == StatusCode::TOO_MANY_REQUESTS => {
            GithubError::Limited(wait.unwrap_or(60 * SECOND))
        }
        403 => GithubError::Forbidden(said),
        404 | 410 => GithubError::Gone(format!("GitHub does not know it any more ({said})")),
        422 => GithubError::Refused(said),
        _ => GithubError::Away(format!("GitHub answers {said}")),
    })
}

/// What GitHub says is wrong.
fn said(body: &Value) -> String {
    let mut said = vec![body["message"].as_str().unwrap_or_default()];
    let errors = body["errors"].as_array().into_iter().flatten();
    said.extend(errors.filter_map(|error| error.as_str().or(error["message"].as_str())));
    let said = said.join(" ");
    let shown = said.trim().chars().take(200);
    shown
        .map(|one| if one.is_control() { ' ' } else { one })
        .collect()
}

fn header<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

/// For how long GitHub wants to be asked nothing, if it says so.
fn wait(headers: &HeaderMap, now: i64) -> Option<i64> {
    if let Some(text) = header(headers, RETRY_AFTER.as_str()) {
        return wish(text, now);
    }
    if header(headers, "x-ratelimit-remaining")? != "0" {
        return None;
    }
    let reset: i64 = header(headers, "x-ratelimit-reset")?.parse().ok()?;
    Some(
        reset
            .saturating_mul(SECOND)
            .saturating_sub(now)
            .clamp(SECOND, 3600 * SECOND),
    )
}

/// GitHub's time, in seconds since 1970.
fn date(headers: &HeaderMap) -> Option<i64> {
    let text = header(headers, DATE.as_str())?;
    let at = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    Some(at.as_second())
}
