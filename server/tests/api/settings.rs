//! Settings from flags, variables and a file.

use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::process::{PROGRAM, Process};
use crate::support::{Client, build};

struct Folder(TempDir);

impl Folder {
    fn with(text: &str) -> Folder {
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("server.toml"), text).unwrap();
        Folder(folder)
    }

    fn file(&self) -> String {
        self.0.path().join("server.toml").display().to_string()
    }

    /// The program, without a variable of whoever runs the tests.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("VERSIONER_") {
                command.env_remove(name);
            }
        }
        command.args(arguments).current_dir(self.0.path());
        command
    }

    fn run(&self, arguments: &[&str]) -> (bool, String, String) {
        told(self.command(arguments).output().unwrap())
    }
}

fn told(output: Output) -> (bool, String, String) {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.success(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn each_setting_is_shown_with_its_source() {
    let folder = Folder::with(
        "listen = '127.0.0.1:1'\nrate_limit = 600\nread-only = true\n\
         max-connections = 5\ntrusted-proxy = ['10.0.0.0/8', '::1']\nqueue-keep-done = 7\n",
    );
    let file = folder.file();
    let mut command = folder.command(&["config", "--config", &file, "--listen", "127.0.0.1:9"]);
    command.env("VERSIONER_SERVER_MAX_CONNECTIONS", "7");
    command.env("VERSIONER_SERVER_QUEUE_KEEP_DEAD", "60");
    let (ok, shown, errors) = told(command.output().unwrap());
    assert!(ok, "{errors}");
    for line in [
        "data = \"./versioner-data\"  # default".to_owned(),
        "listen = \"127.0.0.1:9\"  # --listen".to_owned(),
        format!("rate-limit = 600  # {file}"),
        format!("read-only = true  # {file}"),
        "max-connections = 7  # VERSIONER_SERVER_MAX_CONNECTIONS".to_owned(),
        format!("trusted-proxy = [\"10.0.0.0/8\", \"::1\"]  # {file}"),
        "# tls-cert is not set".to_owned(),
        format!("queue-keep-done = 7  # {file}"),
        "queue-keep-dead = 60  # VERSIONER_SERVER_QUEUE_KEEP_DEAD".to_owned(),
    ] {
        assert!(shown.lines().any(|shown| shown == line), "{line}: {shown}");
    }
}

#[test]
fn what_is_shown_is_a_file_that_says_the_same() {
    let folder = Folder::with("rate-limit = 600\n");
    let (_, first, _) = folder.run(&["config", "--config", &folder.file()]);
    let again = folder.0.path().join("again.toml");
    std::fs::write(&again, &first).unwrap();
    let (ok, second, errors) = folder.run(&["config", "--config", &again.display().to_string()]);
    assert!(ok, "{errors}");
    let values = |text: &str| text.parse::<toml::Table>().unwrap();
    assert_eq!(values(&first), values(&second));
}

#[test]
fn a_file_that_is_not_right_is_named_with_what_is_wrong() {
    for (text, told) in [
        (
            "listne = 'x'",
            "has the setting listne, which there is not; did you mean listen?",
        ),
        ("config = 'x'", "has the setting config, which there is not"),
        ("listen = 8420", "sets listen to 8420: invalid value"),
        ("listen = ['a', 'b']", "it has one value"),
        (
            "read-only = 'yes'",
            "sets read-only to \"yes\": it is true or false",
        ),
        ("write-timeout = 0", "sets write-timeout to 0"),
        ("queue-keep-done = 2", "sets queue-keep-done to 2"),
        ("rate-limit = -1", "sets rate-limit to -1"),
        (
            "[limits]\nrate = 1",
            "has the setting limits, which there is not",
        ),
        (
            "trusted-proxy = ['nobody']",
            "\"nobody\" is neither an address nor a network",
        ),
        ("listen", "are not TOML"),
    ] {
        let folder = Folder::with(text);
        for arguments in [&["config", "--config"][..], &["--config"]] {
            let mut arguments = arguments.to_vec();
            let file = folder.file();
            arguments.push(&file);
            let (ok, _, errors) = folder.run(&arguments);
            assert!(!ok, "{text}");
            assert!(errors.contains(&file), "{text}: {errors}");
            assert!(errors.contains(told), "{text}: {errors}");
        }
    }
    let (ok, _, errors) = Folder::with("").run(&["--config", "nowhere.toml"]);
    assert!(
        !ok && errors.contains("cannot read the settings in nowhere.toml"),
        "{errors}"
    );
}

#[test]
fn a_server_and_the_commands_on_its_data_go_by_one_file() {
    let folder = Folder::with("data = 'kept'\nlisten = '127.0.0.1:0'\nrate-limit = 1\n");
    let file = folder.file();
    let server = Process::spawn(folder.command(&["--config", &file]));
    let client = Client::new(&server.url, server.first_key.as_ref().unwrap());
    client
        .post("/build-events/", &build("1", "completed"))
        .expect(200);
    client
        .post("/build-events/", &build("2", "completed"))
        .expect(429);
    assert!(folder.0.path().join("kept/accounts.db").exists());
    let mut command = folder.command(&["keys", "list", "--account", "local"]);
    command.env("VERSIONER_SERVER_CONFIG", &file);
    let (ok, keys, errors) = told(command.output().unwrap());
    assert!(ok && keys.contains("k1"), "{keys}{errors}");
    assert!(!Path::new("versioner-data").exists());
}

#[test]
fn the_password_of_a_database_is_in_no_error_and_no_help() {
    let url = "postgers://ada:s3cret@127.0.0.1:1/v";
    for (text, arguments) in [
        (format!("data = '{url}"), &["--config"][..]),
        (format!("data = ['{url}', 'b']"), &["--config"]),
        (format!("data = '{url}'"), &["--config"]),
        (format!("data = '{url}'"), &["config", "--config"]),
        (format!("data = '{url}'"), &["--help", "--config"]),
        (format!("data = '{url}'"), &["config", "--help", "--config"]),
    ] {
        let folder = Folder::with(&text);
        let file = folder.file();
        let arguments: Vec<&str> = arguments.iter().copied().chain([file.as_str()]).collect();
        let (_, shown, errors) = folder.run(&arguments);
        assert!(!format!("{shown}{errors}").contains("s3cret"), "{text}");
        assert!(!format!("{shown}{errors}").is_empty(), "{text}");
        assert_eq!(std::fs::read_dir(folder.0.path()).unwrap().count(), 1);
    }
    let folder = Folder::with("");
    let (ok, _, errors) = folder.run(&["--data", url]);
    assert!(!ok && !errors.contains("s3cret"), "{errors}");
    assert!(
        errors.contains("neither postgres:// nor postgresql://"),
        "{errors}"
    );
}

#[test]
fn the_password_of_a_proxy_or_a_mail_server_is_in_no_error_and_no_help() {
    let proxy = "socks5://ada:s3cret@127.0.0.1:1";
    let mail = "smtps://ada:s3cret@127.0.0.1:1";
    let settings = [
        ("outgoing-proxy", proxy, "write http://HOST:PORT"),
        ("smtp-url", mail, "use --smtp-password-file"),
    ];
    for (name, url, reason) in settings {
        let folder = Folder::with(&format!("{name} = '{url}'\nsmtp-from = 'a@example.com'\n"));
        let file = folder.file();
        for more in [&[][..], &["--help"], &["config"]] {
            let arguments: Vec<&str> = more.iter().copied().chain(["--config", &file]).collect();
            let (ok, shown, errors) = folder.run(&arguments);
            let all = format!("{shown}{errors}");
            assert!(!all.contains("s3cret"), "{arguments:?}: {all}");
            assert!(ok || errors.contains(reason), "{arguments:?}: {all}");
        }
        let flag = format!("--{name}");
        let (ok, shown, errors) = folder.run(&[&flag, url, "--smtp-from", "a@example.com"]);
        assert!(!ok && errors.contains(reason), "{errors}");
        assert!(!format!("{shown}{errors}").contains("s3cret"), "{errors}");
        let mut command = folder.command(&["--help"]);
        let variable = format!("VERSIONER_SERVER_{}", name.to_uppercase().replace('-', "_"));
        command.env(variable, url);
        let (ok, shown, _) = told(command.output().unwrap());
        assert!(ok && !shown.contains("s3cret"), "{shown}");
    }
}

#[test]
fn half_of_tls_is_no_plain_http() {
    let folder = Folder::with("tls-cert = 'certificate.pem'\n");
    let (ok, _, errors) = folder.run(&["--config", &folder.file(), "--listen", "127.0.0.1:0"]);
    assert!(!ok);
    assert!(
        errors.contains("TLS needs both --tls-cert and --tls-key"),
        "{errors}"
    );
}

#[test]
fn who_vouches_for_people_must_be_named_in_full_and_reached_safely() {
    for (arguments, told) in [
        (
            &[
                "--openid-issuer",
                "http://login.example.com",
                "--openid-client-id",
                "v",
            ][..],
            "is not encrypted",
        ),
        (
            &["--openid-issuer", "https://login.example.com"],
            "--openid-client-id",
        ),
        (&["--openid-role", "staff=boss"], "is not GROUP=viewer"),
        (
            &["--auth-proxy-header", "X-Forwarded-User"],
            "--auth-proxy-from",
        ),
        (
            &["--public-url", "https://v.example.com/versioner"],
            "more than a host",
        ),
    ] {
        let output = Command::new(PROGRAM).args(arguments).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(
            !output.status.success() && error.contains(told),
            "{arguments:?}: {error}"
        );
    }
}
