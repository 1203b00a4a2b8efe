//! Jenkins.

use super::{Detected, Variables, git, last_part};

pub(super) fn detect(env: &Variables) -> Option<Detected> {
    let source_system = env.system("jenkins", "JENKINS_URL")?;
    let repository = env
        .first(&["GIT_URL", "GIT_URL_1"])
        .and_then(|url| url.and_then(git::repository));
    let branch = env
        .get("GIT_BRANCH")
        .and_then(|name| name.and_then(git::tracked_branch));
    Some(Detected {
        source_system: Some(source_system),
        sha: env.get("GIT_COMMIT"),
        // What a multibranch job says that has not checked out.
        branch: branch.or_else(|| env.branch(&["CHANGE_BRANCH", "BRANCH_NAME", "TAG_NAME"])),
        build_number: env.get("BUILD_NUMBER"),
        invoke_id: env.get("BUILD_ID"),
        run_url: env.get("BUILD_URL"),
        actor: env.get("BUILD_USER"),
        actor_email: env.get("BUILD_USER_EMAIL"),
        product: last_part(&repository),
        version: env.get("BUILD_NUMBER"),
        metadata: env.metadata(
            "vi_jenkins_",
            &[
                ("job_name", "JOB_NAME"),
                ("build_url", "BUILD_URL"),
                ("node_name", "NODE_NAME"),
                ("executor_number", "EXECUTOR_NUMBER"),
            ],
        ),
        repository,
        ..Detected::default()
    })
}
