//! Tells those who wait for another verdict of what a command on the machine has changed beside the
//! server, in accounts that are in use.

use std::sync::Arc;
use std::time::Duration;

use crate::api::App;

/// How often.
const PAUSE: Duration = Duration::from_secs(1);

/// Looks again and again.
pub async fn run(app: Arc<App>) {
    loop {
        tokio::time::sleep(PAUSE).await;
        for account in app.directory.open_accounts() {
            account.look_elsewhere().await;
        }
    }
}
