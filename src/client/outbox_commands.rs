//! What `versioner outbox` asks of a client. Best effort softens nothing here.

use serde_json::json;

use super::Client;
use crate::model::failure::Failure;
use crate::model::foreign::told;
use crate::model::interrupt::Interrupt;
use crate::model::kind::Kind;
use crate::model::outcome::{Error, Outcome};
use crate::outbox::{Outbox, Report, Unwanted};
use crate::send::lenient::texts_mapped;

impl Client {
    /// Delivers everything in the outbox that is for this service and account.
    pub(crate) fn send_outbox(
        &self,
        with_refused: bool,
        interrupt: &Interrupt,
        progress: &dyn Fn(usize, usize),
    ) -> Result<Outcome, Error> {
        let interrupt = self.cancellations.interrupt(interrupt);
        self.with_outbox(|outbox| {
            let patience = self.settings.retries.total;
            let report =
                outbox.send_all(&self.sender, with_refused, patience, &interrupt, progress)?;
            Ok(sent(&report, outbox.count()?))
        })
    }

    /// Everything in the outbox, as [`Outcome::data`].
    pub(crate) fn list_outbox(&self) -> Result<Outcome, Error> {
        self.with_outbox(|outbox| {
            let mut outcome = Outcome::new(None, Kind::Ok, "this is in the outbox");
            let shown = |text: &str| told(text, &self.settings.api_key);
            outcome.data = Some(texts_mapped(outbox.list()?, &shown));
            Ok(outcome)
        })
    }

    /// Throws events of the outbox away.
    pub(crate) fn drop_from_outbox(
        &self,
        unwanted: &Unwanted,
        interrupt: &Interrupt,
    ) -> Result<Outcome, Error> {
        self.with_outbox(|outbox| {
            let patience = self.settings.retries.total;
            let count = outbox.discard(&self.sender, unwanted, patience, interrupt)?;
            let mut outcome = Outcome::new(None, Kind::Ok, format!("thrown away: {count}"));
            outcome.data = Some(json!({"dropped": count}));
            Ok(outcome)
        })
    }

    /// How many events wait and how many were refused; `None` if there is no outbox.
    pub(crate) fn examine_outbox(&self) -> Option<Result<(usize, usize), Failure>> {
        Some(self.outbox.as_deref()?.examine())
    }

    fn with_outbox(
        &self,
        act: impl FnOnce(&Outbox) -> Result<Outcome, Failure>,
    ) -> Result<Outcome, Error> {
        let outbox = self.outbox.as_deref().ok_or_else(|| {
            let message = "outbox is not set: name its directory (--outbox, VERSIONER_OUTBOX)";
            Failure::setting("outbox", message)
        });
        let outcome = outbox.and_then(act);
        let outcome = outcome.unwrap_or_else(|failure| failure.into_outcome(None));
        self.finished(outcome).into_result()
    }
}

/// What came of a delivery, after which so many events are `left`.
fn sent(report: &Report, left: usize) -> Outcome {
    let mut told = format!("delivered: {}", report.sent);
    if report.refused > 0 {
        told.push_str(&format!("; refused: {}", report.refused));
    }
    let (kind, message) = match (&report.stopped, &report.refusal) {
        (Some(stopped), _) => (
            stopped.kind,
            format!("{told}; still waiting: {left}. {}", stopped.message),
        ),
        (None, Some(refusal)) => (
            refusal.kind,
            format!("{told}. {} See `versioner outbox list`", refusal.message),
        ),
        (None, None) if left > report.of_others => (
            Kind::Config,
            format!("{told}; still waiting: {left}, see the warnings"),
        ),
        (None, None) if left > 0 => (
            Kind::Ok,
            format!("{told}; still waiting, for another service or account: {left}"),
        ),
        (None, None) => (Kind::Ok, told),
    };
    let mut outcome = Outcome::new(None, kind, message);
    if let Some(answer) = report.stopped.as_ref().or(report.refusal.as_ref()) {
        outcome.http_status = answer.http_status;
    }
    outcome.warnings = report.warnings();
    outcome.data = Some(json!({
        "sent": report.sent,
        "refused": report.refused,
        "dropped": report.dropped,
        "left": left,
        "of_others": report.of_others,
    }));
    outcome
}
