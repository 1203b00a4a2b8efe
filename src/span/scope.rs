//! A deployment or build as a body that runs between its start and its end.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use super::{End, Renewal, Span};
use crate::client::Client;
use crate::model::event::{BuildEvent, DeploymentEvent};
use crate::model::interrupt::Interrupt;
use crate::model::outcome::{Error, Outcome};
use crate::model::status::Status;

/// A body that succeeded.
#[derive(Debug)]
#[must_use = "`ended` says whether the end is recorded"]
pub struct Scoped<T> {
    /// What the body gave back.
    pub value: T,
    /// How the telling of `completed` went. What succeeded has succeeded, whatever this is.
    pub ended: Result<Outcome, Error>,
}

/// Why a scoped deployment or build did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum ScopeError<E> {
    /// It may not begin, or nobody could be asked. The body did not run.
    #[error(transparent)]
    NotBegun(Error),
    /// The body failed.
    #[error("{error}")]
    Body {
        /// What the body gave back.
        error: E,
        /// How the telling of `failed`, or of `aborted` after an interruption, went.
        ended: Result<Box<Outcome>, Error>,
    },
}

impl Client {
    /// Deploys: asks, runs `body` if it may, and tells how it ended: `completed` for `Ok`, `failed`
    /// for `Err` and for a panic, which goes on afterwards.
    ///
    /// ```no_run
    /// use versioner::{Client, DeploymentEvent, Options};
    ///
    /// let client = Client::new(Options::default())?;
    /// let event = DeploymentEvent {
    ///     product: "api".into(),
    ///     environment: "production".into(),
    ///     version: "1.2.3".into(),
    ///     ..DeploymentEvent::default()
    /// };
    /// let done = client.deployment(&event, |_| std::fs::copy("new/site", "/srv/site"))?;
    /// done.ended?; // Leave this out if a deployment that is not recorded is no error.
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ScopeError::NotBegun`] with the errors of [`Client::begin`], and
    /// [`ScopeError::Body`].
    pub fn deployment<T, E>(
        &self,
        event: &DeploymentEvent,
        body: impl FnOnce(&Span) -> Result<T, E>,
    ) -> Result<Scoped<T>, ScopeError<E>> {
        self.deployment_with(event, &Interrupt::never(), body)
    }

    /// [`Client::deployment`] that `interrupt` can end: the asking at once, and a body that fails
    /// after it was raised, or after [`Client::cancel`], is told `aborted`.
    pub fn deployment_with<T, E>(
        &self,
        event: &DeploymentEvent,
        interrupt: &Interrupt,
        body: impl FnOnce(&Span) -> Result<T, E>,
    ) -> Result<Scoped<T>, ScopeError<E>> {
        self.scoped(self.prepare(event), interrupt, body)
    }

    /// [`Client::deployment`] for a build.
    pub fn build<T, E>(
        &self,
        event: &BuildEvent,
        body: impl FnOnce(&Span) -> Result<T, E>,
    ) -> Result<Scoped<T>, ScopeError<E>> {
        self.build_with(event, &Interrupt::never(), body)
    }

    /// [`Client::deployment_with`] for a build.
    pub fn build_with<T, E>(
        &self,
        event: &BuildEvent,
        interrupt: &Interrupt,
        body: impl FnOnce(&Span) -> Result<T, E>,
    ) -> Result<Scoped<T>, ScopeError<E>> {
        self.scoped(self.prepare_build(event), interrupt, body)
    }

    fn scoped<T, E>(
        &self,
        span: Result<Span, Error>,
        interrupt: &Interrupt,
        body: impl FnOnce(&Span) -> Result<T, E>,
    ) -> Result<Scoped<T>, ScopeError<E>> {
        let (.., cancellations) = self.parts();
        let interrupt = cancellations.interrupt(interrupt);
        let span = span.map_err(ScopeError::NotBegun)?;
        span.ask(&interrupt).map_err(ScopeError::NotBegun)?;
        let renewal = Renewal::start(&span);
        let returned = catch_unwind(AssertUnwindSafe(|| body(&span)));
        drop(renewal);
        let end = |status: Status, error_class: &str| {
            span.end(&End {
                error_class: error_class.to_owned(),
                ..End::new(status.as_str())
            })
        };
        match returned {
            Ok(Ok(value)) => Ok(Scoped {
                value,
                ended: end(Status::Completed, ""),
            }),
            Ok(Err(error)) => {
                let status = match interrupt.is_raised() {
                    true => Status::Aborted,
                    false => Status::Failed,
                };
                let ended = end(status, std::any::type_name::<E>()).map(Box::new);
                Err(ScopeError::Body { error, ended })
            }
            Err(panic) => {
                // The panic says more than that it could not be told.
                let _ = end(Status::Failed, "panic");
                resume_unwind(panic)
            }
        }
    }
}
