//! Which proxy, if any, stands between here and the service: the variables that curl reads, as
//! curl understands them.

use std::fmt;
use std::net::IpAddr;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::Uri;
use percent_encoding::percent_decode_str;

use crate::input::environment::Environment;
use crate::input::settings::BaseUrl;
use crate::model::failure::Failure;

/// A proxy. `Debug` does not show its credentials.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Proxy {
    pub is_https: bool,
    /// Without the brackets of an IPv6 address.
    pub host: String,
    pub port: u16,
    /// `user:password`, decoded; empty if the proxy asks for none.
    credentials: Vec<u8>,
}

impl Proxy {
    /// The header that shows a proxy who is asking, with its line end; empty if it asks for none.
    pub fn authorization_line(&self) -> String {
        if self.credentials.is_empty() {
            return String::new();
        }
        let encoded = BASE64_STANDARD.encode(&self.credentials);
        format!("Proxy-Authorization: Basic {encoded}\r\n")
    }

    /// `host:port`, as URLs write it.
    pub fn address(&self) -> String {
        super::authority(&self.host, self.port)
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({})", self.address())
    }
}

/// The proxy for a service. A proxy that cannot be used is an error, never a direct connection.
pub(super) fn choose(
    environment: &Environment,
    target: &BaseUrl,
) -> Result<Option<Proxy>, Failure> {
    let Some((name, url)) = first_set(environment, proxy_variables(environment, target))? else {
        return Ok(None);
    };
    let no_proxy = first_set(environment, &["no_proxy", "NO_PROXY"])?;
    if no_proxy.is_some_and(|(_, list)| is_excluded(list, target.host(), target.port())) {
        return Ok(None);
    }
    parse(url.trim()).map(Some).map_err(|problem| {
        Failure::config(format!(
            "{name} must be the URL of an HTTP proxy, such as http://proxy.example.com:3128: {problem}"
        ))
    })
}

/// The lower-case name wins. Under CGI the upper-case `HTTP_PROXY` may come from a request
/// header, so it does not count there.
fn proxy_variables(environment: &Environment, target: &BaseUrl) -> &'static [&'static str] {
    let is_cgi = environment.hint("REQUEST_METHOD").is_some();
    match (target.is_https(), is_cgi) {
        (true, _) => &["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"],
        (false, false) => &["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"],
        (false, true) => &["http_proxy", "all_proxy", "ALL_PROXY"],
    }
}

/// The first of these variables that is not blank.
fn first_set<'a>(
    environment: &'a Environment,
    names: &[&'static str],
) -> Result<Option<(&'static str, &'a str)>, Failure> {
    for name in names {
        if let Some(value) = environment.setting(name)? {
            return Ok(Some((*name, value)));
        }
    }
    Ok(None)
}

/// The error never repeats the URL, which may hold a password.
fn parse(url: &str) -> Result<Proxy, String> {
    let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
    let (is_https, default_port) = match scheme.to_ascii_lowercase().as_str() {
        "http" => (false, 80),
        "https" => (true, 443),
        other if other.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
            return Err(format!("{other} proxies are not supported"));
        }
        _ => return Err("it is not a URL".to_owned()),
    };
    // A user name may hold a backslash (CORP\user), a password nearly everything.
    let (credentials, address) = rest.rsplit_once('@').unwrap_or(("", rest));
    if credentials.contains(['/', '?', '#']) {
        return Err(
            "percent-encode what is special in its user name and password (/ as %2F, ? as %3F, \
             # as %23)"
                .to_owned(),
        );
    }
    let uri: Uri = format!("http://{address}")
        .parse()
        .map_err(|_| "its host or port is malformed".to_owned())?;
    let authority = uri.authority().ok_or("it names no host")?;
    let host = authority.host();
    let has_port = authority.as_str().len() > host.len();
    if host.is_empty() || (has_port && authority.port_u16().is_none()) {
        return Err("its host or port is malformed".to_owned());
    }
    let mut credentials: Vec<u8> = percent_decode_str(credentials).collect();
    if !credentials.is_empty() && !credentials.contains(&b':') {
        credentials.push(b':');
    }
    Ok(Proxy {
        is_https,
        host: host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned(),
        port: authority.port_u16().unwrap_or(default_port),
        credentials,
    })
}

/// Whether `NO_PROXY` names this host: `*`, a name with everything below it, an address, a range
/// of addresses, each with or without a port.
fn is_excluded(list: &str, host: &str, port: u16) -> bool {
    let entries = list
        .split(|character: char| character == ',' || character.is_whitespace())
        .filter(|entry| !entry.is_empty());
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    entries
        .into_iter()
        .any(|entry| entry == "*" || matches(entry, &host, port))
}

fn matches(entry: &str, host: &str, port: u16) -> bool {
    if let Ok(address) = host.parse::<IpAddr>() {
        return matches_address(entry, address) || {
            let (name, entry_port) = split_port(entry);
            entry_port == Some(port) && matches_address(name, address)
        };
    }
    let (name, entry_port) = split_port(entry);
    if entry_port.is_some_and(|entry_port| entry_port != port) {
        return false;
    }
    let name = name
        .trim_start_matches("*.")
        .trim_matches('.')
        .to_ascii_lowercase();
    !name.is_empty()
        && (host == name
            || host
                .strip_suffix(&name)
                .is_some_and(|rest| rest.ends_with('.')))
}

fn split_port(entry: &str) -> (&str, Option<u16>) {
    match entry.rsplit_once(':') {
        Some((name, port)) => match port.parse() {
            Ok(port) => (name, Some(port)),
            Err(_) => (entry, None),
        },
        None => (entry, None),
    }
}

fn matches_address(entry: &str, address: IpAddr) -> bool {
    let (network, bits) = match entry.split_once('/') {
        Some((network, bits)) => match bits.parse::<u32>() {
            Ok(bits) => (network, Some(bits)),
            Err(_) => return false,
        },
        None => (entry, None),
    };
    let network = network.trim_start_matches('[').trim_end_matches(']');
    match (network.parse(), address) {
        (Ok(IpAddr::V4(network)), IpAddr::V4(address)) => {
            is_same_prefix(network.to_bits().into(), address.to_bits().into(), 32, bits)
        }
        (Ok(IpAddr::V6(network)), IpAddr::V6(address)) => {
            is_same_prefix(network.to_bits(), address.to_bits(), 128, bits)
        }
        _ => false,
    }
}

fn is_same_prefix(network: u128, address: u128, width: u32, bits: Option<u32>) -> bool {
    let bits = bits.unwrap_or(width);
    if bits > width {
        return false;
    }
    (network ^ address).checked_shr(width - bits).unwrap_or(0) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(target: &str, variables: &[(&str, &str)]) -> Option<String> {
        let target = BaseUrl::parse(target).expect("a URL");
        let environment: Environment = variables.iter().copied().collect();
        let proxy = choose(&environment, &target).expect("a usable proxy");
        proxy.map(|proxy| format!("{}:{}", proxy.host, proxy.port))
    }

    #[test]
    fn the_lower_case_variable_of_the_scheme_wins() {
        let variables = [
            ("ALL_PROXY", "http://all:1"),
            ("HTTPS_PROXY", "http://upper:2"),
            ("https_proxy", "lower:3"),
            ("http_proxy", "http://plain"),
        ];
        assert_eq!(
            chosen("https://a.example", &variables).as_deref(),
            Some("lower:3")
        );
        assert_eq!(
            chosen("https://a.example", &variables[..2]).as_deref(),
            Some("upper:2")
        );
        assert_eq!(
            chosen("https://a.example", &variables[..1]).as_deref(),
            Some("all:1")
        );
        assert_eq!(
            chosen("http://a.example", &variables).as_deref(),
            Some("plain:80")
        );
        assert_eq!(chosen("http://a.example", &variables[1..3]), None);
    }

    #[test]
    fn upper_case_http_proxy_may_come_from_a_request_header_under_cgi() {
        let variables = [("HTTP_PROXY", "http://evil:1"), ("REQUEST_METHOD", "GET")];
        assert_eq!(chosen("http://a.example", &variables), None);
    }

    #[test]
    fn no_proxy_excludes_what_curl_excludes() {
        let cases = [
            ("http://api.example.com", "example.com", true),
            ("http://api.example.com", ".example.com", true),
            ("http://api.example.com", "*.example.com", true),
            ("http://example.com", ".example.com", true),
            ("http://API.Example.COM", "example.com", true),
            ("http://api.example.com.", "example.com", true),
            ("http://notexample.com", "example.com", false),
            ("http://example.com.evil.org", "example.com", false),
            ("http://api.example.com", "other.org, example.com", true),
            ("http://api.example.com", "other.org example.com", true),
            ("http://api.example.com", "*", true),
            ("http://api.example.com", ", ,", false),
            ("http://api.example.com:8080", "example.com:8080", true),
            ("http://api.example.com:8080", "example.com:9090", false),
            ("http://10.1.2.3", "10.0.0.0/8", true),
            ("http://11.1.2.3", "10.0.0.0/8", false),
            ("http://10.1.2.3", "10.1.2.3", true),
            ("http://10.1.2.3:81", "10.1.2.3:81", true),
            ("http://10.1.2.3:81", "10.1.2.3:82", false),
            ("http://10.1.2.3", "0.0.0.0/0", true),
            ("http://10.1.2.3", "10.0.0.0/99", false),
            ("http://10.1.2.3", "10.0.0.0/x", false),
            ("http://[2001:db8::7]", "2001:db8::/32", true),
            ("http://[2001:db8::7]", "[2001:db8::7]", true),
            ("http://[2001:db9::7]", "2001:db8::/32", false),
            ("http://[::1]", "::/0", true),
            (
                "http://example.com.",
                "localhost .example.com. .example.de",
                true,
            ),
            ("http://www.example.com", ".www.example.com", true),
            (
                "http://example.de",
                "localhost\n.example.com\r\n\texample.de",
                true,
            ),
            ("http://ample.com", "example.com", false),
            ("http://com", "example.com", false),
            ("http://127.0.0.1", "localhost", false),
            ("http://192.168.1.1", "192.168.1.1/33", false),
            ("http://192.168.1.1", "192.168.1.1/-1", false),
            ("http://192.168.1.1", "192.168.1.1/", false),
            ("http://192.168.2.1", "192.168.1.0/22", true),
            ("http://10.42.1.100", "10.42.1.1/24", true),
            ("http://10.43.1.1", "10.42.1.1/24", false),
            ("http://[fe80::1]", "fe80::/10", true),
            ("http://[2001:db8::1]", "2001:db8::1/129", false),
            ("http://[2001:db8::1]:81", "[2001:db8::1]:81", true),
            ("http://[2001:db8::1]:81", "[2001:db8::1]:82", false),
            ("http://[::ffff:10.1.2.3]", "10.0.0.0/8", false),
        ];
        for (target, list, is_direct) in cases {
            let variables = [("http_proxy", "http://proxy:1"), ("no_proxy", list)];
            assert_eq!(
                chosen(target, &variables).is_none(),
                is_direct,
                "{target} {list}"
            );
        }
    }
}
