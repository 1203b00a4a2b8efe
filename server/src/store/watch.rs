//! Tells those who wait for a verdict that something it rests on has changed.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Notify, broadcast};

use crate::domain::change::Change;
use crate::domain::deployment::Place;

/// How many transactions somebody who waits may be behind; beyond that everything counts as changed.
const BACKLOG: usize = 64;

/// What a transaction has changed, as far as verdicts rest on it.
#[derive(Debug, Clone, Default)]
pub struct Touched {
    /// The products and the environments of cells; a build has no environment.
    cells: Vec<(String, Option<String>)>,
    /// Whether every verdict can now be another, as after a new rule.
    all: bool,
    /// Whether there is something in the queue that was not there before.
    queued: bool,
}

impl Touched {
    /// Something that may concern everybody.
    pub fn everything() -> Touched {
        Touched {
            cells: Vec::new(),
            all: true,
            queued: true,
        }
    }

    /// Takes note of a change.
    pub fn note(&mut self, change: &Change) {
        match change {
            Change::Cell {
                product_id,
                environment_id,
                ..
            } => self
                .cells
                .push((product_id.clone(), Some(environment_id.clone()))),
            Change::Build { row, .. } => self.cells.push((row.product_id.clone(), None)),
            // These never come alone.
            Change::Deployment { .. }
            | Change::Span { .. }
            | Change::Version { .. }
            | Change::Notice { .. }
            | Change::Pruned { .. }
            | Change::Erased { .. }
            | Change::Commit { .. } => {}
            // Who is in changes no verdict.
            Change::SessionBegun { .. }
            | Change::SessionsEnded { .. }
            | Change::Link { .. }
            | Change::Secret { .. }
            | Change::Webhook { .. }
            | Change::Source { .. }
            | Change::Buttons { .. }
            | Change::SlackCode { .. }
            | Change::Slack { .. }
            | Change::Password { .. } => {}
            _ => self.all = true,
        }
    }

    /// Takes note that something waits in the queue.
    pub fn note_queued(&mut self) {
        self.queued = true;
    }

    /// Whether anything can have changed.
    pub fn is_all(&self) -> bool {
        self.all
    }

    /// The products of which something has changed.
    pub fn products(&self) -> impl Iterator<Item = &str> {
        self.cells.iter().map(|(product, _)| product.as_str())
    }

    /// Whether nothing is noted.
    pub fn is_empty(&self) -> bool {
        !self.all && self.cells.is_empty()
    }

    /// Whether the verdict for a start at `place` can be another one now. Rules ask for other
    /// environments of the product, and for other products in the environment.
    pub fn concerns(&self, place: &Place) -> bool {
        self.all
            || self.cells.iter().any(|(product, environment)| {
                *product == place.product_id || environment.as_ref() == Some(&place.environment_id)
            })
    }
}

/// Rings when something waits in the queue of an account.
#[derive(Debug, Default)]
pub struct Bell {
    names: Mutex<BTreeSet<String>>,
    rung: Notify,
}

impl Bell {
    /// Rings for an account.
    pub fn ring(&self, account: &str) {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        if !names.contains(account) {
            names.insert(account.to_owned());
        }
        drop(names);
        self.rung.notify_one();
    }

    /// Ends once it has rung, and says for which accounts.
    pub async fn heard(&self) -> BTreeSet<String> {
        loop {
            let names =
                std::mem::take(&mut *self.names.lock().unwrap_or_else(PoisonError::into_inner));
            if !names.is_empty() {
                return names;
            }
            self.rung.notified().await;
        }
    }
}

/// Where the transactions of an account are told of. It outlives the account's being open.
#[derive(Debug, Clone)]
pub struct Watch {
    told: broadcast::Sender<Arc<Touched>>,
    written: Arc<Notify>,
    account: Arc<str>,
    bell: Arc<Bell>,
}

impl Watch {
    /// For an account, whose queue rings this bell.
    pub fn new(account: &str, bell: Arc<Bell>) -> Watch {
        Watch {
            told: broadcast::Sender::new(BACKLOG),
            written: Arc::default(),
            account: account.into(),
            bell,
        }
    }
}

impl Watch {
    /// Tells of a transaction, once it is committed.
    pub fn tell(&self, touched: Touched) {
        if touched.queued {
            self.bell.ring(&self.account);
        }
        if !touched.is_empty() && self.is_followed() {
            // The last of them may have gone meanwhile.
            let _ = self.told.send(Arc::new(touched));
        }
    }

    /// Whether somebody follows.
    pub fn is_followed(&self) -> bool {
        self.told.receiver_count() > 0
    }

    /// Says that something was committed.
    pub fn wake(&self) {
        self.written.notify_one();
    }

    /// Ends once something is committed.
    pub async fn woken(&self) {
        self.written.notified().await;
    }

    /// Follows the transactions from now on.
    pub fn follow(&self) -> Follower {
        Follower(self.told.subscribe())
    }
}

/// Follows the transactions of an account.
#[derive(Debug)]
pub struct Follower(broadcast::Receiver<Arc<Touched>>);

impl Follower {
    /// Ends with a transaction that concerns `place`.
    pub async fn touched(&mut self, place: &Place) {
        loop {
            match self.0.recv().await {
                Ok(touched) if !touched.concerns(place) => {}
                Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => return,
                Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
            }
        }
    }

    /// The next transaction; everything, if there were too many.
    pub async fn next(&mut self) -> Arc<Touched> {
        match self.0.recv().await {
            Ok(touched) => touched,
            Err(broadcast::error::RecvError::Lagged(_)) => Arc::new(Touched::everything()),
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
        }
    }

    /// The same, if there is one already.
    pub fn next_now(&mut self) -> Option<Arc<Touched>> {
        match self.0.try_recv() {
            Ok(touched) => Some(touched),
            Err(broadcast::error::TryRecvError::Lagged(_)) => Some(Arc::new(Touched::everything())),
            Err(_) => None,
        }
    }

    /// Forgets what was told until now.
    pub fn catch_up(&mut self) {
        self.0 = self.0.resubscribe();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::deployment::Cell;

    fn place(product: &str, environment: &str) -> Place {
        Place {
            product_id: product.to_owned(),
            environment_id: environment.to_owned(),
            ..Place::default()
        }
    }

    #[test]
    fn a_cell_concerns_its_product_and_its_environment_and_a_rule_everybody() {
        let mut touched = Touched::default();
        assert!(touched.is_empty());
        touched.note(&Change::Cell {
            product_id: "api".to_owned(),
            environment_id: "staging".to_owned(),
            cell: Cell::default(),
        });
        assert!(touched.concerns(&place("api", "production")));
        assert!(touched.concerns(&place("shop", "staging")));
        assert!(!touched.concerns(&place("shop", "production")));
        touched.note(&Change::Product {
            id: "shop".to_owned(),
            name: "shop".to_owned(),
            at: 0,
        });
        assert!(touched.concerns(&place("shop", "production")));
    }
}
