//! What the ends of executions and transfers change.
//!
//! An end is believed only with the ticket of the activity that is open for its task; otherwise it is late or a copy, and
//! values that came with it are dropped unless the task is in memory anyway.
//!
//! | the value was computed, or fetched, and the task is | then |
//! |---|---|
//! | ordered | kept, `task-finished` with the latest run id |
//! | wanted as a copy | kept, `add-keys` |
//! | neither | dropped |

use super::event::{Delivery, Failure, Instruction, Outcome, Product, Report, Span, Ticket};
use super::state::Machine;
use super::task::{Activity, Held, Slot, State};
use crate::exec::remote::worker::names::{Address, Key};

impl Machine {
    pub(super) fn on_executed(&mut self, key: &Key, ticket: Ticket, outcome: Outcome) {
        let Some(slot) = self.running(key, ticket) else {
            if matches!(outcome, Outcome::Finished { .. }) {
                self.discard(key);
            }
            return;
        };
        self.stop_running(slot);
        match outcome {
            Outcome::Finished { product, span } => self.finished(slot, product, span),
            Outcome::Erred { failure, span } => {
                if self.tasks[slot].ordered {
                    self.put_error(slot, Held::Error { failure, span });
                }
            }
            Outcome::Rescheduled => {
                if self.tasks[slot].ordered {
                    self.send(Report::Reschedule { key: key.clone() });
                    self.take_back_order(slot);
                }
            }
            Outcome::Abandoned => {}
        }
        self.touch(slot);
    }

    fn finished(&mut self, slot: Slot, product: Product, span: Span) {
        if self.tasks[slot].has_value() {
            return;
        }
        let copy = self.settle_value(slot, product, Some(span));
        self.send_added(copy.into_iter().collect());
    }

    /// Keeps, announces or drops a value that has just come into the store. The key is given back if it has to be
    /// announced as a copy.
    pub(super) fn settle_value(&mut self, slot: Slot, product: Product, span: Option<Span>) -> Option<Key> {
        let task = &self.tasks[slot];
        let (key, run_id, ordered) = (task.key.clone(), task.run_id, task.ordered);
        if !ordered && !task.is_wanted() {
            self.instructions.push(Instruction::DropData { key });
            return None;
        }
        self.put_value(slot, Held::Value { product: product.clone(), span });
        if ordered {
            self.send(Report::TaskFinished { key, run_id, product, span });
            return None;
        }
        Some(key)
    }

    /// Notes an error, and tells the scheduler.
    pub(super) fn put_error(&mut self, slot: Slot, held: Held) {
        let Held::Error { failure, span } = held.clone() else { return };
        self.take_back_order(slot);
        let task = &mut self.tasks[slot];
        task.held = held;
        let (key, run_id) = (task.key.clone(), task.run_id);
        self.send(Report::TaskErred { key, run_id, failure, span });
    }

    pub(super) fn on_seceded(&mut self, key: &Key, ticket: Ticket, compute_s: f64) {
        let Some(slot) = self.running(key, ticket) else { return };
        let task = &mut self.tasks[slot];
        if task.activity == (Activity::Running { ticket, long: true }) {
            return;
        }
        task.activity = Activity::Running { ticket, long: true };
        let (ordered, run_id) = (task.ordered, task.run_id);
        self.n_executing -= 1;
        if ordered {
            self.send(Report::LongRunning { key: key.clone(), run_id, compute_s: Some(compute_s) });
        }
        self.touch(slot);
    }

    fn running(&self, key: &Key, ticket: Ticket) -> Option<Slot> {
        let slot = self.tasks.find(key)?;
        let is_it = matches!(self.tasks[slot].activity, Activity::Running { ticket: open, .. } if open == ticket);
        is_it.then_some(slot)
    }

    fn stop_running(&mut self, slot: Slot) {
        let task = &mut self.tasks[slot];
        if let Activity::Running { long: false, .. } = task.activity {
            self.n_executing -= 1;
        }
        task.activity = Activity::Idle;
        self.ready.release(&task.resources);
    }

    /// Drops a value that came from nowhere.
    fn discard(&mut self, key: &Key) {
        let is_here = self.tasks.find(key).is_some_and(|slot| self.tasks[slot].has_value());
        if !is_here {
            self.instructions.push(Instruction::DropData { key: key.clone() });
        }
    }

    pub(super) fn on_gathered(&mut self, worker: &Address, ticket: Ticket, delivery: Delivery) {
        let slots = self.end_transfer(worker, ticket);
        let is_late = slots.is_empty();
        match delivery {
            Delivery::Arrived(values) => self.arrived(worker, &slots, values),
            Delivery::Busy if !is_late => self.refused(worker, &slots),
            // The connection may only have been cut for a moment, but then the scheduler will name the peer again.
            Delivery::Failed { again } if !is_late => {
                let lost = self.peers.held_by(worker);
                self.forget_worker(worker);
                if !again {
                    self.ask_for_holders(&lost);
                }
            }
            Delivery::Busy | Delivery::Failed { .. } => {}
        }
    }

    /// What was on its way; nothing if the transfer has ended before.
    fn end_transfer(&mut self, worker: &Address, ticket: Ticket) -> Vec<Slot> {
        let slots = self.peers.end(worker, ticket).map_or_else(Vec::new, |flight| flight.slots);
        for &slot in &slots {
            self.tasks[slot].activity = Activity::Idle;
            self.touch(slot);
        }
        slots
    }

    /// The scheduler is asked at once about what nobody else is known to have. Afterwards only the clock asks: what fails
    /// again and again must not be asked for without a pause.
    fn ask_for_holders(&mut self, slots: &[Slot]) {
        let stuck = slots.iter().map(|slot| &self.tasks[*slot]);
        let stuck = stuck.filter(|task| task.derived_state() == State::Missing);
        let keys: Vec<Key> = stuck.map(|task| task.key.clone()).collect();
        if !keys.is_empty() {
            self.send(Report::RequestRefreshWhoHas { keys });
        }
    }

    /// The scheduler has given a peer up. Its machine may keep the connection open for as long as it likes, so what was on
    /// its way is not waited for.
    pub(super) fn on_remove_worker(&mut self, worker: &Address) {
        if let Some(ticket) = self.peers.open_transfer(worker) {
            self.instructions.push(Instruction::CancelGather { ticket });
            self.end_transfer(worker, ticket);
        }
        self.forget_worker(worker);
    }

    /// A value that nobody has in a form that can be read here is an error of the tasks that need it: asking for it again
    /// and again would not make it better.
    pub(super) fn on_unreadable(&mut self, worker: &Address, faults: Vec<(Key, Failure)>) {
        for (key, failure) in faults {
            let Some(slot) = self.tasks.find(&key) else { continue };
            self.remove_holder(slot, worker);
            if self.tasks[slot].has_value() || !self.tasks[slot].holders.is_empty() {
                continue;
            }
            self.tasks[slot].acquired = false;
            for user in self.tasks[slot].users.clone() {
                if self.tasks[user].needs_inputs() {
                    self.put_error(user, Held::Error { failure: failure.clone(), span: None });
                }
            }
        }
    }

    fn arrived(&mut self, worker: &Address, slots: &[Slot], values: Vec<(Key, Product)>) {
        if !slots.is_empty() {
            self.peers.clear_refusals(worker);
        }
        let mut added = Vec::new();
        for (key, product) in values {
            match self.tasks.find(&key).filter(|slot| slots.contains(slot)) {
                Some(slot) if self.tasks[slot].has_value() => {}
                Some(slot) => added.extend(self.settle_value(slot, product, None)),
                None => self.discard(&key),
            }
        }
        for &slot in slots {
            if !self.tasks[slot].has_value() {
                self.remove_holder(slot, worker);
            }
        }
        self.send_added(added);
    }

    /// Other holders are tried at once; the scheduler is asked when all that are known refuse.
    fn refused(&mut self, worker: &Address, slots: &[Slot]) {
        let delay_ms = self.peers.refused(worker);
        self.instructions.push(Instruction::RetryBusyWorkerLater { worker: worker.clone(), delay_ms });
        let stuck = slots.iter().map(|slot| &self.tasks[*slot]).filter(|task| task.is_wanted());
        let stuck = stuck.filter(|task| task.holders.iter().all(|holder| self.peers.is_busy(holder)));
        let keys: Vec<Key> = stuck.map(|task| task.key.clone()).collect();
        if !keys.is_empty() {
            self.send(Report::RequestRefreshWhoHas { keys });
        }
    }
}
