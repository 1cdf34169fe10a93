//! The driver that runs tasks on a rayon pool; the only file that knows rayon.
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

use super::driver::{Context, Core, Outcome, Scratch, Work};
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
        let mut scratch = Scratch::default();
        let mut outcome = None;
        loop {
            let make_room = nested && outcome.is_some();
            let (work, respawn) = self.turn(outcome.take(), &mut scratch, make_room);
            if respawn {
                scope.spawn(|scope| self.spawned(scope));
            }
            self.discard(&mut scratch);
            let Some(work) = work else { return };
            let _inside = InsideKernel::enter();
            outcome = Some(self.context.execute(work, thread));
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

    /// The time under lock: reports a task, takes the next unless this loop shall `make_room`, and tells whether to spawn
    /// a loop. No work means that this loop ends.
    fn turn(
        &self,
        outcome: Option<Outcome<J::Value>>,
        scratch: &mut Scratch<J::Value>,
        make_room: bool,
    ) -> (Option<Work<J::Value>>, bool) {
        // Poisoned: the plan has panicked in another loop, and the scope is about to pass that on.
        let Ok(mut board) = self.board.lock() else { return (None, false) };
        if let Some(outcome) = outcome {
            board.core.report(outcome, scratch);
        }
        let work = if make_room { None } else { board.core.next(self.context, scratch) };
        board.n_loops -= usize::from(work.is_none());
        let respawn = board.n_loops < self.max_loops && board.core.state.may_start() && (work.is_some() || make_room);
        board.n_loops += usize::from(respawn);
        (work, respawn)
    }

    fn discard(&self, scratch: &mut Scratch<J::Value>) {
        if let Err(error) = self.context.discard(&mut scratch.garbage)
            && let Ok(mut board) = self.board.lock()
        {
            board.core.stop(error, scratch);
        }
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
