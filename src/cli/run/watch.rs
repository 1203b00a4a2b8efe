//! Stands by a command until it ends, and hands signals on.

use std::collections::BTreeSet;
use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGINT, SIGTERM};

use super::ending::name;
use super::news::{News, Signal};
use super::system::Process;
use crate::report::console;

/// How long a signal is held back: if the whole process group got it, the command needs none.
const HELD_BACK: Duration = Duration::from_millis(200);

/// How long a command has to end by itself before somebody may kill this program too.
const ASKED_GRACE: Duration = Duration::from_secs(6);

/// How long a command that is out of time has to end by itself.
const LAST_GRACE: Duration = Duration::from_secs(10);

/// How long a signal that came with the end of the command may take to be told.
const STRAGGLERS: Duration = Duration::from_millis(20);

/// What happened until the command ended.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Watched {
    /// Whether a signal came that asks a program to end.
    pub was_signalled: bool,
    /// Whether its time was over.
    pub is_overdue: bool,
}

/// How to stand by.
pub struct Watch<'a> {
    pub process: &'a Process,
    pub news: &'a Receiver<News>,
    /// Whether signals that end reach the command by themselves.
    pub is_group_signalled: bool,
    pub timeout: Option<Duration>,
    /// Called once if the command goes on for a while after it was asked to end.
    pub goes_on: &'a dyn Fn(),
}

impl Watch<'_> {
    /// Returns once the command has ended.
    pub fn until_it_ends(&self) -> Watched {
        let mut watched = Watched::default();
        let mut handed_on = BTreeSet::new();
        let mut due: Vec<(Instant, i32)> = Vec::new();
        let end = |timeout| Instant::now().checked_add(timeout);
        let mut overdue = self.timeout.and_then(end);
        let mut patience: Option<Instant> = None;
        let mut was_asked = false;
        loop {
            let moments = due.iter().map(|(moment, _)| *moment);
            match self.next(moments.chain(overdue).chain(patience).min()) {
                Some(News::Ended) => break,
                Some(News::Signal(signal)) => {
                    watched.was_signalled |= signal.ends;
                    if matches!(signal.number, SIGINT | SIGTERM) && !was_asked {
                        was_asked = true;
                        patience = Some(Instant::now() + ASKED_GRACE);
                    }
                    if !signal.ends {
                        self.hand_on(signal.number);
                    } else if !self.has_it(signal) && handed_on.insert(signal.number) {
                        due.push((Instant::now() + HELD_BACK, signal.number));
                    }
                }
                None => {}
            }
            let now = Instant::now();
            for (_, number) in due.extract_if(.., |(moment, _)| *moment <= now) {
                self.hand_on(number);
            }
            if patience.take_if(|moment| *moment <= now).is_some() {
                (self.goes_on)();
            }
            if overdue.take_if(|moment| *moment <= now).is_some() {
                if watched.is_overdue {
                    told(self.process.kill(), "KILL");
                } else {
                    watched.is_overdue = true;
                    overdue = Some(now + LAST_GRACE);
                    told(self.process.ask_to_end(), "TERM");
                }
            }
        }
        while let Ok(News::Signal(signal)) = self.news.recv_timeout(STRAGGLERS) {
            watched.was_signalled |= signal.ends;
        }
        watched
    }

    /// What happens next, until a moment.
    fn next(&self, until: Option<Instant>) -> Option<News> {
        let Some(until) = until else {
            return Some(self.news.recv().unwrap_or(News::Ended));
        };
        match self
            .news
            .recv_timeout(until.saturating_duration_since(Instant::now()))
        {
            Ok(news) => Some(news),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(News::Ended),
        }
    }

    /// Whether the command got this signal as well, as far as can be known.
    fn has_it(&self, signal: Signal) -> bool {
        signal.is_of_group || self.is_group_signalled
    }

    fn hand_on(&self, number: i32) {
        told(self.process.signal(number), &name(number));
    }
}

/// Warns that the command did not get a signal, if that is not because it has ended.
fn told(sent: io::Result<()>, signal: &str) {
    if sent.is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied) {
        console::error(&format!(
            "warning: the command did not get the signal {signal}: it runs as somebody else, such as \
             under sudo"
        ));
    }
}
