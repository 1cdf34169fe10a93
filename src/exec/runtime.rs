//! Where runs happen: threads, memory and observers, gathered in one value.

use std::cell::RefCell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use crate::block::BufferPool;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::graph::Plan;

use super::cancel::CancelToken;
use super::driver::{Context, Core, panic_text};
use super::engine::{Engine, Kept, Threads};
use super::job::Job;
use super::memory::{Budget, parse_bytes};
use super::observe::{Observer, Watch};
use super::options::{RunOptions, RunReport};
use super::plan_job::PlanJob;
use super::spill::SpillStore;
use super::{pool, serial};

/// Threads, a memory budget and observers: where expressions are computed.
///
/// Cloning copies a pointer; clones share the budget and the threads, so that runs at the same time fit into memory
/// together. Everything that computes uses [`Runtime::current`], the innermost one entered on this thread, or else one
/// built from [`Config::global`].
///
/// # Examples
/// ```
/// use hyperslab::exec::Runtime;
/// let runtime = Runtime::local().threads(2).memory_text("256MiB")?;
/// runtime.enter(|| assert_eq!(Runtime::current().budget().limit_bytes(), 256 << 20));
/// # Ok::<(), hyperslab::Error>(())
/// ```
#[derive(Clone)]
pub struct Runtime(Arc<Parts>);

#[derive(Clone)]
struct Parts {
    engine: Arc<dyn Engine>,
    serial: bool,
    pool: pool::Pool,
    budget: Budget,
    buffers: Arc<BufferPool>,
    observers: Vec<Arc<dyn Observer>>,
    cancel: Option<CancelToken>,
    disk: Option<SpillStore>,
}

/// A budget, and a store for the memory of finished blocks that may hold a small part of it.
fn memory_of(limit_bytes: u64) -> (Budget, Arc<BufferPool>) {
    const POOLED_PART: u64 = 8;
    let pooled_bytes = usize::try_from(limit_bytes / POOLED_PART).unwrap_or(usize::MAX);
    (Budget::new(limit_bytes), Arc::new(BufferPool::new(pooled_bytes)))
}

impl Runtime {
    /// A runtime on this machine with the settings of [`Config::global`].
    ///
    /// # Examples
    /// ```
    /// use hyperslab::config::Config;
    /// use hyperslab::prelude::*;
    /// assert_eq!(Runtime::local().budget().limit_bytes(), Config::global().memory_bytes());
    /// ```
    pub fn local() -> Self {
        let config = Config::global();
        let pool = pool::Pool::new(config.threads());
        let (budget, buffers) = memory_of(config.memory_bytes());
        let engine = Arc::new(Threads);
        Self(Arc::new(Parts {
            engine,
            serial: false,
            pool,
            budget,
            buffers,
            observers: Vec::new(),
            cancel: None,
            disk: None,
        }))
    }

    /// Uses `n_threads` threads of its own (at least one) instead of those of the global rayon pool. A run that is started
    /// on a thread of some rayon pool stays in that pool, with at most `n_threads` tasks at a time.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// assert_eq!(Runtime::local().threads(3).n_threads(), 3);
    /// ```
    pub fn threads(self, n_threads: usize) -> Self {
        self.with(|parts| parts.pool = pool::Pool::new(Some(n_threads.max(1))))
    }

    /// Runs every task on the thread that asks, one after the other.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let here = std::thread::current().id();
    /// let x = Array::<f64>::from_block_fn([3], Chunks::size(1), move |_| {
    ///     assert_eq!(std::thread::current().id(), here);
    ///     Ok(ndarray::arr1(&[1.0]).into_dyn().into())
    /// })?;
    /// assert_eq!(Runtime::local().serial().enter(|| x.sum().scalar())?, 3.0);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn serial(self) -> Self {
        self.with(|parts| parts.serial = true)
    }

    /// Allows `limit_bytes` of memory for all runs together. The budget is new: nothing is shared with the runtime that
    /// this one was made from.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// assert_eq!(Runtime::local().memory(1 << 30).budget().limit_bytes(), 1 << 30);
    /// ```
    pub fn memory(self, limit_bytes: u64) -> Self {
        self.with(|parts| (parts.budget, parts.buffers) = memory_of(limit_bytes))
    }

    /// [`memory`](Self::memory) in words: `"4GiB"`, see [`parse_bytes`].
    ///
    /// # Errors
    /// If the text is not a number of bytes.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// assert_eq!(Runtime::local().memory_text("1.5GB")?.budget().limit_bytes(), 1_500_000_000);
    /// assert!(Runtime::local().memory_text("much").unwrap_err().is_usage());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn memory_text(self, limit: &str) -> Result<Self> {
        Ok(self.memory(parse_bytes(limit)?))
    }

    /// Lets results be laid aside in files of this folder, `limit_bytes` at most, when memory is short: a run whose results
    /// do not fit into the budget all at once then takes time instead of memory. Without it such a run goes beyond the budget.
    ///
    /// The files have no names, nobody else may read them, and they vanish with the process, however it ends. Tasks in
    /// progress need memory all the same: a budget below the size of one task is exceeded.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let small = Runtime::local().threads(2).memory_text("1MiB")?.spill_to(std::env::temp_dir(), 1 << 30);
    /// let x = Array::<f64>::arange(0.0, 1e6, 1.0, Chunks::size(10_000))?;                      // 7.6 MiB in 100 blocks
    /// let distance = (&x - x.mean()).absolute();
    /// assert_eq!(small.enter(|| distance.max().scalar())?, 499_999.5);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn spill_to(self, folder: impl Into<PathBuf>, limit_bytes: u64) -> Self {
        self.with(|parts| parts.disk = Some(SpillStore::new(folder, limit_bytes)))
    }

    /// Adds an observer.
    ///
    /// # Examples
    /// ```
    /// use std::sync::Arc;
    /// use hyperslab::diag::Profile;
    /// use hyperslab::prelude::*;
    /// let profile = Arc::new(Profile::new());
    /// let runtime = Runtime::local().observer(profile.clone());
    /// let x = Array::from_fn([4], Chunks::size(2), |at: &[u64]| at[0])?;
    /// runtime.enter(|| x.sum().scalar())?;
    /// assert!(profile.n_tasks() > 0);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn observer(self, observer: Arc<dyn Observer>) -> Self {
        self.with(|parts| parts.observers.push(observer))
    }

    /// Lets `token` stop every run of this runtime; a token that [`RunOptions`] bring for one run goes before it.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::exec::CancelToken;
    /// use hyperslab::prelude::*;
    /// let token = CancelToken::new();
    /// let runtime = Runtime::local().cancel_token(token.clone());
    /// let x = Array::<f64>::ones([10], Chunks::size(1))?;
    /// assert_eq!(runtime.enter(|| x.sum().scalar())?, 10.0);
    /// token.cancel();
    /// assert!(runtime.enter(|| x.sum().scalar()).unwrap_err().is_cancelled());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn cancel_token(self, token: CancelToken) -> Self {
        self.with(|parts| parts.cancel = Some(token))
    }

    fn with(mut self, change: impl FnOnce(&mut Parts)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }

    /// Has plans run by others than the threads of this process.
    #[cfg(any(feature = "remote", test))]
    pub(crate) fn with_engine(self, engine: Arc<dyn Engine>) -> Self {
        self.with(|parts| parts.engine = engine)
    }

    /// The memory budget that all runs share.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let runtime = Runtime::local().memory(1 << 20);
    /// assert_eq!(runtime.budget().used_bytes(), 0);
    /// ```
    pub fn budget(&self) -> &Budget {
        &self.0.budget
    }

    /// Where blocks take their memory from.
    pub(crate) fn buffer_pool(&self) -> &Arc<BufferPool> {
        &self.0.buffers
    }

    /// Who watches the runs.
    pub(crate) fn observers(&self) -> &[Arc<dyn Observer>] {
        &self.0.observers
    }

    /// What stops the runs of this runtime, and may be asked to stop them alone.
    pub(crate) fn child_token(&self) -> CancelToken {
        self.0.cancel.as_ref().map_or_else(CancelToken::new, CancelToken::child)
    }

    /// What may stop a run with these options.
    pub(crate) fn cancel_of<'a>(&'a self, options: &'a RunOptions) -> Option<&'a CancelToken> {
        options.cancel().or(self.0.cancel.as_ref())
    }

    /// The largest number of tasks of this process at one time.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// assert_eq!(Runtime::local().serial().n_threads(), 1);
    /// ```
    pub fn n_threads(&self) -> usize {
        if self.0.serial { 1 } else { self.0.pool.n_threads() }
    }

    /// Makes this the [`current`](Self::current) runtime of this thread while `f` runs.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let two = Runtime::local().threads(2);
    /// assert_eq!(two.enter(|| Runtime::current().n_threads()), 2);
    /// ```
    pub fn enter<R>(&self, f: impl FnOnce() -> R) -> R {
        let _guard = self.enter_guard();
        f()
    }

    /// Makes this the [`current`](Self::current) runtime of this thread until the guard is dropped. Guards must be dropped
    /// in the reverse order in which they were made.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let guard = Runtime::local().threads(2).enter_guard();
    /// assert_eq!(Runtime::current().n_threads(), 2);
    /// drop(guard);
    /// ```
    pub fn enter_guard(&self) -> EnterGuard {
        CURRENT.with_borrow_mut(|stack| stack.push(self.clone()));
        EnterGuard { not_send: std::marker::PhantomData }
    }

    /// The innermost runtime entered on this thread, or the process's default one.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<f64>::ones([4], Chunks::size(2))?;
    /// let total = x.sum().scalar()?;                         // runs on `Runtime::current()`
    /// assert_eq!(Runtime::local().serial().enter(|| x.sum().scalar())?, total);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn current() -> Self {
        static DEFAULT: OnceLock<Runtime> = OnceLock::new();
        CURRENT
            .with_borrow(|stack| stack.last().cloned())
            .unwrap_or_else(|| DEFAULT.get_or_init(Runtime::local).clone())
    }

    /// Whether plans run in this process, with all that it holds.
    pub(crate) fn runs_here(&self) -> bool {
        self.0.engine.runs_here()
    }

    /// Runs a plan of block tasks, wherever this runtime has them run.
    pub(crate) fn run_plan(&self, job: &PlanJob<'_>, options: &RunOptions) -> Result<RunReport> {
        self.0.engine.run(self, job, options)
    }

    /// Runs a plan and leaves the results where they are computed, if that is not in this process.
    pub(crate) fn keep_plan(&self, plan: &Plan, options: &RunOptions) -> Result<Option<Kept>> {
        self.0.engine.keep(self, plan, options)
    }

    /// Runs a job to its end and tells what was done. Tasks that compute something themselves do so in this runtime.
    ///
    /// Jobs run on threads of this process, in every runtime: nothing tells another process what they mean.
    ///
    /// # Errors
    /// The first error of a task, with the operation and the block; a panic of a task as such an error; cancellation. The
    /// run is over then, and its memory returned.
    ///
    /// # Examples
    /// See [`Job`].
    pub fn run_job<J: Job>(&self, job: &J, options: &RunOptions) -> Result<RunReport> {
        let inline = self.0.serial || options.is_inline();
        let n_threads = if inline { 1 } else { self.n_threads() };
        let limit_bytes = self.budget().limit_bytes();
        let watch = Watch::start(&self.0.observers, || job.n_tasks(), n_threads, limit_bytes);
        let context = Context { job, watch, cancel: self.cancel_of(options), disk: self.0.disk.as_ref() };
        // The plan's and the observers' own methods run outside of any task: a panic there ends only this run.
        let driven = catch_unwind(AssertUnwindSafe(|| {
            let mut core = Core::new(job, self.budget());
            if context.disk.is_some() {
                core.state.allow_laying_aside();
            }
            if inline {
                Ok(self.enter(|| serial::drive(core, &context)))
            } else {
                pool::drive(self, &self.0.pool, core, &context)
            }
        }));
        let (report, error) = match driven {
            Ok(Ok(core)) => core.finish(),
            Ok(Err(error)) => (RunReport::default(), Some(error)),
            Err(panic) => {
                let detail = format!("the plan or an observer panicked: {}", panic_text(&*panic));
                (RunReport::default(), Some(Error::bug("run", detail)))
            }
        };
        if let Some(watch) = &context.watch {
            watch.run_finished(&report, error.as_ref());
        }
        error.map_or(Ok(report), Err)
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime")
            .field("engine", &self.0.engine)
            .field("n_threads", &self.n_threads())
            .field("budget", self.budget())
            .field("n_observers", &self.0.observers.len())
            .finish()
    }
}

thread_local! {
    static CURRENT: RefCell<Vec<Runtime>> = const { RefCell::new(Vec::new()) };
}

/// Leaves the runtime that [`Runtime::enter_guard`] entered when it is dropped.
///
/// # Examples
/// ```
/// use hyperslab::prelude::*;
/// let (one, two) = (Runtime::local().threads(1), Runtime::local().threads(2));
/// let outer = one.enter_guard();
/// let inner = two.enter_guard();
/// assert_eq!(Runtime::current().n_threads(), 2);
/// drop(inner);
/// assert_eq!(Runtime::current().n_threads(), 1);
/// drop(outer);
/// ```
#[derive(Debug)]
#[must_use = "the runtime is left when the guard is dropped"]
pub struct EnterGuard {
    /// The guard belongs to its thread.
    not_send: std::marker::PhantomData<*const ()>,
}

impl Drop for EnterGuard {
    fn drop(&mut self) {
        CURRENT.with_borrow_mut(Vec::pop);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicU64, Ordering};

    use proptest::prelude::*;

    use super::super::samples::{Sample, SampleJob, any_sample};
    use super::super::{CancelToken, RunFinish, RunStart, TaskFinish, TaskStart};
    use super::*;
    use crate::graph::{TaskGraph, TaskId};

    /// One runtime for each kind of driver and number of threads.
    fn runtimes() -> Vec<Runtime> {
        let pools = [1, 2, 3, 8].map(|n| Runtime::local().threads(n));
        [vec![Runtime::local().serial(), Runtime::local()], pools.to_vec()].concat()
    }

    fn assert_idle(runtime: &Runtime) {
        assert_eq!(runtime.budget().used_bytes(), 0);
    }

    #[test]
    fn all_drivers_deliver_the_same() {
        let runtimes = runtimes();
        proptest!(ProptestConfig::with_cases(300), |(sample in any_sample(80), limit in 0..1000_u64)| {
            for runtime in &runtimes {
                let runtime = runtime.clone().memory(limit);
                let job = SampleJob::new(sample.clone());
                let report = runtime.run_job(&job, &RunOptions::new()).unwrap();
                let mut ran = job.ran.lock().unwrap().clone();
                ran.sort_unstable();
                prop_assert_eq!(&ran, &sample.needed());
                prop_assert_eq!(report.n_tasks, ran.len() as u64);
                prop_assert!(report.peak_bytes <= limit || report.over_budget_starts > 0);
                prop_assert_eq!(job.expected(), job.into_delivered());
                assert_idle(&runtime);
            }
        });
    }

    #[test]
    fn results_that_are_laid_aside_come_back() {
        let runtimes = runtimes();
        let folder = tempfile::tempdir().unwrap();
        let nowhere = folder.path().join("nowhere");
        proptest!(ProptestConfig::with_cases(200), |(sample in any_sample(60), limit in 0..300_u64, fails in any::<bool>())| {
            for runtime in &runtimes {
                let place = if fails { &nowhere } else { folder.path() };
                let runtime = runtime.clone().memory(limit).spill_to(place, u64::MAX);
                let job = SampleJob::new(sample.clone());
                let report = runtime.run_job(&job, &RunOptions::new()).unwrap();
                let mut ran = job.ran.lock().unwrap().clone();
                ran.sort_unstable();
                prop_assert_eq!(&ran, &sample.needed());
                prop_assert!(report.peak_bytes <= limit || report.over_budget_starts > 0);
                prop_assert!(!fails || report.spilled_bytes == 0);
                prop_assert_eq!(job.expected(), job.into_delivered());
                prop_assert_eq!(runtime.0.disk.as_ref().map(SpillStore::used_bytes), Some(0));
                assert_idle(&runtime);
            }
        });
    }

    /// Every leaf is read by a tree over all of them, and by a task that reads the root of the tree as well: the leaves are
    /// all there when the tree is done.
    #[test]
    fn what_does_not_fit_all_at_once_takes_disk_instead_of_memory() {
        let mut sample = Sample::default();
        let leaves: Vec<usize> = (0..50).map(|i| sample.add(&[], 10, i)).collect();
        let mean = sample.add_tree(&leaves, 4, 1);
        let ends: Vec<usize> = (0..50).map(|i| sample.add(&[leaves[i], mean], 10, i as u64)).collect();
        let sample = sample.with_roots(&ends);
        let folder = tempfile::tempdir().unwrap();
        for runtime in runtimes() {
            let small = runtime.memory(200);
            let run = |runtime: &Runtime| {
                let job = SampleJob::new(sample.clone());
                let report = runtime.run_job(&job, &RunOptions::new()).unwrap();
                assert_eq!(job.expected(), job.into_delivered());
                report
            };
            assert!(run(&small).over_budget_starts > 0);
            let report = run(&small.clone().spill_to(folder.path(), u64::MAX));
            assert_eq!(report.over_budget_starts, 0);
            assert!(report.peak_bytes <= 200 && report.spilled_bytes > 0, "{report:?}");
        }
    }

    #[test]
    fn a_failing_task_ends_the_run_with_its_name() {
        let runtimes = runtimes();
        proptest!(ProptestConfig::with_cases(200), |(sample in any_sample(60), which in any::<prop::sample::Index>(), panics in any::<bool>())| {
            let needed = sample.needed();
            let victim = needed[which.index(needed.len())];
            for runtime in &runtimes {
                let runtime = runtime.clone().memory(200);
                let mut job = SampleJob::new(sample.clone());
                if panics { job.panicking = HashSet::from([victim]) } else { job.failing = HashSet::from([victim]) }
                let error = runtime.run_job(&job, &RunOptions::new()).unwrap_err();
                let text = error.to_string();
                prop_assert_eq!(error.op(), format!("op{}", Sample::id(victim).layer()));
                prop_assert!(text.contains(&format!("block ({victim})")), "{}", text);
                let said = if panics { format!("task {victim} was told to panic") } else { format!("task {victim} was told to fail") };
                prop_assert!(text.contains(&said), "{}", text);
                prop_assert_eq!(error.is_usage(), !panics);
                let ran = job.ran.lock().unwrap().clone();
                prop_assert_eq!(ran.iter().filter(|&&task| task == victim).count(), 1);
                prop_assert!(ran.iter().all(|task| !sample.tasks[*task].deps.contains(&victim)));
                assert_idle(&runtime);
            }
        });
    }

    #[test]
    fn a_thousand_panics_leave_the_runtime_usable() {
        let mut sample = Sample::default();
        let leaves: Vec<usize> = (0..100).map(|i| sample.add(&[], 8, i)).collect();
        let root = sample.add_tree(&leaves, 8, 8);
        let sample = sample.with_roots(&[root]);
        let runtime = Runtime::local().threads(3).memory(400);
        for round in 0..1000 {
            let mut job = SampleJob::new(sample.clone());
            job.panicking = HashSet::from([round % 100]);
            let error = runtime.run_job(&job, &RunOptions::new()).unwrap_err();
            assert!(error.to_string().contains("it panicked: task"), "{error}");
            assert_idle(&runtime);
        }
        let job = SampleJob::new(sample);
        runtime.run_job(&job, &RunOptions::new()).unwrap();
        assert_eq!(job.expected(), job.into_delivered());
    }

    /// A chain, each task one more than the one before; may cancel a token on the way.
    struct Chain {
        len: u64,
        cancel_at: Option<(u64, CancelToken)>,
        last: AtomicU64,
        /// Tasks that could not write in place.
        shared: AtomicU64,
    }

    impl Chain {
        fn new(len: u64) -> Self {
            Self { len, cancel_at: None, last: AtomicU64::new(0), shared: AtomicU64::new(0) }
        }
    }

    impl TaskGraph for Chain {
        fn deps(&self, task: TaskId, visit: &mut dyn FnMut(TaskId)) {
            if task.index() > 0 {
                visit(TaskId::new(0, task.index() - 1));
            }
        }

        fn n_users(&self, task: TaskId) -> u64 {
            u64::from(task.index() + 1 < self.len)
        }

        fn users(&self, task: TaskId, visit: &mut dyn FnMut(TaskId)) {
            if task.index() + 1 < self.len {
                visit(TaskId::new(0, task.index() + 1));
            }
        }

        fn bytes(&self, _: TaskId) -> u64 {
            8
        }

        fn position(&self, _: TaskId) -> u64 {
            0
        }

        fn n_roots(&self) -> u64 {
            1
        }

        fn root(&self, _: u64) -> TaskId {
            TaskId::new(0, self.len - 1)
        }

        fn is_root(&self, task: TaskId) -> bool {
            task.index() + 1 == self.len
        }
    }

    impl Job for Chain {
        type Value = Arc<u64>;

        fn run(&self, task: TaskId, inputs: Vec<Arc<u64>>) -> Result<Arc<u64>> {
            if let Some((at, token)) = &self.cancel_at
                && task.index() == *at
            {
                token.cancel();
            }
            let Some(mut value) = inputs.into_iter().next() else { return Ok(Arc::new(1)) };
            match Arc::get_mut(&mut value) {
                Some(value) => *value += 1,
                None => _ = self.shared.fetch_add(1, Ordering::Relaxed),
            }
            Ok(value)
        }

        fn value_bytes(&self, _: &Arc<u64>) -> u64 {
            8
        }

        fn deliver(&self, _: TaskId, value: Arc<u64>) -> Result<()> {
            self.last.store(*value, Ordering::Relaxed);
            Ok(())
        }

        fn describe(&self, task: TaskId) -> (String, String) {
            ("next".into(), task.index().to_string())
        }
    }

    #[test]
    fn a_chain_of_a_million_tasks_runs_on_a_small_stack_in_place() {
        const LEN: u64 = 1_000_000;
        let body = || {
            let chain = Chain::new(LEN);
            let report = Runtime::local().memory(16).run_job(&chain, &RunOptions::new().with_inline()).unwrap();
            assert_eq!((report.n_tasks, report.peak_bytes, report.over_budget_starts), (LEN, 16, 0));
            assert_eq!((chain.last.into_inner(), chain.shared.into_inner()), (LEN, 0));
        };
        std::thread::Builder::new().stack_size(256 << 10).spawn(body).unwrap().join().unwrap();
    }

    #[test]
    fn a_cancelled_run_ends_between_two_tasks() {
        for runtime in runtimes() {
            let token = CancelToken::new();
            let mut chain = Chain::new(1000);
            chain.cancel_at = Some((400, token.clone()));
            let error = runtime.run_job(&chain, &RunOptions::new().with_cancel(token.clone())).unwrap_err();
            assert!(error.is_cancelled());
            assert_idle(&runtime);
            // A used token stops the next run before its first task.
            let mut sample = Sample::default();
            let root = sample.add(&[], 1, 0);
            let job = SampleJob::new(sample.with_roots(&[root]));
            assert!(runtime.run_job(&job, &RunOptions::new().with_cancel(token)).unwrap_err().is_cancelled());
            assert!(job.ran.lock().unwrap().is_empty());
            runtime.run_job(&job, &RunOptions::new()).unwrap();
        }
    }

    #[test]
    fn cancelling_from_another_thread_ends_a_run_that_would_not() {
        struct Endless(Chain, AtomicU64);
        impl TaskGraph for Endless {
            fn deps(&self, _: TaskId, _: &mut dyn FnMut(TaskId)) {}
            fn n_users(&self, _: TaskId) -> u64 {
                0
            }
            fn users(&self, _: TaskId, _: &mut dyn FnMut(TaskId)) {}
            fn bytes(&self, _: TaskId) -> u64 {
                8
            }
            fn position(&self, task: TaskId) -> u64 {
                task.index()
            }
            fn n_roots(&self) -> u64 {
                TaskId::MAX_TASKS
            }
            fn root(&self, i: u64) -> TaskId {
                TaskId::new(0, i)
            }
            fn is_root(&self, _: TaskId) -> bool {
                true
            }
        }
        impl Job for Endless {
            type Value = u64;
            fn run(&self, _: TaskId, _: Vec<u64>) -> Result<u64> {
                Ok(self.1.fetch_add(1, Ordering::Relaxed))
            }
            fn value_bytes(&self, _: &u64) -> u64 {
                8
            }
            fn deliver(&self, _: TaskId, _: u64) -> Result<()> {
                Ok(())
            }
            fn describe(&self, task: TaskId) -> (String, String) {
                self.0.describe(task)
            }
        }
        for runtime in runtimes() {
            for round in 0..20 {
                let (token, job) = (CancelToken::new(), Endless(Chain::new(1), AtomicU64::new(0)));
                std::thread::scope(|scope| {
                    let run = scope.spawn(|| runtime.run_job(&job, &RunOptions::new().with_cancel(token.clone())));
                    while job.1.load(Ordering::Relaxed) < round * 10 {
                        std::thread::yield_now();
                    }
                    token.cancel();
                    assert!(run.join().unwrap().unwrap_err().is_cancelled());
                });
                assert_idle(&runtime);
            }
        }
    }

    #[test]
    fn runs_at_the_same_time_share_a_budget_and_both_end() {
        let mut sample = Sample::default();
        let leaves: Vec<usize> = (0..300).map(|i| sample.add(&[], 60, i)).collect();
        let root = sample.add_tree(&leaves, 4, 20);
        let sample = sample.with_roots(&[root]);
        for runtime in runtimes() {
            let runtime = runtime.memory(150);
            std::thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| {
                        let job = SampleJob::new(sample.clone());
                        runtime.run_job(&job, &RunOptions::new()).unwrap();
                        assert_eq!(job.expected(), job.into_delivered());
                    });
                }
            });
            assert_idle(&runtime);
        }
    }

    /// Remembers what it is told.
    #[derive(Default)]
    struct Diary(Mutex<Vec<String>>);

    impl Observer for Diary {
        fn run_started(&self, run: &RunStart) {
            self.0.lock().unwrap().push(format!("run of {:?} on {}", run.n_tasks, run.n_threads));
        }

        fn task_started(&self, task: &TaskStart<'_>) {
            self.0.lock().unwrap().push(format!("start {:?} {}", task.task, task.op));
        }

        fn task_finished(&self, task: &TaskFinish<'_>) {
            let bytes = if task.failed { "failed".into() } else { task.result_bytes.to_string() };
            self.0.lock().unwrap().push(format!("end {:?} {} {bytes}", task.task, task.op));
        }

        fn run_finished(&self, run: &RunFinish<'_>) {
            let outcome = run.error.map_or("well".into(), ToString::to_string);
            self.0
                .lock()
                .unwrap()
                .push(format!("{} tasks, {} bytes, {outcome}", run.report.n_tasks, run.report.peak_bytes));
        }
    }

    #[test]
    fn observers_are_told_everything_in_order() {
        let mut sample = Sample::default();
        let x = sample.add(&[], 10, 0);
        let y = sample.add(&[x, x], 5, 0);
        let mut job = SampleJob::new(sample.with_roots(&[y]));
        let diary = Arc::new(Diary::default());
        let runtime = Runtime::local().serial().observer(diary.clone());
        runtime.run_job(&job, &RunOptions::new()).unwrap();
        let told = std::mem::take(&mut *diary.0.lock().unwrap());
        let expected = [
            "run of Some(2) on 1",
            "start 0.0 op0",
            "end 0.0 op0 10",
            "start 1.0 op1",
            "end 1.0 op1 5",
            "2 tasks, 15 bytes, well",
        ];
        assert_eq!(told, expected);
        job.failing.insert(y);
        runtime.run_job(&job, &RunOptions::new()).unwrap_err();
        let told = diary.0.lock().unwrap();
        assert_eq!(told[4], "end 1.0 op1 failed");
        assert!(told[5].starts_with("1 tasks, 15 bytes, op1: block (1): sample: task 1"), "{}", told[5]);
    }

    #[test]
    fn the_entered_runtime_is_current_also_inside_tasks() {
        struct Ask(Chain);
        impl TaskGraph for Ask {
            fn deps(&self, task: TaskId, visit: &mut dyn FnMut(TaskId)) {
                self.0.deps(task, visit);
            }
            fn n_users(&self, task: TaskId) -> u64 {
                self.0.n_users(task)
            }
            fn users(&self, task: TaskId, visit: &mut dyn FnMut(TaskId)) {
                self.0.users(task, visit);
            }
            fn bytes(&self, _: TaskId) -> u64 {
                8
            }
            fn position(&self, _: TaskId) -> u64 {
                0
            }
            fn n_roots(&self) -> u64 {
                1
            }
            fn root(&self, i: u64) -> TaskId {
                self.0.root(i)
            }
            fn is_root(&self, task: TaskId) -> bool {
                self.0.is_root(task)
            }
        }
        impl Job for Ask {
            type Value = Arc<u64>;
            fn run(&self, task: TaskId, inputs: Vec<Arc<u64>>) -> Result<Arc<u64>> {
                // A task that computes: a run inside a run, on the same budget.
                let inner = Chain::new(10);
                let runtime = Runtime::current();
                assert_eq!(runtime.budget().limit_bytes(), 4242);
                runtime.run_job(&inner, &RunOptions::new())?;
                assert_eq!(inner.last.into_inner(), 10);
                self.0.run(task, inputs)
            }
            fn value_bytes(&self, _: &Arc<u64>) -> u64 {
                8
            }
            fn deliver(&self, task: TaskId, value: Arc<u64>) -> Result<()> {
                self.0.deliver(task, value)
            }
            fn describe(&self, task: TaskId) -> (String, String) {
                self.0.describe(task)
            }
        }
        let outside = Runtime::current().budget().limit_bytes();
        for runtime in runtimes() {
            let job = Ask(Chain::new(50));
            let runtime = runtime.memory(4242);
            runtime.run_job(&job, &RunOptions::new()).unwrap();
            assert_eq!(job.0.last.into_inner(), 50);
            runtime.enter(|| {
                assert_eq!(Runtime::current().budget().limit_bytes(), 4242);
                Runtime::local().memory(7).enter(|| assert_eq!(Runtime::current().budget().limit_bytes(), 7));
                assert_eq!(Runtime::current().budget().limit_bytes(), 4242);
            });
            assert_eq!(Runtime::current().budget().limit_bytes(), outside);
            assert_idle(&runtime);
        }
    }

    #[test]
    fn a_plan_that_panics_or_contradicts_itself_is_reported_as_a_bug() {
        let mut sample = Sample::default();
        let root = sample.add(&[], 1, 0);
        let mut job = SampleJob::new(sample.with_roots(&[root]));
        job.broken = true;
        for runtime in runtimes() {
            let error = runtime.run_job(&job, &RunOptions::new()).unwrap_err();
            assert!(error.to_string().contains("panicked: the plan is broken"), "{error}");
            assert_eq!(error.family(), crate::error::Family::Bug);
            assert_idle(&runtime);
        }
        let mut sample = Sample::default();
        sample.add(&[1], 1, 0);
        sample.add(&[0], 1, 0);
        sample.tasks[0].users = vec![1];
        sample.tasks[1].users = vec![0];
        sample.roots = vec![1];
        let error = Runtime::local().run_job(&SampleJob::new(sample), &RunOptions::new()).unwrap_err();
        assert!(error.to_string().contains("Stuck"), "{error}");
    }

    #[test]
    fn memory_is_read_from_words() {
        assert_eq!(Runtime::local().memory_text("2KiB").unwrap().budget().limit_bytes(), 2048);
        assert!(Runtime::local().memory_text("much").is_err());
    }
}
