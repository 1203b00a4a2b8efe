//! How a row of the table of systems is read.

use super::{Detected, Found, Variables, git, last_part, link, short_sha};

/// A CI system that needs no code of its own. A field is the first of its variables that is set;
/// one whose variable is not known for certain stays empty.
pub(super) struct System {
    pub name: &'static str,
    /// Sets GitHub's variables too, and so is asked before it.
    pub imitates_github: bool,
    /// Any of these makes it known.
    pub marks: &'static [Mark],
    /// Of several variables in one, the values are joined by slashes.
    pub repository: &'static [&'static [&'static str]],
    /// Used if no variable has the repository's name.
    pub clone_url: &'static [&'static str],
    pub sha: &'static [&'static str],
    pub branch: &'static [Branch],
    pub build_number: &'static [&'static str],
    /// Of several variables in one, the values are joined by slashes.
    pub invoke_id: &'static [&'static [&'static str]],
    pub run_url: &'static [Link],
    pub actor: &'static [&'static str],
    pub actor_email: &'static [&'static str],
}

/// What the rows leave out.
pub(super) const UNKNOWN: System = System {
    name: "",
    imitates_github: false,
    marks: &[],
    repository: &[],
    clone_url: &[],
    sha: &[],
    branch: &[],
    build_number: &[],
    invoke_id: &[],
    run_url: &[],
    actor: &[],
    actor_email: &[],
};

pub(super) enum Mark {
    /// The variable is set to anything but `false`.
    Set(&'static str),
    /// The variable has this value, in any letter case.
    Is(&'static str, &'static str),
    /// Both variables are set: either one alone may be somebody else's.
    Both(&'static str, &'static str),
}

pub(super) enum Branch {
    /// A branch or tag, in any of git's own forms.
    Ref(&'static str),
    /// The same, of which a remote's `origin/` is no part.
    Tracked(&'static str),
    /// The same, in which `tags/v1` is a tag.
    TagsInside(&'static str),
}

pub(super) enum Link {
    /// The variable has all of it.
    Whole(&'static str),
    /// Put together; there is no link if a piece is missing.
    Of(&'static [Piece]),
}

pub(super) enum Piece {
    Fixed(&'static str),
    /// The address of a server or page.
    Base(&'static str),
    /// One part of a path.
    Part(&'static str),
}

impl System {
    pub fn detect(&self, env: &Variables) -> Option<Detected> {
        let source_system = self.marks.iter().find_map(|mark| mark.found(env))?;
        let repository = first_joined(env, self.repository).or_else(|| {
            let url = env.first(self.clone_url)?;
            url.and_then(git::repository)
        });
        let sha = self
            .sha
            .iter()
            .find_map(|name| env.get(name)?.and_then(git::commit));
        Some(Detected {
            source_system: source_system.map(|_| self.name.to_owned()),
            branch: self.branch.iter().find_map(|branch| branch.name(env)),
            build_number: env.first(self.build_number),
            invoke_id: first_joined(env, self.invoke_id),
            run_url: self.run_url.iter().find_map(|link| link.url(env)),
            actor: env.first(self.actor),
            actor_email: env.first(self.actor_email),
            product: last_part(&repository),
            version: short_sha(&sha),
            repository,
            sha,
            ..Detected::default()
        })
    }
}

impl Mark {
    fn found(&self, env: &Variables) -> Option<Found> {
        match *self {
            Mark::Set(name) => env
                .get(name)
                .filter(|found| !found.text.eq_ignore_ascii_case("false")),
            Mark::Is(name, value) => env
                .get(name)
                .filter(|found| found.text.eq_ignore_ascii_case(value)),
            Mark::Both(name, other) => env.get(other).and(env.get(name)),
        }
    }
}

impl Branch {
    fn name(&self, env: &Variables) -> Option<Found> {
        match *self {
            Branch::Ref(name) => env.get(name)?.and_then(git::branch),
            Branch::Tracked(name) => env.get(name)?.and_then(git::tracked_branch),
            Branch::TagsInside(name) => env.get(name)?.and_then(git::branch_or_tag),
        }
    }
}

impl Link {
    fn url(&self, env: &Variables) -> Option<Found> {
        let pieces = match *self {
            Link::Whole(name) => return env.get(name),
            Link::Of(pieces) => pieces,
        };
        let mut url = String::new();
        let mut last = None;
        for piece in pieces {
            match *piece {
                Piece::Fixed(text) => url.push_str(text),
                Piece::Base(name) => url.push_str(link::base(last.insert(env.get(name)?))?),
                Piece::Part(name) => url.push_str(&link::part(&last.insert(env.get(name)?).text)),
            }
        }
        last?.map(|_| url)
    }
}

fn first_joined(env: &Variables, choices: &[&[&'static str]]) -> Option<Found> {
    choices.iter().find_map(|names| joined(env, names))
}

/// The values of all these variables, joined by slashes; `None` if one is missing.
fn joined(env: &Variables, names: &[&'static str]) -> Option<Found> {
    let parts: Option<Vec<Found>> = names.iter().map(|name| env.get(name)).collect();
    let parts = parts?;
    let texts: Vec<&str> = parts.iter().map(|part| part.text.as_str()).collect();
    parts.last()?.map(|_| texts.join("/"))
}

#[cfg(test)]
impl System {
    /// Every variable that the row reads.
    pub fn variables(&self) -> Vec<&'static str> {
        let marks = self.marks.iter().flat_map(|mark| match *mark {
            Mark::Set(name) | Mark::Is(name, _) => vec![name],
            Mark::Both(name, other) => vec![name, other],
        });
        let branches = self.branch.iter().map(|branch| match *branch {
            Branch::Ref(name) | Branch::Tracked(name) | Branch::TagsInside(name) => name,
        });
        let links = self.run_url.iter().flat_map(|link| match *link {
            Link::Whole(name) => vec![name],
            Link::Of(pieces) => pieces.iter().filter_map(Piece::variable).collect(),
        });
        let joined = [self.repository, self.invoke_id].concat().concat();
        let plain = [
            self.clone_url,
            self.sha,
            self.build_number,
            self.actor,
            self.actor_email,
        ]
        .concat();
        marks
            .chain(branches)
            .chain(links)
            .chain(joined)
            .chain(plain)
            .collect()
    }
}

#[cfg(test)]
impl Mark {
    /// An environment with this mark and nothing else.
    pub fn example(&self) -> Vec<(&'static str, &'static str)> {
        match *self {
            Mark::Set(name) => vec![(name, "1")],
            Mark::Is(name, value) => vec![(name, value)],
            Mark::Both(name, other) => vec![(name, "1"), (other, "1")],
        }
    }
}

#[cfg(test)]
impl Piece {
    fn variable(&self) -> Option<&'static str> {
        match *self {
            Piece::Fixed(_) => None,
            Piece::Base(name) | Piece::Part(name) => Some(name),
        }
    }
}
