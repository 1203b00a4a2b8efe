//! `doctor` on a database. `make test-postgres` runs these; without the database that it starts there is
//! nothing to test here.

use std::path::{Path, PathBuf};

use crate::admin::run;
use crate::data::{self, Data};
use crate::process::Process;
use crate::support::{Client, build, deployment};

fn doctor(data: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    run(&[&["doctor"], arguments].concat(), &[("--data", data)])
}

fn alter(data: &Data, statements: &str) {
    data::run(data.path().to_str().unwrap(), statements);
}

#[test]
fn doctor_says_what_a_database_does_for_durability() {
    let Some(data) = Data::on_postgres() else {
        return;
    };
    drop(Process::start(data.path()));
    // As somebody does who thinks of another application; the server asks for it all the same.
    let name = data.path().to_str().unwrap().rsplit('/').next().unwrap();
    let weak = format!("ALTER DATABASE {name} SET synchronous_commit = off");
    alter(&data, &weak);
    let (code, text) = doctor(data.path(), &[]);
    assert_eq!(code, Some(0), "{text}");
    // The tests' own cluster waits for no disk.
    assert!(text.contains("warning: durability: fsync is off"), "{text}");
    assert!(!text.contains("synchronous_commit"), "{text}");
    for line in [
        "PostgreSQL: version 1",
        "standbys: none",
        "clock: ",
        "size: ",
        "local: whole",
    ] {
        assert!(text.contains(&format!("ok: {line}")), "{line}\n{text}");
    }
    let options = format!(
        "{}?options=-c%20synchronous_commit%3Doff",
        data.path().display()
    );
    let (code, text) = doctor(&PathBuf::from(options), &[]);
    assert_eq!(code, Some(0), "{text}");
    assert!(
        text.contains("warning: durability: synchronous_commit is off"),
        "{text}"
    );
}

#[test]
fn doctor_finds_what_a_schema_lacks() {
    let Some(data) = Data::on_postgres() else {
        return;
    };
    drop(Process::start(data.path()));
    for (harm, lack) in [
        (
            "DROP INDEX account_local.log_by_kind",
            "the index CREATE INDEX log_by_kind ON log USING btree (kind, place)",
        ),
        (
            "ALTER TABLE account_local.rules DISABLE TRIGGER policy_changed",
            "the trigger policy_changed of rules",
        ),
        (
            "ALTER TABLE account_local.cells RENAME latest_at TO newest_at",
            "the column cells.latest_at (bigint)",
        ),
    ] {
        alter(&data, harm);
        let (code, text) = doctor(data.path(), &[]);
        assert_eq!(code, Some(1), "{harm}\n{text}");
        assert!(text.contains("wrong: local: "), "{harm}\n{text}");
        assert!(text.contains(lack), "{lack}\n{text}");
    }
    // What a newer server has added is none of its business.
    let Some(data) = Data::on_postgres() else {
        return;
    };
    drop(Process::start(data.path()));
    alter(
        &data,
        "ALTER TABLE account_local.cells ADD COLUMN newer TEXT",
    );
    let (code, text) = doctor(data.path(), &[]);
    assert_eq!(code, Some(0), "{text}");
}

#[test]
fn doctor_compares_a_database_with_its_log() {
    let Some(data) = Data::on_postgres() else {
        return;
    };
    let server = Process::start(data.path());
    let client = Client::new(&server.url, server.first_key.as_ref().unwrap());
    client.deploy("1", "production", "started").expect(200);
    // Questions use up numbers of the log, which then has gaps.
    for _ in 0..3 {
        let asked = deployment("2", "production", "started");
        client.post("/preflight/", &asked).expect(200);
    }
    client.deploy("1", "production", "completed").expect(200);
    client.deploy("2", "production", "started").expect(200);
    client.deploy("3", "production", "started").expect(409);
    client.deploy("2", "production", "failed").expect(200);
    for status in ["started", "completed"] {
        client
            .post("/build-events/", &build("4", status))
            .expect(200);
    }
    let (code, text) = doctor(data.path(), &["--compare"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("which make the tables as they are"), "{text}");
    alter(
        &data,
        "UPDATE account_local.deployments SET status = 'completed'",
    );
    let (code, text) = doctor(data.path(), &["--compare"]);
    assert_eq!(code, Some(1), "{text}");
    assert!(
        text.contains("other tables than there are: deployments"),
        "{text}"
    );
}
