//! The driver that runs tasks on a rayon pool. Only `sparse/parallel.rs`, for eager arrays, knows rayon beside it.
//!
//! A *drain loop* holds the lock just long enough to report the task it has run and to take the next one. It ends when
//! there is none; whoever finds that more tasks can start spawns another loop, up to the number of threads. Nothing ever
//! waits inside the pool: rayon puts idle threads to sleep, and a kernel that uses rayon itself finds them there.
//!
//! ```text
//!     lock:  report A, take B, more to do? ---- spawn a loop
//!     open:  drop what A released, run B
//!     lock:  report B, take nothing ---- the loop ends
//! ```
//!
//! A kernel that waits in `join` may steal a loop. It would then run our tasks on top of the waiting kernel, stack on stack.
//! So a loop that finds itself inside a kernel goes away if the run has another loop, and runs one task and makes room
//! if it has not. The rejected ways: loops that wait on a condition variable (a kernel steals one and both hang), and one
//! spawn per task (a quarter of the tasks ran on top of others, and nothing limits memory).

use std::cell::Cell;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rayon::{Scope, ThreadPool, ThreadPoolBuilder};

use crate::error::{Error, Result};

use super::driver::{Context, Core, Hand};
use super::job::Job;
use super::runtime::Runtime;

/// The threads of a runtime: those of the global pool, or a number of its own, started at the first run.
#[derive(Clone, Debug)]
pub(super) struct Pool {
    n_threads: Option<usize>,
    own: Arc<OnceLock<Result<ThreadPool>>>,
}

impl Pool {
    pub(super) fn new(n_threads: Option<usize>) -> Self {
        Self { n_threads, own: Arc::new(OnceLock::new()) }
    }

    pub(super) fn n_threads(&self) -> usize {
        self.n_threads.unwrap_or_else(rayon::current_num_threads)
    }

    /// Runs `f` in a scope of the caller's own pool if it is in one, else of this pool.
    fn scope<'s, R: Send>(&self, f: impl FnOnce(&Scope<'s>) -> R + Send) -> Result<R> {
        match self.n_threads {
            Some(n_threads) if rayon::current_thread_index().is_none() => {
                let pool = self.own.get_or_init(|| start_threads(n_threads)).as_ref().map_err(Error::clone)?;
                Ok(pool.scope(f))
            }
            _ => Ok(rayon::scope(f)),
        }
    }
}

/// Gives kernels that split their work `n_threads` threads to do so, unless they have been given some already.
#[cfg(feature = "remote")]
pub(crate) fn limit_kernel_threads(n_threads: usize) {
    // An error says that the global pool has been started: then it stays as it is.
    drop(ThreadPoolBuilder::new().num_threads(n_threads).build_global());
}

fn start_threads(n_threads: usize) -> Result<ThreadPool> {
    let builder = ThreadPoolBuilder::new().num_threads(n_threads).thread_name(|i| format!("hyperslab-{i}"));
    builder.build().map_err(|fault| Error::threads(n_threads, fault))
}

/// What the drain loops of one run share.
struct Shared<'a, 'r, J: Job> {
    board: Mutex<Board<'a, J>>,
    context: &'r Context<'r, J>,
    runtime: &'r Runtime,
    max_loops: usize,
}

struct Board<'a, J: Job> {
    core: Core<'a, J>,
    n_loops: usize,
}

/// Runs `core` to its end.
pub(super) fn drive<'a, J: Job>(
    runtime: &Runtime,
    pool: &Pool,
    core: Core<'a, J>,
    context: &Context<'_, J>,
) -> Result<Core<'a, J>> {
    let board = Mutex::new(Board { core, n_loops: 1 });
    let shared = Shared { board, context, runtime, max_loops: pool.n_threads() };
    pool.scope(|scope| shared.drain(scope, false))?;
    Ok(shared.board.into_inner().unwrap_or_else(PoisonError::into_inner).core)
}

impl<J: Job> Shared<'_, '_, J> {
    /// Reports and takes tasks until there is none. A loop that is `nested` in a kernel takes one at most.
    fn drain<'s>(&'s self, scope: &Scope<'s>, nested: bool) {
        let _entered = self.runtime.enter_guard();
        let thread = rayon::current_thread_index().unwrap_or(0);
        let mut hand = Hand::default();
        let mut crowd = Crowd::default();
        loop {
            let make_room = nested && !hand.outcomes.is_empty();
            let respawn = self.turn(&mut hand, &mut crowd, make_room);
            if respawn {
                scope.spawn(|scope| self.spawned(scope));
            }
            self.discard(&mut hand);
            if hand.work.is_empty() {
                return;
            }
            let _inside = InsideKernel::enter();
            self.context.execute(&mut hand, thread);
        }
    }

    /// What a spawned loop does first, on whatever thread and stack it finds itself.
    fn spawned<'s>(&'s self, scope: &Scope<'s>) {
        let nested = InsideKernel::is();
        if nested && self.leave_to_others() {
            return;
        }
        self.drain(scope, nested);
    }

    /// Ends this loop if it is not the only one.
    fn leave_to_others(&self) -> bool {
        let Ok(mut board) = self.board.lock() else { return true };
        let others = board.n_loops > 1;
        board.n_loops -= usize::from(others);
        others
    }

    /// The time under lock: reports what has run, takes what comes next unless this loop shall `make_room`, and tells
    /// whether to spawn a loop. No work means that this loop ends.
    fn turn(&self, hand: &mut Hand<J::Value>, crowd: &mut Crowd, make_room: bool) -> bool {
        let free = self.board.try_lock();
        crowd.observe(free.is_err());
        // Poisoned: the plan has panicked in another loop, and the scope is about to pass that on.
        let Ok(mut board) = free.or_else(|_| self.board.lock()) else { return false };
        board.core.report(hand);
        let goes_on = !make_room && board.core.next(self.context, hand, crowd.batch());
        board.n_loops -= usize::from(!goes_on);
        let respawn = (goes_on || make_room) && board.n_loops < self.max_loops && board.core.state.may_start();
        board.n_loops += usize::from(respawn);
        respawn
    }

    fn discard(&self, hand: &mut Hand<J::Value>) {
        if let Err(error) = self.context.discard(hand)
            && let Ok(mut board) = self.board.lock()
        {
            board.core.stop(error, hand);
        }
    }
}

/// How often a loop has found the lock taken of late. Tasks that are worth a thread leave it free nearly always; where
/// it is not, tasks are trivial, and a loop takes several of them at a time.
#[derive(Default)]
struct Crowd(u32);

impl Crowd {
    /// Encounters in a row that are still taken for chance.
    const CHANCE: u32 = 3;
    const MAX_BATCH: usize = 16;

    fn observe(&mut self, is_taken: bool) {
        let most = Self::CHANCE + Self::MAX_BATCH.ilog2();
        self.0 = if is_taken { (self.0 + 1).min(most) } else { self.0.saturating_sub(1) };
    }

    fn batch(&self) -> usize {
        1 << self.0.saturating_sub(Self::CHANCE)
    }
}

thread_local! {
    /// How many kernels wait on this thread's stack.
    static KERNELS: Cell<usize> = const { Cell::new(0) };
}

/// Marks the thread as running a kernel until it is dropped.
struct InsideKernel;

impl InsideKernel {
    fn enter() -> Self {
        KERNELS.set(KERNELS.get() + 1);
        Self
    }

    fn is() -> bool {
        KERNELS.get() > 0
    }
}

impl Drop for InsideKernel {
    fn drop(&mut self) {
        KERNELS.set(KERNELS.get() - 1);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

    use rayon::prelude::*;

    use super::super::RunOptions;
    use super::*;
    use crate::graph::{TaskGraph, TaskId};

    /// A reduction tree whose tasks use rayon themselves.
    struct NestedTree {
        n_leaves: u64,
        split: u64,
        sum: AtomicU64,
        /// The largest number of kernels found on one thread's stack.
        depth: AtomicUsize,
    }

    impl NestedTree {
        fn new(n_leaves: u64) -> Self {
            Self { n_leaves, split: 4, sum: AtomicU64::new(0), depth: AtomicUsize::new(0) }
        }

        fn len(&self, layer: u32) -> u64 {
            (0..layer).fold(self.n_leaves, |len, _| len.div_ceil(self.split))
        }
    }

    impl TaskGraph for NestedTree {
        fn deps(&self, task: TaskId, visit: &mut dyn FnMut(TaskId)) {
            if task.layer() > 0 {
                let first = task.index() * self.split;
                let last = (first + self.split).min(self.len(task.layer() - 1));
                (first..last).for_each(|i| visit(TaskId::new(task.layer() - 1, i)));
            }
        }

        fn n_users(&self, task: TaskId) -> u64 {
            u64::from(!self.is_root(task))
        }

        fn users(&self, task: TaskId, visit: &mut dyn FnMut(TaskId)) {
            if !self.is_root(task) {
                visit(TaskId::new(task.layer() + 1, task.index() / self.split));
            }
        }

        fn bytes(&self, _: TaskId) -> u64 {
            8
        }

        fn position(&self, task: TaskId) -> u64 {
            task.index() * self.split.pow(task.layer())
        }

        fn n_roots(&self) -> u64 {
            1
        }

        fn root(&self, _: u64) -> TaskId {
            let layer = (0..64).find(|&layer| self.len(layer) == 1).unwrap();
            TaskId::new(layer, 0)
        }

        fn is_root(&self, task: TaskId) -> bool {
            self.len(task.layer()) == 1
        }
    }

    impl Job for NestedTree {
        type Value = u64;

        fn run(&self, task: TaskId, inputs: Vec<u64>) -> Result<u64> {
            self.depth.fetch_max(KERNELS.get(), Ordering::Relaxed);
            let local: u64 = if task.layer() == 0 {
                (0..256_u32).into_par_iter().with_max_len(8).map(|i| u64::from(i ^ i >> 3)).sum::<u64>() + task.index()
            } else {
                let (half, rest) = inputs.split_at(inputs.len() / 2);
                let (a, b) = rayon::join(|| half.par_iter().sum::<u64>(), || rest.par_iter().sum::<u64>());
                a + b
            };
            Ok(local)
        }

        fn value_bytes(&self, _: &u64) -> u64 {
            8
        }

        fn deliver(&self, _: TaskId, value: u64) -> Result<()> {
            self.sum.store(value, Ordering::Relaxed);
            Ok(())
        }

        fn describe(&self, task: TaskId) -> (String, String) {
            ("tree".into(), format!("{task:?}"))
        }
    }

    fn expected(n_leaves: u64) -> u64 {
        let leaf: u64 = (0..256_u64).map(|i| i ^ i >> 3).sum();
        (0..n_leaves).map(|i| leaf + i).sum()
    }

    #[test]
    fn kernels_may_use_rayon_on_any_number_of_threads() {
        for (n_threads, n_runs) in [(1, 50), (2, 50), (3, 50), (8, 50), (64, 5)] {
            let runtime = Runtime::local().threads(n_threads).memory(100);
            for _ in 0..n_runs {
                let job = NestedTree::new(200);
                runtime.run_job(&job, &RunOptions::new()).unwrap();
                assert_eq!(job.sum.into_inner(), expected(200));
                assert_eq!(job.depth.into_inner(), 1, "a task ran on top of another one");
                assert_eq!(runtime.budget().used_bytes(), 0);
            }
        }
    }

    #[test]
    fn runs_may_be_started_inside_rayon_and_share_its_threads() {
        for n_threads in [1, 2, 3, 8] {
            let pool = ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
            for max_loops in [1, 4] {
                let runtime = Runtime::local().threads(max_loops).memory(100);
                for _ in 0..10 {
                    let sums: Vec<u64> = pool.install(|| {
                        let runs = (0..6_u32).into_par_iter().with_max_len(1).map(|i| {
                            let job = NestedTree::new(20 + u64::from(i));
                            runtime.run_job(&job, &RunOptions::new()).unwrap();
                            job.sum.into_inner()
                        });
                        runs.collect()
                    });
                    assert_eq!(sums, (0..6).map(|i| expected(20 + i)).collect::<Vec<_>>());
                }
            }
        }
    }

    #[test]
    fn small_stacks_hold_a_deep_tree() {
        let pool = ThreadPoolBuilder::new().num_threads(3).stack_size(256 << 10).build().unwrap();
        let job = NestedTree { split: 2, ..NestedTree::new(1 << 12) };
        pool.install(|| Runtime::local().run_job(&job, &RunOptions::new())).unwrap();
        assert_eq!(job.sum.into_inner(), expected(1 << 12));
    }
}
