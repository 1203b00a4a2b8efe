//! The browsers in which somebody has shown their password before.
//!
//! What such a browser keeps is made of the stored hash of the password, so that every server knows it,
//! nothing more has to be stored, and another password ends it. Of the password it says nothing: the
//! salt of the hash never leaves the server.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::keys::secret_part;
use crate::domain::sessions::Hashed;

fn signed(kept: &Hashed, person_id: &str, number: &str) -> Option<Hmac<Sha256>> {
    let mut signed = Hmac::<Sha256>::new_from_slice(kept.0.as_bytes()).ok()?;
    for part in ["browser", person_id, number] {
        signed.update(part.as_bytes());
        signed.update(&[0]);
    }
    Some(signed)
}

/// What a browser keeps from now on; none if the operating system gives no random bytes.
pub fn mark(kept: &Hashed, person_id: &str) -> Option<String> {
    let number = secret_part().ok()?;
    let signature = signed(kept, person_id, &number)?.finalize().into_bytes();
    let signature: String = signature.iter().map(|byte| format!("{byte:02x}")).collect();
    Some(format!("{number}.{signature}"))
}

/// Whether a browser was marked for this person, since they have this password.
pub fn is_marked(mark: &str, kept: &Hashed, person_id: &str) -> bool {
    let read = |text: &str| -> Option<Vec<u8>> {
        let pairs = text.as_bytes().chunks(2);
        pairs
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
            .collect()
    };
    let Some((number, signature)) = mark.split_once('.') else {
        return false;
    };
    let (Some(signature), Some(signed)) = (read(signature), signed(kept, person_id, number)) else {
        return false;
    };
    // Compared in a time that does not depend on where they differ.
    signed.verify_slice(&signature).is_ok()
}

#[cfg(test)]
mod tests {
    use super::{is_marked, mark};
    use crate::domain::sessions::Hashed;

    #[test]
    fn a_mark_is_for_one_person_and_one_password() {
        let kept = Hashed("$argon2id$one".to_owned());
        let made = mark(&kept, "p1").unwrap();
        assert!(is_marked(&made, &kept, "p1"));
        assert!(!is_marked(&made, &kept, "p2"));
        assert!(!is_marked(
            &made,
            &Hashed("$argon2id$other".to_owned()),
            "p1"
        ));
        let (number, signature) = made.split_once('.').unwrap();
        for forged in [
            String::new(),
            number.to_owned(),
            format!("{number}."),
            format!("x{number}.{signature}"),
            format!("{number}.{}", &signature[..62]),
            format!("{number}.é{signature}"),
        ] {
            assert!(!is_marked(&forged, &kept, "p1"), "{forged}");
        }
        assert!(!made.contains("argon2"));
    }
}
