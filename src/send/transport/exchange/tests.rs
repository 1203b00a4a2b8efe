use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::model::interrupt::Interrupt;
use crate::model::secret::Secret;
use crate::send::limit::Cut;
use crate::send::transport::socket::Arrived;

const MINUTE: Duration = Duration::from_secs(60);

/// What becomes of a connection after its last byte.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Closed,
    Reset,
    TimedOut,
    Interrupted,
}

/// The other side as a script: pieces of an answer, and what happens then.
struct Script {
    pieces: Vec<Vec<u8>>,
    fate: Fate,
}

impl Link for Script {
    fn read(&mut self, into: &mut [u8], _: &Limit) -> io::Result<usize> {
        if self.pieces.is_empty() {
            return match self.fate {
                Fate::Closed => Ok(0),
                Fate::Reset => Err(io::ErrorKind::ConnectionReset.into()),
                Fate::TimedOut => Err(Cut::Attempt(MINUTE).into()),
                Fate::Interrupted => Err(Cut::Interrupted.into()),
            };
        }
        let mut piece = self.pieces.remove(0);
        let amount = piece.len().min(into.len());
        let rest = piece.split_off(amount);
        into[..amount].copy_from_slice(&piece);
        if !rest.is_empty() {
            self.pieces.insert(0, rest);
        }
        Ok(amount)
    }

    fn write(&mut self, bytes: &[u8], _: &Limit) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn arrived(&mut self) -> Arrived {
        Arrived::Nothing
    }
}

fn answer(pieces: Vec<Vec<u8>>, fate: Fate) -> Result<Received, Unanswered> {
    let pieces = pieces.into_iter().filter(|piece| !piece.is_empty());
    let mut connection = Connection::new(Box::new(Script {
        pieces: pieces.collect(),
        fate,
    }));
    let never = Interrupt::never();
    let limit = Limit::new(MINUTE, Cut::Total(MINUTE), MINUTE, &never);
    connection.exchange(b"POST / HTTP/1.1\r\n\r\n", &limit)
}

fn whole(text: &str, fate: Fate) -> Result<Received, Unanswered> {
    answer(vec![text.as_bytes().to_vec()], fate)
}

fn body_of(text: &str) -> Option<String> {
    let received = whole(text, Fate::TimedOut).ok()?;
    String::from_utf8(received.body).ok()
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        Just(Fate::Closed),
        Just(Fate::Reset),
        Just(Fate::TimedOut),
        Just(Fate::Interrupted),
    ]
}

/// Bytes that may follow a status, more often than not of the kind that means something.
fn rest() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40),
        prop::sample::select(vec![
            "\r\n",
            "\n",
            "\r",
            "\r\n\r\n",
            " ",
            ":",
            ";",
            "0",
            "5",
            "ffffffffffffffff",
            "Precondition Required",
            "Content-Length: 5",
            "Content-Length: -1",
            "Content-Length: 99999999999999999999",
            "Transfer-Encoding: chunked",
            "Connection: close",
            " folded",
            "HTTP/1.1 200 OK\r\n\r\n",
            "HTTP/1.1 100 \r\n\r\n",
            "{\"detail\":\"no\"}",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn nothing_takes_a_verdict_back(
        status in prop::sample::select(vec![409_u16, 423, 428]),
        rest in rest(),
        cut in 1_usize..40,
        fate in fate(),
    ) {
        let mut bytes = format!("HTTP/1.1 {status} ").into_bytes();
        bytes.extend(rest);
        let pieces = bytes.chunks(cut).map(<[u8]>::to_vec).collect();
        let received = answer(pieces, fate);
        prop_assert_eq!(received.map(|received| received.head.status).ok(), Some(status));
    }

    #[test]
    fn no_bytes_are_a_panic(bytes in rest(), cut in 1_usize..40, fate in fate()) {
        let pieces = bytes.chunks(cut).map(<[u8]>::to_vec).collect();
        let _ = answer(pieces, fate);
    }
}

#[test]
fn a_body_is_read_as_it_is_framed() {
    let cases = [
        ("HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}", "{}"),
        ("HTTP/1.1 201\nContent-Length : 2\n\n{}", "{}"),
        (
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
            "{}",
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;x=y\r\n{\r\n1\n}\n0\r\nT: x\r\n\r\n",
            "{}",
        ),
        ("HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n", ""),
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ""),
    ];
    for (answer, body) in cases {
        assert_eq!(body_of(answer).as_deref(), Some(body), "{answer:?}");
    }
    let to_the_end = whole("HTTP/1.0 200 OK\r\n\r\n{}", Fate::Closed).expect("an answer");
    assert_eq!(to_the_end.body, b"{}");
    assert!(to_the_end.is_complete && !to_the_end.keeps_connection);
}

#[test]
fn a_success_that_breaks_off_is_lost_and_a_failure_is_not() {
    for status in [200, 201] {
        for rest in [
            "OK",
            "OK\r\nA: b",
            "OK\r\nContent-Length: 9\r\n\r\n{",
            "OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        ] {
            let lost = whole(&format!("HTTP/1.1 {status} {rest}"), Fate::Closed);
            let lost = lost.expect_err("no answer");
            assert!(!lost.is_silent, "{rest:?}");
            let kind = lost
                .trouble
                .into_failure("a.example:80", None, 0, true, &Secret::default())
                .kind;
            assert_eq!(kind.as_str(), "network", "{rest:?}");
        }
    }
    for status in [401, 429, 500, 503] {
        let text = format!("HTTP/1.1 {status} X\r\nRetry-After: 7\r\nContent-Length: 9\r\n\r\n{{");
        let received = whole(&text, Fate::Closed).expect("an answer");
        assert!(!received.is_complete);
        assert_eq!(received.head.status, status);
    }
}

#[test]
fn an_interrupt_ends_what_is_no_verdict_yet() {
    for (status, is_final) in [
        (428, true),
        (422, true),
        (429, false),
        (503, false),
        (200, false),
    ] {
        let text = format!("HTTP/1.1 {status} X\r\nContent-Length: 9\r\n\r\n{{");
        let received = whole(&text, Fate::Interrupted);
        assert_eq!(received.is_ok(), is_final, "{status}");
    }
}

#[test]
fn heads_and_interim_answers_without_end_are_no_network_failure() {
    let long = format!(
        "HTTP/1.1 200 OK\r\nX: {}\r\n\r\n",
        "x".repeat(MAX_HEAD_BYTES)
    );
    let many = "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(3_000);
    for text in [long, many] {
        let unanswered = whole(&text, Fate::TimedOut).expect_err("no end");
        let kind = unanswered
            .trouble
            .into_failure("a.example:80", None, 0, true, &Secret::default())
            .kind;
        assert_eq!(kind.as_str(), "http");
    }
    let most = "x".repeat(MAX_HEAD_BYTES - 60);
    let text = format!("HTTP/1.1 201 OK\r\nX: {most}\r\nContent-Length: 2\r\n\r\n{{}}");
    assert_eq!(body_of(&text).as_deref(), Some("{}"));
}

#[test]
fn only_a_connection_that_says_nothing_was_closed_before_the_request() {
    let closed = whole("", Fate::Reset).expect_err("nothing");
    assert!(closed.is_silent && closed.trouble.is_closed());
    let begun = whole("HTTP/1.1 2", Fate::Reset).expect_err("half a line");
    assert!(!begun.is_silent);
    let slow = whole("", Fate::TimedOut).expect_err("nothing");
    assert!(!slow.trouble.is_closed());
}
