//! What the scheduler's messages change.
//!
//! # Rules
//!
//! * The latest `compute-task` of a key counts: it has the highest run id, and all reports carry that one. With another,
//!   the scheduler would silently order the task again and again.
//! * `compute-task` for a result that is here is answered at once.
//! * An input that somebody else has need not be computed here, even if that was once ordered.
//! * `free-keys` takes back all the scheduler wanted of a key. A copy that queued tasks still need is fetched again; as a
//!   rule their own end is in the next message.
//! * A copy that is dropped is reported as `release-worker-data`, in the order of the stream: so the scheduler's view of who
//!   has what converges, whatever crossed on the way. What was announced with a run id needs no such report when it is
//!   freed, because the scheduler does not believe the announcement of a run that it has taken back.

use super::event::{Failure, Input, Instruction, Order, Payload, Product, Report, Status};
use super::state::Machine;
use super::task::{Activity, Held, Slot, State};
use crate::error::Error;
use crate::exec::remote::worker::names::{Address, Key, Priority};

/// Copies asked for by the scheduler come after all inputs of ordinary tasks, and before those of tasks marked as late.
const REPLICA_PRIORITY: f64 = 1.0;

impl Machine {
    pub(super) fn on_compute(&mut self, order: Order) {
        let priority = self.stamped(&order.priority);
        let slot = self.ensure(&order.key, &priority);
        if order.run_id < self.tasks[slot].run_id {
            return;
        }
        self.tasks[slot].run_id = order.run_id;
        match self.tasks[slot].held.clone() {
            Held::Value { product, span } => {
                let (key, run_id) = (order.key, order.run_id);
                self.send(Report::TaskFinished { key, run_id, product, span });
            }
            Held::Error { .. } | Held::Nothing => self.accept(slot, order, priority),
        }
    }

    fn accept(&mut self, slot: Slot, order: Order, priority: Priority) {
        self.tasks[slot].held = Held::Nothing;
        self.set_priority(slot, priority.clone());
        if let Payload::Unsupported(reason) = &order.payload {
            let failure = Failure::from(&Error::value("task", reason.to_string()));
            return self.put_error(slot, Held::Error { failure, span: None });
        }
        let was_ordered = self.tasks[slot].ordered;
        let task = &mut self.tasks[slot];
        task.payload = Some(order.payload);
        if !task.is_running() {
            task.resources = order.resources;
        }
        let inputs = order.inputs.into_iter().map(|input| self.take_input(input, &priority)).collect();
        self.put_order(slot, inputs);
        let task = &self.tasks[slot];
        if let (false, Activity::Running { long: true, .. }) = (was_ordered, task.activity) {
            let (key, run_id) = (task.key.clone(), task.run_id);
            self.send(Report::LongRunning { key, run_id, compute_s: None });
        }
    }

    /// Notes an input of an order, or a copy to be made: where it is and how large.
    fn take_input(&mut self, input: Input, priority: &Priority) -> Slot {
        let slot = self.ensure(&input.key, priority);
        self.set_holders(slot, &input.holders);
        let task = &mut self.tasks[slot];
        if !task.has_value() {
            task.expected_bytes = input.n_bytes;
        }
        if matches!(task.held, Held::Error { .. }) {
            task.held = Held::Nothing;
        }
        if task.ordered && !task.holders.is_empty() {
            self.take_back_order(slot);
        }
        slot
    }

    pub(super) fn on_free(&mut self, key: &Key) {
        let Some(slot) = self.tasks.find(key) else { return };
        // The announcement of a copy may have crossed this message.
        if self.drop_value(slot) {
            self.send(Report::ReleaseWorkerData { key: key.clone() });
        }
        self.take_back_order(slot);
        let task = &mut self.tasks[slot];
        task.held = Held::Nothing;
        task.acquired = false;
    }

    pub(super) fn on_acquire(&mut self, inputs: Vec<Input>) {
        let priority = Priority::new(&[REPLICA_PRIORITY]);
        let mut here = Vec::new();
        for input in inputs {
            let slot = self.take_input(input, &priority);
            let task = &mut self.tasks[slot];
            if task.has_value() {
                here.push(task.key.clone());
            } else {
                task.acquired = true;
            }
        }
        self.send_added(here);
    }

    pub(super) fn on_remove_replicas(&mut self, keys: Vec<Key>) {
        let mut kept = Vec::new();
        for key in keys {
            let Some(slot) = self.tasks.find(&key).filter(|slot| self.tasks[*slot].has_value()) else { continue };
            // Tasks of the same message that wait for this one have been settled by then.
            if self.tasks[slot].n_waiters > 0 {
                kept.push(key);
            } else {
                self.drop_value(slot);
                self.send(Report::ReleaseWorkerData { key });
            }
        }
        self.send_added(kept);
    }

    pub(super) fn send_added(&mut self, keys: Vec<Key>) {
        for key in &keys {
            if let Some(slot) = self.tasks.find(key) {
                self.tasks[slot].is_copy = true;
            }
        }
        if !keys.is_empty() {
            self.send(Report::AddKeys { keys });
        }
    }

    pub(super) fn on_cancel_compute(&mut self, key: &Key) {
        let Some(slot) = self.tasks.find(key) else { return };
        if self.tasks[slot].state.is_queued() {
            self.take_back_order(slot);
        }
    }

    pub(super) fn on_steal_request(&mut self, key: Key) {
        let slot = self.tasks.find(&key);
        let state = slot.map_or(State::Released, |slot| self.tasks[slot].state);
        self.send(Report::StealResponse { key, state: state.steal_answer() });
        if let (Some(slot), true) = (slot, state.is_queued()) {
            self.take_back_order(slot);
        }
    }

    pub(super) fn on_refresh_who_has(&mut self, holders: Vec<(Key, Vec<Address>)>) {
        for (key, workers) in holders {
            if let Some(slot) = self.tasks.find(&key) {
                self.set_holders(slot, &workers);
            }
        }
    }

    /// The scheduler's wish is repeated to it as a confirmation.
    pub(super) fn on_status_change(&mut self, status: Status) {
        self.asked_status = status;
        self.send(Report::StatusChange { status: self.status() });
    }

    pub(super) fn on_update_data(&mut self, values: Vec<(Key, Product)>) {
        let mut added = Vec::new();
        for (key, product) in values {
            let slot = self.ensure(&key, &Priority::new(&[REPLICA_PRIORITY]));
            if self.tasks[slot].has_value() {
                // From now on the scheduler may know of it from the client.
                self.tasks[slot].is_copy = true;
                continue;
            }
            // The client reports where it put its data, unless somebody here has been waiting for it.
            let is_expected = self.tasks[slot].ordered || self.tasks[slot].is_wanted();
            if is_expected {
                added.extend(self.settle_value(slot, product, None));
            } else {
                self.put_value(slot, Held::Value { product, span: None });
                self.tasks[slot].is_copy = true;
            }
        }
        self.send_added(added);
    }

    pub(super) fn on_find_missing(&mut self) {
        if !self.missing.is_empty() {
            let keys = self.missing.iter().map(|slot| self.tasks[*slot].key.clone()).collect();
            self.send(Report::RequestRefreshWhoHas { keys });
        }
    }

    pub(super) fn on_memory(&mut self, process_bytes: u64, spillable_bytes: u64) {
        let old = self.status();
        // Where memory has a limit it decides about every pause: a scheduler that asks for one only repeats what it heard.
        if self.memory.limit_bytes.is_some() && self.asked_status == Status::Paused {
            self.asked_status = Status::Running;
        }
        let advice = self.memory.advise(process_bytes, spillable_bytes);
        self.short_of_memory = advice.pause;
        if advice.spill_bytes > 0 {
            self.instructions.push(Instruction::Spill { n_bytes: advice.spill_bytes });
        }
        if self.status() != old {
            self.send(Report::StatusChange { status: self.status() });
        }
    }
}
