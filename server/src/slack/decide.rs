//! Yes, no, and neither any more: the same for what is typed and what is clicked.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::Slacked;
use super::answers::NoAnswer;
use super::asks::{Asked, question_of, standing};
use super::command::Say;
use super::text::{Text, name};
use crate::api::App;
use crate::api::error::{ApiError, answered};
use crate::domain::people::{Known, Person};
use crate::domain::rules::{ApprovalKind, ApprovalSpec, Seen};
use crate::pages::{PageError, Question, Voters};
use crate::store::flow::Command;
use crate::store::transaction::{Envelope, RequestKey};
use crate::store::views::Deployment;

/// What somebody says, by what.
pub struct Said<'a> {
    /// Who says it.
    pub known: &'a Known,
    /// What.
    pub say: Say,
    /// Why.
    pub comment: Option<String>,
    /// Tells it from everything else that is said: the same that arrives again counts once.
    pub key: &'a str,
    /// Only of approvals of this kind.
    pub kind: Option<ApprovalKind>,
    /// What stood in the message that was clicked in; what is typed is of the version as it is then.
    pub seen: Option<Seen>,
}

/// Says it of a start that waits; what is answered.
///
/// # Errors
/// Why it does not count, for whoever said it alone.
pub async fn say(
    app: &App,
    at: &Slacked,
    attempt: &Deployment,
    said: &Said<'_>,
) -> Result<Text, NoAnswer> {
    present(&said.known.person)?;
    let question = question_of(attempt);
    let what = what_of(&question);
    if said.say == Say::Withdraw {
        return withdraw(app, at, attempt, said, &what).await;
    }
    let standing = standing(app, &at.account, &question, attempt).await?;
    let mut asked = standing.asked;
    asked.retain(|one| said.kind.is_none_or(|kind| one.kind == kind));
    if asked.is_empty() {
        // The same click that comes again has done its work.
        return Err(refused(&match standing.allowed {
            true => format!("Nothing holds {what} any more."),
            false => format!("No rule waits for an approval of {what} now."),
        }));
    }
    let people = at.account.people().await?;
    for one in &asked {
        may((&people, attempt), one, said, &what)?;
    }
    for one in asked {
        let verdict = match said.say {
            Say::Refuse => "refuse",
            _ => "approve",
        };
        let mut body = json!({
            "type": one.kind.as_str(), "verdict": verdict, "environment": one.environment,
        });
        if let Some(comment) = &said.comment {
            body["comment"] = json!(comment);
        }
        let text = body.to_string();
        let spec = ApprovalSpec::read(body, attempt.version_id.clone());
        let spec = spec.map_err(PageError::Refused)?;
        let command = Command::Approve {
            spec,
            owner: Some(said.known.person.id.clone()),
            seen: said.seen.clone(),
        };
        let of = format!("{}/{}", one.kind.as_str(), one.environment);
        write(app, at, said, &of, &text, command).await?;
    }
    Ok(match said.say {
        Say::Refuse => format!("You have refused {what}. It holds until you withdraw it."),
        _ => format!("You have approved {what}."),
    }
    .into())
}

/// What would go where, in the middle of a sentence.
pub fn what_of(question: &Question) -> String {
    format!(
        "{} {} to {}",
        name(&question.product),
        name(&question.version),
        name(&question.environment)
    )
}

fn present(person: &Person) -> Result<(), NoAnswer> {
    match person.active {
        true => Ok(()),
        false => Err(refused("You are not active here any more; ask an admin.")),
    }
}

/// Whether somebody may give approvals of a kind at all.
///
/// # Errors
/// Why not, for them alone.
pub fn entitled(person: &Person, kind: ApprovalKind) -> Result<(), NoAnswer> {
    present(person)?;
    match person.may_give(kind) {
        true => Ok(()),
        false => Err(refused(&format!(
            "Your role may not give {} approvals; an admin can change that.",
            kind.as_str()
        ))),
    }
}

/// Whether somebody's word counts for what is asked.
fn may(
    (people, attempt): (&[Known], &Deployment),
    one: &Asked,
    said: &Said<'_>,
    what: &str,
) -> Result<(), NoAnswer> {
    let person = &said.known.person;
    entitled(person, one.kind)?;
    let voters = Voters::of(people, one.kind, &person.id, Some(attempt));
    if said.say == Say::Approve && !voters.you {
        return Err(refused(&format!(
            "You deploy {what} yourself, so somebody else has to say yes."
        )));
    }
    Ok(())
}

/// Takes back everything that somebody has said of it.
async fn withdraw(
    app: &App,
    at: &Slacked,
    attempt: &Deployment,
    said: &Said<'_>,
    what: &str,
) -> Result<Text, NoAnswer> {
    let given = at.account.approvals(attempt.version_id.clone()).await?;
    let mine = |one: &&Value| {
        one["person_id"] == said.known.person.id.as_str()
            && one["withdrawn_at"].is_null()
            // Quality is approved in the environment before.
            && (one["type"] == "quality" || one["environment"] == attempt.environment_name.as_str())
    };
    let given = given.unwrap_or_default();
    let ids: Vec<&str> = given
        .iter()
        .filter(mine)
        .filter_map(|one| one["id"].as_str())
        .collect();
    if ids.is_empty() {
        return Err(refused(&format!("Nothing that you said of {what} stands.")));
    }
    for id in ids {
        let command = Command::WithdrawApproval {
            version_id: attempt.version_id.clone(),
            id: id.to_owned(),
            owner: Some(said.known.person.id.clone()),
            others: false,
            reason: said.comment.clone(),
        };
        write(app, at, said, id, "withdraw", command).await?;
    }
    Ok(format!("What you said of {what} does not stand any more.").into())
}

/// Does it in the name of the person, once for its key.
async fn write(
    app: &App,
    at: &Slacked,
    said: &Said<'_>,
    of: &str,
    text: &str,
    command: Command,
) -> Result<(), NoAnswer> {
    if app.is_read_only() {
        return Err(PageError::from(ApiError::ReadOnly).into());
    }
    let hash = |text: &str| -> String {
        let hash = Sha256::digest(text);
        hash.iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let envelope = Envelope {
        request: Some(RequestKey {
            key: hash(&format!("{}\n{of}", said.key)),
            endpoint: "slack",
            fingerprint: hash(text),
            old_fingerprint: [0; 32],
        }),
        ..Envelope::new(format!("person:{}", said.known.person.id), app.now())
    };
    match answered(at.account.write(envelope, command).await?) {
        Ok(_) => Ok(()),
        Err(error) => Err(PageError::from(error).into()),
    }
}

fn refused(why: &str) -> NoAnswer {
    NoAnswer::because(why)
}
