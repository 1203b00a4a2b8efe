//! Coming in by an OpenID provider, and by a proxy that says who somebody is.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openidconnect::core::{CoreEdDsaPrivateSigningKey, CoreJwsSigningAlgorithm};
use openidconnect::{JsonWebKeyId, PrivateSigningKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use versioner_server::{AuthProxy, OpenId, Reach, Role};

use crate::pages::{Browser, leads_to, person};
use crate::pages_more::Stream;
use crate::pages_read::link;
use crate::support::{Server, runtime};

/// When the clock of the servers stands, in seconds since 1970.
const NOW: i64 = 1_763_553_600;

/// For each code, the challenge that its verifier must fit, and the token.
type Granted = Arc<Mutex<HashMap<String, (String, String)>>>;

/// A provider with a key of its own, which says what a test tells it to say.
struct Provider {
    url: String,
    granted: Granted,
    key: CoreEdDsaPrivateSigningKey,
    _runtime: tokio::runtime::Runtime,
}

fn new_key() -> CoreEdDsaPrivateSigningKey {
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let id = Some(JsonWebKeyId::new("key-1".to_owned()));
    CoreEdDsaPrivateSigningKey::from_ed25519_pem(&pair.serialize_pem(), id).unwrap()
}

fn encoded(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// A token with a signature of this key.
fn signed(key: &CoreEdDsaPrivateSigningKey, claims: &Value) -> String {
    let head = json!({ "alg": "EdDSA", "kid": "key-1", "typ": "JWT" });
    let text = format!("{}.{}", encoded(&head), encoded(claims));
    let signature = key
        .sign(&CoreJwsSigningAlgorithm::EdDsa, text.as_bytes())
        .unwrap();
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
}

impl Provider {
    fn start() -> Provider {
        let runtime = runtime();
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
            .unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let key = new_key();
        let granted = Granted::default();
        let about = json!({
            "issuer": url,
            "authorization_endpoint": format!("{url}/authorize"),
            "token_endpoint": format!("{url}/token"),
            "jwks_uri": format!("{url}/jwks"),
            "end_session_endpoint": format!("{url}/end"),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["EdDSA"],
        });
        let keys = json!({ "keys": [key.as_verification_key()] });
        let routes = Router::new()
            .route(
                "/.well-known/openid-configuration",
                get(|| async { Json(about) }),
            )
            .route("/jwks", get(|| async { Json(keys) }))
            .route("/token", post(token))
            .with_state(granted.clone());
        runtime.spawn(async move { axum::serve(listener, routes).await });
        Provider {
            url,
            granted,
            key,
            _runtime: runtime,
        }
    }

    fn reach(&self) -> OpenId {
        OpenId {
            issuer: self.url.clone(),
            client_id: "versioner".to_owned(),
            client_secret: Some("a secret of both".to_owned()),
            account: "local".to_owned(),
            domains: vec!["example.com".to_owned()],
            groups_claim: "groups".to_owned(),
            roles: Vec::new(),
        }
    }

    fn server(&self, roles: &[(&str, Role)]) -> Server {
        let roles = roles
            .iter()
            .map(|(group, role)| ((*group).to_owned(), *role));
        Server::with_reach(Reach {
            openid: Some(OpenId {
                roles: roles.collect(),
                ..self.reach()
            }),
            ..Reach::default()
        })
    }

    fn claims(&self, subject: &str) -> Value {
        json!({
            "iss": self.url, "aud": "versioner", "sub": subject, "iat": NOW, "exp": NOW + 300,
            "name": "Ada Lovelace", "email": "ada@example.com", "email_verified": true,
        })
    }

    /// Lets the browser go to the provider, which answers with a token that `make` makes of the nonce;
    /// and answers where the provider sends the browser.
    fn visit(&self, browser: &mut Browser, make: impl FnOnce(&str) -> String) -> String {
        let reply = browser.get("/manage/login/openid?next=%2Fmanage%2Fme");
        let address = leads_to(&reply);
        assert!(
            address.starts_with(&format!("{}/authorize?", self.url)),
            "{address}"
        );
        let query = address.split_once('?').unwrap().1;
        let asked: HashMap<_, _> = form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect();
        assert_eq!(asked["code_challenge_method"], "S256");
        assert_eq!(asked["response_type"], "code");
        let code = format!("code-{}", self.granted.lock().unwrap().len());
        let told = (asked["code_challenge"].clone(), make(&asked["nonce"]));
        self.granted.lock().unwrap().insert(code.clone(), told);
        let back = &asked["redirect_uri"];
        let path = &back[back.find("/manage/").unwrap()..];
        format!("{path}?code={code}&state={}", asked["state"])
    }

    /// Comes in with a token of these claims.
    fn come_in(&self, browser: &mut Browser, claims: &Value) -> u16 {
        let back = self.visit(browser, |nonce| {
            let mut claims = claims.clone();
            claims["nonce"] = json!(nonce);
            signed(&self.key, &claims)
        });
        browser.get(&back).status
    }
}

/// Gives the token for a code, once, to whoever has its verifier and the secret.
async fn token(
    State(granted): State<Granted>,
    headers: axum::http::HeaderMap,
    body: String,
) -> Result<Json<Value>, axum::http::StatusCode> {
    const REFUSED: axum::http::StatusCode = axum::http::StatusCode::BAD_REQUEST;
    let sent: HashMap<_, _> = form_urlencoded::parse(body.as_bytes())
        .into_owned()
        .collect();
    assert!(
        headers["authorization"]
            .to_str()
            .unwrap()
            .starts_with("Basic ")
    );
    let (challenge, token) = granted
        .lock()
        .unwrap()
        .remove(&sent["code"])
        .ok_or(REFUSED)?;
    let hash = Sha256::digest(&sent["code_verifier"]);
    if URL_SAFE_NO_PAD.encode(hash) != challenge {
        return Err(REFUSED);
    }
    Ok(Json(
        json!({ "access_token": "a", "token_type": "Bearer", "id_token": token }),
    ))
}

fn people(server: &Server) -> Vec<Value> {
    server.client.get("/people/").json()["items"]
        .as_array()
        .unwrap()
        .clone()
}

#[test]
fn groups_say_who_comes_in_and_as_what() {
    let provider = Provider::start();
    let server = provider.server(&[("staff", Role::Viewer), ("builders", Role::Developer)]);
    person(&server, "Root", "admin");
    let mut ada = Browser::new(&server.client.url);
    let mut claims = provider.claims("subject-1");
    assert_eq!(provider.come_in(&mut ada, &claims), 403, "in no group");
    assert_eq!(people(&server).len(), 1);
    claims["groups"] = json!(["staff", "builders", "others"]);
    assert_eq!(provider.come_in(&mut ada, &claims), 303);
    assert!(ada.is_in());
    let known = people(&server).pop().unwrap();
    assert_eq!(
        (&known["name"], &known["role"]),
        (&json!("Ada Lovelace"), &json!("developer"))
    );
    let subject = json!([{ "issuer": provider.url, "subject": "subject-1" }]);
    assert_eq!(known["subjects"], subject);
    let reply = ada.post("/manage/me/password", &[("new", "correct horse battery")]);
    assert_eq!(reply.status, 403, "the provider must be able to let her go");
    claims["groups"] = json!("staff");
    let mut other = Browser::new(&server.client.url);
    assert_eq!(provider.come_in(&mut other, &claims), 303);
    assert!(
        other.is_in() && !ada.is_in(),
        "another role ends the sessions of before"
    );
    assert_eq!(people(&server).pop().unwrap()["role"], "viewer");
    assert_eq!(people(&server).len(), 2, "the same person");
    server.clock.advance(12 * 60 - 1);
    assert!(other.is_in());
    server.clock.advance(1);
    assert!(!other.is_in(), "after 12 hours the provider is asked again");
}

#[test]
fn only_a_verified_address_of_a_named_domain_joins_two() {
    let provider = Provider::start();
    let server = provider.server(&[]);
    person(&server, "Ada", "admin");
    let mut browser = Browser::new(&server.client.url);
    for (member, value) in [
        ("email_verified", json!(false)),
        ("email_verified", Value::Null),
        ("email", json!("ada@example.com.evil.example")),
        ("email", json!("ada@evil.example")),
    ] {
        let mut claims = provider.claims("somebody else");
        claims[member] = value.clone();
        assert_eq!(
            provider.come_in(&mut browser, &claims),
            403,
            "{member}: {value}"
        );
    }
    assert_eq!(people(&server)[0]["subjects"], json!([]));
    assert_eq!(
        provider.come_in(&mut browser, &provider.claims("subject-1")),
        303
    );
    assert!(browser.is_in());
    assert_eq!(people(&server)[0]["subjects"][0]["subject"], "subject-1");
    let mut later = provider.claims("subject-1");
    later["email"] = json!("ada.king@example.com");
    assert_eq!(
        provider.come_in(&mut browser, &later),
        303,
        "the subject is who they are"
    );
    let id = people(&server)[0]["id"].as_str().unwrap().to_owned();
    person(&server, "Root", "admin");
    let goodbye = json!({ "active": false });
    server
        .client
        .request("PATCH", &format!("/people/{id}/"), &goodbye)
        .expect(200);
    assert_eq!(
        provider.come_in(&mut browser, &later),
        403,
        "not active any more"
    );
}

#[test]
fn what_is_not_signed_for_this_browser_and_server_is_not_believed() {
    let provider = Provider::start();
    let server = provider.server(&[("staff", Role::Admin)]);
    let mut browser = Browser::new(&server.client.url);
    let mut good = provider.claims("subject-1");
    good["groups"] = json!(["staff"]);
    for (member, value) in [
        ("nonce", json!("another")),
        ("nonce", Value::Null),
        ("aud", json!("another server")),
        ("iss", json!("https://evil.example")),
        ("exp", json!(NOW - 61)),
        ("iat", json!(NOW + 3600)),
    ] {
        let back = provider.visit(&mut browser, |nonce| {
            let mut claims = good.clone();
            claims["nonce"] = json!(nonce);
            claims[member] = value.clone();
            signed(&provider.key, &claims)
        });
        assert_eq!(browser.get(&back).status, 403, "{member}: {value}");
    }
    let forged: [&dyn Fn(&Value) -> String; 3] = [
        &|claims| signed(&new_key(), claims),
        &|claims| {
            format!(
                "{}.{}.",
                encoded(&json!({ "alg": "none" })),
                encoded(claims)
            )
        },
        &|claims| {
            let own = signed(&provider.key, claims);
            let (_, rest) = own.split_once('.').unwrap();
            format!("{}.{rest}", encoded(&json!({ "alg": "HS256" })))
        },
    ];
    for forge in forged {
        let back = provider.visit(&mut browser, |nonce| {
            let mut claims = good.clone();
            claims["nonce"] = json!(nonce);
            forge(&claims)
        });
        assert_eq!(browser.get(&back).status, 403);
    }
    let sign = |nonce: &str| {
        let mut claims = good.clone();
        claims["nonce"] = json!(nonce);
        signed(&provider.key, &claims)
    };
    let back = provider.visit(&mut browser, sign);
    let mut victim = Browser::new(&server.client.url);
    assert_eq!(victim.get(&back).status, 403, "begun in another browser");
    provider.visit(&mut victim, sign);
    assert_eq!(victim.get(&back).status, 403, "another state");
    assert_eq!(people(&server).len(), 0);
    let back = provider.visit(&mut browser, sign);
    let reply = browser.get(&back);
    assert_eq!(leads_to(&reply), "/manage/me");
    assert_eq!(browser.get(&back).status, 403, "a second time");
}

#[test]
fn a_provider_that_is_away_keeps_nobody_with_a_password_out() {
    let gone = Provider::start().reach();
    let server = Server::with_reach(Reach {
        openid: Some(gone),
        ..Reach::default()
    });
    let mut ada = person(&server, "Ada", "viewer");
    let page = Browser::new(&server.client.url).get("/manage/login").text;
    assert!(page.contains("/manage/login/openid?next="), "{page}");
    let mut browser = Browser::new(&server.client.url);
    let statuses: Vec<u16> = (0..61)
        .map(|_| browser.get("/manage/login/openid").status)
        .collect();
    assert_eq!((statuses[0], statuses[60]), (403, 429), "{statuses:?}");
    let reply = browser.get("/manage/login/openid");
    assert!(!reply.text.contains("a secret of both"));
    assert!(ada.is_in());
}

#[test]
fn only_the_named_proxy_says_who_somebody_is() {
    let reach = |network: &str| Reach {
        proxy: Some(AuthProxy {
            header: "x-forwarded-user".parse().unwrap(),
            from: vec![network.parse().unwrap()],
            account: "local".to_owned(),
        }),
        ..Reach::default()
    };
    let ask = |server: &Server, users: &[&str]| {
        let headers: Vec<_> = users
            .iter()
            .map(|user| ("X-Forwarded-User", *user))
            .collect();
        Browser::new(&server.client.url)
            .send("GET", "/manage/me", &headers, "")
            .status
    };
    let server = Server::with_reach(reach("127.0.0.1/32"));
    person(&server, "Ada", "viewer");
    assert_eq!(ask(&server, &["ADA@example.com"]), 200);
    assert_eq!(ask(&server, &["Ada"]), 200);
    assert_eq!(ask(&server, &["nobody"]), 403);
    assert_eq!(ask(&server, &[""]), 403);
    assert_eq!(
        ask(&server, &["Ada", "Ada"]),
        303,
        "one of them is not the proxy's"
    );
    assert_eq!(ask(&server, &[]), 303);
    let mut proxied = Stream::open_with(
        &server,
        &Browser::new(&server.client.url),
        "X-Forwarded-User: Ada\r\n",
    );
    proxied.event("here");
    for _ in 0..2 {
        server
            .client
            .deploy("1", "production", "completed")
            .expect(200);
        let line = proxied.line("event: ");
        assert!(line.is_some(), "the page of somebody by a proxy stays live");
    }
    let server = Server::with_reach(reach("10.0.0.0/8"));
    person(&server, "Ada", "viewer");
    assert_eq!(
        ask(&server, &["Ada"]),
        303,
        "from elsewhere it says nothing"
    );
}

#[test]
fn whoever_logs_out_can_log_out_of_the_provider_too() {
    let provider = Provider::start();
    let server = provider.server(&[("staff", Role::Viewer)]);
    let mut claims = provider.claims("subject-1");
    claims["groups"] = json!("staff");
    let mut ada = Browser::new(&server.client.url);
    assert_eq!(provider.come_in(&mut ada, &claims), 303);
    let reply = ada.post("/manage/logout", &[]);
    assert_eq!(leads_to(&reply), "/manage/login?out=here");
    assert!(!ada.is_in());
    let page = ada.get("/manage/login?out=here");
    let way = link(&page, "log out there, too");
    let reply = ada.get(&way);
    let address = leads_to(&reply);
    let (end, query) = address.split_once('?').unwrap();
    assert_eq!(end, format!("{}/end", provider.url));
    let asked: HashMap<_, _> = form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect();
    assert_eq!(asked["client_id"], "versioner");
    let back = format!("{}/manage/login?out=1", server.client.url);
    assert_eq!(asked["post_logout_redirect_uri"], back);
    assert!(!asked.contains_key("id_token_hint"), "none is kept");
    let mut grace = person(&server, "Grace", "viewer");
    let reply = grace.post("/manage/logout", &[]);
    assert_eq!(leads_to(&reply), "/manage/login?out=1", "by a password");
}
