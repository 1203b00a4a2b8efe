//! Where events are kept that could not be delivered.

use std::path::{Path, PathBuf};

use super::Settings;
use super::precedence::Sources;
use crate::input::environment::Environment;
use crate::input::text::placeholder;
use crate::model::failure::Failure;

const NAME: &str = "outbox";

/// The word that stands for a directory of the user's own.
const AUTO: &str = "auto";

/// The surface that takes [`AUTO`]: a library must not choose a place in somebody's home.
const COMMAND_LINE: &str = "cli";

/// The CI systems whose jobs run on machines that may be there for the next one, and what tells
/// those that are not: a variable, and what it says on a machine that is lost. All others lose it.
const LASTING: [(&str, Option<(&str, &str)>); 8] = [
    ("github", Some(("RUNNER_ENVIRONMENT", "github-hosted"))),
    ("gitlab", Some(("CI_DISPOSABLE_ENVIRONMENT", "true"))),
    ("jenkins", None),
    ("rundeck", None),
    ("buildkite", None),
    ("teamcity", None),
    ("bamboo", None),
    ("gocd", None),
];

/// In a pod, whose disk is lost with it.
const POD: &str = "KUBERNETES_SERVICE_HOST";

impl Sources<'_> {
    /// The directory; `None` if none is named.
    pub fn outbox(&self, explicit: &str, surface: &str) -> Result<Option<PathBuf>, Failure> {
        let decided = self.setting(NAME, explicit)?;
        let origin = decided.origin(NAME);
        let failure = |problem: &str| Err(Failure::setting(NAME, format!("{origin} {problem}")));
        let path = match (decided.text.as_str(), surface) {
            ("", _) => return Ok(None),
            (AUTO, COMMAND_LINE) => {
                if let Some(place) = self.loses_its_disk() {
                    return failure(&format!(
                        "is auto, but {place} loses its disk with the job: name a directory that \
                         outlives it, or set none"
                    ));
                }
                let Some(state) = state_directory(self.environment) else {
                    return failure("is auto, but HOME is not set: name a directory");
                };
                state.join("versioner").join("outbox")
            }
            (AUTO, _) => {
                return failure("is auto, which only the command line takes: name a directory");
            }
            (path, _) => {
                if let Some(left) = placeholder::find(path).or_else(|| home_of_shells(path)) {
                    return failure(&format!(
                        "is {path}, but nobody has put anything in the place of {left}: write the \
                         whole path"
                    ));
                }
                PathBuf::from(path)
            }
        };
        // Whoever changes the working directory must find the same events.
        std::path::absolute(&path).map(Some).or_else(|error| {
            let path = path.display();
            failure(&format!("is {path}, which cannot be used: {error}"))
        })
    }

    /// What runs this job on a machine that is not there for the next one.
    fn loses_its_disk(&self) -> Option<String> {
        let system = self.detected.source_system.as_ref()?.text.as_str();
        let known = LASTING.iter().find(|(name, _)| *name == system);
        let is_lost = match known {
            Some((_, mark)) => {
                let says_so = |(variable, lost)| self.environment.hint(variable) == Some(lost);
                mark.is_some_and(says_so) || self.environment.hint(POD).is_some()
            }
            None => true,
        };
        is_lost.then(|| format!("a runner of {system}"))
    }
}

impl Settings {
    /// The directory as people see it; empty if there is none.
    pub(super) fn outbox_shown(&self) -> String {
        let path = self.outbox.as_deref().unwrap_or(Path::new(""));
        path.display().to_string()
    }
}

/// The `~` that a shell replaces, and a file or a flag with an equals sign does not: it would name a
/// directory of this very name in whatever directory one is.
fn home_of_shells(path: &str) -> Option<&str> {
    let first = path.split('/').next()?;
    first.starts_with('~').then_some(first)
}

/// Where programs keep what they have in hand, of this user.
fn state_directory(environment: &Environment) -> Option<PathBuf> {
    if cfg!(windows) {
        return environment.path("LOCALAPPDATA");
    }
    if cfg!(target_os = "macos") {
        return Some(environment.home()?.join("Library/Application Support"));
    }
    let named = environment.path("XDG_STATE_HOME");
    // The specification says that one that is not absolute is none.
    let named = named.filter(|path| path.is_absolute());
    named.or_else(|| Some(environment.home()?.join(".local/state")))
}
