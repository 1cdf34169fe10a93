//! One run on a cluster.
//!
//! All tasks are submitted at once; who computes them has the memory for them, and spills what is too much. Results are
//! fetched in the order of the plan, a window of bytes at a time, while later ones are still computed, and each is let go
//! when it is here.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;

use super::cluster::Cluster;
use crate::block::codec::decode_bytes;
use crate::error::{Error, Result};
use crate::exec::engine::Engine;
use crate::exec::job::Job;
use crate::exec::observe::Watch;
use crate::exec::{CancelToken, PlanJob, RunOptions, RunReport, Runtime};
use crate::graph::wire::{RemotePlan, RemoteTask};
use crate::graph::{Plan, TaskGraph, TaskId};
use crate::kernels::Registry;

const OP: &str = "run";

/// How often a waiting run looks whether it is cancelled.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);
/// What is fetched at once: bytes as the plan promises them, and results.
const WINDOW_BYTES: u64 = 64 << 20;
const WINDOW_RESULTS: usize = 1_000;
/// A scheduler takes 10,000 tasks in a second and four kilobytes for each: beyond this, larger blocks are the better plan.
const MANY_TASKS: u64 = 100_000;

/// Has the plans of a runtime run on a cluster.
#[derive(Debug)]
pub(crate) struct RemoteEngine<C> {
    cluster: C,
    registry: Registry,
    has_warned: AtomicBool,
}

impl<C: Cluster> RemoteEngine<C> {
    /// `registry` must be that of the workers.
    pub(crate) fn new(cluster: C, registry: Registry) -> Self {
        Self { cluster, registry, has_warned: AtomicBool::new(false) }
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

impl<C: Cluster> Engine for RemoteEngine<C> {
    fn run(&self, runtime: &Runtime, job: &PlanJob<'_>, options: &RunOptions) -> Result<RunReport> {
        let plan = job.plan();
        let watch = Watch::start(runtime.observers(), || Some(plan.n_roots()), runtime.n_threads(), 0);
        let run = Run { cluster: &self.cluster, job, watch: watch.as_ref(), cancel: runtime.cancel_of(options) };
        let submit = || {
            run.check_cancelled()?;
            let remote = RemotePlan::new(plan, &self.registry)?;
            self.advise(plan);
            let roots: Vec<TaskId> = (0..plan.n_roots()).map(|i| plan.root(i)).collect();
            let wanted: Vec<String> = roots.iter().map(|&root| remote.key(root)).collect();
            let tasks = remote.tasks().collect::<Result<Vec<_>>>()?;
            let futures = self.cluster.submit(tasks, &wanted)?;
            if futures.len() != roots.len() {
                return Err(Error::bug(OP, format!("{} futures of {} results", futures.len(), roots.len())));
            }
            run.fetch(roots.into_iter().zip(futures).collect())
        };
        let result = submit();
        let report = RunReport { n_tasks: plan.n_tasks(), ..RunReport::default() };
        if let Some(watch) = &watch {
            watch.run_finished(&report, result.as_ref().err());
        }
        result.map(|()| report)
    }
}

/// What the steps of one run share.
struct Run<'r, 'j, C> {
    cluster: &'r C,
    job: &'r PlanJob<'j>,
    watch: Option<&'r Watch<'r>>,
    cancel: Option<&'r CancelToken>,
}

impl<C: Cluster> Run<'_, '_, C> {
    fn check_cancelled(&self) -> Result<()> {
        if self.cancel.is_some_and(CancelToken::is_cancelled) { Err(Error::cancelled(OP)) } else { Ok(()) }
    }

    /// Fetches results and delivers them. Dropping the futures, whether all went well or not, ends what is left of the run.
    fn fetch(&self, mut waiting: VecDeque<(TaskId, C::Future)>) -> Result<()> {
        while let Some((task, future)) = waiting.pop_front() {
            while !self.cluster.wait(&future, LOOK_INTERVAL)? {
                self.check_cancelled()?;
            }
            self.check_cancelled()?;
            let (tasks, futures) = self.window(task, future, &mut waiting)?;
            let contents = self.cluster.gather(&futures)?;
            if contents.len() != tasks.len() {
                return Err(Error::bug(OP, format!("{} values of {} results", contents.len(), tasks.len())));
            }
            drop(futures);
            tasks.into_iter().zip(contents).try_for_each(|(task, content)| self.deliver(task, content))?;
        }
        Ok(())
    }

    /// A result that is there, and those after it that are there too, as many as are fetched at once.
    fn window(
        &self,
        first: TaskId,
        future: C::Future,
        waiting: &mut VecDeque<(TaskId, C::Future)>,
    ) -> Result<(Vec<TaskId>, Vec<C::Future>)> {
        let plan = self.job.plan();
        let (mut tasks, mut futures, mut n_bytes) = (vec![first], vec![future], plan.bytes(first));
        while let Some((task, future)) = waiting.pop_front() {
            n_bytes = n_bytes.saturating_add(plan.bytes(task));
            let has_room = n_bytes <= WINDOW_BYTES && tasks.len() < WINDOW_RESULTS;
            if !has_room || !self.cluster.wait(&future, Duration::ZERO)? {
                waiting.push_front((task, future));
                break;
            }
            tasks.push(task);
            futures.push(future);
        }
        Ok((tasks, futures))
    }

    fn deliver(&self, task: TaskId, content: Bytes) -> Result<()> {
        let (op, block) = self.job.describe(task);
        let start = self.watch.map(|watch| watch.task_started(task, &op, 0));
        let delivered = decode_bytes(&content, self.job.buffers()).and_then(|value| self.job.deliver(task, value));
        if let (Some(watch), Some(start)) = (self.watch, &start) {
            watch.task_finished(start, delivered.is_ok().then_some(content.len() as u64));
        }
        delivered.map_err(|error| error.at_block(&op, &block))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::{Arc, Mutex};

    use ndarray::s;
    use proptest::prelude::*;
    use serde::{Deserialize, Serialize};

    use super::super::runner::BlockRunner;
    use super::*;
    use crate::array::*;
    use crate::block::{Block, BlockData, BlockLocation, with_block};
    use crate::chunks::Chunks;
    use crate::element::{DType, Element};
    use crate::exec::remote::worker::{Inputs, Key, TaskRunner};
    use crate::io::{open_npy, save_npy};
    use crate::kernels::NamedKernel;

    /// Runs tasks where it is, knowing nothing of them but their bytes.
    #[derive(Debug)]
    struct InProcess {
        runner: BlockRunner,
        results: Mutex<HashMap<String, Bytes>>,
        /// Stops the run when something is waited for.
        cancel: CancelToken,
        is_stuck: bool,
    }

    impl InProcess {
        fn new() -> Self {
            let runner = BlockRunner::new(registry(), Some(1 << 30));
            Self { runner, results: Mutex::default(), cancel: CancelToken::new(), is_stuck: false }
        }
    }

    impl Cluster for InProcess {
        type Future = String;

        fn submit(&self, tasks: Vec<RemoteTask>, wanted: &[String]) -> Result<Vec<String>> {
            let mut results = self.results.lock().unwrap();
            for (i, task) in tasks.into_iter().enumerate() {
                assert_eq!(task.priority, i as u64);
                if results.contains_key(&task.key) {
                    continue;
                }
                let input = |dep: &String| Ok((Key::from(dep.as_str()), self.runner.decode(results[dep].clone())?));
                let inputs = Inputs::new(task.deps.iter().map(input).collect::<Result<_>>()?);
                let value = self.runner.run(&task.payload.into(), &inputs, &CancelToken::new())?;
                results.insert(task.key, self.runner.encode(&value)?);
            }
            Ok(wanted.to_vec())
        }

        fn wait(&self, _future: &String, _limit: Duration) -> Result<bool> {
            if self.is_stuck {
                self.cancel.cancel();
            }
            Ok(!self.is_stuck)
        }

        fn gather(&self, futures: &[String]) -> Result<Vec<Bytes>> {
            let results = self.results.lock().unwrap();
            Ok(futures.iter().map(|key| results[key].clone()).collect())
        }
    }

    #[derive(Serialize, Deserialize)]
    struct Scale {
        by: f64,
    }

    impl NamedKernel for Scale {
        const NAME: &'static str = "test.scale";

        fn run(&self, blocks: &[Block], _at: &BlockLocation) -> Result<Block> {
            Ok(Block::from_dense(&blocks[0].to_array::<f64>()? * self.by))
        }
    }

    fn registry() -> Registry {
        let mut registry = Registry::new();
        registry.register::<Scale>().unwrap();
        registry.register_files().unwrap();
        registry
    }

    fn remote() -> Runtime {
        Runtime::local().with_engine(Arc::new(RemoteEngine::new(InProcess::new(), registry())))
    }

    /// Type, layout, shape and every bit of two blocks.
    fn is_same(here: &Block, there: &Block) -> bool {
        fn bytes<T: Element>(data: &BlockData<T>) -> Vec<u8> {
            match data {
                BlockData::Dense(array) => T::as_bytes(&array.iter().copied().collect::<Vec<_>>()).to_vec(),
                BlockData::Sparse(coo) => {
                    let keys = format!("{:?}", coo.keys());
                    [T::as_bytes(coo.values()), T::as_bytes(&[coo.fill()]), keys.as_bytes()].concat()
                }
            }
        }
        let kind = |block: &Block| (block.dtype(), block.is_sparse(), block.shape());
        kind(here) == kind(there)
            && with_block!(here, T, data => bytes::<T>(data) == bytes::<T>(there.typed().unwrap()))
    }

    fn matrix(n_rows: usize, n_columns: usize, chunks: (u64, u64)) -> Array<f64> {
        let values: Vec<f64> = (0..n_rows * n_columns).map(|i| ((i * 37) % 101) as f64 / 7.0 - 6.5).collect();
        let flat = Array::from_vec(values, Chunks::size(chunks.0 * chunks.1)).unwrap();
        flat.reshape([n_rows as u64, n_columns as u64]).unwrap().rechunk(chunks).unwrap()
    }

    fn rows_with_positives(x: &Array<f64>) -> Result<Array<bool>> {
        x.gt(1.0)?.any_axis(1)
    }

    fn with_assigned(x: &Array<f64>, mask: bool) -> Result<Array<f64>> {
        let mut changed = x.clone();
        if mask {
            changed.assign_mask(&x.gt(0.0)?, 0.5)?;
        } else {
            changed.assign(s![..1, ..], &(x.slice(s![1..2, ..])? * 3.0))?;
        }
        Ok(changed)
    }

    fn scaled(x: &Array<f64>) -> Result<Array<f64>> {
        DynArray::map_named(&[x.as_dyn()], DType::F64, &MapBlocks::new(), &Scale { by: 0.5 })?.try_typed()
    }

    /// One operation on a matrix; an error if it cannot be applied to this one.
    fn step(x: &Array<f64>, code: u8) -> Result<Array<f64>> {
        match code {
            0 => Ok((x * x + 1.0).sqrt() - x.sin()),
            1 => x.slice(s![1.., ..]),
            2 => x.slice(s![.., ..;-2]),
            3 => rows_with_positives(x).and_then(|rows| x.mask(&rows)),
            4 => with_assigned(x, true),
            5 => with_assigned(x, false),
            6 => scaled(x),
            7 => x.rechunk((2, 5)),
            8 => Ok(x.transpose()),
            9 => tensordot(x, &x.transpose(), 1).map(|product| product * 0.01),
            10 => Ok(x.to_sparse()),
            11 => Ok(x.to_dense()),
            12 => x.sort(0),
            13 => x.cumsum(1),
            14 => x.mean_axis(0).and_then(|mean| x.try_sub(&mean)),
            15 => concatenate(&[x, &(x + 1.0)], 1),
            16 => x
                .var_axis(1)
                .and_then(|var| var.reshape([x.as_dyn().known_shape()?[0], 1]))
                .and_then(|var| x.try_mul(&var)),
            17 => x.persist(),
            _ => x.compute_chunk_sizes(),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]

        #[test]
        fn random_expressions_have_the_same_bits(
            shape in (1..9usize, 1..9usize), chunks in (1..5u64, 1..5u64), steps in prop::collection::vec(0..19u8, 1..6),
        ) {
            let build = || {
                let start = matrix(shape.0, shape.1, chunks);
                steps.iter().fold(start, |x, &code| step(&x, code).unwrap_or(x))
            };
            let here = Runtime::local().enter(|| build().as_dyn().compute_block());
            let there = remote().enter(|| build().as_dyn().compute_block());
            match (here, there) {
                (Ok(here), Ok(there)) => prop_assert!(is_same(&here, &there), "{here:?} {there:?}"),
                (Err(here), Err(there)) => prop_assert_eq!(here.is_usage(), there.is_usage()),
                (here, there) => prop_assert!(false, "{here:?} {there:?}"),
            }
        }
    }

    #[test]
    fn every_step_can_be_taken() {
        let x = matrix(6, 7, (3, 4));
        for code in 0..19 {
            remote().enter(|| step(&x, code).unwrap().as_dyn().compute_block()).unwrap();
        }
    }

    #[test]
    fn results_are_fetched_in_windows_and_files_are_written() {
        let x = matrix(40, 40, (2, 2));
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.npy");
        remote().enter(|| save_npy(&(&x + 1.0), &path)).unwrap();
        let read = open_npy(&path, Chunks::size(7)).unwrap();
        let sum = read.sum_with(&Reduce::all()).unwrap();
        let there = remote().enter(|| sum.compute_block()).unwrap();
        assert!(is_same(&there, &sum.compute_block().unwrap()));
    }

    #[test]
    fn closures_are_refused_with_a_remedy() {
        let x = matrix(4, 4, (2, 2)).map_blocks(|block| Ok((&block.dense()? * 2.0).into())).unwrap();
        let error = remote().enter(|| x.compute()).unwrap_err();
        assert!(error.is_usage() && error.op() == "map_blocks", "{error:?}");
        assert!(error.to_string().contains("`NamedKernel`"), "{error}");
        assert!(Runtime::local().enter(|| x.compute()).is_ok());
    }

    #[test]
    fn a_run_that_waits_can_be_cancelled() {
        let cluster = InProcess { is_stuck: true, ..InProcess::new() };
        let token = cluster.cancel.clone();
        let runtime =
            Runtime::local().with_engine(Arc::new(RemoteEngine::new(cluster, registry()))).cancel_token(token);
        let error = runtime.enter(|| matrix(4, 4, (2, 2)).sum().compute()).unwrap_err();
        assert!(error.is_cancelled(), "{error}");
        let error = runtime.enter(|| matrix(4, 4, (2, 2)).sum().compute()).unwrap_err();
        assert!(error.is_cancelled(), "it is before anything is submitted: {error}");
    }

    #[test]
    fn observers_hear_of_results() {
        let profile = Arc::new(crate::diag::Profile::new());
        let runtime = remote().observer(profile.clone());
        runtime.enter(|| (matrix(4, 4, (2, 2)) + 1.0).compute()).unwrap();
        assert_eq!(profile.n_tasks(), 4);
    }

    #[test]
    fn advice_names_numbers_and_remedy() {
        let text = advice(200_000);
        assert!(text.contains("200000 tasks") && text.contains("rechunk"), "{text}");
    }
}
