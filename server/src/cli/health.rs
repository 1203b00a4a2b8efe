//! `health`: whether the server of these settings is ready, for what watches over it and has no curl.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::time::Duration;

use clap::Args;

use super::settings::Settings;
use super::{Failure, base};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// More than any answer has.
const MAX_ANSWER: u64 = 64 * 1024;

#[derive(Debug, Args)]
pub struct Health {
    /// The same settings as the server's: it is asked on the address that it listens on
    #[command(flatten)]
    settings: Box<Settings>,
}

impl Health {
    pub fn run(&self) -> Result<(), Failure> {
        let scheme = match self.settings.tls_cert {
            Some(_) => "https",
            None => "http",
        };
        ask(scheme, self.settings.listen)?;
        writeln!(io::stdout(), "ready")?;
        Ok(())
    }
}

fn ask(scheme: &str, address: SocketAddr) -> Result<(), Failure> {
    let url = format!("{}/readyz", base(scheme, address));
    let refused = |reason: String| Failure::Refused(format!("{url}: {reason}"));
    if address.port() == 0 {
        let reason = "a server on port 0 took a free one; name that one with --listen";
        return Err(refused(reason.to_owned()));
    }
    // The certificate is for the name that people know, not for this address, and nothing secret is sent.
    let tls = ureq::tls::TlsConfig::builder().disable_verification(true);
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .proxy(None)
        .timeout_global(Some(PATIENCE))
        .tls_config(tls.build())
        .build();
    let answer = ureq::Agent::from(config).get(&url).call();
    let mut answer = answer.map_err(|error| refused(error.to_string()))?;
    if answer.status().as_u16() == 200 {
        return Ok(());
    }
    let said = answer.body_mut().with_config().limit(MAX_ANSWER);
    let said = said.read_to_string().unwrap_or_default();
    Err(refused(format!("{} {}", answer.status(), said.trim())))
}
