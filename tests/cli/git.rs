//! What the command line takes from git.

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::command::{Ended, ended, versioner};
use crate::support::KEY;

const DRY_RUN: [&str; 7] = [
    "track",
    "build",
    "--product=api",
    "--version=1",
    "--dry-run",
    "--output",
    "json",
];

fn git(folder: &Path, arguments: &[&str]) {
    let status = Command::new("git")
        .args(arguments)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .expect("git");
    assert!(status.status.success(), "{arguments:?}: {status:?}");
}

/// A repository with one commit, which is tagged.
fn repository() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path();
    git(path, &["init", "-q", "-b", "main"]);
    git(path, &["config", "user.name", "Jane Doe"]);
    git(path, &["config", "user.email", "jane@example.com"]);
    let origin = "https://jane:secret@git.example.com/acme/api.git";
    git(path, &["remote", "add", "origin", origin]);
    std::fs::write(path.join("a"), "a").expect("a file");
    git(path, &["add", "a"]);
    let author = "--author=Somebody Else <else@example.com>";
    git(path, &["commit", "-q", "-m", "a", author]);
    git(path, &["tag", "v1.2.3"]);
    folder
}

fn run(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Ended {
    let output = versioner(arguments)
        .current_dir(folder)
        .env("VERSIONER_API_KEY", KEY)
        // The repository is this user's own, whatever else is configured.
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .envs(variables.iter().copied())
        .output();
    ended(output.expect("a process"))
}

fn values(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Value {
    let Ended { stdout, stderr, .. } = run(folder, arguments, variables);
    let mut object: Value = serde_json::from_str(&stdout).expect(&stderr);
    object["values"].take()
}

#[test]
fn a_build_outside_ci_tells_commit_branch_repository_and_who_works_here() {
    let folder = repository();
    let values = values(folder.path(), &DRY_RUN, &[]);
    assert_eq!(
        values["scm_sha"]["value"].as_str().map(str::len),
        Some(40),
        "{values}"
    );
    assert_eq!(values["scm_sha"]["source"], "git: HEAD");
    assert_eq!(values["scm_branch"]["value"], "main");
    assert_eq!(
        values["scm_repository"]["value"],
        "git.example.com/acme/api"
    );
    assert_eq!(values["built_by_name"]["value"], "Jane Doe");
    assert_eq!(values["built_by_email"]["value"], "jane@example.com");
    assert_eq!(values["source_system"], Value::Null);
    assert!(!values.to_string().contains("secret"), "{values}");
}

#[test]
fn nobody_is_said_to_deploy_for_working_here() {
    let folder = repository();
    let mut arguments = DRY_RUN;
    arguments[1] = "deployment";
    let variables = [("VERSIONER_ENVIRONMENT", "qa")];
    let values = values(folder.path(), &arguments, &variables);
    assert_eq!(values["scm_branch"]["value"], "main", "{values}");
    assert!(!values.to_string().contains("deployed_by"), "{values}");
}

#[test]
fn git_is_not_asked_if_that_is_switched_off_or_somebody_else_works_here() {
    let folder = repository();
    let with_flag = [&DRY_RUN[..], &["--no-git"]].concat();
    for (arguments, variables) in [
        (&with_flag[..], &[][..]),
        (&DRY_RUN, &[("VERSIONER_GIT", "false")]),
        (&DRY_RUN, &[("SUDO_USER", "jane")]),
        (&DRY_RUN, &[("SUDO_UID", "1000")]),
        (&DRY_RUN, &[("TRAVIS", "true")]),
    ] {
        let values = values(folder.path(), arguments, variables);
        assert_eq!(values["scm_sha"], Value::Null, "{variables:?}: {values}");
        assert_eq!(
            values["built_by_name"],
            Value::Null,
            "{variables:?}: {values}"
        );
    }
    let ended = run(folder.path(), &DRY_RUN, &[("VERSIONER_GIT", "perhaps")]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.stdout.contains("VERSIONER_GIT"), "{}", ended.stdout);
}

#[test]
fn without_a_repository_or_a_commit_there_is_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let none = values(folder.path(), &DRY_RUN, &[]);
    assert_eq!(none["built_by_name"], Value::Null, "{none}");
    git(folder.path(), &["init", "-q"]);
    let empty = values(folder.path(), &DRY_RUN, &[]);
    assert_eq!(empty["scm_sha"], Value::Null, "{empty}");
}

#[test]
fn the_version_is_the_pushed_tag_or_what_git_describes() {
    let folder = repository();
    let mut arguments = DRY_RUN;
    arguments[3] = "--version=auto";
    let version = |variables: &[(&str, &str)]| {
        let mut values = values(folder.path(), &arguments, variables);
        values["version"]["value"].take()
    };
    assert_eq!(version(&[]), "v1.2.3");
    let tag = [("GITLAB_CI", "true"), ("CI_COMMIT_TAG", "v9")];
    assert_eq!(version(&tag), "v9");
    assert_eq!(version(&[("GITLAB_CI", "true")]), "v1.2.3");
    std::fs::write(folder.path().join("a"), "b").expect("a file");
    assert_eq!(version(&[]), "v1.2.3-dirty");
    let ended = run(folder.path(), &arguments, &[("VERSIONER_GIT", "no")]);
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.stdout.contains("--version is auto"),
        "{}",
        ended.stdout
    );
}

#[test]
fn a_program_that_the_repository_names_is_not_run() {
    let folder = repository();
    let path = folder.path();
    let program = path.join("monitor.sh");
    std::fs::write(&program, "#!/bin/sh\nenv > \"$(dirname \"$0\")/ran\"\n").expect("a file");
    let executable = Command::new("chmod").arg("+x").arg(&program).status();
    assert!(executable.expect("chmod").success());
    git(
        path,
        &["config", "core.fsmonitor", program.to_str().expect("UTF-8")],
    );
    let mut arguments = DRY_RUN;
    arguments[3] = "--version=auto";
    values(path, &arguments, &[]);
    assert!(!path.join("ran").exists());
}
