//! The cookie that a session is known by.

use axum::http::{HeaderMap, HeaderValue, header};

use crate::api::App;
use crate::auth::browsers;
use crate::auth::tokens::Token;
use crate::domain::sessions::Hashed;

/// How long a browser keeps the cookie of a session, in seconds: as long as browsers keep any. The
/// server knows when the session ends.
const KEPT: i64 = 400 * 24 * 3600;

/// Over TLS a name that no other host can set.
const OVER_TLS: &str = "__Host-versioner";
const IN_THE_CLEAR: &str = "versioner";

impl App {
    fn cookie_name(&self) -> &'static str {
        match self.is_https() {
            true => OVER_TLS,
            false => IN_THE_CLEAR,
        }
    }

    /// The sessions that a browser names; another host may have set a second one.
    pub(super) fn tokens(&self, headers: &HeaderMap) -> Vec<Token> {
        let name = self.cookie_name();
        cookies(headers)
            .filter(|(found, _)| *found == name)
            .filter_map(|(_, value)| Token::parse(value))
            .take(2)
            .collect()
    }

    /// What a browser keeps while somebody is at the provider.
    pub(super) fn login_cookie(&self, headers: &HeaderMap) -> Option<String> {
        let name = format!("{}-login", self.cookie_name());
        cookies(headers)
            .find(|(found, _)| *found == name)
            .map(|(_, value)| value.to_owned())
    }

    /// The header that lets it keep that for so many seconds.
    pub(super) fn set_login_cookie(&self, value: &str, seconds: u32) -> HeaderValue {
        self.set(
            &format!("{}-login", self.cookie_name()),
            value,
            i64::from(seconds),
        )
    }

    /// What a browser keeps of a password that was right there.
    pub(super) fn browser_mark(&self, headers: &HeaderMap) -> Option<String> {
        let name = format!("{}-known", self.cookie_name());
        cookies(headers)
            .find(|(found, _)| *found == name)
            .map(|(_, value)| value.to_owned())
    }

    /// The header that lets it keep that.
    pub(super) fn mark_browser(&self, kept: &Hashed, person_id: &str) -> Option<HeaderValue> {
        let mark = browsers::mark(kept, person_id)?;
        Some(self.set(&format!("{}-known", self.cookie_name()), &mark, KEPT))
    }

    fn set(&self, name: &str, value: &str, seconds: i64) -> HeaderValue {
        let secure = if self.is_https() { "; Secure" } else { "" };
        let text =
            format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}");
        // What is kept is made here, of letters, digits and a few signs.
        let mut value = HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""));
        value.set_sensitive(true);
        value
    }

    /// The header that gives a browser its session, or takes it away.
    pub(super) fn set_cookie(&self, token: Option<&Token>) -> HeaderValue {
        let (value, seconds) = match token {
            Some(token) => (token.reveal(), KEPT),
            None => ("", 0),
        };
        self.set(self.cookie_name(), value, seconds)
    }
}

fn cookies(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    let values = headers.get_all(header::COOKIE).iter();
    values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|cookie| cookie.trim().split_once('='))
}
