//! Deployment buttons: what is written in them, and their variables.

use serde_json::json;

use super::policy::no_environment;
use crate::domain::answer::{Answer, Refusal};
use crate::domain::buttons::{Buttons, Changes, check_count};
use crate::domain::change::{Change, Decision};
use crate::domain::fields::FieldError;
use crate::domain::naming::Kind;
use crate::store::StoreError;
use crate::store::sql::OF_ACCOUNT;
use crate::store::transaction::Transaction;

/// New values for buttons and variables.
#[derive(Debug)]
pub struct ButtonsChange {
    /// The product, by its identifier or its name; none for the variables of the account.
    pub product: Option<String>,
    /// The values.
    pub changes: Changes,
    /// The entity tag of what they are for.
    pub expected: Option<String>,
}

/// What follows from it.
pub async fn change<T: Transaction>(
    transaction: &mut T,
    wanted: &ButtonsChange,
) -> Result<Result<Decision, Refusal>, StoreError> {
    let product_id = match &wanted.product {
        None => OF_ACCOUNT.to_owned(),
        Some(product) => match transaction.named(Kind::Product, product).await? {
            Some(named) if named.alias_of.is_none() => product.clone(),
            _ => match transaction.product(product).await? {
                Some((id, _)) => id,
                None => return Ok(Err(Refusal::NotFound("Product"))),
            },
        },
    };
    let before = transaction.buttons(&product_id).await?;
    if wanted
        .expected
        .as_ref()
        .is_some_and(|tag| *tag != before.tag())
    {
        return Ok(Err(Refusal::Changed));
    }
    let mut buttons = before.clone();
    let mut errors = Vec::new();
    for (name, value) in &wanted.changes.variables {
        put(&mut buttons.variables, name, value);
    }
    for (name, address) in &wanted.changes.environments {
        let Some((id, _)) = transaction.environment(name).await? else {
            let known = transaction.environments().await?;
            errors.push(FieldError {
                loc: ["body", "environments", name].map(str::to_owned).to_vec(),
                msg: no_environment(name, &known),
                kind: "unknown_environment",
            });
            continue;
        };
        put(&mut buttons.addresses, &id, address);
    }
    if !errors.is_empty() {
        return Ok(Err(Refusal::Invalid(errors)));
    }
    if let Err(refusal) = check_count(&buttons) {
        return Ok(Err(refusal));
    }
    Ok(Ok(decision(&product_id, buttons, before)))
}

fn put(all: &mut std::collections::BTreeMap<String, String>, name: &str, value: &Option<String>) {
    match value {
        Some(value) => all.insert(name.to_owned(), value.clone()),
        None => all.remove(name),
    };
}

fn decision(product_id: &str, buttons: Buttons, before: Buttons) -> Decision {
    Decision {
        answer: Answer::new(200, &json!(buttons)),
        subject: Some(match product_id {
            OF_ACCOUNT => "buttons".to_owned(),
            id => id.to_owned(),
        }),
        changes: vec![Change::Buttons {
            product_id: product_id.to_owned(),
            buttons,
            before,
        }],
        kind: "buttons.changed",
    }
}
