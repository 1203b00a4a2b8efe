//! One place in a few words, for a badge.

use crate::domain::deployment::State;

/// How a product stands in an environment.
#[derive(Debug, Default)]
pub struct CellStanding {
    /// The version that runs.
    pub current: Option<String>,
    /// The version of the last attempt and what became of it, if it is not what runs.
    pub latest: Option<(String, State)>,
    /// The version that goes there now.
    pub in_progress: Option<String>,
}
