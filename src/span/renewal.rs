//! Says again and again that a span goes on, while its body runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::Span;
use crate::client::Client;
use crate::model::interrupt::Interrupt;
use crate::model::log::Level;

/// How often a span without a lease is renewed.
const HOURLY: Duration = Duration::from_secs(3600);

/// A thread that renews a span until it is dropped.
pub(crate) struct Renewal {
    running: Option<(Sender<()>, Arc<AtomicBool>, JoinHandle<()>)>,
}

impl Renewal {
    /// Begins, if the span can be renewed at all.
    pub(crate) fn start(span: &Span) -> Self {
        let (deployment, lease) = span.renewable();
        if deployment.is_empty() {
            return Renewal { running: None };
        }
        // Two of three may be lost.
        let interval = lease.map_or(HOURLY, |lease| lease / 3);
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
                running: Some((stop, is_over, thread)),
            },
            Err(error) => {
                let message = format!("the deployment is not renewed: no thread ({error})");
                span.client().log(Level::Warning, &message);
                Renewal { running: None }
            }
        }
    }
}

impl Drop for Renewal {
    fn drop(&mut self) {
        if let Some((stop, is_over, thread)) = self.running.take() {
            is_over.store(true, Ordering::Release);
            drop(stop);
            // A panic of it is no reason to panic here.
            let _ = thread.join();
        }
    }
}

fn renew(client: &Client, deployment: &str, lease: Option<Duration>, interrupt: &Interrupt) {
    let (_, sender, _) = client.parts();
    let outcome = sender.renew(deployment, lease, interrupt);
    if let Err(error) = client.finished(outcome).into_result()
        && !interrupt.is_raised()
    {
        let message = format!("that the deployment goes on could not be said: {error}");
        client.log(Level::Warning, &message);
    }
}
