//! The outbox when the process is killed, the disk is full, or two deliver at once: nothing is lost
//! that was called queued, and nothing is recorded twice.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::command::{Ended, ended};
use crate::outbox::{Post, deployed};
use crate::support::Server;

/// What reaches the disk or the service, and what reads either.
const CALLS: &str = "openat,mkdir,getdents64,statx,write,fsync,rename,unlink,flock,connect,sendto,\
                     recvfrom,close";

/// The same command under strace, with these arguments for it.
fn traced(command: &Command, log: &Path, more: &[String]) -> Command {
    let mut traced = Command::new("strace");
    traced
        .args(["-qq", "-o"])
        .arg(log)
        .args(["-e", &format!("trace={CALLS}")])
        .args(more)
        .arg(command.get_program())
        .args(command.get_args())
        .current_dir(std::env::temp_dir())
        .env_clear();
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            traced.env(name, value);
        }
    }
    traced
}

/// How often a command makes each call.
fn counted(command: &Command) -> BTreeMap<String, usize> {
    let folder = TempDir::new().expect("a folder");
    let log = folder.path().join("log");
    let output = traced(command, &log, &[]).output();
    let output = output.expect("strace, which `make setup-test` installs");
    assert!(output.status.success(), "{output:?}");
    let mut counts = BTreeMap::new();
    for line in std::fs::read_to_string(&log).expect("a log").lines() {
        if let Some((call, _)) = line.split_once('(') {
            *counts.entry(call.to_owned()).or_insert(0) += 1;
        }
    }
    assert!(counts.len() > 5, "{counts:?}");
    counts
}

/// Runs a command once for each of its calls, killed as it makes it.
fn killed_at_each_call(
    counts: &BTreeMap<String, usize>,
    mut run: impl FnMut(&str, &dyn Fn(&Command) -> Ended),
) {
    let folder = TempDir::new().expect("a folder");
    let log = folder.path().join("log");
    let mut kills = 0;
    for (call, count) in counts {
        // A call more than last time is a run to the end.
        for number in 1..=*count + 1 {
            let name = format!("{call}-{number}");
            let kill = format!("inject={call}:signal=KILL:when={number}");
            run(&name, &|command| {
                let more = ["-e".to_owned(), kill.clone()];
                ended(traced(command, &log, &more).output().expect("a process"))
            });
            kills += 1;
        }
    }
    println!("killed {kills} times");
}

#[test]
fn killed_at_every_call_of_writing_nothing_is_lost_that_was_called_queued() {
    let post = Post::start();
    let counts = counted(&post.cut(&deployed("first")));
    assert!(counts["fsync"] >= 2 && counts["rename"] == 1, "{counts:?}");
    let mut promised = 0;
    killed_at_each_call(&counts, |name, killed| {
        let command = post.cut(&deployed(name));
        let said = killed(&command);
        let was_promised = said.stderr.contains("is kept in");
        promised += usize::from(was_promised);
        let sent = post.run(&["outbox", "send"]);
        assert_eq!(sent.code, Some(0), "{name}: {}", sent.stderr);
        let recorded = post.recorded(name);
        assert!(recorded <= 1, "{name} is recorded {recorded} times");
        assert!(
            recorded == 1 || !was_promised,
            "{name} is lost: {}",
            said.stderr
        );
    });
    assert!(promised > 0);
}

#[test]
fn killed_at_every_call_of_delivering_nothing_is_lost_or_recorded_twice() {
    let post = Post::start();
    post.queue("first-a");
    post.queue("first-b");
    let counts = counted(&post.command(&["outbox", "send"]));
    assert!(counts["unlink"] >= 2 && counts["sendto"] >= 3, "{counts:?}");
    killed_at_each_call(&counts, |name, killed| {
        let versions = [format!("{name}-a"), format!("{name}-b")];
        for version in &versions {
            post.queue(version);
        }
        killed(&post.command(&["outbox", "send"]));
        let sent = post.run(&["outbox", "send"]);
        assert_eq!(sent.code, Some(0), "{name}: {}", sent.stderr);
        for version in &versions {
            assert_eq!(post.recorded(version), 1, "{version}");
        }
    });
}

/// Of such a service nobody can say whether what was sent has arrived, so it is sent once, or kept
/// where people find it.
#[test]
fn killed_at_every_call_of_delivering_to_a_service_without_idempotency_nothing_is_sent_twice() {
    let service = Server::start(None);
    let folder = TempDir::new().expect("a folder");
    let outbox = folder.path().join("outbox");
    let command = |arguments: &[&str]| {
        let mut command = crate::command::versioner(arguments);
        command
            .env("VERSIONER_API_URL", service.url("http", "127.0.0.1"))
            .env("VERSIONER_API_KEY", crate::KEY)
            .env("VERSIONER_OUTBOX", &outbox)
            .env("VERSIONER_FAIL_ON_API_ERROR", "false")
            .env("VERSIONER_GIT", "false")
            .env("VERSIONER_MAX_RETRIES", "0");
        command
    };
    let queue = |version: &str| {
        let mut command = command(&deployed(version));
        let queued = command.env("http_proxy", "http://127.0.0.1:1").output();
        assert!(queued.expect("a process").status.success());
    };
    queue("first");
    let counts = counted(&command(&["outbox", "send"]));
    killed_at_each_call(&counts, |name, killed| {
        queue(name);
        service.requests();
        killed(&command(&["outbox", "send"]));
        let again = ended(command(&["outbox", "send"]).output().expect("a process"));
        let arrived = service.requests();
        let arrived = arrived.iter().filter(|request| request.body.contains(name));
        let refused = outbox.join("refused");
        let kept = std::fs::read_dir(&refused).map_or(0, Iterator::count);
        assert!(arrived.clone().count() <= 1, "{name} is sent twice");
        assert!(
            arrived.count() == 1 || kept > 0,
            "{name} is lost: {}",
            again.stderr
        );
        // The next one is looked at alone.
        let _ = std::fs::remove_dir_all(refused);
    });
}

#[test]
fn two_that_deliver_at_once_deliver_each_event_once() {
    let post = Post::start();
    let versions: Vec<String> = (0..20).map(|number| format!("v{number}")).collect();
    for version in &versions {
        post.queue(version);
    }
    let start = || {
        let mut command = post.command(&["outbox", "send"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("a process")
    };
    let both = [start(), start()];
    for one in both {
        let ended = ended(one.wait_with_output().expect("an end"));
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    }
    for version in &versions {
        assert_eq!(post.recorded(version), 1, "{version}");
    }
}

/// Nothing is called queued, and the caller goes on.
fn is_not_promised(said: &Ended, why: &str) {
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert!(!said.stderr.contains("is kept in"), "{}", said.stderr);
    assert!(said.stderr.contains(why), "{}", said.stderr);
    assert!(said.stderr.contains("was not recorded"), "{}", said.stderr);
}

#[test]
fn a_full_disk_promises_nothing_and_leaves_nothing() {
    let post = Post::start();
    // Whether a signal that comes with it is ignored or not.
    for before in ["trap '' XFSZ", ":"] {
        let command = post.cut(&deployed("1.0.0"));
        let mut full = Command::new("sh");
        full.args(["-c", &format!("{before}; ulimit -f 0; exec \"$@\""), "sh"])
            .arg(command.get_program())
            .args(command.get_args())
            .env_clear()
            .envs(
                command
                    .get_envs()
                    .filter_map(|(name, value)| Some((name, value?))),
            );
        is_not_promised(&ended(full.output().expect("a process")), "too large");
        let left = std::fs::read_dir(post.directory())
            .expect("a folder")
            .count();
        assert_eq!(left, 0);
        assert_eq!(post.recorded("1.0.0"), 0);
    }
}

#[test]
fn a_disk_that_fails_at_any_call_promises_nothing() {
    let post = Post::start();
    let folder = TempDir::new().expect("a folder");
    let log = folder.path().join("log");
    for (call, error, words) in [
        ("mkdir", "EROFS", "Read-only"),
        ("fsync", "EIO", "Input/output error"),
        // That of the directory, in which the event stands already.
        ("fsync", "EIO:when=3", "Input/output error"),
        ("fsync", "ENOSPC", "No space left"),
        ("rename", "EROFS", "Read-only"),
        ("getdents64", "EIO", "Input/output error"),
    ] {
        // A directory that is there is not made.
        let _ = std::fs::remove_dir_all(post.directory());
        let fail = ["-e".to_owned(), format!("inject={call}:error={error}")];
        let command = post.cut(&deployed(call));
        let said = traced(&command, &log, &fail).output().expect("a process");
        is_not_promised(&ended(said), words);
        let sent = post.run(&["outbox", "send"]);
        assert_eq!(sent.code, Some(0), "{}", sent.stderr);
        assert_eq!(post.recorded(call), 0, "it was said not to be kept");
    }
}

#[test]
fn a_file_system_that_knows_no_sync_of_a_directory_keeps_events() {
    let post = Post::start();
    post.queue("0");
    let folder = TempDir::new().expect("a folder");
    let fail = [
        "-e".to_owned(),
        "inject=fsync:error=EINVAL:when=2".to_owned(),
    ];
    let command = post.cut(&deployed("1.0.0"));
    let said = traced(&command, &folder.path().join("log"), &fail).output();
    let said = ended(said.expect("a process"));
    assert!(said.stderr.contains("is kept in"), "{}", said.stderr);
    assert_eq!(post.run(&["outbox", "send"]).code, Some(0));
    assert_eq!(post.recorded("1.0.0"), 1);
}

#[test]
fn something_else_in_place_of_the_directory_promises_nothing() {
    let post = Post::start();
    std::fs::write(post.directory(), "").expect("a file");
    let said = ended(post.cut(&deployed("1.0.0")).output().expect("a process"));
    is_not_promised(&said, "cannot be used");
    let live = post.run(&deployed("1.1.0"));
    assert_eq!(live.code, Some(0), "{}", live.stderr);
    assert_eq!(post.recorded("1.1.0"), 1);
}
