//! What always holds between two events.
//!
//! States follow from facts, so what is checked are the facts among each other, and that every queue and every sum is what
//! the records say. The one rule about progress: whatever a task waits for is being brought here, or the scheduler has
//! been told why not.

use std::collections::BTreeMap;
use std::fmt;

use super::state::Machine;
use super::task::{Activity, Held, Slot, State, Task};
use crate::exec::remote::worker::names::Address;

/// Two amounts of a resource that are equal but for rounding.
const TOLERANCE: f64 = 1e-6;

/// A rule that does not hold, and where.
#[derive(Clone, Debug)]
pub(crate) struct Violation {
    text: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn require(holds: bool, rule: &str) -> Result<(), Violation> {
    if holds { Ok(()) } else { Err(Violation { text: rule.to_owned() }) }
}

impl Machine {
    /// Checks all rules; costs time in proportion to all that is known.
    pub(crate) fn validate(&self) -> Result<(), Violation> {
        for (slot, task) in self.tasks.iter() {
            self.validate_task(slot, task).map_err(|violation| Violation {
                text: format!("{violation}: {task:#?}\n{}", self.story.of(&task.key)),
            })?;
        }
        self.validate_queues()?;
        self.validate_sums()?;
        self.validate_transfers()
    }

    fn validate_task(&self, slot: Slot, task: &Task) -> Result<(), Violation> {
        require(self.tasks.find(&task.key) == Some(slot), "a record is found by its key")?;
        require(task.state == task.derived_state(), "the state follows from the facts")?;
        require(task.counted == task.needs_inputs(), "a task that needs its inputs waits for them")?;
        require(task.held == Held::Nothing || !task.ordered, "what is held is not ordered")?;
        require(task.ordered || task.inputs.is_empty(), "only ordered tasks have inputs")?;
        require(task.state != State::Released || !task.users.is_empty(), "what nobody wants is forgotten")?;
        require(!task.holders.contains(self.peers.own()), "a worker is not its own peer")?;
        let is_start = matches!(task.state, State::Ready | State::Constrained);
        require(!is_start || task.payload.is_some(), "what is about to run has a payload")?;
        self.validate_inputs(slot, task)?;
        self.validate_users(slot, task)?;
        self.validate_places(slot, task)
    }

    fn validate_inputs(&self, slot: Slot, task: &Task) -> Result<(), Violation> {
        for &input in &task.inputs {
            let record = &self.tasks[input];
            require(record.users.contains(&slot), "an input knows its user")?;
            require(task.absent.contains(&input) != record.has_value(), "an input is absent or in memory")?;
            let is_coming = record.state != State::Released && record.state != State::Cancelled;
            require(!task.counted || is_coming, "what is waited for is on its way")?;
        }
        require(task.absent.iter().all(|absent| task.inputs.contains(absent)), "what is absent is an input")
    }

    fn validate_users(&self, slot: Slot, task: &Task) -> Result<(), Violation> {
        let users = || task.users.iter().map(|user| &self.tasks[*user]);
        require(users().all(|user| user.ordered && user.inputs.contains(&slot)), "users are ordered")?;
        let waiting = users().filter(|user| user.counted);
        let n_waiters: usize = waiting.map(|user| user.inputs.iter().filter(|input| **input == slot).count()).sum();
        require(n_waiters == task.n_waiters, "waiters are counted")
    }

    /// A task stands in the queues of its state and in no other.
    fn validate_places(&self, slot: Slot, task: &Task) -> Result<(), Violation> {
        let entry = (task.priority.clone(), slot);
        let is = |state| task.state == state;
        require(self.ready.free.contains(&entry) == is(State::Ready), "ready tasks are in the queue")?;
        require(self.ready.constrained.contains(&entry) == is(State::Constrained), "so are constrained ones")?;
        require(self.missing.contains(&slot) == is(State::Missing), "what is missing is listed")?;
        for (worker, peer) in &self.peers.peers {
            let has = task.holders.contains(worker);
            require(peer.has.contains(&slot) == has, "holders and possessions agree")?;
            require(peer.needed.contains(&entry) == (has && is(State::Fetch)), "what is to be fetched is in line")?;
        }
        let known = |holder: &Address| self.peers.peers.contains_key(holder);
        require(task.holders.iter().all(known), "holders are known")
    }

    fn validate_queues(&self) -> Result<(), Violation> {
        let count = |state: State| self.tasks.iter().filter(|(_, task)| task.state == state).count();
        for (state, n) in self.counts() {
            require(n == count(state), "states are counted")?;
        }
        require(self.ready.free.len() == count(State::Ready), "the queue has no strangers")?;
        require(self.ready.constrained.len() == count(State::Constrained), "nor has the constrained one")?;
        require(self.missing.len() == count(State::Missing), "nor has the list of the missing")?;
        for peer in self.peers.peers.values() {
            require(peer.has.iter().all(|slot| self.tasks.contains(*slot)), "peers have known results")?;
            require(peer.needed.iter().all(|(_, slot)| peer.has.contains(slot)), "what is needed is there")?;
        }
        Ok(())
    }

    fn validate_sums(&self) -> Result<(), Violation> {
        let running = || self.tasks.iter().filter(|(_, task)| task.is_running());
        let short = running().filter(|(_, task)| matches!(task.activity, Activity::Running { long: false, .. }));
        require(short.count() == self.n_executing, "busy threads are counted")?;
        require(self.n_executing <= self.n_threads, "there are no more tasks than threads")?;
        let sizes = self.tasks.iter().map(|(_, task)| match &task.held {
            Held::Value { product, .. } => product.n_bytes,
            Held::Nothing | Held::Error { .. } => 0,
        });
        require(sizes.sum::<u64>() == self.memory_bytes, "bytes in memory are counted")?;
        let mut left: BTreeMap<_, _> = self.ready.total.clone();
        for (name, amount) in running().flat_map(|(_, task)| &task.resources) {
            left.entry(name.clone()).and_modify(|left| *left -= amount);
        }
        let equal = |name| (left.get(name), self.ready.available.get(name));
        let agrees = |name| matches!(equal(name), (Some(a), Some(b)) if (a - b).abs() < TOLERANCE && *a > -TOLERANCE);
        require(left.keys().all(agrees), "resources are taken and given back")
    }

    fn validate_transfers(&self) -> Result<(), Violation> {
        let flights = || self.peers.peers.values().filter_map(|peer| peer.flight.as_ref());
        require(flights().count() == self.peers.n_incoming, "open transfers are counted")?;
        require(flights().map(|f| f.n_bytes).sum::<u64>() == self.peers.incoming_bytes, "and their bytes")?;
        let mut n_flying = 0;
        for flight in flights() {
            n_flying += flight.slots.len();
            let flies = |slot: &Slot| self.tasks[*slot].activity == Activity::Flying { ticket: flight.ticket };
            require(!flight.slots.is_empty() && flight.slots.iter().all(flies), "a transfer brings what flies")?;
        }
        let flying = self.tasks.iter().filter(|(_, task)| matches!(task.activity, Activity::Flying { .. }));
        require(flying.count() == n_flying, "what flies belongs to a transfer")
    }
}
