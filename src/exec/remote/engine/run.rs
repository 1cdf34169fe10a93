//! One run on a cluster.
//!
//! All tasks are submitted at once; who computes them has the memory for them, and spills what is too much. Results are
//! fetched in the order of the plan, a window of bytes at a time, while later ones are still computed, and each is let go
//! when it is here.
//!
//! What was computed on a worker that dies is computed again. Blocks of memory that were put on a worker are not: with them
//! what needs them is given up, and what is left of the run is submitted once more, with the blocks put on workers anew.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::cluster::Cluster;
use super::kept::KeptBlocks;
use super::submit::{RemoteEngine, Submitted, Transport};
use crate::block::BlockSource;
use crate::block::codec::decode_bytes;
use crate::error::{Error, Result};
use crate::exec::driver::panic_text;
use crate::exec::engine::{Engine, Kept};
use crate::exec::job::Job;
use crate::exec::observe::Watch;
use crate::exec::{CancelToken, PlanJob, RunOptions, RunReport, Runtime};
use crate::graph::wire::HeldBlocks;
use crate::graph::{Plan, TaskGraph, TaskId};

pub(super) const OP: &str = "run";

/// How often a waiting run looks whether it is cancelled.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);
/// What is on its way at once: bytes as the plan promises them, and results.
pub(super) const WINDOW_BYTES: u64 = 64 << 20;
const WINDOW_RESULTS: usize = 1_000;
/// How often a run may be submitted. A task that kills its worker must come to an end, as it does on the scheduler.
const MOST_ATTEMPTS: usize = 3;

/// Tells observers of a run, and runs it.
fn watched<T>(
    runtime: &Runtime,
    plan: &Plan,
    run: impl FnOnce(Option<&Watch<'_>>) -> Result<T>,
) -> Result<(T, RunReport)> {
    let watch = Watch::start(runtime.observers(), || Some(plan.n_roots()), runtime.n_threads(), 0);
    // A task's own panics are its errors already: this is about observers, and ends only this run.
    let result = catch_unwind(AssertUnwindSafe(|| run(watch.as_ref()))).unwrap_or_else(|panic| {
        let detail = format!("the plan or an observer panicked: {}", panic_text(&*panic));
        Err(Error::bug(OP, detail))
    });
    // How many tasks of a run that failed have ended, and what all of it took there, is not told.
    let n_tasks = if result.is_ok() { plan.n_tasks() } else { 0 };
    let report = RunReport { n_tasks, ..RunReport::default() };
    if let Some(watch) = &watch {
        watch.run_finished(&report, result.as_ref().err());
    }
    Ok((result?, report))
}

fn roots_of(plan: &Plan) -> VecDeque<TaskId> {
    (0..plan.n_roots()).map(|i| plan.root(i)).collect()
}

impl<C: Cluster> Engine for RemoteEngine<C> {
    fn runs_here(&self) -> bool {
        false
    }

    fn run(&self, runtime: &Runtime, job: &PlanJob<'_>, options: &RunOptions) -> Result<RunReport> {
        let (plan, cancel) = (job.plan(), runtime.cancel_of(options));
        let fetch = |watch: Option<&Watch<'_>>| -> Result<()> {
            let run = Run { cluster: self.cluster(), job, watch, cancel };
            let mut rest = roots_of(plan);
            let mut n_attempts = 0;
            loop {
                n_attempts += 1;
                let mut sent = self.submit(plan, &rest, Transport::Apart, cancel)?;
                let Err(error) = run.fetch(&mut rest, &mut sent) else { return Ok(()) };
                if !sent.has_lost_blocks(self.cluster(), &error) {
                    return Err(error);
                }
                if n_attempts == MOST_ATTEMPTS {
                    return Err(lost_again(n_attempts, &error));
                }
            }
        };
        let since = Instant::now();
        let ((), report) = watched(runtime, plan, fetch)?;
        self.look_back(plan, since.elapsed());
        Ok(report)
    }

    fn keep(&self, runtime: &Runtime, plan: &Plan, options: &RunOptions) -> Result<Option<Kept>> {
        let cancel = runtime.cancel_of(options);
        let keep = |watch: Option<&Watch<'_>>| -> Result<Kept> {
            let roots = roots_of(plan);
            // Blocks that are kept must be such that they can be computed again, as long as they are kept.
            let Submitted { futures, groups, .. } = self.submit(plan, &roots, Transport::WithTasks, cancel)?;
            wait_for_all(self.cluster(), &roots, &futures, plan, watch, cancel)?;
            let mut futures = futures.into_iter();
            let source = |(i, group): (usize, String)| {
                let n_blocks = plan.roots_of(i).count();
                let held = HeldBlocks { cluster: self.cluster().id(), group };
                let futures = futures.by_ref().take(n_blocks).collect();
                Arc::new(KeptBlocks { cluster: self.share_cluster(), futures, held }) as Arc<dyn BlockSource>
            };
            Ok(groups.into_iter().enumerate().map(source).collect())
        };
        let (kept, _) = watched(runtime, plan, keep)?;
        Ok(Some(kept))
    }
}

fn lost_again(n_attempts: usize, last: &Error) -> Error {
    let detail = format!(
        "workers died {n_attempts} times with blocks of memory that had been sent to them, and the run was submitted as \
         often; the last time: {last}"
    );
    let error = Error::remote(OP, "the cluster", detail).with_source(last.clone());
    error.with_remedy("look into the workers' logs, or save the array to a file that workers open")
}

pub(super) fn check_cancelled(cancel: Option<&CancelToken>) -> Result<()> {
    if cancel.is_some_and(CancelToken::is_cancelled) { Err(Error::cancelled(OP)) } else { Ok(()) }
}

/// Waits until a result is there.
pub(super) fn wait<C: Cluster>(cluster: &C, future: &C::Future, cancel: Option<&CancelToken>) -> Result<()> {
    while !cluster.wait(future, LOOK_INTERVAL)? {
        check_cancelled(cancel)?;
    }
    check_cancelled(cancel)
}

/// Waits until all results are there; observers hear of each.
fn wait_for_all<C: Cluster>(
    cluster: &C,
    roots: &VecDeque<TaskId>,
    futures: &VecDeque<C::Future>,
    plan: &Plan,
    watch: Option<&Watch<'_>>,
    cancel: Option<&CancelToken>,
) -> Result<()> {
    let mut is_told = vec![false; roots.len()];
    let mut tell = |i: usize| {
        if let Some(watch) = watch.filter(|_| !std::mem::replace(&mut is_told[i], true)) {
            watch.task_finished(&watch.task_started(roots[i], &plan.layer(roots[i]).label, 0), Some(0));
        }
    };
    for (i, future) in futures.iter().enumerate() {
        while !cluster.wait(future, LOOK_INTERVAL)? {
            check_cancelled(cancel)?;
            if watch.is_some() {
                let later = futures.iter().enumerate().skip(i + 1);
                later
                    .filter(|(_, future)| cluster.wait(future, Duration::ZERO).is_ok_and(|is_there| is_there))
                    .for_each(|(later, _)| tell(later));
            }
        }
        tell(i);
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
    /// Fetches results and delivers them; those that are not delivered stay in `rest`.
    fn fetch(&self, rest: &mut VecDeque<TaskId>, sent: &mut Submitted<C>) -> Result<()> {
        while let Some(first) = sent.futures.front() {
            wait(self.cluster, first, self.cancel)?;
            let n_ready = self.n_ready(rest, &sent.futures)?;
            let contents = self.cluster.gather(&sent.futures.make_contiguous()[..n_ready])?;
            if contents.len() != n_ready {
                return Err(Error::bug(OP, format!("{} values of {n_ready} results", contents.len())));
            }
            drop(sent.futures.drain(..n_ready));
            for content in contents {
                let task = rest.pop_front().ok_or_else(|| Error::bug(OP, "more results than tasks"))?;
                self.deliver(task, content)?;
            }
        }
        Ok(())
    }

    /// How many results are fetched at once: the first one, which is there, and those after it that are there too.
    fn n_ready(&self, tasks: &VecDeque<TaskId>, futures: &VecDeque<C::Future>) -> Result<usize> {
        let plan = self.job.plan();
        let mut n_bytes = 0u64;
        for (n_ready, (&task, future)) in tasks.iter().zip(futures).enumerate() {
            n_bytes = n_bytes.saturating_add(plan.bytes(task));
            let has_room = n_bytes <= WINDOW_BYTES && n_ready < WINDOW_RESULTS;
            if n_ready > 0 && (!has_room || !self.cluster.wait(future, Duration::ZERO)?) {
                return Ok(n_ready);
            }
        }
        Ok(futures.len())
    }

    fn deliver(&self, task: TaskId, content: Bytes) -> Result<()> {
        let (op, block) = self.job.describe(task);
        let start = self.watch.map(|watch| watch.task_started(task, &op, 0));
        let take = || decode_bytes(&content, self.job.buffers()).and_then(|value| self.job.deliver(task, value));
        // The sink may be the user's.
        let delivered = match catch_unwind(AssertUnwindSafe(take)) {
            Ok(taken) => taken.map_err(|error| error.at_block(&op, &block)),
            Err(panic) => Err(Error::task(&op, &block, &format!("it panicked: {}", panic_text(&*panic)))),
        };
        if let (Some(watch), Some(start)) = (self.watch, &start) {
            watch.task_finished(start, delivered.is_ok().then_some(content.len() as u64));
        }
        delivered
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicU64, Ordering};

    use ndarray::s;
    use proptest::prelude::*;
    use serde::{Deserialize, Serialize};

    use super::super::runner::BlockRunner;
    use super::*;
    use crate::array::*;
    use crate::block::testing::is_same;
    use crate::block::{Block, BlockLocation, BlockSink};
    use crate::chunks::Chunks;
    use crate::element::DType;
    use crate::exec::remote::worker::{Inputs, Key, TaskRunner};
    use crate::exec::{Observer, RunStart, TaskFinish, TaskStart};
    use crate::graph::wire::{RemotePlan, RemoteTask, Site};
    use crate::io::{open_npy, save_npy};
    use crate::kernels::{NamedGufunc, NamedKernel, Registry};

    /// Runs tasks where it is, knowing nothing of them but their bytes.
    #[derive(Debug)]
    struct InProcess {
        runner: BlockRunner,
        results: Mutex<HashMap<String, Bytes>>,
        /// Stops the run when something is waited for.
        cancel: CancelToken,
        is_stuck: bool,
        /// Values that were scattered.
        scattered: Mutex<Vec<String>>,
        /// How often what was scattered is lost when tasks need it.
        n_losses: Mutex<usize>,
        lost: Mutex<HashSet<String>>,
        has_workers: bool,
        n_runs: AtomicU64,
    }

    impl InProcess {
        fn new() -> Self {
            let runner = BlockRunner::new(registry(), Some(1 << 30));
            Self {
                runner,
                results: Mutex::default(),
                cancel: CancelToken::new(),
                is_stuck: false,
                scattered: Mutex::default(),
                n_losses: Mutex::default(),
                lost: Mutex::default(),
                has_workers: true,
                n_runs: AtomicU64::new(0),
            }
        }
    }

    impl Cluster for InProcess {
        type Future = String;

        fn id(&self) -> u128 {
            7
        }

        fn n_threads(&self) -> Result<usize> {
            Ok(1)
        }

        fn join(&self, keys: &[String]) -> Result<Vec<String>> {
            Ok(keys.to_vec())
        }

        fn manifests(&self) -> Result<Vec<(String, Vec<String>)>> {
            Ok(vec![("here".into(), self.runner.manifest())])
        }

        fn fresh_id(&self) -> u128 {
            u128::from(self.n_runs.fetch_add(1, Ordering::Relaxed))
        }

        fn scatter(&self, values: Vec<(String, Bytes)>) -> Result<Vec<String>> {
            if !self.has_workers {
                return Err(Error::remote("scatter", "test", "there are no workers"));
            }
            let keys: Vec<String> = values.iter().map(|(key, _)| key.clone()).collect();
            self.scattered.lock().unwrap().extend(keys.iter().cloned());
            self.results.lock().unwrap().extend(values);
            Ok(keys)
        }

        fn submit(&self, tasks: Vec<RemoteTask>, wanted: &[String]) -> Result<Vec<String>> {
            let mut results = self.results.lock().unwrap();
            let mut n_losses = self.n_losses.lock().unwrap();
            let scattered = self.scattered.lock().unwrap();
            if *n_losses > 0 && tasks.iter().flat_map(|task| &task.deps).any(|dep| scattered.contains(dep)) {
                *n_losses -= 1;
                scattered.iter().for_each(|key| drop(results.remove(key)));
                self.lost.lock().unwrap().extend(wanted.iter().chain(scattered.iter()).cloned());
                return Ok(wanted.to_vec());
            }
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

        fn submit_urgently(&self, tasks: Vec<RemoteTask>, wanted: &[String]) -> Result<Vec<String>> {
            self.submit(tasks, wanted)
        }

        fn wait(&self, future: &String, _limit: Duration) -> Result<bool> {
            if self.lost.lock().unwrap().contains(future) {
                return Err(Error::lost("test", future, "given up"));
            }
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

    /// Blocks of memory, however small, travel apart from the tasks, and are lost so often.
    fn apart(n_losses: usize) -> (Arc<RemoteEngine<InProcess>>, Runtime) {
        let cluster = InProcess { n_losses: Mutex::new(n_losses), ..InProcess::new() };
        let engine = Arc::new(RemoteEngine::new(cluster, registry()).apart_from(0));
        (engine.clone(), Runtime::local().with_engine(engine))
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
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn random_expressions_have_the_same_bits(
            shape in (1..9usize, 1..9usize), chunks in (1..5u64, 1..5u64), steps in prop::collection::vec(0..20u8, 1..6),
            is_apart in any::<bool>(), n_losses in 0..2usize,
        ) {
            let build = || {
                let start = matrix(shape.0, shape.1, chunks);
                steps.iter().fold(start, |x, &code| step(&x, code).unwrap_or(x))
            };
            let here = Runtime::local().enter(|| build().as_dyn().compute_block());
            let runtime = if is_apart { apart(n_losses).1 } else { remote() };
            let there = runtime.enter(|| build().as_dyn().compute_block());
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

    fn site(cluster: u128) -> Site {
        Site { cluster: Some(cluster), apart: None }
    }

    #[test]
    fn blocks_of_memory_are_sent_again_when_they_are_lost() {
        let x = matrix(12, 7, (3, 4));
        let sum = || (&x + 1.0).sum_axis(0).unwrap();
        let here = sum().as_dyn().compute_block().unwrap();
        for n_losses in 0..MOST_ATTEMPTS {
            let (engine, runtime) = apart(n_losses);
            assert!(is_same(&here, &runtime.enter(|| sum().as_dyn().compute_block()).unwrap()), "{n_losses}");
            let scattered = engine.cluster().scattered.lock().unwrap().clone();
            let n_kinds = scattered.iter().collect::<HashSet<_>>().len();
            assert!(!scattered.is_empty() && scattered.len() % (n_losses + 1) == 0, "{scattered:?}");
            assert_eq!(scattered.len(), n_kinds, "keys of attempts differ");
        }
        let error = apart(MOST_ATTEMPTS).1.enter(|| sum().compute()).unwrap_err();
        assert!(error.is_remote() && error.to_string().contains("died 3 times"), "{error}");
        assert!(error.to_string().contains("save the array to a file"), "{error}");
    }

    #[test]
    fn workers_that_know_other_things_are_named_before_anything_is_sent() {
        let engine = Arc::new(RemoteEngine::new(InProcess::new(), Registry::new()));
        let runtime = Runtime::local().with_engine(engine.clone());
        let error = runtime.enter(|| matrix(4, 4, (2, 2)).sum().scalar()).unwrap_err();
        let text = error.to_string();
        assert!(error.is_usage() && text.contains("here: ") && text.contains("only the peer has ("), "{text}");
        assert!(text.contains("kernel test.scale 1, gufunc test.cut 1"), "{text}");
        assert!(engine.cluster().results.lock().unwrap().is_empty());
    }

    #[test]
    fn without_workers_tasks_wait_with_their_blocks() {
        let cluster = InProcess { has_workers: false, ..InProcess::new() };
        let runtime = Runtime::local().with_engine(Arc::new(RemoteEngine::new(cluster, registry()).apart_from(0)));
        let sum = || matrix(12, 7, (3, 4)).sum().scalar().unwrap().to_bits();
        assert_eq!(runtime.enter(sum), sum());
    }

    #[test]
    fn small_arrays_and_what_is_kept_travel_with_tasks() {
        let engine = Arc::new(RemoteEngine::new(InProcess::new(), registry()));
        let runtime = Runtime::local().with_engine(engine.clone());
        let n_scattered = || engine.cluster().scattered.lock().unwrap().len();
        runtime.enter(|| matrix(12, 7, (3, 4)).sum().scalar()).unwrap();
        assert_eq!(n_scattered(), 0);
        let large = Array::<f64>::from_vec((0..10_000).map(f64::from).collect(), Chunks::size(4_000)).unwrap();
        let kept = runtime.enter(|| (&large + 1.0).persist()).unwrap();
        assert_eq!(n_scattered(), 0);
        assert_eq!(runtime.enter(|| (&kept + &large).sum().scalar()).unwrap(), 10_000.0 * 10_000.0);
        assert_eq!(n_scattered(), 3);
    }

    #[test]
    fn only_the_results_that_are_left_are_asked_for_again() {
        let x = matrix(12, 7, (3, 7));
        let plan = (&x + 1.0).plan().unwrap();
        let remote = RemotePlan::on(site(7), &plan, &registry()).unwrap();
        let all = remote.tasks().count();
        let one = remote.tasks_of(HashSet::from([plan.root(2)])).count();
        assert_eq!((all % 4, one), (0, all / 4));
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
        let tasks: Vec<_> = RemotePlan::on(site(7), &plan, &registry()).unwrap().tasks().map(Result::unwrap).collect();
        assert!(!tasks.is_empty() && tasks.iter().all(|task| task.key.starts_with("('sum")), "{tasks:?}");
        let error = RemotePlan::on(site(8), &plan, &registry()).unwrap_err();
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

    /// Takes blocks, but not the third.
    #[derive(Debug)]
    struct Picky;

    impl BlockSink for Picky {
        fn format(&self) -> &'static str {
            "picky"
        }

        fn write(&self, at: &BlockLocation, _block: &Block) -> Result<()> {
            assert!(at.number() != 2, "no third block");
            Ok(())
        }
    }

    #[test]
    fn a_panic_of_a_sink_or_an_observer_is_an_error_of_the_run() {
        let array = || matrix(4, 4, (2, 2)) + 1.0;
        let error = remote().enter(|| array().as_dyn().store(Arc::new(Picky))).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("block (1, 0) failed: it panicked: no third block"), "{text}");
        assert_eq!(error.op(), Runtime::local().enter(|| array().as_dyn().store(Arc::new(Picky))).unwrap_err().op());

        struct Shy;
        impl Observer for Shy {
            fn task_started(&self, _: &TaskStart<'_>) {
                panic!("who looks?");
            }
        }
        let error = remote().observer(Arc::new(Shy)).enter(|| array().compute()).unwrap_err();
        assert!(error.to_string().contains("an observer panicked: who looks?"), "{error}");
        assert_eq!(remote().enter(|| array().sum().scalar()).unwrap(), array().sum().scalar().unwrap());
    }

    /// What it was told: how many tasks there are, and how many have ended.
    #[derive(Default)]
    struct Told(AtomicU64, AtomicU64);

    impl Observer for Told {
        fn run_started(&self, run: &RunStart) {
            self.0.store(run.n_tasks.unwrap(), Ordering::Relaxed);
        }

        fn task_finished(&self, task: &TaskFinish<'_>) {
            assert!(!task.failed);
            self.1.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn observers_hear_of_results() {
        let profile = Arc::new(crate::diag::Profile::new());
        let runtime = remote().observer(profile.clone());
        runtime.enter(|| (matrix(4, 4, (2, 2)) + 1.0).compute()).unwrap();
        assert_eq!(profile.n_tasks(), 4);
        let told = Arc::new(Told::default());
        let runtime = remote().observer(told.clone());
        runtime.enter(|| (matrix(4, 4, (1, 2)) + 1.0).persist()).unwrap();
        assert_eq!((told.0.load(Ordering::Relaxed), told.1.load(Ordering::Relaxed)), (8, 8));
    }
}
