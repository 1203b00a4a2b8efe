//! Who did something, by the name that people know.

use std::collections::HashMap;

use super::format::{self, Html};
use crate::store::{Account, StoreError};

/// Everybody, by how the record names them.
#[derive(Debug, Default)]
pub struct Who(HashMap<String, String>);

impl Who {
    /// Reads the names of people and of API keys.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn read(account: &Account) -> Result<Who, StoreError> {
        let mut names = HashMap::new();
        for known in account.people().await? {
            let name = known.name().to_owned();
            names.insert(format!("person:{}", known.person.id), name);
        }
        for key in account.keys().await? {
            let id = key["id"].as_str().unwrap_or_default();
            let name = key["name"].as_str().unwrap_or(id);
            names.insert(format!("key:{id}"), format!("key {name}"));
        }
        Ok(Who(names))
    }

    /// What people call an actor of the record.
    pub fn name(&self, actor: &str) -> Html {
        format::name(self.text(actor))
    }

    /// The same as text.
    pub fn text<'a>(&'a self, actor: &'a str) -> &'a str {
        match actor {
            "server" => "the server",
            _ => self.0.get(actor).map_or(actor, String::as_str),
        }
    }
}
