//! What the pages cost, beside what was promised of them: `cargo bench -p versioner-server --bench pages`.
//! An account of 500 products in 8 environments each; its first page; how soon an open page shows an
//! event; and 200 open pages.

mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use serde_json::json;
use support::{PROGRAM, Server, percentile, post};

const PRODUCTS: usize = 500;
const ENVIRONMENTS: [&str; 8] = [
    "dev",
    "test",
    "integration",
    "load",
    "staging",
    "canary",
    "production",
    "recovery",
];
/// How many clients tell of them.
const CLIENTS: usize = 8;
/// How often each thing is measured.
const TURNS: usize = 50;
/// How many pages are open at once.
const OPEN: usize = 200;
const KIB: f64 = 1024.0;

fn main() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder on the disk");
    let data = folder.path().join("data");
    let server = Server::start(&data);
    fill(&server);
    let reader = Reader::log_in(&server, &data);

    let mut times = Vec::new();
    for _ in 0..TURNS {
        let begin = Instant::now();
        reader.get("/manage/", "");
        times.push(begin.elapsed());
    }
    times.sort_unstable();
    row(
        &format!(
            "matrix of {PRODUCTS} products by {} environments, p50 ms",
            ENVIRONMENTS.len()
        ),
        percentile(&times, 50),
        "100",
    );
    row("the same, p99 ms", percentile(&times, 99), "100");

    let page = String::from_utf8_lossy(&reader.get("/manage/", "")).into_owned();
    let beside: Vec<&str> = page
        .split(['"', '\''])
        .filter(|part| part.starts_with("/manage/assets/"))
        .collect();
    let bytes: usize = std::iter::once("/manage/")
        .chain(beside.iter().copied())
        .map(|path| reader.get(path, "Accept-Encoding: gzip\r\n").len())
        .sum();
    row(
        "first page with all it needs, KiB over the wire",
        bytes as f64 / KIB,
        "50",
    );
    row("requests beside it", beside.len() as f64, "2");

    let (alone, slowest) = live(&server, &reader, 1);
    row(
        "from event to an open page, p50 ms",
        percentile(&alone, 50),
        "200",
    );
    row("the same, p99 ms", percentile(&slowest, 99), "200");

    let before = server.memory();
    let quiet = tell(&server, TURNS);
    let (all, slowest) = live(&server, &reader, OPEN);
    let memory = server.memory().saturating_sub(before);
    row(
        &format!("from event to {OPEN} open pages, p50 ms"),
        percentile(&all, 50),
        "200",
    );
    row(
        "the slowest of them, p99 ms",
        percentile(&slowest, 99),
        "200",
    );
    row(
        &format!("memory of {OPEN} open pages, MB"),
        memory as f64 / 1e6,
        "30",
    );
    let pages: Vec<Page> = (0..OPEN).map(|_| reader.open(channel().0)).collect();
    let busy = tell(&server, TURNS);
    drop(pages);
    row(
        "an event with no page open, p50 ms",
        percentile(&quiet, 50),
        "none",
    );
    row(
        &format!("an event with {OPEN} open, p50 ms"),
        percentile(&busy, 50),
        "none",
    );
}

/// A line of the table.
fn row(what: &str, value: f64, target: &str) {
    let target = match target {
        "none" => String::new(),
        most => format!("(target: at most {most})"),
    };
    println!("{what:<60} {value:>8.1}  {target}");
}

/// Tells the account what runs where.
fn fill(server: &Server) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                let agent = ureq::Agent::new_with_defaults();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= PRODUCTS * ENVIRONMENTS.len() {
                        return;
                    }
                    let environment = ENVIRONMENTS[number % ENVIRONMENTS.len()];
                    let event = event(number / ENVIRONMENTS.len(), environment, "1.4.0");
                    post(server, &agent, &format!("fill-{number}"), event);
                }
            });
        }
    });
}

fn event(product: usize, environment: &str, version: &str) -> String {
    json!({
        "product_name": format!("service-{product:03}"), "version": version,
        "environment_name": environment, "status": "completed", "deployed_by": "ada",
    })
    .to_string()
}

/// How long each of so many events takes to be answered.
fn tell(server: &Server, events: usize) -> Vec<Duration> {
    static ROUND: AtomicUsize = AtomicUsize::new(0);
    let round = ROUND.fetch_add(1, Ordering::Relaxed);
    let agent = ureq::Agent::new_with_defaults();
    let mut times: Vec<Duration> = (0..events)
        .map(|number| {
            let event = event(number % PRODUCTS, "test", &format!("2.{round}.{number}"));
            let begin = Instant::now();
            post(server, &agent, &format!("tell-{round}-{number}"), event);
            begin.elapsed()
        })
        .collect();
    times.sort_unstable();
    times
}

/// With so many open pages: how long it takes from each event to each page, and to the last of them.
fn live(server: &Server, reader: &Reader, pages: usize) -> (Vec<Duration>, Vec<Duration>) {
    let (sender, arrived) = channel();
    let open: Vec<Page> = (0..pages).map(|_| reader.open(sender.clone())).collect();
    let agent = ureq::Agent::new_with_defaults();
    let (mut all, mut slowest) = (Vec::new(), Vec::new());
    for number in 0..TURNS {
        let version = format!("3.{pages}.{number}");
        let begin = Instant::now();
        let event = event(number, "production", &version);
        post(server, &agent, &format!("live-{pages}-{number}"), event);
        let times = wait(&arrived, &version, pages, begin);
        slowest.extend(times.iter().max());
        all.extend(times);
    }
    drop(open);
    all.sort_unstable();
    slowest.sort_unstable();
    (all, slowest)
}

/// When each page has heard of a version.
fn wait(
    arrived: &Receiver<(Instant, String)>,
    version: &str,
    pages: usize,
    begin: Instant,
) -> Vec<Duration> {
    let mut times = Vec::new();
    while times.len() < pages {
        let patience = Duration::from_secs(30);
        let (at, line) = arrived
            .recv_timeout(patience)
            .expect("every page hears of it");
        if line.contains(version) {
            times.push(at.duration_since(begin));
        }
    }
    times
}

/// An open page; it is closed when it is dropped.
struct Page(TcpStream);

impl Drop for Page {
    fn drop(&mut self) {
        // It may be closed already.
        let _ = self.0.shutdown(std::net::Shutdown::Both);
    }
}

/// A person who is in.
struct Reader {
    address: String,
    cookie: String,
}

impl Reader {
    fn log_in(server: &Server, data: &std::path::Path) -> Reader {
        let output = Command::new(PROGRAM)
            .args([
                "people",
                "add",
                "--account",
                "local",
                "--name",
                "Ada",
                "--data",
            ])
            .arg(data)
            .output()
            .expect("the program");
        let told = String::from_utf8_lossy(&output.stdout);
        let (_, token) = told.trim().rsplit_once("token=").expect("a link");
        let config = ureq::Agent::config_builder().max_redirects(0).build();
        let reply = ureq::Agent::from(config)
            .post(format!("{}/manage/login/link", server.url))
            .header("Content-Type", "application/x-www-form-urlencoded")
            .header("Sec-Fetch-Site", "same-origin")
            .send(format!("token={token}&password=correct+horse+battery"))
            .expect("an answer");
        let cookie = reply.headers().get("set-cookie").expect("a session");
        let cookie = cookie.to_str().expect("a plain cookie");
        Reader {
            address: server.url.trim_start_matches("http://").to_owned(),
            cookie: cookie.split(';').next().unwrap_or_default().to_owned(),
        }
    }

    fn send(&self, path: &str, headers: &str) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).expect("a connection");
        let (address, cookie) = (&self.address, &self.cookie);
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nCookie: {cookie}\r\n{headers}\r\n");
        stream.write_all(request.as_bytes()).expect("sent");
        stream
    }

    /// Everything that comes for a path, as it comes.
    fn get(&self, path: &str, headers: &str) -> Vec<u8> {
        let mut stream = self.send(path, &format!("{headers}Connection: close\r\n"));
        let mut all = Vec::new();
        stream.read_to_end(&mut all).expect("an answer");
        assert!(
            all.starts_with(b"HTTP/1.1 200"),
            "{path}: {}",
            String::from_utf8_lossy(&all)
        );
        all
    }

    /// Opens a page that changes by itself, and sends on when it hears what.
    fn open(&self, heard: Sender<(Instant, String)>) -> Page {
        let stream = self.send("/manage/live", "");
        let mut lines = BufReader::new(stream.try_clone().expect("a connection")).lines();
        let mut said = lines.by_ref().map_while(Result::ok);
        let here = said.find(|line| line == "event: here");
        assert!(here.is_some(), "the page is followed");
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if heard.send((Instant::now(), line)).is_err() {
                    return;
                }
            }
        });
        Page(stream)
    }
}
