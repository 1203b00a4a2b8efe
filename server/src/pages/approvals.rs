//! Who must say yes: what waits for whoever looks, and what they have said.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::{Value, json};

use super::ask::{Question, address, judge};
use super::error::PageError;
use super::filters;
use super::form::Form;
use super::format::{self, Html, micros, name};
use super::frame::{Frame, Here, MOST_COUNTED, show_as};
use super::once::Once;
use super::query::Query;
use super::viewer::Viewer;
use super::voters::Voters;
use crate::api::App;
use crate::domain::answer::Refusal;
use crate::domain::names::fold;
use crate::domain::people::{Known, Person, Role};
use crate::domain::rules::{ApprovalKind, ApprovalSpec, Seen, Verdict};
use crate::store::flow::Command;
use crate::store::views::{Deployment, Version};
use crate::store::{Account, Given};

/// The most starts that are looked at.
pub const MOST: usize = 50;
/// How many starts that are held are looked at, the oldest first; for the navigation, which every page has,
/// fewer.
const LOOKED_AT: usize = 200;
const LOOKED_AT_BESIDE: usize = 30;
/// How many of one's own answers are shown.
const OWN: usize = 25;

/// Something that people have to say yes to.
struct Ask {
    id: String,
    product: Html,
    version: Html,
    version_name: String,
    version_id: String,
    version_href: String,
    /// Its commit, if it has one.
    commit: String,
    kind: &'static str,
    environment: Html,
    environment_name: String,
    gate: String,
    facts: Vec<(&'static str, Html)>,
    count: Html,
    who: String,
    may: bool,
    comment: String,
    error: Option<String>,
}

/// An answer of whoever looks.
struct Own {
    href: String,
    version: Html,
    version_name: String,
    environment: Html,
    kind: &'static str,
    refused: bool,
    comment: Option<Html>,
    age: Html,
    withdrawn: bool,
    version_id: String,
    id: String,
}

#[derive(Template)]
#[template(path = "approvals.html")]
struct Page {
    frame: Frame,
    heading: String,
    all: bool,
    product: String,
    more: bool,
    asks: Vec<Ask>,
    own: Vec<Own>,
    said: Option<&'static str>,
    problem: Option<String>,
}

/// What was typed, and what is wrong with it.
struct Typed {
    form: Form,
    error: String,
    status: StatusCode,
}

/// The approvals.
///
/// # Errors
/// If the database fails.
pub async fn page(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    query: Query,
) -> Result<Response, PageError> {
    let said = match query.get("said") {
        Some("approved") => Some("Your approval is recorded."),
        Some("refused") => Some("Your refusal is recorded. It holds until you withdraw it."),
        Some("withdrawn") => Some("Your answer is withdrawn."),
        _ => None,
    };
    answer(&app, &viewer, &query, None, said).await
}

async fn answer(
    app: &App,
    viewer: &Viewer,
    query: &Query,
    typed: Option<Typed>,
    said: Option<&'static str>,
) -> Result<Response, PageError> {
    let account = &viewer.account;
    let now = app.now();
    let all = query.get("all").is_some();
    let product = query.get("product").unwrap_or_default();
    let part = Some(product).filter(|product| !product.is_empty());
    let (mut asks, more) =
        open_asks(app, viewer, part, (MOST, LOOKED_AT), |ask| all || ask.may).await?;
    let mut problem = None;
    if let Some(typed) = &typed {
        let asked = asks.iter_mut().find(|ask| ask.id == typed.form.text("ask"));
        match asked {
            Some(ask) => {
                ask.comment = typed.form.text("comment").to_owned();
                ask.error = Some(typed.error.clone());
            }
            None => problem = Some(typed.error.clone()),
        }
    }
    let own = account
        .approvals_by(viewer.person().id.clone(), OWN)
        .await?;
    let mine = asks.iter().filter(|ask| ask.may).count();
    let status = typed.map_or(StatusCode::OK, |typed| typed.status);
    Ok(show_as(
        status,
        &Page {
            frame: viewer.frame(Here::Approvals),
            heading: match mine {
                0 if more => "Nothing of what is shown waits for you".to_owned(),
                0 => "Nothing waits for you".to_owned(),
                count if more => format!("{count} or more wait for you"),
                1 => "1 waits for you".to_owned(),
                count => format!("{count} wait for you"),
            },
            all,
            product: product.to_owned(),
            more,
            asks,
            own: own.iter().map(|given| said_by_you(given, now)).collect(),
            said,
            problem,
        },
    ))
}

/// The starts that a rule holds which wants people to say yes, and what was asked last; at most so many.
pub async fn held(
    account: &Account,
    product: Option<&str>,
    most: usize,
) -> Result<Vec<(Question, Deployment)>, PageError> {
    let part = product.map(fold);
    let waiting = account.waiting_starts().await?;
    let is_wanted = |name: &str| part.as_ref().is_none_or(|part| fold(name).contains(part));
    let mut found = Vec::new();
    for start in waiting
        .into_iter()
        .filter(|start| is_wanted(&start.product))
        .take(most)
    {
        let question = Question {
            product: start.product,
            version: start.version,
            environment: start.environment,
        };
        let attempt = account.one::<Deployment>(start.deployment_id).await?;
        found.extend(attempt.map(|attempt| (question, attempt)));
    }
    Ok(found)
}

/// The approvals that somebody has given a version, as long as they count.
pub struct Approved(Vec<Value>);

impl Approved {
    /// Those of one person for the commit that the version has now.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn by(
        account: &Account,
        person: &Person,
        version_id: &str,
        commit: Option<&str>,
    ) -> Result<Approved, PageError> {
        let all = account.approvals(version_id.to_owned()).await?;
        let mut all = all.unwrap_or_default();
        all.retain(|one| {
            one["person_id"] == person.id.as_str()
                && one["verdict"] == Verdict::Approve.as_str()
                && one["withdrawn_at"].is_null()
                && one["scm_sha"].as_str() == commit
        });
        Ok(Approved(all))
    }

    /// Whether one of them is such an approval for the environment.
    pub fn has(&self, kind: ApprovalKind, environment: &str) -> bool {
        let is_it = |one: &Value| one["type"] == kind.as_str() && one["environment"] == environment;
        self.0.iter().any(is_it)
    }
}

/// What they ask people for: the first so many of those that are `wanted`, of so many starts at most; and
/// whether there may be more.
async fn open_asks(
    app: &App,
    viewer: &Viewer,
    product: Option<&str>,
    (most, looked_at): (usize, usize),
    wanted: impl Fn(&Ask) -> bool,
) -> Result<(Vec<Ask>, bool), PageError> {
    let account = &viewer.account;
    let held = held(account, product, looked_at).await?;
    let mut more = held.len() == looked_at;
    let people = match held.is_empty() {
        true => Vec::new(),
        false => account.people().await?,
    };
    let mut asks: Vec<Ask> = Vec::new();
    for (question, attempt) in held {
        if asks.len() >= most {
            more = true;
            break;
        }
        let version = account.one::<Version>(attempt.version_id.clone()).await?;
        let commit = version.and_then(|version| version.scm_sha);
        let approved = Approved::by(
            account,
            viewer.person(),
            &attempt.version_id,
            commit.as_deref(),
        )
        .await?;
        let found = judge(app, account, &question, Some(&attempt)).await?;
        let evaluated = found.body["rules_evaluated"].as_array().cloned();
        for one in evaluated.iter().flatten() {
            let asked = (&question, &attempt, commit.as_deref());
            let ask = ask(one, asked, (&people, viewer, &approved), app.now());
            let is_new = |ask: &Ask| !asks.iter().any(|other| other.id == ask.id);
            asks.extend(ask.filter(|ask| wanted(ask) && is_new(ask)));
        }
    }
    Ok((asks, more))
}

/// How many answers wait for whoever looks, for the navigation: of the oldest starts that are held,
/// and one more than it shows at most.
pub async fn waiting_for(app: &App, viewer: &Viewer) -> Result<usize, PageError> {
    let kinds = [ApprovalKind::Quality, ApprovalKind::Release];
    if !kinds.iter().any(|kind| viewer.person().may_give(*kind)) {
        return Ok(0);
    }
    let most = (MOST_COUNTED + 1, LOOKED_AT_BESIDE);
    let (asks, _) = open_asks(app, viewer, None, most, |ask| ask.may).await?;
    Ok(asks.len())
}

/// What a rule that holds a start asks people for; none if it asks for something else.
fn ask(
    one: &Value,
    (question, attempt, commit): (&Question, &Deployment, Option<&str>),
    (people, viewer, approved): (&[Known], &Viewer, &Approved),
    now: i64,
) -> Option<Ask> {
    let holds = one["evaluation_result"] == "failed" && one["status"] == "enabled";
    let kind = match one["type"].as_str()? {
        "release_approval" => ApprovalKind::Release,
        "quality_approval" => ApprovalKind::Quality,
        _ => return None,
    };
    let details = &one["details"];
    if !holds || details["required_approvals"].is_null() {
        return None;
    }
    let environment = match kind {
        ApprovalKind::Release => question.environment.as_str(),
        ApprovalKind::Quality => details["required_environment"].as_str()?,
    };
    let number = |key: &str| details[key].as_i64().unwrap_or_default();
    let (needed, given) = (number("required_approvals"), number("approvals"));
    let id = &viewer.person().id;
    let voters = Voters::of(people, kind, id, Some(attempt));
    let refusals = details["refusals"].as_array().map_or(0, Vec::len);
    let has_approved = approved.has(kind, environment);
    let may = voters.you && refusals == 0 && !has_approved;
    let mut facts = vec![(
        "Rule",
        Html::of(format!(
            "{}: {}",
            name(one["rule_name"].as_str().unwrap_or_default()),
            name(one["error_message"].as_str().unwrap_or_default())
        )),
    )];
    if let Some(commit) = commit {
        facts.push((
            "Commit",
            Html::of(format!("<code>{}</code>", format::text(commit))),
        ));
    }
    if let Some(by) = attempt.deployed_by.as_deref() {
        facts.push(("Deploys", name(by)));
    }
    facts.push(("Asked", format::ago(micros(&attempt.created_at), now)));
    if attempt.asks > 1 {
        facts.push(("Waits", Html::of(format!("asked {} times", attempt.asks))));
    }
    if kind == ApprovalKind::Quality {
        facts.push((
            "For",
            Html::of(format!(
                "so that it can go to {}",
                name(&question.environment)
            )),
        ));
    }
    let version_href = format::address("/manage/versions", &[("view", &attempt.version_id)]);
    Some(Ask {
        id: format!("{}-{}-{}", attempt.version_id, kind.as_str(), environment),
        product: name(&question.product),
        version: name(&question.version),
        version_name: question.version.clone(),
        version_id: attempt.version_id.clone(),
        version_href,
        commit: commit.unwrap_or_default().to_owned(),
        kind: kind.as_str(),
        environment: name(environment),
        environment_name: environment.to_owned(),
        gate: address(question),
        facts,
        count: Html::of(match refusals {
            0 => format!("{given} of {needed} {} approvals.", kind.as_str()),
            _ => "Somebody has refused it.".to_owned(),
        }),
        who: match has_approved {
            true => "You have approved it; others do, too".to_owned(),
            false => voters
                .sentence(needed.saturating_sub(given))
                .unwrap_or_else(|| "Nobody here may give it yet".to_owned()),
        },
        may,
        comment: String::new(),
        error: None,
    })
}

fn said_by_you(given: &Given, now: i64) -> Own {
    let approval = &given.approval;
    Own {
        href: format::address("/manage/versions", &[("view", &approval.version_id)]),
        version: Html::of(format!("{} {}", name(&given.product), name(&given.version))),
        version_name: given.version.clone(),
        environment: name(&given.environment),
        kind: approval.kind.as_str(),
        refused: approval.verdict == Verdict::Refuse,
        comment: approval
            .comment
            .as_deref()
            .map(|comment| Html::of(format!("“{}”", format::text(comment)))),
        age: format::ago(approval.created_at, now),
        withdrawn: approval.withdrawn_at.is_some(),
        version_id: approval.version_id.clone(),
        id: approval.id.clone(),
    }
}

/// Says yes or no.
///
/// # Errors
/// [`PageError::Forbidden`] if whoever asks may not give such approvals.
pub async fn say(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    form: Form,
) -> Result<Response, PageError> {
    let comment = Some(form.text("comment")).filter(|comment| !comment.is_empty());
    let mut body = json!({
        "type": form.text("kind"),
        "verdict": form.text("verdict"),
        "environment": form.text("environment"),
    });
    if let Some(comment) = comment {
        body["comment"] = json!(comment);
    }
    let refused = form.text("verdict") == "refuse";
    let done = match ApprovalSpec::read(body, form.text("version").to_owned()) {
        Ok(spec) => {
            let owner = Some(viewer.person().id.clone());
            let commit = Some(form.text("commit").to_owned());
            let seen = Some(Seen::commit(commit.filter(|commit| !commit.is_empty())));
            let once = Once::of(&form);
            let command = Command::Approve { spec, owner, seen };
            viewer.write_once(&app, once.as_ref(), command).await
        }
        Err(refusal) => Err(PageError::Refused(refusal)),
    };
    let mut status = StatusCode::UNPROCESSABLE_ENTITY;
    let error = match done {
        Ok(_) => {
            let said = if refused { "refused" } else { "approved" };
            let to = format::address("/manage/approvals", &[("said", said)]);
            return Ok(Redirect::to(&to).into_response());
        }
        Err(PageError::Refused(Refusal::Invalid(errors))) => {
            let of_comment = errors
                .iter()
                .any(|error| error.loc.last().is_some_and(|last| last == "comment"));
            match (of_comment, comment) {
                (true, None) => {
                    "Say why you refuse, so that whoever deploys knows what to change.".to_owned()
                }
                _ => errors
                    .first()
                    .map_or(String::new(), |error| error.msg.clone()),
            }
        }
        Err(PageError::Refused(Refusal::Conflict(why))) => {
            status = StatusCode::CONFLICT;
            why
        }
        Err(other) => return Err(other),
    };
    let typed = Typed {
        form,
        error,
        status,
    };
    answer(&app, &viewer, &Query::default(), Some(typed), None).await
}

/// Takes an answer back.
///
/// # Errors
/// [`PageError::Refused`] if it was withdrawn before.
pub async fn withdraw(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    form: Form,
) -> Result<Response, PageError> {
    let command = Command::WithdrawApproval {
        version_id: form.text("version").to_owned(),
        id: form.text("approval").to_owned(),
        owner: Some(viewer.person().id.clone()),
        others: viewer.may(Role::Admin),
        reason: None,
    };
    let once = Once::of(&form);
    viewer.write_once(&app, once.as_ref(), command).await?;
    Ok(Redirect::to("/manage/approvals?said=withdrawn").into_response())
}
