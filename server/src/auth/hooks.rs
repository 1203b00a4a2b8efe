//! Whether what arrives at the address of a source is from its sender: over the bytes as they came, in
//! constant time, with either secret while one is rotated.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use subtle::ConstantTimeEq;

use crate::domain::source::{Algorithm, Kind, Signature, Source};

const SECOND: i64 = 1_000_000;
/// How far the time of a signature may be from ours, both ways.
const TOLERANCE: i64 = 300 * SECOND;

/// What has arrived.
pub struct Knock<'a> {
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// The secret at the end of the address, or in its `access_token`.
    pub in_address: Option<&'a str>,
    /// Its body as it came.
    pub body: &'a [u8],
    /// When, in microseconds since 1970.
    pub now: i64,
}

impl Knock<'_> {
    fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next()?.to_str().ok()?;
        // One that stands there twice may be read in two ways.
        values.next().is_none().then(|| value.trim())
    }

    /// Whether it is from the sender of `source`, who has one of the secrets.
    pub fn is_from(&self, source: &Source, secrets: &[Vec<u8>]) -> bool {
        secrets.iter().any(|secret| self.has(source, secret))
    }

    fn has(&self, source: &Source, secret: &[u8]) -> bool {
        let signed = |header: &str, algorithm, prefix: &str| {
            self.is_signed(header, algorithm, prefix, secret)
        };
        match source.kind {
            Kind::Github => {
                signed("x-hub-signature-256", Algorithm::Sha256, "sha256=")
                    || signed("x-gitea-signature", Algorithm::Sha256, "")
                    || signed("x-forgejo-signature", Algorithm::Sha256, "")
            }
            Kind::GithubApp => signed("x-hub-signature-256", Algorithm::Sha256, "sha256="),
            Kind::Gitlab => match self.header("x-gitlab-token") {
                Some(token) => same(token.as_bytes(), secret),
                None => self.is_standard(secret),
            },
            Kind::Standard => self.is_standard(secret),
            Kind::Cloudevents | Kind::Json => match &source.settings.signature {
                Some(Signature {
                    header,
                    algorithm,
                    prefix,
                }) => signed(header, *algorithm, prefix),
                None => self.brings(secret),
            },
        }
    }

    /// Whether it brings the secret itself.
    fn brings(&self, secret: &[u8]) -> bool {
        let bearer = self.header(AUTHORIZATION.as_str()).and_then(|value| {
            let (scheme, token) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
        });
        [bearer, self.in_address]
            .into_iter()
            .flatten()
            .any(|brought| same(brought.as_bytes(), secret))
    }

    /// Whether the header is the HMAC of the body.
    fn is_signed(&self, header: &str, algorithm: Algorithm, prefix: &str, secret: &[u8]) -> bool {
        let algorithm = match algorithm {
            Algorithm::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            Algorithm::Sha256 => hmac::HMAC_SHA256,
            Algorithm::Sha512 => hmac::HMAC_SHA512,
        };
        let sent = self
            .header(header)
            .and_then(|value| value.strip_prefix(prefix));
        let Some(tag) = sent.and_then(unhex) else {
            return false;
        };
        hmac::verify(&hmac::Key::new(algorithm, secret), self.body, &tag).is_ok()
    }

    /// Whether it is signed as Standard Webhooks say, now.
    fn is_standard(&self, secret: &[u8]) -> bool {
        let names = ["webhook-id", "webhook-timestamp", "webhook-signature"];
        let [Some(id), Some(timestamp), Some(signatures)] = names.map(|name| self.header(name))
        else {
            return false;
        };
        let at = timestamp.parse::<i64>().ok();
        let at = at.and_then(|seconds| seconds.checked_mul(SECOND));
        let in_time = at.is_some_and(|at| self.now.abs_diff(at) <= TOLERANCE.unsigned_abs());
        if !in_time {
            return false;
        }
        let encoded = secret.strip_prefix(b"whsec_").unwrap_or(secret);
        let Ok(key) = STANDARD.decode(encoded) else {
            return false;
        };
        let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
        let content = [id.as_bytes(), b".", timestamp.as_bytes(), b".", self.body].concat();
        signatures.split(' ').any(|signature| {
            let tag = signature.strip_prefix("v1,");
            let tag = tag.and_then(|tag| STANDARD.decode(tag).ok());
            tag.is_some_and(|tag| hmac::verify(&key, &content, &tag).is_ok())
        })
    }
}

fn same(brought: &[u8], secret: &[u8]) -> bool {
    brought.ct_eq(secret).into()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    let digits = (0..text.len()).step_by(2);
    digits
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use serde_json::json;

    use super::*;
    use crate::domain::source::Settings;

    fn source(kind: Kind, settings: serde_json::Value) -> Source {
        let Ok(settings) = Settings::read(settings) else {
            panic!("settings");
        };
        Source::made_up(kind, settings)
    }

    fn is_from(
        source: &Source,
        secrets: &[&str],
        headers: &[(&'static str, &str)],
        body: &[u8],
        seconds: i64,
    ) -> bool {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_str(value).unwrap());
        }
        let secrets: Vec<_> = secrets.iter().map(|one| one.as_bytes().to_vec()).collect();
        let knock = Knock {
            headers: &map,
            in_address: None,
            body,
            now: seconds * SECOND,
        };
        knock.is_from(source, &secrets)
    }

    /// The example of GitHub's documentation.
    #[test]
    fn github_signs_the_bytes_with_either_secret() {
        let github = source(Kind::Github, json!({}));
        let secret = "It's a Secret to Everybody";
        let digits = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        let value = format!("sha256={digits}");
        let is = |secrets: &[&str], headers: &[(&'static str, &str)], body: &[u8]| {
            is_from(&github, secrets, headers, body, 0)
        };
        let header = ("x-hub-signature-256", value.as_str());
        assert!(is(&[secret], &[header], b"Hello, World!"));
        assert!(is(&["another", secret], &[header], b"Hello, World!"));
        assert!(is(
            &[secret],
            &[("x-gitea-signature", digits)],
            b"Hello, World!"
        ));
        assert!(!is(&[secret], &[header], b"Hello, World"));
        assert!(!is(&["another"], &[header], b"Hello, World!"));
        assert!(!is(&[], &[header], b"Hello, World!"));
        assert!(!is(&[secret], &[], b"Hello, World!"));
        assert!(!is(&[secret], &[header, header], b"Hello, World!"), "twice");
        for wrong in [
            "",
            "sha256=",
            "sha256=75",
            "sha256=zz",
            "sha1=7571",
            &value[..70],
        ] {
            let header = ("x-hub-signature-256", wrong);
            assert!(!is(&[secret], &[header], b"Hello, World!"), "{wrong}");
        }
    }

    /// The example of the Standard Webhooks libraries.
    #[test]
    fn standard_webhooks_hold_for_five_minutes_both_ways() {
        let standard = source(Kind::Standard, json!({}));
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let headers = [
            ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
            ("webhook-timestamp", "1614265330"),
            (
                "webhook-signature",
                "v1,AAAA v1a,xyz v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
            ),
        ];
        let at = |seconds| {
            is_from(
                &standard,
                &[secret],
                &headers,
                b"{\"test\": 2432232314}",
                seconds,
            )
        };
        assert!(at(1_614_265_330) && at(1_614_265_630) && at(1_614_265_030));
        assert!(!at(1_614_265_631) && !at(1_614_265_029) && !at(i64::MAX / SECOND));
        assert!(!is_from(
            &standard,
            &[secret],
            &headers,
            b"{}",
            1_614_265_330
        ));
        assert!(!is_from(
            &standard,
            &["whsec_?"],
            &headers,
            b"{}",
            1_614_265_330
        ));
    }

    #[test]
    fn who_cannot_sign_brings_the_secret() {
        let json = source(Kind::Json, json!({}));
        let is = |value: &str| is_from(&json, &["secret"], &[("authorization", value)], b"", 0);
        assert!(is("Bearer secret") && is("bearer secret"));
        assert!(
            !is("Bearer secre") && !is("Bearer secret2") && !is("Basic secret") && !is("secret")
        );
        let vercel = source(Kind::Json, json!({ "ready": "vercel" }));
        assert!(!is_from(
            &vercel,
            &["secret"],
            &[("authorization", "Bearer secret")],
            b"",
            0
        ));
        let gitlab = source(Kind::Gitlab, json!({}));
        assert!(is_from(
            &gitlab,
            &["secret"],
            &[("x-gitlab-token", "secret")],
            b"",
            0
        ));
        assert!(!is_from(
            &gitlab,
            &["secret"],
            &[("x-gitlab-token", "")],
            b"",
            0
        ));
    }
}
