//! The Versioner API to run oneself, on an embedded database or on PostgreSQL.
//!
//! The program is `versioner-server`; this library is what it is made of, so that tests can run the
//! service in their own process with a clock of their own.
#![forbid(unsafe_code)]

mod announce;
mod api;
mod auth;
pub mod cli;
mod clock;
mod domain;
mod github;
mod jobs;
mod metrics;
mod outgoing;
mod pages;
mod secrets;
mod serve;
mod share;
mod slack;
mod store;
mod tls;
mod wire;

#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;

pub use announce::Mailer;
pub use api::App;
pub use auth::keys::ApiKey;
pub use auth::openid::OpenId;
pub use clock::{Clock, SystemClock};
pub use domain::keys::{KeyInfo, NewKey};
pub use domain::people::Role;
pub use domain::scope::{Scope, Scopes};
pub use outgoing::{AllowedNet, Outgoing, Resolver};
pub use pages::{AuthProxy, PublicUrl, Reach};
pub use secrets::{Secrets, SecretsError};
pub use serve::{Limits, serve};
pub use store::{Directory, StoreError};
pub use tls::{Tls, TlsError};
