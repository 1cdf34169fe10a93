//! What a worker's state machine is told, and what it answers.
//!
//! An [`Event`] is an order of the scheduler, the end of something the driver was asked to do, or a look at the machine's
//! memory. An [`Instruction`] is for the driver: start this, fetch that, tell the scheduler. The driver keeps the values;
//! the machine only says which keys are worth keeping:
//!
//! * before the driver reports `Executed` or `Gathered`, it puts the values into its store;
//! * afterwards it drops what the answer says with `DropData`.
//!
//! So the store always holds just the keys that the machine takes to be in memory.

use std::sync::Arc;

use bytes::Bytes;

use crate::error::Error;
use crate::exec::remote::pickle::pickle_error;
use crate::exec::remote::worker::names::{Address, Key, Priority};

/// Numbers one `Execute` or one `Gather`, so that an end that is reported late or twice is known as such.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct Ticket(pub(crate) u64);

/// What has to be computed, as bytes of our own format, or why it cannot be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Payload {
    Plan(Bytes),
    Unsupported(Arc<str>),
}

/// An input of a task: who holds it and how large the scheduler thinks it is.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    pub(crate) key: Key,
    pub(crate) n_bytes: u64,
    pub(crate) holders: Vec<Address>,
}

/// `compute-task`.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) key: Key,
    pub(crate) run_id: i64,
    pub(crate) priority: Priority,
    pub(crate) payload: Payload,
    pub(crate) inputs: Vec<Input>,
    pub(crate) resources: Vec<(Arc<str>, f64)>,
}

/// When a task's kernel started and stopped, in seconds of Unix time, and on which of the worker's threads.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Span {
    pub(crate) start_s: f64,
    pub(crate) stop_s: f64,
    pub(crate) thread: u32,
}

/// What is known of a value without looking at it.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Product {
    pub(crate) n_bytes: u64,
    /// Free text; the dashboard shows it.
    pub(crate) type_name: Arc<str>,
}

/// An error in words, and as the exception a Python client raises.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Failure {
    pub(crate) text: Arc<str>,
    pub(crate) traceback: Arc<str>,
    pub(crate) exception: Bytes,
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        Self { text: error.to_string().into(), traceback: "".into(), exception: pickle_error(error) }
    }
}

/// How an execution ended.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Outcome {
    Finished {
        product: Product,
        span: Span,
    },
    Erred {
        failure: Failure,
        span: Option<Span>,
    },
    /// The task asks to be run elsewhere.
    Rescheduled,
    /// The driver gave it up after `CancelExecution`.
    Abandoned,
}

/// How a transfer from a peer ended.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Delivery {
    /// The peer answered; keys it does not have are not in the list.
    Arrived(Vec<(Key, Product)>),
    /// The peer has too many transfers open.
    Busy,
    /// No connection, a broken one, or an answer that makes no sense. `again`: as the one before it.
    Failed { again: bool },
}

/// The worker's condition as the scheduler knows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Status {
    Running,
    Paused,
    ClosingGracefully,
}

impl Status {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::ClosingGracefully => "closing_gracefully",
        }
    }
}

/// What the machine is told.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    Compute(Box<Order>),
    FreeKeys(Vec<Key>),
    AcquireReplicas(Vec<Input>),
    RemoveReplicas(Vec<Key>),
    CancelCompute(Key),
    StealRequest(Key),
    RefreshWhoHas(Vec<(Key, Vec<Address>)>),
    StatusChange(Status),
    RemoveWorker(Address),
    /// Values that a client put here; the driver has stored them.
    UpdateData(Vec<(Key, Product)>),
    Executed {
        key: Key,
        ticket: Ticket,
        outcome: Outcome,
    },
    /// The task gave its thread back and goes on; it ran for `compute_s` seconds until then.
    Seceded {
        key: Key,
        ticket: Ticket,
        compute_s: f64,
    },
    /// Values came from a peer and cannot be read; what else it sent is told after this.
    Unreadable {
        worker: Address,
        faults: Vec<(Key, Failure)>,
    },
    Gathered {
        worker: Address,
        ticket: Ticket,
        delivery: Delivery,
    },
    RetryBusyWorker(Address),
    /// Time to ask the scheduler about results that nobody is known to have.
    FindMissing,
    /// A look at the process' memory, and how much of it are values that could be written to disk.
    MemorySampled {
        process_bytes: u64,
        spillable_bytes: u64,
    },
}

/// What the machine tells the scheduler.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Report {
    TaskFinished { key: Key, run_id: i64, product: Product, span: Option<Span> },
    TaskErred { key: Key, run_id: i64, failure: Failure, span: Option<Span> },
    AddKeys { keys: Vec<Key> },
    ReleaseWorkerData { key: Key },
    RequestRefreshWhoHas { keys: Vec<Key> },
    Reschedule { key: Key },
    LongRunning { key: Key, run_id: i64, compute_s: Option<f64> },
    StealResponse { key: Key, state: Option<&'static str> },
    StatusChange { status: Status },
}

/// What the driver has to do.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Instruction {
    /// Run the task; its inputs are in the store now, and the driver takes hold of them at once.
    Execute {
        key: Key,
        ticket: Ticket,
        payload: Payload,
        inputs: Vec<Key>,
    },
    /// The result is no longer wanted; stop if that is easily done.
    CancelExecution {
        key: Key,
        ticket: Ticket,
    },
    Gather {
        worker: Address,
        ticket: Ticket,
        keys: Vec<Key>,
        n_bytes: u64,
    },
    /// The peer is gone, and what it was sending with it.
    CancelGather {
        ticket: Ticket,
    },
    RetryBusyWorkerLater {
        worker: Address,
        delay_ms: u64,
    },
    DropData {
        key: Key,
    },
    /// Write about so much to disk.
    Spill {
        n_bytes: u64,
    },
    Send {
        report: Report,
        stimulus_id: Arc<str>,
    },
}
