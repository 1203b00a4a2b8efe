//! Names to addresses, and the first address that answers.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
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
    let addresses = match host.parse::<IpAddr>() {
        Ok(address) => vec![SocketAddr::new(address, port)],
        Err(_) => look_up(host, port, limit)?,
    };
    let budget = limit.check()?;
    let connect = move |address: SocketAddr| TcpStream::connect_timeout(&address, budget);
    Socket::new(race(alternating(addresses), connect, limit)?)
}

/// The system's own look-up cannot be interrupted, so it has a thread of its own; without one it
/// happens here and now.
fn look_up(host: &str, port: u16, limit: &Limit) -> io::Result<Vec<SocketAddr>> {
    let name = (host.to_owned(), port);
    let find = move || Ok((name.0.as_str(), name.1).to_socket_addrs()?.collect());
    let found: io::Result<Vec<SocketAddr>> = match in_background(find.clone()) {
        Some(receiver) => loop {
            match receiver.recv_timeout(limit.patience()?) {
                Ok(found) => break found,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    break Err(io::Error::other("the thread that looks it up ended"));
                }
            }
        },
        None => find(),
    };
    let found = found.map_err(|error| {
        io::Error::other(format!("the name {host} cannot be looked up: {error}"))
    })?;
    match found.is_empty() {
        true => Err(io::Error::other(format!("the name {host} has no address"))),
        false => Ok(found),
    }
}

fn in_background<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<std::sync::mpsc::Receiver<T>> {
    let (sender, receiver) = channel();
    spawn(sender, work).then_some(receiver)
}

/// False if no thread can be had.
fn spawn<T: Send + 'static>(sender: Sender<T>, work: impl FnOnce() -> T + Send + 'static) -> bool {
    let thread = thread::Builder::new().name("versioner-connect".to_owned());
    thread
        .spawn(move || {
            // Nobody listens any more once the attempt was cut short or another address won.
            let _ = sender.send(work());
        })
        .is_ok()
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
/// connects wins, and the others are let go.
fn race<C, S>(
    candidates: Vec<C>,
    connect: impl Fn(C) -> io::Result<S> + Clone + Send + 'static,
    limit: &Limit,
) -> io::Result<S>
where
    C: Clone + Send + 'static,
    S: Send + 'static,
{
    let (sender, receiver) = channel();
    let mut waiting = candidates.into_iter();
    let mut next = waiting.next();
    let mut start_next = Instant::now();
    let mut running = 0;
    let mut last = io::Error::other("there is no address to connect to");
    loop {
        let patience = limit.patience()?;
        let head_start = start_next.saturating_duration_since(Instant::now());
        if (running == 0 || head_start.is_zero())
            && let Some(candidate) = next.take()
        {
            next = waiting.next();
            start_next = Instant::now() + HEAD_START;
            let (connect, copy) = (connect.clone(), candidate.clone());
            if spawn(sender.clone(), {
                let connect = connect.clone();
                move || connect(copy)
            }) {
                running += 1;
                continue;
            }
            match connect(candidate) {
                Ok(stream) => return Ok(stream),
                Err(error) => last = error,
            }
            continue;
        }
        if running == 0 {
            return Err(last);
        }
        let wait = match next {
            Some(_) => patience.min(head_start),
            None => patience,
        };
        match receiver.recv_timeout(wait) {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => {
                last = error;
                running -= 1;
                start_next = Instant::now();
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
        Limit::new(MINUTE, MINUTE, MINUTE, interrupt)
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
        let connect = move |behaviour| match behaviour {
            Hang => {
                let _ = held.lock().expect("no panic").recv();
                Err(io::Error::other("let go"))
            }
            Refuse(problem) => Err(io::Error::other(problem)),
            Accept(number) => Ok(number),
        };
        let never = Interrupt::never();
        let won = race(behaviours.to_vec(), connect, &limit(&never));
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
        let connect = move |()| -> io::Result<()> {
            let _ = held.lock().expect("no panic").recv();
            Ok(())
        };
        let raised = Interrupt::new(|| true);
        let error = race(vec![()], connect, &limit(&raised)).expect_err("interrupted");
        let cut = error.get_ref().and_then(|inner| inner.downcast_ref());
        assert_eq!(cut, Some(&Cut::Interrupted));
        drop(hold);
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
