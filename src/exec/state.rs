//! The scheduler: a pure machine that decides what runs next.
//!
//! It knows no threads, no clock, no blocks: events in, actions out (`event.rs`), and the plan as a [`TaskGraph`] that it
//! asks on demand. Only tasks in flight have records (`records.rs`), so a plan of a million tasks costs what its working
//! set costs.
//!
//! # What runs next
//!
//! 1. A task whose dependencies are all there, the one that was looked at first (`enabled`). As plans are explored depth
//!    first, that finishes what was started before anything new is begun.
//! 2. Otherwise more of the plan is explored, until a task can run:
//!    * `stack`: the dependencies that somebody waits for, depth first;
//!    * `wanted`: users of finished results that nobody has asked for yet, by their position in the sweep through the
//!      data. They make several roots that read one source go through it side by side, so that a block is read by all of
//!      them while it is there;
//!    * the next root.
//!
//! A wanted task whose dependencies happen to be there runs at once if that frees at least the memory it needs, and waits
//! for its position if not: a block with sixty-four large products must not make all of them at once.
//!
//! # Memory
//!
//! A task starts when its bytes fit into the ledger; a task without dependencies only when the whole path to the next
//! reduction fits. When nothing runs and nothing fits, results that are needed late are laid aside on disk if the runtime
//! has a place for them; a task that reads such a result needs memory for it, too. If that does not help, one task starts
//! anyway, and is counted.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use hashbrown::HashSet;

use crate::graph::{TaskGraph, TaskId};

use super::event::{Actions, Event, Input, Release, Run, Slot, Verdict};
use super::memory::{Budget, Ledger};
use super::path::Paths;
use super::records::{NONE, Phase, Record, Records, RootMark};

/// Results with more users than this are not pushed to them: the users are found when they are asked for.
const MAX_PUSHED_USERS: u64 = 64;
/// How many tasks that do not fit into memory are passed over in search of one that does.
const MAX_HELD: usize = 16;
/// Task bytes are cut here, so that sums of absurd promises do not overflow.
const MAX_TASK_BYTES: u64 = 1 << 48;
/// From this depth on a chain of tasks is followed without records; below it that would cost more than it saves.
const MIN_DESCENT: usize = 2;
/// When results are laid aside, this part of the budget is made free if possible.
const ROOM_PART: u64 = 4;
/// Stale entries of the heap of wanted tasks are swept out when they are this many and the majority.
const MIN_STALE: usize = 64;

/// A task that can run: the earliest sequence is the largest.
type Ranked = (Reverse<u64>, Slot);

/// A task that is wanted: the smallest position is the largest, then the earliest sequence.
type Wanted = (Reverse<u64>, Reverse<u64>, Slot);

/// The machine; see the module documentation.
#[derive(Debug)]
pub(crate) struct State<'g, G: ?Sized> {
    graph: &'g G,
    records: Records,
    paths: Paths,
    ledger: Ledger,
    enabled: BinaryHeap<Ranked>,
    /// Enabled tasks for which there was no memory; they are tried again when memory is returned.
    held: Vec<Ranked>,
    /// Tasks that are waited for; the name tells whether the slot still is that task's.
    stack: Vec<(TaskId, Slot)>,
    wanted: BinaryHeap<Wanted>,
    n_stale: usize,
    next_root: u64,
    /// Roots that were finished before the list of roots came to them.
    early_roots: HashSet<TaskId>,
    /// What the source in front would need, while it does not fit.
    blocked_bytes: Option<u64>,
    sequence: u64,
    n_running: usize,
    n_done: u64,
    n_roots_done: u64,
    closed: bool,
    /// Whether results may be laid aside on disk, and how many are.
    may_lay_aside: bool,
    n_aside: usize,
    users: Vec<TaskId>,
}

impl<'g, G: TaskGraph + ?Sized> State<'g, G> {
    pub(crate) fn new(graph: &'g G, budget: &Budget) -> Self {
        Self {
            graph,
            records: Records::new(),
            paths: Paths::default(),
            ledger: Ledger::new(budget),
            enabled: BinaryHeap::new(),
            held: Vec::new(),
            stack: Vec::new(),
            wanted: BinaryHeap::new(),
            n_stale: 0,
            next_root: 0,
            early_roots: HashSet::new(),
            blocked_bytes: None,
            sequence: 0,
            n_running: 0,
            n_done: 0,
            n_roots_done: 0,
            closed: false,
            may_lay_aside: false,
            n_aside: 0,
            users: Vec::new(),
        }
    }

    /// Lets results be laid aside when memory is short.
    pub(crate) fn allow_laying_aside(&mut self) {
        self.may_lay_aside = true;
    }

    /// Takes in one event and appends what has to be done to `actions`.
    #[inline]
    pub(crate) fn handle(&mut self, event: Event, actions: &mut Actions) {
        match event {
            Event::Done { slot, result_bytes } => self.done(slot, result_bytes.min(MAX_TASK_BYTES), actions),
            Event::Failed { slot } => self.failed(slot, actions),
            Event::Kept { slot } => self.keep_here(slot),
            Event::Cancel => self.close(actions),
            Event::Want { max } => self.want(max, actions),
        }
    }

    /// How far the run is.
    pub(crate) fn verdict(&self) -> Verdict {
        match (self.n_running, self.closed) {
            (0, true) => Verdict::Stopped,
            (0, false) if self.n_roots_done == self.graph.n_roots() => Verdict::Finished,
            (0, false) if !self.may_start() && self.held.is_empty() && self.blocked_bytes.is_none() => Verdict::Stuck,
            _ => Verdict::Going,
        }
    }

    /// Whether a `Want` is likely to start a task: worth waking another thread.
    #[inline]
    pub(crate) fn may_start(&self) -> bool {
        if self.closed {
            return false;
        }
        if !self.enabled.is_empty() {
            return true;
        }
        let unexplored = !self.stack.is_empty() || !self.wanted.is_empty() || self.next_root < self.graph.n_roots();
        unexplored && self.held.is_empty() && self.blocked_bytes.is_none_or(|bytes| self.ledger.fits(bytes))
    }

    /// The memory account of the run.
    pub(crate) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The number of tasks that ran to their end.
    pub(crate) fn n_done(&self) -> u64 {
        self.n_done
    }

    /// The largest number of records at one time.
    pub(crate) fn peak_records(&self) -> usize {
        self.records.peak_len()
    }
}

/// What happens when tasks end.
impl<G: TaskGraph + ?Sized> State<'_, G> {
    fn done(&mut self, slot: Slot, result_bytes: u64, actions: &mut Actions) {
        self.n_running -= 1;
        self.n_done += 1;
        let record = self.records.get_mut(slot);
        debug_assert_eq!(record.phase, Phase::Running);
        record.phase = Phase::Done;
        let reserved_bytes = std::mem::replace(&mut record.bytes, result_bytes);
        self.n_roots_done += u64::from(record.is_root());
        self.ledger.settle(reserved_bytes, result_bytes);
        self.finish_reads(slot, actions);
        self.wake_waiters(slot);
        let record = self.records.get(slot);
        if record.unfinished_reads() == 0 || self.closed {
            self.release(slot, actions);
        } else if record.unseen_reads > 0 && record.unfinished_reads() <= MAX_PUSHED_USERS {
            self.want_users(slot);
        }
        self.retry_held();
    }

    fn failed(&mut self, slot: Slot, actions: &mut Actions) {
        self.n_running -= 1;
        self.finish_reads(slot, actions);
        self.ledger.remove(self.records.get(slot).bytes);
        self.records.remove(slot);
        self.close(actions);
    }

    /// Stops admission and gives up every result that no running task reads.
    fn close(&mut self, actions: &mut Actions) {
        if std::mem::replace(&mut self.closed, true) {
            return;
        }
        for slot in self.records.slots() {
            let record = self.records.get(slot);
            if record.is_done() && record.running_reads == 0 {
                self.release(slot, actions);
            }
        }
    }

    /// Takes back the reads of a task that has ended, and releases results that nobody reads any more.
    fn finish_reads(&mut self, slot: Slot, actions: &mut Actions) {
        let mut at = std::mem::replace(&mut self.records.get_mut(slot).first_edge, NONE);
        while at != NONE {
            let edge = self.records.edge(at);
            let dep = self.records.get_mut(edge.dep);
            dep.running_reads -= 1;
            if dep.running_reads == 0 && (self.closed || dep.unstarted_reads() == 0) {
                self.release(edge.dep, actions);
            }
            self.records.remove_edge(at);
            at = edge.next_input;
        }
    }

    fn wake_waiters(&mut self, slot: Slot) {
        let mut at = std::mem::replace(&mut self.records.get_mut(slot).first_waiter, NONE);
        while at != NONE {
            let edge = self.records.edge(at);
            let user = self.records.get_mut(edge.user);
            if user.path != NONE {
                let bottom = self.paths.climb(&mut self.records, edge.user, at);
                self.enable(bottom);
                at = edge.next_waiter;
                continue;
            }
            user.n_missing -= 1;
            if user.n_missing == 0 {
                self.all_there(edge.user);
            }
            at = edge.next_waiter;
        }
    }

    /// Finds the users of a result that have not asked for it.
    fn want_users(&mut self, slot: Slot) {
        let task = self.records.get(slot).task;
        let mut users = std::mem::take(&mut self.users);
        self.graph.users(task, &mut |user| users.push(user));
        for user in users.drain(..) {
            let user = self.records.find_or_add(self.graph, user);
            if self.records.get(user).phase != Phase::Known {
                continue;
            }
            self.expand(user);
            if self.records.get(user).n_missing > 0 || !self.all_there(user) {
                let record = self.records.get_mut(user);
                record.in_wanted = true;
                self.wanted.push((Reverse(self.graph.position(record.task)), Reverse(record.sequence), user));
            }
        }
        self.users = users;
    }

    fn release(&mut self, slot: Slot, actions: &mut Actions) {
        let record = self.records.get(slot);
        match record.is_aside() {
            true => self.n_aside -= 1,
            false => self.ledger.remove(record.bytes),
        }
        if record.root == RootMark::NotListed {
            self.early_roots.insert(record.task);
        }
        actions.release.push(Release { slot });
        self.records.remove(slot);
    }

    fn retry_held(&mut self) {
        if !self.held.is_empty() {
            self.enabled.extend(self.held.drain(..));
        }
    }
}

/// What is done to start tasks.
impl<G: TaskGraph + ?Sized> State<'_, G> {
    fn want(&mut self, max: usize, actions: &mut Actions) {
        let mut n_started = 0;
        while n_started < max && !self.closed {
            if !self.start_enabled(actions) && !self.start_source(actions) {
                break;
            }
            n_started += 1;
        }
        if self.n_running == 0 && max > 0 && !self.closed {
            self.start_over_budget(actions);
        }
    }

    /// Starts the first enabled task that fits.
    fn start_enabled(&mut self, actions: &mut Actions) -> bool {
        while self.held.len() < MAX_HELD {
            let Some(ranked) = self.enabled.pop() else { return false };
            let bytes = self.task_bytes(ranked.1);
            if self.ledger.try_add(bytes) {
                self.start(ranked.1, bytes, actions);
                return true;
            }
            self.held.push(ranked);
        }
        false
    }

    /// Explores the plan until a task can run, and starts it if it fits.
    fn start_source(&mut self, actions: &mut Actions) -> bool {
        self.blocked_bytes = None;
        // Tasks that hold inputs wait for memory: a new source would make it worse.
        while self.held.is_empty() {
            if let Some(slot) = self.pop_wanted() {
                self.demand(slot);
            } else if let Some(&(task, slot)) = self.stack.last() {
                if self.is_source(task, slot) {
                    return self.try_source(slot, actions);
                }
                self.stack.pop();
                self.demand_task(task, slot);
            } else if !self.list_root() {
                return false;
            }
            if !self.enabled.is_empty() {
                return self.start_enabled(actions);
            }
        }
        false
    }

    fn is_source(&self, task: TaskId, slot: Slot) -> bool {
        let record = self.records.get(slot);
        record.task == task && record.is_waiting_source()
    }

    /// Starts the source on top of the stack if there is memory for its path.
    fn try_source(&mut self, slot: Slot, actions: &mut Actions) -> bool {
        let bytes = self.task_bytes(slot);
        let path_bytes = self.graph.path_bytes(self.records.get(slot).task).clamp(bytes, MAX_TASK_BYTES);
        if !self.ledger.fits(path_bytes) || !self.ledger.try_add(bytes) {
            self.blocked_bytes = Some(path_bytes);
            return false;
        }
        self.stack.pop();
        self.start(slot, bytes, actions);
        true
    }

    /// Starts one task although it does not fit: nothing runs, so no memory would ever be returned.
    fn start_over_budget(&mut self, actions: &mut Actions) {
        let slot = if self.held.is_empty() {
            self.blocked_bytes = None;
            match self.pop_wanted_ready() {
                Some(slot) => slot,
                None => match self.stack.pop() {
                    Some((_, slot)) => slot,
                    None => return,
                },
            }
        } else {
            self.held.remove(0).1
        };
        let bytes = self.task_bytes(slot);
        if !self.ledger.fits(bytes) && self.may_lay_aside {
            self.make_room(slot, bytes, actions);
        }
        if !self.ledger.try_add(bytes) {
            self.ledger.add_over(bytes);
        }
        self.start(slot, bytes, actions);
    }

    /// Lays results aside until `bytes` fit, those first that are needed last. More than that is laid aside if it is there,
    /// so that the tasks after this one find room, too.
    fn make_room(&mut self, slot: Slot, bytes: u64, actions: &mut Actions) {
        let wanted_bytes = bytes.max(self.ledger.limit_bytes() / ROOM_PART);
        let mut candidates: Vec<(u64, Slot)> = self.records.slots().filter_map(|slot| self.use_of_idle(slot)).collect();
        candidates.sort_unstable();
        let mut at = self.records.get(slot).first_edge;
        while at != NONE {
            let edge = self.records.edge(at);
            candidates.retain(|&(_, candidate)| candidate != edge.dep);
            at = edge.next_input;
        }
        while let Some((_, slot)) = candidates.pop().filter(|_| !self.ledger.fits(wanted_bytes)) {
            let record = self.records.get_mut(slot);
            record.phase = Phase::Aside;
            self.ledger.remove(record.bytes);
            self.n_aside += 1;
            actions.lay_aside.push(slot);
        }
    }

    /// When a result that nobody reads now is read next, by the position of its task in the sweep through the data.
    fn use_of_idle(&self, slot: Slot) -> Option<(u64, Slot)> {
        let record = self.records.get(slot);
        let is_idle = record.phase == Phase::Done && record.running_reads == 0 && record.bytes > 0;
        is_idle.then(|| (self.graph.position(record.task), slot))
    }

    fn keep_here(&mut self, slot: Slot) {
        let record = self.records.get_mut(slot);
        record.phase = Phase::Done;
        let bytes = record.bytes;
        self.n_aside -= 1;
        if !self.ledger.try_add(bytes) {
            self.ledger.add_over(bytes);
        }
    }

    fn start(&mut self, slot: Slot, bytes: u64, actions: &mut Actions) {
        let record = self.records.get_mut(slot);
        record.phase = Phase::Running;
        record.bytes = bytes;
        self.n_running += 1;
        let (task, mut at) = (record.task, record.first_edge);
        let (deliver, keep) = (record.is_root(), record.unfinished_reads() > 0);
        let mut n_inputs = 0;
        while at != NONE {
            let edge = self.records.edge(at);
            let dep = self.records.get_mut(edge.dep);
            dep.waiting_reads -= 1;
            dep.running_reads += 1;
            actions.inputs.push(Input { slot: edge.dep, last: dep.unstarted_reads() == 0 });
            n_inputs += 1;
            at = edge.next_input;
        }
        actions.run.push(Run { task, slot, n_inputs, deliver, keep });
    }

    /// What a task needs: its own bytes, and those of inputs that it has to read from disk.
    fn task_bytes(&self, slot: Slot) -> u64 {
        let record = self.records.get(slot);
        let own_bytes = self.graph.bytes(record.task);
        (if self.n_aside == 0 { own_bytes } else { own_bytes.saturating_add(self.aside_bytes(record.first_edge)) })
            .min(MAX_TASK_BYTES)
    }

    fn aside_bytes(&self, first_edge: u32) -> u64 {
        let (mut at, mut bytes) = (first_edge, 0u64);
        while at != NONE {
            let edge = self.records.edge(at);
            let dep = self.records.get(edge.dep);
            bytes = bytes.saturating_add(if dep.is_aside() { dep.bytes } else { 0 });
            at = edge.next_input;
        }
        bytes
    }
}

/// How the plan is explored.
impl<G: TaskGraph + ?Sized> State<'_, G> {
    /// Looks at the dependencies of a known task.
    #[inline]
    fn expand(&mut self, slot: Slot) {
        let (graph, task) = (self.graph, self.records.get(slot).task);
        self.expand_to(slot, |visit| graph.deps(task, visit));
    }

    /// Gives a known task an edge to each of the tasks that `deps` visits.
    #[inline]
    fn expand_to(&mut self, slot: Slot, deps: impl FnOnce(&mut dyn FnMut(TaskId))) {
        let Self { graph, records, .. } = self;
        let (mut last_edge, mut n_missing) = (NONE, 0);
        deps(&mut |dep| {
            let dep = records.find_or_add(*graph, dep);
            last_edge = records.add_edge(slot, dep, last_edge);
            let record = records.get_mut(dep);
            debug_assert!(record.unseen_reads > 0, "{:?} is read more often than its plan says", record.task);
            record.unseen_reads = record.unseen_reads.saturating_sub(u32::from(record.unseen_reads != u32::MAX));
            record.waiting_reads += 1;
            if !record.is_done() {
                n_missing += 1;
                records.wait(last_edge);
            }
        });
        self.sequence += 1;
        let record = self.records.get_mut(slot);
        record.phase = Phase::Waiting;
        record.n_missing = n_missing;
        record.sequence = self.sequence;
    }

    /// Looks at the dependencies of a task found `depth` steps straight down, or at the end of the chain that begins there.
    fn expand_or_descend(&mut self, slot: Slot, depth: usize) {
        let path = (depth >= MIN_DESCENT).then(|| self.paths.descend(self.graph, &mut self.records, slot)).flatten();
        match path {
            Some(bottom) => self.expand_to(slot, |visit| visit(bottom)),
            None => self.expand(slot),
        }
    }

    /// Asks for a task whose entry of the stack may be out of date.
    fn demand_task(&mut self, task: TaskId, slot: Slot) {
        let record = self.records.get(slot);
        if record.task == task && matches!(record.phase, Phase::Known | Phase::Waiting) {
            self.demand(slot);
        }
    }

    /// Asks for a task: enables it if its dependencies are there, else asks for those.
    fn demand(&mut self, mut slot: Slot) {
        for depth in 0.. {
            if self.records.get(slot).phase == Phase::Known {
                self.expand_or_descend(slot, depth);
            }
            let record = self.records.get_mut(slot);
            if std::mem::replace(&mut record.demanded, true) {
                return;
            }
            if record.first_edge == NONE {
                self.stack.push((record.task, slot));
                return;
            }
            if record.n_missing == 0 {
                self.enable(slot);
                return;
            }
            self.leave_wanted(slot);
            match self.push_missing(slot) {
                // Straight down while nothing else could come first; long chains spend their time here.
                Some(first) if self.wanted.is_empty() => {
                    self.stack.pop();
                    slot = first;
                }
                _ => return,
            }
        }
    }

    /// Puts the missing dependencies of a task on the stack, and returns the first one, which is on top.
    fn push_missing(&mut self, slot: Slot) -> Option<Slot> {
        let bottom = self.stack.len();
        let mut at = self.records.get(slot).first_edge;
        while at != NONE {
            let edge = self.records.edge(at);
            let dep = self.records.get(edge.dep);
            if matches!(dep.phase, Phase::Known | Phase::Waiting) && !dep.demanded {
                self.stack.push((dep.task, edge.dep));
            }
            at = edge.next_input;
        }
        let pushed = &mut self.stack[bottom..];
        pushed.reverse();
        pushed.last().map(|&(_, dep)| dep)
    }

    /// The last dependency of a task is done: runs it soon if it is waited for or frees memory; tells whether it does.
    fn all_there(&mut self, slot: Slot) -> bool {
        let soon = self.records.get(slot).demanded || self.frees_memory(slot);
        if soon {
            self.enable(slot);
        }
        soon
    }

    fn enable(&mut self, slot: Slot) {
        self.leave_wanted(slot);
        let record = self.records.get_mut(slot);
        record.phase = Phase::Enabled;
        self.enabled.push((Reverse(record.sequence), slot));
    }

    /// Whether the task's share in its inputs is at least as large as the memory it takes. The share in a result is the
    /// result divided by the reads still to be done.
    fn frees_memory(&self, slot: Slot) -> bool {
        let need_bytes = self.task_bytes(slot);
        let mut share_bytes = 0;
        let mut at = self.records.get(slot).first_edge;
        while at != NONE && share_bytes < need_bytes {
            let edge = self.records.edge(at);
            let dep = self.records.get(edge.dep);
            // What lies on disk frees none.
            share_bytes += if dep.is_aside() { 0 } else { dep.bytes / dep.unfinished_reads().max(1) };
            at = edge.next_input;
        }
        share_bytes >= need_bytes
    }

    /// Looks at the next root; false if there is none.
    fn list_root(&mut self) -> bool {
        if self.next_root >= self.graph.n_roots() {
            return false;
        }
        let task = self.graph.root(self.next_root);
        self.next_root += 1;
        if !self.early_roots.is_empty() && self.early_roots.remove(&task) {
            return true;
        }
        match self.records.find(task) {
            Some(slot) => {
                self.records.get_mut(slot).root = RootMark::Listed;
                self.demand_task(task, slot);
            }
            None => self.add_root(task),
        }
        true
    }

    fn add_root(&mut self, task: TaskId) {
        let slot = self.records.add_root(self.graph, task);
        self.expand(slot);
        let record = self.records.get(slot);
        // Nobody else can come to speak of a task that has neither dependencies nor users.
        if record.first_edge != NONE || record.unfinished_reads() > 0 {
            self.records.publish(slot);
        }
        self.demand(slot);
    }
}

/// The heap of wanted tasks.
impl<G: TaskGraph + ?Sized> State<'_, G> {
    /// Takes the first wanted task if it comes before everything else that could be explored.
    fn pop_wanted(&mut self) -> Option<Slot> {
        self.drop_stale();
        let &(Reverse(position), _, slot) = self.wanted.peek()?;
        let first = match self.stack.last() {
            Some(&(task, _)) => position < self.graph.position(task),
            None if self.next_root < self.graph.n_roots() => {
                position <= self.graph.position(self.graph.root(self.next_root))
            }
            None => true,
        };
        first.then(|| {
            self.wanted.pop();
            self.records.get_mut(slot).in_wanted = false;
            slot
        })
    }

    /// Takes some wanted task whose dependencies are all there.
    fn pop_wanted_ready(&mut self) -> Option<Slot> {
        let is_ready = |record: &Record| record.phase == Phase::Waiting && record.n_missing == 0;
        let ready = self.wanted.iter().find(|entry| self.is_fresh(entry) && is_ready(self.records.get(entry.2)));
        let slot = ready?.2;
        self.leave_wanted(slot);
        Some(slot)
    }

    fn is_fresh(&self, &(_, Reverse(sequence), slot): &Wanted) -> bool {
        let record = self.records.get(slot);
        record.in_wanted && record.sequence == sequence
    }

    fn leave_wanted(&mut self, slot: Slot) {
        let record = self.records.get_mut(slot);
        self.n_stale += usize::from(std::mem::replace(&mut record.in_wanted, false));
    }

    /// Drops entries on top whose tasks have found another way, and all such entries when they are too many.
    fn drop_stale(&mut self) {
        if self.n_stale == 0 {
            return;
        }
        if self.n_stale >= MIN_STALE && self.n_stale * 2 > self.wanted.len() {
            let mut entries = std::mem::take(&mut self.wanted).into_vec();
            entries.retain(|entry| self.is_fresh(entry));
            self.wanted = entries.into();
            self.n_stale = 0;
        }
        while self.wanted.peek().is_some_and(|entry| !self.is_fresh(entry)) {
            self.wanted.pop();
            self.n_stale -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::super::samples::{Sample, any_sample};
    use super::*;

    /// A driver with a model beside it that checks every answer of the machine.
    struct Model<'s> {
        sample: &'s Sample,
        state: State<'s, Sample>,
        budget: Budget,
        actions: Actions,
        running: Vec<(usize, Slot)>,
        done: HashMap<usize, Slot>,
        /// Whose result lies in a slot.
        results: HashMap<Slot, usize>,
        released: HashSet<usize>,
        /// Reads of a result by tasks that have started, and that have ended.
        started_reads: HashMap<usize, usize>,
        ended_reads: HashMap<usize, usize>,
        stopped: bool,
    }

    impl<'s> Model<'s> {
        fn new(sample: &'s Sample, limit_bytes: u64) -> Self {
            let budget = Budget::new(limit_bytes);
            Self {
                sample,
                state: State::new(sample, &budget),
                budget,
                actions: Actions::default(),
                running: Vec::new(),
                done: HashMap::new(),
                results: HashMap::new(),
                released: HashSet::new(),
                started_reads: HashMap::new(),
                ended_reads: HashMap::new(),
                stopped: false,
            }
        }

        fn want(&mut self, max: usize) -> usize {
            let n_running = self.running.len();
            self.send(Event::Want { max });
            let runs = std::mem::take(&mut self.actions.run);
            assert!(runs.len() <= if self.stopped { 0 } else { max });
            let inputs = std::mem::take(&mut self.actions.inputs);
            let mut inputs = inputs.iter();
            for run in &runs {
                let task = Sample::number(run.task);
                assert!(
                    !self.done.contains_key(&task) && self.running.iter().all(|r| r.0 != task),
                    "{task} runs twice"
                );
                assert_eq!(run.deliver, self.sample.roots.contains(&task));
                assert_eq!(run.keep, !self.sample.tasks[task].users.is_empty());
                assert_eq!(run.n_inputs, self.sample.tasks[task].deps.len());
                for dep in &self.sample.tasks[task].deps {
                    let input = inputs.next().unwrap();
                    assert_eq!(self.done.get(dep), Some(&input.slot), "{task} runs before {dep}");
                    assert!(!self.released.contains(dep));
                    let reads = self.started_reads.entry(*dep).or_default();
                    *reads += 1;
                    assert_eq!(input.last, *reads == self.sample.tasks[*dep].users.len());
                }
                self.running.push((task, run.slot));
            }
            assert!(
                self.live_bytes() <= self.budget.limit_bytes()
                    || runs.is_empty()
                    || (n_running == 0 && runs.len() == 1)
            );
            self.check();
            runs.len()
        }

        fn end(&mut self, which: usize, fails: bool) {
            let (task, slot) = self.running.swap_remove(which);
            for &dep in &self.sample.tasks[task].deps {
                *self.ended_reads.entry(dep).or_default() += 1;
            }
            if fails {
                self.stopped = true;
                self.send(Event::Failed { slot });
            } else {
                self.done.insert(task, slot);
                assert_eq!(self.results.insert(slot, task), None);
                let delivered = self.sample.tasks[task].users.is_empty();
                let result_bytes = if delivered { 0 } else { self.sample.tasks[task].result_bytes };
                self.send(Event::Done { slot, result_bytes });
            }
            self.check();
        }

        fn cancel(&mut self) {
            self.stopped = true;
            self.send(Event::Cancel);
            self.check();
        }

        fn send(&mut self, event: Event) {
            self.actions.clear();
            self.state.handle(event, &mut self.actions);
            for release in &self.actions.release {
                let task = self.results.remove(&release.slot).expect("a result is released once");
                assert!(self.released.insert(task), "{task} is released twice");
            }
        }

        /// A result is alive if a task that reads it has not ended; after a stop, if such a task runs.
        fn is_alive(&self, task: usize) -> bool {
            let ended = self.ended_reads.get(&task).copied().unwrap_or(0);
            let readers = if self.stopped {
                self.started_reads.get(&task).copied().unwrap_or(0)
            } else {
                self.sample.tasks[task].users.len()
            };
            ended < readers
        }

        fn live_bytes(&self) -> u64 {
            let running = self.running.iter().map(|&(task, _)| self.sample.tasks[task].bytes);
            let alive = self.done.keys().filter(|&&task| self.is_alive(task));
            running.sum::<u64>() + alive.map(|&task| self.sample.tasks[task].result_bytes).sum::<u64>()
        }

        fn check(&self) {
            assert_eq!(self.state.ledger().live_bytes(), self.live_bytes());
            for &task in self.done.keys() {
                assert_eq!(self.released.contains(&task), !self.is_alive(task), "release of {task}");
            }
            assert!(self.budget.used_bytes() >= self.live_bytes());
        }

        /// Runs to the end, `n_threads` tasks at a time; `choices` says which of them ends next.
        fn run(&mut self, n_threads: usize, mut choices: impl FnMut(usize) -> usize) {
            loop {
                while self.running.len() < n_threads && self.want(1) > 0 {}
                if self.running.is_empty() {
                    return;
                }
                self.end(choices(self.running.len()), false);
            }
        }

        fn assert_finished(&self) {
            let mut done: Vec<usize> = self.done.keys().copied().collect();
            done.sort_unstable();
            assert_eq!(done, self.sample.needed());
            assert_eq!(self.state.verdict(), Verdict::Finished);
            assert_eq!(self.state.n_done(), done.len() as u64);
            assert_eq!(self.state.ledger().live_bytes(), 0);
            assert!(self.state.records.slots().all(|slot| self.state.records.get(slot).phase == Phase::Free));
            assert_eq!(self.released.len(), done.len());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]

        #[test]
        fn any_plan_runs_once_in_order_and_within_memory(
            sample in any_sample(60), limit in 0..400_u64, n_threads in 1..9_usize, picks in prop::collection::vec(any::<usize>(), 1..50),
        ) {
            let mut model = Model::new(&sample, limit);
            let mut picks = picks.iter().cycle();
            model.run(n_threads, |n| picks.next().unwrap() % n);
            model.assert_finished();
        }

        #[test]
        fn any_batches_do(sample in any_sample(60), limit in 50..400_u64, batches in prop::collection::vec((1..6_usize, any::<usize>()), 1..50)) {
            let mut model = Model::new(&sample, limit);
            for &(max, pick) in batches.iter().cycle() {
                model.want(max);
                if model.running.is_empty() {
                    break;
                }
                model.end(pick % model.running.len(), false);
            }
            model.assert_finished();
        }

        #[test]
        fn a_stopped_run_starts_nothing_and_returns_everything(
            sample in any_sample(60), limit in 0..400_u64, n_threads in 1..9_usize, steps in 0..60_usize, pick in any::<usize>(), fails in any::<bool>(),
        ) {
            let mut model = Model::new(&sample, limit);
            for step in 0..steps {
                while model.running.len() < n_threads && model.want(1) > 0 {}
                if !model.running.is_empty() {
                    model.end(pick.rotate_left(step as u32) % model.running.len(), false);
                }
            }
            model.want(n_threads);
            if fails && !model.running.is_empty() {
                model.end(pick % model.running.len(), true);
            } else {
                model.cancel();
            }
            while !model.running.is_empty() {
                let (n, odd) = (model.running.len(), pick % 3 == 0);
                model.end(pick % n, odd);
                prop_assert_eq!(model.want(n_threads), 0);
            }
            prop_assert_eq!(model.state.verdict(), Verdict::Stopped);
            prop_assert_eq!(model.state.ledger().live_bytes(), 0);
            prop_assert_eq!(model.released.len(), model.done.len());
        }
    }

    const BLOCK_BYTES: u64 = 1000;

    /// Runs a plan and returns the largest number of blocks of `BLOCK_BYTES` alive, and of records.
    fn peak_blocks(sample: &Sample, n_threads: usize) -> (u64, usize) {
        let budget = Budget::new(u64::MAX);
        let mut state = State::new(sample, &budget);
        let (mut actions, mut running) = (Actions::default(), std::collections::VecDeque::new());
        loop {
            while running.len() < n_threads {
                actions.clear();
                state.handle(Event::Want { max: 1 }, &mut actions);
                let Some(run) = actions.run.pop() else { break };
                running.push_back(run);
            }
            let Some(run) = running.pop_front() else { break };
            let task = &sample.tasks[Sample::number(run.task)];
            state.handle(
                Event::Done { slot: run.slot, result_bytes: if run.keep { task.bytes } else { 0 } },
                &mut actions,
            );
        }
        assert_eq!((state.verdict(), state.ledger().live_bytes()), (Verdict::Finished, 0));
        (state.ledger().peak_bytes() / BLOCK_BYTES, state.peak_records())
    }

    #[test]
    fn roots_that_share_a_source_sweep_it_together() {
        let n_blocks = 1000;
        let mut sample = Sample::default();
        let x: Vec<usize> = (0..n_blocks).map(|i| sample.add(&[], BLOCK_BYTES, i)).collect();
        let sums: Vec<usize> = (0..x.len()).map(|i| sample.add(&[x[i]], 1, i as u64)).collect();
        let sum = sample.add_tree(&sums, 8, 1);
        let stencil: Vec<usize> = (0..x.len())
            .map(|i| sample.add(&x[i.saturating_sub(1)..(i + 2).min(x.len())], BLOCK_BYTES, i as u64))
            .collect();
        let stencil_sums: Vec<usize> = (0..x.len()).map(|i| sample.add(&[stencil[i]], 1, i as u64)).collect();
        let stencil_sum = sample.add_tree(&stencil_sums, 8, 1);
        let means: Vec<usize> = (0..x.len()).map(|i| sample.add(&[x[i]], 1, i as u64)).collect();
        let mean = sample.add_tree(&means, 8, 1);
        for roots in [[sum, stencil_sum, mean], [stencil_sum, mean, sum], [mean, sum, stencil_sum]] {
            let sample = sample.clone().with_roots(&roots);
            for (n_threads, max_blocks) in [(1, 6), (2, 8), (8, 24)] {
                let (blocks, records) = peak_blocks(&sample, n_threads);
                assert!(blocks <= max_blocks, "{blocks} blocks alive with {n_threads} threads");
                assert!(records <= 400, "{records} records with {n_threads} threads");
            }
        }
    }

    #[test]
    fn chains_have_records_for_a_few_tasks_at_a_time() {
        let mut sample = Sample::default();
        let shared = (0..100).fold(sample.add(&[], 1, 0), |last, i| sample.add(&[last], 1, i));
        let ends: Vec<usize> =
            (0..5).map(|end| (0..1000).fold(shared, |last, i| sample.add(&[last], 1, end * 1000 + i))).collect();
        let sample = sample.with_roots(&ends);
        for n_threads in [1, 2, 8] {
            let (blocks, records) = peak_blocks(&sample, n_threads);
            assert!(blocks <= 10 && records <= 40, "{records} records with {n_threads} threads");
        }
    }

    #[test]
    fn a_grid_is_swept_in_bands() {
        let n = 32;
        let mut sample = Sample::default();
        let at = |i: usize, j: usize| i * n + j;
        let x: Vec<usize> = (0..n * n).map(|b| sample.add(&[], BLOCK_BYTES, b as u64)).collect();
        let sums: Vec<usize> = (0..n * n).map(|b| sample.add(&[x[b]], 1, b as u64)).collect();
        let sum = sample.add_tree(&sums, 8, 1);
        let stencil: Vec<usize> = (0..n * n)
            .map(|b| {
                let (i, j) = (b / n, b % n);
                let mut deps = vec![x[b]];
                deps.extend(
                    [(i > 0, -1, 0), (i + 1 < n, 1, 0), (j > 0, 0, -1), (j + 1 < n, 0, 1)]
                        .iter()
                        .filter(|d| d.0)
                        .map(|&(_, di, dj)| x[at((i as isize + di) as usize, (j as isize + dj) as usize)]),
                );
                let y = sample.add(&deps, BLOCK_BYTES, b as u64);
                sample.add(&[y], 1, b as u64)
            })
            .collect();
        let stencil_sum = sample.add_tree(&stencil, 8, 1);
        let mut roots = vec![sum, stencil_sum];
        for j in 0..n {
            let column: Vec<usize> = (0..n).map(|i| sample.add(&[x[at(i, j)]], 1, at(i, j) as u64)).collect();
            roots.push(sample.add_tree(&column, 8, 1));
        }
        let sample = sample.with_roots(&roots);
        for (n_threads, max_blocks) in [(1, 3 * n as u64), (8, 4 * n as u64)] {
            let (blocks, _) = peak_blocks(&sample, n_threads);
            assert!(blocks <= max_blocks, "{blocks} blocks alive with {n_threads} threads");
        }
    }

    #[test]
    fn a_block_and_its_mirror_image_are_released_together() {
        let n = 30;
        let mut sample = Sample::default();
        let x: Vec<usize> = (0..n * n).map(|b| sample.add(&[], BLOCK_BYTES, b as u64)).collect();
        let roots: Vec<usize> =
            (0..n * n).map(|b| sample.add(&[x[b], x[b % n * n + b / n]], BLOCK_BYTES, b as u64)).collect();
        let sample = sample.with_roots(&roots);
        assert!(peak_blocks(&sample, 1).0 <= 3);
        assert!(peak_blocks(&sample, 8).0 <= 24);
    }

    #[test]
    fn a_block_with_many_large_users_does_not_make_them_all_at_once() {
        let (n_rows, n_columns) = (60, 64);
        let mut sample = Sample::default();
        let a: Vec<usize> = (0..n_rows).map(|_| sample.add(&[], 1, 0)).collect();
        let b: Vec<usize> = (0..n_columns).map(|_| sample.add(&[], 1, 0)).collect();
        let rows: Vec<usize> = (0..n_rows)
            .map(|i| {
                let products: Vec<usize> = (0..n_columns)
                    .map(|j| sample.add(&[a[i], b[j]], BLOCK_BYTES, (i * n_columns + j) as u64))
                    .collect();
                sample.add_tree(&products, 8, 1)
            })
            .collect();
        let all_a = sample.add_tree(&a, 8, 1);
        let sample = sample.with_roots(&[&[all_a], &rows[..]].concat());
        let (blocks, _) = peak_blocks(&sample, 1);
        assert!(blocks <= 9, "{blocks} blocks alive");
    }

    #[test]
    fn a_plan_that_waits_for_itself_is_stuck() {
        let mut sample = Sample::default();
        let first = sample.add(&[1], 1, 0);
        sample.add(&[first], 1, 0);
        sample.roots = vec![1];
        sample.tasks[0].users = vec![1];
        sample.tasks[1].users = vec![0];
        let mut state = State::new(&sample, &Budget::new(10));
        let mut actions = Actions::default();
        state.handle(Event::Want { max: 2 }, &mut actions);
        assert!(actions.run.is_empty());
        assert_eq!(state.verdict(), Verdict::Stuck);
    }

    #[test]
    fn tasks_too_large_for_the_budget_run_alone_and_are_counted() {
        let mut sample = Sample::default();
        let large: Vec<usize> = (0..5).map(|i| sample.add(&[], 100, i)).collect();
        let small: Vec<usize> = (5..8).map(|i| sample.add(&[], 5, i)).collect();
        let sample = sample.with_roots(&[large, small].concat());
        let mut model = Model::new(&sample, 20);
        model.run(4, |n| n - 1);
        model.assert_finished();
        assert_eq!(model.state.ledger().over_budget_starts(), 5);
    }

    #[test]
    fn a_path_that_does_not_fit_waits_for_the_one_before() {
        let mut sample = Sample::default();
        let leaves: Vec<usize> = (0..64)
            .map(|i| {
                let x = sample.add(&[], 10, i);
                sample.tasks[x].path_bytes = 30;
                let y = sample.add(&[x], 10, i);
                let z = sample.add(&[y], 10, i);
                sample.add(&[z], 0, i)
            })
            .collect();
        let root = sample.add_tree(&leaves, 8, 0);
        let sample = sample.with_roots(&[root]);
        for limit in [30, 50, 80] {
            let mut model = Model::new(&sample, limit);
            model.run(8, |n| n / 2);
            model.assert_finished();
            assert_eq!(model.state.ledger().over_budget_starts(), 0);
        }
    }
}
