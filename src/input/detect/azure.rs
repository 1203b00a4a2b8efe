//! Azure DevOps.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{Detected, Variables, last_part};

/// Everything but the unreserved characters of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

pub(super) fn detect(env: &Variables) -> Option<Detected> {
    if !env.get("TF_BUILD")?.eq_ignore_ascii_case("true") {
        return None;
    }
    let repository = env.get("BUILD_REPOSITORY_NAME");
    let source_branch = env
        .get("BUILD_SOURCEBRANCH")
        .map(|name| name.strip_prefix("refs/heads/").unwrap_or(&name).to_owned())
        .filter(|name| !name.is_empty());
    Some(Detected {
        source_system: Some("azure-devops"),
        sha: env.get("BUILD_SOURCEVERSION"),
        branch: source_branch.or_else(|| env.get("BUILD_SOURCEBRANCHNAME")),
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

fn results_url(env: &Variables) -> Option<String> {
    let server = env.get("SYSTEM_TEAMFOUNDATIONSERVERURI")?;
    let project = env.get("SYSTEM_TEAMPROJECT")?;
    let project = utf8_percent_encode(&project, RESERVED);
    let build = env.get("BUILD_BUILDID")?;
    Some(format!(
        "{}/{project}/_build/results?buildId={build}",
        server.trim_end_matches('/')
    ))
}

/// Often `vstfs:///Build/Build/42`, which no browser opens.
fn build_uri(env: &Variables) -> Option<String> {
    let uri = env.get("BUILD_BUILDURI")?;
    let lower = uri.to_ascii_lowercase();
    (lower.starts_with("http://") || lower.starts_with("https://")).then_some(uri)
}
