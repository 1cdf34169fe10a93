//! A tiny scheduler, pure like the machines it commands, with the habits of the real one.
//!
//! It knows which results a client wants, orders what is needed for them from workers at random, and reacts to reports as
//! dask.distributed does: a finished task with an old run id is freed or run again, a copy of something that is not in
//! memory is refused, results whose last holder is gone are computed again, and their users are taken back before.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::super::event::*;
use super::super::task::NO_RUN;
use super::chaos::Dice;
use crate::exec::remote::worker::names::{Address, Key, Priority};

type Id = usize;

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Phase {
    Released,
    Processing(Address),
    Memory,
}

#[derive(Debug)]
pub(super) struct Record {
    pub(super) inputs: Vec<Id>,
    pub(super) phase: Phase,
    pub(super) wanted: bool,
    pub(super) run_id: i64,
    pub(super) holders: BTreeSet<Address>,
}

struct Steal {
    thief: Address,
    stimulus_id: Arc<str>,
}

/// The scheduler; what it has to say is in `outbox`.
#[derive(Default)]
pub(super) struct Scheduler {
    pub(super) records: Vec<Record>,
    /// Whether a worker takes orders.
    workers: BTreeMap<Address, bool>,
    steals: BTreeMap<Id, Steal>,
    pub(super) outbox: Vec<(Address, Event, Arc<str>)>,
    last_run: i64,
    n_steals: usize,
    pub(super) n_orders: usize,
}

pub(super) fn id_of(key: &Key) -> Id {
    match key {
        Key::Int(id) => *id as Id,
        other => panic!("{other} is not a key of this cluster"),
    }
}

fn key_of(id: Id) -> Key {
    Key::Int(id as i64)
}

impl Scheduler {
    pub(super) fn add_task(&mut self, inputs: Vec<Id>) {
        let holders = BTreeSet::new();
        self.records.push(Record { inputs, phase: Phase::Released, wanted: false, run_id: NO_RUN, holders });
    }

    pub(super) fn add_worker(&mut self, worker: Address) {
        self.workers.insert(worker, true);
    }

    pub(super) fn remove_worker(&mut self, worker: &Address) {
        self.workers.remove(worker);
        for id in 0..self.records.len() {
            self.drop_holder(id, worker);
            if self.records[id].phase == Phase::Processing(worker.clone()) {
                self.set_phase(id, Phase::Released);
            }
        }
        for other in self.workers.keys().cloned().collect::<Vec<_>>() {
            self.say(&other, Event::RemoveWorker(worker.clone()));
        }
    }

    fn say(&mut self, worker: &Address, event: Event) {
        if self.workers.contains_key(worker) {
            self.outbox.push((worker.clone(), event, "scheduler".into()));
        }
    }

    fn free(&mut self, worker: &Address, id: Id) {
        self.say(worker, Event::FreeKeys(vec![key_of(id)]));
    }

    fn set_phase(&mut self, id: Id, phase: Phase) {
        self.records[id].phase = phase;
        self.steals.remove(&id);
    }

    fn drop_holder(&mut self, id: Id, worker: &Address) {
        let record = &mut self.records[id];
        record.holders.remove(worker);
        if record.phase == Phase::Memory && record.holders.is_empty() {
            record.phase = Phase::Released;
        }
    }

    /// Takes back what a worker was to compute.
    fn take_back(&mut self, id: Id) {
        if let Phase::Processing(worker) = self.records[id].phase.clone() {
            self.set_phase(id, Phase::Released);
            self.free(&worker, id);
        }
    }

    pub(super) fn hear(&mut self, worker: &Address, report: Report, stimulus_id: &Arc<str>) {
        match report {
            Report::TaskFinished { key, run_id, .. } => self.finished(worker, id_of(&key), run_id),
            Report::TaskErred { key, run_id, .. } => self.erred(worker, id_of(&key), run_id),
            Report::AddKeys { keys } => keys.iter().for_each(|key| self.added(worker, id_of(key))),
            Report::ReleaseWorkerData { key } => self.drop_holder(id_of(&key), worker),
            Report::RequestRefreshWhoHas { keys } => self.refresh(worker, &keys),
            Report::Reschedule { key } => {
                if self.records[id_of(&key)].phase == Phase::Processing(worker.clone()) {
                    self.take_back(id_of(&key));
                }
            }
            Report::LongRunning { .. } => {}
            Report::StealResponse { key, state } => self.steal_answered(worker, id_of(&key), state, stimulus_id),
            Report::StatusChange { status } => {
                if let Some(takes_orders) = self.workers.get_mut(worker) {
                    *takes_orders = status == Status::Running;
                }
            }
        }
    }

    fn finished(&mut self, worker: &Address, id: Id, run_id: i64) {
        let is_here = self.records[id].phase == Phase::Processing(worker.clone());
        let is_current = self.records[id].run_id == run_id;
        match self.records[id].phase {
            Phase::Released => self.free(worker, id),
            _ if !is_current && is_here => self.take_back(id),
            _ if !is_current => self.free(worker, id),
            Phase::Memory => drop(self.records[id].holders.insert(worker.clone())),
            Phase::Processing(_) => {
                assert!(is_here, "the current run of {id} belongs to the worker it was ordered from");
                self.set_phase(id, Phase::Memory);
                self.records[id].holders.insert(worker.clone());
            }
        }
    }

    fn erred(&mut self, worker: &Address, id: Id, _run_id: i64) {
        if self.records[id].phase == Phase::Processing(worker.clone()) {
            self.take_back(id);
        }
    }

    fn added(&mut self, worker: &Address, id: Id) {
        if self.records[id].phase == Phase::Memory {
            self.records[id].holders.insert(worker.clone());
        } else {
            self.say(worker, Event::RemoveReplicas(vec![key_of(id)]));
        }
    }

    fn refresh(&mut self, worker: &Address, keys: &[Key]) {
        let needed = self.needed();
        let (known, unknown): (Vec<Id>, Vec<Id>) =
            keys.iter().map(id_of).partition(|id| needed.contains(id) || self.records[*id].phase == Phase::Memory);
        if !known.is_empty() {
            let holders = |id: Id| self.records[id].holders.iter().cloned().collect();
            self.say(worker, Event::RefreshWhoHas(known.iter().map(|id| (key_of(*id), holders(*id))).collect()));
        }
        if !unknown.is_empty() {
            self.say(worker, Event::FreeKeys(unknown.into_iter().map(key_of).collect()));
        }
    }

    fn steal_answered(&mut self, worker: &Address, id: Id, state: Option<&str>, stimulus_id: &Arc<str>) {
        let is_open = self.steals.get(&id).is_some_and(|steal| steal.stimulus_id == *stimulus_id);
        if !is_open {
            return;
        }
        let Some(steal) = self.steals.remove(&id) else { return };
        assert_eq!(self.records[id].phase, Phase::Processing(worker.clone()));
        match state {
            Some("ready" | "waiting" | "constrained") if self.workers.contains_key(&steal.thief) => {
                self.order(id, &steal.thief);
            }
            None | Some("released" | "ready" | "waiting" | "constrained") => self.take_back(id),
            Some("memory" | "executing" | "long-running" | "cancelled" | "resumed") => {}
            Some(other) => panic!("the real scheduler does not know the state {other}"),
        }
    }

    fn order(&mut self, id: Id, worker: &Address) {
        self.last_run += 1;
        self.n_orders += 1;
        self.set_phase(id, Phase::Processing(worker.clone()));
        self.records[id].run_id = self.last_run;
        let input = |input: &Id| Input {
            key: key_of(*input),
            n_bytes: 8,
            holders: self.records[*input].holders.iter().cloned().collect(),
        };
        let resources = if id.is_multiple_of(5) { vec![("GPU".into(), 1.0)] } else { Vec::new() };
        let order = Order {
            key: key_of(id),
            run_id: self.last_run,
            priority: Priority::new(&[0.0, id as f64]),
            payload: Payload::Plan(vec![id as u8].into()),
            inputs: self.records[id].inputs.iter().map(input).collect(),
            resources,
        };
        self.say(worker, Event::Compute(order.into()));
    }

    /// The tasks that have to be computed for what the client wants.
    fn needed(&self) -> BTreeSet<Id> {
        let mut needed = BTreeSet::new();
        let wanted = (0..self.records.len()).filter(|id| self.records[*id].wanted);
        let mut open: Vec<Id> = wanted.filter(|id| self.records[*id].phase != Phase::Memory).collect();
        while let Some(id) = open.pop() {
            if needed.insert(id) {
                let inputs = self.records[id].inputs.iter().copied();
                open.extend(inputs.filter(|input| self.records[*input].phase != Phase::Memory));
            }
        }
        needed
    }

    /// Orders and frees until all is as the wishes of the client say.
    pub(super) fn reconcile(&mut self, dice: &mut Dice) {
        let needed = self.needed();
        let used: BTreeSet<Id> = needed.iter().flat_map(|id| self.records[*id].inputs.iter().copied()).collect();
        for id in 0..self.records.len() {
            let record = &self.records[id];
            let is_of_use = record.wanted || used.contains(&id);
            match record.phase {
                Phase::Memory if !is_of_use => self.free_everywhere(id),
                Phase::Processing(_) if !needed.contains(&id) || !self.has_inputs(id) => self.take_back(id),
                _ => {}
            }
        }
        let workers: Vec<Address> = self.workers.iter().filter(|(_, takes)| **takes).map(|(w, _)| w.clone()).collect();
        for id in needed {
            if !workers.is_empty() && self.records[id].phase == Phase::Released && self.has_inputs(id) {
                self.order(id, &dice.pick(&workers).clone());
            }
        }
    }

    fn has_inputs(&self, id: Id) -> bool {
        self.records[id].inputs.iter().all(|input| self.records[*input].phase == Phase::Memory)
    }

    fn free_everywhere(&mut self, id: Id) {
        self.set_phase(id, Phase::Released);
        for worker in std::mem::take(&mut self.records[id].holders) {
            self.free(&worker, id);
        }
    }

    // What the real scheduler does on its own account.

    /// Asks a worker to give up a task for another one.
    pub(super) fn steal(&mut self, id: Id, thief: &Address) {
        let Phase::Processing(victim) = self.records[id].phase.clone() else { return };
        if victim == *thief || self.steals.contains_key(&id) {
            return;
        }
        self.n_steals += 1;
        let stimulus_id: Arc<str> = format!("steal-{}", self.n_steals).into();
        self.outbox.push((victim, Event::StealRequest(key_of(id)), stimulus_id.clone()));
        self.steals.insert(id, Steal { thief: thief.clone(), stimulus_id });
    }

    /// Asks for another copy, or for one less.
    pub(super) fn replicate(&mut self, id: Id, worker: &Address) {
        let record = &mut self.records[id];
        if record.phase != Phase::Memory {
            return;
        }
        if !record.holders.contains(worker) {
            let holders = record.holders.iter().cloned().collect();
            self.say(worker, Event::AcquireReplicas(vec![Input { key: key_of(id), n_bytes: 8, holders }]));
        } else if record.holders.len() > 1 {
            record.holders.remove(worker);
            self.say(worker, Event::RemoveReplicas(vec![key_of(id)]));
        }
    }
}
