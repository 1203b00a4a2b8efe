//! No-deploy windows: times at which nothing is deployed, once or every week, in a time zone.

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Span, Timestamp, Zoned};
use serde_json::{Map, Value, json};

use crate::domain::fields::{Fields, MAX_NAME, read_timestamp};
use crate::domain::time::rounded_up;

const DAYS: [(&str, Weekday); 7] = [
    ("monday", Weekday::Monday),
    ("tuesday", Weekday::Tuesday),
    ("wednesday", Weekday::Wednesday),
    ("thursday", Weekday::Thursday),
    ("friday", Weekday::Friday),
    ("saturday", Weekday::Saturday),
    ("sunday", Weekday::Sunday),
];

/// A no-deploy window: from its start, up to and without its end.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    zone: TimeZone,
    zone_name: String,
    when: When,
}

#[derive(Debug, Clone, PartialEq)]
enum When {
    Once {
        starts_at: Moment,
        ends_at: Moment,
    },
    Weekly {
        days: Vec<Weekday>,
        start: Time,
        end: Time,
        end_day: Option<Weekday>,
    },
}

/// A time as the rule gives it, and the instant it means.
#[derive(Debug, Clone, PartialEq)]
struct Moment {
    text: String,
    instant: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Edge {
    Start,
    End,
}

#[derive(Debug, Clone, Copy)]
enum Recurrence {
    Once,
    Weekly,
}

impl Window {
    /// Reads the `config` of a rule; `None` where it is wrong, which `fields` then knows.
    pub fn read(fields: &mut Fields) -> Option<Window> {
        let (zone_name, zone) = read_zone(fields);
        let recurrence = fields.required_choice(
            "recurrence",
            &[("once", Recurrence::Once), ("weekly", Recurrence::Weekly)],
        )?;
        let when = match recurrence {
            Recurrence::Once => read_once(fields, &zone),
            Recurrence::Weekly => read_weekly(fields),
        }?;
        Some(Window {
            zone,
            zone_name,
            when,
        })
    }

    /// The `config` of the rule.
    pub fn to_json(&self) -> Value {
        match &self.when {
            When::Once { starts_at, ends_at } => json!({
                "recurrence": "once",
                "timezone": self.zone_name,
                "starts_at": starts_at.text,
                "ends_at": ends_at.text,
            }),
            When::Weekly {
                days,
                start,
                end,
                end_day,
            } => {
                let mut config = Map::new();
                config.insert("recurrence".to_owned(), "weekly".into());
                config.insert("timezone".to_owned(), self.zone_name.clone().into());
                let days: Vec<_> = days.iter().copied().map(day_name).collect();
                config.insert("days".to_owned(), days.into());
                config.insert("start_time".to_owned(), start.to_string().into());
                config.insert("end_time".to_owned(), end.to_string().into());
                if let Some(day) = end_day {
                    config.insert("end_day".to_owned(), day_name(*day).into());
                }
                Value::Object(config)
            }
        }
    }

    /// `None` outside of the window. Within it, when it ends, in the window's zone and rounded up to
    /// the second; windows that follow each other without a pause count as one, and a week of them
    /// never ends.
    pub fn blocked_until(&self, now: Timestamp) -> Option<Option<Zoned>> {
        let mut until = self.end_of_window_at(now)?;
        for _ in 0..=DAYS.len() {
            match self.end_of_window_at(until) {
                Some(later) => until = later,
                None => return Some(Some(rounded_up(until).to_zoned(self.zone.clone()))),
            }
        }
        Some(None)
    }

    fn end_of_window_at(&self, now: Timestamp) -> Option<Timestamp> {
        match &self.when {
            When::Once { starts_at, ends_at } => {
                (starts_at.instant <= now && now < ends_at.instant).then_some(ends_at.instant)
            }
            When::Weekly {
                days,
                start,
                end,
                end_day,
            } => {
                let today = now.to_zoned(self.zone.clone()).date();
                // The longest window lasts a week; a day more for what a zone change can shift.
                (0..=8)
                    .filter_map(|back| today.checked_sub(Span::new().days(back)).ok())
                    .filter(|date| days.contains(&date.weekday()))
                    .filter_map(|date| {
                        let last = last_date(date, *start, *end, *end_day)?;
                        let from = resolve(&self.zone, date.to_datetime(*start), Edge::Start)?;
                        let to = resolve(&self.zone, last.to_datetime(*end), Edge::End)?;
                        (from <= now && now < to).then_some(to)
                    })
                    .max()
            }
        }
    }
}

fn last_date(date: Date, start: Time, end: Time, end_day: Option<Weekday>) -> Option<Date> {
    let days = match end_day {
        None if end > start => 0,
        None => 1,
        Some(day) => match date.weekday().until(day) {
            0 if end <= start => 7,
            days => days,
        },
    };
    date.checked_add(Span::new().days(days)).ok()
}

/// The instant of a wall-clock time. Where the clock shows it twice, the window is the longer one;
/// where the clock jumps over it, it is the instant of the jump.
fn resolve(zone: &TimeZone, wall: DateTime, edge: Edge) -> Option<Timestamp> {
    let ambiguous = zone.to_ambiguous_timestamp(wall);
    match (ambiguous.offset(), edge) {
        (AmbiguousOffset::Gap { .. }, _) => {
            let after = ambiguous.later().ok()?;
            let just_after = after.checked_add(Span::new().nanoseconds(1)).ok()?;
            let jump = zone.preceding(just_after).next();
            jump.map(|transition| transition.timestamp())
        }
        (_, Edge::Start) => ambiguous.earlier().ok(),
        (_, Edge::End) => ambiguous.later().ok(),
    }
}

fn day_name(day: Weekday) -> &'static str {
    let found = DAYS.iter().find(|(_, candidate)| *candidate == day);
    found.map_or("", |(name, _)| *name)
}

fn read_zone(fields: &mut Fields) -> (String, TimeZone) {
    let Some(name) = fields.text("timezone", MAX_NAME) else {
        return ("UTC".to_owned(), TimeZone::UTC);
    };
    match TimeZone::get(&name) {
        Ok(zone) if !zone.is_unknown() => (zone.iana_name().unwrap_or(&name).to_owned(), zone),
        _ => {
            let msg = "Input should be an IANA time zone, such as America/Los_Angeles";
            fields.reject("timezone", "timezone", msg);
            (name, TimeZone::UTC)
        }
    }
}

fn read_once(fields: &mut Fields, zone: &TimeZone) -> Option<When> {
    let starts_at = read_moment(fields, "starts_at", zone, Edge::Start);
    let ends_at = read_moment(fields, "ends_at", zone, Edge::End);
    let (starts_at, ends_at) = (starts_at?, ends_at?);
    if ends_at.instant <= starts_at.instant {
        fields.reject(
            "ends_at",
            "value_error",
            "The window should end after its start",
        );
        return None;
    }
    Some(When::Once { starts_at, ends_at })
}

fn read_moment(fields: &mut Fields, name: &str, zone: &TimeZone, edge: Edge) -> Option<Moment> {
    let text = fields.required_text(name, MAX_NAME);
    if text.is_empty() {
        return None;
    }
    let stored = fields.is_stored();
    let exact = || read_timestamp(&text).or_else(|| stored.then(|| text.parse().ok())?);
    let instant = exact().or_else(|| {
        let wall = read_wall(&text).or_else(|| stored.then(|| text.parse().ok())?)?;
        resolve(zone, wall, edge)
    });
    if instant.is_none() {
        let msg = "Input should be a time such as 2025-12-24T00:00:00, in the rule's time zone, \
                   or with an offset of its own";
        fields.reject(name, "datetime_parsing", msg);
    }
    instant.map(|instant| Moment { text, instant })
}

/// A time without a zone: a date alone does not say whether its day counts.
fn read_wall(text: &str) -> Option<DateTime> {
    let shapes = ["0000-00-00T00:00", "0000-00-00T00:00:00"];
    has_shape(text, &shapes)
        .then(|| text.parse().ok())
        .flatten()
}

/// Whether the text is one of `shapes`, in which `0` stands for any digit.
fn has_shape(text: &str, shapes: &[&str]) -> bool {
    shapes.iter().any(|shape| {
        shape.len() == text.len()
            && shape
                .bytes()
                .zip(text.bytes())
                .all(|(shape, byte)| match shape {
                    b'0' => byte.is_ascii_digit(),
                    other => other == byte,
                })
    })
}

fn read_weekly(fields: &mut Fields) -> Option<When> {
    let names = fields.names("days");
    let start = read_time(fields, "start_time");
    let end = read_time(fields, "end_time");
    let end_day = fields.choice("end_day", &DAYS);
    let mut days = Vec::new();
    for name in names.iter().flatten() {
        match DAYS.iter().find(|(word, _)| word == name) {
            Some((_, day)) => days.push(*day),
            None => {
                let msg = format!("{name:?} should be a day such as \"friday\"");
                fields.reject("days", "enum", msg);
                return None;
            }
        }
    }
    if days.is_empty() {
        fields.reject("days", "missing", "Input should name at least one day");
        return None;
    }
    if let (Some(day), [only]) = (end_day, days.as_slice())
        && day == *only
        && !fields.is_stored()
    {
        let msg = "A window that ends on the weekday of its start would last a week or confuse; \
                   leave end_day out for one that ends on the same day or the next";
        fields.reject("end_day", "value_error", msg);
        return None;
    }
    if end_day.is_some() && days.len() > 1 {
        let msg = "A window with an end_day should start on one day only";
        fields.reject("end_day", "value_error", msg);
        return None;
    }
    Some(When::Weekly {
        days,
        start: start?,
        end: end?,
        end_day,
    })
}

fn read_time(fields: &mut Fields, name: &str) -> Option<Time> {
    let text = fields.required_text(name, MAX_NAME);
    if text.is_empty() {
        return None;
    }
    let time = (fields.is_stored() || has_shape(&text, &["00:00", "00:00:00"]))
        .then(|| text.parse().ok())
        .flatten();
    if time.is_none() {
        fields.reject(
            name,
            "time_parsing",
            "Input should be a time of day such as 15:00",
        );
    }
    time
}
