//! Who is trusted, and who we are: certificate authorities and the client certificate.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};

use super::pem;
use crate::input::environment::Environment;
use crate::input::settings::TlsFiles;
use crate::model::failure::Failure;
use crate::model::kind::Kind;
use crate::model::log::{Level, Logger};

/// The files in which Unix systems keep their authorities, as Go's list has them.
#[cfg(not(any(windows, target_os = "macos")))]
const SYSTEM_FILES: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/usr/local/share/certs/ca-root-nss.crt",
];

/// The folders of systems without such a file.
#[cfg(not(any(windows, target_os = "macos")))]
const SYSTEM_FOLDERS: &[&str] = &["/etc/ssl/certs", "/etc/pki/tls/certs"];

/// Reads what the settings name; everything that cannot be used is an error, nothing is replaced
/// in silence by something less strict.
pub(super) fn configure(
    files: &TlsFiles,
    environment: &Environment,
    logger: &Logger,
) -> Result<ClientConfig, Failure> {
    let internal = |error: rustls::Error| Failure::new(Kind::Internal, format!("TLS: {error}"));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(internal)?
        .with_root_certificates(roots(files, environment, logger)?);
    let Some(path) = client_files(files)? else {
        return Ok(builder.with_no_client_auth());
    };
    let chain = pem::certificates("client_cert", Path::new(&files.client_cert))?;
    let key = pem::private_key(path.setting, Path::new(path.key))?;
    let chain = chain.into_iter().map(|located| located.certificate);
    builder
        .with_client_auth_cert(chain.collect(), key)
        .map_err(|error| {
            let message = format!(
                "{}: {} does not go with the client certificate ({error})",
                path.setting, path.key
            );
            Failure::setting(path.setting, message)
        })
}

struct ClientKey<'a> {
    setting: &'static str,
    key: &'a str,
}

fn client_files(files: &TlsFiles) -> Result<Option<ClientKey<'_>>, Failure> {
    match (files.client_cert.as_str(), files.client_key.as_str()) {
        ("", "") => Ok(None),
        ("", _) => Err(Failure::setting(
            "client_cert",
            "client_key is set, but client_cert is not".to_owned(),
        )),
        (certificate, "") => Ok(Some(ClientKey {
            setting: "client_cert",
            key: certificate,
        })),
        (_, key) => Ok(Some(ClientKey {
            setting: "client_key",
            key,
        })),
    }
}

fn roots(
    files: &TlsFiles,
    environment: &Environment,
    logger: &Logger,
) -> Result<RootCertStore, Failure> {
    if !files.ca_file.is_empty() {
        let path = Path::new(&files.ca_file);
        return only("ca_file", path, pem::certificates("ca_file", path)?);
    }
    let file = environment.setting("SSL_CERT_FILE")?;
    let folders = environment.setting("SSL_CERT_DIR")?;
    if file.is_none() && folders.is_none() {
        return Ok(of_the_system(logger));
    }
    let mut store = RootCertStore::empty();
    if let Some(file) = file {
        let path = Path::new(file);
        store = only(
            "SSL_CERT_FILE",
            path,
            pem::certificates("SSL_CERT_FILE", path)?,
        )?;
    }
    let folders: Vec<PathBuf> = folders.map_or_else(Vec::new, |folders| {
        let folders = std::env::split_paths(folders);
        folders
            .filter(|folder| !folder.as_os_str().is_empty())
            .collect()
    });
    for folder in &folders {
        let found = rustls_native_certs::load_certs_from_paths(None, Some(folder));
        for error in &found.errors {
            logger.log(Level::Warning, &format!("SSL_CERT_DIR: {error}"));
        }
        add(&mut store, found.certs, "SSL_CERT_DIR", logger);
    }
    match store.is_empty() {
        true => Err(Failure::setting(
            "SSL_CERT_DIR",
            "SSL_CERT_DIR: what it names holds no certificate that can be used".to_owned(),
        )),
        false => Ok(store),
    }
}

/// Exactly what a file holds.
fn only(
    setting: &'static str,
    path: &Path,
    certificates: Vec<pem::Located>,
) -> Result<RootCertStore, Failure> {
    let mut store = RootCertStore::empty();
    for pem::Located { line, certificate } in certificates {
        store.add(certificate).map_err(|error| {
            let path = path.display();
            let message = format!(
                "{setting}: the certificate in {path}, line {line}, cannot be used ({error})"
            );
            Failure::setting(setting, message)
        })?;
    }
    Ok(store)
}

/// The system's own store, never that of the process's `SSL_CERT_FILE`: the given environment
/// may be another one. If the system has none, the list that browsers trust.
fn of_the_system(logger: &Logger) -> RootCertStore {
    let mut store = RootCertStore::empty();
    let found = system_certificates();
    for error in &found.errors {
        logger.log(
            Level::Warning,
            &format!("certificates of the system: {error}"),
        );
    }
    add(
        &mut store,
        found.certs,
        "certificates of the system",
        logger,
    );
    if store.is_empty() {
        let message = "the system has no certificate authorities; those of the built-in list are \
                       trusted";
        logger.log(Level::Info, message);
        store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    store
}

#[cfg(any(windows, target_os = "macos"))]
fn system_certificates() -> rustls_native_certs::CertificateResult {
    rustls_native_certs::load_native_certs()
}

#[cfg(not(any(windows, target_os = "macos")))]
fn system_certificates() -> rustls_native_certs::CertificateResult {
    let existing = |places: &'static [&str]| {
        let mut places = places.iter().map(Path::new);
        places.find(|place| place.exists())
    };
    let file = existing(SYSTEM_FILES);
    let folder = match file {
        Some(_) => None,
        None => existing(SYSTEM_FOLDERS),
    };
    rustls_native_certs::load_certs_from_paths(file, folder)
}

fn add(
    store: &mut RootCertStore,
    certificates: Vec<CertificateDer<'static>>,
    origin: &str,
    logger: &Logger,
) {
    let (_, unusable) = store.add_parsable_certificates(certificates);
    if unusable > 0 {
        let message = format!("{origin}: {unusable} certificates cannot be used and are left out");
        logger.log(Level::Info, &message);
    }
}
