//! Asking instead of telling: whether a deployment may start, and what is where. Best effort never
//! softens an answer that somebody asked for.

use std::time::Duration;

use serde_json::{Map, Value};

use super::{Client, deployed};
use crate::input::query;
use crate::input::settings::check_timeout;
use crate::model::event::{DeploymentEvent, EventKind, FieldKind, Given};
use crate::model::explanation::Explanation;
use crate::model::fact::Fact;
use crate::model::failure::Failure;
use crate::model::interrupt::Interrupt;
use crate::model::kind::Kind;
use crate::model::outcome::{Error, Outcome};
use crate::model::status::Status;

/// What runs where, below the base URL.
pub(super) const STATE: &str = "state/";

impl Client {
    /// Asks whether a deployment may start, and records nothing. The event is that of
    /// [`Client::track_deployment`]; its status is taken for `started`, whatever it says, and no
    /// check is skipped. Needs versioner-server.
    ///
    /// [`Outcome::data`] has every rule's verdict (`rules_evaluated`) and what started there last
    /// (`latest`).
    ///
    /// # Errors
    ///
    /// Code 5 if a rule forbids it, told as the rejection of an event is; every other code if there
    /// is no clear answer, in best-effort mode too.
    pub fn check_deployment(&self, event: &DeploymentEvent) -> Result<Outcome, Error> {
        self.check_deployment_with(event, &Interrupt::never())
    }

    /// [`Client::check_deployment`] that `interrupt` can end.
    pub fn check_deployment_with(
        &self,
        event: &DeploymentEvent,
        interrupt: &Interrupt,
    ) -> Result<Outcome, Error> {
        let interrupt = self.cancellations.interrupt(interrupt);
        let given = asked(event);
        let checked = self.with_event(&given, |wire, _| {
            self.sender.check(wire, given.timeout, &interrupt)
        });
        checked.into_result()
    }

    /// What [`Client::check_deployment`] would send, and where each value comes from. Sends and logs
    /// nothing.
    ///
    /// # Errors
    ///
    /// Kind [`Kind::InvalidArgument`].
    pub fn explain_check(&self, event: &DeploymentEvent) -> Result<Explanation, Error> {
        let mut explanation = self.explain(&asked(event))?;
        explanation.url = self.sender.check_url();
        Ok(explanation)
    }

    /// Reads what the service knows, by a path below the API URL, such as `deployments/`, and the
    /// parameters of its query, such as `("product", "api")`, both unencoded. Needs versioner-server
    /// and a key with the scope `read`; what there is says its `/docs`. [`Outcome::data`] has the
    /// JSON.
    ///
    /// # Errors
    ///
    /// Code 1 or 4, in best-effort mode too: never a 409, 423 or 428 as a rejection.
    pub fn read(&self, path: &str, query: &[(&str, &str)]) -> Result<Outcome, Error> {
        self.read_with(path, query, None, &Interrupt::never())
    }

    /// [`Client::read`] that `interrupt` can end, and that may take `timeout` in place of the
    /// client's total.
    pub fn read_with(
        &self,
        path: &str,
        query: &[(&str, &str)],
        timeout: Option<Duration>,
        interrupt: &Interrupt,
    ) -> Result<Outcome, Error> {
        self.question(timeout, interrupt, |ask| ask.one(path, query))
    }

    /// Reads what runs where: `products`, each with its `environments`. Of one product, or of all if
    /// `product` is empty. Needs versioner-server.
    ///
    /// # Errors
    ///
    /// As [`Client::read`].
    pub fn state(&self, product: &str) -> Result<Outcome, Error> {
        self.state_with(product, None, &Interrupt::never())
    }

    /// [`Client::state`] that `interrupt` can end, and whose requests may each take `timeout` in
    /// place of the client's total.
    pub fn state_with(
        &self,
        product: &str,
        timeout: Option<Duration>,
        interrupt: &Interrupt,
    ) -> Result<Outcome, Error> {
        self.question(timeout, interrupt, |ask| match product {
            "" => ask.all(STATE, &[], "products"),
            _ => {
                let product = ask.client.settings.name(Fact::Product, product)?;
                ask.all(STATE, &[("product", &product)], "products")
            }
        })
    }

    /// The version whose deployment to an environment was the last that completed:
    /// [`Outcome::version`]. What is empty is taken from `VERSIONER_*` variables, the configuration
    /// file and the CI system, as that of an event is. Needs versioner-server.
    ///
    /// # Errors
    ///
    /// [`Kind::NotDeployed`] if nothing is deployed there or a name is not known; the message says
    /// which. Else as [`Client::read`].
    pub fn deployed_version(&self, product: &str, environment: &str) -> Result<Outcome, Error> {
        self.deployed_version_with(product, environment, None, &Interrupt::never())
    }

    /// [`Client::deployed_version`] that `interrupt` can end, and whose requests may each take
    /// `timeout` in place of the client's total.
    pub fn deployed_version_with(
        &self,
        product: &str,
        environment: &str,
        timeout: Option<Duration>,
        interrupt: &Interrupt,
    ) -> Result<Outcome, Error> {
        self.question(timeout, interrupt, |ask| {
            let settings = &ask.client.settings;
            let product = settings.name(Fact::Product, product)?;
            let environment = settings.name(Fact::Environment, environment)?;
            deployed::version(ask, &product, &environment)
        })
    }

    fn question(
        &self,
        timeout: Option<Duration>,
        interrupt: &Interrupt,
        answer: impl FnOnce(&mut Ask) -> Result<Outcome, Failure>,
    ) -> Result<Outcome, Error> {
        let interrupt = self.cancellations.interrupt(interrupt);
        let mut warnings = match self.is_first() {
            true => self.settings_warnings(),
            false => Vec::new(),
        };
        let mut ask = Ask {
            client: self,
            timeout,
            interrupt: &interrupt,
            attempts: 0,
        };
        let answer = check_timeout(timeout).and_then(|()| answer(&mut ask));
        let mut outcome = answer.unwrap_or_else(|failure| failure.into_outcome(None));
        outcome.attempts = ask.attempts;
        warnings.append(&mut outcome.warnings);
        outcome.warnings = warnings;
        self.finished(outcome).into_result()
    }
}

/// The start that is asked about.
fn asked(event: &DeploymentEvent) -> Given<'_> {
    let mut given = event.given();
    given.skip_preflight_checks = false;
    given.skip_reason = "";
    given.idempotency_key = "";
    given.wait = None;
    given.wait_for = "";
    given.wait_superseded = "";
    let fields = EventKind::Deployment.fields().iter();
    let statuses = fields.map(|field| field.kind == FieldKind::Status);
    for (is_status, value) in statuses.zip(&mut given.values) {
        if is_status {
            *value = Status::Started.as_str();
        }
    }
    given
}

/// The requests of one question.
pub(super) struct Ask<'a> {
    pub client: &'a Client,
    timeout: Option<Duration>,
    interrupt: &'a Interrupt,
    /// Of all requests.
    attempts: u32,
}

impl Ask<'_> {
    pub fn one(&mut self, path: &str, query: &[(&str, &str)]) -> Result<Outcome, Failure> {
        let target = query::target(path, query)?;
        let sender = &self.client.sender;
        let outcome = sender.read(&target, self.timeout, self.interrupt);
        self.attempts += outcome.attempts;
        Ok(outcome)
    }

    /// Every page, with the items of this name together.
    pub fn all(
        &mut self,
        path: &str,
        query: &[(&str, &str)],
        items: &str,
    ) -> Result<Outcome, Failure> {
        let mut all = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let mut page_query = query.to_vec();
            page_query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
            let mut outcome = self.one(path, &page_query)?;
            let Some(data) = &mut outcome.data else {
                return Ok(outcome);
            };
            let Some(page) = data.get_mut(items).and_then(Value::as_array_mut) else {
                return Ok(other_than_expected(outcome, items));
            };
            all.append(page);
            match data.get("next_cursor").and_then(Value::as_str) {
                Some(next) if cursor.as_deref() == Some(next) => {
                    return Ok(other_than_expected(outcome, "next_cursor"));
                }
                Some(next) => cursor = Some(next.to_owned()),
                None => {
                    let together = Map::from_iter([(items.to_owned(), all.into())]);
                    outcome.data = Some(together.into());
                    return Ok(outcome);
                }
            }
        }
    }
}

/// An answer that is JSON, but not what versioner-server answers here.
pub(super) fn other_than_expected(answer: Outcome, member: &str) -> Outcome {
    let message = format!(
        "the service answered, but not as versioner-server does: {member:?} is missing or wrong. \
         Is the API URL right? (VERSIONER_API_URL)"
    );
    Outcome {
        features: answer.features,
        http_status: answer.http_status,
        ..Outcome::new(None, Kind::Http, message)
    }
}
