//! The C ABI as somebody uses it who links against the installed library.
#![cfg(feature = "capi")]

mod header;
mod library;
#[path = "../support/mod.rs"]
mod support;
mod vectors;

use std::io::Read;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};

use library::{Build, compile, prefix, run, shared_library, under_valgrind};
use support::{KEY, Server};

/// Compiles a program in every way and runs each against a server of its own, the shared one
/// under valgrind too.
fn check(source: &str) {
    let url = || Server::start(None).url("http", "127.0.0.1");
    for build in [Build::Shared, Build::Static, Build::AddressSanitizer] {
        run(Command::new(compile(source, build)).arg(url()));
    }
    run(under_valgrind(&compile(source, Build::Shared)).arg(url()));
}

#[test]
fn bad_input_never_crashes_aborts_or_leaks() {
    check("bad_input.c");
}

#[test]
fn one_client_serves_threads_and_a_forked_child() {
    check("threads.c");
}

#[test]
fn the_header_serves_cpp_11() {
    check("consumer.cpp");
}

#[test]
fn a_call_ends_from_a_signal_handler_and_by_its_own_flag() {
    let shared = compile("cancel.c", Build::Shared);
    let asan = compile("cancel.c", Build::AddressSanitizer);
    for mut command in [
        Command::new(&shared),
        Command::new(asan),
        under_valgrind(&shared),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let mut process = command
            .arg(url)
            .stderr(Stdio::inherit())
            .spawn()
            .expect("a process");
        for _ in 0..2 {
            let (mut connection, _) = listener.accept().expect("a connection");
            assert!(connection.read(&mut [0; 16]).expect("a request") > 0);
            run(Command::new("kill").args(["-s", "USR1", &process.id().to_string()]));
            // Stays open, so that only the signal can end the call.
            std::mem::forget(connection);
        }
        let status = process.wait().expect("an end");
        assert!(status.success(), "{command:?} ended with {status}");
    }
}

#[test]
fn the_deploy_tool_deploys_when_it_may() {
    let program = compile("deploy_tool.c", Build::Shared);
    let server = Server::start(None);
    let deploy = |url: &str, key: &str| {
        Command::new(&program)
            .args(["api", "production", "1.2.3"])
            .env_clear()
            .env("VERSIONER_API_URL", url)
            .env("VERSIONER_API_KEY", key)
            .output()
            .expect("a process")
    };
    let output = deploy(&server.url("http", "127.0.0.1"), KEY);
    let shown = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(
        output.status.success() && shown.contains("deploying api 1.2.3"),
        "{shown}"
    );
    let statuses: Vec<bool> = server
        .requests()
        .iter()
        .map(|request| request.body.contains("started"))
        .collect();
    assert_eq!(statuses, [true, false]);
    assert_eq!(deploy("http://127.0.0.1:1", "").status.code(), Some(1));
}

#[test]
fn the_library_is_small_and_named_for_its_abi() {
    let size = std::fs::metadata(shared_library())
        .expect("a library")
        .len();
    assert!(size <= 2 * 1024 * 1024, "{size} bytes");
    let dynamic = run(Command::new("readelf").arg("-d").arg(shared_library()));
    let soname = format!("[libversioner.so.{}]", env!("CARGO_PKG_VERSION_MAJOR"));
    assert!(dynamic.contains(&soname), "{dynamic}");
    for file in [
        "include/versioner.h",
        "lib/libversioner.a",
        "lib/pkgconfig/versioner.pc",
        "lib/pkgconfig/versioner-static.pc",
    ] {
        assert!(Path::new(prefix()).join(file).is_file(), "{file}");
    }
}
