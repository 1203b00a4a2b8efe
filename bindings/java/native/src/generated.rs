//! Writes the Java classes that are made of the core's lists, and fails if they have drifted.
//! `VERSIONER_WRITE_JAVA=1 cargo test -p versioner-jni generated` writes them anew.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use versioner::{BuildEvent, Code, DeploymentEvent, EventKind, Field, FieldKind, Kind};

use crate::codec;

const HEAD: &str = "// Generated from the core by `VERSIONER_WRITE_JAVA=1 cargo test -p versioner-jni generated`.\n\
                    package io.versioner;\n\n";

fn manifest() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn assert_up_to_date(class: &str, body: &str) {
    let folder = manifest().join("../src/main/java/io/versioner");
    let path: PathBuf = folder.join(format!("{class}.java"));
    let generated = format!("{HEAD}{body}");
    if std::env::var_os("VERSIONER_WRITE_JAVA").is_some() {
        fs::create_dir_all(&folder).expect("a folder");
        fs::write(&path, generated).expect("a written file");
        return;
    }
    assert!(
        fs::read_to_string(&path).unwrap_or_default() == generated,
        "{} is out of date: run `VERSIONER_WRITE_JAVA=1 cargo test -p versioner-jni generated`",
        path.display()
    );
}

/// `scm_sha` as `scmSha`.
fn camel(name: &str) -> String {
    let mut parts = name.split('_');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |camel, part| {
        let (initial, rest) = part.split_at(1);
        camel + &initial.to_uppercase() + rest
    })
}

/// A Javadoc comment of lines of at most 100 columns.
fn javadoc(indent: usize, paragraphs: &[&str], tags: &[&str]) -> String {
    let pad = " ".repeat(indent);
    if let ([only], []) = (paragraphs, tags) {
        let line = format!("{pad}/** {} */\n", html(only));
        if line.len() <= 101 {
            return line;
        }
    }
    let mut doc = format!("{pad}/**\n");
    let mut wrap = |text: &str, hang: &str| {
        let mut line = String::new();
        for word in text.split_whitespace() {
            if !line.is_empty() && indent + 4 + line.len() + word.len() > 100 {
                let _ = writeln!(doc, "{pad} * {line}");
                line = hang.to_owned();
            } else if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        let _ = writeln!(doc, "{pad} * {line}");
    };
    for (position, paragraph) in paragraphs.iter().enumerate() {
        let opening = if position == 0 { "" } else { "<p>" };
        if position > 0 {
            wrap("", "");
        }
        wrap(&format!("{opening}{}", html(paragraph)), "");
    }
    if !tags.is_empty() {
        wrap("", "");
    }
    for tag in tags {
        wrap(tag, "    ");
    }
    doc = doc.replace(" * \n", " *\n");
    doc + &pad + " */\n"
}

/// Text of Rust documentation as Javadoc has it.
fn html(text: &str) -> String {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;");
    let mut html = String::new();
    for (position, part) in escaped.split('`').enumerate() {
        match position % 2 {
            0 => html.push_str(part),
            _ => {
                let _ = write!(html, "{{@code {part}}}");
            }
        }
    }
    html
}

/// The documentation of an enumerator in the C header, and its number.
fn header_entry(name: &str) -> (String, i32) {
    let header = fs::read_to_string(manifest().join("../../../include/versioner.h"))
        .expect("include/versioner.h");
    let lines: Vec<&str> = header.lines().map(str::trim).collect();
    let start = format!("{name} = ");
    let position = lines
        .iter()
        .position(|line| line.starts_with(&start))
        .unwrap_or_else(|| panic!("{name} is not in include/versioner.h: run `make header`"));
    let number = lines[position][start.len()..].trim_end_matches(',');
    let comments: Vec<&str> = lines[..position]
        .iter()
        .rev()
        .map_while(|line| line.strip_prefix("// "))
        .collect();
    let about: Vec<String> = comments.into_iter().rev().map(linked).collect();
    (about.join(" "), number.parse().expect("a number"))
}

/// A line of the header with its accessors as links to the methods of `Outcome`.
fn linked(line: &str) -> String {
    let words = line.split(' ').map(|word| {
        let accessor = word.strip_prefix("versioner_result_");
        accessor.map_or_else(
            || word.to_owned(),
            |name| {
                let end = name.find(|letter: char| !letter.is_alphabetic() && letter != '_');
                let (name, rest) = name.split_at(end.unwrap_or(name.len()));
                format!("{{@link Outcome#{}()}}{rest}", camel(name))
            },
        )
    });
    words.collect::<Vec<_>>().join(" ")
}

fn enumerators(prefix: &str, names: &[(String, String)]) -> String {
    let mut body = String::new();
    for (position, (name, arguments)) in names.iter().enumerate() {
        let (about, _) = header_entry(&format!("{prefix}{name}"));
        let end = if position + 1 == names.len() {
            ";\n"
        } else {
            ",\n\n"
        };
        let _ = write!(
            body,
            "{}    {name}({arguments}){end}",
            javadoc(4, &[&about], &[])
        );
    }
    body
}

#[test]
fn codes() {
    let codes = [
        ("OK", Code::Ok),
        ("ERROR", Code::Error),
        ("API_ERROR", Code::ApiError),
        ("REJECTED", Code::Rejected),
    ];
    let names: Vec<(String, String)> = codes
        .iter()
        .map(|(name, code)| ((*name).to_owned(), (*code as i32).to_string()))
        .collect();
    for (name, number) in &names {
        assert_eq!(
            header_entry(&format!("VERSIONER_{name}")).1.to_string(),
            *number
        );
    }
    let about = javadoc(
        0,
        &[
            "How a call ended, in the four numbers that every surface shares; the command line exits with them. They never grow.",
        ],
        &[],
    );
    assert_up_to_date(
        "Code",
        &format!(
            "{about}public enum Code {{\n{}\n    private final int number;\n\n    \
             Code(int number) {{\n        this.number = number;\n    }}\n\n{}    \
             public int number() {{\n        return number;\n    }}\n\n    \
             static Code of(String number) {{\n        for (Code code : values()) {{\n            \
             if (number.equals(String.valueOf(code.number))) {{\n                return code;\n            \
             }}\n        }}\n        return ERROR;\n    }}\n}}\n",
            enumerators("VERSIONER_", &names),
            javadoc(4, &["The number."], &["@return 0, 1, 4 or 5"]),
        ),
    );
}

#[test]
fn kinds() {
    let code = |kind: &Kind| match kind.code() {
        Code::Ok => "OK",
        Code::Error => "ERROR",
        Code::ApiError => "API_ERROR",
        Code::Rejected => "REJECTED",
    };
    let names: Vec<(String, String)> = Kind::ALL
        .iter()
        .map(|kind| {
            let name = kind.as_str();
            (
                name.to_uppercase(),
                format!("\"{name}\", Code.{}", code(kind)),
            )
        })
        .collect();
    let about = javadoc(
        0,
        &["The finer reason under a {@link Code}. New ones are only ever appended."],
        &[],
    );
    assert_up_to_date(
        "Kind",
        &format!(
            "{about}public enum Kind {{\n{}\n    private final String text;\n    \
             private final Code code;\n\n    Kind(String text, Code code) {{\n        \
             this.text = text;\n        this.code = code;\n    }}\n\n{}    \
             public Code code() {{\n        return code;\n    }}\n\n{}    @Override\n    \
             public String toString() {{\n        return text;\n    }}\n\n    \
             static Kind of(String text, Code code) {{\n        for (Kind kind : values()) {{\n            \
             if (kind.text.equals(text)) {{\n                return kind;\n            }}\n        }}\n        \
             switch (code) {{\n            case API_ERROR:\n                return HTTP;\n            \
             case REJECTED:\n                return REJECTED;\n            default:\n                \
             return INTERNAL;\n        }}\n    }}\n}}\n",
            enumerators("VERSIONER_KIND_", &names),
            javadoc(
                4,
                &["The code that a failure of this kind has."],
                &["@return the code"]
            ),
            javadoc(
                4,
                &["The name that is the same on every surface."],
                &["@return such as {@code flow_violation}"]
            ),
        ),
    );
}

/// The types that a field may be given as, each with what its value means.
fn java_types(kind: FieldKind) -> Vec<(&'static str, &'static str)> {
    let text = match kind {
        FieldKind::Name | FieldKind::Status => {
            "the value; null is unset, blank is refused when the event is tracked"
        }
        _ => "the value; null or blank is unset",
    };
    let mut types = vec![("String", text)];
    match kind {
        FieldKind::Time => {
            types.push(("Instant", "the moment; null is unset"));
            types.push(("OffsetDateTime", "the moment; null is unset"));
        }
        FieldKind::Json => types.push((
            "Map<String, ?>",
            "the members; null is unset. Values are texts, numbers (a {@code BigDecimal} keeps \
             its digits), booleans, null, times, lists, arrays and maps",
        )),
        _ => {}
    }
    types
}

/// A method of a builder. One that takes another type than text says so if it can fail.
fn setter(position: usize, field: &Field, kind: &str, meaning: &str) -> String {
    let name = camel(field.name);
    let about = match kind {
        "Map<String, ?>" => {
            "An object of the caller's own, sent as JSON of at most 102,400 bytes; its keys win over detected ones."
        }
        _ => field.about.trim(),
    };
    let param = format!("@param {name} {meaning}");
    let mut tags = vec![param.as_str(), "@return this builder"];
    if kind.starts_with("Map") {
        tags.push("@throws UsageException if something in it has no JSON, such as NaN");
    }
    let doc = javadoc(8, &[about], &tags);
    format!(
        "\n{doc}        public Builder {name}({kind} {name}) {{\n            \
         return set({position}, {name});\n        }}\n"
    )
}

/// The Java type of what is given per call only, what it does, and what its value means.
fn per_call(name: &str) -> (&'static str, &'static str, &'static str) {
    match name {
        "skip_preflight_checks" => (
            "boolean",
            "Deprecated: asks the service to skip its preflight checks. Set the rule to report-only on the server instead.",
            "whether to skip. Default: false",
        ),
        "allow_literal" => (
            "boolean",
            "Sends a product, environment or version that looks like a placeholder which nobody replaced, such as `${VERSION}`, with a warning.",
            "whether to send it. Default: false, it is refused",
        ),
        "timeout" => (
            "Duration",
            "The longest that this call may take with all its attempts and pauses, in place of the client's total timeout.",
            "at least a millisecond; null is unset. Default: the client's",
        ),
        "idempotency_key" => (
            "String",
            "What makes two calls one event, such as a CI's retry of a step: 1 to 255 visible ASCII characters.",
            "the key; null is a new one for each call, blank is refused",
        ),
        "skip_reason" => (
            "String",
            "Why the preflight checks are skipped; kept with the event as `vi_skip_reason`.",
            "the reason; null or blank is none, which is a warning",
        ),
        "part" => (
            "String",
            "Which of several legs of one run this is, such as a region of a matrix: the legs of one run and version are one deployment, which ends when every leg that started has ended, as the worst of them. Kept as `vi_part`.",
            "at most 64 characters; null is unset, blank is refused",
        ),
        "lease" => (
            "Duration",
            "How long the deployment stays in progress after its last sign of life. Only of one that is begun, by {@link Client#deployment} or {@link Client#begin}, and with a service that offers `renew`.",
            "from a second to 24 hours; null is unset. Default: as long as the service says",
        ),
        "wait" => (
            "Duration",
            "Of a start: how long to wait for its gate, if a window, a soak time, an approval or another deployment keeps it closed. A service that cannot be reached is asked again until then, in best effort too; `timeout` is then of each asking, and an interruption ends the wait at any moment. What it has come to is told to the listener at level info, once for each change.",
            "how long; null and zero do not wait",
        ),
        "wait_for" => (
            "String",
            "What else to wait for: `flow` is the environments that come first.",
            "the word; null or blank is unset. Default: such a rejection ends the wait at once",
        ),
        "wait_superseded" => (
            "String",
            "What to do if another version was started there meanwhile: `stop` ends the wait with {@link Kind#SUPERSEDED}, so that an older version does not go out last by luck; `go` waits on.",
            "the word; null or blank is unset. Default: {@code stop}",
        ),
        other => panic!("document {other} here"),
    }
}

fn event(class: &str, about: &[&str], kind: EventKind, flags: &[&str]) {
    let fields = kind.fields();
    let mut setters = String::new();
    for (position, field) in fields.iter().enumerate() {
        for (kind, meaning) in java_types(field.kind) {
            setters += &setter(position, field, kind, meaning);
        }
    }
    let others = flags.iter().chain(match kind {
        EventKind::Build => codec::BUILD_PER_CALL,
        EventKind::Deployment => codec::DEPLOYMENT_PER_CALL,
    });
    for (position, flag) in others.enumerate() {
        let (kind, about, meaning) = per_call(flag);
        let position = fields.len() + position;
        let name = camel(flag);
        let param = format!("@param {name} {meaning}");
        let doc = javadoc(8, &[about], &[&param, "@return this builder"]);
        let _ = write!(
            setters,
            "\n{doc}        public Builder {name}({kind} {name}) {{\n            \
             return set({position}, {name});\n        }}\n"
        );
    }
    let upper = match kind {
        EventKind::Build => "BUILD",
        EventKind::Deployment => "DEPLOYMENT",
    };
    let of = javadoc(
        4,
        &[
            "An event with the values of a map, such as Groovy's named arguments.",
            "The names are those that every surface shares, such as `scm_sha`. Values are texts, integers, `BigDecimal`, URLs or enums, taken as their text; null is unset. Times may be an `Instant`, `OffsetDateTime`, `ZonedDateTime` or `Date`, `extra_metadata` a map, `skip_preflight_checks` and `allow_literal` a boolean or a word for one, `timeout`, `lease` and `wait` a `Duration` or a number of seconds.",
        ],
        &[
            "@param values the values by name",
            "@return the event",
            "@throws IllegalArgumentException if a name is none of this event's",
            "@throws UsageException if a value is of a type that its field cannot have",
        ],
    );
    let builder = javadoc(4, &["Starts an event."], &["@return an empty builder"]);
    let builder_about = javadoc(4, &["Collects the values of an event."], &[]);
    let build = javadoc(
        8,
        &["Makes the event. Its values are checked when it is tracked."],
        &["@return the event"],
    );
    assert_up_to_date(
        class,
        &format!(
            "import java.time.Duration;\nimport java.time.Instant;\nimport java.time.OffsetDateTime;\nimport java.util.Map;\n\n{}public final class {class} extends Event {{\n    \
             private {class}(String[] values) {{\n        super(Layout.{upper}, values);\n    }}\n\n\
             {builder}    public static Builder builder() {{\n        return new Builder();\n    }}\n\n\
             {of}    public static {class} of(Map<String, ?> values) {{\n        \
             return builder().setAll(values).build();\n    }}\n\n\
             {builder_about}    public static final class Builder extends Event.Builder<Builder> {{\n        \
             private Builder() {{\n            super(Layout.{upper});\n        }}\n\
             {setters}\n{build}        public {class} build() {{\n            \
             return new {class}(values());\n        }}\n    }}\n}}\n",
            javadoc(0, about, &[]),
        ),
    );
}

const SOURCES: &str = "What is unset is taken from `VERSIONER_*` variables, the configuration file \
                       and the CI system, in this order.";

#[test]
fn build_event() {
    let about = ["Something was built.", SOURCES];
    event("BuildEvent", &about, EventKind::Build, BuildEvent::FLAGS);
}

#[test]
fn deployment_event() {
    let about = [
        "Something is deployed. With status `started` the service checks it against policy first, and a {@link RejectedException} means that the deployment must not happen.",
        SOURCES,
    ];
    event(
        "DeploymentEvent",
        &about,
        EventKind::Deployment,
        DeploymentEvent::FLAGS,
    );
}

/// Where a version is written by hand, because nothing can derive it there.
#[test]
fn versions() {
    let version = env!("CARGO_PKG_VERSION");
    for (file, text) in [
        ("../pom.xml", format!("<version>{version}</version>")),
        (
            "../../jenkins/pom.xml",
            format!("<version>{version}</version>"),
        ),
        (
            "../../jenkins/src/io/versioner/jenkins/Calls.groovy",
            format!("@Grab('io.versioner:versioner:{version}')"),
        ),
    ] {
        let content = fs::read_to_string(manifest().join(file)).expect(file);
        assert!(content.contains(&text), "{file} does not have {text}");
    }
}

/// The names of the fields of some kinds, as arguments.
fn names_of(kinds: &[FieldKind]) -> String {
    let fields = DeploymentEvent::FIELDS.iter().chain(BuildEvent::FIELDS);
    let of_kinds = fields.filter(|field| kinds.contains(&field.kind));
    let mut names: Vec<String> = Vec::new();
    for field in of_kinds {
        let name = format!("\"{}\"", field.name);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.join(", ")
}

#[test]
fn layout() {
    let abi = codec::abi();
    let results = abi.rsplit(';').next().unwrap_or_default();
    let mut positions = String::new();
    for (position, name) in results.split(',').enumerate() {
        let name = name.to_uppercase();
        let _ = writeln!(positions, "    static final int {name} = {position};");
    }
    let parts: Vec<String> = abi.split(';').map(|part| format!("\"{part}")).collect();
    let about = javadoc(
        0,
        &["The order in which values cross to and from the native library."],
        &[],
    );
    assert_up_to_date(
        "Layout",
        &format!(
            "import java.util.List;\n\n{about}final class Layout {{\n    /** What the native library must answer. */\n    \
             static final String ABI =\n            {}\";\n\n    \
             /** Names of the values of a build. */\n    \
             static final String[] BUILD = names(1);\n\n    \
             /** Names of the values of a deployment. */\n    \
             static final String[] DEPLOYMENT = names(2);\n\n    \
             /** Names of the settings of a client. */\n    \
             static final String[] OPTIONS = names(3);\n\n    \
             /** Names of the values of an end. */\n    \
             static final String[] END = names(4);\n\n    \
             /** Names of the values of an outcome, less its warnings. */\n    \
             static final String[] OUTCOME = names(5);\n\n    \
             /** Fields that may not be given and blank. */\n    \
             static final List<String> NAMES =\n            List.of({}, \"part\");\n\n    \
             /** Fields that hold a moment. */\n    \
             static final List<String> TIMES = List.of({});\n\n    \
             // Positions of the values of an outcome.\n{positions}\n    private Layout() {{}}\n\n    \
             private static String[] names(int part) {{\n        \
             return ABI.split(\";\")[part].split(\",\");\n    }}\n}}\n",
            parts.join(";\"\n                    + "),
            names_of(&[FieldKind::Name, FieldKind::Status]),
            names_of(&[FieldKind::Time]),
        ),
    );
}
