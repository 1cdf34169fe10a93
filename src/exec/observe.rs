//! Watching runs: what an observer is told.
//!
//! Progress bars, profiles and task streams are all [`Observer`]s. A run without one reads no clock.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use crate::error::Error;
use crate::graph::TaskId;

use super::options::RunReport;

/// Is told what happens in the runs of a [`Runtime`](super::Runtime).
///
/// Methods are called on the threads that run the tasks, several at once, and delay them: count and return. Every run
/// calls `run_started` first and `run_finished` last; a task that was started is finished before its run is.
///
/// # Examples
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicU64, Ordering};
/// use hyperslab::exec::{Observer, Runtime, TaskFinish};
///
/// #[derive(Default)]
/// struct Counter(AtomicU64);
/// impl Observer for Counter {
///     fn task_finished(&self, _: &TaskFinish<'_>) { self.0.fetch_add(1, Ordering::Relaxed); }
/// }
///
/// let counter = Arc::new(Counter::default());
/// let runtime = Runtime::local().observer(counter.clone());
/// ```
pub trait Observer: Send + Sync {
    /// A run begins.
    fn run_started(&self, run: &RunStart) {
        let _ = run;
    }

    /// A task begins.
    fn task_started(&self, task: &TaskStart<'_>) {
        let _ = task;
    }

    /// A task has ended.
    fn task_finished(&self, task: &TaskFinish<'_>) {
        let _ = task;
    }

    /// A run has ended.
    fn run_finished(&self, run: &RunFinish<'_>) {
        let _ = run;
    }
}

/// The number of a run, different for all runs of the process.
/// It prints as a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RunId(u64);

impl RunId {
    pub(crate) fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A run begins.
/// [`Observer::run_started`] gets it; see [`Observer`] for an example.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RunStart {
    /// Which run.
    pub run: RunId,
    /// The number of its tasks, if the plan can tell.
    pub n_tasks: Option<u64>,
    /// The number of threads it may use.
    pub n_threads: usize,
    /// The memory budget it shares with other runs.
    pub limit_bytes: u64,
}

/// A task begins.
/// [`Observer::task_started`] gets it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TaskStart<'a> {
    /// Which run.
    pub run: RunId,
    /// Which task.
    pub task: TaskId,
    /// The name of its operation.
    pub op: &'a str,
    /// The thread it runs on, counted from 0 within the run's pool.
    pub thread: usize,
    /// Nanoseconds since the run began.
    pub start_ns: u64,
}

/// A task has ended.
/// [`Observer::task_finished`] gets it; see [`Observer`] for an example.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TaskFinish<'a> {
    /// Which run.
    pub run: RunId,
    /// Which task.
    pub task: TaskId,
    /// The name of its operation.
    pub op: &'a str,
    /// The thread it ran on, counted from 0 within the run's pool.
    pub thread: usize,
    /// When it began, in nanoseconds since the run began.
    pub start_ns: u64,
    /// How long it ran.
    pub duration_ns: u64,
    /// The bytes of its result; 0 if it failed, or if the result stays on a cluster.
    pub result_bytes: u64,
    /// Whether it failed.
    pub failed: bool,
}

/// A run has ended.
///
/// # Examples
/// ```
/// use std::sync::{Arc, Mutex};
/// use hyperslab::exec::{Observer, RunFinish, RunReport};
/// use hyperslab::prelude::*;
///
/// #[derive(Default)]
/// struct Last(Mutex<Option<RunReport>>);
/// impl Observer for Last {
///     fn run_finished(&self, run: &RunFinish<'_>) {
///         *self.0.lock().expect("nobody panics") = Some(*run.report);
///     }
/// }
///
/// let last = Arc::new(Last::default());
/// let runtime = Runtime::local().observer(last.clone());
/// let x = Array::from_fn([100], Chunks::size(10), |at: &[u64]| at[0] as f64)?;
/// runtime.enter(|| x.sum().scalar())?;
/// let report = last.0.lock().expect("nobody panics").expect("a run has ended");
/// assert!(report.n_tasks >= 10 && report.over_budget_starts == 0);
/// # Ok::<(), hyperslab::Error>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RunFinish<'a> {
    /// Which run.
    pub run: RunId,
    /// What it did.
    pub report: &'a RunReport,
    /// The error, if it failed or was cancelled.
    pub error: Option<&'a Error>,
    /// How long it took.
    pub duration_ns: u64,
}

/// The observers of one run, with its clock.
pub(super) struct Watch<'a> {
    observers: &'a [Arc<dyn Observer>],
    run: RunId,
    start: Instant,
}

impl<'a> Watch<'a> {
    /// Tells `observers` that a run begins; nothing if there are none.
    pub(super) fn start(
        observers: &'a [Arc<dyn Observer>],
        n_tasks: impl FnOnce() -> Option<u64>,
        n_threads: usize,
        limit_bytes: u64,
    ) -> Option<Self> {
        if observers.is_empty() {
            return None;
        }
        let watch = Self { observers, run: RunId::next(), start: Instant::now() };
        let start = RunStart { run: watch.run, n_tasks: n_tasks(), n_threads, limit_bytes };
        for observer in observers {
            observer.run_started(&start);
        }
        Some(watch)
    }

    pub(super) fn task_started<'t>(&self, task: TaskId, op: &'t str, thread: usize) -> TaskStart<'t> {
        let start = TaskStart { run: self.run, task, op, thread, start_ns: self.now_ns() };
        for observer in self.observers {
            observer.task_started(&start);
        }
        start
    }

    pub(super) fn task_finished(&self, start: &TaskStart<'_>, result_bytes: Option<u64>) {
        let finish = TaskFinish {
            run: self.run,
            task: start.task,
            op: start.op,
            thread: start.thread,
            start_ns: start.start_ns,
            duration_ns: self.now_ns() - start.start_ns,
            result_bytes: result_bytes.unwrap_or(0),
            failed: result_bytes.is_none(),
        };
        for observer in self.observers {
            observer.task_finished(&finish);
        }
    }

    pub(super) fn run_finished(&self, report: &RunReport, error: Option<&Error>) {
        let finish = RunFinish { run: self.run, report, error, duration_ns: self.now_ns() };
        for observer in self.observers {
            observer.run_finished(&finish);
        }
    }

    fn now_ns(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}
