//! The Versioner API to run oneself.
fn main() {}
