//! Build and deployment events as they arrive.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use versioner::Status;

use super::answer::Refusal;
use super::fields::{Fields, MAX_NAME, MAX_TEXT};
use super::names::composed;
use super::origin::Origin;

/// What describes a build and decides nothing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub struct BuildDetails {
    /// The system that builds, such as `github`.
    pub source_system: Option<String>,
    /// The run's number there.
    pub build_number: Option<String>,
    /// The commit; a version keeps the first one it was built from.
    pub scm_sha: Option<String>,
    /// The branch.
    pub scm_branch: Option<String>,
    /// The repository.
    pub scm_repository: Option<String>,
    /// A link to the run.
    pub build_url: Option<String>,
    /// Who builds.
    pub built_by: Option<String>,
    /// Their e-mail address.
    pub built_by_email: Option<String>,
    /// Their name.
    pub built_by_name: Option<String>,
    /// When the build started, in RFC 3339 with a zone.
    #[schema(format = DateTime)]
    pub started_at: Option<String>,
    /// When the build was completed, in RFC 3339 with a zone.
    #[schema(format = DateTime)]
    pub completed_at: Option<String>,
}

/// What describes a deployment and decides nothing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub struct DeploymentDetails {
    /// The system that deploys, such as `github`.
    pub source_system: Option<String>,
    /// The run's number there.
    pub build_number: Option<String>,
    /// The commit the deployment runs from, which need not be the version's.
    pub scm_sha: Option<String>,
    /// The branch.
    pub scm_branch: Option<String>,
    /// The repository.
    pub scm_repository: Option<String>,
    /// A link to the build.
    pub build_url: Option<String>,
    /// A link to the run that deploys.
    pub deploy_url: Option<String>,
    /// The e-mail address of who deploys.
    pub deployed_by_email: Option<String>,
    /// The name of who deploys.
    pub deployed_by_name: Option<String>,
    /// When the deployment was completed, in RFC 3339 with a zone; the time of arrival where it is
    /// missing or later.
    #[schema(format = DateTime)]
    pub completed_at: Option<String>,
}

/// What `POST /build-events/` takes. Unknown fields are ignored.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct BuildEvent {
    /// The product that was built; it comes to exist with its first event.
    pub product_name: String,
    /// The version that was built.
    pub version: String,
    /// `pending`, `started`, `completed`, `failed`, `aborted`, or an alias of one of them.
    #[serde(serialize_with = "status_word")]
    #[schema(value_type = String)]
    pub status: Status,
    /// Names one run of the pipeline: later events with it belong to the same build.
    pub invoke_id: Option<String>,
    /// The rest.
    #[serde(flatten)]
    pub details: BuildDetails,
    /// Anything else worth keeping.
    #[schema(value_type = Option<Object>)]
    pub extra_metadata: Map<String, Value>,
}

/// What `POST /deployment-events/` takes. Unknown fields are ignored.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct DeploymentEvent {
    /// The product that is deployed; it comes to exist with its first event.
    pub product_name: String,
    /// The version that is deployed.
    pub version: String,
    /// Where it is deployed; the environment comes to exist with its first event.
    pub environment_name: String,
    /// `pending`, `started`, `completed`, `failed`, `aborted`, or an alias of one of them.
    /// `started` is checked against the deployment rules.
    #[serde(serialize_with = "status_word")]
    #[schema(value_type = String)]
    pub status: Status,
    /// Names one run of the pipeline: later events with it belong to the same deployment.
    pub invoke_id: Option<String>,
    /// Who deploys.
    pub deployed_by: Option<String>,
    /// Starts without looking at the rules; the deployment is marked as unchecked.
    #[schema(value_type = Option<bool>)]
    pub skip_preflight_checks: bool,
    /// The rest.
    #[serde(flatten)]
    pub details: DeploymentDetails,
    /// Anything else worth keeping.
    #[schema(value_type = Option<Object>)]
    pub extra_metadata: Map<String, Value>,
    /// The instant of `completed_at`.
    #[serde(skip)]
    #[schema(ignore)]
    pub completed: Option<Timestamp>,
    /// What was left out of an end, because it is recorded whatever is wrong with it.
    #[serde(skip)]
    #[schema(ignore)]
    pub warnings: Vec<String>,
}

/// The member of the metadata that names the leg of a run which deploys in several.
pub const PART: &str = "vi_part";
/// The member of the metadata that names the deployment at GitHub.
pub const GITHUB_DEPLOYMENT: &str = "github_deployment_id";
/// The longest name of a part, in characters.
const MAX_PART: usize = 64;
/// Without these an event says nothing.
const ESSENTIAL: [&str; 4] = ["product_name", "version", "environment_name", "status"];

/// Whether a status tells how something ended.
fn is_end(status: Status) -> bool {
    matches!(status, Status::Completed | Status::Failed | Status::Aborted)
}

impl BuildEvent {
    /// Whether it tells how a build ended.
    pub fn is_end(&self) -> bool {
        is_end(self.status)
    }

    /// Reads a request body.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] with every field that is missing or wrong.
    pub fn read(body: Value) -> Result<BuildEvent, Refusal> {
        let mut fields = Fields::of_body(body)?;
        let event = BuildEvent {
            product_name: fields.required_name("product_name"),
            version: composed(&fields.required_name("version")),
            status: status(&mut fields),
            invoke_id: fields.text("invoke_id", MAX_NAME),
            details: BuildDetails {
                source_system: fields.text("source_system", MAX_TEXT),
                build_number: fields.text("build_number", MAX_TEXT),
                scm_sha: fields.text("scm_sha", MAX_NAME),
                scm_branch: fields.text("scm_branch", MAX_TEXT),
                scm_repository: fields.text("scm_repository", MAX_TEXT),
                build_url: fields.text("build_url", MAX_TEXT),
                built_by: fields.text("built_by", MAX_TEXT),
                built_by_email: fields.text("built_by_email", MAX_TEXT),
                built_by_name: fields.text("built_by_name", MAX_TEXT),
                started_at: fields.timestamp("started_at").map(|time| time.to_string()),
                completed_at: fields
                    .timestamp("completed_at")
                    .map(|time| time.to_string()),
            },
            extra_metadata: fields.object("extra_metadata").unwrap_or_default(),
        };
        fields.finish()?;
        Ok(event)
    }
}

impl DeploymentEvent {
    /// Reads a request body.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] with every field that is missing or wrong.
    pub fn read(body: Value) -> Result<DeploymentEvent, Refusal> {
        let mut fields = Fields::of_body(body)?;
        let completed = fields.timestamp("completed_at");
        let mut event = DeploymentEvent {
            product_name: fields.required_name("product_name"),
            version: composed(&fields.required_name("version")),
            environment_name: fields.required_name("environment_name"),
            status: status(&mut fields),
            invoke_id: fields.text("invoke_id", MAX_NAME),
            deployed_by: fields.text("deployed_by", MAX_TEXT),
            skip_preflight_checks: fields.boolean("skip_preflight_checks").unwrap_or(false),
            details: DeploymentDetails {
                source_system: fields.text("source_system", MAX_TEXT),
                build_number: fields.text("build_number", MAX_TEXT),
                scm_sha: fields.text("scm_sha", MAX_NAME),
                scm_branch: fields.text("scm_branch", MAX_TEXT),
                scm_repository: fields.text("scm_repository", MAX_TEXT),
                build_url: fields.text("build_url", MAX_TEXT),
                deploy_url: fields.text("deploy_url", MAX_TEXT),
                deployed_by_email: fields.text("deployed_by_email", MAX_TEXT),
                deployed_by_name: fields.text("deployed_by_name", MAX_TEXT),
                completed_at: completed.map(|time| time.to_string()),
            },
            extra_metadata: fields.object("extra_metadata").unwrap_or_default(),
            completed,
            warnings: Vec::new(),
        };
        if event.is_end() {
            event.warnings = fields.forgive(|name| !ESSENTIAL.contains(&name));
        }
        fields.finish()?;
        Ok(event)
    }

    /// Whether it tells how a deployment ended.
    pub fn is_end(&self) -> bool {
        is_end(self.status)
    }

    /// The leg of the run that this is about.
    pub fn part(&self) -> Option<&str> {
        let part = self.extra_metadata.get(PART)?.as_str()?.trim();
        (!part.is_empty() && part.chars().count() <= MAX_PART).then_some(part)
    }

    /// Where it comes from.
    pub fn origin(&self) -> Origin {
        Origin::new(
            self.details.source_system.as_deref(),
            self.invoke_id.as_deref(),
            self.details.scm_repository.as_deref(),
            &self.extra_metadata,
        )
    }
}

impl BuildEvent {
    /// Where it comes from.
    pub fn origin(&self) -> Origin {
        Origin::new(
            self.details.source_system.as_deref(),
            self.invoke_id.as_deref(),
            self.details.scm_repository.as_deref(),
            &self.extra_metadata,
        )
    }
}

/// The details that are there, as they are stored and shown.
pub fn attributes(details: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(details) {
        Ok(Value::Object(mut object)) => {
            object.retain(|_, value| !value.is_null());
            object
        }
        // Text alone always has a form in JSON.
        _ => Map::new(),
    }
}

fn status_word<S: serde::Serializer>(status: &Status, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(status.as_str())
}

fn status(fields: &mut Fields) -> Status {
    let word = fields.required_text("status", MAX_NAME);
    Status::parse(&word).unwrap_or_else(|| {
        if !word.is_empty() {
            let words = Status::ALL.map(Status::as_str).join(", ");
            fields.reject("status", "enum", format!("Input should be one of: {words}"));
        }
        Status::Completed
    })
}
