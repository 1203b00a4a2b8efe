//! What goes on for Slack beside requests, in every account that it is reached for.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::Uri;
use tokio::sync::Notify;
use tokio::task::{Id, JoinSet};

use super::sender::Sender;
use super::{SLACK_API, Slacked, socket};
use crate::api::App;
use crate::domain::slack::Slack;
use crate::pages::PageError;
use crate::store::{Account, new_id};

/// How often is looked for what other servers have left, and for what is due by now.
const PAUSE: Duration = Duration::from_secs(1);
/// After how many of these accounts are looked at that nobody uses now.
const SCAN: u32 = 60;
/// What a server is called that has its data for itself: it goes on with what the one before it held.
const ALONE: &str = "alone";

/// How it stands with Slack for an account, at this server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// Why nothing can be told, if it cannot.
    pub problem: Option<String>,
    /// Whether there is a socket, if there should be one.
    pub socket: Option<bool>,
}

/// What goes on.
pub struct Work {
    /// Where Slack is.
    pub api: Uri,
    standing: Mutex<BTreeMap<String, Standing>>,
    changed: Notify,
}

impl Default for Work {
    fn default() -> Work {
        Work::at(Uri::from_static(SLACK_API))
    }
}

impl Work {
    /// The same with a Slack that is elsewhere.
    pub fn at(api: Uri) -> Work {
        Work {
            api,
            standing: Mutex::default(),
            changed: Notify::new(),
        }
    }

    /// Says that Slack is reached for an account in another way.
    pub fn change(&self) {
        self.changed.notify_one();
    }

    /// How it stands for an account.
    pub fn standing(&self, account: &str) -> Standing {
        let all = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(account).cloned().unwrap_or_default()
    }

    fn set(&self, account: &str, change: impl FnOnce(&mut Standing)) {
        let mut all = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        change(all.entry(account.to_owned()).or_default());
    }
}

/// Reads where Slack is: an address that ends with a slash.
///
/// # Errors
/// What is wrong with it.
pub fn read_api(text: &str) -> Result<Uri, String> {
    let text = format!("{}/", text.trim().trim_end_matches('/'));
    let wrong = || format!("{text:?} is no address; write {SLACK_API}");
    let uri: Uri = text.parse().map_err(|_| wrong())?;
    let is_web = matches!(uri.scheme_str(), Some("http" | "https"));
    match is_web && uri.host().is_some() && uri.query().is_none() {
        true => Ok(uri),
        false => Err(wrong()),
    }
}

/// Works until it is dropped.
pub async fn run(app: Arc<App>) {
    let mut tasks: JoinSet<()> = JoinSet::new();
    let mut running: HashMap<Id, String> = HashMap::new();
    let mut ticks: u32 = 0;
    loop {
        while let Some(ended) = tasks.try_join_next_with_id() {
            // Even what has panicked begins again.
            let id = match &ended {
                Ok((id, ())) => *id,
                Err(error) => error.id(),
            };
            let name = running.remove(&id);
            if let Err(error) = ended {
                tracing::error!(account = name, %error, "what is told in Slack ended");
            }
        }
        let busy = running.values().cloned().collect();
        match unheard(&app, &busy, ticks.is_multiple_of(SCAN)).await {
            Ok(names) => {
                for name in names {
                    let task = tasks.spawn(serve(app.clone(), name.clone()));
                    running.insert(task.id(), name);
                }
            }
            Err(error) => tracing::warn!(?error, "accounts cannot be looked at for Slack"),
        }
        ticks = ticks.wrapping_add(1);
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            () = app.slack.changed.notified() => {}
        }
    }
}

/// The accounts that Slack is reached for, and that nothing goes on for yet.
async fn unheard(
    app: &App,
    running: &BTreeSet<String>,
    all: bool,
) -> Result<Vec<String>, PageError> {
    let open = app.directory.open_by_name();
    let mut names: BTreeSet<String> = open.into_iter().map(|(name, _)| name).collect();
    if all {
        names.extend(app.directory.names().await?);
    }
    let mut found = Vec::new();
    for name in names.difference(running) {
        match is_reached(app, name).await {
            Ok(true) => found.push(name.clone()),
            Ok(false) => {}
            // The others are not to wait for it.
            Err(error) => {
                tracing::warn!(account = %name, ?error, "an account cannot be looked at for Slack");
            }
        }
    }
    Ok(found)
}

/// Whether Slack is reached for an account.
async fn is_reached(app: &App, name: &str) -> Result<bool, PageError> {
    match app.directory.known_account(name).await? {
        Some(account) => Ok(account.slack().await?.is_some()),
        None => Ok(false),
    }
}

/// Does everything for one account, until Slack is reached for it no more.
async fn serve(app: Arc<App>, name: String) {
    let own = match app.directory.is_shared() {
        true => new_id(),
        false => ALONE.to_owned(),
    };
    let mut sender = Sender::new(own.clone());
    let mut follower = app.directory.follow(&name);
    let mut sockets: JoinSet<()> = JoinSet::new();
    let mut reached: Option<Slack> = None;
    loop {
        match look(&app, &name).await {
            Ok(Some(at)) => {
                let at = Arc::new(at);
                if reached.as_ref() != Some(&at.slack) {
                    reached = Some(at.slack.clone());
                    sender = Sender::new(own.clone());
                    sockets.abort_all();
                    sockets = JoinSet::new();
                    listen(&app, &at, &mut sockets);
                }
                match sender.turn(&app, &at).await {
                    Ok(()) => {
                        let problem = sender.problem.clone();
                        app.slack.set(&name, |standing| standing.problem = problem);
                    }
                    Err(error) => tracing::warn!(account = %name, ?error, "Slack is not told now"),
                }
            }
            Ok(None) => {
                app.slack
                    .set(&name, |standing| *standing = Standing::default());
                return;
            }
            Err(error) => {
                tracing::warn!(account = %name, ?error, "Slack is not told now");
                let problem = "The secrets cannot be read; was the key's file changed?".to_owned();
                app.slack
                    .set(&name, |standing| standing.problem = Some(problem));
            }
        }
        tokio::select! {
            _ = follower.next() => {}
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}

async fn look(app: &App, name: &str) -> Result<Option<Slacked>, PageError> {
    let account: Option<Arc<Account>> = app.directory.known_account(name).await?;
    match account {
        Some(account) => Ok(Slacked::of(app, name, account).await?),
        None => Ok(None),
    }
}

/// Opens a socket if there should be one.
fn listen(app: &Arc<App>, at: &Arc<Slacked>, sockets: &mut JoinSet<()>) {
    if at.secrets.app_token.is_none() {
        app.slack
            .set(&at.account_name, |standing| standing.socket = None);
        return;
    }
    app.slack
        .set(&at.account_name, |standing| standing.socket = Some(false));
    let (app, at) = (app.clone(), at.clone());
    sockets.spawn(async move {
        let (work, name) = (app.clone(), at.account_name.clone());
        let told = move |problem: Option<String>| {
            work.slack
                .set(&name, |standing| standing.socket = Some(problem.is_none()));
        };
        socket::run(app, at, told).await;
    });
}

#[cfg(test)]
mod tests {
    use super::read_api;

    #[test]
    fn an_address_of_slack_ends_with_a_slash() {
        assert_eq!(
            read_api("http://127.0.0.1:1/api").unwrap().to_string(),
            "http://127.0.0.1:1/api/"
        );
        for wrong in [
            "slack.com/api",
            "ftp://slack.com",
            "https://slack.com/api?x=1",
        ] {
            assert!(read_api(wrong).is_err(), "{wrong}");
        }
    }
}
