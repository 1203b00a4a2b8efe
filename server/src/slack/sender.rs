//! Keeps the messages in channels as they should be. One server of several does so at a time.
//!
//! What is to be told is no list of messages but of things: a message is made from the record when it is
//! sent. So Slack can be away for a day, and then hears the last state of each alone.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::Slacked;
use super::asks::question_of;
use super::blocks::Message;
use super::client::{Client, SlackError};
use super::render::{Rendered, render};
use crate::api::App;
use crate::api::error::answered;
use crate::domain::deployment::State;
use crate::domain::slack::Channel;
use crate::pages::PageError;
use crate::store::flow::{Command, QUEUES_HELD, SlackCommand};
use crate::store::transaction::Envelope;
use crate::store::views::Deployment;
use crate::store::{About, Shown, SlackMessage, Touch};

const SECOND: i64 = 1_000_000;
/// For how long a server alone tells what there is to tell; another takes over if it is gone.
/// That is longer than a message may take: three requests of ten seconds, and the peace between them.
const HOLD: i64 = 45 * SECOND;
/// How long a channel has peace after a message.
const PEACE: Duration = Duration::from_secs(1);
/// The most rows of the log that are looked through at once.
const ROWS: i64 = 200;
/// For how long the log is followed before messages are sent: where something happens all the time it has
/// no end.
const FOLLOWING: Duration = Duration::from_secs(1);
/// The most messages that are looked at at once.
const AT_ONCE: i64 = 50;
/// The longest pause after Slack did not answer.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// How often a message is tried that Slack does not take for a reason of its own.
const MOST_ATTEMPTS: i64 = 5;

/// What a server knows of Slack's patience with an account.
pub struct Sender {
    /// What the server is called among others.
    id: String,
    /// Until when a channel has peace.
    peace: HashMap<String, Instant>,
    /// Until when all of Slack has.
    rest: Option<Instant>,
    /// How often in a row Slack did not answer.
    failures: u32,
    /// What went wrong last.
    pub problem: Option<String>,
}

impl Sender {
    /// One that has said nothing yet.
    pub fn new(id: String) -> Sender {
        Sender {
            id,
            peace: HashMap::new(),
            rest: None,
            failures: 0,
            problem: None,
        }
    }

    /// Tells what there is to tell now, if that is for this server to do.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn turn(&mut self, app: &App, at: &Slacked) -> Result<(), PageError> {
        if !self.hold(app, at).await? {
            return Ok(());
        }
        follow(app, at).await?;
        if at.account.setting(QUEUES_HELD).await?.as_deref() == Some("true") {
            return Ok(());
        }
        self.send(app, at).await
    }

    /// Lets nobody else tell anything for a while; whether it is so.
    async fn hold(&self, app: &App, at: &Slacked) -> Result<bool, PageError> {
        let hold = SlackCommand::Hold {
            by: self.id.clone(),
            until: app.now() + HOLD,
        };
        is(app, at, hold, "held").await
    }

    async fn send(&mut self, app: &App, at: &Slacked) -> Result<(), PageError> {
        for row in at.account.slack_due(app.now(), AT_ONCE).await? {
            let now = Instant::now();
            if self.rest.is_some_and(|until| now < until) {
                return Ok(());
            }
            if self
                .peace
                .get(&row.channel)
                .is_some_and(|until| now < *until)
            {
                continue;
            }
            // Many messages may take longer than one hold lasts.
            if !self.hold(app, at).await? {
                return Ok(());
            }
            let rendered = render(app, at, &row).await?;
            let result = self.show(app, at, &row, &rendered).await;
            self.note(app, at, &row, &rendered, result).await?;
        }
        self.peace.retain(|_, until| Instant::now() < *until);
        Ok(())
    }

    /// Brings a message into its channel, and answers what Slack calls it.
    async fn show(
        &mut self,
        app: &App,
        at: &Slacked,
        row: &SlackMessage,
        rendered: &Rendered,
    ) -> Result<Option<String>, SlackError> {
        let Some(message) = &rendered.message else {
            return Ok(None);
        };
        if row.shown == rendered.shown {
            return Ok(None);
        }
        let client = Client::of(app);
        if row.about == About::Approval && row.ts.is_none() {
            refuse_shared(&client, at, &row.channel).await?;
        }
        self.peace
            .insert(row.channel.clone(), Instant::now() + PEACE);
        let token = &at.secrets.bot_token;
        let Some(ts) = &row.ts else {
            return post(&client, token, &row.channel, message, None).await;
        };
        let mut body = message.to_json();
        body["channel"] = json!(row.channel);
        body["ts"] = json!(ts);
        client.call("chat.update", token, &body).await?;
        if let Some(reply) = &rendered.reply {
            tokio::time::sleep(PEACE).await;
            post(&client, token, &row.channel, reply, Some(ts)).await?;
            self.peace
                .insert(row.channel.clone(), Instant::now() + PEACE);
        }
        Ok(None)
    }

    async fn note(
        &mut self,
        app: &App,
        at: &Slacked,
        row: &SlackMessage,
        rendered: &Rendered,
        result: Result<Option<String>, SlackError>,
    ) -> Result<(), PageError> {
        let mut shown = Shown {
            id: row.id.clone(),
            ts: None,
            shown: rendered.shown.clone(),
            sent: Some(row.wanted),
            attempts: 0,
            not_before: 0,
            open: rendered.open,
            error: None,
        };
        match result {
            Ok(ts) => {
                shown.ts = ts;
                (self.failures, self.rest, self.problem) = (0, None, None);
            }
            Err(error) => {
                shown.error = Some(error.to_string());
                shown.shown.clone_from(&row.shown);
                self.problem = Some(error.to_string());
                let now = Instant::now();
                match &error {
                    SlackError::Limited(seconds) => {
                        let until = now + Duration::from_secs(*seconds);
                        self.peace.insert(row.channel.clone(), until);
                        self.rest = Some(until);
                        shown.sent = None;
                    }
                    // Nothing is wrong with the message: it waits, and so do all others.
                    error if error.is_passing() => {
                        self.failures = (self.failures + 1).min(6);
                        let pause = Duration::from_secs(1 << self.failures);
                        self.rest = Some(now + pause.min(LONGEST_PAUSE));
                        shown.sent = None;
                    }
                    _ if row.attempts + 1 < MOST_ATTEMPTS => {
                        shown.sent = None;
                        shown.attempts = row.attempts + 1;
                        shown.not_before = app.now() + (10 << row.attempts.min(8)) * SECOND;
                    }
                    // The next change of it is another try.
                    _ => {}
                }
                tracing::warn!(account = %at.account_name, channel = %row.channel, %error,
                    "a message is not in Slack yet");
            }
        }
        write(app, at, SlackCommand::Shown(shown)).await.map(drop)
    }
}

/// Posts a message, below another one if there is one, and answers what Slack calls it.
async fn post(
    client: &Client<'_>,
    token: &str,
    channel: &str,
    message: &Message,
    below: Option<&str>,
) -> Result<Option<String>, SlackError> {
    let mut body = message.to_json();
    body["channel"] = json!(channel);
    body["unfurl_links"] = json!(false);
    body["unfurl_media"] = json!(false);
    if let Some(ts) = below {
        body["thread_ts"] = json!(ts);
        body["reply_broadcast"] = json!(true);
    }
    let answer = client.call("chat.postMessage", token, &body).await?;
    match answer["ts"].as_str() {
        Some(ts) => Ok(Some(ts.to_owned())),
        None => Err(SlackError::Away("Slack answers without ts".to_owned())),
    }
}

/// Makes sure that nobody outside of our team sees a channel in which people decide.
async fn refuse_shared(client: &Client<'_>, at: &Slacked, channel: &str) -> Result<(), SlackError> {
    let token = &at.secrets.bot_token;
    let answer = client
        .call_form("conversations.info", token, &[("channel", channel)])
        .await?;
    let of = &answer["channel"];
    let shared = ["is_shared", "is_ext_shared", "is_pending_ext_shared"];
    match shared.into_iter().any(|key| of[key] == true) {
        true => Err(SlackError::Refused(
            "that the channel is shared with others, so nobody is asked for approvals there"
                .to_owned(),
        )),
        false => Ok(()),
    }
}

/// Takes note of what is to be told of what happened since the last time.
async fn follow(app: &App, at: &Slacked) -> Result<(), PageError> {
    let mut from = at.followed;
    let begun = Instant::now();
    while begun.elapsed() < FOLLOWING {
        let happened = at.account.happened(from, ROWS).await?;
        if happened.to == from {
            return Ok(());
        }
        let mut touches = Vec::new();
        for id in happened.deployments {
            let Some(deployment) = at.account.one::<Deployment>(id).await? else {
                continue;
            };
            let mut touched = touches_of(&deployment, &at.slack.channels);
            if touched
                .iter()
                .any(|touch| touch.about == About::Approval && touch.new)
            {
                // Only what people can let through is asked.
                let question = question_of(&deployment);
                let standing =
                    super::asks::standing(app, &at.account, &question, &deployment).await?;
                let asks = !standing.asked.is_empty();
                for touch in &mut touched {
                    touch.new &= asks || touch.about == About::Deployment;
                }
            }
            touches.extend(touched);
        }
        let command = SlackCommand::Follow {
            part: (from, happened.to),
            touches,
            decided: happened.decided,
        };
        if !is(app, at, command, "done").await? {
            return Ok(());
        }
        from = happened.to;
    }
    Ok(())
}

/// The messages that a change of a deployment concerns.
fn touches_of(deployment: &Deployment, channels: &[Channel]) -> Vec<Touch> {
    let mut touches = Vec::new();
    for channel in channels {
        if !channel.is_for(&deployment.product_name, &deployment.environment_name) {
            continue;
        }
        let touch = |about, new| Touch {
            about,
            deployment_id: deployment.id.clone(),
            topic: format!("{}/{}", deployment.version_id, deployment.environment_id),
            channel: channel.channel.clone(),
            new,
        };
        let told = channel.statuses.contains(&deployment.status);
        touches.push(touch(About::Deployment, told));
        let asks = channel.approvals && deployment.status == State::PreflightFailed;
        touches.push(touch(About::Approval, asks));
    }
    touches
}

async fn is(app: &App, at: &Slacked, command: SlackCommand, key: &str) -> Result<bool, PageError> {
    let answer = write(app, at, command).await?;
    let answer: serde_json::Value = serde_json::from_str(&answer).unwrap_or_default();
    Ok(answer[key] == true)
}

async fn write(app: &App, at: &Slacked, command: SlackCommand) -> Result<String, PageError> {
    let envelope = Envelope::of_server(app.now());
    let outcome = at.account.write(envelope, Command::Slack(command)).await?;
    Ok(answered(outcome)?.body)
}
