//! Where the record of a task is.
//!
//! A hash map of *pages*, each for sixteen tasks that follow each other in one layer. Tasks in flight are neighbours most
//! of the time, so that a page is found in the cache where one entry per task would be somewhere else each time: for a
//! chain of a million tasks that is the difference between 100 and 700 nanoseconds a task.
//!
//! The hasher is hashbrown's own. Hashes that leave the high bits of a [`TaskId`], its layer, out of the low bits of their
//! value make deep plans collide.

use hashbrown::HashMap;

use crate::graph::TaskId;

use super::event::Slot;

const PAGE_BITS: u32 = 4;
const PAGE_LEN: usize = 1 << PAGE_BITS;
const EMPTY: Slot = Slot(u32::MAX);

#[derive(Debug)]
struct Page {
    slots: [Slot; PAGE_LEN],
    n_used: u32,
}

const EMPTY_PAGE: Page = Page { slots: [EMPTY; PAGE_LEN], n_used: 0 };

/// What [`SlotIndex::is_absent`] remembers from call to call.
#[derive(Debug, Default)]
pub(super) struct EmptyPage(Option<TaskId>);

/// A map from tasks to slots.
#[derive(Debug, Default)]
pub(super) struct SlotIndex {
    numbers: HashMap<TaskId, u32>,
    pages: Vec<Page>,
    /// The numbers of pages without tasks.
    free: Vec<u32>,
    /// The page that was asked for last: nearly always the next one too, and then nothing is hashed.
    last: Option<(TaskId, u32)>,
}

impl SlotIndex {
    /// The slot of `task`, made by `make` if it has none.
    #[inline]
    pub(super) fn find_or_insert(&mut self, task: TaskId, make: impl FnOnce() -> Slot) -> Slot {
        let name = page_of(task);
        let number = match self.last {
            Some((last, number)) if last == name => number,
            _ => self.find_or_add_page(name),
        };
        let page = &mut self.pages[number as usize];
        let place = &mut page.slots[place_of(task)];
        if *place == EMPTY {
            *place = make();
            page.n_used += 1;
        }
        *place
    }

    /// Whether `task` has no slot. `empty` is a page that was found to be missing since the last insertion.
    #[inline]
    pub(super) fn is_absent(&self, task: TaskId, empty: &mut EmptyPage) -> bool {
        let name = page_of(task);
        if empty.0 == Some(name) {
            return true;
        }
        if self.number(name).is_none() {
            empty.0 = Some(name);
        }
        empty.0 == Some(name) || self.find(task).is_none()
    }

    /// The slot of `task`, if it has one.
    #[inline]
    pub(super) fn find(&self, task: TaskId) -> Option<Slot> {
        let slot = self.pages[self.number(page_of(task))? as usize].slots[place_of(task)];
        (slot != EMPTY).then_some(slot)
    }

    /// Forgets `task`, if it has a slot.
    #[inline]
    pub(super) fn remove(&mut self, task: TaskId) {
        let name = page_of(task);
        let Some(number) = self.number(name) else { return };
        self.last = Some((name, number));
        let page = &mut self.pages[number as usize];
        let place = &mut page.slots[place_of(task)];
        page.n_used -= u32::from(std::mem::replace(place, EMPTY) != EMPTY);
        if page.n_used == 0 {
            self.last = None;
            self.numbers.remove(&name);
            self.free.push(number);
        }
    }

    #[inline]
    fn number(&self, name: TaskId) -> Option<u32> {
        match self.last {
            Some((last, number)) if last == name => Some(number),
            _ => self.numbers.get(&name).copied(),
        }
    }

    fn find_or_add_page(&mut self, name: TaskId) -> u32 {
        let Self { numbers, pages, free, last } = self;
        let number = *numbers.entry(name).or_insert_with(|| {
            free.pop().unwrap_or_else(|| {
                pages.push(EMPTY_PAGE);
                pages.len() as u32 - 1
            })
        });
        *last = Some((name, number));
        number
    }
}

#[inline]
fn page_of(task: TaskId) -> TaskId {
    TaskId::new(task.layer(), task.index() >> PAGE_BITS)
}

#[inline]
fn place_of(task: TaskId) -> usize {
    task.index() as usize % PAGE_LEN
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_map(steps in prop::collection::vec((0..3_u32, 0..50_u64, any::<bool>()), 0..300)) {
            let (mut index, mut model) = (SlotIndex::default(), HashMap::new());
            for (step, (layer, number, insert)) in steps.into_iter().enumerate() {
                let (task, slot) = (TaskId::new(layer, number), Slot(step as u32));
                if insert {
                    prop_assert_eq!(index.find_or_insert(task, || slot), *model.entry(task).or_insert(slot));
                } else {
                    index.remove(task);
                    model.remove(&task);
                }
                prop_assert_eq!(index.find(task), model.get(&task).copied());
                let mut empty = EmptyPage::default();
                for number in 0..50 {
                    let task = TaskId::new(layer, number);
                    prop_assert_eq!(index.is_absent(task, &mut empty), !model.contains_key(&task));
                }
            }
            for task in model.into_keys() {
                index.remove(task);
            }
            prop_assert!(index.numbers.is_empty());
            prop_assert!(index.free.len() == index.pages.len() && index.pages.iter().all(|page| page.n_used == 0));
        }
    }
}
