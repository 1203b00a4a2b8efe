//! People: who they are, what they may approve, and by which names they are known.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::answer::Refusal;
use super::fields::{Fields, MAX_NAME};
use super::names::fold;
use super::rules::{ApprovalKind, etag};
use super::time::rfc3339;

/// What somebody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Look.
    Viewer,
    /// Deploy, and end what others deploy.
    Developer,
    /// Everything, and approve everything.
    Admin,
}

impl Role {
    const WORDS: [(&'static str, Role); 3] = [
        ("viewer", Role::Viewer),
        ("developer", Role::Developer),
        ("admin", Role::Admin),
    ];

    /// Reads the word on the wire.
    pub fn parse(word: &str) -> Option<Role> {
        let found = Role::WORDS.iter().find(|(name, _)| *name == word);
        found.map(|(_, role)| *role)
    }

    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Role::Viewer => "viewer",
            Role::Developer => "developer",
            Role::Admin => "admin",
        }
    }
}

/// A person, without names: those are identities, which can be erased.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The identifier.
    pub id: String,
    /// What they may do.
    pub role: Role,
    /// What they may approve besides.
    pub approves: Vec<ApprovalKind>,
    /// Whether they are still with us.
    pub active: bool,
    /// When they were added, in microseconds since 1970.
    pub created_at: i64,
}

impl Person {
    /// Whether they may give such an approval.
    pub fn may_give(&self, kind: ApprovalKind) -> bool {
        self.active && (self.role == Role::Admin || self.approves.contains(&kind))
    }

    /// Whether they may do everything.
    pub fn is_admin(&self) -> bool {
        self.active && self.role == Role::Admin
    }
}

/// What kind of name somebody is known by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdentityKind {
    /// What people call them.
    Name,
    /// An e-mail address.
    Email,
    /// What a system calls them.
    Login,
    /// What an OpenID provider, the host, calls them: a subject, which is never somebody else's.
    Subject,
}

impl IdentityKind {
    /// Every kind.
    const ALL: [IdentityKind; 4] = [
        IdentityKind::Name,
        IdentityKind::Email,
        IdentityKind::Login,
        IdentityKind::Subject,
    ];

    /// Reads the word in the database.
    pub fn parse(word: &str) -> Option<IdentityKind> {
        IdentityKind::ALL
            .into_iter()
            .find(|kind| kind.as_str() == word)
    }

    /// The word in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            IdentityKind::Name => "name",
            IdentityKind::Email => "email",
            IdentityKind::Login => "login",
            IdentityKind::Subject => "subject",
        }
    }
}

/// One name that somebody is known by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// What kind of name it is.
    pub kind: IdentityKind,
    /// The name.
    pub value: String,
    /// The system of a login, such as `github`.
    pub source_system: Option<String>,
    /// The host of that system; none for whichever.
    pub host: Option<String>,
}

impl Identity {
    fn new(kind: IdentityKind, value: String) -> Identity {
        Identity {
            kind,
            value,
            source_system: None,
            host: None,
        }
    }

    /// What a provider calls somebody.
    pub fn subject(issuer: &str, subject: &str) -> Identity {
        Identity {
            host: Some(issuer.to_owned()),
            ..Identity::new(IdentityKind::Subject, subject.to_owned())
        }
    }

    /// What Slack calls somebody in a team: a user, who is never somebody else there.
    pub fn of_slack(team: &str, user: &str) -> Identity {
        Identity {
            source_system: Some("slack".to_owned()),
            host: Some(team.to_owned()),
            ..Identity::new(IdentityKind::Login, user.to_owned())
        }
    }

    /// Whether both are the same name of one person: nobody else can have it too. What people are
    /// called need not be theirs alone.
    pub fn clashes(&self, other: &Identity) -> bool {
        if self.kind == IdentityKind::Subject {
            return self == other;
        }
        let same = |a: &Option<String>, b: &Option<String>| match (a, b) {
            (Some(a), Some(b)) => fold(a) == fold(b),
            _ => true,
        };
        self.kind == other.kind
            && self.kind != IdentityKind::Name
            && fold(&self.value) == fold(&other.value)
            && same(&self.source_system, &other.source_system)
            && same(&self.host, &other.host)
    }
}

/// A person with all their names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The person.
    pub person: Person,
    /// The names.
    pub identities: Vec<Identity>,
}

impl Known {
    /// What people call them; their identifier, once they are erased.
    pub fn name(&self) -> &str {
        let of = |kind| self.identities.iter().find(|known| known.kind == kind);
        of(IdentityKind::Name)
            .or(of(IdentityKind::Email))
            .map_or(&self.person.id, |known| &known.value)
    }

    /// Whether one of their names is this.
    pub fn is_called(&self, name: &str) -> bool {
        let name = fold(name);
        self.identities
            .iter()
            .any(|known| fold(&known.value) == name)
    }

    /// By what they log in: an address, which is theirs alone, or else their name.
    pub fn login(&self) -> &str {
        let email = |known: &&Identity| known.kind == IdentityKind::Email;
        let email = self.identities.iter().find(email);
        email.map_or(self.name(), |known| &known.value)
    }

    /// Tells their states apart, as an entity tag.
    pub fn tag(&self) -> String {
        etag(&self.to_json())
    }

    /// The person without names.
    pub fn person_to_json(&self) -> Value {
        let kinds = self.person.approves.iter().map(|kind| kind.as_str());
        json!({
            "id": self.person.id,
            "role": self.person.role.as_str(),
            "approves": kinds.collect::<Vec<_>>(),
            "active": self.person.active,
            "created_at": rfc3339(self.person.created_at),
        })
    }

    /// The person as the API shows them.
    pub fn to_json(&self) -> Value {
        let values = |kind| -> Vec<&String> {
            let of = self.identities.iter().filter(|known| known.kind == kind);
            of.map(|known| &known.value).collect()
        };
        let logins = self
            .identities
            .iter()
            .filter(|known| known.kind == IdentityKind::Login);
        let logins = logins.map(|known| {
            json!({
                "source_system": known.source_system,
                "host": known.host,
                "login": known.value,
            })
        });
        let mut shown = self.person_to_json();
        shown["name"] = json!(values(IdentityKind::Name).first());
        shown["emails"] = json!(values(IdentityKind::Email));
        shown["logins"] = logins.collect();
        let subjects = self.identities.iter();
        let subjects = subjects.filter(|known| known.kind == IdentityKind::Subject);
        shown["subjects"] = subjects
            .map(|known| json!({ "issuer": known.host, "subject": known.value }))
            .collect();
        shown
    }
}

/// A person as a client asks for one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonSpec {
    /// What they may do.
    pub role: Role,
    /// What they may approve besides.
    pub approves: Vec<ApprovalKind>,
    /// Whether they are still with us.
    pub active: bool,
    /// The names.
    pub identities: Vec<Identity>,
}

impl PersonSpec {
    /// Reads a request body.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] with every field that is missing, wrong or unknown.
    pub fn read(body: Value) -> Result<PersonSpec, Refusal> {
        let mut fields = Fields::of_body(body)?;
        let name = fields.required_name("name");
        let mut identities = vec![Identity::new(IdentityKind::Name, name)];
        for email in fields.names("emails").unwrap_or_default() {
            if !is_address(&email) {
                let msg = format!("{email:?} should be an address such as ada@example.com");
                fields.reject("emails", "email", msg);
            }
            identities.push(Identity::new(IdentityKind::Email, email));
        }
        identities.extend(logins(&mut fields));
        identities.extend(subjects(&mut fields));
        let role = fields.choice("role", &Role::WORDS);
        let mut approves = Vec::new();
        for word in fields.names("approves").unwrap_or_default() {
            match ApprovalKind::parse(&word) {
                Some(kind) => approves.push(kind),
                None => {
                    let msg = format!("{word:?} should be quality or release");
                    fields.reject("approves", "enum", msg);
                }
            }
        }
        let active = fields.boolean("active").unwrap_or(true);
        fields.refuse_unread();
        fields.finish()?;
        Ok(PersonSpec {
            role: role.unwrap_or(Role::Viewer),
            approves,
            active,
            identities,
        })
    }

    /// The person with some of their fields replaced.
    ///
    /// # Errors
    /// As [`PersonSpec::read`].
    pub fn patched(known: &Known, changes: &Map<String, Value>) -> Result<PersonSpec, Refusal> {
        let mut body = known.to_json();
        if let Value::Object(body) = &mut body {
            body.extend(changes.clone());
            for name in ["id", "created_at"] {
                body.shift_remove(name);
            }
        }
        PersonSpec::read(body)
    }

    /// The person that this makes.
    pub fn person(&self, id: String, created_at: i64) -> Person {
        Person {
            id,
            role: self.role,
            approves: self.approves.clone(),
            active: self.active,
            created_at,
        }
    }
}

fn logins(fields: &mut Fields) -> Vec<Identity> {
    objects(fields, "logins", |login| Identity {
        kind: IdentityKind::Login,
        source_system: Some(login.required_text("source_system", MAX_NAME)),
        host: login.text("host", MAX_NAME),
        value: login.required_text("login", MAX_NAME),
    })
}

fn subjects(fields: &mut Fields) -> Vec<Identity> {
    objects(fields, "subjects", |subject| {
        let issuer = subject.required_text("issuer", MAX_NAME);
        Identity::subject(&issuer, &subject.required_text("subject", MAX_NAME))
    })
}

/// The identities of a list of objects.
fn objects(
    fields: &mut Fields,
    name: &str,
    mut read: impl FnMut(&mut Fields) -> Identity,
) -> Vec<Identity> {
    let mut found = Vec::new();
    let items = match fields.take(name) {
        None => return found,
        Some(Value::Array(items)) => items,
        Some(_) => {
            fields.reject(name, "list_type", "Input should be a list of objects");
            return found;
        }
    };
    for (index, item) in items.into_iter().enumerate() {
        let path = ["body", name, &index.to_string()].map(str::to_owned);
        let mut object = Fields::of(item.as_object().cloned().unwrap_or_default(), path.into());
        found.push(read(&mut object));
        object.refuse_unread();
        fields.absorb(object);
    }
    found
}

fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else {
        return false;
    };
    !local.is_empty() && !domain.is_empty() && !domain.contains('@') && !text.contains(' ')
}

/// What an OpenID provider says of somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vouched {
    /// The provider.
    pub issuer: String,
    /// What it calls them.
    pub subject: String,
    /// What people call them.
    pub name: Option<String>,
    /// Their address, if the provider has verified it and may vouch for its domain.
    pub email: Option<String>,
    /// The role that their groups have.
    pub role: Option<Role>,
    /// Whether groups have roles at all: then they decide who comes in.
    pub by_groups: bool,
}

/// What an event says of who deploys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Claim<'a> {
    /// What the system calls them, or whatever else the client knows.
    pub deployed_by: Option<&'a str>,
    /// Their e-mail address.
    pub email: Option<&'a str>,
    /// The system.
    pub source_system: Option<&'a str>,
    /// The host of the system, as far as links say it.
    pub hosts: Vec<String>,
    /// The person that the API key belongs to.
    pub owner: Option<&'a str>,
}

/// Everybody whom an event, and the owner of its key, name as who deploys. In doubt it is them: this
/// only ever keeps approvals from counting.
pub fn deployers<'a>(people: &'a [Known], claim: &Claim<'_>) -> Vec<&'a Known> {
    people
        .iter()
        .filter(|known| {
            claim.owner == Some(known.person.id.as_str())
                || known.identities.iter().any(|one| names(one, claim))
        })
        .collect()
}

fn names(identity: &Identity, claim: &Claim<'_>) -> bool {
    let is = |text: Option<&str>| text.is_some_and(|text| fold(text) == fold(&identity.value));
    match identity.kind {
        IdentityKind::Name | IdentityKind::Subject => false,
        IdentityKind::Email => is(claim.email) || is(claim.deployed_by),
        IdentityKind::Login => {
            let system = match (&identity.source_system, claim.source_system) {
                (Some(known), Some(claimed)) => fold(known) == fold(claimed),
                _ => true,
            };
            let host = identity.host.as_ref().is_none_or(|host| {
                claim.hosts.is_empty() || claim.hosts.iter().any(|other| fold(other) == fold(host))
            });
            is(claim.deployed_by) && system && host
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Claim, Known, PersonSpec, deployers};

    fn known(body: serde_json::Value) -> Known {
        let spec = PersonSpec::read(body).unwrap();
        Known {
            person: spec.person("p1".to_owned(), 0),
            identities: spec.identities,
        }
    }

    #[test]
    fn somebody_deploys_by_address_by_login_and_by_key() {
        let people = [known(json!({
            "name": "Ada", "emails": ["ada@example.com"],
            "logins": [{ "source_system": "github", "host": "github.example.com", "login": "ada-l" }],
        }))];
        let found = |claim: Claim<'_>| deployers(&people, &claim).len();
        let by = |deployed_by| Claim {
            deployed_by: Some(deployed_by),
            source_system: Some("GitHub"),
            ..Claim::default()
        };
        assert_eq!(found(by("ADA-L")), 1);
        assert_eq!(found(by("Ada@Example.com")), 1);
        assert_eq!(found(by("Ada")), 0, "a name is not proved by anybody");
        let elsewhere = Claim {
            hosts: vec!["github.com".to_owned()],
            ..by("ada-l")
        };
        assert_eq!(found(elsewhere), 0);
        let gitlab = Claim {
            source_system: Some("gitlab"),
            ..by("ada-l")
        };
        assert_eq!(found(gitlab), 0);
        let email = Claim {
            email: Some("ada@example.com"),
            ..Claim::default()
        };
        assert_eq!(found(email), 1);
        let owner = Claim {
            owner: Some("p1"),
            ..Claim::default()
        };
        assert_eq!(found(owner), 1);
        assert_eq!(found(Claim::default()), 0);
    }

    #[test]
    fn what_is_shown_can_be_sent_back() {
        let ada = known(json!({
            "name": "Ada", "emails": ["ada@example.com"], "role": "developer",
            "logins": [{ "source_system": "github", "login": "ada-l" }], "approves": ["release"],
        }));
        let shown = ada.to_json().as_object().cloned().unwrap();
        let again = PersonSpec::patched(&ada, &shown).unwrap();
        assert_eq!(again.person("p1".to_owned(), 0), ada.person);
        assert_eq!(again.identities, ada.identities);
    }
}
