//! Sessions at the pages, the links that begin them, and passwords.

use super::{Row, Statements, params, people};
use crate::domain::people::Known;
use crate::domain::sessions::{Hashed, LINK_LIFE, Link, Means, Session};
use crate::store::StoreError;
use crate::store::account::{self, Account};

/// The most sessions of one person; one more ends the oldest.
const MOST: i64 = 50;

const SESSION: &str =
    "SELECT id, person_id, means, created_at, seen_at, address, agent, hash FROM sessions";

/// A session with the hash of its secret.
fn session(row: &dyn Row) -> Result<(Session, Vec<u8>), StoreError> {
    let means: String = row.get(2)?;
    let means = Means::parse(&means)
        .ok_or_else(|| StoreError::Damaged(format!("a session by {means:?}")))?;
    let session = Session {
        id: row.get(0)?,
        person_id: row.get(1)?,
        means,
        created_at: row.get(3)?,
        seen_at: row.get(4)?,
        address: row.get(5)?,
        agent: row.get(6)?,
    };
    Ok((session, row.get(7)?))
}

/// A session by its identifier, and the hash of its secret.
pub async fn by_id(
    database: &impl Statements,
    id: &str,
) -> Result<Option<(Session, Vec<u8>)>, StoreError> {
    let sql = format!("{SESSION} WHERE id = ?");
    database.row(&sql, &params![id], session).await
}

/// Writes a new session, and lets go of the oldest if there are too many.
pub async fn begin(
    database: &impl Statements,
    new: &Session,
    hash: &[u8],
) -> Result<(), StoreError> {
    let sql = "INSERT INTO sessions \
        (id, person_id, means, created_at, seen_at, address, agent, hash) \
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
    let parameters = params![
        new.id,
        new.person_id,
        new.means.as_str(),
        new.created_at,
        new.seen_at,
        new.address,
        new.agent,
        hash,
    ];
    database.execute(sql, &parameters).await?;
    let sql = "DELETE FROM sessions WHERE person_id = ?1 AND id NOT IN \
        (SELECT s.id FROM sessions s WHERE s.person_id = ?1 \
         ORDER BY s.created_at DESC, s.id DESC LIMIT ?2)";
    database.execute(sql, &params![new.person_id, MOST]).await?;
    Ok(())
}

/// Ends a session of a person, or all of them and the links that would begin another.
pub async fn end(
    database: &impl Statements,
    person_id: &str,
    only: Option<&str>,
) -> Result<(), StoreError> {
    if let Some(id) = only {
        let sql = "DELETE FROM sessions WHERE person_id = ? AND id = ?";
        database.execute(sql, &params![person_id, id]).await?;
        return Ok(());
    }
    for sql in [
        "DELETE FROM sessions WHERE person_id = ?",
        "DELETE FROM links WHERE person_id = ?",
    ] {
        database.execute(sql, &params![person_id]).await?;
    }
    Ok(())
}

/// Takes note that a session is used.
pub async fn note_use(database: &impl Statements, id: &str, now: i64) -> Result<(), StoreError> {
    let sql = "UPDATE sessions SET seen_at = ? WHERE id = ?";
    database.execute(sql, &params![now, id]).await?;
    Ok(())
}

/// A link by its identifier, and the hash of its secret.
pub async fn link(
    database: &impl Statements,
    id: &str,
) -> Result<Option<(Link, Vec<u8>)>, StoreError> {
    let sql = "SELECT id, person_id, expires_at, used, hash FROM links WHERE id = ?";
    database
        .row(sql, &params![id], |row| {
            let link = Link {
                id: row.get(0)?,
                person_id: row.get(1)?,
                expires_at: row.get(2)?,
                used: row.get(3)?,
            };
            Ok((link, row.get(4)?))
        })
        .await
}

/// Writes a new link, and forgets those that are over; without a hash, writes that one is used.
pub async fn write_link(
    database: &impl Statements,
    link: &Link,
    hash: Option<&[u8]>,
) -> Result<(), StoreError> {
    let Some(hash) = hash else {
        let sql = "UPDATE links SET used = ? WHERE id = ?";
        database.execute(sql, &params![link.used, link.id]).await?;
        return Ok(());
    };
    let over = link.expires_at - LINK_LIFE;
    database
        .execute("DELETE FROM links WHERE expires_at < ?", &params![over])
        .await?;
    let sql = "INSERT INTO links (id, person_id, expires_at, used, hash) VALUES (?, ?, ?, ?, ?)";
    let parameters = params![link.id, link.person_id, link.expires_at, link.used, hash];
    database.execute(sql, &parameters).await?;
    Ok(())
}

/// The password of a person.
pub async fn password(
    database: &impl Statements,
    person_id: &str,
) -> Result<Option<Hashed>, StoreError> {
    let sql = "SELECT hash FROM passwords WHERE person_id = ?";
    database
        .row(sql, &params![person_id], |row| row.get(0).map(Hashed))
        .await
}

/// Sets the password of a person, or takes it away.
pub async fn set_password(
    database: &impl Statements,
    person_id: &str,
    password: Option<&Hashed>,
) -> Result<(), StoreError> {
    let Some(Hashed(hash)) = password else {
        let sql = "DELETE FROM passwords WHERE person_id = ?";
        database.execute(sql, &params![person_id]).await?;
        return Ok(());
    };
    let sql = "INSERT INTO passwords (person_id, hash) VALUES (?, ?) \
        ON CONFLICT (person_id) DO UPDATE SET hash = excluded.hash";
    database.execute(sql, &params![person_id, hash]).await?;
    Ok(())
}

impl Account {
    /// A session by its identifier, the hash of its secret, and whose it is.
    pub async fn session(
        &self,
        id: String,
    ) -> Result<Option<(Session, Vec<u8>, Known)>, StoreError> {
        account::read!(self, database => async {
            let Some((session, hash)) = by_id(database, &id).await? else {
                return Ok(None);
            };
            let known = people::by_id(database, &session.person_id).await?;
            Ok(known.map(|known| (session, hash, known)))
        })
    }

    /// The sessions of a person, newest first; some may be over.
    pub async fn sessions(&self, person_id: String) -> Result<Vec<Session>, StoreError> {
        account::read!(self, database => async {
            let sql = format!("{SESSION} WHERE person_id = ? ORDER BY created_at DESC, id DESC");
            let rows = database.rows(&sql, &params![person_id], session).await?;
            Ok(rows.into_iter().map(|(session, _)| session).collect())
        })
    }

    /// A link by its identifier, the hash of its secret, and whom it logs in.
    pub async fn link(
        &self,
        id: String,
    ) -> Result<Option<(Link, Vec<u8>, Option<Known>)>, StoreError> {
        account::read!(self, database => async {
            let Some((link, hash)) = link(database, &id).await? else {
                return Ok(None);
            };
            let known = match &link.person_id {
                Some(id) => people::by_id(database, id).await?,
                None => None,
            };
            Ok(Some((link, hash, known)))
        })
    }

    /// The password of a person.
    pub async fn password(&self, person_id: String) -> Result<Option<Hashed>, StoreError> {
        account::read!(self, database => password(database, &person_id))
    }
}
