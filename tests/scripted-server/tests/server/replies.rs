//! The service's side: scripted answers, good and bad, as they arrive at a client.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support;
use crate::support::{Post, connect, differences, exchange, server, start};

/// What comes back for a right request, until the connection ends.
fn answer(reply: &Value) -> String {
    let server = server(&json!({"replies": [reply]}));
    let start = start(&server, "rust");
    Post::right(&start).send(&server)
}

fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}

#[test]
fn status_reason_headers_and_body_are_sent() {
    let answer = answer(&json!({
        "status": 429, "reason": "Slow Down", "headers": {"Retry-After": "2"}, "json": {"n": 1},
    }));
    assert!(answer.starts_with("HTTP/1.1 429 Slow Down\r\n"), "{answer}");
    assert!(answer.contains("\r\nRetry-After: 2\r\n"), "{answer}");
    assert!(answer.contains("\r\nContent-Length: 7\r\n"), "{answer}");
    assert_eq!(body(&answer), r#"{"n":1}"#);
}

#[test]
fn every_form_of_body_is_sent() {
    for (reply, expected) in [
        (json!({"body": "text"}), "text"),
        (json!({"body_base64": "Ynl0ZXM="}), "bytes"),
        (json!({"body_repeat": {"text": "ab", "times": 3}}), "ababab"),
        (json!({"json": null}), "null"),
        (
            json!({"body": "abcdef", "chunked": true}),
            "2\r\nab\r\n2\r\ncd\r\n2\r\nef\r\n0\r\n\r\n",
        ),
        (json!({"status": 204}), ""),
        (json!({"close": true}), ""),
    ] {
        assert_eq!(body(&answer(&reply)), expected, "{reply}");
    }
}

#[test]
fn broken_answers_are_broken() {
    let truncated = answer(&json!({"body": "text", "truncate": true}));
    assert!(
        truncated.contains("Content-Length: 1004\r\n"),
        "{truncated}"
    );
    assert_eq!(body(&truncated), "text");
    assert_eq!(answer(&json!({"garbage": "bm90IGh0dHA="})), "not http");
    assert_eq!(answer(&json!({"close": true})), "");
}

#[test]
fn an_endless_body_goes_on_until_the_client_hangs_up() {
    let server = server(&json!({"replies": [{"body": "x", "endless": true}]}));
    let start = start(&server, "rust");
    let mut stream = connect(&server.url());
    send(&mut stream, &Post::right(&start));
    let mut megabyte = vec![0; 1 << 20];
    stream.read_exact(&mut megabyte).expect("there is more");
}

#[test]
fn a_hanging_answer_never_comes() {
    let server = server(&json!({"replies": [{"hang": true}]}));
    let start = start(&server, "rust");
    let mut stream = connect(&server.url());
    let patience = Some(Duration::from_millis(50));
    stream.set_read_timeout(patience).expect("a timeout is set");
    send(&mut stream, &Post::right(&start));
    let kind = stream.read(&mut [0]).map_err(|error| error.kind());
    assert!(
        matches!(kind, Err(ErrorKind::WouldBlock | ErrorKind::TimedOut)),
        "{kind:?}"
    );
}

#[test]
fn replies_follow_each_other_on_one_connection_and_end_in_the_default() {
    let server = server(&json!({"replies": [{"status": 503, "times": 2}, {"status": 201}]}));
    let start = start(&server, "rust");
    let mut stream = connect(&server.url());
    for expected in ["503", "503", "201", "200"] {
        send(&mut stream, &Post::right(&start));
        let mut head = [0; 12];
        stream.read_exact(&mut head).expect("an answer");
        assert_eq!(&head[9..], expected.as_bytes());
        read_past_answer(&mut stream);
    }
}

#[test]
fn a_tunnel_and_a_full_url_lead_to_the_run_by_the_proxy() {
    let via = json!({"code": 0, "requests": {"via": "service.example:80"}});
    let server = server(&json!({"expect": via}));
    let start = start(&server, "rust");
    let right = Post::right(&start);
    let full = Post {
        path: format!("http://service.example{}", right.path),
        ..right.clone()
    };
    full.send(&server);
    let tunnel = "CONNECT service.example:80 HTTP/1.1\r\nHost: service.example:80\r\n\r\n";
    let answer = exchange(&server.url(), &format!("{tunnel}{}", right.text()));
    assert!(answer.contains("evt-1"), "{answer}");
    let found = differences(&server, &start, &support::good_result());
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn what_is_not_http_is_a_bad_request() {
    let server = server(&json!({}));
    let answer = exchange(&server.url(), "\u{16}\u{3}\u{1}");
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
}

fn send(stream: &mut TcpStream, post: &Post) {
    stream
        .write_all(post.text().as_bytes())
        .expect("the request is sent");
}

fn read_past_answer(stream: &mut TcpStream) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("a whole head");
        head.extend(byte);
    }
    let head = String::from_utf8_lossy(&head);
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("Content-Length: "))
        .and_then(|length| length.parse().ok())
        .expect("a length");
    let mut body = vec![0; length];
    stream.read_exact(&mut body).expect("a whole body");
}
