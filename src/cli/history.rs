//! `versioner history`: what was deployed or built, newest first.

use clap::ArgMatches;
use serde_json::{Value, json};

use super::setup::{Setup, Told, named};
use super::state::given;
use super::{interrupt, moment, table};
use crate::client::Client;
use crate::model::kind::Code;
use crate::model::outcome::{Error, Outcome};
use crate::report::console;

const FILTERS: [&str; 4] = ["product", "environment", "version", "status"];
const DEFAULT_LIMIT: u16 = 50;

/// Reads and shows it; gives back the exit code.
pub fn run(flags: &ArgMatches) -> u8 {
    let setup = Setup::new(flags);
    let of: &String = flags.get_one("of").expect("it has a default");
    let outcome = Client::new(setup.options.clone()).and_then(|client| {
        let query = query(flags)?;
        let limit = flags.get_one("limit").copied().unwrap_or(DEFAULT_LIMIT);
        read(&client, &format!("{of}/"), &query, usize::from(limit))
    });
    let outcome = named(outcome.unwrap_or_else(Error::into_outcome), None);
    setup.end(&outcome, Told::default(), |outcome| show(outcome, of))
}

fn query(flags: &ArgMatches) -> Result<Vec<(&'static str, String)>, Error> {
    let mut query = Vec::new();
    for name in FILTERS {
        if let Some(text) = flags.get_one::<String>(name) {
            query.push((name, given(name, text)?.to_owned()));
        }
    }
    for name in ["since", "until"] {
        if let Some(text) = flags.get_one::<String>(name) {
            query.push((name, moment::parse(name, given(name, text)?)?));
        }
    }
    Ok(query)
}

/// Pages until there are as many as were asked for: the service may end one early.
fn read(
    client: &Client,
    path: &str,
    filters: &[(&'static str, String)],
    limit: usize,
) -> Result<Outcome, Error> {
    let interrupt = interrupt::on_signal();
    let mut items: Vec<Value> = Vec::new();
    let mut cursor = String::new();
    loop {
        let left = (limit - items.len()).to_string();
        let mut query: Vec<(&str, &str)> = filters
            .iter()
            .map(|(name, text)| (*name, text.as_str()))
            .collect();
        query.push(("limit", &left));
        if !cursor.is_empty() {
            query.push(("cursor", &cursor));
        }
        let mut outcome = client.read_with(path, &query, None, &interrupt)?;
        let data = outcome.data.take().unwrap_or_default();
        let page = table::items(&data, "items");
        let (is_empty, next) = (page.is_empty(), table::text(&data, "next_cursor"));
        items.extend(page.iter().cloned());
        if items.len() >= limit || is_empty || next.is_empty() {
            items.truncate(limit);
            let next = Some(next).filter(|next| !next.is_empty());
            outcome.data = Some(json!({"items": items, "next_cursor": next}));
            return Ok(outcome);
        }
        cursor = next;
    }
}

fn show(outcome: &Outcome, of: &str) {
    if outcome.code != Code::Ok {
        console::error(&outcome.text());
        return;
    }
    let data = outcome.data.as_ref().unwrap_or(&Value::Null);
    let items = table::items(data, "items");
    if items.is_empty() {
        console::error(&format!("there are no such {of}"));
        return;
    }
    match of {
        "builds" => table::show(
            &["WHEN", "STATUS", "PRODUCT", "VERSION", "BY", "ID"],
            items.iter().map(build).collect(),
        ),
        _ => table::show(
            &[
                "WHEN",
                "STATUS",
                "PRODUCT",
                "VERSION",
                "ENVIRONMENT",
                "BY",
                "ID",
            ],
            items.iter().map(deployment).collect(),
        ),
    }
    if !table::text(data, "next_cursor").is_empty() {
        console::error("there are more: ask for more with --limit, or for others with --until");
    }
}

fn build(item: &Value) -> Vec<String> {
    vec![
        table::time(item, "updated_at"),
        table::text(item, "status"),
        table::text(item, "product_name"),
        table::text(item, "version"),
        table::text(item, "built_by"),
        table::text(item, "id"),
    ]
}

fn deployment(item: &Value) -> Vec<String> {
    vec![
        table::time(item, "updated_at"),
        table::text(item, "status"),
        table::text(item, "product_name"),
        table::text(item, "version"),
        table::text(item, "environment_name"),
        table::text(item, "deployed_by"),
        table::text(item, "id"),
    ]
}
