//! What is asked of a webhook, made ready for the transaction: addresses are checked and secrets made
//! and encrypted outside of it.

use serde_json::{Map, Value};

use super::mail::Recipients;
use super::{open, seal, sign};
use crate::domain::answer::Refusal;
use crate::domain::fields::Fields;
use crate::domain::news::WAITING;
use crate::domain::webhook::{Format, NewWebhook, Secrets};
use crate::outgoing::Outgoing;
use crate::secrets::{Secrets as Keeper, SecretsError};
use crate::store::flow::{Sealed, WebhookCommand};
use crate::store::{Kept, new_id};

/// Why nobody can be sent an e-mail.
pub const NO_MAIL: &str =
    "this server sends no e-mail; whoever runs it can let it, with --smtp-url";

/// Why it cannot be made ready.
#[derive(Debug, thiserror::Error)]
pub enum MakeError {
    /// It is wrong.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A secret cannot be kept or read.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
}

/// What is asked of a webhook, ready for the transaction, and what is shown once.
pub struct Ready {
    /// The command.
    pub command: WebhookCommand,
    /// The new secret, if there is one.
    pub secret: Option<String>,
}

/// Says what is wrong with the address of a webhook: one of HTTP, or `mailto:` if the server `mails`.
/// `own` knows the server's.
pub fn check_url(text: &str, own: impl Fn(&url::Url) -> bool, mails: bool) -> Result<(), String> {
    if Recipients::are_in(text) {
        Recipients::read(text)?;
        return match mails {
            true => Ok(()),
            false => Err(NO_MAIL.to_owned()),
        };
    }
    let url = Outgoing::read_url(text).map_err(|error| error.to_string())?;
    match own(&url) {
        true => Err(
            "it is this server's own address: it would tell itself what it told itself".to_owned(),
        ),
        false => Ok(()),
    }
}

/// What the address leads to, without what is secret in it.
fn host_of(url: &str) -> String {
    if Recipients::are_in(url) {
        return Recipients::read(url)
            .map(|found| found.called())
            .unwrap_or_default();
    }
    let url = Outgoing::read_url(url).ok();
    url.and_then(|url| url.host_str().map(str::to_owned))
        .unwrap_or_default()
}

fn sealed(keeper: &Keeper, id: &str, secrets: Secrets) -> Result<Sealed, SecretsError> {
    let bytes = seal(keeper, id, &secrets)?;
    Ok(Sealed { secrets, bytes })
}

/// A new webhook.
///
/// # Errors
/// [`MakeError`].
pub fn add(
    keeper: &Keeper,
    body: Value,
    check: impl Fn(&str) -> Result<(), String>,
) -> Result<Ready, MakeError> {
    let mut new = NewWebhook::read(body, check)?;
    if Recipients::are_in(&new.url) {
        new.format = Format::Email;
        let events = &mut new.interest.events;
        if events.is_empty() && Recipients::read(&new.url) == Ok(Recipients::Approvers) {
            events.push(WAITING.to_owned());
        }
    }
    let secret = match &new.secret {
        Some(secret) => secret.clone(),
        None => sign::new_secret().map_err(SecretsError::from)?,
    };
    let id = new_id();
    let is_mail = new.format == Format::Email;
    let secrets = Secrets {
        url: new.url.clone(),
        present: secret.clone(),
        old: None,
    };
    Ok(Ready {
        command: WebhookCommand::Add {
            host: host_of(&new.url),
            sealed: sealed(keeper, &id, secrets)?,
            id,
            new: Box::new(new),
        },
        // Nobody checks a signature of an e-mail.
        secret: (!is_mail).then_some(secret),
    })
}

/// New values for some fields of a webhook. Only another address needs the key of the secrets.
///
/// # Errors
/// [`MakeError`].
pub fn change<'k>(
    keeper: impl FnOnce() -> Result<&'k Keeper, SecretsError>,
    kept: &Kept,
    changes: Map<String, Value>,
    check: impl Fn(&str) -> Result<(), String>,
    now: i64,
) -> Result<Ready, MakeError> {
    let webhook = &kept.webhook;
    let is_mail = webhook.format == Format::Email;
    let check = |url: &str| match Recipients::are_in(url) == is_mail {
        true => check(url),
        false => Err("it is of another kind than before; make another webhook for it".to_owned()),
    };
    let patched = webhook.patched(changes.clone(), check, now)?;
    let address = match patched.url {
        None => None,
        Some(url) => {
            let keeper = keeper()?;
            let host = host_of(&url);
            let before = open(keeper, webhook, &kept.sealed)?;
            let secrets = Secrets { url, ..before };
            let sealed = sealed(keeper, &webhook.id, secrets)?;
            Some((host, kept.sealed.clone(), sealed))
        }
    };
    Ok(Ready {
        command: WebhookCommand::Change {
            id: webhook.id.clone(),
            changes,
            address,
        },
        secret: None,
    })
}

/// Another secret, this one if there is one already; the present one goes on for so long, in microseconds.
///
/// # Errors
/// [`MakeError`].
pub fn rotate(
    keeper: &Keeper,
    kept: &Kept,
    overlap: i64,
    secret: Option<String>,
) -> Result<Ready, MakeError> {
    let webhook = &kept.webhook;
    let before = open(keeper, webhook, &kept.sealed)?;
    let secret = match secret {
        Some(secret) => secret,
        None => sign::new_secret().map_err(SecretsError::from)?,
    };
    let secrets = Secrets {
        url: before.url,
        present: secret.clone(),
        old: (overlap > 0).then_some(before.present),
    };
    Ok(Ready {
        command: WebhookCommand::Rotate {
            id: webhook.id.clone(),
            before: kept.sealed.clone(),
            sealed: sealed(keeper, &webhook.id, secrets)?,
            overlap,
        },
        secret: Some(secret),
    })
}

/// Reads since when, and of which outcome, everything is sent again.
///
/// # Errors
/// [`Refusal::Invalid`] with every field that is missing, wrong or unknown.
pub fn read_resend(body: Value) -> Result<(i64, bool), Refusal> {
    let mut fields = Fields::of_body(body)?;
    let since = fields.required_timestamp("since");
    let delivered = fields.boolean("delivered").unwrap_or(false);
    fields.refuse_unread();
    fields.finish()?;
    let since = since.map_or(i64::MAX, |since| since.as_microsecond());
    Ok((since, delivered))
}
