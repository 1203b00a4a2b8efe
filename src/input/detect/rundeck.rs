//! Rundeck.

use super::{Detected, Variables};

pub(super) fn detect(env: &Variables) -> Option<Detected> {
    if !env.is_set("RD_JOB_ID") && !env.is_set("RD_JOB_EXECID") {
        return None;
    }
    let execution = env.get("RD_JOB_EXECID");
    Some(Detected {
        source_system: Some("rundeck"),
        build_number: execution.clone(),
        invoke_id: execution.clone(),
        run_url: execution_url(env).or_else(|| env.get("RD_JOB_URL")),
        actor: env.first(&["RD_JOB_USERNAME", "RD_JOB_USER_NAME"]),
        actor_email: env.get("RD_JOB_USER_EMAIL"),
        product: env.get("RD_JOB_NAME"),
        version: execution,
        metadata: env.prefixed_metadata(
            "vi_rd_job_",
            "RD_JOB_",
            &[
                "id",
                "execid",
                "serverurl",
                "project",
                "name",
                "group",
                "url",
            ],
        ),
        ..Detected::default()
    })
}

fn execution_url(env: &Variables) -> Option<String> {
    let server = env.get("RD_JOB_SERVERURL")?;
    let project = env.get("RD_JOB_PROJECT")?;
    let execution = env.get("RD_JOB_EXECID")?;
    Some(format!(
        "{}/project/{project}/execution/show/{execution}",
        server.trim_end_matches('/')
    ))
}
