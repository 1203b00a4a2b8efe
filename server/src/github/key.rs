//! The private key of an app, and what is signed with it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::rsa::KeyPair;
use ring::signature::RSA_PKCS1_SHA256;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use serde_json::json;

/// How long before now a token says that it was made, in seconds: clocks differ.
const BEFORE: i64 = 60;
/// How long it is good for, in seconds. GitHub takes none for more than ten minutes.
const GOOD_FOR: i64 = 540;

/// Why a text is no private key of an app.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum KeyError {
    /// It is something else.
    #[error(
        "this is {0}; it is to be the .pem file that GitHub gives out under Private keys, which begins \
         with -----BEGIN RSA PRIVATE KEY-----"
    )]
    Other(&'static str),
    /// It is one that cannot be used.
    #[error("this private key cannot be used ({0}); let GitHub make another under Private keys")]
    Unusable(String),
}

/// The private key of an app.
pub struct AppKey(KeyPair);

impl std::fmt::Debug for AppKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AppKey(…)")
    }
}

impl AppKey {
    /// Reads what GitHub gives out.
    ///
    /// # Errors
    /// If it is something else.
    pub fn read(pem: &str) -> Result<AppKey, KeyError> {
        let unusable = |error: ring::error::KeyRejected| KeyError::Unusable(error.to_string());
        match PrivateKeyDer::from_pem_slice(pem.trim_start().as_bytes()) {
            Ok(PrivateKeyDer::Pkcs1(der)) => KeyPair::from_der(der.secret_pkcs1_der())
                .map(AppKey)
                .map_err(unusable),
            Ok(PrivateKeyDer::Pkcs8(der)) => KeyPair::from_pkcs8(der.secret_pkcs8_der())
                .map(AppKey)
                .map_err(unusable),
            Ok(_) => Err(KeyError::Other("a key of another kind")),
            Err(_) => Err(KeyError::Other(what(pem))),
        }
    }

    /// A token that says which app this is, made at `seconds` since 1970.
    ///
    /// # Errors
    /// If there are no random bytes.
    pub fn token(&self, app_id: &str, seconds: i64) -> Result<String, KeyError> {
        let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let head = part(json!({ "alg": "RS256", "typ": "JWT" }));
        let claims = part(json!({
            "iat": seconds - BEFORE, "exp": seconds + GOOD_FOR, "iss": app_id,
        }));
        let text = format!("{head}.{claims}");
        let mut signature = vec![0; self.0.public().modulus_len()];
        self.0
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                text.as_bytes(),
                &mut signature,
            )
            .map_err(|_| KeyError::Unusable("it does not sign".to_owned()))?;
        Ok(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

/// What a text is that is no private key.
fn what(text: &str) -> &'static str {
    let has = |word: &str| text.contains(word);
    match () {
        () if text.trim().is_empty() => "empty",
        () if has("ENCRYPTED") => "a key under a password",
        () if has("OPENSSH PRIVATE KEY") => "a key for SSH",
        () if has("PUBLIC KEY") => "a public key",
        () if has("BEGIN CERTIFICATE") => "a certificate",
        () if has("PRIVATE KEY") => "a private key that is damaged or cut off",
        () if has("gh") && !has("\n") && text.len() < 300 => {
            "no key, but rather a token or a secret"
        }
        () => "no private key",
    }
}

#[cfg(test)]
mod tests {
    use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
    use serde_json::Value;

    use super::*;

    /// Made for these tests by `openssl genrsa -traditional 2048`.
    const KEY: &str = include_str!("../../tests/data/app.pem");

    #[test]
    fn a_token_says_which_app_it_is_and_for_how_long() {
        let key = AppKey::read(KEY).unwrap();
        assert_eq!(format!("{key:?}"), "AppKey(…)");
        let token = key.token("12345", 1_763_553_600).unwrap();
        let parts: Vec<&str> = token.split('.').collect();
        let [head, claims, signature] = parts[..] else {
            panic!("{token}");
        };
        let json = |part: &str| -> Value {
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
        };
        assert_eq!(json(head), json!({ "alg": "RS256", "typ": "JWT" }));
        let expected = json!({ "iat": 1_763_553_540, "exp": 1_763_554_140, "iss": "12345" });
        assert_eq!(json(claims), expected);
        let public = key.0.public().as_ref().to_vec();
        let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public);
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        let signed = format!("{head}.{claims}");
        assert!(public.verify(signed.as_bytes(), &signature).is_ok());
    }

    #[test]
    fn what_is_no_key_is_called_what_it_is() {
        let of = |text: &str| AppKey::read(text).unwrap_err().to_string();
        let cut: String = KEY.lines().take(4).collect::<Vec<_>>().join("\n");
        let public = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n";
        for (text, expected) in [
            ("", "empty"),
            (&cut, "cut off"),
            (public, "a public key"),
            (
                "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
                "certificate",
            ),
            ("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA", "password"),
            ("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA", "SSH"),
            ("ghp_abcdefghijklmnop", "a token or a secret"),
            ("It's a Secret to Everybody", "no private key"),
        ] {
            let error = of(text);
            assert!(error.contains(expected), "{text}: {error}");
            assert!(text.is_empty() || !error.contains(text), "{error}");
        }
        let other = "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n";
        assert!(of(other).contains("cannot be used"), "{}", of(other));
        // As people paste it.
        let pasted = format!("\r\n  {}", KEY.replace('\n', "\r\n"));
        assert!(AppKey::read(&pasted).is_ok());
    }
}
