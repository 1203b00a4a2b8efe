//! `versioner run` in a pseudo-terminal, under a shell with job control.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::outbox::Post;
use crate::pipe;
use crate::service::Service;

/// A terminal with a shell in it, which util-linux's `script` makes.
struct Terminal {
    process: Child,
    keyboard: ChildStdin,
    screen: ChildStdout,
    shown: String,
}

impl Terminal {
    fn open(service: &Service) -> Self {
        Terminal::with("bash --norc --noprofile -i", service.command(&[]))
    }

    /// A terminal with this program in it, in the environment of `settings`.
    fn with(program: &str, settings: Command) -> Self {
        let mut command = Command::new("script");
        command
            .args(["--quiet", "--flush", "--command", program, "/dev/null"])
            .env_clear()
            .env("TERM", "dumb")
            .env("PS1", "$ ");
        command.envs(
            settings
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        );
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("script, of util-linux");
        Terminal {
            keyboard: process.stdin.take().expect("a stream"),
            screen: process.stdout.take().expect("a stream"),
            process,
            shown: String::new(),
        }
    }

    fn enter(&mut self, text: &str) {
        self.keyboard
            .write_all(text.as_bytes())
            .expect("a terminal");
        self.keyboard.flush().expect("a terminal");
    }

    /// Reads on until the screen shows this.
    fn until(&mut self, words: &str) {
        let mut bytes = [0; 1];
        let start = self.shown.len();
        while !self.shown[start..].contains(words) {
            let length = self.screen.read(&mut bytes).expect("a terminal");
            assert!(length > 0, "it ended without {words:?}: {}", self.shown);
            self.shown.push(char::from(bytes[0]));
        }
    }

    /// Runs a script as a deployment; what it says is not on the screen as it is typed.
    fn run(&mut self, script: &str, after: &str) {
        let program = env!("CARGO_BIN_EXE_versioner");
        let flags = "run deployment --product api --environment production --version 1";
        self.enter(&format!("{program} {flags} -- sh -c '{script}' {after}\n"));
        self.until("ready");
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

const CTRL_C: &str = "\x03";
const CTRL_Z: &str = "\x1a";
const CTRL_BACKSLASH: &str = "\x1c";
const SHOW_CODE: &str = "; echo cod\"\"e=$?";

fn statuses(service: &Service) -> Vec<String> {
    let all = service.deployments().into_iter();
    all.map(|(_, status)| status).collect()
}

#[test]
fn ctrl_c_ends_the_command_and_is_told() {
    let service = Service::start();
    let mut terminal = Terminal::open(&service);
    terminal.run("echo rea\"\"dy; exec cat", SHOW_CODE);
    terminal.enter(CTRL_C);
    terminal.until("code=130");
    assert_eq!(statuses(&service), ["aborted"]);
    terminal.run("echo rea\"\"dy; exec cat", SHOW_CODE);
    terminal.enter(CTRL_BACKSLASH);
    terminal.until("code=131");
    assert_eq!(statuses(&service), ["aborted", "aborted"]);
}

#[test]
fn ctrl_c_reaches_the_command_once_each_time() {
    let service = Service::start();
    let mut terminal = Terminal::open(&service);
    let count = "n=$((n+1)); echo i\"\"nt$n; [ $n -lt 2 ] || exit 9";
    terminal.run(
        &format!(
            "n=0; trap \"{}\" INT; echo rea\"\"dy; while :; do read x; done",
            count.replace('$', "\\$").replace('"', "\\\"")
        ),
        SHOW_CODE,
    );
    terminal.enter(CTRL_C);
    terminal.until("int1");
    terminal.enter(CTRL_C);
    terminal.until("int2");
    terminal.until("code=9");
    assert_eq!(statuses(&service), ["aborted"]);
}

#[test]
fn ctrl_z_stops_both_and_fg_goes_on() {
    let service = Service::start();
    let mut terminal = Terminal::open(&service);
    terminal.run("echo rea\"\"dy; read x; echo go\"\"t $x", "");
    terminal.enter(CTRL_Z);
    terminal.until("Stopped");
    // What is typed before the shell listens again is lost.
    terminal.until("$ ");
    assert_eq!(statuses(&service), ["started"]);
    terminal.enter("fg\n");
    terminal.until("versioner run");
    terminal.enter("it\n");
    terminal.until("got it");
    terminal.enter("echo cod\"\"e=$?\n");
    terminal.until("code=0");
    assert_eq!(statuses(&service), ["completed"]);
}

#[test]
fn a_terminal_that_closes_ends_the_command_and_is_told() {
    let service = Service::start();
    let folder = tempfile::tempdir().expect("a folder");
    let held = pipe(folder.path());
    let mut terminal = Terminal::open(&service);
    let reader = std::thread::spawn({
        let held = held.clone();
        move || {
            let mut all = String::new();
            File::open(held)
                .expect("a pipe")
                .read_to_string(&mut all)
                .expect("text")
        }
    });
    // Whoever still runs holds the pipe open. Who reads the terminal would find its end first.
    terminal.run(
        "echo rea\"\"dy; exec sleep 1000",
        &format!("9>{}", held.display()),
    );
    terminal.process.kill().expect("a living process");
    terminal.process.wait().expect("an end");
    reader.join().expect("no panic");
    assert_eq!(statuses(&service), ["aborted"]);
}

/// Of a terminal that is gone the kernel tells the leader of its session alone.
#[test]
fn a_terminal_without_a_shell_that_closes_ends_the_command_too() {
    let service = Service::start();
    let folder = tempfile::tempdir().expect("a folder");
    let held = pipe(folder.path());
    let program = env!("CARGO_BIN_EXE_versioner");
    let flags = "run deployment --product api --environment production --version 1";
    let script = "echo rea\"\"dy; exec sleep 1000";
    let command = format!(
        "exec {program} {flags} -- sh -c '{script}' 9>{}",
        held.display()
    );
    let reader = std::thread::spawn({
        let held = held.clone();
        move || {
            let mut all = String::new();
            File::open(held)
                .expect("a pipe")
                .read_to_string(&mut all)
                .expect("text")
        }
    });
    let mut terminal = Terminal::with(&command, service.command(&[]));
    terminal.until("ready");
    terminal.process.kill().expect("a living process");
    terminal.process.wait().expect("an end");
    reader.join().expect("no panic");
    assert_eq!(statuses(&service), ["aborted"]);
}

#[test]
fn how_far_a_delivery_is_is_rewritten_in_place() {
    let post = Post::start();
    post.queue("1.0.0");
    post.queue("1.1.0");
    let program = env!("CARGO_BIN_EXE_versioner");
    let mut terminal = Terminal::with(&format!("exec {program} outbox send"), post.command(&[]));
    terminal.until("\r\u{1b}[Koutbox: 1 of 2");
    terminal.until("\r\u{1b}[Koutbox: 2 of 2");
    // The result stands on a line of its own.
    terminal.until("\r\n");
    terminal.until("delivered: 2");
}

#[test]
fn what_a_start_waits_for_is_rewritten_in_place() {
    let service = Service::start();
    let rule = serde_json::json!({
        "name": "Two People", "type": "release_approval", "environments": ["production"],
        "config": {"required_approvals": 1, "keys": true}, "create": true,
    });
    service.post("/deployment-rules/", &rule);
    let mut terminal = Terminal::open(&service);
    let program = env!("CARGO_BIN_EXE_versioner");
    let flags = "run deployment --product api --environment production --version 1 --wait 5m";
    terminal.enter(&format!("{program} {flags} -- true {SHOW_CODE}\n"));
    terminal.until("\r\u{1b}[Kwaiting: APPROVAL_REQUIRED (Two People), 0 min of 5");
    terminal.enter(CTRL_C);
    terminal.until("the command did not run");
    terminal.until("code=1");
}
