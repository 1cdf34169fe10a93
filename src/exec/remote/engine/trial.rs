//! A graph of two tasks, before anything else is sent.
//!
//! Releases of the scheduler write graphs in forms of their own, and one that came after this crate may have another one.
//! Two small tasks find out; otherwise it would be found out by an error, or by silence, in the middle of a long run.

use super::cluster::Cluster;
use super::run::{OP, wait};
use crate::block::codec::decode_bytes;
use crate::block::{BufferPool, Value};
use crate::error::{Error, Result};
use crate::exec::CancelToken;
use crate::graph::wire::{is_trial_result, trial_tasks};
use crate::kernels::Registry;

/// Has the two tasks run.
///
/// # Errors
/// They fail, or give something else. That the scheduler is gone, or the run cancelled, is an error of its own.
pub(super) fn try_out<C: Cluster>(cluster: &C, registry: &Registry, cancel: Option<&CancelToken>) -> Result<()> {
    let tasks = trial_tasks(registry, cluster.fresh_id())?;
    let wanted: Vec<String> = tasks.last().map(|task| task.key.clone()).into_iter().collect();
    let first = |futures: Vec<C::Future>| futures.into_iter().next().ok_or_else(|| Error::bug(OP, "no future"));
    let future = cluster.submit_urgently(tasks, &wanted).and_then(first)?;
    match wait(cluster, &future, cancel) {
        Err(error) if error.is_lost() || !(error.is_remote() || error.is_cancelled()) => Err(refused(&error)),
        waited => waited,
    }?;
    let content = cluster.gather(std::slice::from_ref(&future))?.pop().unwrap_or_default();
    match decode_bytes(&content, &BufferPool::new(0)) {
        Ok(Value::Block(block)) if is_trial_result(&block) => Ok(()),
        Ok(_) => Err(refused(&Error::format(OP, "another value came back"))),
        Err(error) => Err(refused(&error)),
    }
}

fn refused(cause: &Error) -> Error {
    let error = Error::remote(OP, "the cluster", format!("two tasks for trial do not run as they should: {cause}"));
    let error = error.with_source(cause.clone());
    error.with_remedy("use a release of `distributed` that this release of hyperslab knows: 2025.4 to 2026.8")
}
