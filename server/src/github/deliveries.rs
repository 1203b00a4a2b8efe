//! What a webhook at GitHub could not deliver: GitHub lists it for a few days, and never tries again.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::header::{CONTENT_TYPE, LINK};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::client::{Api, Bearer, GithubError};
use crate::api::hooks::MAX_BODY;
use crate::jobs::inbox;

/// How many are on a page of a list.
const PER_PAGE: usize = 100;
/// The most pages of a list: GitHub lets somebody ask 5,000 times an hour.
const MOST_PAGES: usize = 1000;
/// The longest page of a list, in bytes.
const MAX_PAGE: usize = 4 * 1024 * 1024;

/// A delivery that GitHub says has failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// What GitHub calls this attempt.
    pub id: String,
    /// What the delivery is called, in every attempt.
    pub guid: String,
    /// What it tells of.
    pub event: String,
    /// When it was tried last.
    pub at: String,
}

/// The deliveries of a webhook.
pub struct Deliveries<'a> {
    api: Api<'a>,
    who: Bearer<'a>,
    url: String,
}

impl<'a> Deliveries<'a> {
    /// Those of an app.
    pub fn of_app(api: Api<'a>, who: Bearer<'a>) -> Deliveries<'a> {
        let url = format!("{}/app/hook/deliveries", api.base());
        Deliveries { api, who, url }
    }

    /// Those of the webhook of a repository or an organisation that leads to a source. `place` is
    /// `repos/OWNER/NAME` or `orgs/NAME`.
    ///
    /// # Errors
    /// Why GitHub does not say; nothing, if there is no such webhook.
    pub async fn of_hook(
        api: Api<'a>,
        who: Bearer<'a>,
        place: &str,
        source_id: &str,
    ) -> Result<Option<Deliveries<'a>>, GithubError> {
        let hooks = format!("{}/{place}/hooks", api.base());
        let end = format!("/hooks/{source_id}");
        for page in 1..=MOST_PAGES {
            let url = format!("{hooks}?per_page={PER_PAGE}&page={page}");
            let (found, _) = api.list(&who, &url, MAX_PAGE).await?;
            let leads_here = |hook: &&Value| {
                let url = hook["config"]["url"].as_str();
                url.is_some_and(|url| url.trim_end_matches('/').ends_with(&end))
            };
            if let Some(id) = found.iter().find(leads_here).map(|hook| &hook["id"]) {
                let url = format!("{hooks}/{id}/deliveries");
                return Ok(Some(Deliveries { api, who, url }));
            }
            if found.len() < PER_PAGE {
                break;
            }
        }
        Ok(None)
    }

    /// Those that failed since then and did not come through in another attempt, the oldest first.
    ///
    /// # Errors
    /// Why GitHub does not list them.
    pub async fn failed(&self, since: Timestamp) -> Result<Vec<Failed>, GithubError> {
        let mut came: BTreeSet<String> = BTreeSet::new();
        let mut failed: BTreeMap<String, Failed> = BTreeMap::new();
        let mut next = Some(format!("{}?per_page={PER_PAGE}", self.url));
        let mut pages = 0;
        while let Some(url) = next.take().filter(|_| pages < MOST_PAGES) {
            pages += 1;
            let (page, headers) = self.api.list(&self.who, &url, MAX_PAGE).await?;
            let mut is_older = page.is_empty();
            for one in &page {
                let text = |name: &str| one[name].as_str().unwrap_or_default().to_owned();
                let (guid, at) = (text("guid"), text("delivered_at"));
                is_older |= at.parse::<Timestamp>().is_ok_and(|at| at < since);
                let status = one["status_code"].as_i64().unwrap_or_default();
                if (200..300).contains(&status) {
                    came.insert(guid);
                    continue;
                }
                // The newest attempt stands first.
                failed.entry(guid.clone()).or_insert(Failed {
                    id: one["id"].to_string(),
                    guid,
                    event: text("event"),
                    at,
                });
            }
            if !is_older {
                next = following(&headers);
            }
        }
        let mut failed: Vec<Failed> = failed.into_values().collect();
        let is_since = |at: &str| at.parse::<Timestamp>().is_ok_and(|at| at >= since);
        failed.retain(|one| !came.contains(&one.guid) && is_since(&one.at));
        failed.sort_by(|one, other| (&one.at, &one.guid).cmp(&(&other.at, &other.guid)));
        Ok(failed)
    }

    /// What was to be delivered: the headers that are kept, and the body.
    ///
    /// # Errors
    /// Why it is not to be had.
    pub async fn fetch(
        &self,
        failed: &Failed,
    ) -> Result<(Map<String, Value>, Vec<u8>), GithubError> {
        let url = format!("{}/{}", self.url, failed.id);
        let (whole, _) = self.api.get(&self.who, &url, 2 * MAX_BODY).await?;
        let payload = &whole["request"]["payload"];
        if !payload.is_object() {
            return Err(GithubError::Gone("GitHub has not kept its body".to_owned()));
        }
        let body = payload.to_string().into_bytes();
        if body.len() > MAX_BODY {
            let msg = format!("its body is larger than {MAX_BODY} bytes");
            return Err(GithubError::Gone(msg));
        }
        let mut headers = HeaderMap::new();
        let sent = whole["request"]["headers"]
            .as_object()
            .into_iter()
            .flatten();
        for (name, value) in sent {
            let name = HeaderName::try_from(name.as_str());
            let value = HeaderValue::try_from(value.as_str().unwrap_or_default());
            if let (Ok(name), Ok(value)) = (name, value) {
                headers.insert(name, value);
            }
        }
        let own = [
            (CONTENT_TYPE, "application/json"),
            (HeaderName::from_static("x-github-event"), &failed.event),
            (HeaderName::from_static("x-github-delivery"), &failed.guid),
        ];
        for (name, value) in own {
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(name, value);
            }
        }
        Ok((inbox::kept(&headers), body))
    }
}

/// The address of the next page.
fn following(headers: &HeaderMap) -> Option<String> {
    let links = headers.get(LINK)?.to_str().ok()?;
    links.split(',').find_map(|link| {
        let (url, relation) = link.split_once(';')?;
        let is_next = relation.contains("rel=\"next\"");
        let url = url.trim().strip_prefix('<')?.strip_suffix('>')?;
        is_next.then(|| url.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_where_github_says() {
        let of = |text: &'static str| {
            let headers = HeaderMap::from_iter([(LINK, HeaderValue::from_static(text))]);
            following(&headers)
        };
        let both =
            "<https://x/d?cursor=v1_1>; rel=\"prev\", <https://x/d?cursor=v1_2>; rel=\"next\"";
        assert_eq!(of(both).as_deref(), Some("https://x/d?cursor=v1_2"));
        assert_eq!(of("<https://x/d>; rel=\"prev\""), None);
        assert_eq!(of("nonsense"), None);
        assert_eq!(following(&HeaderMap::new()), None);
    }
}
