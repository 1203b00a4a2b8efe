//! The secrets of webhooks at rest.

use crate::domain::webhook::{Secrets, Webhook, secret_name};
use crate::secrets::{Secrets as Keeper, SecretsError};

/// Encrypts the secrets of the webhook `id`.
///
/// # Errors
/// If there are no random bytes.
pub fn seal(keeper: &Keeper, id: &str, secrets: &Secrets) -> Result<Vec<u8>, SecretsError> {
    let text = serde_json::to_vec(secrets);
    let text = text.map_err(|_| SecretsError::Damaged(secret_name(id)))?;
    keeper.seal(&secret_name(id), &text)
}

/// Reads what was sealed.
///
/// # Errors
/// If it was sealed with another key, or is not as it was.
pub fn open(keeper: &Keeper, webhook: &Webhook, sealed: &[u8]) -> Result<Secrets, SecretsError> {
    let name = secret_name(&webhook.id);
    let text = keeper.open(&name, sealed)?;
    serde_json::from_slice(&text).map_err(|_| SecretsError::Damaged(name))
}
