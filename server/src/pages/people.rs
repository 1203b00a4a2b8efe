//! People, for admins: who they are, what they may do, and by which names they are known.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::{Map, Value, json};

use super::error::PageError;
use super::filters;
use super::form::{Form, Problems};
use super::frame::{Frame, Here, show, show_as};
use super::id::Id;
use super::login::query;
use super::once::Once;
use super::viewer::Admin;
use crate::api::App;
use crate::api::error::refusal_status;
use crate::auth::tokens::Token;
use crate::domain::answer::Refusal;
use crate::domain::people::{Identity, IdentityKind, Known, PersonSpec, Role};
use crate::domain::rules::ApprovalKind;
use crate::domain::sessions::Session;
use crate::store::flow::{Command, SessionCommand};

/// The fields of a person, as they stand in the form.
struct Fields {
    name: String,
    emails: String,
    logins: String,
    role: String,
    approves: Vec<String>,
    active: bool,
}

impl Fields {
    fn of(known: &Known) -> Fields {
        let values = |kind: IdentityKind| {
            let of = known.identities.iter().filter(move |one| one.kind == kind);
            of.map(written).collect::<Vec<_>>().join("\n")
        };
        let kinds = known.person.approves.iter();
        Fields {
            name: values(IdentityKind::Name),
            emails: values(IdentityKind::Email),
            logins: values(IdentityKind::Login),
            role: known.person.role.as_str().to_owned(),
            approves: kinds.map(|kind| kind.as_str().to_owned()).collect(),
            active: known.person.active,
        }
    }

    fn typed(form: &Form) -> Fields {
        Fields {
            name: form.text("name").to_owned(),
            emails: form.text("emails").to_owned(),
            logins: form.text("logins").to_owned(),
            role: form.text("role").to_owned(),
            approves: form.all("approves").map(str::to_owned).collect(),
            active: form.text("active") == "1",
        }
    }

    fn to_json(&self) -> Map<String, Value> {
        let logins: Vec<Value> = lines(&self.logins).map(login).collect();
        let fields = json!({
            "name": self.name,
            "emails": lines(&self.emails).collect::<Vec<_>>(),
            "logins": logins,
            "role": self.role,
            "approves": self.approves,
            "active": self.active,
        });
        fields.as_object().cloned().unwrap_or_default()
    }

    /// What a person is by now, as far as it is not what was typed.
    fn meanwhile(&self, typed: &Fields) -> String {
        let said = |fields: &Fields| {
            let listed = |text: &str| match lines(text).collect::<Vec<_>>().as_slice() {
                [] => "none".to_owned(),
                some => some.join(", "),
            };
            let approves = fields.approves.join("\n");
            [
                ("name", fields.name.clone()),
                ("e-mail addresses", listed(&fields.emails)),
                ("logins", listed(&fields.logins)),
                ("role", fields.role.clone()),
                ("may approve", listed(&approves)),
                (
                    "may come in",
                    if fields.active { "yes" } else { "no" }.to_owned(),
                ),
            ]
        };
        let now = said(self);
        let others = now
            .iter()
            .zip(said(typed))
            .filter(|(is, typed)| **is != *typed);
        let others = others.map(|((what, is), _)| format!("{what}: {is}"));
        match others.collect::<Vec<_>>().as_slice() {
            [] => "By now it says the same as your form.".to_owned(),
            some => format!("By now it says {}.", some.join("; ")),
        }
    }

    fn roles(&self) -> [&'static str; 3] {
        [Role::Viewer, Role::Developer, Role::Admin].map(Role::as_str)
    }

    fn kinds(&self) -> [&'static str; 2] {
        [ApprovalKind::Quality, ApprovalKind::Release].map(ApprovalKind::as_str)
    }

    fn gives(&self, kind: &str) -> bool {
        self.approves.iter().any(|given| given == kind)
    }
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty())
}

/// An identity as it stands in the form: a login is `github:ada`, or `github@git.example.com:ada` on one
/// host alone.
fn written(identity: &Identity) -> String {
    match (&identity.source_system, &identity.host) {
        (Some(system), Some(host)) => format!("{system}@{host}:{}", identity.value),
        (Some(system), None) => format!("{system}:{}", identity.value),
        _ => identity.value.clone(),
    }
}

fn login(line: &str) -> Value {
    let (system, rest) = line.split_at(line.find([':', '@']).unwrap_or(0));
    match rest
        .strip_prefix('@')
        .and_then(|rest| rest.rsplit_once(':'))
    {
        Some((host, login)) => json!({ "source_system": system, "host": host, "login": login }),
        None => json!({ "source_system": system, "login": rest.trim_start_matches(':') }),
    }
}

#[derive(Template)]
#[template(path = "people.html")]
struct People {
    frame: Frame,
    people: Vec<Known>,
    fields: Fields,
    problems: Problems,
    now: i64,
}

impl People {
    async fn new(app: &App, admin: &Admin) -> Result<People, PageError> {
        Ok(People {
            frame: admin.frame(Here::Me),
            people: admin.account.people().await?,
            fields: Fields {
                role: Role::Viewer.as_str().to_owned(),
                active: true,
                name: String::new(),
                emails: String::new(),
                logins: String::new(),
                approves: Vec::new(),
            },
            problems: Problems::default(),
            now: app.now(),
        })
    }
}

/// Everybody.
pub async fn list(State(app): State<Arc<App>>, admin: Admin) -> Result<Response, PageError> {
    Ok(show(&People::new(&app, &admin).await?))
}

/// Adds a person, and leads to their page.
pub async fn add(
    State(app): State<Arc<App>>,
    admin: Admin,
    form: Form,
) -> Result<Response, PageError> {
    let fields = Fields {
        active: true,
        ..Fields::typed(&form)
    };
    let added = match PersonSpec::read(Value::Object(fields.to_json())) {
        Ok(spec) => {
            let once = Once::of(&form);
            let command = Command::AddPerson(spec);
            admin.write_once(&app, once.as_ref(), command).await
        }
        Err(refusal) => Err(PageError::Refused(refusal)),
    };
    match added {
        Ok(answer) => {
            let person: Value = serde_json::from_str(&answer.body).unwrap_or_default();
            let id = person["id"].as_str().unwrap_or_default();
            Ok(Redirect::to(&format!("/manage/people/{id}?said=added")).into_response())
        }
        Err(error) => {
            let problems = Problems::of_error(error)?;
            let page = People {
                fields,
                problems,
                ..People::new(&app, &admin).await?
            };
            Ok(show_as(StatusCode::UNPROCESSABLE_ENTITY, &page))
        }
    }
}

#[derive(Template)]
#[template(path = "person.html")]
struct PersonPage {
    frame: Frame,
    known: Known,
    is_own: bool,
    fields: Fields,
    /// What the form was made of, as far as it tells changes apart.
    tag: String,
    problems: Problems,
    sessions: Vec<Session>,
    /// A link that was made a moment ago, shown this once.
    link: Option<String>,
    said: &'static str,
    now: i64,
}

impl PersonPage {
    async fn new(app: &App, admin: &Admin, id: &str) -> Result<PersonPage, PageError> {
        let people = admin.account.people().await?;
        let known = people.into_iter().find(|known| known.person.id == id);
        let known = known.ok_or(PageError::NotFound("person"))?;
        let mut sessions = admin.account.sessions(id.to_owned()).await?;
        sessions.retain(|session| session.is_valid(app.now()));
        Ok(PersonPage {
            frame: admin.frame(Here::Me),
            is_own: admin.person().id == id,
            tag: known.tag(),
            fields: Fields::of(&known),
            known,
            problems: Problems::default(),
            sessions,
            link: None,
            said: "",
            now: app.now(),
        })
    }

    /// What providers call them.
    fn subjects(&self) -> impl Iterator<Item = &Identity> {
        let all = self.known.identities.iter();
        all.filter(|one| one.kind == IdentityKind::Subject)
    }
}

/// One person.
pub async fn person(
    State(app): State<Arc<App>>,
    admin: Admin,
    Id(id): Id,
    parts: Parts,
) -> Result<Response, PageError> {
    let mut page = PersonPage::new(&app, &admin, &id).await?;
    page.said = match query(&parts).text("said") {
        "added" => "Added. Now make a link, so that they can come in.",
        "changed" => "Changed.",
        "ended" => "Every session of theirs has ended.",
        _ => "",
    };
    Ok(show(&page))
}

/// Changes what stands in the form.
pub async fn change(
    State(app): State<Arc<App>>,
    admin: Admin,
    Id(id): Id,
    form: Form,
) -> Result<Response, PageError> {
    let mut fields = Fields::typed(&form);
    let mut changes = fields.to_json();
    let is_own = admin.person().id == id;
    if is_own {
        // Nobody changes these of themselves, so the form does not have them.
        for name in ["role", "approves", "active"] {
            changes.shift_remove(name);
        }
    }
    let command = Command::ChangePerson {
        id: id.clone(),
        changes,
        owner: Some(admin.person().id.clone()),
        expected: Some(form.text("tag").to_owned()),
    };
    let once = Once::of(&form);
    let error = match admin.write_once(&app, once.as_ref(), command).await {
        Ok(_) => {
            let to = format!("/manage/people/{id}?said=changed");
            return Ok(Redirect::to(&to).into_response());
        }
        Err(error) => error,
    };
    let mut page = PersonPage::new(&app, &admin, &id).await?;
    if is_own {
        fields = Fields {
            role: page.fields.role.clone(),
            approves: page.fields.approves.clone(),
            active: page.fields.active,
            ..fields
        };
    }
    let (status, error) = match error {
        PageError::Refused(Refusal::Changed) => {
            let msg = format!(
                "Somebody else has changed this person since you opened the page. {} Yours is kept \
                 below: save again to replace theirs.",
                page.fields.meanwhile(&fields)
            );
            let refusal = Refusal::Conflict(msg);
            (
                refusal_status(&Refusal::Changed),
                PageError::Refused(refusal),
            )
        }
        // The tag is that of the form still: what is wrong with it says nothing of what others do.
        error => {
            page.tag = form.text("tag").to_owned();
            (StatusCode::UNPROCESSABLE_ENTITY, error)
        }
    };
    page.problems = Problems::of_error(error)?;
    page.fields = fields;
    Ok(show_as(status, &page))
}

/// Makes a link that lets a person in once, and shows it once.
pub async fn link(
    State(app): State<Arc<App>>,
    admin: Admin,
    Id(id): Id,
    parts: Parts,
    form: Form,
) -> Result<Response, PageError> {
    let mut page = PersonPage::new(&app, &admin, &id).await?;
    let once = Once::of(&form);
    let token = match &once {
        Some(once) => Token::made_of(&admin.account_name, |part| once.bytes(part)),
        None => Token::new(&admin.account_name)?,
    };
    let command = SessionCommand::MakeLink {
        link: token.proof(),
        person_id: Some(id),
    };
    let command = Command::Session(command);
    match admin.write_once(&app, once.as_ref(), command).await {
        Ok(_) => {
            let base = app.origin(&parts.headers);
            page.link = Some(format!("{base}/manage/login/link?token={}", token.reveal()));
            Ok(show(&page))
        }
        Err(error) => {
            page.problems = Problems::of_error(error)?;
            Ok(show_as(StatusCode::UNPROCESSABLE_ENTITY, &page))
        }
    }
}

/// Ends every session of a person.
pub async fn end_sessions(
    State(app): State<Arc<App>>,
    admin: Admin,
    Id(id): Id,
) -> Result<Response, PageError> {
    PersonPage::new(&app, &admin, &id).await?;
    let person_id = id.clone();
    let command = SessionCommand::EndAll { person_id };
    admin.write(&app, Command::Session(command)).await?;
    Ok(Redirect::to(&format!("/manage/people/{id}?said=ended")).into_response())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::login;

    #[test]
    fn a_login_is_read_as_it_is_written() {
        for (line, read) in [
            (
                "github:ada",
                json!({ "source_system": "github", "login": "ada" }),
            ),
            (
                "github@git.example.com:8443:ada",
                json!({ "source_system": "github", "host": "git.example.com:8443", "login": "ada" }),
            ),
            ("ada", json!({ "source_system": "", "login": "ada" })),
            (
                "github:ada@home",
                json!({ "source_system": "github", "login": "ada@home" }),
            ),
        ] {
            assert_eq!(login(line), read);
        }
    }
}
