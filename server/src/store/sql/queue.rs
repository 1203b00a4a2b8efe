//! What waits to be done, and what became of it.

use super::{Owned, Row, Statements, borrowed, object, params};
use crate::domain::origin::Origin;
use crate::domain::queue::{
    End, Item, Kind, LONGEST_WAIT, NewItem, Retention, State, Waiting, Which,
};
use crate::domain::run_end::{RunEnd, key_of_run};
use crate::store::account::{Account, read};
use crate::store::{StoreError, new_id};

/// The most rows that one transaction begins anew, drops or forgets.
pub const AT_ONCE: i64 = 1000;
/// How much is kept of what went wrong, in characters.
const MOST_SAID: usize = 500;

/// Everything but the body.
const COLUMNS: &str = "id, kind, topic, key, state, attempts, created_at, not_before, \
    CASE WHEN lease IS NULL THEN 0 ELSE 1 END, ended_at, error, result, head, size";

fn item(row: &dyn Row) -> Result<Item, StoreError> {
    let (kind, state): (String, String) = (row.get(1)?, row.get(4)?);
    Ok(Item {
        id: row.get(0)?,
        kind: Kind::parse(&kind).map_err(StoreError::Damaged)?,
        topic: row.get(2)?,
        key: row.get(3)?,
        state: State::parse(&state).map_err(StoreError::Damaged)?,
        attempts: row.get(5)?,
        created_at: row.get(6)?,
        not_before: row.get(7)?,
        claimed: row.get(8)?,
        ended_at: row.get(9)?,
        error: row.get(10)?,
        result: row.get(11)?,
        head: object(row, 12)?,
        size: row.get(13)?,
        body: match row.width() > 14 {
            true => row.get(14)?,
            false => Vec::new(),
        },
    })
}

/// Puts something into the queue, unless it is there already; its identifier, and whether it is new.
pub async fn add(
    database: &impl Statements,
    new: &NewItem,
    now: i64,
) -> Result<(String, bool), StoreError> {
    let id = new_id();
    let sql = "INSERT INTO queue (id, kind, topic, key, state, attempts, created_at, not_before, head, \
        size, body) VALUES (?, ?, ?, ?, 'waiting', 0, ?, ?, ?, ?, ?) \
        ON CONFLICT (kind, topic, key) DO NOTHING";
    let size = i64::try_from(new.body.len()).unwrap_or(i64::MAX);
    let parameters = params![
        id,
        new.kind.as_str(),
        new.topic,
        new.key,
        now,
        new.not_before.max(now),
        serde_json::to_string(&new.head)?,
        size,
        new.body,
    ];
    if database.execute(sql, &parameters).await? > 0 {
        return Ok((id, true));
    }
    let sql = "SELECT id FROM queue WHERE kind = ? AND topic = ? AND key = ?";
    let parameters = params![new.kind.as_str(), new.topic, new.key];
    let known = database.row(sql, &parameters, |row| row.get(0)).await?;
    // It was there a moment ago.
    let known = known.ok_or_else(|| StoreError::CameBetween("the queue".to_owned()))?;
    Ok((known, false))
}

/// Takes up to `count` rows of a kind, and a topic of it, that may be done now, oldest first, until
/// `until`: nobody else takes them up before.
pub async fn claim<S: Statements>(
    database: &S,
    (kind, topic): (Kind, Option<&str>),
    (lease, until): (&str, i64),
    count: i64,
    now: i64,
) -> Result<Vec<Item>, StoreError> {
    let skip = if S::SHARED {
        "FOR UPDATE SKIP LOCKED"
    } else {
        ""
    };
    let of_topic = match topic {
        Some(_) => "AND q.topic = ?6",
        None => "",
    };
    let sql = format!(
        "UPDATE queue SET lease = ?1, not_before = ?2, attempts = attempts + 1 WHERE id IN \
         (SELECT q.id FROM queue q WHERE q.kind = ?3 AND q.state = 'waiting' AND q.not_before <= ?4 \
          {of_topic} ORDER BY q.not_before, q.id LIMIT ?5 {skip}) RETURNING {COLUMNS}, body"
    );
    let word = kind.as_str();
    let mut parameters = params![lease, until, word, now, count].to_vec();
    if let Some(topic) = &topic {
        parameters.push(topic);
    }
    let mut items = database.rows(&sql, &parameters, item).await?;
    items.sort_by(|one, other| one.id.cmp(&other.id));
    Ok(items)
}

/// As much of what went wrong as is kept.
fn cut(text: &str) -> String {
    text.chars().take(MOST_SAID).collect()
}

/// What sources have told of the end of runs of this name, as long as their rows stay.
pub async fn run_ends(
    database: &impl Statements,
    run: &Origin,
) -> Result<Vec<(String, RunEnd)>, StoreError> {
    // Each source has an order of its own in the index.
    let sql = "SELECT q.topic, q.head, q.created_at FROM sources s JOIN queue q \
        ON q.kind = 'inbox' AND q.topic = s.id AND q.key >= ?1 AND q.key < ?2 \
        WHERE q.state <> 'dropped'";
    let from = key_of_run(run);
    // What begins so ends before what begins with the next letter.
    let to = format!("{};", from.strip_suffix(':').unwrap_or(&from));
    let parameters = params![from, to];
    let found = database.rows(sql, &parameters, |row| {
        let (source_id, asked): (String, i64) = (row.get(0)?, row.get(2)?);
        Ok(RunEnd::read(&object(row, 1)?, asked).map(|end| (source_id, end)))
    });
    Ok(found.await?.into_iter().flatten().collect())
}

/// Writes how an attempt ended, if it is still that of the lease.
pub async fn end(
    database: &impl Statements,
    (id, lease): (&str, &str),
    end: &End,
    now: i64,
) -> Result<bool, StoreError> {
    let (state, error, result) = match end {
        End::Done(result) => (State::Done, None, result.clone()),
        End::Ignored(reason) => (State::Ignored, Some(cut(reason)), None),
        End::Dead(reason) => (State::Dead, Some(cut(reason)), None),
        End::Again(at, reason) => {
            let sql = "UPDATE queue SET lease = NULL, not_before = ?, error = ? \
                WHERE id = ? AND lease = ? AND state = 'waiting'";
            let parameters = params![at, cut(reason), id, lease];
            return Ok(database.execute(sql, &parameters).await? > 0);
        }
    };
    let sql = "UPDATE queue SET state = ?, lease = NULL, ended_at = ?, error = ?, result = ? \
        WHERE id = ? AND lease = ? AND state = 'waiting'";
    let parameters = params![state.as_str(), now, error, result, id, lease];
    Ok(database.execute(sql, &parameters).await? > 0)
}

/// Gives up on a row that waits, for this reason.
pub async fn give_up(
    database: &impl Statements,
    id: &str,
    reason: &str,
    now: i64,
) -> Result<(), StoreError> {
    let sql = "UPDATE queue SET state = 'dead', lease = NULL, ended_at = ?, error = ? \
        WHERE id = ? AND state = 'waiting'";
    database
        .execute(sql, &params![now, cut(reason), id])
        .await?;
    Ok(())
}

/// Writes what something became that is done.
pub async fn set_result(
    database: &impl Statements,
    id: &str,
    result: &str,
) -> Result<(), StoreError> {
    let sql = "UPDATE queue SET result = ? WHERE id = ?";
    database.execute(sql, &params![result, id]).await?;
    Ok(())
}

/// Gives back what was taken up by a server that is no more.
pub async fn give_back(database: &impl Statements, now: i64) -> Result<u64, StoreError> {
    let sql = "UPDATE queue SET lease = NULL, not_before = ? \
        WHERE state = 'waiting' AND lease IS NOT NULL";
    database.execute(sql, &params![now]).await
}

/// Begins rows anew that have ended, up to [`AT_ONCE`] of them, and counts them.
pub async fn replay(
    database: &impl Statements,
    which: &Which,
    now: i64,
) -> Result<u64, StoreError> {
    let (found, mut parameters) = chosen(which, "state <> 'waiting'");
    let sql = format!(
        "UPDATE queue SET state = 'waiting', attempts = 0, not_before = ?, ended_at = NULL, \
         error = NULL, result = NULL WHERE id IN ({found})"
    );
    parameters.insert(0, Owned::Integer(now));
    database.execute(&sql, &borrowed(&parameters)).await
}

/// Gives up on rows that wait or could not be done, up to [`AT_ONCE`] of them, and counts them. Somebody
/// who is at one of them finds it gone.
pub async fn drop_them(
    database: &impl Statements,
    which: &Which,
    now: i64,
) -> Result<u64, StoreError> {
    let (found, mut parameters) = chosen(which, "state IN ('waiting', 'dead')");
    let sql = format!(
        "UPDATE queue SET state = 'dropped', lease = NULL, ended_at = ? WHERE id IN ({found})"
    );
    parameters.insert(0, Owned::Integer(now));
    database.execute(&sql, &borrowed(&parameters)).await
}

/// Lets those rows be done now that wait for a time which only a clock has set that was wrong.
pub async fn recall(database: &impl Statements, now: i64) -> Result<u64, StoreError> {
    let sql = "UPDATE queue SET not_before = ?1, lease = NULL \
        WHERE state = 'waiting' AND not_before > ?2";
    let latest = now + LONGEST_WAIT;
    database.execute(sql, &params![now, latest]).await
}

/// Forgets what ended long ago, up to [`AT_ONCE`] rows, and counts them.
pub async fn forget(
    database: &impl Statements,
    kept: Retention,
    now: i64,
) -> Result<u64, StoreError> {
    let sql = "DELETE FROM queue WHERE id IN (SELECT q.id FROM queue q \
        WHERE q.state <> 'waiting' AND q.ended_at < ?1 \
        AND (q.state = 'dead' AND q.ended_at < ?2 OR q.state <> 'dead' AND q.ended_at < ?3) LIMIT ?4)";
    let (done, dead) = kept.before(now);
    let parameters = params![done.max(dead), dead, done, AT_ONCE];
    database.execute(sql, &parameters).await
}

/// The condition for rows, and its parameters.
fn conditions(which: &Which) -> (Vec<&'static str>, Vec<Owned>) {
    let texts = [
        ("id = ?", which.id.clone()),
        ("kind = ?", which.kind.map(|kind| kind.as_str().to_owned())),
        ("topic = ?", which.topic.clone()),
        (
            "state = ?",
            which.state.map(|state| state.as_str().to_owned()),
        ),
    ];
    let mut conditions = Vec::new();
    let mut parameters = Vec::new();
    for (condition, value) in texts {
        if let Some(value) = value {
            conditions.push(condition);
            parameters.push(Owned::Text(value));
        }
    }
    if let Some(since) = which.since {
        conditions.push("created_at >= ?");
        parameters.push(Owned::Integer(since));
    }
    (conditions, parameters)
}

/// The question for the identifiers of some rows.
fn chosen(which: &Which, state: &'static str) -> (String, Vec<Owned>) {
    let (mut conditions, mut parameters) = conditions(which);
    conditions.push(state);
    parameters.push(Owned::Integer(AT_ONCE));
    let sql = format!(
        "SELECT id FROM queue WHERE {} ORDER BY id LIMIT ?",
        conditions.join(" AND ")
    );
    (sql, parameters)
}

/// Rows, newest first, without their bodies.
pub async fn list(
    database: &impl Statements,
    which: &Which,
    before: Option<&str>,
    limit: i64,
) -> Result<Vec<Item>, StoreError> {
    let (mut conditions, mut parameters) = conditions(which);
    if let Some(before) = before {
        conditions.push("id < ?");
        parameters.push(Owned::Text(before.to_owned()));
    }
    let filter = match conditions.is_empty() {
        true => String::new(),
        false => format!("WHERE {}", conditions.join(" AND ")),
    };
    parameters.push(Owned::Integer(limit));
    let sql = format!("SELECT {COLUMNS} FROM queue {filter} ORDER BY id DESC LIMIT ?");
    database.rows(&sql, &borrowed(&parameters), item).await
}

/// One row, with its body.
pub async fn by_id(database: &impl Statements, id: &str) -> Result<Option<Item>, StoreError> {
    let sql = format!("SELECT {COLUMNS}, body FROM queue WHERE id = ?");
    database.row(&sql, &params![id], item).await
}

/// What waits, by kind.
pub async fn waiting(database: &impl Statements) -> Result<Vec<Waiting>, StoreError> {
    let sql = "SELECT kind, COUNT(*), CAST(SUM(size) AS BIGINT), MIN(created_at), MIN(not_before) \
        FROM queue WHERE state = 'waiting' GROUP BY kind ORDER BY kind";
    let read = |row: &dyn Row| {
        let kind: String = row.get(0)?;
        Ok(Waiting {
            kind: Kind::parse(&kind).map_err(StoreError::Damaged)?,
            rows: row.get(1)?,
            bytes: row.get(2)?,
            oldest: row.get(3)?,
            due: row.get(4)?,
        })
    };
    database.rows(sql, &[], read).await
}

/// The topics of a kind of which something may be done now, those first that have waited longest.
pub async fn due_topics(
    database: &impl Statements,
    kind: Kind,
    now: i64,
) -> Result<Vec<String>, StoreError> {
    // From one topic to the next in the index, however much waits of each.
    let sql = "WITH RECURSIVE topics (topic) AS ( \
        SELECT MIN(q.topic) FROM queue q WHERE q.kind = ?1 AND q.state = 'waiting' UNION ALL \
        SELECT (SELECT MIN(q.topic) FROM queue q \
            WHERE q.kind = ?1 AND q.state = 'waiting' AND q.topic > topics.topic) \
        FROM topics WHERE topics.topic IS NOT NULL) \
        SELECT topic FROM (SELECT topics.topic AS topic, (SELECT MIN(q.not_before) FROM queue q \
            WHERE q.kind = ?1 AND q.state = 'waiting' AND q.topic = topics.topic) AS due \
        FROM topics WHERE topics.topic IS NOT NULL) found \
        WHERE due <= ?2 ORDER BY due, topic";
    let parameters = params![kind.as_str(), now];
    database.rows(sql, &parameters, |row| row.get(0)).await
}

/// How many rows of a kind wait or could not be done, by what they belong to.
pub async fn counts(
    database: &impl Statements,
    kind: Kind,
) -> Result<Vec<(String, State, i64)>, StoreError> {
    let sql = "SELECT topic, state, COUNT(*) FROM queue \
        WHERE kind = ? AND state IN ('waiting', 'dead') GROUP BY topic, state";
    let read = |row: &dyn Row| {
        let state: String = row.get(1)?;
        let state = State::parse(&state).map_err(StoreError::Damaged)?;
        Ok((row.get(0)?, state, row.get(2)?))
    };
    database.rows(sql, &params![kind.as_str()], read).await
}

impl Account {
    /// The topics of a kind of which something may be done now, those first that have waited longest.
    pub async fn queue_due_topics(&self, kind: Kind, now: i64) -> Result<Vec<String>, StoreError> {
        read!(self, database => due_topics(database, kind, now))
    }

    /// How many rows of a kind wait or could not be done, by what they belong to.
    pub async fn queue_counts(&self, kind: Kind) -> Result<Vec<(String, State, i64)>, StoreError> {
        read!(self, database => counts(database, kind))
    }

    /// What waits to be done, by kind.
    pub async fn queue_waiting(&self) -> Result<Vec<Waiting>, StoreError> {
        read!(self, database => waiting(database))
    }

    /// Rows of the queue, newest first, without their bodies; those before `before`, if it is there.
    pub async fn queue_items(
        &self,
        which: Which,
        before: Option<String>,
        limit: i64,
    ) -> Result<Vec<Item>, StoreError> {
        read!(self, database => list(database, &which, before.as_deref(), limit))
    }

    /// One row of the queue, with its body.
    pub async fn queue_item(&self, id: String) -> Result<Option<Item>, StoreError> {
        read!(self, database => by_id(database, &id))
    }
}
