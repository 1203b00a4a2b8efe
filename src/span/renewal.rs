//! Says again and again that a span goes on, while its body runs.

use std::fmt;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::Span;
use crate::client::Client;
use crate::model::interrupt::Interrupt;
use crate::model::log::Level;
use crate::send::attempts::Pace;

/// How often a span without a lease is renewed.
const HOURLY: Duration = Duration::from_secs(3600);

impl Span {
    /// How often [`Span::renew`] is to be called while the deployment goes on, so that two of
    /// three may be lost; `None` if nothing can be renewed. A [`Renewal`] does it itself.
    pub fn renewal_interval(&self) -> Option<Duration> {
        let (deployment, lease) = self.renewable();
        let can_renew = !deployment.is_empty();
        can_renew.then(|| lease.map_or(HOURLY, |lease| lease / 3))
    }
}

/// Renews a span on a thread of its own, until it is dropped: every third of its lease, or every
/// hour without one. Dropping it waits for the thread, which ends at once; in a forked child, that
/// has no such thread, it does nothing.
///
/// [`Client::deployment`] does so while its body runs.
#[must_use = "it ends when it is dropped"]
pub struct Renewal {
    running: Option<Running>,
}

struct Running {
    owner: u32,
    stop: Sender<()>,
    is_over: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Renewal {
    /// Begins, if the service offers it (its feature `renew`); else it does nothing. What cannot be
    /// said is logged as a warning.
    pub fn start(span: &Span) -> Self {
        let Some(interval) = span.renewal_interval() else {
            return Renewal { running: None };
        };
        let (deployment, lease) = span.renewable();
        let client = span.client().clone();
        let (stop, stopped) = channel::<()>();
        let is_over = Arc::new(AtomicBool::new(false));
        let over = is_over.clone();
        let interrupt = Interrupt::new(move || over.load(Ordering::Acquire));
        let work = move || {
            while stopped.recv_timeout(interval) == Err(RecvTimeoutError::Timeout) {
                renew(&client, &deployment, lease, &interrupt);
            }
        };
        let thread = thread::Builder::new().name("versioner-renew".to_owned());
        match thread.spawn(work) {
            Ok(thread) => Renewal {
                running: Some(Running {
                    owner: process::id(),
                    stop,
                    is_over,
                    thread,
                }),
            },
            Err(error) => {
                let message = format!("the deployment is not renewed: no thread ({error})");
                span.client().log(Level::Warning, &message);
                Renewal { running: None }
            }
        }
    }
}

impl fmt::Debug for Renewal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Renewal")
            .field("is_running", &self.running.is_some())
            .finish_non_exhaustive()
    }
}

impl Drop for Renewal {
    fn drop(&mut self) {
        let Some(running) = self.running.take() else {
            return;
        };
        if running.owner != process::id() {
            // To wait for a thread that the fork left behind would last for ever.
            std::mem::forget(running);
            return;
        }
        running.is_over.store(true, Ordering::Release);
        drop(running.stop);
        // A panic of it is no reason to panic here.
        let _ = running.thread.join();
    }
}

fn renew(client: &Client, deployment: &str, lease: Option<Duration>, interrupt: &Interrupt) {
    let (_, sender, _) = client.parts();
    let outcome = sender.renew(deployment, lease, Pace::Client, interrupt);
    if let Err(error) = client.finished(outcome).into_result()
        && !interrupt.is_raised()
    {
        let message = format!("that the deployment goes on could not be said: {error}");
        client.log(Level::Warning, &message);
    }
}
