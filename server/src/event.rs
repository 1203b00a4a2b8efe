//! Build and deployment events as they arrive.

use jiff::Timestamp;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use versioner::Status;

use crate::answer::Refusal;
use crate::input::{Fields, MAX_NAME, MAX_TEXT};

/// What `POST /build-events/` takes. Unknown fields are ignored.
#[derive(Debug, Clone, PartialEq, ToSchema)]
pub struct BuildEvent {
    /// The product that was built; it comes to exist with its first event.
    pub product_name: String,
    /// The version that was built.
    pub version: String,
    /// `pending`, `started`, `completed`, `failed`, `aborted`, or an alias of one of them.
    #[schema(value_type = String)]
    pub status: Status,
    /// The commit; a version keeps the first one it was built from.
    pub scm_sha: Option<String>,
    /// Names one run of the pipeline: later events with it belong to the same build.
    pub invoke_id: Option<String>,
    /// The other descriptive fields: `source_system`, `build_number`, `scm_branch`,
    /// `scm_repository`, `build_url`, `built_by`, `built_by_email`, `built_by_name`,
    /// `started_at`, `completed_at`. They travel beside the fields above, not under this name.
    #[schema(value_type = Object)]
    pub attributes: Map<String, Value>,
    /// Anything else worth keeping.
    #[schema(value_type = Option<Object>)]
    pub extra_metadata: Map<String, Value>,
}

/// What `POST /deployment-events/` takes. Unknown fields are ignored.
#[derive(Debug, Clone, PartialEq, ToSchema)]
pub struct DeploymentEvent {
    /// The product that is deployed; it comes to exist with its first event.
    pub product_name: String,
    /// The version that is deployed.
    pub version: String,
    /// Where it is deployed; the environment comes to exist with its first event.
    pub environment_name: String,
    /// `pending`, `started`, `completed`, `failed`, `aborted`, or an alias of one of them.
    /// `started` is checked against the deployment rules.
    #[schema(value_type = String)]
    pub status: Status,
    /// Names one run of the pipeline: later events with it belong to the same deployment.
    pub invoke_id: Option<String>,
    /// Who deploys.
    pub deployed_by: Option<String>,
    /// When the deployment was completed; the time of arrival where it is missing or later.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub completed_at: Option<Timestamp>,
    /// Starts without looking at the rules; the deployment is marked as unchecked.
    pub skip_preflight_checks: bool,
    /// The other descriptive fields: `source_system`, `build_number`, `scm_sha`, `scm_branch`,
    /// `scm_repository`, `build_url`, `deploy_url`, `deployed_by_email`, `deployed_by_name`.
    /// They travel beside the fields above, not under this name.
    #[schema(value_type = Object)]
    pub attributes: Map<String, Value>,
    /// Anything else worth keeping.
    #[schema(value_type = Option<Object>)]
    pub extra_metadata: Map<String, Value>,
}

impl BuildEvent {
    /// Reads a request body.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] with every field that is missing or wrong.
    pub fn read(body: Value) -> Result<BuildEvent, Refusal> {
        let mut fields = Fields::of_body(body)?;
        let mut event = BuildEvent {
            product_name: fields.required_text("product_name", MAX_NAME),
            version: fields.required_text("version", MAX_NAME),
            status: status(&mut fields),
            scm_sha: fields.text("scm_sha", MAX_NAME),
            invoke_id: fields.text("invoke_id", MAX_NAME),
            attributes: attributes(
                &mut fields,
                &[
                    "source_system",
                    "build_number",
                    "scm_branch",
                    "scm_repository",
                    "build_url",
                    "built_by",
                    "built_by_email",
                    "built_by_name",
                ],
            ),
            extra_metadata: fields.object("extra_metadata").unwrap_or_default(),
        };
        for name in ["started_at", "completed_at"] {
            if let Some(time) = fields.timestamp(name) {
                event
                    .attributes
                    .insert(name.to_owned(), time.to_string().into());
            }
        }
        if let Some(sha) = &event.scm_sha {
            event
                .attributes
                .insert("scm_sha".to_owned(), sha.clone().into());
        }
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
        let mut event = DeploymentEvent {
            product_name: fields.required_text("product_name", MAX_NAME),
            version: fields.required_text("version", MAX_NAME),
            environment_name: fields.required_text("environment_name", MAX_NAME),
            status: status(&mut fields),
            invoke_id: fields.text("invoke_id", MAX_NAME),
            deployed_by: fields.text("deployed_by", MAX_TEXT),
            completed_at: fields.timestamp("completed_at"),
            skip_preflight_checks: fields.boolean("skip_preflight_checks").unwrap_or(false),
            attributes: attributes(
                &mut fields,
                &[
                    "source_system",
                    "build_number",
                    "scm_sha",
                    "scm_branch",
                    "scm_repository",
                    "build_url",
                    "deploy_url",
                    "deployed_by_email",
                    "deployed_by_name",
                ],
            ),
            extra_metadata: fields.object("extra_metadata").unwrap_or_default(),
        };
        if let Some(time) = event.completed_at {
            event
                .attributes
                .insert("completed_at".to_owned(), time.to_string().into());
        }
        fields.finish()?;
        Ok(event)
    }
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

fn attributes(fields: &mut Fields, names: &[&str]) -> Map<String, Value> {
    let mut attributes = Map::new();
    for name in names {
        if let Some(text) = fields.text(name, MAX_TEXT) {
            attributes.insert((*name).to_owned(), text.into());
        }
    }
    attributes
}
