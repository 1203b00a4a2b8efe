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
    assert_eq!(answer(&json!({"raw": "not http"})), "not http");
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

#[test]
fn raw_bytes_are_sent_as_they_are() {
    let raw = json!(["A${repeat:\r\nx: 1:2}", {"base64": "Qg=="}, ["\r\n"]]);
    assert_eq!(answer(&json!({"raw": raw})), "A\r\nx: 1\r\nx: 1B\r\n");
}

#[test]
fn a_head_may_be_long_folded_doubled_and_empty() {
    let answer = answer(&json!({"body": "ok", "headers": {
        "Content-Type": null,
        "content-length ": ["2", "2"],
        "X-Folded": "one\r\n two",
        "X-Long": "${repeat:x:70000}",
    }}));
    let head: Vec<&str> = answer.lines().take(6).collect();
    assert_eq!(
        head[1..5],
        [
            "X-Folded: one",
            " two",
            &format!("X-Long: {}", "x".repeat(70_000)),
            "content-length : 2"
        ]
    );
    assert_eq!(answer.matches("2\r\n").count(), 2, "{answer}");
}

#[test]
fn an_answer_is_cut_after_any_byte() {
    let whole = answer(&json!({"body": "text"}));
    for (cut, length) in [
        (0, 0),
        (1, 1),
        (12, 12),
        (-1, whole.len() - 1),
        (-5, whole.len() - 5),
    ] {
        let cut = answer(&json!({"body": "text", "cut": cut}));
        assert_eq!(cut, whole[..length]);
    }
}

#[test]
fn interim_answers_come_first() {
    let answer = answer(&json!({
        "interim": {"status": 103, "headers": {"Link": "</a>"}, "times": 2}, "body": "text",
    }));
    let interim = "HTTP/1.1 103 Scripted\r\nLink: </a>\r\n\r\n";
    assert!(
        answer.starts_with(&format!("{interim}{interim}HTTP/1.1 200 ")),
        "{answer}"
    );
}

#[test]
fn a_body_is_compressed() {
    let server = server(
        &json!({"replies": [{"body_repeat": {"text": "a", "times": 100_000}, "gzip": true}]}),
    );
    let start = start(&server, "rust");
    let answer = Post::right(&start).send(&server);
    assert!(
        answer.contains("\r\nContent-Encoding: gzip\r\n"),
        "{answer}"
    );
    assert!(answer.len() < 2_000, "{}", answer.len());
}

#[test]
fn what_drips_comes_in_pieces() {
    for (only, pieces) in [("head", 1), ("body", 4)] {
        let drip = json!({"pause_ms": 1, "bytes": 1, "only": only});
        let server = server(&json!({"replies": [{"body": "text", "drip": drip}]}));
        let start = start(&server, "rust");
        let mut stream = connect(&server.url());
        send(&mut stream, &Post::right(&start));
        read_head(&mut stream);
        let mut reads = 0;
        let mut length = 0;
        while length < 4 {
            length += stream.read(&mut [0; 4]).expect("a body");
            reads += 1;
        }
        assert!(reads <= pieces, "{only}: {reads}");
        // Two bytes that were written apart may be read together.
        assert!(only == "head" || reads > 1, "{only}: {reads}");
    }
}

#[test]
fn endless_interim_answers_and_heads_go_on_until_the_client_hangs_up() {
    for reply in [
        json!({"interim": {"endless": true}}),
        json!({"raw": ["HTTP/1.1 200 OK\r\n", "X-A: b\r\n"], "endless": true}),
    ] {
        let server = server(&json!({"replies": [reply]}));
        let start = start(&server, "rust");
        let mut stream = connect(&server.url());
        send(&mut stream, &Post::right(&start));
        stream
            .read_exact(&mut vec![0; 1 << 20])
            .expect("there is more");
    }
}

#[test]
fn a_request_that_is_not_read_counts() {
    let case = json!({
        "replies": [{"status": 413, "unread": true}],
        "expect": {"code": 0, "requests": {"headers": {"Content-Type": "application/json"}}},
    });
    let server = server(&case);
    let start = start(&server, "rust");
    let answer = Post::right(&start).send(&server);
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    let found = differences(&server, &start, &support::good_result());
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn a_connection_closes_when_the_next_request_comes() {
    for after in ["late_close", "late_reset"] {
        let server = server(&json!({
            "replies": [{"status": 503, "after": after}],
            "expect": {"code": 0, "requests": 2},
        }));
        let start = start(&server, "rust");
        let mut stream = connect(&server.url());
        send(&mut stream, &Post::right(&start));
        read_past_answer(&mut stream);
        send(&mut stream, &Post::right(&start));
        let rest = stream.read(&mut [0; 1]).unwrap_or(0);
        assert_eq!(rest, 0, "{after}");
        Post::right(&start).send(&server);
        let found = differences(&server, &start, &support::good_result());
        assert!(found.is_empty(), "{after}: {found:?}");
    }
}

#[test]
fn an_answer_that_stops_in_silence_leaves_the_connection_open() {
    let server = server(&json!({"replies": [{"body": "text", "cut": 4, "after": "hang"}]}));
    let start = start(&server, "rust");
    let mut stream = connect(&server.url());
    send(&mut stream, &Post::right(&start));
    stream.read_exact(&mut [0; 4]).expect("what is left");
    stream
        .set_read_timeout(Some(Duration::from_millis(50)))
        .expect("a timeout is set");
    let kind = stream.read(&mut [0]).map_err(|error| error.kind());
    assert!(
        matches!(kind, Err(ErrorKind::WouldBlock | ErrorKind::TimedOut)),
        "{kind:?}"
    );
}

fn send(stream: &mut TcpStream, post: &Post) {
    stream
        .write_all(post.text().as_bytes())
        .expect("the request is sent");
}

fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("a whole head");
        head.extend(byte);
    }
    String::from_utf8_lossy(&head).into_owned()
}

fn read_past_answer(stream: &mut TcpStream) {
    let head = read_head(stream);
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("Content-Length: "))
        .and_then(|length| length.parse().ok())
        .expect("a length");
    let mut body = vec![0; length];
    stream.read_exact(&mut body).expect("a whole body");
}
