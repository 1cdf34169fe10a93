//! Where runs happen: threads, memory and observers, gathered in one value.

use std::cell::RefCell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};

use crate::config::Config;
use crate::error::{Error, Result};

use super::driver::{Context, Core, panic_text};
use super::job::Job;
use super::memory::{Budget, parse_bytes};
use super::observe::{Observer, Watch};
use super::options::{RunOptions, RunReport};
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
    serial: bool,
    pool: pool::Pool,
    budget: Budget,
    observers: Vec<Arc<dyn Observer>>,
}

impl Runtime {
    /// A runtime on this machine with the settings of [`Config::global`].
    pub fn local() -> Self {
        let config = Config::global();
        let pool = pool::Pool::new(config.threads());
        Self(Arc::new(Parts { serial: false, pool, budget: Budget::new(config.memory_bytes()), observers: Vec::new() }))
    }

    /// Uses `n_threads` threads of its own (at least one) instead of those of the global rayon pool. A run that is started
    /// on a thread of some rayon pool stays in that pool, with at most `n_threads` tasks at a time.
    pub fn threads(self, n_threads: usize) -> Self {
        self.with(|parts| parts.pool = pool::Pool::new(Some(n_threads.max(1))))
    }

    /// Runs every task on the thread that asks, one after the other.
    pub fn serial(self) -> Self {
        self.with(|parts| parts.serial = true)
    }

    /// Allows `limit_bytes` of memory for all runs together. The budget is new: nothing is shared with the runtime that
    /// this one was made from.
    pub fn memory(self, limit_bytes: u64) -> Self {
        self.with(|parts| parts.budget = Budget::new(limit_bytes))
    }

    /// [`memory`](Self::memory) in words: `"4GiB"`, see [`parse_bytes`].
    ///
    /// # Errors
    /// If the text is not a number of bytes.
    pub fn memory_text(self, limit: &str) -> Result<Self> {
        Ok(self.memory(parse_bytes(limit)?))
    }

    /// Adds an observer.
    pub fn observer(self, observer: Arc<dyn Observer>) -> Self {
        self.with(|parts| parts.observers.push(observer))
    }

    fn with(mut self, change: impl FnOnce(&mut Parts)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }

    /// The memory budget that all runs share.
    pub fn budget(&self) -> &Budget {
        &self.0.budget
    }

    /// The largest number of tasks at one time.
    pub fn n_threads(&self) -> usize {
        if self.0.serial { 1 } else { self.0.pool.n_threads() }
    }

    /// Makes this the [`current`](Self::current) runtime of this thread while `f` runs.
    pub fn enter<R>(&self, f: impl FnOnce() -> R) -> R {
        let _guard = self.enter_guard();
        f()
    }

    /// Makes this the [`current`](Self::current) runtime of this thread until the guard is dropped. Guards must be dropped
    /// in the reverse order in which they were made.
    pub fn enter_guard(&self) -> EnterGuard {
        CURRENT.with_borrow_mut(|stack| stack.push(self.clone()));
        EnterGuard { not_send: std::marker::PhantomData }
    }

    /// The innermost runtime entered on this thread, or the process's default one.
    pub fn current() -> Self {
        static DEFAULT: OnceLock<Runtime> = OnceLock::new();
        CURRENT
            .with_borrow(|stack| stack.last().cloned())
            .unwrap_or_else(|| DEFAULT.get_or_init(Runtime::local).clone())
    }

    /// Runs a job to its end and tells what was done. Tasks that compute something themselves do so in this runtime.
    ///
    /// # Errors
    /// The first error of a task, with the operation and the block; a panic of a task as such an error; cancellation. The
    /// run is over then, and its memory returned.
    pub fn run_job<J: Job>(&self, job: &J, options: &RunOptions) -> Result<RunReport> {
        let inline = self.0.serial || options.is_inline();
        let n_threads = if inline { 1 } else { self.n_threads() };
        let limit_bytes = self.budget().limit_bytes();
        let watch = Watch::start(&self.0.observers, job.n_tasks(), n_threads, limit_bytes);
        let context = Context { job, watch, cancel: options.cancel() };
        // The plan's own methods run outside of any task: a panic there is a fault of the plan, and ends only this run.
        let driven = catch_unwind(AssertUnwindSafe(|| {
            let core = Core::new(job, self.budget());
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
                let detail = format!("the plan panicked: {}", panic_text(&*panic));
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
