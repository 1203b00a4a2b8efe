//! What a cell of the matrix shows.

use askama::Template;

use super::format::{self, Html};
use crate::domain::deployment::{EndedBy, Gate, State};
use crate::store::views::{Attempt, BoardCell, BoardEnvironment, BoardRow, Drift, GoesOn};

/// One cell, as its template shows it.
#[derive(Debug, Template)]
#[template(path = "cell.html")]
pub struct Cell {
    id: String,
    environment: String,
    now: Option<Now>,
    badge: Option<Badge>,
    notes: Vec<Note>,
    /// Whether there is nothing to click, as on a wall.
    is_plain: bool,
}

/// What runs.
#[derive(Debug)]
struct Now {
    href: String,
    version: Html,
    title: String,
    age: Html,
    by: Option<Html>,
}

/// What the last attempt came to, if that is not what runs.
#[derive(Debug)]
struct Badge {
    class: &'static str,
    icon: &'static str,
    href: String,
    title: String,
    text: Html,
}

/// What else is to be said, and where its reason is.
#[derive(Debug)]
struct Note {
    late: bool,
    icon: &'static str,
    href: Option<String>,
    text: Html,
}

/// The page of a deployment.
pub fn deployment_address(id: &str) -> String {
    format::address("/manage/deployments", &[("view", id)])
}

impl Cell {
    /// A cell of `product` in `environment`.
    pub fn of(
        product: &BoardRow,
        environment: &BoardEnvironment,
        cell: Option<&BoardCell>,
        now: i64,
    ) -> Cell {
        let mut shown = Cell {
            id: format!("c-{}-{}", product.id, environment.id),
            environment: format::attribute(&environment.name),
            now: None,
            badge: None,
            notes: Vec::new(),
            is_plain: false,
        };
        let Some(cell) = cell else { return shown };
        if let Some(current) = &cell.current {
            shown.now = Some(Now {
                href: deployment_address(&current.deployment_id),
                version: format::text(&current.version),
                title: format::attribute(&current.version),
                age: format::age(current.at, now),
                by: current.by.as_deref().map(format::text),
            });
            match current.gate {
                Gate::Skipped => shown.notes.push(Note {
                    late: true,
                    icon: "flag",
                    href: Some(deployment_address(&current.deployment_id)),
                    text: skipped(current.skip_reason.as_deref()),
                }),
                Gate::Told => shown.notes.push(Note {
                    late: false,
                    icon: "told",
                    href: None,
                    text: Html::of("told later"),
                }),
                _ => {}
            }
        }
        shown.badge = match cell.in_progress.as_slice() {
            [] => cell
                .latest
                .as_ref()
                .and_then(|latest| attempt(latest, (&product.name, &environment.name), now)),
            going => Some(in_progress(going, now)),
        };
        if let Some(version) = &cell.rolled_back_from {
            shown.notes.push(Note {
                late: false,
                icon: "back",
                href: None,
                text: Html::of(format!("rolled back from {}", format::name(version))),
            });
        }
        if let Some(drift) = &cell.drift {
            shown.notes.push(drifting(drift, &environment.name, now));
        }
        shown
    }
}

impl Cell {
    /// The same with nothing to click.
    pub fn plain(mut self) -> Cell {
        self.is_plain = true;
        for note in &mut self.notes {
            note.href = None;
        }
        self
    }
}

/// What is said of skipped checks.
pub fn skipped(reason: Option<&str>) -> Html {
    match reason {
        Some(reason) => Html::of(format!("checks skipped: {}", format::name(reason))),
        None => Html::of("checks skipped, no reason given"),
    }
}

fn in_progress(going: &[GoesOn], now: i64) -> Badge {
    let newest = going.iter().max_by_key(|one| one.since);
    let Some(newest) = newest else {
        return Badge {
            class: "go",
            icon: "go",
            href: String::new(),
            title: String::new(),
            text: Html::default(),
        };
    };
    let more = match going.len() {
        0 | 1 => String::new(),
        all => format!(" and {} more", all - 1),
    };
    let silent = newest.silent_since.map_or(String::new(), |since| {
        format!("; no word for {}", format::age(since, now))
    });
    Badge {
        class: "go",
        icon: "go",
        href: deployment_address(&newest.deployment_id),
        title: format::attribute(&newest.version),
        text: Html::of(format!(
            "{}{more} in progress, {}{silent}",
            format::name(&newest.version),
            format::age(newest.since, now)
        )),
    }
}

fn attempt(latest: &Attempt, (product, environment): (&str, &str), now: i64) -> Option<Badge> {
    let version = format::name(&latest.version);
    let deployment = deployment_address(&latest.deployment_id);
    let asked = [
        ("product", product),
        ("version", latest.version.as_str()),
        ("environment", environment),
    ];
    let mut title = latest.version.clone();
    let (class, icon, href, text) = match latest.state {
        State::Failed => (
            "bad",
            "bad",
            deployment,
            format!("{version} failed {}", format::ago(latest.at, now)),
        ),
        State::PreflightFailed => {
            let rules = latest.refused_by.as_deref().unwrap_or("a rule");
            title = format!("{}: {rules}", latest.version);
            if latest.waits {
                let href = format::address("/manage/approvals", &[("product", product)]);
                (
                    "hold",
                    "wait",
                    href,
                    format!("{version} waits for approval"),
                )
            } else {
                let href = format::address("/manage/gate", &asked);
                (
                    "hold",
                    "hold",
                    href,
                    format!("{version} blocked: {}", format::name(rules)),
                )
            }
        }
        State::Aborted => {
            let by = ended_by(latest.ended_by.as_ref());
            (
                "off",
                "off",
                deployment,
                format!("{version} aborted{by}, {}", format::ago(latest.at, now)),
            )
        }
        State::Pending => (
            "go",
            "told",
            deployment,
            format!("{version} queued, {}", format::age(latest.at, now)),
        ),
        State::Started | State::Completed => return None,
    };
    Some(Badge {
        class,
        icon,
        href,
        title: format::attribute(&title),
        text: Html::of(text),
    })
}

/// Who ended a deployment, if not its own run.
pub fn ended_by(ended_by: Option<&EndedBy>) -> &'static str {
    match ended_by {
        Some(EndedBy::Expiry) => " by expiry",
        Some(EndedBy::RunEnded) => " because its run ended",
        Some(EndedBy::NewerAttempt) => " by a newer attempt",
        Some(EndedBy::Request { .. }) => " on request",
        None => "",
    }
}

fn drifting(drift: &Drift, environment: &str, now: i64) -> Note {
    let than = format::name(&drift.than);
    let (icon, word) = match drift.behind {
        true => ("down", "behind"),
        false => ("up", "ahead of"),
    };
    let stuck = drift.stuck_since.map_or(String::new(), |since| {
        format!(" for {}", format::age(since, now))
    });
    Note {
        late: drift.stuck_since.is_some(),
        icon,
        href: Some(format::address(
            "/manage/compare",
            &[("from", drift.than.as_str()), ("to", environment)],
        )),
        text: Html::of(format!("{} {word} {than}{stuck}", drift.versions)),
    }
}

#[cfg(test)]
#[path = "cell_tests.rs"]
mod tests;
