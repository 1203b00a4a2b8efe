//! Does what waits in the queues of the accounts.
//!
//! A row is taken up under a claim that ends by itself, so that another server goes on with it if this
//! one dies. Then the [`Handler`] of its kind does what takes time or a network, outside of a transaction,
//! and says how the attempt [`Ending`]s. The end is one transaction with every step that follows from it:
//! what others have sent becomes its event exactly once. What goes out can go out twice, if the server dies
//! between the call and the end; the row's identifier tells its receiver.
//!
//! A new kind of work is a word in `domain::queue::Kind`, a handler in [`super::start`], and rows:
//! `transaction.enqueue(NewItem { .. })` in whatever transaction they follow from, or
//! `Command::Queue(QueueCommand::Add(..))` alone. A row whose kind, topic and key are known is not added
//! again.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::api::App;
use crate::domain::queue::{End, Item, Kind};
use crate::store::flow::{Command, Outcome, QueueCommand, Step};
use crate::store::transaction::Envelope;
use crate::store::{Account, StoreError, new_id};

const SECOND: i64 = 1_000_000;
/// How often is looked for what other servers and commands have left, and for what is due by now.
const PAUSE: Duration = Duration::from_secs(1);
/// After how many of these the accounts that are not open are looked at, and old rows forgotten.
const SCAN: u32 = 60;
/// For how long a row is taken up.
const CLAIM: i64 = 60 * SECOND;
/// How long a handler may take: it is over before somebody else takes up its row.
const PATIENCE: Duration = Duration::from_secs(45);
/// How many rows end at once in a database that other servers and the requests need as well.
const ENDS_AT_ONCE: usize = 8;

/// Where a handler works.
pub struct Place {
    /// The server.
    pub app: Arc<App>,
    /// The account.
    pub account: Arc<Account>,
}

/// How an attempt ends, and what is done in the same transaction.
pub struct Ending {
    /// How it ends.
    pub end: End,
    /// What else is done. If a step is refused, nothing is done, and the row is dead for the reason that
    /// the refusal has.
    pub steps: Vec<Step>,
}

impl From<End> for Ending {
    fn from(end: End) -> Ending {
        Ending {
            end,
            steps: Vec::new(),
        }
    }
}

/// Does one kind of what waits.
pub trait Handler: Send + Sync + 'static {
    /// What it does.
    fn kind(&self) -> Kind;

    /// How many rows of an account it is at, at once.
    fn at_once(&self) -> usize {
        16
    }

    /// How many of them may be of one topic, so that one that is slow holds up no other.
    fn at_once_of_topic(&self) -> Option<usize> {
        None
    }

    /// Does what the row says. It may be called again for the same row, at the same time by another
    /// server at worst, and is cut off after 45 seconds.
    fn handle<'a>(&'a self, place: &'a Place, item: &'a Item) -> BoxFuture<'a, Ending>;
}

/// Works until it is dropped.
pub async fn run(app: Arc<App>, handlers: Vec<Arc<dyn Handler>>) {
    let mut worker = Worker::new(app, handlers);
    loop {
        worker.turn().await;
    }
}

/// How many rows of an account and a kind somebody is at, by topic.
type Running = Arc<Mutex<HashMap<(String, Kind), HashMap<String, usize>>>>;

struct Worker {
    app: Arc<App>,
    handlers: Vec<Arc<dyn Handler>>,
    /// When the next row of an account is due.
    due: BTreeMap<String, Option<i64>>,
    running: Running,
    /// The accounts whose rows were given back since the start.
    given_back: BTreeSet<String>,
    ends: Arc<Semaphore>,
    tasks: JoinSet<()>,
    tick: tokio::time::Interval,
    ticks: u32,
}

impl Worker {
    fn new(app: Arc<App>, handlers: Vec<Arc<dyn Handler>>) -> Worker {
        let ends = match app.directory().is_shared() {
            true => ENDS_AT_ONCE,
            false => Semaphore::MAX_PERMITS,
        };
        Worker {
            app,
            handlers,
            due: BTreeMap::new(),
            running: Arc::default(),
            given_back: BTreeSet::new(),
            ends: Arc::new(Semaphore::new(ends)),
            tasks: JoinSet::new(),
            tick: tokio::time::interval(PAUSE),
            ticks: 0,
        }
    }

    /// Waits until there may be something to do, and sets it off.
    async fn turn(&mut self) {
        let app = self.app.clone();
        let names = tokio::select! {
            names = app.directory().bell().heard() => names,
            _ = self.tick.tick() => self.on_tick().await,
        };
        while self.tasks.try_join_next().is_some() {}
        for name in names {
            if let Err(error) = self.look_at(&name).await {
                tracing::warn!(account = %name, %error, "the queue cannot be looked at");
                self.due.remove(&name);
            }
        }
    }

    /// The accounts that are to be looked at because time has passed.
    async fn on_tick(&mut self) -> BTreeSet<String> {
        let open = self.app.directory().open_by_name();
        let mut names: BTreeSet<String> = open.into_iter().map(|(name, _)| name).collect();
        let now = self.app.now();
        let due = self.due.iter();
        names.extend(
            due.filter(|(_, due)| due.is_some_and(|due| due <= now))
                .map(|(name, _)| name.clone()),
        );
        if self.ticks.is_multiple_of(SCAN) {
            match self.app.directory().queued().await {
                Ok(queued) => names.extend(queued),
                Err(error) => tracing::warn!(%error, "the queues cannot be looked through"),
            }
            self.forget(&names).await;
        }
        self.ticks = self.ticks.wrapping_add(1);
        names
    }

    /// Forgets what ended long ago.
    async fn forget(&self, names: &BTreeSet<String>) {
        for name in names {
            let Ok(account) = self.app.directory().account(name).await else {
                continue;
            };
            let command = Command::Queue(QueueCommand::Forget(self.app.queue_kept()));
            let envelope = Envelope::of_server(self.app.now());
            if let Err(error) = account.write(envelope, command).await {
                tracing::debug!(account = %name, %error, "old rows of the queue stay");
            }
        }
    }

    /// Takes up what is due in the queue of an account.
    async fn look_at(&mut self, name: &str) -> Result<(), StoreError> {
        let account = self.app.directory().account(name).await?;
        if !self.app.directory().is_shared() && !self.given_back.contains(name) {
            // Nobody else works on it: whoever has taken something up there is no more.
            let command = Command::Queue(QueueCommand::GiveBack);
            account
                .write(Envelope::of_server(self.app.now()), command)
                .await?;
            self.given_back.insert(name.to_owned());
        }
        let waiting = account.queue_waiting().await?;
        self.app.queue_load().note(name, &waiting);
        let now = self.app.now();
        let handled = |kind: Kind| self.handlers.iter().any(|handler| handler.kind() == kind);
        let due = waiting
            .iter()
            .filter(|waiting| handled(waiting.kind))
            .map(|waiting| waiting.due)
            .min();
        self.due.insert(name.to_owned(), due);
        for waiting in waiting.iter().filter(|waiting| waiting.due <= now) {
            let handlers = self.handlers.clone();
            let handler = handlers
                .iter()
                .find(|handler| handler.kind() == waiting.kind);
            if let Some(handler) = handler {
                self.take_up(name, &account, handler).await?;
            }
        }
        Ok(())
    }

    async fn take_up(
        &mut self,
        name: &str,
        account: &Arc<Account>,
        handler: &Arc<dyn Handler>,
    ) -> Result<(), StoreError> {
        let place = (name.to_owned(), handler.kind());
        let running = lock(&self.running).get(&place).cloned().unwrap_or_default();
        let count = handler.at_once().saturating_sub(running.values().sum());
        if count == 0 {
            return Ok(());
        }
        let (lease, now) = (new_id(), self.app.now());
        let topics = match handler.at_once_of_topic() {
            None => None,
            Some(most) => {
                let due = account.queue_due_topics(handler.kind(), now).await?;
                Some(room(due, &running, most))
            }
        };
        if topics.as_ref().is_some_and(Vec::is_empty) {
            return Ok(());
        }
        let command = QueueCommand::Claim {
            kind: handler.kind(),
            lease: lease.clone(),
            until: now + CLAIM,
            count: i64::try_from(count).unwrap_or(i64::MAX),
            topics,
        };
        let outcome = account
            .write(Envelope::of_server(now), Command::Queue(command))
            .await?;
        let Outcome::Claimed(items) = outcome else {
            return Ok(());
        };
        for item in items {
            let busy = Busy::new(self, &place, &item, handler);
            let work = Work {
                place: Place {
                    app: self.app.clone(),
                    account: account.clone(),
                },
                handler: handler.clone(),
                lease: lease.clone(),
                ends: self.ends.clone(),
            };
            self.tasks.spawn(async move {
                work.on(&item).await;
                drop(busy);
            });
        }
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The topics of which some more may be taken up, and how many of each: those first that least is done of.
fn room(due: Vec<String>, running: &HashMap<String, usize>, most: usize) -> Vec<(String, i64)> {
    let busy = |topic: &String| running.get(topic).copied().unwrap_or(0);
    let mut due = due;
    due.sort_by_key(busy);
    let room = due.into_iter().map(|topic| {
        let left = most.saturating_sub(busy(&topic));
        (topic, i64::try_from(left).unwrap_or(i64::MAX))
    });
    room.filter(|(_, left)| *left > 0).collect()
}

/// That somebody is at a row, until it is dropped. If only a few are left, others are taken up.
struct Busy {
    few: usize,
    is_of_topic: bool,
    running: Running,
    place: (String, Kind),
    topic: String,
    app: Arc<App>,
}

impl Busy {
    fn new(
        worker: &Worker,
        place: &(String, Kind),
        item: &Item,
        handler: &Arc<dyn Handler>,
    ) -> Busy {
        let of_topic = handler.at_once_of_topic();
        let mut running = lock(&worker.running);
        let topics = running.entry(place.clone()).or_default();
        *topics.entry(item.topic.clone()).or_default() += 1;
        Busy {
            few: of_topic.unwrap_or(handler.at_once()) / 2,
            is_of_topic: of_topic.is_some(),
            running: worker.running.clone(),
            place: place.clone(),
            topic: item.topic.clone(),
            app: worker.app.clone(),
        }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let mut running = lock(&self.running);
        let Some(topics) = running.get_mut(&self.place) else {
            return;
        };
        let mut of_topic = 0;
        if let Some(count) = topics.get_mut(&self.topic) {
            *count -= 1;
            of_topic = *count;
        }
        if of_topic == 0 {
            topics.remove(&self.topic);
        }
        let left = match self.is_of_topic {
            true => of_topic,
            false => topics.values().sum(),
        };
        if left <= self.few {
            self.app.directory().bell().ring(&self.place.0);
        }
    }
}

/// What one row needs.
struct Work {
    place: Place,
    handler: Arc<dyn Handler>,
    lease: String,
    ends: Arc<Semaphore>,
}

impl Work {
    async fn on(&self, item: &Item) {
        let handled = self.handler.handle(&self.place, item);
        let handled = std::panic::AssertUnwindSafe(handled).catch_unwind();
        let ending = match tokio::time::timeout(PATIENCE, handled).await {
            Ok(Ok(ending)) => ending,
            Ok(Err(_)) => self.failed(item, "this server has a fault here; its log says more"),
            Err(_) => self.failed(item, "it took longer than 45 seconds"),
        };
        // The semaphore is never closed.
        let _permit = self.ends.acquire().await;
        let ended = match self.end(item, ending).await {
            Ok(Outcome::Refused(refusal)) => {
                self.end(item, End::Dead(refusal.sentence()).into()).await
            }
            Err(error) => {
                tracing::warn!(row = %item.id, %error, "a row of the queue is tried again");
                let ending = self.failed(item, "the database did not take it");
                self.end(item, ending).await
            }
            ended => ended,
        };
        if let Err(error) = ended {
            // Its claim ends by itself.
            tracing::debug!(row = %item.id, %error, "the end of an attempt could not be written");
        }
    }

    fn failed(&self, item: &Item, reason: &str) -> Ending {
        End::after_failure(item.attempts, self.place.app.now(), reason.to_owned()).into()
    }

    async fn end(&self, item: &Item, ending: Ending) -> Result<Outcome, StoreError> {
        let command = QueueCommand::End {
            id: item.id.clone(),
            lease: self.lease.clone(),
            end: ending.end,
            steps: ending.steps,
        };
        let envelope = Envelope::of_server(self.place.app.now());
        let account = &self.place.account;
        account.write(envelope, Command::Queue(command)).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex as Kept;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use jiff::{SignedDuration, Timestamp};
    use serde_json::{Map, json};
    use tempfile::TempDir;

    use super::*;
    use crate::clock::Clock;
    use crate::domain::event::BuildEvent;
    use crate::domain::keys::NewKey;
    use crate::domain::queue::{MOST_ATTEMPTS, NewItem, Retention, State, Which};
    use crate::domain::scope::Scopes;
    use crate::store::Directory;

    struct Hands(Kept<Timestamp>);

    impl Hands {
        fn advance(&self, seconds: i64) {
            *self.0.lock().unwrap() += SignedDuration::from_secs(seconds);
        }
    }

    impl Clock for Hands {
        fn now(&self) -> Timestamp {
            *self.0.lock().unwrap()
        }

        fn running(&self) -> Duration {
            Duration::ZERO
        }
    }

    /// Does what a test says.
    struct Told<F>(F, AtomicUsize);

    impl<F: Fn(&Place, &Item) -> Ending + Send + Sync + 'static> Handler for Told<F> {
        fn kind(&self) -> Kind {
            Kind::Inbox
        }

        fn handle<'a>(&'a self, place: &'a Place, item: &'a Item) -> BoxFuture<'a, Ending> {
            self.1.fetch_add(1, Ordering::Relaxed);
            Box::pin(async move { (self.0)(place, item) })
        }
    }

    struct Bench {
        app: Arc<App>,
        clock: Arc<Hands>,
        account: Arc<Account>,
        _folder: TempDir,
    }

    impl Bench {
        async fn new() -> Bench {
            let folder = TempDir::new().unwrap();
            let directory = Directory::open_to_serve(folder.path()).unwrap();
            let new = NewKey::new(Scopes::all());
            directory.add_key("local", &new, "test", 0).unwrap();
            let clock = Arc::new(Hands(Kept::new("2025-11-19T12:00:00Z".parse().unwrap())));
            let app = Arc::new(App::new(directory, clock.clone(), None));
            let account = app.directory().account("local").await.unwrap();
            Bench {
                app,
                clock,
                account,
                _folder: folder,
            }
        }

        fn worker(&self, told: impl Fn(&Place, &Item) -> Ending + Send + Sync + 'static) -> Worker {
            let handler = Told(told, AtomicUsize::new(0));
            Worker::new(self.app.clone(), vec![Arc::new(handler)])
        }

        async fn write(&self, command: QueueCommand) -> Outcome {
            let envelope = Envelope::new("test".to_owned(), self.app.now());
            let written = self.account.write(envelope, Command::Queue(command)).await;
            written.unwrap()
        }

        async fn add(&self, key: &str) -> String {
            let new = NewItem {
                kind: Kind::Inbox,
                topic: "source".to_owned(),
                key: key.to_owned(),
                not_before: 0,
                head: Map::new(),
                body: b"body".to_vec(),
            };
            let Outcome::Done(answer) = self.write(QueueCommand::Add(new)).await else {
                panic!("a new row is refused");
            };
            assert_eq!(answer.status, 202);
            let body: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
            body["id"].as_str().unwrap().to_owned()
        }

        async fn item(&self, id: &str) -> Item {
            self.account
                .queue_item(id.to_owned())
                .await
                .unwrap()
                .unwrap()
        }
    }

    impl Worker {
        /// Takes up what is due, and waits until all of it is over.
        async fn work(&mut self) {
            self.look_at("local").await.unwrap();
            while self.tasks.join_next().await.is_some() {}
        }
    }

    fn build(place: &Place, version: &str) -> Step {
        let body = json!({ "product_name": "api", "version": version, "status": "completed" });
        let Ok(event) = BuildEvent::read(body) else {
            panic!("a build event");
        };
        Step {
            envelope: Envelope::new("source:s1".to_owned(), place.app.now()),
            command: Command::Build(Box::new(event)),
        }
    }

    async fn kinds(bench: &Bench) -> Vec<String> {
        let log = bench.account.audit(crate::store::AuditFilter {
            kind: Some("build".to_owned()),
            actor: None,
            subject: None,
            before: None,
            limit: 50,
        });
        let page = log.await.unwrap();
        page.items.into_iter().map(|row| row.actor).collect()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_row_becomes_its_event_once_and_says_which() {
        let bench = Bench::new().await;
        let id = bench.add("one").await;
        assert_eq!(bench.add("one").await, id, "it is known");
        let mut worker = bench.worker(|place, item| Ending {
            end: End::Done(None),
            steps: vec![build(place, &item.key)],
        });
        worker.work().await;
        worker.work().await;
        let item = bench.item(&id).await;
        assert_eq!((item.state, item.attempts), (State::Done, 1));
        assert!(item.result.is_some() && item.ended_at == Some(bench.app.now()));
        assert_eq!(kinds(&bench).await, ["source:s1"]);

        let which = Which {
            id: Some(id.clone()),
            ..Which::default()
        };
        bench.write(QueueCommand::Replay(which)).await;
        worker.work().await;
        assert_eq!(bench.item(&id).await.state, State::Done);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_is_refused_leaves_nothing_and_says_why() {
        let bench = Bench::new().await;
        let id = bench.add("one").await;
        let mut worker = bench.worker(|place, _| Ending {
            end: End::Done(None),
            steps: vec![
                build(place, "1"),
                Step {
                    envelope: Envelope::of_server(place.app.now()),
                    command: Command::Renew {
                        id: "nothing".to_owned(),
                        lease: None,
                    },
                },
            ],
        });
        worker.work().await;
        let item = bench.item(&id).await;
        assert_eq!(item.state, State::Dead);
        assert_eq!(item.error.as_deref(), Some("Deployment not found"));
        assert_eq!(kinds(&bench).await, [""; 0]);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_handler_that_falls_is_tried_again_later_and_not_for_ever() {
        let bench = Bench::new().await;
        let id = bench.add("one").await;
        let mut worker = bench.worker(|_, _| panic!("a fault"));
        worker.work().await;
        worker.work().await;
        let item = bench.item(&id).await;
        assert_eq!(
            (item.state, item.attempts),
            (State::Waiting, 1),
            "not at once"
        );
        for _ in 1..MOST_ATTEMPTS {
            bench.clock.advance(3600);
            worker.work().await;
        }
        let item = bench.item(&id).await;
        assert_eq!((item.state, item.attempts), (State::Dead, MOST_ATTEMPTS));
        assert!(item.error.unwrap().contains("fault"));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_claim_of_a_server_that_died_ends_by_itself_or_with_the_next_start() {
        let bench = Bench::new().await;
        let id = bench.add("one").await;
        let claim = |lease: &str, now: i64| QueueCommand::Claim {
            kind: Kind::Inbox,
            lease: lease.to_owned(),
            until: now + CLAIM,
            count: 10,
            topics: None,
        };
        let claimed = async |lease: &str| match bench.write(claim(lease, bench.app.now())).await {
            Outcome::Claimed(items) => items.len(),
            other => panic!("{other:?}"),
        };
        assert_eq!(claimed("a").await, 1);
        assert_eq!(claimed("b").await, 0, "a is at it");
        bench.clock.advance(61);
        assert_eq!(claimed("b").await, 1);
        // What a says now comes too late.
        let end = |lease: &str| QueueCommand::End {
            id: id.clone(),
            lease: lease.to_owned(),
            end: End::Done(None),
            steps: Vec::new(),
        };
        bench.write(end("a")).await;
        assert_eq!(bench.item(&id).await.state, State::Waiting);

        let mut worker = bench.worker(|_, _| End::Done(None).into());
        worker.work().await;
        assert_eq!(bench.item(&id).await.state, State::Done, "b was given back");
    }

    #[test]
    fn what_least_is_done_of_comes_first_and_what_is_full_not_at_all() {
        let running = HashMap::from([("full".to_owned(), 8), ("busy".to_owned(), 5)]);
        let due = ["full", "busy", "old", "new"].map(str::to_owned).to_vec();
        let expected = [("old", 8), ("new", 8), ("busy", 3)];
        let expected = expected.map(|(topic, left)| (topic.to_owned(), left));
        assert_eq!(room(due, &running, 8), expected);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_a_wrong_clock_has_put_off_is_done_once_it_is_right() {
        let bench = Bench::new().await;
        let id = bench.add("one").await;
        let year = 365 * 24 * 3600;
        bench.clock.advance(year);
        let mut worker = bench.worker(|place, item| match item.attempts {
            1 => End::Again(place.app.now() + SECOND, "not yet".to_owned()).into(),
            _ => End::Done(None).into(),
        });
        worker.work().await;
        bench.clock.advance(-year);
        worker.work().await;
        assert_eq!(bench.item(&id).await.state, State::Waiting);
        bench
            .write(QueueCommand::Forget(Retention::default()))
            .await;
        worker.work().await;
        assert_eq!(bench.item(&id).await.state, State::Done);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn held_queues_wait_and_rows_given_up_on_are_not_done() {
        let bench = Bench::new().await;
        let (one, other) = (bench.add("one").await, bench.add("other").await);
        let mut worker = bench.worker(|_, _| End::Done(None).into());
        bench.write(QueueCommand::Hold(true)).await;
        worker.work().await;
        assert_eq!(bench.item(&one).await.state, State::Waiting);
        let which = Which {
            id: Some(other.clone()),
            ..Which::default()
        };
        bench.write(QueueCommand::Drop(which)).await;
        bench.write(QueueCommand::Hold(false)).await;
        worker.work().await;
        assert_eq!(bench.item(&one).await.state, State::Done);
        assert_eq!(bench.item(&other).await.state, State::Dropped);

        bench.clock.advance(31 * 24 * 3600);
        bench
            .write(QueueCommand::Forget(Retention::default()))
            .await;
        let left = bench
            .account
            .queue_items(Which::default(), None, 10)
            .await
            .unwrap();
        assert!(left.is_empty(), "{left:?}");
    }
}
