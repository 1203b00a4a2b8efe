//! The head of an answer, read as leniently as curl reads it: lines may end with a bare LF, be
//! folded, have blanks before the colon or no colon at all; bytes may be odd; the reason may be
//! missing.

/// The most bytes of one head, and of all interim answers before it together.
pub(super) const MAX_HEAD_BYTES: usize = 64 * 1024;

/// A head that was read to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head {
    pub status: u16,
    is_http_1_0: bool,
    pub fields: Vec<(String, String)>,
}

/// How the end of a body is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    Empty,
    Length(u64),
    Chunked,
    ToTheEnd,
    /// By a length that is no number.
    Unreadable,
}

/// The status, once it is beyond doubt: `HTTP/`, a version, blanks, three digits and no fourth.
/// `is_all` tells that nothing more will arrive.
pub(super) fn status(bytes: &[u8], is_all: bool) -> Option<u16> {
    let line = &bytes[blank_lines(bytes)..];
    if !line.get(..5)?.eq_ignore_ascii_case(b"HTTP/") {
        return None;
    }
    let version = line.iter().position(|byte| matches!(byte, b' ' | b'\t'))?;
    if !line[5..version]
        .iter()
        .all(|byte| byte.is_ascii_digit() || *byte == b'.')
        || version == 5
    {
        return None;
    }
    let rest = &line[version..];
    let blanks = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t'));
    let rest = &rest[blanks.count()..];
    let digits = rest.get(..3)?;
    let is_over = match rest.get(3) {
        Some(byte) => !byte.is_ascii_digit(),
        None => is_all,
    };
    if !is_over || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// Whether these bytes can still become a status line.
pub(super) fn may_be_http(bytes: &[u8]) -> bool {
    let line = &bytes[blank_lines(bytes)..];
    let start = &line[..line.len().min(5)];
    if !start.eq_ignore_ascii_case(&b"HTTP/"[..start.len()]) {
        return false;
    }
    status(line, false).is_some() || !line.contains(&b'\n')
}

/// Where the head ends, the blank line after it included. Lines before `from`, which is where a
/// line begins, are known to be not blank; it is moved on.
pub(super) fn end(bytes: &[u8], from: &mut usize) -> Option<usize> {
    *from = (*from).max(blank_lines(bytes));
    while let Some(length) = bytes[*from..].iter().position(|byte| *byte == b'\n') {
        let line = &bytes[*from..*from + length];
        *from += length + 1;
        if matches!(line, b"" | b"\r") {
            return Some(*from);
        }
    }
    None
}

/// Blank lines before the status line, which some servers leave over from an answer before.
fn blank_lines(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .take_while(|byte| matches!(byte, b'\r' | b'\n'))
        .count()
}

impl Head {
    /// Reads a head that has a status, or as much of it as there is.
    pub fn parse(bytes: &[u8], status: u16) -> Self {
        let start = blank_lines(bytes);
        let mut lines = bytes[start..].split(|byte| *byte == b'\n');
        let status_line = lines.next().unwrap_or_default();
        let mut fields: Vec<(String, String)> = Vec::with_capacity(8);
        for line in lines {
            let text = String::from_utf8_lossy(line);
            let text = text.trim_end_matches(['\r', ' ', '\t']);
            if text.starts_with([' ', '\t']) {
                if let Some((_, value)) = fields.last_mut() {
                    value.push(' ');
                    value.push_str(text.trim_start());
                }
            } else if let Some((name, value)) = text.split_once(':') {
                let value = value.trim_matches([' ', '\t']);
                fields.push((name.trim_end().to_owned(), value.to_owned()));
            }
        }
        Head {
            status,
            is_http_1_0: status_line[5..].starts_with(b"1.0"),
            fields,
        }
    }

    pub fn is_interim(&self) -> bool {
        (100..200).contains(&self.status) && self.status != 101
    }

    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = move |field: &&(String, String)| field.0.eq_ignore_ascii_case(name);
        self.fields
            .iter()
            .filter(named)
            .map(|(_, value)| value.as_str())
    }

    /// How a body was packed that should have come as it is.
    pub fn encoding(&self) -> Option<&str> {
        self.all("Content-Encoding").find(|encoding| {
            let is_plain = |part: &str| {
                let names = ["", "identity", "none"];
                names
                    .iter()
                    .any(|name| part.trim().eq_ignore_ascii_case(name))
            };
            !encoding.split(',').all(is_plain)
        })
    }

    pub fn framing(&self) -> Framing {
        if matches!(self.status, 101 | 204 | 304) {
            return Framing::Empty;
        }
        let is_chunked = |codings: &str| {
            codings
                .split(',')
                .any(|coding| coding.trim().eq_ignore_ascii_case("chunked"))
        };
        if self.all("Transfer-Encoding").any(is_chunked) {
            return Framing::Chunked;
        }
        // Of lengths that differ the last one counts, as for curl.
        let lengths = self.all("Content-Length");
        match lengths.flat_map(|lengths| lengths.split(',')).last() {
            None => Framing::ToTheEnd,
            Some(length) => length_of(length.trim()),
        }
    }

    /// Whether another request may follow on the same connection.
    pub fn keeps_connection(&self) -> bool {
        let options = self.all("Connection").chain(self.all("Proxy-Connection"));
        let options: Vec<&str> = options
            .flat_map(|options| options.split(','))
            .map(str::trim)
            .collect();
        let has = |name: &str| {
            options
                .iter()
                .any(|option| option.eq_ignore_ascii_case(name))
        };
        // If head and body can be read in two ways, what follows may be part of this answer.
        let lengths = self.all("Content-Length");
        let mut lengths = lengths.flat_map(|lengths| lengths.split(',').map(str::trim));
        let first = lengths.next();
        let is_one_length = lengths.all(|length| Some(length) == first)
            && (first.is_none() || self.all("Transfer-Encoding").next().is_none());
        let is_kept = !self.is_http_1_0 || has("keep-alive");
        is_kept && !has("close") && is_one_length && self.status != 101
    }
}

fn length_of(length: &str) -> Framing {
    if length.is_empty() || !length.bytes().all(|byte| byte.is_ascii_digit()) {
        return Framing::Unreadable;
    }
    length.parse().map_or(Framing::ToTheEnd, Framing::Length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(text: &str) -> Head {
        let mut from = 0;
        assert_eq!(
            end(text.as_bytes(), &mut from),
            Some(text.len()),
            "{text:?}"
        );
        let status = status(text.as_bytes(), false).expect("a status");
        Head::parse(text.as_bytes(), status)
    }

    #[test]
    fn a_status_is_read_as_soon_as_it_is_beyond_doubt() {
        let cases: [(&str, Option<u16>); 14] = [
            ("HTTP/1.1 428 Precondition Required\r\n", Some(428)),
            ("HTTP/1.1 428 ", Some(428)),
            ("HTTP/1.1 428\n", Some(428)),
            ("HTTP/1.0   428\t", Some(428)),
            ("HTTP/2 428 ", Some(428)),
            ("http/1.1 428 x", Some(428)),
            ("\r\nHTTP/1.1 428 x", Some(428)),
            ("HTTP/1.1 428", None),
            ("HTTP/1.1 4281 ", None),
            ("HTTP/1.1 42", None),
            ("HTTP/ 428 ", None),
            ("HTTP/x 428 ", None),
            ("ICY 428 ", None),
            ("", None),
        ];
        for (bytes, expected) in cases {
            assert_eq!(status(bytes.as_bytes(), false), expected, "{bytes:?}");
        }
        assert_eq!(status(b"HTTP/1.1 428", true), Some(428));
        assert_eq!(status(b"HTTP/1.1 42", true), None);
    }

    #[test]
    fn what_can_be_no_status_line_is_told_at_once() {
        for bytes in ["", "HT", "HTTP/1.1 2", "HTTP/1.1 200 OK\r\nX", "\r\nHTTP"] {
            assert!(may_be_http(bytes.as_bytes()), "{bytes:?}");
        }
        for bytes in ["S", "SSH-2.0", "HTTP/1.1 abc\n", "200 OK\r\n"] {
            assert!(!may_be_http(bytes.as_bytes()), "{bytes:?}");
        }
    }

    #[test]
    fn odd_lines_are_read_as_curl_reads_them() {
        let text = "\r\nHTTP/1.1 200\nServer : x\r\nFolded: a\r\n\t b\r\nno colon\r\n\
                    content-length:5\r\n: nameless\r\nX-Empty:\r\n\r\n";
        let head = head(text);
        assert_eq!(head.all("server").next(), Some("x"));
        assert_eq!(head.all("Folded").next(), Some("a b"));
        assert_eq!(head.all("X-Empty").next(), Some(""));
        assert_eq!(head.framing(), Framing::Length(5));
    }

    #[test]
    fn the_end_of_a_head_is_found_however_it_arrives() {
        let text = b"HTTP/1.1 200 OK\r\nA: b\r\n\r\nbody";
        let mut from = 0;
        let found = (0..=text.len()).find_map(|length| end(&text[..length], &mut from));
        assert_eq!(found, Some(text.len() - 4));
    }

    #[test]
    fn framing_is_what_curl_makes_of_it() {
        let framing = |fields: &str| head(&format!("HTTP/1.1 200 OK\r\n{fields}\r\n")).framing();
        let cases = [
            ("", Framing::ToTheEnd),
            ("Content-Length: 5\r\n", Framing::Length(5)),
            (
                "Content-Length: 5\r\nContent-Length: 5\r\n",
                Framing::Length(5),
            ),
            ("Content-Length: 5, 5\r\n", Framing::Length(5)),
            (
                "Content-Length: 4\r\nContent-Length: 5\r\n",
                Framing::Length(5),
            ),
            ("Content-Length: -5\r\n", Framing::Unreadable),
            ("Content-Length: many\r\n", Framing::Unreadable),
            (
                "Content-Length: 99999999999999999999\r\n",
                Framing::ToTheEnd,
            ),
            ("Transfer-Encoding: chunked\r\n", Framing::Chunked),
            ("Transfer-Encoding: gzip, Chunked\r\n", Framing::Chunked),
            (
                "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
                Framing::Chunked,
            ),
            ("Transfer-Encoding: identity\r\n", Framing::ToTheEnd),
        ];
        for (fields, expected) in cases {
            assert_eq!(framing(fields), expected, "{fields:?}");
        }
    }

    #[test]
    fn a_connection_is_kept_only_if_both_sides_mean_it() {
        let keeps = |text: &str| head(&format!("{text}\r\n")).keeps_connection();
        assert!(keeps("HTTP/1.1 200 OK\r\n"));
        assert!(keeps("HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\n"));
        assert!(!keeps("HTTP/1.0 200 OK\r\n"));
        assert!(!keeps("HTTP/1.1 200 OK\r\nConnection: x, Close\r\n"));
        assert!(!keeps("HTTP/1.1 200 OK\r\nProxy-Connection: close\r\n"));
        assert!(!keeps(
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n"
        ));
        assert!(keeps("HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n"));
        assert!(!keeps("HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n"));
        assert!(keeps("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"));
        assert!(!keeps(
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n"
        ));
    }
}
