//! One request and its answer on a connection. The status line decides: what follows it, or
//! fails to, can add words to a verdict and never take it back.

use std::io;

use super::body;
use super::heads::{self, Head, MAX_HEAD_BYTES};
use super::socket::{Answered, Link, write_all};
use super::trouble::Trouble;
use crate::send::limit::Limit;

const READ_BYTES: usize = 16 * 1024;

/// A connection with what was read from it and not used yet.
pub(super) struct Connection {
    pub link: Box<dyn Link>,
    input: Vec<u8>,
    used: usize,
    scratch: Box<[u8]>,
}

/// What came back.
#[derive(Debug)]
pub(super) struct Received {
    pub head: Head,
    pub body: Vec<u8>,
    /// Whether all of head and body arrived and was read.
    pub is_complete: bool,
    /// Whether the connection can carry another request.
    pub keeps_connection: bool,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) struct Unanswered {
    pub trouble: Trouble,
    /// That of the answer whose rest cannot be read; 0 if there is none.
    pub status: u16,
    /// Whether not one byte of an answer arrived.
    pub is_silent: bool,
    /// Whether some of the request may have arrived.
    pub was_sent: bool,
}

impl Connection {
    pub fn new(link: Box<dyn Link>) -> Self {
        Connection {
            link,
            input: Vec::new(),
            used: 0,
            scratch: vec![0; READ_BYTES].into_boxed_slice(),
        }
    }

    /// What has arrived and is not used yet.
    pub fn input(&self) -> &[u8] {
        &self.input[self.used..]
    }

    pub fn consume(&mut self, amount: usize) {
        self.used += amount;
    }

    /// Reads on; false at the end.
    pub fn fill(&mut self, limit: &Limit) -> io::Result<bool> {
        let amount = self.link.read(&mut self.scratch, limit)?;
        self.input.drain(..self.used);
        self.used = 0;
        self.input.extend_from_slice(&self.scratch[..amount]);
        Ok(amount > 0)
    }

    /// Sends a request and reads the answer.
    pub fn exchange(&mut self, request: &[u8], limit: &Limit) -> Result<Received, Unanswered> {
        let Err(unsent) = write_all(self.link.as_mut(), request, limit) else {
            return self.answer(limit);
        };
        // A server that refuses a request early stops reading; its answer matters more.
        let answer = if Answered::is(&unsent) {
            self.answer(limit)
        } else {
            self.answer(&Limit::grace())
        };
        let mut answer = answer.map_err(|unanswered| Unanswered {
            trouble: match Answered::is(&unsent) {
                true => unanswered.trouble,
                false => unsent.into(),
            },
            ..unanswered
        })?;
        answer.keeps_connection = false;
        Ok(answer)
    }

    /// The status of a proxy's answer to CONNECT.
    pub fn connected(&mut self, limit: &Limit) -> Result<u16, Trouble> {
        let mut interim_bytes = 0;
        loop {
            match self.head(limit, MAX_HEAD_BYTES - interim_bytes) {
                Ok((head, bytes)) if head.is_interim() => interim_bytes += bytes,
                Ok((head, _)) => return Ok(head.status),
                Err((_, trouble)) => return Err(trouble),
            }
        }
    }

    fn answer(&mut self, limit: &Limit) -> Result<Received, Unanswered> {
        let mut interim_bytes = 0;
        loop {
            match self.head(limit, MAX_HEAD_BYTES - interim_bytes) {
                Ok((head, bytes)) if head.is_interim() => interim_bytes += bytes,
                Ok((head, _)) => return self.body(head, limit),
                Err((None, trouble)) => {
                    let is_silent = self.input().is_empty() && interim_bytes == 0;
                    return Err(Unanswered {
                        trouble,
                        status: 0,
                        is_silent,
                        was_sent: true,
                    });
                }
                Err((Some(status), trouble)) => {
                    let received = Received {
                        head: Head::parse(self.input(), status),
                        body: Vec::new(),
                        is_complete: false,
                        keeps_connection: false,
                    };
                    return received.despite(trouble);
                }
            }
        }
    }

    /// The next head and its length, `most` at most; an error comes with the status that was read
    /// before it.
    pub fn head(
        &mut self,
        limit: &Limit,
        most: usize,
    ) -> Result<(Head, usize), (Option<u16>, Trouble)> {
        let mut line = 0;
        loop {
            if let Some(end) = heads::end(self.input(), &mut line)
                && end <= most
            {
                let Some(status) = heads::status(self.input(), true) else {
                    return Err((None, Trouble::not_http(self.input())));
                };
                let head = Head::parse(&self.input()[..end], status);
                self.consume(end);
                return Ok((head, end));
            }
            let is_final = |status: &u16| !(100..200).contains(status);
            let status = heads::status(self.input(), false).filter(is_final);
            if !heads::may_be_http(self.input()) {
                return Err((None, Trouble::not_http(self.input())));
            }
            if self.input().len() >= most {
                return Err((status, Trouble::HeadTooLong));
            }
            let trouble = match self.fill(limit) {
                Ok(true) => continue,
                Ok(false) => Trouble::Closed,
                Err(error) => error.into(),
            };
            let status = heads::status(self.input(), true).filter(is_final);
            return Err((status, trouble));
        }
    }

    fn body(&mut self, head: Head, limit: &Limit) -> Result<Received, Unanswered> {
        let (body, end) = body::read(self, head.framing(), limit);
        let is_complete = matches!(end, body::End::Complete);
        let received = Received {
            keeps_connection: is_complete
                && head.framing() != heads::Framing::ToTheEnd
                && head.keeps_connection()
                && self.input().is_empty(),
            head,
            body,
            is_complete,
        };
        match end {
            body::End::Broken(trouble) => received.despite(trouble),
            body::End::Complete | body::End::TooLong => Ok(received),
        }
    }
}

impl Received {
    /// What an answer is worth that could not be read to its end. An event is recorded or it is
    /// not, so a success has to be read; a refusal stands whatever happened after it.
    fn despite(self, trouble: Trouble) -> Result<Self, Unanswered> {
        let status = self.head.status;
        let is_final = (400..500).contains(&status) && status != 429;
        let is_lost = match &trouble {
            Trouble::Cut(cut) if cut.is_interrupt() => !is_final,
            _ => (200..300).contains(&status),
        };
        if is_lost {
            return Err(Unanswered {
                trouble,
                status,
                is_silent: false,
                was_sent: true,
            });
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests;
