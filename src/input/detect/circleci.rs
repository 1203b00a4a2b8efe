//! CircleCI.

use super::{Detected, Found, Variables, short_sha};

pub(super) fn detect(env: &Variables) -> Option<Detected> {
    let source_system = env.system_if_true("circleci", "CIRCLECI")?;
    let sha = env.get("CIRCLE_SHA1");
    Some(Detected {
        source_system: Some(source_system),
        repository: repository(env),
        branch: env.branch(&["CIRCLE_BRANCH", "CIRCLE_TAG"]),
        build_number: env.get("CIRCLE_BUILD_NUM"),
        invoke_id: env.get("CIRCLE_WORKFLOW_ID"),
        run_url: env.get("CIRCLE_BUILD_URL"),
        actor: env.get("CIRCLE_USERNAME"),
        product: env.get("CIRCLE_PROJECT_REPONAME"),
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

fn repository(env: &Variables) -> Option<Found> {
    let owner = env.get("CIRCLE_PROJECT_USERNAME")?.text;
    env.get("CIRCLE_PROJECT_REPONAME")?
        .map(|name| format!("{owner}/{name}"))
}
