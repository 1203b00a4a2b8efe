//! TLS on the server's own connections.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use tempfile::TempDir;

use crate::process::Process;
use crate::support::Client;

/// Writes a certificate for `localhost` and its key, and answers the certificate.
fn certify(folder: &Path) -> CertificateDer<'static> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    std::fs::write(folder.join("cert.pem"), made.cert.pem()).unwrap();
    made.cert.der().clone()
}

fn start(folder: &Path, data: &Path) -> Process {
    let (certificate, key) = (folder.join("cert.pem"), folder.join("key.pem"));
    let arguments = [
        "--tls-cert",
        certificate.to_str().unwrap(),
        "--tls-key",
        key.to_str().unwrap(),
    ];
    Process::start_with(data, &arguments)
}

/// What the server answers to a client that trusts this certificate alone.
fn health(server: &Process, trusted: &CertificateDer<'static>) -> Result<String, std::io::Error> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let stream = TcpStream::connect(server.url.trim_start_matches("https://"))?;
    let mut stream = StreamOwned::new(connection, stream);
    stream.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

#[test]
fn health_asks_a_server_with_a_certificate_for_another_name() {
    let (folder, data) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    certify(folder.path());
    let server = start(folder.path(), data.path());
    let asked = std::process::Command::new(crate::process::PROGRAM)
        .args([
            "health",
            "--listen",
            server.url.trim_start_matches("https://"),
        ])
        .arg("--tls-cert")
        .arg(folder.path().join("cert.pem"))
        .output()
        .unwrap();
    assert!(
        asked.status.success(),
        "{}",
        String::from_utf8_lossy(&asked.stderr)
    );
}

#[test]
fn prometheus_is_shown_when_the_certificate_is_over() {
    let (folder, data) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let mut parameters = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
    parameters.not_after = rcgen::date_time_ymd(2031, 2, 3);
    let key = rcgen::KeyPair::generate().unwrap();
    let made = parameters.self_signed(&key).unwrap();
    let (certificate, key_file) = (
        folder.path().join("cert.pem"),
        folder.path().join("key.pem"),
    );
    std::fs::write(&certificate, made.pem()).unwrap();
    std::fs::write(&key_file, key.serialize_pem()).unwrap();
    let arguments = [
        "--metrics",
        "127.0.0.1:0",
        "--tls-cert",
        certificate.to_str().unwrap(),
        "--tls-key",
        key_file.to_str().unwrap(),
    ];
    let mut server = Process::start_with(data.path(), &arguments);
    let metrics = server.metrics.clone().expect("an address for metrics");
    let nobody = Client::new(metrics.trim_end_matches("/metrics"), "");
    let shown = || {
        let shown = nobody.try_send("GET", "/metrics", &[], b"").unwrap().text;
        let line = shown
            .lines()
            .find(|line| line.starts_with("versioner_certificate_expires"));
        line.and_then(|line| line.split(' ').nth(1))
            .map(str::to_owned)
    };
    let second = |time: &str| {
        time.parse::<jiff::Timestamp>()
            .unwrap()
            .as_second()
            .to_string()
    };
    assert_eq!(shown(), Some(second("2031-02-03T00:00:00Z")));
    // Also of the next one, once it is read.
    parameters.not_after = rcgen::date_time_ymd(2032, 2, 3);
    let made = parameters.self_signed(&key).unwrap();
    std::fs::write(&certificate, made.pem()).unwrap();
    server.signal("HUP");
    let began = Instant::now();
    while shown() != Some(second("2032-02-03T00:00:00Z")) {
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "it was not read again"
        );
        std::thread::yield_now();
    }
}

#[test]
fn a_certificate_is_read_again_and_a_broken_one_is_not_taken() {
    let (folder, data) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let first = certify(folder.path());
    let mut server = start(folder.path(), data.path());
    assert!(server.url.starts_with("https://"));
    // Somebody who begins no handshake holds nobody up.
    let _silent = TcpStream::connect(server.url.trim_start_matches("https://")).unwrap();
    assert!(health(&server, &first).unwrap().starts_with("HTTP/1.1 200"));

    let second = certify(folder.path());
    server.signal("HUP");
    let began = Instant::now();
    while health(&server, &second).is_err() {
        assert!(began.elapsed() < Duration::from_secs(30), "not read again");
    }
    assert!(health(&server, &first).is_err());

    std::fs::write(folder.path().join("cert.pem"), "no certificate").unwrap();
    server.signal("HUP");
    assert!(
        health(&server, &second)
            .unwrap()
            .starts_with("HTTP/1.1 200")
    );
    server.signal("TERM");
    assert!(server.child.wait().unwrap().success());
}

#[test]
fn a_start_with_half_a_pair_or_a_wrong_file_says_what_is_missing() {
    let (folder, data) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    certify(folder.path());
    let run = |arguments: &[&str]| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_versioner-server"))
            .args(["--listen", "127.0.0.1:0", "--data"])
            .arg(data.path())
            .args(arguments)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "{text}");
        text
    };
    let (certificate, key) = (
        folder.path().join("cert.pem"),
        folder.path().join("key.pem"),
    );
    let (certificate, key) = (certificate.to_str().unwrap(), key.to_str().unwrap());
    assert!(run(&["--tls-cert", certificate]).contains("--tls-key"));
    assert!(run(&["--tls-cert", key, "--tls-key", key]).contains("holds no certificate"));
    assert!(run(&["--tls-cert", "/nowhere", "--tls-key", key]).contains("/nowhere"));
}
