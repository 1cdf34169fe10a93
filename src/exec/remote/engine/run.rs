//! One run on a cluster.
//!
//! All tasks are submitted at once; who computes them has the memory for them, and spills what is too much. Results are
//! fetched in the order of the plan, a window of bytes at a time, while later ones are still computed, and each is let go
//! when it is here.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;

use super::cluster::Cluster;
use super::kept::KeptBlocks;
use crate::block::BlockSource;
use crate::block::codec::decode_bytes;
use crate::error::{Error, Result};
use crate::exec::engine::{Engine, Kept};
use crate::exec::job::Job;
use crate::exec::observe::Watch;
use crate::exec::{CancelToken, PlanJob, RunOptions, RunReport, Runtime};
use crate::graph::wire::{HeldBlocks, RemotePlan};
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
    cluster: Arc<C>,
    registry: Registry,
    has_warned: AtomicBool,
}

impl<C: Cluster> RemoteEngine<C> {
    /// `registry` must be that of the workers.
    pub(crate) fn new(cluster: C, registry: Registry) -> Self {
        Self { cluster: Arc::new(cluster), registry, has_warned: AtomicBool::new(false) }
    }

    /// Has the tasks of a plan computed. Gives its results, and what the keys of each output begin with.
    fn submit(&self, plan: &Plan) -> Result<(Roots<C>, Vec<String>)> {
        let remote = RemotePlan::on(Some(self.cluster.id()), plan, &self.registry)?;
        self.advise(plan);
        let roots: Vec<TaskId> = (0..plan.n_roots()).map(|i| plan.root(i)).collect();
        let keys = |is_held: bool| -> Vec<String> {
            roots.iter().filter(|&&root| remote.is_held(root) == is_held).map(|&root| remote.key(root)).collect()
        };
        let (held, wanted) = (keys(true), keys(false));
        let tasks = remote.tasks().collect::<Result<Vec<_>>>()?;
        let mut made = if wanted.is_empty() { Vec::new() } else { self.cluster.submit(tasks, &wanted)? }.into_iter();
        let mut held = if held.is_empty() { Vec::new() } else { self.cluster.join(&held)? }.into_iter();
        let missing = || Error::bug(OP, "a result has no future");
        let mut future = |root: TaskId| -> Result<(TaskId, C::Future)> {
            let future = if remote.is_held(root) { held.next() } else { made.next() };
            Ok((root, future.ok_or_else(missing)?))
        };
        let futures = roots.iter().map(|&root| future(root)).collect::<Result<_>>()?;
        Ok((futures, (0..plan.outputs().len()).map(|i| remote.output_group(i).to_owned()).collect()))
    }

    /// Says, once, that a plan has more tasks than a scheduler takes with ease.
    fn advise(&self, plan: &Plan) {
        let n_tasks = plan.n_tasks();
        if n_tasks > MANY_TASKS && !self.has_warned.swap(true, Ordering::Relaxed) {
            eprintln!("{}", advice(n_tasks));
        }
    }
}

/// Tells observers of a run, and runs it.
fn watched<T>(
    runtime: &Runtime,
    plan: &Plan,
    n_tasks: u64,
    run: impl FnOnce(Option<&Watch<'_>>) -> Result<T>,
) -> Result<(T, RunReport)> {
    let watch = Watch::start(runtime.observers(), || Some(n_tasks), runtime.n_threads(), 0);
    let result = run(watch.as_ref());
    let report = RunReport { n_tasks: plan.n_tasks(), ..RunReport::default() };
    if let Some(watch) = &watch {
        watch.run_finished(&report, result.as_ref().err());
    }
    Ok((result?, report))
}

/// The tasks whose results are asked for, and the results.
type Roots<C> = VecDeque<(TaskId, <C as Cluster>::Future)>;

fn advice(n_tasks: u64) -> String {
    format!(
        "hyperslab: this run has {n_tasks} tasks, and a scheduler takes about 10000 in a second: rechunk to larger blocks \
         (100 MB are good on a cluster), or raise HYPERSLAB_CHUNK_BYTES for `Chunks::auto()`"
    )
}

impl<C: Cluster> Engine for RemoteEngine<C> {
    fn runs_here(&self) -> bool {
        false
    }

    fn run(&self, runtime: &Runtime, job: &PlanJob<'_>, options: &RunOptions) -> Result<RunReport> {
        let (plan, cancel) = (job.plan(), runtime.cancel_of(options));
        let fetch = |watch: Option<&Watch<'_>>| -> Result<()> {
            check_cancelled(cancel)?;
            let (roots, _) = self.submit(plan)?;
            Run { cluster: &*self.cluster, job, watch, cancel }.fetch(roots)
        };
        let ((), report) = watched(runtime, plan, plan.n_roots(), fetch)?;
        Ok(report)
    }

    fn keep(&self, runtime: &Runtime, plan: &Plan, options: &RunOptions) -> Result<Option<Kept>> {
        let cancel = runtime.cancel_of(options);
        let keep = |_: Option<&Watch<'_>>| -> Result<Kept> {
            check_cancelled(cancel)?;
            let (roots, groups) = self.submit(plan)?;
            roots.iter().try_for_each(|(_, future)| wait(&*self.cluster, future, cancel))?;
            let mut futures = roots.into_iter().map(|(_, future)| future);
            let source = |(i, group): (usize, String)| {
                let n_blocks = plan.roots_of(i).count();
                let held = HeldBlocks { cluster: self.cluster.id(), group };
                let futures = futures.by_ref().take(n_blocks).collect();
                Arc::new(KeptBlocks { cluster: Arc::clone(&self.cluster), futures, held }) as Arc<dyn BlockSource>
            };
            Ok(groups.into_iter().enumerate().map(source).collect())
        };
        let (kept, _) = watched(runtime, plan, 0, keep)?;
        Ok(Some(kept))
    }
}

fn check_cancelled(cancel: Option<&CancelToken>) -> Result<()> {
    if cancel.is_some_and(CancelToken::is_cancelled) { Err(Error::cancelled(OP)) } else { Ok(()) }
}

/// Waits until a result is there.
fn wait<C: Cluster>(cluster: &C, future: &C::Future, cancel: Option<&CancelToken>) -> Result<()> {
    while !cluster.wait(future, LOOK_INTERVAL)? {
        check_cancelled(cancel)?;
    }
    check_cancelled(cancel)
}

/// What the steps of one run share.
struct Run<'r, 'j, C> {
    cluster: &'r C,
    job: &'r PlanJob<'j>,
    watch: Option<&'r Watch<'r>>,
    cancel: Option<&'r CancelToken>,
}

impl<C: Cluster> Run<'_, '_, C> {
    /// Fetches results and delivers them. Dropping the futures, whether all went well or not, ends what is left of the run.
    fn fetch(&self, mut waiting: Roots<C>) -> Result<()> {
        while let Some((task, future)) = waiting.pop_front() {
            wait(self.cluster, &future, self.cancel)?;
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
        waiting: &mut Roots<C>,
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
    use std::sync::Mutex;

    use ndarray::s;
    use proptest::prelude::*;
    use serde::{Deserialize, Serialize};

    use super::super::runner::BlockRunner;
    use super::*;
    use crate::array::*;
    use crate::block::testing::is_same;
    use crate::block::{Block, BlockLocation};
    use crate::chunks::Chunks;
    use crate::element::DType;
    use crate::exec::remote::worker::{Inputs, Key, TaskRunner};
    use crate::graph::wire::RemoteTask;
    use crate::io::{open_npy, save_npy};
    use crate::kernels::{NamedGufunc, NamedKernel};

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

        fn id(&self) -> u128 {
            7
        }

        fn join(&self, keys: &[String]) -> Result<Vec<String>> {
            Ok(keys.to_vec())
        }

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

    /// Blocks with a number taken away, and what is above it.
    #[derive(Serialize, Deserialize)]
    struct Cut {
        at: f64,
    }

    impl NamedGufunc for Cut {
        const NAME: &'static str = "test.cut";

        fn run(&self, blocks: &[Block], _at: &BlockLocation) -> Result<Vec<Block>> {
            let x = blocks[0].to_array::<f64>()?;
            let above = x.mapv(|value| value > self.at);
            Ok(vec![Block::from_dense(&x - self.at), Block::from_dense(above)])
        }
    }

    fn registry() -> Registry {
        let mut registry = Registry::new();
        registry.register::<Scale>().unwrap();
        registry.register_gufunc::<Cut>().unwrap();
        registry.register_files().unwrap();
        registry
    }

    fn remote() -> Runtime {
        Runtime::local().with_engine(Arc::new(RemoteEngine::new(InProcess::new(), registry())))
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

    /// Both results of a function, combined.
    fn cut(x: &Array<f64>) -> Result<Array<f64>> {
        let made = Gufunc::new("()->(),()")?.map_named(&[x.as_dyn()], &[DType::F64, DType::Bool], &Cut { at: 1.5 })?;
        where_(&made[1].try_typed::<bool>()?, &made[0].try_typed::<f64>()?, 0.0)
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
            18 => cut(x),
            _ => x.compute_chunk_sizes(),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]

        #[test]
        fn random_expressions_have_the_same_bits(
            shape in (1..9usize, 1..9usize), chunks in (1..5u64, 1..5u64), steps in prop::collection::vec(0..20u8, 1..6),
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
        for code in 0..20 {
            remote().enter(|| step(&x, code).unwrap().as_dyn().compute_block()).unwrap();
        }
    }

    #[test]
    fn files_are_written_where_blocks_are_computed() {
        let x = matrix(40, 40, (2, 2));
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.npy");
        remote().enter(|| save_npy(&(&x + 1.0), &path)).unwrap();
        #[cfg(feature = "zarr")]
        {
            let path = dir.path().join("x.zarr");
            let uneven = (&x + 1.0).rechunk((7, 40)).unwrap();
            remote().enter(|| crate::io::save_zarr(&uneven, &path)).unwrap();
            let read = crate::io::open_zarr(&path).unwrap().compute_block().unwrap();
            assert!(is_same(&read, &uneven.as_dyn().compute_block().unwrap()));
        }
        let read = open_npy(&path, Chunks::size(7)).unwrap();
        let sum = read.sum_with(&Reduce::all()).unwrap();
        let there = remote().enter(|| sum.compute_block()).unwrap();
        assert!(is_same(&there, &sum.compute_block().unwrap()));
    }

    #[test]
    fn persisted_blocks_stay_where_they_are() {
        let runtime = remote();
        let x = matrix(6, 7, (3, 4));
        let kept = runtime.enter(|| (&x + 1.0).persist()).unwrap();
        assert!(kept.as_dyn().expr().op().source().is_some_and(|source| !source.is_in_memory()));
        let sum = kept.sum_axis(0).unwrap();
        let here = (&x + 1.0).sum_axis(0).unwrap().as_dyn().compute_block().unwrap();
        let there = runtime.enter(|| sum.as_dyn().compute_block()).unwrap();
        assert!(is_same(&here, &there));
        // Threads fetch what they read, results that are there already are fetched as they are, and so is nothing at all.
        assert!(is_same(&here, &sum.as_dyn().compute_block().unwrap()));
        let part = kept.slice(s![1..3, 2..]).unwrap();
        let there = runtime.enter(|| part.as_dyn().compute_block()).unwrap();
        assert!(is_same(&there, &part.as_dyn().compute_block().unwrap()), "parts of blocks have no names");
        let whole = runtime.enter(|| kept.as_dyn().compute_block()).unwrap();
        assert!(is_same(&whole, &(&x + 1.0).as_dyn().compute_block().unwrap()));
        let plan = sum.plan().unwrap();
        let tasks: Vec<_> = RemotePlan::on(Some(7), &plan, &registry()).unwrap().tasks().map(Result::unwrap).collect();
        assert!(!tasks.is_empty() && tasks.iter().all(|task| task.key.starts_with("('sum")), "{tasks:?}");
        let error = RemotePlan::on(Some(8), &plan, &registry()).unwrap_err();
        assert!(error.is_usage() && error.to_string().contains("another cluster"), "{error}");
    }

    #[test]
    fn closures_are_refused_with_a_remedy() {
        let x = matrix(4, 4, (2, 2)).map_blocks(|block| Ok((&block.dense()? * 2.0).into())).unwrap();
        let error = remote().enter(|| x.compute()).unwrap_err();
        assert!(error.is_usage() && error.op() == "map_blocks", "{error:?}");
        assert!(error.to_string().contains("`NamedKernel`"), "{error}");
        assert!(Runtime::local().enter(|| x.compute()).is_ok());
        let ends: Array<f64> = matrix(4, 4, (2, 4)).reduce_along_axis(1, |lane| lane[0]).unwrap();
        let error = remote().enter(|| ends.compute()).unwrap_err();
        assert!(error.is_usage() && error.op() == "gufunc", "{error:?}");
        assert!(error.to_string().contains("`Gufunc::map_named`"), "{error}");
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
