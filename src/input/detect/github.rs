//! GitHub Actions.

use super::{Detected, Variables, last_part, short_sha};

pub(super) fn detect(env: &Variables) -> Option<Detected> {
    if !env.is("GITHUB_ACTIONS", "true") {
        return None;
    }
    let repository = env.get("GITHUB_REPOSITORY");
    let sha = env.get("GITHUB_SHA");
    Some(Detected {
        source_system: Some("github"),
        branch: env.first(&["GITHUB_HEAD_REF", "GITHUB_REF_NAME"]),
        build_number: env.get("GITHUB_RUN_NUMBER"),
        invoke_id: env.get("GITHUB_RUN_ID"),
        run_url: run_url(env),
        actor: env.get("GITHUB_ACTOR"),
        product: last_part(&repository),
        version: short_sha(&sha),
        metadata: env.prefixed_metadata(
            "vi_gh_",
            "GITHUB_",
            &[
                "workflow",
                "job",
                "run_attempt",
                "event_name",
                "ref",
                "head_ref",
                "base_ref",
            ],
        ),
        repository,
        sha,
        ..Detected::default()
    })
}

fn run_url(env: &Variables) -> Option<String> {
    let server = env.get("GITHUB_SERVER_URL")?;
    let repository = env.get("GITHUB_REPOSITORY")?;
    let run = env.get("GITHUB_RUN_ID")?;
    Some(format!(
        "{}/{repository}/actions/runs/{run}",
        server.trim_end_matches('/')
    ))
}
