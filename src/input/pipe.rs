//! Opening what may be a pipe, without waiting for its other side.

use std::fs::{File, OpenOptions};
use std::io::{self, Cursor, Read};
use std::path::Path;

/// Makes an opening one that does not wait.
pub fn not_waiting(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
    }
    options
}

/// Opens a file for reading. A pipe that nobody writes into is an error; what somebody writes, such
/// as a command that a shell puts in place of a file, is waited for.
pub fn open(path: &Path) -> io::Result<impl Read> {
    let mut options = OpenOptions::new();
    let file = not_waiting(options.read(true)).open(path)?;
    let begun = begun(&file)?;
    Ok(Cursor::new(begun).chain(file))
}

/// The first byte of a pipe, if it is there already. From then on, reading waits.
#[cfg(unix)]
fn begun(mut file: &File) -> io::Result<Vec<u8>> {
    use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
    use std::os::unix::fs::FileTypeExt;

    let mut first = Vec::new();
    if file.metadata()?.file_type().is_fifo() {
        let mut byte = [0];
        match file.read(&mut byte) {
            Ok(0) => return Err(io::Error::other("it is a pipe that nobody writes into")),
            Ok(_) => first.extend(byte),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    fcntl_setfl(file, fcntl_getfl(file)?.difference(OFlags::NONBLOCK))?;
    Ok(first)
}

#[cfg(not(unix))]
fn begun(_: &File) -> io::Result<Vec<u8>> {
    Ok(Vec::new())
}
