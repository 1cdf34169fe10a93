//! What the machine knows of one result.
//!
//! A task's [`State`] has the names the scheduler and its dashboard use, but nothing ever *sets* it: it follows from a
//! few independent facts, so that no race can lead into a combination nobody thought of.
//!
//! ```text
//!                 held   activity   ordered   wanted          state
//!                 value     any                               memory
//!                 error     any                               error
//!                   -     running     yes                     executing, long-running
//!                   -     running     no        yes           resumed      (will become a replica)
//!                   -     running     no        no            cancelled
//!                   -     flying      yes                     resumed      (will count as computed)
//!                   -     flying      no        yes           flight
//!                   -     flying      no        no            cancelled
//!                   -     idle        yes                     waiting, ready, constrained
//!                   -     idle        no        yes           fetch, missing
//!                   -     idle        no        no            released
//! ```
//!
//! *Ordered*: the scheduler asked for it to be computed here. *Wanted*: the scheduler asked for a copy, or an ordered task
//! that has not started needs it.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::event::{Failure, Payload, Product, Span, Ticket};
use crate::exec::remote::worker::names::{Address, Key, Priority};

/// The place of a task in the arena.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct Slot(pub(crate) u32);

/// The run of a task that was never ordered.
pub(crate) const NO_RUN: i64 = -1;

/// What a result is up to, in the protocol's words.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) enum State {
    Released,
    Waiting,
    Ready,
    Constrained,
    Executing,
    LongRunning,
    Fetch,
    Missing,
    Flight,
    Cancelled,
    Resumed,
    Memory,
    Error,
}

impl State {
    pub(crate) const ALL: [Self; 13] = [
        Self::Released,
        Self::Waiting,
        Self::Ready,
        Self::Constrained,
        Self::Executing,
        Self::LongRunning,
        Self::Fetch,
        Self::Missing,
        Self::Flight,
        Self::Cancelled,
        Self::Resumed,
        Self::Memory,
        Self::Error,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Released => "released",
            Self::Waiting => "waiting",
            Self::Ready => "ready",
            Self::Constrained => "constrained",
            Self::Executing => "executing",
            Self::LongRunning => "long-running",
            Self::Fetch => "fetch",
            Self::Missing => "missing",
            Self::Flight => "flight",
            Self::Cancelled => "cancelled",
            Self::Resumed => "resumed",
            Self::Memory => "memory",
            Self::Error => "error",
        }
    }

    /// Ordered and not started: can be given up, and needs its inputs.
    pub(crate) fn is_queued(self) -> bool {
        matches!(self, Self::Waiting | Self::Ready | Self::Constrained)
    }

    /// What a steal request is answered: the scheduler knows only some of the names, and takes none for "not here".
    pub(crate) fn steal_answer(self) -> Option<&'static str> {
        match self {
            Self::Released | Self::Fetch | Self::Missing | Self::Flight | Self::Error => None,
            known => Some(known.name()),
        }
    }
}

/// What is going on for a task outside of the machine; it cannot be stopped at will.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Activity {
    Idle,
    /// A thread computes it; a `long` one has given its thread back.
    Running {
        ticket: Ticket,
        long: bool,
    },
    /// It is on its way from a peer.
    Flying {
        ticket: Ticket,
    },
}

/// What there is of a result.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Held {
    Nothing,
    Value { product: Product, span: Option<Span> },
    Error { failure: Failure, span: Option<Span> },
}

/// The record of one result.
#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) key: Key,
    /// Follows from the other fields; the queues it stands in follow from this.
    pub(crate) state: State,
    pub(crate) held: Held,
    pub(crate) activity: Activity,
    pub(crate) ordered: bool,
    /// The scheduler asked for a copy.
    pub(crate) acquired: bool,
    /// Not by the end of a task did the scheduler hear of the value here.
    pub(crate) is_copy: bool,
    /// The number of queued tasks that need it.
    pub(crate) n_waiters: usize,
    /// Whether this task is counted in the `n_waiters` of its inputs.
    pub(crate) counted: bool,
    pub(crate) run_id: i64,
    pub(crate) priority: Priority,
    pub(crate) payload: Option<Payload>,
    /// What it is computed from, while it is ordered.
    pub(crate) inputs: Vec<Slot>,
    /// Those of `inputs` that are not in memory.
    pub(crate) absent: BTreeSet<Slot>,
    /// The ordered tasks that are computed from it.
    pub(crate) users: BTreeSet<Slot>,
    /// What it needs to run and holds while it does.
    pub(crate) resources: Vec<(Arc<str>, f64)>,
    pub(crate) holders: BTreeSet<Address>,
    /// The scheduler's idea of its size.
    pub(crate) expected_bytes: u64,
}

impl Task {
    pub(crate) fn new(key: Key, priority: Priority) -> Self {
        Self {
            key,
            state: State::Released,
            held: Held::Nothing,
            activity: Activity::Idle,
            ordered: false,
            acquired: false,
            is_copy: false,
            n_waiters: 0,
            counted: false,
            run_id: NO_RUN,
            priority,
            payload: None,
            inputs: Vec::new(),
            absent: BTreeSet::new(),
            users: BTreeSet::new(),
            resources: Vec::new(),
            holders: BTreeSet::new(),
            expected_bytes: 0,
        }
    }

    /// Whether a copy of it is of use here, whoever computes it.
    pub(crate) fn is_wanted(&self) -> bool {
        self.acquired || self.n_waiters > 0
    }

    pub(crate) fn has_value(&self) -> bool {
        matches!(self.held, Held::Value { .. })
    }

    pub(crate) fn is_running(&self) -> bool {
        matches!(self.activity, Activity::Running { .. })
    }

    /// Whether its inputs have to be brought here.
    pub(crate) fn needs_inputs(&self) -> bool {
        self.ordered && self.activity == Activity::Idle && self.held == Held::Nothing
    }

    /// The state that follows from the facts; see the table in the module documentation.
    pub(crate) fn derived_state(&self) -> State {
        match (&self.held, self.activity) {
            (Held::Value { .. }, _) => State::Memory,
            (Held::Error { .. }, _) => State::Error,
            (Held::Nothing, Activity::Running { long, .. }) => self.state_while_running(long),
            (Held::Nothing, Activity::Flying { .. }) => self.state_while_flying(),
            (Held::Nothing, Activity::Idle) => self.state_at_rest(),
        }
    }

    fn state_while_running(&self, long: bool) -> State {
        match (self.ordered, self.is_wanted()) {
            (true, _) if long => State::LongRunning,
            (true, _) => State::Executing,
            (false, true) => State::Resumed,
            (false, false) => State::Cancelled,
        }
    }

    fn state_while_flying(&self) -> State {
        match (self.ordered, self.is_wanted()) {
            (true, _) => State::Resumed,
            (false, true) => State::Flight,
            (false, false) => State::Cancelled,
        }
    }

    fn state_at_rest(&self) -> State {
        match (self.ordered, self.is_wanted()) {
            (true, _) if !self.absent.is_empty() => State::Waiting,
            (true, _) if !self.resources.is_empty() => State::Constrained,
            (true, _) => State::Ready,
            (false, true) if self.holders.is_empty() => State::Missing,
            (false, true) => State::Fetch,
            (false, false) => State::Released,
        }
    }
}
