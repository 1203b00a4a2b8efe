//! What somebody saw before they decided: if it is another by then, they look again.

use super::spec::{Rule, etag};
use crate::domain::answer::Refusal;
use crate::domain::build::same_commit;

/// What stood where somebody decides: on a page, in a message, in what a program has read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// The commit of the version, if it had one.
    pub commit: Option<String>,
    /// The rules, by identifier, with their entity tags without quotes.
    pub rules: Vec<(String, String)>,
}

impl Seen {
    /// A commit, or that there is none, and no rules.
    pub fn commit(commit: Option<String>) -> Seen {
        Seen {
            commit,
            rules: Vec::new(),
        }
    }

    /// Makes sure that the version is built from the commit that was seen.
    ///
    /// # Errors
    /// [`Refusal::Conflict`] if it is not.
    pub fn check_commit(&self, version: &str, commit: Option<&str>) -> Result<(), Refusal> {
        let told = |commit: Option<&str>| match commit {
            Some(commit) => format!("commit {commit}"),
            None => "no known commit".to_owned(),
        };
        let seen = self.commit.as_deref();
        let same = match (seen, commit) {
            (Some(seen), Some(commit)) => same_commit(seen, commit),
            (seen, commit) => seen == commit,
        };
        if same {
            return Ok(());
        }
        Err(Refusal::Conflict(format!(
            "{version} comes from {} by now; when you looked it was {}. Look again, then decide",
            told(commit),
            told(seen)
        )))
    }

    /// Makes sure that a rule is the one that was seen.
    ///
    /// # Errors
    /// [`Refusal::Conflict`] if it is not.
    pub fn check_rule(&self, rule: &Rule, now: i64) -> Result<(), Refusal> {
        let tag = etag(&rule.to_json(now));
        let tag = tag.trim_matches('"');
        if self
            .rules
            .iter()
            .any(|(id, seen)| *id == rule.id && seen == tag)
        {
            return Ok(());
        }
        Err(Refusal::Conflict(format!(
            "The rule {} was changed after you opened the page. Look again, then decide",
            rule.spec.name
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::Seen;

    #[test]
    fn a_longer_name_of_the_commit_is_the_same_and_another_is_not() {
        let seen = |commit: Option<&str>| Seen {
            commit: commit.map(str::to_owned),
            rules: Vec::new(),
        };
        let long = "abcdef0123456789";
        let is_same =
            |then: Option<&str>, now: Option<&str>| seen(then).check_commit("1", now).is_ok();
        assert!(is_same(None, None));
        assert!(is_same(Some("abcdef0"), Some(long)));
        assert!(!is_same(None, Some(long)));
        assert!(!is_same(Some(long), None));
        let refusal = seen(Some("1234567")).check_commit("1.2", Some(long));
        assert_eq!(
            refusal.unwrap_err().to_string(),
            "1.2 comes from commit abcdef0123456789 by now; when you looked it was commit \
             1234567. Look again, then decide"
        );
    }
}
