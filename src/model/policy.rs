//! What the service can forbid: one row for each code. The kind of a rejection and the words in
//! which it is told are read from here and nowhere else.

use crate::model::event::EventKind;
use crate::model::kind::Kind;

/// The forms in which a rejection is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Block {
    Conflict,
    Schedule,
    Precondition,
}

/// A reason for a rejection, and how people are told of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Policy {
    /// What the service calls it.
    pub codes: &'static [&'static str],
    pub kind: Kind,
    pub block: Block,
    /// What to do about it.
    pub guidance: &'static str,
    /// Whether the block says when to try again.
    pub shows_retry_after: bool,
}

const WAIT: &str = "Another deployment is in progress. Please wait and retry.";
const SKIP: &str = "To skip checks (emergency only), add:\n  --skip-preflight-checks";
const APPROVE: &str = "Approval required before deployment can proceed.\n\
                       Obtain approval via Versioner UI, then retry.";
const RESOLVE: &str = "Resolve the issue described above, then retry.";

const CONFLICT: Policy = Policy {
    codes: &["DEPLOYMENT_IN_PROGRESS", "DEPLOYMENT_CONFLICT"],
    kind: Kind::DeploymentConflict,
    block: Block::Conflict,
    guidance: WAIT,
    shows_retry_after: false,
};
const NO_WINDOW: Policy = Policy {
    codes: &["NO_DEPLOY_WINDOW"],
    kind: Kind::NoDeployWindow,
    block: Block::Schedule,
    guidance: SKIP,
    shows_retry_after: true,
};
const VERSION_CONFLICT: Policy =
    precondition(&["VERSION_CONFLICT"], Kind::VersionConflict, RESOLVE, true);
/// Of this library's own finding, and not of the service's.
const SUPERSEDED: Policy = precondition(
    &["SUPERSEDED"],
    Kind::Superseded,
    "If this version is to go out all the same, ask again, or wait with --wait-superseded go.",
    false,
);
/// For every code that is not in the table.
const OTHER: Policy = precondition(&[], Kind::Rejected, RESOLVE, true);

static POLICIES: &[Policy] = &[
    CONFLICT,
    NO_WINDOW,
    precondition(
        &["FLOW_VIOLATION"],
        Kind::FlowViolation,
        "Deploy to required environments first, then retry.",
        false,
    ),
    precondition(
        &["INSUFFICIENT_SOAK_TIME"],
        Kind::InsufficientSoakTime,
        "Wait for soak time to complete, then retry.",
        true,
    ),
    precondition(
        &["QUALITY_APPROVAL_REQUIRED"],
        Kind::QualityApprovalRequired,
        APPROVE,
        false,
    ),
    precondition(
        &["APPROVAL_REQUIRED"],
        Kind::ApprovalRequired,
        APPROVE,
        false,
    ),
    VERSION_CONFLICT,
    SUPERSEDED,
];

const fn precondition(
    codes: &'static [&'static str],
    kind: Kind,
    guidance: &'static str,
    shows_retry_after: bool,
) -> Policy {
    Policy {
        codes,
        kind,
        block: Block::Precondition,
        guidance,
        shows_retry_after,
    }
}

impl Policy {
    /// What a code names, in any letter case; `None` for an unknown one.
    pub fn of_code(code: &str) -> Option<&'static Policy> {
        let mut policies = POLICIES.iter();
        policies.find(|policy| {
            let mut codes = policy.codes.iter();
            codes.any(|known| known.eq_ignore_ascii_case(code))
        })
    }

    /// What an HTTP status alone says.
    pub fn of_status(status: u16, event: Option<EventKind>) -> &'static Policy {
        match (status, event) {
            (409, Some(EventKind::Build)) => &VERSION_CONFLICT,
            (409, _) => &CONFLICT,
            (423, _) => &NO_WINDOW,
            _ => &OTHER,
        }
    }

    /// How it is told that another version was started while one waited.
    pub fn superseded() -> &'static Policy {
        &SUPERSEDED
    }

    /// How a rejection without a known code is told.
    pub fn other() -> &'static Policy {
        &OTHER
    }
}
