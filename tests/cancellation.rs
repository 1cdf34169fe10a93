//! Runs that are cancelled, fail or panic leave nothing behind: no reserved memory, no half-written files, no work.
//!
//! Everything is driven by what the runs do themselves: blocks and observers cancel, nobody waits for a time.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use hyperslab::exec::{CancelToken, Observer, RunFinish, RunStart, TaskFinish, TaskStart};
use hyperslab::prelude::*;

/// How many tasks one loop takes at most under one lock.
const MAX_BATCH: u64 = 16;

/// One runtime for each kind of driver, with much memory and with little.
fn runtimes() -> Vec<Runtime> {
    let pools = [1, 2, 3, 8].map(|n| Runtime::local().threads(n));
    let drivers = [vec![Runtime::local().serial()], pools.to_vec()].concat();
    drivers.into_iter().flat_map(|runtime| [1 << 30, 2000].map(|bytes| runtime.clone().memory(bytes))).collect()
}

/// How a run ends early.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Cancelled,
    Failed,
    Panicked,
}

const ENDS: [End; 3] = [End::Cancelled, End::Failed, End::Panicked];

/// 0..120 in blocks of three; block `at` ends the run.
fn numbers(at: u64, end: End, token: &CancelToken) -> Array<i64> {
    let token = token.clone();
    Array::from_block_fn([120], Chunks::size(3), move |location| {
        let range = &location.ranges()?[0];
        if location.number() == at {
            match end {
                End::Cancelled => token.cancel(),
                End::Failed => return Err(Array::<i64>::zeros([-1], Chunks::auto()).unwrap_err()),
                End::Panicked => panic!("block {at} was told to panic"),
            }
        }
        Ok(range.clone().map(|i| i as i64).collect::<ndarray::Array1<i64>>().into_dyn().into())
    })
    .unwrap()
}

/// Whether the error is the one that such an end gives.
fn is_of(end: End, error: &Error) -> bool {
    match end {
        End::Cancelled => error.is_cancelled(),
        End::Failed => !error.is_cancelled() && error.is_usage(),
        End::Panicked => !error.is_cancelled() && error.to_string().contains("was told to panic"),
    }
}

type Work = fn(&Array<i64>) -> Result<()>;

/// Work of every shape: independent tasks, trees, chains, exchanges, several results.
const WORKS: [(&str, Work); 8] = [
    ("compute", |x| (x + 1).compute().map(drop)),
    ("reduce", |x| x.sum().scalar().map(drop)),
    ("scan", |x| x.cumsum(0)?.max().scalar().map(drop)),
    ("rechunk", |x| x.reshape([10, 12])?.rechunk([10, 5])?.transpose().compute().map(drop)),
    ("product", |x| matmul(&x.reshape([10, 12])?, &x.reshape([12, 10])?)?.compute().map(drop)),
    ("several", |x| compute!(x.max(), x * 2, x.to_sparse().sum()).map(drop)),
    ("persist", |x| (x * 3).rechunk(7)?.persist().map(drop)),
    ("sizes", |x| x.mask(&(x % 2).eq(0)?)?.compute_chunk_sizes().map(drop)),
];

#[test]
fn a_run_that_ends_early_says_why_and_returns_its_memory() {
    for (i, runtime) in runtimes().into_iter().enumerate() {
        for (j, end) in ENDS.into_iter().enumerate() {
            for (k, (what, work)) in WORKS.into_iter().enumerate() {
                let at = [0, 17, 39][(i + j + k) % 3];
                let token = CancelToken::new();
                let x = numbers(at, end, &token);
                let runtime = runtime.clone().cancel_token(token);
                let error = runtime.enter(|| work(&x)).unwrap_err();
                assert!(is_of(end, &error), "{what}, {end:?} at {at}: {error}");
                assert_eq!(runtime.budget().used_bytes(), 0, "{what}, {end:?} at {at}");
            }
        }
    }
}

#[test]
fn a_token_that_was_used_starts_nothing() {
    #[derive(Default)]
    struct Started(AtomicU64);
    impl Observer for Started {
        fn task_started(&self, _: &TaskStart<'_>) {
            self.0.fetch_add(1, SeqCst);
        }
    }
    for runtime in runtimes() {
        let (token, started) = (CancelToken::new(), Arc::new(Started::default()));
        token.cancel();
        let x = numbers(u64::MAX, End::Failed, &token);
        let stopped = runtime.clone().cancel_token(token).observer(started.clone());
        for (what, work) in WORKS {
            assert!(stopped.enter(|| work(&x)).unwrap_err().is_cancelled(), "{what}");
        }
        // A single small task is no exception.
        assert!(stopped.enter(|| Array::<i64>::zeros([1], 1)?.compute()).unwrap_err().is_cancelled());
        assert_eq!(started.0.load(SeqCst), 0);
        assert_eq!(stopped.budget().used_bytes(), 0);
        // The arrays themselves are as good as before.
        assert_eq!(runtime.enter(|| x.sum().scalar()).unwrap(), 60 * 119);
    }
}

/// When an observer cancels.
#[derive(Clone, Copy, Debug)]
enum Moment {
    RunStarted,
    TaskStarted(u64),
    TaskFinished(u64),
}

/// Cancels at a moment, and counts what happens afterwards.
struct Canceller {
    token: CancelToken,
    moment: Moment,
    n_started: AtomicU64,
    n_finished: AtomicU64,
    n_started_late: AtomicU64,
    n_cancelled_runs: AtomicU64,
}

impl Canceller {
    fn new(moment: Moment) -> Arc<Self> {
        let [n_started, n_finished, n_started_late, n_cancelled_runs] = [0; 4].map(AtomicU64::new);
        let token = CancelToken::new();
        Arc::new(Self { token, moment, n_started, n_finished, n_started_late, n_cancelled_runs })
    }

    fn counts(&self) -> [u64; 3] {
        [&self.n_started, &self.n_finished, &self.n_started_late].map(|count| count.load(SeqCst))
    }
}

impl Observer for Canceller {
    fn run_started(&self, _: &RunStart) {
        if matches!(self.moment, Moment::RunStarted) {
            self.token.cancel();
        }
    }

    fn task_started(&self, _: &TaskStart<'_>) {
        self.n_started_late.fetch_add(u64::from(self.token.is_cancelled()), SeqCst);
        let n = self.n_started.fetch_add(1, SeqCst);
        if matches!(self.moment, Moment::TaskStarted(at) if at == n) {
            self.token.cancel();
        }
    }

    fn task_finished(&self, task: &TaskFinish<'_>) {
        assert!(!task.failed, "cancelling is no failure of a task");
        let n = self.n_finished.fetch_add(1, SeqCst);
        if matches!(self.moment, Moment::TaskFinished(at) if at == n) {
            self.token.cancel();
        }
    }

    fn run_finished(&self, run: &RunFinish<'_>) {
        self.n_cancelled_runs.fetch_add(u64::from(run.error.is_some_and(Error::is_cancelled)), SeqCst);
    }
}

#[test]
fn no_task_starts_after_the_token_was_used_and_all_that_were_started_end() {
    for runtime in runtimes() {
        for moment in [Moment::RunStarted, Moment::TaskStarted(0), Moment::TaskStarted(20), Moment::TaskFinished(20)] {
            let canceller = Canceller::new(moment);
            let x = numbers(u64::MAX, End::Failed, &canceller.token);
            let watched = runtime.clone().cancel_token(canceller.token.clone()).observer(canceller.clone());
            let result = watched.enter(|| (x.reshape([10, 12])?.rechunk([5, 5])? + 1).compute());
            assert!(result.unwrap_err().is_cancelled(), "{moment:?}");
            let [started, finished, late] = canceller.counts();
            assert_eq!(started, finished, "{moment:?}");
            // Threads that have taken tasks already run them; one thread alone takes one at a time.
            let n_threads = watched.n_threads() as u64;
            let most = if n_threads == 1 { 0 } else { n_threads * MAX_BATCH };
            assert!(late <= most, "{moment:?}: {late} tasks started late on {n_threads} threads");
            assert_eq!(canceller.n_cancelled_runs.load(SeqCst), 1);
            assert_eq!(watched.budget().used_bytes(), 0);
        }
    }
}

#[test]
fn other_runs_of_the_same_budget_go_on() {
    for runtime in runtimes() {
        let token = CancelToken::new();
        let x = numbers(20, End::Cancelled, &token);
        let y = Array::<i64>::arange(0, 90, 1, Chunks::size(4)).unwrap();
        // The run inside starts when the token has been used; it is a run of another runtime with the same budget.
        let inner = runtime.clone();
        let z = x.map_blocks(move |block| {
            let total = inner.enter(|| y.rechunk(7)?.sum().scalar())?;
            assert_eq!(total, 45 * 89);
            Ok(block.dense()?.to_owned().into())
        });
        let cancelled = runtime.clone().cancel_token(token);
        assert!(cancelled.enter(|| z.unwrap().sum().scalar()).unwrap_err().is_cancelled());
        assert_eq!(runtime.budget().used_bytes(), 0);
    }
}

/// The names in a folder.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Runs `save` so that it ends early, over nothing and over what is there, and looks at what is left.
fn leaves_no_files(name: &str, save: fn(&Array<i64>, &Path) -> Result<()>, open: fn(&Path) -> Result<DynArray>) {
    let folder = tempfile::tempdir().unwrap();
    let (fresh, old) = (folder.path().join(format!("fresh.{name}")), folder.path().join(format!("old.{name}")));
    save(&Array::<i64>::arange(0, 8, 1, Chunks::size(3)).unwrap(), &old).unwrap();
    for (i, runtime) in runtimes().into_iter().enumerate() {
        for (j, end) in ENDS.into_iter().enumerate() {
            for path in [&fresh, &old] {
                let at = [0, 17, 39][(i + j) % 3];
                let token = CancelToken::new();
                let x = numbers(at, end, &token);
                let runtime = runtime.clone().cancel_token(token);
                let error = runtime.enter(|| save(&x, path)).unwrap_err();
                assert!(is_of(end, &error), "{end:?} at {at}: {error}");
                assert_eq!(names(folder.path()), [format!("old.{name}")], "{end:?} at {at}");
                assert_eq!(runtime.budget().used_bytes(), 0);
            }
        }
    }
    let left = open(&old).unwrap().try_typed::<i64>().unwrap().sum().scalar();
    assert_eq!(left.unwrap(), 28, "what was there before is as it was");
}

#[test]
fn an_npy_file_that_is_not_complete_is_not_there() {
    leaves_no_files("npy", |x, path| save_npy(x, path), |path| open_npy(path, Chunks::auto()));
}

#[cfg(feature = "zarr")]
#[test]
fn a_zarr_folder_that_is_not_complete_is_not_there() {
    use hyperslab::io::{ZarrOptions, save_zarr_with};
    let save = |x: &Array<i64>, path: &Path| save_zarr_with(x, path, &ZarrOptions::new().overwrite());
    leaves_no_files("zarr", save, |path| open_zarr(path));
}

#[test]
fn an_observer_that_panics_ends_its_run_alone() {
    struct Fragile(Moment);
    impl Observer for Fragile {
        fn run_started(&self, _: &RunStart) {
            assert!(!matches!(self.0, Moment::RunStarted), "told to panic");
        }
        fn task_started(&self, _: &TaskStart<'_>) {
            assert!(!matches!(self.0, Moment::TaskStarted(_)), "told to panic");
        }
        fn task_finished(&self, _: &TaskFinish<'_>) {
            assert!(!matches!(self.0, Moment::TaskFinished(_)), "told to panic");
        }
    }
    for runtime in runtimes() {
        let x = numbers(u64::MAX, End::Failed, &CancelToken::new());
        for moment in [Moment::TaskStarted(0), Moment::TaskFinished(0)] {
            let fragile = runtime.clone().observer(Arc::new(Fragile(moment)));
            let error = fragile.enter(|| x.rechunk(7)?.sum().scalar()).unwrap_err();
            assert!(error.to_string().contains("told to panic"), "{moment:?}: {error}");
            assert_eq!(runtime.budget().used_bytes(), 0, "{moment:?}");
        }
        assert_eq!(runtime.enter(|| x.sum().scalar()).unwrap(), 60 * 119);
    }
}
