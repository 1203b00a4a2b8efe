//! The errors of the HTTP library, in the service's shape.
//!
//! What is no HTTP at all never reaches a handler: the library answers it by itself, with a status and
//! nothing else. This stands between the library and the connection and adds what is missing.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How an answer of the library begins: the service itself never sends an empty refusal.
const BEGINS: &[u8] = b"HTTP/1.1 4";
const EMPTY: &str = "content-length: 0\r\n";

/// A connection whose empty refusals get a body.
pub struct Wire<S> {
    inner: S,
    /// What is still to be written of such a refusal.
    pending: Vec<u8>,
}

impl<S> Wire<S> {
    /// The same connection.
    pub fn new(inner: S) -> Wire<S> {
        Wire {
            inner,
            pending: Vec::new(),
        }
    }
}

/// The refusal with a body, if it has none.
fn completed(written: &[u8]) -> Option<Vec<u8>> {
    if !written.starts_with(BEGINS) {
        return None;
    }
    let head = std::str::from_utf8(written).ok()?;
    let (before, after) = head.split_once(EMPTY)?;
    let detail = match head.get(9..12)? {
        "431" => "The head of the request is too large",
        "414" => "The address of the request is too long",
        "408" => "The head of the request took too long",
        _ => "This is no HTTP request that this server understands",
    };
    let body = format!("{{\"detail\":\"{detail}\"}}");
    let length = body.len();
    let headers = format!("content-type: application/json\r\ncontent-length: {length}\r\n");
    Some(format!("{before}{headers}{after}{body}").into_bytes())
}

impl<S: AsyncWrite + Unpin> Wire<S> {
    fn drain(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.pending.is_empty() {
            let written = ready!(Pin::new(&mut self.inner).poll_write(context, &self.pending))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.pending.drain(..written);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.drain(context))?;
        if let Some(completed) = completed(bytes) {
            self.pending = completed;
            return Poll::Ready(Ok(bytes.len()));
        }
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let [bytes] = buffers {
            return self.poll_write(context, bytes);
        }
        ready!(self.drain(context))?;
        Pin::new(&mut self.inner).poll_write_vectored(context, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.drain(context))?;
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.drain(context))?;
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Wire<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::completed;

    #[test]
    fn only_an_empty_refusal_gets_a_body() {
        let library = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\n\
            date: now\r\n\r\n";
        let told = String::from_utf8(completed(library).unwrap()).unwrap();
        let (head, body) = told.split_once("\r\n\r\n").unwrap();
        assert!(
            head.contains(&format!("content-length: {}", body.len())),
            "{head}"
        );
        assert!(body.contains("too large"), "{body}");
        assert_eq!(
            completed(b"HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n"),
            None
        );
        let own = b"HTTP/1.1 404 Not Found\r\ncontent-length: 22\r\n\r\n{\"detail\":\"Not Found\"}";
        assert_eq!(completed(own), None);
    }
}
