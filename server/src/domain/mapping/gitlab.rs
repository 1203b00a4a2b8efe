//! GitLab.

use serde_json::{Map, Value};

use super::{
    Delivery, Mapping, Stop, Told, body, ignored, is_version, metadata, need, of_tag, text, time,
    word,
};
use crate::domain::origin::Origin;
use crate::domain::source::Settings;

const SYSTEM: &str = "gitlab";

/// What a delivery becomes.
pub fn map(settings: &Settings, delivery: Delivery<'_>) -> Mapping {
    let sent = delivery.json()?;
    let kind = need(&sent, "/object_kind")?;
    match kind.as_str() {
        "deployment" => deployment(settings, &sent),
        "pipeline" => pipeline(settings, &sent),
        "build" => job(&sent),
        "release" => release(settings, &sent),
        other => ignored(format!("{} is not about deployments", word(other))),
    }
}

fn product(settings: &Settings, sent: &Value) -> Result<String, Stop> {
    if let Some(product) = &settings.product {
        return Ok(product.clone());
    }
    let path = need(sent, "/project/path_with_namespace")?;
    Ok(path.rsplit('/').next().unwrap_or(&path).to_owned())
}

fn version(settings: &Settings, reference: Option<&str>, sha: String) -> String {
    match reference.filter(|name| is_version(name)) {
        Some(tag) => of_tag(settings, tag),
        None => sha,
    }
}

fn deployment(settings: &Settings, sent: &Value) -> Mapping {
    let word_of = need(sent, "/status")?;
    let status = match word_of.as_str() {
        "created" | "blocked" => "pending",
        "running" => "started",
        "success" => "completed",
        "failed" => "failed",
        "canceled" => "aborted",
        other => return ignored(format!("the status {} says nothing of it", word(other))),
    };
    let repository = need(sent, "/project/path_with_namespace")?;
    // The whole commit stands in its link alone.
    let commit = text(sent, "/commit_url");
    let sha = commit
        .as_deref()
        .and_then(|url| url.rsplit('/').next())
        .filter(|sha| sha.len() >= 40 && sha.bytes().all(|byte| byte.is_ascii_hexdigit()))
        .map(str::to_owned);
    let sha = match sha {
        Some(sha) => sha,
        None => need(sent, "/short_sha")?,
    };
    let id = need(sent, "/deployment_id")?;
    let at = text(sent, "/status_changed_at");
    let reference = text(sent, "/ref");
    let version = version(settings, reference.as_deref(), sha.clone());
    let environment = need(sent, "/environment")?;
    let members = [
        ("product_name", Some(product(settings, sent)?)),
        ("version", Some(version)),
        ("environment_name", Some(settings.environment(&environment))),
        ("status", Some(status.to_owned())),
        ("source_system", Some(SYSTEM.to_owned())),
        ("invoke_id", Some(format!("{SYSTEM}:{repository}:{id}"))),
        ("scm_repository", Some(repository)),
        ("scm_sha", Some(sha)),
        ("scm_branch", reference),
        ("deployed_by", text(sent, "/user/username")),
        ("deployed_by_name", text(sent, "/user/name")),
        ("deploy_url", text(sent, "/deployable_url")),
    ];
    // A job tells which run it is of; without one it was made by API.
    let metadata = metadata(&[
        ("vi_gl_job_id", text(sent, "/deployable_id")),
        ("gitlab_deployment_id", Some(id)),
    ]);
    Ok(vec![Told::Deployment {
        body: body(&members, metadata),
        at: at.as_deref().and_then(time::read),
    }])
}

fn pipeline(settings: &Settings, sent: &Value) -> Mapping {
    let status = need(sent, "/object_attributes/status")?;
    let built = match status.as_str() {
        "success" => "completed",
        "failed" => "failed",
        "canceled" | "skipped" => "aborted",
        other => return ignored(format!("a pipeline that is {}", word(other))),
    };
    let id = need(sent, "/object_attributes/id")?;
    let repository = need(sent, "/project/path_with_namespace")?;
    let at = text(sent, "/object_attributes/finished_at");
    let mut told = Vec::new();
    if settings.builds {
        let sha = need(sent, "/object_attributes/sha")?;
        let reference = text(sent, "/object_attributes/ref");
        let is_tag = text(sent, "/object_attributes/tag").as_deref() == Some("true");
        let tag = reference.as_deref().filter(|_| is_tag);
        let members = [
            ("product_name", Some(product(settings, sent)?)),
            (
                "version",
                Some(tag.map_or_else(|| sha.clone(), |tag| of_tag(settings, tag))),
            ),
            ("status", Some(built.to_owned())),
            ("source_system", Some(SYSTEM.to_owned())),
            ("invoke_id", Some(id.clone())),
            ("scm_repository", Some(repository.clone())),
            ("scm_sha", Some(sha)),
            ("scm_branch", reference),
            ("built_by", text(sent, "/user/username")),
            ("build_url", text(sent, "/object_attributes/url")),
        ];
        told.push(Told::Build {
            body: body(&members, Map::new()),
            at: at.as_deref().and_then(time::read),
        });
    }
    told.push(Told::RunEnded {
        run: Origin::new(Some(SYSTEM), Some(&id), Some(&repository), &Map::new()),
        at: at.as_deref().and_then(time::read),
    });
    Ok(told)
}

fn job(sent: &Value) -> Mapping {
    let status = need(sent, "/build_status")?;
    if !["success", "failed", "canceled", "skipped"].contains(&status.as_str()) {
        return ignored(format!("a job that is {}", word(&status)));
    }
    let pipeline = need(sent, "/pipeline_id")?;
    let marks = metadata(&[("vi_gl_job_id", Some(need(sent, "/build_id")?))]);
    let repository = text(sent, "/project/path_with_namespace");
    let at = text(sent, "/build_finished_at_iso").or_else(|| text(sent, "/build_finished_at"));
    Ok(vec![Told::RunEnded {
        run: Origin::new(Some(SYSTEM), Some(&pipeline), repository.as_deref(), &marks),
        at: at.as_deref().and_then(time::read),
    }])
}

fn release(settings: &Settings, sent: &Value) -> Mapping {
    let action = text(sent, "/action").unwrap_or_default();
    if action != "create" {
        return ignored(format!("a release: {}", word(&action)));
    }
    let tag = need(sent, "/tag")?;
    let at = text(sent, "/released_at");
    let members = [
        ("product_name", Some(product(settings, sent)?)),
        ("version", Some(of_tag(settings, &tag))),
        ("status", Some("completed".to_owned())),
        ("source_system", Some(SYSTEM.to_owned())),
        ("scm_repository", text(sent, "/project/path_with_namespace")),
        ("scm_sha", text(sent, "/commit/id")),
        ("build_url", text(sent, "/url")),
    ];
    Ok(vec![Told::Build {
        body: body(&members, Map::new()),
        at: at.as_deref().and_then(time::read),
    }])
}
