//! The worker's state machine: events in, instructions out; no threads, no clock, no sockets.
//!
//! The scheduler's orders, the ends of executions and transfers, and losses of peers arrive in any order relative to each
//! other: a result may be freed while it is computed, ordered again before that has ended, stolen the moment it starts,
//! asked for from a worker that is gone. Here an event only changes *facts* about tasks (`task.rs`); what follows is worked
//! out in one place, [`Machine::settle`]:
//!
//! ```text
//!   event ──> facts change, tasks are touched        orders.rs (the scheduler's), ends.rs (the driver's)
//!                 │
//!                 v
//!   settle:  for every touched task: its state follows from its facts; it leaves the queues of the old state and
//!            enters those of the new one; tasks that depend on the difference are touched
//!                 │
//!                 v
//!   start tasks while threads are free, fetch while the limits allow                    (start.rs)
//! ```
//!
//! The machine is deterministic: the same events give the same instructions. An event that comes twice or too late finds
//! its facts as they should be and changes nothing; ends of executions and transfers carry a [`Ticket`] by which stale ones
//! are known. `validate.rs` says what always holds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::event::{Event, Instruction, Report, Status, Ticket};
use super::peers::{Peers, TransferLimits};
use super::ready::ReadyQueue;
use super::story::Story;
use super::task::{Activity, Held, Slot, State};
use super::tasks::Tasks;
use crate::exec::remote::worker::names::{Address, Key, Priority};
use crate::exec::spill::MemoryLimits;

/// What a worker is made of, as far as its decisions go.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) address: Address,
    pub(crate) n_threads: usize,
    pub(crate) resources: BTreeMap<Arc<str>, f64>,
    pub(crate) transfers: TransferLimits,
    pub(crate) memory: MemoryLimits,
}

impl Setup {
    pub(crate) fn new(address: Address, n_threads: usize) -> Self {
        Self {
            address,
            n_threads,
            resources: BTreeMap::new(),
            transfers: TransferLimits::default(),
            memory: MemoryLimits::default(),
        }
    }
}

/// The machine; see the module documentation.
#[derive(Debug)]
pub(crate) struct Machine {
    pub(super) tasks: Tasks,
    pub(super) peers: Peers,
    pub(super) ready: ReadyQueue,
    pub(super) missing: BTreeSet<Slot>,
    pub(super) n_threads: usize,
    /// Tasks that occupy a thread; those that gave theirs back are not counted.
    pub(super) n_executing: usize,
    pub(super) memory: MemoryLimits,
    /// What the scheduler asked for.
    pub(super) asked_status: Status,
    pub(super) short_of_memory: bool,
    pub(super) memory_bytes: u64,
    pub(super) counts: [usize; State::ALL.len()],
    pub(super) story: Story,
    /// Tasks whose facts have changed.
    dirty: Vec<Slot>,
    pub(super) instructions: Vec<Instruction>,
    stimulus_id: Arc<str>,
    last_ticket: u64,
    /// Counts orders downwards: of tasks with one priority, the latest is first.
    generation: i64,
}

impl Machine {
    pub(crate) fn new(setup: Setup) -> Self {
        Self {
            tasks: Tasks::default(),
            peers: Peers::new(setup.address, setup.transfers),
            ready: ReadyQueue::new(setup.resources),
            missing: BTreeSet::new(),
            n_threads: setup.n_threads,
            n_executing: 0,
            memory: setup.memory,
            asked_status: Status::Running,
            short_of_memory: false,
            memory_bytes: 0,
            counts: [0; State::ALL.len()],
            story: Story::default(),
            dirty: Vec::new(),
            instructions: Vec::new(),
            stimulus_id: Arc::from(""),
            last_ticket: 0,
            generation: 0,
        }
    }

    /// Takes in one event and says what has to be done. `stimulus_id` goes into all messages that follow from it.
    pub(crate) fn handle(&mut self, event: Event, stimulus_id: &Arc<str>) -> Vec<Instruction> {
        self.stimulus_id = stimulus_id.clone();
        self.dispatch(event);
        self.settle();
        self.start_tasks();
        self.start_transfers();
        std::mem::take(&mut self.instructions)
    }

    fn dispatch(&mut self, event: Event) {
        match event {
            Event::Compute(order) => self.on_compute(*order),
            Event::FreeKeys(keys) => keys.iter().for_each(|key| self.on_free(key)),
            Event::AcquireReplicas(inputs) => self.on_acquire(inputs),
            Event::RemoveReplicas(keys) => self.on_remove_replicas(keys),
            Event::CancelCompute(key) => self.on_cancel_compute(&key),
            Event::StealRequest(key) => self.on_steal_request(key),
            Event::RefreshWhoHas(holders) => self.on_refresh_who_has(holders),
            Event::StatusChange(status) => self.on_status_change(status),
            Event::RemoveWorker(worker) => self.on_remove_worker(&worker),
            Event::UpdateData(values) => self.on_update_data(values),
            Event::Executed { key, ticket, outcome } => self.on_executed(&key, ticket, outcome),
            Event::Seceded { key, ticket, compute_s } => self.on_seceded(&key, ticket, compute_s),
            Event::Unreadable { worker, faults } => self.on_unreadable(&worker, faults),
            Event::Gathered { worker, ticket, delivery } => self.on_gathered(&worker, ticket, delivery),
            Event::RetryBusyWorker(worker) => self.peers.retry(&worker),
            Event::FindMissing => self.on_find_missing(),
            Event::MemorySampled { process_bytes, spillable_bytes } => self.on_memory(process_bytes, spillable_bytes),
        }
    }

    /// The worker's own condition: what the scheduler asked for, or paused when memory is short.
    pub(crate) fn status(&self) -> Status {
        match self.asked_status {
            Status::Running if self.short_of_memory => Status::Paused,
            asked => asked,
        }
    }

    /// How many results are in each state.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (State, usize)> {
        State::ALL.into_iter().map(|state| (state, self.counts[state as usize]))
    }

    /// The sum of the sizes of all results in memory, on disk or not.
    pub(crate) fn memory_bytes(&self) -> u64 {
        self.memory_bytes
    }

    pub(crate) fn peers(&self) -> &Peers {
        &self.peers
    }

    pub(crate) fn story(&self) -> &Story {
        &self.story
    }

    /// The state of a result; none if the machine knows nothing of it.
    pub(crate) fn state_of(&self, key: &Key) -> Option<State> {
        self.tasks.find(key).map(|slot| self.tasks[slot].state)
    }

    pub(super) fn next_ticket(&mut self) -> Ticket {
        self.last_ticket += 1;
        Ticket(self.last_ticket)
    }

    /// The priority of an order, with the latest first among equals.
    pub(super) fn stamped(&mut self, priority: &Priority) -> Priority {
        self.generation -= 1;
        priority.followed_by(self.generation as f64)
    }

    pub(super) fn send(&mut self, report: Report) {
        self.instructions.push(Instruction::Send { report, stimulus_id: self.stimulus_id.clone() });
    }

    /// Notes that facts about a task have changed.
    pub(super) fn touch(&mut self, slot: Slot) {
        self.dirty.push(slot);
    }

    /// Brings the states and queues of all touched tasks in line with their facts.
    pub(super) fn settle(&mut self) {
        while let Some(slot) = self.dirty.pop() {
            if !self.tasks.contains(slot) {
                continue;
            }
            self.recount(slot);
            let (old, new) = (self.tasks[slot].state, self.tasks[slot].derived_state());
            if old != new {
                self.change_state(slot, old, new);
            }
            if new == State::Released && self.tasks[slot].users.is_empty() {
                self.forget(slot);
            }
        }
    }

    fn change_state(&mut self, slot: Slot, old: State, new: State) {
        self.leave(slot, old);
        self.tasks[slot].state = new;
        self.enter(slot, new);
        self.story.add(&self.tasks[slot].key, old, new, &self.stimulus_id);
        if new == State::Cancelled {
            self.cancel_execution(slot);
        }
    }

    fn leave(&mut self, slot: Slot, state: State) {
        self.counts[state as usize] -= 1;
        let task = &self.tasks[slot];
        match state {
            State::Ready => self.ready.remove(&task.priority, slot, false),
            State::Constrained => self.ready.remove(&task.priority, slot, true),
            State::Fetch => task.holders.iter().for_each(|holder| self.peers.unneed(holder, &task.priority, slot)),
            State::Missing => drop(self.missing.remove(&slot)),
            _ => {}
        }
    }

    fn enter(&mut self, slot: Slot, state: State) {
        self.counts[state as usize] += 1;
        let task = &self.tasks[slot];
        match state {
            State::Ready => self.ready.push(&task.priority, slot, false),
            State::Constrained => self.ready.push(&task.priority, slot, true),
            State::Fetch => task.holders.iter().for_each(|holder| self.peers.need(holder, &task.priority, slot)),
            State::Missing => drop(self.missing.insert(slot)),
            _ => {}
        }
    }

    fn cancel_execution(&mut self, slot: Slot) {
        let task = &self.tasks[slot];
        if let Activity::Running { ticket, .. } = task.activity {
            self.instructions.push(Instruction::CancelExecution { key: task.key.clone(), ticket });
        }
    }

    /// Sees to it that a task counts among the waiters of its inputs as long as it needs them.
    fn recount(&mut self, slot: Slot) {
        let needs_inputs = self.tasks[slot].needs_inputs();
        if needs_inputs == self.tasks[slot].counted {
            return;
        }
        self.tasks[slot].counted = needs_inputs;
        for i in 0..self.tasks[slot].inputs.len() {
            let input = self.tasks[slot].inputs[i];
            let n_waiters = &mut self.tasks[input].n_waiters;
            *n_waiters = if needs_inputs { *n_waiters + 1 } else { *n_waiters - 1 };
            self.touch(input);
        }
    }

    fn forget(&mut self, slot: Slot) {
        for holder in std::mem::take(&mut self.tasks[slot].holders) {
            self.peers.remove_holder(&holder, slot);
        }
        self.counts[State::Released as usize] -= 1;
        self.tasks.remove(slot);
    }

    /// The record of a key, made if need be; its priority is at least as urgent as `priority`.
    pub(super) fn ensure(&mut self, key: &Key, priority: &Priority) -> Slot {
        let n_known = self.tasks.len();
        let slot = self.tasks.ensure(key, priority);
        if self.tasks.len() > n_known {
            self.counts[State::Released as usize] += 1;
        } else if *priority < self.tasks[slot].priority {
            self.set_priority(slot, priority.clone());
        }
        self.touch(slot);
        slot
    }

    pub(super) fn set_priority(&mut self, slot: Slot, priority: Priority) {
        let state = self.tasks[slot].state;
        self.leave(slot, state);
        self.tasks[slot].priority = priority;
        self.enter(slot, state);
    }

    /// Notes who has a result. The worker itself does not count: it knows what it has.
    pub(super) fn set_holders(&mut self, slot: Slot, holders: &[Address]) {
        let new: BTreeSet<Address> = holders.iter().filter(|holder| *holder != self.peers.own()).cloned().collect();
        let task = &mut self.tasks[slot];
        let old = std::mem::replace(&mut task.holders, new);
        let (new, in_line, priority) = (&task.holders, task.state == State::Fetch, &task.priority);
        for holder in old.difference(new) {
            if in_line {
                self.peers.unneed(holder, priority, slot);
            }
            self.peers.remove_holder(holder, slot);
        }
        for holder in new.difference(&old) {
            self.peers.add_holder(holder, slot);
            if in_line {
                self.peers.need(holder, priority, slot);
            }
        }
        self.touch(slot);
    }

    pub(super) fn remove_holder(&mut self, slot: Slot, worker: &Address) {
        let task = &mut self.tasks[slot];
        task.holders.remove(worker);
        self.peers.unneed(worker, &task.priority, slot);
        self.peers.remove_holder(worker, slot);
        self.touch(slot);
    }

    /// Takes a peer to be gone, with all it has.
    pub(super) fn forget_worker(&mut self, worker: &Address) {
        for slot in self.peers.held_by(worker) {
            self.remove_holder(slot, worker);
        }
        self.peers.clear_refusals(worker);
    }

    /// Notes that a task is to be computed here, from these inputs.
    pub(super) fn put_order(&mut self, slot: Slot, inputs: Vec<Slot>) {
        self.take_back_order(slot);
        for &input in &inputs {
            self.tasks[input].users.insert(slot);
            if !self.tasks[input].has_value() {
                self.tasks[slot].absent.insert(input);
            }
        }
        let task = &mut self.tasks[slot];
        task.inputs = inputs;
        task.ordered = true;
        self.touch(slot);
    }

    /// Notes that a task need not be computed here, or not any more.
    pub(super) fn take_back_order(&mut self, slot: Slot) {
        self.tasks[slot].ordered = false;
        self.recount(slot);
        self.tasks[slot].absent.clear();
        for input in std::mem::take(&mut self.tasks[slot].inputs) {
            self.tasks[input].users.remove(&slot);
            self.touch(input);
        }
        self.touch(slot);
    }

    /// Notes that a value is in the driver's store.
    pub(super) fn put_value(&mut self, slot: Slot, held: Held) {
        if let Held::Value { product, .. } = &held {
            self.memory_bytes += product.n_bytes;
        }
        self.take_back_order(slot);
        let task = &mut self.tasks[slot];
        task.held = held;
        task.acquired = false;
        for user in task.users.clone() {
            self.tasks[user].absent.remove(&slot);
            self.touch(user);
        }
        self.touch(slot);
    }

    /// Drops a value; tasks that were about to use it wait for it again. Tells whether it had been announced as a copy.
    pub(super) fn drop_value(&mut self, slot: Slot) -> bool {
        let task = &mut self.tasks[slot];
        let Held::Value { product, .. } = &task.held else { return false };
        self.memory_bytes -= product.n_bytes;
        task.held = Held::Nothing;
        let was_copy = std::mem::take(&mut task.is_copy);
        let key = task.key.clone();
        for user in task.users.clone() {
            self.tasks[user].absent.insert(slot);
            self.touch(user);
        }
        self.instructions.push(Instruction::DropData { key });
        self.touch(slot);
        was_copy
    }
}
