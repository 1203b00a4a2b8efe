//! Streams and files that cannot be written.

use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::process::{Command, Stdio};

use crate::command::{ended, versioner};
use crate::support::{KEY, Server};
use crate::{BUILD, LOCKED, RECORDED, answer_once, pipe};

#[test]
fn a_reader_that_goes_away_changes_nothing() {
    let server = Server::start(None);
    let mut process = versioner(&BUILD)
        .env("VERSIONER_API_KEY", KEY)
        .env("VERSIONER_API_URL", server.url("http", "127.0.0.1"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a process");
    drop((process.stdout.take(), process.stderr.take()));
    assert_eq!(process.wait().expect("an exit").code(), Some(0));
    assert_eq!(server.requests().len(), 1);
}

#[cfg(target_os = "linux")]
#[test]
fn streams_that_cannot_be_written_change_no_exit_code() {
    for (answer, code) in [(RECORDED, 0), (LOCKED, 5)] {
        for (stdout, stderr) in [(true, true), (true, false), (false, true)] {
            let full = |is_full| match is_full {
                true => Stdio::from(File::create("/dev/full").expect("a full disk")),
                false => Stdio::piped(),
            };
            let output = versioner(&BUILD)
                .arg("--debug")
                .env("VERSIONER_API_KEY", KEY)
                .env("VERSIONER_API_URL", answer_once(answer))
                .env("GITHUB_ACTIONS", "true")
                .env("GITHUB_STEP_SUMMARY", "/dev/full")
                .env("GITHUB_OUTPUT", "/dev/full")
                .stdout(full(stdout))
                .stderr(full(stderr))
                .output();
            assert_eq!(output.expect("a process").status.code(), Some(code));
        }
    }
}

#[cfg(unix)]
#[test]
fn streams_that_are_closed_change_no_exit_code() {
    for (answer, code) in [(RECORDED, 0), (LOCKED, 5)] {
        let script = format!(
            "exec {} {} --debug >&- 2>&-",
            env!("CARGO_BIN_EXE_versioner"),
            BUILD.join(" ")
        );
        let status = Command::new("sh")
            .args(["-c", &script])
            .env("VERSIONER_API_KEY", KEY)
            .env("VERSIONER_API_URL", answer_once(answer))
            .status();
        assert_eq!(status.expect("a process").code(), Some(code));
    }
}

#[cfg(unix)]
#[test]
fn files_of_github_that_are_pipes_without_a_reader_do_not_hold_up_the_job() {
    let folder = tempfile::tempdir().expect("a folder");
    let pipe = pipe(folder.path());
    let output = versioner(&BUILD)
        .env("VERSIONER_API_KEY", KEY)
        .env("VERSIONER_API_URL", answer_once(RECORDED))
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_STEP_SUMMARY", &pipe)
        .env("GITHUB_OUTPUT", &pipe)
        .output();
    let ended = ended(output.expect("a process"));
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    for variable in ["(GITHUB_STEP_SUMMARY)", "(GITHUB_OUTPUT)"] {
        assert!(ended.stderr.contains(variable), "{}", ended.stderr);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn the_name_of_a_file_of_github_need_not_be_text() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(OsStr::from_bytes(b"outputs-\xff"));
    let output = versioner(&BUILD)
        .env("VERSIONER_API_KEY", KEY)
        .env("VERSIONER_API_URL", answer_once(RECORDED))
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_OUTPUT", &path)
        .output();
    assert_eq!(output.expect("a process").status.code(), Some(0));
    let outputs = std::fs::read_to_string(path).expect("outputs");
    assert!(outputs.contains("build_id="), "{outputs}");
}
