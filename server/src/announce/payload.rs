//! What is told, in the form that a receiver wants.

use serde_json::{Map, Value, json};

use super::mail::Letter;
use crate::domain::deployment::{Row, State};
use crate::domain::news::{About, From, News};
use crate::domain::time::rfc3339;
use crate::domain::webhook::Format;
use crate::store::views::{Build, Deployment};
use crate::store::{Account, StoreError};

/// The largest body, in bytes, as Standard Webhooks asks for; metadata stays out of a larger one.
const MOST: usize = 20_000;
/// The release of CDEvents.
const CDEVENTS: &str = "0.5.1";

/// News with everything that is told of it.
pub struct Told<'a> {
    /// The news.
    pub news: &'a News,
    product: Option<String>,
    environment: Option<String>,
    version: Option<String>,
    status: Option<State>,
    /// `{product_id, environment_id, version_id}`, as far as it is about them.
    place: Map<String, Value>,
    /// The thing, as the API shows it.
    thing: (&'static str, Value),
    /// Where people find it.
    url: Option<String>,
}

/// A body, and what is said of it in headers.
pub struct Body {
    /// The event, as its receiver calls it.
    pub event: String,
    /// `ce-` headers, if it is a CloudEvent.
    pub attributes: Map<String, Value>,
    /// The body.
    pub bytes: Vec<u8>,
}

impl<'a> Told<'a> {
    /// Looks up what is told of news, for people who find the pages at `base`.
    pub async fn of(
        account: &Account,
        news: &'a News,
        base: Option<&str>,
    ) -> Result<Told<'a>, StoreError> {
        match &news.about {
            About::Deployment(row) => Told::of_deployment(account, news, row, base).await,
            About::Build(row) => {
                let shown = account.one::<Build>(row.id.clone()).await?;
                let mut told = Told::new(news, Some(row.state));
                told.product = shown.as_ref().map(|build| build.product_name.clone());
                told.version = shown.as_ref().map(|build| build.version.clone());
                told.place = ids(&[
                    ("product_id", &row.product_id),
                    ("version_id", &row.version_id),
                ]);
                let value = shown.map(|build| json!(build)).unwrap_or_default();
                told.thing = (
                    "build",
                    as_it_was(value, &row.id, row.state, row.updated_at),
                );
                told.url = base.map(|base| {
                    format!("{base}/manage/catalog?tab=versions&view={}", row.version_id)
                });
                Ok(told)
            }
            About::Approval(approval) => {
                let version_id = approval.version_id.clone();
                let environment_id = approval.environment_id.clone();
                let version: Option<crate::store::views::Version> =
                    account.one(version_id.clone()).await?;
                let environment: Option<crate::store::views::Environment> =
                    account.one(environment_id.clone()).await?;
                let environment = environment.map(|environment| environment.name);
                let mut told = Told::new(news, None);
                told.product = version.as_ref().map(|version| version.product_name.clone());
                told.place = ids(&[
                    ("version_id", &version_id),
                    ("environment_id", &environment_id),
                ]);
                if let Some(version) = &version {
                    told.place
                        .insert("product_id".to_owned(), json!(version.product_id));
                }
                told.version = version.map(|version| version.version);
                let shown = approval.to_json(environment.as_deref().unwrap_or_default(), None);
                told.environment = environment;
                told.thing = ("approval", shown);
                told.url = base
                    .map(|base| format!("{base}/manage/catalog?tab=versions&view={version_id}"));
                Ok(told)
            }
            About::Other(change) => {
                let mut told = Told::new(news, None);
                told.thing = ("change", change.clone());
                Ok(told)
            }
        }
    }

    async fn of_deployment(
        account: &Account,
        news: &'a News,
        row: &Row,
        base: Option<&str>,
    ) -> Result<Told<'a>, StoreError> {
        let shown = account.one::<Deployment>(row.id.clone()).await?;
        let mut told = Told::new(news, Some(row.state));
        if let Some(shown) = &shown {
            told.product = Some(shown.product_name.clone());
            told.environment = Some(shown.environment_name.clone());
        }
        told.version = Some(row.version.clone());
        told.place = ids(&[
            ("product_id", &row.product_id),
            ("environment_id", &row.environment_id),
            ("version_id", &row.version_id),
        ]);
        let mut value = shown.map(|shown| json!(shown)).unwrap_or_default();
        value["gate"] = json!(row.gate);
        value["refused_by"] = json!(row.refused_by);
        value["ended_by"] = json!(row.ended_by);
        value["overlapped"] = json!(row.overlapped);
        told.thing = (
            "deployment",
            as_it_was(value, &row.id, row.state, row.updated_at),
        );
        told.url = base.map(|base| format!("{base}/manage/deployments?view={}", row.id));
        Ok(told)
    }

    fn new(news: &'a News, status: Option<State>) -> Told<'a> {
        Told {
            news,
            product: None,
            environment: None,
            version: None,
            status,
            place: Map::new(),
            thing: ("change", Value::Null),
            url: None,
        }
    }

    /// What is sent by the test button.
    pub fn test(news: &'a News) -> Told<'a> {
        let mut told = Told::new(news, None);
        told.product = Some("example".to_owned());
        told.environment = Some("production".to_owned());
        told.version = Some("1.2.3".to_owned());
        let text = "This is a test. Nothing was deployed.";
        told.thing = ("test", json!({ "message": text }));
        told
    }

    /// Where it is from, for the filters.
    pub fn from(&self) -> From<'_> {
        From {
            product: self.product.as_deref(),
            environment: self.environment.as_deref(),
            status: self.status.map(State::as_str),
        }
    }

    /// The body in this form; none if the form has no word for it.
    pub fn body(&self, format: Format, source: &str) -> Option<Body> {
        match format {
            Format::Standard => Some(self.plain(self.news.event, |told, thing| {
                let (at, data) = (rfc3339(told.news.at), told.data(thing));
                json!({ "type": told.news.event, "timestamp": at, "data": data })
            })),
            Format::Versioner => {
                let event = match self.news.event {
                    "approval.given" => "version.approved",
                    event => event,
                };
                Some(self.plain(event, |told, thing| told.flat(event, thing)))
            }
            Format::Cdevents => self.cdevent(source),
            Format::Email => Some(Body {
                event: self.news.event.to_owned(),
                attributes: Map::new(),
                bytes: self.letter().to_json().to_string().into_bytes(),
            }),
        }
    }

    /// A body that leaves out metadata rather than become too large.
    fn plain(&self, event: &str, make: impl Fn(&Told<'_>, &Value) -> Value) -> Body {
        let mut bytes = make(self, &self.thing.1).to_string().into_bytes();
        if bytes.len() > MOST {
            let mut less = self.thing.1.clone();
            if let Some(members) = less.as_object_mut() {
                members.remove("extra_metadata");
                members.insert("extra_metadata_left_out".to_owned(), json!(true));
            }
            bytes = make(self, &less).to_string().into_bytes();
        }
        Body {
            event: event.to_owned(),
            attributes: Map::new(),
            bytes,
        }
    }

    /// The cell that it is about, and its number there: what came later has a larger one.
    fn cell(&self) -> Value {
        let (Some(product), Some(environment)) = (
            self.place.get("product_id"),
            self.place.get("environment_id"),
        ) else {
            return Value::Null;
        };
        json!({ "product_id": product, "environment_id": environment, "number": self.news.number })
    }

    fn data(&self, thing: &Value) -> Value {
        json!({
            "number": self.news.number,
            "cell": self.cell(),
            "actor": self.news.actor,
            "occurred_at": rfc3339(self.news.occurred_at.unwrap_or(self.news.at)),
            "product_name": self.product,
            "environment_name": self.environment,
            "version": self.version,
            "status": self.status.map(State::as_str),
            "url": self.url,
            self.thing.0: thing,
        })
    }

    /// The fields that the hosted service sends.
    fn flat(&self, event: &str, thing: &Value) -> Value {
        let ids = &self.place;
        let mut body = json!({
            "id": thing["id"],
            "event_type": event,
            "occurred_at": rfc3339(self.news.occurred_at.unwrap_or(self.news.at)),
            "product_name": self.product,
            "version": self.version,
            "number": self.news.number,
            "cell": self.cell(),
        });
        match &self.news.about {
            About::Deployment(_) | About::Build(_) => {
                let ended = self.status.filter(|state| state.is_end());
                body["environment"] = json!(self.environment);
                body["deployed_at"] = thing["deployed_at"].clone();
                body["status"] = json!(self.status.map(State::as_str));
                body["is_successful"] = json!(ended.map(|state| state == State::Completed));
                body["deployer"] = thing["deployed_by"].clone();
                body["repo_name"] = thing["scm_repository"].clone();
                body["commit_sha"] = thing["scm_sha"].clone();
                body["preflight_status"] = thing["extra_metadata"]["preflight_status"].clone();
                let of_run = thing["build_url"].as_str();
                body["source_url"] = json!(of_run.map(str::to_owned).or(self.url.clone()));
            }
            About::Approval(approval) => {
                body["version_id"] = ids.get("version_id").cloned().unwrap_or_default();
                body["environment_name"] = json!(self.environment);
                body["approval_type"] = json!(approval.kind.as_str());
                body["approver_role"] = json!(approval.role);
                body["comments"] = json!(approval.comment);
                body["actor"] = json!(self.news.actor);
            }
            About::Other(_) => {
                body["actor"] = json!(self.news.actor);
                body[self.thing.0] = thing.clone();
            }
        }
        body
    }

    /// What people read of it.
    fn letter(&self) -> Letter {
        let what = self.news.event.replacen('.', " ", 1).replace('_', " ");
        let mut subject = what;
        if let Some(product) = &self.product {
            let version = self.version.as_deref().unwrap_or_default();
            subject = format!("{product} {version}: {subject}");
        }
        if let Some(environment) = &self.environment {
            subject = format!("{subject} in {environment}");
        }
        let thing = &self.thing.1;
        let text = |name: &str| thing[name].as_str().map(str::to_owned);
        let at = rfc3339(self.news.occurred_at.unwrap_or(self.news.at));
        let facts = [
            ("Product", self.product.clone()),
            ("Version", self.version.clone()),
            ("Environment", self.environment.clone()),
            ("Status", self.status.map(|state| state.as_str().to_owned())),
            (
                "Waits for",
                self.news
                    .waits_for
                    .map(|kind| format!("{} approval", kind.as_str())),
            ),
            ("Held by", text("refused_by")),
            ("Deployed by", text("deployed_by")),
            ("Comment", text("comment")),
            ("Message", text("message")),
            ("When", Some(at)),
        ];
        let facts = facts.into_iter();
        Letter {
            subject,
            facts: facts
                .filter_map(|(name, fact)| Some((name, fact?)))
                .collect(),
            url: self.url.clone(),
        }
    }

    /// The same as a CDEvent, in the binary mode of CloudEvents: the body is the CDEvent.
    fn cdevent(&self, source: &str) -> Option<Body> {
        let product = self.product.as_deref()?;
        let version = self.version.as_deref()?;
        let artifact = format!("pkg:generic/{}@{}", escaped(product), escaped(version));
        let (kind, content) = match self.news.event {
            "deployment.completed" | crate::domain::news::TEST => {
                let environment = json!({ "id": self.environment.as_deref()? });
                let content = json!({ "environment": environment, "artifactId": artifact });
                ("service.deployed", content)
            }
            "build.pending" => ("build.queued", json!({})),
            "build.started" => ("build.started", json!({})),
            "build.completed" => ("build.finished", json!({ "artifactId": artifact })),
            _ => return None,
        };
        let event = format!("dev.cdevents.{kind}.0.3.0");
        let id = format!("{source}#{}", self.news.key);
        let at = rfc3339(self.news.occurred_at.unwrap_or(self.news.at));
        let subject = match &self.news.about {
            About::Build(row) => row.id.clone(),
            _ => product.to_owned(),
        };
        let mut data = self.data(&Value::Null);
        if let Some(members) = data.as_object_mut() {
            members.remove(self.thing.0);
        }
        let body = json!({
            "context": {
                "specversion": CDEVENTS, "id": id, "source": source, "type": event, "timestamp": at,
            },
            "subject": { "id": subject, "source": source, "content": content },
            "customData": data,
            "customDataContentType": "application/json",
        });
        let attributes = [
            ("ce-specversion", "1.0"),
            ("ce-id", &id),
            ("ce-source", source),
            ("ce-type", &event),
            ("ce-time", &at),
        ];
        let attributes = attributes.map(|(name, value)| (name.to_owned(), json!(value)));
        Some(Body {
            event,
            attributes: attributes.into_iter().collect(),
            bytes: body.to_string().into_bytes(),
        })
    }
}

fn ids(ids: &[(&str, &String)]) -> Map<String, Value> {
    let pairs = ids.iter();
    pairs
        .map(|(name, id)| ((*name).to_owned(), json!(id)))
        .collect()
}

/// What the API shows now, with the state of then. A thing that was pruned is its identifier alone.
fn as_it_was(mut shown: Value, id: &str, state: State, updated_at: i64) -> Value {
    shown["id"] = json!(id);
    shown["status"] = json!(state.as_str());
    shown["updated_at"] = json!(rfc3339(updated_at));
    shown
}

/// A name as it stands in a package URL.
fn escaped(name: &str) -> String {
    let mut text = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b".-_~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text += &format!("%{byte:02X}");
        }
    }
    text
}
