//! What the scheduler is told and what it wants done.
//!
//! The scheduler is a pure machine: a *driver* hands it one [`Event`] after the other and carries out the [`Actions`] it
//! answers with. A [`Slot`] names a task in flight; it is a small number that is used again after the task's result has
//! been released, so that a driver can keep results in a plain vector.

use crate::graph::TaskId;

/// The place of a task in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Slot(pub(super) u32);

impl Slot {
    /// The place as an index into a vector.
    #[inline]
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

/// Something that happened outside.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Event {
    /// A task that was to run has run. Its result takes `result_bytes`; that of a root nobody else reads has been
    /// delivered and takes none any more.
    Done { slot: Slot, result_bytes: u64 },
    /// A task that was to run has failed: nothing more is started.
    Failed { slot: Slot },
    /// A result that was to be laid aside stays in memory: it could not be written.
    Kept { slot: Slot },
    /// Nothing more shall be started.
    Cancel,
    /// There is room to run up to `max` tasks.
    Want { max: usize },
}

/// A task to run now. Its inputs are the next `n_inputs` entries of [`Actions::inputs`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    pub(crate) task: TaskId,
    pub(crate) slot: Slot,
    pub(crate) n_inputs: usize,
    /// The run was asked for this result: deliver it before reporting the task as done.
    pub(crate) deliver: bool,
    /// Other tasks read the result: keep it until it is released.
    pub(crate) keep: bool,
}

/// One input of a task, in the order of its dependencies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Input {
    pub(crate) slot: Slot,
    /// No other task will ask for this result: it can be moved out of the store.
    pub(crate) last: bool,
}

/// A result that no running or future task reads any more.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Release {
    pub(crate) slot: Slot,
}

/// What the driver has to do: first drop what is released (a slot may be given anew by `run`), then lay aside, then run.
#[derive(Debug, Default)]
pub(crate) struct Actions {
    pub(crate) release: Vec<Release>,
    /// Results to be written to disk, and read from there by the tasks that need them.
    pub(crate) lay_aside: Vec<Slot>,
    pub(crate) run: Vec<Run>,
    pub(crate) inputs: Vec<Input>,
}

impl Actions {
    #[inline]
    pub(crate) fn clear(&mut self) {
        self.release.clear();
        self.lay_aside.clear();
        self.run.clear();
        self.inputs.clear();
    }
}

/// How far the run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Tasks are running or can be started.
    Going,
    /// All roots are done.
    Finished,
    /// A task failed or the run was cancelled, and nothing is running any more.
    Stopped,
    /// Nothing runs, nothing can be started and roots are missing: the plan contradicts itself.
    Stuck,
}
