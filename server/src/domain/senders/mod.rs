//! Who can be the sender of a source, and what is to be done there: the one table that the pages, the
//! command line and the documentation are made from.

mod table;

use super::source::{Algorithm, Kind, Settings};

pub use table::SENDERS;

/// Something that is to be done at the sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step<T> {
    /// A sentence.
    Do(T),
    /// What goes into a field of a form there.
    Fill(T, T),
    /// A text to paste, with the language it is in.
    Paste(&'static str, T),
}

/// A sender.
#[derive(Debug)]
pub struct Sender {
    /// The word for it.
    pub word: &'static str,
    /// What people call it.
    pub called: &'static str,
    /// How it proves that it is the one.
    pub kind: Kind,
    /// The mapping that is ready for it.
    pub ready: Option<&'static str>,
    /// What is to be done there. `{url}` is the address, `{secret}` the secret.
    steps: &'static [Step<&'static str>],
}

use Step::{Do, Fill, Paste};

/// The same of one that signs as its source says.
const SIGNED: &[Step<&str>] = &[
    Do("Let it send its JSON by POST, and sign the body:"),
    Fill("Address", "{url}"),
    Fill("Secret", "{secret}"),
    Fill(
        "Header",
        "{header}: {prefix} and the HMAC-{algorithm} of the body, in hexadecimal digits",
    ),
];

/// Where a sender finds a source.
#[derive(Debug, Clone, Copy)]
pub struct Found<'a> {
    /// The address, without the secret.
    pub url: &'a str,
    /// The secret.
    pub secret: &'a str,
}

/// What stands for a secret that is not shown any more.
pub const HIDDEN: Found<'static> = Found {
    url: "https://versioner.example.com/hooks/ID",
    secret: "SECRET",
};

impl Sender {
    /// The one of this word.
    pub fn named(word: &str) -> Option<&'static Sender> {
        SENDERS.iter().find(|sender| sender.word == word)
    }

    /// What people call it, at the beginning of a line.
    pub fn title(&self) -> String {
        let mut letters = self.called.chars();
        let first = letters.next().map(|first| first.to_ascii_uppercase());
        first.into_iter().chain(letters).collect()
    }

    /// The sender of a source of this kind, with these settings.
    pub fn of(kind: Kind, settings: &Settings) -> &'static Sender {
        let ready = match (&settings.mapping, settings.ready.as_deref()) {
            (Some(_), _) => None,
            (None, None) if kind == Kind::Json => Some("plain"),
            (None, ready) => ready,
        };
        let of_kind = |sender: &&Sender| sender.kind == kind;
        let mut found = SENDERS.iter().filter(of_kind);
        let exact = found.clone().find(|sender| sender.ready == ready);
        // Each kind has one.
        exact.or_else(|| found.next()).unwrap_or(&SENDERS[0])
    }

    /// What is to be done at the sender of a source of this kind, with these settings.
    pub fn steps_for(kind: Kind, settings: &Settings, found: Found<'_>) -> Vec<Step<String>> {
        let sender = Sender::of(kind, settings);
        let Some(signature) = settings.signature.as_ref().filter(|_| !sender.signs()) else {
            return sender.steps(found);
        };
        let algorithm = match signature.algorithm {
            Algorithm::Sha1 => "SHA1",
            Algorithm::Sha256 => "SHA256",
            Algorithm::Sha512 => "SHA512",
        };
        let filled = filled(SIGNED, found).into_iter();
        let filled = filled.map(|step| match step {
            Fill(name, text) => Fill(
                name,
                text.replace("{header}", &signature.header)
                    .replace(
                        "{prefix} and ",
                        match signature.prefix.as_str() {
                            "" => "",
                            _ => "{prefix}, then ",
                        },
                    )
                    .replace("{prefix}", &signature.prefix)
                    .replace("{algorithm}", algorithm),
            ),
            other => other,
        });
        filled.collect()
    }

    /// What is to be done there.
    pub fn steps(&self, found: Found<'_>) -> Vec<Step<String>> {
        filled(self.steps, found)
    }

    /// Whether its own steps say how it signs.
    fn signs(&self) -> bool {
        matches!(self.ready, Some("flux" | "vercel"))
    }
}

fn filled(steps: &[Step<&str>], found: Found<'_>) -> Vec<Step<String>> {
    let fill = |text: &str| {
        text.replace("{url}", found.url)
            .replace("{secret}", found.secret)
    };
    let steps = steps.iter();
    let steps = steps.map(|step| match step {
        Do(text) => Do(fill(text)),
        Fill(name, text) => Fill((*name).to_owned(), fill(text)),
        Paste(language, text) => Paste(language, fill(text)),
    });
    steps.collect()
}

/// The steps as lines for a terminal.
pub fn as_text(steps: &[Step<String>]) -> String {
    let steps = steps.iter().map(|step| match step {
        Do(text) => format!("{text}\n"),
        Fill(name, text) => format!("{name}: {text}\n"),
        Paste(_, text) => format!("\n{text}\n\n"),
    });
    steps.collect::<String>().trim_end().to_owned()
}

/// The steps as Markdown.
pub fn as_markdown(steps: &[Step<String>]) -> String {
    let mut text = String::new();
    let mut in_list = false;
    for step in steps {
        if in_list && !matches!(step, Fill(..)) {
            text.push('\n');
        }
        in_list = matches!(step, Fill(..));
        match step {
            Do(sentence) => text += &format!("{sentence}\n\n"),
            Fill(name, value) => text += &format!("- {name}: `{value}`\n"),
            Paste(language, pasted) => text += &format!("```{language}\n{pasted}\n```\n\n"),
        }
    }
    text.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::{Value, json};

    use super::*;
    use crate::domain::mapping::Ready;

    const FOUND: Found<'static> = Found {
        url: "https://v.example/hooks/local_x",
        secret: "s3cret",
    };

    fn settings(value: Value) -> Settings {
        match Settings::read(value) {
            Ok(settings) => settings,
            Err(refusal) => panic!("{}", refusal.sentence()),
        }
    }

    #[test]
    fn every_sender_is_found_by_its_source_and_told_address_and_secret() {
        for sender in &SENDERS {
            let settings = match sender.ready {
                Some(ready) => settings(json!({ "ready": ready })),
                None if sender.kind == Kind::Json => {
                    settings(json!({ "mapping": { "status": "/s", "version": "/v" } }))
                }
                None if sender.kind == Kind::GithubApp => settings(json!({ "app_id": 1 })),
                None => Settings::default(),
            };
            assert_eq!(Sender::of(sender.kind, &settings).word, sender.word);
            let text = as_text(&Sender::steps_for(sender.kind, &settings, FOUND));
            assert!(text.contains(FOUND.url), "{text}");
            assert!(
                text.contains(FOUND.secret) || sender.word == "vercel",
                "{text}"
            );
            for left in ["{url}", "{secret}", "{header}"] {
                assert!(!text.contains(left), "{text}");
            }
        }
        let ready: BTreeSet<_> = Ready::NAMED.iter().map(|(name, _)| Some(*name)).collect();
        let told: BTreeSet<_> = SENDERS.iter().map(|sender| sender.ready).collect();
        assert!(ready.is_subset(&told), "{told:?}");
        for (_, kind) in Kind::NAMED {
            assert!(SENDERS.iter().any(|sender| sender.kind == kind), "{kind:?}");
        }
    }

    #[test]
    fn who_signs_is_told_how() {
        let signature = json!({ "header": "X-Sum", "algorithm": "sha512", "prefix": "v1=" });
        let own = json!({ "status": "/s", "version": "/v" });
        let settings = settings(json!({ "signature": signature, "mapping": own }));
        let text = as_text(&Sender::steps_for(Kind::Json, &settings, FOUND));
        let header = "X-Sum: v1=, then the HMAC-SHA512 of the body, in hexadecimal digits";
        assert!(text.contains(header), "{text}");
        assert!(!text.contains("Bearer"), "{text}");
    }

    /// What the mapping of Argo CD reads, its template sends.
    #[test]
    fn the_template_for_argo_cd_sends_what_its_mapping_reads() {
        let Some(argo) = Sender::named("argocd") else {
            panic!("argocd");
        };
        let text = as_text(&argo.steps(FOUND));
        let mapping = serde_json::to_string(&Ready::ArgoCd.mapping()).unwrap();
        let pointers: BTreeSet<&str> = mapping
            .split('"')
            .filter_map(|text| text.strip_prefix('/'))
            .collect();
        // Its namespace is the environment, and nobody is named where Argo CD has begun by itself.
        for pointer in pointers {
            let sent = text.contains(&format!("\"{pointer}\": "));
            assert!(sent || ["namespace", "by"].contains(&pointer), "{pointer}");
        }
    }

    #[test]
    fn markdown_keeps_lists_and_code_apart() {
        let text = as_markdown(&[
            Do("Do.".to_owned()),
            Fill("A".to_owned(), "b".to_owned()),
            Fill("C".to_owned(), "d".to_owned()),
            Paste("sh", "ls".to_owned()),
        ]);
        assert_eq!(text, "Do.\n\n- A: `b`\n- C: `d`\n\n```sh\nls\n```");
    }
}
