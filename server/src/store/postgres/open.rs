//! An open transaction.

use deadpool_postgres::{Client, Pool};

use crate::store::StoreError;

/// What a transaction is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To write: each statement sees what is committed when it begins.
    Write,
    /// To read one moment of the account.
    Read,
}

/// A transaction in the schema of an account. It is rolled back unless it is committed.
pub struct Open(Option<Client>);

impl Open {
    /// Begins a transaction in `schema`.
    pub async fn begin(pool: &Pool, schema: &str, purpose: Purpose) -> Result<Open, StoreError> {
        let open = Open(Some(pool.get().await?));
        let begin = match purpose {
            Purpose::Write => "BEGIN ISOLATION LEVEL READ COMMITTED",
            Purpose::Read => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        };
        // The name of an account has nothing that would have to be escaped.
        let sql = format!("{begin}; SET LOCAL search_path TO \"{schema}\"");
        open.client().batch_execute(&sql).await?;
        Ok(open)
    }

    /// The connection.
    pub fn client(&self) -> &Client {
        self.0.as_ref().expect("a transaction that is not over")
    }

    /// Commits.
    ///
    /// # Errors
    /// [`StoreError::Unsure`] if the connection broke: then nobody knows whether it is committed.
    pub async fn commit(mut self) -> Result<(), StoreError> {
        let Some(client) = self.0.take() else {
            return Ok(());
        };
        match client.batch_execute("COMMIT").await {
            Ok(()) => Ok(()),
            Err(error) => {
                discard(client);
                match error.code() {
                    Some(_) => Err(error.into()),
                    None => Err(StoreError::Unsure(error.to_string())),
                }
            }
        }
    }

    /// Undoes everything.
    pub async fn roll_back(mut self) {
        let Some(client) = self.0.take() else { return };
        if let Err(error) = client.batch_execute("ROLLBACK").await {
            tracing::debug!(%error, "a connection is given up");
            discard(client);
        }
    }
}

/// Closes a connection: the database then rolls back what was open on it.
fn discard(client: Client) {
    drop(Client::take(client));
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Some(client) = self.0.take() {
            discard(client);
        }
    }
}
