//! How git writes branches and repositories.

use percent_encoding::percent_decode_str;

use crate::input::text::password;

/// The branch or tag that a reference names; `None` for a detached head.
pub(super) fn branch(reference: &str) -> Option<String> {
    let name = short(reference).unwrap_or(reference);
    let is_branch = !["HEAD", "detached"].contains(&name);
    is_branch.then(|| name.to_owned())
}

/// [`branch`], also of `origin/main`, as Jenkins writes it.
pub(super) fn tracked_branch(reference: &str) -> Option<String> {
    let is_full = short(reference).is_some();
    let name = reference.strip_prefix("origin/").filter(|_| !is_full);
    branch(name.unwrap_or(reference))
}

/// [`branch`], also of the tag `tags/v1`.
pub(super) fn branch_or_tag(reference: &str) -> Option<String> {
    branch(reference.strip_prefix("tags/").unwrap_or(reference))
}

/// A commit; `None` for `HEAD`, which is another one tomorrow.
pub(super) fn commit(revision: &str) -> Option<String> {
    (revision != "HEAD").then(|| revision.to_owned())
}

/// `main` of `refs/heads/main`, `refs/remotes/origin/main`, `remotes/origin/main` and of the tag
/// `refs/tags/main`; `None` for what is not written in full.
fn short(reference: &str) -> Option<&str> {
    let own = ["refs/heads/", "refs/tags/"];
    let foreign = ["refs/remotes/", "remotes/"];
    let named = own.iter().find_map(|start| reference.strip_prefix(start));
    named.or_else(|| {
        let tracked = foreign
            .iter()
            .find_map(|start| reference.strip_prefix(start))?;
        Some(tracked.split_once('/').map_or("", |(_, name)| name))
    })
}

/// `host/owner/repo` of a clone URL: without scheme, credentials, port and `.git`, from
/// `https://`, `ssh://` and `git@host:owner/repo` forms alike. A folder has no host, and is known
/// by its last part alone.
pub(crate) fn repository(url: &str) -> Option<String> {
    let url = password::removed(url);
    let url = url.split(['?', '#']).next().unwrap_or_default();
    let (host, path) = match url.split_once("://") {
        Some((scheme, path)) if scheme.eq_ignore_ascii_case("file") => return folder(path),
        Some((_, rest)) => rest.split_once('/').unwrap_or((rest, "")),
        None if is_path(url) => return folder(url),
        None => scp_form(url).unwrap_or(("", url)),
    };
    let host = host.rsplit('@').next().unwrap_or_default();
    let parts = [without_port(host).to_owned(), decoded(without_git(path))];
    let joined: Vec<&str> = parts
        .iter()
        .map(String::as_str)
        .filter(|part| !part.is_empty())
        .collect();
    Some(joined.join("/"))
}

fn folder(path: &str) -> Option<String> {
    let path = path.replace('\\', "/");
    let last = without_git(&path).rsplit('/').next()?;
    Some(decoded(last))
}

/// `/srv/git`, `../git`, `C:\srv\git` and `\\server\share`, with slashes of either sort.
fn is_path(url: &str) -> bool {
    let mut characters = url.chars();
    let is_drive = characters
        .next()
        .is_some_and(|letter| letter.is_ascii_alphabetic())
        && characters.next() == Some(':');
    is_drive
        || ["/", "./", "../", "~/", "\\\\"]
            .iter()
            .any(|start| url.starts_with(start))
}

/// Splits `git@host:owner/repo`; the colon of a path such as `/srv/a:b` does not count, nor do
/// those of an IPv6 address in brackets.
fn scp_form(url: &str) -> Option<(&str, &str)> {
    let address = url.find(']').filter(|end| !url[..*end].contains('/'));
    let colon = address.unwrap_or(0) + url[address.unwrap_or(0)..].find(':')?;
    let (authority, path) = (&url[..colon], &url[colon + 1..]);
    (!authority.contains('/')).then_some((authority, path))
}

fn without_git(path: &str) -> &str {
    let path = path.trim_matches('/');
    let end = path.len().saturating_sub(4);
    match path.get(end..) {
        Some(ending) if ending.eq_ignore_ascii_case(".git") => path[..end].trim_end_matches('/'),
        _ => path,
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// Percent-encoding undone, unless what is behind it is no text.
fn decoded(text: &str) -> String {
    match percent_decode_str(text).decode_utf8() {
        Ok(decoded) => decoded.into_owned(),
        Err(_) => text.to_owned(),
    }
}
