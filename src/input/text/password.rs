//! Takes passwords out of URLs.

use std::borrow::Cow;

/// The text without the user and password of every URL in it. Only `ssh` and its like keep the
/// user: elsewhere it may well be a token.
pub(crate) fn removed(text: &str) -> Cow<'_, str> {
    if !text.contains('@') {
        return Cow::Borrowed(text);
    }
    if let Some((user, rest)) = short_form(text) {
        return Cow::Owned(format!("{user}@{rest}"));
    }
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = authority(rest) {
        let (before, url) = rest.split_at(start);
        kept.push_str(before);
        let end = credentials(url);
        if before.to_ascii_lowercase().ends_with("ssh://")
            && let Some(user) = url[..end].strip_suffix('@')
        {
            kept.push_str(user.split(':').next().unwrap_or_default());
            kept.push('@');
        }
        rest = &url[end..];
    }
    kept.push_str(rest);
    Cow::Owned(kept)
}

/// Where the next authority of a URL begins: after `://`, with slashes of either sort.
fn authority(text: &str) -> Option<usize> {
    ["://", ":\\\\", ":\\/\\/"]
        .iter()
        .filter_map(|mark| Some(text.find(mark)? + mark.len()))
        .min()
        .or_else(|| text.starts_with("//").then_some(2))
}

/// How many bytes of an authority are user, password and the `@` after them. The password may
/// hold `@`, and even a slash if what stands before it is no host with a port.
fn credentials(url: &str) -> usize {
    let end = |marks: &[char]| {
        let is_end = |next: char| next.is_whitespace() || marks.contains(&next);
        url.find(is_end).unwrap_or(url.len())
    };
    let authority = &url[..end(&['/', '\\', '?', '#', '"', '<', '>'])];
    if let Some(at) = authority.rfind('@') {
        return at + 1;
    }
    let port = authority.rsplit_once(':').map_or("", |(_, port)| port);
    let is_port = port.bytes().all(|byte| byte.is_ascii_digit()) || port.ends_with(']');
    let whole = &url[..end(&['"', '<', '>'])];
    match whole.find('@') {
        Some(at) if !is_port => at + 1,
        _ => 0,
    }
}

/// `user:password@host:path`, split into the user and what follows the password.
fn short_form(text: &str) -> Option<(&str, &str)> {
    let (login, rest) = text.split_once('@')?;
    let (user, password) = login.split_once(':')?;
    let host = rest.split_once(':')?.0;
    let is_plain = |part: &str| !part.contains(['/', '\\']) && !part.contains(char::is_whitespace);
    let is_short = [user, host].iter().all(|part| !part.is_empty());
    // An image such as `api:1.2@sha256:…` has the same form.
    let is_image = ["sha256", "sha384", "sha512"].contains(&host) || !is_plain(password);
    (is_short && is_plain(user) && is_plain(host) && !is_image).then_some((user, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_goes_wherever_the_url_stands() {
        for (text, expected) in [
            ("https://u:pw@h/p", "https://h/p"),
            ("HTTP://u:pw@h/p", "HTTP://h/p"),
            ("https://token@h/p", "https://h/p"),
            ("https://u:p@w@h/p", "https://h/p"),
            ("https://u:p/w@h/p", "https://h/p"),
            ("git+https://u:pw@h", "git+https://h"),
            ("jdbc:mysql://u:pw@h/db", "jdbc:mysql://h/db"),
            ("ssh://git:pw@h:22/p", "ssh://git@h:22/p"),
            ("ssh://git@h/p", "ssh://git@h/p"),
            ("svn+ssh://u:pw@h/p", "svn+ssh://u@h/p"),
            ("u:pw@h:owner/repo.git", "u@h:owner/repo.git"),
            ("u:pw@shadow.example:r", "u@shadow.example:r"),
            ("https://u:p#w@h/p", "https://h/p"),
            ("git@h:owner/repo.git", "git@h:owner/repo.git"),
            ("//u:pw@h/p", "//h/p"),
            (
                "see https://u:pw@h and http://v:pw@i.",
                "see https://h and http://i.",
            ),
            ("https://[::1]:80/a@b", "https://[::1]:80/a@b"),
            ("https://h:80/a@b", "https://h:80/a@b"),
            ("https://h/a?b=c@d", "https://h/a?b=c@d"),
            ("api:1.2@sha256:0f1e", "api:1.2@sha256:0f1e"),
            ("hub:5000/api@sha256:0f1e", "hub:5000/api@sha256:0f1e"),
            ("me@example.com", "me@example.com"),
        ] {
            assert_eq!(removed(text), expected, "{text}");
        }
    }
}
