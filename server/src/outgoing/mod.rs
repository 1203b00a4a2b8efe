//! The one client for everything that the server calls: webhooks, chats, providers.
//!
//! The addresses of a name are looked at where the connection is made, so that no answer of a name server
//! comes in between. It follows no redirects, takes no proxy from the environment, and bounds time and
//! size of an answer. A call has a connection of its own: nobody is called often enough for another.

mod connect;
mod error;
mod guard;
mod limit;
mod resolve;

#[cfg(test)]
mod tests;

use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::body::Bytes;
use axum::http::header::{CONNECTION, HOST, PROXY_AUTHORIZATION, USER_AGENT};
use axum::http::{HeaderMap, HeaderValue, Request, StatusCode, Uri};
use futures_util::future::{Either, select};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore};
use url::{Position, Url};

use limit::Limited;

pub use connect::{Connection, Proxy, Stream};
pub use error::OutgoingError;
pub use guard::AllowedNet;
pub use resolve::Resolver;

/// How much of an answer people are shown, in bytes.
const EXCERPT: usize = 1024;
/// The longest head of an answer, in bytes, and its most headers.
const MAX_HEAD: usize = 64 * 1024;
const MAX_HEADERS: usize = 100;
/// How long is read of an answer of which a beginning is enough.
const BEGINNING_PATIENCE: Duration = Duration::from_secs(2);
/// What the server calls itself.
const AGENT: &str = concat!("versioner-server/", env!("CARGO_PKG_VERSION"));

/// What is read of an answer's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// All of it; a larger one is an error.
    Whole(usize),
    /// As much as people are shown; the status says what became of the call.
    Beginning,
}

impl Wanted {
    /// How many bytes are read for it at most: the smallest chunks make a body a few times as long.
    fn at_most(self) -> usize {
        let body = match self {
            Wanted::Whole(limit) => limit,
            Wanted::Beginning => EXCERPT,
        };
        8 * body + 4 * MAX_HEAD
    }
}

/// How far a call may go.
#[derive(Debug, Clone, Copy)]
pub struct Terms<'a> {
    /// How long it may take in all.
    pub time: Duration,
    /// What is read of the answer's body.
    pub wanted: Wanted,
    /// A host that the settings of the machine name: it may be in a private network.
    pub named: Option<&'a str>,
}

/// What was answered.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, or its beginning.
    pub body: Bytes,
    /// Whether it comes from a private network, or nobody knows.
    pub is_private: bool,
}

impl Answer {
    /// As much of the answer as people are shown: nothing of a private network, where it could be what
    /// only the machine may see.
    pub fn excerpt(&self) -> Option<String> {
        if self.is_private || self.body.is_empty() {
            return None;
        }
        let start = &self.body[..self.body.len().min(EXCERPT)];
        let text = String::from_utf8_lossy(start);
        let shown = |one: char| match one {
            '\n' | '\t' => one,
            one if one.is_control() => char::REPLACEMENT_CHARACTER,
            one => one,
        };
        let mut text: String = text.chars().map(shown).collect();
        let mut end = text.len().min(EXCERPT);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        Some(text)
    }
}

/// The client.
pub struct Outgoing {
    allowed: Vec<AllowedNet>,
    proxy: Option<Proxy>,
    resolver: Arc<dyn Resolver>,
    tls: OnceLock<Arc<ClientConfig>>,
}

impl Default for Outgoing {
    fn default() -> Outgoing {
        Outgoing {
            allowed: Vec::new(),
            proxy: None,
            resolver: Arc::new(resolve::System::default()),
            tls: OnceLock::new(),
        }
    }
}

impl Outgoing {
    /// The same that may call these private networks.
    pub fn allowing(self, allowed: Vec<AllowedNet>) -> Outgoing {
        Outgoing { allowed, ..self }
    }

    /// The same that calls through a proxy.
    pub fn through_proxy(self, proxy: Option<Proxy>) -> Outgoing {
        Outgoing { proxy, ..self }
    }

    /// The same that asks somebody else for the addresses of names.
    pub fn resolving(self, resolver: Arc<dyn Resolver>) -> Outgoing {
        Outgoing { resolver, ..self }
    }

    /// The same that trusts these authorities in place of the machine's.
    pub fn trusting(self, roots: RootCertStore) -> Result<Outgoing, OutgoingError> {
        Ok(Outgoing {
            tls: OnceLock::from(tls_config(roots)?),
            ..self
        })
    }

    /// Reads an address that is to be called: `http` or `https`, without a name and a password.
    ///
    /// # Errors
    /// [`OutgoingError::Url`] with what is wrong with it.
    pub fn read_url(text: &str) -> Result<Url, OutgoingError> {
        let wrong = |why| Err(OutgoingError::Url(why));
        let Ok(url) = Url::parse(text) else {
            return wrong("it is none; write https://HOST/PATH");
        };
        match url.scheme() {
            "http" | "https" => {}
            _ => return wrong("it begins with neither https:// nor http://"),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return wrong("it has a name or a password before its host");
        }
        if url.fragment().is_some() {
            return wrong("it has a part after #, which nobody receives");
        }
        match url.host_str() {
            Some(host) if !host.is_empty() => Ok(url),
            _ => wrong("it has no host"),
        }
    }

    /// A connection to the host of `url` for another protocol than one request and its answer.
    ///
    /// # Errors
    /// [`OutgoingError`].
    pub async fn connect(&self, url: &Url, terms: Terms<'_>) -> Result<Connection, OutgoingError> {
        let host = || url.host_str().unwrap_or_default().to_owned();
        let opened = tokio::time::timeout(terms.time, self.open(url, terms.named)).await;
        opened.unwrap_or_else(|_| {
            Err(OutgoingError::Slow {
                host: host(),
                limit: terms.time,
            })
        })
    }

    /// Sends one request, and reads its answer, whatever its status is.
    ///
    /// # Errors
    /// [`OutgoingError`] if there is none.
    pub async fn send(
        &self,
        request: Request<Bytes>,
        terms: Terms<'_>,
    ) -> Result<Answer, OutgoingError> {
        let url = Outgoing::read_url(&request.uri().to_string())?;
        let host = url.host_str().unwrap_or_default().to_owned();
        let slow = || OutgoingError::Slow {
            host: host.clone(),
            limit: terms.time,
        };
        let until = tokio::time::Instant::now() + terms.time;
        let opened = tokio::time::timeout_at(until, self.open(&url, terms.named)).await;
        let connection = opened.map_err(|_| slow())??;
        let is_private = connection.is_private;
        let request = self.prepare(request, &url, connection.by_proxy)?;
        let broken = |error: &hyper::Error| OutgoingError::Broken {
            host: host.clone(),
            reason: with_cause(error),
        };
        let handshake = http1::Builder::new()
            .max_buf_size(MAX_HEAD)
            .max_headers(MAX_HEADERS)
            .handshake(TokioIo::new(Limited::to(
                terms.wanted.at_most(),
                connection.stream,
            )))
            .await;
        let (mut sender, driver) = handshake.map_err(|error| broken(&error))?;
        let exchange = async {
            let sent = tokio::time::timeout_at(until, sender.send_request(request)).await;
            let answer = sent.map_err(|_| slow())?.map_err(|error| broken(&error))?;
            let (head, body) = answer.into_parts();
            let (limit, body_until) = match terms.wanted {
                Wanted::Whole(limit) => (limit, until),
                Wanted::Beginning => {
                    let soon = tokio::time::Instant::now() + BEGINNING_PATIENCE;
                    (EXCERPT, soon.min(until))
                }
            };
            let read = read_body(body, limit, body_until).await;
            let body = match (read, terms.wanted) {
                (Read::All(body), _) | (Read::Beyond(body), Wanted::Beginning) => body,
                // The status is known, which is what counts.
                (Read::Late(body) | Read::Broken(body, _), Wanted::Beginning) => body,
                (Read::Beyond(_), Wanted::Whole(limit)) => {
                    return Err(OutgoingError::TooLarge {
                        host: host.clone(),
                        limit,
                    });
                }
                (Read::Late(_), Wanted::Whole(_)) => return Err(slow()),
                (Read::Broken(_, error), Wanted::Whole(_)) => return Err(broken(&error)),
            };
            Ok(Answer {
                status: head.status,
                headers: head.headers,
                body,
                is_private,
            })
        };
        match select(pin!(exchange), pin!(driver)).await {
            Either::Left((answer, _)) => answer,
            // What the connection brought before its end is still there.
            Either::Right((_, exchange)) => exchange.await,
        }
    }

    /// The request as it goes over the wire.
    fn prepare(
        &self,
        request: Request<Bytes>,
        url: &Url,
        by_proxy: bool,
    ) -> Result<Request<Full<Bytes>>, OutgoingError> {
        let (mut parts, body) = request.into_parts();
        let target = match by_proxy {
            true => &url[..Position::AfterQuery],
            false => &url[Position::BeforePath..Position::AfterQuery],
        };
        let wrong = OutgoingError::Url("it has something that no request can have");
        let Ok(target) = target.parse::<Uri>() else {
            return Err(wrong);
        };
        parts.uri = target;
        let host = &url[Position::BeforeHost..Position::AfterPort];
        let Ok(host) = HeaderValue::from_str(host) else {
            return Err(wrong);
        };
        parts.headers.insert(HOST, host);
        let close = HeaderValue::from_static("close");
        parts.headers.insert(CONNECTION, close);
        let agent = HeaderValue::from_static(AGENT);
        parts.headers.entry(USER_AGENT).or_insert(agent);
        let credentials = self.proxy.as_ref().and_then(Proxy::credentials);
        if let Some(credentials) = credentials.filter(|_| by_proxy)
            && let Ok(value) = HeaderValue::from_str(credentials)
        {
            parts.headers.insert(PROXY_AUTHORIZATION, value);
        }
        Ok(Request::from_parts(parts, Full::new(body)))
    }

    /// How connections are encrypted. The machine's authorities are read once.
    fn tls(&self) -> Result<Arc<ClientConfig>, OutgoingError> {
        if let Some(config) = self.tls.get() {
            return Ok(config.clone());
        }
        let mut roots = RootCertStore::empty();
        let found = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(found.certs);
        if roots.is_empty() {
            let why = "this machine knows no certificate authority; install ca-certificates";
            return Err(OutgoingError::Certificates(why.to_owned()));
        }
        let config = tls_config(roots)?;
        Ok(self.tls.get_or_init(|| config).clone())
    }
}

fn tls_config(roots: RootCertStore) -> Result<Arc<ClientConfig>, OutgoingError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| OutgoingError::Certificates(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// What was read of a body.
enum Read {
    All(Bytes),
    Beyond(Bytes),
    Late(Bytes),
    Broken(Bytes, hyper::Error),
}

async fn read_body(mut body: Incoming, limit: usize, until: tokio::time::Instant) -> Read {
    let mut bytes = Vec::new();
    loop {
        let Ok(frame) = tokio::time::timeout_at(until, body.frame()).await else {
            return Read::Late(bytes.into());
        };
        match frame {
            None => return Read::All(bytes.into()),
            Some(Err(error)) => return Read::Broken(bytes.into(), error),
            Some(Ok(frame)) => {
                let data = frame.into_data().unwrap_or_default();
                let room = limit - bytes.len();
                bytes.extend_from_slice(&data[..data.len().min(room)]);
                if data.len() > room {
                    return Read::Beyond(bytes.into());
                }
            }
        }
    }
}

fn with_cause(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}
