//! An app at GitHub: what its webhook sends besides what other webhooks of GitHub do.

use serde_json::Value;
use url::Url;

use super::github::{self, product, sent, version};
use super::{Delivery, Mapping, Stop, Told, body, ignored, metadata, need, text, word};
use crate::domain::event::{GITHUB_DEPLOYMENT, PART};
use crate::domain::gate::Callback;
use crate::domain::source::Settings;

/// What GitHub's API calls the place where a verdict is waited for.
const CALLED: &str = "deployment_protection_rule";

/// What a delivery becomes.
pub fn map(settings: &Settings, delivery: Delivery<'_>) -> Mapping {
    match delivery.header("x-github-event") {
        Some(CALLED) => asks(settings, &sent(delivery)?),
        Some("installation" | "installation_repositories") => {
            ignored("where the app is installed is asked when something is to be sent there")
        }
        _ => github::map(settings, delivery),
    }
}

fn asks(settings: &Settings, sent: &Value) -> Mapping {
    let action = text(sent, "/action").unwrap_or_default();
    if action != "requested" {
        return ignored(format!("a protection rule that is {}", word(&action)));
    }
    let repository = need(sent, "/repository/full_name")?;
    let environment = need(sent, "/environment")?;
    let url = need(sent, "/deployment_callback_url")?;
    let run = run_of(settings.api(), &url).map_err(Stop::Unreadable)?;
    let installation = need(sent, "/installation/id")?;
    // It stands in an address that the app calls as itself.
    if !is_number(&installation) {
        let msg = format!("installation.id {:?} is no number", word(&installation));
        return Err(Stop::Unreadable(msg));
    }
    let deployment = text(sent, "/deployment/id");
    let sha = match text(sent, "/deployment/sha") {
        Some(sha) => sha,
        None => need(sent, "/sha")?,
    };
    let reference = text(sent, "/deployment/ref").or_else(|| text(sent, "/ref"));
    let version = version(settings, sent, &reference.unwrap_or_default(), &sha);
    let page = text(sent, "/repository/html_url");
    // A job deploys as a bot, if nobody else is named.
    let by = text(sent, "/sender/login").or_else(|| text(sent, "/deployment/creator/login"));
    let members = [
        ("product_name", Some(product(settings, sent)?)),
        ("version", Some(version)),
        ("environment_name", Some(settings.environment(&environment))),
        ("status", Some("started".to_owned())),
        ("source_system", Some("github".to_owned())),
        ("invoke_id", Some(run.clone())),
        ("scm_repository", Some(repository.clone())),
        ("scm_sha", Some(sha)),
        ("deployed_by", by),
        (
            "deploy_url",
            page.map(|page| format!("{page}/actions/runs/{run}")),
        ),
    ];
    let metadata = metadata(&[
        (GITHUB_DEPLOYMENT, deployment.clone()),
        // Jobs of one run deploy to one environment beside each other, and end one by one.
        (PART, deployment.clone()),
    ]);
    Ok(vec![Told::Asks {
        body: body(&members, metadata),
        callback: Callback {
            url,
            environment,
            installation,
            repository,
            run,
            deployment,
        },
    }])
}

fn is_number(text: &str) -> bool {
    (1..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The run at whose address a verdict is waited for. The app's token goes nowhere but to the API that it is
/// for.
fn run_of(api: &str, url: &str) -> Result<String, String> {
    let shown: String = url.chars().take(200).collect();
    let wrong =
        |why: String| format!("deployment_callback_url {shown:?} {why}; nothing is sent there");
    let (Ok(api), Ok(asked)) = (Url::parse(api), Url::parse(url)) else {
        return Err(wrong("is no address".to_owned()));
    };
    let is_plain = asked.username().is_empty()
        && asked.password().is_none()
        && asked.query().is_none()
        && asked.fragment().is_none();
    if asked.origin() != api.origin() || !is_plain {
        return Err(wrong(format!(
            "is not of the API of this source, {}",
            api.as_str().trim_end_matches('/')
        )));
    }
    let strange = || wrong("is not that of a run: /repos/OWNER/NAME/actions/runs/RUN/…".to_owned());
    let base = api.path().trim_end_matches('/');
    let path = asked.path().strip_prefix(base).ok_or_else(strange)?;
    let parts: Vec<&str> = path.split('/').collect();
    match parts[..] {
        ["", "repos", owner, name, "actions", "runs", run, CALLED]
            if !owner.is_empty() && !name.is_empty() && is_number(run) =>
        {
            Ok(run.to_owned())
        }
        _ => Err(strange()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callback_is_of_the_api_and_of_a_run() {
        let api = "https://api.github.com";
        let path = "/repos/acme/shop/actions/runs/42/deployment_protection_rule";
        assert_eq!(run_of(api, &format!("{api}{path}")), Ok("42".to_owned()));
        let enterprise = "https://github.example.com/api/v3";
        let there = format!("{enterprise}{path}");
        assert_eq!(run_of(enterprise, &there), Ok("42".to_owned()));
        for other in [
            format!("https://api.github.com.example.com{path}"),
            format!("https://example.com{path}"),
            format!("https://api.github.com:8443{path}"),
            format!("http://api.github.com{path}"),
            format!("https://api.github.com@example.com{path}"),
            format!("https://me:secret@api.github.com{path}"),
            format!("https://api.github.com{path}?to=https://example.com"),
            format!("https://api.github.com{path}#more"),
            format!("https://api.github.com/../..{path}/more"),
            "https://api.github.com/app/installations/1/access_tokens".to_owned(),
            "https://api.github.com/repos/acme/shop/actions/runs/x/deployment_protection_rule"
                .to_owned(),
            "https://api.github.com/repos/acme/shop/actions/runs/4/../../deployment_protection_rule"
                .to_owned(),
            String::new(),
        ] {
            let error = run_of(api, &other).unwrap_err();
            assert!(error.contains("nothing is sent there"), "{error}");
        }
        assert!(run_of(enterprise, &format!("https://github.example.com{path}")).is_err());
        assert!(run_of(api, &there).is_err());
    }
}
