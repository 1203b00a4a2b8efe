//! A server whose network to the database is cut in the middle of a transaction. `make test-postgres` runs
//! these; without the database that it starts there is nothing to test here.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::data::Data;
use crate::process::Process;
use crate::support::{Client, Reply, build, deployment};

const COMMIT: &[u8] = b"COMMIT";
/// What a new connection says of an event, and of nothing else that the server does.
const OF_AN_EVENT: &[u8] = b"INSERT INTO requests";

/// What becomes of the network once the server says certain words.
#[derive(Debug, Clone, Copy)]
struct Cut {
    words: &'static [u8],
    /// Whether they still arrive, so that only the answer is lost.
    heard: bool,
    /// Whether the connections end, or stay open and carry nothing any more.
    silent: bool,
}

/// A network between a server and the database on its Unix socket.
struct Network {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    cut: Option<Cut>,
    down: bool,
    /// Both ends of what is open.
    open: Vec<(TcpStream, UnixStream)>,
}

impl Network {
    fn to(socket: PathBuf) -> Network {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let state: Arc<Mutex<State>> = Arc::default();
        let shared = state.clone();
        std::thread::spawn(move || {
            for server in listener.incoming().flatten() {
                let mut state = shared.lock().unwrap();
                if state.down {
                    // It is closed before it is a connection to the database.
                    continue;
                }
                let database = UnixStream::connect(&socket).unwrap();
                state
                    .open
                    .push((server.try_clone().unwrap(), database.try_clone().unwrap()));
                let (mut from, to) = (server.try_clone().unwrap(), database.try_clone().unwrap());
                let said = shared.clone();
                std::thread::spawn(move || {
                    let mut of_an_event = false;
                    carry(&mut from, to, |words| {
                        of_an_event |= has(words, OF_AN_EVENT);
                        State::hear(&said, words, of_an_event)
                    });
                });
                let (mut from, to) = (database, server);
                let answered = shared.clone();
                std::thread::spawn(move || {
                    carry(&mut from, to, |_| !answered.lock().unwrap().down);
                });
            }
        });
        Network { address, state }
    }

    fn cut(&self, cut: Cut) {
        self.state.lock().unwrap().cut = Some(cut);
    }

    /// Works again. What was open before is closed.
    fn heal(&self) {
        let mut state = self.state.lock().unwrap();
        state.close();
        state.down = false;
    }
}

impl State {
    /// Whether what the server says arrives.
    fn hear(state: &Mutex<State>, words: &[u8], of_an_event: bool) -> bool {
        let mut state = state.lock().unwrap();
        if state.down {
            return false;
        }
        let cut = state.cut;
        let Some(cut) =
            cut.filter(|cut| has(words, cut.words) && (of_an_event || cut.words != COMMIT))
        else {
            return true;
        };
        state.cut = None;
        state.down = true;
        if cut.heard {
            // The database has them before the connection ends.
            return true;
        }
        if !cut.silent {
            state.close();
        }
        false
    }

    fn close(&mut self) {
        for (server, database) in self.open.drain(..) {
            let _ = server.shutdown(Shutdown::Both);
            let _ = database.shutdown(Shutdown::Both);
        }
    }
}

fn has(words: &[u8], wanted: &[u8]) -> bool {
    words.windows(wanted.len()).any(|at| at == wanted)
}

/// Carries what is `heard` from one end to the other.
fn carry(from: &mut impl Read, mut to: impl Write, mut heard: impl FnMut(&[u8]) -> bool) {
    let mut bytes = [0; 64 * 1024];
    while let Ok(count) = from.read(&mut bytes)
        && count > 0
    {
        if heard(&bytes[..count]) && to.write_all(&bytes[..count]).is_err() {
            return;
        }
    }
}

/// Where the socket of the database is, and the database's name.
fn socket_of(url: &Path) -> (PathBuf, String) {
    let url = url.to_str().unwrap();
    let (folder, name) = url.rsplit_once('@').unwrap().1.split_once('/').unwrap();
    let folder = PathBuf::from(folder.replace("%2F", "/"));
    (folder.join(".s.PGSQL.5432"), name.to_owned())
}

/// A server with a network of its own, one without, and a client of each.
struct Pair {
    network: Network,
    at_far: Client,
    at_near: Client,
    _far: Process,
    _near: Process,
    // The database goes after the servers.
    _data: Data,
}

fn pair() -> Option<Pair> {
    let data = Data::on_postgres()?;
    let near = Process::start(data.path());
    let key = near.first_key.clone().unwrap();
    let (socket, name) = socket_of(data.path());
    let network = Network::to(socket);
    let url = format!("postgres://versioner@{}/{name}", network.address);
    let far = Process::start(Path::new(&url));
    Some(Pair {
        at_far: Client::new(&far.url, &key),
        at_near: Client::new(&near.url, &key),
        network,
        _far: far,
        _near: near,
        _data: data,
    })
}

fn send(client: &Client, key: &str, version: &str, status: &str) -> Reply {
    let body = deployment(version, "production", status);
    client.post_once("/deployment-events/", key, &body)
}

/// How many deployments there are of a version.
fn count(client: &Client, version: &str) -> usize {
    let all = client
        .get(&format!("/deployments/?version={version}"))
        .expect(200);
    all["items"].as_array().unwrap().len()
}

/// Does what a client does that is told to come again.
fn until_served(client: &Client, key: &str, version: &str, status: &str) -> Reply {
    loop {
        let reply = send(client, key, version, status);
        if reply.status != 503 {
            return reply;
        }
        assert!(reply.headers.contains_key("retry-after"), "{}", reply.text);
    }
}

#[test]
fn a_connection_that_ends_in_a_transaction_loses_and_doubles_nothing() {
    let Some(pair) = pair() else { return };
    let words: [&[u8]; 5] = [
        b"BEGIN",
        OF_AN_EVENT,
        b"INSERT INTO deployments",
        b"INSERT INTO log",
        COMMIT,
    ];
    let mut number = 0;
    for words in words {
        for heard in [false, true] {
            number += 1;
            let (version, key) = (format!("1.{number}"), format!("key-{number}"));
            // So that nothing of the transaction was prepared before.
            pair.network.heal();
            pair.network.cut(Cut {
                words,
                heard,
                silent: false,
            });
            let cut = std::thread::scope(|scope| {
                let sent = scope.spawn(|| send(&pair.at_far, &key, &version, "started"));
                // Its end arrives; what comes back does not, and then the connection ends.
                while !pair.network.state.lock().unwrap().down {
                    std::thread::yield_now();
                }
                if heard {
                    wait_for_the_end_of(&pair, &version, words == COMMIT);
                    pair.network.state.lock().unwrap().close();
                }
                sent.join().unwrap()
            });
            let what = format!("{:?}, heard: {heard}", String::from_utf8_lossy(words));
            assert_eq!(cut.status, 503, "{what}: {}", cut.text);
            assert!(cut.headers.contains_key("retry-after"), "{what}");
            // While the database cannot be reached that is said at once, and nothing else.
            let down = send(&pair.at_far, &key, &version, "started");
            assert_eq!(down.status, 503, "{what}: {}", down.text);
            pair.network.heal();
            let again = send(&pair.at_far, &key, &version, "started");
            assert_eq!(again.status, 200, "{what}: {}", again.text);
            let replayed = again.headers.contains_key("idempotency-replayed");
            assert_eq!(replayed, heard && words == COMMIT, "{what}");
            assert_eq!(count(&pair.at_near, &version), 1, "{what}");
            let end = format!("{key}-end");
            send(&pair.at_far, &end, &version, "completed").expect(200);
        }
    }
}

/// Waits until the database has done what the server said last, if that shows.
fn wait_for_the_end_of(pair: &Pair, version: &str, committed: bool) {
    while committed && count(&pair.at_near, version) == 0 {}
}

#[test]
fn a_network_that_falls_silent_holds_nobody_up_for_long() {
    let patience = Duration::from_secs(15);
    std::thread::scope(|scope| {
        for heard in [false, true] {
            scope.spawn(move || {
                let Some(pair) = pair() else { return };
                send(&pair.at_far, "before", "0", "completed").expect(200);
                // On a new connection the event shows.
                pair.network.heal();
                pair.network.cut(Cut {
                    words: COMMIT,
                    heard,
                    silent: true,
                });
                let held = std::thread::scope(|scope| {
                    let sent = scope.spawn(|| send(&pair.at_far, "cut", "1", "started"));
                    while !pair.network.state.lock().unwrap().down {
                        std::thread::yield_now();
                    }
                    let since = Instant::now();
                    // The other server serves the place: with 409 if the start was committed.
                    let other = until_served(&pair.at_near, "other", "2", "started");
                    assert!(since.elapsed() < patience, "{:?}", since.elapsed());
                    other.expect(if heard { 409 } else { 200 });
                    sent.join().unwrap()
                });
                assert_eq!(held.status, 503, "heard: {heard}: {}", held.text);
                assert!(held.headers.contains_key("retry-after"));
                pair.network.heal();
                // It recovers by itself.
                let again = until_served(&pair.at_far, "cut", "1", "started");
                again.expect(if heard { 200 } else { 409 });
                pair.at_far
                    .post("/build-events/", &build("3", "completed"))
                    .expect(200);
                let state = pair.at_far.get("/state/").expect(200);
                let cell = &state["products"][0]["environments"][0];
                let in_progress = cell["in_progress"].as_array().unwrap();
                assert_eq!(in_progress.len(), 1, "{cell}");
                let version = json!(if heard { "1" } else { "2" });
                assert_eq!(in_progress[0]["version"], version);
            });
        }
    });
}
