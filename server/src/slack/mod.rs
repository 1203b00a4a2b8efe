//! Slack: what people ask there, what they decide there, and what is told there.
//!
//! `payload`, `command`, `signature`, `text`, `blocks` and `manifest` know the protocol and nothing else. `doors`
//! and `socket` are the two ways in, `hear` what follows from what comes in, `who` who it is from, `answers` and
//! `decide` what it says; `sender` keeps the messages in channels as they should be, `render` says what that is.

mod answers;
mod asks;
mod blocks;
mod client;
mod command;
mod decide;
pub mod doors;
mod find;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod hear;
mod manifest;
mod payload;
mod render;
mod sender;
mod signature;
mod socket;
mod text;
mod who;
mod work;

use std::sync::Arc;

use axum::http::Uri;

use crate::api::App;
use crate::api::error::ApiError;
use crate::domain::deployment::State;
use crate::domain::people::{Identity, Known};
use crate::domain::slack::{SECRETS, Secrets, Slack};
use crate::store::Account;
use crate::store::StoreError;

pub use client::{Client, SlackError};
pub use manifest::{Reached, manifest};
pub use work::{Standing, Work, read_api, run};

/// Where Slack is.
pub const SLACK_API: &str = "https://slack.com/api/";

/// What somebody is told whom the account does not know.
const UNKNOWN: &str = "Nobody here is known by your Slack user. Type `/versioner link`, and enter the code \
    on the pages.";

/// An account that Slack is reached for.
pub struct Slacked {
    /// The name of the account.
    pub account_name: String,
    /// The account.
    pub account: Arc<Account>,
    /// How Slack is reached.
    pub slack: Slack,
    /// The secrets.
    pub secrets: Secrets,
    /// The place in the log up to which is known what is to be told.
    pub followed: i64,
}

impl Slacked {
    /// How Slack is reached for an account, if it is.
    ///
    /// # Errors
    /// If the database fails, or the secrets were encrypted with another key.
    pub async fn of(
        app: &App,
        account_name: &str,
        account: Arc<Account>,
    ) -> Result<Option<Slacked>, ApiError> {
        let Some(reached) = account.slack().await? else {
            return Ok(None);
        };
        let secrets = open(app, &reached.sealed)?;
        Ok(Some(Slacked {
            account_name: account_name.to_owned(),
            account,
            slack: reached.slack,
            secrets,
            followed: reached.followed,
        }))
    }

    /// The person that a user of our own team is, if one is known by it.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn person(&self, user: &str) -> Result<Option<Known>, StoreError> {
        let identity = Identity::of_slack(&self.slack.team_id, user);
        let mut people = self.account.people().await?.into_iter();
        Ok(people.find(|known| known.identities.contains(&identity)))
    }
}

/// Encrypts the secrets of an account.
///
/// # Errors
/// If there is no key to do so.
pub fn seal(app: &App, secrets: &Secrets) -> Result<Vec<u8>, ApiError> {
    let text = serde_json::to_vec(secrets).map_err(StoreError::from)?;
    Ok(app.secrets()?.seal(SECRETS, &text)?)
}

/// Reads them.
///
/// # Errors
/// If they were encrypted with another key.
pub fn open(app: &App, sealed: &[u8]) -> Result<Secrets, ApiError> {
    let text = app.secrets()?.open(SECRETS, sealed)?;
    Ok(serde_json::from_slice(&text).map_err(StoreError::from)?)
}

/// A time as whoever reads it would say it.
fn at(rfc3339: &str) -> text::Text {
    text::time(crate::pages::micros(rfc3339))
}

/// What became of a deployment, in the middle of a sentence.
const fn state_words(state: State) -> &'static str {
    match state {
        State::Pending => "waits in a queue",
        State::PreflightFailed => "is held by a rule",
        State::Started => "is in progress",
        State::Completed => "completed",
        State::Failed => "failed",
        State::Aborted => "was aborted",
    }
}

/// Whether an address is Slack's: of `base`, or of the host by which Slack takes answers.
fn is_of_slack(address: &Uri, base: &Uri) -> bool {
    let same = address.scheme() == base.scheme() && address.authority() == base.authority();
    let hooks = address.scheme_str() == Some("https")
        && address
            .authority()
            .is_some_and(|of| of.as_str() == "hooks.slack.com");
    same || hooks
}

#[cfg(test)]
mod tests {
    use super::is_of_slack;

    #[test]
    fn answers_go_to_slack_and_nowhere_else() {
        let base = "https://slack.com/api/".parse().unwrap();
        let is = |address: &str| is_of_slack(&address.parse().unwrap(), &base);
        assert!(is("https://hooks.slack.com/commands/T1/1/x"));
        assert!(is("https://slack.com/x"));
        for other in [
            "http://hooks.slack.com/x",
            "https://hooks.slack.com.evil.example/x",
            "https://hooks.slack.com:8443/x",
            "https://a@hooks.slack.com/x",
            "http://169.254.169.254/x",
            "/x",
        ] {
            assert!(!is(other), "{other}");
        }
    }
}
