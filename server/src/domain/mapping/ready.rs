//! Mappings that are ready to be used.

use serde_json::{Value, json};

use super::JsonMapping;

/// A mapping that is ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ready {
    /// The fields of `POST /deployment-events/`, as `curl` can send them.
    Plain,
    /// The same as `data` of a Standard Webhook.
    Standard,
    /// Argo CD, by the template in `senders`.
    ArgoCd,
    /// Flux.
    Flux,
    /// Jenkins' Notification plugin.
    Jenkins,
    /// Vercel.
    Vercel,
    /// Tekton's CloudEvents.
    Tekton,
}

impl Ready {
    /// Those that a source can name.
    pub const NAMED: [(&'static str, Ready); 6] = [
        ("plain", Ready::Plain),
        ("argocd", Ready::ArgoCd),
        ("flux", Ready::Flux),
        ("jenkins", Ready::Jenkins),
        ("vercel", Ready::Vercel),
        ("tekton", Ready::Tekton),
    ];

    /// The one of this name.
    pub fn named(name: &str) -> Option<Ready> {
        let named = Ready::NAMED.iter().find(|(known, _)| *known == name);
        named.map(|(_, ready)| *ready)
    }

    /// The mapping.
    pub fn mapping(self) -> JsonMapping {
        serde_json::from_value(self.json()).expect("a mapping of ours; a test reads each")
    }

    fn json(self) -> Value {
        match self {
            Ready::Plain => json!({
                "product": "/product_name",
                "version": "/version",
                "environment": "/environment_name",
                "status": "/status",
                "time": ["/occurred_at", "/completed_at"],
                "fields": {
                    "source_system": "/source_system",
                    "invoke_id": "/invoke_id",
                    "scm_sha": "/scm_sha",
                    "scm_branch": "/scm_branch",
                    "scm_repository": "/scm_repository",
                    "deployed_by": "/deployed_by",
                    "deployed_by_email": "/deployed_by_email",
                    "deploy_url": "/deploy_url",
                    "build_url": "/build_url",
                },
            }),
            Ready::Standard => json!({
                "product": ["/data/product_name", "/data/product"],
                "version": "/data/version",
                "environment": ["/data/environment_name", "/data/environment"],
                "status": ["/data/status", { "of": "/type", "after": "." }],
                "time": "/timestamp",
                "fields": {
                    "source_system": "/data/source_system",
                    "invoke_id": ["/data/invoke_id", "/data/id"],
                    "scm_sha": "/data/scm_sha",
                    "scm_repository": "/data/scm_repository",
                    "deployed_by": "/data/deployed_by",
                    "deploy_url": "/data/deploy_url",
                },
            }),
            Ready::ArgoCd => json!({
                "product": "/app",
                "version": [{ "of": "/image", "after": ":" }, "/revision"],
                "environment": ["/environment", "/namespace"],
                "status": "/status",
                "statuses": {
                    "Running": "started",
                    "Succeeded": "completed",
                    "Failed": "failed",
                    "Error": "failed",
                    "Degraded": "failed",
                    "Terminating": "aborted",
                },
                "time": ["/finished_at", "/started_at"],
                "fields": {
                    "source_system": "argocd",
                    "invoke_id": "/operation",
                    "scm_repository": "/repository",
                    "deployed_by": "/by",
                    "deploy_url": "/url",
                },
            }),
            Ready::Flux => json!({
                "product": "/involvedObject/name",
                "version": [
                    "/metadata/version",
                    "/metadata/helm.toolkit.fluxcd.io~1revision",
                    { "of": "/metadata/kustomize.toolkit.fluxcd.io~1revision", "after": ":" },
                    { "of": "/metadata/revision", "after": ":" },
                ],
                "environment": ["/metadata/environment", "/metadata/env", "/involvedObject/namespace"],
                "status": "/reason",
                "statuses": {
                    "Progressing": "started",
                    "ReconciliationSucceeded": "completed",
                    "InstallSucceeded": "completed",
                    "UpgradeSucceeded": "completed",
                    "RollbackSucceeded": "completed",
                    "ReconciliationFailed": "failed",
                    "HealthCheckFailed": "failed",
                    "BuildFailed": "failed",
                    "InstallFailed": "failed",
                    "UpgradeFailed": "failed",
                    "RollbackFailed": "failed",
                },
                "time": "/timestamp",
                "fields": { "source_system": "flux", "deployed_by": "/reportingController" },
            }),
            Ready::Jenkins => json!({
                "product": ["/build/parameters/PRODUCT", "/name"],
                "version": ["/build/parameters/VERSION", "/build/scm/commit"],
                "environment": "/build/parameters/ENVIRONMENT",
                "status": ["/build/status", "/build/phase"],
                "statuses": {
                    "STARTED": "started",
                    "SUCCESS": "completed",
                    "UNSTABLE": "failed",
                    "FAILURE": "failed",
                    "ABORTED": "aborted",
                    "NOT_BUILT": "aborted",
                },
                // COMPLETED comes too, with the same.
                "only": { "/build/phase": ["STARTED", "FINALIZED"] },
                "run_ends": ["SUCCESS", "UNSTABLE", "FAILURE", "ABORTED", "NOT_BUILT"],
                "fields": {
                    "source_system": "jenkins",
                    "invoke_id": "/build/number",
                    "scm_sha": "/build/scm/commit",
                    "scm_branch": "/build/scm/branch",
                    "deploy_url": "/build/full_url",
                },
                "metadata": { "vi_jenkins_job_name": "/name" },
            }),
            Ready::Vercel => json!({
                "product": ["/payload/deployment/name", "/payload/name"],
                "version": [
                    "/payload/deployment/meta/githubCommitSha",
                    "/payload/deployment/meta/gitlabCommitSha",
                    "/payload/deployment/meta/bitbucketCommitSha",
                    "/payload/deployment/id",
                ],
                "environment": ["/payload/target", "preview"],
                "status": "/type",
                "statuses": {
                    "deployment.created": "started",
                    "deployment.succeeded": "completed",
                    "deployment.ready": "completed",
                    "deployment.error": "failed",
                    "deployment.canceled": "aborted",
                },
                "time": "/createdAt",
                "fields": {
                    "source_system": "vercel",
                    "invoke_id": "/payload/deployment/id",
                    "scm_sha": "/payload/deployment/meta/githubCommitSha",
                    "scm_branch": "/payload/deployment/meta/githubCommitRef",
                    "deploy_url": "/payload/links/deployment",
                },
            }),
            Ready::Tekton => json!({
                "product": [
                    "/pipelineRun/metadata/labels/app.kubernetes.io~1name",
                    "/pipelineRun/spec/pipelineRef/name",
                ],
                "version": "/pipelineRun/metadata/labels/app.kubernetes.io~1version",
                "environment": [
                    "/pipelineRun/metadata/labels/versioner.io~1environment",
                    "/pipelineRun/metadata/namespace",
                ],
                "status": "header:ce-type",
                "statuses": {
                    "dev.tekton.event.pipelinerun.started.v1": "started",
                    "dev.tekton.event.pipelinerun.successful.v1": "completed",
                    "dev.tekton.event.pipelinerun.failed.v1": "failed",
                },
                "time": "header:ce-time",
                "run_ends": [
                    "dev.tekton.event.pipelinerun.successful.v1",
                    "dev.tekton.event.pipelinerun.failed.v1",
                ],
                "fields": { "source_system": "tekton", "invoke_id": "/pipelineRun/metadata/uid" },
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_one_can_be_read() {
        let all = Ready::NAMED.iter().map(|(_, ready)| *ready);
        for ready in all.chain([Ready::Standard]) {
            assert_eq!(ready.mapping().problem(), None, "{ready:?}");
        }
    }
}
