//! Certificates and keys in PEM files: as many as there are BEGIN lines, or an error with the
//! line.

use std::io::Read;
use std::path::Path;

use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::input::pipe;
use crate::model::failure::Failure;

const BEGIN: &str = "-----BEGIN ";
const CERTIFICATE: &str = "CERTIFICATE";

/// A certificate and the line on which it begins.
#[derive(Debug)]
pub(super) struct Located {
    pub line: usize,
    pub certificate: CertificateDer<'static>,
}

/// Every certificate of a file; at least one.
pub(super) fn certificates(setting: &'static str, path: &Path) -> Result<Vec<Located>, Failure> {
    let text = read(setting, path)?;
    parse(&text).map_err(|problem| {
        Failure::setting(setting, format!("{setting}: {} {problem}", path.display()))
    })
}

/// The first private key of a file.
pub(super) fn private_key(
    setting: &'static str,
    path: &Path,
) -> Result<PrivateKeyDer<'static>, Failure> {
    let text = read(setting, path)?;
    let unusable = |problem: &str| {
        Failure::setting(setting, format!("{setting}: {} {problem}", path.display()))
    };
    if text.contains("-----BEGIN ENCRYPTED PRIVATE KEY-----") {
        return Err(unusable(
            "holds an encrypted private key: decrypt it, such as with openssl pkey",
        ));
    }
    let own_lines = text.replace(BEGIN, &format!("\n{BEGIN}"));
    PrivateKeyDer::from_pem_slice(own_lines.as_bytes()).map_err(|error| {
        let problem = format!("holds no private key in PEM form ({})", describe(&error));
        unusable(&problem)
    })
}

fn parse(text: &str) -> Result<Vec<Located>, String> {
    let mut found = Vec::new();
    for (position, _) in text.match_indices(BEGIN) {
        let line = text[..position].matches('\n').count() + 1;
        let section = &text[position..];
        let label = section[BEGIN.len()..].split("-----").next();
        let label = label.unwrap_or_default();
        if label != CERTIFICATE {
            if label.ends_with(CERTIFICATE) {
                return Err(format!(
                    "has a {label} in line {line}, which only some programs read: convert it, \
                     such as with openssl x509"
                ));
            }
            continue;
        }
        let next = section[BEGIN.len()..].find(BEGIN);
        let section = next.map_or(section, |next| &section[..BEGIN.len() + next]);
        let certificate = CertificateDer::from_pem_slice(section.as_bytes()).map_err(|error| {
            let problem = describe(&error);
            format!("is not in PEM form: the certificate in line {line} is broken ({problem})")
        })?;
        found.push(Located { line, certificate });
    }
    match found.is_empty() {
        true => Err("holds no certificate in PEM form".to_owned()),
        false => Ok(found),
    }
}

/// PEM is ASCII; a comment around it may be in any encoding.
fn read(setting: &'static str, path: &Path) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    match pipe::open(path).and_then(|mut file| file.read_to_end(&mut bytes)) {
        Ok(_) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) => Err(Failure::setting(
            setting,
            format!("{setting}: cannot read {}: {error}", path.display()),
        )),
    }
}

fn describe(error: &pem::Error) -> String {
    match error {
        pem::Error::NoItemsFound => "it has no end".to_owned(),
        pem::Error::MissingSectionEnd { .. } => "its END line is missing".to_owned(),
        pem::Error::IllegalSectionStart { .. } => "its BEGIN line is malformed".to_owned(),
        pem::Error::Base64Decode(problem) => format!("its Base64 is not any: {problem}"),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Base64 of three bytes stands in for a certificate: what is in it is another's business.
    fn lines(text: &str) -> Result<Vec<usize>, String> {
        let found = parse(text)?;
        Ok(found.iter().map(|located| located.line).collect())
    }

    const ONE: &str = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----";

    #[test]
    fn there_are_as_many_certificates_as_begin_lines() {
        assert_eq!(lines(ONE), Ok(vec![1]));
        assert_eq!(lines(&format!("{ONE}{ONE}{ONE}")), Ok(vec![1, 3, 5]));
        assert_eq!(
            lines(&format!("# a comment\n\n{ONE}\r\n{ONE}\n")),
            Ok(vec![3, 6])
        );
        let key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----";
        assert_eq!(lines(&format!("{key}{ONE}{key}")), Ok(vec![3]));
    }

    #[test]
    fn what_cannot_be_read_is_named_by_its_line() {
        let broken = [
            format!("{ONE}\n{}", ONE.replace("AAAA", "A!")),
            format!("{ONE}\n{}", ONE.replace("-----END CERTIFICATE-----", "")),
            format!(
                "{ONE}\n{}",
                ONE.replace("CERTIFICATE", "TRUSTED CERTIFICATE")
            ),
            format!("{ONE}\n{}{ONE}", &ONE[..32]),
        ];
        for text in broken {
            let problem = lines(&text).expect_err(&text);
            assert!(problem.contains("line 4"), "{text:?}: {problem}");
        }
        assert!(lines("not a certificate").is_err());
    }
}
