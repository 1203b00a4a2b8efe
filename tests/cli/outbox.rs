//! `versioner outbox` against a real server, with a way to it that is cut.

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::command::{Ended, ended};
use crate::service::Service;

/// Cuts the way to every service that is not reached through TLS.
const CUT: (&str, &str) = ("http_proxy", "http://127.0.0.1:1");

/// A server, and a directory that keeps what does not reach it.
pub struct Post {
    pub service: Service,
    folder: TempDir,
}

impl Post {
    pub fn start() -> Self {
        Post {
            service: Service::start(),
            folder: TempDir::new().expect("a folder"),
        }
    }

    pub fn directory(&self) -> std::path::PathBuf {
        self.folder.path().join("outbox")
    }

    /// A command in best-effort mode, with the outbox.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.service.command(arguments);
        command
            .env("VERSIONER_OUTBOX", self.directory())
            .env("VERSIONER_FAIL_ON_API_ERROR", "false")
            .env("VERSIONER_GIT", "false")
            .env("VERSIONER_MAX_RETRIES", "0");
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ended {
        ended(self.command(arguments).output().expect("a process"))
    }

    /// A command whose way to the server is cut.
    pub fn cut(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(arguments);
        command.env(CUT.0, CUT.1);
        command
    }

    /// Tells that a version was deployed while the way is cut.
    pub fn queue(&self, version: &str) {
        let queued = ended(self.cut(&deployed(version)).output().expect("a process"));
        assert_eq!(queued.code, Some(0), "{}", queued.stderr);
        assert!(queued.stderr.contains("is kept in"), "{}", queued.stderr);
    }

    /// How often each of the versions is recorded.
    pub fn recorded(&self, version: &str) -> usize {
        let all = self.service.of_version(version);
        all.len()
    }

    /// The file of the event that waits.
    fn waiting(&self) -> std::path::PathBuf {
        let files = std::fs::read_dir(self.directory()).expect("a folder");
        let mut files = files.map(|entry| entry.expect("an entry").path());
        files
            .find(|path| path.extension().is_some_and(|end| end == "json"))
            .expect("an event")
    }

    fn data(&self, arguments: &[&str]) -> Value {
        let ended = self.run(&[arguments, &["--output=json"]].concat());
        let result: Value = serde_json::from_str(&ended.stdout).expect("JSON");
        result["data"].clone()
    }
}

/// The arguments that tell that a version was deployed.
pub fn deployed(version: &str) -> [&str; 8] {
    [
        "track",
        "deployment",
        "--product",
        "api",
        "--environment",
        "production",
        "--version",
        version,
    ]
}

#[test]
fn an_outage_is_survived() {
    let post = Post::start();
    post.queue("1.0.0");
    post.queue("1.1.0");
    let listed = post.run(&["outbox", "list"]);
    assert_eq!(listed.code, Some(0), "{}", listed.stderr);
    assert!(listed.stdout.contains("1.1.0"), "{}", listed.stdout);
    let data = post.data(&["outbox", "list"]);
    assert_eq!(data["queued"].as_array().map(Vec::len), Some(2), "{data}");
    let live = post.run(&deployed("1.2.0"));
    assert_eq!(live.code, Some(0), "{}", live.stderr);
    let versions: Vec<String> = post
        .service
        .deployments()
        .into_iter()
        .map(|(version, _)| version)
        .collect();
    assert_eq!(versions, ["1.2.0", "1.1.0", "1.0.0"]);
    let empty = post.run(&["outbox", "list"]);
    assert!(empty.stderr.contains("nothing is in"), "{}", empty.stderr);
}

#[test]
fn what_is_sent_by_hand_has_the_code_of_what_stops_it() {
    let post = Post::start();
    post.queue("1.0.0");
    let stopped = ended(post.cut(&["outbox", "send"]).output().expect("a process"));
    assert_eq!(stopped.code, Some(1), "{}", stopped.stderr);
    assert!(
        stopped.stderr.contains("still waiting: 1"),
        "{}",
        stopped.stderr
    );
    let sent = post.data(&["outbox", "send"]);
    assert_eq!((&sent["sent"], &sent["left"]), (&1.into(), &0.into()));
    assert_eq!(post.recorded("1.0.0"), 1);
    assert_eq!(post.run(&["outbox", "send"]).code, Some(0));
}

#[test]
fn another_account_s_events_stay() {
    let post = Post::start();
    post.queue("1.0.0");
    let other = ended(
        post.command(&["outbox", "send"])
            .env("VERSIONER_API_KEY", "sk_other_k1_secretsecret")
            .output()
            .expect("a process"),
    );
    assert_eq!(other.code, Some(0), "{}", other.stderr);
    assert!(other.stdout.contains("another service or account: 1"));
    assert_eq!(post.recorded("1.0.0"), 0);
    assert_eq!(post.data(&["outbox", "send"])["sent"], 1);
}

#[test]
fn what_is_thrown_away_is_named() {
    let post = Post::start();
    post.queue("1.0.0");
    post.queue("1.1.0");
    assert_eq!(post.run(&["outbox", "drop"]).code, Some(1));
    let wrong = post.run(&["outbox", "drop", "no-such-file"]);
    assert_eq!(wrong.code, Some(1));
    assert!(wrong.stderr.contains("no-such-file"), "{}", wrong.stderr);
    let list = post.data(&["outbox", "list"]);
    let file = list["queued"][0]["file"].as_str().expect("a name");
    assert_eq!(post.data(&["outbox", "drop", file])["dropped"], 1);
    assert_eq!(post.data(&["outbox", "send"])["sent"], 1);
    assert_eq!((post.recorded("1.0.0"), post.recorded("1.1.0")), (0, 1));
}

#[test]
fn what_was_refused_can_be_told_again() {
    let post = Post::start();
    post.queue("1.0.0");
    let event = post.waiting();
    // A status that the service does not know.
    let text = std::fs::read_to_string(&event).expect("a text");
    std::fs::write(&event, text.replace("\"completed\"", "\"baked\"")).expect("a file");
    let refused = post.run(&["outbox", "send"]);
    assert_eq!(refused.code, Some(4), "{}", refused.stderr);
    let list = post.data(&["outbox", "list"]);
    let answer = &list["refused"][0]["answer"];
    assert_eq!(answer["http_status"], 422, "{list}");
    let again = post.data(&["outbox", "send", "--refused"]);
    assert_eq!(again["refused"], 1, "{again}");
    assert_eq!(post.data(&["outbox", "drop", "--refused"])["dropped"], 1);
}

#[test]
fn a_result_as_data_says_that_the_event_is_queued() {
    let post = Post::start();
    let arguments = [&deployed("1.0.0")[..], &["--output=json"]].concat();
    let queued = ended(post.cut(&arguments).output().expect("a process"));
    let result: Value = serde_json::from_str(&queued.stdout).expect("JSON");
    assert_eq!(
        (&result["queued"], &result["recorded"]),
        (&true.into(), &false.into())
    );
    assert_eq!(
        (&result["status"], &result["code"]),
        (&"queued".into(), &0.into())
    );
}

#[test]
fn what_nobody_can_read_is_listed_too_and_doctor_counts_what_waits() {
    let post = Post::start();
    post.queue("1.0.0");
    let odd = format!("{:015}-{:024x}.json", 1, 1);
    std::fs::write(post.directory().join(&odd), [0xff]).expect("a file");
    let list = post.data(&["outbox", "list"]);
    assert_eq!(list["queued"].as_array().map(Vec::len), Some(2), "{list}");
    assert_eq!(list["queued"][0]["file"], *odd);
    let doctor = post.run(&["doctor"]);
    assert!(
        doctor.stdout.contains("2 wait, 0 were refused"),
        "{}",
        doctor.stdout
    );
}

/// Whoever wrote it there: nobody reads it here.
#[test]
fn a_list_shows_no_key() {
    let post = Post::start();
    post.queue("1.0.0");
    let event = post.waiting();
    let text = std::fs::read_to_string(&event).expect("a text");
    let text = text.replace("1.0.0", &post.service.key);
    std::fs::write(&event, text).expect("a file");
    for flags in [&[][..], &["--output=json"]] {
        let list = post.run(&[&["outbox", "list"], flags].concat());
        assert!(list.stdout.contains("[API key]"), "{}", list.stdout);
        assert!(!list.stdout.contains(&post.service.key), "{}", list.stdout);
    }
}

#[test]
fn what_waited_too_long_is_counted() {
    let post = Post::start();
    post.queue("1.0.0");
    let event = post.waiting();
    let text = std::fs::read_to_string(&event).expect("a text");
    let mut text: Value = serde_json::from_str(&text).expect("JSON");
    text["occurred_at"] = "2001-01-01T00:00:00Z".into();
    std::fs::write(&event, text.to_string()).expect("a file");
    let sent = post.run(&["outbox", "send"]);
    assert!(sent.stdout.contains("refused: 1"), "{}", sent.stdout);
    assert!(sent.stderr.contains("30 days"), "{}", sent.stderr);
}

#[test]
fn without_an_outbox_its_commands_say_how_to_name_one() {
    let ended = crate::command::run(&["outbox", "list"], &[]);
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.stderr.contains("VERSIONER_OUTBOX"),
        "{}",
        ended.stderr
    );
}

#[test]
fn a_directory_of_the_user_s_own_is_chosen_where_the_disk_lasts() {
    let home = TempDir::new().expect("a folder");
    let own = home.path().join(".local/state/versioner/outbox");
    let variables = [("HOME", home.path().to_str().expect("a text"))];
    let shown = |more: &[(&str, &str)]| {
        let arguments = ["outbox", "list", "--outbox=auto"];
        crate::command::run(&arguments, &[&variables[..], more].concat())
    };
    let chosen = shown(&[]);
    assert!(
        chosen.stderr.contains(&*own.to_string_lossy()),
        "{}",
        chosen.stderr
    );
    let github = ("GITHUB_ACTIONS", "true");
    let own_runner = shown(&[github, ("RUNNER_ENVIRONMENT", "self-hosted")]);
    assert_eq!(own_runner.code, Some(0), "{}", own_runner.stderr);
    for lost in [
        &[github, ("RUNNER_ENVIRONMENT", "github-hosted")][..],
        &[("CIRCLECI", "true")],
        &[
            ("JENKINS_URL", "http://ci"),
            ("KUBERNETES_SERVICE_HOST", "10.0.0.1"),
        ],
    ] {
        let refused = shown(lost);
        assert_eq!(refused.code, Some(1), "{lost:?}");
        assert!(
            refused.stderr.contains("loses its disk"),
            "{}",
            refused.stderr
        );
    }
    assert!(!own.exists());
}

#[test]
fn a_file_is_for_its_user_alone() {
    use std::os::unix::fs::PermissionsExt;
    let post = Post::start();
    post.queue("1.0.0");
    let mode = |path: &Path| {
        std::fs::metadata(path)
            .expect("a file")
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!(mode(&post.directory()), 0o700);
    for entry in std::fs::read_dir(post.directory()).expect("a folder") {
        assert_eq!(mode(&entry.expect("an entry").path()), 0o600);
    }
}

#[test]
fn a_directory_that_everybody_may_write_to_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let post = Post::start();
    std::fs::create_dir(post.directory()).expect("a folder");
    let open = std::fs::Permissions::from_mode(0o777);
    std::fs::set_permissions(post.directory(), open).expect("a mode");
    let lost = ended(post.cut(&deployed("1.0.0")).output().expect("a process"));
    assert_eq!(lost.code, Some(0), "{}", lost.stderr);
    assert!(
        lost.stderr.contains("written to by everybody"),
        "{}",
        lost.stderr
    );
    assert!(lost.stderr.contains("was not recorded"), "{}", lost.stderr);
}
