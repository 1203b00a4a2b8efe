//! One version, one product, one environment: what is known of it.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};

use super::buttons::{self, Shown};
use super::cell::deployment_address;
use super::deployment::{Fact, running};
use super::error::PageError;
use super::filters;
use super::format::{self, Html, micros, name};
use super::frame::{Frame, Here, show};
use super::history::{self, Row};
use super::query::Query;
use super::repository::{Repository, commit};
use super::story::person_of;
use super::viewer::Viewer;
use super::who::Who;
use crate::api::App;
use crate::domain::people::Role;
use crate::store::views::{
    Build, Deployment, Environment, Filter, MatrixCell, Page, Product, Version,
};
use crate::store::{Account, Listed};

/// How many deployments and builds stand on a page.
const SOME: i64 = 25;

/// Where something runs.
struct Place {
    environment: Html,
    gate: String,
    version: Option<Html>,
    href: String,
    age: Option<Html>,
    by: Option<Html>,
}

/// A version in a list.
struct Known {
    name: Html,
    href: String,
    age: Html,
    commit: Option<Html>,
}

#[derive(Template)]
#[template(path = "thing.html")]
struct Thing {
    frame: Frame,
    title: String,
    crumb: Option<(String, Html)>,
    heading: Html,
    sentence: String,
    action: Option<(String, &'static str)>,
    /// The deployment buttons, of a version.
    deploy: Vec<Shown>,
    places: Vec<Place>,
    versions: Vec<Known>,
    deployments: Vec<Row>,
    builds: Vec<Row>,
    all: String,
    facts: Vec<Fact>,
    approvals: Vec<Html>,
}

fn fact(name: &'static str, value: impl Into<String>) -> Fact {
    Fact {
        name,
        value: Html::of(value),
    }
}

fn gate(product: &str, version: &str, environment: &str) -> String {
    let parameters = [
        ("product", product),
        ("version", version),
        ("environment", environment),
    ];
    format::address("/manage/gate", &parameters)
}

fn place(cell: &MatrixCell, product: &str, version: Option<&str>, now: i64) -> Place {
    let current = cell.current.as_ref();
    let asked = version.or(current.map(|current| current.version.as_str()));
    Place {
        environment: name(&cell.environment_name),
        gate: gate(product, asked.unwrap_or_default(), &cell.environment_name),
        version: current.map(|current| name(&current.version)),
        href: current.map_or(String::new(), |current| {
            deployment_address(&current.deployment_id)
        }),
        age: current.map(|current| {
            let at = current
                .deployed_at
                .as_deref()
                .unwrap_or(&current.updated_at);
            format::age(micros(at), now)
        }),
        by: current.and_then(|current| current.deployed_by.as_deref().map(name)),
    }
}

/// The newest of a kind.
async fn newest<T: Listed + Send + 'static>(
    account: &Account,
    filter: Filter,
) -> Result<Page<T>, PageError> {
    let filter = Filter {
        limit: SOME,
        ..filter
    };
    Ok(account.list::<T>(filter).await?)
}

/// The version that a query names by its identifier, or by product and version.
async fn wanted_version(account: &Account, query: &Query) -> Result<Version, PageError> {
    let found = match (
        query.owned("view"),
        query.owned("product"),
        query.owned("version"),
    ) {
        (Some(id), _, _) => account.one::<Version>(id).await?,
        (None, Some(product), Some(version)) => {
            let filter = Filter {
                product: Some(product),
                version: Some(version),
                limit: 1,
                ..Filter::default()
            };
            account
                .list::<Version>(filter)
                .await?
                .items
                .into_iter()
                .next()
        }
        _ => None,
    };
    found.ok_or(PageError::NotFound("version"))
}

/// One version: its builds, where it ran, its approvals.
///
/// # Errors
/// [`PageError::NotFound`] if there is no such version.
pub async fn version(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    query: Query,
) -> Result<Response, PageError> {
    let account = &viewer.account;
    let now = app.now();
    let version = wanted_version(account, &query).await?;
    let of_it = Filter {
        product: Some(version.product_name.clone()),
        version: Some(version.version.clone()),
        ..Filter::default()
    };
    let deployed = newest::<Deployment>(account, of_it.clone()).await?;
    let built = newest::<Build>(account, of_it).await?;
    let who = Who::read(account).await?;
    let matrix = running(account, &version.product_name, now).await?;
    let cells = matrix.map_or(Vec::new(), |product| product.environments);
    let here: Vec<&MatrixCell> = cells
        .iter()
        .filter(|cell| {
            let current = cell.current.as_ref();
            current.is_some_and(|current| current.version_id == version.id)
        })
        .collect();
    let detail = |build: &Build, key: &str| {
        build
            .details
            .get(key)
            .and_then(|value| value.as_str().map(str::to_owned))
    };
    let repository = built.items.first().and_then(|build| {
        let named = detail(build, "scm_repository")?;
        Repository::of(&named, detail(build, "source_system").as_deref())
    });
    let mut facts = vec![
        fact(
            "Product",
            format!(
                "<a href=\"{}\">{}</a>",
                format::address("/manage/products", &[("view", &version.product_id)]),
                name(&version.product_name)
            ),
        ),
        fact(
            "First seen",
            format::ago(micros(&version.created_at), now).to_string(),
        ),
    ];
    if let Some(sha) = &version.scm_sha {
        facts.push(fact("Commit", commit(sha, repository.as_ref()).to_string()));
    }
    if let Some(url) = built
        .items
        .first()
        .and_then(|build| detail(build, "build_url"))
    {
        let link = format::web_link(&url, &Html::of("the newest build"));
        facts.push(fact("Run", link.to_string()));
    }
    let approvals = account
        .approvals(version.id.clone())
        .await?
        .unwrap_or_default();
    let approvals = approvals.iter().map(|one| {
        let text = |key: &str| one[key].as_str().unwrap_or_default();
        let at = format::ago(micros(text("created_at")), now);
        let word = if text("verdict") == "refuse" {
            "refused"
        } else {
            "approved"
        };
        let withdrawn = if one["withdrawn_at"].is_null() {
            ""
        } else {
            ", withdrawn"
        };
        Html::of(format!(
            "{} {word} the {} for {}, {at}{withdrawn}",
            person_of(one, &who),
            text("type"),
            name(text("environment"))
        ))
    });
    let sentence = match here.len() {
        0 => "It runs nowhere now".to_owned(),
        count => format!(
            "It runs in {}",
            format::counted(count, "environment", "environments")
        ),
    };
    let deploy = buttons::beside(account, &version, "").await?;
    Ok(show(&Thing {
        deploy,
        frame: viewer.frame(Here::Elsewhere),
        title: format!(
            "{} {}",
            format::attribute(&version.product_name),
            format::attribute(&version.version)
        ),
        crumb: Some((
            format::address("/manage/products", &[("view", &version.product_id)]),
            name(&version.product_name),
        )),
        heading: Html::of(format!(
            "{} {}",
            name(&version.product_name),
            name(&version.version)
        )),
        sentence,
        action: Some((
            gate(&version.product_name, &version.version, ""),
            "Where can it go?",
        )),
        places: here
            .into_iter()
            .map(|cell| place(cell, &version.product_name, Some(&version.version), now))
            .collect(),
        versions: Vec::new(),
        all: format::address(
            "/manage/history",
            &[
                ("product", &version.product_name),
                ("version", &version.version),
            ],
        ),
        deployments: history::deployments(&deployed, now),
        builds: history::builds(&built, now),
        facts,
        approvals: approvals.collect(),
    }))
}

/// What clients print for a version: the catalogue of the hosted service.
///
/// # Errors
/// As [`version`].
pub async fn catalogue(
    app: State<Arc<App>>,
    viewer: Viewer,
    query: Query,
) -> Result<Response, PageError> {
    if query.get("view").is_none() {
        return Ok(Redirect::to("/manage/").into_response());
    }
    match query.get("tab") {
        Some("products") => product(app, viewer, query).await,
        _ => version(app, viewer, query).await,
    }
}

/// One product: where it runs, its newest versions and deployments.
///
/// # Errors
/// [`PageError::NotFound`] if there is no such product.
pub async fn product(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    query: Query,
) -> Result<Response, PageError> {
    let account = &viewer.account;
    let now = app.now();
    let id = match (query.owned("view"), query.owned("product")) {
        (Some(id), _) => Some(id),
        (None, Some(named)) => account.product(named).await?.map(|found| found.id),
        (None, None) => None,
    };
    let found = match id {
        Some(id) => account.one::<Product>(id).await?,
        None => None,
    };
    let product = found.ok_or(PageError::NotFound("product"))?;
    let of_it = Filter {
        product: Some(product.name.clone()),
        ..Filter::default()
    };
    let deployed = newest::<Deployment>(account, of_it.clone()).await?;
    let versions = newest::<Version>(account, of_it).await?;
    let matrix = running(account, &product.name, now).await?;
    let order = account.environment_columns().await?;
    let mut cells = matrix.map_or(Vec::new(), |product| product.environments);
    cells.sort_by_key(|cell| order.iter().position(|one| one.id == cell.environment_id));
    let newest_version = versions
        .items
        .first()
        .map(|version| version.version.clone());
    let mut facts = vec![fact(
        "First seen",
        format::ago(micros(&product.created_at), now).to_string(),
    )];
    if let Some(owner) = &product.owner {
        facts.push(fact("Owner", name(owner).to_string()));
    }
    if viewer.may(Role::Admin) {
        let href = format::address("/manage/buttons", &[("product", &product.name)]);
        let href = format::escaped_attribute(&href);
        facts.push(fact(
            "Deployment buttons",
            format!("<a href=\"{href}\">Where what deploys is</a>"),
        ));
    }
    if product.archived {
        facts.push(fact("Archived", "yes: it is not in the matrix"));
    }
    Ok(show(&Thing {
        deploy: Vec::new(),
        frame: viewer.frame(Here::Elsewhere),
        title: format::attribute(&product.name),
        crumb: None,
        heading: name(&product.name),
        sentence: match cells.len() {
            0 => "Never deployed".to_owned(),
            count => format!(
                "In {}",
                format::counted(count, "environment", "environments")
            ),
        },
        action: newest_version.as_deref().map(|version| {
            (
                gate(&product.name, version, ""),
                "Where can its newest version go?",
            )
        }),
        places: cells
            .iter()
            .map(|cell| place(cell, &product.name, newest_version.as_deref(), now))
            .collect(),
        versions: versions
            .items
            .iter()
            .map(|version| listed(version, now))
            .collect(),
        all: format::address("/manage/history", &[("product", &product.name)]),
        deployments: history::deployments(&deployed, now),
        builds: Vec::new(),
        facts,
        approvals: Vec::new(),
    }))
}

fn listed(version: &Version, now: i64) -> Known {
    Known {
        name: name(&version.version),
        href: format::address("/manage/versions", &[("view", &version.id)]),
        age: format::ago(micros(&version.created_at), now),
        commit: version.scm_sha.as_deref().map(|sha| commit(sha, None)),
    }
}

/// One environment: what happened there, and which rules are for it.
///
/// # Errors
/// [`PageError::NotFound`] if there is no such environment.
pub async fn environment(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    query: Query,
) -> Result<Response, PageError> {
    let account = &viewer.account;
    let now = app.now();
    let found = match query.owned("view") {
        Some(id) => account.one::<Environment>(id).await?,
        None => None,
    };
    let environment = found.ok_or(PageError::NotFound("environment"))?;
    let of_it = Filter {
        environment: Some(environment.name.clone()),
        ..Filter::default()
    };
    let deployed = newest::<Deployment>(account, of_it).await?;
    let kind = environment.kind.clone();
    let place = crate::domain::deployment::Place {
        environment: environment.name.clone(),
        environment_type: kind
            .as_deref()
            .and_then(crate::domain::naming::EnvironmentType::parse),
        ..Default::default()
    };
    let mut facts = vec![fact(
        "First seen",
        format::ago(micros(&environment.created_at), now).to_string(),
    )];
    if let Some(kind) = &kind {
        facts.push(fact("Type", name(kind).to_string()));
    }
    if let Some(owner) = &environment.owner {
        facts.push(fact("Owner", name(owner).to_string()));
    }
    if environment.archived {
        facts.push(fact("Archived", "yes: it is not in the matrix"));
    }
    let rules = account.rules().await?;
    let for_it = rules.iter().filter(|rule| {
        let anywhere = crate::domain::deployment::Place {
            product: rule.spec.products.first().cloned().unwrap_or_default(),
            ..place.clone()
        };
        rule.spec.applies_to(&anywhere)
    });
    for rule in for_it {
        let href = format::address("/manage/rules/edit", &[("rule", &rule.id)]);
        let status = rule.status_at(now).as_str().replace('_', " ");
        let text = format!("<a href=\"{href}\">{}</a>, {status}", name(&rule.spec.name));
        facts.push(fact("Rule", text));
    }
    Ok(show(&Thing {
        deploy: Vec::new(),
        frame: viewer.frame(Here::Elsewhere),
        title: format::attribute(&environment.name),
        crumb: None,
        heading: name(&environment.name),
        sentence: String::new(),
        action: Some((
            format::address("/manage/", &[("environment", &environment.name)]),
            "What runs there",
        )),
        places: Vec::new(),
        versions: Vec::new(),
        all: format::address("/manage/history", &[("environment", &environment.name)]),
        deployments: history::deployments(&deployed, now),
        builds: Vec::new(),
        facts,
        approvals: Vec::new(),
    }))
}
