//! The tag whose push a CI system works on.

use super::{Variables, detect, git};
use crate::input::environment::Environment;
use crate::model::fact::Found;

/// Each system with the variable that has the tag and nothing else.
const TAGS: &[(&str, &str)] = &[
    ("gitlab", "CI_COMMIT_TAG"),
    ("jenkins", "TAG_NAME"),
    ("circleci", "CIRCLE_TAG"),
    ("bitbucket", "BITBUCKET_TAG"),
    ("travis", "TRAVIS_TAG"),
    ("buildkite", "BUILDKITE_TAG"),
    ("harness", "DRONE_TAG"),
    ("woodpecker", "CI_COMMIT_TAG"),
    ("drone", "DRONE_TAG"),
    ("appveyor", "APPVEYOR_REPO_TAG_NAME"),
    ("semaphore", "SEMAPHORE_GIT_TAG_NAME"),
    ("buddy", "BUDDY_EXECUTION_TAG"),
    ("cirrus", "CIRRUS_TAG"),
    ("bitrise", "BITRISE_GIT_TAG"),
    ("vela", "VELA_BUILD_TAG"),
    ("google-cloud-build", "TAG_NAME"),
];

/// The systems that tell a tag as a whole reference, with the variable of it.
const REFERENCES: &[(&str, &str)] = &[
    ("github", "GITHUB_REF"),
    ("gitea", "GITHUB_REF"),
    ("forgejo", "GITHUB_REF"),
    ("azure-devops", "BUILD_SOURCEBRANCH"),
];

/// The tag, if a tag was pushed.
pub(crate) fn pushed_tag(environment: &Environment) -> Option<Found> {
    let system = detect(environment).source_system?.text;
    let env = Variables(environment);
    let of = |table: &[(&str, &'static str)]| {
        let (_, variable) = table.iter().find(|(name, _)| *name == system)?;
        env.get(variable)
    };
    let tag = |reference: &str| Some(reference.strip_prefix("refs/tags/")?.to_owned());
    match of(REFERENCES) {
        Some(reference) => reference.and_then(tag),
        None => of(TAGS)?.and_then(git::branch),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(variables: &[(&str, &str)]) -> Option<String> {
        let environment: Environment = variables.iter().copied().collect();
        pushed_tag(&environment).map(|found| found.text)
    }

    #[test]
    fn only_a_pushed_tag_is_one() {
        let github = ("GITHUB_ACTIONS", "true");
        assert_eq!(
            tag(&[github, ("GITHUB_REF", "refs/tags/v1/2")]).as_deref(),
            Some("v1/2")
        );
        assert_eq!(tag(&[github, ("GITHUB_REF", "refs/heads/main")]), None);
        let gitlab = ("GITLAB_CI", "true");
        assert_eq!(
            tag(&[gitlab, ("CI_COMMIT_TAG", "v1")]).as_deref(),
            Some("v1")
        );
        assert_eq!(
            tag(&[gitlab, ("CI_COMMIT_TAG", ""), ("CIRCLE_TAG", "v1")]),
            None
        );
        assert_eq!(tag(&[("CI_COMMIT_TAG", "v1")]), None);
    }
}
