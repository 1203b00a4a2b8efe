//! The first page: every product in every environment, with what needs somebody.

use std::collections::BTreeMap;

use crate::domain::deployment::{EndedBy, Gate, State};
use crate::domain::naming::EnvironmentType;

/// Which part of the board is asked for.
#[derive(Debug, Clone, Default)]
pub struct BoardFilter {
    /// Only products with this in their name, whatever the case.
    pub product: Option<String>,
    /// Only the products with these identifiers.
    pub only: Option<Vec<String>>,
    /// Only these environments, by name; all, if it is empty.
    pub environments: Vec<String>,
    /// Only products with a cell in this state.
    pub attention: Option<Attention>,
    /// Only products of which environments have different versions.
    pub differs: bool,
    /// Only products that come after the one with this identifier.
    pub after: Option<String>,
    /// The most products.
    pub limit: usize,
}

/// Why a cell needs somebody: its last attempt is not what runs there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Attention {
    /// The last attempt failed.
    Failed,
    /// Rules hold it.
    Blocked,
    /// People have to say yes, and nothing else holds it.
    Waits,
    /// It is in progress.
    InProgress,
    /// It waits in a queue.
    Queued,
    /// It was aborted.
    Aborted,
}

impl Attention {
    /// Every reason, the worst first.
    pub const ALL: [Attention; 6] = [
        Attention::Failed,
        Attention::Blocked,
        Attention::Waits,
        Attention::InProgress,
        Attention::Queued,
        Attention::Aborted,
    ];

    /// The word in addresses.
    pub const fn word(self) -> &'static str {
        match self {
            Attention::Failed => "failed",
            Attention::Blocked => "blocked",
            Attention::Waits => "waits",
            Attention::InProgress => "started",
            Attention::Queued => "pending",
            Attention::Aborted => "aborted",
        }
    }

    /// Reads the word in an address.
    pub fn parse(word: &str) -> Option<Attention> {
        Attention::ALL.into_iter().find(|one| one.word() == word)
    }
}

/// A part of the board.
#[derive(Debug, Default)]
pub struct Board {
    /// The environments, from development to production.
    pub environments: Vec<BoardEnvironment>,
    /// How many environments there are, shown or not.
    pub environment_names: Vec<String>,
    /// How many cells need somebody, by why, whatever the filter.
    pub counts: BTreeMap<Attention, usize>,
    /// How many products there are.
    pub products: usize,
    /// How many of them match the filter.
    pub matching: usize,
    /// Those of this page, by name.
    pub rows: Vec<BoardRow>,
    /// The last product of this page, if more come after it.
    pub next: Option<String>,
    /// When something in a cell last changed, in microseconds since 1970.
    pub changed_at: Option<i64>,
}

/// A column of the board.
#[derive(Debug, Clone)]
pub struct BoardEnvironment {
    /// The identifier.
    pub id: String,
    /// The name.
    pub name: String,
    /// What kind of environment it is, if that is known.
    pub kind: Option<EnvironmentType>,
    /// Its place from development to production, if that is known.
    pub rank: Option<i64>,
}

/// A product.
#[derive(Debug)]
pub struct BoardRow {
    /// The identifier.
    pub id: String,
    /// The name.
    pub name: String,
    /// Its cells, one for each column; none if it was never deployed there.
    pub cells: Vec<Option<BoardCell>>,
}

/// One product in one environment. Times are microseconds since 1970.
#[derive(Debug, Clone, Default)]
pub struct BoardCell {
    /// What runs.
    pub current: Option<Placed>,
    /// The newer version that ran before, if what runs is older.
    pub rolled_back_from: Option<String>,
    /// The last attempt, if it is not what runs.
    pub latest: Option<Attempt>,
    /// What goes on.
    pub in_progress: Vec<GoesOn>,
    /// How it stands to the environment before it, if the versions differ.
    pub drift: Option<Drift>,
}

/// A start that waits for people.
#[derive(Debug, Clone)]
pub struct WaitingStart {
    /// The deployment.
    pub deployment_id: String,
    /// The product.
    pub product: String,
    /// The version.
    pub version: String,
    /// The environment.
    pub environment: String,
}

/// A version that runs.
#[derive(Debug, Clone)]
pub struct Placed {
    /// The deployment.
    pub deployment_id: String,
    /// The version.
    pub version: String,
    /// Since when.
    pub at: i64,
    /// Who deployed it.
    pub by: Option<String>,
    /// How it came past the rules.
    pub gate: Gate,
    /// Why its checks were skipped, if somebody said so.
    pub skip_reason: Option<String>,
}

/// An attempt.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// The deployment.
    pub deployment_id: String,
    /// The version.
    pub version: String,
    /// What became of it.
    pub state: State,
    /// When its last event arrived.
    pub at: i64,
    /// The rules that refused it.
    pub refused_by: Option<String>,
    /// Whether all of these wait for people.
    pub waits: bool,
    /// Who ended it, if not its own run.
    pub ended_by: Option<EndedBy>,
}

/// A deployment in progress.
#[derive(Debug, Clone)]
pub struct GoesOn {
    /// The deployment.
    pub deployment_id: String,
    /// The version.
    pub version: String,
    /// Since when.
    pub since: i64,
    /// Since when there is no word of it, once that is long.
    pub silent_since: Option<i64>,
}

/// How a cell stands to the one before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drift {
    /// The environment before it.
    pub than: String,
    /// Whether it has the older version.
    pub behind: bool,
    /// How many versions lie between.
    pub versions: i64,
    /// Since when it is behind, if that is too long.
    pub stuck_since: Option<i64>,
}
