//! Secrets that the server must know in clear, such as what others sign with: at rest they are encrypted
//! with a key from a file, which is in no backup and in no database.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use sha2::{Digest, Sha256};

const KEY_LEN: usize = 32;
/// How much of the hash of a key tells it from others.
const FINGERPRINT_LEN: usize = 8;
/// The first byte of what is sealed as it is here.
const FORM: u8 = 1;

/// Why secrets cannot be kept or read.
#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    /// The file cannot be read or made.
    #[error("the key file {path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// The file holds something else.
    #[error(
        "the key file {0} does not hold 32 bytes in base64, as `openssl rand -base64 32` writes them"
    )]
    NoKey(PathBuf),
    /// The server was given no key file.
    #[error(
        "secrets cannot be kept without a key file; start every server with the same --secrets-key-file"
    )]
    None,
    /// It was sealed with another key.
    #[error(
        "this secret is encrypted with the key {sealed}, and the key file has {known}; bring that file"
    )]
    OtherKey {
        /// The fingerprint of the key that it needs.
        sealed: String,
        /// The fingerprint of the key in the file.
        known: String,
    },
    /// It was changed, or stands under another name.
    #[error("the stored secret {0} is damaged")]
    Damaged(String),
    /// The operating system gives no random bytes.
    #[error("no random bytes: {0}")]
    Random(#[from] getrandom::Error),
}

/// A key from a file.
pub struct Secrets {
    key: LessSafeKey,
    fingerprint: [u8; FINGERPRINT_LEN],
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secrets({})", self.fingerprint())
    }
}

impl Secrets {
    /// The key in the file at `path`.
    ///
    /// # Errors
    /// If there is none that can be read.
    pub fn read(path: &Path) -> Result<Secrets, SecretsError> {
        let text = std::fs::read_to_string(path).map_err(|source| file(path, source))?;
        let bytes = STANDARD.decode(text.trim()).ok();
        let bytes = bytes.filter(|bytes| bytes.len() == KEY_LEN);
        let key = bytes.as_deref().and_then(|bytes| {
            let key = UnboundKey::new(&AES_256_GCM, bytes).ok()?;
            let hash = Sha256::digest(bytes);
            let mut fingerprint = [0; FINGERPRINT_LEN];
            fingerprint.copy_from_slice(&hash[..FINGERPRINT_LEN]);
            Some(Secrets {
                key: LessSafeKey::new(key),
                fingerprint,
            })
        });
        key.ok_or_else(|| SecretsError::NoKey(path.to_owned()))
    }

    /// The same; a file that does not exist is made, for its owner alone.
    ///
    /// # Errors
    /// If it can neither be read nor made.
    pub fn at(path: &Path) -> Result<Secrets, SecretsError> {
        if !path.exists() {
            make(path)?;
        }
        Secrets::read(path)
    }

    /// What the key is known by.
    pub fn fingerprint(&self) -> String {
        hex(&self.fingerprint)
    }

    /// Encrypts a secret, which can then only be read under its name.
    ///
    /// # Errors
    /// If there are no random bytes.
    pub fn seal(&self, name: &str, secret: &[u8]) -> Result<Vec<u8>, SecretsError> {
        let mut nonce = [0; NONCE_LEN];
        getrandom::fill(&mut nonce)?;
        let mut sealed = secret.to_vec();
        self.key
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(name),
                &mut sealed,
            )
            .map_err(|_| SecretsError::Damaged(name.to_owned()))?;
        Ok([&[FORM], &self.fingerprint[..], &nonce, &sealed].concat())
    }

    /// Reads a secret that was sealed under this name.
    ///
    /// # Errors
    /// If it was sealed with another key, or is not as it was.
    pub fn open(&self, name: &str, sealed: &[u8]) -> Result<Vec<u8>, SecretsError> {
        let damaged = || SecretsError::Damaged(name.to_owned());
        let (form, rest) = sealed.split_first().ok_or_else(damaged)?;
        let (by, rest) = rest.split_at_checked(FINGERPRINT_LEN).ok_or_else(damaged)?;
        let (nonce, rest) = rest.split_at_checked(NONCE_LEN).ok_or_else(damaged)?;
        if *form != FORM {
            return Err(damaged());
        }
        if by != self.fingerprint {
            return Err(SecretsError::OtherKey {
                sealed: hex(by),
                known: self.fingerprint(),
            });
        }
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| damaged())?;
        let mut secret = rest.to_vec();
        let opened = self.key.open_in_place(nonce, Aad::from(name), &mut secret);
        let length = opened.map_err(|_| damaged())?.len();
        secret.truncate(length);
        Ok(secret)
    }
}

/// What is kept of a secret in the log: enough to tell one from another, and to find out nothing else, as
/// the secrets are random.
pub fn fingerprint(secret: &[u8]) -> String {
    hex(&Sha256::digest(secret)[..FINGERPRINT_LEN])
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn file(path: &Path, source: std::io::Error) -> SecretsError {
    SecretsError::File {
        path: path.to_owned(),
        source,
    }
}

/// Makes the file in full or not at all, also if another process does so at the same time.
fn make(path: &Path) -> Result<(), SecretsError> {
    let mut key = [0; KEY_LEN];
    getrandom::fill(&mut key)?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}", std::process::id()));
    let unfinished = path.with_file_name(name);
    let made = write_private(&unfinished, &STANDARD.encode(key)).and_then(|()| {
        match std::fs::hard_link(&unfinished, path) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
            linked => linked,
        }
    });
    let _ = std::fs::remove_file(&unfinished);
    made.map_err(|source| file(path, source))
}

fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let mut options = File::options();
    options.create(true).truncate(true).write(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options.open(path)?;
    writeln!(file, "{text}")?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_with_its_key_and_under_its_name_alone() {
        let folder = tempfile::tempdir().unwrap();
        let secrets = Secrets::at(&folder.path().join("a.key")).unwrap();
        let again = Secrets::at(&folder.path().join("a.key")).unwrap();
        let other = Secrets::at(&folder.path().join("b.key")).unwrap();
        let sealed = secrets.seal("source:a", b"secret").unwrap();
        assert!(!sealed.windows(6).any(|part| part == b"secret"));
        assert_ne!(sealed, secrets.seal("source:a", b"secret").unwrap());
        assert_eq!(again.open("source:a", &sealed).unwrap(), b"secret");
        assert!(again.open("source:b", &sealed).is_err());
        let error = other.open("source:a", &sealed).unwrap_err().to_string();
        assert!(error.contains(&secrets.fingerprint()) && error.contains(&other.fingerprint()));
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(secrets.open("source:a", &changed).is_err(), "{at}");
            assert!(secrets.open("source:a", &sealed[..at]).is_err(), "{at}");
        }
    }

    #[test]
    fn a_file_that_holds_no_key_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.key");
        for text in ["", "secret", "AAAA", "\u{0}"] {
            std::fs::write(&path, text).unwrap();
            let error = Secrets::at(&path).unwrap_err().to_string();
            assert!(
                error.contains("a.key") && error.contains("32 bytes"),
                "{error}"
            );
        }
    }

    #[cfg(unix)]
    #[test]
    fn the_file_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.key");
        let made = Secrets::at(&path).unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(!format!("{made:?}").contains(std::fs::read_to_string(&path).unwrap().trim()));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
