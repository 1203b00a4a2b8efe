//! What is answered to a question: short, and with a link to the page that says more.

use super::blocks::Message;
use super::command::{Ask, Found, find, help};
use super::text::{Text, bold, coded, lines, link, name, reason};
use super::{Slacked, at};
use crate::api::App;
use crate::domain::answer::Refusal;
use crate::domain::people::Known;
use crate::pages::{PageError, Question, judge, last_attempt};
use crate::store::views::{Deployment, Difference, Filter, Matrix, MatrixCell, Product};
use crate::store::{Account, Products, SHORT_SHA, StoreError};

/// The most lines of an answer.
const LINES: usize = 15;
/// The most products that are looked through for a beginning.
const PRODUCTS: i64 = 500;
const PAGES: usize = 10;

/// Why there is no answer.
pub enum NoAnswer {
    /// What was typed means nothing; this is what is said.
    Said(Text),
    /// The server cannot answer now.
    Broken(PageError),
}

impl NoAnswer {
    /// A sentence that says why.
    pub fn because(sentence: impl Into<Text>) -> NoAnswer {
        NoAnswer::Said(sentence.into())
    }
}

impl From<PageError> for NoAnswer {
    fn from(error: PageError) -> NoAnswer {
        match error {
            // The server is well; what was typed cannot be taken.
            PageError::Refused(refusal) => NoAnswer::because(in_words(&refusal)),
            other => NoAnswer::Broken(other),
        }
    }
}

fn in_words(refusal: &Refusal) -> String {
    match refusal {
        Refusal::Invalid(errors) => {
            let all = errors.iter().map(|error| match error.loc.last() {
                Some(field) => format!("{field}: {}", error.msg),
                None => error.msg.clone(),
            });
            all.collect::<Vec<_>>().join("; ")
        }
        other => other.to_string(),
    }
}

impl From<StoreError> for NoAnswer {
    fn from(error: StoreError) -> NoAnswer {
        NoAnswer::Broken(error.into())
    }
}

type Answered = Result<Text, NoAnswer>;
type Named = Result<String, NoAnswer>;

/// Who asks, and where.
pub struct Asker<'a> {
    /// The server.
    pub app: &'a App,
    /// The account.
    pub at: &'a Slacked,
    /// The person, if they are known.
    pub known: Option<&'a Known>,
}

impl Asker<'_> {
    fn account(&self) -> &Account {
        &self.at.account
    }

    /// A link to a page, if the server knows its address; else only its text.
    fn page(&self, text: &str, path: &str, parameters: &[(&str, &str)]) -> Text {
        match self.app.page_address(path, parameters) {
            Some(address) => link(&address, text),
            None => text.into(),
        }
    }

    /// The answer to a question that changes nothing.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn answer(&self, ask: &Ask) -> Result<Message, NoAnswer> {
        let text = match ask {
            Ask::State(words) => self.state(words).await?,
            Ask::History(words) => self.history(words).await?,
            Ask::Who(words) => self.who(words).await?,
            Ask::Diff(from, to, product) => self.diff(from, to, product.as_deref()).await?,
            Ask::Commit(sha) => self.commit(sha).await?,
            Ask::Gate(what) => self.gate(what).await?,
            Ask::Waiting => self.waiting().await?,
            Ask::Help | Ask::Link | Ask::Say(..) => help(),
        };
        Ok(Message::of(text))
    }

    /// The product and the environment that are meant; one word can be either.
    async fn meant(&self, words: &[String]) -> Result<(Option<String>, Option<String>), NoAnswer> {
        match words {
            [] => Ok((None, None)),
            [one] => match self.product(one).await {
                Ok(product) => Ok((Some(product), None)),
                Err(NoAnswer::Said(no_product)) => match self.environment(one).await {
                    Ok(environment) => Ok((None, Some(environment))),
                    Err(NoAnswer::Said(_)) => Err(NoAnswer::Said(no_product)),
                    Err(other) => Err(other),
                },
                Err(other) => Err(other),
            },
            [one, other, ..] => match self.pair(one, other).await {
                // The environment may stand first.
                Err(NoAnswer::Said(why)) => match self.pair(other, one).await {
                    Err(NoAnswer::Said(_)) => Err(NoAnswer::Said(why)),
                    found => found,
                },
                found => found,
            },
        }
    }

    async fn pair(
        &self,
        product: &str,
        environment: &str,
    ) -> Result<(Option<String>, Option<String>), NoAnswer> {
        let product = self.product(product).await?;
        Ok((Some(product), Some(self.environment(environment).await?)))
    }

    /// The product that is meant.
    pub async fn product(&self, typed: &str) -> Named {
        if let Some(found) = self.account().product(typed.to_owned()).await? {
            return Ok(found.name);
        }
        let mut names: Vec<String> = Vec::new();
        let mut filter = Filter {
            limit: PRODUCTS,
            ..Filter::default()
        };
        for _ in 0..PAGES {
            let page = self.account().list::<Product>(filter.clone()).await?;
            names.extend(page.items.into_iter().map(|product| product.name));
            filter.cursor = page
                .next_cursor
                .as_deref()
                .and_then(crate::store::views::Cursor::parse);
            if filter.cursor.is_none() {
                break;
            }
        }
        one_of("product", typed, &names)
    }

    /// The environment that is meant.
    pub async fn environment(&self, typed: &str) -> Named {
        if let Some(found) = self.account().environment(typed.to_owned()).await? {
            return Ok(found.name);
        }
        one_of("environment", typed, &self.account().environments().await?)
    }

    async fn matrix(&self, product: Option<String>) -> Result<Matrix, NoAnswer> {
        let products = Products {
            product,
            after: None,
            limit: PRODUCTS,
        };
        let matrix = self.account().matrix(products, self.app.now()).await?;
        matrix.ok_or_else(|| NoAnswer::because("Nothing was deployed yet."))
    }

    async fn state(&self, words: &[String]) -> Answered {
        let (product, environment) = self.meant(words).await?;
        let matrix = self.matrix(product.clone()).await?;
        let mut lines = Vec::new();
        for one in &matrix.products {
            for cell in &one.environments {
                if environment
                    .as_ref()
                    .is_none_or(|name| *name == cell.environment_name)
                {
                    lines.push(bold(name(&one.product_name)) + " " + cell_line(cell));
                }
            }
        }
        let (product, environment) = (product.unwrap_or_default(), environment.unwrap_or_default());
        let parameters = [
            ("product", product.as_str()),
            ("environment", environment.as_str()),
        ];
        let more = self.page("The matrix", "/manage/", &parameters);
        Ok(listed(lines, "Nothing was deployed there yet.", more))
    }

    async fn history(&self, words: &[String]) -> Answered {
        let (product, environment) = self.meant(words).await?;
        let filter = Filter {
            product: product.clone(),
            environment: environment.clone(),
            limit: 10,
            ..Filter::default()
        };
        let page = self.account().list::<Deployment>(filter).await?;
        let lines = page.items.iter().map(deployment_line).collect();
        let (product, environment) = (product.unwrap_or_default(), environment.unwrap_or_default());
        let parameters = [
            ("product", product.as_str()),
            ("environment", environment.as_str()),
        ];
        let more = self.page("The history", "/manage/history", &parameters);
        Ok(listed(lines, "Nothing was deployed there yet.", more))
    }

    async fn who(&self, words: &[String]) -> Answered {
        let (product, environment) = self.meant(words).await?;
        let matrix = self.matrix(product).await?;
        let mut lines = Vec::new();
        for one in &matrix.products {
            for cell in &one.environments {
                let asked = environment
                    .as_ref()
                    .is_none_or(|name| *name == cell.environment_name);
                if let Some(current) = cell.current.as_ref().filter(|_| asked) {
                    let rest = format!(
                        " {} in {} was deployed by {}",
                        name(&current.version),
                        name(&cell.environment_name),
                        by(current.deployed_by.as_deref()),
                    );
                    let mut line = bold(name(&one.product_name)) + rest;
                    if let Some(time) = current.deployed_at.as_deref() {
                        line = line + ", " + at(time);
                    }
                    lines.push(line);
                }
            }
        }
        let more = self.page("The matrix", "/manage/", &[]);
        Ok(listed(lines, "Nothing runs there.", more))
    }

    async fn diff(&self, from: &str, to: &str, product: Option<&str>) -> Answered {
        let from = self.environment(from).await?;
        let to = self.environment(to).await?;
        let product = match product {
            Some(typed) => Some(self.product(typed).await?),
            None => None,
        };
        let known = |name: String| {
            let account = self.account();
            async move { account.environment(name).await }
        };
        let (Some(one), Some(other)) = (known(from.clone()).await?, known(to.clone()).await?)
        else {
            return Err(NoAnswer::because("One of them is gone."));
        };
        let products = Products {
            product,
            after: None,
            limit: PRODUCTS,
        };
        let compared = self.account().compare(one, other, products).await?;
        let mut same = 0;
        let mut lines = Vec::new();
        for one in compared.iter().flat_map(|page| &page.products) {
            let version = |running: &Option<crate::store::views::Running>| {
                running
                    .as_ref()
                    .map_or("nothing".to_owned(), |one| name(&one.version))
            };
            if one.difference == Difference::Same {
                same += 1;
                continue;
            }
            let apart = one.versions_apart.filter(|count| *count > 0);
            let apart = apart
                .map(|count| format!(", {count} apart"))
                .unwrap_or_default();
            let rest = format!(
                " {} in {}, {} in {}{apart}",
                version(&one.from),
                name(&from),
                version(&one.to),
                name(&to),
            );
            lines.push(bold(name(&one.product_name)) + rest);
        }
        let parameters = [("from", from.as_str()), ("to", to.as_str())];
        let more = self.page("Side by side", "/manage/compare", &parameters);
        let none = match same {
            0 => "Nothing runs in either.".to_owned(),
            _ => format!("{} and {} have the same.", name(&from), name(&to)),
        };
        Ok(listed(lines, &none, more))
    }

    async fn commit(&self, sha: &str) -> Answered {
        if sha.chars().count() < SHORT_SHA {
            return Err(NoAnswer::because(format!(
                "A commit needs at least {SHORT_SHA} characters to be told from others."
            )));
        }
        let commit = self.account().commit(sha.to_owned()).await?;
        let mut lines = Vec::new();
        for version in &commit.versions {
            let places: Vec<String> = version
                .environments
                .iter()
                .map(|place| name(&place.environment_name))
                .collect();
            let runs = match places.is_empty() {
                true => "runs nowhere now".to_owned(),
                false => format!("runs in {}", places.join(", ")),
            };
            let rest = format!(" {} {runs}", name(&version.version));
            lines.push(bold(name(&version.product_name)) + rest);
        }
        let more = self.page("Search", "/manage/search", &[("q", sha)]);
        Ok(listed(
            lines,
            "No version was built from this commit.",
            more,
        ))
    }

    /// What is asked about, with the names that are meant.
    pub async fn question(&self, what: &[String; 3]) -> Result<Question, NoAnswer> {
        let [product, version, environment] = what;
        Ok(Question {
            product: self.product(product).await?,
            version: version.clone(),
            environment: self.environment(environment).await?,
        })
    }

    async fn gate(&self, what: &[String; 3]) -> Answered {
        let question = self.question(what).await?;
        let attempt = last_attempt(self.account(), &question).await?;
        let verdict = judge(self.app, self.account(), &question, attempt.as_ref()).await?;
        let evaluated = verdict.body["rules_evaluated"].as_array();
        let mut lines = Vec::new();
        for one in evaluated.into_iter().flatten() {
            if one["evaluation_result"] != "failed" || one["status"] != "enabled" {
                continue;
            }
            let text = |key: &str| one[key].as_str().unwrap_or_default();
            let until = one["retry_after"].as_str();
            let mut line = Text::from("• ") + bold(name(text("rule_name"))) + ": ";
            line += reason(text("error_message"));
            if let Some(time) = until {
                line = line + ", until " + at(time);
            }
            lines.push(line);
        }
        let what = format!(
            "{} {} to {}",
            name(&question.product),
            name(&question.version),
            name(&question.environment)
        );
        let first = match (verdict.allowed, lines.len()) {
            (true, _) => format!("Yes, {what} may go: nothing holds it."),
            (false, 1) => format!("Not yet, 1 rule holds {what}:"),
            (false, count) => format!("Not yet, {count} rules hold {what}:"),
        };
        lines.insert(0, first.into());
        let parameters = [
            ("product", question.product.as_str()),
            ("version", question.version.as_str()),
            ("environment", question.environment.as_str()),
        ];
        let more = self.page("The gate", "/manage/gate", &parameters);
        Ok(listed(lines, "", more))
    }

    async fn waiting(&self) -> Answered {
        let Some(known) = self.known else {
            return Err(NoAnswer::Said(coded(super::UNKNOWN)));
        };
        let waiting = super::asks::waiting_for(self.app, self.account(), known).await?;
        let lines = waiting.iter().map(|ask| {
            let rest = format!(
                " {} to {}, by {}: {}",
                name(&ask.question.version),
                name(&ask.question.environment),
                by(ask.deployed_by.as_deref()),
                reason(&ask.message),
            );
            bold(name(&ask.question.product)) + rest
        });
        let more = self.page("Approvals", "/manage/approvals", &[]);
        Ok(listed(lines.collect(), "Nothing waits for you.", more))
    }
}

/// The name that is meant of those that there are.
fn one_of(what: &str, typed: &str, known: &[String]) -> Named {
    let typed_name = name(typed);
    let said = match find(typed, known.iter().map(String::as_str)) {
        Found::One(found) => return Ok(found.to_owned()),
        Found::Several(several) => {
            let several: Vec<String> = several.iter().take(8).map(|one| name(one)).collect();
            format!("“{typed_name}” can be {}.", several.join(" or "))
        }
        Found::None(Some(meant)) => {
            format!(
                "There is no {what} “{typed_name}”; did you mean {}?",
                name(meant)
            )
        }
        Found::None(None) => format!("There is no {what} “{typed_name}”."),
    };
    Err(NoAnswer::because(said))
}

/// Who did it.
pub fn by(deployed_by: Option<&str>) -> String {
    deployed_by.map_or("somebody".to_owned(), name)
}

fn listed(mut found: Vec<Text>, none: &str, more: Text) -> Text {
    if found.is_empty() {
        found.push(none.into());
    }
    let left_out = found.len().saturating_sub(LINES);
    found.truncate(LINES);
    if left_out > 0 {
        found.push(format!("and {left_out} more").into());
    }
    found.push(more);
    lines(found)
}

fn cell_line(cell: &MatrixCell) -> Text {
    let mut line = Text::from(name(&cell.environment_name));
    match &cell.current {
        Some(current) => {
            line += format!(": {}", name(&current.version));
            if let Some(time) = &current.deployed_at {
                line = line + ", " + at(time);
            }
            if let Some(who) = current.deployed_by.as_deref() {
                line += format!(" by {}", name(who));
            }
        }
        None => line += ": nothing",
    }
    let is_current = |id: &str| {
        cell.current
            .as_ref()
            .is_some_and(|one| one.deployment_id == id)
    };
    if let Some(latest) = cell
        .latest
        .as_ref()
        .filter(|one| !is_current(&one.deployment_id))
    {
        let state = super::state_words(latest.status);
        line += format!(" · {} {state}", name(&latest.version));
    }
    line
}

fn deployment_line(one: &Deployment) -> Text {
    let what = format!(
        " {} to {} {}, ",
        name(&one.version),
        name(&one.environment_name),
        super::state_words(one.status),
    );
    let who = format!(" by {}", by(one.deployed_by.as_deref()));
    bold(name(&one.product_name)) + what + at(&one.updated_at) + who
}
