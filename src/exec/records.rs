//! What the scheduler remembers of tasks in flight: records, and the edges between them.
//!
//! A record is made when a task is first spoken of, by a user that needs it, by a dependency that would feed it or by the
//! list of roots, and is dropped when its result is released. Slots of dropped records are used again. An edge stands for
//! one read of one result by one task; it lies in two lists at once:
//!
//! ```text
//!     user  --first_edge-->  edge  --next_input-->  edge          its inputs, in order
//!     dep   --first_waiter-> edge  --next_waiter-> edge          its users that wait for it
//! ```

use crate::graph::{TaskGraph, TaskId};

use super::event::Slot;
use super::index::{EmptyPage, SlotIndex};

/// The end of a list of edges, or of free slots.
pub(super) const NONE: u32 = u32::MAX;

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
    /// Its result is there, on disk: the bytes are not counted.
    Aside,
}

/// Whether the run is asked for a task, and whether the list of roots has come past it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RootMark {
    No,
    /// Not asked for, and not in the index: its only user is a task that waits for it along a [path](super::path).
    OnPath,
    NotListed,
    Listed,
    /// Listed, and not in the index: no other task will speak of it.
    ListedAlone,
}

/// One task in flight. There may be as many as a plan is deep, hence the care for size.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) task: TaskId,
    /// Reserved bytes while running, bytes of the result when done.
    pub(super) bytes: u64,
    /// Reads by users that have no edge here yet.
    pub(super) unseen_reads: u32,
    /// The rank among tasks that could run: when its dependencies were looked at.
    pub(super) sequence: u64,
    /// Reads by users that have an edge here and have not started.
    pub(super) waiting_reads: u32,
    /// Reads by users that run.
    pub(super) running_reads: u32,
    /// Dependencies that are not done.
    pub(super) n_missing: u32,
    pub(super) first_edge: u32,
    pub(super) first_waiter: u32,
    /// The tasks between this one and its first edge that have no records yet, if there are any.
    pub(super) path: u32,
    pub(super) phase: Phase,
    pub(super) root: RootMark,
    /// Somebody waits for this result, so its dependencies have been asked for too.
    pub(super) demanded: bool,
    /// The record lies in the heap of wanted tasks.
    pub(super) in_wanted: bool,
}

impl Record {
    #[inline]
    fn new(task: TaskId, n_users: u64, root: RootMark) -> Self {
        Self {
            task,
            bytes: 0,
            // Stops at four thousand million: the result is then kept to the end of the run.
            unseen_reads: u32::try_from(n_users).unwrap_or(u32::MAX),
            sequence: 0,
            waiting_reads: 0,
            running_reads: 0,
            n_missing: 0,
            first_edge: NONE,
            first_waiter: NONE,
            path: NONE,
            phase: Phase::Known,
            root,
            demanded: false,
            in_wanted: false,
        }
    }

    /// Whether its result is there, in memory or on disk.
    #[inline]
    pub(super) fn is_done(&self) -> bool {
        matches!(self.phase, Phase::Done | Phase::Aside)
    }

    #[inline]
    pub(super) fn is_aside(&self) -> bool {
        self.phase == Phase::Aside
    }

    /// Whether it is a task without dependencies that waits for its turn.
    #[inline]
    pub(super) fn is_waiting_source(&self) -> bool {
        self.phase == Phase::Waiting && self.first_edge == NONE
    }

    /// Reads by users that have not started.
    #[inline]
    pub(super) fn unstarted_reads(&self) -> u64 {
        u64::from(self.unseen_reads) + u64::from(self.waiting_reads)
    }

    /// Reads by users that are not done.
    #[inline]
    pub(super) fn unfinished_reads(&self) -> u64 {
        self.unstarted_reads() + u64::from(self.running_reads)
    }

    #[inline]
    pub(super) fn is_root(&self) -> bool {
        !matches!(self.root, RootMark::No | RootMark::OnPath)
    }
}

/// One read of the result `dep` by the task `user`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edge {
    pub(super) dep: Slot,
    pub(super) next_input: u32,
    pub(super) user: Slot,
    pub(super) next_waiter: u32,
}

/// Records by slot and by task, and edges.
#[derive(Debug)]
pub(super) struct Records {
    slab: Slab,
    index: SlotIndex,
    edges: Vec<Edge>,
    /// The first of the free edges, which are linked by `next_input`.
    free_edge: u32,
}

impl Records {
    pub(super) fn new() -> Self {
        Self {
            slab: Slab { records: Vec::new(), free: NONE },
            index: SlotIndex::default(),
            edges: Vec::new(),
            free_edge: NONE,
        }
    }

    #[inline]
    pub(super) fn get(&self, slot: Slot) -> &Record {
        &self.slab.records[slot.index()]
    }

    #[inline]
    pub(super) fn get_mut(&mut self, slot: Slot) -> &mut Record {
        &mut self.slab.records[slot.index()]
    }

    /// The record of `task`, if there is one.
    #[inline]
    pub(super) fn find(&self, task: TaskId) -> Option<Slot> {
        self.index.find(task)
    }

    /// The record of `task`, made if there is none.
    #[inline]
    pub(super) fn find_or_add<G: TaskGraph + ?Sized>(&mut self, graph: &G, task: TaskId) -> Slot {
        let Self { slab, index, .. } = self;
        index.find_or_insert(task, || {
            let root = if graph.is_root(task) { RootMark::NotListed } else { RootMark::No };
            slab.insert(Record::new(task, graph.n_users(task), root))
        })
    }

    /// A record of the listed root `task`, which has none; it is not found before it is [published](Self::publish).
    #[inline]
    pub(super) fn add_root<G: TaskGraph + ?Sized>(&mut self, graph: &G, task: TaskId) -> Slot {
        self.slab.insert(Record::new(task, graph.n_users(task), RootMark::ListedAlone))
    }

    /// A record of a task that nobody but its user on a path will speak of.
    #[inline]
    pub(super) fn add_on_path(&mut self, task: TaskId) -> Slot {
        self.slab.insert(Record::new(task, 1, RootMark::OnPath))
    }

    /// Whether `task` has no record; `empty` remembers between calls where there are none.
    #[inline]
    pub(super) fn is_absent(&self, task: TaskId, empty: &mut EmptyPage) -> bool {
        self.index.is_absent(task, empty)
    }

    /// Lets a root be found.
    #[inline]
    pub(super) fn publish(&mut self, slot: Slot) {
        let record = self.get_mut(slot);
        record.root = RootMark::Listed;
        let task = record.task;
        self.index.find_or_insert(task, || slot);
    }

    /// Forgets a task; its edges must be gone.
    #[inline]
    pub(super) fn remove(&mut self, slot: Slot) {
        let Record { task, root, .. } = *self.get(slot);
        if !matches!(root, RootMark::ListedAlone | RootMark::OnPath) {
            self.index.remove(task);
        }
        self.slab.remove(slot);
    }

    #[inline]
    pub(super) fn edge(&self, edge: u32) -> Edge {
        self.edges[edge as usize]
    }

    /// Appends a read of `dep` to the inputs of `user`, whose last input so far is `last_edge`.
    #[inline]
    pub(super) fn add_edge(&mut self, user: Slot, dep: Slot, last_edge: u32) -> u32 {
        let new = Edge { dep, next_input: NONE, user, next_waiter: NONE };
        let edge = match self.free_edge {
            NONE => {
                self.edges.push(new);
                last_index(self.edges.len())
            }
            free => {
                self.free_edge = std::mem::replace(&mut self.edges[free as usize], new).next_input;
                free
            }
        };
        match last_edge {
            NONE => self.get_mut(user).first_edge = edge,
            last => self.edges[last as usize].next_input = edge,
        }
        edge
    }

    /// Gives an edge to another user.
    #[inline]
    pub(super) fn pass_edge(&mut self, edge: u32, user: Slot) {
        self.edges[edge as usize].user = user;
        self.get_mut(user).first_edge = edge;
    }

    /// Puts an edge in front of the list of those who wait for its dependency.
    #[inline]
    pub(super) fn wait(&mut self, edge: u32) {
        let dep = &mut self.slab.records[self.edges[edge as usize].dep.index()];
        self.edges[edge as usize].next_waiter = dep.first_waiter;
        dep.first_waiter = edge;
    }

    /// Forgets an edge that lies in no list any more.
    #[inline]
    pub(super) fn remove_edge(&mut self, edge: u32) {
        self.edges[edge as usize].next_input = self.free_edge;
        self.free_edge = edge;
    }

    /// All slots that were ever in use.
    pub(super) fn slots(&self) -> impl Iterator<Item = Slot> + use<> {
        (0..self.peak_len()).map(|i| Slot(i as u32))
    }

    /// The largest number of records at one time.
    pub(super) fn peak_len(&self) -> usize {
        self.slab.records.len()
    }
}

/// Records in a vector with a list of free places.
#[derive(Debug)]
struct Slab {
    records: Vec<Record>,
    /// The first of the free records, which are linked by `first_edge`.
    free: u32,
}

impl Slab {
    #[inline]
    fn insert(&mut self, record: Record) -> Slot {
        match self.free {
            NONE => {
                self.records.push(record);
                Slot(last_index(self.records.len()))
            }
            free => {
                self.free = std::mem::replace(&mut self.records[free as usize], record).first_edge;
                Slot(free)
            }
        }
    }

    #[inline]
    fn remove(&mut self, slot: Slot) {
        let record = &mut self.records[slot.index()];
        record.phase = Phase::Free;
        record.first_edge = std::mem::replace(&mut self.free, slot.0);
    }
}

/// The index of the last of `len` entries. 2^32 of them take 64 GiB and more: a run dies of lack of memory before.
#[inline]
fn last_index(len: usize) -> u32 {
    debug_assert!(len < NONE as usize);
    (len - 1) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_stay_small() {
        assert!(size_of::<Record>() <= 56 && size_of::<Edge>() <= 16);
    }
}
