//! Files that only their user may touch, and that outlast a power cut.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

#[cfg(unix)]
use rustix::{fs::OFlags, io::Errno};

/// What a file is called until it is whole ends so.
pub(super) const UNFINISHED: &str = ".tmp";

/// More than any event.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

#[cfg(feature = "cli")]
pub(super) fn read(path: &Path) -> io::Result<String> {
    text(open(path)?)
}

/// Opens a file that this user wrote, and nothing else of its name: a link or a pipe would lead out of
/// the directory or be waited for, and what somebody else wrote is not to be told with this user's key.
///
/// # Errors
/// Of the kind `InvalidData` for such a thing.
#[cfg(unix)]
pub(super) fn open(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
    let not_ours = |what: &str| Err(io::Error::new(io::ErrorKind::InvalidData, what.to_owned()));
    let flags = OFlags::NONBLOCK.union(OFlags::NOFOLLOW);
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(flags.bits().cast_signed());
    let file = match options.open(path) {
        Err(error) if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) => {
            return not_ours("it is a symbolic link");
        }
        file => file?,
    };
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return not_ours("it is no regular file");
    }
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return not_ours("it belongs to another user");
    }
    Ok(file)
}

#[cfg(not(unix))]
pub(super) fn open(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// Opens the file whose lock is that of the directory.
pub(super) fn open_lock(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    private(&mut options);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        let flags = OFlags::NONBLOCK.union(OFlags::NOFOLLOW);
        options.custom_flags(flags.bits().cast_signed());
    }
    options.open(path)
}

pub(super) fn text(file: File) -> io::Result<String> {
    let mut text = String::new();
    file.take(MAX_BYTES).read_to_string(&mut text)?;
    Ok(text)
}

/// What is not there need not be deleted.
pub(super) fn gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// Writes a file of this user alone: beside, then in place.
pub(super) fn write(folder: &Path, name: &str, text: &str) -> io::Result<()> {
    write_and(folder, name, text, |_| Ok(())).map(drop)
}

/// The same, held from the moment at which it can be seen.
pub(super) fn write_held(folder: &Path, name: &str, text: &str) -> io::Result<File> {
    write_and(folder, name, text, File::lock)
}

fn write_and(
    folder: &Path,
    name: &str,
    text: &str,
    before_seen: impl FnOnce(&File) -> io::Result<()>,
) -> io::Result<File> {
    /// Threads of one process write at the same time.
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let beside = folder.join(format!(
        ".{name}.{}-{count}{UNFINISHED}",
        std::process::id()
    ));
    let written = write_new(&beside, text).and_then(|file| {
        before_seen(&file)?;
        fs::rename(&beside, folder.join(name))?;
        Ok(file)
    });
    if written.is_err() {
        // What could not be written is worth nothing.
        let _ = fs::remove_file(&beside);
    }
    let file = written?;
    if let Err(error) = sync(folder) {
        // What may not outlast a power cut is not promised, and must not be told all the same.
        let _ = fs::remove_file(folder.join(name));
        return Err(error);
    }
    Ok(file)
}

fn write_new(file: &Path, text: &str) -> io::Result<File> {
    // Of a process of the same number that was killed.
    let _ = fs::remove_file(file);
    let mut options = OpenOptions::new();
    let mut file = private(options.write(true).create_new(true)).open(file)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    Ok(file)
}

/// For this user alone.
pub(super) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// Makes a folder for this user alone, with those above it.
pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    let missing: Vec<&Path> = folder
        .ancestors()
        .take_while(|above| matches!(above.try_exists(), Ok(false)))
        .collect();
    let Some(first) = missing.last() else {
        return Ok(());
    };
    check_home(first.parent().unwrap_or(folder), folder)?;
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)?;
    for made in missing {
        if let Some(above) = made.parent() {
            sync(above)?;
        }
    }
    Ok(())
}

/// What root makes in somebody's home is in the way of whose home it is.
#[cfg(unix)]
fn check_home(above: &Path, folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt;
    let owner = fs::metadata(above)?.uid();
    if owner == 0 || !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    Err(io::Error::other(format!(
        "root makes no {} in the directory of another user ({owner}): make it, or name another one",
        folder.display()
    )))
}

#[cfg(not(unix))]
fn check_home(_: &Path, _: &Path) -> io::Result<()> {
    Ok(())
}

/// Whoever may write here could have events recorded with this user's key, or delete them.
#[cfg(unix)]
pub(super) fn check_owner(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt;
    let metadata = fs::metadata(folder)?;
    let own = rustix::process::geteuid().as_raw();
    let problem = match (metadata.uid(), metadata.mode()) {
        (owner, _) if owner != own => format!("belongs to another user ({owner}, not {own})"),
        (_, mode) if mode & 0o002 != 0 => "may be written to by everybody".to_owned(),
        _ if !metadata.is_dir() => "is no directory".to_owned(),
        _ => return Ok(()),
    };
    Err(io::Error::other(format!(
        "{} {problem}: name another one",
        folder.display()
    )))
}

#[cfg(not(unix))]
pub(super) fn check_owner(folder: &Path) -> io::Result<()> {
    match fs::metadata(folder)?.is_dir() {
        true => Ok(()),
        false => Err(io::ErrorKind::NotADirectory.into()),
    }
}

/// Makes sure that the names in a folder outlast a power cut, as far as its file system can: some
/// know no such thing of a folder.
#[cfg(unix)]
pub(super) fn sync(folder: &Path) -> io::Result<()> {
    match File::open(folder)?.sync_all() {
        Err(error)
            if [Errno::INVAL, Errno::NOTSUP]
                .iter()
                .any(|errno| error.raw_os_error() == Some(errno.raw_os_error())) =>
        {
            Ok(())
        }
        synced => synced,
    }
}

#[cfg(not(unix))]
pub(super) fn sync(_: &Path) -> io::Result<()> {
    Ok(())
}
