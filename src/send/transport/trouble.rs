//! What can go wrong on the way, in words for people.

use std::error::Error;
use std::io;
use std::time::Duration;

use super::proxy::Proxy;
use super::secure::Insecure;
use crate::model::failure::Failure;
use crate::model::kind::Kind;
use crate::model::secret::Secret;
use crate::send::limit::Cut;

/// How much of something that is not HTTP is shown.
const MAX_SHOWN_CHARS: usize = 40;

/// What is kept of it, so that the key is found before the text is cut.
const MAX_KEPT_BYTES: usize = 1024;

#[derive(Debug)]
pub(super) enum Trouble {
    Cut(Cut),
    /// There is no connection: no such name, refused, no route.
    Unreachable(io::Error),
    /// There was a connection, and it failed.
    Broken(io::Error),
    Closed,
    /// What came in place of a status line.
    NotHttp(String),
    HeadTooLong,
    BadLength,
    BadChunk,
    Insecure(Insecure),
    /// The proxy wants other credentials, or forbids the address.
    ProxyRefuses(u16),
    /// The proxy did not get through to the service.
    ProxyFails(u16),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        if let Some(cut) = inner::<Cut>(&error) {
            return Trouble::Cut(*cut);
        }
        if error.get_ref().is_some_and(|inner| inner.is::<Insecure>()) {
            let insecure = error.into_inner().and_then(|inner| inner.downcast().ok());
            return insecure.map_or(Trouble::Closed, |insecure| Trouble::Insecure(*insecure));
        }
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Trouble::Closed,
            _ => Trouble::Broken(error),
        }
    }
}

fn inner<T: Error + 'static>(error: &io::Error) -> Option<&T> {
    error.get_ref()?.downcast_ref()
}

impl Trouble {
    pub fn not_http(bytes: &[u8]) -> Self {
        let kept = &bytes[..bytes.len().min(MAX_KEPT_BYTES)];
        Trouble::NotHttp(String::from_utf8_lossy(kept).into_owned())
    }

    /// Of a connection that could not even be opened.
    pub fn unreachable(error: io::Error) -> Self {
        match Trouble::from(error) {
            Trouble::Broken(error) => Trouble::Unreachable(error),
            other => other,
        }
    }

    /// Whether the other side had closed a connection that was kept for the next request.
    pub fn is_closed(&self) -> bool {
        matches!(self, Trouble::Closed | Trouble::Broken(_))
    }

    /// `target` is `host:port` of the service; `status` that of an answer that cannot be read, or 0;
    /// `records` whether the request may have left something behind.
    pub fn into_failure(
        self,
        target: &str,
        proxy: Option<&Proxy>,
        status: u16,
        records: bool,
        key: &Secret,
    ) -> Failure {
        let target = match proxy {
            Some(proxy) => format!("{target} through the proxy {}", proxy.address()),
            None => target.to_owned(),
        };
        let network = |what: String| {
            Failure::new(
                Kind::Network,
                format!("{what}. Check the API URL (VERSIONER_API_URL) and the network."),
            )
        };
        let unreadable = |what: &str| {
            let answer = match status {
                0 => "the answer".to_owned(),
                _ => format!("the answer (HTTP {status})"),
            };
            let left_behind = match records {
                true => "Whether the event was recorded is unknown; check",
                false => "Check",
            };
            Failure::new(
                Kind::Http,
                format!(
                    "{answer} of {target} cannot be read: {what}. {left_behind} what stands \
                     between here and the service."
                ),
            )
        };
        match self {
            Trouble::Cut(Cut::Interrupted) => interrupted(records),
            Trouble::Cut(Cut::Attempt(limit)) => timed_out(&target, limit, "attempt"),
            Trouble::Cut(Cut::Total(limit)) => timed_out(&target, limit, "total"),
            Trouble::Cut(Cut::Call(limit)) => Failure::new(
                Kind::Timeout,
                format!(
                    "{target} did not answer within {} s, the timeout of this call. Try again \
                     later, or give the call more time (timeout).",
                    seconds(limit)
                ),
            ),
            Trouble::Unreachable(error) => network(format!("cannot reach {target}: {error}")),
            Trouble::Broken(error) => network(format!("the connection to {target} broke: {error}")),
            Trouble::Closed => network(format!(
                "{target} closed the connection before its answer was complete"
            )),
            Trouble::BadChunk => network(format!(
                "the answer of {target} broke off: its parts do not fit together"
            )),
            Trouble::NotHttp(said) => {
                let start: String = key.redact(said).chars().take(MAX_SHOWN_CHARS).collect();
                network(format!(
                    "{target} answered with something that is not HTTP: \"{}\"",
                    start.escape_debug()
                ))
            }
            Trouble::HeadTooLong => unreadable("its headers, or the interim answers, have no end"),
            Trouble::BadLength => unreadable("its Content-Length is no number"),
            Trouble::Insecure(insecure) => insecure.into_failure(),
            Trouble::ProxyRefuses(status) => match proxy {
                Some(proxy) => refused_by(proxy, status),
                None => unreadable("a proxy refuses it"),
            },
            Trouble::ProxyFails(status) => network(format!(
                "cannot reach {target}: the proxy answered HTTP {status}"
            )),
        }
    }
}

/// Of a call whose request may have arrived.
pub(crate) fn interrupted(records: bool) -> Failure {
    let words = match records {
        true => "interrupted; whether the event was recorded is unknown",
        false => "interrupted",
    };
    Failure::new(Kind::Interrupted, words)
}

fn timed_out(target: &str, limit: Duration, name: &str) -> Failure {
    let seconds = seconds(limit);
    let variable = name.to_uppercase();
    let message = format!(
        "{target} did not answer within {seconds} s, the {name} timeout. Try again later, or raise \
         the {name} timeout (VERSIONER_{variable}_TIMEOUT)."
    );
    Failure::new(Kind::Timeout, message)
}

/// `30`, `1.5`, `0.05`.
pub(crate) fn seconds(duration: Duration) -> String {
    let text = format!("{:.3}", duration.as_secs_f64());
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

pub(super) fn refused_by(proxy: &Proxy, status: u16) -> Failure {
    Failure::config(format!(
        "the proxy {} refuses the connection (HTTP {status}): check its user name and password, \
         whether it allows the service's address, and whether it is a proxy at all",
        proxy.address()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_as_they_were_set() {
        let shown =
            [30_000, 1_500, 50, 1, 100_000].map(|millis| seconds(Duration::from_millis(millis)));
        assert_eq!(shown, ["30", "1.5", "0.05", "0.001", "100"]);
    }
}
