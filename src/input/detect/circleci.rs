//! CircleCI.

use super::{Detected, Variables, short_sha};

pub(super) fn detect(env: &Variables) -> Option<Detected> {
    if !env.is("CIRCLECI", "true") {
        return None;
    }
    let sha = env.get("CIRCLE_SHA1");
    let owner = env.get("CIRCLE_PROJECT_USERNAME");
    let name = env.get("CIRCLE_PROJECT_REPONAME");
    Some(Detected {
        source_system: Some("circleci"),
        repository: owner
            .zip(name.clone())
            .map(|(owner, name)| format!("{owner}/{name}")),
        branch: env.first(&["CIRCLE_BRANCH", "CIRCLE_TAG"]),
        build_number: env.get("CIRCLE_BUILD_NUM"),
        invoke_id: env.get("CIRCLE_WORKFLOW_ID"),
        run_url: env.get("CIRCLE_BUILD_URL"),
        actor: env.get("CIRCLE_USERNAME"),
        product: name,
        version: short_sha(&sha),
        metadata: env.metadata(
            "vi_circle_",
            &[
                ("workflow_id", "CIRCLE_WORKFLOW_ID"),
                ("workflow_job_id", "CIRCLE_WORKFLOW_JOB_ID"),
                ("job_name", "CIRCLE_JOB"),
                ("node_index", "CIRCLE_NODE_INDEX"),
            ],
        ),
        sha,
        ..Detected::default()
    })
}
