//! Servers with wrong clocks on one database, whose time counts. `make test-postgres` runs these; without
//! the database that it starts there is nothing to test here.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::sync::oneshot;
use versioner_server::{App, Clock, Directory, serve};

use crate::data::Data;
use crate::support::{Client, add_key, runtime};

/// The clock of a machine that is wrong by so many hours.
struct Wrong(i64);

impl Clock for Wrong {
    fn now(&self) -> Timestamp {
        Timestamp::now() + SignedDuration::from_hours(self.0)
    }

    fn running(&self) -> Duration {
        Duration::ZERO
    }

    fn is_of_machine(&self) -> bool {
        true
    }
}

/// A server with a wrong clock.
struct Server {
    client: Client,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    fn start(data: &Data, hours: i64, key: &str) -> Server {
        let (stop, stopped) = oneshot::channel::<()>();
        let (ready, started) = std::sync::mpsc::channel();
        let root = data.path().to_owned();
        let thread = std::thread::spawn(move || {
            runtime().block_on(async move {
                let directory = Directory::open_to_serve(&root).unwrap();
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
                ready.send(listener.local_addr().unwrap()).unwrap();
                let app = Arc::new(App::new(directory, Arc::new(Wrong(hours)), None));
                serve(app, listener, async {
                    let _ = stopped.await;
                })
                .await;
            });
        });
        let address = started.recv().unwrap();
        Server {
            client: Client::new(&format!("http://{address}"), key),
            stop: Some(stop),
            thread: Some(thread),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn time(value: &Value) -> Timestamp {
    value.as_str().unwrap().parse().unwrap()
}

#[test]
fn servers_whose_clocks_are_wrong_agree_on_the_time() {
    let Some(data) = Data::on_postgres() else {
        return;
    };
    // The database is on this machine, whose clock is right.
    let begin = Timestamp::now() - SignedDuration::from_secs(5);
    let key = add_key(data.path(), "local", false);
    let behind = Server::start(&data, -30, &key);
    let ahead = Server::start(&data, 30, &key);
    let soak = json!({
        "name": "Soak", "type": "soak_time", "environments": ["production"], "create": true,
        "config": { "environment": "staging", "soak_minutes": 24 * 60 },
    });
    let made = behind.client.post("/deployment-rules/", &soak);
    assert_eq!(made.status, 201, "{}", made.text);
    behind.client.deploy("1", "staging", "started").expect(200);
    ahead.client.deploy("1", "staging", "completed").expect(200);
    // By the clock of the one that is ahead it would have soaked for long.
    let early = ahead.client.deploy("1", "production", "started");
    assert_eq!(early.status, 428, "{}", early.text);
    // A key that is valid for a day is valid at both.
    let made = behind.client.post(
        "/keys/",
        &json!({ "scopes": ["read"], "expires_in_days": 1 }),
    );
    let short = made.expect(201)["key"].as_str().unwrap().to_owned();
    Client::new(&ahead.client.url, &short)
        .get("/products/")
        .expect(200);
    let end = Timestamp::now() + SignedDuration::from_secs(5);
    for server in [&behind, &ahead] {
        let log = server.client.get("/audit/?limit=100").expect(200);
        let times = log["items"].as_array().unwrap().iter();
        // The first row is that of the schema.
        let times = times
            .filter(|row| row["kind"] != "migrated")
            .map(|row| time(&row["at"]));
        let times: Vec<Timestamp> = times.collect();
        assert!(times.len() > 4, "{log}");
        assert!(times.iter().all(|at| begin < *at && *at < end), "{log}");
        let all = server
            .client
            .get("/deployments/?status=completed")
            .expect(200);
        let deployment = &all["items"][0];
        for name in ["created_at", "started_at", "deployed_at"] {
            let at = time(&deployment[name]);
            assert!(begin < at && at < end, "{name}: {deployment}");
        }
    }
}
