//! Ends deployments that nobody said a word of for too long, in accounts that are in use. A start in
//! their cell does not wait for this.

use std::sync::Arc;
use std::time::Duration;

use crate::api::App;
use crate::store::StoreError;
use crate::store::flow::Command;
use crate::store::transaction::Envelope;

/// How often.
const PAUSE: Duration = Duration::from_secs(30);

/// Looks again and again.
pub async fn run(app: Arc<App>) {
    loop {
        tokio::time::sleep(PAUSE).await;
        if let Err(error) = expire(&app).await {
            tracing::warn!(%error, "deployments could not be expired");
        }
    }
}

async fn expire(app: &App) -> Result<(), StoreError> {
    for account in app.directory.open_accounts() {
        let now = app.now();
        if !account.has_expired(now).await? {
            continue;
        }
        let envelope = Envelope::new("server".to_owned(), now);
        account.write(envelope, Command::Expire).await?;
    }
    Ok(())
}
