//! Asks, runs the command if it may, and tells how it ended.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use clap::ArgMatches;

use super::ending::Ending;
use super::news::{News, NotRunnable, Program};
use super::plan::Plan;
use super::system::{self, Heard, Process};
use super::told::{self, Story};
use super::watch::{Watch, Watched};
use crate::cli::setup::{Output, Setup, named};
use crate::cli::track::Event;
use crate::cli::{explain, github, span};
use crate::client::Client;
use crate::input::environment::Environment;
use crate::model::event::EventKind;
use crate::model::failure::Failure;
use crate::model::kind::{Code, Kind};
use crate::model::outcome::{Error, Outcome};
use crate::model::source::Source;
use crate::model::status::Status;
use crate::report::console;
use crate::span::{Renewal, Span};

/// How long the end may take to be told once a signal came: a CI system kills soon after.
const HURRY: Duration = Duration::from_secs(3);

/// What the command is told, under names that no setting reads.
const PRODUCT: &str = "VERSIONER_RUN_PRODUCT";
const ENVIRONMENT: &str = "VERSIONER_RUN_ENVIRONMENT";
const EVENT: &str = "VERSIONER_RUN_EVENT";

/// Runs a command; gives back its exit code.
pub fn run(command: Option<(&str, &ArgMatches)>) -> i32 {
    let (kind, flags) = match command {
        Some(("build", flags)) => (EventKind::Build, flags),
        Some(("deployment", flags)) => (EventKind::Deployment, flags),
        _ => return Code::Error as i32,
    };
    if cfg!(fuzzing) {
        // Nothing that was made up is to be run.
        return Code::Error as i32;
    }
    let setup = Setup::new(flags);
    if setup.output == Output::Json {
        let message = "output cannot be json here: standard output is the command's; \
                       --output-file PATH gets the result as JSON";
        return setup
            .refuse(Failure::argument("output", message), Some(kind))
            .into();
    }
    let setup = match setup.with_git(flags) {
        Ok(setup) => setup.beside_a_command(),
        Err(code) => return code.into(),
    };
    if flags.get_flag("dry_run") {
        let code = match Event::new(kind, flags, &setup) {
            Ok(event) => explain::dry_run(&setup, kind, &event.into_start()),
            Err(failure) => setup.refuse(failure, Some(kind)),
        };
        return code.into();
    }
    let plan = match Plan::new(flags, &setup.environment) {
        Ok(plan) => plan,
        Err(failure) => return setup.refuse(failure, Some(kind)).into(),
    };
    let (sender, news) = channel();
    let heard = match system::listen(sender.clone()) {
        Ok(heard) => heard,
        Err(error) => {
            let message = format!("signals cannot be caught: {error}");
            return setup
                .refuse(Failure::new(Kind::Internal, message), Some(kind))
                .into();
        }
    };
    let run = Run {
        kind,
        flags,
        setup,
        plan,
        story: Story::default(),
        sender,
        news,
        heard,
    };
    run.perform()
}

struct Run<'a> {
    kind: EventKind,
    flags: &'a ArgMatches,
    setup: Setup,
    plan: Plan,
    story: Story,
    sender: Sender<News>,
    news: Receiver<News>,
    heard: Heard,
}

impl Run<'_> {
    fn perform(mut self) -> i32 {
        let path = std::env::var_os("PATH");
        let file = match system::find(&self.plan.command, path) {
            Ok(file) => file,
            Err(problem) => return self.not_runnable(&problem),
        };
        let client = match self.setup.client() {
            Ok(client) => client,
            Err(error) => return self.not_begun(error, ""),
        };
        let span = match self.begun(&client) {
            Ok(span) => span,
            Err(error) => return self.not_begun(error, client.ui_url()),
        };
        self.forget_what_came_too_early();
        if self.heard.interrupt.is_raised() {
            self.end(&span, Status::Aborted, None, &Watched::default());
            console::error("interrupted, the command did not run");
            return self.story.write(&mut self.plan, Code::Error as i32);
        }
        let variables = self.variables(&span);
        let removed: &[_] = match self.plan.keeps_api_key {
            true => &[],
            false => &["VERSIONER_API_KEY"],
        };
        let program = Program {
            file: &file,
            name: &self.plan.command,
            arguments: &self.plan.arguments,
            variables: &variables,
            removed,
        };
        let process = match Process::start(&program, self.sender.clone()) {
            Ok(process) => process,
            Err(error) => {
                self.end(&span, Status::Failed, None, &Watched::default());
                return self.not_runnable(&NotRunnable::unexecutable(&file, &error));
            }
        };
        let renewal = Renewal::start(&span);
        let watch = Watch {
            process: &process,
            news: &self.news,
            is_group_signalled: self.plan.is_group_signalled,
            timeout: self.plan.timeout,
            goes_on: &|| told::goes_on(span.hold_abort()),
        };
        let watched = watch.until_it_ends();
        drop(renewal);
        // A command whose end nobody can tell has not succeeded.
        let ending = process.end().map_or(Ending::Code(1), Ending::of);
        let status = ending.status(&self.plan.success_codes, watched.was_signalled);
        self.story.ending = Some(ending);
        self.end(&span, status, Some(ending), &watched);
        self.report(client.ui_url());
        let code = self.exit_code(&client, ending, status);
        self.story.write(&mut self.plan, code)
    }

    /// What means something to the command alone would end one that has just begun, and cannot hear
    /// it yet. That something asks to end is known otherwise.
    fn forget_what_came_too_early(&self) {
        self.heard.forget_passed_on();
        while self.news.try_recv().is_ok() {}
    }

    /// Asks whether it may begin.
    fn begun(&mut self, client: &Client) -> Result<Span, Error> {
        let span = span::prepared(client, self.kind, self.flags, &self.setup)?;
        self.check_not_nested(&span)
            .map_err(|failure| Error::from(failure.into_outcome(Some(self.kind))))?;
        let started = span.ask(&self.heard.interrupt)?;
        let what = told::what(&started.subject);
        let recorded = match started.recorded {
            true => "started",
            false => "begins, which is not recorded",
        };
        console::error(&format!("versioner: {what}: {recorded}"));
        self.story.started = Some(started);
        Ok(span)
    }

    /// A second start of the same would wait for the end of the first, or end it.
    fn check_not_nested(&self, span: &Span) -> Result<(), Failure> {
        let outer = &self.setup.environment;
        let subject = span.start().subject;
        let is_named = |name: &str, own: &str| {
            // As versioner-server compares names.
            outer.hint(name).unwrap_or_default().to_lowercase() == own.to_lowercase()
        };
        let is_inside = outer.hint(EVENT) == Some(event_name(self.kind))
            && is_named(PRODUCT, &subject.product)
            && is_named(ENVIRONMENT, &subject.environment);
        if !is_inside {
            return Ok(());
        }
        let message = format!(
            "product: this runs inside another `versioner run` of {}, which tells its start and end: \
             leave one of them out",
            told::what(&subject)
        );
        Err(Failure::argument("product", message))
    }

    fn variables(&self, span: &Span) -> Vec<(&'static str, String)> {
        let subject = span.start().subject;
        let id = self
            .story
            .started
            .as_ref()
            .map(|started| started.event_id.to_string());
        vec![
            ("VERSIONER_RUN_ID", id.unwrap_or_default()),
            ("VERSIONER_RUN_SPAN", span.id().to_owned()),
            (PRODUCT, subject.product),
            ("VERSIONER_RUN_VERSION", subject.version),
            (ENVIRONMENT, subject.environment),
            (EVENT, event_name(self.kind).to_owned()),
        ]
    }

    /// Tells how it ended.
    fn end(&mut self, span: &Span, status: Status, ending: Option<Ending>, watched: &Watched) {
        let mut end = ending.unwrap_or(Ending::Code(0)).event(status);
        if ending.is_none() {
            end.exit_code = None;
        }
        if watched.is_overdue {
            end.error_class = "timeout".to_owned();
        }
        end.timeout = (watched.was_signalled || self.heard.interrupt.is_raised()).then_some(HURRY);
        let ended = span.end(&end).unwrap_or_else(Error::into_outcome);
        // What is taken will be recorded.
        let is_told = ended.recorded || ended.kind == Kind::Ok;
        match (is_told || ended.is_queued(), ending) {
            (true, _) => {
                let what = told::what(&ended.subject);
                let more = match ended.ended_otherwise(status) {
                    Some(known) => format!(", but {}", span::known_otherwise(known)),
                    None if ended.had_ended => format!(", but {}", ended.message),
                    None if is_told => String::new(),
                    None => ", which is told later".to_owned(),
                };
                console::error(&format!("versioner: {what}: {}{more}", status.as_str()));
            }
            (false, Some(ending)) => {
                let started = self.story.started.as_ref();
                let started = started.is_some_and(|started| started.recorded);
                told::not_recorded(&ended, ending, status.as_str(), started);
            }
            (false, None) => console::error(&format!("warning: {}", ended.message)),
        }
        self.story.ended = Some(ended);
    }

    /// The command's own code, unless a success that is not recorded was to be an error.
    fn exit_code(&self, client: &Client, ending: Ending, status: Status) -> i32 {
        let ended = self.story.ended.as_ref();
        let failed = ended.filter(|ended| ended.code != Code::Ok && ended.code != Code::Rejected);
        match failed {
            Some(ended) if status == Status::Completed && must_be_recorded(client) => {
                told::succeeded();
                ended.code as i32
            }
            _ => ending.exit_code(),
        }
    }

    /// The command did not run: it may not begin, or nobody could be asked.
    fn not_begun(mut self, error: Error, ui_url: &str) -> i32 {
        let mut outcome = named(error.into_outcome(), Some(self.kind));
        if needs_key_under_sudo(&outcome, &self.setup.environment) {
            outcome
                .message
                .push_str(" sudo keeps no variables: use sudo --preserve-env=VERSIONER_API_KEY.");
        }
        console::error(&outcome.text());
        let (word, code) = match outcome.code {
            Code::Rejected => ("rejected", self.plan.rejected.into()),
            code if outcome.kind == Kind::Interrupted => ("interrupted", code as i32),
            code => ("failed", code as i32),
        };
        github::report(&outcome, ui_url, &self.setup);
        self.story.started = Some(outcome);
        let code = self.story.write(&mut self.plan, code);
        console::error(&format!("{word}, the command did not run"));
        code
    }

    fn not_runnable(mut self, problem: &NotRunnable) -> i32 {
        console::error(&format!("versioner: {}", problem.message));
        self.story.write(&mut self.plan, problem.code.into())
    }

    fn report(&self, ui_url: &str) {
        let recorded = self.story.ended.iter().find(|ended| ended.recorded);
        if let Some(outcome) = recorded.or(self.story.started.as_ref()) {
            github::report(outcome, ui_url, &self.setup);
        }
    }
}

fn event_name(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Build => "build",
        EventKind::Deployment => "deployment",
    }
}

/// Whether somebody said that an event that is not recorded is an error, which it is otherwise by
/// default.
fn must_be_recorded(client: &Client) -> bool {
    let settings = client.explained_settings().iter();
    let mut said = settings.filter(|one| one.field == "fail_on_api_error");
    said.any(|one| one.value == "true" && one.source != Source::Default)
}

fn needs_key_under_sudo(outcome: &Outcome, environment: &Environment) -> bool {
    let is_key = outcome.kind == Kind::Config && outcome.argument == "api_key";
    is_key && environment.hint("SUDO_USER").is_some()
}
