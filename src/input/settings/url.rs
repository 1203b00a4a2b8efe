//! Base URLs.

use http::Uri;
use http::uri::Scheme;

/// An absolute http or https URL without a slash at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BaseUrl {
    text: String,
    uri: Uri,
}

impl BaseUrl {
    /// The error says what is wrong; it does not repeat credentials.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim_end_matches('/');
        let after_scheme = text.split_once("://").map_or(text, |(_, rest)| rest);
        let authority = after_scheme
            .split(['/', '?', '#'])
            .next()
            .unwrap_or_default();
        if authority.contains('@') {
            return Err("it must not hold a user name or password".to_owned());
        }
        if authority.starts_with('[') && authority.contains('%') {
            return Err(format!(
                "{text:?} has an IPv6 zone, which is not supported: use another address"
            ));
        }
        if !authority.is_ascii() {
            return Err(format!(
                "{text:?} has a host that is not ASCII: write it in its form with xn--"
            ));
        }
        if !text.is_ascii() {
            return Err(format!(
                "{text:?} has a path that is not ASCII: write it percent-encoded"
            ));
        }
        let uri: Uri = text
            .parse()
            .map_err(|error| format!("{text:?} is not one ({error})"))?;
        let is_http = [Scheme::HTTP, Scheme::HTTPS]
            .iter()
            .any(|scheme| uri.scheme() == Some(scheme));
        if !is_http
            || uri.host().is_none_or(str::is_empty)
            || uri.authority().is_some_and(has_bad_port)
        {
            return Err(format!("{text:?} is not one"));
        }
        if text.contains(['?', '#']) {
            return Err(format!("{text:?} must end with its path"));
        }
        Ok(BaseUrl {
            text: text.to_owned(),
            uri,
        })
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The URL of something below this one.
    pub fn join(&self, path: &str) -> String {
        format!("{}/{path}", self.text)
    }

    pub fn is_https(&self) -> bool {
        self.uri.scheme() == Some(&Scheme::HTTPS)
    }

    /// The host without the brackets of an IPv6 address.
    pub fn host(&self) -> &str {
        let host = self.uri.host().unwrap_or_default();
        host.trim_start_matches('[').trim_end_matches(']')
    }

    pub fn port(&self) -> u16 {
        self.uri
            .port_u16()
            .unwrap_or(if self.is_https() { 443 } else { 80 })
    }

    /// Whether it can only be reached from this machine.
    pub fn is_loopback(&self) -> bool {
        let host = self.host();
        let address = host.parse::<std::net::IpAddr>();
        host.eq_ignore_ascii_case("localhost")
            || host.to_ascii_lowercase().ends_with(".localhost")
            || address.is_ok_and(|address| address.is_loopback())
    }
}

fn has_bad_port(authority: &http::uri::Authority) -> bool {
    let after_host = &authority.as_str()[authority.host().len()..];
    !after_host.is_empty() && authority.port_u16().is_none_or(|port| port == 0)
}
