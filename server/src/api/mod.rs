//! The HTTP side: routes, and what every request goes through.

mod all_stop;
mod approvals;
mod audit;
pub mod body;
pub mod buttons;
mod deployments;
mod description;
mod docs;
mod drain;
pub mod error;
mod events;
mod exemptions;
mod figures;
mod health;
pub mod hooks;
mod id;
mod json;
mod keys;
pub mod lists;
mod naming;
mod people;
mod places;
mod preflight;
mod queue;
pub mod request_id;
mod rules;
mod schemas;
pub mod slack;
pub mod sources;
mod waiting;
pub mod webhooks;

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;

use axum::http::request::Parts;
use axum::http::{HeaderValue, Uri};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Router};
use ipnet::IpNet;
use jiff::Timestamp;
use tokio::sync::{Semaphore, watch};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::announce::Mailer;
use crate::auth::address;
use crate::auth::rate::RateLimiter;
use crate::auth::throttle::Throttle;
use crate::clock::Clock;
use crate::domain::answer::Answer;
use crate::domain::queue::{Bounds, Retention};
use crate::jobs::Load;
use crate::outgoing::Outgoing;
use crate::pages::{self, Reach};
use crate::secrets::{Secrets, SecretsError};
use crate::serve::Limits;
use crate::share;
use crate::slack::{self as chat, Work};
use crate::store::Directory;
use crate::tls::Tls;
use error::ApiError;

use docs::Documents;

/// How many requests with an invalid key may come from one address in a minute.
const FAILED_LOGINS: NonZeroU32 = NonZeroU32::new(60).unwrap();

/// How often one address may be sent to the OpenID provider, or come back, in a minute.
const PROVIDER_VISITS: NonZeroU32 = NonZeroU32::new(60).unwrap();

/// What every handler can reach.
pub struct App {
    pub(crate) directory: Directory,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) rate_limiter: Option<RateLimiter<(String, String)>>,
    failed_logins: RateLimiter<IpAddr>,
    /// Requests that are not signed as their sender would, by address.
    failed_signatures: RateLimiter<IpAddr>,
    pub(crate) trusted_proxies: Vec<IpNet>,
    limits: Limits,
    tls: Option<Arc<Tls>>,
    read_only: bool,
    /// How far the pages may be reached.
    pub(crate) reach: Reach,
    pub(crate) wrong_passwords: Throttle,
    pub(crate) provider_visits: RateLimiter<IpAddr>,
    /// The client for everything that the server calls.
    pub(crate) outgoing: Arc<Outgoing>,
    /// What goes on for Slack.
    pub(crate) slack: Work,
    /// Who takes on e-mail, if the server sends any.
    pub(crate) mailer: Option<Arc<Mailer>>,
    /// How many more requests may wait for another verdict.
    waiting: Semaphore,
    /// The starts that do.
    waiting_starts: waiting::Waiting,
    /// Who looks at pages that change by themselves.
    pub(crate) live: pages::Live,
    stopping: watch::Sender<bool>,
    queue_load: Load,
    queue_kept: Retention,
    /// The sources that have sent something a moment ago.
    pub(crate) sources: hooks::Sources,
    secrets: Option<Arc<Secrets>>,
}

impl App {
    /// The service over `directory`, by the time of `clock`. A `rate_limit` is the number of requests
    /// that each key may make per minute.
    pub fn new(directory: Directory, clock: Arc<dyn Clock>, rate_limit: Option<NonZeroU32>) -> App {
        directory.go_by(&*clock);
        App {
            directory,
            clock,
            rate_limiter: rate_limit.map(RateLimiter::new),
            failed_logins: RateLimiter::new(FAILED_LOGINS),
            failed_signatures: RateLimiter::new(FAILED_LOGINS),
            trusted_proxies: Vec::new(),
            limits: Limits::default(),
            tls: None,
            read_only: false,
            reach: Reach::default(),
            wrong_passwords: Throttle::default(),
            provider_visits: RateLimiter::new(PROVIDER_VISITS),
            outgoing: Arc::default(),
            slack: Work::default(),
            mailer: None,
            waiting: Semaphore::new(Limits::default().waiting()),
            waiting_starts: waiting::Waiting::default(),
            live: pages::Live::default(),
            stopping: watch::Sender::new(false),
            queue_load: Load::default(),
            queue_kept: Retention::default(),
            sources: hooks::Sources::default(),
            secrets: None,
        }
    }

    /// The same with other limits on its connections.
    pub fn with_limits(self, limits: Limits) -> App {
        App {
            limits,
            waiting: Semaphore::new(limits.waiting()),
            ..self
        }
    }

    /// The same with TLS on its connections.
    pub fn with_tls(self, tls: Arc<Tls>) -> App {
        App {
            tls: Some(tls),
            ..self
        }
    }

    /// The same with pages that may be reached so far.
    pub fn with_reach(self, reach: Reach) -> App {
        App { reach, ..self }
    }

    /// The same with a Slack that is elsewhere: an address that ends with a slash.
    pub fn with_slack_at(self, api: Uri) -> App {
        App {
            slack: Work::at(api),
            ..self
        }
    }

    /// The same that calls others by this client.
    pub fn with_outgoing(self, outgoing: Outgoing) -> App {
        App {
            outgoing: Arc::new(outgoing),
            ..self
        }
    }

    /// The same that sends e-mail.
    pub fn with_mailer(self, mailer: Mailer) -> App {
        App {
            mailer: Some(Arc::new(mailer)),
            ..self
        }
    }

    /// The same behind proxies that say in `X-Forwarded-For` whom they send a request for.
    pub fn behind(self, trusted_proxies: Vec<IpNet>) -> App {
        App {
            trusted_proxies,
            ..self
        }
    }

    /// The same with a key for the secrets that it must know in clear.
    pub fn with_secrets(self, secrets: Arc<Secrets>) -> App {
        App {
            secrets: Some(secrets),
            ..self
        }
    }

    /// The key for secrets that are stored.
    ///
    /// # Errors
    /// [`SecretsError::None`] if the server was given none.
    pub(crate) fn secrets(&self) -> Result<&Secrets, SecretsError> {
        self.secrets.as_deref().ok_or(SecretsError::None)
    }

    /// The same, and no more may wait of one kind in an account than so many rows and bytes.
    pub fn with_queue_bounds(self, rows: i64, bytes: i64) -> App {
        App {
            queue_load: Load::bounded(Bounds { rows, bytes }),
            ..self
        }
    }

    /// The same, whose queues keep what has ended for so many days: what is done, and what could not be done.
    pub fn with_queue_kept(self, done: i64, dead: i64) -> App {
        App {
            queue_kept: Retention { done, dead },
            ..self
        }
    }

    /// How long the queues keep what has ended.
    pub(crate) fn queue_kept(&self) -> Retention {
        self.queue_kept
    }

    /// How much waits in the queues.
    pub(crate) fn queue_load(&self) -> &Load {
        &self.queue_load
    }

    /// Counts a request whose key is not valid.
    ///
    /// # Errors
    /// [`ApiError::RateLimited`] if too many have come from there.
    pub(crate) fn count_failed_login(&self, parts: &Parts) -> Result<(), ApiError> {
        self.count_failed(
            &self.failed_logins,
            parts,
            "requests with an invalid API key",
        )
    }

    /// Counts a request that is not signed as its sender would: apart from keys, so that a sender whose
    /// secret is an old one keeps nobody beside it from an answer.
    ///
    /// # Errors
    /// [`ApiError::RateLimited`] if too many have come from there.
    pub(crate) fn count_failed_signature(&self, parts: &Parts) -> Result<(), ApiError> {
        self.count_failed(
            &self.failed_signatures,
            parts,
            "requests with a wrong signature",
        )
    }

    fn count_failed(
        &self,
        failed: &RateLimiter<IpAddr>,
        parts: &Parts,
        what: &'static str,
    ) -> Result<(), ApiError> {
        let Some(client) = address::client(parts, &self.trusted_proxies) else {
            return Ok(());
        };
        let admitted = failed.admit(address::place(client), self.clock.running());
        admitted.map_err(|retry_after| {
            tracing::debug!(%client, "too many {what}");
            ApiError::RateLimited {
                limit: FAILED_LOGINS.get(),
                what,
                retry_after,
            }
        })
    }

    /// The same, but it records nothing.
    pub fn read_only(self) -> App {
        App {
            read_only: true,
            ..self
        }
    }

    /// Whether it records nothing.
    pub(crate) fn is_read_only(&self) -> bool {
        self.read_only
    }

    /// TLS on its connections, if it has any.
    pub(crate) fn tls(&self) -> Option<&Tls> {
        self.tls.as_deref()
    }

    /// From now on the server takes no new connections.
    pub(crate) fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Whether the server takes no new connections any more.
    pub(crate) fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    /// Ends once the server takes no new connections any more.
    pub(crate) async fn stopped(&self) {
        // The sender lives as long as `self`.
        let _ = self
            .stopping
            .subscribe()
            .wait_for(|stopping| *stopping)
            .await;
    }

    /// Why no requests should be sent here; none if they should.
    async fn unready(&self) -> Option<&'static str> {
        if self.is_stopping() {
            return Some("stopping");
        }
        let probed = self.directory.probe().await;
        probed.err().map(|error| {
            tracing::error!(%error, "the server is not ready");
            "cannot write"
        })
    }

    /// Whether requests should be sent here.
    pub(crate) async fn is_ready(&self) -> bool {
        self.unready().await.is_none()
    }

    /// How many requests wait for another verdict.
    pub fn waiting_count(&self) -> usize {
        self.limits.waiting() - self.waiting.available_permits()
    }

    fn waiting(&self) -> &Semaphore {
        &self.waiting
    }

    /// The limits on its connections.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// The data.
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// The current time as it is stored.
    pub(crate) fn now(&self) -> i64 {
        let of_database = self.directory.now();
        of_database.unwrap_or_else(|| self.clock.now().as_microsecond())
    }

    /// The current time.
    pub(crate) fn time(&self) -> Timestamp {
        Timestamp::from_microsecond(self.now()).unwrap_or_else(|_| self.clock.now())
    }
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Versioner",
        description = "Tell Versioner what is built and what is deployed where, and stop when it \
            says no."
    ),
    security(("key" = [])),
    components(schemas(schemas::Refused, schemas::FieldProblem, schemas::RefusedDetail)),
    modifiers(&KeyScheme)
)]
struct ApiDoc;

struct KeyScheme;

impl Modify for KeyScheme {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let mut scheme = Http::new(HttpAuthScheme::Bearer);
        scheme.description = Some("sk_{account}_{id}_{random}".to_owned());
        openapi
            .components
            .get_or_insert_default()
            .add_security_scheme("key", SecurityScheme::Http(scheme));
    }
}

/// The whole service.
pub fn router(app: Arc<App>) -> Router {
    let (router, openapi) = OpenApiRouter::with_openapi(ApiDoc::openapi())
        .routes(routes!(health::health))
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
        .routes(routes!(docs::openapi))
        .routes(routes!(docs::docs))
        .routes(routes!(events::post_build_event))
        .routes(routes!(events::post_deployment_event))
        .routes(routes!(preflight::preflight))
        .routes(routes!(places::state))
        .routes(routes!(places::commit))
        .routes(routes!(places::compare))
        .routes(routes!(figures::dora))
        .routes(routes!(lists::products))
        .routes(routes!(lists::product, naming::change_product))
        .routes(routes!(lists::environments))
        .routes(routes!(lists::environment, naming::change_environment))
        .routes(routes!(naming::settings, naming::change_settings))
        .routes(routes!(lists::versions))
        .routes(routes!(lists::version))
        .routes(routes!(lists::builds))
        .routes(routes!(lists::build))
        .routes(routes!(lists::deployments))
        .routes(routes!(lists::deployment))
        .routes(routes!(audit::audit))
        .routes(routes!(deployments::abort))
        .routes(routes!(deployments::renew))
        .routes(routes!(keys::list, keys::add))
        .routes(routes!(keys::get, keys::change, keys::revoke))
        .routes(routes!(keys::rotate))
        .routes(routes!(keys::narrow))
        .routes(routes!(people::list, people::add))
        .routes(routes!(people::get, people::change))
        .routes(routes!(approvals::list_approvals, approvals::approve))
        .routes(routes!(approvals::withdraw))
        .routes(routes!(exemptions::list, exemptions::add))
        .routes(routes!(exemptions::get, exemptions::withdraw))
        .routes(routes!(all_stop::show, all_stop::put, all_stop::lift))
        .routes(routes!(rules::list_rules, rules::add_rule))
        .routes(routes!(
            rules::get_rule,
            rules::change_rule,
            rules::remove_rule
        ))
        .routes(routes!(buttons::list, buttons::change))
        .routes(routes!(buttons::get, buttons::change_product))
        .routes(routes!(buttons::version))
        .routes(routes!(sources::list, sources::add))
        .routes(routes!(sources::get, sources::change, sources::remove))
        .routes(routes!(sources::rotate))
        .routes(routes!(queue::list))
        .routes(routes!(queue::get))
        .routes(routes!(queue::replay))
        .routes(routes!(queue::give_up))
        .routes(routes!(hooks::deliver, hooks::allow))
        .routes(routes!(
            hooks::deliver_with_secret,
            hooks::allow_with_secret
        ))
        .routes(routes!(waiting::list))
        .routes(routes!(webhooks::list, webhooks::add))
        .routes(routes!(webhooks::get, webhooks::change, webhooks::remove))
        .routes(routes!(webhooks::rotate))
        .routes(routes!(webhooks::test))
        .routes(routes!(webhooks::resend))
        .routes(routes!(webhooks::deliveries))
        .routes(routes!(webhooks::get_delivery))
        .routes(routes!(webhooks::resend_one))
        .routes(routes!(slack::show, slack::put, slack::remove))
        .routes(routes!(slack::test))
        .routes(routes!(chat::doors::commands))
        .routes(routes!(chat::doors::interactions))
        .split_for_parts();
    let documents = Documents::new(&openapi);
    router
        .merge(pages::router(&app))
        .merge(share::router())
        .fallback(|| async { ApiError::NotFound("Not Found".to_owned()) })
        .method_not_allowed_fallback(|| async { ApiError::MethodNotAllowed })
        .layer(Extension(Arc::new(documents)))
        .layer(axum::middleware::from_fn(drain::drain))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(axum::middleware::map_response(name_features))
        .layer(axum::middleware::from_fn(request_id::follow))
        .with_state(app)
}

/// What this service has beyond recording, for clients that can use it.
const FEATURES: &str = "idempotency, history, preflight, wait, span, renew";

async fn name_features(mut response: Response) -> Response {
    let features = HeaderValue::from_static(FEATURES);
    response
        .headers_mut()
        .insert("versioner-features", features);
    response
}

fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    tracing::error!("a handler panicked");
    let detail = serde_json::json!({ "detail": "Internal Server Error" });
    Answer::new(500, &detail).into_response()
}
