//! Whom to trust, and who we are: certificate authorities and the client certificate.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig};

use crate::input::environment::Environment;
use crate::input::settings::TlsFiles;
use crate::model::failure::Failure;

/// Reads what the settings name; everything that cannot be used is an error, nothing is replaced
/// in silence by something less strict.
pub(super) fn configure(files: &TlsFiles, environment: &Environment) -> Result<TlsConfig, Failure> {
    let mut config = TlsConfig::builder().root_certs(roots(files, environment)?);
    if let Some(identity) = client_certificate(files)? {
        config = config.client_cert(Some(identity));
    }
    Ok(config.build())
}

fn roots(files: &TlsFiles, environment: &Environment) -> Result<RootCerts, Failure> {
    if !files.ca_file.is_empty() {
        let certificates = read_certificates("ca_file", Path::new(&files.ca_file))?;
        return specific("ca_file", &files.ca_file, certificates);
    }
    let variable = |name| Ok::<_, Failure>(environment.setting(name)?.map(PathBuf::from));
    let (file, directory) = (variable("SSL_CERT_FILE")?, variable("SSL_CERT_DIR")?);
    let is_named = file.is_some() || directory.is_some();
    if let Some(file) = &file {
        read_certificates("SSL_CERT_FILE", file)?;
    }
    let found = if is_named {
        rustls_native_certs::load_certs_from_paths(file.as_deref(), directory.as_deref())
    } else {
        rustls_native_certs::load_native_certs()
    };
    if is_named {
        let names = "SSL_CERT_FILE and SSL_CERT_DIR";
        return specific(names, "what they name", found.certs);
    }
    if found.certs.is_empty() {
        return Ok(RootCerts::WebPki);
    }
    Ok(to_roots(&found.certs))
}

fn specific(
    setting: &'static str,
    place: &str,
    certificates: Vec<CertificateDer<'static>>,
) -> Result<RootCerts, Failure> {
    let mut store = RootCertStore::empty();
    let (usable, _) = store.add_parsable_certificates(certificates.iter().cloned());
    if usable == 0 {
        return Err(failure(
            setting,
            format!("{setting}: {place} holds no certificate that can be used"),
        ));
    }
    Ok(to_roots(&certificates))
}

fn to_roots(certificates: &[CertificateDer<'static>]) -> RootCerts {
    let owned = certificates
        .iter()
        .map(|certificate| Certificate::from_der(certificate).to_owned());
    RootCerts::Specific(Arc::new(owned.collect()))
}

/// The HTTP library panics on a certificate and key that do not belong together, so they are
/// tried here first.
fn client_certificate(files: &TlsFiles) -> Result<Option<ClientCert>, Failure> {
    if files.client_cert.is_empty() {
        return match files.client_key.is_empty() {
            true => Ok(None),
            false => Err(failure(
                "client_cert",
                "client_key is set, but client_cert is not".to_owned(),
            )),
        };
    }
    let (setting, path) = match files.client_key.as_str() {
        "" => ("client_cert", &files.client_cert),
        _ => ("client_key", &files.client_key),
    };
    let chain = read_certificates("client_cert", Path::new(&files.client_cert))?;
    let pem = read(setting, Path::new(path))?;
    let unusable = |problem: String| failure(setting, format!("{setting}: {path} {problem}"));
    let key = PrivateKeyDer::from_pem_slice(&pem).map_err(|error| {
        unusable(format!(
            "holds no private key in PEM form ({})",
            describe(&error)
        ))
    })?;
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map(|builder| builder.with_root_certificates(RootCertStore::empty()))
        .and_then(|builder| builder.with_client_auth_cert(chain.clone(), key))
        .map_err(|error| unusable(format!("does not go with the client certificate ({error})")))?;
    let key = PrivateKey::from_pem(&pem)
        .map_err(|error| unusable(format!("cannot be read ({error})")))?;
    let chain: Vec<_> = chain
        .iter()
        .map(|certificate| Certificate::from_der(certificate).to_owned())
        .collect();
    Ok(Some(ClientCert::new_with_certs(&chain, key)))
}

fn read_certificates(
    setting: &'static str,
    path: &Path,
) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let pem = read(setting, path)?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let problem = match certificates {
        Ok(certificates) if !certificates.is_empty() => return Ok(certificates),
        Ok(_) => "holds no certificate in PEM form".to_owned(),
        Err(error) => format!("is not in PEM form ({})", describe(&error)),
    };
    Err(failure(
        setting,
        format!("{setting}: {} {problem}", path.display()),
    ))
}

fn read(setting: &'static str, path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| {
        failure(
            setting,
            format!("{setting}: cannot read {}: {error}", path.display()),
        )
    })
}

fn describe(error: &pem::Error) -> String {
    match error {
        pem::Error::NoItemsFound => "nothing found".to_owned(),
        other => other.to_string(),
    }
}

fn failure(argument: &'static str, message: String) -> Failure {
    Failure::setting(argument, message)
}
