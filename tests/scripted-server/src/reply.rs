//! What the service answers to one request, as a case describes it.

use std::collections::BTreeMap;
use std::io;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::GzEncoder;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// How much more a truncated answer promises than it sends.
const TRUNCATED_BY: usize = 1000;

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct Reply {
    pub times: Option<usize>,
    pub interim: Option<Interim>,
    pub raw: Option<Bytes>,
    pub status: Option<u16>,
    pub reason: Option<String>,
    pub headers: BTreeMap<String, Option<Lines>>,
    #[serde(deserialize_with = "present")]
    pub json: Option<Value>,
    pub body: Option<String>,
    pub body_base64: Option<String>,
    pub body_repeat: Option<Repeat>,
    pub gzip: bool,
    pub chunked: bool,
    pub truncate: bool,
    pub endless: bool,
    pub cut: Option<i64>,
    pub drip: Option<Drip>,
    pub unread: bool,
    pub close: bool,
    pub hang: bool,
    pub after: Option<After>,
}

/// Answers before the answer.
#[derive(Clone, Deserialize)]
pub struct Interim {
    #[serde(default = "Interim::default_status")]
    pub status: u16,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    pub times: Option<usize>,
    #[serde(default)]
    pub endless: bool,
}

/// The values of one header, each a line of its own.
#[derive(Clone, Deserialize)]
#[serde(untagged)]
pub enum Lines {
    One(String),
    Many(Vec<String>),
}

/// Bytes as text, as Base64, or in pieces of both.
#[derive(Clone, Deserialize)]
#[serde(untagged)]
pub enum Bytes {
    Text(String),
    Encoded { base64: String },
    Pieces(Vec<Bytes>),
}

#[derive(Clone, Deserialize)]
pub struct Repeat {
    pub text: String,
    pub times: usize,
}

/// A pause before every few bytes.
#[derive(Clone, Deserialize)]
pub struct Drip {
    pub pause_ms: u64,
    #[serde(default = "Drip::default_bytes")]
    pub bytes: usize,
    /// Which part comes slowly; both if left out.
    pub only: Option<Part>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    Head,
    Body,
}

/// What becomes of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum After {
    /// It serves the next request.
    Keep,
    Close,
    /// It stays open in silence until the client gives up.
    Hang,
    /// It closes when the next request has arrived on it.
    LateClose,
    /// It is reset when the next request begins to arrive on it.
    LateReset,
}

/// What is written for a reply, but for interim answers.
pub struct Answer {
    pub head: Vec<u8>,
    pub body: Vec<u8>,
    /// What is repeated after that until the client hangs up; nothing if empty.
    pub endless: Vec<u8>,
}

/// So that a `null` that is written is a body, and only a missing member is none.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

impl Interim {
    fn default_status() -> u16 {
        100
    }

    pub fn head(&self) -> String {
        let mut head = format!("HTTP/1.1 {} Scripted\r\n", self.status);
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        head + "\r\n"
    }
}

impl Drip {
    fn default_bytes() -> usize {
        1
    }
}

impl Lines {
    fn values(&self) -> &[String] {
        match self {
            Lines::One(value) => std::slice::from_ref(value),
            Lines::Many(values) => values,
        }
    }
}

impl Bytes {
    fn pieces(&self) -> io::Result<Vec<Vec<u8>>> {
        match self {
            Bytes::Text(text) => Ok(vec![text.clone().into_bytes()]),
            Bytes::Encoded { base64 } => Ok(vec![decode(base64)?]),
            Bytes::Pieces(pieces) => {
                let pieces: io::Result<Vec<_>> = pieces.iter().map(Bytes::pieces).collect();
                Ok(pieces?.concat())
            }
        }
    }
}

impl Reply {
    /// What becomes of the connection if the reply does not say it.
    pub fn after(&self) -> After {
        let is_whole = self.raw.is_none() && !self.truncate && self.cut.is_none() && !self.unread;
        let default = if is_whole { After::Keep } else { After::Close };
        self.after.unwrap_or(default)
    }

    pub fn answer(&self) -> io::Result<Answer> {
        let mut answer = match &self.raw {
            Some(raw) => {
                let mut pieces = raw.pieces()?;
                let endless = if self.endless { pieces.pop() } else { None };
                Answer {
                    head: pieces.concat(),
                    body: Vec::new(),
                    endless: endless.unwrap_or_default(),
                }
            }
            None => self.http_answer()?,
        };
        if let Some(cut) = self.cut {
            answer.cut(cut);
        }
        Ok(answer)
    }

    fn http_answer(&self) -> io::Result<Answer> {
        let mut body = self.content()?;
        if self.gzip {
            let mut packed = Vec::new();
            io::Read::read_to_end(
                &mut GzEncoder::new(&body[..], Compression::fast()),
                &mut packed,
            )?;
            body = packed;
        }
        let head = self.head(body.len()).into_bytes();
        if self.endless {
            return Ok(Answer {
                head,
                body: Vec::new(),
                endless: body,
            });
        }
        let body = if self.is_bodiless() {
            Vec::new()
        } else if self.chunked {
            in_chunks(&body)
        } else {
            body
        };
        Ok(Answer {
            head,
            body,
            endless: Vec::new(),
        })
    }

    fn head(&self, length: usize) -> String {
        let content_type = if self.json.is_some() {
            "application/json"
        } else {
            "text/plain"
        };
        let mut defaults = vec![("Content-Type", content_type.to_owned())];
        if self.gzip {
            defaults.push(("Content-Encoding", "gzip".to_owned()));
        }
        if self.endless {
            defaults.push(("Connection", "close".to_owned()));
        } else if self.chunked {
            defaults.push(("Transfer-Encoding", "chunked".to_owned()));
        } else if !self.is_bodiless() {
            let promised = length + if self.truncate { TRUNCATED_BY } else { 0 };
            defaults.push(("Content-Length", promised.to_string()));
        }
        let status = self.status.unwrap_or(200);
        let reason = self.reason.as_deref().unwrap_or("Scripted");
        let mut head = format!("HTTP/1.1 {status} {reason}\r\n");
        for (name, value) in defaults {
            let is_given = |given: &String| given.trim().eq_ignore_ascii_case(name);
            if !self.headers.keys().any(is_given) {
                head += &format!("{name}: {value}\r\n");
            }
        }
        for (name, lines) in &self.headers {
            for value in lines.iter().flat_map(Lines::values) {
                head += &format!("{name}: {value}\r\n");
            }
        }
        head + "\r\n"
    }

    fn is_bodiless(&self) -> bool {
        matches!(self.status, Some(204 | 304))
    }

    fn content(&self) -> io::Result<Vec<u8>> {
        if let Some(json) = &self.json {
            return Ok(json.to_string().into_bytes());
        }
        if let Some(repeat) = &self.body_repeat {
            return Ok(repeat.text.repeat(repeat.times).into_bytes());
        }
        match &self.body_base64 {
            Some(text) => decode(text),
            None => Ok(self.body.clone().unwrap_or_default().into_bytes()),
        }
    }
}

impl Answer {
    /// Keeps the first bytes, or all but the last ones if the number is negative.
    fn cut(&mut self, cut: i64) {
        let length = self.head.len() + self.body.len();
        let places = usize::try_from(cut.unsigned_abs()).unwrap_or(usize::MAX);
        let kept = if cut < 0 {
            length.saturating_sub(places)
        } else {
            places
        };
        self.body.truncate(kept.saturating_sub(self.head.len()));
        self.head.truncate(kept);
    }
}

fn in_chunks(body: &[u8]) -> Vec<u8> {
    let mut sent = Vec::new();
    for part in body.chunks(body.len().div_ceil(3).max(1)) {
        sent.extend(format!("{:x}\r\n", part.len()).bytes());
        sent.extend(part);
        sent.extend(b"\r\n");
    }
    sent.extend(b"0\r\n\r\n");
    sent
}

/// The bytes of a Base64 text of a case.
pub fn decode(text: &str) -> io::Result<Vec<u8>> {
    STANDARD.decode(text).map_err(io::Error::other)
}

pub fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}
