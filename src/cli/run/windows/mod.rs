//! A command on Windows.

mod lookup;
mod process;
mod signals;

pub use lookup::find;
pub use process::Process;
pub use signals::{Heard, listen};

use crate::input::environment::Environment;

/// A console tells all its programs.
pub fn is_group_signalled(_: &Environment) -> bool {
    true
}
