//! What is answered, for the description of the service. The tests hold every answer that they get
//! against it.
#![allow(dead_code, reason = "these describe what is written elsewhere")]

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::deployment::State;

/// The answer to a build event.
#[derive(ToSchema)]
pub struct BuildRecorded {
    /// The build.
    id: String,
    /// The product.
    product_id: String,
    /// The version.
    version_id: String,
    /// The product's name.
    product_name: String,
    /// The version's name.
    version: String,
    /// The state of the build from now on.
    status: State,
    /// When its first event arrived.
    #[schema(format = DateTime)]
    created_at: String,
}

/// The answer to a deployment event.
#[derive(ToSchema)]
pub struct DeploymentRecorded {
    /// The deployment; the span, if one was aborted before it started.
    id: String,
    /// The product.
    product_id: Option<String>,
    /// The version.
    version_id: Option<String>,
    /// The environment.
    environment_id: Option<String>,
    /// The product's name.
    product_name: String,
    /// The version's name.
    version: String,
    /// The environment's name.
    environment_name: String,
    /// The state of the deployment from now on.
    status: State,
    /// When it was completed.
    #[schema(format = DateTime)]
    deployed_at: Option<String>,
    /// Who deploys.
    deployed_by: Option<String>,
    /// When its first event arrived.
    #[schema(format = DateTime)]
    created_at: Option<String>,
    /// `preflight_status`: what the rules found.
    #[schema(value_type = Option<Object>)]
    extra_metadata: Option<String>,
    /// Whether nobody had named the environment before.
    environment_created: Option<bool>,
    /// Whether it was told after it happened.
    told: Option<bool>,
    /// Whether the rules had a say; only if it was told.
    gated: Option<bool>,
    /// What the sender should know.
    warnings: Option<Vec<String>>,
}

/// Why a start is not allowed.
#[derive(ToSchema)]
pub struct Rejection {
    /// What kind of rejection, for people.
    error: String,
    /// What is wrong.
    message: String,
    /// What is wrong, for programs.
    code: String,
    /// When the start would be allowed as things stand.
    retry_after: Option<String>,
    /// The rule, what is in the way, and what can be done.
    #[schema(value_type = Object)]
    details: String,
}

/// A start that is not allowed. The members of `detail` are there a second time.
#[derive(ToSchema)]
pub struct Rejected {
    /// Why.
    detail: Rejection,
    /// The same.
    error: String,
    /// The same.
    message: String,
    /// The same.
    code: String,
    /// The same.
    retry_after: Option<String>,
    /// The same.
    #[schema(value_type = Object)]
    details: String,
    /// The first rule that does not allow it.
    rule_name: Option<String>,
}

/// Whether a deployment could start.
#[derive(ToSchema)]
pub struct PreflightVerdict {
    /// Whether it could.
    allowed: bool,
    /// What started there last.
    latest: Option<LatestStart>,
    /// What every rule says.
    rules_evaluated: Vec<RuleVerdict>,
}

/// What started in a place last.
#[derive(ToSchema)]
pub struct LatestStart {
    /// The deployment.
    deployment_id: String,
    /// The version's name.
    version: String,
    /// Its state.
    status: State,
    /// When it started.
    #[schema(format = DateTime)]
    started_at: Option<String>,
}

/// What one rule says.
#[derive(ToSchema)]
pub struct RuleVerdict {
    /// The rule; none for the check that needs no rule.
    rule_id: Option<String>,
    /// Its name.
    rule_name: String,
    /// Its type.
    r#type: String,
    /// `enabled` or `report_only`.
    status: String,
    /// `passed` or `failed`.
    evaluation_result: String,
    /// What is wrong, for programs.
    code: Option<String>,
    /// What is wrong.
    error_message: Option<String>,
    /// When it would be met as things stand.
    retry_after: Option<String>,
    /// What is in the way.
    #[schema(value_type = Option<Object>)]
    details: Option<String>,
}

/// A deployment that somebody has ended or renewed.
#[derive(ToSchema)]
pub struct DeploymentState {
    /// The deployment.
    id: String,
    /// The product.
    product_id: String,
    /// The version.
    version_id: String,
    /// The environment.
    environment_id: String,
    /// The version's name.
    version: String,
    /// Its state.
    status: State,
    /// When it is given up without another word.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
}

/// A deployment rule.
#[derive(ToSchema)]
pub struct Rule {
    /// Its identifier.
    id: String,
    /// Its name.
    name: String,
    /// Its type.
    r#type: String,
    /// `enabled`, `report_only` or `disabled`.
    status: String,
    /// The products that it is for; all if there is none.
    products: Vec<String>,
    /// The environments that it is for; all if there is none.
    environments: Vec<String>,
    /// `pass` or `gated`: what it means for a version that was current there.
    rollbacks: String,
    /// What it asks, by its type.
    #[schema(value_type = Object)]
    config: String,
    /// Its status for a time.
    r#override: Option<RuleOverride>,
    /// The status that counts now.
    effective_status: String,
    /// Why it cannot be read any more; it then blocks.
    damaged: Option<String>,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it was changed.
    #[schema(format = DateTime)]
    updated_at: String,
}

/// Another status of a rule for a time.
#[derive(ToSchema)]
pub struct RuleOverride {
    /// The status.
    status: String,
    /// Until when.
    #[schema(format = DateTime)]
    until: String,
    /// Why.
    reason: String,
    /// Who said so.
    by: String,
}

/// Deployment rules.
#[derive(ToSchema)]
pub struct Rules {
    /// All of them, in the order of creation.
    items: Vec<Rule>,
}

/// Starts that wait and that a rule holds.
#[derive(ToSchema)]
pub struct WaitingStarts {
    /// They, those that wait longest first.
    items: Vec<WaitingStart>,
    /// How many of them nothing else holds.
    released: usize,
}

/// A start that waits.
#[derive(ToSchema)]
pub struct WaitingStart {
    /// The product's name.
    product: String,
    /// The environment's name.
    environment: String,
    /// The version's name.
    version: String,
    /// Since when it waits.
    #[schema(format = DateTime)]
    waits_since: String,
    /// Whether nothing but the rule holds it.
    held_by_this_alone: bool,
}

/// A stop of every start.
#[derive(ToSchema)]
pub struct AllStop {
    /// Whether every start is refused now.
    active: bool,
    /// What a start is told.
    message: Option<String>,
    /// When it ends by itself.
    #[schema(format = DateTime)]
    until: Option<String>,
    /// Since when.
    #[schema(format = DateTime)]
    since: Option<String>,
    /// Who said so.
    by: Option<String>,
}

/// An exemption from deployment rules.
#[derive(ToSchema)]
pub struct Exemption {
    /// Its identifier.
    id: String,
    /// Whether it is from all rules.
    all: bool,
    /// The rules, if not from all.
    rule_ids: Option<Vec<String>>,
    /// The product.
    product: String,
    /// The environment.
    environment: String,
    /// The version; any if there is none.
    version: Option<String>,
    /// Until when.
    #[schema(format = DateTime)]
    until: String,
    /// How many starts it lets through.
    uses: i64,
    /// How many it has let through.
    used: i64,
    /// Whether it lets something through now.
    live: bool,
    /// Why.
    reason: String,
    /// Who made it.
    by: String,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it was taken back.
    #[schema(format = DateTime)]
    withdrawn_at: Option<String>,
}

/// Exemptions.
#[derive(ToSchema)]
pub struct Exemptions {
    /// The newest, newest first.
    items: Vec<Exemption>,
}

/// An approval, or a refusal, of a version for an environment.
#[derive(ToSchema)]
pub struct Approval {
    /// Its identifier.
    id: String,
    /// The version.
    version_id: String,
    /// The commit that the version had.
    scm_sha: Option<String>,
    /// `quality` or `release`.
    r#type: String,
    /// `approve` or `refuse`.
    verdict: String,
    /// The environment.
    environment: String,
    /// Who gave it.
    approved_by: Option<String>,
    /// The person, if they are known.
    person_id: Option<String>,
    /// Who sent it.
    actor: String,
    /// The role that the person had.
    role: Option<String>,
    /// Why.
    comment: Option<String>,
    /// When.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it was withdrawn.
    #[schema(format = DateTime)]
    withdrawn_at: Option<String>,
}

/// Approvals.
#[derive(ToSchema)]
pub struct Approvals {
    /// All of them, oldest first.
    items: Vec<Approval>,
}

/// A person.
#[derive(ToSchema)]
pub struct Person {
    /// Their identifier.
    id: String,
    /// What people call them.
    name: Option<String>,
    /// Their addresses.
    emails: Vec<String>,
    /// What they are called elsewhere.
    logins: Vec<Login>,
    /// What OpenID providers call them.
    subjects: Vec<Subject>,
    /// `viewer`, `developer` or `admin`.
    role: String,
    /// What they may approve: `quality`, `release`.
    approves: Vec<String>,
    /// Whether they may do anything.
    active: bool,
    /// When they were added.
    #[schema(format = DateTime)]
    created_at: String,
}

/// How Slack is reached.
#[derive(ToSchema)]
pub struct SlackSetting {
    /// The team.
    team_id: String,
    /// The app.
    app_id: String,
    /// Whether a user whose confirmed address is that of a person here is that person.
    by_address: bool,
    /// What is told where.
    channels: Vec<SlackChannel>,
    /// Whether the server opens a socket.
    socket_mode: bool,
    /// Whether Slack reaches the server over HTTP.
    http: bool,
    /// When it was last changed.
    #[schema(format = DateTime)]
    updated_at: String,
    /// Whether this server has a socket, if it should have one.
    connected: Option<bool>,
    /// How many messages are to be sent or changed.
    waiting: i64,
    /// What went wrong last, if it still is.
    problem: Option<String>,
}

/// What is told in a channel.
#[derive(ToSchema)]
pub struct SlackChannel {
    /// The channel.
    channel: String,
    /// Only of these environments; all, if there are none.
    environments: Vec<String>,
    /// Only of these products; all, if there are none.
    products: Vec<String>,
    /// Which states of a deployment are told.
    statuses: Vec<State>,
    /// Whether approvals are asked for there.
    approvals: bool,
}

/// What Slack says of the bot token and the channels.
#[derive(ToSchema)]
pub struct SlackTest {
    /// Whether all is well.
    ok: bool,
    /// What is not.
    problem: Option<String>,
}

/// What an OpenID provider calls a person.
#[derive(ToSchema)]
pub struct Subject {
    /// The address of the provider.
    issuer: String,
    /// The subject, as its tokens name it.
    subject: String,
}

/// What a person is called elsewhere.
#[derive(ToSchema)]
pub struct Login {
    /// The system, such as `github`.
    source_system: Option<String>,
    /// Its host; any if there is none.
    host: Option<String>,
    /// The name there.
    login: String,
}

/// People.
#[derive(ToSchema)]
pub struct People {
    /// All of them.
    items: Vec<Person>,
}

/// A product or an environment, after a change.
#[derive(ToSchema)]
pub struct Named {
    /// Its identifier.
    id: String,
    /// Its name.
    name: String,
}

/// The settings of an account.
#[derive(ToSchema)]
pub struct Settings {
    /// `open`, if a start may name an environment that nobody has named before, or `closed`.
    new_environments: String,
    /// How many products and environments events may name for the first time within an hour.
    new_names_per_hour: i64,
}

/// An API key, without its secret.
#[derive(ToSchema)]
pub struct KeyInfo {
    /// Its name within the account, such as `k1`.
    id: String,
    /// What people call it.
    name: Option<String>,
    /// Whose it is.
    owner: Option<String>,
    /// What it may do.
    scopes: Vec<String>,
    /// The products that it is for; all if there is none.
    products: Vec<String>,
    /// The environments that it is for; all if there is none.
    environments: Vec<String>,
    /// When it ends to be valid.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    /// Whether it was made before keys had scopes.
    legacy: bool,
    /// Until when its secret from before a rotation is valid.
    #[schema(format = DateTime)]
    old_secret_until: Option<String>,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it was revoked.
    #[schema(format = DateTime)]
    revoked_at: Option<String>,
    /// When it was last used.
    #[schema(format = DateTime)]
    last_used_at: Option<String>,
    /// The key in full; only in the answer that makes it.
    key: Option<String>,
}

/// API keys.
#[derive(ToSchema)]
pub struct Keys {
    /// All of them.
    items: Vec<KeyInfo>,
}

/// The deployment buttons of an account.
#[derive(ToSchema)]
pub struct DeploymentButtons {
    /// The variables that every product has.
    variables: BTreeMap<String, String>,
    /// The products that have any.
    items: Vec<ProductButtons>,
}

/// The deployment buttons of a product.
#[derive(ToSchema)]
pub struct ProductButtons {
    /// The product.
    product_id: String,
    /// Its name.
    product: String,
    /// Its variables.
    variables: BTreeMap<String, String>,
    /// The address for each environment, by name.
    environments: BTreeMap<String, String>,
}

/// The deployment buttons of a version.
#[derive(ToSchema)]
pub struct VersionButtons {
    /// An environment each.
    items: Vec<VersionButton>,
}

/// Where a deployment button of a version leads to.
#[derive(ToSchema)]
pub struct VersionButton {
    /// The environment.
    environment_id: String,
    /// Its name.
    environment: String,
    /// Where it leads to; none if that cannot be said.
    url: Option<String>,
    /// Why that cannot be said, such as `Missing variable: job`.
    error: Option<String>,
}

/// A webhook, without its secret.
#[derive(ToSchema)]
pub struct Webhook {
    /// Its identifier.
    id: String,
    /// What people call it.
    name: Option<String>,
    /// Where it leads to; none if this server cannot read it.
    url: Option<String>,
    /// The host that it leads to.
    host: String,
    /// `standard`, `versioner` or `cdevents`.
    format: String,
    /// The kinds of news that it is told, or families of them; all if there is none.
    events: Vec<String>,
    /// The products that it is told of; all if there is none.
    products: Vec<String>,
    /// The environments that it is told of; all if there is none.
    environments: Vec<String>,
    /// The states of deployments and builds that it is told of; all if there is none.
    statuses: Vec<String>,
    /// Whether it is told.
    enabled: bool,
    /// Why the server has switched it off.
    disabled_reason: Option<String>,
    /// Since when nothing but failures came of it.
    #[schema(format = DateTime)]
    failing_since: Option<String>,
    /// Until when deliveries are signed with the secret from before a rotation, too.
    #[schema(format = DateTime)]
    old_secret_until: Option<String>,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it was changed.
    #[schema(format = DateTime)]
    updated_at: String,
    /// Its secret; only in the answer that makes it.
    secret: Option<String>,
}

/// Webhooks.
#[derive(ToSchema)]
pub struct Webhooks {
    /// All of them.
    items: Vec<Webhook>,
}

/// Something that is sent to a webhook.
#[derive(ToSchema)]
pub struct Delivery {
    /// Its identifier, which the receiver gets as `webhook-id`.
    id: String,
    /// What it tells, such as `deployment.completed`.
    event: String,
    /// `waiting`, `done`, `ignored`, `dead` or `dropped`.
    state: String,
    /// How often it was tried since it was put there, or sent again.
    attempt_count: i64,
    /// When it was put there.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it is tried next.
    #[schema(format = DateTime)]
    next_attempt_at: Option<String>,
    /// When it ended.
    #[schema(format = DateTime)]
    ended_at: Option<String>,
    /// What went wrong last.
    error: Option<String>,
    /// What is sent; not in a list.
    body: Option<String>,
    /// What came of each attempt; not in a list.
    attempts: Option<Vec<Attempt>>,
}

/// An attempt to deliver something.
#[derive(ToSchema)]
pub struct Attempt {
    /// When it was over.
    #[schema(format = DateTime)]
    at: String,
    /// How long it took, in milliseconds.
    duration_ms: i64,
    /// What was answered, if anything was.
    status: Option<i64>,
    /// What went wrong, if anything did.
    error: Option<String>,
    /// The beginning of the answer; nothing of a private network.
    answer: Option<String>,
}

/// Deliveries.
#[derive(ToSchema)]
pub struct Deliveries {
    /// Some of them.
    items: Vec<Delivery>,
    /// To be sent as `cursor` for the next page; none after the last.
    next_cursor: Option<String>,
}

/// Something that waits to be done.
#[derive(ToSchema)]
pub struct Queued {
    /// Its identifier.
    id: String,
    /// Whether it was not there before.
    new: bool,
}

/// How many there were.
#[derive(ToSchema)]
pub struct Counted {
    /// How many.
    count: i64,
}

/// How the server is.
#[derive(ToSchema)]
pub struct Health {
    /// `ok`, or what is wrong.
    status: String,
    /// The server's version.
    version: Option<String>,
    /// What that means for requests.
    detail: Option<String>,
}

/// Why a request is refused.
#[derive(ToSchema)]
pub struct Refused {
    /// In words; for 422 one item for each field that is wrong.
    detail: RefusedDetail,
    /// The same in words, if the version exists with another commit.
    message: Option<String>,
    /// The name of the request, if the server failed: its log says more under it.
    request_id: Option<String>,
}

/// Why a request is refused.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub enum RefusedDetail {
    /// In words.
    Text(String),
    /// Each field that is wrong.
    Fields(Vec<FieldProblem>),
}

/// What is wrong with one field.
#[derive(Serialize, ToSchema)]
pub struct FieldProblem {
    /// The way to the field, beginning with `body`, `query`, `path` or `header`.
    loc: Vec<String>,
    /// What is wrong, for people.
    msg: String,
    /// What is wrong, for programs.
    r#type: String,
}

/// What a delivery is answered.
#[derive(ToSchema)]
pub struct Delivered {
    /// The row of the queue.
    id: String,
}

/// A source.
#[derive(ToSchema)]
pub struct SourceInfo {
    /// Its identifier.
    id: String,
    /// What people call it.
    name: String,
    /// What it sends.
    kind: String,
    /// How that is read.
    #[schema(value_type = Object)]
    settings: String,
    /// Whether what it sends is taken.
    enabled: bool,
    /// Where it sends to; a path, if the server does not know its own address.
    url: String,
    /// Its secret, once.
    secret: Option<String>,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
    /// Until when the secret before is valid.
    #[schema(format = DateTime)]
    old_secret_until: Option<String>,
}

/// The sources.
#[derive(ToSchema)]
pub struct Sources {
    /// The sources.
    items: Vec<SourceInfo>,
}

/// A row of the queue.
#[derive(ToSchema)]
pub struct QueueItem {
    /// Its identifier.
    id: String,
    /// What is to be done.
    kind: String,
    /// What it belongs to.
    topic: String,
    /// What tells it from others of the topic.
    key: String,
    /// What became of it.
    state: String,
    /// How often it was begun.
    attempts: i64,
    /// When it was asked for.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it may be done.
    #[schema(format = DateTime)]
    not_before: String,
    /// When it ended.
    #[schema(format = DateTime)]
    ended_at: Option<String>,
    /// What went wrong last, or why it was ignored.
    error: Option<String>,
    /// What it became.
    result: Option<String>,
    /// What is known besides the body.
    #[schema(value_type = Object)]
    head: String,
    /// How long the body is, in bytes.
    size: i64,
    /// The body, of one row alone.
    body: Option<String>,
    /// The body, if it is no text.
    body_base64: Option<String>,
}

/// A page of the queue.
#[derive(ToSchema)]
pub struct QueuePage {
    /// The rows.
    items: Vec<QueueItem>,
    /// The cursor of the next page.
    next_cursor: Option<String>,
}
