//! The pages while the database is down. The PostgreSQL that is killed here is of this test alone; without
//! the one that `make test-postgres` starts there is nothing to test.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use crate::pages::{Browser, PASSWORD, leads_to, on_the_machine, person_at};
use crate::pages_read::main_words;
use crate::process::Process;
use crate::support::{Client, until};

/// A PostgreSQL that can be killed and started again; it is gone with this.
struct Cluster {
    url: String,
    folder: PathBuf,
    script: Child,
    /// The script ends what it has started once this is closed.
    going: Option<ChildStdin>,
    again: Option<Child>,
}

impl Cluster {
    fn start() -> Option<Cluster> {
        std::env::var("VERSIONER_TEST_POSTGRES").ok()?;
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/postgres.sh");
        let mut script = Command::new(script)
            .args(["sh", "-c", "echo $VERSIONER_TEST_POSTGRES; cat"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let output = script.stdout.take().unwrap();
        BufReader::new(output).read_line(&mut line).unwrap();
        let address = line.trim().to_owned();
        let (_, folder) = address
            .split_once('@')
            .expect("the script names an address");
        Some(Cluster {
            url: format!("{address}/postgres"),
            folder: PathBuf::from(folder.replace("%2F", "/")),
            going: script.stdin.take(),
            script,
            again: None,
        })
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Ends every process of it at once.
    fn kill(&self) {
        let pid = std::fs::read_to_string(self.data().join("postmaster.pid")).unwrap();
        let pid = pid.lines().next().unwrap().to_owned();
        let sent = Command::new("kill").args(["-QUIT", &pid]).status().unwrap();
        assert!(sent.success());
        let process = Path::new("/proc").join(pid);
        until("PostgreSQL is gone", || !process.exists());
    }

    /// Starts it as it was started before.
    fn start_again(&mut self) {
        let options = std::fs::read_to_string(self.data().join("postmaster.opts")).unwrap();
        // PostgreSQL does not run as root.
        let mut command = match std::fs::metadata("/proc/self").unwrap().uid() {
            0 => {
                let mut as_owner = Command::new("runuser");
                as_owner.args(["-u", "postgres", "--", "sh"]);
                as_owner
            }
            _ => Command::new("sh"),
        };
        command.arg("-c").arg(format!("exec {options}"));
        command.current_dir(&self.folder);
        let quiet = command.stdout(Stdio::null()).stderr(Stdio::null());
        self.again = Some(quiet.spawn().unwrap());
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.going.take());
        let _ = self.script.wait();
        if let Some(mut again) = self.again.take() {
            let _ = again.wait();
        }
    }
}

#[test]
fn while_the_database_is_down_pages_say_so_and_afterwards_they_go_on() {
    let Some(mut cluster) = Cluster::start() else {
        return;
    };
    let data = PathBuf::from(&cluster.url);
    let server = Process::start(&data);
    let client = Client::new(&server.url, server.first_key.as_ref().unwrap());
    client.deploy("1", "test", "completed").expect(200);
    let share = ["keys", "add", "--account", "local", "--scopes", "share"];
    let share = on_the_machine(&data, &share);
    let (_, share) = share.split_once("API key (shown once): ").unwrap();
    let badge = format!(
        "/badge/api/test.svg?token={}",
        share.lines().next().unwrap()
    );
    let mut ada = person_at(&server.url, &data, "Ada", "admin");
    assert!(ada.is_in());
    let cookies = ada.cookies.clone();
    let style = ada.get("/manage/").text;
    let style = style
        .split("href=\"")
        .find(|part| part.contains("style.css"));
    let style = style.unwrap().split('"').next().unwrap().to_owned();

    cluster.kill();
    for path in [
        "/manage/",
        "/manage/history",
        "/manage/approvals",
        "/manage/me",
        "/manage/wall",
        "/manage/login",
        "/manage/gate?product=api&version=1&environment=test",
    ] {
        let reply = ada.get(path);
        assert_eq!(reply.status, 503, "{path}: {}", reply.text);
        let words = main_words(&reply);
        assert!(
            words.contains("The database does not answer now."),
            "{path}: {words}"
        );
        assert!(reply.headers.contains_key("retry-after"), "{path}");
        assert_eq!(
            reply.headers["refresh"], "30",
            "{path}: a wall goes on by itself"
        );
        assert!(!reply.headers.contains_key("set-cookie"), "{path}");
        for inside in ["/tmp/", "socket", "postgres", "Error", "panicked", ".rs"] {
            assert!(!words.contains(inside), "{path} says {inside}: {words}");
        }
    }
    assert_eq!(
        ada.get(&style).status,
        200,
        "the page that says so has its style"
    );
    let mut nobody = Browser::new(&server.url);
    let reply = nobody.log_in("ada@example.com", PASSWORD);
    assert_eq!(
        reply.status, 503,
        "that is no wrong password: {}",
        reply.text
    );
    let reply = ada.post("/manage/keys", &[("name", "x"), ("scopes", "read")]);
    assert_eq!(reply.status, 503);
    assert!(
        !reply.headers.contains_key("refresh"),
        "no form is sent by itself"
    );
    assert_eq!(ada.cookies, cookies, "who is in stays in");
    let reply = nobody.get(&badge);
    assert_eq!(reply.status, 503);
    assert!(reply.text.contains("not now"), "{}", reply.text);

    cluster.start_again();
    until("the pages are there again", || {
        ada.get("/manage/").status == 200
    });
    assert!(main_words(&ada.get("/manage/")).contains("api"));
    assert_eq!(nobody.get(&badge).status, 200);
    leads_to(&nobody.log_in("ada@example.com", PASSWORD));
}
