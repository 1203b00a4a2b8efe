//! `buttons …`: where what deploys is, beside each version.

use std::io::{self, Write};

use clap::Subcommand;
use serde_json::{Map, Value, json};

use super::settings::Place;
use super::{Failure, done, machine, now};
use crate::domain::buttons::Changes;
use crate::store::Directory;
use crate::store::flow::{ButtonsChange, Command};

#[derive(Debug, Subcommand)]
pub enum ButtonsCommand {
    /// Show every button, and the variables in them
    List {
        #[command(flatten)]
        place: Place,
    },
    /// Write buttons and variables; what is not named stays
    Set {
        #[command(flatten)]
        place: Place,
        /// The product; without it the variables are those of the account
        #[arg(long, value_name = "NAME")]
        product: Option<String>,
        /// An address for an environment, such as
        /// 'production=https://ci.example.com/job/{job}/parambuild?VERSION={vi_version}'; again for more of
        /// them; nothing after = takes it away
        #[arg(long = "url", value_name = "ENVIRONMENT=URL", value_parser = pair, requires = "product")]
        urls: Vec<(String, String)>,
        /// A variable; again for more of them; nothing after = takes it away
        #[arg(long = "variable", value_name = "NAME=VALUE", value_parser = pair)]
        variables: Vec<(String, String)>,
    },
}

/// A name and what it has.
fn pair(text: &str) -> Result<(String, String), String> {
    let found = text
        .split_once('=')
        .filter(|(name, _)| !name.trim().is_empty());
    let (name, value) = found.ok_or_else(|| format!("{text:?} has no = after a name"))?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

/// Does what the command says.
pub fn run(command: ButtonsCommand) -> Result<(), Failure> {
    let mut out = io::stdout();
    match command {
        ButtonsCommand::List { place } => {
            let directory = Directory::open(&place.data.directory)?;
            let all = directory.buttons(&place.account)?;
            for (name, value) in &all.common.variables {
                writeln!(out, "variable  {name}={value}")?;
            }
            for of in &all.products {
                let product = &of.product;
                for (name, value) in &of.buttons.variables {
                    writeln!(out, "{product}  variable  {name}={value}")?;
                }
                for (id, environment) in &all.environments {
                    if let Some(address) = of.buttons.addresses.get(id) {
                        writeln!(out, "{product}  {environment}={address}")?;
                    }
                }
            }
            Ok(())
        }
        ButtonsCommand::Set {
            place,
            product,
            urls,
            variables,
        } => {
            let mut body = json!({ "variables": members(variables) });
            if product.is_some() {
                body["environments"] = Value::Object(members(urls));
            }
            let changes = Changes::read(body, product.is_some());
            let changes = changes.map_err(|refusal| Failure::refused(&refusal))?;
            let directory = Directory::open(&place.data.directory)?;
            let command = Command::Buttons(ButtonsChange {
                product: product.clone(),
                changes,
                expected: None,
            });
            done(directory.write(&place.account, &machine(), command, now())?)?;
            let of = product.unwrap_or_else(|| "the account".to_owned());
            writeln!(out, "The buttons of {of} are as you say")?;
            Ok(())
        }
    }
}

/// What is empty is taken away.
fn members(pairs: Vec<(String, String)>) -> Map<String, Value> {
    let value = |value: String| match value.is_empty() {
        true => Value::Null,
        false => json!(value),
    };
    let pairs = pairs.into_iter();
    pairs.map(|(name, text)| (name, value(text))).collect()
}
