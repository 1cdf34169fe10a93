//! What is started after each event: tasks while threads are free, transfers while the limits allow.

use std::collections::BTreeSet;

use super::event::{Instruction, Payload, Status};
use super::peers::Flight;
use super::state::Machine;
use super::task::{Activity, Slot, State};
use crate::exec::remote::worker::names::{Address, Key};

impl Machine {
    /// A paused worker starts nothing new; what has begun goes on.
    fn may_start(&self) -> bool {
        self.status() == Status::Running
    }

    pub(super) fn start_tasks(&mut self) {
        while self.may_start() && self.n_executing < self.n_threads {
            let Some(slot) = self.ready.first(|slot| &self.tasks[slot].resources) else { return };
            self.execute(slot);
            self.settle();
        }
    }

    fn execute(&mut self, slot: Slot) {
        let ticket = self.next_ticket();
        self.n_executing += 1;
        let inputs = self.tasks[slot].inputs.iter().map(|input| self.tasks[*input].key.clone()).collect();
        let task = &mut self.tasks[slot];
        task.activity = Activity::Running { ticket, long: false };
        self.ready.acquire(&task.resources);
        let payload = task.payload.clone().unwrap_or_else(|| Payload::Unsupported("a task without a payload".into()));
        self.instructions.push(Instruction::Execute { key: task.key.clone(), ticket, payload, inputs });
        self.touch(slot);
    }

    pub(super) fn start_transfers(&mut self) {
        let mut passed = BTreeSet::new();
        while self.may_start() && self.counts[State::Fetch as usize] > 0 && !self.peers.is_throttled() {
            let Some(worker) = self.peers.best(&passed) else { return };
            let (slots, n_bytes) = self.choose_for_message(&worker);
            if slots.is_empty() {
                passed.insert(worker);
            } else {
                self.gather(worker, slots, n_bytes);
                self.settle();
            }
        }
    }

    /// The most urgent results of a peer, as many as one message may hold.
    fn choose_for_message(&self, worker: &Address) -> (Vec<Slot>, u64) {
        let (mut slots, mut sum_bytes) = (Vec::new(), 0);
        for slot in self.peers.needed_from(worker) {
            let n_bytes = self.tasks[slot].expected_bytes;
            if !self.peers.fits(n_bytes, sum_bytes, slots.is_empty()) {
                break;
            }
            slots.push(slot);
            sum_bytes += n_bytes;
        }
        (slots, sum_bytes)
    }

    fn gather(&mut self, worker: Address, slots: Vec<Slot>, n_bytes: u64) {
        let ticket = self.next_ticket();
        for &slot in &slots {
            self.tasks[slot].activity = Activity::Flying { ticket };
            self.touch(slot);
        }
        let keys: Vec<Key> = slots.iter().map(|slot| self.tasks[*slot].key.clone()).collect();
        self.peers.begin(&worker, Flight { ticket, slots, n_bytes });
        self.instructions.push(Instruction::Gather { worker, ticket, keys, n_bytes });
    }
}
