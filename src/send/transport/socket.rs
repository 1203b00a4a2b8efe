//! TCP connections that end when their attempt's time is over or the caller interrupts.
//!
//! A timeout of the HTTP library costs a thread for every request, because names cannot be
//! looked up with one otherwise. Here the socket itself wakes up every [`Interrupt::POLL`] and
//! asks whether to go on, and only a new connection needs a thread.

use std::cell::RefCell;
use std::fmt;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use http::Uri;
use ureq::config::Config;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, Either, LazyBuffers, NextTimeout, Transport,
};

use crate::model::interrupt::Interrupt;

const BUFFER_BYTES: usize = 16 * 1024;

/// Why an attempt was cut short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    TimedOut,
    Interrupted,
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Cut::TimedOut => "timed out",
            Cut::Interrupted => "interrupted",
        })
    }
}

impl std::error::Error for Cut {}

impl From<Cut> for io::Error {
    /// Not of the kinds `TimedOut` and `Interrupted`, which the layers above act upon.
    fn from(cut: Cut) -> Self {
        io::Error::other(cut)
    }
}

/// When the attempt on this thread has to end.
#[derive(Debug, Clone)]
pub(super) struct Limit {
    pub deadline: Instant,
    pub interrupt: Interrupt,
}

thread_local! {
    static LIMIT: RefCell<Option<Limit>> = const { RefCell::new(None) };
}

impl Limit {
    /// Runs an attempt under this limit.
    pub fn during<T>(self, attempt: impl FnOnce() -> T) -> T {
        struct Reset(Option<Limit>);
        impl Drop for Reset {
            fn drop(&mut self) {
                LIMIT.set(self.0.take());
            }
        }
        let _reset = Reset(LIMIT.replace(Some(self)));
        attempt()
    }

    /// The time that is left to the attempt on this thread.
    fn remaining() -> Result<Duration, Cut> {
        LIMIT.with_borrow(|limit| {
            let Some(limit) = limit else {
                return Ok(Interrupt::POLL);
            };
            if limit.interrupt.is_raised() {
                return Err(Cut::Interrupted);
            }
            match limit.deadline.saturating_duration_since(Instant::now()) {
                Duration::ZERO => Err(Cut::TimedOut),
                left => Ok(left),
            }
        })
    }
}

/// Looks nothing up: [`Dial`] does, so that a pooled connection costs no look-up.
#[derive(Debug)]
pub(super) struct NoResolver;

impl Resolver for NoResolver {
    fn resolve(
        &self,
        _: &Uri,
        _: &Config,
        _: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let mut placeholder = self.empty();
        placeholder.push(SocketAddr::from(([0, 0, 0, 0], 0)));
        Ok(placeholder)
    }
}

/// The proxy that plain-HTTP requests are handed to whole.
#[derive(Debug, Clone)]
pub(super) struct ForwardProxy {
    pub host: String,
    pub port: u16,
    /// What makes the request's path absolute, such as `http://service.example.com:8420`.
    pub base: String,
}

/// Opens connections.
#[derive(Debug)]
pub(super) struct Dial {
    pub forward_proxy: Option<ForwardProxy>,
}

impl<In: Transport> Connector<In> for Dial {
    type Out = Either<In, Socket>;

    fn connect(
        &self,
        details: &ConnectionDetails,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        if let Some(tunnel) = chained {
            return Ok(Some(Either::A(tunnel)));
        }
        let (host, port, base) = match &self.forward_proxy {
            Some(proxy) => (proxy.host.clone(), proxy.port, proxy.base.clone()),
            None => {
                let uri = details.uri;
                let host = uri
                    .host()
                    .unwrap_or_default()
                    .trim_matches(['[', ']'])
                    .to_owned();
                let default = if details.needs_tls() { 443 } else { 80 };
                (host, uri.port_u16().unwrap_or(default), String::new())
            }
        };
        let stream = open(host, port)?;
        Ok(Some(Either::B(Socket::new(stream, base)?)))
    }
}

/// Looks up and connects on a thread of its own, because neither can be interrupted; where no
/// thread can be had, here and now.
fn open(host: String, port: u16) -> io::Result<TcpStream> {
    let budget = Limit::remaining()?;
    let (sender, receiver) = mpsc::sync_channel(1);
    let address = (host.clone(), port);
    let thread = std::thread::Builder::new().name("versioner-connect".to_owned());
    let spawned = thread.spawn(move || {
        // Nobody listens any more once the attempt was cut short.
        let _ = sender.send(connect(&address, budget));
    });
    if spawned.is_err() {
        return connect(&(host, port), budget);
    }
    loop {
        let slice = Limit::remaining()?.min(Interrupt::POLL);
        match receiver.recv_timeout(slice) {
            Ok(result) => return result,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                return Err(io::Error::other("the connecting thread ended"));
            }
        }
    }
}

fn connect(address: &(String, u16), budget: Duration) -> io::Result<TcpStream> {
    let (host, port) = address;
    let deadline = Instant::now() + budget;
    let addresses: Vec<SocketAddr> = (host.as_str(), *port)
        .to_socket_addrs()
        .map_err(|error| io::Error::other(format!("the name {host} cannot be looked up: {error}")))?
        .collect();
    let mut last = io::Error::other(format!("the name {host} has no address"));
    for (index, address) in addresses.iter().enumerate() {
        let left = deadline.saturating_duration_since(Instant::now());
        let share = left / (addresses.len() - index) as u32;
        match TcpStream::connect_timeout(address, share.max(Duration::from_millis(10))) {
            Ok(stream) => return Ok(stream),
            Err(error) if error.kind() == io::ErrorKind::TimedOut => last = Cut::TimedOut.into(),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// One connection. What is written is collected and leaves in one piece when the answer is
/// awaited, which saves a system call and a packet per request.
pub(super) struct Socket {
    stream: TcpStream,
    buffers: LazyBuffers,
    unsent: Vec<u8>,
    /// See [`ForwardProxy::base`]; empty for a direct connection.
    base: String,
}

impl Socket {
    fn new(stream: TcpStream, base: String) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Interrupt::POLL))?;
        stream.set_write_timeout(Some(Interrupt::POLL))?;
        Ok(Socket {
            stream,
            buffers: LazyBuffers::new(BUFFER_BYTES, BUFFER_BYTES),
            unsent: Vec::new(),
            base,
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        if !self.base.is_empty() {
            make_absolute(&mut self.unsent, &self.base);
        }
        let unsent = std::mem::take(&mut self.unsent);
        let mut rest = unsent.as_slice();
        while !rest.is_empty() {
            match patiently(|| self.stream.write(rest))? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                written => rest = &rest[written..],
            }
        }
        Ok(())
    }
}

/// Turns `POST /path` at the start of a request into `POST http://host/path`.
fn make_absolute(request: &mut Vec<u8>, base: &str) {
    const START: &[u8] = b"POST ";
    if request.starts_with(b"POST /") {
        request.splice(START.len()..START.len(), base.bytes());
    }
}

/// Repeats an operation that the socket's own timeout ended, until the attempt's limit.
fn patiently(mut operation: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match operation() {
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::WouldBlock
                        | io::ErrorKind::TimedOut
                        | io::ErrorKind::Interrupted
                ) =>
            {
                Limit::remaining()?;
            }
            other => return other,
        }
    }
}

impl Transport for Socket {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, _: NextTimeout) -> Result<(), ureq::Error> {
        self.unsent
            .extend_from_slice(&self.buffers.output()[..amount]);
        Ok(())
    }

    fn await_input(&mut self, _: NextTimeout) -> Result<bool, ureq::Error> {
        // A server that refuses a request early closes before all of it is sent; its answer
        // matters more than that.
        let flushed = self.flush();
        let input = self.buffers.input_append_buf();
        let read = patiently(|| (&self.stream).read(input));
        match (read, flushed) {
            (Ok(amount), _) if amount > 0 => {
                self.buffers.input_appended(amount);
                Ok(true)
            }
            (_, Err(error)) | (Err(error), Ok(())) => Err(error.into()),
            (Ok(_), Ok(())) => Ok(false),
        }
    }

    fn is_open(&mut self) -> bool {
        let is_quiet = self.stream.set_nonblocking(true).is_ok()
            && matches!(self.stream.peek(&mut [0]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock);
        is_quiet && self.stream.set_nonblocking(false).is_ok()
    }
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Socket")
    }
}
