//! A plan on its way to a cluster.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::cluster::Cluster;
use super::run::{OP, WINDOW_BYTES, check_cancelled};
use crate::error::{Error, Result};
use crate::exec::CancelToken;
use crate::graph::wire::{Apart, BlockApart, RemotePlan, Site};
use crate::graph::{Plan, TaskId};
use crate::kernels::Registry;

/// A scheduler takes 10,000 tasks in a second and four kilobytes for each: beyond this, larger blocks are the better plan.
const MANY_TASKS: u64 = 100_000;
/// Arrays in memory none of whose blocks is as large as this travel with the tasks.
///
/// With two workers on one machine both ways took the same time for blocks of 1 to 16 KiB; apart took half the time for 32 and
/// 64 KiB, and a third for 8 MiB. The scheduler's memory speaks for apart at any size.
const APART_BYTES: u64 = 16 << 10;

/// Has the plans of a runtime run on a cluster.
#[derive(Debug)]
pub(crate) struct RemoteEngine<C> {
    cluster: Arc<C>,
    registry: Registry,
    apart_bytes: u64,
    has_warned: AtomicBool,
    has_compared: AtomicBool,
}

/// How blocks of memory travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transport {
    /// As tasks of their own, through the scheduler, which can have them made again.
    WithTasks,
    /// Large ones from here to workers, for this submission alone; nobody there can make them again. With tasks all the
    /// same where no worker takes them.
    Apart,
}

/// What was submitted.
pub(super) struct Submitted<C: Cluster> {
    /// Of the results that are wanted, in their order. Dropping them ends what is left of the run.
    pub(super) futures: VecDeque<C::Future>,
    /// What the keys of each output begin with.
    pub(super) groups: Vec<String>,
    /// Of the blocks that were sent apart: they are there as long as these are.
    apart: Vec<C::Future>,
}

impl<C: Cluster> Submitted<C> {
    /// Whether a run failed because blocks are gone that were sent apart.
    pub(super) fn has_lost_blocks(&self, cluster: &C, failure: &Error) -> bool {
        let is_lost = |block: &C::Future| cluster.wait(block, Duration::ZERO).is_err_and(|error| error.is_lost());
        failure.is_lost() && self.apart.iter().any(is_lost)
    }
}

impl<C: Cluster> RemoteEngine<C> {
    /// `registry` must be that of the workers.
    pub(crate) fn new(cluster: C, registry: Registry) -> Self {
        let (has_warned, has_compared) = (AtomicBool::new(false), AtomicBool::new(false));
        Self { cluster: Arc::new(cluster), registry, apart_bytes: APART_BYTES, has_warned, has_compared }
    }

    /// Blocks of memory travel apart if they have so many bytes.
    #[cfg(test)]
    pub(super) fn apart_from(self, apart_bytes: u64) -> Self {
        Self { apart_bytes, ..self }
    }

    pub(super) fn cluster(&self) -> &C {
        &self.cluster
    }

    pub(super) fn share_cluster(&self) -> Arc<C> {
        Arc::clone(&self.cluster)
    }

    /// Has the tasks computed that some results of a plan need.
    pub(super) fn submit(
        &self,
        plan: &Plan,
        roots: &VecDeque<TaskId>,
        transport: Transport,
        cancel: Option<&CancelToken>,
    ) -> Result<Submitted<C>> {
        check_cancelled(cancel)?;
        self.compare()?;
        let apart = (transport == Transport::Apart)
            .then(|| Apart { run: self.cluster.fresh_id(), least_bytes: self.apart_bytes });
        let remote = RemotePlan::on(Site { cluster: Some(self.cluster.id()), apart }, plan, &self.registry)?;
        self.advise(plan);
        let mut made = remote.tasks_of(roots.iter().copied().collect());
        let tasks = made.by_ref().collect::<Result<Vec<_>>>()?;
        let apart = match self.send_apart(&remote, &made.into_apart(), cancel) {
            // There may be no workers yet, or none with room: tasks wait for some.
            Err(error) if error.is_remote() => return self.submit(plan, roots, Transport::WithTasks, cancel),
            sent => sent?,
        };
        let keys = |is_held: bool| -> Vec<String> {
            roots.iter().filter(|&&root| remote.is_held(root) == is_held).map(|&root| remote.key(root)).collect()
        };
        let (held, wanted) = (keys(true), keys(false));
        let mut made = if wanted.is_empty() { Vec::new() } else { self.cluster.submit(tasks, &wanted)? }.into_iter();
        let mut held = if held.is_empty() { Vec::new() } else { self.cluster.join(&held)? }.into_iter();
        let missing = || Error::bug(OP, "a result has no future");
        let mut future = |&root: &TaskId| -> Result<C::Future> {
            if remote.is_held(root) { held.next() } else { made.next() }.ok_or_else(missing)
        };
        let futures = roots.iter().map(&mut future).collect::<Result<_>>()?;
        let groups = (0..plan.outputs().len()).map(|i| remote.output_group(i).to_owned()).collect();
        Ok(Submitted { futures, groups, apart })
    }

    /// Puts blocks on workers, some at a time.
    fn send_apart(
        &self,
        remote: &RemotePlan<'_>,
        blocks: &[BlockApart],
        cancel: Option<&CancelToken>,
    ) -> Result<Vec<C::Future>> {
        let mut futures = Vec::with_capacity(blocks.len());
        let (mut batch, mut n_bytes) = (Vec::new(), 0);
        for &block in blocks {
            let (key, content) = remote.block_apart(block)?;
            n_bytes += content.len() as u64;
            if n_bytes > WINDOW_BYTES && !batch.is_empty() {
                futures.extend(self.cluster.scatter(std::mem::take(&mut batch))?);
                n_bytes = content.len() as u64;
                check_cancelled(cancel)?;
            }
            batch.push((key, content.into()));
        }
        if !batch.is_empty() {
            futures.extend(self.cluster.scatter(batch)?);
        }
        Ok(futures)
    }

    /// An error if workers know other things than this process, before anything is sent. Workers that come later find out
    /// from their tasks.
    fn compare(&self) -> Result<()> {
        if self.has_compared.load(Ordering::Relaxed) {
            return Ok(());
        }
        let manifests = self.cluster.manifests()?;
        for (worker, manifest) in &manifests {
            self.registry.check_peer(manifest).map_err(|error| error.at_peer(worker))?;
        }
        self.has_compared.store(!manifests.is_empty(), Ordering::Relaxed);
        Ok(())
    }

    /// Says, once, that a plan has more tasks than a scheduler takes with ease.
    fn advise(&self, plan: &Plan) {
        let n_tasks = plan.n_tasks();
        if n_tasks > MANY_TASKS && !self.has_warned.swap(true, Ordering::Relaxed) {
            eprintln!("{}", advice(n_tasks));
        }
    }
}

fn advice(n_tasks: u64) -> String {
    format!(
        "hyperslab: this run has {n_tasks} tasks, and a scheduler takes about 10000 in a second: rechunk to larger blocks \
         (100 MB are good on a cluster), or raise HYPERSLAB_CHUNK_BYTES for `Chunks::auto()`"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_names_numbers_and_remedy() {
        let text = advice(200_000);
        assert!(text.contains("200000 tasks") && text.contains("rechunk"), "{text}");
    }
}
