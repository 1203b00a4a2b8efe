//! An account as lines of JSON, for whoever leaves or looks at it elsewhere.

use std::io::{self, Write};

use serde_json::{Map, Value, json};

use super::StoreError;
use super::copy::{Pages, TABLES};
use super::sql::{Owned, Statements};

/// What never leaves: with a hash, a secret can be guessed at.
const SECRET: [&str; 3] = ["hash", "old_hash", "sealed"];
/// The columns that are JSON.
const JSON: [&str; 10] = [
    "changes",
    "answer",
    "attributes",
    "extra_metadata",
    "definition",
    "origin",
    "parts",
    "in_progress",
    "ended_by",
    "head",
];

/// Writes every row of every table, each as `{"table": …, "row": {…}}` on a line of its own.
///
/// # Errors
/// If the database fails, or `out` does.
pub async fn write<S: Statements>(database: &S, out: &mut dyn Write) -> Result<(), StoreError> {
    for table in &TABLES {
        let mut pages = Pages::of(table);
        loop {
            let rows = pages.next(database).await?;
            if rows.is_empty() {
                break;
            }
            for row in &rows {
                let shown = shown(table.name, &pages.columns, row);
                let line = json!({ "table": table.name, "row": shown });
                writeln!(out, "{line}").map_err(failed)?;
            }
        }
    }
    out.flush().map_err(failed)
}

fn failed(source: io::Error) -> StoreError {
    StoreError::Directory {
        path: "standard output".to_owned(),
        source,
    }
}

fn shown(table: &str, columns: &[&str], values: &[Owned]) -> Map<String, Value> {
    let members = columns.iter().zip(values);
    members
        .filter(|(column, _)| table == "log" || !SECRET.contains(column))
        .map(|(column, value)| {
            let value = match value {
                Owned::Null => Value::Null,
                Owned::Integer(number) => (*number).into(),
                Owned::Text(text) if JSON.contains(column) => {
                    serde_json::from_str(text).unwrap_or_else(|_| text.clone().into())
                }
                Owned::Text(text) => text.clone().into(),
                Owned::Bytes(bytes) => {
                    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
                    hex.into()
                }
            };
            ((*column).to_owned(), value)
        })
        .collect()
}
