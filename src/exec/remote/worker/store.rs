//! The values of a worker, in memory or on disk.
//!
//! The event loop puts and drops them as the machine says; connections of other workers and the threads that run tasks read
//! them at the same time. What goes to disk when memory is short are the values that have not been used for longest. A
//! value on disk stays there: who needs it reads it for himself.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use crate::error::Result;
use crate::exec::spill::SpillHandle;

use super::names::Key;
use super::runner::TaskRunner;

/// A value, wherever it is. Cloning copies a pointer.
#[derive(Clone)]
pub(crate) enum Stored<V> {
    Here(V),
    OnDisk(Arc<SpillHandle>),
}

impl<V: Clone> Stored<V> {
    /// The value; may read from disk.
    pub(crate) fn load<R: TaskRunner<Value = V>>(&self, runner: &R) -> Result<V> {
        match self {
            Self::Here(value) => Ok(value.clone()),
            Self::OnDisk(file) => runner.decode(file.read()?.into()),
        }
    }

    /// The value as bytes; may read from disk.
    pub(crate) fn content<R: TaskRunner<Value = V>>(&self, runner: &R) -> Result<Bytes> {
        match self {
            Self::Here(value) => runner.encode(value),
            Self::OnDisk(file) => file.read().map(Bytes::from),
        }
    }
}

struct Entry<V> {
    stored: Stored<V>,
    n_bytes: u64,
    /// When it was put, and when it was used last, in numbers of uses.
    put_at: u64,
    used_at: u64,
}

/// A value that should go to disk.
pub(crate) struct Victim<V> {
    pub(crate) key: Key,
    pub(crate) value: V,
    put_at: u64,
}

struct Values<V> {
    entries: HashMap<Key, Entry<V>>,
    clock: u64,
    here_bytes: u64,
    /// What values on disk had in memory, and what they have there.
    spilled_bytes: (u64, u64),
}

impl<V> Values<V> {
    fn tick(&mut self) -> u64 {
        self.clock += 1;
        self.clock
    }

    fn discount(&mut self, entry: &Entry<V>) {
        match &entry.stored {
            Stored::Here(_) => self.here_bytes -= entry.n_bytes,
            Stored::OnDisk(file) => {
                self.spilled_bytes.0 -= entry.n_bytes;
                self.spilled_bytes.1 -= file.file_bytes();
            }
        }
    }
}

/// All values by name; see the module documentation.
pub(crate) struct Store<V> {
    values: Mutex<Values<V>>,
}

impl<V: Clone> Store<V> {
    pub(crate) fn new() -> Self {
        let values = Values { entries: HashMap::new(), clock: 0, here_bytes: 0, spilled_bytes: (0, 0) };
        Self { values: Mutex::new(values) }
    }

    fn values(&self) -> MutexGuard<'_, Values<V>> {
        // Nothing between two steps of a change can panic, so a panic elsewhere does not spoil it.
        self.values.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn put(&self, key: Key, value: V, n_bytes: u64) {
        let mut values = self.values();
        let now = values.tick();
        values.here_bytes += n_bytes;
        let entry = Entry { stored: Stored::Here(value), n_bytes, put_at: now, used_at: now };
        let old = values.entries.insert(key, entry);
        if let Some(old) = &old {
            values.discount(old);
        }
        // The value itself is dropped after the lock: that may take a while.
        drop(values);
        drop(old);
    }

    /// Those of the keys that are here.
    pub(crate) fn get_all(&self, keys: &[Key]) -> BTreeMap<Key, Stored<V>> {
        let mut values = self.values();
        let now = values.tick();
        let mut use_one = |key: &Key| {
            let entry = values.entries.get_mut(key)?;
            entry.used_at = now;
            Some((key.clone(), entry.stored.clone()))
        };
        keys.iter().filter_map(&mut use_one).collect()
    }

    pub(crate) fn drop_value(&self, key: &Key) {
        let mut values = self.values();
        let old = values.entries.remove(key);
        if let Some(old) = &old {
            values.discount(old);
        }
        drop(values);
        drop(old);
    }

    pub(crate) fn keys(&self) -> Vec<Key> {
        self.values().entries.keys().cloned().collect()
    }

    pub(crate) fn contains(&self, key: &Key) -> bool {
        self.values().entries.contains_key(key)
    }

    /// Bytes of values in memory.
    pub(crate) fn here_bytes(&self) -> u64 {
        self.values().here_bytes
    }

    /// What values on disk had in memory, and what they have there.
    pub(crate) fn spilled_bytes(&self) -> (u64, u64) {
        self.values().spilled_bytes
    }

    /// The values that have not been used for longest and have so many bytes together.
    pub(crate) fn victims(&self, n_bytes: u64) -> Vec<Victim<V>> {
        let values = self.values();
        let mut here: Vec<(&Key, &Entry<V>, &V)> = values.entries.iter().filter_map(in_memory).collect();
        here.sort_unstable_by_key(|(_, entry, _)| entry.used_at);
        let mut sum_bytes = 0;
        let until_enough = |(_, entry, _): &(&Key, &Entry<V>, &V)| {
            let is_needed = sum_bytes < n_bytes;
            sum_bytes += entry.n_bytes;
            is_needed
        };
        let victims = here.into_iter().take_while(until_enough);
        victims
            .map(|(key, entry, value)| Victim { key: key.clone(), value: value.clone(), put_at: entry.put_at })
            .collect()
    }

    /// Puts a file in the place of a value, unless that has been dropped or replaced meanwhile.
    pub(crate) fn move_to_disk(&self, victim: &Victim<V>, file: SpillHandle) {
        let mut values = self.values();
        let file_bytes = file.file_bytes();
        let Some(entry) = values.entries.get_mut(&victim.key).filter(|entry| entry.put_at == victim.put_at) else {
            return;
        };
        let old = std::mem::replace(&mut entry.stored, Stored::OnDisk(Arc::new(file)));
        let n_bytes = entry.n_bytes;
        values.here_bytes -= n_bytes;
        values.spilled_bytes.0 += n_bytes;
        values.spilled_bytes.1 += file_bytes;
        drop(values);
        drop(old);
    }
}

fn in_memory<'a, V>((key, entry): (&'a Key, &'a Entry<V>)) -> Option<(&'a Key, &'a Entry<V>, &'a V)> {
    match &entry.stored {
        Stored::Here(value) => Some((key, entry, value)),
        Stored::OnDisk(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::spill::SpillStore;

    fn names<V>(victims: &[Victim<V>]) -> Vec<String> {
        victims.iter().map(|victim| victim.key.to_string()).collect()
    }

    fn to_disk(store: &Store<Bytes>, victims: Vec<Victim<Bytes>>) {
        for victim in victims {
            let file = SpillStore::new(std::env::temp_dir(), u64::MAX).write(&victim.value).unwrap();
            store.move_to_disk(&victim, file);
        }
    }

    #[test]
    fn the_longest_unused_go_first_and_sums_are_kept() {
        let store = Store::new();
        for key in ["a", "b", "c"] {
            store.put(key.into(), Bytes::from_static(b"12345678"), 10);
        }
        store.get_all(&["a".into()]);
        assert_eq!(names(&store.victims(11)), ["b", "c"]);
        to_disk(&store, store.victims(10));
        assert_eq!((store.here_bytes(), store.spilled_bytes()), (20, (10, 40)));
        assert_eq!(names(&store.victims(100)), ["c", "a"]);
        assert!(
            matches!(&store.get_all(&["b".into()])[&Key::from("b")], Stored::OnDisk(file) if file.file_bytes() == 40)
        );
        ["a", "b", "c"].iter().for_each(|key| store.drop_value(&Key::from(*key)));
        assert_eq!((store.here_bytes(), store.spilled_bytes()), (0, (0, 0)));
    }

    #[test]
    fn what_was_dropped_or_replaced_is_not_moved() {
        let store = Store::new();
        store.put("a".into(), Bytes::from_static(b"old"), 3);
        store.put("b".into(), Bytes::from_static(b"old"), 3);
        let victims = store.victims(6);
        store.put("a".into(), Bytes::from_static(b"new"), 5);
        store.drop_value(&"b".into());
        to_disk(&store, victims);
        assert!(matches!(&store.get_all(&["a".into()])[&Key::from("a")], Stored::Here(value) if value == "new"));
        assert_eq!((store.here_bytes(), store.spilled_bytes()), (5, (0, 0)));
    }
}
