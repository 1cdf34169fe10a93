//! How a plan is run: a scheduler, memory accounts, and drivers for threads.
//!
//! The scheduler is a pure machine: it is told that tasks have ended and answers which to start, within a memory
//! [`Budget`]. A *driver* turns its answers into work: on the caller's thread ([`Runtime::serial`]), or on a rayon pool.
//! A [`Job`] is what is run: a [`TaskGraph`](crate::graph::TaskGraph) whose tasks can be executed. All of it meets in a
//! [`Runtime`], which is also where one says how many threads and how much memory there are and who may watch.
//!
//! ```
//! use hyperslab::exec::Runtime;
//! let runtime = Runtime::local().threads(4).memory_text("1GiB")?;
//! assert_eq!(runtime.n_threads(), 4);
//! # Ok::<(), hyperslab::Error>(())
//! ```
//!
//! | file | role |
//! |---|---|
//! | `event` `records` `index` `path` `state` | the scheduler: events in, actions out; no threads, no clock, no blocks |
//! | `memory` | budget, reservations, and the ledger of one run |
//! | `driver` | what all drivers share: results in flight, running one task, errors and panics |
//! | `serial` `pool` | the drivers |
//! | `plan_job` `output` | plans of arrays as jobs, and where their results go |
//! | `engine` | who runs a plan: threads of this process, or others |
//! | `payload` | one task that came from another process |
//! | `runtime` `options` `future` `cancel` `observe` `job` | what callers see |
//! | `spill/` `aside` | results on disk, for when memory is short |
//! | `remote/` | feature `remote`: runs on a dask.distributed scheduler |
//!
//! This layer knows no arrays, and the scheduler and its drivers know no blocks: a result is any [`Job::Value`]. Runs on
//! this machine do not retry.

mod aside;
mod cancel;
mod driver;
mod engine;
mod event;
mod future;
mod index;
mod job;
mod memory;
mod observe;
mod options;
mod output;
mod path;
mod payload;
mod plan_job;
mod pool;
mod records;
#[cfg(feature = "remote")]
#[allow(dead_code, reason = "the wire and its messages are whole; some of it is for users that come later")]
pub mod remote;
mod runtime;
#[cfg(test)]
mod samples;
mod serial;
mod spill;
mod state;

pub use cancel::CancelToken;
pub use future::RunFuture;
pub use job::Job;
pub use memory::{Budget, Reservation, parse_bytes};
pub use observe::{Observer, RunFinish, RunId, RunStart, TaskFinish, TaskStart};
pub use options::{RunOptions, RunReport};
pub(crate) use output::{Output, SplitArray};
pub(crate) use plan_job::PlanJob;
#[cfg(feature = "remote")]
pub(crate) use pool::limit_kernel_threads;
pub use runtime::{EnterGuard, Runtime};
