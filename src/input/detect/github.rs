//! GitHub Actions.

use super::{Detected, Found, Variables, last_part, link, short_sha};

pub(super) fn detect(env: &Variables) -> Option<Detected> {
    let source_system = env.system_if_true("github", "GITHUB_ACTIONS")?;
    let repository = env.get("GITHUB_REPOSITORY");
    let sha = env.get("GITHUB_SHA");
    Some(Detected {
        source_system: Some(source_system),
        branch: env.branch(&["GITHUB_HEAD_REF", "GITHUB_REF_NAME"]),
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

fn run_url(env: &Variables) -> Option<Found> {
    let server = env.get("GITHUB_SERVER_URL")?;
    let repository = env.get("GITHUB_REPOSITORY")?;
    let (server, repository) = (link::base(&server)?, link::path(&repository.text));
    env.get("GITHUB_RUN_ID")?
        .map(|run| format!("{server}/{repository}/actions/runs/{}", link::part(run)))
}
