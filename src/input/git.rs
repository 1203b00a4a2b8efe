//! What the repository around the working directory tells, for a command line that no CI system runs.

use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use crate::input::detect::{Detected, repository};
use crate::input::environment::Environment;
use crate::input::text;
use crate::model::fact::Found;

/// The longest that git may take altogether.
const LONGEST: Duration = Duration::from_secs(2);

/// What git is asked of its settings.
const SETTINGS: &str = r"^(user\.(name|email)|remote\.origin\.url)$";

/// Whether git may be asked here: a superuser who works for somebody else is not who works here, and
/// a repository of somebody else may be made to run what its owner likes.
pub(crate) fn is_wanted(environment: &Environment) -> bool {
    ["SUDO_UID", "SUDO_USER"]
        .iter()
        .all(|name| environment.hint(name).is_none())
}

/// Commit, branch and repository of the working directory, and who works there. Nothing if there is
/// no git, no repository or no commit, and if git refuses it or takes too long.
pub(crate) fn detect() -> Detected {
    let git = Git::new();
    let Some(sha) = git.ask("HEAD", &["rev-parse", "--verify", "--quiet", "HEAD"]) else {
        return Detected::default();
    };
    let settings = git.ask("", &["config", "--get-regexp", SETTINGS]);
    let settings = settings.map(|found| found.text).unwrap_or_default();
    let setting = |name: &'static str| {
        let lines = settings.lines().rev();
        let mut values = lines.filter_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        found(values.next()?, name)
    };
    let origin = setting("remote.origin.url");
    Detected {
        sha: Some(sha),
        branch: git.ask("branch", &["symbolic-ref", "--quiet", "--short", "HEAD"]),
        repository: origin.and_then(|url| found(&repository(&url.text)?, url.variable)),
        actor_email: setting("user.email"),
        actor_name: setting("user.name"),
        ..Detected::default()
    }
}

/// The version of the working directory: the nearest tag and what came after it, else the commit.
pub(crate) fn version() -> Option<Found> {
    let arguments = ["describe", "--tags", "--always", "--dirty"];
    Git::new().ask("describe", &arguments)
}

fn found(text: &str, variable: &'static str) -> Option<Found> {
    let text = text::given(text)?.to_owned();
    Some(Found { text, variable })
}

struct Git {
    end: Instant,
}

impl Git {
    fn new() -> Git {
        Git {
            end: Instant::now() + LONGEST,
        }
    }

    /// What git prints, if it succeeds in time.
    fn ask(&self, about: &'static str, arguments: &[&str]) -> Option<Found> {
        let mut command = Command::new("git");
        command
            .args([
                "-c",
                "core.fsmonitor=false",
                "-c",
                "safe.bareRepository=explicit",
            ])
            .args(arguments)
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_OPTIONAL_LOCKS", "0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        // A hook or filter of the repository must not get the key.
        for (name, _) in std::env::vars_os() {
            if name
                .to_string_lossy()
                .to_uppercase()
                .starts_with("VERSIONER_")
            {
                command.env_remove(name);
            }
        }
        let printed = self.printed(command.spawn().ok()?)?;
        found(&printed, about)
    }

    fn printed(&self, mut child: Child) -> Option<String> {
        let mut output = child.stdout.take()?;
        let (sender, receiver) = channel();
        thread::spawn(move || {
            let mut text = String::new();
            let is_text = output.read_to_string(&mut text).is_ok();
            // Nobody listens any more if it took too long.
            let _ = sender.send(is_text.then_some(text));
        });
        let left = self.end.saturating_duration_since(Instant::now());
        let Ok(text) = receiver.recv_timeout(left) else {
            let _ = child.kill();
            let _ = child.wait();
            return None;
        };
        // Its output has ended, and with it git.
        child.wait().ok()?.success().then_some(text)?
    }
}
