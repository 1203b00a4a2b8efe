//! `versioner._native`: what the Python package `versioner` needs of the core. Private; the
//! Python modules beside it are the interface.

mod call;
mod client;
mod failure;
mod log;
mod metadata;
mod span;
mod value;

use std::ffi::OsString;

use pyo3::prelude::*;

/// The native half of the Python package versioner.
#[pymodule]
mod _native {
    use pyo3::prelude::*;
    use versioner::{BuildEvent, DeploymentEvent, Field, Kind};

    #[pymodule_export]
    use super::call::Cancellation;
    #[pymodule_export]
    use super::client::Client;
    #[pymodule_export]
    use super::failure::OutcomeError;
    #[pymodule_export]
    use super::run_cli;
    #[pymodule_export]
    use super::span::Span;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        let documented = |fields: &[Field]| -> Vec<(&'static str, &'static str)> {
            let pair = |field: &Field| (field.name, field.about.trim());
            fields.iter().map(pair).collect()
        };
        let kinds = Kind::ALL
            .iter()
            .map(|kind| (kind.as_str(), kind.code() as i32));
        module.add("VERSION", versioner::VERSION)?;
        module.add("MAX_METADATA_BYTES", versioner::MAX_METADATA_BYTES)?;
        module.add("KINDS", kinds.collect::<Vec<_>>())?;
        module.add("BUILD_FIELDS", documented(BuildEvent::FIELDS))?;
        module.add(
            "BUILD_PER_CALL",
            ["allow_literal", "timeout", "idempotency_key"],
        )?;
        module.add("DEPLOYMENT_FIELDS", documented(DeploymentEvent::FIELDS))?;
        module.add(
            "DEPLOYMENT_PER_CALL",
            [
                "skip_preflight_checks",
                "skip_reason",
                "allow_literal",
                "timeout",
                "idempotency_key",
                "part",
                "lease",
                "wait",
                "wait_for",
                "wait_superseded",
            ],
        )
    }
}

/// The command line: exit code of these arguments, the program's name first.
#[pyfunction]
fn run_cli(py: Python<'_>, arguments: Vec<OsString>) -> i32 {
    py.detach(|| versioner::cli::main(arguments))
}
