//! Bitbucket Pipelines.

use super::{Detected, Found, Variables, link, short_sha};

pub(super) fn detect(env: &Variables) -> Option<Detected> {
    let source_system = env.system("bitbucket", "BITBUCKET_BUILD_NUMBER")?;
    let sha = env.get("BITBUCKET_COMMIT");
    Some(Detected {
        source_system: Some(source_system),
        branch: env.branch(&["BITBUCKET_BRANCH", "BITBUCKET_TAG"]),
        build_number: env.get("BITBUCKET_BUILD_NUMBER"),
        invoke_id: env.get("BITBUCKET_PIPELINE_UUID"),
        run_url: run_url(env),
        product: env.get("BITBUCKET_REPO_SLUG"),
        version: short_sha(&sha),
        environment: env.get("BITBUCKET_DEPLOYMENT_ENVIRONMENT"),
        metadata: env.prefixed_metadata(
            "vi_bb_",
            "BITBUCKET_",
            &["pipeline_uuid", "step_uuid", "workspace", "repo_slug"],
        ),
        repository: env.get("BITBUCKET_REPO_FULL_NAME"),
        sha,
        ..Detected::default()
    })
}

fn run_url(env: &Variables) -> Option<Found> {
    let name = link::path(&env.get("BITBUCKET_REPO_FULL_NAME")?.text);
    env.get("BITBUCKET_BUILD_NUMBER")?.map(|number| {
        format!(
            "https://bitbucket.org/{name}/pipelines/results/{}",
            link::part(number)
        )
    })
}
