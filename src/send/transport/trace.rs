//! Requests and answers as a debug log shows them: without the API key and proxy passwords.

use std::fmt::Write;
use std::time::Duration;

use super::exchange::Received;
use super::{Request, headers};
use crate::model::foreign::clean;
use crate::model::log::{Level, Logger};
use crate::model::secret::Secret;

/// The most bytes of a body that are shown.
const MAX_BODY_BYTES: usize = 16 * 1024;

/// The most bytes that are searched for the key: to search more would take the time of the call.
const MAX_SEARCHED_BYTES: usize = 1024 * 1024;

#[derive(Debug)]
pub(super) struct Trace {
    pub logger: Logger,
    pub api_key: Secret,
}

impl Trace {
    /// The headers hold no credentials but the API key.
    pub fn request(&self, request: &Request, is_kept: bool) {
        self.log(|text| {
            let Request { method, url, .. } = request;
            let connection = if is_kept { "a kept" } else { "a new" };
            let _ = writeln!(text, "> {method} {url} on {connection} connection");
            for (name, value) in headers(request) {
                let _ = writeln!(text, "> {name}: {value}");
            }
            self.show_body(text, '>', request.body);
        });
    }

    pub fn answer(&self, received: &Received, time: Duration) {
        self.log(|text| {
            let Received { head, body, .. } = received;
            let millis = time.as_secs_f64() * 1000.0;
            let _ = writeln!(text, "< HTTP {} after {millis:.1} ms", head.status);
            for (name, value) in &head.fields {
                let _ = writeln!(text, "< {name}: {value}");
            }
            self.show_body(text, '<', &String::from_utf8_lossy(body));
            if !received.is_complete {
                text.push_str("< (more was not read)\n");
            }
        });
    }

    pub fn resent(&self, problem: &str) {
        self.log(|text| {
            let _ = writeln!(
                text,
                "the kept connection was closed meanwhile ({problem}); sent again on a new one"
            );
        });
    }

    /// The key is taken out before the body is cut: cut in two it would not be found.
    fn show_body(&self, text: &mut String, direction: char, body: &str) {
        if body.len() > MAX_SEARCHED_BYTES {
            let _ = writeln!(text, "{direction} ({} bytes are not shown)", body.len());
            return;
        }
        let body = self.api_key.redact(body.to_owned());
        let mut end = body.len().min(MAX_BODY_BYTES);
        while !body.is_char_boundary(end) {
            end -= 1;
        }
        for line in body[..end].lines() {
            let _ = writeln!(text, "{direction} {line}");
        }
        if end < body.len() {
            let left = body.len() - end;
            let _ = writeln!(text, "{direction} … and {left} bytes more");
        }
    }

    /// A message costs nothing if nobody listens.
    fn log(&self, write: impl FnOnce(&mut String)) {
        if self.logger.is_silent() {
            return;
        }
        let mut text = String::new();
        write(&mut text);
        let text = self.api_key.redact(clean(text.trim_end()));
        self.logger.log(Level::Debug, &text);
    }
}
