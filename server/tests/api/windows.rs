//! No-deploy windows, over midnight, weeks and daylight-saving changes.

use serde_json::{Value, json};

use crate::support::Server;

/// What a start at each time is answered with under one window: when to try again, or `None` where
/// it is allowed.
#[track_caller]
fn check(config: Value, times: &[(&str, Option<&str>)]) {
    let server = Server::start();
    let rule = json!({ "name": "Freeze", "type": "no_deploy_window", "config": config });
    let added = server.client.post("/deployment-rules/", &rule).expect(201);
    let path = format!("/deployment-rules/{}/", added["id"].as_str().unwrap());
    let read_back = json!({ "config": added["config"] });
    let same = server
        .client
        .request("PATCH", &path, &read_back)
        .expect(200);
    assert_eq!(same["config"], added["config"]);
    for (index, (time, until)) in times.iter().enumerate() {
        server.clock.set(time);
        let reply = server
            .client
            .deploy("1", &format!("env-{index}"), "started");
        match until {
            None => drop(reply.expect(200)),
            Some(until) => {
                let detail = reply.detail(423);
                assert_eq!(detail["code"], "NO_DEPLOY_WINDOW");
                assert_eq!(detail["error"], "Deployment Blocked by Schedule");
                assert_eq!(detail["message"], "Deployment blocked by no-deploy window");
                assert_eq!(detail["details"]["rule_name"], "Freeze");
                assert_eq!(detail["retry_after"], *until, "at {time}");
            }
        }
    }
}

fn weekly(zone: &str, days: &[&str], start: &str, end: &str) -> Value {
    json!({
        "recurrence": "weekly", "timezone": zone, "days": days,
        "start_time": start, "end_time": end,
    })
}

#[test]
fn a_friday_afternoon() {
    check(
        weekly("America/Los_Angeles", &["friday"], "15:00", "18:00"),
        &[
            ("2025-11-21T14:59:59.999999-08:00", None),
            (
                "2025-11-21T15:00:00-08:00",
                Some("2025-11-21T18:00:00-08:00"),
            ),
            (
                "2025-11-21T17:59:59-08:00",
                Some("2025-11-21T18:00:00-08:00"),
            ),
            ("2025-11-21T18:00:00-08:00", None),
            ("2025-11-20T16:00:00-08:00", None),
            (
                "2025-07-04T16:00:00-07:00",
                Some("2025-07-04T18:00:00-07:00"),
            ),
        ],
    );
}

#[test]
fn over_midnight() {
    check(
        weekly("Europe/Berlin", &["monday", "tuesday"], "22:00", "06:00"),
        &[
            ("2025-11-17T21:59:00+01:00", None),
            (
                "2025-11-17T23:00:00+01:00",
                Some("2025-11-18T06:00:00+01:00"),
            ),
            (
                "2025-11-19T05:00:00+01:00",
                Some("2025-11-19T06:00:00+01:00"),
            ),
            ("2025-11-19T23:00:00+01:00", None),
        ],
    );
}

#[test]
fn over_a_weekend_and_the_end_of_a_year() {
    let mut config = weekly("Asia/Tokyo", &["friday"], "17:00", "08:00");
    config["end_day"] = json!("monday");
    check(
        config,
        &[
            ("2027-01-01T16:59:00+09:00", None),
            (
                "2027-01-01T17:00:00+09:00",
                Some("2027-01-04T08:00:00+09:00"),
            ),
            (
                "2027-01-04T07:59:00+09:00",
                Some("2027-01-04T08:00:00+09:00"),
            ),
            ("2027-01-04T08:00:00+09:00", None),
        ],
    );
}

#[test]
fn windows_without_a_pause_end_together() {
    check(
        weekly("UTC", &["saturday", "sunday"], "00:00", "00:00"),
        &[
            ("2025-11-22T12:00:00Z", Some("2025-11-24T00:00:00+00:00")),
            ("2025-11-24T00:00:00Z", None),
        ],
    );
}

#[test]
fn the_hour_that_does_not_exist() {
    // New York goes from 02:00 to 03:00 on 9 March 2025.
    check(
        weekly("America/New_York", &["sunday"], "02:30", "04:00"),
        &[
            ("2025-03-09T06:59:59Z", None),
            ("2025-03-09T07:00:00Z", Some("2025-03-09T04:00:00-04:00")),
            ("2025-03-09T08:00:00Z", None),
        ],
    );
    check(
        weekly("America/New_York", &["sunday"], "01:00", "02:30"),
        &[
            ("2025-03-09T06:59:59Z", Some("2025-03-09T03:00:00-04:00")),
            ("2025-03-09T07:00:00Z", None),
        ],
    );
}

#[test]
fn the_hour_that_comes_twice() {
    // New York goes from 02:00 back to 01:00 on 2 November 2025.
    check(
        weekly("America/New_York", &["sunday"], "01:15", "01:45"),
        &[
            ("2025-11-02T05:14:59Z", None),
            ("2025-11-02T05:15:00Z", Some("2025-11-02T01:45:00-05:00")),
            ("2025-11-02T06:44:59Z", Some("2025-11-02T01:45:00-05:00")),
            ("2025-11-02T06:45:00Z", None),
        ],
    );
}

#[test]
fn a_change_inside_the_window_keeps_the_wall_clock() {
    let mut config = weekly("Europe/Berlin", &["saturday"], "20:00", "08:00");
    config["end_day"] = json!("sunday");
    check(
        config,
        &[
            ("2025-10-25T18:00:00Z", Some("2025-10-26T08:00:00+01:00")),
            ("2025-10-26T06:59:59Z", Some("2025-10-26T08:00:00+01:00")),
            ("2025-10-26T07:00:00Z", None),
            ("2025-03-29T19:00:00Z", Some("2025-03-30T08:00:00+02:00")),
            ("2025-03-30T06:00:00Z", None),
        ],
    );
}

#[test]
fn once_in_the_zone_of_the_rule() {
    check(
        json!({
            "recurrence": "once", "timezone": "America/Los_Angeles",
            "starts_at": "2025-12-24T00:00:00", "ends_at": "2026-01-02T00:00:00",
        }),
        &[
            ("2025-12-24T07:59:59Z", None),
            ("2025-12-24T08:00:00Z", Some("2026-01-02T00:00:00-08:00")),
            ("2026-01-02T08:00:00Z", None),
        ],
    );
}

#[test]
fn once_with_offsets_of_its_own() {
    check(
        json!({
            "recurrence": "once",
            "starts_at": "2025-12-24T00:00:00+05:30", "ends_at": "2025-12-25T00:00:00+05:30",
        }),
        &[
            ("2025-12-23T18:29:59Z", None),
            ("2025-12-23T18:30:00Z", Some("2025-12-24T18:30:00+00:00")),
        ],
    );
}

#[test]
fn a_window_with_a_mistake_in_it_is_refused() {
    let server = Server::start();
    let mut two_days = weekly("UTC", &["friday", "monday"], "10:00", "11:00");
    two_days["end_day"] = json!("sunday");
    let mut same_day = weekly("UTC", &["friday"], "18:00", "00:00");
    same_day["end_day"] = json!("friday");
    let once =
        |from: &str, to: &str| json!({ "recurrence": "once", "starts_at": from, "ends_at": to });
    let mistakes = [
        (
            weekly("Mars/Base", &["friday"], "10:00", "11:00"),
            "timezone",
        ),
        (weekly("UTC", &["freitag"], "10:00", "11:00"), "days"),
        (weekly("UTC", &[], "10:00", "11:00"), "days"),
        (weekly("UTC", &["friday"], "25:00", "11:00"), "start_time"),
        (
            weekly("UTC", &["friday"], "15:00+02:00", "18:00"),
            "start_time",
        ),
        (weekly("UTC", &["friday"], "T15", "18:00"), "start_time"),
        (
            weekly("Etc/Unknown", &["friday"], "15:00", "18:00"),
            "timezone",
        ),
        (once("2025-12-24", "2025-12-25"), "starts_at"),
        (
            once("2025-12-24T00:00", "2025-12-25T00:00[America/New_York]"),
            "ends_at",
        ),
        (same_day, "end_day"),
        (weekly("UTC", &["friday"], "10:00", ""), "end_time"),
        (two_days, "end_day"),
        (json!({ "recurrence": "yearly" }), "recurrence"),
        (weekly("EST", &["friday"], "15:00", "18:00"), "timezone"),
        (weekly("UTC", &["friday"], "150000", "18:00"), "start_time"),
        (
            json!({
                "recurrence": "monthly", "start_day": 32, "start_time": "00:00", "end_time": "01:00",
            }),
            "start_day",
        ),
        (once("2025-12-24T00:00", "2025-12-23T00:00"), "ends_at"),
        (once("soon", "2025-12-23T00:00"), "starts_at"),
    ];
    for (config, field) in mistakes {
        let rule = json!({ "name": "x", "type": "no_deploy_window", "config": config });
        let detail = server.client.post("/deployment-rules/", &rule).detail(422);
        assert_eq!(
            detail[0]["loc"],
            json!(["body", "config", field]),
            "{detail}"
        );
    }
}

#[test]
fn every_night() {
    check(
        json!({
            "recurrence": "daily", "timezone": "Europe/Berlin",
            "start_time": "22:00", "end_time": "06:00",
        }),
        &[
            ("2025-11-19T21:59:59+01:00", None),
            (
                "2025-11-19T22:00:00+01:00",
                Some("2025-11-20T06:00:00+01:00"),
            ),
            (
                "2025-11-20T05:59:59+01:00",
                Some("2025-11-20T06:00:00+01:00"),
            ),
            ("2025-11-20T06:00:00+01:00", None),
        ],
    );
}

#[test]
fn the_turn_of_every_month() {
    check(
        json!({
            "recurrence": "monthly", "start_day": 31, "start_time": "12:00",
            "end_day": 2, "end_time": "08:00",
        }),
        &[
            ("2025-11-30T11:59:59Z", None),
            ("2025-11-30T12:00:00Z", Some("2025-12-02T08:00:00+00:00")),
            ("2025-12-02T07:59:59Z", Some("2025-12-02T08:00:00+00:00")),
            ("2025-12-02T08:00:00Z", None),
            ("2026-02-28T12:00:00Z", Some("2026-03-02T08:00:00+00:00")),
            ("2028-02-28T12:00:00Z", None),
            ("2026-01-01T00:00:00Z", Some("2026-01-02T08:00:00+00:00")),
        ],
    );
    check(
        json!({
            "recurrence": "monthly", "start_day": 15, "start_time": "09:00", "end_time": "17:00",
        }),
        &[
            ("2025-11-15T09:00:00Z", Some("2025-11-15T17:00:00+00:00")),
            ("2025-11-14T12:00:00Z", None),
            ("2025-11-15T17:00:00Z", None),
        ],
    );
}

#[test]
fn a_window_that_may_not_be_meant_is_made_with_a_warning() {
    let server = Server::start();
    let warned = |config: Value| {
        let rule = json!({ "name": "Freeze", "type": "no_deploy_window", "config": config });
        let made = server.client.post("/deployment-rules/", &rule).expect(201);
        let path = format!("/deployment-rules/{}/", made["id"].as_str().unwrap());
        server.client.request("PATCH", &path, &made).expect(200);
        made["warnings"][0].as_str().map(str::to_owned)
    };
    let past = json!({
        "recurrence": "once", "starts_at": "2024-12-24T00:00", "ends_at": "2025-01-02T00:00",
    });
    assert!(warned(past).unwrap().contains("over already"));
    let long = weekly("UTC", &["friday"], "18:00", "18:00");
    assert!(warned(long).unwrap().contains("24 hours"));
    let old = weekly("CET", &["friday"], "15:00", "18:00");
    assert!(warned(old).unwrap().contains("by a city"));
    let always = json!({ "recurrence": "daily", "start_time": "00:00", "end_time": "00:00" });
    assert!(warned(always).unwrap().contains("always open"));
    assert_eq!(warned(weekly("UTC", &["friday"], "15:00", "18:00")), None);
}
