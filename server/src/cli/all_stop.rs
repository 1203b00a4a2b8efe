//! `all-stop …`: the switch that refuses every start, on the machine.

use std::io::{self, Write};

use clap::Subcommand;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{Data, Failure, account_name, done, machine, now};
use crate::domain::rules::AllStop as Stop;
use crate::domain::time::rfc3339;
use crate::store::flow::Command;
use crate::store::{Directory, StoreError};

#[derive(Debug, Subcommand)]
pub enum AllStop {
    /// Refuse every start for a time; what is in progress goes on
    Set {
        #[command(flatten)]
        data: Data,
        /// The account
        #[arg(long, value_name = "NAME", value_parser = account_name)]
        account: String,
        /// What every start is told
        #[arg(long, value_name = "TEXT")]
        message: String,
        /// For how long, such as 90m or 12h; at most 7 days (168h)
        #[arg(long = "for", value_name = "TIME", value_parser = duration)]
        duration: SignedDuration,
    },
    /// Let deployments start again before that
    Lift {
        #[command(flatten)]
        data: Data,
        /// The account
        #[arg(long, value_name = "NAME", value_parser = account_name)]
        account: String,
        /// Why, for the log
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
    /// Say whether every start is refused now
    Show {
        #[command(flatten)]
        data: Data,
        /// The account
        #[arg(long, value_name = "NAME", value_parser = account_name)]
        account: String,
    },
}

/// Does what the command says.
pub fn run(all_stop: AllStop) -> Result<(), Failure> {
    let mut out = io::stdout();
    match all_stop {
        AllStop::Set {
            data,
            account,
            message,
            duration,
        } => {
            let until = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
            let until = rfc3339(now().saturating_add(until));
            let body = json!({ "message": message, "until": until });
            let stop = Stop::read(body, &machine(), now())
                .map_err(|refusal| Failure::refused(&refusal))?;
            let stop = write(&data, &account, Command::Stop(stop))?;
            writeln!(out, "{}", describe(&account, &stop))?;
        }
        AllStop::Lift {
            data,
            account,
            reason,
        } => {
            let stop = write(&data, &account, Command::LiftStop { reason })?;
            writeln!(out, "{}", describe(&account, &stop))?;
        }
        AllStop::Show { data, account } => {
            let stop = Directory::open(&data.directory)?.all_stop(&account)?;
            let stop = Stop::to_json(stop.as_ref(), now());
            writeln!(out, "{}", describe(&account, &stop))?;
        }
    }
    Ok(())
}

fn write(data: &Data, account: &str, command: Command) -> Result<Value, Failure> {
    let directory = Directory::open(&data.directory)?;
    let answer = done(directory.write(account, &machine(), command, now())?)?;
    Ok(serde_json::from_str(&answer.body).map_err(StoreError::from)?)
}

/// What holds, on one line.
fn describe(account: &str, stop: &Value) -> String {
    let text = |name: &str| stop[name].as_str().unwrap_or_default().to_owned();
    if stop["active"] == true {
        format!(
            "Every start in {account} is refused until {}: {}",
            text("until"),
            text("message")
        )
    } else {
        format!("Deployments can start in {account}")
    }
}

fn duration(text: &str) -> Result<SignedDuration, String> {
    let read = text.trim().parse::<SignedDuration>().ok();
    read.filter(SignedDuration::is_positive)
        .ok_or_else(|| format!("{text:?} is no time such as 90m or 12h"))
}
