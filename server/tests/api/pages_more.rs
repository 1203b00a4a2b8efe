//! Figures, the calendar, the wall, exports of the matrix, and pages that change by themselves.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use crate::pages::{Browser, person};
use crate::pages_read::{main_words, words};
use crate::support::{Server, build, deployment};

fn tell(server: &Server, event: &Value) -> u16 {
    server.client.post("/deployment-events/", event).status
}

#[test]
fn figures_are_drawn_with_a_table_behind_each() {
    let server = Server::start();
    let built = build("1", "completed");
    server.client.post("/build-events/", &built).expect(200);
    tell(&server, &deployment("1", "test", "started"));
    server.clock.advance(36 * 60);
    tell(&server, &deployment("1", "production", "completed"));
    tell(&server, &deployment("2", "production", "failed"));
    server.clock.advance(54);
    tell(&server, &deployment("2", "production", "completed"));
    let mut browser = person(&server, "Vera", "viewer");
    server.clock.advance(1);
    let reply = browser.get("/manage/figures");
    let text = main_words(&reply);
    for expected in [
        "All products in production , the last 12 weeks",
        "0.2 a week",
        "1 d 12 h from first build to deployment, median",
        "33 % failed or rolled back",
        "54 min from failure to the next success, median",
        "Week from deployments",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    assert_eq!(
        reply.text.matches("<svg viewBox=\"0 0 280 132\"").count(),
        4
    );
    assert!(!reply.text.contains("style="), "no style but by class");
    for (query, why) in [
        (
            "environment=test",
            "Nothing was completed or failed there in this time.",
        ),
        ("product=other&weeks=52", "other is no product here."),
        ("environment=prodution", "prodution is no environment here."),
    ] {
        let nothing = main_words(&browser.get(&format!("/manage/figures?{query}")));
        assert!(nothing.contains(why), "{query}: {nothing}");
    }
}

#[test]
fn the_calendar_shows_the_windows_of_the_next_weeks() {
    let server = Server::start();
    let mut browser = person(&server, "Vera", "viewer");
    let empty = main_words(&browser.get("/manage/rules/calendar"));
    assert!(empty.contains("No window closes anything."), "{empty}");
    let freeze = json!({
        "name": "Friday", "type": "no_deploy_window", "environments": ["production"],
        "create": true,
        "config": {
            "recurrence": "weekly", "timezone": "UTC", "days": ["friday"],
            "start_time": "15:00", "end_time": "08:00", "end_day": "monday",
        },
    });
    server
        .client
        .post("/deployment-rules/", &freeze)
        .expect(201);
    let text = main_words(&browser.get("/manage/rules/calendar"));
    assert!(
        text.contains("Monday 17 November to Sunday 23 November"),
        "{text}"
    );
    assert!(
        text.contains("Friday Fri 21 Nov 15:00 Mon 24 Nov 08:00 all products; production"),
        "{text}"
    );
}

#[test]
fn the_wall_shows_what_needs_a_look_and_lists_the_rest() {
    let server = Server::start();
    tell(&server, &deployment("1", "production", "completed"));
    let mut quiet = deployment("7", "production", "completed");
    quiet["product_name"] = json!("calm");
    tell(&server, &quiet);
    let mut browser = person(&server, "Vera", "viewer");
    let text = main_words(&browser.get("/manage/wall"));
    assert!(text.contains("Nothing needs a look."), "{text}");
    tell(&server, &deployment("2", "production", "failed"));
    let reply = browser.get("/manage/wall");
    let text = main_words(&reply);
    assert!(text.contains("1 failed"), "{text}");
    assert!(text.contains("api 1 0 s 2 failed 0 s ago"), "{text}");
    assert!(text.contains("Nothing to see calm 7"), "{text}");
    assert!(reply.text.contains("http-equiv=\"refresh\""));
}

#[test]
fn the_matrix_is_exported_cell_by_cell() {
    let server = Server::start();
    let mut event = deployment("1", "production", "completed");
    event["deployed_by"] = json!("@SUM(A1)");
    tell(&server, &event);
    tell(&server, &deployment("2", "production", "started"));
    let mut browser = person(&server, "Vera", "viewer");
    let csv = browser.get("/manage/state.csv");
    let lines: Vec<&str> = csv.text.lines().collect();
    assert_eq!(lines.len(), 2, "{}", csv.text);
    assert!(lines[0].starts_with("product,environment,version,since,deployed_by"));
    assert!(lines[1].starts_with("api,production,1,"), "{}", lines[1]);
    assert!(lines[1].contains("\"'@SUM(A1)\""), "{}", lines[1]);
    assert!(lines[1].contains(",2,started,"), "{}", lines[1]);
    let json = browser.get("/manage/state.json").json();
    assert_eq!(json[0]["last_attempt"], "2");
    let none = browser.get("/manage/state.json?product=other").json();
    assert_eq!(none, json!([]));
}

/// What a page that stays open is told.
pub struct Stream(BufReader<TcpStream>);

impl Stream {
    pub fn open(server: &Server, browser: &Browser) -> Stream {
        Stream::open_with(server, browser, "")
    }

    /// The same with another line in the head of the request.
    pub fn open_with(server: &Server, browser: &Browser, line: &str) -> Stream {
        let address = server.client.url.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(30)))
            .unwrap();
        let cookie = browser.cookie();
        write!(
            stream,
            "GET /manage/live HTTP/1.1\r\nHost: {address}\r\nCookie: {cookie}\r\n\
             Accept: text/event-stream\r\nAccept-Encoding: gzip\r\n\
             Connection: close\r\n{line}\r\n"
        )
        .unwrap();
        Stream(BufReader::new(stream))
    }

    /// The next line that begins so; none at the end.
    pub fn line(&mut self, begin: &str) -> Option<String> {
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line).unwrap() == 0 {
                return None;
            }
            if line.starts_with(begin) {
                return Some(line);
            }
        }
    }

    /// The data of the next event of that name.
    pub fn event(&mut self, name: &str) -> Value {
        self.line(&format!("event: {name}"))
            .expect("the stream goes on");
        let data = self.line("data: ").expect("an event has data");
        serde_json::from_str(&data["data: ".len()..]).unwrap()
    }
}

#[test]
fn a_page_that_is_open_is_told_which_cells_have_changed() {
    let server = Server::start();
    tell(&server, &deployment("1", "staging", "completed"));
    tell(&server, &deployment("1", "production", "completed"));
    let browser = person(&server, "Vera", "viewer");
    let mut one = Stream::open(&server, &browser);
    let mut other = Stream::open(&server, &browser);
    for stream in [&mut one, &mut other] {
        let head = stream.line("HTTP/1.1").unwrap();
        assert!(head.contains("200"), "{head}");
        stream.event("here");
    }
    // What was decided before may still be told, by looking anew.
    let is_cells = |stream: &mut Stream| {
        let line = stream.line("event: ").expect("the stream goes on");
        line.trim_end() == "event: cells"
    };
    let settled = (0..20).any(|_| {
        tell(&server, &deployment("1", "staging", "completed"));
        let heard = [&mut one, &mut other].map(is_cells);
        heard == [true, true]
    });
    assert!(settled, "pages are told of cells");
    tell(&server, &deployment("2", "production", "started"));
    for stream in [&mut one, &mut other] {
        let mut told = stream.event("cells");
        while told["counts"] == json!([]) {
            told = stream.event("cells");
        }
        let cells = told["cells"].as_array().unwrap();
        let seen: Vec<String> = cells
            .iter()
            .map(|cell| words(cell.as_str().unwrap()))
            .collect();
        assert_eq!(seen.len(), 2, "the whole row: {seen:?}");
        assert!(
            seen.iter().any(|cell| cell.ends_with("2 in progress, 0 s")),
            "{seen:?}"
        );
        assert_eq!(told["counts"], json!([["started", "1 in progress"]]));
        assert_eq!(told["said"], "api 2 started in production");
    }
    let freeze = json!({
        "name": "Flow", "type": "flow", "environments": ["production"],
        "config": { "required_environments": ["staging"] },
    });
    server
        .client
        .post("/deployment-rules/", &freeze)
        .expect(201);
    one.event("anew");
}

#[test]
fn nobody_hears_more_once_they_are_out() {
    let server = Server::start();
    tell(&server, &deployment("1", "production", "completed"));
    let mut browser = person(&server, "Vera", "viewer");
    let mut stream = Stream::open(&server, &browser);
    stream.event("here");
    browser.post("/manage/logout", &[]);
    tell(&server, &deployment("2", "production", "completed"));
    assert_eq!(stream.line("event: cells"), None, "the stream ends");
    let mut out = Stream::open(&server, &browser);
    let head = out.line("HTTP/1.1").unwrap();
    assert!(head.contains("303") || head.contains("401"), "{head}");
}
