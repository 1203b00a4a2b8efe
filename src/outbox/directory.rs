//! The outbox on disk: one file for each event, written beside, synced and renamed, so that at
//! every moment a file is there as a whole or not at all.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

#[cfg(feature = "cli")]
use super::disk::read;
use super::disk::{
    UNFINISHED, check_owner, gone, make_folder, open, open_lock, sync, text, write, write_held,
};
use super::name::Name;

/// What the service did not want, with its answer beside each.
pub(super) const REFUSED: &str = "refused";

/// What cannot be read.
const DAMAGED: &str = "damaged";

const LOCK: &str = ".lock";

/// Of what the service answered.
const ANSWER: &str = ".answer.json";

/// How old an unfinished file is that nobody finishes any more.
const ABANDONED: Duration = Duration::from_secs(86_400);

/// The most files, and the most bytes in them.
const MAX_FILES: usize = 10_000;
const MAX_TOTAL: u64 = 64 * 1024 * 1024;

#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
}

/// Held by whoever delivers, or deletes.
#[derive(Debug)]
pub(super) struct Lock(#[expect(dead_code, reason = "unlocks when it is dropped")] File);

/// A file that nobody delivers while this process holds it.
#[derive(Debug)]
pub(crate) struct Held {
    name: Name,
    _file: File,
}

/// Why a file was not written.
#[derive(Debug)]
pub(super) enum Unwritten {
    Full(String),
    /// This file has another event of the same id.
    Taken(PathBuf),
    Failed(io::Error),
}

/// What a file of the same id has to do with an event.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Same {
    Event,
    Another,
    /// Nobody can read it.
    Nothing,
}

impl From<io::Error> for Unwritten {
    fn from(error: io::Error) -> Self {
        Unwritten::Failed(error)
    }
}

impl Directory {
    pub fn new(path: PathBuf) -> Self {
        Directory { path }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn file(&self, name: &Name) -> PathBuf {
        self.path.join(name.file())
    }

    /// Queues an event of this id under the name that `name` makes of the last one there. One that
    /// is there already stays as it is; `compare` says of a text whether it is the same event.
    pub fn put(
        &self,
        id: &str,
        text: &str,
        compare: impl Fn(&str) -> Same,
        name: impl FnOnce(Option<&Name>) -> Name,
    ) -> Result<PathBuf, Unwritten> {
        self.make()?;
        let there = self.names()?;
        for same in there.iter().filter(|name| name.id == id) {
            let found = match self.read(same) {
                Err(error) if error.kind() == io::ErrorKind::InvalidData => continue,
                found => found?,
            };
            match found.map_or(Same::Nothing, |text| compare(&text)) {
                Same::Event => return Ok(self.file(same)),
                Same::Another => return Err(Unwritten::Taken(self.file(same))),
                Same::Nothing => {}
            }
        }
        self.check_room(there.len(), text.len())?;
        let name = name(there.last());
        write(&self.path, &name.file(), text)?;
        Ok(self.file(&name))
    }

    /// The same for an event that is delivered only once this process is gone, if nothing replaces
    /// it.
    pub fn put_held(
        &self,
        text: &str,
        name: impl FnOnce(Option<&Name>) -> Name,
    ) -> Result<Held, Unwritten> {
        self.make()?;
        let there = self.names()?;
        self.check_room(there.len(), text.len())?;
        let name = name(there.last());
        let file = write_held(&self.path, &name.file(), text)?;
        Ok(Held { name, _file: file })
    }

    /// Puts another text in the place of one that this process holds.
    pub fn replace(&self, held: &Held, text: &str) -> Result<PathBuf, Unwritten> {
        write(&self.path, &held.name.file(), text)?;
        Ok(self.file(&held.name))
    }

    pub fn remove_held(&self, held: Held) -> io::Result<()> {
        self.remove(&held.name)
    }

    /// Everything that waits, in its order; nothing if there is no directory.
    pub fn names(&self) -> io::Result<Vec<Name>> {
        names(&self.path)
    }

    /// The text of an event that waits; `None` if it does not any more, or somebody holds it.
    pub fn read(&self, name: &Name) -> io::Result<Option<String>> {
        let file = match open(&self.file(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => Ok(None),
            // Where there are no locks nobody holds anything.
            Ok(()) | Err(TryLockError::Error(_)) => text(file).map(Some),
        }
    }

    /// What the file of this name is called by now.
    pub fn now(&self, name: &Name) -> io::Result<Name> {
        if self.file(name).exists() {
            return Ok(name.clone());
        }
        let is_same = |there: &Name| (there.order, &there.id) == (name.order, &name.id);
        let found = self.names()?.into_iter().find(is_same);
        Ok(found.unwrap_or_else(|| name.clone()))
    }

    pub fn remove(&self, name: &Name) -> io::Result<()> {
        gone(fs::remove_file(self.file(name)))?;
        sync(&self.path)
    }

    /// Gives a waiting file another name.
    pub fn rename(&self, from: &Name, to: &Name) -> io::Result<()> {
        if from == to {
            return Ok(());
        }
        fs::rename(self.file(from), self.file(to))?;
        sync(&self.path)
    }

    /// Moves an event to what is refused, with the answer beside it.
    pub fn refuse(&self, name: &Name, answer: &str) -> io::Result<()> {
        self.write_answer(name, answer)?;
        let folder = self.path.join(REFUSED);
        fs::rename(self.file(name), folder.join(name.file()))?;
        sync(&folder)?;
        sync(&self.path)
    }

    /// Puts an event with what is refused at once.
    pub fn put_refused(&self, name: &Name, text: &str, answer: &str) -> Result<PathBuf, Unwritten> {
        self.make()?;
        let folder = self.path.join(REFUSED);
        if let Some(same) = names(&folder)?.iter().find(|there| there.id == name.id) {
            return Ok(folder.join(same.file()));
        }
        self.check_room(self.names()?.len(), text.len())?;
        self.write_answer(name, answer)?;
        write(&folder, &name.file(), text)?;
        Ok(folder.join(name.file()))
    }

    /// Moves what cannot be read aside.
    pub fn set_aside(&self, name: &Name) -> io::Result<PathBuf> {
        let folder = self.path.join(DAMAGED);
        make_folder(&folder)?;
        let aside = folder.join(name.file());
        fs::rename(self.file(name), &aside)?;
        sync(&folder)?;
        sync(&self.path)?;
        Ok(aside)
    }

    /// Locks the directory against others who deliver; `None` if somebody does.
    pub fn lock(&self) -> io::Result<Option<Lock>> {
        check_owner(&self.path)?;
        let file = open_lock(&self.path.join(LOCK))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Lock(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Deletes what a process has left that was ended while it wrote. Needs the lock.
    pub fn clean(&self, now: SystemTime) -> io::Result<()> {
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            let is_unfinished = entry
                .file_name()
                .to_str()
                .is_some_and(|name| name.ends_with(UNFINISHED));
            if !is_unfinished {
                continue;
            }
            let modified = match entry.metadata() {
                // It has just been finished.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                metadata => metadata?.modified()?,
            };
            let age = now.duration_since(modified);
            if age.is_ok_and(|age| age > ABANDONED) {
                gone(fs::remove_file(entry.path()))?;
            }
        }
        Ok(())
    }

    fn write_answer(&self, name: &Name, answer: &str) -> io::Result<()> {
        let folder = self.path.join(REFUSED);
        make_folder(&folder)?;
        write(&folder, &answer_file(name), answer)
    }

    fn make(&self) -> io::Result<()> {
        make_folder(&self.path)?;
        check_owner(&self.path)
    }

    /// Full is full: what was promised is not deleted to make room.
    fn check_room(&self, waiting: usize, more: usize) -> Result<(), Unwritten> {
        let folder = self.path.join(REFUSED);
        let files = waiting + names(&folder)?.len();
        let bytes = size(&self.path)? + size(&folder)?;
        if files < MAX_FILES && bytes + more as u64 <= MAX_TOTAL {
            return Ok(());
        }
        Err(Unwritten::Full(format!(
            "{} is full with {files} events of {} MiB together (at most {MAX_FILES} of {} MiB): \
             `versioner outbox send` delivers them, `versioner outbox drop` deletes them",
            self.path.display(),
            bytes.div_ceil(1024 * 1024),
            MAX_TOTAL / (1024 * 1024),
        )))
    }
}

/// What was refused, for people.
#[cfg(feature = "cli")]
impl Directory {
    /// Whether the directory is one to be used; one that is not there yet is.
    pub fn check(&self) -> io::Result<()> {
        match check_owner(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            checked => checked,
        }
    }

    /// Everything that was refused.
    pub fn refused(&self) -> io::Result<Vec<Name>> {
        names(&self.path.join(REFUSED))
    }

    pub fn read_refused(&self, name: &Name) -> io::Result<String> {
        read(&self.path.join(REFUSED).join(name.file()))
    }

    /// What the service answered to an event that was refused; empty if that is not known.
    pub fn answer(&self, name: &Name) -> String {
        let path = self.path.join(REFUSED).join(answer_file(name));
        read(&path).unwrap_or_default()
    }

    /// Deletes a refused event and its answer.
    pub fn remove_refused(&self, name: &Name) -> io::Result<()> {
        let folder = self.path.join(REFUSED);
        fs::remove_file(folder.join(name.file()))?;
        gone(fs::remove_file(folder.join(answer_file(name))))?;
        sync(&folder)
    }

    /// Moves a refused event back to what waits.
    pub fn restore(&self, name: &Name) -> io::Result<()> {
        let folder = self.path.join(REFUSED);
        fs::rename(folder.join(name.file()), self.file(name))?;
        sync(&self.path)?;
        sync(&folder)?;
        gone(fs::remove_file(folder.join(answer_file(name))))
    }
}

fn answer_file(name: &Name) -> String {
    let file = name.file();
    let stem = file.strip_suffix(".json").unwrap_or(&file);
    format!("{stem}{ANSWER}")
}

fn names(folder: &Path) -> io::Result<Vec<Name>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut names = Vec::new();
    for entry in entries {
        names.extend(entry?.file_name().to_str().and_then(Name::parse));
    }
    names.sort();
    Ok(names)
}

/// The bytes of a folder's files; 0 if there is none.
fn size(folder: &Path) -> io::Result<u64> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        entries => entries?,
    };
    let mut bytes = 0;
    for entry in entries {
        match entry?.metadata() {
            Ok(metadata) if metadata.is_file() => bytes += metadata.len(),
            // Another process has just delivered it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            metadata => {
                metadata?;
            }
        }
    }
    Ok(bytes)
}
