//! Azure DevOps.

use super::{Detected, Found, Variables, last_part, link};

pub(super) fn detect(env: &Variables) -> Option<Detected> {
    let source_system = env
        .get("TF_BUILD")
        .filter(|found| found.text.eq_ignore_ascii_case("true"))?
        .map(|_| "azure-devops".to_owned());
    let repository = env.get("BUILD_REPOSITORY_NAME");
    Some(Detected {
        source_system,
        sha: env.get("BUILD_SOURCEVERSION"),
        branch: env.branch(&[
            "SYSTEM_PULLREQUEST_SOURCEBRANCH",
            "BUILD_SOURCEBRANCH",
            "BUILD_SOURCEBRANCHNAME",
        ]),
        build_number: env.get("BUILD_BUILDNUMBER"),
        invoke_id: env.get("BUILD_BUILDID"),
        run_url: results_url(env).or_else(|| build_uri(env)),
        actor: env.get("BUILD_REQUESTEDFOR"),
        actor_email: env.get("BUILD_REQUESTEDFOREMAIL"),
        product: last_part(&repository),
        version: env.get("BUILD_BUILDNUMBER"),
        environment: env.first(&["ENVIRONMENT_NAME", "RELEASE_ENVIRONMENTNAME"]),
        metadata: env.metadata(
            "vi_azure_",
            &[
                ("build_id", "BUILD_BUILDID"),
                ("definition_name", "BUILD_DEFINITIONNAME"),
                ("agent_name", "AGENT_NAME"),
                ("team_project", "SYSTEM_TEAMPROJECT"),
            ],
        ),
        repository,
        ..Detected::default()
    })
}

fn results_url(env: &Variables) -> Option<Found> {
    let server = server(env)?;
    let project = env.get("SYSTEM_TEAMPROJECT")?;
    let (server, project) = (link::base(&server)?, link::part(&project.text));
    env.get("BUILD_BUILDID")?.map(|build| {
        format!(
            "{server}/{project}/_build/results?buildId={}",
            link::part(build)
        )
    })
}

/// A server of one's own has several collections, and only the other variable names which.
fn server(env: &Variables) -> Option<Found> {
    let collection = env.get("SYSTEM_TEAMFOUNDATIONCOLLECTIONURI");
    let server = env.get("SYSTEM_TEAMFOUNDATIONSERVERURI");
    match server {
        Some(server) if is_hosted(&server.text) || collection.is_none() => Some(server),
        _ => collection,
    }
}

fn is_hosted(server: &str) -> bool {
    let server = server.to_ascii_lowercase();
    let host = server
        .split("://")
        .last()
        .and_then(|rest| rest.split('/').next());
    host.is_some_and(|host| host.ends_with("dev.azure.com") || host.ends_with(".visualstudio.com"))
}

/// Often `vstfs:///Build/Build/42`, which no browser opens.
fn build_uri(env: &Variables) -> Option<Found> {
    env.get("BUILD_BUILDURI").filter(|uri| {
        let lower = uri.text.to_ascii_lowercase();
        lower.starts_with("http://") || lower.starts_with("https://")
    })
}
