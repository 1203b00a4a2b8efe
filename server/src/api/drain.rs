//! Reads what a handler has left of a request body.
//!
//! An answer to a body that is still arriving is often lost: the connection is closed with bytes
//! unread, and the client sees a reset in place of a 401 or a 413.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use hyper::body::{Frame, SizeHint};

/// The most that is read and thrown away, in bytes.
const MAX_DRAINED: usize = 16 * 1024 * 1024;
/// The longest that this may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// A body that can still be read after the handler has dropped it.
#[derive(Clone)]
struct Shared(Arc<Mutex<Body>>);

impl HttpBody for Shared {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let mut body = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Pin::new(&mut *body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        let body = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let body = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        body.size_hint()
    }
}

/// Runs the handler, and reads to the end what it has not read.
pub async fn drain(request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let shared = Shared(Arc::new(Mutex::new(body)));
    let request = Request::from_parts(parts, Body::new(shared.clone()));
    let response = next.run(request).await;
    if !shared.is_end_stream() {
        // The answer goes out in any case; there is nothing to do about a body that never ends.
        let _ = tokio::time::timeout(TIMEOUT, discard(shared)).await;
    }
    response
}

async fn discard(mut body: Shared) {
    let mut total = 0;
    while total < MAX_DRAINED {
        let frame = std::future::poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await;
        let Some(Ok(frame)) = frame else { break };
        total += frame.data_ref().map_or(0, Bytes::len);
    }
}
