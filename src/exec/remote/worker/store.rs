//! The values of a worker.
//!
//! The event loop puts and drops them as the machine says; connections of other workers read them at the same time.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::names::Key;

/// All values by name; see the module documentation.
pub(crate) struct Store<V> {
    values: Mutex<HashMap<Key, V>>,
}

impl<V: Clone> Store<V> {
    pub(crate) fn new() -> Self {
        Self { values: Mutex::default() }
    }

    fn values(&self) -> MutexGuard<'_, HashMap<Key, V>> {
        // Every change is a single step of the map, so a panic elsewhere does not spoil it.
        self.values.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn put(&self, key: Key, value: V) {
        let old = self.values().insert(key, value);
        drop(old);
    }

    pub(crate) fn get(&self, key: &Key) -> Option<V> {
        self.values().get(key).cloned()
    }

    /// Those of the keys that are here.
    pub(crate) fn get_all(&self, keys: &[Key]) -> BTreeMap<Key, V> {
        let values = self.values();
        keys.iter().filter_map(|key| Some((key.clone(), values.get(key)?.clone()))).collect()
    }

    pub(crate) fn drop_value(&self, key: &Key) {
        // The value itself is dropped after the lock: that may take a while.
        let old = self.values().remove(key);
        drop(old);
    }

    pub(crate) fn keys(&self) -> Vec<Key> {
        self.values().keys().cloned().collect()
    }

    pub(crate) fn contains(&self, key: &Key) -> bool {
        self.values().contains_key(key)
    }
}
