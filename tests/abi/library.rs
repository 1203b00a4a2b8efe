//! The C library as it is installed, and programs compiled against it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A folder for what these tests build.
fn build_folder() -> PathBuf {
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

pub fn exports() -> BTreeSet<String> {
    let mut nm = Command::new("nm");
    let symbols = run(nm
        .args(["--dynamic", "--defined-only"])
        .arg(shared_library()));
    let name = |line: &str| line.split_whitespace().last().map(str::to_owned);
    symbols.lines().filter_map(name).collect()
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
    let (compiler, standard) = match extension {
        "cpp" => ("c++", "-std=c++11"),
        _ => ("cc", "-std=c99"),
    };
    let (suffix, more): (_, &[&str]) = match build {
        Build::Shared => ("shared", &[]),
        Build::Static => ("static", &[]),
        Build::AddressSanitizer => ("asan", &["-fsanitize=address", "-fno-omit-frame-pointer"]),
    };
    std::fs::create_dir_all(build_folder()).expect("a folder");
    let program = build_folder().join(format!("{name}-{suffix}"));
    let mut command = Command::new(compiler);
    command.args([
        standard,
        "-g",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-pedantic",
        "-pthread",
    ]);
    command
        .args(more)
        .arg(root().join("tests/c").join(source))
        .arg("-o")
        .arg(&program);
    let package = match build {
        Build::Static => "versioner-static",
        _ => "versioner",
    };
    let libraries = prefix().join("lib");
    command.args(pkg_config(package));
    command.arg(format!("-Wl,-rpath,{}", libraries.display()));
    run(&mut command);
    program
}

fn pkg_config(package: &str) -> Vec<String> {
    let mut command = Command::new("pkg-config");
    command.env("PKG_CONFIG_PATH", prefix().join("lib/pkgconfig"));
    let flags = run(command.args(["--cflags", "--libs", package]));
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
