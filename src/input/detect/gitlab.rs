//! GitLab CI.

use super::{Detected, Variables, last_part, short_sha};

pub(super) fn detect(env: &Variables) -> Option<Detected> {
    let source_system = env.system_if_true("gitlab", "GITLAB_CI")?;
    let repository = env.get("CI_PROJECT_PATH");
    let sha = env.get("CI_COMMIT_SHA");
    Some(Detected {
        source_system: Some(source_system),
        branch: env.branch(&["CI_COMMIT_REF_NAME"]),
        build_number: env.get("CI_PIPELINE_IID"),
        invoke_id: env.get("CI_PIPELINE_ID"),
        run_url: env.get("CI_PIPELINE_URL"),
        actor: env.get("GITLAB_USER_LOGIN"),
        actor_email: env.get("GITLAB_USER_EMAIL"),
        actor_name: env.get("GITLAB_USER_NAME"),
        product: last_part(&repository),
        version: short_sha(&sha),
        environment: env.get("CI_ENVIRONMENT_NAME"),
        metadata: env.prefixed_metadata(
            "vi_gl_",
            "CI_",
            &[
                "pipeline_id",
                "pipeline_url",
                "job_id",
                "job_name",
                "job_url",
                "pipeline_source",
            ],
        ),
        repository,
        sha,
    })
}
