//! A name for each request: in its answer, in the log of the server, and in the record.

use std::time::{Duration, Instant};

use axum::body::{Body, to_bytes};
use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use metrics::{counter, histogram};
use serde_json::{Map, Value};
use tracing::Instrument;

const HEADER: HeaderName = HeaderName::from_static("x-request-id");
/// The longest name that a client may give a request.
const LONGEST: usize = 64;
/// More than any refusal has.
const MAX_REFUSAL: usize = 64 * 1024;

/// The name of a request.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

/// Takes the name that the client gives, or makes one, and tells the log what became of the request.
pub async fn follow(mut request: Request, next: Next) -> Response {
    let given = request.headers().get(HEADER);
    let given = given.and_then(|value| value.to_str().ok());
    let id = match given.filter(|text| is_name(text)) {
        Some(text) => text.to_owned(),
        None => uuid::Uuid::now_v7().to_string(),
    };
    request.extensions_mut().insert(RequestId(id.clone()));
    let method = request.method().clone();
    // The path itself may hold anything that somebody has put there by mistake.
    let path = request.extensions().get::<MatchedPath>();
    let path = path.map_or_else(String::new, |path| path.as_str().to_owned());
    let begun = Instant::now();
    let span = tracing::info_span!("request", id = id.as_str());
    let response = next.run(request).instrument(span.clone()).await;
    let status = response.status();
    let taken = begun.elapsed();
    let milliseconds = u64::try_from(taken.as_millis()).unwrap_or(u64::MAX);
    count(method.as_str(), &path, status.as_u16(), taken);
    span.in_scope(|| {
        let status = status.as_u16();
        if status >= 500 {
            tracing::warn!(%method, path, status, milliseconds, "a request failed");
        } else {
            tracing::debug!(%method, path, status, milliseconds, "answered");
        }
    });
    let mut response = if status.is_server_error() {
        named(response, &id).await
    } else {
        response
    };
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(HEADER, value);
    }
    response
}

/// Counts a request. A method that no HTTP knows is none of its own, so that nobody fills the memory.
fn count(method: &str, route: &str, status: u16, taken: Duration) {
    const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    let known = METHODS.into_iter().find(|known| *known == method);
    let labels = [
        ("method", known.unwrap_or("other").to_owned()),
        ("route", route.to_owned()),
        ("status", status.to_string()),
    ];
    counter!("versioner_requests_total", &labels).increment(1);
    histogram!("versioner_request_seconds", "route" => route.to_owned())
        .record(taken.as_secs_f64());
}

/// Whether a client may call its request so. An API key has underscores.
fn is_name(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-.".contains(&byte);
    (1..=LONGEST).contains(&text.len()) && text.bytes().all(fits)
}

/// The refusal with the request's name in it, so that whoever reads it can ask for it.
async fn named(response: Response, id: &str) -> Response {
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, MAX_REFUSAL).await else {
        return Response::from_parts(parts, Body::empty());
    };
    let Ok(mut refusal) = serde_json::from_slice::<Map<String, Value>>(&bytes) else {
        return Response::from_parts(parts, Body::from(bytes));
    };
    refusal.insert("request_id".to_owned(), id.into());
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(Value::Object(refusal).to_string()))
}

#[cfg(test)]
mod tests {
    use super::is_name;

    #[test]
    fn a_name_is_short_and_plain_and_no_key() {
        assert!(is_name("0194c7f2-7a0e-7cc1.retry-2"));
        for other in ["", "a b", "sk_local_k1_abc", "a\u{e9}", &"x".repeat(65)] {
            assert!(!is_name(other), "{other}");
        }
    }
}
