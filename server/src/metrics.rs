//! Figures about the server itself, for Prometheus, on an address of their own.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use metrics::gauge;
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::net::TcpListener;

use crate::api::App;
use crate::domain::queue::Kind;
use crate::store::StoreError;
use crate::tls::Tls;

const CONTENT: &str = "text/plain; version=0.0.4; charset=utf-8";
/// Where the times of requests are divided, in seconds.
const BUCKETS: [f64; 8] = [0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 10.0, 30.0];
const SECOND: i64 = 1_000_000;

/// What is counted from now on.
#[derive(Clone)]
pub struct Metrics(PrometheusHandle);

impl Metrics {
    /// Begins to count, for the whole process.
    ///
    /// # Errors
    /// If something counts already.
    pub fn start() -> Result<Metrics, BuildError> {
        let seconds = Matcher::Full("versioner_request_seconds".to_owned());
        let builder = PrometheusBuilder::new().set_buckets_for_metric(seconds, &BUCKETS)?;
        Ok(Metrics(builder.install_recorder()?))
    }

    /// Answers whoever asks on `listener`, until the task is dropped.
    pub async fn serve(self, app: Arc<App>, listener: TcpListener) {
        let router = Router::new()
            .route("/metrics", get(show))
            .with_state((self, app));
        if let Err(error) = axum::serve(listener, router).await {
            tracing::error!(%error, "metrics cannot be served any more");
        }
    }
}

async fn show(State((metrics, app)): State<(Metrics, Arc<App>)>) -> impl IntoResponse {
    if let Err(error) = observe(&app).await {
        tracing::warn!(%error, "the state of the accounts cannot be shown");
    }
    // What is old is let go of here, where nobody waits for an event.
    metrics.0.run_upkeep();
    ([(CONTENT_TYPE, CONTENT)], metrics.0.render())
}

/// Looks at what is not counted but is.
#[allow(clippy::cast_precision_loss, reason = "nobody looks at the last digit")]
async fn observe(app: &App) -> Result<(), StoreError> {
    let now = app.now();
    let seconds = |micros: i64| micros as f64 / SECOND as f64;
    gauge!("versioner_clock_seconds").set(seconds(now));
    gauge!("versioner_ready").set(f64::from(u8::from(app.is_ready().await)));
    gauge!("versioner_waiting_requests").set(app.waiting_count() as f64);
    if let Some(expires_at) = app.tls().and_then(Tls::expires_at) {
        gauge!("versioner_certificate_expires_seconds").set(expires_at as f64);
    }
    let accounts = app.directory().open_by_name();
    gauge!("versioner_open_accounts").set(accounts.len() as f64);
    for (name, account) in accounts {
        let pulse = account.pulse().await?;
        let age = |at: Option<i64>| at.map_or(0.0, |at| seconds(now - at));
        gauge!("versioner_oldest_deployment_seconds", "account" => name.clone())
            .set(age(pulse.oldest_in_progress));
        gauge!("versioner_last_event_seconds", "account" => name.clone())
            .set(age(pulse.last_event));
        let queued = account.queue_age(now).await?;
        gauge!("versioner_queue_seconds", "account" => name.clone()).set(queued.as_secs_f64());
        let waiting = account.queue_waiting().await?;
        for kind in Kind::ALL {
            let found = waiting.iter().find(|waiting| waiting.kind == kind);
            let rows = found.map_or(0, |waiting| waiting.rows);
            let labels = [
                ("account", name.clone()),
                ("kind", kind.as_str().to_owned()),
            ];
            gauge!("versioner_queued_rows", &labels).set(rows as f64);
            gauge!("versioner_queued_oldest_seconds", &labels)
                .set(age(found.map(|waiting| waiting.oldest)));
        }
    }
    Ok(())
}
