//! The two events and their fields: names, validation, wire form.

use serde::ser::{Serialize, SerializeMap, Serializer};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::input::metadata::Metadata;
use crate::model::failure::Failure;
use crate::model::kind::Kind;
use crate::model::outcome::Subject;
use crate::model::status::Status;

/// Which of the two events something is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// Something was built.
    Build,
    /// Something was, or is about to be, deployed.
    Deployment,
}

impl EventKind {
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

    pub(crate) const fn path(self) -> &'static str {
        match self {
            EventKind::Build => "build-events/",
            EventKind::Deployment => "deployment-events/",
        }
    }

    const fn required(self) -> &'static [&'static str] {
        match self {
            EventKind::Build => &["product", "version"],
            EventKind::Deployment => &["product", "environment", "version"],
        }
    }
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
}

impl Field {
    /// The environment variable that gives this field.
    pub fn variable(&self) -> String {
        variable(self.name)
    }
}

/// The environment variable of a setting: `product` is `VERSIONER_PRODUCT`.
pub(crate) fn variable(name: &str) -> String {
    format!("VERSIONER_{}", name.to_uppercase())
}

macro_rules! event {
    (
        $(#[$about:meta])* $event:ident
        { $( $(#[doc = $doc:literal])* $field:ident => $wire:literal, )* }
        flags { $( $(#[doc = $flag_doc:literal])* $flag:ident, )* }
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone, Default, PartialEq, Eq)]
        pub struct $event {
            $( $(#[doc = $doc])* pub $field: String, )*
            $( $(#[doc = $flag_doc])* pub $flag: Option<bool>, )*
        }

        impl $event {
            /// Every text field, in the order of the wire.
            pub const FIELDS: &'static [Field] =
                &[$( Field {
                    name: stringify!($field),
                    wire: $wire,
                    about: concat!($($doc),*),
                }, )*];

            /// The yes-or-no fields.
            pub const FLAGS: &'static [&'static str] = &[$( stringify!($flag), )*];

            /// A text field by its name, for callers that have names rather than members.
            pub fn field_mut(&mut self, name: &str) -> Option<&mut String> {
                match name {
                    $( stringify!($field) => Some(&mut self.$field), )*
                    _ => None,
                }
            }

            pub(crate) fn values(&self) -> Vec<&str> {
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
        product => "product_name",
        /// Version that was built. Required, or detected.
        version => "version",
        /// pending, started, completed, failed or aborted, or an alias such as success; completed
        /// where unset.
        status => "status",
        /// CI system that sends the event, such as `github`.
        source_system => "source_system",
        /// Number of the build in its CI system.
        build_number => "build_number",
        /// Commit that was built.
        scm_sha => "scm_sha",
        /// Branch that was built.
        scm_branch => "scm_branch",
        /// Repository, such as `owner/name`.
        scm_repository => "scm_repository",
        /// Link to the build.
        build_url => "build_url",
        /// Identifier of the run in its CI system.
        invoke_id => "invoke_id",
        /// Login of whoever built it.
        built_by => "built_by",
        /// Mail address of whoever built it.
        built_by_email => "built_by_email",
        /// Name of whoever built it.
        built_by_name => "built_by_name",
        /// When the build started, RFC 3339 with a zone.
        started_at => "started_at",
        /// When the build ended, RFC 3339 with a zone.
        completed_at => "completed_at",
        /// A JSON object of the caller's own, as text, at most 102,400 bytes. Numbers travel as
        /// written; its keys win over detected ones.
        extra_metadata => "extra_metadata",
    }
    flags {}
}

event! {
    /// Something is deployed. With status `started` the service checks it against policy, and a
    /// rejection means that the deployment must not happen. An empty text means unset; what is
    /// unset is taken from `VERSIONER_*` variables, the configuration file and the CI system, in
    /// this order.
    DeploymentEvent {
        /// Name of the product. Required, or detected.
        product => "product_name",
        /// Version that is deployed. Required, or detected.
        version => "version",
        /// Environment it is deployed to. Required, or detected.
        environment => "environment_name",
        /// pending, started, completed, failed or aborted, or an alias such as success; completed
        /// where unset.
        status => "status",
        /// CI system that sends the event, such as `github`.
        source_system => "source_system",
        /// Number of the build in its CI system.
        build_number => "build_number",
        /// Commit that is deployed.
        scm_sha => "scm_sha",
        /// Branch that is deployed.
        scm_branch => "scm_branch",
        /// Repository, such as `owner/name`.
        scm_repository => "scm_repository",
        /// Link to the build that made the version.
        build_url => "build_url",
        /// Link to the run that deploys.
        deploy_url => "deploy_url",
        /// Identifier of the run in its CI system.
        invoke_id => "invoke_id",
        /// Login of whoever deploys.
        deployed_by => "deployed_by",
        /// Mail address of whoever deploys.
        deployed_by_email => "deployed_by_email",
        /// Name of whoever deploys.
        deployed_by_name => "deployed_by_name",
        /// When the deployment ended, RFC 3339 with a zone.
        completed_at => "completed_at",
        /// A JSON object of the caller's own, as text, at most 102,400 bytes. Numbers travel as
        /// written; its keys win over detected ones.
        extra_metadata => "extra_metadata",
    }
    flags {
        /// Deprecated: asks the service to skip its preflight checks. Set the rule to
        /// report-only on the server instead. `None` means unset, which is `false`.
        skip_preflight_checks,
    }
}

/// An event with every value decided, ready to be written to the wire.
#[derive(Debug)]
pub(crate) struct Resolved {
    pub kind: EventKind,
    /// In the order of [`EventKind::fields`]; empty is unset. `extra_metadata` stays empty here.
    pub values: Vec<String>,
    pub skip_preflight_checks: bool,
    pub extra_metadata: Metadata,
}

impl Resolved {
    /// The value of a text field, empty where unset.
    pub fn value(&self, name: &str) -> &str {
        let position = self
            .kind
            .fields()
            .iter()
            .position(|field| field.name == name);
        position.map_or("", |position| self.values[position].as_str())
    }

    /// What reports call the event.
    pub fn subject(&self) -> Subject {
        let value = |name| self.value(name).to_owned();
        Subject {
            product: value("product"),
            version: value("version"),
            environment: value("environment"),
            scm_sha: value("scm_sha"),
        }
    }

    /// Checks the values and makes the JSON body, and says whether the status is a known one.
    pub fn to_wire(&self) -> Result<Wire, Failure> {
        for name in self.kind.required() {
            if self.value(name).is_empty() {
                return Err(Failure::argument(name, required_message(name)));
            }
        }
        let mut texts = Vec::new();
        let mut wire_status = String::new();
        let mut status_is_known = true;
        for (field, value) in self.kind.fields().iter().zip(&self.values) {
            let value = match field.name {
                "status" => {
                    (wire_status, status_is_known) = normalized_status(value);
                    wire_status.clone()
                }
                _ if value.is_empty() => continue,
                "started_at" | "completed_at" => timestamp(field.name, value)?,
                _ => value.clone(),
            };
            texts.push((field.wire, value));
        }
        let body = Body {
            texts,
            skip_preflight_checks: self.skip_preflight_checks,
            extra_metadata: &self.extra_metadata,
        };
        let body = serde_json::to_string(&body).map_err(|error| {
            Failure::new(
                Kind::Internal,
                format!("the event cannot be written as JSON: {error}"),
            )
        })?;
        Ok(Wire {
            body,
            status: wire_status,
            status_is_known,
        })
    }
}

/// The JSON object that is sent.
struct Body<'a> {
    texts: Vec<(&'static str, String)>,
    skip_preflight_checks: bool,
    extra_metadata: &'a Metadata,
}

impl Serialize for Body<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(None)?;
        for (name, text) in &self.texts {
            object.serialize_entry(name, text)?;
        }
        if self.skip_preflight_checks {
            object.serialize_entry("skip_preflight_checks", &true)?;
        }
        if !self.extra_metadata.is_empty() {
            object.serialize_entry("extra_metadata", self.extra_metadata)?;
        }
        object.end()
    }
}

/// What is sent for one event.
#[derive(Debug)]
pub(crate) struct Wire {
    pub body: String,
    pub status: String,
    pub status_is_known: bool,
}

/// The status as it is sent, and whether it is a known one.
fn normalized_status(value: &str) -> (String, bool) {
    if value.is_empty() {
        return (Status::Completed.as_str().to_owned(), true);
    }
    match Status::parse(value) {
        Some(status) => (status.as_str().to_owned(), true),
        None => (value.to_owned(), false),
    }
}

fn required_message(name: &str) -> String {
    let variable = variable(name);
    format!(
        "{name} is required: give it as an argument, set {variable}, or name it in the configuration file"
    )
}

fn timestamp(name: &'static str, value: &str) -> Result<String, Failure> {
    let text = value.trim();
    match OffsetDateTime::parse(text, &Rfc3339) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err(Failure::argument(
            name,
            format!(
                "{name} must be an RFC 3339 time with a zone, such as 2026-01-31T15:04:05Z or \
                 2026-01-31T16:04:05+01:00, but is {value:?}"
            ),
        )),
    }
}
