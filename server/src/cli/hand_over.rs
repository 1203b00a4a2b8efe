//! What the first start gives to whoever starts the server, and to nobody else.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use super::Failure;
use crate::auth::keys::ApiKey;

/// Gives out the first key.
pub fn key(key: &ApiKey, file: Option<&Path>, out: &mut impl Write) -> Result<(), Failure> {
    match file {
        None => writeln!(out, "API key (shown once): {}", key.reveal())?,
        Some(path) => {
            write(path, "the first key", key.reveal())?;
            writeln!(out, "API key written to {}", path.display())?;
        }
    }
    Ok(out.flush()?)
}

/// Gives out the link by which the first admin comes in.
pub fn set_up_link(link: &str, file: Option<&Path>, out: &mut impl Write) -> Result<(), Failure> {
    match file {
        None => writeln!(out, "Set up the pages within an hour: {link}")?,
        Some(path) => {
            write(path, "the set-up link", link)?;
            writeln!(out, "Set-up link written to {}", path.display())?;
        }
    }
    Ok(out.flush()?)
}

/// Writes a secret to a new file, readable for its owner alone.
fn write(path: &Path, what: &'static str, secret: &str) -> Result<(), Failure> {
    let mut options = File::options();
    options.create_new(true).write(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let written = options.open(path).and_then(|mut file| {
        writeln!(file, "{secret}")?;
        file.sync_all()
    });
    written.map_err(|source| Failure::SecretFile {
        what,
        path: path.display().to_string(),
        source,
    })
}
