//! CDEvents 0.3 to 0.5, which come as CloudEvents.

use serde_json::Map;

use super::cloudevents::Event;
use super::{Mapping, Told, body, ignored, need, text, time, word};
use crate::domain::origin::Origin;
use crate::domain::source::Settings;

const SYSTEM: &str = "cdevents";

/// What an event becomes. Its type is `dev.cdevents.SUBJECT.PREDICATE.VERSION`.
pub fn map(settings: &Settings, event: &Event) -> Mapping {
    let sent = &event.data;
    let kind = event.attribute("ce-type").unwrap_or_default();
    let mut parts = kind.split('.').skip(2);
    let (subject, predicate) = (parts.next(), parts.next());
    let at = text(sent, "/context/timestamp")
        .or_else(|| event.attribute("ce-time").map(str::to_owned))
        .as_deref()
        .and_then(time::read);
    let id = need(sent, "/subject/id")?;
    let artifact = text(sent, "/subject/content/artifactId").or_else(|| {
        // The subject of an artifact is the artifact itself.
        (subject == Some("artifact")).then(|| id.clone())
    });
    let (name, version) = artifact.as_deref().map(purl).unwrap_or_default();
    let tail = |text: &str| text.rsplit('/').next().unwrap_or(text).to_owned();
    let product = settings.product.clone();
    match (subject, predicate) {
        (Some("service"), Some("deployed" | "upgraded" | "rolledback")) => {
            let Some(version) = version else {
                let msg = "subject.content.artifactId has no version";
                return Err(super::Stop::Unreadable(msg.to_owned()));
            };
            let environment = need(sent, "/subject/content/environment/id")?;
            let environment = settings.environment(&tail(&environment));
            let members = [
                ("product_name", Some(product.unwrap_or_else(|| tail(&id)))),
                ("version", Some(version)),
                ("environment_name", Some(environment)),
                ("status", Some("completed".to_owned())),
                ("source_system", Some(SYSTEM.to_owned())),
                ("invoke_id", event.attribute("ce-id").map(str::to_owned)),
            ];
            Ok(vec![Told::Deployment {
                body: body(&members, Map::new()),
                at,
            }])
        }
        (Some("artifact"), Some("packaged" | "published")) | (Some("build"), Some("finished")) => {
            let (Some(name), Some(version)) = (name, version) else {
                return ignored("the artifact has no name and version");
            };
            let members = [
                ("product_name", Some(product.unwrap_or(name))),
                ("version", Some(version)),
                ("status", Some("completed".to_owned())),
                ("source_system", Some(SYSTEM.to_owned())),
            ];
            Ok(vec![Told::Build {
                body: body(&members, Map::new()),
                at,
            }])
        }
        (Some("pipelinerun"), Some("finished")) => Ok(vec![Told::RunEnded {
            run: Origin::new(None, Some(&id), None, &Map::new()),
            at,
        }]),
        _ => ignored(format!("{} tells of no deployment", word(kind))),
    }
}

/// The name and the version in a package URL, such as `pkg:oci/app@sha256%3Aabc?tag=1.4`: a tag goes before
/// a digest.
fn purl(text: &str) -> (Option<String>, Option<String>) {
    let (path, query) = text.split_once('?').unwrap_or((text, ""));
    let query = query.split('#').next().unwrap_or_default();
    let tag = form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name == "tag")
        .map(|(_, tag)| tag.into_owned());
    let (name, version) = match path.rsplit_once('@') {
        Some((name, version)) => (name, Some(version.replace("%3A", ":"))),
        None => (path, None),
    };
    let name = name.rsplit('/').next().unwrap_or(name).to_owned();
    let some = |text: String| (!text.is_empty()).then_some(text);
    (some(name), tag.and_then(some).or(version.and_then(some)))
}

#[cfg(test)]
mod tests {
    use super::purl;

    #[test]
    fn a_package_url_has_a_name_and_a_version() {
        for (text, name, version) in [
            (
                "pkg:oci/app@sha256%3Aabc?repository_url=r/app&tag=1.4",
                "app",
                Some("1.4"),
            ),
            ("pkg:oci/app@sha256%3Aabc", "app", Some("sha256:abc")),
            ("pkg:npm/%40acme/web@2.0.0", "web", Some("2.0.0")),
            ("pkg:golang/example.com/x", "x", None),
        ] {
            let found = purl(text);
            assert_eq!(
                (found.0.as_deref(), found.1.as_deref()),
                (Some(name), version)
            );
        }
    }
}
