//! Random events in any order, twice and too late, against the rules.
//!
//! A few keys, peers and run ids meet in every combination: most events are nonsense in their context, as after a
//! reordering they would be. Nothing is asked of the outcome but that the rules hold after each event and that, once the
//! nonsense has ended, what is freed is forgotten.

use proptest::prelude::*;

use super::super::event::*;
use super::super::peers::TransferLimits;
use super::super::state::Setup;
use super::probe::{Probe, failure, product};
use crate::exec::remote::worker::names::{Address, Key, Priority};
use crate::exec::spill::MemoryLimits;

const N_KEYS: i64 = 7;
const PEERS: [&str; 4] = ["tcp://h:1", "tcp://h:2", "tcp://i:1", "tcp://own:1"];
/// Events in all runs together; `HYPERSLAB_CHAOS_EVENTS` asks for more.
const N_EVENTS: usize = 100_000;
const RUN_EVENTS: usize = 500;

/// A small generator of random numbers: the events of a run follow from its seed, which is what proptest shrinks.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed ^ 0x9e37_79b9_7f4a_7c15)
    }

    /// A number below `n`.
    pub(super) fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % n as u64) as usize
    }

    pub(super) fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub(super) fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }
}

fn key(dice: &mut Dice) -> Key {
    Key::Int(dice.below(N_KEYS as usize) as i64)
}

fn some_keys(dice: &mut Dice) -> Vec<Key> {
    (0..=dice.below(3)).map(|_| key(dice)).collect()
}

fn peer(dice: &mut Dice) -> Address {
    Address::from(*dice.pick(&PEERS))
}

fn peers(dice: &mut Dice) -> Vec<Address> {
    (0..dice.below(4)).map(|_| peer(dice)).collect()
}

fn inputs(dice: &mut Dice, n_max: usize) -> Vec<Input> {
    let input = |dice: &mut Dice| Input { key: key(dice), n_bytes: dice.below(40) as u64, holders: peers(dice) };
    (0..dice.below(n_max + 1)).map(|_| input(dice)).collect()
}

fn any_order(dice: &mut Dice, n: usize) -> Order {
    let run_id = (n + dice.below(3)) as i64;
    let payload = if dice.one_in(20) { Payload::Unsupported("?".into()) } else { Payload::Plan(vec![1].into()) };
    let resources = if dice.one_in(4) { vec![("GPU".into(), dice.below(3) as f64)] } else { Vec::new() };
    let priority = Priority::new(&[dice.below(3) as f64]);
    Order { key: key(dice), run_id, priority, payload, inputs: inputs(dice, 3), resources }
}

fn any_outcome(dice: &mut Dice) -> Outcome {
    let span = Span { start_s: 0.0, stop_s: 1.0, thread: 1 };
    match dice.below(6) {
        0 => Outcome::Erred { failure: failure(), span: None },
        1 => Outcome::Rescheduled,
        2 => Outcome::Abandoned,
        _ => Outcome::Finished { product: product(), span },
    }
}

fn any_delivery(dice: &mut Dice) -> Delivery {
    match dice.below(6) {
        0 => Delivery::Busy,
        1 => Delivery::Failed { again: dice.below(2) == 0 },
        _ => Delivery::Arrived((0..N_KEYS).map(Key::Int).filter(|_| !dice.one_in(3)).map(|k| (k, product())).collect()),
    }
}

fn any_values(dice: &mut Dice) -> Vec<(Key, Product)> {
    some_keys(dice).into_iter().map(|key| (key, product())).collect()
}

fn any_status(dice: &mut Dice) -> Status {
    *dice.pick(&[Status::Running, Status::Running, Status::Paused, Status::ClosingGracefully])
}

/// One event: mostly about what is open, sometimes about what never was.
fn any_event(dice: &mut Dice, probe: &Probe, n: usize) -> Event {
    let ticket = Ticket(dice.below(n + 1) as u64);
    match dice.below(19) {
        0..=3 => Event::Compute(any_order(dice, n / 4).into()),
        4 => Event::FreeKeys(some_keys(dice)),
        5 => Event::AcquireReplicas(inputs(dice, 4)),
        6 => Event::RemoveReplicas(some_keys(dice)),
        7 => Event::CancelCompute(key(dice)),
        8 => Event::StealRequest(key(dice)),
        9 => Event::RefreshWhoHas((0..N_KEYS).map(|k| (Key::Int(k), peers(dice))).collect()),
        10 => Event::StatusChange(any_status(dice)),
        11 => Event::RemoveWorker(peer(dice)),
        12 if dice.one_in(3) => Event::UpdateData(any_values(dice)),
        13 => Event::RetryBusyWorker(peer(dice)),
        14 => Event::MemorySampled { process_bytes: dice.below(100) as u64, spillable_bytes: 10 },
        15 => Event::FindMissing,
        16 if dice.one_in(4) => Event::Executed { key: key(dice), ticket, outcome: any_outcome(dice) },
        16 if dice.one_in(3) => {
            let faults = some_keys(dice).into_iter().map(|key| (key, failure())).collect();
            Event::Unreadable { worker: peer(dice), faults }
        }
        16 => Event::Gathered { worker: peer(dice), ticket, delivery: any_delivery(dice) },
        17 => latest_transfer(dice, probe).unwrap_or(Event::FindMissing),
        _ => latest_execution(dice, probe).unwrap_or(Event::FindMissing),
    }
}

fn latest_transfer(dice: &mut Dice, probe: &Probe) -> Option<Event> {
    let worker = peer(dice);
    let ticket = *probe.transfers.get(&worker)?;
    Some(Event::Gathered { worker, ticket, delivery: any_delivery(dice) })
}

fn latest_execution(dice: &mut Dice, probe: &Probe) -> Option<Event> {
    let key = key(dice);
    let ticket = *probe.executions.get(&key)?;
    if dice.one_in(5) {
        return Some(Event::Seceded { key, ticket, compute_s: 1.0 });
    }
    Some(Event::Executed { key, ticket, outcome: any_outcome(dice) })
}

fn setup(dice: &mut Dice) -> Setup {
    let mut setup = Setup::new(PEERS[3].into(), 1 + dice.below(3));
    setup.resources.insert("GPU".into(), 1.0);
    setup.memory = MemoryLimits { limit_bytes: Some(100), ..MemoryLimits::default() };
    setup.transfers = TransferLimits {
        max_transfers: 2,
        small_bytes: 10,
        max_bytes: 60,
        max_message_bytes: 10 + dice.below(40) as u64,
    };
    setup
}

/// Ends whatever is open, frees all, and looks at what is left.
fn wind_up(probe: &mut Probe) {
    probe.tell(Event::FreeKeys((0..N_KEYS).map(Key::Int).collect()));
    for (key, ticket) in probe.executions.clone() {
        probe.tell(Event::Executed { key, ticket, outcome: Outcome::Abandoned });
    }
    for (worker, ticket) in probe.transfers.clone() {
        probe.tell(Event::Gathered { worker, ticket, delivery: Delivery::Failed { again: false } });
    }
    assert_eq!(probe.machine.tasks.len(), 0, "nothing is left of what nobody wants");
    assert_eq!(probe.machine.memory_bytes(), 0);
}

fn run(seed: u64, n_events: usize) {
    let mut dice = Dice::new(seed);
    let mut probe = Probe::with(setup(&mut dice));
    let mut past: Vec<Event> = Vec::new();
    for n in 0..n_events {
        let is_repeated = !past.is_empty() && dice.one_in(6);
        let event = if is_repeated { dice.pick(&past).clone() } else { any_event(&mut dice, &probe, n) };
        past.push(event.clone());
        probe.tell(event);
    }
    wind_up(&mut probe);
}

fn n_runs() -> u32 {
    let asked = std::env::var("HYPERSLAB_CHAOS_EVENTS").ok().and_then(|text| text.parse().ok());
    (asked.unwrap_or(N_EVENTS) / RUN_EVENTS) as u32
}

proptest! {
    #![proptest_config(ProptestConfig { cases: n_runs(), ..ProptestConfig::default() })]

    #[test]
    fn rules_hold_whatever_comes(seed: u64) {
        run(seed, RUN_EVENTS);
    }

    /// The same events give the same instructions.
    #[test]
    fn the_machine_is_deterministic(seed: u64) {
        let lines = |_| {
            let mut dice = Dice::new(seed);
            let mut probe = Probe::with(setup(&mut dice));
            (0..40).flat_map(|n| { let event = any_event(&mut dice, &probe, n); probe.tell(event) }).collect::<Vec<_>>()
        };
        prop_assert_eq!(lines(0), lines(1));
    }
}
