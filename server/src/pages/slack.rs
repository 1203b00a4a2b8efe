//! How Slack is reached, for admins; and who somebody is there, for everybody.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::{Value, json};

use super::error::PageError;
use super::filters;
use super::form::{Form, words};
use super::format::{self, Html, name};
use super::frame::{Frame, Here, show, show_as};
use super::once::Once;
use super::query::Query;
use super::viewer::{Admin, Viewer};
use crate::api::App;
use crate::api::error::refusal_status;
use crate::api::slack::{problem, putting};
use crate::auth::throttle::Counted;
use crate::domain::answer::Refusal;
use crate::domain::people::{IdentityKind, Known};
use crate::domain::slack::{Channel, code_hash};
use crate::slack::{Reached, Slacked, Standing, manifest};
use crate::store::flow::{Command, Expected, SlackCommand};

#[derive(Template)]
#[template(path = "slack.html")]
struct Page {
    frame: Frame,
    is_set: bool,
    team: String,
    app: String,
    by_address: bool,
    channels: String,
    has_signing: bool,
    has_socket: bool,
    /// The entity tag of what is shown; empty if there is nothing yet.
    etag: String,
    standing: Standing,
    waiting: i64,
    last_problem: Option<String>,
    manifest_socket: Html,
    manifest_http: Option<Html>,
    has_address: bool,
    said: Option<String>,
    problems: Vec<String>,
}

/// What was typed, and what is wrong with it.
struct Typed {
    form: Form,
    problems: Vec<String>,
    /// Whether somebody else has changed it since it was opened: who saves now does so knowingly.
    changed: bool,
}

/// Shows it.
///
/// # Errors
/// If the database fails.
pub async fn page(
    State(app): State<Arc<App>>,
    viewer: Admin,
    query: Query,
) -> Result<Response, PageError> {
    let said = match query.get("said") {
        Some("saved") => {
            let name = &viewer.account_name;
            let at = Slacked::of(&app, name, viewer.account.clone()).await?;
            let problem = match &at {
                Some(at) => problem(&app, at).await,
                None => None,
            };
            Some(match problem {
                Some(problem) => format!("It is saved, but: {problem}."),
                None => "It is saved, and Slack knows the app.".to_owned(),
            })
        }
        Some("removed") => Some("Slack is reached no more.".to_owned()),
        _ => None,
    };
    Ok(show(&draw(&app, &viewer, None, said).await?))
}

async fn draw(
    app: &App,
    viewer: &Viewer,
    typed: Option<Typed>,
    said: Option<String>,
) -> Result<Page, PageError> {
    let reached = viewer.account.slack().await?;
    let (waiting, error) = viewer.account.slack_waiting().await?;
    let account = viewer.account_name.as_str();
    let shown = |reached: &Reached<'_>| {
        Html::of(format!(
            "{}",
            format::lines(&format!("{:#}", manifest(reached, account)))
        ))
    };
    let base = app.reach.public_url.as_ref().map(ToString::to_string);
    let mut page = Page {
        frame: viewer.frame(Here::Me),
        is_set: reached.is_some(),
        team: String::new(),
        app: String::new(),
        by_address: false,
        channels: String::new(),
        has_signing: false,
        has_socket: false,
        etag: reached
            .as_ref()
            .map_or(String::new(), |reached| reached.slack.tag()),
        standing: app.slack.standing(account),
        waiting,
        last_problem: error,
        manifest_socket: shown(&Reached::BySocket),
        manifest_http: base.as_deref().map(|base| shown(&Reached::At(base))),
        has_address: base.is_some(),
        said,
        problems: Vec::new(),
    };
    if let Some(reached) = reached {
        let slack = reached.slack;
        page.has_signing = slack.signing_secret.is_some();
        page.has_socket = slack.app_token.is_some();
        (page.team, page.app) = (slack.team_id, slack.app_id);
        page.by_address = slack.by_address;
        page.channels = slack
            .channels
            .iter()
            .map(line_of)
            .collect::<Vec<_>>()
            .join("\n");
    }
    if let Some(Typed {
        form,
        problems,
        changed,
    }) = typed
    {
        if !changed {
            form.text("etag").clone_into(&mut page.etag);
        }
        page.team = form.text("team_id").to_owned();
        page.app = form.text("app_id").to_owned();
        page.by_address = !form.text("by_address").is_empty();
        page.channels = form.text("channels").to_owned();
        page.problems = problems;
    }
    Ok(page)
}

/// A channel as a line of the form: `C0123 environments=production,staging statuses=failed approvals=no`.
fn line_of(channel: &Channel) -> String {
    let mut line = channel.channel.clone();
    let lists = [
        ("environments", &channel.environments),
        ("products", &channel.products),
    ];
    for (key, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
        line += &format!(" {key}={}", list.join(","));
    }
    if channel.statuses.len() != 4 {
        let words: Vec<&str> = channel
            .statuses
            .iter()
            .map(|state| state.as_str())
            .collect();
        line += &format!(" statuses={}", words.join(","));
    }
    if !channel.approvals {
        line += " approvals=no";
    }
    line
}

/// The same read back.
fn channel_of(line: &str) -> Result<Value, String> {
    const KEYS: [&str; 4] = ["environments", "products", "statuses", "approvals"];
    let first = line.split_whitespace().next().unwrap_or_default();
    let mut channel = json!({ "channel": first });
    let mut rest = line[first.len()..].trim();
    while !rest.is_empty() {
        let wrong = || format!("{line:?}: write environments=, products=, statuses= or approvals=");
        let (key, value) = rest.split_once('=').ok_or_else(wrong)?;
        let key = key.trim();
        if !KEYS.contains(&key) {
            return Err(wrong());
        }
        // A name can have blanks in it: a value ends where the next key begins.
        let next = KEYS
            .iter()
            .filter_map(|key| value.find(&format!(" {key}=")))
            .min();
        let (value, after) = value.split_at(next.unwrap_or(value.len()));
        channel[key] = match key {
            "approvals" => json!(match value.trim() {
                "yes" => true,
                "no" => false,
                _ => return Err(format!("{line:?}: approvals= is yes or no")),
            }),
            _ => json!(words(value)),
        };
        rest = after.trim();
    }
    Ok(channel)
}

/// Saves it. A secret that is left empty stays as it is.
///
/// # Errors
/// If the database fails.
pub async fn save(
    State(app): State<Arc<App>>,
    viewer: Admin,
    form: Form,
) -> Result<Response, PageError> {
    let mut problems = Vec::new();
    let mut body = json!({
        "team_id": form.text("team_id"),
        "app_id": form.text("app_id"),
        "by_address": !form.text("by_address").is_empty(),
    });
    for secret in ["bot_token", "signing_secret", "app_token"] {
        if !form.text(secret).is_empty() {
            body[secret] = json!(form.text(secret));
        }
    }
    let mut channels = Vec::new();
    for line in form
        .text("channels")
        .lines()
        .filter(|line| !line.trim().is_empty())
    {
        match channel_of(line.trim()) {
            Ok(channel) => channels.push(channel),
            Err(problem) => problems.push(problem),
        }
    }
    body["channels"] = json!(channels);
    let mut status = StatusCode::UNPROCESSABLE_ENTITY;
    if problems.is_empty() {
        let expected = match form.text("etag") {
            "" => Expected::Nothing,
            tag => Expected::Tag(tag.to_owned()),
        };
        let done = match putting(&app, &viewer.account, body, expected)
            .await
            .map_err(PageError::from)
        {
            Ok(command) => {
                let once = Once::of(&form);
                viewer.write_once(&app, once.as_ref(), command).await
            }
            Err(error) => Err(error),
        };
        match done {
            Ok(_) => {
                app.slack.change();
                return Ok(Redirect::to("/manage/slack?said=saved").into_response());
            }
            Err(PageError::Refused(Refusal::Invalid(errors))) => {
                let lines = errors
                    .iter()
                    .map(|error| format!("{}: {}", error.loc[1..].join(", "), error.msg));
                problems.extend(lines);
            }
            Err(PageError::Refused(refusal @ Refusal::Changed)) => {
                let text = "Somebody else has changed this since you opened it. What you typed is kept \
                    below, but for the secrets: save to replace theirs.";
                problems.push(text.to_owned());
                status = refusal_status(&refusal);
            }
            Err(other) => return Err(other),
        }
    }
    let typed = Typed {
        form,
        problems,
        changed: status == refusal_status(&Refusal::Changed),
    };
    let page = draw(&app, &viewer, Some(typed), None).await?;
    Ok(show_as(status, &page))
}

/// Reaches Slack no more, if it was reached.
///
/// # Errors
/// If the database fails.
pub async fn remove(
    State(app): State<Arc<App>>,
    viewer: Admin,
    form: Form,
) -> Result<Response, PageError> {
    let command = Command::Slack(SlackCommand::Remove {
        expected: Expected::Any,
    });
    let once = Once::of(&form);
    let was_there = async || Ok(true);
    viewer
        .end_once(&app, once.as_ref(), command, was_there)
        .await?;
    Ok(Redirect::to("/manage/slack?said=removed").into_response())
}

#[derive(Template)]
#[template(path = "slack_link.html")]
struct Link {
    frame: Frame,
    known_as: Vec<String>,
    code: String,
    /// The user that the code is of, once it was entered.
    user: Option<Html>,
    said: bool,
    problem: Option<String>,
}

/// The Slack users that somebody is known as.
fn slack_users(known: &Known) -> impl Iterator<Item = &String> {
    let slack = known.identities.iter().filter(|one| {
        one.kind == IdentityKind::Login && one.source_system.as_deref() == Some("slack")
    });
    slack.map(|one| &one.value)
}

fn link_page(viewer: &Viewer) -> Link {
    Link {
        frame: viewer.frame(Here::Me),
        known_as: slack_users(&viewer.known).cloned().collect(),
        code: String::new(),
        user: None,
        said: false,
        problem: None,
    }
}

/// Asks for the code that Slack gave.
pub async fn link(viewer: Viewer, query: Query) -> Response {
    let mut page = link_page(&viewer);
    page.said = query.get("said").is_some();
    show(&page)
}

/// What says that somebody's Slack user is theirs.
const LINKED: &str = "/manage/me/slack?said=linked";

/// Whether the Slack user is that of whoever asks, by now.
async fn is_joined(viewer: &Viewer, user: &str) -> Result<bool, PageError> {
    let people = viewer.account.people().await?;
    let own = people
        .iter()
        .find(|known| known.person.id == viewer.person().id);
    Ok(own.is_some_and(|known| slack_users(known).any(|one| one == user)))
}

/// Shows whose code it is, and joins them once that is confirmed: a code can be somebody else's, who has
/// sent it.
///
/// # Errors
/// If the database fails.
pub async fn join(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    form: Form,
) -> Result<Response, PageError> {
    let mut page = link_page(&viewer);
    let typed = form.text("code").to_owned();
    let throttled = format!("{}/{}/slack", viewer.account_name, viewer.person().id);
    let counted = Counted::known(&throttled);
    if let Err(seconds) = app.wrong_passwords.admit(&counted, app.clock.running()) {
        page.problem = Some(format!("Too many tries. Try again in {seconds} s."));
        return Ok(show_as(StatusCode::UNPROCESSABLE_ENTITY, &page));
    }
    let hash = code_hash(&typed);
    let found = viewer.account.slack_code(hash.clone()).await?;
    let found = found.filter(|code| app.now() < code.expires_at);
    let Some(code) = found else {
        // A second click comes when the code has done what it is for.
        if is_joined(&viewer, form.text("user")).await? {
            return Ok(Redirect::to(LINKED).into_response());
        }
        page.problem = Some(
            "There is no such code, or it is over. Type /versioner link in Slack for another."
                .to_owned(),
        );
        return Ok(show_as(StatusCode::UNPROCESSABLE_ENTITY, &page));
    };
    // Whoever has a code of their own may not guess on by it: only this try does not count.
    app.wrong_passwords.take_back(&counted);
    if form.text("user") != code.user {
        let shown = match code.user_name.as_str() {
            "" => name(&code.user),
            called => Html::of(format!("{} ({})", name(called), name(&code.user))),
        };
        (page.code, page.user) = (typed, Some(shown));
        page.known_as = vec![code.user];
        return Ok(show(&page));
    }
    let command = SlackCommand::Link {
        hash,
        person_id: viewer.person().id.clone(),
    };
    let once = Once::of(&form);
    match viewer
        .write_once(&app, once.as_ref(), Command::Slack(command))
        .await
    {
        Ok(_) => Ok(Redirect::to(LINKED).into_response()),
        Err(PageError::Refused(Refusal::Conflict(why))) => {
            page.problem = Some(why);
            Ok(show_as(StatusCode::UNPROCESSABLE_ENTITY, &page))
        }
        Err(other) => Err(other),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{channel_of, line_of};
    use crate::domain::slack::Slack;

    #[test]
    fn a_channel_is_read_as_it_is_written() {
        let line = "C1 environments=production,my stage products=api statuses=failed approvals=no";
        let channel = channel_of(line).unwrap();
        assert_eq!(channel["environments"], json!(["production", "my stage"]));
        let body = json!({
            "team_id": "T1", "app_id": "A1", "bot_token": "xoxb-1-secret-secret",
            "signing_secret": "8f742231b10e8888abcd99yyyzzz85a5", "channels": [channel],
        });
        let (slack, _) = Slack::read(body, None, 0).unwrap();
        assert_eq!(line_of(&slack.channels[0]), line);
        assert!(
            channel_of("C1 production")
                .unwrap_err()
                .contains("environments=")
        );
        assert!(
            channel_of("C1 approvals=maybe")
                .unwrap_err()
                .contains("yes or no")
        );
    }
}
