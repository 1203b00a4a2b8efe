//! Which version is deployed where, or why that cannot be said.

use serde_json::Value;

use super::questions::{Ask, STATE, other_than_expected};
use crate::model::failure::Failure;
use crate::model::foreign::Foreign;
use crate::model::kind::Kind;
use crate::model::outcome::Outcome;

/// The most names that a message lists.
const MAX_NAMES: usize = 10;

pub(super) fn version(ask: &mut Ask, product: &str, environment: &str) -> Result<Outcome, Failure> {
    let mut outcome = ask.all(STATE, &[("product", product)], "products")?;
    let Some(data) = outcome.data.take() else {
        return Ok(outcome);
    };
    let Some(cells) = cells(&data, product) else {
        return Ok(other_than_expected(outcome, "environments"));
    };
    let Some(cell) = named(&cells, "environment_name", environment) else {
        let why = nothing_there(ask, product, environment, &cells)?;
        return Ok(not_deployed(outcome, why));
    };
    let current = cell.get("current").filter(|current| !current.is_null());
    let Some(current) = current else {
        let why = format!(
            "no deployment of {product:?} to {environment:?} has completed yet{}",
            latest(cell)
        );
        return Ok(not_deployed(outcome, why));
    };
    let version = text(current, "version");
    if version.is_empty() {
        return Ok(other_than_expected(outcome, "version"));
    }
    outcome.message = format!("{version} of {product:?} is deployed to {environment:?}");
    outcome.version = version;
    outcome.deployed_at = text(current, "deployed_at");
    outcome.data = Some(cell.clone());
    Ok(outcome)
}

/// The environments of a product. The service has chosen it, maybe by a name that it had before.
fn cells(data: &Value, product: &str) -> Option<Vec<Value>> {
    let products = data.get("products")?.as_array()?;
    let product = match products.as_slice() {
        [] => return Some(Vec::new()),
        [only] => Some(only),
        several => named(several, "product_name", product),
    };
    product?.get("environments")?.as_array().cloned()
}

/// Exactly, else whatever the letters' case.
fn named<'a>(items: &'a [Value], member: &str, name: &str) -> Option<&'a Value> {
    let is = |item: &&Value, same: &dyn Fn(&str) -> bool| {
        item.get(member).and_then(Value::as_str).is_some_and(same)
    };
    let lower = name.to_lowercase();
    items
        .iter()
        .find(|item| is(item, &|other| other == name))
        .or_else(|| {
            items
                .iter()
                .find(|item| is(item, &|other| other.to_lowercase() == lower))
        })
}

/// Why there is no such cell: what the service does not know, or what was never deployed.
fn nothing_there(
    ask: &mut Ask,
    product: &str,
    environment: &str,
    cells: &[Value],
) -> Result<String, Failure> {
    if cells.is_empty() && !knows(ask, "versions/", ("product", product))? {
        return Ok(format!(
            "the service knows no product {product:?}: is it spelled right?"
        ));
    }
    if cells.is_empty() {
        return Ok(format!(
            "nothing of {product:?} has been deployed anywhere yet"
        ));
    }
    let there = match knows(ask, "deployments/", ("environment", environment))? {
        true => format!("nothing of {product:?} has been deployed to {environment:?} yet"),
        false => format!("the service knows no environment {environment:?}: is it spelled right?"),
    };
    let names: Vec<Foreign> = cells
        .iter()
        .map(|cell| text(cell, "environment_name"))
        .collect();
    let shown: Vec<&str> = names.iter().take(MAX_NAMES).map(Foreign::as_str).collect();
    let more = match names.len() > MAX_NAMES {
        true => ", …",
        false => "",
    };
    Ok(format!(
        "{there} {product:?} is in {}{more}.",
        shown.join(", ")
    ))
}

/// Whether a list has anything about this name. What cannot be read counts as known: the product or
/// environment is not blamed for it.
fn knows(ask: &mut Ask, list: &str, filter: (&str, &str)) -> Result<bool, Failure> {
    let outcome = ask.one(list, &[filter, ("limit", "1")])?;
    let items = outcome.data.as_ref().and_then(|data| data.get("items"));
    Ok(items
        .and_then(Value::as_array)
        .is_none_or(|items| !items.is_empty()))
}

fn latest(cell: &Value) -> String {
    let latest = cell.get("latest").unwrap_or(&Value::Null);
    match (text(latest, "version"), text(latest, "status")) {
        (version, status) if !version.is_empty() && !status.is_empty() => {
            format!(": the latest, {version}, is {status}")
        }
        _ => String::new(),
    }
}

fn not_deployed(answer: Outcome, why: String) -> Outcome {
    Outcome {
        features: answer.features,
        http_status: answer.http_status,
        ..Outcome::new(None, Kind::NotDeployed, why)
    }
}

fn text(object: &Value, member: &str) -> Foreign {
    let text = object.get(member).and_then(Value::as_str);
    Foreign::line(text.unwrap_or_default())
}
