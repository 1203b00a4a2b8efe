//! What the CI system tells about the run: a pure function over an environment map.

mod azure;
mod bitbucket;
mod circleci;
mod github;
mod gitlab;
mod jenkins;
mod rundeck;
mod travis;

use serde_json::{Map, Value};

use crate::input::environment::Environment;
use crate::model::event::EventKind;

/// What was found in the environment. An absent value is `None`; nothing is invented.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Detected {
    /// Name of the CI system, such as `github`; `None` outside CI.
    pub source_system: Option<&'static str>,
    /// Repository, such as `owner/name`.
    pub repository: Option<String>,
    /// Commit.
    pub sha: Option<String>,
    /// Branch, or tag where there is no branch.
    pub branch: Option<String>,
    /// Number of the build.
    pub build_number: Option<String>,
    /// Identifier of the run.
    pub invoke_id: Option<String>,
    /// Link to the run.
    pub run_url: Option<String>,
    /// Login of whoever caused the run.
    pub actor: Option<String>,
    /// Mail address of whoever caused the run.
    pub actor_email: Option<String>,
    /// Name of whoever caused the run.
    pub actor_name: Option<String>,
    /// Product, where none is given.
    pub product: Option<String>,
    /// Version, where none is given.
    pub version: Option<String>,
    /// Environment, where a deployment gives none.
    pub environment: Option<String>,
    /// `vi_*` metadata.
    pub metadata: Map<String, Value>,
}

impl Detected {
    /// The detected value of an event's field.
    pub(crate) fn field(&self, kind: EventKind, name: &str) -> Option<&str> {
        let value = match (kind, name) {
            (_, "source_system") => return self.source_system,
            (_, "product") => &self.product,
            (_, "version") => &self.version,
            (EventKind::Deployment, "environment") => &self.environment,
            (_, "build_number") => &self.build_number,
            (_, "scm_sha") => &self.sha,
            (_, "scm_branch") => &self.branch,
            (_, "scm_repository") => &self.repository,
            (_, "invoke_id") => &self.invoke_id,
            (EventKind::Build, "build_url") | (EventKind::Deployment, "deploy_url") => {
                &self.run_url
            }
            (_, "built_by" | "deployed_by") => &self.actor,
            (_, "built_by_email" | "deployed_by_email") => &self.actor_email,
            (_, "built_by_name" | "deployed_by_name") => &self.actor_name,
            _ => return None,
        };
        value.as_deref()
    }
}

type Detector = fn(&Variables) -> Option<Detected>;

/// In the order in which they are asked; the first that answers wins.
const DETECTORS: [Detector; 8] = [
    github::detect,
    gitlab::detect,
    jenkins::detect,
    circleci::detect,
    bitbucket::detect,
    azure::detect,
    travis::detect,
    rundeck::detect,
];

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
    fn get(&self, name: &str) -> Option<String> {
        self.0.get(name).map(str::to_owned)
    }

    /// The first of the variables that is set.
    fn first(&self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| self.get(name))
    }

    fn is_set(&self, name: &str) -> bool {
        self.0.get(name).is_some()
    }

    fn is(&self, name: &str, value: &str) -> bool {
        self.0.get(name) == Some(value)
    }

    /// Metadata from pairs of (key without its prefix, variable).
    fn metadata(&self, prefix: &str, pairs: &[(&str, &str)]) -> Map<String, Value> {
        pairs
            .iter()
            .filter_map(|(key, name)| Some((format!("{prefix}{key}"), self.get(name)?.into())))
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
            .filter_map(|key| Some((format!("{key_prefix}{key}"), self.get(&name(key))?.into())))
            .collect()
    }
}

/// `api` of `owner/api`; `None` where nothing follows the last slash.
fn last_part(path: &Option<String>) -> Option<String> {
    let part = path.as_deref()?.trim_end_matches('/').rsplit('/').next()?;
    (!part.is_empty()).then(|| part.to_owned())
}

/// The first eight characters of a commit, or all of a shorter one.
fn short_sha(sha: &Option<String>) -> Option<String> {
    sha.as_deref().map(|sha| sha.chars().take(8).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

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

    proptest! {
        #[test]
        fn whatever_the_environment_nothing_blank_is_detected(
            variables in prop::collection::btree_map(
                prop::sample::select(NAMES.as_slice()),
                prop_oneof![Just("true".to_owned()), Just(String::new()), ".{0,30}"],
                0..12,
            )
        ) {
            let environment: Environment = variables.into_iter().collect();
            let detected = detect(&environment);
            for kind in [EventKind::Build, EventKind::Deployment] {
                for field in kind.fields() {
                    let value = detected.field(kind, field.name);
                    prop_assert!(value.is_none_or(|value| !value.trim().is_empty()), "{}", field.name);
                }
            }
            prop_assert!(detected.metadata.keys().all(|key| key.starts_with("vi_")));
            if detected.source_system.is_none() {
                prop_assert_eq!(detected, Detected::default());
            }
        }
    }
}
