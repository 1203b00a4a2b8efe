//! Each state of a cell, as somebody reads it.

use super::*;
use crate::store::views::Placed;

const MINUTE: i64 = 60_000_000;
const NOW: i64 = 1_764_067_320_000_000;

fn row() -> BoardRow {
    BoardRow {
        id: "p1".to_owned(),
        name: "orders-api".to_owned(),
        cells: Vec::new(),
    }
}

fn production() -> BoardEnvironment {
    BoardEnvironment {
        id: "e1".to_owned(),
        name: "production".to_owned(),
        kind: None,
        rank: Some(40),
    }
}

fn placed(version: &str, gate: Gate) -> Placed {
    Placed {
        deployment_id: "d1".to_owned(),
        version: version.to_owned(),
        at: NOW - 120 * MINUTE,
        by: Some("mira".to_owned()),
        gate,
        skip_reason: None,
    }
}

fn running() -> BoardCell {
    BoardCell {
        current: Some(placed("1.4.0", Gate::Allowed)),
        ..BoardCell::default()
    }
}

fn with_latest(state: State) -> BoardCell {
    BoardCell {
        latest: Some(Attempt {
            deployment_id: "d2".to_owned(),
            version: "1.5.0".to_owned(),
            state,
            at: NOW - 12 * MINUTE,
            refused_by: None,
            waits: false,
            ended_by: None,
        }),
        ..running()
    }
}

fn markup(cell: Option<&BoardCell>) -> String {
    Cell::of(&row(), &production(), cell, NOW).render().unwrap()
}

/// The words of a cell.
fn words(cell: &BoardCell) -> String {
    let mut words = String::new();
    let mut in_tag = false;
    for character in markup(Some(cell)).chars() {
        match character {
            '<' => in_tag = true,
            '>' => {
                in_tag = false;
                words.push(' ');
            }
            _ if !in_tag => words.push(character),
            _ => {}
        }
    }
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn what_runs_with_its_age_and_who() {
    assert_eq!(words(&running()), "1.4.0 2 h mira");
    assert!(markup(Some(&running())).contains("href=\"/manage/deployments?view=d1\""));
    assert!(
        markup(Some(&running())).starts_with(
            "<td role=\"cell\" data-l=\"production\" id=\"c-p1-e1\"><div class=\"now\">"
        )
    );
}

#[test]
fn never_deployed() {
    let nothing = markup(None);
    assert!(nothing.contains("<span class=\"none\">never deployed</span>"));
    assert_eq!(words(&BoardCell::default()), "never deployed");
}

#[test]
fn in_progress_and_for_how_long() {
    let mut cell = running();
    cell.in_progress = vec![GoesOn {
        deployment_id: "d2".to_owned(),
        version: "1.5.0".to_owned(),
        since: NOW - 3 * MINUTE,
        silent_since: None,
    }];
    assert_eq!(words(&cell), "1.4.0 2 h mira 1.5.0 in progress, 3 min");
    assert!(markup(Some(&cell)).contains("class=\"b go\""));
    cell.in_progress[0].silent_since = Some(NOW - 2 * MINUTE);
    assert!(words(&cell).ends_with("in progress, 3 min ; no word for 2 min"));
    cell.in_progress.push(cell.in_progress[0].clone());
    assert!(words(&cell).contains("1.5.0 and 1 more in progress"));
}

#[test]
fn what_is_in_progress_comes_before_what_failed_earlier() {
    let mut cell = with_latest(State::Failed);
    cell.in_progress = vec![GoesOn {
        deployment_id: "d3".to_owned(),
        version: "1.6.0".to_owned(),
        since: NOW,
        silent_since: None,
    }];
    assert_eq!(words(&cell), "1.4.0 2 h mira 1.6.0 in progress, 0 s");
}

#[test]
fn failed() {
    let cell = with_latest(State::Failed);
    assert_eq!(words(&cell), "1.4.0 2 h mira 1.5.0 failed 12 min ago");
    assert!(markup(Some(&cell)).contains("class=\"b bad\""));
}

#[test]
fn blocked_by_which_rule_with_a_way_to_the_gate() {
    let mut cell = with_latest(State::PreflightFailed);
    if let Some(latest) = &mut cell.latest {
        latest.refused_by = Some("Freeze <1>".to_owned());
    }
    assert_eq!(
        words(&cell),
        "1.4.0 2 h mira 1.5.0 blocked: Freeze &lt;1&gt;"
    );
    let href = "/manage/gate?product=orders-api&#38;version=1.5.0&#38;environment=production";
    assert!(
        markup(Some(&cell)).contains(href),
        "{}",
        markup(Some(&cell))
    );
}

#[test]
fn waits_for_people() {
    let mut cell = with_latest(State::PreflightFailed);
    if let Some(latest) = &mut cell.latest {
        latest.refused_by = Some("Two approvals".to_owned());
        latest.waits = true;
    }
    assert_eq!(words(&cell), "1.4.0 2 h mira 1.5.0 waits for approval");
    assert!(markup(Some(&cell)).contains("#i-wait"));
}

#[test]
fn aborted_by_whom() {
    let mut cell = with_latest(State::Aborted);
    assert_eq!(words(&cell), "1.4.0 2 h mira 1.5.0 aborted, 12 min ago");
    if let Some(latest) = &mut cell.latest {
        latest.ended_by = Some(EndedBy::Expiry);
    }
    assert_eq!(
        words(&cell),
        "1.4.0 2 h mira 1.5.0 aborted by expiry, 12 min ago"
    );
}

#[test]
fn queued() {
    let cell = with_latest(State::Pending);
    assert_eq!(words(&cell), "1.4.0 2 h mira 1.5.0 queued, 12 min");
}

#[test]
fn what_was_told_late_and_is_not_current_says_nothing() {
    assert_eq!(words(&with_latest(State::Completed)), "1.4.0 2 h mira");
}

#[test]
fn rolled_back() {
    let mut cell = running();
    cell.rolled_back_from = Some("1.5.0".to_owned());
    assert_eq!(words(&cell), "1.4.0 2 h mira rolled back from 1.5.0");
}

#[test]
fn drift_in_words() {
    let mut cell = running();
    let mut drift = Drift {
        than: "staging".to_owned(),
        behind: true,
        versions: 2,
        stuck_since: None,
    };
    cell.drift = Some(drift.clone());
    assert_eq!(words(&cell), "1.4.0 2 h mira 2 behind staging");
    assert!(!markup(Some(&cell)).contains("late"));
    assert!(markup(Some(&cell)).contains("/manage/compare?from=staging&#38;to=production"));
    drift.stuck_since = Some(NOW - 12 * 24 * 60 * MINUTE);
    cell.drift = Some(drift.clone());
    assert_eq!(words(&cell), "1.4.0 2 h mira 2 behind staging for 12 d");
    assert!(markup(Some(&cell)).contains("class=\"n late\""));
    drift = Drift {
        behind: false,
        versions: 1,
        stuck_since: None,
        ..drift
    };
    cell.drift = Some(drift);
    assert_eq!(words(&cell), "1.4.0 2 h mira 1 ahead of staging");
}

#[test]
fn skipped_checks_and_what_was_told_later() {
    let mut cell = running();
    let mut current = placed("1.4.0", Gate::Skipped);
    current.skip_reason = Some("card outage".to_owned());
    cell.current = Some(current.clone());
    assert_eq!(words(&cell), "1.4.0 2 h mira checks skipped: card outage");
    current.skip_reason = None;
    cell.current = Some(current);
    assert_eq!(
        words(&cell),
        "1.4.0 2 h mira checks skipped, no reason given"
    );
    cell.current = Some(placed("1.4.0", Gate::Told));
    assert_eq!(words(&cell), "1.4.0 2 h mira told later");
}

#[test]
fn hostile_names_stay_text() {
    let mut cell = running();
    cell.current = Some(placed(
        "\"><script>alert(1)</script>\u{202e}",
        Gate::Allowed,
    ));
    let html = markup(Some(&cell));
    assert!(!html.contains("<script"), "{html}");
    assert!(html.contains("<span class=\"esc\">U+202E</span>"));
    assert!(html.contains("title=\"&#34;&#62;&#60;script"), "{html}");
}
