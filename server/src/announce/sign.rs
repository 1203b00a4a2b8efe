//! How a receiver knows who sends, and that nothing was changed on the way.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// How a secret begins that is Base64.
pub const PREFIX: &str = "whsec_";
/// How many bytes a secret has that the server makes.
const BYTES: usize = 32;

/// A new secret.
///
/// # Errors
/// If the operating system gives no random bytes.
pub fn new_secret() -> Result<String, getrandom::Error> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes)?;
    Ok(secret_of(&bytes))
}

/// The secret of these bytes.
pub fn secret_of(bytes: &[u8; BYTES]) -> String {
    format!("{PREFIX}{}", STANDARD.encode(bytes))
}

fn mac(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    // A key of any length is one.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return Vec::new();
    };
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().to_vec()
}

/// The bytes that a secret stands for. One that somebody chose stands for itself.
fn key(secret: &str) -> Vec<u8> {
    let decoded = secret
        .strip_prefix(PREFIX)
        .and_then(|text| STANDARD.decode(text).ok());
    decoded.unwrap_or_else(|| secret.as_bytes().to_vec())
}

/// `webhook-signature` of Standard Webhooks: one signature for each secret.
pub fn standard(secrets: &[&str], id: &str, seconds: i64, body: &[u8]) -> String {
    let signed = format!("{id}.{seconds}.");
    let one = |secret: &&str| {
        let mac = mac(&key(secret), &[signed.as_bytes(), body]);
        format!("v1,{}", STANDARD.encode(mac))
    };
    secrets.iter().map(one).collect::<Vec<_>>().join(" ")
}

/// `X-Versioner-Signature` of the hosted service: with the secret as it is written.
pub fn versioner(secret: &str, body: &[u8]) -> String {
    let mac = mac(secret.as_bytes(), &[body]);
    let hex: String = mac.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256={hex}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_those_that_others_make() {
        // HMAC by OpenSSL: `printf … | openssl dgst -sha256 -mac HMAC -macopt hexkey:… -binary`.
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let body = br#"{"test": 2432232314}"#;
        let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
        assert_eq!(
            standard(&[secret], id, 1_614_265_330, body),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
        let two = standard(&[secret, "another secret of mine"], id, 1, body);
        assert_eq!(two.split(' ').count(), 2);
        assert_eq!(
            versioner("It's a Secret to Everybody", b"Hello, World!"),
            "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
        );
    }

    #[test]
    fn a_new_secret_has_bytes_enough_and_is_another_each_time() {
        let (one, other) = (new_secret().unwrap(), new_secret().unwrap());
        assert_ne!(one, other);
        assert_eq!(key(&one).len(), BYTES);
    }
}
