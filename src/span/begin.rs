//! How a span comes to be: of an event, or of its saved text.

use std::time::Duration;

use super::driver::Span;
use super::machine::{Machine, State, Waiting};
use super::saved;
use crate::client::Client;
use crate::model::event::{BuildEvent, DeploymentEvent, EventKind, Given};
use crate::model::failure::Failure;
use crate::model::foreign::Foreign;
use crate::model::interrupt::Interrupt;
use crate::model::outcome::Error;
use crate::send::attempts::idempotency_key;

const LEASES: std::ops::RangeInclusive<Duration> =
    Duration::from_secs(1)..=Duration::from_secs(86_400);

impl Client {
    /// Asks whether a deployment may begin, and begins it. Its status must be unset or `started`.
    ///
    /// With [`DeploymentEvent::wait`] it asks until it may begin, or the time is over. On an error it
    /// must not happen. If nobody knows whether the start was recorded, `aborted`
    /// was told for it, within 5 s, whatever interrupted the asking.
    ///
    /// # Errors
    ///
    /// Those of [`Client::track_deployment`].
    pub fn begin(&self, event: &DeploymentEvent) -> Result<Span, Error> {
        self.begin_with(event, &Interrupt::never())
    }

    /// [`Client::begin`] that `interrupt` can end.
    pub fn begin_with(
        &self,
        event: &DeploymentEvent,
        interrupt: &Interrupt,
    ) -> Result<Span, Error> {
        let span = self.prepare(event)?;
        span.ask(interrupt)?;
        Ok(span)
    }

    /// A deployment that is not yet asked for, so that it can be saved first; [`Span::ask`] asks.
    /// Sends nothing.
    ///
    /// # Errors
    ///
    /// Kind [`InvalidArgument`](crate::Kind::InvalidArgument).
    pub fn prepare(&self, event: &DeploymentEvent) -> Result<Span, Error> {
        self.prepared(event.given(), event.lease)
    }

    /// [`Client::prepare`] for a build.
    ///
    /// # Errors
    ///
    /// Kind [`InvalidArgument`](crate::Kind::InvalidArgument).
    pub fn prepare_build(&self, event: &BuildEvent) -> Result<Span, Error> {
        self.prepared(event.given(), None)
    }

    /// A span from the text that [`Span::save`] gave, in this process or another, which belongs
    /// to this process from now on. One that was saved before it was allowed asks again, under
    /// the same key: it is the same deployment.
    ///
    /// # Errors
    ///
    /// Kind [`InvalidArgument`](crate::Kind::InvalidArgument) if the text is none, or of another
    /// service or account; those of [`Client::begin`] if it asks.
    pub fn resume(&self, text: &str) -> Result<Span, Error> {
        self.resume_with(text, &Interrupt::never())
    }

    /// [`Client::resume`] that `interrupt` can end.
    pub fn resume_with(&self, text: &str, interrupt: &Interrupt) -> Result<Span, Error> {
        let span = self.restore(text)?;
        if span.is_asking() {
            span.ask(interrupt)?;
        }
        Ok(span)
    }

    /// A span from its text, as it was saved. Sends nothing: one whose start was asked for by a
    /// process that is gone can be ended without asking again.
    ///
    /// # Errors
    ///
    /// Kind [`InvalidArgument`](crate::Kind::InvalidArgument) if the text is none, or of another
    /// service or account.
    pub fn restore(&self, text: &str) -> Result<Span, Error> {
        let machine = saved::read(text).and_then(|machine| {
            let (settings, ..) = self.parts();
            let url = settings.api_url.as_str();
            if machine.api_url != url {
                let begun = Foreign::line(&machine.api_url);
                return Err(Failure::argument(
                    "state",
                    format!("state is of a span that was begun at {begun}, but this is {url}"),
                ));
            }
            if machine.account != settings.api_key.account() {
                return Err(Failure::argument(
                    "state",
                    "state is of a span of another account than that of the API key",
                ));
            }
            Ok(machine)
        });
        match machine {
            Ok(machine) => Ok(Span::saved(self.clone(), machine)),
            Err(failure) => Err(self.failed(failure, None)),
        }
    }

    /// A span of either event.
    fn prepared(&self, mut given: Given<'_>, lease: Option<Duration>) -> Result<Span, Error> {
        let kind = given.kind;
        let machine = check_lease(lease).and_then(|()| {
            given.start()?;
            refuse_key(given.idempotency_key)?;
            let (start, wait, warnings) = self.ready(&given)?;
            let (settings, sender, _) = self.parts();
            let now = sender.clock().date();
            let machine = Machine {
                id: idempotency_key()?,
                start,
                api_url: settings.api_url.as_str().to_owned(),
                account: settings.api_key.account().to_owned(),
                asked_at: now,
                wait: wait.map(|wait| Waiting { wait, since: now }),
                begun_at: None,
                was_asked: false,
                state: State::Asking,
                deployment_id: String::new(),
                lease,
            };
            Ok((machine, warnings))
        });
        match machine {
            Ok((machine, warnings)) => {
                Ok(Span::new(self.clone(), machine, warnings, given.timeout))
            }
            Err(failure) => Err(self.failed(failure, Some(kind))),
        }
    }

    pub(super) fn failed(&self, failure: Failure, kind: Option<EventKind>) -> Error {
        self.finished(failure.into_outcome(kind)).into()
    }
}

/// A span is told from others by its own key.
fn refuse_key(given: &str) -> Result<(), Failure> {
    if given.is_empty() {
        return Ok(());
    }
    let message = "idempotency_key cannot be given: a span has a key of its own, and what is saved \
                   of it repeats its start";
    Err(Failure::argument("idempotency_key", message))
}

fn check_lease(lease: Option<Duration>) -> Result<(), Failure> {
    match lease {
        Some(lease) if !LEASES.contains(&lease) => Err(Failure::argument(
            "lease",
            format!("lease must be from 1 s to 24 h, but is {lease:?}"),
        )),
        _ => Ok(()),
    }
}
