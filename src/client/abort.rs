//! Ending a deployment that nobody ends any more.

use serde_json::json;

use super::Client;
use crate::input::query;
use crate::input::text;
use crate::model::failure::Failure;
use crate::model::interrupt::Interrupt;
use crate::model::kind::Code;
use crate::model::outcome::{Error, Outcome};

impl Client {
    /// Ends a deployment by its identifier, for a reason that is kept with it.
    pub(crate) fn abort(
        &self,
        deployment: &str,
        reason: &str,
        interrupt: &Interrupt,
    ) -> Result<Outcome, Error> {
        let interrupt = self.cancellations.interrupt(interrupt);
        let outcome = self
            .aborted(deployment, reason, &interrupt)
            .unwrap_or_else(|failure| failure.into_outcome(None));
        self.finished(outcome).into_result()
    }

    fn aborted(
        &self,
        deployment: &str,
        reason: &str,
        interrupt: &Interrupt,
    ) -> Result<Outcome, Failure> {
        let given = |name, text| {
            let blank =
                || Failure::argument(name, format!("{name} is blank: is a variable not set?"));
            text::given(text).ok_or_else(blank)
        };
        let deployment = given("deployment", deployment)?;
        let body = json!({"reason": given("reason", reason)?}).to_string();
        let path = format!("deployments/{}/abort/", query::segment(deployment));
        let mut outcome = self.sender.change(&path, &body, interrupt);
        if outcome.code == Code::Ok {
            outcome.recorded = true;
            outcome.message = format!("deployment {deployment} is aborted");
        }
        Ok(outcome)
    }
}
