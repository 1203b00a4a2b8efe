//! The way to the service: one request over HTTP/1.1, plain or with TLS, directly or through a
//! proxy. Nothing else of this library knows how bytes travel.

mod body;
#[cfg(feature = "cli")]
mod diagnosis;
mod dial;
mod exchange;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod heads;
mod pem;
mod pool;
mod proxy;
mod secure;
mod socket;
mod tls;
mod trace;
mod trouble;

use std::sync::Arc;
use std::time::Instant;

use rustls::ClientConfig;
use rustls::client::Resumption;

use crate::input::settings::{BaseUrl, Settings};
use crate::model::failure::Failure;
use crate::model::log::Logger;
use crate::send::answer::Answer;
use crate::send::limit::Limit;
#[cfg(feature = "cli")]
pub(crate) use diagnosis::Step;
use exchange::{Connection, Received, Unanswered};
use pool::{PerProcess, Pool};
use proxy::Proxy;
use secure::Secure;
use socket::{Link, write_all};
use trace::Trace;
use trouble::Trouble;
pub(crate) use trouble::{interrupted, seconds};

/// How many sessions a process remembers, so that a new connection to the same host is cheaper.
const TLS_SESSIONS: usize = 8;

/// One request on its way.
pub(crate) struct Request<'a> {
    pub method: &'static str,
    /// Below the base URL.
    pub url: &'a str,
    pub authorization: &'a str,
    pub user_agent: &'a str,
    /// Empty if nothing is recorded.
    pub idempotency_key: &'a str,
    /// The scoped deployment that it is about; empty if none.
    pub span: &'a str,
    /// When it happened and when it is sent, by one clock, of what is told late; else empty.
    pub occurred_at: &'a str,
    pub sent_at: &'a str,
    /// JSON; empty if there is none.
    pub body: &'a str,
}

impl Request<'_> {
    /// Whether the service is to record something.
    pub fn records(&self) -> bool {
        !self.idempotency_key.is_empty()
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) struct Unsent {
    pub failure: Failure,
    /// That of an answer that began and cannot be read; 0 if there is none.
    pub http_status: u16,
    /// Whether some of the request may have arrived, so that the service may have recorded it.
    pub was_sent: bool,
}

/// Sends requests over connections that are kept open.
#[derive(Debug)]
pub(crate) struct Transport {
    target: BaseUrl,
    /// `host:port`, as URLs write it.
    authority: String,
    proxy: Option<Proxy>,
    tls: Option<ClientConfig>,
    trace: Trace,
    state: PerProcess<State>,
}

/// What must not be shared with a forked process.
struct State {
    pool: Pool,
    tls: Option<Arc<ClientConfig>>,
}

impl Transport {
    /// Reads certificates and chooses the proxy; connects nowhere yet.
    pub fn new(settings: &Settings, logger: Logger) -> Result<Self, Failure> {
        let target = settings.api_url.clone();
        let proxy = proxy::choose(&settings.environment, &target)?;
        let needs_tls = target.is_https() || proxy.as_ref().is_some_and(|proxy| proxy.is_https);
        let tls = match needs_tls {
            true => Some(tls::configure(
                &settings.tls,
                &settings.environment,
                &logger,
            )?),
            false => None,
        };
        Ok(Transport {
            authority: authority(target.host(), target.port()),
            target,
            proxy,
            tls,
            trace: Trace {
                logger,
                api_key: settings.api_key.clone(),
            },
            state: PerProcess::new(),
        })
    }

    /// Whether a proxy carries the requests.
    pub fn has_proxy(&self) -> bool {
        self.proxy.is_some()
    }

    /// Sends once and reads the answer. A kept connection that turns out to be closed does not
    /// count: the request goes out again at once on a new one.
    pub fn send(&self, request: &Request, limit: &Limit) -> Result<Answer, Unsent> {
        let state = self.state.get(|| self.state());
        let bytes = self.bytes(request);
        let received = self.exchange(state, request, &bytes, limit);
        match received {
            Ok(received) => self.answer(received),
            Err(unanswered) => Err(Unsent {
                http_status: unanswered.status,
                was_sent: unanswered.was_sent,
                failure: self.failure(unanswered.trouble, unanswered.status, request.records()),
            }),
        }
    }

    fn exchange(
        &self,
        state: &State,
        request: &Request,
        bytes: &[u8],
        limit: &Limit,
    ) -> Result<Received, Unanswered> {
        let mut was_sent = false;
        if let Some(mut kept) = state.pool.take() {
            let received = self.traced(&mut kept, request, bytes, limit, true);
            match received {
                Err(stale) if stale.is_silent && stale.trouble.is_closed() => {
                    was_sent = true;
                    let failure = self.failure(stale.trouble, 0, request.records());
                    self.trace.resent(&failure.message);
                }
                received => return keep(state, kept, received),
            }
        }
        let mut fresh = self.connect(state, limit).map_err(|trouble| Unanswered {
            trouble,
            status: 0,
            is_silent: true,
            was_sent,
        })?;
        let received = self.traced(&mut fresh, request, bytes, limit, false);
        keep(state, fresh, received)
    }

    fn traced(
        &self,
        connection: &mut Connection,
        request: &Request,
        bytes: &[u8],
        limit: &Limit,
        is_kept: bool,
    ) -> Result<Received, Unanswered> {
        self.trace.request(request, is_kept);
        let start = Instant::now();
        let received = connection.exchange(bytes, limit)?;
        self.trace.answer(&received, start.elapsed());
        Ok(received)
    }

    fn state(&self) -> State {
        let tls = self.tls.clone().map(|mut config| {
            config.resumption = Resumption::in_memory_sessions(TLS_SESSIONS);
            Arc::new(config)
        });
        State {
            pool: Pool::default(),
            tls,
        }
    }

    /// Plain requests are handed whole to a proxy; encrypted ones go through a tunnel.
    fn is_forwarded(&self) -> bool {
        self.proxy.is_some() && !self.target.is_https()
    }

    fn bytes(&self, request: &Request) -> Vec<u8> {
        let Request {
            method, url, body, ..
        } = request;
        let after_scheme = url.split_once("://").map_or(*url, |(_, rest)| rest);
        let (host, path) = match after_scheme.find('/') {
            Some(slash) => after_scheme.split_at(slash),
            None => (after_scheme, "/"),
        };
        let (origin, authorization) = match &self.proxy {
            Some(proxy) if self.is_forwarded() => (
                format!("http://{}", self.authority),
                proxy.authorization_line(),
            ),
            _ => (String::new(), String::new()),
        };
        let mut bytes = Vec::with_capacity(512 + body.len());
        let mut put = |text: &str| bytes.extend_from_slice(text.as_bytes());
        let target = [method, " ", &origin, path];
        for part in target
            .into_iter()
            .chain([" HTTP/1.1\r\nHost: ", host, "\r\n"])
        {
            put(part);
        }
        for (name, value) in headers(request) {
            for part in [name, ": ", value, "\r\n"] {
                put(part);
            }
        }
        put(&authorization);
        if !body.is_empty() {
            put(&format!("Content-Length: {}\r\n", body.len()));
        }
        put("\r\n");
        put(body);
        bytes
    }

    fn connect(&self, state: &State, limit: &Limit) -> Result<Connection, Trouble> {
        let (host, port) = self.first_hop();
        let socket = dial::open(host, port, limit).map_err(Trouble::unreachable)?;
        let link = self.secured(state, Box::new(socket), limit)?;
        Ok(Connection::new(link))
    }

    /// The host that is connected to, and its port: the service or its proxy.
    fn first_hop(&self) -> (&str, u16) {
        match &self.proxy {
            Some(proxy) => (proxy.host.as_str(), proxy.port),
            None => (self.target.host(), self.target.port()),
        }
    }

    /// The way from the first hop to the service.
    fn secured(
        &self,
        state: &State,
        mut link: Box<dyn Link>,
        limit: &Limit,
    ) -> Result<Box<dyn Link>, Trouble> {
        let secure = |link, host, port| match &state.tls {
            Some(tls) => Secure::open(link, tls, host, port, limit)
                .map(|secure| Box::new(secure) as Box<dyn Link>)
                .map_err(Trouble::unreachable),
            None => Ok(link),
        };
        if let Some(proxy) = &self.proxy {
            if proxy.is_https {
                link = secure(link, &proxy.host, proxy.port)?;
            }
            if self.target.is_https() {
                link = self.tunnel(link, proxy, limit)?;
            }
        }
        if self.target.is_https() {
            link = secure(link, self.target.host(), self.target.port())?;
        }
        Ok(link)
    }

    fn tunnel(
        &self,
        mut link: Box<dyn Link>,
        proxy: &Proxy,
        limit: &Limit,
    ) -> Result<Box<dyn Link>, Trouble> {
        let authority = &self.authority;
        let credentials = proxy.authorization_line();
        let request =
            format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n{credentials}\r\n");
        write_all(link.as_mut(), request.as_bytes(), limit)?;
        let mut connection = Connection::new(link);
        match connection.connected(limit)? {
            200..=299 => Ok(connection.link),
            status @ (408 | 429) => Err(Trouble::ProxyFails(status)),
            status @ 400..=499 => Err(Trouble::ProxyRefuses(status)),
            status => Err(Trouble::ProxyFails(status)),
        }
    }

    fn failure(&self, trouble: Trouble, status: u16, records: bool) -> Failure {
        let key = &self.trace.api_key;
        let proxy = self.proxy.as_ref();
        trouble.into_failure(&self.authority, proxy, status, records, key)
    }

    fn answer(&self, received: Received) -> Result<Answer, Unsent> {
        let Received {
            head,
            body,
            is_complete,
            ..
        } = received;
        // A proxy's demand for a password is no answer of the service.
        if head.status == 407 && self.proxy.is_some() {
            return Err(Unsent {
                http_status: 0,
                was_sent: false,
                failure: self.failure(Trouble::ProxyRefuses(407), 0, false),
            });
        }
        let body = match head.encoding() {
            Some(encoding) if !body.is_empty() => {
                format!("the answer is compressed ({encoding}), which nobody asked for")
            }
            _ => String::from_utf8_lossy(&body).into_owned(),
        };
        Ok(Answer {
            status: head.status,
            headers: head.fields,
            body,
            is_complete,
        })
    }
}

fn keep(
    state: &State,
    connection: Connection,
    received: Result<Received, Unanswered>,
) -> Result<Received, Unanswered> {
    let received = received?;
    if received.keeps_connection {
        state.pool.keep(connection);
    }
    Ok(received)
}

/// All that may be shown in a log.
pub(crate) fn headers<'a>(
    request: &Request<'a>,
) -> impl Iterator<Item = (&'static str, &'a str)> + use<'a> {
    let content_type = match request.body {
        "" => "",
        _ => "application/json",
    };
    let headers = [
        ("Authorization", request.authorization),
        ("Content-Type", content_type),
        ("User-Agent", request.user_agent),
        ("Idempotency-Key", request.idempotency_key),
        ("Versioner-Span", request.span),
        ("Versioner-Occurred-At", request.occurred_at),
        ("Versioner-Sent-At", request.sent_at),
        ("Accept", "application/json"),
        ("Accept-Encoding", "identity"),
    ];
    headers.into_iter().filter(|(_, value)| !value.is_empty())
}

fn authority(host: &str, port: u16) -> String {
    match host.contains(':') {
        true => format!("[{host}]:{port}"),
        false => format!("{host}:{port}"),
    }
}
