//! The way to the service. The only place that knows the HTTP library: another one could take
//! its place without a change elsewhere.

mod proxy;
mod socket;
mod tls;

use std::io::{self, Read};
use std::time::{Duration, Instant};

use once_cell::race::OnceBox;
use ureq::config::Config;
use ureq::tls::TlsConfig;
use ureq::unversioned::transport::{ConnectProxyConnector, Connector, RustlsConnector};
use ureq::{Agent, http};

use crate::input::settings::{BaseUrl, Settings};
use crate::model::failure::Failure;
use crate::model::interrupt::Interrupt;
use crate::model::kind::Kind;
use crate::send::answer::Answer;
use proxy::Proxy;
use socket::{Cut, Dial, ForwardProxy, Limit, NoResolver};

/// The most that is read of an answer's body.
const MAX_BODY_BYTES: u64 = 1024 * 1024;

/// Connections kept open for the next event; as many as a busy process has threads.
const MAX_IDLE_CONNECTIONS: usize = 64;

/// One event on its way.
pub(crate) struct Request<'a> {
    pub url: &'a str,
    pub authorization: &'a str,
    pub user_agent: &'a str,
    pub idempotency_key: &'a str,
    pub body: &'a str,
}

/// Sends requests over connections that are kept open.
#[derive(Debug)]
pub(crate) struct Transport {
    target: String,
    proxy: Option<Proxy>,
    forward: Option<ForwardProxy>,
    connect_proxy: Option<ureq::Proxy>,
    tls: Option<TlsConfig>,
    agents: Agents,
}

impl Transport {
    /// Reads certificates and chooses the proxy; connects nowhere yet.
    pub fn new(settings: &Settings) -> Result<Self, Failure> {
        let target = &settings.api_url;
        let proxy = proxy::choose(&settings.environment, target)?;
        let needs_tls = target.is_https() || proxy.as_ref().is_some_and(|proxy| proxy.is_https);
        let tls = match needs_tls {
            true => Some(tls::configure(&settings.tls, &settings.environment)?),
            false => None,
        };
        let is_forwarded = |proxy: &&Proxy| !target.is_https() && !proxy.is_https;
        let forward = proxy
            .as_ref()
            .filter(is_forwarded)
            .map(|proxy| ForwardProxy {
                host: proxy.host.clone(),
                port: proxy.port,
                base: origin(target),
            });
        let connect_proxy = match (&proxy, &forward) {
            (Some(proxy), None) => Some(ureq::Proxy::new(&proxy.url).map_err(|_| {
                Failure::config(format!(
                    "the proxy {}:{} cannot be used",
                    proxy.host, proxy.port
                ))
            })?),
            _ => None,
        };
        let target = format!("{}:{}", target.host(), target.port());
        Ok(Transport {
            target,
            proxy,
            forward,
            connect_proxy,
            tls,
            agents: Agents::default(),
        })
    }

    /// Sends once and reads the answer, within `timeout`.
    pub fn send(
        &self,
        request: &Request,
        timeout: Duration,
        interrupt: &Interrupt,
    ) -> Result<Answer, Failure> {
        let now = Instant::now();
        let deadline = now
            .checked_add(timeout)
            .unwrap_or(now + Duration::from_secs(86_400));
        let limit = Limit {
            deadline,
            interrupt: interrupt.clone(),
        };
        limit
            .during(|| self.exchange(request))
            .map_err(|error| self.failure(&error, timeout))
            .and_then(|answer| self.without_proxy_refusal(answer))
    }

    fn exchange(&self, request: &Request) -> Result<Answer, ureq::Error> {
        let agent = self.agents.of_this_process(|| self.agent());
        let mut post = agent
            .post(request.url)
            .header("Authorization", request.authorization)
            .header("Content-Type", "application/json")
            .header("User-Agent", request.user_agent)
            .header("Idempotency-Key", request.idempotency_key);
        let forward = self.forward.as_ref().and(self.proxy.as_ref());
        if let Some(authorization) = forward.and_then(Proxy::authorization) {
            post = post.header("Proxy-Authorization", authorization);
        }
        let mut response = post.send(request.body)?;
        let header = |name| -> String {
            let value: Option<&http::HeaderValue> = response.headers().get(name);
            value
                .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
                .unwrap_or_default()
        };
        let (location, retry_after) = (header("location"), header("retry-after"));
        let mut body = Vec::new();
        let read = response
            .body_mut()
            .as_reader()
            .take(MAX_BODY_BYTES)
            .read_to_end(&mut body);
        let status = response.status().as_u16();
        match read {
            // The answer counts even where its body breaks off: an event is recorded or not.
            Err(error) if !(200..300).contains(&status) && is_interrupted(&error) => {
                Err(error.into())
            }
            _ => Ok(Answer {
                status,
                location,
                retry_after,
                body: String::from_utf8_lossy(&body).into_owned(),
            }),
        }
    }

    /// A proxy's demand for a password is no answer of the service.
    fn without_proxy_refusal(&self, answer: Answer) -> Result<Answer, Failure> {
        match (&self.proxy, answer.status) {
            (Some(proxy), 407) => Err(refused_by(proxy)),
            _ => Ok(answer),
        }
    }

    fn agent(&self) -> Agent {
        // Some proxies close after every answer without saying so, and a request that meets the
        // closing would fail.
        let idle_connections = match self.forward {
            Some(_) => 0,
            None => MAX_IDLE_CONNECTIONS,
        };
        let config = Config::builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_idle_connections(idle_connections)
            .max_idle_connections_per_host(idle_connections)
            .proxy(self.connect_proxy.clone());
        let config = match &self.tls {
            Some(tls) => config.tls_config(tls.clone()),
            None => config,
        };
        let connector = ()
            .chain(ConnectProxyConnector::default())
            .chain(Dial {
                forward_proxy: self.forward.clone(),
            })
            .chain(RustlsConnector::default());
        Agent::with_parts(config.build(), connector, NoResolver)
    }

    fn failure(&self, error: &ureq::Error, timeout: Duration) -> Failure {
        let target = match &self.proxy {
            Some(proxy) => format!(
                "{} through the proxy {}:{}",
                self.target, proxy.host, proxy.port
            ),
            None => self.target.clone(),
        };
        if let Some(cut) = cause::<Cut>(error) {
            return match cut {
                Cut::Interrupted => Failure::new(Kind::Interrupted, INTERRUPTED),
                Cut::TimedOut => Failure::new(
                    Kind::Timeout,
                    format!(
                        "{target} did not answer within {} s. Try again later, or raise the \
                         attempt timeout (VERSIONER_ATTEMPT_TIMEOUT).",
                        timeout.as_secs_f64()
                    ),
                ),
            };
        }
        if let Some(tls) = cause::<rustls::Error>(error) {
            return tls_failure(&target, &tls.to_string());
        }
        match (error, &self.proxy) {
            (ureq::Error::Tls(problem), _) => tls_failure(&target, problem),
            (ureq::Error::ConnectProxyFailed(reason), Some(proxy))
                if ["401", "403", "407"]
                    .iter()
                    .any(|status| reason.contains(status)) =>
            {
                refused_by(proxy)
            }
            _ => Failure::new(
                Kind::Network,
                format!(
                    "cannot reach {target}: {}. Check the API URL \
                     (VERSIONER_API_URL) and the network.",
                    plain(error)
                ),
            ),
        }
    }
}

pub(crate) const INTERRUPTED: &str = "interrupted; whether the event was recorded is unknown";

fn refused_by(proxy: &Proxy) -> Failure {
    Failure::config(format!(
        "the proxy {}:{} refuses the connection: check its user name and password, and whether it \
         allows the service's address",
        proxy.host, proxy.port
    ))
}

fn tls_failure(target: &str, problem: &str) -> Failure {
    Failure::new(
        Kind::Tls,
        format!(
            "the connection to {target} cannot be secured: {problem}. Where the certificate comes \
             from a private authority, name its file in ca_file or SSL_CERT_FILE"
        ),
    )
}

/// The error in the words of the operating system, without the HTTP library's around them.
fn plain(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Io(error) => error.to_string(),
        other => other.to_string(),
    }
}

fn is_interrupted(error: &io::Error) -> bool {
    find_cause::<Cut>(error) == Some(&Cut::Interrupted)
}

fn cause<T: std::error::Error + 'static>(error: &ureq::Error) -> Option<&T> {
    match error {
        ureq::Error::Io(error) => find_cause(error),
        other => find_cause(other),
    }
}

/// An error of type `T` somewhere below, also inside I/O errors, which do not name what they
/// carry as their source.
fn find_cause<'a, T: std::error::Error + 'static>(
    error: &'a (dyn std::error::Error + 'static),
) -> Option<&'a T> {
    if let Some(found) = error.downcast_ref() {
        return Some(found);
    }
    match (
        error.downcast_ref::<io::Error>(),
        error.downcast_ref::<ureq::Error>(),
    ) {
        (Some(error), _) => find_cause(error.get_ref()?),
        (_, Some(ureq::Error::Io(error))) => find_cause(error),
        (_, Some(ureq::Error::Rustls(error))) => find_cause(error),
        _ => find_cause(error.source()?),
    }
}

fn origin(target: &BaseUrl) -> String {
    let host = target.host();
    let host = if host.contains(':') {
        format!("[{host}]")
    } else {
        host.to_owned()
    };
    format!("http://{host}:{}", target.port())
}

/// One agent per process. After a fork, parent and child share the agent's sockets, and answers
/// would go to the wrong one; so the child makes its own and leaves the old one alone for good.
/// A list without locks, because a lock could have been held when the process forked.
#[derive(Default)]
struct Agents {
    first: OnceBox<ProcessAgent>,
}

struct ProcessAgent {
    process: u32,
    agent: Agent,
    next: OnceBox<ProcessAgent>,
}

impl Agents {
    fn of_this_process(&self, make: impl Fn() -> Agent) -> &Agent {
        let process = std::process::id();
        let mut slot = &self.first;
        loop {
            let entry = slot.get_or_init(|| {
                Box::new(ProcessAgent {
                    process,
                    agent: make(),
                    next: OnceBox::new(),
                })
            });
            if entry.process == process {
                return &entry.agent;
            }
            slot = &entry.next;
        }
    }
}

impl std::fmt::Debug for Agents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Agents")
    }
}
