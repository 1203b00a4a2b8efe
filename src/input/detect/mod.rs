//! What the CI system tells about the run: a pure function over an environment map.

mod azure;
mod bitbucket;
mod circleci;
mod git;
mod github;
mod gitlab;
mod jenkins;
mod link;
mod rundeck;
mod system;
mod table;
#[cfg(feature = "cli")]
mod tag;
mod travis;

#[cfg(feature = "cli")]
pub(crate) use git::repository;
use serde_json::{Map, Value};
#[cfg(feature = "cli")]
pub(crate) use tag::pushed_tag;

use crate::input::environment::Environment;
use crate::input::text::{self, password};
use crate::model::fact::{Fact, Found};

/// What was found in the environment. An absent value is `None`; nothing is invented.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Detected {
    /// Name of the CI system, such as `github`; `None` outside CI.
    pub source_system: Option<Found>,
    /// Repository, such as `owner/name`.
    pub repository: Option<Found>,
    /// Commit.
    pub sha: Option<Found>,
    /// Branch, or tag if there is no branch.
    pub branch: Option<Found>,
    /// Number of the build.
    pub build_number: Option<Found>,
    /// Identifier of the run.
    pub invoke_id: Option<Found>,
    /// Link to the run.
    pub run_url: Option<Found>,
    /// Login of whoever caused the run.
    pub actor: Option<Found>,
    /// Mail address of whoever caused the run.
    pub actor_email: Option<Found>,
    /// Name of whoever caused the run.
    pub actor_name: Option<Found>,
    /// Product, if none is given.
    pub product: Option<Found>,
    /// Version, if none is given.
    pub version: Option<Found>,
    /// Environment, if a deployment gives none.
    pub environment: Option<Found>,
    /// `vi_*` metadata.
    pub metadata: Map<String, Value>,
}

impl Detected {
    pub(crate) fn get(&self, fact: Fact) -> Option<&Found> {
        let found = match fact {
            Fact::SourceSystem => &self.source_system,
            Fact::Product => &self.product,
            Fact::Version => &self.version,
            Fact::Environment => &self.environment,
            Fact::BuildNumber => &self.build_number,
            Fact::Sha => &self.sha,
            Fact::Branch => &self.branch,
            Fact::Repository => &self.repository,
            Fact::InvokeId => &self.invoke_id,
            Fact::RunUrl => &self.run_url,
            Fact::Actor => &self.actor,
            Fact::ActorEmail => &self.actor_email,
            Fact::ActorName => &self.actor_name,
        };
        found.as_ref()
    }
}

type Detector = fn(&Variables) -> Option<Detected>;

/// In the order in which they are asked; the first that answers wins.
const DETECTORS: [Detector; 10] = [
    imitator_of_github,
    github::detect,
    gitlab::detect,
    jenkins::detect,
    circleci::detect,
    bitbucket::detect,
    azure::detect,
    travis::detect,
    rundeck::detect,
    other_of_the_table,
];

fn imitator_of_github(env: &Variables) -> Option<Detected> {
    let mut imitators = table::SYSTEMS.iter().filter(|row| row.imitates_github);
    imitators.find_map(|row| row.detect(env))
}

fn other_of_the_table(env: &Variables) -> Option<Detected> {
    let mut others = table::SYSTEMS.iter().filter(|row| !row.imitates_github);
    others.find_map(|row| row.detect(env))
}

/// Finds the CI system that this environment belongs to, and what it tells.
pub fn detect(environment: &Environment) -> Detected {
    let variables = Variables(environment);
    DETECTORS
        .iter()
        .find_map(|detector| detector(&variables))
        .unwrap_or_default()
}

/// The environment with the look-ups that the detectors share.
struct Variables<'a>(&'a Environment);

impl Variables<'_> {
    fn get(&self, variable: &'static str) -> Option<Found> {
        let text = self.0.hint(variable)?.to_owned();
        Some(Found { text, variable })
    }

    /// The first of the variables that is set.
    fn first(&self, names: &[&'static str]) -> Option<Found> {
        names.iter().find_map(|name| self.get(name))
    }

    /// The system that this variable stands for, if it is set.
    fn system(&self, name: &str, variable: &'static str) -> Option<Found> {
        self.get(variable)?.map(|_| name.to_owned())
    }

    /// The system that this variable stands for, if it says `true`.
    fn system_if_true(&self, name: &str, variable: &'static str) -> Option<Found> {
        self.get(variable)
            .filter(|found| found.text == "true")?
            .map(|_| name.to_owned())
    }

    /// The first of the variables that names a branch or a tag.
    fn branch(&self, names: &[&'static str]) -> Option<Found> {
        names
            .iter()
            .find_map(|name| self.get(name)?.and_then(git::branch))
    }

    /// Metadata from pairs of (key without its prefix, variable).
    fn metadata(&self, prefix: &str, pairs: &[(&str, &str)]) -> Map<String, Value> {
        pairs
            .iter()
            .filter_map(|(key, name)| Some((format!("{prefix}{key}"), self.value(name)?)))
            .collect()
    }

    /// Metadata from variables that are called as the keys are, in upper case after a prefix.
    fn prefixed_metadata(
        &self,
        key_prefix: &str,
        variable_prefix: &str,
        keys: &[&str],
    ) -> Map<String, Value> {
        let name = |key: &str| format!("{variable_prefix}{}", key.to_uppercase());
        keys.iter()
            .filter_map(|key| Some((format!("{key_prefix}{key}"), self.value(&name(key))?)))
            .collect()
    }

    fn value(&self, name: &str) -> Option<Value> {
        Some(password::removed(self.0.hint(name)?).into())
    }
}

impl Found {
    /// Another text that was made of this one; `None` if nothing is left of it.
    fn map(&self, change: impl FnOnce(&str) -> String) -> Option<Found> {
        self.and_then(|text| Some(change(text)))
    }

    /// [`Found::map`] by a change that may find nothing.
    fn and_then(&self, change: impl FnOnce(&str) -> Option<String>) -> Option<Found> {
        let changed = change(&self.text)?;
        Some(Found {
            text: text::given(&changed)?.to_owned(),
            variable: self.variable,
        })
    }
}

/// `api` of `owner/api`; `None` if nothing follows the last slash.
fn last_part(path: &Option<Found>) -> Option<Found> {
    let last = |path: &str| {
        let part = path.trim_end_matches('/').rsplit('/').next()?;
        Some(part.to_owned())
    };
    path.as_ref()?.and_then(last)
}

/// The first eight characters of a commit, or all of a shorter one.
fn short_sha(sha: &Option<Found>) -> Option<Found> {
    sha.as_ref()?.map(|sha| sha.chars().take(8).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::event::EventKind;

    /// The variables that make each system known, and some that only tell more.
    const NAMES: [&str; 22] = [
        "GITHUB_ACTIONS",
        "GITHUB_REPOSITORY",
        "GITHUB_SHA",
        "GITLAB_CI",
        "CI_PROJECT_PATH",
        "CI_COMMIT_SHA",
        "JENKINS_URL",
        "GIT_URL",
        "GIT_BRANCH",
        "BUILD_NUMBER",
        "CIRCLECI",
        "CIRCLE_SHA1",
        "BITBUCKET_COMMIT",
        "BITBUCKET_BUILD_NUMBER",
        "TF_BUILD",
        "BUILD_SOURCEBRANCH",
        "BUILD_REPOSITORY_NAME",
        "TRAVIS",
        "TRAVIS_COMMIT",
        "RD_JOB_ID",
        "RD_JOB_EXECID",
        "RD_JOB_PROJECT",
    ];

    /// What a mark may say, what is nothing, and what git's own forms begin with.
    const TELLING: [&str; 8] = [
        "true",
        "1",
        "woodpecker",
        "",
        "HEAD",
        "tags/",
        "origin/",
        "refs/heads/",
    ];

    fn names() -> Vec<&'static str> {
        let of_the_table = table::SYSTEMS.iter().flat_map(system::System::variables);
        NAMES.into_iter().chain(of_the_table).collect()
    }

    fn values() -> impl Strategy<Value = String> {
        prop_oneof![
            prop::sample::select(TELLING.as_slice()).prop_map(str::to_owned),
            "(https|ssh|file)?(://)?(u:p@)?[a./:\\\\\\[\\]?#%]{0,12}(\\.git)?",
            "[ /a\u{feff}]{0,9}",
            ".{0,30}",
        ]
    }

    #[test]
    fn every_system_of_the_table_is_known_by_its_marks() {
        for row in &table::SYSTEMS {
            for mark in row.marks {
                let environment: Environment = mark.example().into_iter().collect();
                let found = detect(&environment).source_system.map(|found| found.text);
                assert_eq!(found.as_deref(), Some(row.name));
            }
        }
    }

    proptest! {
        #[test]
        fn whatever_the_environment_nothing_blank_is_detected(
            variables in prop::collection::btree_map(
                prop::sample::select(names()),
                values(),
                0..40,
            )
        ) {
            let environment: Environment = variables.into_iter().collect();
            let detected = detect(&environment);
            for field in EventKind::ALL.iter().flat_map(|kind| kind.fields()) {
                let found = field.fact.and_then(|fact| detected.get(fact));
                prop_assert!(found.is_none_or(|found| text::trim(&found.text) == found.text), "{}", field.name);
                prop_assert!(found.is_none_or(|found| !found.text.is_empty()), "{}", field.name);
            }
            prop_assert!(detected.metadata.keys().all(|key| key.starts_with("vi_")));
            if detected.source_system.is_none() {
                prop_assert_eq!(detected, Detected::default());
            }
        }
    }
}
