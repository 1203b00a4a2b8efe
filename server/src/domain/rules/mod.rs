//! Deployment rules: what they are, and whether a start is allowed by them.

mod all_stop;
mod approval;
mod check;
mod concurrency;
mod counting;
mod evaluate;
mod evidence;
mod exemption;
pub mod file;
mod overriding;
mod preflight;
#[cfg(test)]
mod property;
mod seen;
mod spec;
mod window;

use super::names::fold;

pub use all_stop::AllStop;
pub use approval::{Approval, ApprovalKind, ApprovalSpec, Verdict};
pub use check::Check;
pub use concurrency::{Elsewhere, Per, expiry};
pub use counting::{Asking, Terms, count};
pub use evaluate::{Start, evaluate};
pub use evidence::{Evidence, Found, Questions, questions};
pub use exemption::{Exempted, Exemption, ExemptionSpec};
pub use overriding::Override;
pub use preflight::{PREFLIGHT_STATUS, Preflight};
pub use seen::Seen;
pub use spec::{Rollbacks, Rule, RuleSpec, RuleStatus, etag};
pub use window::Window;

/// An environment is no prerequisite of itself, so that a rule for all environments can be met.
fn prerequisites<'a>(
    required: &'a [String],
    environment: &str,
) -> impl Iterator<Item = &'a str> + use<'a> {
    let target = fold(environment);
    required
        .iter()
        .map(String::as_str)
        .filter(move |name| fold(name) != target)
}
