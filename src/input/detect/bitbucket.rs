//! Bitbucket Pipelines.

use super::{Detected, Variables, short_sha};

pub(super) fn detect(env: &Variables) -> Option<Detected> {
    let build_number = env.get("BITBUCKET_BUILD_NUMBER")?;
    let sha = env.get("BITBUCKET_COMMIT");
    let repository = env.get("BITBUCKET_REPO_FULL_NAME");
    let run_url = repository
        .as_ref()
        .map(|name| format!("https://bitbucket.org/{name}/pipelines/results/{build_number}"));
    Some(Detected {
        source_system: Some("bitbucket"),
        branch: env.first(&["BITBUCKET_BRANCH", "BITBUCKET_TAG"]),
        build_number: Some(build_number),
        invoke_id: env.get("BITBUCKET_PIPELINE_UUID"),
        run_url,
        product: env.get("BITBUCKET_REPO_SLUG"),
        version: short_sha(&sha),
        environment: env.get("BITBUCKET_DEPLOYMENT_ENVIRONMENT"),
        metadata: env.prefixed_metadata(
            "vi_bb_",
            "BITBUCKET_",
            &["pipeline_uuid", "step_uuid", "workspace", "repo_slug"],
        ),
        repository,
        sha,
        ..Detected::default()
    })
}
