//! The way to the service, one step after the other, for those who look for what is wrong with it.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::exchange::Connection;
use super::proxy::Proxy;
use super::socket::Link;
use super::trouble::Trouble;
use super::{Request, Transport, dial};
use crate::model::failure::Failure;
use crate::send::answer::Answer;
use crate::send::limit::Limit;

/// The most addresses that are shown.
const MAX_SHOWN: usize = 4;

/// One step of the way.
pub(crate) struct Step {
    pub name: &'static str,
    /// What was found, or what is wrong.
    pub end: Result<String, Failure>,
    pub took: Duration,
}

impl Transport {
    /// The proxy that carries the requests, without its credentials.
    pub fn proxy_address(&self) -> Option<String> {
        self.proxy.as_ref().map(Proxy::address)
    }

    /// Goes until a step fails; gives the answer if all succeed.
    pub fn walk(&self, request: &Request, limit: &Limit) -> (Vec<Step>, Option<Answer>) {
        let mut steps = Vec::new();
        let answer = self.answered(request, limit, &mut steps);
        (steps, answer)
    }

    fn answered(&self, request: &Request, limit: &Limit, steps: &mut Vec<Step>) -> Option<Answer> {
        let state = self.state();
        let (host, port) = self.first_hop();
        let addresses = self.step(steps, "name", || {
            let all = dial::addresses(host, port, limit).map_err(Trouble::unreachable)?;
            let shown = shown(host, &all);
            Ok((all, shown))
        })?;
        let socket = self.step(steps, "connection", || {
            let socket = dial::connect(addresses, limit).map_err(Trouble::unreachable)?;
            Ok((socket, format!("to {}", super::authority(host, port))))
        })?;
        let mut link: Box<dyn Link> = Box::new(socket);
        if self.target.is_https() || self.proxy.as_ref().is_some_and(|proxy| proxy.is_https) {
            link = self.step(steps, "TLS", || {
                let link = self.secured(&state, link, limit)?;
                Ok((link, format!("with {}", self.authority)))
            })?;
        }
        let received = self.step(steps, "answer", || {
            let exchanged = Connection::new(link).exchange(&self.bytes(request), limit);
            let received = exchanged.map_err(|unanswered| unanswered.trouble)?;
            let shown = format!("HTTP {} of {}", received.head.status, request.url);
            Ok((received, shown))
        })?;
        self.answer(received).ok()
    }

    fn step<T>(
        &self,
        steps: &mut Vec<Step>,
        name: &'static str,
        act: impl FnOnce() -> Result<(T, String), Trouble>,
    ) -> Option<T> {
        let start = Instant::now();
        let (value, end) = match act() {
            Ok((value, shown)) => (Some(value), Ok(shown)),
            Err(trouble) => (None, Err(self.failure(trouble, 0, false))),
        };
        steps.push(Step {
            name,
            end,
            took: start.elapsed(),
        });
        value
    }
}

fn shown(host: &str, addresses: &[SocketAddr]) -> String {
    let first = addresses.iter().take(MAX_SHOWN);
    let first: Vec<String> = first.map(|address| address.ip().to_string()).collect();
    let more = match addresses.len() > MAX_SHOWN {
        true => ", …",
        false => "",
    };
    format!("{host} is {}{more}", first.join(", "))
}
