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
use crate::model::kind::Code;
use crate::model::log::Level;
use crate::send::attempts::{self, Pace};

/// How often a span without a lease is renewed.
const HOURLY: Duration = Duration::from_secs(3600);

impl Span {
    /// How often [`Span::renew`] is to be called while the deployment goes on, so that two of
    /// three may be lost; `None` if nothing can be renewed. A [`Renewal`] does it itself.
    pub fn renewal_interval(&self) -> Option<Duration> {
        let (deployment, lease) = self.renewable();
        let can_renew = !deployment.is_empty();
        can_renew.then(|| interval(lease))
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
            let mut pause = interval;
            while stopped.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
                pause = match renew(&client, &deployment, lease, &interrupt) {
                    true => interval,
                    false => interval / 4,
                };
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

/// How often one of this lease is renewed.
fn interval(lease: Option<Duration>) -> Duration {
    lease.map_or(HOURLY, |lease| lease / 3)
}

/// How long one sign of life may take: one that hangs must leave time for another before the lease is
/// over.
pub(super) fn renewal_pace(lease: Option<Duration>, sender: &attempts::Sender) -> Pace {
    Pace::Within(sender.total_timeout().min(interval(lease) / 2))
}

/// Says that it goes on; whether the service has heard it.
fn renew(
    client: &Client,
    deployment: &str,
    lease: Option<Duration>,
    interrupt: &Interrupt,
) -> bool {
    let (_, sender, _) = client.parts();
    let pace = renewal_pace(lease, sender);
    let outcome = sender.renew(deployment, lease, pace, interrupt);
    let is_heard = (300..500).contains(&outcome.http_status) || outcome.code == Code::Ok;
    if let Err(error) = client.finished(outcome).into_result()
        && !interrupt.is_raised()
    {
        let message = format!("that the deployment goes on could not be said: {error}");
        client.log(Level::Warning, &message);
    }
    is_heard
}
