//! A span, as the TypeScript class of that name calls it.

use std::cell::Cell;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use napi_derive::napi;
use versioner::Renewal;

use crate::answer;
use crate::call::{self, Apart, Cancellation, Hear, Listen};
use crate::values;

/// One deployment or build.
#[napi]
pub struct Span {
    core: Arc<versioner::Span>,
    renewal: Arc<Mutex<Option<Renewal>>>,
    parting: Cell<Option<Apart<Option<String>>>>,
}

impl Span {
    pub fn new(core: versioner::Span) -> Self {
        Span {
            core: Arc::new(core),
            renewal: Arc::default(),
            parting: Cell::default(),
        }
    }
}

/// What is done again and again, if it is.
fn renewing(renewal: &Mutex<Option<Renewal>>) -> MutexGuard<'_, Option<Renewal>> {
    renewal.lock().unwrap_or_else(PoisonError::into_inner)
}

#[napi]
impl Span {
    /// Asks whether it may begin; once.
    #[napi]
    pub fn ask(&self, cancellation: &Cancellation, hear: Hear) {
        let core = self.core.clone();
        let interrupt = cancellation.interrupt();
        call::away_unless(cancellation.clone(), hear, move || {
            core.ask(&interrupt).map(Some)
        });
    }

    /// Tells how it ended; nothing ends the telling.
    #[napi]
    pub fn end(&self, ending: String, hear: Hear) {
        let (core, renewal) = (self.core.clone(), self.renewal.clone());
        call::away(hear, move || {
            renewing(&renewal).take();
            core.end(&values::end(&ending)?).map(Some)
        });
    }

    /// Says that it goes on.
    #[napi]
    pub fn renew(&self, cancellation: &Cancellation, hear: Hear) {
        let core = self.core.clone();
        let interrupt = cancellation.interrupt();
        call::away_unless(cancellation.clone(), hear, move || {
            core.renew(&interrupt).map(|()| None)
        });
    }

    /// Says so again and again, from a thread.
    #[napi]
    pub fn keep_renewed(&self) {
        *renewing(&self.renewal) = Some(Renewal::start(&self.core));
    }

    /// Tells `aborted` of one that is open and not saved.
    #[napi]
    pub fn let_go(&self, hear: Hear) {
        let (core, renewal) = (self.core.clone(), self.renewal.clone());
        call::away(hear, move || {
            renewing(&renewal).take();
            core.let_go();
            Ok(None)
        });
    }

    /// Begins to tell how it ended, or without an end to let go of it, in a process that ends: many at
    /// once, because their loop does not go on.
    #[napi]
    pub fn begin_to_part(&self, ending: Option<String>) -> napi::Result<()> {
        let (core, renewal) = (self.core.clone(), self.renewal.clone());
        let parting = Apart::start(move || {
            renewing(&renewal).take();
            match ending {
                Some(ending) => Ok(Some(answer::text(core.end(&values::end(&ending)?)))),
                None => {
                    core.let_go();
                    Ok(None)
                }
            }
        })?;
        self.parting.set(Some(parting));
        Ok(())
    }

    /// Waits until that is done. Gives the outcome of an end.
    #[napi]
    pub fn part(&self, listen: Listen<'_>) -> napi::Result<Option<String>> {
        match self.parting.take() {
            Some(parting) => parting.wait(&listen),
            None => Ok(None),
        }
    }

    /// Its text.
    #[napi]
    pub fn save(&self, listen: Listen<'_>) -> napi::Result<String> {
        call::here(&listen, || self.core.save())
    }

    /// Its identifier.
    #[napi(getter)]
    pub fn id(&self) -> &str {
        self.core.id()
    }

    /// Whether it is not yet known if it may begin.
    #[napi(getter)]
    pub fn is_asking(&self) -> bool {
        self.core.is_asking()
    }

    /// How its start was recorded, if it was asked for by this object.
    #[napi(getter)]
    pub fn started(&self) -> Option<String> {
        let started = self.core.started();
        started.map(|outcome| answer::text(Ok(outcome.clone())))
    }
}
