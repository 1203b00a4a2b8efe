//! Coming in and going out: links, passwords, sessions.

use serde_json::json;

use super::people;
use crate::domain::answer::{Answer, Refusal};
use crate::domain::change::{Change, Decision};
use crate::domain::people::{PersonSpec, Role, Vouched};
use crate::domain::sessions::{Hashed, LINK_LIFE, Link, Means, SET_UP_LIFE, Session};
use crate::store::StoreError;
use crate::store::transaction::{Envelope, Transaction};

type Decided = Result<Decision, Refusal>;

/// What is kept of a secret: what it belongs to, and its hash.
#[derive(Clone, PartialEq, Eq)]
pub struct Proof {
    /// The identifier of the link or session.
    pub id: String,
    /// The hash of its secret.
    pub hash: Vec<u8>,
}

impl std::fmt::Debug for Proof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Proof({}, …)", self.id)
    }
}

/// A session that is about to begin.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// Its identifier, and the hash of its secret.
    pub proof: Proof,
    /// How its person has shown who they are.
    pub means: Means,
    /// Where it begins.
    pub address: Option<String>,
    /// What the browser calls itself.
    pub agent: Option<String>,
}

/// What happens to sessions, and to what begins them.
#[derive(Debug)]
pub enum SessionCommand {
    /// A link for a person; without one, for whoever becomes the first admin.
    MakeLink {
        /// The link.
        link: Proof,
        /// The person.
        person_id: Option<String>,
    },
    /// The first admin comes in, by the link that was made for that.
    SetUp {
        /// The link.
        link: Proof,
        /// The admin.
        spec: PersonSpec,
        /// Their password, if they want one.
        password: Option<Hashed>,
        /// Their session.
        session: NewSession,
    },
    /// A person comes in by a link.
    Follow {
        /// The link.
        link: Proof,
        /// Their password from now on, if they want another.
        password: Option<Hashed>,
        /// Their session.
        session: NewSession,
    },
    /// A person comes in by their password.
    LogIn {
        /// The person.
        person_id: String,
        /// The password as it was when it was compared.
        compared: Hashed,
        /// Their session.
        session: NewSession,
    },
    /// A person comes in for whom an OpenID provider vouches. They come to exist if their groups have
    /// a role.
    ComeVouched {
        /// What the provider says.
        vouched: Vouched,
        /// Their session.
        session: NewSession,
    },
    /// One session of a person ends.
    End {
        /// The person.
        person_id: String,
        /// The session.
        id: String,
    },
    /// Every session of a person ends.
    EndAll {
        /// The person.
        person_id: String,
    },
    /// A person sets their password. Every session of theirs ends, and this one begins.
    SetPassword {
        /// The person.
        person_id: String,
        /// The password as it was when it was compared; none if there was none.
        compared: Option<Hashed>,
        /// The new one.
        password: Hashed,
        /// Their session.
        session: NewSession,
    },
    /// A session is used.
    Seen {
        /// The session.
        id: String,
    },
}

/// What follows from it.
pub async fn decide<T: Transaction>(
    transaction: &mut T,
    envelope: &Envelope,
    command: &SessionCommand,
) -> Result<Decided, StoreError> {
    let now = envelope.now;
    match command {
        SessionCommand::MakeLink { link, person_id } => {
            make_link(transaction, now, link, person_id.as_deref()).await
        }
        SessionCommand::SetUp {
            link,
            spec,
            password,
            session,
        } => {
            let Some(used) = usable(transaction, now, link).await? else {
                return Ok(Err(over()));
            };
            if used.person_id.is_some() {
                return Ok(Err(over()));
            }
            if !transaction.people().await?.is_empty() {
                let msg = "Somebody has set this account up already; log in, or ask an admin";
                return Ok(Err(Refusal::Conflict(msg.to_owned())));
            }
            let spec = PersonSpec {
                role: Role::Admin,
                active: true,
                ..spec.clone()
            };
            let added = people::add(transaction, envelope, &spec).await?;
            Ok(added.map(|mut decision| {
                let person_id = decision.subject.clone().unwrap_or_default();
                decision.kind = "person.set_up";
                decision.changes.push(spent(used));
                come_in(&mut decision, &person_id, password.as_ref(), session, now);
                decision
            }))
        }
        SessionCommand::Follow {
            link,
            password,
            session,
        } => {
            let used = usable(transaction, now, link).await?;
            let person_id = used.as_ref().and_then(|used| used.person_id.clone());
            let (Some(used), Some(person_id)) = (used, person_id) else {
                return Ok(Err(over()));
            };
            if !is_active(transaction, &person_id).await? {
                return Ok(Err(over()));
            }
            let mut decision = decision(&person_id, "session.begun");
            if password.is_some() {
                decision.changes.push(all_end(&person_id));
            } else {
                decision.changes.push(spent(used));
            }
            come_in(&mut decision, &person_id, password.as_ref(), session, now);
            Ok(Ok(decision))
        }
        SessionCommand::LogIn {
            person_id,
            compared,
            session,
        } => {
            let present = transaction.password(person_id).await?;
            // The password may have changed while it was compared.
            if present.as_ref() != Some(compared) || !is_active(transaction, person_id).await? {
                return Ok(Err(Refusal::Forbidden("Name and password do not match")));
            }
            let mut decision = decision(person_id, "session.begun");
            come_in(&mut decision, person_id, None, session, now);
            Ok(Ok(decision))
        }
        SessionCommand::ComeVouched { vouched, session } => {
            let found = people::vouched(transaction, envelope, vouched).await?;
            Ok(found.map(|(person_id, changed)| {
                let mut decision = changed.unwrap_or_else(|| decision(&person_id, "session.begun"));
                come_in(&mut decision, &person_id, None, session, now);
                decision
            }))
        }
        SessionCommand::End { person_id, id } => {
            let found = transaction.session(id).await?;
            if found.is_none_or(|session| session.person_id != *person_id) {
                return Ok(Err(Refusal::NotFound("Session")));
            }
            let mut decision = decision(person_id, "session.ended");
            decision.changes.push(Change::SessionsEnded {
                person_id: person_id.clone(),
                only: Some(id.clone()),
            });
            Ok(Ok(decision))
        }
        SessionCommand::EndAll { person_id } => {
            let mut decision = decision(person_id, "session.ended");
            decision.changes.push(all_end(person_id));
            Ok(Ok(decision))
        }
        SessionCommand::SetPassword {
            person_id,
            compared,
            password,
            session,
        } => {
            if transaction.password(person_id).await? != *compared
                || !is_active(transaction, person_id).await?
            {
                return Ok(Err(Refusal::Changed));
            }
            let mut decision = decision(person_id, "person.password_set");
            decision.changes.push(all_end(person_id));
            come_in(&mut decision, person_id, Some(password), session, now);
            Ok(Ok(decision))
        }
        SessionCommand::Seen { id } => {
            transaction.note_session(id, now).await?;
            Ok(Ok(decision("", "session.used")))
        }
    }
}

async fn make_link<T: Transaction>(
    transaction: &mut T,
    now: i64,
    link: &Proof,
    person_id: Option<&str>,
) -> Result<Decided, StoreError> {
    let people = transaction.people().await?;
    let life = match person_id {
        Some(id) => {
            let found = people.iter().find(|known| known.person.id == id);
            match found {
                None => return Ok(Err(Refusal::NotFound("Person"))),
                Some(known) if !known.person.active => {
                    let msg = "Somebody who is not active cannot be let in; activate them first";
                    return Ok(Err(Refusal::Conflict(msg.to_owned())));
                }
                Some(_) => LINK_LIFE,
            }
        }
        None if people.is_empty() => SET_UP_LIFE,
        None => {
            let msg = "Somebody has set this account up already; make a link for them";
            return Ok(Err(Refusal::Conflict(msg.to_owned())));
        }
    };
    let mut decision = decision(person_id.unwrap_or_default(), "link.made");
    decision.changes.push(Change::Link {
        id: link.id.clone(),
        person_id: person_id.map(str::to_owned),
        expires_at: now + life,
        used: false,
        hash: Some(link.hash.clone()),
    });
    Ok(Ok(decision))
}

/// The link, if it is that one and can be used.
async fn usable<T: Transaction>(
    transaction: &mut T,
    now: i64,
    proof: &Proof,
) -> Result<Option<Link>, StoreError> {
    let found = transaction.link(&proof.id).await?;
    let found = found.filter(|(link, hash)| *hash == proof.hash && link.is_valid(now));
    Ok(found.map(|(link, _)| link))
}

async fn is_active<T: Transaction>(transaction: &mut T, id: &str) -> Result<bool, StoreError> {
    let people = transaction.people().await?;
    Ok(people
        .iter()
        .any(|known| known.person.id == id && known.person.active))
}

fn over() -> Refusal {
    let msg = "This link was used or is over; ask an admin for another";
    Refusal::Conflict(msg.to_owned())
}

/// Every session of a person ends, with the links that would begin another.
pub fn all_end(person_id: &str) -> Change {
    Change::SessionsEnded {
        person_id: person_id.to_owned(),
        only: None,
    }
}

fn spent(link: Link) -> Change {
    Change::Link {
        id: link.id,
        person_id: link.person_id,
        expires_at: link.expires_at,
        used: true,
        hash: None,
    }
}

/// The session of a person begins, after their password is set if they want another.
fn come_in(
    decision: &mut Decision,
    person_id: &str,
    password: Option<&Hashed>,
    new: &NewSession,
    now: i64,
) {
    if let Some(password) = password {
        decision.changes.push(Change::Password {
            person_id: person_id.to_owned(),
            set: true,
            hashed: Some(password.clone()),
        });
    }
    let session = Session {
        id: new.proof.id.clone(),
        person_id: person_id.to_owned(),
        means: new.means,
        created_at: now,
        seen_at: now,
        address: new.address.clone(),
        agent: new.agent.clone(),
    };
    decision.changes.push(Change::SessionBegun {
        id: session.id.clone(),
        person_id: session.person_id.clone(),
        means: session.means,
        kept: Some(Box::new((session, new.proof.hash.clone()))),
    });
}

fn decision(person_id: &str, kind: &'static str) -> Decision {
    Decision {
        changes: Vec::new(),
        answer: Answer::new(200, &json!({ "id": person_id })),
        subject: (!person_id.is_empty()).then(|| person_id.to_owned()),
        kind,
    }
}
