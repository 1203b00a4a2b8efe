//! GitHub, and Gitea and Forgejo, which send the same.

use serde_json::Value;

use super::{
    Delivery, Mapping, Stop, Told, body, ignored, is_version, metadata, need, of_tag, text, time,
    word,
};
use crate::domain::event::GITHUB_DEPLOYMENT;
use crate::domain::origin::Origin;
use crate::domain::source::Settings;

/// What a delivery becomes.
pub fn map(settings: &Settings, delivery: Delivery<'_>) -> Mapping {
    let named = [
        ("x-forgejo-event", "forgejo"),
        ("x-gitea-event", "gitea"),
        ("x-github-event", "github"),
    ];
    let found = named
        .iter()
        .find_map(|(header, system)| Some((delivery.header(header)?, *system)));
    let Some((event, system)) = found else {
        let msg = "the header X-GitHub-Event is missing";
        return Err(Stop::Unreadable(msg.to_owned()));
    };
    let sent = sent(delivery)?;
    match event {
        "deployment" => deployment(settings, system, &sent),
        "deployment_status" => deployment_status(settings, system, &sent),
        "workflow_run" => workflow_run(settings, system, &sent),
        "release" => release(settings, system, &sent),
        "ping" => ignored("a ping: the webhook works"),
        "deployment_protection_rule" => {
            ignored("only a source of the kind github-app answers what a deployment waits for")
        }
        other => ignored(format!("{} is not about deployments", word(other))),
    }
}

/// The JSON that is sent, also if it is in a form.
pub fn sent(delivery: Delivery<'_>) -> Result<Value, Stop> {
    let is_form = delivery
        .header("content-type")
        .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
    if !is_form {
        return delivery.json();
    }
    let mut fields = form_urlencoded::parse(delivery.body);
    let payload = fields.find(|(name, _)| name == "payload");
    let Some((_, payload)) = payload else {
        let msg = "the form has no field payload".to_owned();
        return Err(Stop::Unreadable(msg));
    };
    serde_json::from_str(&payload)
        .map_err(|error| Stop::Unreadable(format!("the field payload is no JSON: {error}")))
}

fn deployment(settings: &Settings, system: &str, sent: &Value) -> Mapping {
    match text(sent, "/action").as_deref() {
        None | Some("created") => {}
        Some(action) => return ignored(format!("a deployment that is {}", word(action))),
    }
    let at = text(sent, "/deployment/created_at");
    told(settings, system, sent, "pending", at, None)
}

fn deployment_status(settings: &Settings, system: &str, sent: &Value) -> Mapping {
    let state = need(sent, "/deployment_status/state")?;
    let status = match state.as_str() {
        "pending" | "queued" | "waiting" => "pending",
        "in_progress" => "started",
        "success" => "completed",
        "failure" | "error" => "failed",
        "inactive" => return ignored("another deployment has taken its place"),
        other => return ignored(format!("the state {} is not known", word(other))),
    };
    let at = text(sent, "/deployment_status/created_at");
    let url = text(sent, "/deployment_status/log_url")
        .or_else(|| text(sent, "/deployment_status/target_url"));
    told(settings, system, sent, status, at, url)
}

/// An event of a deployment, told under the identity of its run: the same that clients send.
fn told(
    settings: &Settings,
    system: &str,
    sent: &Value,
    status: &str,
    at: Option<String>,
    url: Option<String>,
) -> Mapping {
    let repository = need(sent, "/repository/full_name")?;
    let sha = need(sent, "/deployment/sha")?;
    let environment = text(sent, "/deployment_status/environment");
    let environment = match environment {
        Some(environment) => environment,
        None => need(sent, "/deployment/environment")?,
    };
    let run = text(sent, "/workflow_run/id");
    let id = need(sent, "/deployment/id")?;
    let invoke_id = run.clone().unwrap_or_else(|| {
        // Made by API: nobody else knows this one.
        format!("{system}:{repository}:{id}")
    });
    let reference = text(sent, "/deployment/ref").unwrap_or_default();
    let by = text(sent, "/workflow_run/triggering_actor/login")
        .or_else(|| text(sent, "/workflow_run/actor/login"))
        .or_else(|| text(sent, "/deployment/creator/login"));
    let url = url.or_else(|| text(sent, "/workflow_run/html_url"));
    let members = [
        ("product_name", Some(product(settings, sent)?)),
        ("version", Some(version(settings, sent, &reference, &sha))),
        ("environment_name", Some(settings.environment(&environment))),
        ("status", Some(status.to_owned())),
        ("source_system", Some(system.to_owned())),
        ("invoke_id", Some(invoke_id)),
        ("build_number", text(sent, "/workflow_run/run_number")),
        ("scm_repository", Some(repository)),
        ("scm_sha", Some(sha)),
        ("deployed_by", by),
        ("deploy_url", url),
    ];
    let metadata = metadata(&[
        ("vi_gh_run_attempt", text(sent, "/workflow_run/run_attempt")),
        (GITHUB_DEPLOYMENT, Some(id)),
    ]);
    Ok(vec![Told::Deployment {
        body: body(&members, metadata),
        at: at.as_deref().and_then(time::read),
    }])
}

/// What the settings say, or the name of the repository.
pub fn product(settings: &Settings, sent: &Value) -> Result<String, Stop> {
    match &settings.product {
        Some(product) => Ok(product.clone()),
        None => need(sent, "/repository/name"),
    }
}

/// What the payload of the deployment says, a tag, or the commit: a version that was built from it takes
/// its place later.
pub fn version(settings: &Settings, sent: &Value, reference: &str, sha: &str) -> String {
    let payload = sent.pointer("/deployment/payload");
    let spelled = payload
        .and_then(Value::as_str)
        .and_then(|text| serde_json::from_str::<Value>(text).ok());
    let said = spelled.as_ref().or(payload);
    if let Some(version) = said.and_then(|payload| text(payload, "/version")) {
        return version;
    }
    match reference.strip_prefix("refs/tags/") {
        Some(tag) => of_tag(settings, tag),
        None if is_version(reference) => of_tag(settings, reference),
        None => sha.to_owned(),
    }
}

fn workflow_run(settings: &Settings, system: &str, sent: &Value) -> Mapping {
    let id = need(sent, "/workflow_run/id")?;
    let repository = need(sent, "/repository/full_name")?;
    let attempt = text(sent, "/workflow_run/run_attempt");
    let marks = metadata(&[("vi_gh_run_attempt", attempt)]);
    let action = text(sent, "/action").unwrap_or_default();
    let mut told = Vec::new();
    if is_build(settings, sent) {
        told.extend(build(settings, system, sent, &action, &marks)?);
    }
    if action == "completed" {
        let at = text(sent, "/workflow_run/updated_at");
        told.push(Told::RunEnded {
            run: Origin::new(Some(system), Some(&id), Some(&repository), &marks),
            at: at.as_deref().and_then(time::read),
        });
    }
    if told.is_empty() {
        return ignored("a workflow that is not over, and not named as one that builds");
    }
    Ok(told)
}

/// Whether the settings name the workflow, or its file, as one that builds.
fn is_build(settings: &Settings, sent: &Value) -> bool {
    let name = text(sent, "/workflow_run/name");
    let path = text(sent, "/workflow_run/path");
    let file = path
        .as_deref()
        .and_then(|path| path.split('@').next()?.rsplit('/').next());
    settings
        .workflows
        .iter()
        .any(|wanted| Some(wanted) == name.as_ref() || Some(wanted.as_str()) == file)
}

fn build(
    settings: &Settings,
    system: &str,
    sent: &Value,
    action: &str,
    marks: &serde_json::Map<String, Value>,
) -> Result<Option<Told>, Stop> {
    let conclusion = text(sent, "/workflow_run/conclusion").unwrap_or_default();
    let (status, when) = match (action, conclusion.as_str()) {
        ("requested", _) => ("pending", "created_at"),
        ("in_progress", _) => ("started", "run_started_at"),
        ("completed", "success") => ("completed", "updated_at"),
        ("completed", "failure" | "timed_out" | "startup_failure") => ("failed", "updated_at"),
        ("completed", "cancelled" | "skipped" | "stale") => ("aborted", "updated_at"),
        // It says nothing of the build.
        _ => return Ok(None),
    };
    let sha = need(sent, "/workflow_run/head_sha")?;
    let branch = text(sent, "/workflow_run/head_branch");
    let version = match branch.as_deref().filter(|branch| is_version(branch)) {
        Some(tag) => of_tag(settings, tag),
        None => sha.clone(),
    };
    let members = [
        ("product_name", Some(product(settings, sent)?)),
        ("version", Some(version)),
        ("status", Some(status.to_owned())),
        ("source_system", Some(system.to_owned())),
        ("invoke_id", text(sent, "/workflow_run/id")),
        ("build_number", text(sent, "/workflow_run/run_number")),
        ("scm_repository", text(sent, "/repository/full_name")),
        ("scm_sha", Some(sha)),
        ("scm_branch", branch),
        (
            "built_by",
            text(sent, "/workflow_run/triggering_actor/login"),
        ),
        ("build_url", text(sent, "/workflow_run/html_url")),
    ];
    let at = text(sent, &format!("/workflow_run/{when}"));
    Ok(Some(Told::Build {
        body: body(&members, marks.clone()),
        at: at.as_deref().and_then(time::read),
    }))
}

fn release(settings: &Settings, system: &str, sent: &Value) -> Mapping {
    let action = text(sent, "/action").unwrap_or_default();
    if action != "published" {
        return ignored(format!("a release that is {}", word(&action)));
    }
    let tag = need(sent, "/release/tag_name")?;
    let target = text(sent, "/release/target_commitish");
    let is_commit = |text: &String| text.len() == 40 && text.bytes().all(|b| b.is_ascii_hexdigit());
    let at = text(sent, "/release/published_at");
    let members = [
        ("product_name", Some(product(settings, sent)?)),
        ("version", Some(of_tag(settings, &tag))),
        ("status", Some("completed".to_owned())),
        ("source_system", Some(system.to_owned())),
        ("scm_repository", text(sent, "/repository/full_name")),
        ("scm_sha", target.filter(is_commit)),
        ("built_by", text(sent, "/release/author/login")),
        ("build_url", text(sent, "/release/html_url")),
    ];
    Ok(vec![Told::Build {
        body: body(&members, Default::default()),
        at: at.as_deref().and_then(time::read),
    }])
}
