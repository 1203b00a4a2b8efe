//! Keeps the messages in channels as they should be. One server of several does so at a time.
//!
//! What is to be told is no list of messages but of things: a message is made from the record when it is
//! sent. So Slack can be away for a day, and then hears the last state of each alone.
//!
//! Slack has no key by which a post that comes again counts once. So what is about to be posted is noted
//! before, and every message carries its name in its metadata: where no answer came, because Slack was slow or
//! this server was killed, the channel is looked through before anything is posted again (`find`).

use std::collections::HashMap;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::Slacked;
use super::asks::question_of;
use super::blocks::Message;
use super::client::{Client, SlackError};
use super::find::{Place, find, named};
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
const HOLD: i64 = 45 * SECOND;
/// How long a message may take, with all that is asked of Slack for it: less than a server holds on.
const LONGEST: Duration = Duration::from_secs(40);
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

    /// Takes note that a message is about to be shown; whether that is for this server to do.
    async fn begin(
        &self,
        app: &App,
        at: &Slacked,
        row: &SlackMessage,
        rendered: &Rendered,
    ) -> Result<bool, PageError> {
        let post = SlackCommand::Post {
            by: self.id.clone(),
            id: row.id.clone(),
            scm_sha: rendered.scm_sha.clone(),
            until: app.now() + HOLD,
        };
        is(app, at, post, "held").await
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
            // Many messages may take longer than one hold lasts; and what another server has told while it
            // was its turn is to be known.
            if !self.hold(app, at).await? {
                return Ok(());
            }
            let row = at.account.slack_message(row.id).await?;
            let Some(mut row) = row.filter(|row| row.wanted > row.sent) else {
                continue;
            };
            let rendered = render(app, at, &row).await?;
            let sought = row.posting;
            if rendered.is_noted(&row) {
                if !self.begin(app, at, &row, &rendered).await? {
                    return Ok(());
                }
                row.posting = sought.or(Some(app.now()));
            }
            let shown = self.show(app, at, &mut row, &rendered, sought);
            let result = tokio::time::timeout(LONGEST, shown).await;
            let result = result.unwrap_or_else(|_| {
                Err(SlackError::Away(
                    "Slack takes too long for this message".to_owned(),
                ))
            });
            let is_unknown = result.as_ref().is_err_and(SlackError::is_unknown);
            if !is_unknown {
                row.posting = sought.filter(|_| result.is_err());
            }
            if !self.note(app, at, &row, &rendered, result).await? {
                return Ok(());
            }
        }
        self.peace.retain(|_, until| Instant::now() < *until);
        Ok(())
    }

    /// Brings a message into its channel. `row` then knows what Slack calls it, even if the rest failed.
    /// What is `sought` may be there since then, without an answer.
    async fn show(
        &mut self,
        app: &App,
        at: &Slacked,
        row: &mut SlackMessage,
        rendered: &Rendered,
        sought: Option<i64>,
    ) -> Result<(), SlackError> {
        let Some(message) = rendered.changes(row) else {
            return Ok(());
        };
        let client = Client::of(app);
        if row.about == About::Approval && row.ts.is_none() {
            refuse_shared(&client, at, &row.channel).await?;
        }
        self.peace
            .insert(row.channel.clone(), Instant::now() + PEACE);
        let token = &at.secrets.bot_token;
        let channel = row.channel.as_str();
        let ts = match row.ts.clone() {
            Some(ts) => ts,
            None => {
                let place = Place {
                    channel,
                    below: None,
                };
                let found = match sought {
                    Some(since) => find(&client, token, &place, &row.id, since).await?,
                    None => None,
                };
                let Some(ts) = found else {
                    row.ts = Some(post(&client, token, &place, &row.id, message).await?);
                    return Ok(());
                };
                row.ts = Some(ts.clone());
                ts
            }
        };
        update(&client, token, (channel, &ts), &row.id, message).await?;
        let Some(reply) = &rendered.reply else {
            return Ok(());
        };
        let name = reply_of(&row.id);
        let below = Place {
            channel,
            below: Some(&ts),
        };
        if let Some(since) = sought
            && find(&client, token, &below, &name, since).await?.is_some()
        {
            return Ok(());
        }
        tokio::time::sleep(PEACE).await;
        self.peace
            .insert(row.channel.clone(), Instant::now() + PEACE);
        post(&client, token, &below, &name, reply).await.map(drop)
    }

    async fn note(
        &mut self,
        app: &App,
        at: &Slacked,
        row: &SlackMessage,
        rendered: &Rendered,
        result: Result<(), SlackError>,
    ) -> Result<bool, PageError> {
        let mut shown = Shown {
            id: row.id.clone(),
            ts: row.ts.clone(),
            shown: rendered.shown.clone(),
            sent: Some(row.wanted),
            attempts: 0,
            not_before: 0,
            open: rendered.open,
            error: None,
            posting: row.posting,
        };
        match result {
            Ok(()) => (self.failures, self.rest, self.problem) = (0, None, None),
            Err(error) => {
                shown.error = Some(error.to_string());
                shown.shown.clone_from(&row.shown);
                self.problem = Some(error.to_string());
                let now = Instant::now();
                let is_gone = row.ts.is_some() && error.is_of("message_not_found");
                match &error {
                    // Somebody has removed it. Who was to decide is asked anew; what was only told is not
                    // told again.
                    _ if is_gone && rendered.asks() => {
                        (shown.ts, shown.shown, shown.sent) = (None, String::new(), None);
                        (shown.error, self.problem) = (None, None);
                    }
                    _ if is_gone => (shown.error, self.problem) = (None, None),
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
        let by = self.id.clone();
        is(app, at, SlackCommand::Shown { by, shown }, "held").await
    }
}

/// What the reply below a message is called.
fn reply_of(id: &str) -> String {
    format!("{id}/reply")
}

/// The members of a request that brings a message of this name into a channel.
fn body_of(channel: &str, name: &str, message: &Message) -> Value {
    let mut body = message.to_json();
    body["channel"] = json!(channel);
    body["metadata"] = named(name);
    // By itself `chat.update` makes links and mentions of what looks like one.
    body["parse"] = json!("none");
    body["link_names"] = json!(false);
    body
}

/// Posts a message, and answers what Slack calls it.
async fn post(
    client: &Client<'_>,
    token: &str,
    place: &Place<'_>,
    name: &str,
    message: &Message,
) -> Result<String, SlackError> {
    let mut body = body_of(place.channel, name, message);
    body["unfurl_links"] = json!(false);
    body["unfurl_media"] = json!(false);
    if let Some(ts) = place.below {
        body["thread_ts"] = json!(ts);
        body["reply_broadcast"] = json!(true);
    }
    let answer = client.call("chat.postMessage", token, &body).await?;
    let ts = answer["ts"].as_str().map(str::to_owned);
    ts.ok_or_else(|| SlackError::Away("Slack answers without ts".to_owned()))
}

/// Changes a message in its place.
async fn update(
    client: &Client<'_>,
    token: &str,
    (channel, ts): (&str, &str),
    name: &str,
    message: &Message,
) -> Result<(), SlackError> {
    let mut body = body_of(channel, name, message);
    body["ts"] = json!(ts);
    client.call("chat.update", token, &body).await.map(drop)
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
