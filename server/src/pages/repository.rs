//! Addresses in the repositories that events name.

use super::format::{self, Html};

/// A repository on the web, as far as its address is known.
#[derive(Debug, PartialEq, Eq)]
pub struct Repository(String);

impl Repository {
    /// The repository that an event names: by its address, the way to clone it, or `owner/name` of
    /// GitHub.
    pub fn of(named: &str, source_system: Option<&str>) -> Option<Repository> {
        let named = named.trim().trim_end_matches('/');
        let named = named.strip_suffix(".git").unwrap_or(named);
        let address = if let Some(rest) = named.strip_prefix("git@") {
            let (host, path) = rest.split_once(':')?;
            format!("https://{host}/{path}")
        } else if let Some(rest) = named.strip_prefix("ssh://git@") {
            format!("https://{rest}")
        } else if named.contains("://") {
            without_secret(named)
        } else if source_system.is_some_and(|system| system.eq_ignore_ascii_case("github"))
            && named.split('/').count() == 2
        {
            format!("https://github.com/{named}")
        } else {
            return None;
        };
        format::web_address(&address)?;
        Some(Repository(address))
    }

    /// A commit.
    pub fn commit(&self, sha: &str) -> String {
        let (address, middle) = (&self.0, self.middle());
        let word = if address.contains("bitbucket") {
            "commits"
        } else {
            "commit"
        };
        format!("{address}/{middle}{word}/{sha}")
    }

    /// What lies between two commits.
    pub fn compare(&self, from: &str, to: &str) -> String {
        let address = &self.0;
        if address.contains("bitbucket") {
            return format!("{address}/branches/compare/{to}%0D{from}");
        }
        format!("{address}/{}compare/{from}...{to}", self.middle())
    }

    fn middle(&self) -> &'static str {
        if self.0.contains("gitlab") { "-/" } else { "" }
    }
}

/// The address without a user and a password in it, which would be shown to everybody.
fn without_secret(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("://") else {
        return address.to_owned();
    };
    let host = rest.split('/').next().unwrap_or_default();
    match host.rsplit_once('@') {
        Some((user, _)) => format!("{scheme}://{}", &rest[user.len() + 1..]),
        None => address.to_owned(),
    }
}

/// Whether a text is a commit, so that it can stand in an address.
pub fn is_sha(text: &str) -> bool {
    (7..=64).contains(&text.len()) && text.chars().all(|one| one.is_ascii_hexdigit())
}

/// A commit, with a link if its repository is known.
pub fn commit(sha: &str, repository: Option<&Repository>) -> Html {
    let short: String = sha.chars().take(12).collect();
    let shown = Html::of(format!(
        "<span class=\"sha\">{}</span>",
        format::text(&short)
    ));
    match repository.filter(|_| is_sha(sha)) {
        Some(repository) => format::web_link(&repository.commit(sha), &shown),
        None => shown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repositories_are_found_by_what_events_name() {
        let address = |named: &str, system| Repository::of(named, system).map(|found| found.0);
        let web = Some("https://github.com/o/n".to_owned());
        assert_eq!(address("https://github.com/o/n.git", None), web);
        assert_eq!(address("git@github.com:o/n.git", None), web);
        assert_eq!(address("o/n", Some("github")), web);
        assert_eq!(address("https://me:token@github.com/o/n", None), web);
        assert_eq!(address("o/n", Some("jenkins")), None);
        assert_eq!(address("javascript:alert(1)", None), None);
    }

    #[test]
    fn each_host_has_pages_of_its_own() {
        let github = Repository::of("https://github.com/o/n", None).unwrap();
        assert_eq!(
            github.compare("a", "b"),
            "https://github.com/o/n/compare/a...b"
        );
        let gitlab = Repository::of("https://gitlab.example/o/n", None).unwrap();
        assert_eq!(gitlab.commit("a"), "https://gitlab.example/o/n/-/commit/a");
        let shown = commit("not a sha\"", Some(&github));
        assert!(!shown.as_str().contains("href"));
    }
}
