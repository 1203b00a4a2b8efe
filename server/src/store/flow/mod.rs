//! What a command does in a transaction: written once, for every database.

mod all_stop;
mod approval;
mod build;
mod buttons;
mod deployment;
mod exemption;
mod gate;
mod import;
mod keys;
pub mod naming;
mod people;
mod policy;
mod prune;
mod queue;
mod sessions;
mod slack;
mod sources;
mod webhooks;

use serde_json::{Map, Value};

pub use all_stop::ALL_STOP;
pub use buttons::ButtonsChange;
pub use gate::GateCommand;
pub use import::Import;
pub use keys::{KeyCommand, Secret};
pub use queue::{QUEUES_HELD, QueueCommand, Step};
pub use sessions::{NewSession, Proof, SessionCommand};
pub use slack::{Expected, SlackCommand, SlackSealed};
pub use sources::{SealedSecret, SourceCommand, key_name, old_secret_name, secret_name};
pub use webhooks::{Sealed, WebhookCommand};

use super::StoreError;
use super::transaction::{Envelope, Remembered, Transaction};
use crate::domain::answer::{Answer, Refusal, Verdict};
use crate::domain::change::{Change, Decision};
use crate::domain::deployment::Request;
use crate::domain::event::BuildEvent;
use crate::domain::keys::Giver;
use crate::domain::naming::Kind;
use crate::domain::people::PersonSpec;
use crate::domain::prune::{ANSWERS_KEPT, Prune};
use crate::domain::queue::Item;
use crate::domain::rules::{AllStop, ApprovalSpec, ExemptionSpec, RuleSpec, Seen};
use crate::domain::run_end::RunEnd;

const SECOND: i64 = 1_000_000;
/// How long a rejection is given again.
const REJECTION_MEMORY: i64 = 600 * SECOND;

/// A change to an account.
#[derive(Debug)]
pub enum Command {
    /// A build event.
    Build(Box<BuildEvent>),
    /// A deployment event.
    Deployment(Box<Request>),
    /// The question whether a deployment could start.
    Preflight(Box<Request>),
    /// The end of a deployment, because somebody asks for it.
    Abort {
        /// The deployment.
        id: String,
        /// Why.
        reason: String,
        /// Whether it may be one that somebody else has started.
        others: bool,
    },
    /// A sign of life of a deployment.
    Renew {
        /// The deployment.
        id: String,
        /// How long it may go on from now, in microseconds.
        lease: Option<i64>,
    },
    /// The end of everything without a word for too long.
    Expire,
    /// A new rule.
    AddRule {
        /// The rule.
        spec: RuleSpec,
        /// Whether environments that it names exist from now on.
        create: bool,
        /// Why, for the log.
        reason: Option<String>,
    },
    /// New values for some fields of a rule.
    ChangeRule {
        /// The rule.
        id: String,
        /// The fields.
        changes: Map<String, Value>,
        /// Whether environments that it names exist from now on.
        create: bool,
        /// Why, for the log.
        reason: Option<String>,
        /// The entity tag of the rule that the change is for.
        expected: Option<String>,
    },
    /// The end of a rule.
    RemoveRule {
        /// The rule.
        id: String,
        /// Why, for the log.
        reason: Option<String>,
        /// The entity tag of the rule that is to go.
        expected: Option<String>,
    },
    /// Rules as a file has them.
    ImportRules(Import),
    /// Something that was done on the machine, for the log.
    Note {
        /// What kind of thing, such as `account.copied`.
        kind: &'static str,
        /// What to say.
        message: String,
    },
    /// The end of what nobody asks for any more, a part of it.
    Prune(Prune),
    /// A new exemption.
    Exempt {
        /// The exemption.
        spec: ExemptionSpec,
        /// What whoever makes it has seen; none if they say nothing of it.
        seen: Option<Seen>,
    },
    /// The end of an exemption.
    WithdrawExemption {
        /// The exemption.
        id: String,
        /// Why, for the log.
        reason: Option<String>,
    },
    /// An approval, or a refusal.
    Approve {
        /// The approval.
        spec: ApprovalSpec,
        /// The person that the API key belongs to.
        owner: Option<String>,
        /// What whoever says so has seen; none if they say nothing of it.
        seen: Option<Seen>,
    },
    /// The end of an approval or a refusal.
    WithdrawApproval {
        /// The version.
        version_id: String,
        /// The approval.
        id: String,
        /// The person that the API key belongs to.
        owner: Option<String>,
        /// Whether it may be somebody else's.
        others: bool,
        /// Why, for the log.
        reason: Option<String>,
    },
    /// Another name of a product or an environment, or something else to be said of it.
    ChangeNamed {
        /// What it is.
        kind: Kind,
        /// Its identifier.
        id: String,
        /// The fields.
        changes: Map<String, Value>,
    },
    /// Settings of the account: their names, and their values.
    Set(Vec<(&'static str, String)>),
    /// A stop of every start.
    Stop(AllStop),
    /// The end of the stop, before it ends by itself.
    LiftStop {
        /// Why, for the log.
        reason: Option<String>,
    },
    /// Something that happens to an API key, by whoever can give so much.
    Key(KeyCommand, Giver),
    /// Something that happens to sessions at the pages, or to what begins them.
    Session(SessionCommand),
    /// What somebody else's system tells of a deployment.
    Foreign(Box<Request>),
    /// A run is over: what it left in progress is over too.
    EndRun(RunEnd),
    /// Something that happens to a job that waits for a verdict.
    Gate(GateCommand),
    /// New values for deployment buttons and variables.
    Buttons(ButtonsChange),
    /// Something that happens to a source.
    Source(SourceCommand),
    /// Something that happens to the queue.
    Queue(QueueCommand),
    /// Something that happens to a webhook, or to what it is told.
    Webhook(WebhookCommand),
    /// Something that happens to what is told in Slack.
    Slack(SlackCommand),
    /// A new person.
    AddPerson(PersonSpec),
    /// The end of the names of a person.
    ErasePerson(String),
    /// The end of a name that events have told, and by which nobody is known here.
    EraseName(String),
    /// New values for some fields of a person.
    ChangePerson {
        /// The person.
        id: String,
        /// The fields.
        changes: Map<String, Value>,
        /// The person that the API key belongs to.
        owner: Option<String>,
        /// The entity tag of the person that the change is for.
        expected: Option<String>,
    },
}

impl Command {
    /// Whether it is about one product and changes nothing of what people decide.
    fn is_event(&self) -> bool {
        if let Command::Queue(command) = self {
            return !command.is_decision();
        }
        if let Command::Webhook(command) = self {
            return !command.is_decision();
        }
        if let Command::Slack(command) = self {
            return command.is_use();
        }
        matches!(
            self,
            Command::Build(_)
                | Command::Deployment(_)
                | Command::Preflight(_)
                | Command::Abort { .. }
                | Command::Renew { .. }
                | Command::Expire
                | Command::Foreign(_)
                | Command::EndRun(_)
                | Command::Gate(_)
                | Command::Note { .. }
                | Command::Key(KeyCommand::Used(..), _)
                | Command::Session(SessionCommand::Seen { .. })
        )
    }
}

/// What became of a command.
#[derive(Debug)]
pub enum Outcome {
    /// It is stored, or needed nothing to be.
    Done(Answer),
    /// These rows of the queue are taken up.
    Claimed(Vec<Item>),
    /// It only asked; nothing of it may stay.
    Looked(Box<Verdict>),
    /// It only asked what would be done; nothing of it may stay.
    Shown(Answer),
    /// It is refused; nothing of it may stay.
    Refused(Refusal),
}

impl Outcome {
    /// Whether what was done stays.
    pub fn stays(&self) -> bool {
        matches!(self, Outcome::Done(_) | Outcome::Claimed(_))
    }
}

impl From<Result<Answer, Refusal>> for Outcome {
    fn from(result: Result<Answer, Refusal>) -> Outcome {
        match result {
            Ok(answer) => Outcome::Done(answer),
            Err(refusal) => Outcome::Refused(refusal),
        }
    }
}

/// Does the command in an open transaction. It may be done again after a rollback.
///
/// # Errors
/// When the database fails; the transaction must then be rolled back.
pub async fn apply<T: Transaction>(
    transaction: &mut T,
    envelope: &Envelope,
    command: &Command,
) -> Result<Outcome, StoreError> {
    if let Some(request) = &envelope.request
        && let Some(before) = transaction.claim(&envelope.actor, request).await?
        && let Some(outcome) = replay(transaction, envelope, before).await?
    {
        return Ok(outcome);
    }
    if !command.is_event() {
        let names = matches!(
            command,
            Command::ChangeNamed { .. }
                | Command::Prune(_)
                | Command::ErasePerson(_)
                | Command::EraseName(_)
        );
        transaction.lock_policy(names).await?;
    }
    let under_lock;
    let envelope = match transaction.now(envelope.now) {
        now if now == envelope.now => envelope,
        now => {
            under_lock = Envelope {
                now,
                ..envelope.clone()
            };
            &under_lock
        }
    };
    let decided = match command {
        Command::Build(event) => build::record(transaction, event, envelope.now).await?,
        Command::Deployment(request) => {
            deployment::record(transaction, request, envelope.now).await?
        }
        Command::Abort { id, reason, others } => {
            deployment::abort(transaction, envelope, id, reason, *others).await?
        }
        Command::Renew { id, lease } => {
            deployment::renew(transaction, id, *lease, envelope.now).await?
        }
        Command::Preflight(request) => {
            let verdict = deployment::preflight(transaction, request, envelope.now).await?;
            return Ok(Outcome::Looked(Box::new(verdict)));
        }
        Command::Expire => return deployment::expire(transaction, envelope).await,
        Command::Note { kind, message } => Ok(note(kind, message)),
        Command::Prune(wanted) => return prune::prune(transaction, envelope, wanted).await,
        Command::ImportRules(wanted) => {
            return import::import(transaction, envelope, wanted).await;
        }
        Command::AddRule {
            spec,
            create,
            reason,
        } => policy::add_rule(transaction, spec, *create, reason, envelope.now).await?,
        Command::ChangeRule {
            id,
            changes,
            create,
            reason,
            expected,
        } => {
            let change = policy::RuleChange {
                changes,
                create: *create,
                reason,
                expected,
            };
            policy::change_rule(transaction, envelope, id, &change).await?
        }
        Command::RemoveRule {
            id,
            reason,
            expected,
        } => policy::remove_rule(transaction, id, reason, expected, envelope.now).await?,
        Command::Exempt { spec, seen } => {
            exemption::add(transaction, envelope, spec, seen.as_ref()).await?
        }
        Command::WithdrawExemption { id, reason } => {
            exemption::withdraw(transaction, id, reason, envelope.now).await?
        }
        Command::Approve { spec, owner, seen } => {
            let by = (owner.as_deref(), seen.as_ref());
            approval::approve(transaction, envelope, by, spec).await?
        }
        Command::WithdrawApproval {
            version_id,
            id,
            owner,
            others,
            reason,
        } => {
            let wanted = (version_id.as_str(), id.as_str());
            approval::withdraw(
                transaction,
                envelope,
                wanted,
                owner.as_deref(),
                *others,
                reason,
            )
            .await?
        }
        Command::ChangeNamed { kind, id, changes } => {
            naming::change(transaction, (*kind, id), changes, envelope.now).await?
        }
        Command::Set(settings) => naming::set(transaction, settings).await?,
        Command::Stop(stop) => all_stop::put(transaction, envelope, stop).await?,
        Command::LiftStop { reason } => all_stop::lift(transaction, envelope, reason).await?,
        Command::Key(command, giver) => keys::decide(transaction, envelope, giver, command).await?,
        Command::Session(command) => sessions::decide(transaction, envelope, command).await?,
        Command::Foreign(request) => {
            deployment::foreign(transaction, request, envelope.now).await?
        }
        Command::EndRun(end) => return deployment::end_run(transaction, envelope, end).await,
        Command::Gate(command) => return gate::gate(transaction, envelope, command).await,
        Command::Buttons(wanted) => buttons::change(transaction, wanted).await?,
        Command::Source(command) => sources::decide(transaction, envelope, command).await?,
        Command::Queue(command) => return queue::queue(transaction, envelope, command).await,
        Command::Webhook(command) => webhooks::decide(transaction, envelope, command).await?,
        Command::Slack(command) => slack::decide(transaction, envelope, command).await?,
        Command::AddPerson(spec) => people::add(transaction, envelope, spec).await?,
        Command::ErasePerson(id) => people::erase(transaction, id).await?,
        Command::EraseName(name) => people::erase_name(transaction, name).await?,
        Command::ChangePerson {
            id,
            changes,
            owner,
            expected,
        } => {
            let change = (changes, expected.as_deref());
            people::change(transaction, owner.as_deref(), id, change).await?
        }
    };
    finish(transaction, envelope, decided).await
}

/// What was done on the machine, and changes nothing in the account.
fn note(kind: &'static str, message: &str) -> Decision {
    Decision {
        changes: vec![Change::Notice {
            notice: kind.to_owned(),
            subject: "account".to_owned(),
            message: message.to_owned(),
        }],
        answer: Answer::new(200, &Map::new()),
        subject: None,
        kind,
    }
}

/// Stores what was decided.
async fn finish<T: Transaction>(
    transaction: &mut T,
    envelope: &Envelope,
    decided: Result<Decision, Refusal>,
) -> Result<Outcome, StoreError> {
    match decided {
        // The use of a key or a session is no row of the log.
        Ok(decision) if decision.is_use() => Ok(Outcome::Done(decision.answer)),
        Ok(decision) => {
            transaction.write(envelope, &decision).await?;
            Ok(Outcome::Done(decision.answer))
        }
        Err(refusal) => Ok(Outcome::Refused(refusal)),
    }
}

/// The answer to a request whose Idempotency-Key was used before; `None` if it is to be decided
/// anew.
async fn replay<T: Transaction>(
    transaction: &mut T,
    envelope: &Envelope,
    before: Remembered,
) -> Result<Option<Outcome>, StoreError> {
    let age = envelope.now - before.at;
    let refused = |kind, msg: &str| {
        Ok(Some(Outcome::Refused(Refusal::header(
            "Idempotency-Key",
            kind,
            msg,
        ))))
    };
    let rejected = before.answer.status >= 400;
    let is_start = !rejected && before.kind == "deployment.started";
    let row = match &before.subject {
        Some(id) if is_start => transaction.deployment(id).await?.map(|(row, _)| row),
        _ => None,
    };
    let over = row
        .as_ref()
        .is_none_or(|row| row.state.is_end() || row.is_expired(envelope.now));
    // As long as it is in progress, the start of a deployment is known by its key.
    if age > ANSWERS_KEPT && (!is_start || over) {
        return Ok(None);
    }
    if !before.same {
        let msg = "This Idempotency-Key was used for another event; send a new one with each event";
        return refused("idempotency_key_reuse", msg);
    }
    // A clock that was set back makes none longer.
    if rejected && !(0..=REJECTION_MEMORY).contains(&age) {
        return Ok(None);
    }
    if is_start && row.is_some() && over {
        let msg = "This Idempotency-Key belongs to a deployment that has ended; send a new one to \
                   start again";
        return refused("idempotency_key_ended", msg);
    }
    Ok(Some(Outcome::Done(Answer {
        replayed: true,
        ..before.answer
    })))
}
