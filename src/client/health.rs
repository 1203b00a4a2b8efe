//! What stands between here and the service, for `versioner doctor`.

use super::Client;
use crate::model::explanation::Explained;
use crate::model::interrupt::Interrupt;
use crate::model::outcome::Outcome;
use crate::send::transport::Step;

impl Client {
    /// Goes the way to the service, and asks how it is.
    pub(crate) fn examine(&self, interrupt: &Interrupt) -> (Vec<Step>, Option<Outcome>) {
        let interrupt = self.cancellations.interrupt(interrupt);
        let (mut steps, outcome) = self.sender.examine(&interrupt);
        for step in &mut steps {
            step.end = match std::mem::replace(&mut step.end, Ok(String::new())) {
                Ok(shown) => Ok(self.settings.api_key.redact(shown)),
                Err(failure) => Err(failure.redacted(&self.settings.api_key)),
            };
        }
        let outcome = outcome.map(|mut outcome| {
            self.clean(&mut outcome);
            outcome
        });
        (steps, outcome)
    }

    /// The proxy that carries the requests.
    pub(crate) fn proxy_address(&self) -> Option<String> {
        self.sender.proxy_address()
    }

    /// The settings that have a value, but the API key.
    pub(crate) fn explained_settings(&self) -> &[Explained] {
        &self.settings.explained
    }
}
