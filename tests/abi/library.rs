//! The C library as it is installed, and programs compiled against it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A folder for what these tests build.
pub fn build_folder() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("abi")
}

/// Runs a command to its end and gives back its standard output.
pub fn run(command: &mut Command) -> String {
    let shown = format!("{command:?}");
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{shown}: {error}; `make test` installs what is missing"));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{shown} ended with {}:\n{stderr}",
        output.status
    );
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// The prefix below which the library is installed, built once for all tests.
pub fn prefix() -> &'static Path {
    static PREFIX: OnceLock<PathBuf> = OnceLock::new();
    PREFIX.get_or_init(|| {
        let prefix = build_folder().join("prefix");
        run(Command::new(root().join("scripts/install.sh")).arg(&prefix));
        prefix
    })
}

pub fn shared_library() -> PathBuf {
    prefix().join("lib/libversioner.so")
}

/// The symbols that a program can link to, of the shared library.
pub fn exports() -> BTreeSet<String> {
    symbols(&["--dynamic", "--defined-only"], &shared_library())
}

/// The symbols that a program can link to, of the static library.
pub fn static_exports() -> BTreeSet<String> {
    let archive = prefix().join("lib/libversioner.a");
    symbols(&["--extern-only", "--defined-only"], &archive)
}

fn symbols(arguments: &[&str], library: &Path) -> BTreeSet<String> {
    let listed = run(Command::new("nm").args(arguments).arg(library));
    let name = |line: &str| match line.split_whitespace().collect::<Vec<_>>()[..] {
        [_, _, name] => Some(name.to_owned()),
        _ => None,
    };
    listed.lines().filter_map(name).collect()
}

/// How a program is linked and watched.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Build {
    Shared,
    Static,
    AddressSanitizer,
}

/// Compiles `tests/c/SOURCE`, warnings being errors, with the flags that pkg-config tells.
pub fn compile(source: &str, build: Build) -> PathBuf {
    let (name, extension) = source.split_once('.').expect("an extension");
    let (suffix, more): (_, &[&str]) = match build {
        Build::Shared => ("shared", &[]),
        Build::Static => ("static", &[]),
        Build::AddressSanitizer => ("asan", &["-fsanitize=address", "-fno-omit-frame-pointer"]),
    };
    let (compiler, standard) = match extension {
        "cpp" => ("c++", "-std=c++11"),
        _ => ("cc", "-std=c99"),
    };
    let package = match build {
        Build::Static => "versioner-static",
        _ => "versioner",
    };
    let mut arguments = vec![standard.to_owned()];
    arguments.extend(more.iter().map(|flag| (*flag).to_owned()));
    arguments.extend(pkg_config(&["--cflags", "--libs", package]));
    compile_with(
        compiler,
        &arguments,
        &root().join("tests/c").join(source),
        &format!("{name}-{suffix}"),
    )
}

/// Compiles one source into a program of this name; links the installed library.
pub fn compile_with(compiler: &str, arguments: &[String], source: &Path, name: &str) -> PathBuf {
    std::fs::create_dir_all(build_folder()).expect("a folder");
    let program = build_folder().join(name);
    let mut command = Command::new(compiler);
    command
        .args(["-g", "-Wall", "-Wextra", "-Werror", "-pedantic", "-pthread"])
        .arg(source)
        .arg("-o")
        .arg(&program)
        .args(arguments)
        .arg(format!("-Wl,-rpath,{}", prefix().join("lib").display()));
    run(&mut command);
    program
}

/// Compiles a source that includes the header to nothing but warnings, which are errors.
pub fn check_syntax(language: &str, standard: &str, source: &str) {
    let old_style = match language {
        "c++" => "-Wold-style-cast",
        _ => "-Wstrict-prototypes",
    };
    let mut command = Command::new("c++");
    if language == "c" {
        command = Command::new("cc");
    }
    command
        .args(["-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-pedantic"])
        .args(["-Wconversion", "-Wundef", old_style, standard])
        .args(["-x", language])
        .arg("-I")
        .arg(root().join("include"))
        .arg(root().join("tests/c").join(source));
    run(&mut command);
}

pub fn pkg_config(arguments: &[&str]) -> Vec<String> {
    let mut command = Command::new("pkg-config");
    command.env("PKG_CONFIG_PATH", prefix().join("lib/pkgconfig"));
    let flags = run(command.args(arguments));
    flags.split_whitespace().map(str::to_owned).collect()
}

/// A command that runs the program under valgrind, where an invalid access or a definite leak is
/// exit code 99.
pub fn under_valgrind(program: &Path) -> Command {
    let mut command = Command::new("valgrind");
    command
        .args(["--quiet", "--error-exitcode=99", "--leak-check=full"])
        .args([
            "--errors-for-leak-kinds=definite",
            "--show-leak-kinds=definite",
        ])
        .arg(program);
    command
}
