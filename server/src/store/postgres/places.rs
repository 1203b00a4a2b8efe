//! The order in which the log is read.
//!
//! Rows get their numbers before they are committed, and are committed in another order: a reader that
//! went by these numbers would miss some. So each row gets its place, and its hash, after its commit, from
//! whoever holds a lock.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::try_join_all;

use super::account::on_a_thread;
use super::connect::Connections;
use super::open::{Open, Purpose};
use super::schema::account_steps;
use crate::domain::change::Change;
use crate::store::StoreError;
use crate::store::sql::log::{LOCK_PLACES, chain};
use crate::store::sql::{Row, Statements, params};
use crate::store::watch::{Touched, Watch};

/// How often is looked for what other servers have left.
const PAUSE: Duration = Duration::from_secs(1);
/// How long commits are waited for that are given their places together: nobody waits for a place, as
/// whoever reads the log gives them first.
const GATHER: Duration = Duration::from_millis(50);
/// How many rows get their places in one transaction.
const AT_ONCE: i64 = 500;

/// A row without a place.
struct New {
    position: i64,
    numbers: [i64; 2],
    texts: [String; 6],
}

/// Gives every row that is committed its place.
pub async fn give(connections: &Connections, schema: &str) -> Result<(), StoreError> {
    while give_some(connections, schema).await? == AT_ONCE {}
    Ok(())
}

async fn give_some(connections: &Connections, schema: &str) -> Result<i64, StoreError> {
    let open = Open::begin(connections, schema, Purpose::Write).await?;
    let waiting = "SELECT 1 FROM log WHERE place IS NULL LIMIT 1";
    if !open.exists(waiting, &[]).await? {
        open.roll_back().await;
        return Ok(0);
    }
    open.exists(LOCK_PLACES, &[]).await?;
    let sql = "SELECT place, hash FROM log WHERE place IS NOT NULL ORDER BY place DESC LIMIT 1";
    let last = open
        .row(sql, &[], |row| Ok((row.get(0)?, row.get(1)?)))
        .await;
    let (mut place, mut hash): (i64, Vec<u8>) =
        last?.ok_or_else(|| StoreError::Damaged("the log has no row".to_owned()))?;
    let sql = "SELECT position, at, occurred_at, actor, request_id, kind, subject, changes, answer \
        FROM log WHERE place IS NULL ORDER BY position LIMIT ?";
    let new = open.rows(sql, &params![AT_ONCE], new).await?;
    let mut places = Vec::with_capacity(new.len());
    for row in &new {
        place += 1;
        let [at, occurred_at] = row.numbers;
        let texts = row.texts.each_ref().map(String::as_str);
        hash = chain(&hash, [place, at, occurred_at], texts).to_vec();
        places.push((place, hash.clone(), row.position));
    }
    let sql = "UPDATE log SET place = ?, hash = ? WHERE position = ?";
    let give = async |(place, hash, position): &(i64, Vec<u8>, i64)| {
        open.execute(sql, &params![*place, *hash, *position]).await
    };
    // The first prepares the statement for the others, which go together.
    if let Some((first, others)) = places.split_first() {
        give(first).await?;
        try_join_all(others.iter().map(give)).await?;
    }
    open.commit().await?;
    Ok(i64::try_from(new.len()).unwrap_or(AT_ONCE))
}

fn new(row: &dyn Row) -> Result<New, StoreError> {
    let at: i64 = row.get(1)?;
    let occurred_at: Option<i64> = row.get(2)?;
    let text = |column| {
        row.get::<Option<String>>(column)
            .map(Option::unwrap_or_default)
    };
    Ok(New {
        position: row.get(0)?,
        numbers: [at, occurred_at.unwrap_or(at)],
        texts: [text(3)?, text(4)?, text(5)?, text(6)?, text(7)?, text(8)?],
    })
}

/// Gives places after each commit of this server, looks each second for what others have left, and tells
/// of what they have changed.
pub async fn follow(connections: Connections, schema: Arc<str>, watch: Watch) {
    let mut seen: Option<i64> = None;
    loop {
        if tokio::time::timeout(PAUSE, watch.woken()).await.is_ok() {
            tokio::time::sleep(GATHER).await;
        }
        let (ours, of, told) = (connections.clone(), schema.clone(), watch.clone());
        let done = on_a_thread(move || async move {
            give(&ours, &of).await?;
            tell(&ours, &of, &told, seen).await
        });
        match done.await {
            Ok(last) => seen = Some(last),
            Err(error) => tracing::debug!(%error, "the log of {schema} cannot be followed now"),
        }
    }
}

/// Tells of what was changed after the place `seen`, and answers the last place. Takes note of the
/// database's time, and whether it needs a newer server.
async fn tell(
    connections: &Connections,
    schema: &str,
    watch: &Watch,
    seen: Option<i64>,
) -> Result<i64, StoreError> {
    let open = Open::begin(connections, schema, Purpose::Read).await?;
    let sql = "SELECT COALESCE((SELECT MAX(place) FROM log), 0), needs, \
        (extract(epoch FROM clock_timestamp()) * 1000000)::bigint FROM schema_steps";
    let read = |row: &dyn Row| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    let found = open.row(sql, &[], read).await?;
    let (last, needs, now): (i64, i64, i64) =
        found.ok_or_else(|| StoreError::Damaged("the schema has no steps".to_owned()))?;
    connections.time.note(now);
    connections.check(needs, account_steps())?;
    if let Some(seen) = seen.filter(|seen| *seen < last && watch.is_followed()) {
        let sql = "SELECT changes FROM log WHERE place > ? ORDER BY place";
        let mut touched = Touched::default();
        let rows = open
            .rows(sql, &params![seen], |row| row.get::<String>(0))
            .await;
        for changes in rows? {
            let changes: Vec<Change> = serde_json::from_str(&changes)?;
            changes.iter().for_each(|change| touched.note(change));
        }
        watch.tell(touched);
    }
    open.roll_back().await;
    Ok(last)
}
