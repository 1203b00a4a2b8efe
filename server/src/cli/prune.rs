//! `prune`: takes out what nobody asks for any more.

use std::io::{self, Write};

use clap::Args;
use serde_json::Value;

use super::{Data, Failure, account_name, done, machine, now};
use crate::domain::prune::{KEPT_AT_LEAST, Place, Prune as Wanted};
use crate::store::flow::Command;
use crate::store::{Directory, StoreError};

/// `prune`.
#[derive(Debug, Args)]
pub struct Prune {
    #[command(flatten)]
    data: Data,
    /// Only in this account [default: in all of them]
    #[arg(long, value_name = "NAME", value_parser = account_name)]
    account: Option<String>,
    /// What is younger stays; 90 at least
    #[arg(long, value_name = "DAYS", default_value_t = 365,
          value_parser = clap::value_parser!(i64).range(KEPT_AT_LEAST..=36_500))]
    older_than: i64,
    /// Only say how much would be taken
    #[arg(long)]
    check: bool,
}

impl Prune {
    pub fn run(self) -> Result<(), Failure> {
        let directory = Directory::open(&self.data.directory)?;
        let accounts = match self.account {
            Some(account) => vec![account],
            None => directory.account_names()?,
        };
        let took = if self.check { "would take" } else { "took" };
        for account in accounts {
            let mut sums = [0; 3];
            let mut from = Some(Place::START);
            while let Some(place) = from {
                let command = Command::Prune(Wanted {
                    days: self.older_than,
                    from: place,
                    check: self.check,
                });
                let answer = done(directory.write(&account, &machine(), command, now())?)?;
                let answer: Value = serde_json::from_str(&answer.body).map_err(StoreError::from)?;
                for (sum, kind) in sums.iter_mut().zip(["deployments", "builds", "answers"]) {
                    *sum += answer[kind].as_i64().unwrap_or_default();
                }
                from = serde_json::from_value(answer["next"].clone()).map_err(StoreError::from)?;
            }
            let [deployments, builds, answers] = sums;
            writeln!(
                io::stdout(),
                "{account}: {took} {deployments} deployments, {builds} builds and {answers} answers \
                 to an Idempotency-Key"
            )?;
        }
        Ok(())
    }
}
