//! What a compiled program of Linux and its relatives says of itself.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use elf::ElfStream;
use elf::abi::{ELFMAGIC, PT_INTERP};
use elf::endian::AnyEndian;

/// The longest name of a file (`PATH_MAX`).
const MAX_NAME: u64 = 4096;

/// Whether this is one, for this processor or another.
pub fn is_program(file: &Path) -> bool {
    let mut start = [0; ELFMAGIC.len()];
    let read = File::open(file).and_then(|mut file| file.read_exact(&mut start));
    read.is_ok() && start == ELFMAGIC
}

/// The loader that the kernel runs such a program by, such as `/lib64/ld-linux-x86-64.so.2`; none if
/// it needs none, or this is something else. One made for glibc needs what Alpine does not have.
pub fn loader(path: &Path) -> Option<PathBuf> {
    let mut file = File::open(path).ok()?;
    let program = ElfStream::<AnyEndian, _>::open_stream(&mut file).ok()?;
    let mut segments = program.segments().iter();
    let segment = *segments.find(|segment| segment.p_type == PT_INTERP)?;
    drop(program);
    file.seek(SeekFrom::Start(segment.p_offset)).ok()?;
    let mut name = Vec::new();
    file.take(segment.p_filesz.min(MAX_NAME))
        .read_to_end(&mut name)
        .ok()?;
    let name = name.split(|byte| *byte == 0).next()?;
    Some(PathBuf::from(OsStr::from_bytes(name)))
}
