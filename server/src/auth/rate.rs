//! A budget of requests per minute.

use std::collections::HashMap;
use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

const MICROS_PER_MINUTE: i64 = 60 * 1_000_000;
/// From how many budgets on those that are whole again are forgotten.
const MANY: usize = 1024;

/// Lets everybody do something so many times per minute. Whoever has used nothing may use a whole
/// minute at once; the budget then comes back evenly.
pub struct RateLimiter<K> {
    limit: u32,
    /// For each, the time at which its budget is whole again.
    whole_at: Mutex<HashMap<K, i64>>,
}

impl<K: Eq + Hash> RateLimiter<K> {
    /// A limiter of `limit` per minute.
    pub fn new(limit: NonZeroU32) -> RateLimiter<K> {
        RateLimiter {
            limit: limit.get(),
            whole_at: Mutex::default(),
        }
    }

    /// How many per minute.
    pub fn limit(&self) -> u32 {
        self.limit
    }

    /// Takes one from the budget of `key` at the time `running`.
    ///
    /// # Errors
    /// The seconds until there is one, if it is used up.
    pub fn admit(&self, key: K, running: Duration) -> Result<(), u64> {
        let now = i64::try_from(running.as_micros()).unwrap_or(i64::MAX);
        let cost = MICROS_PER_MINUTE / i64::from(self.limit);
        let mut budgets = self.whole_at.lock().unwrap_or_else(PoisonError::into_inner);
        if budgets.len() >= MANY && budgets.len() == budgets.capacity() {
            budgets.retain(|_, whole_at| *whole_at > now);
        }
        let whole_at = budgets.entry(key).or_insert(now);
        let used = (*whole_at).max(now) + cost;
        let wait = used - now - MICROS_PER_MINUTE;
        if wait > 0 {
            return Err(u64::try_from(wait).unwrap_or(0).div_ceil(1_000_000));
        }
        *whole_at = used;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budgets_that_are_whole_again_take_no_memory() {
        let limiter = RateLimiter::new(NonZeroU32::new(10).unwrap());
        for address in 0..1_000_000_u64 {
            // A thousand strangers a minute.
            let running = Duration::from_millis(60 * address);
            limiter.admit(address, running).unwrap();
        }
        assert!(limiter.whole_at.lock().unwrap().len() < 10 * MANY);
    }
}
