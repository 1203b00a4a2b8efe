//! Names to addresses, and the first address that answers.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use super::socket::Socket;
use crate::send::limit::Limit;

/// How long an address is tried alone before the next one is tried beside it (RFC 8305).
const HEAD_START: Duration = Duration::from_millis(250);

/// The most addresses of one name that are tried.
const MAX_ADDRESSES: usize = 16;

/// Connects to a host, named without brackets.
pub(super) fn open(host: &str, port: u16, limit: &Limit) -> io::Result<Socket> {
    connect(addresses(host, port, limit)?, limit)
}

/// The addresses of a host, named without brackets.
pub(super) fn addresses(host: &str, port: u16, limit: &Limit) -> io::Result<Vec<SocketAddr>> {
    match host.parse::<IpAddr>() {
        Ok(address) => Ok(vec![SocketAddr::new(address, port)]),
        Err(_) => look_up(host, port, spawn, limit),
    }
}

/// Connects to the first address that answers.
pub(super) fn connect(addresses: Vec<SocketAddr>, limit: &Limit) -> io::Result<Socket> {
    let connect = |address: SocketAddr, budget| TcpStream::connect_timeout(&address, budget);
    Socket::new(race(alternating(addresses), connect, spawn, limit)?)
}

/// Runs work on a thread of its own; false if none can be had.
type Spawn = fn(Box<dyn FnOnce() + Send>) -> bool;

fn spawn(work: Box<dyn FnOnce() + Send>) -> bool {
    let thread = thread::Builder::new().name("versioner-connect".to_owned());
    thread.spawn(work).is_ok()
}

/// Work whose result is sent to whoever still listens.
fn sending<T: Send + 'static>(
    sender: Sender<T>,
    work: impl FnOnce() -> T + Send + 'static,
) -> Box<dyn FnOnce() + Send> {
    Box::new(move || {
        // Nobody does any more once the attempt was cut short or another address won.
        let _ = sender.send(work());
    })
}

/// The system's own look-up cannot be interrupted, so it has a thread of its own; without one it
/// happens here and now.
fn look_up(host: &str, port: u16, spawn: Spawn, limit: &Limit) -> io::Result<Vec<SocketAddr>> {
    let name = (host.to_owned(), port);
    let find = move || Ok((name.0.as_str(), name.1).to_socket_addrs()?.collect());
    let (sender, receiver) = channel();
    let found: io::Result<Vec<SocketAddr>> = if spawn(sending(sender, find.clone())) {
        wait(&receiver, limit)?
    } else {
        find()
    };
    let unknown = |problem| io::Error::other(format!("the name {host} {problem}"));
    match found {
        Ok(addresses) if addresses.is_empty() => Err(unknown("has no address".to_owned())),
        Ok(addresses) => Ok(addresses),
        Err(error) => Err(unknown(format!("cannot be looked up: {error}"))),
    }
}

fn wait<T>(receiver: &Receiver<T>, limit: &Limit) -> io::Result<T> {
    loop {
        match receiver.recv_timeout(limit.patience()?) {
            Ok(result) => return Ok(result),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                return Err(io::Error::other("the connecting thread ended"));
            }
        }
    }
}

/// Alternates between the families, so that one that leads nowhere holds up the other only once.
fn alternating(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let Some(is_first_v6) = addresses.first().map(SocketAddr::is_ipv6) else {
        return addresses;
    };
    let (first, second): (Vec<_>, Vec<_>) = addresses
        .into_iter()
        .partition(|address| address.is_ipv6() == is_first_v6);
    let mut second = second.into_iter();
    let mut mixed = Vec::new();
    for address in first {
        mixed.push(address);
        mixed.extend(second.next());
    }
    mixed.extend(second);
    mixed.truncate(MAX_ADDRESSES);
    mixed
}

/// Tries the candidates in turn, each with a head start or until it fails; the first that
/// connects wins, and the others are let go. `connect` gets the time that is left.
fn race<C, S>(
    candidates: Vec<C>,
    connect: impl Fn(C, Duration) -> io::Result<S> + Clone + Send + 'static,
    spawn: Spawn,
    limit: &Limit,
) -> io::Result<S>
where
    C: Clone + Send + 'static,
    S: Send + 'static,
{
    let (sender, receiver) = channel();
    let mut candidates = candidates.into_iter().peekable();
    let mut next_start = Instant::now();
    let mut running = 0;
    let mut last = io::Error::other("there is no address to connect to");
    loop {
        let budget = limit.check()?;
        let head_start = next_start.saturating_duration_since(Instant::now());
        if running == 0 || head_start.is_zero() {
            if let Some(candidate) = candidates.next() {
                next_start = Instant::now() + HEAD_START;
                let (copy, connect_copy) = (candidate.clone(), connect.clone());
                let attempt = move || connect_copy(copy, budget);
                if spawn(sending(sender.clone(), attempt)) {
                    running += 1;
                    continue;
                }
                match connect(candidate, budget) {
                    Ok(stream) => return Ok(stream),
                    Err(error) => last = error,
                }
                continue;
            }
            if running == 0 {
                return Err(last);
            }
        }
        let patience = match candidates.peek() {
            Some(_) => limit.patience()?.min(head_start),
            None => limit.patience()?,
        };
        match receiver.recv_timeout(patience) {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => {
                last = error;
                running -= 1;
                next_start = Instant::now();
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Err(last),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::model::interrupt::Interrupt;
    use crate::send::limit::Cut;

    const MINUTE: Duration = Duration::from_secs(60);

    fn limit(interrupt: &Interrupt) -> Limit<'_> {
        Limit::new(MINUTE, Cut::Total(MINUTE), MINUTE, interrupt)
    }

    /// What a made-up address does; `Hang` until the test ends.
    #[derive(Clone)]
    enum Behaviour {
        Hang,
        Refuse(&'static str),
        Accept(u32),
    }
    use Behaviour::{Accept, Hang, Refuse};

    fn winner(behaviours: &[Behaviour]) -> Result<u32, String> {
        let (hold, held) = channel::<()>();
        let held = Arc::new(Mutex::new(held));
        let connect = move |behaviour, _| match behaviour {
            Hang => {
                let _ = held.lock().expect("no panic").recv();
                Err(io::Error::other("let go"))
            }
            Refuse(problem) => Err(io::Error::other(problem)),
            Accept(number) => Ok(number),
        };
        let never = Interrupt::never();
        let won = race(behaviours.to_vec(), connect, spawn, &limit(&never));
        drop(hold);
        won.map_err(|error| error.to_string())
    }

    #[test]
    fn an_address_that_leads_nowhere_does_not_hold_up_the_next() {
        assert_eq!(winner(&[Hang, Accept(2)]), Ok(2));
        assert_eq!(winner(&[Hang, Refuse("a"), Accept(3)]), Ok(3));
    }

    #[test]
    fn a_refused_address_is_followed_by_the_next_and_the_last_error_is_told() {
        assert_eq!(winner(&[Refuse("a"), Accept(2), Hang]), Ok(2));
        assert_eq!(winner(&[Refuse("a"), Refuse("b")]), Err("b".to_owned()));
    }

    #[test]
    fn an_interrupt_ends_the_race() {
        let (hold, held) = channel::<()>();
        let held = Arc::new(Mutex::new(held));
        let connect = move |(), _| -> io::Result<()> {
            let _ = held.lock().expect("no panic").recv();
            Ok(())
        };
        let raised = Interrupt::new(|| true);
        let error = race(vec![()], connect, spawn, &limit(&raised)).expect_err("interrupted");
        let cut = error.get_ref().and_then(|inner| inner.downcast_ref());
        assert_eq!(cut, Some(&Cut::Interrupted));
        drop(hold);
    }

    #[test]
    fn without_threads_the_addresses_are_tried_one_after_the_other() {
        let connect = |number, _| match number {
            3 => Ok(number),
            other => Err(io::Error::other(format!("{other} refuses"))),
        };
        let never = Interrupt::never();
        let won = race(vec![1, 2, 3, 4], connect, |_| false, &limit(&never));
        assert_eq!(won.ok(), Some(3));
        let lost = race(vec![1, 2], connect, |_| false, &limit(&never));
        assert_eq!(
            lost.map_err(|error| error.to_string()),
            Err("2 refuses".into())
        );
        let found = look_up("localhost", 80, |_| false, &limit(&never)).expect("an address");
        assert!(found.iter().all(|address| address.ip().is_loopback()));
    }

    #[test]
    fn the_families_of_addresses_alternate() {
        let parse = |texts: &[&str]| -> Vec<SocketAddr> {
            let addresses = texts.iter().map(|text| text.parse().expect("an address"));
            addresses.collect()
        };
        let mixed = alternating(parse(&["[::1]:1", "[::2]:1", "[::3]:1", "10.0.0.1:1"]));
        assert_eq!(
            mixed,
            parse(&["[::1]:1", "10.0.0.1:1", "[::2]:1", "[::3]:1"])
        );
        assert!(alternating(Vec::new()).is_empty());
    }
}
