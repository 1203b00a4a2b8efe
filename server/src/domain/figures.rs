//! The four DORA figures, from what was completed and what failed.

use std::collections::HashMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::time::rfc3339;

const SECOND: i64 = 1_000_000;
const DAY: f64 = 24.0 * 3600.0 * 1_000_000.0;

/// A deployment that has an end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Finished {
    /// The product and the environment.
    pub cell: (String, String),
    /// The version.
    pub version_id: String,
    /// Whether it was a success.
    pub completed: bool,
    /// When, in microseconds since 1970.
    pub at: i64,
    /// When the version was first built.
    pub built_at: Option<i64>,
    /// Whether the version had been deployed here with success before.
    pub again: bool,
}

/// The figures of a time.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Figures {
    /// Its begin.
    #[schema(format = DateTime)]
    pub since: String,
    /// Its end, which is no part of it.
    #[schema(format = DateTime)]
    pub until: String,
    /// How many deployments were completed.
    pub deployments: usize,
    /// The same for each day.
    pub deployments_per_day: f64,
    /// How many deployments failed, or were rolled back.
    pub failures: usize,
    /// `failures` as a share of everything that was completed or failed; none if nothing was.
    pub change_failure_rate: Option<f64>,
    /// The median time from a version's first build to its first deployment in an environment.
    pub lead_time_seconds: Option<i64>,
    /// How many deployments it is the median of.
    pub lead_times: usize,
    /// The median time from a failure to the next success in the same place.
    pub recovery_time_seconds: Option<i64>,
    /// How many recoveries it is the median of.
    pub recoveries: usize,
}

/// What is counted for one time.
#[derive(Debug, Clone, Default)]
struct Counted {
    completed: usize,
    failed: usize,
    rolled_back: usize,
    lead_times: Vec<i64>,
    recoveries: Vec<i64>,
}

impl Counted {
    fn add(&mut self, other: &Counted) {
        self.completed += other.completed;
        self.failed += other.failed;
        self.rolled_back += other.rolled_back;
        self.lead_times.extend(&other.lead_times);
        self.recoveries.extend(&other.recoveries);
    }

    #[allow(clippy::cast_precision_loss, reason = "nobody has 2^52 deployments")]
    fn figures(&self, since: i64, until: i64) -> Figures {
        let all = self.completed + self.failed;
        let failures = self.failed + self.rolled_back;
        let days = (until - since) as f64 / DAY;
        Figures {
            since: rfc3339(since),
            until: rfc3339(until),
            deployments: self.completed,
            deployments_per_day: self.completed as f64 / days,
            failures,
            change_failure_rate: (all > 0).then(|| failures as f64 / all as f64),
            lead_time_seconds: median(&self.lead_times),
            lead_times: self.lead_times.len(),
            recovery_time_seconds: median(&self.recoveries),
            recoveries: self.recoveries.len(),
        }
    }
}

fn median(micros: &[i64]) -> Option<i64> {
    let mut sorted = micros.to_vec();
    sorted.sort_unstable();
    let upper = *sorted.get(sorted.len() / 2)?;
    let lower = *sorted.get((sorted.len() - 1) / 2)?;
    Some(lower.midpoint(upper) / SECOND)
}

/// What is known of a cell while its deployments pass by.
#[derive(Debug, Default)]
struct Cell {
    /// The last version that was completed, and in which time.
    running: Option<(String, usize)>,
    /// Since when it is broken.
    failed_at: Option<i64>,
}

/// The figures between each of `edges` and the next, and those of all together. `finished` are those
/// between the first and the last edge, in the order of time.
pub fn count(
    finished: impl IntoIterator<Item = Finished>,
    edges: &[i64],
) -> (Figures, Vec<Figures>) {
    let mut times = vec![Counted::default(); edges.len().saturating_sub(1)];
    let mut cells: HashMap<(String, String), Cell> = HashMap::new();
    for one in finished {
        let after = edges.partition_point(|edge| *edge <= one.at);
        let Some(index) = after.checked_sub(1).filter(|index| *index < times.len()) else {
            continue;
        };
        let cell = cells.entry(one.cell).or_default();
        if !one.completed {
            times[index].failed += 1;
            cell.failed_at.get_or_insert(one.at);
            continue;
        }
        times[index].completed += 1;
        if let Some(built_at) = one.built_at.filter(|_| !one.again) {
            times[index].lead_times.push((one.at - built_at).max(0));
        }
        if let Some(failed_at) = cell.failed_at.take() {
            times[index].recoveries.push(one.at - failed_at);
        }
        // Back to a version that ran here before: the one in between was a mistake.
        if let Some((version_id, index)) = &cell.running
            && one.again
            && *version_id != one.version_id
        {
            times[*index].rolled_back += 1;
        }
        cell.running = Some((one.version_id, index));
    }
    let mut total = Counted::default();
    times.iter().for_each(|time| total.add(time));
    let each = times.iter().zip(edges.windows(2));
    let each = each.map(|(time, edge)| time.figures(edge[0], edge[1]));
    let (first, last) = (edges.first(), edges.last());
    let all = total.figures(
        first.copied().unwrap_or_default(),
        last.copied().unwrap_or_default(),
    );
    (all, each.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3600 * SECOND;

    fn finished(at: i64, version: &str, completed: bool, again: bool) -> Finished {
        Finished {
            cell: ("api".to_owned(), "production".to_owned()),
            version_id: version.to_owned(),
            completed,
            at: at * HOUR,
            built_at: Some((at - 2) * HOUR),
            again,
        }
    }

    #[test]
    fn a_rollback_counts_against_what_was_rolled_back() {
        let events = [
            finished(1, "1", true, false),
            finished(25, "2", true, false),
            finished(49, "1", true, true),
        ];
        let (all, days) = count(events, &[0, 24 * HOUR, 48 * HOUR, 72 * HOUR]);
        assert_eq!((all.deployments, all.failures), (3, 1));
        let failures: Vec<usize> = days.iter().map(|day| day.failures).collect();
        assert_eq!(failures, [0, 1, 0]);
        assert_eq!((all.lead_time_seconds, all.lead_times), (Some(7200), 2));
        assert!((all.deployments_per_day - 1.0).abs() < 1e-9);
    }

    #[test]
    fn recovery_lasts_from_the_first_failure_to_the_next_success_in_the_same_place() {
        let mut elsewhere = finished(3, "1", true, false);
        elsewhere.cell.1 = "staging".to_owned();
        let events = [
            finished(1, "1", false, false),
            finished(2, "1", false, false),
            elsewhere,
            finished(5, "2", true, false),
        ];
        let (all, _) = count(events, &[0, 24 * HOUR]);
        assert_eq!(all.recovery_time_seconds, Some(4 * 3600));
        assert_eq!(all.recoveries, 1);
        assert_eq!(all.change_failure_rate, Some(0.5));
    }

    #[test]
    fn nothing_has_no_rate_and_no_median() {
        let (all, days) = count([], &[0, 24 * HOUR]);
        assert_eq!(days.len(), 1);
        assert_eq!(all.change_failure_rate, None);
        assert_eq!(
            (all.lead_time_seconds, all.recovery_time_seconds),
            (None, None)
        );
    }
}
