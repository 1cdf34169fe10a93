//! A plan on its way to a cluster.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::cluster::Cluster;
use super::run::{OP, WINDOW_BYTES, check_cancelled};
use super::trial::try_out;
use crate::error::{Error, Result};
use crate::exec::CancelToken;
use crate::graph::wire::{Apart, BlockApart, RemotePlan, Site};
use crate::graph::{Plan, TaskId};
use crate::kernels::Registry;

/// A scheduler takes 10,000 tasks in a second and four kilobytes for each: beyond this, larger blocks are the better plan.
const MANY_TASKS: u64 = 100_000;
/// From so many tasks on the time of a run says something about one of them.
const TELLING_TASKS: u64 = 1_000;
/// A scheduler that keeps first tasks back takes some 6 ms to send a thread the next one; with all sent it takes a tenth of
/// a millisecond for a task, whoever runs it.
const STARVED_S: Range<f64> = 0.002..0.012;
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
    has_looked_back: AtomicBool,
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
        Self {
            cluster: Arc::new(cluster),
            registry,
            apart_bytes: APART_BYTES,
            has_warned: AtomicBool::new(false),
            has_looked_back: AtomicBool::new(false),
            has_compared: AtomicBool::new(false),
        }
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
        self.compare(cancel)?;
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

    /// An error if workers know other things than this process, or do not run what it sends, before anything is sent. Workers
    /// that come later find out from their tasks.
    fn compare(&self, cancel: Option<&CancelToken>) -> Result<()> {
        if self.has_compared.load(Ordering::Relaxed) {
            return Ok(());
        }
        let manifests = self.cluster.manifests()?;
        for (worker, manifest) in &manifests {
            self.registry.check_peer(manifest).map_err(|error| error.at_peer(worker))?;
        }
        if !manifests.is_empty() {
            try_out(self.cluster(), &self.registry, cancel)?;
            self.has_compared.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Says, once, that short tasks may have waited for the scheduler.
    pub(super) fn look_back(&self, plan: &Plan, elapsed: Duration) {
        let n_tasks = plan.n_tasks();
        if n_tasks < TELLING_TASKS || self.has_looked_back.load(Ordering::Relaxed) {
            return;
        }
        // The run is over; if nobody answers now, there is no advice.
        let Ok(n_threads) = self.cluster.n_threads() else { return };
        let thread_s = elapsed.as_secs_f64() * n_threads as f64 / n_tasks as f64;
        if STARVED_S.contains(&thread_s) && !self.has_looked_back.swap(true, Ordering::Relaxed) {
            eprintln!("{}", starved(n_tasks, thread_s));
        }
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

fn starved(n_tasks: u64, thread_s: f64) -> String {
    format!(
        "hyperslab: the {n_tasks} tasks of this run took {:.1} ms of a thread each. Unless the scheduler's worker-saturation \
         is above its usual 1.1, threads wait some 6 ms for each of them: set \
         DASK_DISTRIBUTED__SCHEDULER__WORKER_SATURATION=4 (or inf) for the scheduler, or rechunk to larger blocks",
        thread_s * 1e3
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_names_numbers_and_remedy() {
        let text = starved(4_000, 0.0064);
        assert!(
            text.contains("4000 tasks") && text.contains("6.4 ms") && text.contains("WORKER_SATURATION=4"),
            "{text}"
        );
        let text = advice(200_000);
        assert!(text.contains("200000 tasks") && text.contains("rechunk"), "{text}");
    }
}
