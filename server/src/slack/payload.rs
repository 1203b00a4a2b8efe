//! What Slack sends: commands as forms, interactions as JSON in a form, and both in the envelopes of
//! Socket Mode.

use std::fmt;

use serde_json::Value;

/// Who types or clicks, and in which app of which team they do.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// The user.
    pub user: String,
    /// What people call the user there.
    pub user_name: String,
    /// The team that the user belongs to, if it is told.
    pub user_team: Option<String>,
    /// The team in which the app is installed.
    pub team: String,
    /// The app.
    pub app: String,
    /// The channel; empty if there is none.
    pub channel: String,
    /// Where an answer can be sent to, by whoever knows it.
    pub response_url: Option<String>,
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Origin({}, {}, {}, …)",
            self.user, self.team, self.channel
        )
    }
}

/// A command that somebody types.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slash {
    /// Who types it.
    pub origin: Origin,
    /// What is typed after the command.
    pub text: String,
    /// Tells it from every other.
    pub trigger: String,
}

/// Something that somebody does with a message or a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Interaction {
    /// A button is clicked.
    Click(Click),
    /// A window is sent.
    Submitted {
        /// Who sends it.
        origin: Origin,
        /// The window's own identifier.
        view: String,
        /// What the window was opened with.
        callback: String,
        /// What the window carries along.
        metadata: String,
        /// What was typed.
        typed: String,
    },
    /// Something that nothing follows from.
    Other,
}

/// A click on a button of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Click {
    /// Who clicks.
    pub origin: Origin,
    /// Which button it is.
    pub action: String,
    /// Which of our messages the button names.
    pub value: String,
    /// The message that the button really is in.
    pub message_ts: String,
    /// When, as Slack counts: tells it from other clicks.
    pub action_ts: String,
    /// Opens a window, for three seconds.
    pub trigger: String,
}

impl Click {
    /// Tells this click from every other, however often it arrives.
    pub fn key(&self) -> String {
        let Origin {
            team,
            user,
            channel,
            ..
        } = &self.origin;
        let (message, action, at) = (&self.message_ts, &self.action, &self.action_ts);
        format!("{team}/{user}/{channel}/{message}/{action}/{at}")
    }
}

impl Slash {
    /// Reads the body of a request: a form.
    ///
    /// # Errors
    /// Which field is missing.
    pub fn of_form(body: &[u8]) -> Result<Slash, String> {
        let fields: Vec<(String, String)> = form_urlencoded::parse(body).into_owned().collect();
        Slash::read(|name| {
            let found = fields.iter().find(|(field, _)| field == name);
            found.map(|(_, value)| value.clone())
        })
    }

    /// Reads the payload of an envelope.
    ///
    /// # Errors
    /// Which field is missing.
    pub fn of_json(payload: &Value) -> Result<Slash, String> {
        Slash::read(|name| payload[name].as_str().map(str::to_owned))
    }

    fn read(field: impl Fn(&str) -> Option<String>) -> Result<Slash, String> {
        let needed = |name: &str| {
            let found = field(name).filter(|value| !value.is_empty());
            found.ok_or_else(|| format!("the command has no {name}"))
        };
        Ok(Slash {
            origin: Origin {
                user: needed("user_id")?,
                user_name: field("user_name").unwrap_or_default(),
                user_team: None,
                team: needed("team_id")?,
                app: needed("api_app_id")?,
                channel: field("channel_id").unwrap_or_default(),
                response_url: field("response_url"),
            },
            text: field("text").unwrap_or_default(),
            trigger: needed("trigger_id")?,
        })
    }
}

impl Interaction {
    /// Reads the body of a request: a form with one field of JSON.
    ///
    /// # Errors
    /// What is missing.
    pub fn of_form(body: &[u8]) -> Result<Interaction, String> {
        let payload = form_urlencoded::parse(body).find(|(field, _)| field == "payload");
        let (_, payload) = payload.ok_or("the form has no field payload")?;
        let payload =
            serde_json::from_str(&payload).map_err(|error| format!("payload: {error}"))?;
        Interaction::of_json(&payload)
    }

    /// Reads the JSON.
    ///
    /// # Errors
    /// What is missing.
    pub fn of_json(payload: &Value) -> Result<Interaction, String> {
        let needed = |pointer: &str| {
            let found = payload.pointer(pointer).and_then(Value::as_str);
            let found = found.filter(|text| !text.is_empty());
            found
                .map(str::to_owned)
                .ok_or_else(|| format!("the payload has no {pointer}"))
        };
        let kind = needed("/type")?;
        if !["block_actions", "view_submission"].contains(&kind.as_str()) {
            return Ok(Interaction::Other);
        }
        // Installed for a whole organisation, an app is told the team of the user alone.
        let origin = Origin {
            user: needed("/user/id")?,
            user_name: needed("/user/username")
                .or(needed("/user/name"))
                .unwrap_or_default(),
            user_team: needed("/user/team_id").ok(),
            team: needed("/team/id").or(needed("/user/team_id"))?,
            app: needed("/api_app_id")?,
            channel: needed("/channel/id")
                .or(needed("/container/channel_id"))
                .unwrap_or_default(),
            response_url: needed("/response_url").ok(),
        };
        if kind == "view_submission" {
            return Ok(Interaction::Submitted {
                origin,
                view: needed("/view/id")?,
                callback: needed("/view/callback_id")?,
                metadata: needed("/view/private_metadata").unwrap_or_default(),
                typed: needed("/view/state/values/reason/reason/value").unwrap_or_default(),
            });
        }
        // A click in a window or on the home of an app is none of ours.
        let Ok(message_ts) = needed("/message/ts").or(needed("/container/message_ts")) else {
            return Ok(Interaction::Other);
        };
        Ok(Interaction::Click(Click {
            origin,
            action: needed("/actions/0/action_id")?,
            value: needed("/actions/0/value").unwrap_or_default(),
            message_ts,
            action_ts: needed("/actions/0/action_ts")?,
            trigger: needed("/trigger_id")?,
        }))
    }
}

/// What comes over a socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Envelope {
    /// The socket is ready.
    Hello {
        /// The app that it is for.
        app: Option<String>,
    },
    /// The socket is about to be closed.
    Disconnect {
        /// Why.
        reason: String,
    },
    /// A command.
    Slash(String, Box<Slash>),
    /// An interaction.
    Interaction(String, Box<Interaction>),
    /// Something that is only acknowledged.
    Other(String),
    /// Something that cannot even be acknowledged.
    Nothing,
}

impl Envelope {
    /// Reads a message of the socket. What cannot be understood, but has a name, is acknowledged, so
    /// that it does not come again.
    pub fn read(text: &str) -> Envelope {
        let Ok(message) = serde_json::from_str::<Value>(text) else {
            return Envelope::Nothing;
        };
        let text = |pointer: &str| {
            let found = message.pointer(pointer).and_then(Value::as_str);
            found.map(str::to_owned)
        };
        let kind = text("/type").unwrap_or_default();
        match kind.as_str() {
            "hello" => {
                return Envelope::Hello {
                    app: text("/connection_info/app_id"),
                };
            }
            "disconnect" => {
                return Envelope::Disconnect {
                    reason: text("/reason").unwrap_or_default(),
                };
            }
            _ => {}
        }
        let Some(id) = text("/envelope_id") else {
            return Envelope::Nothing;
        };
        let payload = &message["payload"];
        match kind.as_str() {
            "slash_commands" => match Slash::of_json(payload) {
                Ok(slash) => Envelope::Slash(id, Box::new(slash)),
                Err(_) => Envelope::Other(id),
            },
            "interactive" => match Interaction::of_json(payload) {
                Ok(interaction) => Envelope::Interaction(id, Box::new(interaction)),
                Err(_) => Envelope::Other(id),
            },
            _ => Envelope::Other(id),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Envelope, Interaction, Slash};

    const FORM: &[u8] = b"team_id=T1&api_app_id=A1&user_id=U1&user_name=ada&channel_id=C1&\
        command=%2Fversioner&text=state+my%20shop&trigger_id=1.2.a&enterprise_id=E1";

    fn click() -> serde_json::Value {
        json!({
            "type": "block_actions", "api_app_id": "A1", "trigger_id": "1.2.b",
            "user": { "id": "U1", "username": "ada", "team_id": "T1" },
            "team": { "id": "T1", "domain": "acme" },
            "channel": { "id": "C1", "name": "releases" },
            "message": { "ts": "1.1" },
            "response_url": "https://hooks.slack.com/actions/T1/1/x",
            "actions": [{ "action_id": "approve_release", "value": "m1", "action_ts": "9.9" }],
        })
    }

    #[test]
    fn an_address_for_answers_shows_nowhere() {
        let shown = format!("{:?}", Interaction::of_json(&click()));
        assert!(shown.contains("U1"), "{shown}");
        assert!(!shown.contains("hooks.slack.com"), "{shown}");
    }

    #[test]
    fn a_command_is_read_from_a_form_and_from_an_envelope() {
        let slash = Slash::of_form(FORM).unwrap();
        assert_eq!(
            (slash.text.as_str(), slash.origin.user.as_str()),
            ("state my shop", "U1")
        );
        let envelope = json!({
            "envelope_id": "e1", "type": "slash_commands", "accepts_response_payload": true,
            "payload": {
                "team_id": "T1", "api_app_id": "A1", "user_id": "U1", "user_name": "ada",
                "channel_id": "C1", "text": "state my shop", "trigger_id": "1.2.a",
            },
        });
        let read = Envelope::read(&envelope.to_string());
        assert_eq!(read, Envelope::Slash("e1".to_owned(), Box::new(slash)));
    }

    #[test]
    fn what_is_missing_is_named() {
        for missing in ["team_id", "api_app_id", "user_id", "trigger_id"] {
            let form = String::from_utf8_lossy(FORM).replace(missing, "x");
            let error = Slash::of_form(form.as_bytes()).unwrap_err();
            assert!(error.contains(missing), "{error}");
        }
        assert!(
            Interaction::of_form(b"a=b")
                .unwrap_err()
                .contains("payload")
        );
        assert!(
            Interaction::of_form(b"payload=%7B")
                .unwrap_err()
                .contains("EOF")
        );
        let mut without = click();
        without["actions"] = json!([]);
        assert!(
            Interaction::of_json(&without)
                .unwrap_err()
                .contains("action_id")
        );
    }

    #[test]
    fn two_clicks_are_two_and_one_that_comes_again_is_one() {
        let key = |payload: &serde_json::Value| match Interaction::of_json(payload).unwrap() {
            Interaction::Click(click) => click.key(),
            other => panic!("{other:?}"),
        };
        let (first, mut second) = (click(), click());
        second["actions"][0]["action_ts"] = json!("9.10");
        assert_eq!(key(&first), key(&click()));
        assert_ne!(key(&first), key(&second));
    }

    #[test]
    fn an_organisation_tells_the_team_of_the_user_alone() {
        let mut payload = click();
        payload["team"] = json!(null);
        let Interaction::Click(click) = Interaction::of_json(&payload).unwrap() else {
            panic!("no click");
        };
        assert_eq!(click.origin.team, "T1");
    }

    #[test]
    fn what_is_none_of_ours_is_acknowledged() {
        let mut window = click();
        window.as_object_mut().unwrap().shift_remove("message");
        assert_eq!(Interaction::of_json(&window), Ok(Interaction::Other));
        assert_eq!(
            Interaction::of_json(&json!({ "type": "shortcut" })),
            Ok(Interaction::Other)
        );
        for (text, expected) in [
            (
                r#"{"envelope_id":"e","type":"events_api","payload":{}}"#,
                Envelope::Other("e".to_owned()),
            ),
            (
                r#"{"envelope_id":"e","type":"interactive","payload":{}}"#,
                Envelope::Other("e".to_owned()),
            ),
            (r#"{"type":"interactive"}"#, Envelope::Nothing),
            ("{", Envelope::Nothing),
            (
                r#"{"type":"disconnect","reason":"warning"}"#,
                Envelope::Disconnect {
                    reason: "warning".to_owned(),
                },
            ),
            (
                r#"{"type":"hello","connection_info":{"app_id":"A1"}}"#,
                Envelope::Hello {
                    app: Some("A1".to_owned()),
                },
            ),
        ] {
            assert_eq!(Envelope::read(text), expected, "{text}");
        }
    }
}
