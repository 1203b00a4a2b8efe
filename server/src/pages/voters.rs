//! Who could say yes.

use super::format::name;
use crate::domain::people::{Claim, Known, deployers};
use crate::domain::rules::ApprovalKind;
use crate::store::views::Deployment;

/// The most people that a sentence names.
const MAX_NAMED: usize = 4;

/// Those who may give an approval.
pub struct Voters {
    names: Vec<String>,
    /// Whether whoever looks is one of them.
    pub you: bool,
}

/// What an attempt says of who deploys.
pub fn claim_of(attempt: Option<&Deployment>) -> Claim<'_> {
    let detail = |key: &str| attempt.and_then(|one| one.details.get(key)?.as_str());
    Claim {
        deployed_by: attempt.and_then(|one| one.deployed_by.as_deref()),
        email: detail("deployed_by_email"),
        source_system: detail("source_system"),
        ..Claim::default()
    }
}

impl Voters {
    /// Everybody who may give it but who deploys.
    pub fn of(
        people: &[Known],
        kind: ApprovalKind,
        viewer: &str,
        attempt: Option<&Deployment>,
    ) -> Voters {
        let deploying = deployers(people, &claim_of(attempt));
        let may = people.iter().filter(|known| {
            let deploys = deploying
                .iter()
                .any(|other| other.person.id == known.person.id);
            known.person.may_give(kind) && !deploys
        });
        let (you, others): (Vec<&Known>, Vec<&Known>) =
            may.partition(|known| known.person.id == viewer);
        Voters {
            names: others
                .iter()
                .map(|known| name(known.name()).to_string())
                .collect(),
            you: !you.is_empty(),
        }
    }

    /// `You, Tomas or Lena approves`; none if nobody may.
    pub fn sentence(&self, needed: i64) -> Option<String> {
        let mut all: Vec<String> = self.you.then(|| "you".to_owned()).into_iter().collect();
        all.extend(self.names.iter().take(MAX_NAMED).cloned());
        let more = self.names.len().saturating_sub(MAX_NAMED);
        if more > 0 {
            all.push(format!("{more} more"));
        }
        if all.is_empty() {
            return None;
        }
        let who = list_of(&all, "or");
        Some(match (needed, who.strip_prefix("you")) {
            (..=1, Some("")) => "You approve".to_owned(),
            (..=1, Some(rest)) => format!("You{rest} approves"),
            (..=1, None) => format!("{who} approves"),
            _ => format!("{needed} of these approve: {who}"),
        })
    }
}

/// `a, b and c`.
pub fn list_of(all: &[String], word: &str) -> String {
    match all {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} {word} {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::{Voters, list_of};

    #[test]
    fn a_sentence_names_some_and_counts_the_rest() {
        let voters = |names: &[&str], you| Voters {
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            you,
        };
        let say = |names: &[&str], you, needed| voters(names, you).sentence(needed);
        assert_eq!(say(&[], false, 1), None);
        assert_eq!(say(&[], true, 1).unwrap(), "You approve");
        assert_eq!(
            say(&["Tomas", "Lena"], true, 1).unwrap(),
            "You, Tomas or Lena approves"
        );
        assert_eq!(
            say(&["a", "b", "c", "d", "e"], false, 1).unwrap(),
            "a, b, c, d or 1 more approves"
        );
        assert_eq!(
            say(&["a", "b"], false, 2).unwrap(),
            "2 of these approve: a or b"
        );
        assert_eq!(
            list_of(&["a".into(), "b".into(), "c".into()], "and"),
            "a, b and c"
        );
    }
}
