//! What a plan must be able to do to be run.

use crate::error::{Error, Result};
use crate::graph::{TaskGraph, TaskId};

/// A plan whose tasks can be run: a [`TaskGraph`] with a meaning.
///
/// A [`Runtime`](super::Runtime) calls these methods from several threads at once, each `run` and `deliver` exactly once
/// per task. A panic in any of them ends the run with an error and nothing else.
///
/// # Examples
/// Four sources and their sum, as arithmetic on task numbers:
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering};
/// use hyperslab::exec::{Job, RunOptions, Runtime};
/// use hyperslab::graph::{TaskGraph, TaskId};
/// use hyperslab::Result;
///
/// struct SumOfSquares { answer: AtomicU64 }
///
/// impl TaskGraph for SumOfSquares {
///     fn deps(&self, task: TaskId, visit: &mut dyn FnMut(TaskId)) {
///         if task.layer() == 1 { (0..4).for_each(|i| visit(TaskId::new(0, i))); }
///     }
///     fn n_users(&self, task: TaskId) -> u64 { u64::from(task.layer() == 0) }
///     fn users(&self, task: TaskId, visit: &mut dyn FnMut(TaskId)) {
///         if task.layer() == 0 { visit(TaskId::new(1, 0)); }
///     }
///     fn bytes(&self, _: TaskId) -> u64 { 8 }
///     fn position(&self, task: TaskId) -> u64 { task.index() }
///     fn n_roots(&self) -> u64 { 1 }
///     fn root(&self, _: u64) -> TaskId { TaskId::new(1, 0) }
///     fn is_root(&self, task: TaskId) -> bool { task.layer() == 1 }
/// }
///
/// impl Job for SumOfSquares {
///     type Value = u64;
///     fn run(&self, task: TaskId, inputs: Vec<u64>) -> Result<u64> {
///         Ok(if task.layer() == 0 { task.index() * task.index() } else { inputs.iter().sum() })
///     }
///     fn value_bytes(&self, _: &u64) -> u64 { 8 }
///     fn deliver(&self, _: TaskId, value: u64) -> Result<()> {
///         self.answer.store(value, Ordering::Relaxed);
///         Ok(())
///     }
///     fn describe(&self, task: TaskId) -> (String, String) {
///         (["square", "sum"][task.layer() as usize].into(), task.index().to_string())
///     }
/// }
///
/// let job = SumOfSquares { answer: AtomicU64::new(0) };
/// let report = Runtime::local().run_job(&job, &RunOptions::new())?;
/// assert_eq!((job.answer.into_inner(), report.n_tasks), (0 + 1 + 4 + 9, 5));
/// # Ok::<(), hyperslab::Error>(())
/// ```
pub trait Job: TaskGraph + Sync {
    /// The result of a task. Cloning must be cheap, such as copying a pointer.
    type Value: Clone + Send;

    /// Runs a task on the results of its dependencies, in their order.
    ///
    /// A result that no other task will read is moved in, so that memory behind a unique pointer can be written to.
    fn run(&self, task: TaskId, inputs: Vec<Self::Value>) -> Result<Self::Value>;

    /// The bytes that a result holds.
    fn value_bytes(&self, value: &Self::Value) -> u64;

    /// Takes the result of a root.
    fn deliver(&self, task: TaskId, value: Self::Value) -> Result<()>;

    /// Takes a result that nobody will read; called while no lock is held.
    fn recycle(&self, value: Self::Value) {
        drop(value);
    }

    /// A result as bytes, to be laid aside on disk when memory is short: see
    /// [`Runtime::spill_to`](super::Runtime::spill_to).
    ///
    /// # Errors
    /// There are no bytes for it; it stays in memory then.
    fn encode(&self, value: &Self::Value) -> Result<Vec<u8>> {
        let _ = value;
        Err(Error::bug("spill", "this job has no bytes for its results"))
    }

    /// The result of bytes that [`encode`](Self::encode) has made.
    ///
    /// # Errors
    /// The bytes are no such result.
    fn decode(&self, content: Vec<u8>) -> Result<Self::Value> {
        let _ = content;
        Err(Error::bug("spill", "this job has no bytes for its results"))
    }

    /// The operation and the block of a task, for messages and observers.
    fn describe(&self, task: TaskId) -> (String, String);
}
