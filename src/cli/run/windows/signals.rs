//! What comes from the console while a command runs.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};

use signal_hook::consts::SIGINT;

use crate::cli::run::news::{News, Signal};
use crate::model::interrupt::Interrupt;

/// What is heard.
pub struct Heard {
    /// Raised by Ctrl-C, Ctrl-Break, and the end of the session.
    pub interrupt: Interrupt,
}

impl Heard {
    /// Nothing here means something to the command alone.
    pub fn forget_passed_on(&self) {}
}

/// Who is told. A process has one handler, and may run several commands one after the other.
static LISTENER: Mutex<Option<Listener>> = Mutex::new(None);

struct Listener {
    news: Sender<News>,
    is_raised: Arc<AtomicBool>,
}

/// From now on the console ends nothing by itself; it tells the command as well.
pub fn listen(news: Sender<News>) -> io::Result<Heard> {
    static IS_SET: Mutex<bool> = Mutex::new(false);
    let is_raised = Arc::new(AtomicBool::new(false));
    let listener = Listener {
        news,
        is_raised: is_raised.clone(),
    };
    *lock(&LISTENER) = Some(listener);
    let mut is_set = lock(&IS_SET);
    if !*is_set {
        ctrlc::set_handler(tell).map_err(io::Error::other)?;
        *is_set = true;
    }
    Ok(Heard {
        interrupt: Interrupt::new(move || is_raised.load(Ordering::Acquire)),
    })
}

fn tell() {
    if let Some(listener) = &*lock(&LISTENER) {
        listener.is_raised.store(true, Ordering::Release);
        let signal = Signal {
            number: SIGINT,
            ends: true,
            is_of_group: true,
        };
        // Nobody listens any more once the command has ended.
        let _ = listener.news.send(News::Signal(signal));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // A panic elsewhere leaves nothing half done in it.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
