//! Deployment buttons, and the variables in them.

use super::{Row, Statements, definition, params};
use crate::domain::buttons::Buttons;
use crate::domain::naming::Kind;
use crate::store::StoreError;
use crate::store::account::{Account, read};

/// What stands in place of a product for the variables of the whole account.
pub const OF_ACCOUNT: &str = "";

/// The buttons of a product, and what it is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Of {
    /// The product.
    pub product_id: String,
    /// Its name.
    pub product: String,
    /// Its buttons.
    pub buttons: Buttons,
}

/// Those of a product, or of the account.
pub async fn of(database: &impl Statements, product_id: &str) -> Result<Buttons, StoreError> {
    let sql = "SELECT definition FROM buttons WHERE product_id = ?";
    let found = database.row(sql, &params![product_id], definition).await?;
    Ok(found.unwrap_or_default())
}

/// Writes them; nothing is kept of those that say nothing.
pub async fn write(
    database: &impl Statements,
    product_id: &str,
    buttons: &Buttons,
) -> Result<(), StoreError> {
    if *buttons == Buttons::default() {
        let sql = "DELETE FROM buttons WHERE product_id = ?";
        database.execute(sql, &params![product_id]).await?;
        return Ok(());
    }
    let sql = "INSERT INTO buttons (product_id, definition) VALUES (?, ?) \
        ON CONFLICT (product_id) DO UPDATE SET definition = excluded.definition";
    let definition = serde_json::to_string(buttons)?;
    database
        .execute(sql, &params![product_id, definition])
        .await?;
    Ok(())
}

/// Lets the buttons of `from` be those of `into`; what both have is as it was there.
pub async fn merge(
    database: &impl Statements,
    kind: Kind,
    from: &str,
    into: &str,
) -> Result<(), StoreError> {
    if kind == Kind::Product {
        let (gone, stays) = (of(database, from).await?, of(database, into).await?);
        write(database, from, &Buttons::default()).await?;
        return write(database, into, &stays.joined(gone)).await;
    }
    let sql = "SELECT product_id, definition FROM buttons ORDER BY product_id";
    let read = |row: &dyn Row| Ok((row.get(0)?, row.get(1)?));
    let all: Vec<(String, String)> = database.rows(sql, &[], read).await?;
    for (product_id, definition) in all {
        let mut buttons: Buttons = serde_json::from_str(&definition)?;
        if let Some(address) = buttons.addresses.remove(from) {
            buttons.addresses.entry(into.to_owned()).or_insert(address);
            write(database, &product_id, &buttons).await?;
        }
    }
    Ok(())
}

/// Those of every product that has any, by name.
pub async fn all(database: &impl Statements) -> Result<Vec<Of>, StoreError> {
    let sql = "SELECT b.product_id, p.name, b.definition FROM buttons b \
        JOIN products p ON p.id = b.product_id ORDER BY p.name, p.id";
    let read = |row: &dyn Row| {
        let definition: String = row.get(2)?;
        Ok(Of {
            product_id: row.get(0)?,
            product: row.get(1)?,
            buttons: serde_json::from_str(&definition)?,
        })
    };
    database.rows(sql, &[], read).await
}

/// Every environment by its identifier, archived ones as well, from development to production.
pub async fn environments(database: &impl Statements) -> Result<Vec<(String, String)>, StoreError> {
    let sql = "SELECT id, name FROM environments WHERE alias_of IS NULL \
        ORDER BY CASE WHEN rank IS NULL THEN 1 ELSE 0 END, rank, name, id";
    let read = |row: &dyn Row| Ok((row.get(0)?, row.get(1)?));
    database.rows(sql, &[], read).await
}

/// Everything that an account has of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Everything {
    /// The variables of the account.
    pub common: Buttons,
    /// The products that have any.
    pub products: Vec<Of>,
    /// The environments.
    pub environments: Vec<(String, String)>,
}

/// All of it.
pub async fn everything(database: &impl Statements) -> Result<Everything, StoreError> {
    Ok(Everything {
        common: of(database, OF_ACCOUNT).await?,
        products: all(database).await?,
        environments: environments(database).await?,
    })
}

impl Account {
    /// The buttons of a product, or with [`OF_ACCOUNT`] the variables of the account.
    pub async fn buttons(&self, product_id: String) -> Result<Buttons, StoreError> {
        read!(self, database => of(database, &product_id))
    }

    /// The buttons of every product that has any, and the variables of the account.
    pub async fn all_buttons(&self) -> Result<Everything, StoreError> {
        read!(self, database => everything(database))
    }

    /// Every environment by its identifier, archived ones as well.
    pub async fn environment_names(&self) -> Result<Vec<(String, String)>, StoreError> {
        read!(self, database => environments(database))
    }
}
