//! Jobs that wait for a verdict, asked for again and again as those who wait at `/preflight/` ask.

use std::time::Duration;

use futures_util::future::BoxFuture;
use serde_json::Value;
use tokio::time::Instant;

use super::client::{Client, GithubError};
use crate::domain::answer::Verdict;
use crate::domain::gate::{Asked, LONGEST, Wait, holders, refused};
use crate::domain::queue::{End, Item, Kind};
use crate::domain::source::Source;
use crate::jobs::queue::{Ending, Handler, Place};
use crate::store::StoreError;
use crate::store::flow::{Command, GateCommand, Outcome, Step};
use crate::store::transaction::Envelope;

const SECOND: i64 = 1_000_000;
/// How long one look lasts, if nothing happens: what else is to be done fits into a claim of the row.
const LOOK: Duration = Duration::from_secs(15);
/// The shortest time between two looks, however much happens meanwhile.
const PAUSE: Duration = Duration::from_millis(200);
/// When it is tried again if GitHub says nothing of the run.
const AGAIN: i64 = 60 * SECOND;

/// Asks for jobs that wait.
pub struct Asks;

impl Handler for Asks {
    fn kind(&self) -> Kind {
        Kind::Gate
    }

    fn at_once(&self) -> usize {
        128
    }

    fn handle<'a>(&'a self, place: &'a Place, item: &'a Item) -> BoxFuture<'a, Ending> {
        Box::pin(async move {
            match handle(place, item).await {
                Ok(ending) => ending,
                Err(error) => {
                    tracing::warn!(row = %item.id, %error, "a job that waits is asked for later");
                    let reason = "the database did not answer".to_owned();
                    End::Again(place.app.now() + 5 * SECOND, reason).into()
                }
            }
        })
    }
}

/// Where people find the pages, for links.
fn base(place: &Place) -> Option<String> {
    let url = place.app.reach.public_url.as_ref()?;
    Some(url.to_string().trim_end_matches('/').to_owned())
}

async fn handle(place: &Place, item: &Item) -> Result<Ending, StoreError> {
    let now = place.app.now();
    let found = place.account.source(item.topic.clone()).await?;
    let Some(source) = found.filter(|source| source.removed_at.is_none()) else {
        return Ok(End::Ignored("its source was removed".to_owned()).into());
    };
    if !source.enabled {
        return Ok(End::Again(now + AGAIN, "its source is switched off".to_owned()).into());
    }
    let (wait, event) = match Wait::of(item) {
        Ok(read) => read,
        Err(error) => return Ok(End::Dead(format!("it cannot be read: {error}")).into()),
    };
    let asked = Asked {
        wait,
        source_id: source.id.clone(),
        event,
        base: base(place),
    };
    if now - asked.wait.since > LONGEST {
        let reason = "Nobody has let it go on for 29 days".to_owned();
        return Ok(step(place, GateCommand::Reject(Box::new(asked), reason)));
    }
    if asked.wait.deployment_id.is_some() {
        match wait_for_change(place, &asked).await? {
            Seen::Held(by) => return Ok(End::Again(place.app.now(), by).into()),
            Seen::Ended(None) => {
                return Ok(End::Ignored("its deployment has ended".to_owned()).into());
            }
            Seen::Ended(Some(reason)) => {
                return Ok(step(place, GateCommand::Reject(Box::new(asked), reason)));
            }
            Seen::Changed => {}
        }
    }
    Ok(ask(place, &source, asked).await)
}

/// What somebody who looks sees.
enum Seen {
    /// The same rules hold it, by these names.
    Held(String),
    /// Something else holds it now, or nothing.
    Changed,
    /// Its deployment has ended, for a reason if somebody gave one.
    Ended(Option<String>),
}

/// Looks until something else holds it, or for a while.
async fn wait_for_change(place: &Place, asked: &Asked) -> Result<Seen, StoreError> {
    let app = &place.app;
    let account = asked.source_id.split_once('_').map_or("", |(name, _)| name);
    let mut follower = app.directory().follow(account);
    let until = Instant::now() + LOOK;
    loop {
        let pause = Instant::now() + PAUSE;
        let Some(verdict) = look(place, asked).await? else {
            return Ok(Seen::Changed);
        };
        if !verdict.body["ended"].is_null() {
            let by = verdict.body["ended"]["by"].as_str().map(str::to_owned);
            return Ok(Seen::Ended(by));
        }
        let is_same = !verdict.allowed && verdict.held_by == asked.wait.held_by;
        if !is_same || refused(&verdict).is_some() {
            return Ok(Seen::Changed);
        }
        if Instant::now() >= until || app.is_stopping() {
            return Ok(Seen::Held(format!("held by {}", holders(&verdict))));
        }
        let by_itself = verdict.changes_at.map(|at| {
            let micros = at.saturating_sub(app.now()).max(0);
            Instant::now() + Duration::from_micros(micros.unsigned_abs())
        });
        tokio::select! {
            () = follower.touched(&verdict.place) => {}
            () = tokio::time::sleep_until(by_itself.unwrap_or(until).min(until)) => {}
            () = app.stopped() => {}
        }
        tokio::select! {
            () = tokio::time::sleep_until(pause) => {}
            () = app.stopped() => {}
        }
        follower.catch_up();
    }
}

/// The verdict as things stand; none if its event cannot be read any more, which is told where it asks.
async fn look(place: &Place, asked: &Asked) -> Result<Option<Box<Verdict>>, StoreError> {
    let envelope = Envelope::new(asked.actor(), place.app.now());
    let command = Command::Gate(GateCommand::Look(Box::new(asked.clone())));
    match place.account.write(envelope, command).await? {
        Outcome::Looked(verdict) => Ok(Some(verdict)),
        _ => Ok(None),
    }
}

/// Asks, if the run still goes on.
async fn ask(place: &Place, source: &Source, mut asked: Asked) -> Ending {
    let known = match Client::of(place, source).await {
        Ok(client) => client.run(&asked.wait.callback).await,
        Err(error) => Err(error),
    };
    match known {
        Ok(Some(run)) => {
            if let Some(over) = learn(&mut asked.event, &run) {
                return End::Ignored(over).into();
            }
        }
        Ok(None) => {}
        Err(GithubError::Gone(reason)) => return End::Dead(reason).into(),
        Err(error) => {
            let pause = match &error {
                GithubError::Limited(pause) => *pause,
                _ => AGAIN,
            };
            return End::Again(place.app.now() + pause, error.to_string()).into();
        }
    }
    step(place, GateCommand::Ask(Box::new(asked)))
}

fn step(place: &Place, command: GateCommand) -> Ending {
    let actor = match &command {
        GateCommand::Look(asked)
        | GateCommand::Ask(asked)
        | GateCommand::Reject(asked, _)
        | GateCommand::GiveBack { asked, .. } => asked.actor(),
    };
    Ending {
        end: End::Done(None),
        steps: vec![Step {
            envelope: Envelope::new(actor, place.app.now()),
            command: Command::Gate(command),
        }],
    }
}

/// The mark that tells the attempts of a run apart.
const ATTEMPT: &str = "vi_gh_run_attempt";

/// Adds to a start what is known of its run. Says why the job waits no more, if it does not.
fn learn(event: &mut Value, run: &Value) -> Option<String> {
    if run["status"] == "completed" {
        let how = run["conclusion"].as_str().unwrap_or("over");
        let how: String = how.chars().take(40).collect();
        return Some(format!("its run is over ({how})"));
    }
    let number = |name: &str| run[name].as_i64();
    if let Some(attempt) = number("run_attempt") {
        let before = event["extra_metadata"][ATTEMPT].as_str().map(str::to_owned);
        if before.is_some_and(|before| before != attempt.to_string()) {
            return Some("its run was started again".to_owned());
        }
        event["extra_metadata"][ATTEMPT] = attempt.to_string().into();
    }
    let who = run["triggering_actor"]["login"]
        .as_str()
        .or(run["actor"]["login"].as_str());
    let members = [
        ("deployed_by", who.map(str::to_owned)),
        (
            "build_number",
            number("run_number").map(|one| one.to_string()),
        ),
        ("scm_branch", run["head_branch"].as_str().map(str::to_owned)),
    ];
    for (name, value) in members {
        if let Some(value) = value {
            event[name] = value.into();
        }
    }
    None
}
