//! Chance that can be repeated: the same seed gives the same numbers.

use std::sync::atomic::{AtomicU64, Ordering};

pub struct Chance(AtomicU64);

impl Chance {
    pub fn new(seed: u64) -> Chance {
        Chance(AtomicU64::new(seed))
    }

    /// One of these, if there are any.
    pub fn one_of<'a, T>(&self, all: &'a [T]) -> Option<&'a T> {
        let count = u64::try_from(all.len()).ok().filter(|count| *count > 0)?;
        all.get(usize::try_from(self.below(count)).ok()?)
    }

    /// A number below `end`, by SplitMix64.
    pub fn below(&self, end: u64) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut state = self.0.fetch_add(STEP, Ordering::Relaxed);
        state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (state ^ (state >> 31)) % end
    }
}
