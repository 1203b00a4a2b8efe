//! `versioner state`: which version runs where.

use clap::ArgMatches;
use serde_json::Value;

use super::setup::{Setup, Told, named};
use super::{interrupt, table};
use crate::client::Client;
use crate::input::text;
use crate::model::failure::Failure;
use crate::model::kind::Code;
use crate::model::outcome::{Error, Outcome};
use crate::report::console;

const HEADS: [&str; 6] = ["PRODUCT", "ENVIRONMENT", "VERSION", "SINCE", "BY", "NOTE"];

/// Reads and shows it; gives back the exit code.
pub fn run(flags: &ArgMatches) -> u8 {
    let setup = Setup::new(flags);
    let product: Option<&String> = flags.get_one("product");
    let outcome = Client::new(setup.options.clone()).and_then(|client| {
        let product = product.map_or(Ok(""), |product| given("product", product))?;
        client.state_with(product, None, &interrupt::on_signal())
    });
    let outcome = named(outcome.unwrap_or_else(Error::into_outcome), None);
    setup.end(&outcome, Told::default(), |outcome| show(outcome, product))
}

/// A filter that is given and blank would show everything.
pub fn given<'a>(name: &'static str, text: &'a str) -> Result<&'a str, Error> {
    let blank = || Failure::argument(name, format!("{name} is blank: is a variable not set?"));
    text::given(text).ok_or_else(|| blank().into_outcome(None).into())
}

fn show(outcome: &Outcome, product: Option<&String>) {
    if outcome.code != Code::Ok {
        console::error(&outcome.text());
        return;
    }
    let rows = rows(outcome.data.as_ref().unwrap_or(&Value::Null));
    if rows.is_empty() {
        console::error(&match product {
            Some(product) => {
                format!("nothing of {product:?} has been deployed, or it is not known")
            }
            None => "nothing has been deployed yet".to_owned(),
        });
        return;
    }
    table::show(&HEADS, rows);
}

fn rows(state: &Value) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for product in table::items(state, "products") {
        for cell in table::items(product, "environments") {
            let none = Value::Null;
            let (current, latest) = (
                cell.get("current").unwrap_or(&none),
                cell.get("latest").unwrap_or(&none),
            );
            rows.push(vec![
                table::text(product, "product_name"),
                table::text(cell, "environment_name"),
                match table::text(current, "version") {
                    version if version.is_empty() => "-".to_owned(),
                    version => version,
                },
                table::time(current, "deployed_at"),
                table::text(current, "deployed_by"),
                note(cell, current, latest),
            ]);
        }
    }
    rows
}

/// What else is to be known of a place: a later attempt, and that it is behind.
fn note(cell: &Value, current: &Value, latest: &Value) -> String {
    let is_other = latest.get("deployment_id") != current.get("deployment_id");
    let attempt = (is_other && !latest.is_null()).then(|| {
        let (version, status) = (
            table::text(latest, "version"),
            table::text(latest, "status"),
        );
        format!("{version} {status}")
    });
    let drift = cell.get("drift") == Some(&Value::Bool(true));
    let notes = attempt
        .into_iter()
        .chain(drift.then(|| "behind".to_owned()));
    notes.collect::<Vec<_>>().join(", ")
}
