//! Passwords: hashed with Argon2id, a few at a time, because each takes 19 MiB.

use std::sync::LazyLock;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use tokio::sync::Semaphore;

use crate::domain::sessions::Hashed;

/// The fewest characters of a password.
pub const SHORTEST: usize = 12;
/// The most bytes of a password: more are only work for the server.
const LONGEST: usize = 1024;
/// How many are hashed at once.
const AT_ONCE: usize = 2;

static PLACES: Semaphore = Semaphore::const_new(AT_ONCE);
/// What a password is compared with if there is none, so that this takes as long.
static NOBODYS: LazyLock<Option<Hashed>> = LazyLock::new(|| hash_now("nobody has this password"));

/// A password as somebody has typed it. It never shows in `Debug`.
#[derive(Clone)]
pub struct Password(String);

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(…)")
    }
}

impl Password {
    /// What somebody has typed.
    pub fn typed(text: &str) -> Password {
        Password(text.to_owned())
    }

    /// What is wrong with it as a new password.
    pub fn problem(&self) -> Option<String> {
        let count = self.0.chars().count();
        let first = self.0.chars().next();
        if count < SHORTEST {
            return Some(format!(
                "A password needs {SHORTEST} characters or more; this one has {count}"
            ));
        }
        if self.0.len() > LONGEST {
            return Some(format!("A password has {LONGEST} bytes or fewer"));
        }
        let all_same = self.0.chars().all(|character| Some(character) == first);
        all_same.then(|| "A password needs more than one character again and again".to_owned())
    }

    /// What is kept of it; none if the operating system gives no random bytes.
    pub async fn hash(self) -> Option<Hashed> {
        alone(move || hash_now(&self.0)).await.flatten()
    }

    /// Whether it is the one that is kept. It takes as long if none is.
    pub async fn is(self, kept: Option<Hashed>) -> bool {
        let compared = alone(move || {
            let known = kept.is_some();
            let Some(Hashed(text)) = kept.as_ref().or(NOBODYS.as_ref()) else {
                return false;
            };
            // Nobody has a longer one, and it would be work for nothing.
            let typed = self
                .0
                .as_bytes()
                .get(..LONGEST)
                .unwrap_or(self.0.as_bytes());
            let same = PasswordHash::new(text)
                .is_ok_and(|hash| Argon2::default().verify_password(typed, &hash).is_ok());
            same && known && self.0.len() <= LONGEST
        });
        compared.await.unwrap_or(false)
    }
}

fn hash_now(text: &str) -> Option<Hashed> {
    let hashed = Argon2::default().hash_password(text.as_bytes());
    hashed.ok().map(|hash| Hashed(hash.to_string()))
}

/// Works on a thread where it holds up no request, once there is a place.
async fn alone<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let place = PLACES.acquire().await.ok()?;
    let done = tokio::task::spawn_blocking(move || {
        let done = work();
        // Held to here even if the client has gone away: the work runs on.
        drop(place);
        done
    });
    done.await.ok()
}

#[cfg(test)]
mod tests {
    use super::Password;

    #[tokio::test]
    async fn only_the_same_password_is_the_same() {
        let typed = || Password::typed("correct horse battery");
        let kept = typed().hash().await.unwrap();
        assert!(
            kept.0.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{}",
            kept.0
        );
        assert_ne!(
            typed().hash().await.unwrap(),
            kept,
            "each has a salt of its own"
        );
        assert!(typed().is(Some(kept.clone())).await);
        assert!(
            !Password::typed("correct horse batterx")
                .is(Some(kept.clone()))
                .await
        );
        assert!(!Password::typed("nobody has this password").is(None).await);
        let long = "x".repeat(1024);
        let kept = Password::typed(&long).hash().await.unwrap();
        assert!(!Password::typed(&format!("{long}y")).is(Some(kept)).await);
    }

    #[test]
    fn a_bad_password_says_what_is_wrong() {
        for (text, word) in [
            ("short", Some("12 characters")),
            ("aaaaaaaaaaaaaaaa", Some("again and again")),
            (&"x".repeat(2000), Some("1024")),
            ("pässwörter", Some("10")),
            ("correct horse", None),
        ] {
            let problem = Password::typed(text).problem();
            match word {
                Some(word) => assert!(problem.unwrap().contains(word), "{text}"),
                None => assert_eq!(problem, None),
            }
        }
    }
}
