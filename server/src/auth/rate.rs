//! A budget of requests per key.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::api::error::ApiError;

const MICROS_PER_MINUTE: i64 = 60 * 1_000_000;

/// Lets each key make so many requests per minute. A key may use its whole minute at once; the budget
/// then comes back evenly.
pub struct RateLimiter {
    limit: u32,
    /// For each key, the time at which its budget is whole again.
    whole_at: Mutex<HashMap<(String, String), i64>>,
}

impl RateLimiter {
    /// A limiter of `limit` requests per minute.
    pub fn new(limit: std::num::NonZeroU32) -> RateLimiter {
        RateLimiter {
            limit: limit.get(),
            whole_at: Mutex::default(),
        }
    }

    /// Counts a request.
    ///
    /// # Errors
    /// [`ApiError::RateLimited`] where the budget is used up.
    pub fn admit(&self, account: &str, id: &str, running: Duration) -> Result<(), ApiError> {
        let now = i64::try_from(running.as_micros()).unwrap_or(i64::MAX);
        let cost = MICROS_PER_MINUTE / i64::from(self.limit);
        let mut keys = self.whole_at.lock().unwrap_or_else(PoisonError::into_inner);
        let whole_at = keys
            .entry((account.to_owned(), id.to_owned()))
            .or_insert(now);
        let used = (*whole_at).max(now) + cost;
        let wait = used - now - MICROS_PER_MINUTE;
        if wait > 0 {
            return Err(ApiError::RateLimited {
                limit: self.limit,
                retry_after: u64::try_from(wait).unwrap_or(0).div_ceil(1_000_000),
            });
        }
        *whole_at = used;
        Ok(())
    }
}
