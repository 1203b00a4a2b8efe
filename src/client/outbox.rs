//! What the outbox does for an event that a client sends.

use std::path::PathBuf;
use std::time::SystemTime;

use super::{Client, is_softened, softened};
use crate::model::foreign::Foreign;
use crate::model::interrupt::Interrupt;
use crate::model::kind::{Code, WarningKind};
use crate::model::outcome::{Outcome, QUEUED, Warning};
use crate::model::status::Status;
use crate::outbox::{self, Held, Turn};
use crate::send::attempts::{Message, Pace};
use crate::send::wire::Wire;

/// What matters for an end that was told, or could not be.
pub(crate) struct Settling {
    /// Whether the service has the start, or gets it.
    pub has_begun: bool,
    pub occurred_at: SystemTime,
    pub pace: Pace,
    pub held: Option<Held>,
}

impl Client {
    /// Sends an event after what waits before it; one that may wait can be put behind that.
    pub(super) fn in_turn(
        &self,
        message: &Message<'_>,
        pace: Pace,
        interrupt: &Interrupt,
        may_wait: bool,
    ) -> Outcome {
        match self.turn(message, pace, interrupt, may_wait) {
            Some(turn) => turn.send(),
            None => self.sender.send(message, pace, interrupt),
        }
    }

    pub(super) fn turn<'a>(
        &'a self,
        message: &'a Message<'a>,
        pace: Pace,
        interrupt: &'a Interrupt,
        may_wait: bool,
    ) -> Option<Turn<'a>> {
        Some(Turn {
            outbox: self.outbox.as_deref()?,
            sender: &self.sender,
            message,
            pace,
            interrupt,
            may_wait,
        })
    }

    /// Keeps an event that could not be delivered, if it is one to be kept and there is an outbox, in
    /// the place of what is `held` for it. One that was to wait behind others and cannot be kept is
    /// sent all the same: better out of its order than never.
    pub(super) fn kept(
        &self,
        outcome: Outcome,
        message: &Message<'_>,
        when: (SystemTime, Pace, &Interrupt),
        held: Option<&Held>,
    ) -> Outcome {
        match outcome.is_behind || outbox::is_kept(outcome.kind) {
            true => self.put(outcome, message, when, held),
            false => outcome,
        }
    }

    /// Keeps an event, if there is an outbox.
    fn put(
        &self,
        mut outcome: Outcome,
        message: &Message<'_>,
        (occurred_at, pace, interrupt): (SystemTime, Pace, &Interrupt),
        held: Option<&Held>,
    ) -> Outcome {
        let Some(outbox) = &self.outbox else {
            return outcome;
        };
        match outbox.keep(message, occurred_at, outcome.may_stand, held) {
            Ok(file) => {
                let text = format!(
                    "the event is not recorded yet: {}. It is kept in {} and delivered later; it is \
                     lost if that disk is",
                    outcome.message.trim_end_matches('.'),
                    file.display()
                );
                outcome.code = Code::Ok;
                outcome.status = Foreign::line(QUEUED);
                let warning = Warning::new(WarningKind::Queued, text);
                outcome.warnings.push(warning);
            }
            Err(warning) => {
                outcome.warnings.push(warning);
                let turn = self.turn(message, pace, interrupt, false);
                if let Some(turn) = turn.filter(|_| outcome.is_behind) {
                    let mut sent = super::described(turn.send_past(), message.wire, <_>::default());
                    outcome.warnings.append(&mut sent.warnings);
                    sent.warnings = outcome.warnings;
                    return sent;
                }
            }
        }
        outcome
    }

    /// Tells an end. What comes of it is not yet [`Client::settled`].
    pub(crate) fn tell_end(
        &self,
        message: &Message<'_>,
        pace: Pace,
        warnings: Vec<Warning>,
    ) -> Outcome {
        let outcome = self.in_turn(message, pace, &Interrupt::never(), self.outbox.is_some());
        super::described(outcome, message.wire, warnings)
    }

    /// Keeps the end of something that has happened, whatever the mode is, and softens what cannot
    /// be kept in best-effort mode.
    pub(crate) fn settled(
        &self,
        outcome: Outcome,
        message: &Message<'_>,
        settling: Settling,
    ) -> Outcome {
        let Settling {
            has_begun,
            occurred_at,
            pace,
            held,
        } = settling;
        let never = Interrupt::never();
        let when = (occurred_at, pace, &never);
        // A service that took the start is there: what answers in its place, such as a login page,
        // goes away again.
        let mut outcome = match has_begun && outbox::may_be_told_later(&outcome) {
            true => self.put(outcome, message, when, held.as_ref()),
            false => self.kept(outcome, message, when, held.as_ref()),
        };
        self.take_back(held, &mut outcome, message.wire);
        if let (Code::Rejected, Some(outbox)) = (outcome.code, &self.outbox) {
            let kept = outbox.keep_refused(message, occurred_at, &outcome);
            outcome.warnings.push(kept.map_or_else(
                |warning| warning,
                |file| {
                    let text = format!("the end is kept in {}", file.display());
                    Warning::new(WarningKind::Outbox, text)
                },
            ));
        }
        match self.settings.fail_on_api_error {
            false if is_softened(&outcome, message.wire) => softened(outcome),
            _ => outcome,
        }
    }

    /// Another end takes the place of the one that was held. If nobody was told, and none could be
    /// kept, one that says the same stays.
    fn take_back(&self, held: Option<Held>, outcome: &mut Outcome, end: &Wire) {
        let (Some(held), Some(outbox)) = (held, &self.outbox) else {
            return;
        };
        let is_replaced = outcome.is_queued();
        let is_the_same = outcome.code != Code::Ok && end.status == Status::Aborted.as_str();
        if !is_replaced && !is_the_same {
            outcome.warnings.extend(outbox.let_go(held).err());
        }
    }

    /// Keeps an event for later without trying to deliver it; `None` if there is no outbox.
    pub(crate) fn keep_for_later(
        &self,
        message: &Message<'_>,
        occurred_at: SystemTime,
    ) -> Option<Result<PathBuf, Warning>> {
        let outbox = self.outbox.as_ref()?;
        Some(outbox.keep(message, occurred_at, false, None))
    }

    /// Keeps an event that is delivered if this process ends before it tells another in its place;
    /// `None` if there is no outbox.
    pub(crate) fn hold(
        &self,
        message: &Message<'_>,
        occurred_at: SystemTime,
    ) -> Option<Result<Held, Warning>> {
        let outbox = self.outbox.as_ref()?;
        Some(outbox.hold(message, occurred_at))
    }
}
