//! What Java knows by number.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Objects that Java holds. A number is never given again.
pub struct Numbered<T>(RwLock<Held<T>>);

struct Held<T> {
    last: i64,
    objects: Option<HashMap<i64, Arc<T>>>,
}

impl<T> Numbered<T> {
    pub const fn new() -> Self {
        Numbered(RwLock::new(Held {
            last: 0,
            objects: None,
        }))
    }

    /// Keeps an object and answers its number.
    pub fn insert(&self, object: T) -> i64 {
        let mut held = self.write();
        held.last += 1;
        let number = held.last;
        let objects = held.objects.get_or_insert_default();
        objects.insert(number, Arc::new(object));
        number
    }

    pub fn get(&self, number: i64) -> Option<Arc<T>> {
        self.read().objects.as_ref()?.get(&number).cloned()
    }

    pub fn remove(&self, number: i64) -> Option<Arc<T>> {
        self.write().objects.as_mut()?.remove(&number)
    }

    fn read(&self) -> RwLockReadGuard<'_, Held<T>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Held<T>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}
