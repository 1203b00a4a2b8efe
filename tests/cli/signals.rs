//! What ends a call early.

use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::command::{ended, versioner};
use crate::support::KEY;
use crate::{BUILD, pipe};

#[cfg(unix)]
#[test]
fn a_signal_ends_a_call_that_waits() {
    for signal in ["INT", "TERM"] {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let process = versioner(&BUILD)
            .env("VERSIONER_API_KEY", KEY)
            .env("VERSIONER_API_URL", url)
            .env("VERSIONER_FAIL_ON_API_ERROR", "false")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a process");
        let (mut connection, _) = listener.accept().expect("a connection");
        assert!(connection.read(&mut [0; 16]).expect("a request") > 0);
        self::signal(&process, signal);
        let ended = ended(process.wait_with_output().expect("an exit"));
        assert_eq!(ended.code, Some(1), "{}", ended.stderr);
        assert!(ended.stderr.contains("interrupted"), "{}", ended.stderr);
        assert_eq!(ended.stdout, "");
    }
}

#[cfg(unix)]
fn signal(process: &Child, name: &str) {
    let id = process.id().to_string();
    let kill = Command::new("kill").args(["-s", name, &id]).status();
    assert!(kill.expect("kill").success());
}

/// Both ends of a pipe into which nothing more can be written.
#[cfg(target_os = "linux")]
fn full(path: &Path) -> File {
    use std::os::unix::fs::OpenOptionsExt;

    const NONBLOCK: i32 = 0o4000;
    let mut both = File::options();
    both.read(true).write(true).custom_flags(NONBLOCK);
    let mut full = both.open(path).expect("a pipe");
    while full.write(&[b'x'; 4096]).is_ok() {}
    while full.write(b"x").is_ok() {}
    full
}

#[cfg(target_os = "linux")]
#[test]
fn a_second_signal_ends_the_process_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let path = pipe(folder.path());
    let _full = full(&path);
    let mut process = versioner(&BUILD)
        .env("VERSIONER_API_KEY", KEY)
        .env("VERSIONER_API_URL", url)
        // Where it waits until somebody reads, which nobody does.
        .stderr(File::options().write(true).open(&path).expect("a pipe"))
        .stdout(Stdio::null())
        .spawn()
        .expect("a process");
    let (mut connection, _) = listener.accept().expect("a connection");
    assert!(connection.read(&mut [0; 16]).expect("a request") > 0);
    signal(&process, "INT");
    // The first signal ends the call, and with it the connection.
    let _ = connection.read_to_end(&mut Vec::new());
    signal(&process, "INT");
    assert_eq!(process.wait().expect("an exit").code(), Some(130));
}

#[cfg(target_os = "linux")]
#[test]
fn a_signal_ends_the_process_while_it_reads_its_files() {
    use std::os::unix::process::ExitStatusExt;

    let folder = tempfile::tempdir().expect("a folder");
    let path = pipe(folder.path());
    let mut full = full(&path);
    let mut process = versioner(&BUILD)
        .env("VERSIONER_API_KEY", KEY)
        .env("VERSIONER_CA_FILE", &path)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a process");
    // There is room in the pipe again once the process reads it.
    while full.write(b"x").is_err() {
        let ended = process.try_wait().expect("a process");
        assert_eq!(ended, None, "the file is not read");
        std::thread::yield_now();
    }
    signal(&process, "TERM");
    assert_eq!(process.wait().expect("an exit").signal(), Some(15));
}
