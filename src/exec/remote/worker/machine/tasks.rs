//! The records of all results the worker knows, by key and by place.

use std::ops::{Index, IndexMut};

use hashbrown::HashMap;

use super::task::{Slot, Task};
use crate::exec::remote::worker::names::{Key, Priority};

/// An arena of [`Task`]s. Places are used again.
#[derive(Debug, Default)]
pub(crate) struct Tasks {
    records: Vec<Option<Task>>,
    vacant: Vec<Slot>,
    by_key: HashMap<Key, Slot>,
}

impl Tasks {
    pub(crate) fn find(&self, key: &Key) -> Option<Slot> {
        self.by_key.get(key).copied()
    }

    /// The record of a key; a new one if there is none.
    pub(crate) fn ensure(&mut self, key: &Key, priority: &Priority) -> Slot {
        if let Some(slot) = self.find(key) {
            return slot;
        }
        let task = Task::new(key.clone(), priority.clone());
        let slot = match self.vacant.pop() {
            Some(slot) => slot,
            None => {
                self.records.push(None);
                Slot(self.records.len() as u32 - 1)
            }
        };
        self.records[slot.0 as usize] = Some(task);
        self.by_key.insert(key.clone(), slot);
        slot
    }

    pub(crate) fn remove(&mut self, slot: Slot) {
        if let Some(task) = self.records[slot.0 as usize].take() {
            self.by_key.remove(&task.key);
            self.vacant.push(slot);
        }
    }

    pub(crate) fn contains(&self, slot: Slot) -> bool {
        self.records.get(slot.0 as usize).is_some_and(Option::is_some)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Slot, &Task)> {
        self.records.iter().enumerate().filter_map(|(i, task)| Some((Slot(i as u32), task.as_ref()?)))
    }

    pub(crate) fn len(&self) -> usize {
        self.by_key.len()
    }
}

impl Index<Slot> for Tasks {
    type Output = Task;

    fn index(&self, slot: Slot) -> &Task {
        // A slot is only kept by records and queues of the machine, which are cleared before a record is removed.
        self.records[slot.0 as usize].as_ref().expect("a slot that is in use has a record")
    }
}

impl IndexMut<Slot> for Tasks {
    fn index_mut(&mut self, slot: Slot) -> &mut Task {
        self.records[slot.0 as usize].as_mut().expect("a slot that is in use has a record")
    }
}
