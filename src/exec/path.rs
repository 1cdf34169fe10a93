//! Long lists of tasks of which each waits for the next and for nothing else.
//!
//! A deep plan is explored from its root down to its sources before anything runs. Along a chain there is nothing to
//! decide, so its tasks are kept as bare names, and get their records one at a time as the results come up again:
//!
//! ```text
//!     head (record)  ->  t1  ->  t2  ->  ...  ->  bottom (record)         a path is the part in between
//! ```
//!
//! A task lies on a path only if it has one dependency, which has no other user; if it has one user, which lies on the path
//! too or is its head; if it is not asked for itself, and has no record. So nobody else can come to speak of it until the
//! path gives it one.

use crate::graph::{TaskGraph, TaskId};

use super::event::Slot;
use super::index::EmptyPage;
use super::records::{NONE, Phase, Records};

/// The paths of a run, by number.
#[derive(Debug, Default)]
pub(super) struct Paths {
    /// The tasks of each path, the one next to its head first.
    paths: Vec<Vec<TaskId>>,
    free: Vec<u32>,
}

impl Paths {
    /// Follows the dependencies of the task `head`, which has not been looked at, as long as there is one and nothing to decide.
    /// Returns the task below, if there is a path at all.
    pub(super) fn descend<G: TaskGraph + ?Sized>(
        &mut self,
        graph: &G,
        records: &mut Records,
        head: Slot,
    ) -> Option<TaskId> {
        let mut empty = EmptyPage::default();
        let mut bottom = only_dep(graph, records.get(head).task)?;
        let mut number = NONE;
        while graph.n_users(bottom) == 1 && !graph.is_root(bottom) && records.is_absent(bottom, &mut empty) {
            let Some(next) = only_dep(graph, bottom) else { break };
            if number == NONE {
                number = self.start();
            }
            self.paths[number as usize].push(bottom);
            bottom = next;
        }
        if number == NONE {
            return None;
        }
        // Results that are there, or have other users, look for their users by name.
        let is_done = || records.find(bottom).is_some_and(|slot| records.get(slot).is_done());
        if graph.n_users(bottom) != 1 || is_done() {
            bottom = self.pop(number);
        }
        if !self.paths[number as usize].is_empty() {
            records.get_mut(head).path = number;
        }
        Some(bottom)
    }

    /// The bottom of the path of `head` is done: gives a record to the task above it, which takes over the `edge` to the
    /// bottom and becomes the bottom itself. Returns that task, which can run.
    pub(super) fn climb(&mut self, records: &mut Records, head: Slot, edge: u32) -> Slot {
        let number = records.get(head).path;
        let task = self.pop(number);
        if self.paths[number as usize].is_empty() {
            records.get_mut(head).path = NONE;
        }
        let slot = records.add_on_path(task);
        records.pass_edge(edge, slot);
        let sequence = records.get(head).sequence;
        let record = records.get_mut(slot);
        record.phase = Phase::Waiting;
        record.demanded = true;
        record.sequence = sequence;
        record.unseen_reads = 0;
        record.waiting_reads = 1;
        let edge = records.add_edge(head, slot, NONE);
        records.wait(edge);
        slot
    }

    /// Takes the lowest task of a path, and gives the path back when it was the last one.
    fn pop(&mut self, number: u32) -> TaskId {
        let path = &mut self.paths[number as usize];
        let task = path.pop().expect("paths are given back when they become empty");
        if path.is_empty() {
            self.free.push(number);
        }
        task
    }

    fn start(&mut self) -> u32 {
        self.free.pop().unwrap_or_else(|| {
            self.paths.push(Vec::new());
            (self.paths.len() - 1) as u32
        })
    }
}

/// The dependency of a task that has just one.
#[inline]
fn only_dep<G: TaskGraph + ?Sized>(graph: &G, task: TaskId) -> Option<TaskId> {
    let (mut first, mut n_deps) = (None, 0);
    graph.deps(task, &mut |dep| {
        first.get_or_insert(dep);
        n_deps += 1;
    });
    first.filter(|_| n_deps == 1)
}
