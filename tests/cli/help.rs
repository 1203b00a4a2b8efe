//! What the command line says of itself.

use versioner::{BuildEvent, DeploymentEvent, Field};

use crate::command::run;
use crate::flag;

#[test]
fn every_field_and_flag_of_the_contract_is_in_the_help() {
    const COMMON: [&str; 7] = [
        "--config",
        "--verbose",
        "-v,",
        "--debug",
        "--api-url",
        "--api-key",
        "--ui-url",
    ];
    let fields = |fields: &[Field]| fields.iter().map(|field| flag(field.name)).collect();
    let commands: [(&str, Vec<String>, &[&str]); 2] = [
        (
            "build",
            fields(BuildEvent::FIELDS),
            &[
                "--fail-on-api-error",
                "--allow-literal",
                "--dry-run",
                "--idempotency-key",
                "--output",
            ],
        ),
        (
            "deployment",
            fields(DeploymentEvent::FIELDS),
            &[
                "--fail-on-api-error",
                "--allow-literal",
                "--dry-run",
                "--idempotency-key",
                "--output",
                "--skip-preflight-checks",
                "--skip-reason",
            ],
        ),
    ];
    for (name, fields, flags) in commands {
        let help = run(&["track", name, "--help"], &[]);
        assert_eq!(help.code, Some(0));
        let demanded = fields
            .iter()
            .map(String::as_str)
            .chain(COMMON)
            .chain(flags.iter().copied());
        for flag in demanded {
            assert!(
                help.stdout.contains(flag),
                "{name}: {flag} is missing in {}",
                help.stdout
            );
        }
        assert!(help.stdout.contains("Examples:") && help.stdout.contains("Exit codes:"));
    }
}

#[test]
fn every_command_explains_itself_with_an_example() {
    for command in [
        &["--help"][..],
        &["track", "--help"],
        &["track", "build", "--help"],
        &["track", "deployment", "--help"],
        &["run", "--help"],
        &["run", "deployment", "--help"],
        &["run", "build", "--help"],
        &["check", "--help"],
        &["state", "--help"],
        &["history", "--help"],
        &["abort", "--help"],
        &["doctor", "--help"],
        &["version", "--help"],
        &["completion", "--help"],
    ] {
        let help = run(command, &[]);
        assert_eq!(help.code, Some(0), "{command:?}");
        assert!(
            help.stdout.contains("Example"),
            "{command:?}: {}",
            help.stdout
        );
    }
}

#[test]
fn help_is_for_people_and_tells_the_real_defaults() {
    let help = run(&["track", "deployment", "--help"], &[]).stdout;
    assert!(!help.contains('`'), "{help}");
    for told in [
        "https://api.versioner.io",
        "https://app.versioner.io",
        "attempts after the first [default: 3]",
        "first retry [default: 1]",
        "one attempt [default: 30]",
        "attempts and pauses [default: 120]",
        "--skip-reason",
        "--allow-literal",
    ] {
        assert!(help.contains(told), "{told} is missing in {help}");
    }
}

#[test]
fn version_and_completions_are_printed() {
    let version = run(&["version"], &[]);
    assert_eq!(
        version.stdout,
        format!("versioner {}\n", versioner::VERSION)
    );
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = run(&["completion", shell], &[]);
        assert_eq!(script.code, Some(0), "{shell}");
        assert!(
            script.stdout.contains("scm-sha"),
            "{shell}: {}",
            script.stdout
        );
    }
}
