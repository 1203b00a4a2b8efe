//! The header and the list of exports, which are generated and checked in.

use std::collections::BTreeSet;
use std::path::Path;

use crate::library::{check_syntax, exports, root, static_exports};

/// A section of the header: a file of src/ffi, and the macros that no Rust item stands for.
struct Section {
    source: &'static str,
    title: &'static str,
    macros: String,
}

fn sections() -> [Section; 8] {
    let section = |source, title, macros: &str| Section {
        source,
        title,
        macros: macros.to_owned(),
    };
    [
        section("version", "1. Version", &version_macros()),
        section("code", "2. Codes and kinds", ""),
        section("client", "3. Client", CLIENT_MACROS),
        section("event", "4. Events", ""),
        section("track", "5. Tracking", ""),
        section("ask", "6. Asking", ""),
        section("span", "7. Spans", ""),
        section("result", "8. Results", ""),
    ]
}

fn version_macros() -> String {
    let abi = std::fs::read_to_string(source("version")).expect("a source");
    let abi = abi
        .split_once("const ABI_VERSION: u32 = ")
        .and_then(|(_, rest)| rest.split_once(';'))
        .expect("the ABI version")
        .0;
    format!(
        "// The version that this header belongs to; see versioner_version for the running one.\n\
         #define VERSIONER_VERSION_MAJOR {}\n\
         #define VERSIONER_VERSION_MINOR {}\n\
         #define VERSIONER_VERSION_PATCH {}\n\n\
         // The ABI that this header describes; see versioner_abi_version for the running one.\n\
         #define VERSIONER_ABI_VERSION {abi}",
        env!("CARGO_PKG_VERSION_MAJOR"),
        env!("CARGO_PKG_VERSION_MINOR"),
        env!("CARGO_PKG_VERSION_PATCH"),
    )
}

const CLIENT_MACROS: &str = "\
// For members that are yes, no, or left to the other sources of settings.
#define VERSIONER_UNSET 0
#define VERSIONER_YES 1
#define VERSIONER_NO (-1)

// For versioner_options.max_retries.
#define VERSIONER_NO_RETRIES (-1)

// The levels of versioner_log_callback.
#define VERSIONER_LOG_WARNING 1
#define VERSIONER_LOG_INFO 2
#define VERSIONER_LOG_DEBUG 3";

/// What starts a struct that the caller fills.
fn initialiser(name: &str) -> String {
    let upper = name.to_uppercase();
    format!(
        "// Starts a {name}: nothing is set but its size.\n\
         #ifdef __cplusplus\n\
         static inline {name} {name}_make() {{\n  \
           {name} made = {name}();\n  \
           made.struct_size = sizeof made;\n  \
           return made;\n\
         }}\n\
         #define {upper}_INIT {name}_make()\n\
         #else\n\
         #define {upper}_INIT {{ .struct_size = sizeof({name}) }}\n\
         #endif"
    )
}

fn source(name: &str) -> std::path::PathBuf {
    root().join(format!("src/ffi/{name}.rs"))
}

/// What cbindgen makes of the sources, item by item, each with its comment.
fn items() -> Vec<String> {
    let config = cbindgen::Config::from_file(root().join("cbindgen.toml")).expect("a config");
    let mut builder = cbindgen::Builder::new().with_config(config);
    for section in sections() {
        builder = builder.with_src(source(section.source));
    }
    let mut written = Vec::new();
    builder.generate().expect("bindings").write(&mut written);
    let written = String::from_utf8(written).expect("UTF-8");
    let is_item = |part: &&str| !part.is_empty() && !part.starts_with("#ifdef __cplusplus\n");
    let parts = written.trim().split("\n\n").map(str::trim);
    parts
        .filter(|part| *part != "}  // extern \"C\"")
        .filter(is_item)
        .map(str::to_owned)
        .collect()
}

/// The name that an item declares, and whether it is a function.
fn declared_name(item: &str) -> (String, bool) {
    let code: Vec<&str> = item
        .lines()
        .filter(|line| !line.starts_with("//"))
        .collect();
    let first = code.first().expect("a declaration");
    let is_function = !first.starts_with("typedef") && !first.starts_with("enum");
    let words = |text: &str| -> Vec<String> {
        text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
            .filter(|word| word.starts_with("versioner_"))
            .map(str::to_owned)
            .collect()
    };
    let before_arguments = match first.strip_prefix("typedef void (*") {
        Some(callback) => callback,
        None => first.split('(').next().unwrap_or_default(),
    };
    let name = match is_function {
        true => words(before_arguments).pop(),
        false => words(first).into_iter().next(),
    };
    (
        name.unwrap_or_else(|| panic!("no name in {item}")),
        is_function,
    )
}

/// The index of the section whose source declares a name.
fn section_of(name: &str) -> usize {
    // Every call hands one out, so it comes before the first call.
    if name == "versioner_result" {
        return 1;
    }
    let declarations = ["enum", "struct", "type", "fn"];
    sections()
        .iter()
        .position(|section| {
            let text = std::fs::read_to_string(source(section.source)).expect("a source");
            declarations.iter().any(|keyword| {
                [" ", "(", "{", ";"]
                    .iter()
                    .any(|end| text.contains(&format!("{keyword} {name}{end}")))
            })
        })
        .unwrap_or_else(|| panic!("{name} is declared nowhere in src/ffi"))
}

fn generated_header() -> String {
    let prologue = std::fs::read_to_string(root().join("tests/abi/prologue.h")).expect("a file");
    let mut types = vec![Vec::new(); sections().len()];
    let mut functions = types.clone();
    for item in items() {
        let (name, is_function) = declared_name(&item);
        let place = if is_function {
            &mut functions
        } else {
            &mut types
        };
        let section = &mut place[section_of(&name)];
        section.push(item.clone());
        if item.contains("  size_t struct_size;") {
            section.push(initialiser(&name));
        }
    }
    let mut parts = vec![
        format!(
            "// Generated from src/ffi by `make header`. Do not edit.\n//\n{}",
            prologue.trim()
        ),
        "#ifndef VERSIONER_H\n#define VERSIONER_H".to_owned(),
        "#include <stdbool.h>\n#include <stddef.h>\n#include <stdint.h>".to_owned(),
        "#ifdef __cplusplus\nextern \"C\" {\n#endif".to_owned(),
    ];
    for (index, section) in sections().into_iter().enumerate() {
        let rule = "-".repeat(76);
        parts.push(format!("// {rule}\n// {}\n// {rule}", section.title));
        if !section.macros.is_empty() {
            parts.push(section.macros);
        }
        parts.append(&mut types[index]);
        parts.append(&mut functions[index]);
    }
    parts.push("#ifdef __cplusplus\n}\n#endif".to_owned());
    parts.push("#endif // VERSIONER_H".to_owned());
    parts.join("\n\n") + "\n"
}

/// Compares with the file that is checked in; `make header` writes it instead.
fn assert_up_to_date(path: &Path, generated: &str) {
    if std::env::var_os("VERSIONER_WRITE_HEADER").is_some() {
        std::fs::write(path, generated).expect("a written file");
        return;
    }
    let checked_in = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        checked_in == generated,
        "{} is out of date: run `make header`",
        path.display()
    );
}

#[test]
fn the_header_is_up_to_date() {
    assert_up_to_date(&root().join("include/versioner.h"), &generated_header());
}

#[test]
fn the_header_can_be_included_twice_in_every_c_and_every_cpp() {
    for standard in ["-std=c99", "-std=c11", "-std=c17", "-std=c2x"] {
        check_syntax("c", standard, "include_twice.c");
    }
    for standard in [
        "-std=c++11",
        "-std=c++14",
        "-std=c++17",
        "-std=c++20",
        "-std=c++23",
    ] {
        check_syntax("c++", standard, "include_twice.c");
    }
}

/// The exported functions as the sources declare them, each with its body.
fn declared() -> Vec<(String, String)> {
    let sources: String = sections()
        .iter()
        .map(|section| std::fs::read_to_string(source(section.source)).expect("a source"))
        .collect();
    let mut functions = Vec::new();
    for part in sources.split("#[unsafe(no_mangle)]").skip(1) {
        let signature = part
            .split_once("extern \"C\" fn ")
            .expect("an exported function")
            .1;
        let (name, rest) = signature.split_once('(').expect("arguments");
        let body = rest.split("\n}\n").next().expect("a body");
        functions.push((name.to_owned(), body.to_owned()));
    }
    functions
}

#[test]
fn the_library_exports_what_is_declared_and_listed_and_nothing_else() {
    let declared: BTreeSet<String> = declared().into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        exports(),
        declared,
        "left: the built library, right: src/ffi"
    );
    assert_eq!(
        static_exports(),
        declared,
        "left: the built archive, right: src/ffi"
    );
    let list: String = declared.iter().map(|name| format!("{name}\n")).collect();
    assert_up_to_date(&root().join("include/versioner.symbols"), &list);
    let header = generated_header();
    for name in declared {
        assert!(
            header.contains(&format!("{name}(")),
            "{name} is missing in the header"
        );
    }
}

#[test]
fn no_export_lets_a_panic_out() {
    let wrappers = ["boundary!(", "accessor!(", "text_accessor!("];
    for (file, name) in [
        ("track", "with_event"),
        ("ask", "with_question"),
        ("span", "begin<"),
        ("span", "prepare<"),
    ] {
        let text = std::fs::read_to_string(source(file)).expect("a source");
        let function = text
            .split_once(&format!("unsafe fn {name}"))
            .expect("the function")
            .1;
        assert!(begins_with(function, &wrappers), "{name}: {function}");
    }
    let handed_on = [
        "unsafe { with_event(",
        "unsafe { with_question(",
        "unsafe { begin(",
        "unsafe { prepare(",
    ];
    for (name, body) in declared() {
        // Naming a closure runs none of it.
        let after_closure = body
            .split_once("let call =")
            .and_then(|(before, rest)| before.trim_end().ends_with('{').then_some(rest))
            .and_then(|rest| rest.split_once("    // SAFETY"))
            .map(|(_, rest)| format!("{{\n// SAFETY{rest}"));
        let is_wrapped = match after_closure {
            Some(rest) => begins_with(&rest, &handed_on),
            None => begins_with(&body, &wrappers) || begins_with(&body, &handed_on),
        };
        assert!(is_wrapped, "{name} does not begin with boundary!: {body}");
    }
}

/// Whether the first line of code of the body, which may follow a signature, is one of these.
fn begins_with(function: &str, openings: &[&str]) -> bool {
    let body = function.split_once("{\n").map_or("", |(_, body)| body);
    let code = body
        .lines()
        .map(str::trim_start)
        .find(|line| !line.starts_with("//"));
    code.is_some_and(|line| openings.iter().any(|opening| line.starts_with(opening)))
}

#[test]
fn the_header_names_every_kind_of_warning() {
    let header = std::fs::read_to_string(root().join("include/versioner.h")).expect("a header");
    for kind in versioner::WarningKind::ALL {
        let name = format!("\"{}\"", kind.as_str());
        assert!(header.contains(&name), "{name} is missing");
    }
}
