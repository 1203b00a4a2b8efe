//! What a command needs of a database: one open transaction.

use std::sync::Arc;

use crate::domain::answer::Answer;
use crate::domain::build::{BuildFacts, BuildRow};
use crate::domain::buttons::Buttons;
use crate::domain::change::{Change, Decision, Details};
use crate::domain::deployment::{Cell, Facts, Place, Row};
use crate::domain::erasure::Erasure;
use crate::domain::keys::{Hashes, KeyInfo};
use crate::domain::naming::{Kind, Named};
use crate::domain::origin::Origin;
use crate::domain::people::Known;
use crate::domain::prune::{Ages, Old, Place as PrunedUpTo};
use crate::domain::queue::{End, Item, Kind as Queued, NewItem, Retention, Which};
use crate::domain::rules::{AllStop, Approval, ApprovalKind, Evidence, Exemption, Questions, Rule};
use crate::domain::run_end::RunEnd;
use crate::domain::scope::{Scope, Scopes};
use crate::domain::sessions::{Hashed, Link, Session};
use crate::domain::slack::{Code, Slack};
use crate::domain::source::Source;
use crate::domain::webhook::Attempt;
use crate::store::Kept;

use super::StoreError;
use super::sql::{Erased, Shown, Touch};

/// What is known of a command besides its content.
#[derive(Debug, Clone)]
pub struct Envelope {
    /// Who sends it: `key:k1`, or `server`.
    pub actor: String,
    /// The identifier of the request, which its answer carries too.
    pub request_id: Option<String>,
    /// The client's Idempotency-Key, and what it stands for.
    pub request: Option<RequestKey>,
    /// When it happened, if it is told late.
    pub occurred_at: Option<i64>,
    /// When it arrived, in microseconds since 1970.
    pub now: i64,
}

impl Envelope {
    /// What the server itself does at `now`.
    pub fn of_server(now: i64) -> Envelope {
        Envelope::new("server".to_owned(), now)
    }

    /// A command of `actor` that arrives at `now`.
    pub fn new(actor: String, now: i64) -> Envelope {
        Envelope {
            actor,
            request_id: None,
            request: None,
            occurred_at: None,
            now,
        }
    }
}

/// An Idempotency-Key with the request it was sent with.
#[derive(Debug, Clone)]
pub struct RequestKey {
    /// The key.
    pub key: String,
    /// The endpoint.
    pub endpoint: &'static str,
    /// Tells equal requests from others.
    pub fingerprint: String,
    /// The same as the version before made it.
    pub old_fingerprint: [u8; 32],
}

/// What an Idempotency-Key was used for before.
#[derive(Debug, Clone)]
pub struct Remembered {
    /// Whether it was the same request.
    pub same: bool,
    /// What it was answered.
    pub answer: Answer,
    /// What kind of thing it was.
    pub kind: String,
    /// The thing it was about.
    pub subject: Option<String>,
    /// When.
    pub at: i64,
}

/// What is known of a version that somebody wants to approve.
#[derive(Debug, Clone)]
pub struct Approvable {
    /// Its product.
    pub product_id: String,
    /// Its name.
    pub version: String,
    /// Its commit.
    pub scm_sha: Option<String>,
    /// Whether it was built or deployed without failure.
    pub exists: bool,
    /// Whether its last finished deployment to the environment was a success.
    pub deployed: bool,
}

/// The names of an event.
#[derive(Debug, Clone, Copy)]
pub struct Names<'a> {
    /// The product.
    pub product: &'a str,
    /// The environment; none for a build.
    pub environment: Option<&'a str>,
    /// The version.
    pub version: &'a str,
}

/// An open transaction. It is rolled back unless its command says that it is recorded.
///
/// A database that many servers share locks in this order: the row of the Idempotency-Key, the policy,
/// the names, the environment if a rule looks at all of it, the cell; nothing of the cell is read
/// before.
pub trait Transaction {
    /// What an Idempotency-Key was used for before. Nobody else can use it until the end of the
    /// transaction.
    async fn claim(
        &mut self,
        actor: &str,
        request: &RequestKey,
    ) -> Result<Option<Remembered>, StoreError>;

    /// The identifiers of what an event names. What nobody named before exists from now on.
    async fn ensure(
        &mut self,
        names: Names<'_>,
        now: i64,
    ) -> Result<(Place, Vec<Change>), StoreError>;

    /// Lets nobody else decide about the cell until the end of the transaction.
    async fn lock(&mut self, place: &Place) -> Result<(), StoreError>;

    /// The time of what is decided now, in microseconds since 1970: when the last lock was had, by the
    /// database's clock, if several servers share one; or else when the command `arrived`.
    fn now(&self, arrived: i64) -> i64;

    /// Lets nobody else change what people decide until the end of the transaction, and with `names`
    /// what things are called.
    async fn lock_policy(&mut self, names: bool) -> Result<(), StoreError>;

    /// Every rule.
    async fn rules(&mut self) -> Result<Arc<Vec<Rule>>, StoreError>;

    /// Every exemption that was neither withdrawn nor used up; some may be over.
    async fn exemptions(&mut self) -> Result<Arc<Vec<Exemption>>, StoreError>;

    /// An exemption by its identifier, whatever became of it.
    async fn exemption(&mut self, id: &str) -> Result<Option<Exemption>, StoreError>;

    /// What a deployment event can be about. `ends` asks for the completed deployments too.
    async fn facts(
        &mut self,
        place: Place,
        span: Option<&str>,
        ends: bool,
    ) -> Result<Facts, StoreError>;

    /// What a build event can be about.
    async fn build_facts(&mut self, place: &Place) -> Result<BuildFacts, StoreError>;

    /// The details of a deployment.
    async fn deployment_details(&mut self, row: &Row) -> Result<Details, StoreError>;

    /// The details of a build.
    async fn build_details(&mut self, row: &BuildRow) -> Result<Details, StoreError>;

    /// A deployment by its identifier.
    async fn deployment(&mut self, id: &str) -> Result<Option<(Row, Cell)>, StoreError>;

    /// Deployments without a word for too long, at most so many.
    async fn expired(&mut self, now: i64, limit: i64) -> Result<Vec<Row>, StoreError>;

    /// What rules ask of a start.
    async fn evidence(
        &mut self,
        place: &Place,
        questions: &Questions,
        now: i64,
    ) -> Result<Evidence, StoreError>;

    /// What is known of a version that somebody wants to approve for an environment; an empty
    /// identifier is an environment that nobody has named.
    async fn approvable(
        &mut self,
        version_id: &str,
        environment_id: &str,
    ) -> Result<Option<Approvable>, StoreError>;

    /// The environment of this name. One that nobody named before exists from now on.
    async fn ensure_environment(
        &mut self,
        name: &str,
        now: i64,
    ) -> Result<(String, Vec<Change>), StoreError>;

    /// The product of this name, if somebody has named it; its identifier and its name.
    async fn product(&mut self, name: &str) -> Result<Option<(String, String)>, StoreError>;

    /// The same of an environment.
    async fn environment(&mut self, name: &str) -> Result<Option<(String, String)>, StoreError>;

    /// A product or an environment by its identifier.
    async fn named(&mut self, kind: Kind, id: &str) -> Result<Option<Named>, StoreError>;

    /// Whether two products, or two environments, have deployments in progress that would be in one
    /// cell if they were one.
    async fn both_in_progress(
        &mut self,
        kind: Kind,
        one: &str,
        other: &str,
    ) -> Result<bool, StoreError>;

    /// A setting of the account, if somebody has set it.
    async fn setting(&mut self, name: &str) -> Result<Option<String>, StoreError>;

    /// The stop of every start that was put on last; it may be over.
    async fn all_stop(&mut self) -> Result<Option<Arc<AllStop>>, StoreError>;

    /// When the product or environment was made of which so many are newer; `None` if that was not
    /// after `since`.
    async fn name_made_at(&mut self, newer: i64, since: i64) -> Result<Option<i64>, StoreError>;

    /// The names of all environments, but for those that are only other names.
    async fn environments(&mut self) -> Result<Vec<String>, StoreError>;

    /// The approvals of a version for an environment, oldest first, but for those withdrawn.
    async fn approvals(
        &mut self,
        version_id: &str,
        kind: ApprovalKind,
        environment_id: &str,
    ) -> Result<Vec<Approval>, StoreError>;

    /// An approval by its identifier.
    async fn approval(&mut self, id: &str) -> Result<Option<Approval>, StoreError>;

    /// Everybody in the account.
    async fn people(&mut self) -> Result<Arc<Vec<Known>>, StoreError>;

    /// Every API key, whatever became of it.
    async fn keys(&mut self) -> Result<Vec<KeyInfo>, StoreError>;

    /// How many keys were ever made.
    async fn count_keys(&mut self) -> Result<i64, StoreError>;

    /// An API key by its name, whatever became of it.
    async fn key(&mut self, id: &str) -> Result<Option<(KeyInfo, Hashes)>, StoreError>;

    /// What a key was used for at `since` or later.
    async fn used_scopes(&mut self, id: &str, since: i64) -> Result<Scopes, StoreError>;

    /// Takes note that a key was used. This is no row of the log.
    async fn note_use(&mut self, id: &str, scope: Scope, now: i64) -> Result<(), StoreError>;

    /// Looks for what nobody asks for any more, from a place on.
    async fn find_old(&mut self, from: &PrunedUpTo, ages: &Ages) -> Result<Old, StoreError>;

    /// Forgets the answers to Idempotency-Keys: the key, its endpoint, and who used it. What a version
    /// before the log has answered goes too, if it is from before the time.
    async fn forget_answers(
        &mut self,
        answers: &[(String, String, String)],
        before: i64,
    ) -> Result<(), StoreError>;

    /// Takes names out of everything that is stored but what others have sent as metadata.
    async fn erase(&mut self, erasure: &Erasure) -> Result<Erased, StoreError>;

    /// A session by its identifier; it may be over.
    async fn session(&mut self, id: &str) -> Result<Option<Session>, StoreError>;

    /// Takes note that a session is used. This is no row of the log.
    async fn note_session(&mut self, id: &str, now: i64) -> Result<(), StoreError>;

    /// A link by its identifier, whatever became of it, and the hash of its secret.
    async fn link(&mut self, id: &str) -> Result<Option<(Link, Vec<u8>)>, StoreError>;

    /// The password of a person.
    async fn password(&mut self, person_id: &str) -> Result<Option<Hashed>, StoreError>;

    /// Puts something into the queue, unless it is there already; its identifier, and whether it is new.
    async fn enqueue(&mut self, new: &NewItem, now: i64) -> Result<(String, bool), StoreError>;

    /// Takes up to `count` rows of the queue of a kind, and a topic of it, that may be done `now`; with
    /// what the claim is called, and when somebody else may take them up.
    async fn claim_queued(
        &mut self,
        which: (Queued, Option<&str>),
        claim: (&str, i64),
        count: i64,
        now: i64,
    ) -> Result<Vec<Item>, StoreError>;

    /// Writes how an attempt on a row ended, if it is still that of the claim.
    async fn end_queued(
        &mut self,
        claim: (&str, &str),
        end: &End,
        now: i64,
    ) -> Result<bool, StoreError>;

    /// Gives up on a row of the queue that waits, for this reason.
    async fn give_up_queued(&mut self, id: &str, reason: &str, now: i64) -> Result<(), StoreError>;

    /// Writes what a row of the queue became that is done.
    async fn note_result(&mut self, id: &str, result: &str) -> Result<(), StoreError>;

    /// Gives back every row that somebody has taken up, and counts them.
    async fn give_queued_back(&mut self, now: i64) -> Result<u64, StoreError>;

    /// Begins rows of the queue anew that have ended, and counts them.
    async fn replay_queued(&mut self, which: &Which, now: i64) -> Result<u64, StoreError>;

    /// Gives up on rows of the queue, and counts them.
    async fn drop_queued(&mut self, which: &Which, now: i64) -> Result<u64, StoreError>;

    /// Forgets rows of the queue that ended long ago, and counts them. Those that wait for a time which
    /// only a wrong clock can have set wait no longer.
    async fn forget_queued(&mut self, kept: Retention, now: i64) -> Result<u64, StoreError>;

    /// How Slack is reached, if it is.
    async fn slack(&mut self) -> Result<Option<Slack>, StoreError>;

    /// A code that makes a user of Slack known, by its hash.
    async fn slack_code(&mut self, hash: &[u8]) -> Result<Option<Code>, StoreError>;

    /// Lets nobody else tell Slack anything until then; whether it is so. This and what follows is no
    /// row of the log.
    async fn hold_slack(&mut self, by: &str, until: i64, now: i64) -> Result<bool, StoreError>;

    /// Takes note of what is to be told of a part of the log, unless somebody did.
    async fn follow_slack(
        &mut self,
        part: (i64, i64),
        touches: &[Touch],
        decided: bool,
        now: i64,
    ) -> Result<bool, StoreError>;

    /// Takes note that `by` is about to show a message, and this commit in it, and lets nobody else tell
    /// anything until then; whether it may.
    async fn post_to_slack(
        &mut self,
        by: &str,
        row: (&str, Option<&str>),
        until: i64,
        now: i64,
    ) -> Result<bool, StoreError>;

    /// Takes note of an attempt to show a message, if it is still `by` who tells Slack; whether it is.
    async fn slack_shown(&mut self, by: &str, shown: &Shown) -> Result<bool, StoreError>;

    /// A webhook by its identifier, whatever became of it.
    async fn webhook(&mut self, id: &str) -> Result<Option<Kept>, StoreError>;

    /// Takes note of an attempt to deliver to a webhook. This and what follows is no row of the log.
    async fn note_attempt(&mut self, attempt: &Attempt) -> Result<(), StoreError>;

    /// Takes note that a delivery to a webhook went well.
    async fn note_success(&mut self, id: &str) -> Result<(), StoreError>;

    /// Takes note that a delivery to a webhook failed, and since when nothing else came of it.
    async fn note_failure(&mut self, id: &str, now: i64) -> Result<i64, StoreError>;

    /// Goes from one place of the log to another, unless somebody else has gone on meanwhile.
    async fn advance(&mut self, from: i64, to: i64) -> Result<bool, StoreError>;

    /// A source by its identifier, whatever became of it.
    async fn source(&mut self, id: &str) -> Result<Option<Source>, StoreError>;

    /// The deployment buttons of a product, or the variables of the account.
    async fn buttons(&mut self, product_id: &str) -> Result<Buttons, StoreError>;

    /// A secret by its name, encrypted.
    async fn sealed(&mut self, name: &str) -> Result<Option<Vec<u8>>, StoreError>;

    /// The newest deployments of a cell, newest first.
    async fn newest_of_cell(
        &mut self,
        product_id: &str,
        environment_id: &str,
    ) -> Result<Vec<Row>, StoreError>;

    /// What others have told of the end of runs of this name: the source, and the end.
    async fn run_ends(&mut self, run: &Origin) -> Result<Vec<(String, RunEnd)>, StoreError>;

    /// The deployments that are not over, of runs of this name.
    async fn open_of_run(&mut self, invoke_id: &str) -> Result<Vec<Row>, StoreError>;

    /// The version of a product that was built from a commit.
    async fn version_of_commit(
        &mut self,
        product_id: &str,
        sha: &str,
    ) -> Result<Option<String>, StoreError>;

    /// The commit of a version of a product, if it has one.
    async fn commit_of(
        &mut self,
        product_id: &str,
        version: &str,
    ) -> Result<Option<String>, StoreError>;

    /// The position that the next row of the log gets.
    async fn position(&mut self) -> Result<i64, StoreError>;

    /// Stores a decision, and its row of the log.
    async fn write(&mut self, envelope: &Envelope, decision: &Decision) -> Result<(), StoreError>;
}
