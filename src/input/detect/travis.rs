//! Travis CI.

use super::{Detected, Variables, last_part, short_sha};

pub(super) fn detect(env: &Variables) -> Option<Detected> {
    let source_system = env.system_if_true("travis", "TRAVIS")?;
    let repository = env.get("TRAVIS_REPO_SLUG");
    let sha = env.get("TRAVIS_COMMIT");
    Some(Detected {
        source_system: Some(source_system),
        branch: env.branch(&["TRAVIS_PULL_REQUEST_BRANCH", "TRAVIS_BRANCH", "TRAVIS_TAG"]),
        build_number: env.get("TRAVIS_BUILD_NUMBER"),
        invoke_id: env.get("TRAVIS_BUILD_ID"),
        run_url: env.get("TRAVIS_BUILD_WEB_URL"),
        product: last_part(&repository),
        version: short_sha(&sha),
        metadata: env.prefixed_metadata(
            "vi_travis_",
            "TRAVIS_",
            &["build_id", "job_id", "job_number", "event_type"],
        ),
        repository,
        sha,
        ..Detected::default()
    })
}
