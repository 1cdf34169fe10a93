//! Who runs a plan: the threads of this process, or other processes.

use std::fmt;

use super::options::{RunOptions, RunReport};
use super::plan_job::PlanJob;
use super::runtime::Runtime;
use crate::error::Result;

/// Runs plans of block tasks. A runtime has one.
pub(crate) trait Engine: fmt::Debug + Send + Sync {
    /// Runs all tasks of the job's plan, and delivers its results to the job. When this returns, nothing goes on.
    ///
    /// # Errors
    /// The first error of a task, cancellation, or the loss of whoever runs tasks.
    fn run(&self, runtime: &Runtime, job: &PlanJob<'_>, options: &RunOptions) -> Result<RunReport>;
}

/// The threads of this process: the caller's own, or a pool's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Threads;

impl Engine for Threads {
    fn run(&self, runtime: &Runtime, job: &PlanJob<'_>, options: &RunOptions) -> Result<RunReport> {
        match job.is_small() {
            true => runtime.run_job(job, &options.clone().with_inline()),
            false => runtime.run_job(job, options),
        }
    }
}
