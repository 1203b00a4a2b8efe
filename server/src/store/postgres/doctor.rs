//! What `doctor` looks at in a database.

use super::connect::Connections;
use super::open::{Open, Purpose};
use super::schema;
use crate::store::sql::{Row, Statements, params};
use crate::store::{Finding, StoreError};

/// The oldest PostgreSQL that the statements are written for.
const OLDEST: i64 = 140_000;
/// How far a clock may be off, in microseconds.
const TOLERANCE: i64 = 60 * 1_000_000;

/// What is in a schema, in words that are the same for every schema of its kind. An index that is not
/// valid is as good as none.
const CONTENTS: &str = "SELECT what FROM ( \
    SELECT n.nspname AS place, 'the column ' || c.relname || '.' || a.attname || ' (' \
        || format_type(a.atttypid, a.atttypmod) || ')' AS what \
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid \
        JOIN pg_namespace n ON n.oid = c.relnamespace \
        WHERE c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped \
    UNION ALL SELECT n.nspname, 'the index ' || \
        replace(pg_get_indexdef(i.indexrelid), quote_ident(n.nspname) || '.', '') \
        FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid \
        JOIN pg_namespace n ON n.oid = c.relnamespace WHERE i.indisvalid \
    UNION ALL SELECT n.nspname, 'the trigger ' || t.tgname || ' of ' || c.relname \
        FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid \
        JOIN pg_namespace n ON n.oid = c.relnamespace \
        WHERE NOT t.tgisinternal AND t.tgenabled <> 'D' \
    UNION ALL SELECT n.nspname, 'the function ' || p.proname \
        FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace \
    ) contents WHERE place = ?";

/// How the database is set up, by the clock of this machine.
pub async fn set_up(
    connections: &Connections,
    machine: i64,
) -> Result<Vec<(&'static str, Finding)>, StoreError> {
    let open = Open::begin(connections, schema::CATALOG_SCHEMA, Purpose::Read).await?;
    let found = ask(&open, machine).await;
    open.roll_back().await;
    found
}

async fn ask(open: &Open, machine: i64) -> Result<Vec<(&'static str, Finding)>, StoreError> {
    let sql = "SELECT current_setting('synchronous_commit'), current_setting('fsync'), \
        current_setting('full_page_writes'), current_setting('server_version_num')::bigint, \
        (extract(epoch FROM clock_timestamp()) * 1000000)::bigint, \
        pg_database_size(current_database()), \
        (SELECT COUNT(*) FROM pg_stat_replication WHERE sync_state = 'async'), \
        (SELECT COUNT(*) FROM pg_stat_replication WHERE sync_state IS NULL)";
    let read = |row: &dyn Row| {
        let words = [row.get(0)?, row.get(1)?, row.get(2)?];
        let numbers = [
            row.get(3)?,
            row.get(4)?,
            row.get(5)?,
            row.get(6)?,
            row.get(7)?,
        ];
        Ok((words, numbers))
    };
    let found = open.row(sql, &[], read).await?;
    let (words, [version, now, size, asynchronous, unseen]): ([String; 3], [i64; 5]) =
        found.ok_or_else(|| StoreError::Damaged("the database has no settings".to_owned()))?;
    let ahead = (machine - now) / 1_000_000;
    Ok(vec![
        (
            "PostgreSQL",
            match version {
                OLDEST.. => Finding::Good(format!("version {}", version / 10_000)),
                _ => Finding::Wrong(format!(
                    "version {} is too old: it must be 14",
                    version / 10_000
                )),
            },
        ),
        ("durability", durability(&words)),
        (
            "standbys",
            match (asynchronous, unseen) {
                (0, 0) => Finding::Good("none is asynchronous".to_owned()),
                (0, _) => Finding::Warning(format!(
                    "how {unseen} of them follow is not shown to this role; \
                     GRANT pg_read_all_stats lets it see that"
                )),
                _ => Finding::Warning(format!(
                    "{asynchronous} follow asynchronously: if one takes over, what was answered last may \
                     be lost; synchronous_standby_names makes commits wait for them"
                )),
            },
        ),
        (
            "clock",
            if (machine - now).abs() > TOLERANCE {
                Finding::Warning(format!(
                    "this machine is {ahead} seconds ahead of the database, whose time counts"
                ))
            } else {
                Finding::Good("this machine and the database agree".to_owned())
            },
        ),
        (
            "size",
            Finding::Good(format!("{} MiB", size / (1024 * 1024))),
        ),
    ])
}

/// Whether a commit is on disk when it is answered.
fn durability([commit, fsync, pages]: &[String; 3]) -> Finding {
    let mut weak = Vec::new();
    if !["on", "remote_apply"].contains(&commit.as_str()) {
        weak.push(format!(
            "synchronous_commit is {commit} by the options in the address"
        ));
    }
    for (name, value) in [("fsync", fsync), ("full_page_writes", pages)] {
        if value != "on" {
            weak.push(format!("{name} is {value}"));
        }
    }
    if weak.is_empty() {
        return Finding::Good("what is answered is on disk".to_owned());
    }
    let weak = weak.join(", ");
    Finding::Warning(format!("{weak}: a crash can lose what was answered"))
}

/// Whether an account has everything that this server makes. What it has beside that may be of a newer one.
///
/// # Errors
/// [`StoreError::Damaged`] with what it lacks, or if the newest row of its log is later than now.
pub async fn account(connections: &Connections, name: &str) -> Result<(), StoreError> {
    let there = schema::of_account(name);
    let open = Open::begin(connections, &there, Purpose::Write).await?;
    let found = lacks(&open, &there).await;
    open.roll_back().await;
    let lacks = found?;
    if lacks.is_empty() {
        return Ok(());
    }
    let msg = format!("the schema {there} lacks {}", lacks.join(", "));
    Err(StoreError::Damaged(msg))
}

/// What a schema lacks beside one that is made for this and never committed.
async fn lacks(open: &Open, there: &str) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT at - (extract(epoch FROM clock_timestamp()) * 1000000)::bigint FROM log \
        WHERE place IS NOT NULL ORDER BY place DESC LIMIT 1";
    let ahead: i64 = open.row(sql, &[], |row| row.get(0)).await?.unwrap_or(0);
    if ahead > TOLERANCE {
        return Err(StoreError::Damaged(format!(
            "the clock of the database is {} seconds behind the newest row of the log",
            ahead / 1_000_000
        )));
    }
    let fresh = "versioner_doctor";
    schema::make(open.client(), fresh).await?;
    let sql = format!("{CONTENTS} EXCEPT {CONTENTS} ORDER BY 1");
    open.rows(&sql, &params![fresh, there], |row| row.get(0))
        .await
}
