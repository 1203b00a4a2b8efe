//! An open transaction.

use std::time::Duration;

use deadpool_postgres::Client;

use super::connect::Connections;
use crate::store::StoreError;

/// How long a connection has to begin a transaction, which is a matter of microseconds: one that waited
/// may be dead without anybody having noticed.
const BEGIN: Duration = Duration::from_secs(3);

/// What a transaction is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To write: each statement sees what is committed when it begins.
    Write,
    /// To read one moment of the account.
    Read,
}

/// A transaction in the schema of an account. It is rolled back unless it is committed.
pub struct Open {
    client: Option<Client>,
    connections: Connections,
}

impl Open {
    /// Begins a transaction in `schema`. If that cannot be done, the connections that waited may all be
    /// dead, as after a network that was cut: it is tried once more on a new one.
    pub async fn begin(
        connections: &Connections,
        schema: &str,
        purpose: Purpose,
    ) -> Result<Open, StoreError> {
        let first = connections.pool.get().await?;
        match Open::begin_on(first, connections, schema, purpose).await {
            Err(error) if error.is_broken() => {
                tracing::debug!(%error, "the connections that waited are given up");
                connections.pool.retain(|_, _| false);
                let new = connections.pool.get().await?;
                Open::begin_on(new, connections, schema, purpose).await
            }
            result => result,
        }
    }

    async fn begin_on(
        client: Client,
        connections: &Connections,
        schema: &str,
        purpose: Purpose,
    ) -> Result<Open, StoreError> {
        let open = Open {
            client: Some(client),
            connections: connections.clone(),
        };
        let begin = match purpose {
            Purpose::Write => "BEGIN ISOLATION LEVEL READ COMMITTED",
            Purpose::Read => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        };
        // The name of an account has nothing that would have to be escaped.
        let sql = format!("{begin}; SET LOCAL search_path TO \"{schema}\"");
        let begun = tokio::time::timeout(BEGIN, open.client().batch_execute(&sql)).await;
        begun.map_err(|_| StoreError::Busy("a connection is dead".to_owned()))??;
        Ok(open)
    }

    /// The connection.
    pub fn client(&self) -> &Client {
        self.client
            .as_ref()
            .expect("a transaction that is not over")
    }

    /// What all transactions of this server have in common.
    pub fn connections(&self) -> &Connections {
        &self.connections
    }

    /// Commits.
    ///
    /// # Errors
    /// [`StoreError::Unsure`] if the connection broke: then nobody knows whether it is committed.
    pub async fn commit(mut self) -> Result<(), StoreError> {
        let Some(client) = self.client.take() else {
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
        let Some(client) = self.client.take() else {
            return;
        };
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
        if let Some(client) = self.client.take() {
            discard(client);
        }
    }
}
