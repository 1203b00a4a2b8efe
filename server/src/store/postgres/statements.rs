//! The statements of the store, asked of PostgreSQL.

use std::error::Error;
use std::pin::pin;

use futures_util::TryStreamExt;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

use super::open::Open;
use super::schema::account_steps;
use crate::store::StoreError;
use crate::store::sql::{Each, Lock, Parameter, Row, Standing, Statements, Value};

impl ToSql for Value<'_> {
    fn to_sql(
        &self,
        kind: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match *self {
            Value::Null => Ok(IsNull::Yes),
            Value::Integer(number) => match *kind {
                Type::INT4 => i32::try_from(number)?.to_sql(kind, out),
                Type::BOOL => (number != 0).to_sql(kind, out),
                _ => number.to_sql(kind, out),
            },
            // PostgreSQL knows no such character; what is stored never has it, so nothing is found.
            Value::Text(text) if text.contains('\0') => {
                text.replace('\0', "\u{fffd}").to_sql(kind, out)
            }
            Value::Text(text) => text.to_sql(kind, out),
            Value::Bytes(bytes) => bytes.to_sql(kind, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl Row for tokio_postgres::Row {
    fn value(&self, column: usize) -> Result<Value<'_>, StoreError> {
        let kind = self.columns()[column].type_();
        let value = match *kind {
            Type::INT8 => self.try_get::<_, Option<i64>>(column)?.map(Value::Integer),
            Type::INT4 => self
                .try_get::<_, Option<i32>>(column)?
                .map(|number| Value::Integer(number.into())),
            Type::BOOL => self
                .try_get::<_, Option<bool>>(column)?
                .map(|truth| Value::Integer(truth.into())),
            Type::BYTEA => self.try_get::<_, Option<&[u8]>>(column)?.map(Value::Bytes),
            Type::TEXT | Type::VARCHAR | Type::NAME => {
                self.try_get::<_, Option<&str>>(column)?.map(Value::Text)
            }
            _ => {
                let msg = format!("{kind} stands in column {column}");
                return Err(StoreError::Damaged(msg));
            }
        };
        Ok(value.unwrap_or(Value::Null))
    }

    fn width(&self) -> usize {
        self.len()
    }
}

impl Statements for Open {
    const SHARED: bool = true;
    const PLACE: &'static str = "place";

    async fn each(
        &self,
        sql: &str,
        parameters: &[&dyn Parameter],
        read: &mut Each<'_>,
    ) -> Result<(), StoreError> {
        let statement = self.client().prepare_cached(&translate(sql)).await?;
        let rows = self
            .client()
            .query_raw(&statement, parameters.iter().map(|one| one.value()))
            .await?;
        let mut rows = pin!(rows);
        while let Some(row) = rows.try_next().await? {
            if read(&row)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    async fn execute(&self, sql: &str, parameters: &[&dyn Parameter]) -> Result<u64, StoreError> {
        let statement = self.client().prepare_cached(&translate(sql)).await?;
        Ok(self
            .client()
            .execute_raw(&statement, parameters.iter().map(|one| one.value()))
            .await?)
    }

    async fn lock(&self, lock: Lock<'_>) -> Result<Option<Standing>, StoreError> {
        let name = match lock {
            Lock::NamesAsTheyAre => {
                let sql = "SELECT pg_advisory_xact_lock_shared(hashtextextended( \
                    current_schema() || '/names', 0))";
                let statement = self.client().prepare_cached(sql).await?;
                self.client().query(&statement, &[]).await?;
                return Ok(None);
            }
            Lock::Policy => "policy".to_owned(),
            Lock::Names => "names".to_owned(),
            Lock::Environment(id) => format!("environment/{id}"),
            Lock::Cell(product, environment) => format!("cell/{product}/{environment}"),
        };
        let sql = "SELECT policy, needs, next, now FROM stand($1)";
        let statement = self.client().prepare_cached(sql).await?;
        let row = self.client().query_one(&statement, &[&name]).await?;
        let connections = self.connections();
        connections.check(row.get(1), account_steps())?;
        Ok(Some(Standing {
            policy: row.get(0),
            position: row.get(2),
            now: connections.time.note(row.get(3)),
        }))
    }
}

/// What SQLite understands, in the words of PostgreSQL: numbered parameters, and nothing that only helps
/// SQLite to choose an index.
pub fn translate(sql: &str) -> String {
    let mut translated = String::with_capacity(sql.len() + 16);
    let mut count = 0;
    let mut characters = sql.char_indices().peekable();
    let mut quoted = false;
    while let Some((at, character)) = characters.next() {
        let next = characters.peek().map(|(_, next)| *next);
        match character {
            '\'' => {
                quoted = !quoted;
                translated.push(character);
            }
            _ if quoted => translated.push(character),
            '?' => {
                translated.push('$');
                if !next.is_some_and(|next| next.is_ascii_digit()) {
                    count += 1;
                    translated += &count.to_string();
                }
            }
            // `CROSS` and `+` keep SQLite from another order of tables and from another index.
            'C' if sql[at..].starts_with("CROSS JOIN") => {
                characters.by_ref().nth("ROSS ".len() - 1);
            }
            '+' if next.is_some_and(|next| next.is_ascii_lowercase()) => {}
            _ => translated.push(character),
        }
    }
    translated
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_numbered_and_hints_left_out() {
        for (sql, expected) in [
            ("a = ? AND b = ?", "a = $1 AND b = $2"),
            ("a = ?2 OR ?2 < ?1", "a = $2 OR $2 < $1"),
            (
                "a = '?' AND (+t.b, c) < (?, ?)",
                "a = '?' AND (t.b, c) < ($1, $2)",
            ),
            (
                "t CROSS JOIN p ON p.a + 1 = t.b",
                "t JOIN p ON p.a + 1 = t.b",
            ),
        ] {
            assert_eq!(translate(sql), expected);
        }
    }
}
