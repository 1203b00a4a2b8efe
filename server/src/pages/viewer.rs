//! Who looks at a page.

use std::ops::Deref;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};

use super::approvals::waiting_for;
use super::error::PageError;
use super::frame::{Frame, Here};
use super::login::known_by;
use super::once::{Once, new_token};
use crate::api::App;
use crate::api::error::{ApiError, answered};
use crate::api::request_id::RequestId;
use crate::auth::address::Peer;
use crate::domain::answer::{Answer, Refusal};
use crate::domain::people::{Known, Person, Role};
use crate::domain::sessions::{Means, Session};
use crate::store::Account;
use crate::store::flow::{Command, SessionCommand};
use crate::store::transaction::{Envelope, RequestKey};

/// A person who is logged in.
pub struct Viewer {
    /// The name of their account.
    pub account_name: String,
    /// Their account.
    pub account: Arc<Account>,
    /// Who they are.
    pub known: Known,
    /// Their session.
    pub session: Session,
    /// How many starts wait for them to say yes, as far as a page says so.
    waits: usize,
    request_id: Option<String>,
}

impl Viewer {
    /// The person.
    pub fn person(&self) -> &Person {
        &self.known.person
    }

    /// Whether their role is this one or a higher one.
    pub fn may(&self, role: Role) -> bool {
        self.person().role >= role
    }

    /// Makes sure of it.
    ///
    /// # Errors
    /// [`PageError::Forbidden`] if their role is too low.
    pub fn require(&self, role: Role) -> Result<(), PageError> {
        if self.may(role) {
            return Ok(());
        }
        let (own, needed) = (self.person().role.as_str(), role.as_str());
        Err(PageError::Forbidden(format!(
            "Your role is {own}, and this needs {needed}. An admin can change that."
        )))
    }

    /// Whether their session still lasts, and they may still look.
    pub async fn is_still_in(&self, app: &App) -> bool {
        // The proxy has said so with the request itself; what can change is the person.
        if self.session.means == Means::Proxy {
            let people = self.account.people().await.unwrap_or_default();
            let own = |known: &Known| known.person.id == self.person().id;
            return people.iter().any(|known| own(known) && known.person.active);
        }
        let found = self.account.session(self.session.id.clone()).await;
        found
            .ok()
            .flatten()
            .is_some_and(|(session, _, known)| session.is_valid(app.now()) && known.person.active)
    }

    /// The frame of a page for them.
    pub fn frame(&self, here: Here) -> Frame {
        Frame {
            name: Some(self.known.name().to_owned()),
            here,
            waits: self.waits,
            token: new_token(),
        }
    }

    /// Does a command in their name.
    ///
    /// # Errors
    /// [`PageError::Refused`] with what is wrong with it, another if the server cannot do it now.
    pub async fn write(&self, app: &App, command: Command) -> Result<Answer, PageError> {
        self.write_once(app, None, command).await
    }

    /// Does the command of a form, once, however often it is sent.
    ///
    /// # Errors
    /// As [`Viewer::write`].
    pub async fn write_once(
        &self,
        app: &App,
        once: Option<&Once>,
        command: Command,
    ) -> Result<Answer, PageError> {
        let by = By {
            once: once.map(Once::request),
            ..By::new(
                format!("person:{}", self.person().id),
                self.request_id.clone(),
            )
        };
        by.write(app, &self.account, command).await
    }

    /// Ends something, once. What has ended already, as by another click, is as it was to be; only what
    /// never was is not found.
    ///
    /// # Errors
    /// As [`Viewer::write`].
    pub async fn end_once(
        &self,
        app: &App,
        once: Option<&Once>,
        command: Command,
        was_there: impl AsyncFnOnce() -> Result<bool, PageError>,
    ) -> Result<(), PageError> {
        match self.write_once(app, once, command).await {
            Err(PageError::Refused(Refusal::NotFound(_))) if was_there().await? => Ok(()),
            done => done.map(drop),
        }
    }
}

/// Who does something, for the record.
pub struct By {
    /// The person: `person:ID`.
    pub actor: String,
    /// The name of the request.
    pub request_id: Option<String>,
    /// What tells the form from others that is done once.
    once: Option<RequestKey>,
}

impl By {
    fn new(actor: String, request_id: Option<String>) -> By {
        By {
            actor,
            request_id,
            once: None,
        }
    }

    /// Somebody, by this request.
    pub fn of(actor: String, parts: &Parts) -> By {
        By::new(actor, request_id(parts))
    }

    /// Does a command in their name.
    ///
    /// # Errors
    /// As [`Viewer::write`].
    pub async fn write(
        &self,
        app: &App,
        account: &Account,
        command: Command,
    ) -> Result<Answer, PageError> {
        if app.is_read_only() {
            return Err(ApiError::ReadOnly.into());
        }
        let envelope = Envelope {
            request_id: self.request_id.clone(),
            request: self.once.clone(),
            ..Envelope::new(self.actor.clone(), app.now())
        };
        Ok(answered(account.write(envelope, command).await?)?)
    }
}

fn request_id(parts: &Parts) -> Option<String> {
    let id = parts.extensions.get::<RequestId>();
    id.map(|RequestId(id)| id.clone())
}

/// The person whose session the browser names, if it lasts.
pub async fn find(app: &App, parts: &Parts) -> Result<Option<Viewer>, PageError> {
    if let Some(viewer) = by_proxy(app, parts).await? {
        return Ok(Some(viewer));
    }
    for token in app.tokens(&parts.headers) {
        let Some(account) = app.directory.known_account(token.account()).await? else {
            continue;
        };
        let found = account.session(token.id().to_owned()).await?;
        let Some((session, _, known)) = found.filter(|(session, hash, known)| {
            token.matches(hash) && session.is_valid(app.now()) && known.person.active
        }) else {
            continue;
        };
        note_use(app, &account, &session);
        return Ok(Some(Viewer {
            account_name: token.account().to_owned(),
            account,
            known,
            session,
            waits: 0,
            request_id: request_id(parts),
        }));
    }
    Ok(None)
}

/// The person whom a trusted proxy names. Its header says nothing if it comes from elsewhere.
async fn by_proxy(app: &App, parts: &Parts) -> Result<Option<Viewer>, PageError> {
    let Some(proxy) = &app.reach.proxy else {
        return Ok(None);
    };
    let peer = parts.extensions.get::<Peer>();
    let is_proxy = peer.is_some_and(|Peer(address)| {
        let address = address.to_canonical();
        proxy.from.iter().any(|network| network.contains(&address))
    });
    let mut named = parts.headers.get_all(&proxy.header).iter();
    let (Some(name), None, true) = (named.next(), named.next(), is_proxy) else {
        return Ok(None);
    };
    let name = name.to_str().unwrap_or_default().trim();
    let found = known_by(app, &proxy.account, name).await?;
    let Some((account, known, _)) = found.filter(|_| !name.is_empty()) else {
        let msg = format!("The proxy says that you are {name}; nobody here is known by that.");
        return Err(PageError::Forbidden(msg));
    };
    let session = Session {
        id: String::new(),
        person_id: known.person.id.clone(),
        means: Means::Proxy,
        created_at: app.now(),
        seen_at: app.now(),
        address: None,
        agent: None,
    };
    Ok(Some(Viewer {
        account_name: proxy.account.clone(),
        account,
        known,
        session,
        waits: 0,
        request_id: request_id(parts),
    }))
}

/// Takes note that a session is used. Nobody waits for it.
fn note_use(app: &App, account: &Arc<Account>, session: &Session) {
    let now = app.now();
    if !session.is_to_be_noted(now) || app.is_read_only() {
        return;
    }
    let (account, id) = (account.clone(), session.id.clone());
    tokio::spawn(async move {
        let command = Command::Session(SessionCommand::Seen { id });
        // Not worth a refusal, should the disk be full.
        if let Err(error) = account.write(Envelope::of_server(now), command).await {
            tracing::debug!(%error, "the use of a session could not be noted");
        }
    });
}

impl FromRequestParts<Arc<App>> for Viewer {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Viewer, PageError> {
        if let Some(mut viewer) = find(app, parts).await? {
            // What a script fetches has no navigation, or what it says is not looked at.
            let is_page = parts.headers.get("sec-fetch-dest");
            if parts.method == Method::GET && is_page.is_none_or(|dest| dest != "empty") {
                viewer.waits = waiting_for(app, &viewer).await?;
            }
            return Ok(viewer);
        }
        // A script must not take the login page for its answer.
        let mode = parts.headers.get("sec-fetch-mode");
        if mode.is_some_and(|mode| mode != "navigate") {
            return Err(PageError::NoSession);
        }
        let is_lost = !matches!(parts.method, Method::GET | Method::HEAD);
        Err(PageError::LogIn {
            next: match is_lost {
                false => parts.uri.to_string(),
                // A form cannot be sent again; its page can be opened again.
                true => page_before(&parts.headers),
            },
            is_lost,
        })
    }
}

/// The page that a form was on.
fn page_before(headers: &HeaderMap) -> String {
    let referer = headers.get(header::REFERER);
    let referer = referer.and_then(|referer| referer.to_str().ok());
    let path = referer.and_then(|referer| {
        let after = referer.split_once("://")?.1;
        after.find('/').map(|at| &after[at..])
    });
    safe_next(path.unwrap_or_default()).to_owned()
}

/// Where somebody goes after they have logged in: a page of this server, whatever a link says.
pub fn safe_next(next: &str) -> &str {
    let strange = |byte: u8| byte == b'\\' || byte.is_ascii_control();
    let is_here = next.starts_with("/manage/") && !next.bytes().any(strange);
    // Whoever has just come in is not to be led out or in again.
    let leads = ["/manage/login", "/manage/logout", "/manage/setup"];
    match is_here && !leads.iter().any(|lead| next.starts_with(lead)) {
        true => next,
        false => "/manage/",
    }
}

macro_rules! roles {
    ($($name:ident: $role:ident, $words:literal;)*) => {$(
        #[doc = concat!("A person who is logged in and is ", $words, ".")]
        pub struct $name(Viewer);

        impl Deref for $name {
            type Target = Viewer;

            fn deref(&self) -> &Viewer {
                &self.0
            }
        }

        impl FromRequestParts<Arc<App>> for $name {
            type Rejection = PageError;

            async fn from_request_parts(
                parts: &mut Parts,
                app: &Arc<App>,
            ) -> Result<$name, PageError> {
                let viewer = Viewer::from_request_parts(parts, app).await?;
                viewer.require(Role::$role)?;
                Ok($name(viewer))
            }
        }
    )*};
}

roles! {
    Developer: Developer, "a developer or an admin";
    Admin: Admin, "an admin";
}

#[cfg(test)]
mod tests {
    use super::safe_next;

    #[test]
    fn nobody_is_sent_elsewhere_after_the_login() {
        for next in ["/manage/", "/manage/deployments?view=1&a=%2F%2Fb"] {
            assert_eq!(safe_next(next), next);
        }
        for next in [
            "",
            "https://evil.example",
            "//evil.example/manage/",
            "/\\evil.example",
            "/manage/\\evil.example",
            "/manage/\r\nSet-Cookie: a=b",
            "/deployments/",
            "/manage/login?next=/manage/login",
            "/manage/logout",
        ] {
            assert_eq!(safe_next(next), "/manage/", "{next:?}");
        }
    }
}
