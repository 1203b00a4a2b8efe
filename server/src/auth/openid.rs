//! An OpenID provider: another system that says who somebody is.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::BoxFuture;
use openidconnect::core::{
    CoreClient, CoreIdToken, CoreJwsSigningAlgorithm as Algorithm, CoreProviderMetadata,
    CoreResponseType,
};
use openidconnect::{
    AuthenticationFlow, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointMaybeSet,
    EndpointNotSet, EndpointSet, HttpRequest, HttpResponse, IssuerUrl, LogoutRequest, Nonce,
    PkceCodeChallenge, PkceCodeVerifier, PostLogoutRedirectUrl, ProviderMetadataWithLogout,
    RedirectUrl, Scope, TokenResponse,
};
use serde_json::Value;
use url::Url;

use crate::domain::people::{Role, Vouched};
use crate::outgoing::{Outgoing, OutgoingError, Terms, Wanted};

/// How long the provider may take for one answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// The largest answer of the provider, in bytes.
const MAX_ANSWER: usize = 1024 * 1024;
/// How far the clocks of provider and server may be apart, in seconds.
const TOLERANCE: i64 = 60;
/// What a provider may sign with: nothing that both sides must keep secret.
const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RsaSsaPkcs1V15Sha256,
    Algorithm::RsaSsaPkcs1V15Sha384,
    Algorithm::RsaSsaPkcs1V15Sha512,
    Algorithm::RsaSsaPssSha256,
    Algorithm::RsaSsaPssSha384,
    Algorithm::RsaSsaPssSha512,
    Algorithm::EcdsaP256Sha256,
    Algorithm::EcdsaP384Sha384,
    Algorithm::EdDsa,
];

type Client = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// What a server knows of its provider. The secret never shows in `Debug`.
#[derive(Clone)]
pub struct OpenId {
    /// The address of the provider, which names it.
    pub issuer: String,
    /// What the provider calls the server.
    pub client_id: String,
    /// What the server proves itself with, if it does.
    pub client_secret: Option<String>,
    /// The account that people come in to.
    pub account: String,
    /// The domains whose addresses the provider may vouch for.
    pub domains: Vec<String>,
    /// Where the token says which groups somebody is in.
    pub groups_claim: String,
    /// The role of a group. Without any, nobody comes in whom no admin has added.
    pub roles: Vec<(String, Role)>,
}

impl std::fmt::Debug for OpenId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OpenId({} as {}, …)", self.issuer, self.client_id)
    }
}

/// Why somebody does not come in.
#[derive(Debug, thiserror::Error)]
pub enum OpenIdError {
    /// The provider does not answer as one does.
    #[error("the provider {0} cannot be used: {1}")]
    Provider(String, String),
    /// What it says of somebody cannot be believed.
    #[error("what the provider says is not believed: {0}")]
    NotBelieved(String),
}

/// What the browser keeps until the provider sends it back.
pub struct Begun {
    /// Where the provider is.
    pub address: String,
    /// Ties the answer to the browser.
    pub state: String,
    /// Ties the token to the browser.
    pub nonce: String,
    /// Ties the code to the server.
    pub verifier: String,
}

/// What the browser brings back, and what it kept meanwhile.
pub struct Answered {
    /// What the provider gives the token for.
    pub code: String,
    /// Ties the token to the browser.
    pub nonce: String,
    /// Ties the code to the server.
    pub verifier: String,
}

impl OpenId {
    /// Reads `GROUP=ROLE`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read_role(text: &str) -> Result<(String, Role), String> {
        let read = text.rsplit_once('=').and_then(|(group, role)| {
            let role = Role::parse(role.trim())?;
            Some((group.trim().to_owned(), role)).filter(|(group, _)| !group.is_empty())
        });
        read.ok_or_else(|| format!("{text:?} is not GROUP=viewer, GROUP=developer or GROUP=admin"))
    }

    /// Reads the address of a provider.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read_issuer(text: &str) -> Result<String, String> {
        let wrong = |why: &str| format!("{text:?} {why}; write https://login.example.com");
        let issuer = IssuerUrl::new(text.to_owned()).map_err(|_| wrong("is no address"))?;
        let url = issuer.url();
        let is_here = url.host_str().is_some_and(|host| {
            let bare = host.trim_start_matches('[').trim_end_matches(']');
            host == "localhost"
                || bare
                    .parse::<std::net::IpAddr>()
                    .is_ok_and(|address| address.is_loopback())
        });
        match url.scheme() {
            "https" => Ok(text.to_owned()),
            "http" if is_here => Ok(text.to_owned()),
            _ => Err(wrong("is not encrypted")),
        }
    }

    /// Asks the provider how it is talked to: each time, because its keys change.
    async fn client(
        &self,
        outgoing: &Arc<Outgoing>,
        redirect: &str,
    ) -> Result<Client, OpenIdError> {
        let unusable = |error: String| OpenIdError::Provider(self.issuer.clone(), error);
        let issuer = IssuerUrl::new(self.issuer.clone()).map_err(|e| unusable(e.to_string()))?;
        let redirect =
            RedirectUrl::new(redirect.to_owned()).map_err(|e| unusable(e.to_string()))?;
        let call = self.caller(outgoing);
        let metadata = CoreProviderMetadata::discover_async(issuer, &call)
            .await
            .map_err(|error| unusable(with_cause(&error)))?;
        let secret = self.client_secret.clone().map(ClientSecret::new);
        let id = ClientId::new(self.client_id.clone());
        let client = CoreClient::from_provider_metadata(metadata, id, secret);
        Ok(client.set_redirect_uri(redirect))
    }

    /// Who calls the provider. It may be in a private network, which the settings of the machine name; and
    /// it is not followed elsewhere, where a redirect would carry the code.
    fn caller(
        &self,
        outgoing: &Arc<Outgoing>,
    ) -> impl Fn(HttpRequest) -> BoxFuture<'static, Result<HttpResponse, OutgoingError>> + use<>
    {
        let url = Url::parse(&self.issuer).ok();
        let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
        let host: Arc<str> = host.trim_matches(['[', ']']).into();
        let outgoing = outgoing.clone();
        move |request| {
            let (outgoing, host) = (outgoing.clone(), host.clone());
            Box::pin(async move {
                let terms = Terms {
                    time: PATIENCE,
                    wanted: Wanted::Whole(MAX_ANSWER),
                    named: Some(&host),
                };
                let answer = outgoing.send(request.map(Into::into), terms).await?;
                let mut response = HttpResponse::new(answer.body.into());
                *response.status_mut() = answer.status;
                *response.headers_mut() = answer.headers;
                Ok(response)
            })
        }
    }

    /// Where somebody is sent, and what their browser keeps meanwhile.
    ///
    /// # Errors
    /// [`OpenIdError::Provider`] if the provider cannot be asked.
    pub async fn begin(
        &self,
        outgoing: &Arc<Outgoing>,
        redirect: &str,
    ) -> Result<Begun, OpenIdError> {
        let client = self.client(outgoing, redirect).await?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (address, state, nonce) = client
            .authorize_url(
                AuthenticationFlow::<CoreResponseType>::AuthorizationCode,
                CsrfToken::new_random,
                Nonce::new_random,
            )
            .add_scopes(["email", "profile"].map(|scope| Scope::new(scope.to_owned())))
            .set_pkce_challenge(challenge)
            .url();
        Ok(Begun {
            address: address.into(),
            state: state.into_secret(),
            nonce: nonce.secret().clone(),
            verifier: verifier.into_secret(),
        })
    }

    /// Where somebody logs out of the provider, who then sends them back; none if it offers that not.
    ///
    /// # Errors
    /// [`OpenIdError::Provider`] if the provider cannot be asked.
    pub async fn way_out(
        &self,
        outgoing: &Arc<Outgoing>,
        back: &str,
    ) -> Result<Option<String>, OpenIdError> {
        let unusable = |error: String| OpenIdError::Provider(self.issuer.clone(), error);
        let issuer = IssuerUrl::new(self.issuer.clone()).map_err(|e| unusable(e.to_string()))?;
        let back = PostLogoutRedirectUrl::new(back.to_owned());
        let back = back.map_err(|error| unusable(error.to_string()))?;
        let call = self.caller(outgoing);
        let metadata = ProviderMetadataWithLogout::discover_async(issuer, &call)
            .await
            .map_err(|error| unusable(with_cause(&error)))?;
        let way = metadata.additional_metadata().end_session_endpoint.clone();
        Ok(way.map(|way| {
            let request = LogoutRequest::from(way)
                .set_client_id(ClientId::new(self.client_id.clone()))
                .set_post_logout_redirect_uri(back);
            request.http_get_url().to_string()
        }))
    }

    /// Whom the provider vouches for, by the code that the browser brings.
    ///
    /// # Errors
    /// [`OpenIdError::NotBelieved`] if the token is none for this browser and server.
    pub async fn finish(
        &self,
        outgoing: &Arc<Outgoing>,
        redirect: &str,
        answered: Answered,
        now: i64,
    ) -> Result<Vouched, OpenIdError> {
        let Answered {
            code,
            nonce,
            verifier,
        } = answered;
        let client = self.client(outgoing, redirect).await?;
        let call = self.caller(outgoing);
        let unusable = |error: String| OpenIdError::Provider(self.issuer.clone(), error);
        let answer = client
            .exchange_code(AuthorizationCode::new(code))
            .map_err(|error| unusable(error.to_string()))?
            .set_pkce_verifier(PkceCodeVerifier::new(verifier))
            .request_async(&call)
            .await
            .map_err(|error| OpenIdError::NotBelieved(with_cause(&error)))?;
        let token = answer.id_token().ok_or_else(|| {
            OpenIdError::NotBelieved("there is no ID token in its answer".to_owned())
        })?;
        let seconds = now / 1_000_000;
        let at = move |shift: i64| {
            chrono::DateTime::from_timestamp(seconds + shift, 0).unwrap_or_default()
        };
        let verifier = client
            .id_token_verifier()
            .set_allowed_algs(ALGORITHMS)
            .set_time_fn(move || at(-TOLERANCE))
            .set_issue_time_verifier_fn(move |issued| match issued <= at(TOLERANCE) {
                true => Ok(()),
                false => Err("it is of a time that has not come".to_owned()),
            });
        let claims = token
            .claims(&verifier, &Nonce::new(nonce))
            .map_err(|error| OpenIdError::NotBelieved(with_cause(&error)))?;
        let email = claims.email().map(|email| email.as_str().to_owned());
        let is_verified = claims.email_verified() == Some(true);
        let name = claims
            .name()
            .and_then(|names| names.get(None))
            .map(|name| name.as_str().to_owned())
            .or(claims
                .preferred_username()
                .map(|name| name.as_str().to_owned()));
        Ok(Vouched {
            issuer: self.issuer.clone(),
            subject: claims.subject().as_str().to_owned(),
            name,
            email: email.filter(|email| is_verified && self.vouches_for(email)),
            role: self.role_of(&self.groups(token)),
            by_groups: !self.roles.is_empty(),
        })
    }

    fn vouches_for(&self, email: &str) -> bool {
        email.rsplit_once('@').is_some_and(|(_, domain)| {
            let is = |named: &String| named.eq_ignore_ascii_case(domain);
            self.domains.iter().any(is)
        })
    }

    /// The groups that a token names, which was believed before.
    fn groups(&self, token: &CoreIdToken) -> BTreeSet<String> {
        let text = token.to_string();
        let payload = text.split('.').nth(1).unwrap_or_default();
        let payload = URL_SAFE_NO_PAD.decode(payload).unwrap_or_default();
        let claims: Value = serde_json::from_slice(&payload).unwrap_or_default();
        match &claims[&self.groups_claim] {
            Value::String(one) => BTreeSet::from([one.clone()]),
            Value::Array(many) => many
                .iter()
                .filter_map(|one| one.as_str().map(str::to_owned))
                .collect(),
            _ => BTreeSet::new(),
        }
    }

    /// The highest role that the groups have.
    fn role_of(&self, groups: &BTreeSet<String>) -> Option<Role> {
        let of = self
            .roles
            .iter()
            .filter(|(group, _)| groups.contains(group));
        of.map(|(_, role)| *role).max()
    }
}

fn with_cause(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}
