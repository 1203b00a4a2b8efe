//! Who asks: the key in the Authorization header.

use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;

use super::keys::ApiKey;
use crate::api::App;
use crate::api::error::{ApiError, answered};
use crate::api::request_id::RequestId;
use crate::domain::answer::Answer;
use crate::domain::keys::{Giver, KeyInfo};
use crate::domain::names::fold;
use crate::domain::naming::Kind;
use crate::domain::scope::{Scope, Scopes};
use crate::store::Account;
use crate::store::flow::{Command, KeyCommand};
use crate::store::transaction::{Envelope, RequestKey};

/// A valid key.
pub struct Principal {
    /// The name of the account.
    pub account_name: String,
    /// The account of the key.
    pub account: Arc<Account>,
    /// The key, as the record names it.
    pub actor: String,
    /// The name of the request.
    request_id: Option<String>,
    key: Arc<KeyInfo>,
}

impl Principal {
    /// Whether the key has a scope.
    pub fn may(&self, scope: Scope) -> bool {
        self.key.scopes.contains(scope)
    }

    /// The person that the key belongs to.
    pub fn owner(&self) -> Option<String> {
        self.key.owner.clone()
    }

    /// What whoever has the key can give.
    pub fn giver(&self) -> Giver {
        Giver {
            scopes: self.key.scopes,
            products: self.key.products.clone(),
            environments: self.key.environments.clone(),
        }
    }

    /// Counts a request of the key.
    ///
    /// # Errors
    /// [`ApiError::RateLimited`] if its budget is used up.
    pub fn admit(&self, app: &App) -> Result<(), ApiError> {
        let Some(limiter) = &app.rate_limiter else {
            return Ok(());
        };
        let key = (self.account_name.clone(), self.key.id.clone());
        let admitted = limiter.admit(key, app.clock.running());
        admitted.map_err(|retry_after| ApiError::RateLimited {
            limit: limiter.limit(),
            what: "requests",
            retry_after,
        })
    }

    /// Takes note that the key is used for this. Nobody waits for it.
    pub fn note_use(&self, app: &App, scope: Scope) {
        if app
            .directory
            .is_new_use(&self.account_name, &self.key.id, scope)
        {
            let (account, id, now) = (self.account.clone(), self.key.id.clone(), app.now());
            tokio::spawn(async move {
                let command = Command::Key(KeyCommand::Used(id, scope), Giver::machine());
                // Not worth a refusal, should the disk be full.
                if let Err(error) = account.write(Envelope::of_server(now), command).await {
                    tracing::debug!(%error, "the use of a key could not be noted");
                }
            });
        }
    }

    /// Whether the key may tell of this product and environment, by whichever of their names.
    ///
    /// # Errors
    /// [`ApiError::Beyond`] if it is limited to others.
    pub async fn check_limits(
        &self,
        product: &str,
        environment: Option<&str>,
    ) -> Result<(), ApiError> {
        let key = &self.key;
        let limits = [
            ("products", Kind::Product, &key.products, Some(product)),
            (
                "environments",
                Kind::Environment,
                &key.environments,
                environment,
            ),
        ];
        for (what, kind, allowed, name) in limits {
            let Some(name) = name.filter(|_| !allowed.is_empty()) else {
                continue;
            };
            if !self.is_one_of(kind, name, allowed).await? {
                return Err(ApiError::Beyond(what, allowed.join(", ")));
            }
        }
        Ok(())
    }

    /// The same for a deployment that there is. Of one that there is not nothing is said here.
    ///
    /// # Errors
    /// [`ApiError::Beyond`] if the key is limited to others.
    pub async fn check_limits_of(&self, deployment_id: &str) -> Result<(), ApiError> {
        if !self.is_limited() {
            return Ok(());
        }
        match self.account.place_of(deployment_id.to_owned()).await? {
            Some((product, environment)) => self.check_limits(&product, Some(&environment)).await,
            None => Ok(()),
        }
    }

    /// The same for a version, in an environment.
    ///
    /// # Errors
    /// [`ApiError::Beyond`] if the key is limited to others.
    pub async fn check_limits_of_version(
        &self,
        version_id: &str,
        environment: &str,
    ) -> Result<(), ApiError> {
        if !self.is_limited() {
            return Ok(());
        }
        match self.account.product_of(version_id.to_owned()).await? {
            Some(product) => self.check_limits(&product, Some(environment)).await,
            None => Ok(()),
        }
    }

    /// Whether the key may do what is for the whole account.
    ///
    /// # Errors
    /// [`ApiError::Beyond`] if it is limited.
    pub fn check_unlimited(&self) -> Result<(), ApiError> {
        let limits = [
            ("products", &self.key.products),
            ("environments", &self.key.environments),
        ];
        for (what, allowed) in limits {
            if !allowed.is_empty() {
                return Err(ApiError::Beyond(what, allowed.join(", ")));
            }
        }
        Ok(())
    }

    fn is_limited(&self) -> bool {
        !self.key.products.is_empty() || !self.key.environments.is_empty()
    }

    /// Whether the name is one of those that are allowed, or another name of one.
    async fn is_one_of(
        &self,
        kind: Kind,
        name: &str,
        allowed: &[String],
    ) -> Result<bool, ApiError> {
        if allowed.iter().any(|allowed| fold(allowed) == fold(name)) {
            return Ok(true);
        }
        let present = self.account.present_name(kind, name.to_owned()).await?;
        for name in allowed {
            let allowed = self.account.present_name(kind, name.clone()).await?;
            if fold(&allowed) == fold(&present) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether the key may tell of something, by whichever of its names.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn covers(&self, kind: Kind, name: &str) -> Result<bool, ApiError> {
        let allowed = self.limits(kind);
        Ok(allowed.is_empty() || self.is_one_of(kind, name, allowed).await?)
    }

    /// The names of that kind that the key is limited to; none means all.
    pub fn limits(&self, kind: Kind) -> &[String] {
        match kind {
            Kind::Product => &self.key.products,
            Kind::Environment => &self.key.environments,
        }
    }

    /// When the key was made, in microseconds since 1970.
    pub fn made_at(&self) -> i64 {
        self.key.created_at
    }

    /// Makes sure that the key may stand in an address, where others see it: it may do nothing else.
    ///
    /// # Errors
    /// [`ApiError::Scope`] if it is another key.
    pub fn check_shared(&self) -> Result<(), ApiError> {
        match self.key.scopes == Scopes::shared() {
            true => Ok(()),
            false => Err(ApiError::Scope(Scope::Share, self.key.scopes)),
        }
    }

    /// Does a command that no Idempotency-Key belongs to.
    pub async fn write(&self, app: &App, command: Command) -> Result<Answer, ApiError> {
        self.write_once(app, None, None, command).await
    }

    /// Does a command, once for its Idempotency-Key.
    pub async fn write_once(
        &self,
        app: &App,
        request: Option<RequestKey>,
        occurred_at: Option<i64>,
        command: Command,
    ) -> Result<Answer, ApiError> {
        if app.is_read_only() {
            return Err(ApiError::ReadOnly);
        }
        let envelope = Envelope {
            request_id: self.request_id.clone(),
            request,
            occurred_at,
            ..Envelope::new(self.actor.clone(), app.now())
        };
        answered(self.account.write(envelope, command).await?)
    }
}

impl FromRequestParts<Arc<App>> for Principal {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let header = parts
            .headers
            .get(AUTHORIZATION)
            .ok_or(ApiError::Unauthorized(
                "API key is required: send it as Authorization: Bearer sk_...",
            ))?;
        let key = header.to_str().ok().and_then(bearer);
        Principal::by_key(key, parts, app).await
    }
}

impl Principal {
    /// Whoever has this key.
    ///
    /// # Errors
    /// [`ApiError::Unauthorized`] if it is none that is valid, [`ApiError::RateLimited`] if too many of
    /// these have come from there.
    pub async fn by_key(
        key: Option<&str>,
        parts: &Parts,
        app: &Arc<App>,
    ) -> Result<Principal, ApiError> {
        let key = key.and_then(ApiKey::parse);
        let account_name = key.as_ref().map_or("", ApiKey::account).to_owned();
        let info = match key {
            Some(key) => app.directory.authenticate(key, app.now()).await?,
            None => None,
        };
        let Some(info) = info else {
            app.count_failed_login(parts)?;
            return Err(ApiError::Unauthorized("Invalid or revoked API key"));
        };
        if info.expires_at.is_some_and(|at| at <= app.now()) {
            return Err(ApiError::Unauthorized("This API key has expired"));
        }
        Ok(Principal {
            account: app.directory.account(&account_name).await?,
            account_name,
            actor: format!("key:{}", info.id),
            request_id: parts
                .extensions
                .get::<RequestId>()
                .map(|RequestId(id)| id.clone()),
            key: info,
        })
    }
}

fn bearer(header: &str) -> Option<&str> {
    let (scheme, key) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(key)
}

/// A scope as a type, so that a handler says in its signature what it needs.
pub trait Needs {
    /// The scope.
    const SCOPE: Scope;
    /// Whether the handler asks for [`Principal::admit`] itself, once it has read the request.
    const ADMITS_LATER: bool = false;
    /// Whether it is about the whole account, so that no key will do that is limited to a part of it.
    const WHOLE_ACCOUNT: bool = false;
}

macro_rules! needs {
    ($($name:ident: $scope:ident),*) => {$(
        #[doc = concat!("Needs the scope of [`Scope::", stringify!($scope), "`].")]
        pub struct $name;
        impl Needs for $name {
            const SCOPE: Scope = Scope::$scope;
        }
    )*};
}

/// The same as [`ToTell`], but an end is recorded whatever the budget of the key.
pub struct ToTellOrEnd;

impl Needs for ToTellOrEnd {
    const SCOPE: Scope = Scope::Events;
    const ADMITS_LATER: bool = true;
}

/// The same as [`ToAdminister`], for what is about every product and environment.
pub struct ToAdministerAll;

impl Needs for ToAdministerAll {
    const SCOPE: Scope = Scope::Admin;
    const WHOLE_ACCOUNT: bool = true;
}

needs!(ToTell: Events, ToRead: Read, ToApprove: Approve, ToRule: Rules, ToOverride: Override, ToAudit: Admin,
    ToAdminister: Admin);

/// A valid key that has the scope of `S`.
pub struct Key<S>(Principal, PhantomData<S>);

impl<S> Deref for Key<S> {
    type Target = Principal;

    fn deref(&self) -> &Principal {
        &self.0
    }
}

impl<S: Needs> FromRequestParts<Arc<App>> for Key<S> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let principal = Principal::from_request_parts(parts, app).await?;
        if !principal.may(S::SCOPE) {
            return Err(ApiError::Scope(S::SCOPE, principal.key.scopes));
        }
        if S::WHOLE_ACCOUNT {
            principal.check_unlimited()?;
        }
        if !S::ADMITS_LATER {
            principal.admit(app)?;
        }
        principal.note_use(app, S::SCOPE);
        Ok(Key(principal, PhantomData))
    }
}
