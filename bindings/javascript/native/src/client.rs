//! The client, as the TypeScript class of that name calls it.

use std::collections::HashMap;

use napi_derive::napi;
use versioner::{BuildEvent, DeploymentEvent};

use crate::answer;
use crate::call::{self, Cancellation, Hear, Listen, Overhear};
use crate::span::Span;
use crate::values::{self, Question};

/// Sends events.
#[napi]
pub struct Client {
    core: versioner::Client,
}

#[napi]
impl Client {
    /// Makes one of its settings. `environment` is the process's if it is null; messages up to
    /// `level` are told to `overhear`, but those of calls.
    #[napi(constructor)]
    pub fn new(
        settings: String,
        environment: Option<HashMap<String, String>>,
        level: i32,
        overhear: Overhear,
    ) -> napi::Result<Self> {
        let made = versioner::Error::caught(|| {
            let mut options = values::options(&settings)?;
            options.environment = environment.map(|variables| variables.into_iter().collect());
            options.logger = call::logger(level, overhear);
            versioner::Client::new(options)
        });
        let core = made.map_err(answer::thrown)?;
        Ok(Client { core })
    }

    /// Asks or tells the service something, on another thread.
    #[napi]
    pub fn call(
        &self,
        question: String,
        arguments: String,
        cancellation: &Cancellation,
        hear: Hear,
    ) {
        let core = self.core.clone();
        let interrupt = cancellation.interrupt();
        call::away_unless(cancellation.clone(), hear, move || {
            let question = Question::read(&question, &arguments)?;
            question.ask(&core, &interrupt).map(Some)
        });
    }

    /// Checks a build as it would be sent.
    #[napi]
    pub fn validate_build(&self, fields: String, listen: Listen<'_>) -> napi::Result<()> {
        call::here(&listen, || {
            let event: BuildEvent = values::event(&fields)?;
            self.core.validate_build(&event)
        })
    }

    /// Checks a deployment as it would be sent.
    #[napi]
    pub fn validate_deployment(&self, fields: String, listen: Listen<'_>) -> napi::Result<()> {
        call::here(&listen, || {
            let event: DeploymentEvent = values::event(&fields)?;
            self.core.validate_deployment(&event)
        })
    }

    /// Explains a build, as JSON.
    #[napi]
    pub fn explain_build(&self, fields: String, listen: Listen<'_>) -> napi::Result<String> {
        call::here(&listen, || {
            let event: BuildEvent = values::event(&fields)?;
            Ok(self.core.explain_build(&event)?.to_json().to_string())
        })
    }

    /// Explains a deployment, as JSON.
    #[napi]
    pub fn explain_deployment(&self, fields: String, listen: Listen<'_>) -> napi::Result<String> {
        call::here(&listen, || {
            let event: DeploymentEvent = values::event(&fields)?;
            Ok(self.core.explain_deployment(&event)?.to_json().to_string())
        })
    }

    /// A span of a build that has asked nothing yet.
    #[napi]
    pub fn prepare_build(&self, fields: String, listen: Listen<'_>) -> napi::Result<Span> {
        call::here(&listen, || {
            let event: BuildEvent = values::event(&fields)?;
            Ok(Span::new(self.core.prepare_build(&event)?))
        })
    }

    /// A span of a deployment that has asked nothing yet.
    #[napi]
    pub fn prepare_deployment(&self, fields: String, listen: Listen<'_>) -> napi::Result<Span> {
        call::here(&listen, || {
            let event: DeploymentEvent = values::event(&fields)?;
            Ok(Span::new(self.core.prepare(&event)?))
        })
    }

    /// A span of its saved text.
    #[napi]
    pub fn restore(&self, text: String, listen: Listen<'_>) -> napi::Result<Span> {
        call::here(&listen, || Ok(Span::new(self.core.restore(&text)?)))
    }

    /// Ends every call in progress.
    #[napi]
    pub fn cancel(&self) {
        self.core.cancel();
    }

    /// Base URL of the service.
    #[napi(getter)]
    pub fn api_url(&self) -> &str {
        self.core.api_url()
    }

    /// Base URL of the web interface.
    #[napi(getter)]
    pub fn ui_url(&self) -> &str {
        self.core.ui_url()
    }
}
