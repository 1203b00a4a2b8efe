//! What runs where.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::deployment::State;

/// The environment state matrix.
#[derive(Debug, Serialize, ToSchema)]
pub struct Matrix {
    /// The products that were deployed somewhere, by name.
    pub products: Vec<MatrixProduct>,
    /// To be sent as `cursor` for the next products; none after the last.
    pub next_cursor: Option<String>,
}

/// One product of the matrix.
#[derive(Debug, Serialize, ToSchema)]
pub struct MatrixProduct {
    /// The product.
    pub product_id: String,
    /// Its name.
    pub product_name: String,
    /// Whether an environment drifts.
    pub drift: bool,
    /// The environments in which it was deployed.
    pub environments: Vec<MatrixCell>,
}

/// One product in one environment.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct MatrixCell {
    /// The environment.
    pub environment_id: String,
    /// Its name.
    pub environment_name: String,
    /// Whether another version runs here than the one that was built last of those that run anywhere.
    pub drift: bool,
    /// What was last deployed with success.
    pub current: Option<Running>,
    /// The deployment of another version before that.
    pub previous: Option<Running>,
    /// The last deployment, whatever became of it.
    pub latest: Option<Running>,
    /// What is in progress.
    pub in_progress: Vec<InProgress>,
}

/// A deployment, where it is one of several.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Running {
    /// The deployment.
    pub deployment_id: String,
    /// The version.
    pub version_id: String,
    /// The version's name.
    pub version: String,
    /// What became of it.
    pub status: State,
    /// When it was completed.
    #[schema(format = DateTime)]
    pub deployed_at: Option<String>,
    /// When its last event arrived.
    #[schema(format = DateTime)]
    pub updated_at: String,
    /// Who deployed it.
    pub deployed_by: Option<String>,
}

/// A deployment that is in progress.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct InProgress {
    /// The deployment.
    pub deployment_id: String,
    /// The version's name.
    pub version: String,
    /// When it started.
    #[schema(format = DateTime)]
    pub started_at: Option<String>,
    /// Who deploys.
    pub deployed_by: Option<String>,
    /// When it is given up without another word.
    #[schema(format = DateTime)]
    pub expires_at: Option<String>,
    /// Since when there is no word of it, once half of the time until then is over.
    #[schema(format = DateTime)]
    pub no_word_since: Option<String>,
}

/// Where a commit runs.
#[derive(Debug, Serialize, ToSchema)]
pub struct Commit {
    /// The commit, as it was asked for.
    pub sha: String,
    /// The versions that were built from it, newest first: at most 100.
    pub versions: Vec<CommitVersion>,
}

/// A version that was built from a commit.
#[derive(Debug, Serialize, ToSchema)]
pub struct CommitVersion {
    /// The version.
    pub version_id: String,
    /// Its name.
    pub version: String,
    /// The product.
    pub product_id: String,
    /// The product's name.
    pub product_name: String,
    /// The commit, as the build named it.
    pub scm_sha: String,
    /// Whether a completed build has settled it.
    pub pinned: bool,
    /// Where the version runs now.
    pub environments: Vec<CommitPlace>,
}

/// An environment in which a version runs.
#[derive(Debug, Serialize, ToSchema)]
pub struct CommitPlace {
    /// The environment.
    pub environment_id: String,
    /// Its name.
    pub environment_name: String,
    /// The deployment.
    pub deployment_id: String,
    /// When it was completed.
    #[schema(format = DateTime)]
    pub deployed_at: Option<String>,
    /// Who deployed it.
    pub deployed_by: Option<String>,
}

/// What two environments have in common.
#[derive(Debug, Serialize, ToSchema)]
pub struct Comparison {
    /// The environment that is compared.
    pub from: String,
    /// The environment that it is compared with.
    pub to: String,
    /// The products that run in either, by name.
    pub products: Vec<Compared>,
    /// To be sent as `cursor` for the next products; none after the last.
    pub next_cursor: Option<String>,
}

/// A product in two environments.
#[derive(Debug, Serialize, ToSchema)]
pub struct Compared {
    /// The product.
    pub product_id: String,
    /// Its name.
    pub product_name: String,
    /// How `to` stands to `from`.
    pub difference: Difference,
    /// How many versions were built after that of the one and until that of the other; none if the
    /// product runs in one of them only.
    pub versions_apart: Option<i64>,
    /// Since when `from` has something that `to` has not; none unless `to` is behind.
    #[schema(format = DateTime)]
    pub waiting_since: Option<String>,
    /// What runs in `from`.
    pub from: Option<Running>,
    /// What runs in `to`.
    pub to: Option<Running>,
}

/// How one environment stands to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Difference {
    /// The same version runs in both.
    Same,
    /// The version in `to` was built before that in `from`.
    Behind,
    /// The version in `to` was built after that in `from`.
    Ahead,
    /// It runs only in `from`.
    OnlyInFrom,
    /// It runs only in `to`.
    OnlyInTo,
}
