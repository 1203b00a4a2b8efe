//! The two events and the table of their fields. A field is one row; whoever else must know it
//! reads the table.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::fact::Fact;
use crate::model::failure::Failure;
use crate::model::status::Status;

/// Which of the two events something is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EventKind {
    /// Something was built.
    Build,
    /// Something was, or is about to be, deployed.
    Deployment,
}

impl EventKind {
    /// Both of them.
    pub const ALL: [EventKind; 2] = [EventKind::Build, EventKind::Deployment];

    /// `Build` or `Deployment`, as it stands in headings.
    pub const fn title(self) -> &'static str {
        match self {
            EventKind::Build => "Build",
            EventKind::Deployment => "Deployment",
        }
    }

    /// The text fields of this event, in the order of the wire.
    pub const fn fields(self) -> &'static [Field] {
        match self {
            EventKind::Build => BuildEvent::FIELDS,
            EventKind::Deployment => DeploymentEvent::FIELDS,
        }
    }

    /// The names of what is given per call only, and never by a variable or the configuration file.
    pub(crate) fn per_call(self) -> impl Iterator<Item = &'static str> {
        let (flags, others) = match self {
            EventKind::Build => (BuildEvent::FLAGS, BuildEvent::PER_CALL),
            EventKind::Deployment => (DeploymentEvent::FLAGS, DeploymentEvent::PER_CALL),
        };
        flags.iter().chain(others).copied()
    }

    pub(crate) const fn path(self) -> &'static str {
        match self {
            EventKind::Build => "build-events/",
            EventKind::Deployment => "deployment-events/",
        }
    }
}

/// What a field holds, which decides how its text is judged, shown and sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FieldKind {
    /// Any text.
    Text,
    /// Product, version or environment, which policy goes by: required, and refused if it holds
    /// what nobody sees or a placeholder that nobody replaced.
    Name,
    /// A [`Status`](crate::Status) or a word that means one.
    Status,
    /// A link.
    Url,
    /// A moment, RFC 3339 with a zone.
    Time,
    /// A JSON object.
    Json,
}

/// One text field of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// The name of the argument, of the configuration setting, and in upper case after
    /// `VERSIONER_` of the environment variable.
    pub name: &'static str,
    /// The name on the wire.
    pub wire: &'static str,
    /// What it means, in one or two sentences.
    pub about: &'static str,
    /// What it holds.
    pub kind: FieldKind,
    /// What a CI system tells about it.
    pub(crate) fact: Option<Fact>,
}

impl Field {
    /// The environment variable that gives this field.
    pub fn variable(&self) -> String {
        variable(self.name)
    }

    /// Whether an event without it is refused.
    pub const fn is_required(&self) -> bool {
        matches!(self.kind, FieldKind::Name)
    }
}

/// The environment variable of a setting: `product` is `VERSIONER_PRODUCT`.
pub(crate) fn variable(name: &str) -> String {
    format!("VERSIONER_{}", name.to_uppercase())
}

/// An event as its caller gave it.
#[derive(Debug, Clone)]
pub(crate) struct Given<'a> {
    pub kind: EventKind,
    /// In the order of [`EventKind::fields`].
    pub values: Vec<&'a str>,
    pub skip_preflight_checks: bool,
    pub skip_reason: &'a str,
    pub allow_literal: bool,
    pub timeout: Option<Duration>,
    pub idempotency_key: &'a str,
    pub part: &'a str,
    pub wait: Option<Duration>,
    pub wait_for: &'a str,
    pub wait_superseded: &'a str,
}

impl Given<'_> {
    /// Makes a start of it, whatever variables say of the status.
    pub fn start(&mut self) -> Result<(), Failure> {
        let mut fields = self.kind.fields().iter();
        let index = fields.position(|field| field.kind == FieldKind::Status);
        let Some(status) = index.and_then(|index| self.values.get_mut(index)) else {
            return Ok(());
        };
        if !status.is_empty() && Status::parse(status) != Some(Status::Started) {
            let message =
                format!("status is {status:?}, but a span begins as started: leave it out");
            return Err(Failure::argument("status", message));
        }
        *status = Status::Started.as_str();
        Ok(())
    }
}

/// No fact, or the one that is named.
macro_rules! fact {
    () => {
        None
    };
    ($fact:ident) => {
        Some(Fact::$fact)
    };
}

macro_rules! event {
    (
        $(#[$about:meta])* $event:ident
        { $( $(#[doc = $doc:literal])* $field:ident: $kind:ident => $wire:literal $(from $fact:ident)?, )* }
        flags { $( $(#[doc = $flag_doc:literal])* $flag:ident, )* }
        per_call { $( $(#[doc = $call_doc:literal])* $call:ident: $type:ty, )* }
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone, Default, PartialEq, Eq)]
        pub struct $event {
            $( $(#[doc = $doc])* pub $field: String, )*
            $( $(#[doc = $flag_doc])* pub $flag: Option<bool>, )*
            $( $(#[doc = $call_doc])* pub $call: $type, )*
        }

        impl $event {
            /// Every text field, in the order of the wire.
            pub const FIELDS: &'static [Field] =
                &[$( Field {
                    name: stringify!($field),
                    wire: $wire,
                    about: concat!($($doc),*),
                    kind: FieldKind::$kind,
                    fact: fact!($($fact)?),
                }, )*];

            /// The yes-or-no fields.
            pub const FLAGS: &'static [&'static str] = &[$( stringify!($flag), )*];

            const PER_CALL: &'static [&'static str] = &[$( stringify!($call), )*];

            /// A text field by its name, for callers that have names rather than members.
            pub fn field_mut(&mut self, name: &str) -> Option<&mut String> {
                match name {
                    $( stringify!($field) => Some(&mut self.$field), )*
                    _ => None,
                }
            }

            /// Sets a text field that the caller named; `false` if there is none of this name.
            /// Other than an empty member, which is unset, an empty text was given here: it is an
            /// error in a status, product, environment or version.
            pub fn set_given(&mut self, name: &str, text: impl Into<String>) -> bool {
                let Some(place) = self.field_mut(name) else {
                    return false;
                };
                *place = text.into();
                if place.is_empty() {
                    place.push(' ');
                }
                true
            }

            fn values(&self) -> Vec<&str> {
                vec![$( self.$field.as_str(), )*]
            }
        }
    };
}

event! {
    /// Something was built. An empty text means unset; what is unset is taken from `VERSIONER_*`
    /// variables, the configuration file and the CI system, in this order.
    BuildEvent {
        /// Name of the product. Required, or detected.
        product: Name => "product_name" from Product,
        /// Version that was built. Required, or detected.
        version: Name => "version" from Version,
        /// pending, started, completed, failed or aborted, or an alias such as success. Default:
        /// completed.
        status: Status => "status",
        /// CI system that sends the event, such as `github`.
        source_system: Text => "source_system" from SourceSystem,
        /// Number of the build in its CI system.
        build_number: Text => "build_number" from BuildNumber,
        /// Commit that was built.
        scm_sha: Text => "scm_sha" from Sha,
        /// Branch that was built.
        scm_branch: Text => "scm_branch" from Branch,
        /// Repository, such as `owner/name`.
        scm_repository: Text => "scm_repository" from Repository,
        /// Link to the build.
        build_url: Url => "build_url" from RunUrl,
        /// Identifier of the run in its CI system.
        invoke_id: Text => "invoke_id" from InvokeId,
        /// Login of whoever built it.
        built_by: Text => "built_by" from Actor,
        /// Mail address of whoever built it.
        built_by_email: Text => "built_by_email" from ActorEmail,
        /// Name of whoever built it.
        built_by_name: Text => "built_by_name" from ActorName,
        /// When the build started, RFC 3339 with a zone.
        started_at: Time => "started_at",
        /// When the build ended, RFC 3339 with a zone.
        completed_at: Time => "completed_at",
        /// A JSON object of the caller's own, as text, at most 102,400 bytes. Numbers travel as
        /// written; its keys win over detected ones.
        extra_metadata: Json => "extra_metadata",
    }
    flags {}
    per_call {
        /// Sends product, environment and version as they are, even if one holds what looks like a
        /// placeholder that nobody replaced. Default: `false`.
        allow_literal: bool,
        /// The longest that this call may take with all its attempts and pauses, in place of the
        /// client's total timeout. `None` means the client's; at least a millisecond.
        timeout: Option<Duration>,
        /// What makes two calls one event, such as a CI's retry of a step: the service records the
        /// second one once. 1 to 255 visible ASCII characters; empty makes a new one for each call.
        idempotency_key: String,
    }
}

event! {
    /// Something is deployed. With status `started` the service checks it against policy, and a
    /// rejection means that the deployment must not happen. An empty text means unset; what is
    /// unset is taken from `VERSIONER_*` variables, the configuration file and the CI system, in
    /// this order.
    DeploymentEvent {
        /// Name of the product. Required, or detected.
        product: Name => "product_name" from Product,
        /// Version that is deployed. Required, or detected.
        version: Name => "version" from Version,
        /// Environment it is deployed to. Required, or detected.
        environment: Name => "environment_name" from Environment,
        /// pending, started, completed, failed or aborted, or an alias such as success. Default:
        /// completed.
        status: Status => "status",
        /// CI system that sends the event, such as `github`.
        source_system: Text => "source_system" from SourceSystem,
        /// Number of the build in its CI system.
        build_number: Text => "build_number" from BuildNumber,
        /// Commit that is deployed.
        scm_sha: Text => "scm_sha" from Sha,
        /// Branch that is deployed.
        scm_branch: Text => "scm_branch" from Branch,
        /// Repository, such as `owner/name`.
        scm_repository: Text => "scm_repository" from Repository,
        /// Link to the build that made the version.
        build_url: Url => "build_url",
        /// Link to the run that deploys.
        deploy_url: Url => "deploy_url" from RunUrl,
        /// Identifier of the run in its CI system.
        invoke_id: Text => "invoke_id" from InvokeId,
        /// Login of whoever deploys.
        deployed_by: Text => "deployed_by" from Actor,
        /// Mail address of whoever deploys.
        deployed_by_email: Text => "deployed_by_email" from ActorEmail,
        /// Name of whoever deploys.
        deployed_by_name: Text => "deployed_by_name" from ActorName,
        /// When the deployment ended, RFC 3339 with a zone.
        completed_at: Time => "completed_at",
        /// A JSON object of the caller's own, as text, at most 102,400 bytes. Numbers travel as
        /// written; its keys win over detected ones.
        extra_metadata: Json => "extra_metadata",
    }
    flags {
        /// Deprecated: asks the service to skip its preflight checks. Set the rule to
        /// report-only on the server instead. `None` means unset, which is `false`.
        skip_preflight_checks,
    }
    per_call {
        /// Sends product, environment and version as they are, even if one holds what looks like a
        /// placeholder that nobody replaced. Default: `false`.
        allow_literal: bool,
        /// The longest that this call may take with all its attempts and pauses, in place of the
        /// client's total timeout. `None` means the client's; at least a millisecond.
        timeout: Option<Duration>,
        /// What makes two calls one event, such as a CI's retry of a step: the service records the
        /// second one once. 1 to 255 visible ASCII characters; empty makes a new one for each call.
        idempotency_key: String,
        /// Why the preflight checks are skipped; kept with the event as `vi_skip_reason`.
        skip_reason: String,
        /// Which of several legs of one run this is, such as a region of a matrix, in at most 64
        /// characters: the legs of one run and version are one deployment, which ends when every
        /// leg that started has ended, as the worst of them. Kept as `vi_part`.
        part: String,
        /// Of a scoped deployment: how long it stays in progress after the last sign of life, from
        /// a second to a day. `None` means as long as the service says. Without the service's
        /// feature `renew` it means nothing.
        lease: Option<Duration>,
        /// Of a start: how long to wait for its gate if a window, a soak time, an approval or another
        /// deployment keeps it closed. A service that cannot be reached is asked again until then, in
        /// best-effort mode too. [`DeploymentEvent::timeout`] is then of each asking. `None` and zero
        /// do not wait.
        wait: Option<Duration>,
        /// `flow` waits for the environments that come first, too. Default: such a rejection ends the
        /// wait at once.
        wait_for: String,
        /// What to do if another version was started there meanwhile: `stop` ends the wait with kind
        /// `superseded`, so that an older version does not go out last by luck; `go` waits on.
        /// Default: `stop`.
        wait_superseded: String,
    }
}

impl BuildEvent {
    pub(crate) fn given(&self) -> Given<'_> {
        Given {
            kind: EventKind::Build,
            values: self.values(),
            skip_preflight_checks: false,
            skip_reason: "",
            allow_literal: self.allow_literal,
            timeout: self.timeout,
            idempotency_key: &self.idempotency_key,
            part: "",
            wait: None,
            wait_for: "",
            wait_superseded: "",
        }
    }
}

impl DeploymentEvent {
    pub(crate) fn given(&self) -> Given<'_> {
        Given {
            kind: EventKind::Deployment,
            values: self.values(),
            skip_preflight_checks: self.skip_preflight_checks.unwrap_or(false),
            skip_reason: &self.skip_reason,
            allow_literal: self.allow_literal,
            timeout: self.timeout,
            idempotency_key: &self.idempotency_key,
            part: &self.part,
            wait: self.wait,
            wait_for: &self.wait_for,
            wait_superseded: &self.wait_superseded,
        }
    }
}
