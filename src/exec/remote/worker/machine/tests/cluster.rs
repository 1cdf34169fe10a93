//! A simulated cluster: several machines, the tiny scheduler, and a network that takes its time.
//!
//! Messages of one connection stay in order, as in TCP, but everything else happens in any order: executions and transfers
//! end, fail or are refused, workers die and join, tasks are stolen, copies are moved, results are freed and wanted again.
//! When the trouble ends, every wanted result must be in memory, with the right value, after a bounded number of steps.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use proptest::prelude::*;

use super::super::event::*;
use super::super::peers::TransferLimits;
use super::super::state::{Machine, Setup};
use super::super::task::State;
use super::chaos::Dice;
use super::probe::{failure, product};
use super::scheduler::{Phase, Scheduler, id_of};
use crate::exec::remote::worker::names::{Address, Key};
use crate::exec::spill::MemoryLimits;

/// Steps in all runs together; `HYPERSLAB_CHAOS_EVENTS` asks for more.
const N_STEPS: usize = 100_000;
const TROUBLED_STEPS: usize = 1_000;
/// More than ten times what any run was seen to need.
const MAX_CALM_STEPS: usize = 100_000;

struct Execution {
    key: Key,
    ticket: Ticket,
    inputs: Vec<u64>,
    cancelled: bool,
}

struct Transfer {
    worker: Address,
    ticket: Ticket,
    keys: Vec<Key>,
}

/// A worker: the machine and what a driver would keep.
struct Node {
    machine: Machine,
    store: BTreeMap<Key, u64>,
    inbox: VecDeque<(Event, Arc<str>)>,
    outbox: VecDeque<(Report, Arc<str>)>,
    executions: Vec<Execution>,
    transfers: Vec<Transfer>,
    retries: Vec<Address>,
}

/// What a task makes of its inputs.
fn value_of(id: usize, inputs: &[u64]) -> u64 {
    inputs.iter().fold(id as u64 + 1, |sum, value| sum.rotate_left(7).wrapping_mul(0x0100_0000_01b3) ^ value)
}

fn true_value(scheduler: &Scheduler, id: usize) -> u64 {
    let inputs: Vec<u64> = scheduler.records[id].inputs.iter().map(|input| true_value(scheduler, *input)).collect();
    value_of(id, &inputs)
}

impl Node {
    fn new(address: Address) -> Self {
        let mut setup = Setup::new(address, 2);
        setup.resources.insert("GPU".into(), 1.0);
        setup.memory = MemoryLimits { limit_bytes: Some(100), ..MemoryLimits::default() };
        setup.transfers = TransferLimits { max_transfers: 2, small_bytes: 8, max_bytes: 40, max_message_bytes: 24 };
        Self {
            machine: Machine::new(setup),
            store: BTreeMap::new(),
            inbox: VecDeque::new(),
            outbox: VecDeque::new(),
            executions: Vec::new(),
            transfers: Vec::new(),
            retries: Vec::new(),
        }
    }

    fn tell(&mut self, event: Event, stimulus_id: &Arc<str>) {
        let told = format!("{event:?}");
        for instruction in self.machine.handle(event, stimulus_id) {
            self.carry_out(instruction);
        }
        if let Err(violation) = self.machine.validate() {
            panic!("after {told}: {violation}");
        }
        let in_memory = self.machine.tasks.iter().filter(|(_, task)| task.state == State::Memory);
        let in_memory: Vec<&Key> = in_memory.map(|(_, task)| &task.key).collect();
        assert!(in_memory.iter().all(|key| self.store.contains_key(*key)), "after {told}");
        assert_eq!(in_memory.len(), self.store.len(), "after {told}");
    }

    fn carry_out(&mut self, instruction: Instruction) {
        match instruction {
            Instruction::Execute { key, ticket, inputs, .. } => {
                let inputs = inputs.iter().map(|input| self.store[input]).collect();
                self.executions.push(Execution { key, ticket, inputs, cancelled: false });
            }
            Instruction::CancelExecution { ticket, .. } => {
                let running = self.executions.iter_mut().filter(|execution| execution.ticket == ticket);
                running.for_each(|execution| execution.cancelled = true);
            }
            Instruction::Gather { worker, ticket, keys, .. } => self.transfers.push(Transfer { worker, ticket, keys }),
            Instruction::RetryBusyWorkerLater { worker, .. } => self.retries.push(worker),
            Instruction::DropData { key } => assert!(self.store.remove(&key).is_some(), "{key} is dropped once"),
            // What is cancelled may arrive all the same.
            Instruction::Spill { .. } | Instruction::CancelGather { .. } => {}
            Instruction::Send { report, stimulus_id } => self.outbox.push_back((report, stimulus_id)),
        }
    }

    fn end_execution(&mut self, at: usize, outcome: Outcome) {
        let execution = self.executions.swap_remove(at);
        if let Outcome::Finished { .. } = outcome {
            let value = value_of(id_of(&execution.key), &execution.inputs);
            self.store.insert(execution.key.clone(), value);
        }
        let Execution { key, ticket, .. } = execution;
        self.tell(Event::Executed { key, ticket, outcome }, &"executed".into());
    }
}

struct Cluster {
    scheduler: Scheduler,
    nodes: BTreeMap<Address, Node>,
    dice: Dice,
    n_workers_ever: usize,
}

impl Cluster {
    fn new(seed: u64) -> Self {
        let nodes = BTreeMap::new();
        let mut cluster = Self { scheduler: Scheduler::default(), nodes, dice: Dice::new(seed), n_workers_ever: 0 };
        let n_tasks = 8 + cluster.dice.below(25);
        for id in 0..n_tasks {
            let n_inputs = if id < 4 { 0 } else { cluster.dice.below(4) };
            let mut inputs: Vec<usize> = (0..n_inputs).map(|_| cluster.dice.below(id)).collect();
            inputs.sort_unstable();
            inputs.dedup();
            cluster.scheduler.add_task(inputs);
        }
        (0..2 + cluster.dice.below(3)).for_each(|_| cluster.join());
        for id in 0..n_tasks {
            cluster.scheduler.records[id].wanted = cluster.dice.one_in(3);
        }
        cluster.scheduler.records[n_tasks - 1].wanted = true;
        cluster.schedule();
        cluster
    }

    fn join(&mut self) {
        self.n_workers_ever += 1;
        let address = Address::from(&*format!("tcp://host{}:{}", self.n_workers_ever % 2, self.n_workers_ever));
        self.nodes.insert(address.clone(), Node::new(address.clone()));
        self.scheduler.add_worker(address);
    }

    /// Lets the scheduler act, and hands what it says to the connections.
    fn schedule(&mut self) {
        self.scheduler.reconcile(&mut self.dice);
        for (worker, event, stimulus_id) in std::mem::take(&mut self.scheduler.outbox) {
            if let Some(node) = self.nodes.get_mut(&worker) {
                node.inbox.push_back((event, stimulus_id));
            }
        }
    }

    fn any_worker(&mut self) -> Address {
        let workers: Vec<&Address> = self.nodes.keys().collect();
        (*self.dice.pick(&workers)).clone()
    }

    /// Something of what goes on anyway.
    fn step(&mut self, trouble: bool) {
        let worker = self.any_worker();
        match self.dice.below(8) {
            0..=2 => self.deliver_order(&worker),
            3..=4 => self.deliver_report(&worker),
            5 => self.end_an_execution(&worker, trouble),
            6 => self.end_a_transfer(&worker, trouble),
            _ => self.tick(&worker),
        }
        self.schedule();
    }

    fn deliver_order(&mut self, worker: &Address) {
        let Some(node) = self.nodes.get_mut(worker) else { return };
        if let Some((event, stimulus_id)) = node.inbox.pop_front() {
            node.tell(event, &stimulus_id);
        }
    }

    fn deliver_report(&mut self, worker: &Address) {
        let Some(node) = self.nodes.get_mut(worker) else { return };
        if let Some((report, stimulus_id)) = node.outbox.pop_front() {
            self.scheduler.hear(worker, report, &stimulus_id);
        }
    }

    fn end_an_execution(&mut self, worker: &Address, trouble: bool) {
        let Some(node) = self.nodes.get_mut(worker) else { return };
        if node.executions.is_empty() {
            return;
        }
        let at = self.dice.below(node.executions.len());
        let Execution { key, ticket, cancelled, .. } = &node.executions[at];
        if trouble && self.dice.one_in(8) {
            let event = Event::Seceded { key: key.clone(), ticket: *ticket, compute_s: 0.5 };
            return node.tell(event, &"seceded".into());
        }
        let outcome = match self.dice.below(8) {
            0..=3 if *cancelled => Outcome::Abandoned,
            0 if trouble => Outcome::Erred { failure: failure(), span: None },
            1 if trouble => Outcome::Rescheduled,
            _ => Outcome::Finished { product: product(), span: Span { start_s: 0.0, stop_s: 1.0, thread: 1 } },
        };
        node.end_execution(at, outcome);
    }

    fn end_a_transfer(&mut self, worker: &Address, trouble: bool) {
        let Some(node) = self.nodes.get_mut(worker).filter(|node| !node.transfers.is_empty()) else { return };
        let Transfer { worker: peer, ticket, keys } = node.transfers.swap_remove(self.dice.below(node.transfers.len()));
        let is_cut = trouble && self.dice.one_in(8);
        let found: Option<Vec<(Key, u64)>> = self
            .nodes
            .get(&peer)
            .filter(|_| !is_cut)
            .map(|peer| keys.iter().filter_map(|key| Some((key.clone(), *peer.store.get(key)?))).collect());
        let Some(node) = self.nodes.get_mut(worker) else { return };
        let delivery = match found {
            None => Delivery::Failed { again: false },
            Some(_) if trouble && self.dice.one_in(6) => Delivery::Busy,
            Some(values) => {
                node.store.extend(values.iter().cloned());
                Delivery::Arrived(values.into_iter().map(|(key, _)| (key, product())).collect())
            }
        };
        node.tell(Event::Gathered { worker: peer, ticket, delivery }, &"gathered".into());
    }

    fn tick(&mut self, worker: &Address) {
        let Some(node) = self.nodes.get_mut(worker) else { return };
        match node.retries.pop() {
            Some(peer) => node.tell(Event::RetryBusyWorker(peer), &"retry".into()),
            None => node.tell(Event::FindMissing, &"tick".into()),
        }
    }

    /// Something out of the ordinary.
    fn trouble(&mut self) {
        let worker = self.any_worker();
        let id = self.dice.below(self.scheduler.records.len());
        match self.dice.below(12) {
            0 if self.nodes.len() > 1 && self.dice.one_in(3) => self.kill(&worker),
            1 if self.nodes.len() < 6 => self.join(),
            2 => self.scheduler.records[id].wanted ^= true,
            3..=6 => self.scheduler.steal(id, &worker),
            7..=10 => self.scheduler.replicate(id, &worker),
            _ => self.sample(&worker, true),
        }
        self.schedule();
    }

    fn kill(&mut self, worker: &Address) {
        self.nodes.remove(worker);
        self.scheduler.remove_worker(worker);
    }

    fn sample(&mut self, worker: &Address, may_pause: bool) {
        let process_bytes = if may_pause && self.dice.one_in(2) { 95 } else { 10 };
        let event = Event::MemorySampled { process_bytes, spillable_bytes: 0 };
        if let Some(node) = self.nodes.get_mut(worker) {
            node.tell(event, &"memory".into());
        }
    }

    fn is_done(&self) -> bool {
        let is_idle = |node: &Node| node.executions.is_empty() && node.inbox.is_empty() && node.outbox.is_empty();
        let wanted = self.scheduler.records.iter().filter(|record| record.wanted);
        wanted.clone().all(|record| record.phase == Phase::Memory) && self.nodes.values().all(is_idle)
    }

    fn run(&mut self) {
        for _ in 0..TROUBLED_STEPS {
            self.step(true);
            if self.dice.one_in(12) {
                self.trouble();
            }
        }
        for worker in self.nodes.keys().cloned().collect::<Vec<_>>() {
            self.sample(&worker, false);
        }
        let calm_steps = (0..MAX_CALM_STEPS)
            .take_while(|_| {
                !self.is_done() && {
                    self.step(false);
                    true
                }
            })
            .count();
        assert!(calm_steps < MAX_CALM_STEPS, "hangs:\n{}", self.report());
        self.check_values();
        self.check_order_count();
    }

    fn check_values(&self) {
        for (id, record) in self.scheduler.records.iter().enumerate().filter(|(_, record)| record.wanted) {
            for holder in &record.holders {
                let value = self.nodes[holder].store.get(&Key::Int(id as i64));
                assert_eq!(value, Some(&true_value(&self.scheduler, id)), "result {id} on {holder}");
            }
        }
    }

    /// A silent livelock of orders and frees would show in their number.
    fn check_order_count(&self) {
        let n_orders = self.scheduler.n_orders;
        assert!(n_orders < 2 * TROUBLED_STEPS, "{n_orders} orders for {} tasks", self.scheduler.records.len());
    }

    fn report(&self) -> String {
        let open = self.scheduler.records.iter().enumerate().filter(|(_, r)| r.wanted || r.phase != Phase::Released);
        let shown = open.map(|(id, record)| format!("{id}: {record:?}\n{}", self.report_of(id)));
        shown.collect::<Vec<_>>().concat()
    }

    fn report_of(&self, id: usize) -> String {
        let key = Key::Int(id as i64);
        let nodes = self.nodes.iter().filter(|(_, node)| node.machine.state_of(&key).is_some());
        let shown = nodes.map(|(worker, node)| format!("{worker}:\n{}", node.machine.story().of(&key)));
        shown.collect::<Vec<_>>().concat()
    }
}

fn n_runs() -> u32 {
    let asked = std::env::var("HYPERSLAB_CHAOS_EVENTS").ok().and_then(|text| text.parse().ok());
    (asked.unwrap_or(N_STEPS) / TROUBLED_STEPS) as u32
}

proptest! {
    #![proptest_config(ProptestConfig { cases: n_runs(), ..ProptestConfig::default() })]

    #[test]
    fn every_wanted_result_is_computed(seed: u64) {
        Cluster::new(seed).run();
    }
}
