//! E-mail: who gets it, what it says, and the server that takes it on.

use std::time::Duration;

use askama::Template;
use lettre::address::Envelope;
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use serde_json::{Value, json};
use url::{Host, Url};

/// How long the mail server may take for one step.
const PATIENCE: Duration = Duration::from_secs(15);
/// The most addresses of one webhook.
const MOST: usize = 50;
/// In place of addresses: everybody who can say yes to what waits.
pub const APPROVERS: &str = "approvers";
const SCHEME: &str = "mailto:";

/// Who gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recipients {
    /// These.
    Addresses(Vec<Address>),
    /// Everybody who can say yes to what waits.
    Approvers,
}

impl Recipients {
    /// Whether an address is one for e-mail.
    pub fn are_in(url: &str) -> bool {
        url.trim_start().to_ascii_lowercase().starts_with(SCHEME)
    }

    /// Reads `mailto:ADDRESS,ADDRESS`, or `mailto:approvers`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(url: &str) -> Result<Recipients, String> {
        let list = url.trim().get(SCHEME.len()..).unwrap_or_default();
        if list.trim() == APPROVERS {
            return Ok(Recipients::Approvers);
        }
        let mut addresses = Vec::new();
        for text in list.split(',').map(str::trim) {
            let address: Address = text.parse().map_err(|_| {
                format!("{text:?} is no address; write mailto:ops@example.com or mailto:approvers")
            })?;
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        match addresses.len() {
            1..=MOST => Ok(Recipients::Addresses(addresses)),
            count => Err(format!(
                "{count} addresses are too many; at most {MOST} are told"
            )),
        }
    }

    /// What they are called on a page.
    pub fn called(&self) -> String {
        match self {
            Recipients::Approvers => APPROVERS.to_owned(),
            Recipients::Addresses(addresses) => {
                let texts: Vec<String> = addresses.iter().map(ToString::to_string).collect();
                texts.join(", ")
            }
        }
    }
}

/// What an e-mail says.
#[derive(Debug, Default)]
pub struct Letter {
    /// Its subject.
    pub subject: String,
    /// What stands in it, by name.
    pub facts: Vec<(&'static str, String)>,
    /// Where people find it.
    pub url: Option<String>,
}

#[derive(Template)]
#[template(path = "mail.html")]
struct Html<'a>(&'a Letter);

impl Letter {
    /// The letter as it waits in the queue.
    pub fn to_json(&self) -> Value {
        let mut text = String::new();
        for (name, fact) in &self.facts {
            text += &format!("{name}: {fact}\n");
        }
        if let Some(url) = &self.url {
            text += &format!("\n{url}\n");
        }
        let html = Html(self).render().unwrap_or_default();
        json!({ "subject": self.subject, "text": text, "html": html })
    }
}

/// Why an e-mail is not taken on.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// It cannot be written as one.
    #[error("it cannot be written as an e-mail: {0}")]
    Message(String),
    /// The mail server does not take it.
    #[error("the mail server does not take it: {reason}")]
    Refused {
        /// What it says.
        reason: String,
        /// Whether it will not take it later either.
        for_good: bool,
        /// Its code.
        code: Option<u16>,
    },
}

/// Hands e-mail to a server that takes it on.
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl std::fmt::Debug for Mailer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Mailer({})", self.from)
    }
}

impl Mailer {
    /// Reads `smtps://USER@HOST:PORT` (TLS from the start) or `smtp://USER@HOST:PORT` (STARTTLS, which
    /// only a server on this machine may lack).
    ///
    /// # Errors
    /// What is wrong with it, without a password.
    pub fn new(url: &str, password: Option<String>, from: &str) -> Result<Mailer, String> {
        let wrong = "write smtps://USER@HOST:465 or smtp://USER@HOST:587";
        let url = Url::parse(url).map_err(|_| format!("it is no address; {wrong}"))?;
        if url.password().is_some() {
            return Err("a password does not belong there; use --smtp-password-file".to_owned());
        }
        let host = url.host_str().filter(|host| !host.is_empty());
        let host = host.ok_or_else(|| format!("it has no host; {wrong}"))?;
        let is_here = match url.host() {
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            _ => host == "localhost" || host == "127.0.0.1" || host == "[::1]",
        };
        type Transport = AsyncSmtpTransport<Tokio1Executor>;
        let unusable = |error: lettre::transport::smtp::Error| error.to_string();
        let builder = match url.scheme() {
            "smtps" => Transport::relay(host).map_err(unusable)?,
            "smtp"
                if is_here
                    || host
                        .parse::<std::net::IpAddr>()
                        .is_ok_and(|ip| ip.is_loopback()) =>
            {
                Transport::builder_dangerous(host).port(25)
            }
            "smtp" => Transport::starttls_relay(host).map_err(unusable)?,
            _ => return Err(format!("it is no address of a mail server; {wrong}")),
        };
        let builder = match url.port() {
            Some(port) => builder.port(port),
            None => builder,
        };
        let builder = match (url.username(), password) {
            ("", _) => builder,
            (user, password) => {
                let user = user.replace("%40", "@");
                builder.credentials(Credentials::new(user, password.unwrap_or_default()))
            }
        };
        let from = from
            .parse()
            .map_err(|_| format!("{from:?} is no address to send from; use --smtp-from"))?;
        Ok(Mailer {
            transport: builder.timeout(Some(PATIENCE)).build(),
            from,
        })
    }

    /// Hands over a letter that waited in the queue under `id`.
    ///
    /// # Errors
    /// [`MailError`].
    pub async fn send(&self, id: &str, to: &[Address], letter: &Value) -> Result<(), MailError> {
        let text = |name: &str| letter[name].as_str().unwrap_or_default().to_owned();
        let domain = self.from.email.domain().to_owned();
        // Of several nobody sees the others.
        let shown = match to {
            [one] => Mailbox::new(None, one.clone()),
            _ => self.from.clone(),
        };
        let unwritable = |error: lettre::error::Error| MailError::Message(error.to_string());
        let envelope = Envelope::new(Some(self.from.email.clone()), to.to_vec());
        let message = Message::builder()
            .envelope(envelope.map_err(unwritable)?)
            .from(self.from.clone())
            .to(shown)
            .message_id(Some(format!("<{id}@{domain}>")))
            .subject(text("subject"));
        let body = MultiPart::alternative_plain_html(text("text"), text("html"));
        let message = message.multipart(body).map_err(unwritable)?;
        let sent = self.transport.send(message).await;
        sent.map(drop).map_err(|error| MailError::Refused {
            for_good: error.is_permanent(),
            code: error.status().map(u16::from),
            reason: with_cause(&error),
        })
    }
}

fn with_cause(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recipients_are_read_as_they_are_typed() {
        let called = |url: &str| Recipients::read(url).map(|found| found.called());
        assert_eq!(
            called("mailto:ops@example.com"),
            Ok("ops@example.com".to_owned())
        );
        assert_eq!(
            called(" MAILTO:a@b.de, c@d.de,a@b.de"),
            Ok("a@b.de, c@d.de".to_owned())
        );
        assert_eq!(called("mailto:approvers"), Ok("approvers".to_owned()));
        for wrong in [
            "mailto:",
            "mailto:ops",
            "mailto:a@b.de,",
            "mailto:a@b.de\r\nBcc: c@d.de",
        ] {
            assert!(
                called(wrong).is_err_and(|error| error.contains("no address")),
                "{wrong}"
            );
        }
    }

    #[test]
    fn a_letter_escapes_what_it_shows() {
        let letter = Letter {
            subject: "s".to_owned(),
            facts: vec![("Product", "<b>api".to_owned())],
            url: Some("https://example.com/?a&b".to_owned()),
        };
        let letter = letter.to_json();
        assert_eq!(
            letter["text"],
            "Product: <b>api\n\nhttps://example.com/?a&b\n"
        );
        let html = letter["html"].as_str().unwrap();
        assert!(
            html.contains("&#60;b&#62;api") && !html.contains("<b>"),
            "{html}"
        );
    }

    #[test]
    fn a_mail_server_is_read_and_its_password_is_elsewhere() {
        let from = "Versioner <versioner@example.com>";
        for good in [
            "smtps://ada@mail.example.com",
            "smtp://mail.example.com:587",
            "smtp://127.0.0.1:2525",
        ] {
            assert!(Mailer::new(good, None, from).is_ok(), "{good}");
        }
        for wrong in [
            "mail.example.com",
            "https://mail.example.com",
            "smtp://a:s3cret@mail.example.com",
        ] {
            let error = Mailer::new(wrong, None, from).unwrap_err();
            assert!(!error.contains("s3cret"), "{error}");
        }
        assert!(Mailer::new("smtps://mail.example.com", None, "nobody").is_err());
    }
}
