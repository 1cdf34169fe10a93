//! Where futures learn what became of their results.
//!
//! The driver writes, futures read. Several futures of one result share a cell; the last one takes it along when it goes.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::book::{Name, Status};
use crate::error::{Error, Result};

/// What the futures of one result know.
#[derive(Debug, Default)]
pub(super) struct Cell {
    /// Tells this life of the result from earlier ones.
    pub(super) id: u64,
    status: Mutex<Status>,
    changed: Notify,
}

impl Cell {
    pub(super) fn status(&self) -> Status {
        // A status is replaced in one step, so a panic elsewhere does not spoil it.
        self.status.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, status: Status) {
        *self.status.lock().unwrap_or_else(PoisonError::into_inner) = status;
        self.changed.notify_waiters();
    }

    /// Waits until the result is there, or will never be.
    pub(super) async fn settled(&self) -> Result<()> {
        loop {
            let changed = self.changed.notified();
            match self.status() {
                Status::Pending => changed.await,
                Status::Finished => return Ok(()),
                Status::Failed(error) => return Err(error),
            }
        }
    }
}

#[derive(Debug)]
struct Slot {
    cell: Arc<Cell>,
    n_futures: usize,
}

#[derive(Debug, Default)]
struct Slots {
    by_name: HashMap<Name, Slot>,
    /// Why nothing will ever change again.
    end: Option<Error>,
}

/// All cells by name.
#[derive(Debug, Default)]
pub(super) struct Results {
    slots: Mutex<Slots>,
    newest: AtomicU64,
}

impl Results {
    fn slots(&self) -> MutexGuard<'_, Slots> {
        // Nothing between two steps of a change can panic.
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One more future for each result. Before the first one of a result is made, `announce` hears of it; nobody else
    /// makes or drops a future meanwhile, so that announcements come in their order.
    pub(super) fn hold(&self, names: &[Name], announce: impl Fn(&Name, u64)) -> Vec<Arc<Cell>> {
        let mut slots = self.slots();
        let Slots { by_name, end } = &mut *slots;
        let mut hold_one = |name: &Name| {
            let slot = by_name.entry(name.clone()).or_insert_with(|| {
                let id = self.newest.fetch_add(1, Ordering::Relaxed);
                announce(name, id);
                let cell = Cell { id, ..Cell::default() };
                if let Some(error) = end {
                    cell.set(Status::Failed(error.clone()));
                }
                Slot { cell: Arc::new(cell), n_futures: 0 }
            });
            slot.n_futures += 1;
            slot.cell.clone()
        };
        names.iter().map(&mut hold_one).collect()
    }

    /// One future less; `announce` hears if it was the last one.
    pub(super) fn drop_one(&self, name: &Name, announce: impl FnOnce()) {
        let mut slots = self.slots();
        let Some(slot) = slots.by_name.get_mut(name) else { return };
        slot.n_futures -= 1;
        if slot.n_futures == 0 {
            slots.by_name.remove(name);
            announce();
        }
    }

    /// Tells the futures of one life of a result.
    pub(super) fn tell(&self, name: &Name, cell: u64, status: Status) {
        let found = self.slots().by_name.get(name).filter(|slot| slot.cell.id == cell).map(|slot| slot.cell.clone());
        if let Some(cell) = found {
            cell.set(status);
        }
    }

    /// What failed is about to be tried again: who looks from now on waits for the new try, unless news of the old one is
    /// still on its way. The book hears of it later.
    pub(super) fn revive(&self, names: &[Name]) {
        let slots = self.slots();
        if slots.end.is_some() {
            return;
        }
        let cells = names.iter().filter_map(|name| slots.by_name.get(name)).map(|slot| &slot.cell);
        cells.filter(|cell| matches!(cell.status(), Status::Failed(_))).for_each(|cell| cell.set(Status::Pending));
    }

    /// Why there will never be the first of these results of which that is known. What is merely lost is not meant: whoever
    /// has sent it finds out and sends it again.
    pub(super) fn failure_among<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Option<Error> {
        let slots = self.slots();
        names.into_iter().find_map(|name| match slots.by_name.get(name)?.cell.status() {
            Status::Failed(error) => Some(error).filter(|error| !error.is_lost()),
            Status::Pending | Status::Finished => None,
        })
    }

    /// Fails everything that is waited for, now and later.
    pub(super) fn end(&self, error: &Error) {
        let mut slots = self.slots();
        slots.end.get_or_insert_with(|| error.clone());
        let waiting = slots.by_name.values().filter(|slot| matches!(slot.cell.status(), Status::Pending));
        waiting.for_each(|slot| slot.cell.set(Status::Failed(error.clone())));
    }

    /// Why nothing will ever change again, if that is so.
    pub(super) fn ended(&self) -> Option<Error> {
        self.slots().end.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    fn names() -> Vec<Name> {
        vec!["x".into(), "y".into()]
    }

    #[test]
    fn futures_of_one_result_share_a_cell_and_the_last_one_is_announced() {
        let results = Results::default();
        let heard = RefCell::new(Vec::new());
        let announce = |name: &Name, id: u64| heard.borrow_mut().push(format!("{name} {id}"));
        let first = results.hold(&names(), announce);
        let second = results.hold(&names()[..1], announce);
        assert!(Arc::ptr_eq(&first[0], &second[0]));
        let x = names()[0].clone();
        results.drop_one(&x, || panic!("there is another"));
        results.tell(&x, 0, Status::Finished);
        assert!(matches!(second[0].status(), Status::Finished));
        results.drop_one(&x, || heard.borrow_mut().push("gone".into()));
        let third = results.hold(&names()[..1], announce);
        results.tell(&x, 0, Status::Finished);
        assert!(matches!(third[0].status(), Status::Pending), "that was told to an earlier life");
        assert_eq!(heard.into_inner(), ["x 0", "y 1", "gone", "x 2"]);
    }

    #[test]
    fn failures_are_found_among_others() {
        let results = Results::default();
        let _cells = results.hold(&names(), |_, _| ());
        assert!(results.failure_among(["x", "y", "unknown"]).is_none());
        results.tell(&names()[0], 0, Status::Failed(Error::lost("test", "x", "its worker died")));
        results.tell(&names()[1], 1, Status::Failed(Error::value("test", "no")));
        assert!(results.failure_among(["x"]).is_none());
        assert!(results.failure_among(["x", "unknown", "y"]).unwrap().to_string().contains("no"));
    }

    #[test]
    fn only_what_failed_is_revived_and_nothing_after_the_end() {
        let results = Results::default();
        let cells = results.hold(&names(), |_, _| ());
        results.tell(&names()[0], 0, Status::Failed(Error::value("test", "no")));
        results.tell(&names()[1], 1, Status::Finished);
        results.revive(&names());
        assert!(matches!(cells[0].status(), Status::Pending) && matches!(cells[1].status(), Status::Finished));
        results.end(&Error::remote("test", "scheduler", "gone"));
        results.revive(&names());
        assert!(matches!(cells[0].status(), Status::Failed(_)));
    }

    #[test]
    fn after_the_end_nobody_waits() {
        let results = Results::default();
        let before = results.hold(&names(), |_, _| ());
        results.tell(&names()[0], 0, Status::Finished);
        results.end(&Error::remote("test", "scheduler", "gone"));
        let after = results.hold(&["z".into()], |_, _| ());
        assert!(matches!(before[0].status(), Status::Finished));
        assert!(matches!(before[1].status(), Status::Failed(_)) && matches!(after[0].status(), Status::Failed(_)));
        assert!(results.ended().is_some());
    }
}
