//! Rundeck.

use super::{Detected, Found, Variables, link};

pub(super) fn detect(env: &Variables) -> Option<Detected> {
    let source_system = env
        .system("rundeck", "RD_JOB_ID")
        .or_else(|| env.system("rundeck", "RD_JOB_EXECID"))?;
    let execution = env.get("RD_JOB_EXECID");
    Some(Detected {
        source_system: Some(source_system),
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

fn execution_url(env: &Variables) -> Option<Found> {
    let server = env.get("RD_JOB_SERVERURL")?;
    let project = env.get("RD_JOB_PROJECT")?;
    let (server, project) = (link::base(&server)?, link::part(&project.text));
    env.get("RD_JOB_EXECID")?.map(|execution| {
        format!(
            "{server}/project/{project}/execution/show/{}",
            link::part(execution)
        )
    })
}
