//! A machine with the smallest driver there is: a set for a store, and instructions as lines of text.
//!
//! After every event the rules of `validate.rs` are checked, and that the store holds just what is in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::super::event::*;
use super::super::state::{Machine, Setup};
use super::super::task::State;
use crate::exec::remote::worker::names::{Address, Key, Priority};

pub(super) struct Probe {
    pub(super) machine: Machine,
    pub(super) store: BTreeSet<Key>,
    /// The latest ticket of a key's execution, and of a peer's transfer.
    pub(super) executions: BTreeMap<Key, Ticket>,
    pub(super) transfers: BTreeMap<Address, Ticket>,
    n_events: u64,
}

pub(super) fn product() -> Product {
    Product { n_bytes: 8, type_name: "block".into() }
}

fn span() -> Span {
    Span { start_s: 1.0, stop_s: 2.0, thread: 1 }
}

pub(super) fn failure() -> Failure {
    Failure { text: "division by zero".into(), traceback: "".into(), exception: bytes::Bytes::new() }
}

pub(super) fn keys(names: &[&str]) -> Vec<Key> {
    names.iter().map(|name| Key::from(*name)).collect()
}

pub(super) fn input(key: &str, holders: &[&str]) -> Input {
    Input { key: key.into(), n_bytes: 8, holders: holders.iter().map(|holder| Address::from(*holder)).collect() }
}

pub(super) fn order(key: &str, run_id: i64, inputs: &[(&str, &[&str])]) -> Order {
    Order {
        key: key.into(),
        run_id,
        priority: Priority::new(&[0.0]),
        payload: Payload::Plan(vec![1, 2].into()),
        inputs: inputs.iter().map(|(key, holders)| input(key, holders)).collect(),
        resources: Vec::new(),
    }
}

impl Probe {
    pub(super) fn new(n_threads: usize) -> Self {
        Self::with(Setup::new("own".into(), n_threads))
    }

    pub(super) fn with(setup: Setup) -> Self {
        let (store, executions, transfers) = (BTreeSet::new(), BTreeMap::new(), BTreeMap::new());
        Self { machine: Machine::new(setup), store, executions, transfers, n_events: 0 }
    }

    /// Plays the driver for one event.
    pub(super) fn tell(&mut self, event: Event) -> Vec<String> {
        self.n_events += 1;
        let stimulus_id: Arc<str> = format!("event-{}", self.n_events).into();
        match &event {
            Event::Executed { key, outcome: Outcome::Finished { .. }, .. } => drop(self.store.insert(key.clone())),
            Event::Gathered { delivery: Delivery::Arrived(values), .. } | Event::UpdateData(values) => {
                self.store.extend(values.iter().map(|(key, _)| key.clone()));
            }
            _ => {}
        }
        let told = format!("{event:?}");
        let instructions = self.machine.handle(event, &stimulus_id);
        instructions.iter().for_each(|instruction| self.carry_out(instruction));
        if let Err(violation) = self.machine.validate() {
            panic!("after {told}: {violation}");
        }
        let in_memory = self.machine.tasks.iter().filter(|(_, task)| task.state == State::Memory);
        let in_memory: BTreeSet<Key> = in_memory.map(|(_, task)| task.key.clone()).collect();
        assert_eq!(self.store, in_memory, "after {told}");
        instructions.iter().map(describe).collect()
    }

    fn carry_out(&mut self, instruction: &Instruction) {
        match instruction {
            Instruction::Execute { key, ticket, inputs, .. } => {
                self.executions.insert(key.clone(), *ticket);
                assert!(inputs.iter().all(|input| self.store.contains(input)), "{key} has its inputs");
            }
            Instruction::Gather { worker, ticket, .. } => drop(self.transfers.insert(worker.clone(), *ticket)),
            Instruction::DropData { key } => assert!(self.store.remove(key), "{key} is dropped once"),
            _ => {}
        }
    }

    pub(super) fn compute(&mut self, key: &str, run_id: i64, inputs: &[(&str, &[&str])]) -> Vec<String> {
        self.tell(Event::Compute(order(key, run_id, inputs).into()))
    }

    pub(super) fn free(&mut self, names: &[&str]) -> Vec<String> {
        self.tell(Event::FreeKeys(keys(names)))
    }

    pub(super) fn executed(&mut self, key: &str, outcome: Outcome) -> Vec<String> {
        let key = Key::from(key);
        let ticket = self.executions[&key];
        self.tell(Event::Executed { key, ticket, outcome })
    }

    pub(super) fn finish(&mut self, key: &str) -> Vec<String> {
        self.executed(key, Outcome::Finished { product: product(), span: span() })
    }

    pub(super) fn fail(&mut self, key: &str) -> Vec<String> {
        self.executed(key, Outcome::Erred { failure: failure(), span: Some(span()) })
    }

    pub(super) fn secede(&mut self, key: &str) -> Vec<String> {
        let key = Key::from(key);
        let ticket = self.executions[&key];
        self.tell(Event::Seceded { key, ticket, compute_s: 0.5 })
    }

    pub(super) fn gathered(&mut self, worker: &str, delivery: Delivery) -> Vec<String> {
        let worker = Address::from(worker);
        let ticket = self.transfers[&worker];
        self.tell(Event::Gathered { worker, ticket, delivery })
    }

    pub(super) fn arrive(&mut self, worker: &str, names: &[&str]) -> Vec<String> {
        self.gathered(worker, Delivery::Arrived(keys(names).into_iter().map(|key| (key, product())).collect()))
    }

    pub(super) fn acquire(&mut self, key: &str, holders: &[&str]) -> Vec<String> {
        self.tell(Event::AcquireReplicas(vec![input(key, holders)]))
    }

    pub(super) fn remove_replica(&mut self, key: &str) -> Vec<String> {
        self.tell(Event::RemoveReplicas(keys(&[key])))
    }

    pub(super) fn steal(&mut self, key: &str) -> Vec<String> {
        self.tell(Event::StealRequest(key.into()))
    }

    pub(super) fn refresh(&mut self, key: &str, holders: &[&str]) -> Vec<String> {
        let holders = holders.iter().map(|holder| Address::from(*holder)).collect();
        self.tell(Event::RefreshWhoHas(vec![(key.into(), holders)]))
    }

    pub(super) fn scatter(&mut self, key: &str) -> Vec<String> {
        self.tell(Event::UpdateData(vec![(key.into(), product())]))
    }

    /// The name of a key's state.
    pub(super) fn state(&self, key: &str) -> &'static str {
        self.machine.state_of(&key.into()).map_or("forgotten", State::name)
    }
}

fn list(keys: &[Key]) -> String {
    let mut names: Vec<String> = keys.iter().map(Key::to_string).collect();
    names.sort();
    names.join(" ")
}

/// An instruction as a line of text.
pub(super) fn describe(instruction: &Instruction) -> String {
    match instruction {
        Instruction::Execute { key, .. } => format!("execute {key}"),
        Instruction::CancelExecution { key, .. } => format!("cancel {key}"),
        Instruction::Gather { worker, keys, .. } => format!("gather {} from {worker}", list(keys)),
        Instruction::CancelGather { .. } => "cancel transfer".to_owned(),
        Instruction::RetryBusyWorkerLater { worker, delay_ms } => format!("retry {worker} after {delay_ms}"),
        Instruction::DropData { key } => format!("drop {key}"),
        Instruction::Spill { n_bytes } => format!("spill {n_bytes}"),
        Instruction::Send { report, .. } => describe_report(report),
    }
}

fn describe_report(report: &Report) -> String {
    match report {
        Report::TaskFinished { key, run_id, .. } => format!("finished {key} run {run_id}"),
        Report::TaskErred { key, run_id, .. } => format!("erred {key} run {run_id}"),
        Report::AddKeys { keys } => format!("added {}", list(keys)),
        Report::ReleaseWorkerData { key } => format!("released {key}"),
        Report::RequestRefreshWhoHas { keys } => format!("who has {}", list(keys)),
        Report::Reschedule { key } => format!("reschedule {key}"),
        Report::LongRunning { key, run_id, compute_s } => format!("long {key} run {run_id} after {compute_s:?}"),
        Report::StealResponse { key, state } => format!("steal {key}: {}", state.unwrap_or("nil")),
        Report::StatusChange { status } => format!("status {}", status.name()),
    }
}
