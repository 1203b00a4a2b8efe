//! One deployment with everything that happened to it.

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::Deployment;
use crate::domain::deployment::{EndedBy, Gate, State};

/// A deployment with its whole story.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeploymentStory {
    /// The deployment as it is now.
    #[serde(flatten)]
    pub deployment: Deployment,
    /// What happened to it.
    pub story: StoryPage,
    /// The approvals of its version for its environment, oldest first.
    #[schema(value_type = Vec<Object>)]
    pub approvals: Vec<Value>,
}

/// A part of a story, oldest first.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct StoryPage {
    /// What happened.
    pub items: Vec<Told>,
    /// To be sent as `cursor` for the rest of it; none at the end.
    pub next_cursor: Option<String>,
}

/// One thing that happened to a deployment, from the log.
#[derive(Debug, Serialize, ToSchema)]
pub struct Told {
    /// Its place in the log.
    pub position: i64,
    /// When it arrived.
    #[schema(format = DateTime)]
    pub at: String,
    /// When it happened, if it was told late.
    #[schema(format = DateTime)]
    pub occurred_at: Option<String>,
    /// Who told of it.
    pub actor: String,
    /// The request that told of it.
    pub request_id: Option<String>,
    /// What it was, such as `deployment.started`.
    pub kind: String,
    /// The deployment that it was about, if that was another one.
    pub of_deployment: Option<String>,
    /// The HTTP status of the answer.
    pub answered: Option<u16>,
    /// The state of the deployment from then on.
    pub status: State,
    /// How it had come past the rules by then.
    pub gate: Gate,
    /// The rules that refused its start.
    pub refused_by: Option<String>,
    /// Who ended it, if not its own run.
    pub ended_by: Option<EndedBy>,
    /// Whether another deployment had the place while this one went on.
    pub overlapped: bool,
    /// What the rules found, if they were asked.
    #[schema(value_type = Option<Object>)]
    pub checks: Option<Value>,
    /// What the sender was warned of.
    pub warnings: Vec<String>,
    /// What the event said of the deployment.
    #[schema(value_type = Object)]
    pub details: Map<String, Value>,
    /// What it said besides.
    #[schema(value_type = Object)]
    pub extra_metadata: Map<String, Value>,
}
