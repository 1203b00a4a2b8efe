//! People: adding them, and changing what they may do.

use serde_json::{Map, Value, json};

use super::sessions::all_end;
use crate::domain::answer::{Answer, Refusal};
use crate::domain::change::{Change, Decision};
use crate::domain::erasure::Erasure;
use crate::domain::names::fold;
use crate::domain::people::{Identity, IdentityKind, Known, PersonSpec, Role, Vouched};
use crate::store::transaction::{Envelope, Transaction};
use crate::store::{Erased, StoreError, new_id};

type Decided = Result<Decision, Refusal>;

/// Adds a person.
pub async fn add<T: Transaction>(
    transaction: &mut T,
    envelope: &Envelope,
    spec: &PersonSpec,
) -> Result<Decided, StoreError> {
    let people = transaction.people().await?;
    if let Some(refusal) = taken(&people, spec, None) {
        return Ok(Err(refusal));
    }
    let known = Known {
        person: spec.person(new_id(), envelope.now),
        identities: spec.identities.clone(),
    };
    Ok(Ok(decision(&known, None, 201, "person.added")))
}

/// Changes some fields of a person.
pub async fn change<T: Transaction>(
    transaction: &mut T,
    owner: Option<&str>,
    id: &str,
    (changes, expected): (&Map<String, Value>, Option<&str>),
) -> Result<Decided, StoreError> {
    let people = transaction.people().await?;
    let Some(before) = people.iter().find(|known| known.person.id == id) else {
        return Ok(Err(Refusal::NotFound("Person")));
    };
    if expected.is_some_and(|tag| tag != before.tag()) {
        return Ok(Err(Refusal::Changed));
    }
    let spec = match PersonSpec::patched(before, changes) {
        Ok(spec) => spec,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if let Some(refusal) = taken(&people, &spec, Some(id)) {
        return Ok(Err(refusal));
    }
    let known = Known {
        person: spec.person(id.to_owned(), before.person.created_at),
        identities: spec.identities.clone(),
    };
    if known.person != before.person {
        if owner == Some(id) {
            let msg = "Nobody changes what they may do themselves; ask another admin";
            return Ok(Err(Refusal::Forbidden(msg)));
        }
        if !known.person.is_admin()
            && let Some(refusal) = last_admin(&people, before)
        {
            return Ok(Err(refusal));
        }
    }
    let mut decision = decision(&known, Some(before), 200, "person.changed");
    if known.person != before.person {
        decision.changes.push(all_end(id));
    }
    Ok(Ok(decision))
}

/// Gives a person one more name, which nobody else has.
pub async fn join<T: Transaction>(
    transaction: &mut T,
    id: &str,
    identity: Identity,
) -> Result<Decided, StoreError> {
    let people = transaction.people().await?;
    let found = people.iter().find(|known| known.person.id == id);
    let Some(before) = found.filter(|known| known.person.active) else {
        return Ok(Err(Refusal::NotFound("Person")));
    };
    let mut others = people.iter().filter(|known| known.person.id != id);
    if let Some(other) =
        others.find(|known| known.identities.iter().any(|one| one.clashes(&identity)))
    {
        let msg = format!("This is {} already", other.name());
        return Ok(Err(Refusal::Conflict(msg)));
    }
    let mut known = before.clone();
    if !known.identities.contains(&identity) {
        known.identities.push(identity);
    }
    Ok(Ok(decision(&known, Some(before), 200, "person.changed")))
}

/// Whom an OpenID provider vouches for, and what has to change for them to come in. An address joins
/// them with somebody who is known by it already, if the provider may vouch for its domain.
pub async fn vouched<T: Transaction>(
    transaction: &mut T,
    envelope: &Envelope,
    vouched: &Vouched,
) -> Result<Result<(String, Option<Decision>), Refusal>, StoreError> {
    let people = transaction.people().await?;
    let subject = Identity::subject(&vouched.issuer, &vouched.subject);
    let known_as = |one: &Identity| people.iter().find(|known| known.identities.contains(one));
    let by_address = |email: &String| {
        let is =
            |one: &Identity| one.kind == IdentityKind::Email && fold(&one.value) == fold(email);
        people.iter().find(|known| known.identities.iter().any(is))
    };
    if vouched.by_groups && vouched.role.is_none() {
        let msg = "None of your groups at the provider may come in here; ask an admin";
        return Ok(Err(Refusal::Forbidden(msg)));
    }
    let found = known_as(&subject).or_else(|| vouched.email.as_ref().and_then(by_address));
    let Some(before) = found else {
        let Some(role) = vouched.role else {
            let msg = "Nobody here is known by this company account; ask an admin to add you";
            return Ok(Err(Refusal::Forbidden(msg)));
        };
        let name = vouched.name.as_ref().or(vouched.email.as_ref());
        let emails: Vec<&String> = vouched.email.iter().collect();
        let spec = PersonSpec::read(json!({
            "name": name.unwrap_or(&vouched.subject),
            "emails": emails,
            "role": role.as_str(),
            "subjects": [{ "issuer": vouched.issuer, "subject": vouched.subject }],
        }));
        let spec = match spec {
            Ok(spec) => spec,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let added = add(transaction, envelope, &spec).await?;
        return Ok(added.map(|decision| {
            let id = decision.subject.clone().unwrap_or_default();
            (id, Some(decision))
        }));
    };
    if !before.person.active {
        let msg = "You are not active here any more; ask an admin";
        return Ok(Err(Refusal::Forbidden(msg)));
    }
    let mut known = before.clone();
    if !known.identities.contains(&subject) {
        known.identities.push(subject);
    }
    // The last admin stays one: somebody must be able to let people in.
    if let Some(role) = vouched.role
        && (role == Role::Admin || last_admin(&people, before).is_none())
    {
        known.person.role = role;
    }
    let id = known.person.id.clone();
    if known == *before {
        return Ok(Ok((id, None)));
    }
    let mut decision = decision(&known, Some(before), 200, "person.changed");
    if known.person != before.person {
        decision.changes.push(all_end(&id));
    }
    Ok(Ok((id, Some(decision))))
}

/// Empties the names of a person, and takes them out of what is stored. What they did stays, by a person
/// without a name. What another person is called too stays as it is.
pub async fn erase<T: Transaction>(transaction: &mut T, id: &str) -> Result<Decided, StoreError> {
    let people = transaction.people().await?;
    let Some(before) = people.iter().find(|known| known.person.id == id) else {
        return Ok(Err(Refusal::NotFound("Person")));
    };
    if let Some(refusal) = last_admin(&people, before) {
        return Ok(Err(refusal));
    }
    let of_another = |name: &str| {
        let mut others = people.iter().filter(|known| known.person.id != id);
        others.any(|other| other.is_called(name))
    };
    let names = before.identities.iter().map(|one| one.value.as_str());
    let names = names.filter(|name| !of_another(name));
    let erasure = Erasure::new(names, format!("person:{id}"));
    let erased = transaction.erase(&erasure).await?;
    let mut person = before.person.clone();
    person.active = false;
    let known = Known {
        person,
        identities: Vec::new(),
    };
    let mut decision = decision(&known, Some(before), 200, "person.erased");
    decision.answer = Answer::new(200, &taken_out(id, &erasure, &erased));
    decision.changes.extend([
        all_end(id),
        Change::Password {
            person_id: id.to_owned(),
            set: false,
            hashed: None,
        },
        rewrote(&erasure, &erased),
    ]);
    Ok(Ok(decision))
}

/// Takes a name out of what is stored that events have told, of somebody or of a machine that is nobody here.
pub async fn erase_name<T: Transaction>(
    transaction: &mut T,
    name: &str,
) -> Result<Decided, StoreError> {
    let people = transaction.people().await?;
    if let Some(known) = people.iter().find(|known| known.is_called(name)) {
        let msg = format!("{name} is a person here; erase {}", known.person.id);
        return Ok(Err(Refusal::Conflict(msg)));
    }
    let id = new_id();
    let erasure = Erasure::new([name], format!("erased:{id}"));
    let erased = transaction.erase(&erasure).await?;
    if erased.is_nothing() {
        let msg =
            format!("Nobody is known as {name}, and nothing was done by anybody of that name");
        return Ok(Err(Refusal::Conflict(msg)));
    }
    Ok(Ok(Decision {
        answer: Answer::new(200, &taken_out(&id, &erasure, &erased)),
        subject: Some(id),
        changes: vec![rewrote(&erasure, &erased)],
        kind: "name.erased",
    }))
}

/// What an erasure is answered with: it is kept in the log, and names nobody.
fn taken_out(id: &str, erasure: &Erasure, erased: &Erased) -> Value {
    json!({
        "id": id,
        "place": erasure.place(),
        "log": erased.log,
        "deployments": erased.deployments,
        "builds": erased.builds,
        "others": erased.others,
    })
}

fn rewrote(erasure: &Erasure, erased: &Erased) -> Change {
    Change::Erased {
        place: erasure.place().to_owned(),
        rows: erased.log,
        digest: erased.digest.clone(),
    }
}

/// Why somebody cannot go: nobody else could let people in.
fn last_admin(people: &[Known], known: &Known) -> Option<Refusal> {
    let another = people
        .iter()
        .any(|other| other.person.id != known.person.id && other.person.is_admin());
    (known.person.is_admin() && !another).then(|| {
        let msg = "This is the last admin; make another one first";
        Refusal::Conflict(msg.to_owned())
    })
}

/// Whether somebody else is known by one of the names.
fn taken(people: &[Known], spec: &PersonSpec, id: Option<&str>) -> Option<Refusal> {
    for other in people
        .iter()
        .filter(|known| Some(known.person.id.as_str()) != id)
    {
        for known in &other.identities {
            if let Some(name) = spec.identities.iter().find(|name| name.clashes(known)) {
                let msg = format!("{} is {} already", name.value, other.name());
                return Some(Refusal::Conflict(msg));
            }
        }
    }
    None
}

fn decision(known: &Known, before: Option<&Known>, status: u16, kind: &'static str) -> Decision {
    let renamed = before.is_none_or(|before| before.identities != known.identities);
    Decision {
        // The answer is kept in the log, where names must not be.
        answer: Answer::new(status, &known.person_to_json()),
        subject: Some(known.person.id.clone()),
        changes: vec![Change::Person {
            person: known.person.clone(),
            before: before.map(|before| before.person.clone()),
            identities: renamed.then(|| known.identities.clone()),
            renamed,
        }],
        kind,
    }
}
