//! Plays a scripted answer on a connection: whole or in part, at once or slowly.

use std::io::{self, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::Duration;

use crate::reply::{After, Drip, Part, Reply};

/// Where an endless answer ends after all, lest a client that reads everything fill the disk.
const MAX_ENDLESS: usize = 64 << 20;
/// How often a silent connection is looked at.
const GLANCE: Duration = Duration::from_millis(20);

/// Plays a reply and tells what becomes of the connection. `is_over` says that nobody waits for
/// the rest any more.
pub fn play(stream: &TcpStream, reply: &Reply, is_over: &dyn Fn() -> bool) -> io::Result<After> {
    let mut writer = Writer {
        stream,
        drip: reply.drip.as_ref(),
        is_over,
    };
    if let Some(interim) = &reply.interim {
        let head = interim.head();
        if interim.endless {
            writer.write_endlessly(Part::Head, head.as_bytes());
            return Ok(After::Close);
        }
        for _ in 0..interim.times.unwrap_or(1) {
            writer.write(Part::Head, head.as_bytes())?;
        }
    }
    if reply.hang {
        return Ok(After::Hang);
    }
    if reply.close {
        stream.shutdown(Shutdown::Both)?;
        return Ok(After::Close);
    }
    let answer = reply.answer()?;
    writer.write(Part::Head, &answer.head)?;
    writer.write(Part::Body, &answer.body)?;
    if reply.endless {
        writer.write_endlessly(Part::Body, &answer.endless);
        return Ok(After::Close);
    }
    Ok(reply.after())
}

struct Writer<'a> {
    stream: &'a TcpStream,
    drip: Option<&'a Drip>,
    is_over: &'a dyn Fn() -> bool,
}

impl Writer<'_> {
    fn write(&mut self, part: Part, bytes: &[u8]) -> io::Result<()> {
        let is_slow = |drip: &&Drip| drip.only.is_none_or(|only| only == part);
        let Some(drip) = self.drip.filter(is_slow) else {
            return self.stream.write_all(bytes);
        };
        for some in bytes.chunks(drip.bytes) {
            thread::sleep(Duration::from_millis(drip.pause_ms));
            if (self.is_over)() {
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
            self.stream.write_all(some)?;
        }
        Ok(())
    }

    /// That the client hangs up is the expected end, so a failing write is none here.
    fn write_endlessly(&mut self, part: Part, unit: &[u8]) {
        let units = match self.drip {
            Some(_) => 1,
            None => 64 * 1024 / unit.len().max(1),
        };
        let block = unit.repeat(units.max(1));
        let mut sent = 0;
        while sent < MAX_ENDLESS && !block.is_empty() && !(self.is_over)() {
            if self.write(part, &block).is_err() {
                return;
            }
            sent += block.len();
        }
    }
}

/// Blocks until the peer has closed or `is_over` says so; answers nothing and reads nothing.
pub fn hang(stream: &TcpStream, is_over: &dyn Fn() -> bool) -> io::Result<()> {
    stream.set_read_timeout(Some(GLANCE))?;
    let mut byte = [0];
    while !is_over() {
        match stream.peek(&mut byte) {
            Ok(0) => break,
            Ok(_) => thread::sleep(GLANCE),
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
                ) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let client = TcpStream::connect(address).expect("a connection");
        let (stream, _) = listener.accept().expect("a connection");
        (client, stream)
    }

    #[test]
    fn hanging_ends_with_the_run() {
        let (_client, stream) = pair();
        hang(&stream, &|| true).expect("no error");
    }

    #[test]
    fn hanging_ends_with_the_client() {
        let (client, stream) = pair();
        drop(client);
        hang(&stream, &|| false).expect("no error");
    }
}
