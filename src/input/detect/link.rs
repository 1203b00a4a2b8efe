//! Links that are put together of variables.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::model::fact::Found;

/// Everything but the unreserved characters of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// One part of a link, percent-encoded.
pub(super) fn part(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// A path of several parts, such as `owner/name`: all encoded but the slashes.
pub(super) fn path(text: &str) -> String {
    let parts: Vec<String> = text.split('/').map(part).collect();
    parts.join("/")
}

/// The base URL of a server, without the slashes at its end; `None` if nobody could follow it.
pub(super) fn base(server: &Found) -> Option<&str> {
    let (scheme, _) = server.text.split_once("://")?;
    let is_http = ["http", "https"]
        .iter()
        .any(|http| scheme.eq_ignore_ascii_case(http));
    is_http.then(|| server.text.trim_end_matches('/'))
}
