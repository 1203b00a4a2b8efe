//! Deployment rules: what they are, and whether a start is allowed by them.

mod approval;
mod preflight;
mod spec;
mod window;

pub use approval::{Approval, ApprovalKind};
pub use preflight::{Preflight, Start, evaluate};
pub use spec::{Check, Rule, RuleSpec, RuleStatus};
pub use window::Window;
