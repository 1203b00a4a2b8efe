//! Names of products and environments, and settings of the account.

use serde_json::{Map, Value, json};

use super::policy::unknown_environment;
use crate::domain::answer::{Answer, Refusal};
use crate::domain::change::{Change, Decision};
use crate::domain::names::{fold, nearest};
use crate::domain::naming::{Kind, Named, read};
use crate::domain::rules::Rule;
use crate::store::StoreError;
use crate::store::transaction::Transaction;

type Decided = Result<Decision, Refusal>;

/// Changes a product or an environment: its name, what is said of it, or what it is a name of.
pub async fn change<T: Transaction>(
    transaction: &mut T,
    (kind, id): (Kind, &str),
    changes: &Map<String, Value>,
    now: i64,
) -> Result<Decided, StoreError> {
    let Some(before) = transaction.named(kind, id).await? else {
        return Ok(Err(Refusal::NotFound(kind.as_str())));
    };
    let wanted = match read(&before, kind, changes.clone()) {
        Ok(wanted) => wanted,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if let Some(target) = wanted.merged_into {
        return merge(transaction, kind, &before, &target, now).await;
    }
    let named = wanted.named;
    let mut changes = Vec::new();
    if named.name != before.name {
        if let Some((other, name)) = find(transaction, kind, &named.name).await?
            && other != id
        {
            let msg = format!(
                "{} is the name of {name} already; send \"alias_of\" if both are the same",
                named.name
            );
            return Ok(Err(Refusal::Conflict(msg)));
        }
        changes = follow(transaction, kind, &before.name, &named.name, now).await?;
    }
    changes.insert(
        0,
        Change::Named {
            kind,
            named: named.clone(),
            before,
        },
    );
    Ok(Ok(Decision {
        changes,
        answer: Answer::new(200, &shown(kind, &named)),
        subject: Some(id.to_owned()),
        kind: match kind {
            Kind::Product => "product.changed",
            Kind::Environment => "environment.changed",
        },
    }))
}

async fn merge<T: Transaction>(
    transaction: &mut T,
    kind: Kind,
    from: &Named,
    target: &str,
    now: i64,
) -> Result<Decided, StoreError> {
    let into = match transaction.named(kind, target).await? {
        Some(into) => Some(into),
        None => match find(transaction, kind, target).await? {
            Some((id, _)) => transaction.named(kind, &id).await?,
            None => None,
        },
    };
    let Some(into) = into.filter(|into| into.alias_of.is_none()) else {
        let known = transaction.environments().await?;
        return Ok(Err(match kind {
            Kind::Environment => unknown_environment("alias_of", target, &known),
            Kind::Product => {
                let msg = format!("There is no product {target}");
                Refusal::field("alias_of", "unknown_product", msg)
            }
        }));
    };
    if into.id == from.id {
        let msg = "Nothing is another name of itself";
        return Ok(Err(Refusal::field("alias_of", "value_error", msg)));
    }
    if transaction
        .both_in_progress(kind, &from.id, &into.id)
        .await?
    {
        let msg = format!(
            "{} and {} both have a deployment in progress in one place; end one first",
            from.name, into.name
        );
        return Ok(Err(Refusal::Conflict(msg)));
    }
    let mut changes = vec![Change::Merged {
        kind,
        from: from.id.clone(),
        into: into.id.clone(),
    }];
    changes.extend(follow(transaction, kind, &from.name, &into.name, now).await?);
    Ok(Ok(Decision {
        changes,
        answer: Answer::new(200, &shown(kind, &into)),
        subject: Some(from.id.clone()),
        kind: match kind {
            Kind::Product => "product.merged",
            Kind::Environment => "environment.merged",
        },
    }))
}

async fn find<T: Transaction>(
    transaction: &mut T,
    kind: Kind,
    name: &str,
) -> Result<Option<(String, String)>, StoreError> {
    match kind {
        Kind::Product => transaction.product(name).await,
        Kind::Environment => transaction.environment(name).await,
    }
}

/// The rules, and the limits of keys, that name what is called something else from now on.
async fn follow<T: Transaction>(
    transaction: &mut T,
    kind: Kind,
    old: &str,
    new: &str,
    now: i64,
) -> Result<Vec<Change>, StoreError> {
    let rules = transaction.rules().await?;
    let affected = rules.iter().filter_map(|rule| {
        let spec = rule.spec.renamed(kind, old, new)?;
        let changed = Rule {
            spec,
            updated_at: now,
            ..rule.clone()
        };
        Some(Change::Rule {
            id: rule.id.clone(),
            definition: Some(changed.definition()),
            before: Some(rule.definition()),
            reason: Some(format!("{old} is {new} from now on")),
            created_at: rule.created_at,
            updated_at: now,
        })
    });
    let mut changes: Vec<Change> = affected.collect();
    for key in transaction.keys().await? {
        if let Some(renamed) = key.renamed(kind, old, new) {
            changes.push(Change::Key {
                key: Box::new(renamed),
                before: Some(Box::new(key)),
                hashes: None,
                secret: None,
            });
        }
    }
    Ok(changes)
}

/// A product or an environment as the API shows it after a change.
fn shown(kind: Kind, named: &Named) -> Value {
    let mut shown = json!({ "id": named.id, "name": named.name });
    if kind == Kind::Environment {
        shown["type"] = json!(named.environment_type);
        shown["order"] = json!(named.order);
    }
    shown["archived"] = named.archived.into();
    shown["owner"] = named.owner.clone().into();
    shown["alias_of"] = named.alias_of.clone().into();
    shown
}

/// Whether a start may name an environment that nobody has named before.
pub const NEW_ENVIRONMENTS: &str = "new_environments";

/// How many products and environments events may name for the first time within an hour.
pub const NEW_NAMES: &str = "new_names_per_hour";
/// As many as that, unless somebody has set another number.
const NEW_NAMES_AT_FIRST: i64 = 1000;
const HOUR: i64 = 3600 * 1_000_000;

/// The settings as the API shows them, of what is stored.
pub fn shown_settings(environments: Option<String>, names: Option<String>) -> Value {
    json!({
        NEW_ENVIRONMENTS: environments.as_deref().unwrap_or("open"),
        NEW_NAMES: new_names(names.as_deref()),
    })
}

fn new_names(stored: Option<&str>) -> i64 {
    stored
        .and_then(|text| text.parse().ok())
        .unwrap_or(NEW_NAMES_AT_FIRST)
}

/// Changes settings of the account.
pub async fn set<T: Transaction>(
    transaction: &mut T,
    settings: &[(&'static str, String)],
) -> Result<Decided, StoreError> {
    let value = |name: &str| {
        let new = settings.iter().find(|(wanted, _)| *wanted == name);
        new.map(|(_, value)| value.clone())
    };
    let mut changes = Vec::new();
    for (name, value) in settings {
        changes.push(Change::Setting {
            name: (*name).to_owned(),
            value: value.clone(),
            before: transaction.setting(name).await?,
        });
    }
    let environments = match value(NEW_ENVIRONMENTS) {
        Some(value) => Some(value),
        None => transaction.setting(NEW_ENVIRONMENTS).await?,
    };
    let names = match value(NEW_NAMES) {
        Some(value) => Some(value),
        None => transaction.setting(NEW_NAMES).await?,
    };
    let subjects: Vec<_> = settings.iter().map(|(name, _)| *name).collect();
    Ok(Ok(Decision {
        changes,
        answer: Answer::new(200, &shown_settings(environments, names)),
        subject: Some(subjects.join(",")),
        kind: "setting.changed",
    }))
}

/// Why an event may not name what it names for the first time; none if it may. A runaway script must
/// not fill the lists that people look at.
pub async fn too_many_new<T: Transaction>(
    transaction: &mut T,
    created: &[Change],
    now: i64,
) -> Result<Option<Refusal>, StoreError> {
    let is_name =
        |change: &Change| matches!(change, Change::Product { .. } | Change::Environment { .. });
    if !created.iter().any(is_name) {
        return Ok(None);
    }
    let limit = new_names(transaction.setting(NEW_NAMES).await?.as_deref());
    // Those of the event are among them already.
    let Some(first) = transaction.name_made_at(limit, now - HOUR).await? else {
        return Ok(None);
    };
    let wait = (first + HOUR - now).clamp(1, HOUR);
    Ok(Some(Refusal::TooMany {
        message: format!(
            "Events have named {limit} products and environments for the first time within an hour, \
             which is as many as may be; an admin can change new_names_per_hour under /settings/"
        ),
        retry_after: wait.unsigned_abs().div_ceil(1_000_000),
    }))
}

/// Why a start may not name its environment; none if it may.
pub async fn closed<T: Transaction>(
    transaction: &mut T,
    environment: &str,
) -> Result<Option<Refusal>, StoreError> {
    let setting = transaction.setting(NEW_ENVIRONMENTS).await?;
    if setting.as_deref() != Some("closed") {
        return Ok(None);
    }
    let mut known = transaction.environments().await?;
    known.retain(|name| fold(name) != fold(environment));
    let meant = nearest(environment, known.iter().map(String::as_str));
    let meant = meant.map_or(String::new(), |other| format!("; did you mean {other}?"));
    let msg = format!(
        "There is no environment {environment}{meant}. New ones are closed by a setting of this \
         account; a rule with \"create\": true makes one"
    );
    Ok(Some(Refusal::field(
        "environment_name",
        "unknown_environment",
        msg,
    )))
}
