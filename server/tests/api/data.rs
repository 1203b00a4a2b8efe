//! Where a test server keeps its data: a folder, or a database of the PostgreSQL that
//! `VERSIONER_TEST_POSTGRES` names.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use tempfile::TempDir;
use tokio_postgres::NoTls;

/// A folder or a database that is gone when it is dropped.
pub enum Data {
    Folder(TempDir),
    Database {
        server: String,
        name: String,
        url: PathBuf,
    },
}

impl Data {
    /// On the database that the tests are run on.
    pub fn new() -> Data {
        Data::on_postgres().unwrap_or_else(Data::in_folder)
    }

    /// In a folder, whatever the tests are run on.
    pub fn in_folder() -> Data {
        Data::Folder(TempDir::new().unwrap())
    }

    /// In a database of its own, if there is a PostgreSQL.
    pub fn on_postgres() -> Option<Data> {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let server = std::env::var("VERSIONER_TEST_POSTGRES").ok()?;
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{}_{number}", std::process::id());
        run(&server, &format!("CREATE DATABASE {name}"));
        let url = PathBuf::from(format!("{server}/{name}"));
        Some(Data::Database { server, name, url })
    }

    /// What `--data` says.
    pub fn path(&self) -> &Path {
        match self {
            Data::Folder(folder) => folder.path(),
            Data::Database { url, .. } => url,
        }
    }
}

impl Drop for Data {
    fn drop(&mut self) {
        if let Data::Database { server, name, .. } = self {
            run(server, &format!("DROP DATABASE {name} WITH (FORCE)"));
        }
    }
}

/// Runs a statement on a connection of its own, from wherever.
pub fn run(url: &str, statement: &str) {
    let url = match url.rsplit_once('/') {
        Some((before, _)) if before.ends_with('/') => format!("{url}/postgres"),
        _ => url.to_owned(),
    };
    std::thread::scope(|scope| {
        let work = async {
            let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
            let connection = tokio::spawn(connection);
            client.batch_execute(statement).await.unwrap();
            drop(client);
            let _ = connection.await;
        };
        let runtime = crate::support::runtime();
        scope.spawn(move || runtime.block_on(work)).join().unwrap();
    });
}
