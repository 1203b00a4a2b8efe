//! A connection to whom an address names, to nobody else.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use url::{Host, Url};

use super::Outgoing;
use super::error::OutgoingError;
use super::guard::{LINK_LOCAL, Standing, standing};

/// How many addresses of a name are tried.
const ADDRESSES: usize = 4;
/// How long one of them has, if there are others.
const ADDRESS_PATIENCE: Duration = Duration::from_secs(3);
/// The longest head of a proxy's answer.
const PROXY_HEAD: usize = 8 * 1024;

/// What bytes go over.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// An open connection.
pub struct Connection {
    /// What bytes go over.
    pub stream: Box<dyn Stream>,
    /// Whether the other side is in a private network that is allowed, or nobody knows.
    pub is_private: bool,
    /// Whether requests name their address in full, as a proxy wants it.
    pub by_proxy: bool,
}

/// A proxy that all calls go through.
#[derive(Clone)]
pub struct Proxy {
    host: String,
    port: u16,
    /// The name and the password, as the header has them.
    credentials: Option<String>,
}

impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Proxy({}:{})", self.host, self.port)
    }
}

impl Proxy {
    /// Reads `http://HOST:PORT`, with `USER:PASSWORD@` before the host if the proxy asks for it.
    ///
    /// # Errors
    /// What is wrong with it, without its password.
    pub fn parse(text: &str) -> Result<Proxy, String> {
        let wrong = "write http://HOST:PORT or http://USER:PASSWORD@HOST:PORT";
        let url = Url::parse(text.trim()).map_err(|_| format!("it is no address; {wrong}"))?;
        let (Some(host), "http", "/") = (url.host(), url.scheme(), url.path()) else {
            return Err(format!("it is no address of an HTTP proxy; {wrong}"));
        };
        let plain = |text: &str| {
            let pair = format!("x={}", text.replace('+', "%2B"));
            let read = form_urlencoded::parse(pair.as_bytes()).next();
            read.map(|(_, value)| value.into_owned())
                .unwrap_or_default()
        };
        let (user, password) = (
            plain(url.username()),
            plain(url.password().unwrap_or_default()),
        );
        Ok(Proxy {
            host: bare(&host),
            port: url.port_or_known_default().unwrap_or(80),
            credentials: (!user.is_empty())
                .then(|| format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))),
        })
    }

    /// The header by which the proxy knows who asks.
    pub fn credentials(&self) -> Option<&str> {
        self.credentials.as_deref()
    }
}

/// A host without the brackets of IPv6.
fn bare(host: &Host<&str>) -> String {
    match host {
        Host::Domain(name) => (*name).to_owned(),
        Host::Ipv4(address) => address.to_string(),
        Host::Ipv6(address) => address.to_string(),
    }
}

impl Outgoing {
    /// A connection to the host of `url`, encrypted if the address says so. A host that is `named` in the
    /// settings of the machine may be in a private network.
    pub(super) async fn open(
        &self,
        url: &Url,
        named: Option<&str>,
    ) -> Result<Connection, OutgoingError> {
        let host = url.host().ok_or(OutgoingError::Url("it has no host"))?;
        let port = url
            .port_or_known_default()
            .ok_or(OutgoingError::Url("it has no port"))?;
        let encrypted = matches!(url.scheme(), "https" | "wss");
        let (stream, is_private, by_proxy) = match &self.proxy {
            Some(proxy) => {
                let stream = self.through(proxy, &host, port, encrypted, named).await?;
                (stream, true, !encrypted)
            }
            None => {
                let (stream, is_private) = self.reach(&host, port, named).await?;
                (stream, is_private, false)
            }
        };
        let stream: Box<dyn Stream> = match encrypted {
            true => Box::new(self.encrypt(&host, stream).await?),
            false => Box::new(stream),
        };
        Ok(Connection {
            stream,
            is_private,
            by_proxy,
        })
    }

    /// A connection to one of the addresses of `host` that may be called; and whether it is private.
    async fn reach(
        &self,
        host: &Host<&str>,
        port: u16,
        named: Option<&str>,
    ) -> Result<(TcpStream, bool), OutgoingError> {
        let name = bare(host);
        let addresses = match host {
            Host::Ipv4(address) => vec![IpAddr::V4(*address)],
            Host::Ipv6(address) => vec![IpAddr::V6(*address)],
            Host::Domain(domain) => self.resolver.resolve(domain).await.map_err(|error| {
                let reason = error.to_string();
                OutgoingError::Unknown {
                    host: name.clone(),
                    reason,
                }
            })?,
        };
        let is_named = named == Some(name.as_str());
        let mut may = Vec::new();
        let mut refused = None;
        for address in addresses {
            let address = address.to_canonical();
            match standing(&self.allowed, address, port) {
                Standing::Public => may.push((address, false)),
                Standing::Allowed => may.push((address, true)),
                Standing::Refused(what) if is_named && what != LINK_LOCAL => {
                    may.push((address, true));
                }
                Standing::Refused(what) => {
                    tracing::warn!(host = name, %address, what, "an address is not called");
                    refused = Some(what);
                }
            }
        }
        match (may.is_empty(), refused) {
            (true, Some(what)) => return Err(OutgoingError::Refused { host: name, what }),
            (true, None) => {
                let reason = "it has no address".to_owned();
                return Err(OutgoingError::Unknown { host: name, reason });
            }
            _ => {}
        }
        may.truncate(ADDRESSES);
        let mut reason = String::new();
        let count = may.len();
        for (index, (address, is_private)) in may.into_iter().enumerate() {
            let connect = TcpStream::connect(SocketAddr::new(address, port));
            let connected = match index + 1 < count {
                true => tokio::time::timeout(ADDRESS_PATIENCE, connect).await,
                false => Ok(connect.await),
            };
            match connected {
                Ok(Ok(stream)) => return Ok((stream, is_private)),
                Ok(Err(error)) => reason = error.to_string(),
                Err(_) => reason = "nobody answers".to_owned(),
            }
        }
        Err(OutgoingError::Unreachable { host: name, reason })
    }

    /// A connection through the proxy. Where names lead, it alone knows; addresses are looked at here.
    async fn through(
        &self,
        proxy: &Proxy,
        host: &Host<&str>,
        port: u16,
        encrypted: bool,
        named: Option<&str>,
    ) -> Result<TcpStream, OutgoingError> {
        let name = bare(host);
        let address = match host {
            Host::Ipv4(address) => Some(IpAddr::V4(*address)),
            Host::Ipv6(address) => Some(IpAddr::V6(*address)),
            Host::Domain(domain) if is_local(domain) => Some(IpAddr::from([127, 0, 0, 1])),
            Host::Domain(_) => None,
        };
        let standing = address.map(|address| standing(&self.allowed, address, port));
        if let Some(Standing::Refused(what)) = standing
            && named != Some(name.as_str())
        {
            return Err(OutgoingError::Refused { host: name, what });
        }
        let failed = |reason: String| OutgoingError::Proxy {
            host: name.clone(),
            reason,
        };
        let at = (proxy.host.as_str(), proxy.port);
        let mut stream = TcpStream::connect(at)
            .await
            .map_err(|error| failed(error.to_string()))?;
        if encrypted {
            let target = format!("{host}:{port}");
            tunnel(&mut stream, proxy, &target).await.map_err(failed)?;
        }
        Ok(stream)
    }

    async fn encrypt(
        &self,
        host: &Host<&str>,
        stream: TcpStream,
    ) -> Result<tokio_rustls::client::TlsStream<TcpStream>, OutgoingError> {
        let name = bare(host);
        let failed = |reason: String| OutgoingError::Tls {
            host: bare(host),
            reason,
        };
        let server = ServerName::try_from(name).map_err(|error| failed(error.to_string()))?;
        let connector = TlsConnector::from(self.tls()?);
        let connected = connector.connect(server, stream).await;
        connected.map_err(|error| failed(error.to_string()))
    }
}

fn is_local(domain: &str) -> bool {
    let domain = domain.trim_end_matches('.');
    domain == "localhost" || domain.ends_with(".localhost")
}

/// Asks the proxy for a connection to `target`.
async fn tunnel(stream: &mut TcpStream, proxy: &Proxy, target: &str) -> Result<(), String> {
    let credentials = proxy
        .credentials()
        .map(|text| format!("Proxy-Authorization: {text}\r\n"))
        .unwrap_or_default();
    let request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{credentials}\r\n");
    let broken = |error: std::io::Error| error.to_string();
    stream.write_all(request.as_bytes()).await.map_err(broken)?;
    let mut head = Vec::new();
    // Byte by byte: what comes after the head is the other side's.
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() == PROXY_HEAD {
            return Err("its answer is too long".to_owned());
        }
        head.push(stream.read_u8().await.map_err(broken)?);
    }
    let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    match line.split(' ').nth(1) {
        Some(status) if status.starts_with('2') => Ok(()),
        _ => Err(format!("it answers {line:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_read_without_showing_its_password() {
        let proxy = Proxy::parse("http://ada:p%40ss+w@proxy.example.com:3128").unwrap();
        assert_eq!(format!("{proxy:?}"), "Proxy(proxy.example.com:3128)");
        let expected = format!("Basic {}", STANDARD.encode("ada:p@ss+w"));
        assert_eq!(proxy.credentials(), Some(expected.as_str()));
        for wrong in [
            "proxy:3128",
            "https://proxy",
            "http://secret@",
            "http://p/x",
        ] {
            let error = Proxy::parse(wrong).unwrap_err();
            assert!(
                error.contains("http://HOST:PORT") && !error.contains("secret@"),
                "{error}"
            );
        }
    }
}
