//! A command on a system with signals.

mod elf;
mod group;
mod lookup;
mod passed_on;
mod process;
mod signals;

pub use group::is_group_signalled;
pub use lookup::find;
pub use process::Process;
pub use signals::{Heard, listen};
