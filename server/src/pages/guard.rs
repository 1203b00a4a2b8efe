//! What every request for a page goes through, and how far the pages may be reached.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::uri::{Authority, Uri};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use ipnet::IpNet;

use super::error::PageError;
use crate::api::App;
use crate::auth::address::Peer;
use crate::auth::openid::OpenId;

/// Nothing is loaded from elsewhere, nothing runs that is not the module, and no text becomes markup
/// but by a policy of the module's own.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; \
    frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types versioner";

/// How far the pages may be reached.
#[derive(Debug, Clone, Default)]
pub struct Reach {
    /// The address that people know the server by, if it is another than that of its connections.
    pub public_url: Option<PublicUrl>,
    /// Whether people may log in over a connection that others can listen to.
    pub allow_http_login: bool,
    /// The provider that people can come in by.
    pub openid: Option<OpenId>,
    /// Who else says who somebody is.
    pub proxy: Option<AuthProxy>,
}

/// A proxy that says in a header who somebody is.
#[derive(Debug, Clone)]
pub struct AuthProxy {
    /// The header.
    pub header: HeaderName,
    /// Where the proxy is: from elsewhere the header says nothing.
    pub from: Vec<IpNet>,
    /// The account that people come in to.
    pub account: String,
}

/// The address that people know a server by: `https://versioner.example.com`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl {
    https: bool,
    authority: Authority,
}

impl PublicUrl {
    /// Reads an address.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<PublicUrl, String> {
        let wrong = |why: &str| format!("{text:?} {why}; write https://versioner.example.com");
        let uri: Uri = text.trim().parse().map_err(|_| wrong("is no address"))?;
        let https = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(wrong("is neither https nor http")),
        };
        let authority = uri.authority().filter(|of| !of.as_str().contains('@'));
        let authority = authority.ok_or_else(|| wrong("names no host"))?.clone();
        if uri.path() != "/" || uri.query().is_some() {
            return Err(wrong("has more than a host and a port"));
        }
        Ok(PublicUrl { https, authority })
    }
}

impl std::fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let scheme = if self.https { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.authority)
    }
}

impl App {
    /// Whether browsers reach the server over TLS.
    pub(super) fn is_https(&self) -> bool {
        let public = self.reach.public_url.as_ref();
        self.tls().is_some() || public.is_some_and(|url| url.https)
    }

    /// The address by which whoever sends these headers knows the server.
    pub(crate) fn origin(&self, headers: &HeaderMap) -> String {
        if let Some(url) = &self.reach.public_url {
            return url.to_string();
        }
        let scheme = if self.is_https() { "https" } else { "http" };
        let host = host(headers).map_or("127.0.0.1:8420".to_owned(), |host| host.to_string());
        format!("{scheme}://{host}")
    }

    /// The address of a page for those who are told of it elsewhere; none if the server does not know by
    /// what address people know it.
    pub(crate) fn page_address(&self, path: &str, parameters: &[(&str, &str)]) -> Option<String> {
        let base = self.reach.public_url.as_ref()?;
        Some(format!(
            "{base}{}",
            super::format::address(path, parameters)
        ))
    }

    /// Why nobody can log in by this request: a password or a link would be there for others to read.
    pub(super) fn unsafe_to_log_in(&self, parts: &Parts) -> Result<(), PageError> {
        let is_local = parts
            .extensions
            .get::<Peer>()
            .is_some_and(|Peer(address)| address.to_canonical().is_loopback())
            && host(&parts.headers).is_some_and(|host| is_loopback(host.host()))
            && !is_forwarded(&parts.headers);
        if self.is_https() || is_local || self.reach.allow_http_login {
            return Ok(());
        }
        let msg = "Nobody logs in over a connection that others can listen to. Give the server \
            --tls-cert and --tls-key, or put it behind a proxy with TLS and name its address with \
            --public-url https://…, or, if you trust every network in between, start it with \
            --allow-http-login.";
        Err(PageError::Forbidden(msg.to_owned()))
    }
}

impl App {
    /// Whether browsers are to come back over TLS alone. They hold a whole host to that, so it is said
    /// only of one that is the server's own: its address names no port.
    fn is_for_tls_alone(&self, headers: &HeaderMap) -> bool {
        let public = self.reach.public_url.as_ref();
        let authority = match public {
            Some(url) => Some(url.authority.clone()),
            None => host(headers),
        };
        self.is_https() && authority.is_some_and(|authority| authority.port().is_none())
    }
}

/// Whether a proxy on this machine sends a request on, for somebody who may be anywhere.
fn is_forwarded(headers: &HeaderMap) -> bool {
    ["forwarded", "via", "x-forwarded-for", "x-real-ip"]
        .iter()
        .any(|name| headers.contains_key(*name))
}

/// Whom the browser believes to talk to.
fn host(headers: &HeaderMap) -> Option<Authority> {
    headers.get(header::HOST)?.to_str().ok()?.parse().ok()
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let address = bare.parse::<std::net::IpAddr>();
    address.is_ok_and(|address| address.is_loopback())
        || bare.eq_ignore_ascii_case("localhost")
        || bare.to_ascii_lowercase().ends_with(".localhost")
}

/// Lets no other site send forms here with the cookies of whoever looks at it.
pub async fn refuse_other_sites(
    State(app): State<Arc<App>>,
    request: Request,
    next: Next,
) -> Response {
    let is_safe = [Method::GET, Method::HEAD].contains(request.method());
    if !is_safe && !is_from_here(&app, request.headers()) {
        let msg = "This was sent by another site, or by a program. Open the page here and send its \
            form; for programs there is the API.";
        return PageError::Forbidden(msg.to_owned()).into_response();
    }
    next.run(request).await
}

fn is_from_here(app: &App, headers: &HeaderMap) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return site == "same-origin" || site == "none";
    }
    let origin = headers.get(header::ORIGIN).and_then(|of| of.to_str().ok());
    let origin = origin.and_then(|origin| origin.split_once("://"));
    let Some((_, origin)) = origin else {
        return false;
    };
    let public = app.reach.public_url.as_ref();
    let known = host(headers).is_some_and(|host| host.as_str().eq_ignore_ascii_case(origin));
    known || public.is_some_and(|url| url.authority.as_str().eq_ignore_ascii_case(origin))
}

/// Tells the browser what a page may not do.
pub async fn protect(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let for_tls_alone = app.is_for_tls_alone(request.headers());
    let is_shown = request.method() == Method::GET;
    let mut response = next.run(request).await;
    let is_passing = response.status() == StatusCode::SERVICE_UNAVAILABLE;
    let headers = response.headers_mut();
    // A screen on a wall, at which nobody sits, goes on by itself once the server can answer.
    if is_shown && is_passing {
        let later = HeaderValue::from_static("30");
        headers.insert(HeaderName::from_static("refresh"), later);
    }
    if for_tls_alone {
        let year = HeaderValue::from_static("max-age=31536000");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, year);
    }
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("permissions-policy"),
            "camera=(), geolocation=(), microphone=()",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // What is behind a login stays in no cache.
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::{PublicUrl, is_loopback};

    #[test]
    fn an_address_has_a_host_and_a_port_and_nothing_else() {
        for text in ["https://v.example.com", "http://10.0.0.1:8420"] {
            assert_eq!(PublicUrl::parse(text).unwrap().to_string(), text);
            assert_eq!(
                PublicUrl::parse(&format!("{text}/")).unwrap().to_string(),
                text
            );
        }
        for text in [
            "v.example.com",
            "ftp://v.example.com",
            "https://v.example.com/versioner",
            "https://ada:secret@v.example.com",
            "https://v.example.com/?a",
            "",
        ] {
            assert!(PublicUrl::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_name_that_only_begins_like_loopback_is_elsewhere() {
        for host in [
            "localhost",
            "127.0.0.1",
            "[::1]",
            "127.1.2.3",
            "v.localhost",
        ] {
            assert!(is_loopback(host), "{host}");
        }
        for host in [
            "localhost.example.com",
            "127.0.0.1.example.com",
            "10.0.0.1",
            "",
        ] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
