//! Which person of the account a user of Slack is.

use serde_json::Value;

use super::answers::NoAnswer;
use super::blocks::Message;
use super::payload::Origin;
use super::text::{self, Text};
use super::{Client, Slacked};
use crate::api::App;
use crate::api::error::answered;
use crate::domain::names::fold;
use crate::domain::people::{IdentityKind, Known, Role};
use crate::domain::slack::{CODE_LIFE, Code, code_hash};
use crate::pages::PageError;
use crate::store::flow::{self, SlackCommand};
use crate::store::transaction::Envelope;

/// Gives a code to whoever asks, alone: whoever enters it on the pages is that user from then on.
pub async fn link(app: &App, at: &Slacked, origin: &Origin) -> Result<Message, NoAnswer> {
    if app.is_read_only() {
        return Err(NoAnswer::because(
            "This server only reads for now; try again later.",
        ));
    }
    let letters = new_code().map_err(PageError::from)?;
    let code = Code {
        hash: code_hash(&letters),
        team: origin.team.clone(),
        user: origin.user.clone(),
        user_name: origin.user_name.clone(),
        expires_at: app.now() + CODE_LIFE,
    };
    let command = flow::Command::Slack(SlackCommand::MakeCode(code));
    let envelope = Envelope::new("slack".to_owned(), app.now());
    answered(at.account.write(envelope, command).await?).map_err(PageError::from)?;
    let there = match app.page_address("/manage/me/slack", &[]) {
        Some(address) => text::link(&address, "your account on the pages"),
        None => "/manage/me/slack on the pages".into(),
    };
    let rest = " within 10 minutes; then what you say here counts as yours. Give it to nobody: whoever \
        enters it lets you decide in their name.";
    let said = Text::from("Your code is ") + text::code(letters) + ". Enter it in " + there + rest;
    Ok(Message::of(said))
}

/// Eight characters that nobody takes for others: 40 bits.
fn new_code() -> Result<String, crate::store::StoreError> {
    const LETTERS: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes)?;
    let letter = |byte: &u8| char::from(LETTERS[usize::from(byte % 32)]);
    let (first, last) = bytes.split_at(4);
    let first: String = first.iter().map(letter).collect();
    let last: String = last.iter().map(letter).collect();
    Ok(format!("{first}-{last}"))
}

/// The person that somebody is: by a link that they made, or by their address if that is allowed.
pub async fn identify(app: &App, at: &Slacked, origin: &Origin) -> Result<Option<Known>, NoAnswer> {
    if let Some(known) = at.person(&origin.user).await? {
        return Ok(Some(known));
    }
    if !at.slack.by_address {
        return Ok(None);
    }
    let fields = [("user", origin.user.as_str())];
    let token = &at.secrets.bot_token;
    let answer = Client::of(app)
        .call_form("users.info", token, &fields)
        .await;
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => {
            tracing::warn!(%error, "Slack does not say who a user is");
            return Ok(None);
        }
    };
    let Some(address) = own_address(&answer["user"], &at.slack.team_id) else {
        return Ok(None);
    };
    let people = at.account.people().await?;
    let mut found = people.into_iter().filter(|known| {
        known
            .identities
            .iter()
            .any(|one| one.kind == IdentityKind::Email && fold(&one.value) == fold(&address))
    });
    // Too much hangs on an admin for a mailbox to be enough.
    Ok(found
        .next()
        .filter(|known| known.person.role != Role::Admin))
}

/// The confirmed address of a full member of our team.
fn own_address(user: &Value, team: &str) -> Option<String> {
    let is = |key: &str| user[key] == true;
    let full = user["team_id"] == team
        && is("is_email_confirmed")
        && ![
            "deleted",
            "is_bot",
            "is_restricted",
            "is_ultra_restricted",
            "is_stranger",
        ]
        .into_iter()
        .any(is);
    let address = user["profile"]["email"].as_str();
    address.filter(|_| full).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{new_code, own_address};

    #[test]
    fn only_a_confirmed_address_of_a_full_member_of_our_team_counts() {
        let member = json!({
            "id": "U1", "team_id": "T1", "is_email_confirmed": true, "is_restricted": false,
            "profile": { "email": "ada@example.com" },
        });
        assert_eq!(
            own_address(&member, "T1").as_deref(),
            Some("ada@example.com")
        );
        assert_eq!(own_address(&member, "T2"), None);
        for (key, value) in [
            ("is_email_confirmed", false),
            ("is_restricted", true),
            ("is_ultra_restricted", true),
            ("is_stranger", true),
            ("is_bot", true),
            ("deleted", true),
        ] {
            let mut other = member.clone();
            other[key] = json!(value);
            assert_eq!(own_address(&other, "T1"), None, "{key}");
        }
    }

    #[test]
    fn a_code_is_short_and_another_each_time() {
        let code = new_code().unwrap();
        assert_eq!(code.len(), 9);
        assert_ne!(code, new_code().unwrap());
    }
}
