//! Bytes to and from the other side, each read and write under the limit of its attempt.
//!
//! The socket blocks, because that is the fewest system calls, but no longer than
//! [`Interrupt::POLL`], so that a limit is asked in time.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::model::interrupt::Interrupt;
use crate::send::limit::Limit;

/// A way to the other side: a socket, or TLS over another link.
pub(super) trait Link: Send {
    /// Reads some bytes; 0 at the end.
    fn read(&mut self, into: &mut [u8], limit: &Limit) -> io::Result<usize>;

    /// Writes some bytes. Fails with [`Answered`] if the other side has stopped reading, but has
    /// something to say.
    fn write(&mut self, bytes: &[u8], limit: &Limit) -> io::Result<usize>;

    /// What has arrived unasked. Does not wait.
    fn arrived(&mut self) -> Arrived;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arrived {
    Nothing,
    Bytes,
    End,
}

/// The other side answers before it has read everything.
#[derive(Debug)]
pub(super) struct Answered;

impl fmt::Display for Answered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the other side does not read the whole request")
    }
}

impl std::error::Error for Answered {}

impl Answered {
    pub fn is(error: &io::Error) -> bool {
        error.get_ref().is_some_and(|inner| inner.is::<Answered>())
    }
}

pub(super) fn write_all(link: &mut dyn Link, bytes: &[u8], limit: &Limit) -> io::Result<()> {
    let mut rest = bytes;
    while !rest.is_empty() {
        match link.write(rest, limit)? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            written => rest = &rest[written..],
        }
    }
    Ok(())
}

/// A TCP connection.
pub(super) struct Socket {
    stream: TcpStream,
    patience: Duration,
}

impl Socket {
    pub fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        let mut socket = Socket {
            stream,
            patience: Duration::ZERO,
        };
        socket.set_patience(Interrupt::POLL)?;
        Ok(socket)
    }

    /// Changes nothing as a rule: only the last wait before a deadline is a shorter one.
    fn set_patience(&mut self, patience: Duration) -> io::Result<()> {
        if patience != self.patience {
            self.stream.set_read_timeout(Some(patience))?;
            self.stream.set_write_timeout(Some(patience))?;
            self.patience = patience;
        }
        Ok(())
    }

    #[cfg(unix)]
    fn peek(&self) -> io::Result<usize> {
        use rustix::net::{RecvFlags, recv};
        let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
        let (amount, _) = recv(&self.stream, &mut [0_u8], flags)?;
        Ok(amount)
    }

    #[cfg(not(unix))]
    fn peek(&self) -> io::Result<usize> {
        self.stream.set_nonblocking(true)?;
        let peeked = self.stream.peek(&mut [0]);
        self.stream.set_nonblocking(false)?;
        peeked
    }
}

/// Whether the operation only has to be tried again.
fn is_wait(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted
    )
}

impl Link for Socket {
    fn read(&mut self, into: &mut [u8], limit: &Limit) -> io::Result<usize> {
        loop {
            self.set_patience(limit.patience()?)?;
            match self.stream.read(into) {
                Err(error) if is_wait(&error) => {}
                other => return other,
            }
        }
    }

    fn write(&mut self, bytes: &[u8], limit: &Limit) -> io::Result<usize> {
        loop {
            self.set_patience(limit.patience()?)?;
            match self.stream.write(bytes) {
                Err(error) if is_wait(&error) => {
                    if self.arrived() != Arrived::Nothing {
                        return Err(io::Error::other(Answered));
                    }
                }
                other => return other,
            }
        }
    }

    fn arrived(&mut self) -> Arrived {
        match self.peek() {
            Ok(0) => Arrived::End,
            Ok(_) => Arrived::Bytes,
            Err(error) if is_wait(&error) => Arrived::Nothing,
            Err(_) => Arrived::End,
        }
    }
}
