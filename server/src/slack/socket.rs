//! Socket Mode: Slack comes in by a socket that the server has opened, so that nobody has to be let in from
//! outside.
//!
//! Each server has a socket of its own; of these Slack chooses one for each message. What is not acknowledged
//! in time comes again, by another one perhaps, and counts once. A socket that is about to be closed goes on
//! until the next one is ready.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use url::Url;

use super::Slacked;
use super::client::{Client, SlackError};
use super::hear::{self, Heard};
use super::payload::Envelope;
use crate::api::App;
use crate::outgoing::{Stream, Terms, Wanted};

type Socket = WebSocketStream<Box<dyn Stream>>;

/// How long a socket may take until it is ready.
const PATIENCE: Duration = Duration::from_secs(20);
/// After how much silence somebody is asked whether they are there.
const SILENCE: Duration = Duration::from_secs(40);
/// How long they may take to say so.
const ANSWER: Duration = Duration::from_secs(15);
/// How long a socket is listened to that has a successor.
const FAREWELL: Duration = Duration::from_secs(10);
/// The largest message, in bytes.
const MAX_MESSAGE: usize = 1024 * 1024;
/// The longest pause before another try.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// How long a socket lasts that is worth another one without a longer pause.
const LONG_LIFE: Duration = Duration::from_secs(60);

/// Why a socket is not to be used any more.
enum Over {
    /// Slack is about to close it.
    Refresh,
    /// It is closed.
    Closed(String),
}

/// Keeps a socket open until it is dropped. `told` hears how it stands: why there is none, if so.
pub async fn run(app: Arc<App>, at: Arc<Slacked>, told: impl Fn(Option<String>)) {
    let mut sockets = JoinSet::new();
    let mut retire: Option<oneshot::Sender<()>> = None;
    let mut failures: u32 = 0;
    loop {
        let problem = match open(&app, &at).await {
            Ok(socket) => {
                told(None);
                let since = Instant::now();
                // The one before has no part in what comes from now on.
                if let Some(before) = retire.take() {
                    let _ = before.send(());
                }
                let (retired, is_retired) = oneshot::channel();
                let (over, is_over) = oneshot::channel();
                sockets.spawn(listen(app.clone(), at.clone(), socket, is_retired, over));
                retire = Some(retired);
                while sockets.try_join_next().is_some() {}
                let over = is_over.await;
                if since.elapsed() >= LONG_LIFE {
                    failures = 0;
                }
                match over {
                    // There is still one, which is listened to until the next is ready.
                    Ok(Over::Refresh) => None,
                    Ok(Over::Closed(why)) => Some(why),
                    Err(_) => Some("the socket ended".to_owned()),
                }
            }
            Err(error) => Some(error.to_string()),
        };
        if let Some(problem) = problem {
            tracing::warn!(account = %at.account_name, problem, "there is no socket to Slack");
            told(Some(problem));
        }
        let pause = Duration::from_millis(500) * 2_u32.pow(failures.min(7));
        failures += 1;
        tokio::time::sleep(pause.min(LONGEST_PAUSE)).await;
    }
}

/// Whether a socket's host belongs to who was asked: what is heard there is done.
fn is_of(host: Option<&str>, base: Option<&str>) -> bool {
    let (Some(host), Some(base)) = (host, base) else {
        return false;
    };
    let of_slack = |host: &str| host == "slack.com" || host.ends_with(".slack.com");
    host.eq_ignore_ascii_case(base) || (of_slack(base) && of_slack(host))
}

/// A socket that is ready.
async fn open(app: &App, at: &Slacked) -> Result<Socket, SlackError> {
    let away = |error: &dyn std::fmt::Display| SlackError::Away(error.to_string());
    let token = at.secrets.app_token.as_deref().unwrap_or_default();
    let answer = Client::of(app)
        .call_form("apps.connections.open", token, &[])
        .await?;
    let base = &app.slack.api;
    let url = answer["url"].as_str().and_then(|url| Url::parse(url).ok());
    let fits = |url: &Url| {
        // Only who is asked without encryption may answer so.
        let scheme = match url.scheme() {
            "wss" => true,
            "ws" => base.scheme_str() == Some("http"),
            _ => false,
        };
        scheme && is_of(url.host_str(), base.host())
    };
    let Some(url) = url.filter(fits) else {
        return Err(SlackError::Away("Slack names no socket".to_owned()));
    };
    let terms = Terms {
        time: PATIENCE,
        wanted: Wanted::Beginning,
        named: base.host(),
    };
    let connection = app
        .outgoing
        .connect(&url, terms)
        .await
        .map_err(|error| away(&error))?;
    let request = url
        .as_str()
        .into_client_request()
        .map_err(|error| away(&error))?;
    let config = WebSocketConfig::default()
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE));
    let ready = async {
        let stream = connection.stream;
        let opened =
            tokio_tungstenite::client_async_with_config(request, stream, Some(config)).await;
        let (mut socket, _) = opened.map_err(|error| away(&error))?;
        loop {
            match socket.next().await {
                Some(Ok(Message::Text(text))) => match Envelope::read(&text) {
                    Envelope::Hello { app }
                        if app.as_ref().is_none_or(|app| *app == at.slack.app_id) =>
                    {
                        return Ok(socket);
                    }
                    Envelope::Hello { .. } => {
                        return Err(SlackError::Refused(
                            "that the socket is another app's".to_owned(),
                        ));
                    }
                    Envelope::Disconnect { reason } => return Err(SlackError::Refused(reason)),
                    _ => {}
                },
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(away(&error)),
                None => return Err(SlackError::Away("the socket closed at once".to_owned())),
            }
        }
    };
    let ready = tokio::time::timeout(PATIENCE, ready).await;
    ready.unwrap_or_else(|_| {
        Err(SlackError::Away(
            "the socket is not ready in time".to_owned(),
        ))
    })
}

/// Answers what comes in until the socket is closed, or has a successor.
async fn listen(
    app: Arc<App>,
    at: Arc<Slacked>,
    mut socket: Socket,
    mut retired: oneshot::Receiver<()>,
    over: oneshot::Sender<Over>,
) {
    let mut over = Some(over);
    let mut say = |what: Over| {
        if let Some(over) = over.take() {
            let _ = over.send(what);
        }
    };
    let (answer, mut answers) = mpsc::unbounded_channel::<String>();
    let mut tasks = JoinSet::new();
    let mut asked = false;
    let mut ends_at: Option<tokio::time::Instant> = None;
    let why = loop {
        let silence = if asked { ANSWER } else { SILENCE };
        let end = ends_at.unwrap_or_else(|| tokio::time::Instant::now() + FAREWELL);
        let came = tokio::select! {
            came = socket.next() => came,
            Some(text) = answers.recv() => {
                match socket.send(Message::text(text)).await {
                    Ok(()) => continue,
                    Err(error) => break error.to_string(),
                }
            }
            _ = &mut retired, if ends_at.is_none() => {
                ends_at = Some(tokio::time::Instant::now() + FAREWELL);
                continue;
            }
            () = tokio::time::sleep_until(end), if ends_at.is_some() => {
                break "it has a successor".to_owned();
            }
            () = tokio::time::sleep(silence) => {
                if asked {
                    break "nobody is there any more".to_owned();
                }
                asked = true;
                match socket.send(Message::Ping(Vec::new().into())).await {
                    Ok(()) => continue,
                    Err(error) => break error.to_string(),
                }
            }
        };
        asked = false;
        let text = match came {
            Some(Ok(Message::Text(text))) => text,
            Some(Ok(Message::Close(_))) | None => break "Slack has closed it".to_owned(),
            Some(Ok(_)) => continue,
            Some(Err(error)) => break error.to_string(),
        };
        while tasks.try_join_next().is_some() {}
        match Envelope::read(&text) {
            Envelope::Disconnect { reason }
                if ["warning", "refresh_requested"].contains(&reason.as_str()) =>
            {
                say(Over::Refresh);
            }
            Envelope::Disconnect { reason } => break format!("Slack says {reason}"),
            Envelope::Hello { .. } | Envelope::Nothing => {}
            Envelope::Other(id) => {
                let _ = answer.send(json!({ "envelope_id": id }).to_string());
            }
            envelope => {
                tasks.spawn(hear(app.clone(), at.clone(), envelope, answer.clone()));
            }
        }
    };
    say(Over::Closed(why));
    let _ = tokio::time::timeout(Duration::from_secs(1), socket.close(None)).await;
    // What was heard is done, even if nobody is there to be told.
    while tasks.join_next().await.is_some() {}
}

/// Does what an envelope says, and acknowledges it: what was acknowledged is recorded.
async fn hear(
    app: Arc<App>,
    at: Arc<Slacked>,
    envelope: Envelope,
    answers: mpsc::UnboundedSender<String>,
) {
    let acknowledge = |id: &str, answer: Option<Value>| {
        let mut text = json!({ "envelope_id": id });
        if let Some(answer) = answer {
            text["payload"] = answer;
        }
        // The socket may be gone; then it comes again.
        let _ = answers.send(text.to_string());
    };
    match envelope {
        Envelope::Slash(id, slash) => {
            let answer = hear::command(&app, &at, &slash).await;
            acknowledge(&id, Some(answer));
        }
        Envelope::Interaction(id, interaction) => {
            let Heard { answer, after } = hear::interaction(&app, &at, &interaction).await;
            acknowledge(&id, answer);
            hear::finish(&app, &at, after).await;
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::is_of;

    #[test]
    fn a_socket_belongs_to_who_was_asked() {
        for (host, base, belongs) in [
            ("wss-primary.slack.com", "slack.com", true),
            ("slack.com", "slack.com", true),
            ("127.0.0.1", "127.0.0.1", true),
            ("evil.example", "slack.com", false),
            ("notslack.com", "slack.com", false),
            ("slack.com.evil.example", "slack.com", false),
            ("wss-primary.slack.com", "127.0.0.1", false),
        ] {
            assert_eq!(is_of(Some(host), Some(base)), belongs, "{host} of {base}");
        }
        assert!(!is_of(None, Some("slack.com")));
    }
}
