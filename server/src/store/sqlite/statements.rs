//! The statements of the store, asked of SQLite.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, params_from_iter};

use crate::store::StoreError;
use crate::store::sql::{Each, Lock, Parameter, Row, Standing, Statements, Value};

/// What came of something that never waits.
pub fn ready<T>(future: impl Future<Output = T>) -> T {
    let mut context = Context::from_waker(Waker::noop());
    match pin!(future).poll(&mut context) {
        Poll::Ready(result) => result,
        Poll::Pending => unreachable!("this database never waits for anything"),
    }
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match *self {
            Value::Null => ValueRef::Null,
            Value::Integer(number) => ValueRef::Integer(number),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

impl Row for rusqlite::Row<'_> {
    fn value(&self, column: usize) -> Result<Value<'_>, StoreError> {
        let damaged = |what: &str| StoreError::Damaged(format!("{what} stands in column {column}"));
        Ok(match self.get_ref(column)? {
            ValueRef::Null => Value::Null,
            ValueRef::Integer(number) => Value::Integer(number),
            ValueRef::Text(text) => {
                Value::Text(std::str::from_utf8(text).map_err(|_| damaged("what is no UTF-8"))?)
            }
            ValueRef::Blob(bytes) => Value::Bytes(bytes),
            ValueRef::Real(_) => return Err(damaged("a fraction")),
        })
    }

    fn width(&self) -> usize {
        self.as_ref().column_count()
    }
}

impl Statements for Connection {
    const SHARED: bool = false;
    const PLACE: &'static str = "position";

    /// There is one writer.
    async fn lock(&self, _: Lock<'_>) -> Result<Option<Standing>, StoreError> {
        Ok(None)
    }

    async fn each(
        &self,
        sql: &str,
        parameters: &[&dyn Parameter],
        read: &mut Each<'_>,
    ) -> Result<(), StoreError> {
        let mut select = self.prepare_cached(sql)?;
        let mut rows = select.query(params_from_iter(parameters.iter().map(|one| one.value())))?;
        while let Some(row) = rows.next()? {
            if read(row)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    async fn execute(&self, sql: &str, parameters: &[&dyn Parameter]) -> Result<u64, StoreError> {
        let mut statement = self.prepare_cached(sql)?;
        Ok(statement.execute(params_from_iter(parameters.iter().map(|one| one.value())))? as u64)
    }
}
