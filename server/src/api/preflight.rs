//! `POST /preflight/`: whether a deployment could start, now or within a while.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use serde_json::Value;
use tokio::time::Instant;

use super::App;
use super::body::JsonBody;
use super::error::{ApiError, answered};
use super::events::{fingerprint, text};
use super::lists::Parameters;
use super::schemas;
use super::waiting::Place;
use crate::auth::principal::{Key, ToTell};
use crate::domain::answer::{Answer, Verdict};
use crate::domain::deployment::Request;
use crate::domain::event::DeploymentEvent;
use crate::domain::fields::Fields;
use crate::store::flow::{Command, Outcome};
use crate::store::transaction::Envelope;
use crate::store::{Follower, StoreError};

/// The longest wait, in seconds: proxies give up after 30.
const MAX_WAIT: i64 = 25;
/// The shortest time between two looks for one request, however much happens meanwhile.
const PAUSE: Duration = Duration::from_millis(200);

/// Ask whether a deployment could start now. Nothing is recorded.
///
/// With `wait` a verdict that does not allow it is answered when it changes, at the latest after so
/// many seconds.
#[utoipa::path(
    post,
    path = "/preflight/",
    tag = "Events",
    request_body = DeploymentEvent,
    params(
        ("wait" = Option<i64>, Query, description = "Seconds to wait for another verdict: 0 to 25"),
        ("Versioner-Span" = Option<String>, Header, description = "The deployment that would start")
    ),
    responses(
        (status = 200, description = "`allowed`; `rules_evaluated`, every rule's verdict; `latest`, \
            what started there last", body = schemas::PreflightVerdict),
        (status = 422, description = "Fields are missing or wrong"),
        (status = 503, description = "Too many wait already; ask without `wait`, or later")
    )
)]
pub async fn preflight(
    State(app): State<Arc<App>>,
    key: Key<ToTell>,
    headers: HeaderMap,
    Parameters(mut query): Parameters,
    body: JsonBody,
) -> Result<Answer, ApiError> {
    query.refuse_empty();
    let wait = query.integer_text("wait", 0..=MAX_WAIT).unwrap_or(0);
    query.refuse_unread();
    query.finish()?;
    let span = text(&headers, "Versioner-Span")?;
    let fingerprint = fingerprint("deployment-events", &body.value);
    let mut fields = Fields::of_body(body.value)?.clone_object();
    fields.insert("status".to_owned(), "started".into());
    let mut event = DeploymentEvent::read(Value::Object(fields))?;
    // Asked is what the rules say.
    event.skip_preflight_checks = false;
    key.check_limits(&event.product_name, Some(&event.environment_name))
        .await?;
    let asked = Asked {
        account: key.account_name.clone(),
        request: Request {
            origin: event.origin(),
            event,
            span,
            has_key: true,
            actor: key.actor.clone(),
            owner: key.owner(),
            fingerprint,
            occurred: None,
            history: false,
            foreign: false,
        },
    };
    // An account that only waits can be closed.
    drop(key);
    let mut follower = app.directory().follow(&asked.account);
    let first = match asked.judge(&app).await? {
        Outcome::Looked(verdict) if wait > 0 && !verdict.allowed => verdict,
        other => return answered(other),
    };
    let place = app.waiting_starts.begin(&asked.account, &first, app.now());
    let Ok(_permit) = app.waiting().try_acquire() else {
        return Err(ApiError::TooManyWait);
    };
    let wait = Duration::from_secs(wait.unsigned_abs());
    asked.wait(&app, first, (&place, &mut follower), wait).await
}

/// What somebody wants to know.
struct Asked {
    account: String,
    request: Request,
}

impl Asked {
    async fn judge(&self, app: &App) -> Result<Outcome, StoreError> {
        let envelope = Envelope::new(self.request.actor.clone(), app.now());
        let account = app.directory().account(&self.account).await?;
        let command = Command::Preflight(Box::new(self.request.clone()));
        account.write(envelope, command).await
    }

    /// The first verdict that is not `last`, or that at the end.
    async fn wait(
        &self,
        app: &App,
        mut last: Box<Verdict>,
        (place, follower): (&Place<'_>, &mut Follower),
        wait: Duration,
    ) -> Result<Answer, ApiError> {
        let end = Instant::now() + wait;
        loop {
            let pause = Instant::now() + PAUSE;
            let by_itself = last.changes_at.map(|at| {
                let micros = at.saturating_sub(app.now()).max(0);
                Instant::now() + Duration::from_micros(micros.unsigned_abs())
            });
            tokio::select! {
                () = follower.touched(&last.place) => {}
                () = tokio::time::sleep_until(by_itself.unwrap_or(end).min(end)) => {}
                () = app.stopped() => {}
            }
            tokio::select! {
                () = tokio::time::sleep_until(pause.min(end)) => {}
                () = app.stopped() => {}
            }
            follower.catch_up();
            match self.judge(app).await? {
                Outcome::Looked(next)
                    if next.body == last.body && Instant::now() < end && !app.is_stopping() =>
                {
                    place.update(&next);
                    last = next;
                }
                other => return answered(other),
            }
        }
    }
}
