//! Several servers on one database of PostgreSQL. `make test-postgres` runs these; without the database
//! that it starts there is nothing to test here.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio_postgres::NoTls;

use crate::data::Data;
use crate::pages::{Browser, path_of, token};
use crate::process::Process;
use crate::support::{Client, Reply, build, deployment, runtime};

/// Two servers, and a client of each.
struct Two {
    a: Process,
    b: Process,
    at_a: Client,
    at_b: Client,
    // The database goes after the servers.
    data: Data,
}

fn two() -> Option<Two> {
    let data = Data::on_postgres()?;
    let a = Process::start(data.path());
    let key = a.first_key.clone().unwrap();
    let b = Process::start(data.path());
    assert_eq!(b.first_key, None, "the second server finds the account");
    let (at_a, at_b) = (Client::new(&a.url, &key), Client::new(&b.url, &key));
    Some(Two {
        a,
        b,
        at_a,
        at_b,
        data,
    })
}

/// Sends it again for as long as the service has no time for it.
fn persist(mut send: impl FnMut() -> Reply) -> Reply {
    loop {
        let reply = send();
        if reply.status != 503 {
            return reply;
        }
        assert!(reply.headers.contains_key("retry-after"), "{}", reply.text);
    }
}

#[test]
fn of_many_starts_at_two_servers_one_wins() {
    const EACH: usize = 24;
    let Some(two) = two() else { return };
    let answers = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..2 * EACH)
            .map(|n| {
                let client = [&two.at_a, &two.at_b][n % 2].clone();
                scope.spawn(move || {
                    let version = format!("1.{n}");
                    persist(|| client.deploy(&version, "production", "started"))
                })
            })
            .collect();
        let answers = threads.into_iter().map(|thread| thread.join().unwrap());
        answers.collect::<Vec<_>>()
    });
    let started = answers.iter().filter(|reply| reply.status == 200).count();
    assert_eq!(started, 1, "{answers:?}");
    let lost = answers.iter().filter(|reply| reply.status == 409).count();
    assert_eq!(lost, 2 * EACH - 1, "{answers:?}");
}

#[test]
fn what_is_decided_at_one_server_binds_at_the_other() {
    let Some(two) = two() else { return };
    let rule = json!({
        "name": "Staging First", "type": "flow", "environments": ["production"], "create": true,
        "config": { "required_environments": ["staging"] },
    });
    two.at_b.deploy("0", "production", "completed").expect(200);
    let made = two.at_a.post("/deployment-rules/", &rule);
    assert_eq!(made.status, 201, "{}", made.text);
    assert_eq!(two.at_b.deploy("1", "production", "started").status, 428);
    // What is taken back binds nobody any more, at once.
    let path = format!("/deployment-rules/{}/", made.json()["id"].as_str().unwrap());
    let removed = two.at_b.send("DELETE", &path, &[], b"");
    assert_eq!(removed.status, 204, "{}", removed.text);
    two.at_a.deploy("1", "production", "started").expect(200);
    // A key that is revoked at one works no longer than a second at the other.
    let made = two.at_a.post("/keys/", &json!({ "scopes": ["read"] }));
    let key = made.expect(201)["key"].as_str().unwrap().to_owned();
    let other = Client::new(&two.b.url, &key);
    other.get("/products/").expect(200);
    two.at_a.send("DELETE", "/keys/k2/", &[], b"").expect(200);
    let since = Instant::now();
    while other.get("/products/").status != 401 {
        assert!(since.elapsed() < Duration::from_secs(5));
    }
}

#[test]
fn an_idempotency_key_at_two_servers_is_one_event() {
    let Some(two) = two() else { return };
    let answers = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..16)
            .map(|n| {
                let client = [&two.at_a, &two.at_b][n % 2].clone();
                let body = deployment("1", "production", "started");
                scope.spawn(move || {
                    persist(|| client.post_once("/deployment-events/", "once", &body))
                })
            })
            .collect();
        let answers = threads.into_iter().map(|thread| thread.join().unwrap());
        answers.map(|reply| reply.expect(200)).collect::<Vec<_>>()
    });
    assert!(
        answers
            .iter()
            .all(|answer| answer["id"] == answers[0]["id"])
    );
    let all = two.at_b.get("/deployments/").expect(200);
    assert_eq!(all["items"].as_array().unwrap().len(), 1);
}

#[test]
fn what_one_server_answered_before_it_was_killed_is_at_the_other() {
    let Some(mut two) = two() else { return };
    let count = AtomicUsize::new(0);
    let (at_a, at_b) = (&two.at_a, &two.at_b);
    let answered = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|n| {
                let count = &count;
                scope.spawn(move || {
                    let mut versions = Vec::new();
                    for event in 0.. {
                        let version = format!("{n}.{event}");
                        let body = deployment(&version, &format!("place-{n}"), "completed");
                        let headers = [("Idempotency-Key", version.as_str())];
                        let sent = at_a.try_send(
                            "POST",
                            "/deployment-events/",
                            &headers,
                            body.to_string().as_bytes(),
                        );
                        // What nobody knows of is sent again, to the other one.
                        let Ok(reply) = sent else {
                            persist(|| at_b.post_once("/deployment-events/", &version, &body))
                                .expect(200);
                            versions.push(version);
                            break;
                        };
                        if reply.status == 200 {
                            versions.push(version);
                        }
                        count.fetch_add(1, Ordering::Relaxed);
                    }
                    versions
                })
            })
            .collect();
        while count.load(Ordering::Relaxed) < 100 {
            std::thread::yield_now();
        }
        two.a.child.kill().unwrap();
        let versions = threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap());
        versions.collect::<Vec<_>>()
    });
    let mut stored = Vec::new();
    let mut path = "/deployments/?limit=500".to_owned();
    loop {
        let page = two.at_b.get(&path).expect(200);
        let versions = page["items"].as_array().unwrap().iter();
        stored.extend(versions.map(|item| item["version"].as_str().unwrap().to_owned()));
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("/deployments/?limit=500&cursor={cursor}"),
            None => break,
        }
    }
    let once: BTreeSet<_> = stored.iter().collect();
    assert_eq!(once.len(), stored.len(), "nothing is there twice");
    assert!(answered.iter().all(|version| once.contains(version)));
}

#[test]
fn a_server_that_stands_still_in_a_transaction_holds_nobody_up_for_long() {
    let Some(mut two) = two() else { return };
    two.at_a.deploy("1", "production", "completed").expect(200);
    let url = two.data.path().to_str().unwrap().to_owned();
    let runtime = runtime();
    let (client, connection) = runtime
        .block_on(tokio_postgres::connect(&url, NoTls))
        .unwrap();
    let _connection = runtime.spawn(connection);
    let run = |sql: &str| runtime.block_on(client.batch_execute(sql)).unwrap();
    // With the cell's lock the server waits for this, and stands still before it goes on.
    run("BEGIN; LOCK TABLE account_local.deployments IN EXCLUSIVE MODE");
    let frozen = two.at_a.clone();
    let held = std::thread::spawn(move || {
        let body = deployment("2", "production", "started").to_string();
        let headers = [("Idempotency-Key", "frozen")];
        drop(frozen.try_send("POST", "/deployment-events/", &headers, body.as_bytes()));
    });
    let waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' \
        AND datname = current_database()";
    while runtime
        .block_on(client.query(waiting, &[]))
        .unwrap()
        .is_empty()
    {}
    two.a.signal("STOP");
    run("ROLLBACK");
    let since = Instant::now();
    let other = persist(|| two.at_b.deploy("3", "production", "started"));
    assert!(
        since.elapsed() < Duration::from_secs(15),
        "{:?}",
        since.elapsed()
    );
    other.expect(200);
    two.a.signal("CONT");
    held.join().unwrap();
    let state = two.at_b.get("/state/").expect(200);
    let cell = &state["products"][0]["environments"][0];
    assert_eq!(cell["in_progress"].as_array().unwrap().len(), 1, "{cell}");
    assert_eq!(cell["in_progress"][0]["version"], "3");
}

#[test]
fn whoever_follows_the_log_by_its_positions_misses_nothing() {
    const WRITERS: usize = 64;
    const EACH: usize = 8;
    let Some(two) = two() else { return };
    let done = AtomicBool::new(false);
    let (at_a, at_b) = (&two.at_a, &two.at_b);
    let followed = std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut seen: Vec<i64> = Vec::new();
            loop {
                let last = done.load(Ordering::Relaxed);
                let after = seen.last().copied().unwrap_or(0);
                seen.extend(positions_after(at_a, after));
                if last {
                    return seen;
                }
            }
        });
        let writers: Vec<_> = (0..WRITERS)
            .map(|n| {
                let client = [at_a, at_b][n % 2].clone();
                scope.spawn(move || {
                    for event in 0..EACH {
                        let body = json!({
                            "product_name": format!("product-{n}"), "version": event.to_string(),
                            "status": "completed",
                        });
                        let key = format!("{n}.{event}");
                        persist(|| client.post_once("/build-events/", &key, &body)).expect(200);
                    }
                })
            })
            .collect();
        for writer in writers {
            writer.join().unwrap();
        }
        done.store(true, Ordering::Relaxed);
        reader.join().unwrap()
    });
    let all = positions_after(at_b, 0);
    assert!(all.len() > WRITERS * EACH, "{} rows", all.len());
    assert_eq!(followed, all);
    let expected: Vec<i64> = (1..).take(all.len()).collect();
    assert_eq!(all, expected, "the positions have no gap");
}

/// The positions of the log after `after`, in their order.
fn positions_after(client: &Client, after: i64) -> Vec<i64> {
    let mut found = Vec::new();
    let mut path = "/audit/?limit=500".to_owned();
    loop {
        let page = client.get(&path).expect(200);
        let rows = page["items"].as_array().unwrap().iter();
        let positions = rows.map(|row| row["position"].as_i64().unwrap());
        let newer: Vec<i64> = positions.filter(|position| *position > after).collect();
        let more = newer.len() == page["items"].as_array().unwrap().len();
        found.extend(newer);
        match page["next_cursor"].as_str().filter(|_| more) {
            Some(cursor) => path = format!("/audit/?limit=500&cursor={cursor}"),
            None => break,
        }
    }
    found.reverse();
    found
}

#[test]
fn a_waiting_client_at_one_server_learns_what_was_decided_at_the_other() {
    let Some(two) = two() else { return };
    two.at_a
        .post("/build-events/", &build("2", "completed"))
        .expect(200);
    two.at_a.deploy("1", "production", "started").expect(200);
    let at_b = two.at_b.clone();
    let waiting = std::thread::spawn(move || {
        let body = deployment("2", "production", "started");
        at_b.post("/preflight/?wait=25", &body)
    });
    two.at_a.deploy("1", "production", "completed").expect(200);
    let since = Instant::now();
    let verdict = waiting.join().unwrap();
    assert!(
        since.elapsed() < Duration::from_secs(10),
        "{:?}",
        since.elapsed()
    );
    assert_eq!(verdict.expect(200)["allowed"], true);
}

#[test]
fn who_is_let_go_at_one_server_is_out_at_all_of_them() {
    let Some(two) = two() else { return };
    let path = path_of(two.a.set_up.as_ref().unwrap());
    let (mut at_a, mut at_b) = (Browser::new(&two.a.url), Browser::new(&two.b.url));
    let fields = [
        ("token", token(&path)),
        ("name", "Root"),
        ("password", "correct horse battery"),
    ];
    assert_eq!(at_a.post("/manage/setup", &fields).status, 303);
    assert_eq!(at_b.log_in("Root", "correct horse battery").status, 303);
    assert!(at_a.is_in() && at_b.is_in());
    // The same cookie is good at both.
    at_a.move_to(&two.b.url);
    assert!(at_a.is_in());
    assert_eq!(at_a.post("/manage/me/end", &[]).status, 303);
    assert!(!at_b.is_in());
    at_b.move_to(&two.a.url);
    assert!(!at_b.is_in());
}
