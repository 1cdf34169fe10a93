//! The event loop of a worker: turns the machine's instructions into work, and ends of work into events.
//!
//! ```text
//!   scheduler's stream ──┐                                    ┌──> stream
//!   listener ────────────┤   one task owns the machine:       ├──> threads that run tasks
//!   ends of tasks ───────┼──>  note ─> event ─> instructions ─┼──> transfers from peers
//!   ends of transfers ───┤                                    ├──> the store
//!   clocks ──────────────┘                                    └──> heartbeats
//! ```
//!
//! The loop does nothing that takes long. It ends when the scheduler is gone, or says that the worker should be; whoever
//! started it decides whether to join again, which means as a new worker with nothing.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant as At, Interval, MissedTickBehavior, interval_at};

use crate::error::{Error, Result};
use crate::exec::CancelToken;
use crate::exec::remote::comm::{Address as PeerAddress, RpcPool, StreamReceiver, StreamSender};
use crate::exec::remote::wire::Value;
use crate::exec::spill::SpillStore;

use super::allocator::give_back_freed_memory;
use super::fetch::{Fetched, fetch, fetch_by_scheduler};
use super::latency::LoopLatency;
use super::machine::{Delivery, Event, Failure, Instruction, Machine, Outcome, Payload, Product, Status, Ticket};
use super::messages::{
    Heartbeat, HeartbeatReply, Metrics, StreamMessage, USUAL_BANDWIDTH_BPS, read_stream_message, report_to_value,
};
use super::names::{Address, Key};
use super::options::unix_s;
use super::process::{ProcessProbe, process_bytes};
use super::routes::{Route, Routes};
use super::runner::TaskRunner;
use super::server::{Outgoing, Request};
use super::store::Store;
use super::task_run::{Finished, run_task};
use super::threads::TaskThreads;

/// How often the process' memory is looked at.
const MEMORY_INTERVAL: Duration = Duration::from_millis(200);
/// How often a paused worker asks its allocator for memory.
const GIVE_BACK_INTERVAL: Duration = Duration::from_secs(1);
/// How often something is said on the stream, so that firewalls do not take it for dead.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_mins(1);
/// How long a heartbeat may take.
const HEARTBEAT_LIMIT: Duration = Duration::from_secs(30);
/// The weight of one transfer in the average bandwidth.
const BANDWIDTH_WEIGHT: f64 = 0.05;

/// Why a worker ended.
#[derive(Clone, Debug)]
pub(crate) enum Ended {
    /// The scheduler, or somebody through the listener, asked for it.
    Asked,
    /// The scheduler is out of reach, or has given the worker up.
    Lost(Error),
}

/// Something that has happened outside of the loop.
pub(super) enum Note<V> {
    Stream(Vec<Value>),
    StreamEnded(Option<Error>),
    Executed { key: Key, ticket: Ticket, finished: Finished<V> },
    Gathered { worker: Address, ticket: Ticket, fetched: Result<Fetched<V>>, route: Route, elapsed: Duration },
    Retry(Address),
    Heartbeat(Result<HeartbeatReply>),
    Spilled,
}

struct Running {
    key: Key,
    since: Instant,
    cancel: CancelToken,
}

impl Drop for Running {
    /// Nobody waits for a task that is not in the books any more.
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

/// What the loop is made of.
pub(super) struct Parts<R: TaskRunner> {
    pub(super) machine: Machine,
    pub(super) runner: Arc<R>,
    pub(super) store: Arc<Store<R::Value>>,
    pub(super) disk: SpillStore,
    pub(super) pool: RpcPool,
    pub(super) outgoing: Arc<Outgoing>,
    pub(super) address: String,
    pub(super) scheduler: PeerAddress,
    pub(super) sender: StreamSender,
    pub(super) threads: TaskThreads,
    pub(super) heartbeat_s: f64,
}

/// The loop; see the module documentation.
pub(super) struct Driver<R: TaskRunner> {
    parts: Parts<R>,
    notes: UnboundedSender<Note<R::Value>>,
    running: HashMap<Ticket, Running>,
    transfers: HashMap<Ticket, AbortHandle>,
    routes: Routes,
    work: JoinSet<()>,
    probe: ProcessProbe,
    latency: LoopLatency,
    bandwidth_bps: f64,
    heartbeat_is_due: bool,
    is_spilling: bool,
    gave_back_at: Option<Instant>,
    ended: Option<Ended>,
}

impl<R: TaskRunner> Driver<R> {
    /// Runs until the worker ends.
    pub(super) async fn run(
        parts: Parts<R>,
        stream: StreamReceiver,
        mut requests: UnboundedReceiver<Request<R::Value>>,
    ) -> Ended {
        let (notes, mut noted) = unbounded_channel();
        let mut work = JoinSet::new();
        work.spawn(read_stream(stream, notes.clone()));
        let mut heartbeats = clock(heartbeat_pause(parts.heartbeat_s));
        let mut looks = clock(MEMORY_INTERVAL);
        let mut signs = clock(KEEP_ALIVE_INTERVAL);
        let mut driver = Self {
            parts,
            notes,
            running: HashMap::new(),
            transfers: HashMap::new(),
            routes: Routes::default(),
            work,
            probe: ProcessProbe::new(),
            latency: LoopLatency::default(),
            bandwidth_bps: USUAL_BANDWIDTH_BPS,
            heartbeat_is_due: true,
            is_spilling: false,
            gave_back_at: None,
            ended: None,
        };
        loop {
            tokio::select! {
                Some(note) = noted.recv() => driver.take_note(note),
                Some(request) = requests.recv() => driver.take_request(request),
                Some(_) = driver.work.join_next() => {}
                _ = heartbeats.tick() => driver.beat(),
                due = looks.tick() => {
                    driver.latency.tick(due, At::now());
                    driver.look_at_memory();
                }
                _ = signs.tick() => driver.say([Value::map([("op", "keep-alive".into())])]),
            }
            let pause = heartbeat_pause(driver.parts.heartbeat_s);
            if heartbeats.period() != pause {
                heartbeats = clock(pause);
            }
            if let Some(ended) = driver.ended.take() {
                driver.leave().await;
                return ended;
            }
        }
    }

    fn end(&mut self, ended: Ended) {
        self.ended.get_or_insert(ended);
    }

    /// Ends what is going on and says what is left to say.
    async fn leave(self) {
        drop(self.running);
        // The other side may be gone; there is nobody to tell then.
        drop(tokio::time::timeout(Duration::from_secs(1), self.parts.sender.close()).await);
    }

    fn say(&mut self, messages: impl IntoIterator<Item = Value>) {
        if let Err(error) = self.parts.sender.send_all(messages) {
            self.end(Ended::Lost(error));
        }
    }

    fn take_note(&mut self, note: Note<R::Value>) {
        match note {
            Note::Stream(messages) => messages.iter().for_each(|message| self.take_message(message)),
            Note::StreamEnded(error) => {
                let lost = || Error::remote("worker", &self.parts.scheduler, "the scheduler closed the connection");
                let error = error.unwrap_or_else(lost);
                self.end(Ended::Lost(error));
            }
            Note::Executed { key, ticket, finished } => self.executed(key, ticket, finished),
            Note::Gathered { worker, ticket, fetched, route, elapsed } => {
                // A transfer that was cancelled may have ended just before.
                if self.transfers.remove(&ticket).is_some() {
                    self.gathered(worker, ticket, fetched, (route, elapsed));
                }
            }
            Note::Retry(worker) => self.handle(Event::RetryBusyWorker(worker), "retry-busy-worker"),
            Note::Heartbeat(reply) => self.heard(reply),
            Note::Spilled => self.is_spilling = false,
        }
    }

    fn take_message(&mut self, message: &Value) {
        match read_stream_message(message, self.parts.runner.magic()) {
            Ok(StreamMessage::Event { event, stimulus_id }) => self.carry_out(event, &stimulus_id),
            Ok(StreamMessage::Close) => self.end(Ended::Asked),
            Ok(StreamMessage::Unknown(_)) => {}
            // Going on without it could leave the scheduler waiting forever; as a lost worker it is not waited for.
            Err(error) => self.end(Ended::Lost(error)),
        }
    }

    fn take_request(&mut self, request: Request<R::Value>) {
        match request {
            Request::Put(values, done) => {
                let products = self.store_all(values);
                self.handle(Event::UpdateData(products), "update-data");
                // Nobody waits any more if the connection has ended.
                done.send(()).ok();
            }
            Request::Free(keys) => self.handle(Event::FreeKeys(keys), "free-keys"),
            Request::GiveUp(keys) => self.handle(Event::RemoveReplicas(keys), "unreadable"),
            Request::Leave => self.end(Ended::Asked),
        }
    }

    /// An event of our own making.
    fn handle(&mut self, event: Event, cause: &str) {
        let stimulus_id: Arc<str> = format!("{cause}-{}", unix_s()).into();
        self.carry_out(event, &stimulus_id);
    }

    fn carry_out(&mut self, event: Event, stimulus_id: &Arc<str>) {
        if let Event::RemoveWorker(worker) = &event {
            self.routes.forget(worker);
        }
        let instructions = self.parts.machine.handle(event, stimulus_id);
        let mut messages = Vec::new();
        for instruction in instructions {
            match instruction {
                Instruction::Execute { key, ticket, payload, inputs } => self.execute(key, ticket, payload, &inputs),
                Instruction::CancelExecution { ticket, .. } => self.cancel(ticket),
                Instruction::Gather { worker, ticket, keys, .. } => self.gather(worker, ticket, keys),
                Instruction::CancelGather { ticket } => self.cancel_transfer(ticket),
                Instruction::RetryBusyWorkerLater { worker, delay_ms } => self.retry_later(worker, delay_ms),
                Instruction::DropData { key } => self.parts.store.drop_value(&key),
                Instruction::Spill { n_bytes } => self.spill(n_bytes),
                Instruction::Send { report, stimulus_id } => messages.push(report_to_value(&report, &stimulus_id)),
            }
        }
        if !messages.is_empty() {
            self.say(messages);
        }
    }

    fn execute(&mut self, key: Key, ticket: Ticket, payload: Payload, inputs: &[Key]) {
        let cancel = CancelToken::new();
        let running = Running { key: key.clone(), since: Instant::now(), cancel: cancel.clone() };
        self.running.insert(ticket, running);
        let inputs = self.parts.store.get_all(inputs);
        let (runner, notes) = (self.parts.runner.clone(), self.notes.clone());
        self.parts.threads.run(move |thread| {
            let finished = run_task(&*runner, &key, &payload, inputs, &cancel, thread);
            // The loop may have ended meanwhile.
            drop(notes.send(Note::Executed { key, ticket, finished }));
        });
    }

    fn cancel(&self, ticket: Ticket) {
        if let Some(running) = self.running.get(&ticket) {
            running.cancel.cancel();
        }
    }

    fn executed(&mut self, key: Key, ticket: Ticket, finished: Finished<R::Value>) {
        self.running.remove(&ticket);
        let (outcome, value) = finished;
        if let (Some(value), Outcome::Finished { product, .. }) = (value, &outcome) {
            self.parts.store.put(key.clone(), value, product.n_bytes);
        }
        let cause = match outcome {
            Outcome::Erred { .. } => "task-erred",
            _ => "task-finished",
        };
        self.handle(Event::Executed { key, ticket, outcome }, cause);
    }

    fn gather(&mut self, worker: Address, ticket: Ticket, keys: Vec<Key>) {
        let (pool, runner, notes) = (self.parts.pool.clone(), self.parts.runner.clone(), self.notes.clone());
        let who = self.parts.address.clone();
        let route = self.routes.to(&worker, Instant::now());
        let scheduler = self.parts.scheduler.clone();
        let transfer = self.work.spawn(async move {
            let since = Instant::now();
            let fetched = match route {
                Route::Direct => fetch(&pool, &runner, &worker, &keys, &who).await,
                Route::ByScheduler => fetch_by_scheduler(&pool, &runner, &scheduler, &keys).await,
            };
            drop(notes.send(Note::Gathered { worker, ticket, fetched, route, elapsed: since.elapsed() }));
        });
        self.transfers.insert(ticket, transfer);
    }

    /// Closes the connection it goes over.
    fn cancel_transfer(&mut self, ticket: Ticket) {
        if let Some(transfer) = self.transfers.remove(&ticket) {
            transfer.abort();
        }
    }

    fn gathered(
        &mut self,
        worker: Address,
        ticket: Ticket,
        fetched: Result<Fetched<R::Value>>,
        (route, elapsed): (Route, Duration),
    ) {
        let delivery = match fetched {
            Ok(Fetched::Values(values)) => {
                self.routes.came(&worker, route);
                let values = self.readable(&worker, values);
                let products = self.store_all(values);
                if route == Route::Direct {
                    self.note_bandwidth(products.iter().map(|(_, product)| product.n_bytes).sum(), elapsed);
                }
                Delivery::Arrived(products)
            }
            Ok(Fetched::Busy) => Delivery::Busy,
            Err(_) => {
                if let Ok(address) = worker.as_str().parse() {
                    self.parts.pool.forget(&address);
                }
                Delivery::Failed { again: self.routes.failed(&worker, route, elapsed, Instant::now()) }
            }
        };
        self.handle(Event::Gathered { worker, ticket, delivery }, "gather-dep");
    }

    /// The values that can be read; the machine is told of the others.
    fn readable(&mut self, worker: &Address, values: Vec<(Key, Result<R::Value>)>) -> Vec<(Key, R::Value)> {
        let (mut readable, mut faults) = (Vec::with_capacity(values.len()), Vec::new());
        for (key, value) in values {
            match value {
                Ok(value) => readable.push((key, value)),
                Err(fault) => {
                    let detail = format!("the value of {key} cannot be read: {fault}");
                    faults.push((key, Failure::from(&Error::remote("get_data", worker, detail))));
                }
            }
        }
        if !faults.is_empty() {
            self.handle(Event::Unreadable { worker: worker.clone(), faults }, "gather-dep");
        }
        readable
    }

    fn note_bandwidth(&mut self, n_bytes: u64, elapsed: Duration) {
        const TELLING_BYTES: u64 = 1_000_000;
        if n_bytes >= TELLING_BYTES {
            let bps = n_bytes as f64 / elapsed.as_secs_f64().max(1e-6);
            self.bandwidth_bps += BANDWIDTH_WEIGHT * (bps - self.bandwidth_bps);
        }
    }

    fn store_all(&self, values: Vec<(Key, R::Value)>) -> Vec<(Key, Product)> {
        let runner = &self.parts.runner;
        let one = |(key, value): (Key, R::Value)| {
            let product = Product { n_bytes: runner.n_bytes(&value), type_name: runner.type_name(&value) };
            self.parts.store.put(key.clone(), value, product.n_bytes);
            (key, product)
        };
        values.into_iter().map(one).collect()
    }

    fn retry_later(&mut self, worker: Address, delay_ms: u64) {
        let notes = self.notes.clone();
        self.work.spawn(async move {
            tokio::time::sleep(Duration::from_millis(delay_ms)).await;
            drop(notes.send(Note::Retry(worker)));
        });
    }

    fn look_at_memory(&mut self) {
        let event =
            Event::MemorySampled { process_bytes: process_bytes(), spillable_bytes: self.parts.store.here_bytes() };
        self.handle(event, "memory");
        if self.parts.machine.status() == Status::Paused {
            self.get_out_of_pause();
        }
    }

    /// A pause with nothing to write to disk ends when the allocator gives back what it holds.
    fn get_out_of_pause(&mut self) {
        if self.is_spilling || self.gave_back_at.is_some_and(|at| at.elapsed() < GIVE_BACK_INTERVAL) {
            return;
        }
        self.gave_back_at = Some(Instant::now());
        self.work.spawn_blocking(give_back_freed_memory);
    }

    /// Writes values to disk, the longest unused first. What cannot be written stays in memory.
    fn spill(&mut self, n_bytes: u64) {
        if std::mem::replace(&mut self.is_spilling, true) {
            return;
        }
        let (store, runner, notes) = (self.parts.store.clone(), self.parts.runner.clone(), self.notes.clone());
        let disk = self.parts.disk.clone();
        self.work.spawn_blocking(move || {
            for victim in store.victims(n_bytes) {
                let written = runner.encode(&victim.value).and_then(|content| disk.write(&content));
                // The disk is full, as a rule: the worker pauses before memory is.
                let Ok(file) = written else { break };
                store.move_to_disk(&victim, file);
            }
            give_back_freed_memory();
            drop(notes.send(Note::Spilled));
        });
    }

    /// Sends a heartbeat, unless one is on its way; and asks for what is missing.
    fn beat(&mut self) {
        self.handle(Event::FindMissing, "find-missing");
        if !std::mem::take(&mut self.heartbeat_is_due) {
            return;
        }
        let executing =
            self.running.values().map(|running| (running.key.clone(), running.since.elapsed().as_secs_f64()));
        let heartbeat =
            Heartbeat { address: self.parts.address.clone(), executing: executing.collect(), metrics: self.metrics() };
        let (pool, scheduler, notes) = (self.parts.pool.clone(), self.parts.scheduler.clone(), self.notes.clone());
        self.work.spawn(async move {
            let reply = pool.call_within(HEARTBEAT_LIMIT, &scheduler, &heartbeat.to_value()).await;
            drop(notes.send(Note::Heartbeat(reply.and_then(|reply| Heartbeat::read_reply(&reply)))));
        });
    }

    fn heard(&mut self, reply: Result<HeartbeatReply>) {
        self.heartbeat_is_due = true;
        match reply {
            // The more workers there are, the longer.
            Ok(HeartbeatReply::Known { interval_s }) => self.parts.heartbeat_s = interval_s,
            Ok(HeartbeatReply::Missing) => {
                let error = Error::remote("worker", &self.parts.scheduler, "the scheduler has given this worker up");
                self.end(Ended::Lost(error));
            }
            // A heartbeat that did not get through is not the end: the stream is what tells whether the scheduler lives.
            Err(_) => {}
        }
    }

    fn metrics(&mut self) -> Metrics {
        let used = self.probe.look();
        let machine = &self.parts.machine;
        let outgoing = &self.parts.outgoing;
        let (bytes, n_open, n_total) = machine.peers().traffic();
        let counts = machine.counts().filter(|(_, n)| *n > 0);
        Metrics {
            now_s: unix_s(),
            cpu_percent: used.cpu_percent,
            process_bytes: process_bytes(),
            managed_bytes: machine.memory_bytes(),
            spilled_bytes: self.parts.store.spilled_bytes(),
            n_files: used.n_files,
            network: used.network,
            disk: used.disk,
            loop_interval_s: self.latency.take_interval_s(),
            bandwidth_bps: self.bandwidth_bps,
            incoming: (bytes, n_open as u64, n_total),
            outgoing: (
                outgoing.n_bytes.load(Ordering::Relaxed),
                outgoing.n_open.load(Ordering::Relaxed) as u64,
                outgoing.n_total.load(Ordering::Relaxed),
            ),
            task_counts: counts.map(|(state, n)| (state.name(), n as u64)).collect(),
        }
    }
}

/// What the scheduler asked for, within reason.
fn heartbeat_pause(asked_s: f64) -> Duration {
    Duration::from_secs_f64(if asked_s.is_finite() { asked_s.clamp(0.1, 60.0) } else { 60.0 })
}

/// A clock whose first tick comes after a pause, too.
fn clock(pause: Duration) -> Interval {
    let mut clock = interval_at(At::now() + pause, pause);
    clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
    clock
}

async fn read_stream<V>(mut stream: StreamReceiver, notes: UnboundedSender<Note<V>>) {
    loop {
        let note = match stream.next().await {
            Ok(Some(messages)) => Note::Stream(messages),
            Ok(None) => Note::StreamEnded(None),
            Err(error) => Note::StreamEnded(Some(error)),
        };
        let is_last = matches!(note, Note::StreamEnded(_));
        if notes.send(note).is_err() || is_last {
            return;
        }
    }
}
