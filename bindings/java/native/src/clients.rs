//! The open clients by number.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use versioner::Client;

#[derive(Default)]
struct Clients {
    last: i64,
    open: Option<HashMap<i64, Arc<Client>>>,
}

static CLIENTS: RwLock<Clients> = RwLock::new(Clients {
    last: 0,
    open: None,
});

fn read() -> RwLockReadGuard<'static, Clients> {
    CLIENTS.read().unwrap_or_else(PoisonError::into_inner)
}

fn write() -> RwLockWriteGuard<'static, Clients> {
    CLIENTS.write().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps a client and answers its number, which is never given again.
pub fn insert(client: Client) -> i64 {
    let mut clients = write();
    clients.last += 1;
    let number = clients.last;
    let open = clients.open.get_or_insert_default();
    open.insert(number, Arc::new(client));
    number
}

pub fn get(number: i64) -> Option<Arc<Client>> {
    read().open.as_ref()?.get(&number).cloned()
}

pub fn remove(number: i64) -> Option<Arc<Client>> {
    write().open.as_mut()?.remove(&number)
}
