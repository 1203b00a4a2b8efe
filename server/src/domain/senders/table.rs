//! The table: each sender, and what is to be done there.

use super::Sender;
use super::Step::{Do, Fill, Paste};
use crate::domain::source::Kind;

/// Every sender that a source can be made for.
pub const SENDERS: [Sender; 12] = [
    Sender {
        word: "github",
        called: "GitHub, Gitea or Forgejo",
        kind: Kind::Github,
        ready: None,
        steps: &[
            Do("In the repository or the organisation: Settings, Webhooks, Add webhook."),
            Fill("Payload URL", "{url}"),
            Fill("Content type", "application/json"),
            Fill("Secret", "{secret}"),
            Fill(
                "Individual events",
                "Deployments, Deployment statuses, Releases, Workflow runs",
            ),
        ],
    },
    Sender {
        word: "github-app",
        called: "GitHub, whose environments wait for a verdict",
        kind: Kind::GithubApp,
        ready: None,
        steps: &[
            Do(
                "First make an app at GitHub, for yourself by this address, for an organisation under its \
                 Settings, Developer settings, GitHub Apps:",
            ),
            Paste(
                "text",
                "https://github.com/settings/apps/new?name=Versioner&public=false\
                 &webhook_active=false&actions=read&deployments=write&events[]=deployment\
                 &events[]=deployment_protection_rule&events[]=deployment_status&events[]=workflow_run",
            ),
            Fill(
                "Repository permissions",
                "Actions: Read-only; Deployments: Read and write",
            ),
            Fill(
                "Subscribe to events",
                "Deployment, Deployment protection rule, Deployment status, Workflow run",
            ),
            Do(
                "Its App ID, and a private key from Private keys, Generate a private key, are what the \
                 source here is made with. Then, in the settings of the app, switch the webhook on:",
            ),
            Fill("Webhook URL", "{url}"),
            Fill("Secret", "{secret}"),
            Do(
                "Install the app in the repositories. In each: Settings, Environments, the environment, \
                 Deployment protection rules: choose the app.",
            ),
        ],
    },
    Sender {
        word: "gitlab",
        called: "GitLab",
        kind: Kind::Gitlab,
        ready: None,
        steps: &[
            Do("In the project or the group: Settings, Webhooks, Add new webhook."),
            Fill("URL", "{url}"),
            Fill("Secret token", "{secret}"),
            Fill(
                "Trigger",
                "Deployment events, Job events, Pipeline events, Releases events",
            ),
        ],
    },
    Sender {
        word: "argocd",
        called: "Argo CD",
        kind: Kind::Json,
        ready: Some("argocd"),
        steps: &[
            Do("Keep the secret where the notifications controller reads it:"),
            Paste(
                "sh",
                r#"kubectl -n argocd patch secret argocd-notifications-secret --type merge \
  --patch '{"stringData": {"versioner-secret": "{secret}"}}'"#,
            ),
            Do("Add this to data of the ConfigMap argocd-notifications-cm:"),
            Paste(
                "yaml",
                r#"service.webhook.versioner: |
  url: {url}
  headers:
    - name: Content-Type
      value: application/json
    - name: Authorization
      value: Bearer $versioner-secret
template.versioner: |
  webhook:
    versioner:
      method: POST
      body: |
        {"app": {{toJson .app.metadata.name}}, "status": {{toJson .app.status.operationState.phase}},
         "revision": {{toJson .app.status.sync.revision}},
         "image": {{with .app.status.summary.images}}{{toJson (index . 0)}}{{else}}null{{end}},
         "environment": {{toJson .app.spec.destination.namespace}},
         "operation": {{toJson (printf "%s %s" .app.metadata.name .app.status.operationState.startedAt)}},
         "started_at": {{toJson .app.status.operationState.startedAt}},
         "finished_at": {{toJson .app.status.operationState.finishedAt}},
         "repository": {{with .app.spec.source}}{{toJson .repoURL}}{{else}}null{{end}},
         "url": {{toJson (printf "%s/applications/%s" .context.argocdUrl .app.metadata.name)}}}
trigger.versioner: |
  - when: app.status.operationState.phase in ['Running', 'Succeeded', 'Failed', 'Error']
    send: [versioner]"#,
            ),
            Do("Subscribe an Application, or an AppProject for all of its own:"),
            Paste(
                "yaml",
                r#"metadata:
  annotations:
    notifications.argoproj.io/subscribe.versioner.versioner: """#,
            ),
        ],
    },
    Sender {
        word: "flux",
        called: "Flux",
        kind: Kind::Json,
        ready: Some("flux"),
        steps: &[
            Do("Apply this, with the environment that this cluster is:"),
            Paste(
                "yaml",
                r#"apiVersion: v1
kind: Secret
metadata:
  name: versioner
  namespace: flux-system
stringData:
  token: "{secret}"
---
apiVersion: notification.toolkit.fluxcd.io/v1beta3
kind: Provider
metadata:
  name: versioner
  namespace: flux-system
spec:
  type: generic-hmac
  address: {url}
  secretRef:
    name: versioner
---
apiVersion: notification.toolkit.fluxcd.io/v1beta3
kind: Alert
metadata:
  name: versioner
  namespace: flux-system
spec:
  providerRef:
    name: versioner
  eventSeverity: info
  eventMetadata:
    environment: production
  eventSources:
    - kind: Kustomization
      name: "*"
    - kind: HelmRelease
      name: "*""#,
            ),
        ],
    },
    Sender {
        word: "jenkins",
        called: "Jenkins",
        kind: Kind::Json,
        ready: Some("jenkins"),
        steps: &[
            Do(
                "Install the plugin Notification. In a job that deploys: Configure, Job Notifications, \
                 Add Endpoint.",
            ),
            Fill("Format", "JSON"),
            Fill("Protocol", "HTTP"),
            Fill("Event", "All Events"),
            Fill("URL", "{url}/{secret}"),
            Do(
                "The job has the parameters ENVIRONMENT, VERSION (none: the commit) and PRODUCT (none: \
                 the name of the job).",
            ),
        ],
    },
    Sender {
        word: "vercel",
        called: "Vercel",
        kind: Kind::Json,
        ready: Some("vercel"),
        steps: &[
            Do("In the team: Settings, Webhooks."),
            Fill("Endpoint URL", "{url}"),
            Fill(
                "Events",
                "Deployment Created, Deployment Succeeded, Deployment Error, Deployment Canceled",
            ),
            Do(
                "Vercel makes the secret itself and shows it then. Give it to this source as its new \
                 secret; until then nothing that Vercel sends is taken.",
            ),
        ],
    },
    Sender {
        word: "tekton",
        called: "Tekton",
        kind: Kind::Json,
        ready: Some("tekton"),
        steps: &[
            Do("Let Tekton send its events here:"),
            Paste(
                "sh",
                r#"kubectl -n tekton-pipelines patch configmap config-events --type merge \
  --patch '{"data": {"formats": "tektonv1", "sink": "{url}/{secret}"}}'"#,
            ),
            Do(
                "Label a PipelineRun that deploys with app.kubernetes.io/version, and if need be with \
                 app.kubernetes.io/name (none: its Pipeline) and versioner.io/environment (none: its \
                 namespace).",
            ),
        ],
    },
    Sender {
        word: "cloudevents",
        called: "CloudEvents, such as CDEvents",
        kind: Kind::Cloudevents,
        ready: None,
        steps: &[
            Fill("Sink", "{url}"),
            Fill("Header", "Authorization: Bearer {secret}"),
            Do("A sender that sets no header adds ?access_token={secret} to the address."),
        ],
    },
    Sender {
        word: "standard",
        called: "Standard Webhooks",
        kind: Kind::Standard,
        ready: None,
        steps: &[
            Fill("Endpoint", "{url}"),
            Fill("Signing secret", "{secret}"),
        ],
    },
    Sender {
        word: "plain",
        called: "a script, by curl",
        kind: Kind::Json,
        ready: Some("plain"),
        steps: &[
            Do("Send the fields of POST /deployment-events/:"),
            Paste(
                "sh",
                r#"curl --fail --silent --show-error {url} \
  --header 'Authorization: Bearer {secret}' --header 'Content-Type: application/json' \
  --data '{"product_name": "shop", "version": "1.4.2", "environment_name": "production", "status": "completed"}'"#,
            ),
        ],
    },
    Sender {
        word: "json",
        called: "anything else that sends JSON",
        kind: Kind::Json,
        ready: None,
        steps: &[
            Do("Let it send its JSON by POST, with the secret in one of two places:"),
            Fill("Address, with the secret in it", "{url}/{secret}"),
            Fill("Or the address", "{url}"),
            Fill("with the header", "Authorization: Bearer {secret}"),
        ],
    },
];
