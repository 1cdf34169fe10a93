//! Who runs a plan: the threads of this process, or other processes.

use std::fmt;
use std::sync::Arc;

use super::options::{RunOptions, RunReport};
use super::plan_job::PlanJob;
use super::runtime::Runtime;
use crate::block::BlockSource;
use crate::error::Result;
use crate::graph::Plan;

/// Runs plans of block tasks. A runtime has one.
pub(crate) trait Engine: fmt::Debug + Send + Sync {
    /// Whether tasks run in this process, with all that it holds.
    fn runs_here(&self) -> bool;

    /// Runs all tasks of the job's plan, and delivers its results to the job. When this returns, nothing goes on.
    ///
    /// # Errors
    /// The first error of a task, cancellation, or the loss of whoever runs tasks.
    fn run(&self, runtime: &Runtime, job: &PlanJob<'_>, options: &RunOptions) -> Result<RunReport>;

    /// Runs a plan and leaves the results where they are, a source for each output; nothing if results come here anyway.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    fn keep(&self, runtime: &Runtime, plan: &Plan, options: &RunOptions) -> Result<Option<Kept>>;
}

/// The results of a plan where they were computed: a source for each output.
pub(crate) type Kept = Vec<Arc<dyn BlockSource>>;

/// The threads of this process: the caller's own, or a pool's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Threads;

impl Engine for Threads {
    fn runs_here(&self) -> bool {
        true
    }

    fn run(&self, runtime: &Runtime, job: &PlanJob<'_>, options: &RunOptions) -> Result<RunReport> {
        match job.is_small() {
            true => runtime.run_job(job, &options.clone().with_inline()),
            false => runtime.run_job(job, options),
        }
    }

    fn keep(&self, _: &Runtime, _: &Plan, _: &RunOptions) -> Result<Option<Kept>> {
        Ok(None)
    }
}
