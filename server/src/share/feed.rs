//! Feeds for a reader: what was deployed, and which starts wait for people. The form is Atom (RFC 4287).

use std::fmt::Write;
use std::sync::Arc;

use axum::extract::State;
use axum::http::request::Parts;
use axum::response::Response;

use super::{answer, markup, named, open, refusal};
use crate::api::App;
use crate::api::error::ApiError;
use crate::auth::principal::Principal;
use crate::domain::deployment::State as Stage;
use crate::domain::fields::FieldError;
use crate::domain::naming::Kind;
use crate::domain::time::rfc3339;
use crate::pages::{PageError, Query, Question, address, deployment_address, judge, micros};
use crate::store::views::{Deployment, Filter};

const ATOM: &str = "application/atom+xml; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";
/// The entries of a feed.
const ENTRIES: usize = 50;
/// The most lists that one feed is made from: one for each product and environment that it is for.
const LISTS: usize = 64;

/// One entry. Texts are as they came.
struct Entry {
    id: String,
    title: String,
    summary: String,
    href: String,
    category: &'static str,
    author: Option<String>,
    published: i64,
    updated: i64,
}

/// A feed.
struct Feed {
    title: &'static str,
    /// What it is for, such as `api in production`; nothing for all.
    of: String,
    /// Its address without the key.
    href: String,
    /// The page that shows the same.
    page: String,
    entries: Vec<Entry>,
    /// When it was made, for one without entries.
    since: i64,
}

/// What a feed is for.
struct Wanted {
    products: Vec<String>,
    environments: Vec<String>,
}

impl Wanted {
    /// What is asked for, as far as the key may show it.
    async fn read(key: &Principal, query: &Query) -> Result<Wanted, ApiError> {
        let of = async |kind: Kind, parameter: &str| match query.get(parameter) {
            Some(name) => match named(key, kind, name).await? {
                Some(found) => Ok(vec![found.name]),
                None => Err(ApiError::NotFound("Not Found".to_owned())),
            },
            None => present(key, kind).await,
        };
        Ok(Wanted {
            products: of(Kind::Product, "product").await?,
            environments: of(Kind::Environment, "environment").await?,
        })
    }

    /// Whether a place belongs to it.
    fn has(&self, product: &str, environment: &str) -> bool {
        let among =
            |all: &[String], name: &str| all.is_empty() || all.iter().any(|one| one == name);
        among(&self.products, product) && among(&self.environments, environment)
    }

    fn words(&self) -> String {
        let products = self.products.join(", ");
        match self.environments.is_empty() {
            true => products,
            false => format!("{products} in {}", self.environments.join(", "))
                .trim_start()
                .to_owned(),
        }
    }
}

/// The names that the key is limited to, as they are now.
async fn present(key: &Principal, kind: Kind) -> Result<Vec<String>, ApiError> {
    let mut names: Vec<String> = Vec::new();
    for name in key.limits(kind) {
        let name = key.account.present_name(kind, name.clone()).await?;
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Ok(names)
}

/// The newest deployments.
pub async fn deployments(State(app): State<Arc<App>>, query: Query, parts: Parts) -> Response {
    answered(&parts, newest(&app, &parts, &query).await)
}

/// The starts that wait for people.
pub async fn approvals(State(app): State<Arc<App>>, query: Query, parts: Parts) -> Response {
    answered(&parts, waiting(&app, &parts, &query).await)
}

fn answered(parts: &Parts, feed: Result<Feed, ApiError>) -> Response {
    match feed {
        Ok(feed) => answer(&parts.headers, ATOM, feed.draw()),
        Err(error) => {
            let why = match &error {
                ApiError::Store(_) => "The server cannot say now".to_owned(),
                ApiError::Refused(_) => "This key is for too many products and environments: name \
                    one with ?product= or ?environment="
                    .to_owned(),
                other => other.to_string(),
            };
            refusal(&error, TEXT, format!("{why}\n"))
        }
    }
}

async fn newest(app: &Arc<App>, parts: &Parts, query: &Query) -> Result<Feed, ApiError> {
    let key = open(app, parts, query).await?;
    let wanted = Wanted::read(&key, query).await?;
    let all = |names: &[String]| match names {
        [] => vec![None],
        some => some.iter().cloned().map(Some).collect(),
    };
    let (products, environments) = (all(&wanted.products), all(&wanted.environments));
    if products.len() * environments.len() > LISTS {
        let msg = "too many products and environments";
        return Err(vec![FieldError::new("query", "product", "too_many", msg)].into());
    }
    let mut found: Vec<Deployment> = Vec::new();
    for product in &products {
        for environment in &environments {
            let filter = Filter {
                product: product.clone(),
                environment: environment.clone(),
                limit: i64::try_from(ENTRIES).unwrap_or(i64::MAX),
                ..Filter::default()
            };
            found.extend(key.account.list::<Deployment>(filter).await?.items);
        }
    }
    found.sort_by(|one, other| (&other.created_at, &other.id).cmp(&(&one.created_at, &one.id)));
    found.truncate(ENTRIES);
    let base = app.origin(&parts.headers);
    Ok(Feed {
        title: "Deployments",
        of: wanted.words(),
        href: address_of(&base, "/feed/deployments.atom", query),
        page: format!("{base}{}", page("/manage/history", query)),
        entries: found.iter().map(|one| deployment(one, &base)).collect(),
        since: key.made_at(),
    })
}

async fn waiting(app: &Arc<App>, parts: &Parts, query: &Query) -> Result<Feed, ApiError> {
    let key = open(app, parts, query).await?;
    let wanted = Wanted::read(&key, query).await?;
    let base = app.origin(&parts.headers);
    let starts = key.account.waiting_starts().await?;
    let mut entries = Vec::new();
    for start in starts
        .into_iter()
        .filter(|start| wanted.has(&start.product, &start.environment))
        .take(ENTRIES)
    {
        let attempt = key.account.one::<Deployment>(start.deployment_id).await?;
        let Some(attempt) = attempt else { continue };
        let question = Question {
            product: start.product,
            version: start.version,
            environment: start.environment,
        };
        let verdict = judge(app, &key.account, &question, Some(&attempt)).await;
        let verdict = verdict.map_err(|error| match error {
            PageError::Api(error) => error,
            other => {
                tracing::error!(?other, "a start that waits cannot be judged");
                ApiError::NotFound("Not Found".to_owned())
            }
        })?;
        let rules = verdict.body["rules_evaluated"].as_array();
        let asking: Vec<String> = rules
            .into_iter()
            .flatten()
            .filter(|one| one["evaluation_result"] == "failed" && one["status"] == "enabled")
            .filter(|one| !one["details"]["required_approvals"].is_null())
            .map(|one| {
                let text = |key: &str| one[key].as_str().unwrap_or_default();
                format!("{}: {}", text("rule_name"), text("error_message"))
            })
            .collect();
        if !asking.is_empty() {
            entries.push(ask(&attempt, &asking, &base));
        }
    }
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.published));
    Ok(Feed {
        title: "Approvals that wait",
        of: wanted.words(),
        href: address_of(&base, "/feed/approvals.atom", query),
        page: format!("{base}/manage/approvals"),
        entries,
        since: key.made_at(),
    })
}

/// The address of a feed without its key, by which readers tell it from others.
fn address_of(base: &str, path: &str, query: &Query) -> String {
    format!("{base}{}", page(path, query))
}

fn page(path: &str, query: &Query) -> String {
    let of = |name| query.get(name).unwrap_or_default();
    let parameters = [
        ("product", of("product")),
        ("environment", of("environment")),
    ];
    address(path, &parameters)
}

fn deployment(one: &Deployment, base: &str) -> Entry {
    let what = match one.status {
        Stage::Pending => "queued".to_owned(),
        Stage::Started => "in progress".to_owned(),
        Stage::Completed => "completed".to_owned(),
        Stage::Failed => "failed".to_owned(),
        Stage::Aborted => "aborted".to_owned(),
        Stage::PreflightFailed => match &one.refused_by {
            Some(rules) => format!("held by {rules}"),
            None => "held".to_owned(),
        },
    };
    Entry {
        id: one.id.clone(),
        title: format!(
            "{} {} in {}: {what}",
            one.product_name, one.version, one.environment_name
        ),
        summary: match &one.deployed_by {
            Some(by) => format!("Deployed by {by}"),
            None => String::new(),
        },
        href: format!("{base}{}", deployment_address(&one.id)),
        category: one.status.as_str(),
        author: one.deployed_by.clone(),
        published: micros(&one.created_at),
        updated: micros(&one.updated_at),
    }
}

fn ask(attempt: &Deployment, asking: &[String], base: &str) -> Entry {
    let parameters = [("product", attempt.product_name.as_str())];
    let at = micros(&attempt.created_at);
    Entry {
        id: attempt.id.clone(),
        title: format!(
            "{} {} waits for approval to {}",
            attempt.product_name, attempt.version, attempt.environment_name
        ),
        summary: asking.join("; "),
        href: format!("{base}{}", address("/manage/approvals", &parameters)),
        category: "waits",
        author: attempt.deployed_by.clone(),
        published: at,
        updated: at,
    }
}

impl Feed {
    fn draw(&self) -> String {
        let updated = self.entries.iter().map(|entry| entry.updated).max();
        let title = match self.of.as_str() {
            "" => self.title.to_owned(),
            of => format!("{}: {of}", self.title),
        };
        let mut xml = format!(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\">\n\
             <title>{}</title>\n<id>{}</id>\n<link rel=\"alternate\" type=\"text/html\" href=\"{}\"/>\n\
             <updated>{}</updated>\n<author><name>versioner-server</name></author>\n",
            markup(&title),
            escaped(&self.href),
            escaped(&self.page),
            rfc3339(updated.unwrap_or(self.since)),
        );
        for entry in &self.entries {
            entry.draw(&mut xml);
        }
        xml.push_str("</feed>\n");
        xml
    }
}

impl Entry {
    fn draw(&self, xml: &mut String) {
        // Writing to a string cannot fail.
        let _ = write!(
            xml,
            "<entry>\n<title>{}</title>\n<id>urn:uuid:{}</id>\n\
             <link rel=\"alternate\" type=\"text/html\" href=\"{}\"/>\n<category term=\"{}\"/>\n\
             <published>{}</published>\n<updated>{}</updated>\n",
            markup(&self.title),
            escaped(&self.id),
            escaped(&self.href),
            self.category,
            rfc3339(self.published),
            rfc3339(self.updated),
        );
        if let Some(author) = &self.author {
            let _ = writeln!(xml, "<author><name>{}</name></author>", markup(author));
        }
        let _ = writeln!(
            xml,
            "<summary>{}</summary>\n</entry>",
            markup(&self.summary)
        );
    }
}

/// An address in markup: what it is made of is encoded already.
fn escaped(address: &str) -> String {
    address
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('"', "&quot;")
}
