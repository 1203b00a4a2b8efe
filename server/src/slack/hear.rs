//! What follows from what comes in, by whichever way it does.

use serde_json::{Value, json};

use super::answers::{Asker, NoAnswer};
use super::asks::{question_of, waiting_attempt};
use super::blocks::{Message, why};
use super::command::{Ask, Command, Say};
use super::decide::{Said, entitled, say, what_of};
use super::payload::{Click, Interaction, Origin, Slash};
use super::render::{handle_of, row_of};
use super::text::{Text, coded};
use super::who::{identify, link};
use super::{Client, Slacked, UNKNOWN, state_words};
use crate::api::App;
use crate::domain::deployment::State;
use crate::domain::rules::{ApprovalKind, Seen};
use crate::pages::PageError;
use crate::store::views::Deployment;
use crate::store::{About, SlackMessage};

/// What the window is called that asks why something is refused.
const REFUSE: &str = "refuse";

/// What is done once Slack knows that its message has arrived.
#[derive(Debug, Default)]
pub enum After {
    /// Nothing.
    #[default]
    Nothing,
    /// Whoever did something is told, alone.
    Tell(Origin, Text),
    /// A window is opened.
    Open(Origin, String, Value),
}

/// What is answered at once, and what is done then.
#[derive(Debug, Default)]
pub struct Heard {
    /// The answer, if there is one.
    pub answer: Option<Value>,
    /// What is done then.
    pub after: After,
}

/// Whether something comes from our team and our app: only that is ours to answer.
fn is_ours(at: &Slacked, origin: &Origin) -> bool {
    let slack = &at.slack;
    let user_team = origin.user_team.as_ref();
    origin.team == slack.team_id
        && origin.app == slack.app_id
        && user_team.is_none_or(|team| *team == slack.team_id)
}

const NOT_OURS: &str = "This server is for another Slack team or app.";

/// The answer to a command.
pub async fn command(app: &App, at: &Slacked, slash: &Slash) -> Value {
    if !is_ours(at, &slash.origin) {
        return Message::of(NOT_OURS).reply(false);
    }
    let command = match Command::parse(&slash.text) {
        Ok(command) => command,
        Err(what) => return Message::of(what).reply(false),
    };
    match answer(app, at, slash, &command.ask).await {
        Ok(message) => message.reply(command.public && !matches!(command.ask, Ask::Link)),
        Err(NoAnswer::Said(what)) => Message::of(what).reply(false),
        Err(NoAnswer::Broken(error)) => Message::of(broken(&error)).reply(false),
    }
}

fn broken(error: &PageError) -> Text {
    tracing::error!(?error, "a question of Slack could not be answered");
    "The server cannot answer now; try again in a moment.".into()
}

async fn answer(app: &App, at: &Slacked, slash: &Slash, ask: &Ask) -> Result<Message, NoAnswer> {
    let known = match ask {
        Ask::Waiting | Ask::Say(..) => identify(app, at, &slash.origin).await?,
        _ => None,
    };
    let asker = Asker {
        app,
        at,
        known: known.as_ref(),
    };
    match ask {
        Ask::Link => link(app, at, &slash.origin).await,
        Ask::Say(how, what, comment) => {
            let known = known
                .as_ref()
                .ok_or_else(|| NoAnswer::Said(coded(UNKNOWN)))?;
            let question = asker.question(what).await?;
            let attempt = match how {
                Say::Withdraw => crate::pages::last_attempt(&at.account, &question).await?,
                _ => waiting_attempt(&at.account, &question).await?,
            };
            let Some(attempt) = attempt else {
                return Err(NoAnswer::because(format!(
                    "No start of {} waits; one that a rule holds can be approved once a pipeline has \
                     asked for it.",
                    what_of(&question)
                )));
            };
            let said = Said {
                known,
                say: *how,
                comment: comment.clone(),
                key: &slash.trigger,
                kind: None,
                seen: None,
            };
            Ok(Message::of(say(app, at, &attempt, &said).await?))
        }
        other => asker.answer(other).await,
    }
}

/// What follows from an interaction.
pub async fn interaction(app: &App, at: &Slacked, interaction: &Interaction) -> Heard {
    match interaction {
        Interaction::Click(click) => match clicked(app, at, click).await {
            Ok(after) => Heard {
                answer: None,
                after,
            },
            Err(error) => Heard {
                answer: None,
                after: After::Tell(click.origin.clone(), said_of(error)),
            },
        },
        Interaction::Submitted {
            origin,
            view,
            callback,
            metadata,
            typed,
        } if callback == REFUSE => {
            let done = submitted(app, at, (origin, view), metadata, typed).await;
            Heard {
                answer: done.err().map(|error| {
                    json!({
                        "response_action": "errors", "errors": { "reason": said_of(error).plain() },
                    })
                }),
                after: After::Nothing,
            }
        }
        Interaction::Submitted { .. } | Interaction::Other => Heard::default(),
    }
}

fn said_of(error: NoAnswer) -> Text {
    match error {
        NoAnswer::Said(what) => what,
        NoAnswer::Broken(error) => broken(&error),
    }
}

/// The kind of approval that a button is for.
fn kind_of(action: &str) -> Option<(Say, ApprovalKind)> {
    let (say, kind) = action.split_once('_')?;
    let say = match say {
        "approve" => Say::Approve,
        "refuse" => Say::Refuse,
        _ => return None,
    };
    Some((say, ApprovalKind::parse(kind)?))
}

async fn clicked(app: &App, at: &Slacked, click: &Click) -> Result<After, NoAnswer> {
    let origin = &click.origin;
    if !is_ours(at, origin) {
        return Err(NoAnswer::because(NOT_OURS));
    }
    // A button that opens a page does so by itself.
    let Some((how, kind)) = kind_of(&click.action) else {
        return Ok(After::Nothing);
    };
    let (message, attempt) = behind(at, &click.value).await?;
    let is_it = message.channel == origin.channel
        && message.ts.as_ref().is_none_or(|ts| *ts == click.message_ts);
    if !is_it {
        return Err(NoAnswer::because(GONE));
    }
    let known = identify(app, at, origin).await?;
    let known = known.ok_or_else(|| NoAnswer::Said(coded(UNKNOWN)))?;
    if how == Say::Refuse {
        entitled(&known.person, kind)?;
        let what = what_of(&question_of(&attempt));
        let metadata = format!("{} {}", click.value, kind.as_str());
        let view = why(REFUSE, &metadata, &what);
        return Ok(After::Open(origin.clone(), click.trigger.clone(), view));
    }
    let said = Said {
        known: &known,
        say: how,
        comment: None,
        key: &click.key(),
        kind: Some(kind),
        seen: Some(Seen::commit(message.scm_sha)),
    };
    let done = say(app, at, &attempt, &said).await?;
    Ok(After::Tell(origin.clone(), done))
}

const GONE: &str = "This message is too old; the pages show what waits now.";

/// What a button means: what our own row of its message says. A message that has become another one meanwhile
/// has other buttons, by which whoever still sees the old ones is known.
async fn behind(at: &Slacked, handle: &str) -> Result<(SlackMessage, Deployment), NoAnswer> {
    let gone = || NoAnswer::because(GONE);
    let message = at.account.slack_message(row_of(handle).to_owned()).await?;
    let message = message
        .filter(|message| message.about == About::Approval)
        .ok_or_else(gone)?;
    let deployment = message.deployment_id.clone();
    let attempt = at.account.one::<Deployment>(deployment).await?;
    let attempt = attempt.ok_or_else(gone)?;
    if attempt.status != State::PreflightFailed {
        let what = what_of(&question_of(&attempt));
        let words = state_words(attempt.status);
        return Err(NoAnswer::because(format!(
            "Nothing is left to decide of {what}: it {words}."
        )));
    }
    if handle_of(&message.id, message.scm_sha.as_deref()) != handle {
        let what = what_of(&question_of(&attempt));
        return Err(NoAnswer::because(format!(
            "What this message says of the commit of {what} has changed since you saw it. Look again, \
             then decide."
        )));
    }
    Ok((message, attempt))
}

async fn submitted(
    app: &App,
    at: &Slacked,
    (origin, view): (&Origin, &str),
    metadata: &str,
    typed: &str,
) -> Result<(), NoAnswer> {
    if !is_ours(at, origin) {
        return Err(NoAnswer::because(NOT_OURS));
    }
    let (handle, kind) = metadata.split_once(' ').unwrap_or_default();
    let kind = ApprovalKind::parse(kind).ok_or_else(|| NoAnswer::because(GONE))?;
    let (message, attempt) = behind(at, handle).await?;
    let known = identify(app, at, origin).await?;
    let known = known.ok_or_else(|| NoAnswer::Said(coded(UNKNOWN)))?;
    let reason = typed.split_whitespace().collect::<Vec<_>>().join(" ");
    if reason.is_empty() {
        return Err(NoAnswer::because("Say why."));
    }
    let said = Said {
        known: &known,
        say: Say::Refuse,
        comment: Some(reason),
        key: &format!("{}/{}/{view}", origin.team, origin.user),
        kind: Some(kind),
        seen: Some(Seen::commit(message.scm_sha)),
    };
    say(app, at, &attempt, &said).await.map(drop)
}

/// Does what is to be done once Slack knows that its message has arrived.
pub async fn finish(app: &App, at: &Slacked, after: After) {
    let client = Client::of(app);
    let done = match after {
        After::Nothing => return,
        After::Open(origin, trigger, view) => {
            let body = json!({ "trigger_id": trigger, "view": view });
            match client
                .call("views.open", &at.secrets.bot_token, &body)
                .await
            {
                Ok(_) => return,
                Err(error) => {
                    tracing::warn!(%error, "a window cannot be opened in Slack");
                    let text = "The window could not be opened; type `/versioner refuse product \
                        version environment reason`.";
                    tell(&client, &origin, coded(text)).await
                }
            }
        }
        After::Tell(origin, text) => tell(&client, &origin, text).await,
    };
    if let Err(error) = done {
        tracing::warn!(%error, "somebody could not be told in Slack");
    }
}

async fn tell(client: &Client<'_>, origin: &Origin, text: Text) -> Result<(), super::SlackError> {
    let Some(address) = &origin.response_url else {
        return Ok(());
    };
    let mut body = Message::of(text).reply(false);
    body["replace_original"] = json!(false);
    client.answer(address, &body).await
}

#[cfg(test)]
mod tests {
    use super::kind_of;

    #[test]
    fn a_button_that_is_none_of_ours_does_nothing() {
        assert!(kind_of("approve_release").is_some() && kind_of("refuse_quality").is_some());
        assert!(kind_of("open").is_none() && kind_of("approve_everything").is_none());
    }
}
