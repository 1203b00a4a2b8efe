//! The C ABI: the header that is checked in, and what the library exports.
#![cfg(feature = "capi")]

use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

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
         #define VERSIONER_NO -1\n\n\
         // For versioner_options.max_retries.\n\
         #define VERSIONER_NO_RETRIES -1\n\n\
         // The levels of versioner_log_callback.\n\
         #define VERSIONER_LOG_WARNING 1\n\
         #define VERSIONER_LOG_INFO 2\n\
         #define VERSIONER_LOG_DEBUG 3",
        version("MAJOR", major),
        version("MINOR", env!("CARGO_PKG_VERSION_MINOR")),
        version("PATCH", env!("CARGO_PKG_VERSION_PATCH")),
    )
}

fn generated_header() -> String {
    let mut config = cbindgen::Config::from_file(root().join("cbindgen.toml")).expect("a config");
    config.trailer = Some(macros());
    let sources = ["version", "client", "event", "result", "accessors"];
    let mut builder = cbindgen::Builder::new().with_config(config);
    for source in sources {
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
