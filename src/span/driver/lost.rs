//! What is told of a span whose process is gone, or that nobody holds any more.

use std::process;
use std::sync::atomic::Ordering;

use super::{End, Error, Level, Span, Status, end_key, lock};

impl Span {
    /// Puts `aborted` into the outbox, if there is one, for the case that this process is gone before
    /// it tells how it ended. Until then nobody delivers it. Says whether it is there.
    #[cfg_attr(
        not(any(feature = "cli", test)),
        expect(
            dead_code,
            reason = "for a command that goes on after it was asked to end"
        )
    )]
    pub(crate) fn hold_abort(&self) -> Result<bool, Error> {
        self.check_owner()?;
        let aborted = End::new(Status::Aborted.as_str());
        let event = self.end_event(&lock(&self.machine), &aborted);
        let (event, _) = event.map_err(|failure| self.failed(failure))?;
        let key = end_key(&self.id);
        let message = self.message(&event, &key, None);
        let (_, sender, _) = self.client.parts();
        match self.client.hold(&message, sender.clock().date()) {
            Some(Ok(held)) => {
                *lock(&self.held) = Some(held);
                return Ok(true);
            }
            Some(Err(warning)) => self.client.log(Level::Warning, &warning.message),
            None => {}
        }
        Ok(false)
    }

    /// Whether it goes on, and nobody else could end it.
    pub(crate) fn is_forgotten(&self) -> bool {
        self.owner == process::id() && !self.is_saved.load(Ordering::Acquire) && self.is_open()
    }

    /// Nobody holds it any more, and nobody may wait for the service here: that it was aborted goes
    /// into the outbox, if there is one.
    pub(super) fn lose(&self) {
        let log = |message: &str| self.client.log(Level::Warning, message);
        log("a span was lost without an end");
        let (_, sender, _) = self.client.parts();
        let Ok(event) = self.ended_as_aborted() else {
            return;
        };
        let key = end_key(&self.id);
        let message = self.message(&event, &key, None);
        match self.client.keep_for_later(&message, sender.clock().date()) {
            Some(Ok(file)) => log(&format!(
                "that it was aborted is kept in {}",
                file.display()
            )),
            Some(Err(warning)) => log(&warning.message),
            None => {}
        }
    }
}

#[cfg(all(test, feature = "cli"))]
mod tests {
    use serde_json::Value;
    use tempfile::TempDir;

    use crate::client::Client;
    use crate::input::environment::Environment;
    use crate::input::settings::Options;
    use crate::model::event::DeploymentEvent;
    use crate::span::{End, Span};

    /// A client that reaches nobody.
    fn client(outbox: &TempDir) -> Client {
        let options = Options {
            api_key: "sk_test_k1_secretsecret".to_owned(),
            api_url: "http://127.0.0.1:1".to_owned(),
            fail_on_api_error: Some(false),
            max_retries: Some(0),
            environment: Some(Environment::default()),
            outbox: outbox.path().join("outbox").display().to_string(),
            ..Options::default()
        };
        Client::new(options).expect("a client")
    }

    fn begun(client: &Client) -> Span {
        let event = DeploymentEvent {
            product: "api".into(),
            environment: "production".into(),
            version: "1".into(),
            ..DeploymentEvent::default()
        };
        client.begin(&event).expect("best effort")
    }

    /// The status of each event that waits and that nobody holds.
    fn waiting(client: &Client) -> Vec<String> {
        let listed = client.list_outbox().expect("a list").data;
        let queued = listed.expect("data")["queued"].clone();
        let queued: Vec<Value> = serde_json::from_value(queued).expect("a list");
        let status = |event: &Value| event["status"].as_str().unwrap_or_default().to_owned();
        queued.iter().map(status).collect()
    }

    #[test]
    fn what_is_held_waits_once_nobody_holds_it() {
        let folder = TempDir::new().expect("a folder");
        let client = client(&folder);
        let span = begun(&client);
        assert!(span.hold_abort().expect("its owner"));
        assert_eq!(waiting(&client), ["started"]);
        // As the end of the process would.
        let held = super::lock(&span.held).take();
        drop(held);
        assert_eq!(waiting(&client), ["started", "aborted"]);
    }

    #[test]
    fn an_end_takes_the_place_of_what_was_held() {
        let folder = TempDir::new().expect("a folder");
        let client = client(&folder);
        let span = begun(&client);
        assert!(span.hold_abort().expect("its owner"));
        let ended = span
            .end(&End::new("completed"))
            .expect("an end that is kept");
        assert!(ended.is_queued());
        assert_eq!(waiting(&client), ["started", "completed"]);
    }
}
