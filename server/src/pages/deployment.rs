//! One deployment, with its whole story.

use std::sync::Arc;

use askama::Template;
use axum::extract::State as Of;
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::Value;

use super::cell::{deployment_address, ended_by, skipped};
use super::error::PageError;
use super::filters;
use super::format::{self, Html, micros, name};
use super::frame::{Frame, Here, show};
use super::query::Query;
use super::repository::{Repository, commit, is_sha};
use super::story::{self, Day};
use super::viewer::Viewer;
use super::who::Who;
use crate::api::App;
use crate::domain::deployment::{Gate, State};
use crate::domain::people::Role;
use crate::domain::rules::PREFLIGHT_STATUS;
use crate::store::views::{Deployment, DeploymentStory, Filter, MatrixProduct, Version};
use crate::store::{Account, Products, StoreError};

/// A mark and words for a state.
pub struct Mark {
    /// The class of the badge.
    pub class: &'static str,
    /// The mark.
    pub icon: &'static str,
    /// The words.
    pub text: Html,
}

/// The mark of a state, and nothing else.
pub fn mark(state: State) -> Mark {
    let (class, icon, text) = match state {
        State::Completed => ("yes", "yes", "completed"),
        State::Failed => ("bad", "bad", "failed"),
        State::Aborted => ("off", "off", "aborted"),
        State::PreflightFailed => ("hold", "hold", "blocked"),
        State::Started => ("go", "go", "in progress"),
        State::Pending => ("go", "told", "queued"),
    };
    Mark {
        class,
        icon,
        text: Html::of(text),
    }
}

/// What is said of how it came past the rules, if that is not the usual way.
pub fn gate_note(deployment: &Deployment) -> Option<(&'static str, Html)> {
    match deployment.gate {
        Gate::Skipped => {
            let reason = deployment.extra_metadata.get("vi_skip_reason");
            Some(("flag", skipped(reason.and_then(Value::as_str))))
        }
        Gate::Told => Some(("told", Html::of("told later"))),
        // Of interest only if a rule had something to say.
        Gate::NotAsked => {
            let checks = deployment.extra_metadata.get(PREFLIGHT_STATUS)?;
            let found = checks["rules_evaluated"].as_array()?;
            (!found.is_empty()).then(|| ("flag", Html::of("rules not asked")))
        }
        Gate::Waiting | Gate::Allowed | Gate::Refused => None,
    }
}

/// How long it took, or goes on, in microseconds.
pub fn duration(deployment: &Deployment) -> Option<i64> {
    let started = micros(deployment.started_at.as_deref()?);
    let ended = match deployment.status {
        State::Completed | State::Failed | State::Aborted => deployment
            .deployed_at
            .as_deref()
            .unwrap_or(&deployment.updated_at),
        _ => return None,
    };
    Some(micros(ended).saturating_sub(started))
}

/// A name, and what is to be said of it.
pub struct Fact {
    /// The name.
    pub name: &'static str,
    /// What is said.
    pub value: Html,
}

/// What the template shows.
pub struct Shown {
    pub product: Html,
    pub product_href: String,
    pub version: Html,
    pub environment: Html,
    pub environment_href: String,
    pub title: String,
    pub state: Mark,
    pub notes: Vec<(&'static str, Html)>,
    pub changed: Option<(String, Html)>,
    pub gate_href: String,
    pub days: Vec<Day>,
    pub more: Option<String>,
    pub facts: Vec<Fact>,
    pub approvals: Vec<Html>,
    pub sent: Option<Html>,
}

/// What else the page knows.
pub struct Around<'a> {
    /// Its version.
    pub version: Option<&'a Version>,
    /// The deployment that was completed in the cell before.
    pub before: Option<&'a Deployment>,
    /// What runs of its product.
    pub running: Option<&'a MatrixProduct>,
    /// Who did what.
    pub who: &'a Who,
    /// The current time.
    pub now: i64,
}

fn detail<'a>(deployment: &'a Deployment, key: &str) -> Option<&'a str> {
    deployment.details.get(key)?.as_str()
}

/// The page of a deployment.
pub fn shown(story: &DeploymentStory, around: &Around<'_>) -> Shown {
    let deployment = &story.deployment;
    let (who, now) = (around.who, around.now);
    let version_href = format::address("/manage/versions", &[("view", &deployment.version_id)]);
    let runs_now = around.running.is_some_and(|product| {
        product.environments.iter().any(|cell| {
            let current = cell.current.as_ref();
            current.is_some_and(|current| current.deployment_id == deployment.id)
        })
    });
    let repository = detail(deployment, "scm_repository")
        .and_then(|named| Repository::of(named, detail(deployment, "source_system")));
    let before = around.before;
    let compare = before.map(|before| {
        let from = before.version.as_str();
        let text = Html::of(format!("What changed since {}", name(from)));
        let shas = (sha_of(before), sha_of(deployment));
        let href = match (&repository, shas) {
            (Some(repository), (Some(from), Some(to))) if is_sha(from) && is_sha(to) => {
                Some(repository.compare(from, to))
            }
            _ => None,
        };
        (href.unwrap_or_default(), text)
    });
    let sent: Vec<(&String, &Value)> = deployment
        .extra_metadata
        .iter()
        .filter(|(key, _)| *key != PREFLIGHT_STATUS)
        .collect();
    let sent = (!sent.is_empty()).then(|| {
        let object: serde_json::Map<String, Value> = sent
            .into_iter()
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        // What was read from JSON has a form in JSON.
        format::lines(&serde_json::to_string_pretty(&object).unwrap_or_default())
    });
    let approvals = story
        .approvals
        .iter()
        .filter(|one| one["withdrawn_at"].is_null());
    Shown {
        product: name(&deployment.product_name),
        product_href: format::address("/manage/products", &[("view", &deployment.product_id)]),
        version: name(&deployment.version),
        environment: name(&deployment.environment_name),
        environment_href: format::address(
            "/manage/environments",
            &[("view", &deployment.environment_id)],
        ),
        title: format!(
            "{} {} to {}",
            format::attribute(&deployment.product_name),
            format::attribute(&deployment.version),
            format::attribute(&deployment.environment_name)
        ),
        state: state(deployment, runs_now, now),
        notes: gate_note(deployment)
            .into_iter()
            .chain(deployment.overlapped.then(|| {
                (
                    "flag",
                    Html::of("another deployment had the place meanwhile"),
                )
            }))
            .collect(),
        changed: compare.filter(|(href, _)| !href.is_empty()),
        gate_href: format::address(
            "/manage/gate",
            &[
                ("product", deployment.product_name.as_str()),
                ("version", deployment.version.as_str()),
            ],
        ),
        days: story::days(story, who, now),
        more: story.story.next_cursor.as_ref().map(|cursor| {
            let parameters = [
                ("view", deployment.id.as_str()),
                ("cursor", cursor.as_str()),
            ];
            format::address("/manage/deployments", &parameters)
        }),
        facts: facts(deployment, around, &version_href, repository.as_ref()),
        approvals: approvals
            .map(|one| {
                let at = micros(one["created_at"].as_str().unwrap_or_default());
                let refused = one["verdict"] == "refuse";
                let word = if refused { " refused" } else { "" };
                let by = story::person_of(one, who);
                Html::of(format!("{by}{word}, {}", format::ago(at, now)))
            })
            .collect(),
        sent,
    }
}

fn sha_of(deployment: &Deployment) -> Option<&str> {
    detail(deployment, "scm_sha")
}

fn state(deployment: &Deployment, runs_now: bool, now: i64) -> Mark {
    let plain = mark(deployment.status);
    let at = micros(
        deployment
            .deployed_at
            .as_deref()
            .unwrap_or(&deployment.updated_at),
    );
    let text = match deployment.status {
        State::Completed => {
            let runs = if runs_now { ", runs now" } else { "" };
            format!("completed {}{runs}", format::ago(at, now))
        }
        State::Failed => format!("failed {}", format::ago(at, now)),
        State::Aborted => format!(
            "aborted{} {}",
            ended_by(deployment.ended_by.as_ref()),
            format::ago(at, now)
        ),
        State::PreflightFailed => {
            let rules = deployment.refused_by.as_deref().unwrap_or("a rule");
            format!("blocked: {}", name(rules))
        }
        State::Started => {
            let since = deployment
                .started_at
                .as_deref()
                .unwrap_or(&deployment.created_at);
            format!("in progress, {}", format::age(micros(since), now))
        }
        State::Pending => format!(
            "queued, {}",
            format::age(micros(&deployment.created_at), now)
        ),
    };
    Mark {
        text: Html::of(text),
        ..plain
    }
}

fn facts(
    deployment: &Deployment,
    around: &Around<'_>,
    version_href: &str,
    repository: Option<&Repository>,
) -> Vec<Fact> {
    let now = around.now;
    let mut facts = Vec::new();
    let mut add = |name, value: String| {
        facts.push(Fact {
            name,
            value: Html::of(value),
        });
    };
    let known = around.version.map_or(String::new(), |version| {
        format!(
            ", first seen {}",
            format::ago(micros(&version.created_at), now)
        )
    });
    let version = name(&deployment.version);
    add(
        "Version",
        format!("<a href=\"{version_href}\">{version}</a>{known}"),
    );
    let sha = sha_of(deployment).or(around
        .version
        .and_then(|version| version.scm_sha.as_deref()));
    if let Some(sha) = sha {
        let branch = detail(deployment, "scm_branch")
            .map_or(String::new(), |branch| format!(" on {}", name(branch)));
        add("Commit", format!("{}{branch}", commit(sha, repository)));
    }
    if let Some(before) = around.before {
        let ran = micros(&deployment.created_at).saturating_sub(micros(&before.updated_at));
        add(
            "Before",
            format!(
                "<a href=\"{}\">{}</a>, ran for {}",
                deployment_address(&before.id),
                name(&before.version),
                format::span(ran)
            ),
        );
    }
    let by = detail(deployment, "deployed_by_name").or(deployment.deployed_by.as_deref());
    if let Some(by) = by {
        add("Deployed by", name(by).to_string());
    }
    let run = detail(deployment, "build_number").or(deployment.invoke_id.as_deref());
    let system = detail(deployment, "source_system");
    let run_name = match (system, run) {
        (Some(system), Some(run)) => Some(format!("{} {}", name(system), name(run))),
        (one, other) => one.or(other).map(|one| name(one).to_string()),
    };
    let url = detail(deployment, "deploy_url").or(detail(deployment, "build_url"));
    match (run_name, url) {
        (Some(text), Some(url)) => add("Run", format::web_link(url, &Html::of(text)).to_string()),
        (None, Some(url)) => add("Run", format::web_link(url, &format::text(url)).to_string()),
        (Some(text), None) => add("Run", text),
        (None, None) => {}
    }
    if deployment.asks > 1 {
        add("Asked", format!("{} times", deployment.asks));
    }
    if let Some(took) = duration(deployment) {
        add("Took", format::exact_span(took));
    }
    if let Some(expires) = deployment
        .expires_at
        .as_deref()
        .filter(|_| !deployment.status.is_end())
    {
        add("Given up", format::ago(micros(expires), now).to_string());
    }
    for (part, state) in &deployment.parts {
        let state = state.map_or("in progress", State::as_str);
        add("Part", format!("{} {state}", name(part)));
    }
    facts
}

#[derive(Template)]
#[template(path = "deployment.html")]
pub struct Page {
    frame: Frame,
    shown: Shown,
    id: String,
    said: Option<&'static str>,
    /// The form that aborts it, for those who may and as long as it goes on.
    abort: Option<AbortForm>,
}

/// What was typed into the form that aborts a deployment, and what is wrong with it.
#[derive(Default)]
pub struct AbortForm {
    pub reason: String,
    pub error: Option<&'static str>,
}

/// The deployment that was completed in the cell before this one.
async fn before(
    account: &Account,
    deployment: &Deployment,
) -> Result<Option<Deployment>, StoreError> {
    let filter = Filter {
        product: Some(deployment.product_name.clone()),
        environment: Some(deployment.environment_name.clone()),
        status: Some(State::Completed.as_str()),
        until: Some(micros(&deployment.created_at)),
        limit: 1,
        ..Filter::default()
    };
    let page = account.list::<Deployment>(filter).await?;
    let other = page.items.into_iter().next();
    Ok(other.filter(|other| other.version_id != deployment.version_id))
}

/// What runs of a product.
///
/// # Errors
/// If the database fails.
pub async fn running(
    account: &Account,
    product: &str,
    now: i64,
) -> Result<Option<MatrixProduct>, StoreError> {
    let of = Products {
        product: Some(product.to_owned()),
        after: None,
        limit: 1,
    };
    let matrix = account.matrix(of, now).await?;
    Ok(matrix.and_then(|matrix| matrix.products.into_iter().next()))
}

/// One deployment; without one the history of all.
///
/// # Errors
/// [`PageError::NotFound`] if there is no such deployment.
pub async fn page(
    Of(app): Of<Arc<App>>,
    viewer: Viewer,
    query: Query,
) -> Result<Response, PageError> {
    let Some(id) = query.owned("view") else {
        return Ok(Redirect::to("/manage/history").into_response());
    };
    let after = query.get("cursor").and_then(|cursor| cursor.parse().ok());
    let said = match query.get("said") {
        Some("aborted") => Some(
            "It is aborted here, and the next one can start. Whatever still runs on the machines goes on.",
        ),
        Some("late") => Some("It had ended before, as you see; nothing is aborted."),
        _ => None,
    };
    let place = (id, after.unwrap_or(0));
    Ok(show(&view(&app, &viewer, place, said, None).await?))
}

/// The page of a deployment, whose story goes on after a position.
///
/// # Errors
/// [`PageError::NotFound`] if there is no such deployment.
pub async fn view(
    app: &App,
    viewer: &Viewer,
    (id, after): (String, i64),
    said: Option<&'static str>,
    typed: Option<AbortForm>,
) -> Result<Page, PageError> {
    let account = &viewer.account;
    let now = app.now();
    account.settle().await;
    let Some(story) = account.story(id, after).await? else {
        return Err(PageError::NotFound("deployment"));
    };
    let deployment = &story.deployment;
    let version = account
        .one::<Version>(deployment.version_id.clone())
        .await?;
    let before = before(account, deployment).await?;
    let running = running(account, &deployment.product_name, now).await?;
    let around = Around {
        version: version.as_ref(),
        before: before.as_ref(),
        running: running.as_ref(),
        who: &Who::read(account).await?,
        now,
    };
    let goes_on = matches!(deployment.status, State::Started | State::Pending);
    let may = goes_on && viewer.may(Role::Developer);
    Ok(Page {
        frame: viewer.frame(Here::History),
        shown: shown(&story, &around),
        id: deployment.id.clone(),
        said,
        abort: may.then(|| typed.unwrap_or_default()),
    })
}
