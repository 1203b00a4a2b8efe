//! A call on a thread of its own, so that it neither blocks the loop of Node nor takes one of the
//! few threads that read files and look up names for the whole program.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread::{self, JoinHandle};

use napi::bindgen_prelude::{FnArgs, Function};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi_derive::napi;
use versioner::{Error, Interrupt, Level, Logger, Outcome};

use crate::answer;

type Said = FnArgs<(i32, String)>;

/// Hears what a call has to tell: messages with their level, and last, with level 0, its answer.
/// As long as it is held the process does not end.
pub type Hear = ThreadsafeFunction<Said, (), Said, napi::Status, false>;

/// Hears messages that belong to no call. The process may end meanwhile.
pub type Overhear = ThreadsafeFunction<Said, (), Said, napi::Status, false, true>;

/// Hears the messages of a call that returns at once.
pub type Listen<'env> = Function<'env, Said, ()>;

/// The level of an answer.
const ANSWER: i32 = 0;

thread_local! {
    /// Who hears what the call on this thread has to tell.
    static HEARER: RefCell<Option<Hearer>> = const { RefCell::new(None) };
}

enum Hearer {
    Far(Hear),
    /// Until the call is over: the thread is that of JavaScript.
    Near(Vec<(i32, String)>),
}

/// A logger that takes messages up to a level.
pub fn logger(last: i32, other: Overhear) -> Logger {
    Logger::new(move |level: Level, message: &str| {
        let level = level as i32;
        if level > last {
            return;
        }
        HEARER.with_borrow_mut(|hearer| match hearer {
            Some(Hearer::Far(hear)) => say(hear, level, message),
            Some(Hearer::Near(kept)) => kept.push((level, message.to_owned())),
            None => {
                let said = FnArgs::from((level, message.to_owned()));
                other.call(said, ThreadsafeFunctionCallMode::NonBlocking);
            }
        });
    })
}

fn say(hear: &Hear, level: i32, text: &str) {
    // Nobody is there to hear it once the environment is gone.
    let said = FnArgs::from((level, text.to_owned()));
    hear.call(said, ThreadsafeFunctionCallMode::NonBlocking);
}

/// Runs a call on another thread and tells `hear` its answer, which is empty of one that has none.
pub fn away(hear: Hear, call: impl FnOnce() -> Result<Option<Outcome>, Error> + Send + 'static) {
    away_unless(Cancellation::new(), hear, call);
}

/// The same of a call that may be cancelled. Threads are not without number, so it may wait for one:
/// then whoever cancels it knows the answer, and nothing is told to `hear`.
pub fn away_unless(
    cancellation: Cancellation,
    hear: Hear,
    call: impl FnOnce() -> Result<Option<Outcome>, Error> + Send + 'static,
) {
    let work = move || {
        if !cancellation.begin() {
            return;
        }
        HEARER.set(Some(Hearer::Far(hear)));
        let answer = match Error::caught(call) {
            Ok(None) => String::new(),
            Ok(Some(outcome)) => answer::text(Ok(outcome)),
            Err(error) => answer::text(Err(error)),
        };
        if let Some(Hearer::Far(hear)) = HEARER.take() {
            say(&hear, ANSWER, &answer);
        }
    };
    blocking::unblock(work).detach();
}

/// Runs a call on this thread and keeps its messages.
fn near<T>(call: impl FnOnce() -> Result<T, Error>) -> Heard<T> {
    HEARER.set(Some(Hearer::Near(Vec::new())));
    let ended = Error::caught(call);
    let Some(Hearer::Near(kept)) = HEARER.take() else {
        return (ended, Vec::new());
    };
    (ended, kept)
}

/// How a call ended, and what it had to tell.
type Heard<T> = (Result<T, Error>, Vec<(i32, String)>);

fn told<T>(listen: &Listen<'_>, (ended, kept): Heard<T>) -> napi::Result<T> {
    for said in kept {
        listen.call(FnArgs::from(said))?;
    }
    ended.map_err(answer::thrown)
}

/// Runs a call on the thread of JavaScript, and then tells its messages.
pub fn here<T>(listen: &Listen<'_>, call: impl FnOnce() -> Result<T, Error>) -> napi::Result<T> {
    told(listen, near(call))
}

/// A call that runs beside the thread of JavaScript until that waits for it.
pub struct Apart<T>(JoinHandle<Heard<T>>);

impl<T: Send + 'static> Apart<T> {
    /// Begins it.
    pub fn start(call: impl FnOnce() -> Result<T, Error> + Send + 'static) -> napi::Result<Self> {
        let thread = thread::Builder::new().name("versioner-exit".to_owned());
        let started = thread.spawn(move || near(call));
        started
            .map(Apart)
            .map_err(|error| answer::thrown(Error::internal(format!("no thread: {error}"))))
    }

    /// Waits until it is over.
    pub fn wait(self, listen: &Listen<'_>) -> napi::Result<T> {
        let heard = self.0.join();
        told(
            listen,
            heard.unwrap_or_else(|_| (Err(Error::internal("the thread has ended")), Vec::new())),
        )
    }
}

/// The states of a [`Cancellation`].
const WAITING: u8 = 0;
const BEGUN: u8 = 1;
const RAISED: u8 = 2;

/// Ends the call that it is handed to.
#[napi]
#[derive(Default, Clone)]
pub struct Cancellation {
    state: Arc<AtomicU8>,
}

#[napi]
impl Cancellation {
    /// One that ends nothing yet.
    #[napi(constructor)]
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends the call with kind `interrupted`. True if it has not begun: then it never does, and does
    /// not answer.
    #[napi]
    pub fn cancel(&self) -> bool {
        self.state.swap(RAISED, Ordering::AcqRel) == WAITING
    }
}

impl Cancellation {
    /// Whether the call may begin.
    fn begin(&self) -> bool {
        let begun =
            self.state
                .compare_exchange(WAITING, BEGUN, Ordering::AcqRel, Ordering::Acquire);
        begun.is_ok()
    }

    /// For the core.
    pub fn interrupt(&self) -> Interrupt {
        let state = self.state.clone();
        Interrupt::new(move || state.load(Ordering::Acquire) == RAISED)
    }
}
