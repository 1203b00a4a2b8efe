//! Copies, and whether a data directory is as it should be.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::{Data, Failure, machine, now};
use crate::domain::time::rfc3339;
use crate::store::flow::Command;
use crate::store::transaction::Envelope;
use crate::store::{
    Compared, Directory, Finding, StoreError, accounts, backup, compare, database_url, examine,
    last_at, restore, since, verify_backup, verify_log, write_as_it_is,
};

/// How far back a restored directory is looked at for what changed.
const LATELY: i64 = 30 * 24 * 3600 * 1_000_000;
/// How far the clock may be behind the newest row of a log, in microseconds.
const CLOCK_TOLERANCE: i64 = 60 * 1_000_000;
/// How much room on the disk is tried, in bytes.
const ROOM: usize = 16 * 1024 * 1024;

/// `backup`, and what can be done with one.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Backup {
    #[command(flatten)]
    data: Data,
    /// Directory to make the copy in; it must not exist
    #[arg(long, value_name = "DIR", required = true)]
    to: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<BackupCommand>,
}

#[derive(Debug, Subcommand)]
enum BackupCommand {
    /// Open a backup and look through every database in it
    Verify {
        /// The backup
        #[arg(long, value_name = "DIR")]
        from: PathBuf,
    },
}

impl Backup {
    pub fn run(self) -> Result<(), Failure> {
        let mut out = io::stdout();
        if let Some(BackupCommand::Verify { from }) = self.command {
            let whole = verify_backup(&from)?;
            writeln!(out, "{} is whole: {whole} databases", from.display())?;
            return Ok(());
        }
        let to = self.to.unwrap_or_default();
        let folder = self.data.folder()?;
        for path in accounts(folder)? {
            note_backup(&path, &to);
        }
        let copied = backup(folder, &to)?;
        writeln!(out, "Copied {copied} databases to {}", to.display())?;
        Ok(())
    }
}

/// `restore`.
#[derive(Debug, Args)]
pub struct Restore {
    /// The backup
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
    #[command(flatten)]
    data: Data,
    /// Revoke every key, as after a theft; `keys add` then makes new ones
    #[arg(long)]
    revoke_all_keys: bool,
}

impl Restore {
    pub fn run(self) -> Result<(), Failure> {
        let (now, data) = (now(), self.data.folder()?.to_owned());
        let restored = restore(&self.from, &data, &machine(), now)?;
        let mut out = io::stdout();
        writeln!(out, "Restored {restored} databases to {}", data.display())?;
        for path in accounts(&data)? {
            let account = stem(&path);
            for family in ["key", "rule"] {
                for told in since(&path, family, now - LATELY)? {
                    let subject = told.subject.unwrap_or_default();
                    let at = rfc3339(told.at);
                    let (kind, actor) = (told.kind, told.actor);
                    writeln!(
                        out,
                        "Lately changed: {account} {kind} {subject} by {actor} {at}"
                    )?;
                }
            }
        }
        let held = "What waits in the queues is held: versioner-server queue release lets it go on";
        writeln!(out, "{held}")?;
        if self.revoke_all_keys {
            let revoked = revoke_all(&data)?;
            writeln!(out, "Revoked {revoked} keys")?;
        }
        Ok(())
    }
}

/// Revokes every key, and counts them.
fn revoke_all(data: &Path) -> Result<usize, Failure> {
    let directory = Directory::open(data)?;
    let mut revoked = 0;
    for account in directory.account_names()? {
        revoked += directory.revoke_all(&account, &machine(), now())?;
    }
    Ok(revoked)
}

/// Writes into the log of an account that a backup is begun. A backup must be possible where nothing
/// can be written.
fn note_backup(path: &Path, to: &Path) {
    let note = Command::Note {
        kind: "account.backed_up",
        message: format!("A backup to {} was begun", to.display()),
    };
    let envelope = Envelope::new(machine(), now());
    if let Err(error) = write_as_it_is(path, envelope, note) {
        tracing::warn!(path = %path.display(), %error, "the log does not tell of the backup");
    }
}

/// `doctor`.
#[derive(Debug, Args)]
pub struct Doctor {
    #[command(flatten)]
    data: Data,
    /// Make the tables of every account anew from its log, and compare
    #[arg(long)]
    compare: bool,
}

impl Doctor {
    pub fn run(self) -> Result<(), Failure> {
        let data = self.data.directory;
        let mut report = Report::default();
        if database_url(&data).is_some() {
            return look_at_database(&data, report, self.compare);
        }
        report.line(
            "accounts.db",
            examine(&data.join("accounts.db")).map(|()| "whole".to_owned()),
        );
        report.line("disk", room(&data).map(|()| "takes 16 MiB".to_owned()));
        for path in accounts(&data)? {
            let account = stem(&path);
            report.line(&account, look(&data, &path, &account, self.compare));
        }
        report.end()
    }
}

/// Looks at a database, and the accounts in it. Whether its disk is whole is PostgreSQL's to know.
fn look_at_database(data: &Path, mut report: Report, fold: bool) -> Result<(), Failure> {
    let directory = Directory::open(data)?;
    for (what, finding) in directory.set_up(now())? {
        match finding {
            Finding::Good(text) => report.line(what, Ok(text)),
            Finding::Warning(text) => report.warn(what, &text),
            Finding::Wrong(text) => report.line(what, Err(StoreError::Damaged(text))),
        }
    }
    for account in directory.account_names()? {
        let found = directory.examine(&account).and_then(|()| {
            let rows = directory.verify_log(&account)?;
            let compared = fold.then(|| directory.compare(&account)).transpose()?;
            whole(rows, compared)
        });
        report.line(&account, found);
    }
    report.end()
}

/// What is found, line by line.
#[derive(Default)]
struct Report {
    wrong: usize,
}

impl Report {
    fn end(self) -> Result<(), Failure> {
        match self.wrong {
            0 => Ok(()),
            wrong => Err(Failure::Doctor(wrong)),
        }
    }

    fn warn(&mut self, what: &str, text: &str) {
        let _ = writeln!(io::stdout(), "warning: {what}: {text}");
    }

    fn line(&mut self, what: &str, found: Result<String, StoreError>) {
        let (word, text) = match found {
            Ok(text) => ("ok", text),
            Err(error) => ("wrong", error.to_string()),
        };
        self.wrong += usize::from(word == "wrong");
        // The exit code says it too.
        let _ = writeln!(io::stdout(), "{word}: {what}: {text}");
    }
}

fn look(data: &Path, path: &Path, account: &str, fold: bool) -> Result<String, StoreError> {
    examine(path)?;
    let rows = verify_log(data, account)?;
    let ahead = last_at(path)? - now();
    if ahead > CLOCK_TOLERANCE {
        return Err(StoreError::Damaged(format!(
            "the clock of this machine is {} seconds behind the newest row of the log",
            ahead / 1_000_000
        )));
    }
    let compared = fold.then(|| compare(path)).transpose()?;
    whole(rows, compared)
}

/// What is said of an account whose log is whole.
fn whole(rows: u64, compared: Option<Compared>) -> Result<String, StoreError> {
    let compared = match compared {
        None => "",
        Some(Compared::Same(_)) => ", which make the tables as they are",
        Some(Compared::OlderThanLog) => ", which begins after the account and cannot be compared",
        Some(Compared::Different(tables)) => {
            let tables = tables.join(", ");
            let msg = format!("the log makes other tables than there are: {tables}");
            return Err(StoreError::Damaged(msg));
        }
    };
    Ok(format!("whole, {rows} rows of the log{compared}"))
}

/// Whether the disk takes some more.
fn room(data: &Path) -> Result<(), StoreError> {
    let path = data.join(".room");
    let written = File::create(&path).and_then(|mut file| {
        file.write_all(&vec![0; ROOM])?;
        file.sync_all()
    });
    let removed = std::fs::remove_file(&path);
    written
        .and(removed)
        .map_err(|source| StoreError::Directory {
            path: data.display().to_string(),
            source,
        })
}

fn stem(path: &Path) -> String {
    path.file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}
