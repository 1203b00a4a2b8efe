//! What somebody types after `/versioner`.

use super::text::{Text, code, coded, lines, shortened};
use crate::domain::names::{fold, nearest};

/// The words, what may follow them, and what they answer.
const WORDS: [(&str, &str, &str); 12] = [
    ("state", "[product] [environment]", "what runs where"),
    ("history", "[product] [environment]", "the last deployments"),
    ("who", "product [environment]", "who deployed what runs"),
    (
        "diff",
        "staging production [product]",
        "what one environment has that another has not",
    ),
    ("commit", "SHA", "where a commit runs"),
    (
        "gate",
        "product version environment",
        "whether it may go, and who must say yes",
    ),
    ("waiting", "", "what waits for you"),
    (
        "approve",
        "product version environment [comment]",
        "say yes",
    ),
    ("refuse", "product version environment reason", "say no"),
    (
        "withdraw",
        "product version environment",
        "take your answer back",
    ),
    ("link", "", "a code that makes you known here"),
    ("help", "", "this"),
];

/// The longest command, in characters: a reason of 2,000 with everything around it.
const LONGEST: usize = 4000;

/// What somebody wants to know, or to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// What runs where.
    State(Vec<String>),
    /// The last deployments.
    History(Vec<String>),
    /// Who deployed what runs.
    Who(Vec<String>),
    /// What one environment has that another has not.
    Diff(String, String, Option<String>),
    /// Where a commit runs.
    Commit(String),
    /// Whether something may go.
    Gate([String; 3]),
    /// What waits for whoever asks.
    Waiting,
    /// Yes, no, or neither any more.
    Say(Say, [String; 3], Option<String>),
    /// A code that makes whoever asks known.
    Link,
    /// What can be asked.
    Help,
}

/// What is said of a start that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Say {
    /// It may go.
    Approve,
    /// It may not.
    Refuse,
    /// What was said does not stand any more.
    Withdraw,
}

/// A command that was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// What it asks.
    pub ask: Ask,
    /// Whether everybody in the channel is to see the answer.
    pub public: bool,
}

impl Command {
    /// Reads the text of a command.
    ///
    /// # Errors
    /// What to type instead.
    pub fn parse(text: &str) -> Result<Command, Text> {
        if text.chars().nth(LONGEST).is_some() {
            return Err(Text::from(format!(
                "That is too long; a command has at most {LONGEST} characters"
            )));
        }
        let mut words = words(text);
        let says = |word: &str, of: &str| fold(word) == of;
        // Slack takes the command off; whoever has pasted a line may have it in there once more.
        if words.first().is_some_and(|first| says(first, "/versioner")) {
            words.remove(0);
        }
        let first = words.first().cloned().unwrap_or_default();
        // A reason that ends so is a reason.
        let free = matches!(word(&first), Ok("approve" | "refuse"));
        let public = !free && words.last().is_some_and(|last| says(last, "public"));
        if public {
            words.pop();
        }
        let Some(first) = words.first() else {
            return Ok(Command {
                ask: Ask::Help,
                public,
            });
        };
        let word = word(first)?;
        let mut rest: Vec<String> = words.drain(1..).collect();
        let ask = match word {
            "state" | "history" | "who" if rest.len() > 2 => return Err(usage(word)),
            "state" => Ask::State(rest),
            "history" => Ask::History(rest),
            "who" if rest.is_empty() => return Err(usage(word)),
            "who" => Ask::Who(rest),
            "diff" => match <[String; 3]>::try_from(rest) {
                Ok([from, to, product]) => Ask::Diff(from, to, Some(product)),
                Err(rest) => match <[String; 2]>::try_from(rest) {
                    Ok([from, to]) => Ask::Diff(from, to, None),
                    Err(_) => return Err(usage(word)),
                },
            },
            "commit" => match <[String; 1]>::try_from(rest) {
                Ok([sha]) => Ask::Commit(sha),
                Err(_) => return Err(usage(word)),
            },
            "gate" => Ask::Gate(three(rest, word)?),
            "waiting" => Ask::Waiting,
            "link" => Ask::Link,
            "approve" | "refuse" | "withdraw" => {
                let say = match word {
                    "approve" => Say::Approve,
                    "refuse" => Say::Refuse,
                    _ => Say::Withdraw,
                };
                let comment = rest.split_off(rest.len().min(3)).join(" ");
                let what = three(rest, word)?;
                if say == Say::Refuse && comment.is_empty() {
                    let why = "Say why, so that whoever deploys knows what to change: ";
                    let typed = format!("/versioner refuse {} reason", what.join(" "));
                    return Err(Text::from(why) + code(typed));
                }
                Ask::Say(
                    say,
                    what,
                    Some(comment).filter(|comment| !comment.is_empty()),
                )
            }
            _ => Ask::Help,
        };
        Ok(Command { ask, public })
    }
}

fn three(rest: Vec<String>, word: &str) -> Result<[String; 3], Text> {
    <[String; 3]>::try_from(rest).map_err(|_| usage(word))
}

/// The word of the list that was meant: as it is, by its beginning, or nothing but a hint.
fn word(typed: &str) -> Result<&'static str, Text> {
    let typed = fold(typed.trim_start_matches('/'));
    let all = || WORDS.iter().map(|(word, ..)| *word);
    if let Some(word) = all().find(|word| *word == typed) {
        return Ok(word);
    }
    let begun: Vec<&str> = all().filter(|word| word.starts_with(&typed)).collect();
    match begun[..] {
        [one] => Ok(one),
        [] => {
            let unknown = Text::from("There is no command ") + quoted(&typed) + "; ";
            Err(match nearest(&typed, all()) {
                Some(meant) => {
                    unknown
                        + "did you mean "
                        + code(meant)
                        + "? "
                        + coded("`/versioner help` names all")
                }
                None => unknown + coded("`/versioner help` names all"),
            })
        }
        _ => Err(quoted(&typed) + format!(" can be {}", begun.join(" or "))),
    }
}

/// What was typed.
fn quoted(typed: &str) -> Text {
    code(shortened(typed, 40))
}

fn usage(word: &str) -> Text {
    let found = WORDS.iter().find(|(other, ..)| *other == word);
    let after = found.map_or("", |(_, after, _)| after);
    coded(&format!(
        "Type `/versioner {word} {after}`; a name with blanks goes between quotes"
    ))
}

/// Every command, a line each.
pub fn help() -> Text {
    let words = WORDS.iter().map(|(word, after, what)| {
        let typed = format!("/versioner {word} {after}");
        code(typed.trim_end()) + format!(": {what}")
    });
    let rest = "The beginning of a name is enough if no other begins so. Only you see the answer, unless \
        `public` is the last word.";
    lines(words.chain([coded(rest)]))
}

/// The words of a text; what stands between quotes, of any kind that a telephone makes, is one.
fn words(text: &str) -> Vec<String> {
    const QUOTES: [(char, char); 6] = [
        ('"', '"'),
        ('\'', '\''),
        ('`', '`'),
        ('“', '”'),
        ('„', '“'),
        ('‘', '’'),
    ];
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let after = &rest[first.len_utf8()..];
        let quote = QUOTES.iter().find(|(open, _)| *open == first);
        let closed = quote.and_then(|(_, close)| {
            let end = after.find(*close)?;
            let next = &after[end + close.len_utf8()..];
            // An apostrophe within a word ends nothing.
            let ends = next.chars().next().is_none_or(char::is_whitespace);
            ends.then_some((&after[..end], next))
        });
        let (word, next) = closed.unwrap_or_else(|| {
            let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
            rest.split_at(end)
        });
        if !word.is_empty() {
            words.push(word.trim().to_owned());
        }
        rest = next.trim_start();
    }
    words
}

/// What a forgiving look at the names finds.
#[derive(Debug, PartialEq, Eq)]
pub enum Found<'a> {
    /// This one.
    One(&'a str),
    /// Any of these; at least two.
    Several(Vec<&'a str>),
    /// None; perhaps this was meant.
    None(Option<&'a str>),
}

/// The known name that was meant: the same but for case, or the only one that begins so.
pub fn find<'a>(typed: &str, known: impl Iterator<Item = &'a str> + Clone) -> Found<'a> {
    let typed = fold(typed);
    if let Some(same) = known.clone().find(|name| fold(name) == typed) {
        return Found::One(same);
    }
    let begun: Vec<&str> = known
        .clone()
        .filter(|name| fold(name).starts_with(&typed))
        .collect();
    match begun[..] {
        [one] => Found::One(one),
        [] => Found::None(nearest(&typed, known)),
        _ => Found::Several(begun),
    }
}

#[cfg(test)]
mod tests {
    use super::{Ask, Command, Found, Say, find, help, words};

    fn ask(text: &str) -> Ask {
        Command::parse(text).unwrap().ask
    }

    fn all(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn a_tired_person_is_understood() {
        assert_eq!(ask("state"), Ask::State(Vec::new()));
        assert_eq!(
            ask("  STATE   Api  prod "),
            Ask::State(all(&["Api", "prod"]))
        );
        assert_eq!(ask("/state"), Ask::State(Vec::new()));
        assert_eq!(ask("/versioner state api"), Ask::State(all(&["api"])));
        assert_eq!(ask("hi api"), Ask::History(all(&["api"])));
        assert_eq!(
            ask("g api 1.2.3 prod"),
            Ask::Gate(all(&["api", "1.2.3", "prod"]).try_into().unwrap())
        );
        assert_eq!(
            ask("state “my shop” ‘qa’"),
            Ask::State(all(&["my shop", "qa"]))
        );
        assert_eq!(ask(""), Ask::Help);
    }

    #[test]
    fn public_is_the_last_word_and_no_part_of_a_reason() {
        let command = Command::parse("state api Public").unwrap();
        assert!(command.public);
        assert_eq!(command.ask, Ask::State(all(&["api"])));
        let command = Command::parse("refuse api 1 prod not yet public").unwrap();
        assert!(!command.public);
        let what = all(&["api", "1", "prod"]).try_into().unwrap();
        let why = Some("not yet public".to_owned());
        assert_eq!(command.ask, Ask::Say(Say::Refuse, what, why));
    }

    #[test]
    fn what_is_not_understood_is_answered_with_what_to_type() {
        for (text, hint) in [
            ("stat3", "did you mean state?"),
            ("w", "who or waiting or withdraw"),
            ("xyzzy", "/versioner help names all"),
            (
                "diff staging",
                "/versioner diff staging production [product]",
            ),
            ("gate api", "/versioner gate product version environment"),
            ("refuse api 1 prod", "Say why"),
            ("who", "/versioner who product"),
            ("state a b c", "between quotes"),
            ("`x`y<!channel>", "no command"),
            (&"“ ".repeat(100_000), "too long"),
        ] {
            let error = Command::parse(text).unwrap_err().plain();
            assert!(error.contains(hint), "{text:?}: {error}");
        }
    }

    #[test]
    fn quotes_that_do_not_close_and_apostrophes_are_letters() {
        assert_eq!(words("a 'b c"), ["a", "'b", "c"]);
        assert_eq!(words("don't 'do it' \"\""), ["don't", "do it"]);
        assert_eq!(words("\u{a0}a\tb\n"), ["a", "b"]);
    }

    #[test]
    fn the_beginning_of_a_name_is_enough_if_no_other_begins_so() {
        let known = ["staging", "stage-2", "production"];
        let find = |typed| find(typed, known.iter().copied());
        assert_eq!(find("PROD"), Found::One("production"));
        assert_eq!(find("stag"), Found::Several(vec!["staging", "stage-2"]));
        assert_eq!(find("prodution"), Found::None(Some("production")));
        assert_eq!(find("qa"), Found::None(None));
    }

    #[test]
    fn help_fits_into_a_section() {
        assert!(help().plain().chars().count() < 3000);
    }
}
