//! That the server tells right from wrong.

mod cases;
mod command_line;
mod judging;
mod process;
mod replies;
mod support;
