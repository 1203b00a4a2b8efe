//! One deployment or build from its start to its end: asked once, never left open, ended once.
//!
//! `machine` decides, `saved` is its text, `begin` makes one, `driver` asks and tells; `scope` is the
//! form that people use.

mod begin;
mod driver;
mod end;
mod machine;
mod renewal;
mod saved;
mod scope;

pub use driver::Span;
pub use end::End;
pub use renewal::Renewal;
pub use scope::{ScopeError, Scoped};
