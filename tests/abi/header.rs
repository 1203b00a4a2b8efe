//! The header and the list of exports, which are generated and checked in.

use std::collections::BTreeSet;
use std::path::Path;

use crate::library::{exports, root};

/// The macros that no Rust item stands for.
fn macros() -> String {
    let version = |part: &str, number: &str| format!("#define VERSIONER_VERSION_{part} {number}\n");
    let major = env!("CARGO_PKG_VERSION_MAJOR");
    let init = |name: &str| {
        let upper = name.to_uppercase();
        format!(
            "#ifdef __cplusplus\n\
             static inline {name} {name}_make() {{\n  \
               {name} made = {name}();\n  \
               made.struct_size = sizeof made;\n  \
               return made;\n\
             }}\n\
             #define {upper}_INIT {name}_make()\n\
             #else\n\
             #define {upper}_INIT {{ .struct_size = sizeof({name}) }}\n\
             #endif\n\n"
        )
    };
    let structs = [
        "versioner_options",
        "versioner_build_event",
        "versioner_deployment_event",
    ];
    let initialisers: String = structs.iter().map(|name| init(name)).collect();
    format!(
        "\n// The initialisers. Every other member is unset.\n\n{initialisers}\
         // The version that this header belongs to; see versioner_version for the running one.\n\
         {}{}{}\n\
         // See versioner_abi_version.\n\
         #define VERSIONER_ABI_VERSION {major}\n\n\
         // For members that are yes, no, or left to the other sources of settings.\n\
         #define VERSIONER_UNSET 0\n\
         #define VERSIONER_YES 1\n\
         #define VERSIONER_NO (-1)\n\n\
         // For versioner_options.max_retries.\n\
         #define VERSIONER_NO_RETRIES (-1)\n\n\
         // The levels of versioner_log_callback.\n\
         #define VERSIONER_LOG_WARNING 1\n\
         #define VERSIONER_LOG_INFO 2\n\
         #define VERSIONER_LOG_DEBUG 3",
        version("MAJOR", major),
        version("MINOR", env!("CARGO_PKG_VERSION_MINOR")),
        version("PATCH", env!("CARGO_PKG_VERSION_PATCH")),
    )
}

/// In the order of the header's sections.
const SOURCES: [&str; 5] = ["version", "client", "event", "result", "accessors"];

fn generated_header() -> String {
    let mut config = cbindgen::Config::from_file(root().join("cbindgen.toml")).expect("a config");
    config.trailer = Some(macros());
    let mut builder = cbindgen::Builder::new().with_config(config);
    for source in SOURCES {
        builder = builder.with_src(root().join(format!("src/ffi/{source}.rs")));
    }
    let mut header = Vec::new();
    builder.generate().expect("bindings").write(&mut header);
    String::from_utf8(header).expect("UTF-8")
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

/// The exported functions as the sources declare them, each with its body.
fn declared() -> Vec<(String, String)> {
    let sources = SOURCES.map(|source| {
        let path = root().join(format!("src/ffi/{source}.rs"));
        std::fs::read_to_string(path).expect("a source")
    });
    let mut functions = Vec::new();
    for part in sources.concat().split("#[unsafe(no_mangle)]").skip(1) {
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
    for (name, body) in declared() {
        let opening = body
            .split_once('{')
            .map_or("", |(_, body)| body.trim_start());
        let code = opening
            .lines()
            .find(|line| !line.trim_start().starts_with("//"));
        let is_wrapped = code.is_some_and(|line| line.trim_start().starts_with("boundary!("));
        assert!(is_wrapped, "{name} does not begin with boundary!: {body}");
    }
}
