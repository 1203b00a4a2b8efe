//! How much waits in the queues, as far as it is known here: so that what comes in is bounded without a
//! count for each request.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::domain::queue::{Bounds, Kind, Waiting};

/// Rows and bytes of what waits.
type Counted = (i64, i64);

/// What is known of each account and kind. Counted anew each second, and in between as they come.
#[derive(Debug, Default)]
pub struct Load {
    bounds: Bounds,
    known: Mutex<HashMap<String, HashMap<Kind, Counted>>>,
}

impl Load {
    /// Nothing that is known, with other bounds.
    pub fn bounded(bounds: Bounds) -> Load {
        Load {
            bounds,
            known: Mutex::default(),
        }
    }

    /// Goes by what was counted in an account.
    pub fn note(&self, account: &str, waiting: &[Waiting]) {
        let counted = waiting.iter();
        let counted = counted.map(|one| (one.kind, (one.rows, one.bytes)));
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(account.to_owned(), counted.collect());
    }

    /// Counts another row of so many bytes, if there is room for it.
    pub fn admit(&self, account: &str, kind: Kind, size: usize) -> bool {
        let size = i64::try_from(size).unwrap_or(i64::MAX);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if !known.contains_key(account) {
            known.insert(account.to_owned(), HashMap::new());
        }
        let Some(kinds) = known.get_mut(account) else {
            return false;
        };
        let (rows, bytes) = kinds.entry(kind).or_default();
        let fits = *rows < self.bounds.rows && bytes.saturating_add(size) <= self.bounds.bytes;
        if fits {
            *rows += 1;
            *bytes += size;
        }
        fits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_much_is_let_in_again_once_there_is_room() {
        let load = Load::bounded(Bounds {
            rows: 2,
            bytes: 100,
        });
        assert!(load.admit("a", Kind::Inbox, 60));
        assert!(!load.admit("a", Kind::Inbox, 60));
        assert!(load.admit("a", Kind::Inbox, 40));
        assert!(!load.admit("a", Kind::Inbox, 0));
        assert!(load.admit("a", Kind::Slack, 60) && load.admit("b", Kind::Inbox, 60));
        load.note("a", &[]);
        assert!(load.admit("a", Kind::Inbox, 100));
    }
}
