//! The end of a run frees what the run has left, however late that was told; another try of it goes on.

use serde_json::{Value, json};

use crate::sources::{Sender, over, run, run_over, status};
use crate::support::{Server, until};

/// A sender that counts no attempts: what it calls `over` is the end of its run.
fn tool(server: &Server) -> Sender<'_> {
    let mapping = json!({
        "product": "/service", "version": "/version", "environment": "/where", "status": "/phase",
        "statuses": { "waits": "pending", "begun": "started", "over": "completed" },
        "run_ends": ["over"], "time": "/at",
        "fields": { "source_system": "our-tool", "invoke_id": "/run" },
    });
    Sender::new(server, "json", json!({ "mapping": mapping }))
}

fn tell(tool: &Sender<'_>, run: usize, (place, phase, at): (&str, &str, &str)) {
    let body = json!({
        "service": "shop", "version": "1", "where": place, "phase": phase, "run": run,
        "at": format!("2025-11-19T{at}:00Z"),
    });
    let headers = [("Content-Type", "application/json")];
    let row = tool.became(&tool.send(&headers, body.to_string().as_bytes()));
    assert_eq!(row["state"], "done", "{row}");
}

/// Lets every look happen that is asked for.
fn look(server: &Server) {
    server.clock.advance(3);
    until("the looks are over", || {
        let waits = server.client.get("/queue/?state=waiting").expect(200);
        waits["items"].as_array().unwrap().is_empty()
    });
}

/// The one deployment of a place: its status, and who ended it.
fn stands(server: &Server, place: &str) -> (String, Value) {
    let path = format!("/deployments/?environment={place}");
    let items = server.client.get(&path).expect(200)["items"].clone();
    let [one] = &items.as_array().unwrap()[..] else {
        panic!("one deployment in {place}: {items}");
    };
    (
        one["status"].as_str().unwrap().to_owned(),
        one["ended_by"].clone(),
    )
}

fn aborted() -> (String, Value) {
    ("aborted".to_owned(), json!("run_ended"))
}

fn started() -> (String, Value) {
    ("started".to_owned(), Value::Null)
}

#[test]
fn in_whatever_order_a_run_is_told_of_what_it_left_ends_and_another_try_goes_on() {
    // The run leaves `left`, waits in `waits`, and is over; then it is tried again in `again`.
    let events = [
        ("left", "begun", "10:00"),
        ("waits", "waits", "10:05"),
        ("done", "over", "10:10"),
        ("again", "begun", "10:20"),
    ];
    let mut orders = vec![Vec::new()];
    for _ in 0..events.len() {
        orders = orders
            .into_iter()
            .flat_map(|order: Vec<usize>| {
                let rest = (0..events.len()).filter(|event| !order.contains(event));
                rest.map(|event| [&order[..], &[event]].concat())
                    .collect::<Vec<_>>()
            })
            .collect();
    }
    assert_eq!(orders.len(), 24);
    let server = Server::start();
    let tool = tool(&server);
    // Everything at once, and each after the looks that the one before has asked for.
    for slow in [false, true] {
        let named = |number: usize, place: &str| format!("{place}-{number}-{slow}");
        for step in 0..events.len() {
            for (number, order) in orders.iter().enumerate() {
                let (place, phase, at) = events[order[step]];
                let run = 2 * number + usize::from(slow);
                tell(&tool, run, (&named(number, place), phase, at));
            }
            if slow {
                look(&server);
            }
        }
        look(&server);
        for (number, order) in orders.iter().enumerate() {
            let stands = |place: &str| stands(&server, &named(number, place));
            assert_eq!(stands("left"), aborted(), "{order:?}, {slow}");
            assert_eq!(stands("waits"), aborted(), "{order:?}, {slow}");
            assert_eq!(stands("again"), started(), "{order:?}, {slow}");
            assert_eq!(stands("done").0, "completed", "{order:?}, {slow}");
        }
    }
}

#[test]
fn a_start_that_comes_long_after_its_run_was_over_ends_unless_its_own_end_comes() {
    let server = Server::start();
    let github = Sender::new(&server, "github", json!({}));
    let over_at = |attempt: u32, delivery: &str, at: &str| {
        let mut body = run_over(attempt, "cancelled");
        body["workflow_run"]["updated_at"] = json!(at);
        let row = github.became(&github.github("workflow_run", delivery, &body));
        assert_eq!(row["state"], "done", "{row}");
    };
    let tell = |place: &str, state: &str, of: Value, at: &str| {
        let body = status(state, place, of, at);
        let delivery = format!("{place}-{state}-{at}");
        let row = github.became(&github.github("deployment_status", &delivery, &body));
        assert_eq!(row["state"], "done", "{row}");
    };
    over_at(1, "r1", "2025-11-19T11:30:00Z");
    look(&server);
    // Two days later GitHub is asked to send again what it could not send.
    server.clock.advance(2 * 24 * 60);
    tell("late", "in_progress", run(), "2025-11-19T11:20:00Z");
    tell("ends", "in_progress", run(), "2025-11-19T11:20:00Z");
    tell("ends", "success", run(), "2025-11-19T11:25:00Z");
    let mut again = run();
    again["run_attempt"] = json!(2);
    tell(
        "again",
        "in_progress",
        again.clone(),
        "2025-11-19T11:29:00Z",
    );
    assert_eq!(stands(&server, "late"), started());
    look(&server);
    assert_eq!(stands(&server, "late"), aborted());
    assert_eq!(stands(&server, "ends").0, "completed");
    assert_eq!(stands(&server, "again"), started(), "it is another attempt");
    // Its own end replaces the guess; what comes after that is history.
    tell("late", "failure", run(), "2025-11-19T11:29:00Z");
    assert_eq!(stands(&server, "late").0, "failed");
    tell("late", "in_progress", run(), "2025-11-19T11:21:00Z");
    look(&server);
    assert_eq!(stands(&server, "late").0, "failed");
    over_at(2, "r2", "2025-11-19T11:40:00Z");
    look(&server);
    assert_eq!(stands(&server, "again"), aborted());
}

#[test]
fn a_client_that_tells_late_of_a_run_that_is_over_leaves_nothing_and_one_that_tries_again_goes_on()
{
    let server = Server::start();
    let tool = tool(&server);
    tell(&tool, 7, ("done", "over", "10:10"));
    look(&server);
    let event = |place: &str| {
        json!({
            "product_name": "shop", "version": "1", "environment_name": place, "status": "started",
            "source_system": "our-tool", "invoke_id": "7",
        })
    };
    for (place, at) in [
        ("late", "2025-11-19T10:00:00Z"),
        ("tried", "2025-11-19T10:30:00Z"),
    ] {
        let headers = [
            ("Versioner-Occurred-At", at),
            ("Versioner-Sent-At", "2025-11-19T12:03:00Z"),
        ];
        server.client.post_with(&headers, &event(place)).expect(200);
    }
    // One that asks the rules does so now.
    server
        .client
        .post("/deployment-events/", &event("asks"))
        .expect(200);
    look(&server);
    assert_eq!(stands(&server, "late"), aborted());
    assert_eq!(stands(&server, "tried"), started());
    assert_eq!(stands(&server, "asks"), started());
    // Somebody looks once more at the end that is long known: it is still that end.
    let rows = server.client.get("/queue/?state=done").expect(200)["items"].clone();
    let looks = rows.as_array().unwrap().iter();
    let looks = looks.filter(|row| {
        row["key"]
            .as_str()
            .is_some_and(|key| key.starts_with("run_ended:7:"))
    });
    for look in looks {
        let id = look["id"].as_str().unwrap();
        let path = format!("/queue/{id}/replay/");
        server.client.post(&path, &json!({})).expect(200);
        over(&server, id);
    }
    assert_eq!(stands(&server, "tried"), started());
    assert_eq!(stands(&server, "asks"), started());
}

#[test]
fn what_was_sent_is_kept_for_as_many_days_as_the_server_is_told() {
    let server = Server::start();
    server.clock.set("2025-11-15T12:00:00Z");
    let tool = tool(&server);
    tell(&tool, 7, ("left", "begun", "10:00"));
    let headers = [("Content-Type", "application/json")];
    let dead = tool.became(&tool.send(&headers, b"no JSON"));
    assert_eq!(dead["state"], "dead");
    // Something waits, so that the server looks into this queue as it starts.
    tell(&tool, 7, ("done", "over", "10:10"));
    let server = server.restart_keeping("2025-11-19T11:00:00Z", 3, 5);
    let rows = || {
        let rows = server.client.get("/queue/").expect(200)["items"].clone();
        let states = rows.as_array().unwrap().iter();
        let mut states: Vec<_> = states.map(|row| row["state"].to_string()).collect();
        states.sort();
        states
    };
    // What the server has just done is new, and what could not be done stays longer.
    until("the old rows are gone", || {
        rows() == [r#""dead""#, r#""done""#]
    });
    let dead = dead["id"].as_str().unwrap();
    assert_eq!(
        server.client.get(&format!("/queue/{dead}/")).expect(200)["size"],
        7
    );
}
