//! A private certificate authority, and servers with its certificates.
#![allow(dead_code, reason = "each test file uses its part")]

use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tempfile::TempDir;

use super::Server;

/// A private authority, its files in a folder of their own.
pub struct Authority {
    folder: TempDir,
    issuer: Issuer<'static, KeyPair>,
    certificate: rcgen::Certificate,
}

pub struct Identity {
    pub certificate: rcgen::Certificate,
    pub key: KeyPair,
}

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // OpenSSL takes a certificate for its own issuer's if both have one name.
        let name = "Authority of the tests";
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("a certificate");
        let folder = TempDir::new().expect("a folder");
        let authority = Authority {
            folder,
            issuer: Issuer::new(params, key),
            certificate,
        };
        authority.write("ca.pem", &authority.certificate.pem());
        authority
    }

    pub fn issue(&self, change: impl FnOnce(&mut CertificateParams)) -> Identity {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).expect("parameters");
        change(&mut params);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        Identity { certificate, key }
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).expect("a written file");
        path
    }

    pub fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    pub fn server(&self, change: impl FnOnce(&mut CertificateParams)) -> Server {
        Server::start(Some(server_config(self.issue(change), None)))
    }

    pub fn config(&self) -> ServerConfig {
        server_config(self.issue(|_| {}), None)
    }

    /// A server that shows the authority's own certificate.
    pub fn server_of_the_authority(&self) -> Server {
        let config = config_of(
            vec![self.certificate.der().clone()],
            self.issuer.key().serialize_der(),
            None,
        );
        Server::start(Some(config))
    }

    /// A service behind an HTTPS proxy, both with certificates of this authority.
    pub fn server_behind_https_proxy(&self) -> Server {
        Server::behind_https_proxy(self.config(), self.config())
    }

    /// A server that accepts only clients with a certificate of this authority.
    pub fn strict_server(&self) -> Server {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.der().clone()).expect("a root");
        Server::start(Some(server_config(self.issue(|_| {}), Some(roots))))
    }
}

fn server_config(identity: Identity, clients: Option<RootCertStore>) -> ServerConfig {
    let chain = vec![identity.certificate.der().clone()];
    config_of(chain, identity.key.serialize_der(), clients)
}

fn config_of(
    chain: Vec<CertificateDer<'static>>,
    key: Vec<u8>,
    clients: Option<RootCertStore>,
) -> ServerConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key));
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .expect("protocol versions");
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(roots) => {
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().expect("a verifier"))
        }
    };
    builder.with_single_cert(chain, key).expect("a server")
}
