//! TLS over another link, and what is said if there can be none.

use std::fmt;
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustls::pki_types::{ServerName, UnixTime};
use rustls::{AlertDescription, CertificateError, ClientConfig, ClientConnection};

use super::socket::{Answered, Arrived, Link};
use crate::model::failure::Failure;
use crate::model::kind::Kind;
use crate::send::limit::Limit;

/// A connection that is encrypted and whose other end has shown who it is.
pub(super) struct Secure {
    connection: ClientConnection,
    link: Box<dyn Link>,
    peer: String,
}

/// Why a connection cannot be secured.
#[derive(Debug)]
pub(super) struct Insecure {
    /// `host:port`.
    peer: String,
    error: rustls::Error,
}

impl Secure {
    /// Shakes hands with `host`, named without brackets.
    pub fn open(
        link: Box<dyn Link>,
        config: &Arc<ClientConfig>,
        host: &str,
        port: u16,
        limit: &Limit,
    ) -> io::Result<Self> {
        let peer = format!("{host}:{port}");
        let insecure = |error| {
            io::Error::other(Insecure {
                peer: peer.clone(),
                error,
            })
        };
        let name = ServerName::try_from(host.trim_end_matches('.').to_owned());
        let name = name.map_err(|_| {
            insecure(rustls::Error::General(
                "no certificate can name this host".to_owned(),
            ))
        })?;
        let connection = ClientConnection::new(config.clone(), name).map_err(insecure)?;
        let mut secure = Secure {
            connection,
            link,
            peer,
        };
        while secure.connection.is_handshaking() {
            secure.flush(limit)?;
            if secure.connection.is_handshaking() && secure.receive(limit)? == 0 {
                let peer = &secure.peer;
                return Err(io::Error::other(format!(
                    "{peer} closed the connection when asked for TLS (does it speak plain http?)"
                )));
            }
        }
        secure.flush(limit)?;
        Ok(secure)
    }

    /// Sends what TLS has to send.
    fn flush(&mut self, limit: &Limit) -> io::Result<()> {
        let mut wire = Wire {
            link: self.link.as_mut(),
            limit,
        };
        while self.connection.wants_write() {
            if self.connection.write_tls(&mut wire)? == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
        }
        Ok(())
    }

    /// Reads some encrypted bytes; 0 at the end.
    fn receive(&mut self, limit: &Limit) -> io::Result<usize> {
        let mut wire = Wire {
            link: self.link.as_mut(),
            limit,
        };
        let amount = self.connection.read_tls(&mut wire)?;
        self.process()?;
        Ok(amount)
    }

    /// Decrypts what has arrived; an error stays one.
    fn process(&mut self) -> io::Result<()> {
        let Err(error) = self.connection.process_new_packets() else {
            return Ok(());
        };
        // The other side is told why, if it still listens.
        let _ = self.flush(&Limit::grace());
        let peer = self.peer.clone();
        Err(io::Error::other(Insecure { peer, error }))
    }

    fn has_plaintext(&mut self) -> io::Result<Arrived> {
        let state = match self.connection.process_new_packets() {
            Ok(state) => state,
            Err(error) => return Err(io::Error::other(error)),
        };
        Ok(if state.plaintext_bytes_to_read() > 0 {
            Arrived::Bytes
        } else if state.peer_has_closed() {
            Arrived::End
        } else {
            Arrived::Nothing
        })
    }
}

impl Link for Secure {
    fn read(&mut self, into: &mut [u8], limit: &Limit) -> io::Result<usize> {
        loop {
            match self.connection.reader().read(into) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                other => return other,
            }
            self.process()?;
            match self.flush(limit) {
                Err(error) if !Answered::is(&error) => return Err(error),
                _ => {}
            }
            if let Err(error) = self.receive(limit) {
                // What was decrypted before the failure counts: it may be a verdict.
                return match self.connection.reader().read(into) {
                    Ok(amount) if amount > 0 => Ok(amount),
                    _ => Err(error),
                };
            }
        }
    }

    fn write(&mut self, bytes: &[u8], limit: &Limit) -> io::Result<usize> {
        let amount = self.connection.writer().write(bytes)?;
        loop {
            match self.flush(limit) {
                Ok(()) => return Ok(amount),
                // What arrived may be TLS's own business.
                Err(error) if Answered::is(&error) => {
                    self.receive(limit)?;
                    if self.has_plaintext()? != Arrived::Nothing {
                        return Err(error);
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn arrived(&mut self) -> Arrived {
        loop {
            match self.has_plaintext() {
                Ok(Arrived::Nothing) => {}
                Ok(arrived) => return arrived,
                Err(_) => return Arrived::End,
            }
            match self.link.arrived() {
                Arrived::Bytes => {
                    if self.receive(&Limit::grace()).is_err() {
                        return Arrived::End;
                    }
                }
                other => return other,
            }
        }
    }
}

/// What TLS reads from and writes to.
struct Wire<'a, 'b> {
    link: &'a mut dyn Link,
    limit: &'a Limit<'b>,
}

impl Read for Wire<'_, '_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.link.read(into, self.limit)
    }
}

impl Write for Wire<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.link.write(bytes, self.limit)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Display for Insecure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.peer, self.error)
    }
}

impl std::error::Error for Insecure {}

impl Insecure {
    pub fn into_failure(self) -> Failure {
        let words = match &self.error {
            rustls::Error::InvalidCertificate(problem) => certificate_words(problem),
            rustls::Error::InvalidMessage(_) => "what it answers is not TLS. If it speaks plain \
                 HTTP, the URL begins with http://; else check the port"
                .to_owned(),
            rustls::Error::AlertReceived(alert) => alert_words(*alert),
            other => other.to_string(),
        };
        let peer = self.peer;
        Failure::new(
            Kind::Tls,
            format!("the connection to {peer} cannot be secured: {words}."),
        )
    }
}

fn certificate_words(problem: &CertificateError) -> String {
    match problem {
        CertificateError::ExpiredContext { time, not_after } => format!(
            "its certificate expired on {}, and this machine's clock says {}",
            date(*not_after),
            date(*time)
        ),
        CertificateError::NotValidYetContext { time, not_before } => format!(
            "its certificate is not valid before {}, and this machine's clock says {}",
            date(*not_before),
            date(*time)
        ),
        CertificateError::NotValidForNameContext {
            expected,
            presented,
        } => format!(
            "its certificate is for another name: {} was asked for, and it names {}. Use one of \
             its names in the URL",
            expected.to_str(),
            names(presented)
        ),
        // A known name with another key is an authority that was made anew.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "its certificate comes from an authority that is not trusted here. If that is a \
             private one, name the file of its certificate in ca_file (VERSIONER_CA_FILE) or \
             SSL_CERT_FILE"
                .to_owned()
        }
        CertificateError::Revoked => "its certificate was revoked".to_owned(),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "its certificate is not one for servers".to_owned()
        }
        CertificateError::Other(other) if is_authority(other) => "it shows the certificate of an \
             authority (CA:TRUE) as its own. Give the server a certificate of its own, signed by \
             that authority"
            .to_owned(),
        other => format!("its certificate cannot be accepted ({other})"),
    }
}

fn is_authority(error: &rustls::OtherError) -> bool {
    let cause = error.0.downcast_ref::<webpki::Error>();
    cause == Some(&webpki::Error::CaUsedAsEndEntity)
}

/// `DnsName("a.example")` of the HTTP library's debug text becomes `a.example`.
fn names(presented: &[String]) -> String {
    if presented.is_empty() {
        return "nobody".to_owned();
    }
    let plain = presented.iter().map(|name| {
        let inner = name.split_once('(').map_or(name.as_str(), |(_, rest)| rest);
        inner.trim_end_matches(')').trim_matches('"')
    });
    plain.take(10).collect::<Vec<_>>().join(", ")
}

fn alert_words(alert: AlertDescription) -> String {
    match alert {
        AlertDescription::CertificateRequired => "it asks for a client certificate. Name its file \
             in client_cert (VERSIONER_CLIENT_CERT)"
            .to_owned(),
        AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateRevoked
        | AlertDescription::CertificateExpired
        | AlertDescription::CertificateUnknown
        | AlertDescription::UnknownCA
        | AlertDescription::AccessDenied => {
            format!("it does not accept the client certificate ({alert:?})")
        }
        AlertDescription::ProtocolVersion | AlertDescription::HandshakeFailure => format!(
            "it speaks no version or cipher of TLS that is safe ({alert:?}); TLS 1.2 or 1.3 is \
             required"
        ),
        AlertDescription::UnrecognisedName => {
            "it does not know the host that it was asked for (unrecognized name)".to_owned()
        }
        other => format!("it ended the handshake ({other:?})"),
    }
}

fn date(time: UnixTime) -> String {
    /// The first second of the year 10000, which an HTTP date cannot tell.
    const END: u64 = 253_402_300_800;
    let seconds = time.as_secs().min(END - 1);
    httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
}
