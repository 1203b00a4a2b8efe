//! The body of an answer: by its length, in chunks, or up to the end of the connection.

use super::exchange::Connection;
use super::heads::{Framing, MAX_HEAD_BYTES};
use super::trouble::Trouble;
use crate::send::limit::Limit;

/// The most that is read of a body.
const MAX_BODY_BYTES: usize = 1024 * 1024;

/// How reading a body ended.
#[derive(Debug)]
pub(super) enum End {
    Complete,
    /// There is more than anybody wants to read.
    TooLong,
    Broken(Trouble),
}

/// Reads a body, as far as it goes.
pub(super) fn read(connection: &mut Connection, framing: Framing, limit: &Limit) -> (Vec<u8>, End) {
    let mut reader = Reader {
        connection,
        limit,
        body: Vec::new(),
    };
    let end = match framing {
        Framing::Empty => End::Complete,
        Framing::Length(length) => match reader.bytes(length) {
            Ok(()) => End::Complete,
            Err(end) => end,
        },
        Framing::Chunked => match reader.chunks() {
            Ok(()) => End::Complete,
            Err(end) => end,
        },
        Framing::ToTheEnd => reader.everything(),
        Framing::Unreadable => End::Broken(Trouble::BadLength),
    };
    (reader.body, end)
}

struct Reader<'a, 'b> {
    connection: &'a mut Connection,
    limit: &'a Limit<'b>,
    body: Vec<u8>,
}

impl Reader<'_, '_> {
    fn fill(&mut self) -> Result<(), End> {
        match self.connection.fill(self.limit) {
            Ok(true) => Ok(()),
            Ok(false) => Err(End::Broken(Trouble::Closed)),
            Err(error) => Err(End::Broken(error.into())),
        }
    }

    /// Takes what has arrived, `most` bytes at most.
    fn take(&mut self, most: u64) -> Result<usize, End> {
        let input = self.connection.input();
        let wanted = input.len().min(usize::try_from(most).unwrap_or(usize::MAX));
        let taken = wanted.min(MAX_BODY_BYTES - self.body.len());
        self.body.extend_from_slice(&input[..taken]);
        self.connection.consume(taken);
        match taken < wanted {
            true => Err(End::TooLong),
            false => Ok(taken),
        }
    }

    fn bytes(&mut self, length: u64) -> Result<(), End> {
        let mut left = length;
        loop {
            left -= self.take(left)? as u64;
            if left == 0 {
                return Ok(());
            }
            self.fill()?;
        }
    }

    fn everything(&mut self) -> End {
        loop {
            if let Err(end) = self.take(u64::MAX) {
                return end;
            }
            match self.connection.fill(self.limit) {
                Ok(true) => {}
                Ok(false) => return End::Complete,
                Err(error) => return End::Broken(error.into()),
            }
        }
    }

    fn chunks(&mut self) -> Result<(), End> {
        loop {
            let line = self.line()?;
            let size = line.split(';').next().unwrap_or_default().trim();
            // An empty line ends the chunk before.
            if size.is_empty() && !self.body.is_empty() {
                continue;
            }
            let size = u64::from_str_radix(size, 16).ok();
            match size.filter(|_| !line.starts_with('+')) {
                None => return Err(End::Broken(Trouble::BadChunk)),
                Some(0) => break,
                Some(size) => self.bytes(size)?,
            }
        }
        let mut trailer_bytes = 0;
        while trailer_bytes < MAX_HEAD_BYTES {
            match self.line()?.len() {
                0 => return Ok(()),
                length => trailer_bytes += length,
            }
        }
        Err(End::TooLong)
    }

    /// The next line, without its end.
    fn line(&mut self) -> Result<String, End> {
        loop {
            let input = self.connection.input();
            if let Some(length) = input.iter().position(|byte| *byte == b'\n') {
                let line = String::from_utf8_lossy(&input[..length]).trim().to_owned();
                self.connection.consume(length + 1);
                return Ok(line);
            }
            if input.len() > MAX_HEAD_BYTES {
                return Err(End::Broken(Trouble::BadChunk));
            }
            self.fill()?;
        }
    }
}
