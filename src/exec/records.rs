//! What the scheduler remembers of tasks in flight: records, and the edges between them.
//!
//! A record is made when a task is first spoken of, by a user that needs it, by a dependency that would feed it or by the
//! list of roots, and is dropped when its result is released. Slots of dropped records are used again. An edge stands for
//! one read of one result by one task; it lies in two lists at once:
//!
//! ```text
//!     user  --first_edge-->  edge  --next_edge-->  edge          its inputs, in order
//!     dep   --first_waiter-> edge  --next_waiter-> edge          its users that wait for it
//! ```

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;

use crate::graph::{TaskGraph, TaskId};

use super::event::Slot;

/// The end of a list of edges.
pub(super) const NO_EDGE: u32 = u32::MAX;

/// How far a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// The slot is empty.
    Free,
    /// A neighbour has named the task; its dependencies have not been looked at.
    Known,
    /// Its dependencies have records; some are not done, or (without any) it waits for memory.
    Waiting,
    /// All dependencies are done.
    Enabled,
    /// The driver runs it.
    Running,
    /// Its result is there.
    Done,
}

/// One task in flight: one cache line.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) task: TaskId,
    /// Reserved bytes while running, bytes of the result when done.
    pub(super) bytes: u64,
    /// Reads by users that have no edge here yet.
    pub(super) unseen_reads: u64,
    /// Reads by users that have not started.
    pub(super) unstarted_reads: u64,
    /// Reads by users that are not done.
    pub(super) unfinished_reads: u64,
    /// The rank among tasks that could run: when its dependencies were looked at.
    pub(super) sequence: u64,
    /// Dependencies that are not done.
    pub(super) n_missing: u32,
    pub(super) first_edge: u32,
    pub(super) first_waiter: u32,
    pub(super) phase: Phase,
    /// Somebody waits for this result, so its dependencies have been asked for too.
    pub(super) demanded: bool,
    /// The record lies in the heap of wanted tasks.
    pub(super) in_wanted: bool,
    pub(super) root: RootMark,
}

/// Whether the run is asked for a task, and whether the list of roots has come past it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RootMark {
    No,
    NotListed,
    Listed,
}

impl Record {
    /// Whether it is a task without dependencies that waits for its turn.
    #[inline]
    pub(super) fn is_waiting_source(&self) -> bool {
        self.phase == Phase::Waiting && self.first_edge == NO_EDGE
    }

    /// Reads by users that run now.
    #[inline]
    pub(super) fn running_reads(&self) -> u64 {
        self.unfinished_reads - self.unstarted_reads
    }
}

/// One read of the result `dep` by the task `user`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edge {
    pub(super) dep: Slot,
    pub(super) next_edge: u32,
    pub(super) user: Slot,
    pub(super) next_waiter: u32,
}

/// Records by slot and by task, and edges; both in arenas with lists of free places.
#[derive(Debug, Default)]
pub(super) struct Records {
    slab: Vec<Record>,
    free_slots: Vec<Slot>,
    by_task: HashMap<TaskId, Slot>,
    edges: Vec<Edge>,
    free_edge: Option<u32>,
}

impl Records {
    #[inline]
    pub(super) fn get(&self, slot: Slot) -> &Record {
        &self.slab[slot.index()]
    }

    #[inline]
    pub(super) fn get_mut(&mut self, slot: Slot) -> &mut Record {
        &mut self.slab[slot.index()]
    }

    /// The record of `task`, made if there is none.
    #[inline]
    pub(super) fn find_or_add<G: TaskGraph + ?Sized>(&mut self, graph: &G, task: TaskId) -> Slot {
        match self.by_task.entry(task) {
            Entry::Occupied(entry) => *entry.get(),
            Entry::Vacant(entry) => {
                let n_users = graph.n_users(task);
                let root = if graph.is_root(task) { RootMark::NotListed } else { RootMark::No };
                let record = new_record(task, n_users, root);
                let slot = place(&mut self.slab, &mut self.free_slots, record);
                entry.insert(slot);
                slot
            }
        }
    }

    /// Forgets a task; its edges must be gone.
    #[inline]
    pub(super) fn remove(&mut self, slot: Slot) {
        let record = &mut self.slab[slot.index()];
        record.phase = Phase::Free;
        self.by_task.remove(&record.task);
        self.free_slots.push(slot);
    }

    #[inline]
    pub(super) fn edge(&self, edge: u32) -> Edge {
        self.edges[edge as usize]
    }

    /// Appends a read of `dep` to the inputs of `user`, whose last input so far is `last_edge`.
    pub(super) fn add_edge(&mut self, user: Slot, dep: Slot, last_edge: u32) -> u32 {
        let new = Edge { dep, next_edge: NO_EDGE, user, next_waiter: NO_EDGE };
        let edge = match self.free_edge {
            Some(edge) => {
                let place = &mut self.edges[edge as usize];
                self.free_edge = (place.next_edge != NO_EDGE).then_some(place.next_edge);
                *place = new;
                edge
            }
            None => {
                self.edges.push(new);
                index(self.edges.len())
            }
        };
        match last_edge {
            NO_EDGE => self.slab[user.index()].first_edge = edge,
            last => self.edges[last as usize].next_edge = edge,
        }
        edge
    }

    /// Puts an edge in front of the list of those who wait for its dependency.
    #[inline]
    pub(super) fn wait(&mut self, edge: u32) {
        let dep = &mut self.slab[self.edges[edge as usize].dep.index()];
        self.edges[edge as usize].next_waiter = dep.first_waiter;
        dep.first_waiter = edge;
    }

    /// Forgets an edge that lies in no list any more.
    #[inline]
    pub(super) fn remove_edge(&mut self, edge: u32) {
        self.edges[edge as usize].next_edge = self.free_edge.unwrap_or(NO_EDGE);
        self.free_edge = Some(edge);
    }

    /// The slots that were ever in use; the largest number of records at one time is their number.
    pub(super) fn slots(&self) -> impl Iterator<Item = Slot> + use<> {
        (0..self.slab.len()).map(|i| Slot(i as u32))
    }

    /// The largest number of records at one time.
    pub(super) fn peak_len(&self) -> usize {
        self.slab.len()
    }

    /// The number of records.
    pub(super) fn len(&self) -> usize {
        self.slab.len() - self.free_slots.len()
    }
}

fn new_record(task: TaskId, n_users: u64, root: RootMark) -> Record {
    Record {
        task,
        bytes: 0,
        unseen_reads: n_users,
        unstarted_reads: n_users,
        unfinished_reads: n_users,
        sequence: 0,
        n_missing: 0,
        first_edge: NO_EDGE,
        first_waiter: NO_EDGE,
        phase: Phase::Known,
        demanded: false,
        in_wanted: false,
        root,
    }
}

#[inline]
fn place(slab: &mut Vec<Record>, free_slots: &mut Vec<Slot>, record: Record) -> Slot {
    if let Some(slot) = free_slots.pop() {
        slab[slot.index()] = record;
        return slot;
    }
    slab.push(record);
    Slot(index(slab.len()))
}

/// The index of the last of `len` entries. 2^32 records take 256 GiB: a run dies of lack of memory before.
fn index(len: usize) -> u32 {
    debug_assert!(len < NO_EDGE as usize);
    (len - 1) as u32
}
