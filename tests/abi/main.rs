//! The C ABI as somebody uses it who links against the installed library.
#![cfg(feature = "capi")]

mod header;
mod library;
#[path = "../support/mod.rs"]
mod support;
mod vectors;

use std::io::Read;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Command, Stdio};

use library::{
    Build, build_folder, compile, compile_with, pkg_config, prefix, root, run, shared_library,
    under_valgrind,
};
use rcgen::SanType;
use support::authority::Authority;
use support::{KEY, RawServer, Server};

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
fn a_span_outlives_its_client_and_keeps_to_its_process() {
    check("span.c");
}

#[test]
fn the_log_callback_sees_messages_and_no_key() {
    check("log.c");
}

#[test]
fn children_of_a_busy_process_go_on_with_its_client() {
    let authority = Authority::new();
    let ca_file = authority.path("ca.pem");
    // Not under AddressSanitizer, whose own locks a fork leaves taken in the child.
    let program = compile("fork.c", Build::Shared);
    let plain = Server::start(None);
    run(Command::new(&program).arg(plain.url("http", "127.0.0.1")));
    // By its address: what a fork does to a look-up of a name is the C library's doing, not ours.
    let by_address = SanType::IpAddress(Ipv4Addr::LOCALHOST.into());
    let secured = authority.server(|params| params.subject_alt_names.push(by_address));
    run(Command::new(&program)
        .arg(secured.url("https", "127.0.0.1"))
        .arg(&ca_file));
}

/// The first example that anybody copies, as it stands in the header.
#[test]
fn the_example_of_the_header_does_what_it_says_and_leaks_nothing() {
    let header = std::fs::read_to_string(root().join("include/versioner.h")).expect("a header");
    let lines = header.lines().map_while(|line| line.strip_prefix("//"));
    let example: String = lines
        .filter_map(|line| line.strip_prefix("     "))
        .map(|line| format!("{line}\n"))
        .collect();
    std::fs::create_dir_all(build_folder()).expect("a folder");
    let source = build_folder().join("example.c");
    std::fs::write(&source, example).expect("a file");
    let mut flags = pkg_config(&["--cflags", "--libs", "versioner"]);
    flags.push("-std=c99".to_owned());
    let program = compile_with("cc", &flags, &source, "example");
    let server = Server::start(None);
    let status = under_valgrind(&program)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("VERSIONER_API_URL", server.url("http", "127.0.0.1"))
        .env("VERSIONER_API_KEY", KEY)
        .status()
        .expect("a process");
    assert!(status.success(), "{status}");
    assert_eq!(told(&server), ["started", "completed"]);
    let refused = under_valgrind(&program)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .status()
        .expect("a process");
    assert_eq!(refused.code(), Some(1));
}

/// The statuses of the events that arrived.
fn told(server: &Server) -> Vec<String> {
    let status = |request: support::Request| {
        let body: serde_json::Value = serde_json::from_str(&request.body).expect("JSON");
        body["status"].as_str().expect("a status").to_owned()
    };
    server.requests().into_iter().map(status).collect()
}

#[test]
fn what_was_compiled_against_the_first_release_runs_unchanged() {
    let released = root().join("tests/abi/released/0.1.0");
    let with = |include: &Path| {
        let mut flags = vec!["-std=c99".to_owned(), format!("-I{}", include.display())];
        flags.extend(pkg_config(&["--libs", "versioner"]));
        flags
    };
    let sources = root().join("tests/c");
    let layout = |include: &Path, name| {
        let program = compile_with("cc", &with(include), &sources.join("layout.c"), name);
        run(&mut Command::new(program))
    };
    assert_eq!(
        layout(&released, "layout-released"),
        layout(&root().join("include"), "layout-current"),
    );
    let source = sources.join("first_release.c");
    let program = compile_with("cc", &with(&released), &source, "first-release");
    let server = Server::start(None);
    let status = Command::new(program)
        .args(["api", "production", "1.2.3"])
        .env_clear()
        .env("VERSIONER_API_URL", server.url("http", "127.0.0.1"))
        .env("VERSIONER_API_KEY", KEY)
        .status()
        .expect("a process");
    assert!(status.success(), "{status}");
    assert_eq!(told(&server), ["started", "completed"]);
}

#[test]
fn the_static_library_links_with_static_alone() {
    let source = root().join("tests/c/deploy_tool.c");
    let mut flags = pkg_config(&["--static", "--cflags", "--libs", "versioner"]);
    flags.extend(["-std=c99".to_owned(), "-static".to_owned()]);
    let program = compile_with("cc", &flags, &source, "deploy_tool-static");
    let server = Server::start(None);
    let status = Command::new(program)
        .args(["api", "production", "1.2.3", "/bin/true"])
        .env_clear()
        .env("VERSIONER_API_URL", server.url("http", "127.0.0.1"))
        .env("VERSIONER_API_KEY", KEY)
        .status()
        .expect("a process");
    assert!(status.success(), "{status}");
}

#[test]
fn the_library_says_nothing_of_the_machine_that_built_it() {
    let home = std::env::var("HOME").expect("a home");
    for file in ["lib/libversioner.so", "lib/libversioner.a"] {
        let bytes = std::fs::read(prefix().join(file)).expect("a library");
        for path in [home.as_bytes(), root().to_string_lossy().as_bytes()] {
            let found = bytes.windows(path.len()).any(|window| window == path);
            assert!(!found, "{file} names {}", String::from_utf8_lossy(path));
        }
    }
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
fn the_deploy_tool_runs_its_command_when_it_may_and_ends_as_that_does() {
    let program = compile("deploy_tool.c", Build::Shared);
    let deploy = |url: &str, environment: &str, script: &str| {
        let output = Command::new(&program)
            .args(["api", environment, "1.2.3", "sh", "-c", script])
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("VERSIONER_API_URL", url)
            .env("VERSIONER_API_KEY", KEY)
            .env("VERSIONER_MAX_RETRIES", "0")
            // Nothing that is left out is taken from here.
            .env("VERSIONER_ENVIRONMENT", "development")
            .output()
            .expect("a process");
        let shown = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.code(), shown.contains("deploying"))
    };
    let endings = [
        ("echo deploying", 0, "completed"),
        ("echo deploying; exit 3", 3, "failed"),
        ("echo deploying; kill -KILL $$", 137, "aborted"),
        // The tool is told to end, and hands that on.
        (
            "echo deploying; kill -TERM $PPID; exec sleep 600",
            143,
            "aborted",
        ),
        (
            "trap 'exit 0' TERM; echo deploying; kill -TERM $PPID; while :; do :; done",
            0,
            "completed",
        ),
    ];
    for (script, code, status) in endings {
        let server = Server::start(None);
        let url = server.url("http", "127.0.0.1");
        assert_eq!(
            deploy(&url, "production", script),
            (Some(code), true),
            "{script}"
        );
        let requests = server.requests();
        let bodies: Vec<&str> = requests.iter().map(|one| one.body.as_str()).collect();
        let [begun, ended] = bodies[..] else {
            panic!("{script}: {bodies:?}");
        };
        assert!(begun.contains(r#""status":"started""#), "{begun}");
        assert!(
            ended.contains(&format!(r#""status":"{status}""#)),
            "{script}: {ended}"
        );
        let has_code = ended.contains(&format!(r#""vi_exit_code":{code}"#));
        assert_eq!(has_code, code < 128, "{ended}");
    }
    let server = Server::start(None);
    let url = server.url("http", "127.0.0.1");
    assert_eq!(deploy(&url, "", "echo deploying"), (Some(1), false));
    assert_eq!(told(&server), [""; 0]);
    let frozen = r#"{"detail": {"code": "NO_DEPLOY_WINDOW", "message": "Frozen"}}"#;
    let answer = format!(
        "HTTP/1.1 423 X\r\nContent-Length: {}\r\n\r\n{frozen}",
        frozen.len()
    );
    let closed = RawServer::answering(answer.leak());
    assert_eq!(
        deploy(&closed.url, "production", "echo deploying"),
        (Some(5), false)
    );
    let nobody = format!("http://127.0.0.1:{}", support::closed_port());
    assert_eq!(
        deploy(&nobody, "production", "echo deploying"),
        (Some(1), false)
    );
}

#[test]
fn the_library_is_small_and_named_for_its_abi() {
    let size = std::fs::metadata(shared_library())
        .expect("a library")
        .len();
    assert!(size <= 2_600_000, "{size} bytes");
    let dynamic = run(Command::new("readelf").arg("-d").arg(shared_library()));
    let header = std::fs::read_to_string(root().join("include/versioner.h")).expect("a header");
    let abi = header
        .lines()
        .find_map(|line| line.strip_prefix("#define VERSIONER_ABI_VERSION "))
        .expect("the ABI version");
    let soname = format!("[libversioner.so.{abi}]");
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
