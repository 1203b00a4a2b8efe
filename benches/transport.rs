//! Speed side by side: what one event costs on a kept connection and as a whole process, beside
//! the least that any program would need. Ratios hold; absolute times drift with the machine.
//!
//! `scripts/bench.sh` builds what is measured here and names it in variables.

#[path = "../tests/support/mod.rs"]
mod support;

use std::hint::black_box;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;

use support::KEY;
use support::authority::Authority;
use versioner::{BuildEvent, Client, Environment, Options};

/// The system's certificate authorities, as Debian's ca-certificates has them.
const SYSTEM_ROOTS: &str = "/etc/ssl/certs/ca-certificates.crt";

const ROUNDS: usize = 7;
const EVENTS: usize = 2_000;
const PROCESSES: usize = 41;
/// Enough for the start of the process not to count in its processor time.
const CPU_EVENTS: usize = 20_000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .as_slice()
    {
        ["respond"] => respond(),
        ["core", url, count] => core(url, count.parse().expect("a count")),
        ["memory", url] => memory(url),
        _ => report(),
    }
}

/// Answers every request on every connection with success, as fast as it can.
fn respond() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    println!("{}", listener.local_addr().expect("an address").port());
    for stream in listener.incoming().map_while(Result::ok) {
        std::thread::spawn(move || answer(stream));
    }
}

/// A request of these programs arrives in one or two pieces, and ends with its JSON.
fn answer(mut stream: TcpStream) {
    const BODY: &str =
        r#"{"id":"evt-1","product_id":"p-1","version_id":"v-1","status":"completed"}"#;
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{BODY}",
        BODY.len()
    );
    stream.set_nodelay(true).expect("a socket");
    let mut buffer = [0; 4096];
    while let Ok(amount) = stream.read(&mut buffer) {
        if amount == 0 {
            return;
        }
        let is_complete = buffer[..amount].ends_with(b"}");
        if is_complete && stream.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

fn event() -> BuildEvent {
    BuildEvent {
        product: "api".into(),
        version: "1.2.3".into(),
        source_system: "github".into(),
        scm_sha: "4f1c2d3e5a6b7c8d9e0f4f1c2d3e5a6b".into(),
        scm_branch: "main".into(),
        extra_metadata: format!(r#"{{"fill":"{}"}}"#, "0123456789".repeat(70)),
        ..BuildEvent::default()
    }
}

fn client(url: &str) -> Client {
    let roots = std::env::var("SSL_CERT_FILE");
    let roots = roots.iter().map(|file| ("SSL_CERT_FILE", file.as_str()));
    let options = Options {
        api_key: KEY.into(),
        api_url: url.into(),
        environment: Some(roots.collect::<Environment>()),
        ..Options::default()
    };
    Client::new(options).expect("a client")
}

fn core(url: &str, count: usize) {
    let (client, event) = (client(url), event());
    let track = || black_box(client.track_build(&event)).expect("recorded");
    (0..count / 10).for_each(|_| drop(track()));
    let mut times: Vec<f64> = (0..count)
        .map(|_| {
            let start = Instant::now();
            drop(track());
            start.elapsed().as_secs_f64() * 1e6
        })
        .collect();
    println!("{:.2}", median(&mut times));
}

/// Resident memory in KiB after 1,000 and after 100,000 events.
fn memory(url: &str) {
    let (client, event) = (client(url), event());
    for count in [1_000, 99_000] {
        for _ in 0..count {
            drop(client.track_build(&event).expect("recorded"));
        }
        println!("{}", resident_kib());
    }
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .expect("a size");
    line.split_whitespace()
        .nth(1)
        .and_then(|size| size.parse().ok())
        .expect("a number")
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

struct Contender {
    name: &'static str,
    command: Vec<String>,
    /// What it is compared with, and the most that the ratio should be.
    target: Option<(&'static str, f64)>,
    results: Vec<f64>,
}

impl Contender {
    fn new(name: &'static str, command: &[&str], target: Option<(&'static str, f64)>) -> Self {
        let command = command.iter().map(|part| (*part).to_owned()).collect();
        Contender {
            name,
            command,
            target,
            results: Vec::new(),
        }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.command[0]);
        command.args(&self.command[1..]).stderr(Stdio::inherit());
        command
    }
}

fn output(command: &mut Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?} ended with {}",
        output.status
    );
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// The programs of the bindings, as `NAME=LIMIT=COMMAND` lines: each takes URL and count after
/// its command, and prints its median in microseconds. An empty limit is none.
fn bindings() -> Vec<(String, Option<f64>, String)> {
    let lines = std::env::var("VERSIONER_BENCH_BINDINGS").unwrap_or_default();
    let parse = |line: &str| {
        let mut parts = line.splitn(3, '=').map(str::trim);
        let (name, limit, command) = (parts.next()?, parts.next()?, parts.next()?);
        Some((name.to_owned(), limit.parse().ok(), command.to_owned()))
    };
    lines.lines().filter_map(parse).collect()
}

fn report() {
    let own = std::env::current_exe().expect("a path");
    let own = own.to_str().expect("a readable path");
    let programs = PathBuf::from(std::env::var_os("VERSIONER_BENCH").unwrap_or_else(|| {
        eprintln!("run scripts/bench.sh, which builds what is measured");
        std::process::exit(1);
    }));
    let program = |name: &str| {
        programs
            .join(name)
            .to_str()
            .expect("a readable path")
            .to_owned()
    };
    let mut responder = Command::new(own)
        .arg("respond")
        .stdout(Stdio::piped())
        .spawn()
        .expect("a process");
    let mut port = String::new();
    let mut lines = BufReader::new(responder.stdout.take().expect("its output"));
    lines.read_line(&mut port).expect("a port");
    let url = format!("http://127.0.0.1:{}", port.trim());

    kept_connection(own, &program, &url);
    processor_time(own, &program, &url);
    whole_process(&program, &url);
    over_tls(own, &program);
    println!("\nResident memory after 1,000 and after 100,000 events");
    memory_of("core", &format!("{own} memory"), &url);
    if let Ok(python) = std::env::var("VERSIONER_BENCH_PYTHON") {
        memory_of("Python", &format!("{python} memory"), &url);
    }
    responder.kill().expect("a process that runs");
    responder.wait().expect("its end");
}

fn memory_of(name: &str, command: &str, url: &str) {
    let mut words = command.split_whitespace();
    let mut command = Command::new(words.next().expect("a program"));
    let sizes = output(command.args(words).arg(url));
    let sizes: Vec<&str> = sizes.split_whitespace().collect();
    println!("  {name:<28} {} KiB", sizes.join(" KiB, "));
}

/// The raw socket, this library and libcurl, which take URL and count, and print a median.
fn loops(own: &str, program: &dyn Fn(&str) -> String, url: &str, count: usize) -> Vec<Contender> {
    let count = count.to_string();
    vec![
        Contender::new(
            "C, one send and one recv",
            &[&program("c_loop"), url, &count],
            None,
        ),
        Contender::new("libcurl", &[&program("libcurl_loop"), url, &count], None),
        Contender::new("core", &[own, "core", url, &count], Some(("libcurl", 1.0))),
    ]
}

fn kept_connection(own: &str, program: &dyn Fn(&str) -> String, url: &str) {
    let count = EVENTS.to_string();
    let mut contenders = loops(own, program, url, EVENTS);
    contenders.push(Contender::new(
        "C ABI",
        &[&program("c_abi_loop"), url, &count],
        Some(("core", 1.1)),
    ));
    for (name, limit, command) in bindings() {
        let command: Vec<&str> = command.split_whitespace().chain([url, &count]).collect();
        contenders.push(Contender::new(
            name.leak(),
            &command,
            limit.map(|limit| ("core", limit)),
        ));
    }
    measure_medians(&mut contenders, &[]);
    print(
        "One event on a kept connection, median of medians",
        "µs",
        &mut contenders,
    );
}

fn measure_medians(contenders: &mut [Contender], variables: &[(&str, &str)]) {
    for _ in 0..ROUNDS {
        for contender in &mut *contenders {
            let mut command = contender.command();
            let median = output(command.envs(variables.iter().copied()));
            let median = median.trim().parse().expect("a number of microseconds");
            contender.results.push(median);
        }
    }
}

/// Of the whole process, its own and the system's, per event.
fn processor_time(own: &str, program: &dyn Fn(&str) -> String, url: &str) {
    let mut contenders = loops(own, program, url, CPU_EVENTS);
    contenders[2].target = Some(("C, one send and one recv", 1.3));
    for _ in 0..3 {
        for contender in &mut contenders {
            let mut timed = Command::new("bash");
            timed
                .args(["-c", "TIMEFORMAT='%U %S'; time \"$@\" >/dev/null", "bash"])
                .args(&contender.command);
            let output = timed.output().expect("bash");
            let times = String::from_utf8(output.stderr).expect("UTF-8");
            let seconds: f64 = times
                .split_whitespace()
                .map(|time| time.parse::<f64>().expect("seconds"))
                .sum();
            contender.results.push(seconds * 1e6 / CPU_EVENTS as f64);
        }
    }
    print("Processor time of one event", "µs", &mut contenders);
}

/// With the system's certificate authorities and the one that the server belongs to.
fn over_tls(own: &str, program: &dyn Fn(&str) -> String) {
    let authority = Authority::new();
    let server = authority.server(|_| {});
    let mut roots = std::fs::read_to_string(SYSTEM_ROOTS).expect("the system's roots");
    roots.push_str(&std::fs::read_to_string(authority.path("ca.pem")).expect("the own one"));
    let roots = authority.write("roots.pem", &roots);
    let roots = roots.to_str().expect("a readable path");
    let url = server.url("https", "localhost");
    let count = EVENTS.to_string();
    let variables = [
        ("SSL_CERT_FILE", roots),
        ("CURL_CA_BUNDLE", roots),
        ("REQUESTS_CA_BUNDLE", roots),
    ];

    let mut contenders = loops(own, program, &url, EVENTS);
    contenders.remove(0);
    if let Ok(python) = std::env::var("VERSIONER_BENCH_PYTHON") {
        let words = python.split_whitespace();
        let command: Vec<&str> = words.chain(["requests", &url, &count]).collect();
        contenders.push(Contender::new("Python requests.Session", &command, None));
    }
    measure_medians(&mut contenders, &variables);
    print(
        "Over TLS: one event on a kept connection, median of medians",
        "µs",
        &mut contenders,
    );
    let mut contenders = processes(program, &url);
    contenders.remove(0);
    contenders[0].target = Some(("curl", 1.0));
    measure_processes(&mut contenders, &url, &variables);
    print(
        "Over TLS: one event as a whole process, median",
        "ms",
        &mut contenders,
    );
}

/// A bare program, the command line and curl, each of which sends one event and ends.
fn processes(program: &dyn Fn(&str) -> String, url: &str) -> Vec<Contender> {
    let full = format!("{url}/build-events/");
    let body = r#"{"product_name":"api","version":"1.2.3","status":"completed"}"#;
    let key_header = format!("Authorization: Bearer {KEY}");
    let json = "Content-Type: application/json";
    let track = [
        &program("versioner"),
        "track",
        "build",
        "--product=api",
        "--version=1.2.3",
    ];
    let curl = [
        "curl",
        "-s",
        "-H",
        &key_header,
        "-H",
        json,
        "-d",
        body,
        &full,
    ];
    vec![
        Contender::new(
            "a bare ureq program",
            &[&program("bare_ureq"), &full, body],
            None,
        ),
        Contender::new(
            "versioner track build",
            &track,
            Some(("a bare ureq program", 1.3)),
        ),
        Contender::new("curl", &curl, None),
    ]
}

fn measure_processes(contenders: &mut [Contender], url: &str, variables: &[(&str, &str)]) {
    for _ in 0..PROCESSES {
        for contender in &mut *contenders {
            let mut command = contender.command();
            command
                .envs(variables.iter().copied())
                // As on a CI system, which names the commit itself.
                .env("VERSIONER_GIT", "false")
                .env("VERSIONER_API_URL", url)
                .env("VERSIONER_API_KEY", KEY);
            let start = Instant::now();
            output(&mut command);
            contender.results.push(start.elapsed().as_secs_f64() * 1e3);
        }
    }
}

fn whole_process(program: &dyn Fn(&str) -> String, url: &str) {
    let mut contenders = processes(program, url);
    measure_processes(&mut contenders, url, &[]);
    print(
        "One event as a whole process, median",
        "ms",
        &mut contenders,
    );
}

fn print(title: &str, unit: &str, contenders: &mut [Contender]) {
    println!("\n{title}");
    let medians: Vec<(&str, f64)> = contenders
        .iter_mut()
        .map(|contender| (contender.name, median(&mut contender.results)))
        .collect();
    for (contender, (name, value)) in contenders.iter().zip(&medians) {
        let compared = contender.target.and_then(|(base, limit)| {
            let (_, base_value) = medians.iter().find(|(name, _)| *name == base)?;
            let ratio = value / base_value;
            let verdict = if ratio <= limit { "" } else { ", missed" };
            Some(format!("  {ratio:.2} × {base} (target {limit} ×{verdict})"))
        });
        println!(
            "  {name:<28} {value:>8.2} {unit}{}",
            compared.unwrap_or_default()
        );
    }
}
