//! `slack …`: setting up the app of Slack.

use std::io::{self, Write};

use clap::Subcommand;

use super::{FIRST_ACCOUNT, Failure, account_name};
use crate::pages::PublicUrl;
use crate::slack::{Reached, manifest};

#[derive(Debug, Subcommand)]
pub enum Slack {
    /// Print the manifest of the app, to be pasted at https://api.slack.com/apps under "From a manifest"
    Manifest {
        /// Address by which Slack reaches this server, such as https://versioner.example.com
        #[arg(
            long,
            value_name = "URL",
            env = "VERSIONER_SERVER_PUBLIC_URL",
            value_parser = PublicUrl::parse,
            required_unless_present = "socket_mode"
        )]
        url: Option<PublicUrl>,
        /// Let the server open a socket to Slack, which then needs no way in
        #[arg(long)]
        socket_mode: bool,
        /// The account that the app is for
        #[arg(long, value_name = "NAME", value_parser = account_name, default_value = FIRST_ACCOUNT)]
        account: String,
    },
}

/// Does what the command says.
pub fn run(slack: Slack) -> Result<(), Failure> {
    let Slack::Manifest {
        url,
        socket_mode,
        account,
    } = slack;
    let base = url.filter(|_| !socket_mode).map(|url| url.to_string());
    let reached = match &base {
        Some(base) => Reached::At(base),
        None => Reached::BySocket,
    };
    writeln!(io::stdout(), "{:#}", manifest(&reached, &account))?;
    Ok(())
}
