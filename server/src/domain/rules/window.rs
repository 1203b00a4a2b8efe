//! No-deploy windows: times at which nothing is deployed, once, every day, week or month, in a time
//! zone.

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
    Daily {
        start: Time,
        end: Time,
    },
    Weekly {
        days: Vec<Weekday>,
        start: Time,
        end: Time,
        end_day: Option<Weekday>,
    },
    /// A day that a month does not have is its last one.
    Monthly {
        start_day: i8,
        start: Time,
        end_day: Option<i8>,
        end: Time,
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
    Daily,
    Weekly,
    Monthly,
}

impl Window {
    /// Reads the `config` of a rule; `None` where it is wrong, which `fields` then knows.
    pub fn read(fields: &mut Fields) -> Option<Window> {
        let (zone_name, zone) = read_zone(fields);
        let recurrence = fields.required_choice(
            "recurrence",
            &[
                ("once", Recurrence::Once),
                ("daily", Recurrence::Daily),
                ("weekly", Recurrence::Weekly),
                ("monthly", Recurrence::Monthly),
            ],
        )?;
        let when = match recurrence {
            Recurrence::Once => read_once(fields, &zone),
            Recurrence::Daily => read_daily(fields),
            Recurrence::Weekly => read_weekly(fields),
            Recurrence::Monthly => read_monthly(fields),
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
            When::Daily { start, end } => json!({
                "recurrence": "daily",
                "timezone": self.zone_name,
                "start_time": start.to_string(),
                "end_time": end.to_string(),
            }),
            When::Monthly {
                start_day,
                start,
                end_day,
                end,
            } => {
                let mut config = json!({
                    "recurrence": "monthly",
                    "timezone": self.zone_name,
                    "start_day": start_day,
                    "start_time": start.to_string(),
                    "end_time": end.to_string(),
                });
                if let Some(day) = end_day {
                    config["end_day"] = json!(day);
                }
                config
            }
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
        let open = |(from, to): &(Timestamp, Timestamp)| *from <= now && now < *to;
        self.around(now)
            .into_iter()
            .filter(open)
            .map(|(_, to)| to)
            .max()
    }

    /// The windows that are open at some time from `from` until before `until`, in their order.
    pub fn between(&self, from: Timestamp, until: Timestamp) -> Vec<(Timestamp, Timestamp)> {
        let mut found = Vec::new();
        let mut at = from;
        loop {
            let windows = self.around(at).into_iter();
            found.extend(windows.filter(|(begin, end)| *begin < until && *end > from));
            // A day in a zone may begin before the one in UTC that is looked at.
            if at >= until {
                break;
            }
            let Ok(next) = at.checked_add(Span::new().hours(20)) else {
                break;
            };
            at = next.min(until);
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// The windows that may be open at `now`: from when to when.
    fn around(&self, now: Timestamp) -> Vec<(Timestamp, Timestamp)> {
        let today = now.to_zoned(self.zone.clone()).date();
        let days_before = |days| {
            (0..=days).filter_map(move |back| today.checked_sub(Span::new().days(back)).ok())
        };
        let dates: Vec<(DateTime, DateTime)> = match &self.when {
            When::Once { starts_at, ends_at } => {
                return vec![(starts_at.instant, ends_at.instant)];
            }
            When::Daily { start, end } => days_before(2)
                .filter_map(|date| {
                    let last = last_date(date, *start, *end, None)?;
                    Some((date.to_datetime(*start), last.to_datetime(*end)))
                })
                .collect(),
            // The longest window lasts a week; a day more for what a zone change can shift.
            When::Weekly {
                days,
                start,
                end,
                end_day,
            } => days_before(8)
                .filter(|date| days.contains(&date.weekday()))
                .filter_map(|date| {
                    let last = last_date(date, *start, *end, *end_day)?;
                    Some((date.to_datetime(*start), last.to_datetime(*end)))
                })
                .collect(),
            // The longest lasts a month.
            When::Monthly {
                start_day,
                start,
                end_day,
                end,
            } => (0..=2)
                .filter_map(|back| today.checked_sub(Span::new().months(back)).ok())
                .filter_map(|month| {
                    let from = day_of(month, *start_day)?.to_datetime(*start);
                    Some((from, end_of_month_window(from, *end_day, *end)?))
                })
                .collect(),
        };
        dates
            .into_iter()
            .filter_map(|(from, to)| {
                let from = resolve(&self.zone, from, Edge::Start)?;
                Some((from, resolve(&self.zone, to, Edge::End)?))
            })
            .collect()
    }

    /// What whoever makes the rule may not have meant.
    pub fn hints(&self, now: Timestamp) -> Vec<String> {
        let mut hints = Vec::new();
        if ABBREVIATIONS.contains(&self.zone_name.as_str()) {
            hints.push(format!(
                "{} is an old name; say the zone by a city, such as America/Chicago",
                self.zone_name
            ));
        }
        if let When::Once { ends_at, .. } = &self.when
            && ends_at.instant <= now
        {
            hints.push("This window is over already: it will never block".to_owned());
        }
        if let Some(None) = self.blocked_until(now) {
            hints.push("This window is always open: nothing is ever deployed".to_owned());
        } else if let Some(hours) = self.longest(now).filter(|hours| *hours >= LONG_HOURS) {
            hints.push(format!("This window is open for {hours} hours at a time"));
        }
        hints
    }

    /// How many hours the windows around `now` are open at most.
    fn longest(&self, now: Timestamp) -> Option<i64> {
        self.around(now)
            .into_iter()
            .map(|(from, to)| (to.as_second() - from.as_second()) / 3600)
            .max()
    }
}

/// From how many hours on a window is long enough to be told.
const LONG_HOURS: i64 = 24;
/// Zones by an abbreviation, which have their daylight-saving time all the same.
const ABBREVIATIONS: [&str; 8] = [
    "EST5EDT", "CST6CDT", "MST7MDT", "PST8PDT", "CET", "MET", "EET", "WET",
];
/// Abbreviations that mean a fixed offset, without the daylight-saving time that whoever writes them
/// expects.
const FIXED: [&str; 3] = ["EST", "MST", "HST"];

/// The day of a month, or the month's last if it has no such day.
fn day_of(month: Date, day: i8) -> Option<Date> {
    Date::new(month.year(), month.month(), day.min(month.days_in_month())).ok()
}

/// When a window that starts at `from` ends: on its day, or on the next such day.
fn end_of_month_window(from: DateTime, end_day: Option<i8>, end: Time) -> Option<DateTime> {
    let Some(day) = end_day else {
        let last = last_date(from.date(), from.time(), end, None)?;
        return Some(last.to_datetime(end));
    };
    let this = day_of(from.date(), day)?.to_datetime(end);
    if this > from {
        return Some(this);
    }
    let next = from
        .date()
        .first_of_month()
        .checked_add(Span::new().months(1))
        .ok()?;
    Some(day_of(next, day)?.to_datetime(end))
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
    if !fields.is_stored() && FIXED.contains(&name.to_ascii_uppercase().as_str()) {
        let msg = format!(
            "{name} has no daylight-saving time; say the zone by a city, such as America/New_York"
        );
        fields.reject("timezone", "timezone", msg);
    }
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

fn read_daily(fields: &mut Fields) -> Option<When> {
    let start = read_time(fields, "start_time");
    let end = read_time(fields, "end_time");
    Some(When::Daily {
        start: start?,
        end: end?,
    })
}

fn read_monthly(fields: &mut Fields) -> Option<When> {
    let day = |day: i64| i8::try_from(day).ok();
    let start_day = fields.required_integer("start_day", 1..=31).and_then(day);
    let end_day = fields.integer("end_day", 1..=31).and_then(day);
    let start = read_time(fields, "start_time");
    let end = read_time(fields, "end_time");
    Some(When::Monthly {
        start_day: start_day?,
        start: start?,
        end_day,
        end: end?,
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
