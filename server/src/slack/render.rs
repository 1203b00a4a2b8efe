//! What a message shows: it is made anew from the record each time it is sent, so that only the last
//! state is ever told.

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::answers::by;
use super::asks::{Asked, Standing, question_of, standing};
use super::blocks::{Message, actions, button, facts, header, opens};
use super::text::{Text, bold, lines, name, reason};
use super::{Slacked, at};
use crate::api::App;
use crate::api::buttons::{Button, of_version};
use crate::domain::deployment::State;
use crate::domain::rules::ApprovalKind;
use crate::pages::{PageError, web_address};
use crate::store::views::{Deployment, Version};
use crate::store::{About, Products, SlackMessage};

/// The most deployment buttons of a message; the page of the version has all.
const MOST_BUTTONS: usize = 5;

/// What a message is to be.
pub struct Rendered {
    /// What it shows; nothing if there is nothing to say.
    pub message: Option<Message>,
    /// In short what it says, to know whether it changes.
    pub shown: String,
    /// Whether a decision can still change it.
    pub open: bool,
    /// What is said below it, for everybody in the channel, if it is the first time.
    pub reply: Option<Message>,
    /// The commit that it shows, if it asks people to decide and there is one.
    pub scm_sha: Option<String>,
}

impl Rendered {
    /// The message, if its channel does not show it yet.
    pub fn changes(&self, row: &SlackMessage) -> Option<&Message> {
        let message = self.message.as_ref();
        message.filter(|_| row.shown != self.shown)
    }

    /// Whether it asks people to decide.
    pub fn asks(&self) -> bool {
        self.shown.starts_with("asks:")
    }

    /// Whether something is to be noted before it is shown: that something is posted, itself or the reply
    /// below it, or which commit people are to see when they decide.
    pub fn is_noted(&self, row: &SlackMessage) -> bool {
        let posts = row.ts.is_none() || self.reply.is_some();
        let other = self.asks() && self.scm_sha != row.scm_sha;
        self.changes(row).is_some() && (posts || other)
    }
}

/// What a message is to be now.
///
/// # Errors
/// If the database fails.
pub async fn render(
    app: &App,
    slacked: &Slacked,
    row: &SlackMessage,
) -> Result<Rendered, PageError> {
    let id = row.deployment_id.clone();
    let Some(deployment) = slacked.account.one::<Deployment>(id).await? else {
        return Ok(rendered("gone", None, false));
    };
    match row.about {
        About::Deployment => told(app, slacked, row, &deployment).await,
        About::Approval => asked(app, slacked, row, &deployment).await,
    }
}

fn rendered(word: &str, message: Option<Message>, open: bool) -> Rendered {
    let text = message
        .as_ref()
        .map(|message| message.to_json().to_string());
    let hash = Sha256::digest(text.unwrap_or_default());
    let hash: String = hash
        .iter()
        .take(12)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    Rendered {
        message,
        shown: format!("{word}:{hash}"),
        open,
        reply: None,
        scm_sha: None,
    }
}

/// What the buttons of a message carry: the identifier of its row, and a mark of the commit that it shows.
pub fn handle_of(id: &str, scm_sha: Option<&str>) -> String {
    let hash = Sha256::digest(scm_sha.unwrap_or_default());
    let mark: String = hash
        .iter()
        .take(6)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("{id}.{mark}")
}

/// The row that such a text names.
pub fn row_of(handle: &str) -> &str {
    handle.split_once('.').map_or(handle, |(id, _)| id)
}

/// What goes where, in one line.
fn line(deployment: &Deployment) -> String {
    format!(
        "{} {} to {}",
        name(&deployment.product_name),
        name(&deployment.version),
        name(&deployment.environment_name)
    )
}

/// The button that opens the page of a deployment, if the server knows its own address.
fn page_button(app: &App, path: &str, parameters: &[(&str, &str)]) -> Option<Value> {
    opens("Open", "open", &app.page_address(path, parameters)?)
}

/// What becomes of a deployment.
async fn told(
    app: &App,
    slacked: &Slacked,
    row: &SlackMessage,
    deployment: &Deployment,
) -> Result<Rendered, PageError> {
    let (sign, words) = match deployment.status {
        State::Completed => ("🟢", "Completed"),
        State::Failed => ("🔴", "Failed"),
        State::Aborted => ("⚪", "Aborted"),
        State::Started => ("🟡", "In progress"),
        State::Pending | State::PreflightFailed => return Ok(rendered("nothing", None, false)),
    };
    let detail = |key: &str| deployment.details.get(key).and_then(Value::as_str);
    let mut known: Vec<(&str, Text)> = vec![
        ("Product", name(&deployment.product_name).into()),
        ("Version", name(&deployment.version).into()),
        ("Environment", name(&deployment.environment_name).into()),
        ("Deployed by", by(deployment.deployed_by.as_deref()).into()),
    ];
    for (what, key) in [("Branch", "scm_branch"), ("Commit", "scm_sha")] {
        known.extend(detail(key).map(|text| (what, name(text).into())));
    }
    let since = deployment
        .started_at
        .as_deref()
        .unwrap_or(&deployment.created_at);
    let when = match deployment.status {
        State::Started => Text::from("since ") + at(since),
        _ => at(&deployment.updated_at),
    };
    let standing = Text::from(format!("{sign} {words}, ")) + when;
    let mut blocks: Vec<Value> = [facts(&known), standing]
        .iter()
        .filter_map(Text::block)
        .collect();
    let mut buttons = Vec::new();
    buttons.extend(page_button(
        app,
        "/manage/deployments",
        &[("view", &deployment.id)],
    ));
    let run = detail("build_url")
        .or(detail("source_url"))
        .and_then(web_address);
    buttons.extend(run.and_then(|address| opens("Run", "run", address)));
    let mut unfilled = Vec::new();
    for (number, one) in goes_on(slacked, deployment).await?.iter().enumerate() {
        let to = name(&one.environment);
        match &one.address {
            Ok(address) => {
                let action = format!("deploy_{number}");
                buttons.extend(opens(&format!("Deploy to {to}"), &action, address));
            }
            Err(why) => unfilled.push(format!("No button for {to}: {}", reason(&why.to_string()))),
        }
    }
    blocks.extend(lines(unfilled.into_iter().map(Text::from)).block());
    if !buttons.is_empty() {
        blocks.push(actions(buttons));
    }
    let text = format!("{words}: {}", line(deployment));
    let mut rendered = rendered(
        deployment.status.as_str(),
        Some(Message::with(text, blocks)),
        false,
    );
    let was_told = row.ts.is_some() && !row.shown.starts_with(State::Failed.as_str());
    if deployment.status == State::Failed && was_told {
        let text = format!(
            "🔴 Failed: {}, by {}",
            line(deployment),
            by(deployment.deployed_by.as_deref())
        );
        rendered.reply = Some(Message::of(text));
    }
    Ok(rendered)
}

/// The buttons by which what has arrived goes on elsewhere.
async fn goes_on(slacked: &Slacked, deployment: &Deployment) -> Result<Vec<Button>, PageError> {
    if deployment.status != State::Completed {
        return Ok(Vec::new());
    }
    let account = &slacked.account;
    let version = deployment.version_id.clone();
    let Some(version) = account.one::<Version>(version).await? else {
        return Ok(Vec::new());
    };
    let mut buttons = of_version(account, &version).await?;
    buttons.retain(|one| one.environment_id != deployment.environment_id);
    buttons.truncate(MOST_BUTTONS);
    Ok(buttons)
}

/// What people are asked, or who has decided.
async fn asked(
    app: &App,
    slacked: &Slacked,
    row: &SlackMessage,
    deployment: &Deployment,
) -> Result<Rendered, PageError> {
    let question = question_of(deployment);
    let title = format!(
        "{} {} for {}",
        deployment.product_name, deployment.version, deployment.environment_name
    );
    if deployment.status != State::PreflightFailed {
        let words = super::state_words(deployment.status);
        let decided = decided(slacked, deployment).await?;
        let closing = decided + format!("It {words}.");
        let message = row
            .ts
            .is_some()
            .then(|| closed(&title, deployment, &closing));
        return Ok(rendered("closed", message, false));
    }
    let standing = standing(app, &slacked.account, &question, deployment).await?;
    let refusals: Vec<Text> = standing
        .asked
        .iter()
        .flat_map(|one| &one.refusals)
        .map(|(who, why)| format!("Refused by {}: {}", name(who), reason(why)).into())
        .collect();
    if standing.asked.is_empty() || !refusals.is_empty() {
        let closing = match refusals.is_empty() {
            false => lines(refusals),
            true => decided(slacked, deployment).await?,
        };
        let closing = match (closing.is_empty(), standing.allowed) {
            (false, _) => closing,
            (true, true) => "Nothing holds it any more.".into(),
            (true, false) => "No approval is needed any more.".into(),
        };
        let message = row
            .ts
            .is_some()
            .then(|| closed(&title, deployment, &closing));
        return Ok(rendered("decided", message, true));
    }
    let version = deployment.version_id.clone();
    let version = slacked.account.one::<Version>(version).await?;
    let scm_sha = version.and_then(|version| version.scm_sha);
    let seen = (scm_sha.as_deref(), title.as_str());
    let message = waiting(app, slacked, (row, deployment), &standing, seen).await?;
    Ok(Rendered {
        scm_sha,
        ..rendered("asks", Some(message), true)
    })
}

/// A message of which nothing is left to decide: it has no buttons.
fn closed(title: &str, deployment: &Deployment, closing: &Text) -> Message {
    let text = Text::from(line(deployment)) + ": " + closing.clone();
    Message::with(text, [header(title)].into_iter().chain(closing.block()))
}

/// A message that asks.
async fn waiting(
    app: &App,
    slacked: &Slacked,
    (row, deployment): (&SlackMessage, &Deployment),
    standing: &Standing,
    (scm_sha, title): (Option<&str>, &str),
) -> Result<Message, PageError> {
    let products = Products {
        product: Some(deployment.product_name.clone()),
        after: None,
        limit: 1,
    };
    let matrix = slacked.account.matrix(products, app.now()).await?;
    let cells = matrix.iter().flat_map(|matrix| &matrix.products);
    let mut cells = cells.flat_map(|product| &product.environments);
    let cell = cells.find(|cell| cell.environment_id == deployment.environment_id);
    let running = cell.and_then(|cell| cell.current.as_ref());
    let runs = match running {
        Some(current) if current.version_id == deployment.version_id => {
            format!("{} already", name(&current.version)).into()
        }
        Some(current) => {
            let version = Text::from(name(&current.version));
            match current.deployed_at.as_deref() {
                Some(time) => version + ", " + at(time),
                None => version,
            }
        }
        None => "nothing yet".into(),
    };
    let mut known: Vec<(&str, Text)> = vec![
        ("Asks", by(deployment.deployed_by.as_deref()).into()),
        ("Runs there", runs),
    ];
    known.extend(scm_sha.map(|sha| ("Commit", name(sha).into())));
    let also = standing.others.iter().take(5);
    let also =
        also.map(|(rule, why)| format!("Also held by {}: {}", name(rule), reason(why)).into());
    let asked = &standing.asked;
    let asks = asked.iter().take(5).map(asks_for);
    let texts: Vec<Text> = [facts(&known)]
        .into_iter()
        .chain(also)
        .chain(asks)
        .collect();
    let mut blocks = vec![header(title)];
    blocks.extend(texts.iter().filter_map(Text::block));
    let mut buttons = Vec::new();
    let both = asked.iter().any(|one| one.kind != asked[0].kind);
    for kind in [ApprovalKind::Quality, ApprovalKind::Release] {
        if !asked.iter().any(|one| one.kind == kind) {
            continue;
        }
        let word = kind.as_str();
        let of = if both {
            format!(" {word}")
        } else {
            String::new()
        };
        let style = |style| (!both).then_some(style);
        let handle = handle_of(&row.id, scm_sha);
        let (yes, no) = (format!("approve_{word}"), format!("refuse_{word}"));
        buttons.push(button(
            &format!("Approve{of}"),
            &yes,
            &handle,
            style("primary"),
        ));
        buttons.push(button(
            &format!("Refuse{of}…"),
            &no,
            &handle,
            style("danger"),
        ));
    }
    let parameters = [
        ("product", deployment.product_name.as_str()),
        ("version", deployment.version.as_str()),
        ("environment", deployment.environment_name.as_str()),
    ];
    buttons.extend(page_button(app, "/manage/gate", &parameters));
    blocks.push(actions(buttons));
    let text = format!("{} waits for approval", line(deployment));
    Ok(Message::with(text, blocks))
}

fn asks_for(one: &Asked) -> Text {
    let what = match one.kind {
        ApprovalKind::Release => format!("release to {}", name(&one.environment)),
        ApprovalKind::Quality => format!("quality in {}", name(&one.environment)),
    };
    let rest = format!(
        ": {}\n{} of {} approvals of the {what}.",
        reason(&one.message),
        one.given,
        one.needed
    );
    bold(name(&one.rule)) + rest
}

/// Who has approved the version for this environment, and when, a sentence each.
async fn decided(slacked: &Slacked, deployment: &Deployment) -> Result<Text, PageError> {
    let given = slacked
        .account
        .approvals(deployment.version_id.clone())
        .await?;
    let mut sentences = Text::default();
    for one in given.iter().flatten() {
        let counts = one["withdrawn_at"].is_null()
            && one["verdict"] == "approve"
            && (one["type"] == "quality"
                || one["environment"] == deployment.environment_name.as_str());
        if counts {
            let who = name(one["approved_by"].as_str().unwrap_or("somebody"));
            let when = at(one["created_at"].as_str().unwrap_or_default());
            sentences = sentences + format!("Approved by {who}, ") + when + ". ";
        }
    }
    Ok(sentences)
}
