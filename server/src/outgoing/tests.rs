//! The client against others who do not behave.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Mutex;

use futures_util::future::BoxFuture;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::PrivatePkcs8KeyDer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::*;

/// Answers each question with the next of these, and then with the last.
struct Names(Mutex<Vec<Vec<IpAddr>>>);

impl Names {
    fn of(answers: &[&[&str]]) -> Arc<Names> {
        let read = |one: &&[&str]| one.iter().map(|text| text.parse().unwrap()).collect();
        Arc::new(Names(Mutex::new(answers.iter().map(read).collect())))
    }
}

impl Resolver for Names {
    fn resolve<'a>(&'a self, host: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        assert_ne!(host, "", "a name");
        let mut answers = self.0.lock().unwrap();
        let answer = match answers.len() {
            1 => answers[0].clone(),
            _ => answers.remove(0),
        };
        Box::pin(async move { Ok(answer) })
    }
}

/// What a server says of each connection, and then it waits for ever or closes.
#[derive(Clone, Copy)]
enum Does {
    Says(&'static str),
    Endless(&'static str),
    Repeats(&'static str),
    Nothing,
}

/// A server on loopback that keeps the last request.
async fn server(does: Does) -> (SocketAddr, Arc<Mutex<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let seen = Arc::new(Mutex::new(String::new()));
    let kept = seen.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let kept = kept.clone();
            tokio::spawn(async move { talk(stream, does, &kept).await });
        }
    });
    (address, seen)
}

async fn talk(mut stream: TcpStream, does: Does, seen: &Mutex<String>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    *seen.lock().unwrap() = String::from_utf8(head).unwrap();
    match does {
        Does::Nothing => std::future::pending().await,
        Does::Says(text) => {
            // The other side may have enough of it before the end.
            let _ = stream.write_all(text.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
        Does::Repeats(text) => while stream.write_all(text.as_bytes()).await.is_ok() {},
        Does::Endless(start) => {
            let _ = stream.write_all(start.as_bytes()).await;
            while stream.write_all(b"drop by drop").await.is_ok() {
                tokio::task::yield_now().await;
            }
        }
    }
}

fn allowing(port: u16) -> Outgoing {
    let net = format!("127.0.0.1:{port}").parse().unwrap();
    Outgoing::default().allowing(vec![net])
}

fn get(url: &str) -> Request<Bytes> {
    Request::get(url).body(Bytes::new()).unwrap()
}

/// Long enough for whoever answers.
const LONG: Duration = Duration::from_secs(60);
/// For whoever never does.
const SHORT: Duration = Duration::from_millis(50);

fn terms(time: Duration, wanted: Wanted) -> Terms<'static> {
    Terms {
        time,
        wanted,
        named: None,
    }
}

async fn ask(does: Does, time: Duration, wanted: Wanted) -> Result<Answer, OutgoingError> {
    let (address, _) = server(does).await;
    let url = format!("http://{address}/hook?x=1");
    let client = allowing(address.port());
    client.send(get(&url), terms(time, wanted)).await
}

#[tokio::test]
async fn a_request_arrives_and_its_answer_comes_back() {
    let (address, seen) = server(Does::Says("HTTP/1.1 201 Created\r\nX-A: b\r\n\r\nhi")).await;
    let names = Names::of(&[&["127.0.0.1"]]);
    let client = allowing(address.port()).resolving(names);
    let url = format!("http://hooks.example.com:{}/hook/%7Ba?x=1", address.port());
    let request = Request::post(&url).body(Bytes::from("body")).unwrap();
    let answer = client.send(request, terms(LONG, Wanted::Whole(9))).await;
    let answer = answer.unwrap();
    assert_eq!(
        (answer.status.as_u16(), &answer.body[..]),
        (201, &b"hi"[..])
    );
    assert_eq!(answer.headers["x-a"], "b");
    assert_eq!(
        answer.excerpt(),
        None,
        "nothing of a private network is shown"
    );
    let seen = seen.lock().unwrap().to_lowercase();
    assert!(
        seen.starts_with("post /hook/%7ba?x=1 http/1.1\r\n"),
        "{seen}"
    );
    let host = format!("host: hooks.example.com:{}\r\n", address.port());
    assert!(
        seen.contains(&host) && seen.contains("content-length: 4"),
        "{seen}"
    );
}

#[tokio::test]
async fn every_spelling_of_a_private_address_is_refused() {
    let client = Outgoing::default().resolving(Names::of(&[&["127.0.0.1"]]));
    for host in [
        "127.0.0.1",
        "127.1",
        "0x7f.0.0.1",
        "0x7f000001",
        "2130706433",
        "017700000001",
        "0177.0.0.1",
        "127。0。0。1",
        "①②⑦.0.0.1",
        "0",
        "localhost",
        "LOCALHOST.",
        "hooks.example.com",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[0:0:0:0:0:ffff:a9fe:a9fe]",
        "[64:ff9b::a9fe:a9fe]",
        "[2002:7f00:1::]",
        "[fd00:ec2::254]",
        "169.254.169.254",
        "0xa9fea9fe",
        "2852039166",
    ] {
        let url = Outgoing::read_url(&format!("http://{host}/")).unwrap();
        let answer = client
            .send(get(url.as_str()), terms(LONG, Wanted::Beginning))
            .await;
        let error = answer.unwrap_err();
        assert!(
            matches!(error, OutgoingError::Refused { .. }),
            "{host}: {error}"
        );
        assert!(error.to_string().contains("--webhook-allow-net"), "{error}");
    }
}

#[tokio::test]
async fn an_address_that_is_none_is_refused_with_the_reason() {
    for (url, reason) in [
        ("hooks.example.com", "it is none"),
        ("ftp://example.com/", "neither https://"),
        ("file:///etc/passwd", "neither https://"),
        ("https://ada:s3cret@example.com/", "a name or a password"),
        ("https://example.com/#part", "after #"),
        ("http://", "it is none"),
        ("http://127.0.0.1:99999/", "it is none"),
        ("http://[::1/", "it is none"),
    ] {
        let error = Outgoing::read_url(url).unwrap_err().to_string();
        assert!(
            error.contains(reason) && !error.contains("s3cret"),
            "{url}: {error}"
        );
    }
}

#[tokio::test]
async fn a_name_that_changes_its_address_is_looked_at_each_time() {
    let (address, _) = server(Does::Says("HTTP/1.1 200 OK\r\n\r\n")).await;
    let names = Names::of(&[
        &["127.0.0.1"],
        &["169.254.169.254"],
        &["127.0.0.2", "10.0.0.1"],
    ]);
    let client = allowing(address.port()).resolving(names);
    let url = format!("http://rebinds.example.com:{}/", address.port());
    let first = client.send(get(&url), terms(LONG, Wanted::Beginning)).await;
    assert_eq!(first.unwrap().status, 200);
    for _ in 0..2 {
        let next = client.send(get(&url), terms(LONG, Wanted::Beginning)).await;
        assert!(
            matches!(next, Err(OutgoingError::Refused { .. })),
            "{next:?}"
        );
    }
}

#[tokio::test]
async fn of_several_addresses_only_those_that_are_allowed_are_called() {
    let (address, _) = server(Does::Says("HTTP/1.1 204 No Content\r\n\r\n")).await;
    let names = Names::of(&[&["169.254.169.254", "::1", "127.0.0.1"]]);
    let client = allowing(address.port()).resolving(names);
    let url = format!("http://both.example.com:{}/", address.port());
    let answer = client.send(get(&url), terms(LONG, Wanted::Beginning)).await;
    assert_eq!(answer.unwrap().status, 204);
}

#[tokio::test]
async fn a_host_that_the_settings_name_may_be_private_but_not_the_clouds_own() {
    let (address, _) = server(Does::Says("HTTP/1.1 200 OK\r\n\r\nyes")).await;
    let named = |named: &'static str| Terms {
        named: Some(named),
        ..terms(LONG, Wanted::Whole(9))
    };
    let names = Names::of(&[&["127.0.0.1"], &["127.0.0.1"], &["169.254.169.254"]]);
    let client = Outgoing::default().resolving(names);
    let url = format!("http://login.example.com:{}/", address.port());
    let answer = client.send(get(&url), named("login.example.com")).await;
    assert_eq!(answer.unwrap().body, "yes");
    for named_host in ["other.example.com", "login.example.com"] {
        let answer = client.send(get(&url), named(named_host)).await;
        assert!(
            matches!(answer, Err(OutgoingError::Refused { .. })),
            "{answer:?}"
        );
    }
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let to_metadata =
        "HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/latest/\r\n\r\nsee there";
    let answer = ask(Does::Says(to_metadata), LONG, Wanted::Beginning).await;
    let answer = answer.unwrap();
    assert_eq!(
        (answer.status.as_u16(), &answer.body[..]),
        (302, &b"see there"[..])
    );
}

#[tokio::test]
async fn whoever_does_not_answer_in_time_is_given_up() {
    for does in [
        Does::Nothing,
        Does::Endless("HTTP/1.1 200 OK\r\nX-Long: "),
        Does::Endless(""),
    ] {
        let answer = ask(does, Duration::from_millis(500), Wanted::Beginning).await;
        let gave_up = matches!(
            answer,
            Err(OutgoingError::Slow { .. } | OutgoingError::Broken { .. })
        );
        assert!(gave_up, "{answer:?}");
    }
    let answer = ask(Does::Nothing, SHORT, Wanted::Beginning).await;
    let error = answer.unwrap_err().to_string();
    assert_eq!(error, "127.0.0.1 did not answer within 0.05 seconds");
}

#[tokio::test]
async fn the_beginning_of_an_endless_body_is_enough() {
    let endless = Does::Endless("HTTP/1.1 200 OK\r\n\r\n");
    let answer = ask(endless, LONG, Wanted::Beginning).await.unwrap();
    assert_eq!((answer.status.as_u16(), answer.body.len()), (200, EXCERPT));
    let error = ask(endless, LONG, Wanted::Whole(4096)).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the answer of 127.0.0.1 is larger than 4096 bytes"
    );
    // Nothing of what was promised comes: the status says enough.
    let promised = Does::Says("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhalf");
    let answer = ask(promised, LONG, Wanted::Beginning).await.unwrap();
    assert_eq!(answer.body, "half");
    let answer = ask(promised, LONG, Wanted::Whole(99)).await;
    assert!(
        matches!(answer, Err(OutgoingError::Broken { .. })),
        "{answer:?}"
    );
}

#[tokio::test]
async fn whoever_announces_an_answer_again_and_again_is_given_up_before_the_time() {
    for announced in [
        "HTTP/1.1 100 Continue\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n",
    ] {
        let answer = ask(Does::Repeats(announced), LONG, Wanted::Beginning).await;
        let error = answer.unwrap_err();
        assert!(matches!(error, OutgoingError::Broken { .. }), "{error}");
        assert!(error.to_string().contains("may have"), "{error}");
    }
}

#[tokio::test]
async fn what_is_no_http_is_an_error() {
    for text in ["", "SSH-2.0-OpenSSH_9.2\r\n", "HTTP/1.1 9999 Odd\r\n\r\n"] {
        let answer = ask(Does::Says(text), LONG, Wanted::Beginning).await;
        assert!(
            matches!(answer, Err(OutgoingError::Broken { .. })),
            "{answer:?}"
        );
    }
}

#[tokio::test]
async fn nobody_at_an_address_is_an_error_that_names_the_host() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let url = format!("http://{address}/s3cret");
    let client = allowing(address.port());
    let error = client.send(get(&url), terms(LONG, Wanted::Beginning)).await;
    let error = error.unwrap_err().to_string();
    assert!(
        error.starts_with("127.0.0.1 cannot be reached: "),
        "{error}"
    );
    assert!(!error.contains("s3cret"), "{error}");
}

/// A proxy that answers by itself and keeps what it is asked.
#[tokio::test]
async fn a_proxy_is_asked_for_everything_and_knows_who_asks() {
    let (address, seen) = server(Does::Says("HTTP/1.1 200 OK\r\n\r\nfrom the proxy")).await;
    let proxy = Proxy::parse(&format!("http://ada:pw@{address}")).unwrap();
    let client = Outgoing::default().through_proxy(Some(proxy));
    let wanted = terms(LONG, Wanted::Whole(99));
    let answer = client
        .send(get("http://hooks.example.com/a?b"), wanted)
        .await;
    assert_eq!(answer.unwrap().body, "from the proxy");
    let request = seen.lock().unwrap().clone();
    assert!(
        request.starts_with("GET http://hooks.example.com/a?b HTTP/1.1\r\n"),
        "{request}"
    );
    assert!(
        request.contains("proxy-authorization: Basic YWRhOnB3\r\n"),
        "{request}"
    );
    // The proxy is no way around.
    for url in [
        "http://169.254.169.254/",
        "https://localhost/",
        "http://[::1]/",
    ] {
        let answer = client.send(get(url), wanted).await;
        assert!(
            matches!(answer, Err(OutgoingError::Refused { .. })),
            "{url}: {answer:?}"
        );
    }
    let answer = client.send(get("https://hooks.example.com/"), wanted).await;
    assert!(
        matches!(answer, Err(OutgoingError::Tls { .. })),
        "{answer:?}"
    );
    let request = seen.lock().unwrap().clone();
    assert!(
        request.starts_with("CONNECT hooks.example.com:443 HTTP/1.1\r\n"),
        "{request}"
    );
    assert!(
        request.contains("Proxy-Authorization: Basic YWRhOnB3\r\n"),
        "{request}"
    );
}

#[tokio::test]
async fn a_proxy_that_refuses_is_an_error() {
    let (address, _) = server(Does::Says("HTTP/1.1 403 Forbidden\r\n\r\n")).await;
    let proxy = Proxy::parse(&format!("http://{address}")).unwrap();
    let client = Outgoing::default().through_proxy(Some(proxy));
    let answer = client
        .send(
            get("https://hooks.example.com/"),
            terms(LONG, Wanted::Beginning),
        )
        .await;
    let error = answer.unwrap_err().to_string();
    assert!(error.contains("403 Forbidden"), "{error}");
}

#[tokio::test]
async fn a_connection_is_encrypted_to_whom_the_name_is_and_to_nobody_else() {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["hooks.example.com".to_owned()]).unwrap();
    let key = PrivatePkcs8KeyDer::from(signing_key.serialize_der()).into();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let acceptor = TlsAcceptor::from(Arc::new(config));
        while let Ok((stream, _)) = listener.accept().await {
            if let Ok(mut stream) = acceptor.accept(stream).await {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nsafe").await;
                let _ = stream.shutdown().await;
            }
        }
    });
    let mut roots = RootCertStore::empty();
    roots.add(cert.der().clone()).unwrap();
    let client = allowing(port).resolving(Names::of(&[&["127.0.0.1"]]));
    let client = client.trusting(roots).unwrap();
    let wanted = terms(LONG, Wanted::Whole(9));
    let url = |host: &str| get(&format!("https://{host}:{port}/"));
    let answer = client.send(url("hooks.example.com"), wanted).await;
    assert_eq!(answer.unwrap().body, "safe");
    let answer = client.send(url("other.example.com"), wanted).await;
    let error = answer.unwrap_err();
    assert!(matches!(error, OutgoingError::Tls { .. }), "{error}");
}

#[test]
fn an_excerpt_is_short_text() {
    let answer = |body: Vec<u8>, is_private| Answer {
        status: StatusCode::OK,
        headers: HeaderMap::new(),
        body: body.into(),
        is_private,
    };
    let shown = answer(b"fine\n\0\x1b[2J".to_vec(), false).excerpt();
    assert_eq!(shown.as_deref(), Some("fine\n\u{fffd}\u{fffd}[2J"));
    let long = answer([0xff; 5000].to_vec(), false).excerpt().unwrap();
    assert!(long.len() <= EXCERPT, "{}", long.len());
    assert_eq!(answer(b"secret".to_vec(), true).excerpt(), None);
    assert_eq!(answer(Vec::new(), false).excerpt(), None);
}
