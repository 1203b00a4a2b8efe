//! The fake Slack as a program of its own, for tests in other languages and for the demo. It prints where its
//! Web API is, and the secrets that it goes by.

#[path = "mod.rs"]
mod fake_slack;

use std::io::Write;

use fake_slack::{APP, APP_TOKEN, BOT_TOKEN, FakeSlack, SIGNING_SECRET, TEAM};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let (fake, served) = FakeSlack::listen(0).await;
    let about = serde_json::json!({
        "api": fake.api(), "team_id": TEAM, "app_id": APP, "bot_token": BOT_TOKEN,
        "app_token": APP_TOKEN, "signing_secret": SIGNING_SECRET,
    });
    println!("{about}");
    std::io::stdout().flush().unwrap();
    served.await;
}
