//! What is known of a cluster's processes, and waiting for it to change.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::error::Error;

/// The facts; threads that read logs and connections write them.
#[derive(Clone, Debug, Default)]
pub(super) struct Facts {
    /// The line with which the scheduler says where it listens.
    pub(super) scheduler: Option<String>,
    /// Whether the scheduler tells us who joins.
    pub(super) is_watched: bool,
    /// Why it does not any more.
    pub(super) watch_fault: Option<Error>,
    /// The workers that have joined, and their process numbers.
    pub(super) workers: BTreeMap<String, u32>,
    /// The numbers of the processes that have ended, in that order.
    pub(super) ended: Vec<u32>,
}

/// Facts that can be waited for. Cloning copies a pointer.
#[derive(Clone, Debug, Default)]
pub(super) struct Board(Arc<(Mutex<Facts>, Condvar)>);

impl Board {
    fn facts(&self) -> MutexGuard<'_, Facts> {
        // Every change is a single step, so a panic elsewhere does not spoil it.
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut Facts)) {
        change(&mut self.facts());
        self.0.1.notify_all();
    }

    pub(super) fn look(&self) -> Facts {
        self.facts().clone()
    }

    /// Waits until `is_so`; false if it is not within `limit`.
    pub(super) fn wait(&self, limit: Duration, is_so: impl Fn(&Facts) -> bool) -> bool {
        let since = Instant::now();
        let mut facts = self.facts();
        while !is_so(&facts) {
            let left = limit.saturating_sub(since.elapsed());
            if left.is_zero() {
                return false;
            }
            facts = self.0.1.wait_timeout(facts, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_wake_who_waits_and_waiting_ends() {
        let board = Board::default();
        let writer = board.clone();
        let thread = std::thread::spawn(move || {
            for i in 0..3 {
                writer.change(|facts| {
                    facts.workers.insert(format!("tcp://127.0.0.1:{i}"), i);
                });
            }
        });
        assert!(board.wait(Duration::MAX, |facts| facts.workers.len() == 3));
        thread.join().unwrap();
        assert!(!board.wait(Duration::from_millis(1), |facts| !facts.ended.is_empty()));
        assert_eq!(board.look().workers["tcp://127.0.0.1:2"], 2);
    }
}
