//! What somebody does with the whole outbox: send it, look at it, throw away what is in it.

use std::io;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::delivery::{Budget, Delivery};
use super::directory::Lock;
use super::entry::{Entry, Unreadable};
use super::name::Name;
use super::{Outbox, Report};
use crate::input::text::time;
use crate::model::failure::Failure;
use crate::model::interrupt::Interrupt;
use crate::model::kind::Kind;
use crate::send::attempts::Sender;

/// How often it is tried to get hold of a directory that another process delivers from.
const LOOK: Duration = Duration::from_millis(100);

/// What is thrown away.
pub(crate) enum Unwanted {
    All,
    /// What was refused.
    Refused,
    /// These files.
    Files(Vec<String>),
}

impl Outbox {
    /// Delivers everything that is this client's; first moves what was refused back, if it is to be
    /// told again. Waits as long as `patience` for another process that delivers.
    pub fn send_all(
        &self,
        sender: &Sender,
        with_refused: bool,
        patience: Duration,
        interrupt: &Interrupt,
        progress: &dyn Fn(usize, usize),
    ) -> Result<Report, Failure> {
        let Some(lock) = self.lock(sender, patience, interrupt)? else {
            return Ok(Report::default());
        };
        let Outbox { directory, address } = self;
        if with_refused {
            for name in directory.refused().map_err(|error| self.unusable(&error))? {
                let restored = directory.restore(&name);
                restored.map_err(|error| self.unusable(&error))?;
            }
        }
        let budget = Budget {
            time: None,
            events: usize::MAX,
        };
        let mut delivery = Delivery::new(directory, address, sender, interrupt, budget, lock);
        delivery.progress = progress;
        delivery.run(|_| true);
        Ok(delivery.report)
    }

    /// How many events wait, of this client or not.
    pub fn count(&self) -> Result<usize, Failure> {
        let names = self.directory.names();
        Ok(names.map_err(|error| self.unusable(&error))?.len())
    }

    /// Everything in it: `directory`, and the lists `queued` and `refused`.
    pub fn list(&self) -> Result<Value, Failure> {
        let list = || {
            let mut queued = Vec::new();
            for name in self.directory.names()? {
                // Nobody sees what is held for the case that its process is gone.
                if let Some(text) = self.directory.read(&name).transpose() {
                    queued.push(shown(&name, text));
                }
            }
            let refused = self.directory.refused()?;
            let refused = refused.iter().map(|name| {
                let mut item = shown(name, self.directory.read_refused(name));
                let answer = self.directory.answer(name);
                item["answer"] = serde_json::from_str(&answer).unwrap_or_default();
                item
            });
            Ok(json!({
                "directory": self.directory.path().to_string_lossy(),
                "queued": queued,
                "refused": refused.collect::<Vec<_>>(),
            }))
        };
        list().map_err(|error: io::Error| self.unusable(&error))
    }

    /// How many events wait and how many were refused, if the directory can be used.
    pub fn examine(&self) -> Result<(usize, usize), Failure> {
        let counts = || {
            self.directory.check()?;
            Ok((
                self.directory.names()?.len(),
                self.directory.refused()?.len(),
            ))
        };
        counts().map_err(|error: io::Error| self.unusable(&error))
    }

    /// Throws events away; gives their number.
    pub fn discard(
        &self,
        sender: &Sender,
        unwanted: &Unwanted,
        patience: Duration,
        interrupt: &Interrupt,
    ) -> Result<usize, Failure> {
        let Some(_lock) = self.lock(sender, patience, interrupt)? else {
            return Ok(0);
        };
        let queued = self
            .directory
            .names()
            .map_err(|error| self.unusable(&error))?;
        let refused = self
            .directory
            .refused()
            .map_err(|error| self.unusable(&error))?;
        let is_unwanted = |name: &Name, is_refused: bool| match unwanted {
            Unwanted::All => true,
            Unwanted::Refused => is_refused,
            Unwanted::Files(files) => files.iter().any(|file| is_named(file, name)),
        };
        if let Unwanted::Files(files) = unwanted {
            let is_there = |file: &&String| {
                queued
                    .iter()
                    .chain(&refused)
                    .any(|name| is_named(file, name))
            };
            if let Some(missing) = files.iter().find(|file| !is_there(file)) {
                let message = format!(
                    "file: there is no {missing}; `versioner outbox list` shows what there is"
                );
                return Err(Failure::argument("file", message));
            }
        }
        let mut count = 0;
        for name in queued.iter().filter(|name| is_unwanted(name, false)) {
            self.directory
                .remove(name)
                .map_err(|error| self.unusable(&error))?;
            count += 1;
        }
        for name in refused.iter().filter(|name| is_unwanted(name, true)) {
            let removed = self.directory.remove_refused(name);
            removed.map_err(|error| self.unusable(&error))?;
            count += 1;
        }
        Ok(count)
    }

    /// The lock; `None` if there is no directory, and so nothing to be done.
    fn lock(
        &self,
        sender: &Sender,
        patience: Duration,
        interrupt: &Interrupt,
    ) -> Result<Option<Lock>, Failure> {
        let clock = sender.clock();
        let begin = clock.now();
        loop {
            match self.directory.lock() {
                Ok(Some(lock)) => return Ok(Some(lock)),
                Ok(None) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(self.unusable(&error)),
            }
            if interrupt.is_raised() {
                let message = "interrupted while another process delivered from the outbox";
                return Err(Failure::new(Kind::Interrupted, message));
            }
            if clock.now().saturating_sub(begin) >= patience {
                let message = format!(
                    "another process still delivers from {} after {} s: try again later",
                    self.directory.path().display(),
                    patience.as_secs()
                );
                return Err(Failure::new(Kind::Timeout, message));
            }
            clock.sleep(LOOK, interrupt);
        }
    }

    fn unusable(&self, error: &io::Error) -> Failure {
        let path = self.directory.path().display();
        Failure::setting("outbox", format!("outbox {path} cannot be used: {error}"))
    }
}

/// Whether somebody who gives a file, with or without its folder, means this one.
fn is_named(given: &str, name: &Name) -> bool {
    let file = Path::new(given).file_name();
    file.is_some_and(|file| file == name.file().as_str())
}

/// What is in a file, as far as it can be read.
fn shown(name: &Name, text: io::Result<String>) -> Value {
    let file = name.file();
    let text = text.map_err(|error| Unreadable::Damaged(error.to_string()));
    let problem = |problem: String| json!({"file": file, "problem": problem});
    let entry = match text.and_then(|text| Entry::read(&text)) {
        Ok(entry) => entry,
        Err(Unreadable::Newer(form)) => {
            return problem(format!("it has form {form}, of a newer version"));
        }
        Err(Unreadable::Damaged(what)) => return problem(what),
    };
    let subject = &entry.wire.subject;
    json!({
        "file": file,
        "event": entry.wire.kind,
        "product": subject.product,
        "version": subject.version,
        "environment": subject.environment,
        "status": entry.wire.status,
        "occurred_at": time::write(entry.occurred_at),
        "api_url": entry.api_url(),
        "account": entry.account(),
        "span": entry.span,
    })
}
