//! Who else says who somebody is: an OpenID provider, or a proxy.

use std::path::PathBuf;

use axum::http::HeaderName;
use clap::Args;
use ipnet::IpNet;

use super::settings::{network, secret_in};
use super::{FIRST_ACCOUNT, Failure, account_name};
use crate::auth::openid::OpenId;
use crate::domain::people::Role;
use crate::pages::AuthProxy;

/// What a server can be told of them.
#[derive(Debug, Args)]
pub struct Vouching {
    /// Address of an OpenID provider by which people come in, such as https://login.example.com
    #[arg(
        long,
        value_name = "URL",
        env = "VERSIONER_SERVER_OPENID_ISSUER",
        value_parser = OpenId::read_issuer,
        requires = "openid_client_id"
    )]
    openid_issuer: Option<String>,
    /// What the provider calls this server
    #[arg(long, value_name = "ID", env = "VERSIONER_SERVER_OPENID_CLIENT_ID")]
    openid_client_id: Option<String>,
    /// File with the secret that the provider gave to this server, if it did
    #[arg(
        long,
        value_name = "FILE",
        env = "VERSIONER_SERVER_OPENID_CLIENT_SECRET_FILE"
    )]
    openid_client_secret_file: Option<PathBuf>,
    /// Domain whose addresses the provider may vouch for: a verified one joins whoever has it here
    #[arg(
        long = "openid-domain",
        value_name = "DOMAIN",
        env = "VERSIONER_SERVER_OPENID_DOMAIN",
        value_delimiter = ','
    )]
    openid_domains: Vec<String>,
    /// Claim of the token that names the groups of a person
    #[arg(
        long,
        value_name = "NAME",
        env = "VERSIONER_SERVER_OPENID_GROUPS_CLAIM",
        default_value = "groups"
    )]
    openid_groups_claim: String,
    /// Role that a group gives; with any, only who is in one of them comes in, and is added if new
    #[arg(
        long = "openid-role",
        value_name = "GROUP=ROLE",
        env = "VERSIONER_SERVER_OPENID_ROLE",
        value_delimiter = ',',
        value_parser = OpenId::read_role
    )]
    openid_roles: Vec<(String, Role)>,
    /// Header in which a proxy names who is in, by name or address
    #[arg(
        long,
        value_name = "NAME",
        env = "VERSIONER_SERVER_AUTH_PROXY_HEADER",
        requires = "auth_proxy_from"
    )]
    auth_proxy_header: Option<HeaderName>,
    /// Addresses or networks of that proxy; nobody else is believed
    #[arg(
        long,
        value_name = "NETWORK",
        env = "VERSIONER_SERVER_AUTH_PROXY_FROM",
        value_delimiter = ',',
        value_parser = network
    )]
    auth_proxy_from: Vec<IpNet>,
    /// Account that people come in to by provider or proxy
    #[arg(
        long,
        value_name = "NAME",
        env = "VERSIONER_SERVER_VOUCHED_ACCOUNT",
        default_value = FIRST_ACCOUNT,
        value_parser = account_name
    )]
    vouched_account: String,
}

impl Vouching {
    /// The provider and the proxy, if there are any.
    pub fn read(self) -> Result<(Option<OpenId>, Option<AuthProxy>), Failure> {
        let account = self.vouched_account;
        let secret = match self.openid_client_secret_file {
            None => None,
            Some(path) => Some(secret_in(&path)?),
        };
        let openid = self.openid_issuer.map(|issuer| OpenId {
            issuer,
            client_id: self.openid_client_id.unwrap_or_default(),
            client_secret: secret,
            account: account.clone(),
            domains: self.openid_domains,
            groups_claim: self.openid_groups_claim,
            roles: self.openid_roles,
        });
        let proxy = self.auth_proxy_header.map(|header| AuthProxy {
            header,
            from: self.auth_proxy_from,
            account,
        });
        Ok((openid, proxy))
    }
}
