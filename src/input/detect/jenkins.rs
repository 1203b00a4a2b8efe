//! Jenkins.

use super::{Detected, Variables, last_part};

pub(super) fn detect(env: &Variables) -> Option<Detected> {
    if !env.is_set("JENKINS_URL") {
        return None;
    }
    let repository = env.get("GIT_URL").and_then(|url| repository(&url));
    Some(Detected {
        source_system: Some("jenkins"),
        sha: env.get("GIT_COMMIT"),
        branch: env.get("GIT_BRANCH").and_then(branch),
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

fn branch(name: String) -> Option<String> {
    let name = name.strip_prefix("origin/").unwrap_or(&name);
    (!name.is_empty()).then(|| name.to_owned())
}

/// `host/owner/repo` of a clone URL: scheme, credentials, port and `.git` removed, from
/// `https://`, `ssh://` and `git@host:owner/repo` forms alike.
fn repository(url: &str) -> Option<String> {
    let url = url.trim();
    let (authority, path) = match url.split_once("://") {
        Some((_, rest)) => rest.split_once('/').unwrap_or((rest, "")),
        None => scp_form(url).unwrap_or(("", url)),
    };
    let host = authority.rsplit('@').next().unwrap_or_default();
    let host = without_port(host);
    let path = path.trim_matches('/');
    let path = path
        .strip_suffix(".git")
        .unwrap_or(path)
        .trim_end_matches('/');
    let parts = [host, path];
    let joined: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    (!joined.is_empty()).then(|| joined.join("/"))
}

/// Splits `git@host:owner/repo`; the colon of a path such as `/srv/a:b` does not count.
fn scp_form(url: &str) -> Option<(&str, &str)> {
    let (authority, path) = url.split_once(':')?;
    (!authority.contains('/')).then_some((authority, path))
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}
