//! Work that goes on while its caller does something else.
//!
//! [`Runtime::spawn`] starts work on a thread of its own and gives a [`RunFuture`]: its result is awaited on any asynchronous
//! runtime, or waited for. What the work computes runs where the runtime runs everything: on its threads, or on a cluster.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use super::{CancelToken, Runtime};
use crate::error::{Error, Result};

/// What the work came to; an error is a panic.
type Ended<R> = std::thread::Result<Result<R>>;

enum State<R> {
    /// Who is to be woken.
    Running(Option<Waker>),
    Ended(Box<Ended<R>>),
    /// The result has been handed out.
    Taken,
}

struct Shared<R> {
    state: Mutex<State<R>>,
    has_ended: Condvar,
}

impl<R> Shared<R> {
    fn state(&self) -> MutexGuard<'_, State<R>> {
        // The state is replaced in one step, so a panic elsewhere does not spoil it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self, ended: Ended<R>) {
        let before = std::mem::replace(&mut *self.state(), State::Ended(Box::new(ended)));
        self.has_ended.notify_all();
        if let State::Running(Some(waker)) = before {
            waker.wake();
        }
    }
}

/// The result of work that [`Runtime::spawn`] or [`Runtime::submit`] has started.
///
/// Await it on any asynchronous runtime, or [`wait`](Self::wait) for it: both give what the work gives, its errors, and its
/// panic if it panics. Dropping it cancels what the work computes: tasks that have not started do not start, on a cluster
/// too.
///
/// # Examples
///
/// ```
/// use hyperslab::prelude::*;
/// let x = Array::<f64>::arange(0.0, 6.0, 1.0, Chunks::size(2))?;
/// let runtime = Runtime::local();
/// let sum = runtime.submit(&x.sum())?;
/// let squares = runtime.submit(&(&x * &x))?;
/// assert_eq!(sum.wait()?.sum(), 15.0);
/// let asynchronous = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// assert_eq!(asynchronous.block_on(squares)?[5], 25.0);
/// # Ok::<(), hyperslab::Error>(())
/// ```
#[must_use = "dropping the future cancels the work"]
pub struct RunFuture<R> {
    shared: Arc<Shared<R>>,
    token: CancelToken,
}

impl<R> std::fmt::Debug for RunFuture<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RunFuture").field("is_done", &self.is_done()).finish_non_exhaustive()
    }
}

impl<R> RunFuture<R> {
    /// Whether the work has ended, well or not.
    ///
    /// # Examples
    ///
    /// ```
    /// use hyperslab::prelude::*;
    /// let answer = Runtime::local().spawn(|| Ok(42))?;
    /// while !answer.is_done() {
    ///     std::thread::yield_now();
    /// }
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn is_done(&self) -> bool {
        !matches!(*self.shared.state(), State::Running(_))
    }

    /// Cancels the runs that the work has started, and those that it will start, which end with an error. What the work does
    /// beside them goes on.
    ///
    /// # Examples
    ///
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<f64>::full([100_000, 100_000], 1.0, Chunks::size(1_000))?;
    /// let sum = Runtime::local().spawn(move || x.sin().sum().scalar())?;
    /// sum.cancel();
    /// assert!(sum.wait().unwrap_err().is_cancelled());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn cancel(&self) {
        self.token.cancel();
    }

    /// Blocks this thread until the work has ended, and gives its result.
    ///
    /// # Errors
    ///
    /// Those of the work.
    ///
    /// # Panics
    ///
    /// If the work has panicked.
    ///
    /// # Examples
    ///
    /// ```
    /// use hyperslab::prelude::*;
    /// assert_eq!(Runtime::local().spawn(|| Ok(6 * 7))?.wait()?, 42);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn wait(self) -> Result<R> {
        let running = |state: &mut State<R>| matches!(state, State::Running(_));
        let state = self.shared.has_ended.wait_while(self.shared.state(), running);
        let ended = std::mem::replace(&mut *state.unwrap_or_else(PoisonError::into_inner), State::Taken);
        given(ended)
    }
}

/// What is handed out of a state that is not running.
fn given<R>(state: State<R>) -> Result<R> {
    match state {
        State::Ended(ended) => ended.unwrap_or_else(|panic| resume_unwind(panic)),
        State::Running(_) | State::Taken => Err(Error::bug("future", "the result has been handed out before")),
    }
}

impl<R> Future for RunFuture<R> {
    type Output = Result<R>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<R>> {
        let ended = {
            let mut state = self.shared.state();
            if let State::Running(waker) = &mut *state {
                *waker = Some(context.waker().clone());
                return Poll::Pending;
            }
            std::mem::replace(&mut *state, State::Taken)
        };
        Poll::Ready(given(ended))
    }
}

impl<R> Drop for RunFuture<R> {
    fn drop(&mut self) {
        self.token.cancel();
    }
}

impl Runtime {
    /// Starts work that computes arrays on a thread of its own, with this runtime as the current one.
    ///
    /// The thread waits while the runtime's threads, or workers of a cluster, compute: start a few pieces of work at a time
    /// rather than thousands.
    ///
    /// # Errors
    ///
    /// No thread could be started. Errors of the work come with its result.
    ///
    /// # Examples
    ///
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<f64>::arange(0.0, 5.0, 1.0, Chunks::size(2))?;
    /// let mean = Runtime::local().threads(2).spawn(move || x.mean().scalar())?;
    /// assert_eq!(mean.wait()?, 2.0);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn spawn<R: Send + 'static>(&self, work: impl FnOnce() -> Result<R> + Send + 'static) -> Result<RunFuture<R>> {
        let token = self.child_token();
        let runtime = self.clone().cancel_token(token.clone());
        let shared = Arc::new(Shared { state: Mutex::new(State::Running(None)), has_ended: Condvar::new() });
        let of_thread = shared.clone();
        let run = move || of_thread.end(catch_unwind(AssertUnwindSafe(|| runtime.enter(work))));
        let thread = std::thread::Builder::new().name("hyperslab-run".into());
        thread.spawn(run).map_err(|source| Error::threads(1, source))?;
        Ok(RunFuture { shared, token })
    }

    /// Does work that computes arrays as [`spawn`](Self::spawn) does, and awaits it: the threads of an asynchronous runtime
    /// are never blocked. Dropping the future cancels what the work computes; nothing starts before it is awaited.
    ///
    /// # Errors
    ///
    /// Those of the work, or no thread could be started.
    ///
    /// # Panics
    ///
    /// If the work panics.
    ///
    /// # Examples
    ///
    /// ```
    /// use hyperslab::prelude::*;
    /// async fn mean(x: Array<f64>) -> Result<f64> {
    ///     Runtime::current().run_async(move || x.mean().scalar()).await
    /// }
    /// let x = Array::<f64>::arange(0.0, 5.0, 1.0, Chunks::size(2))?;
    /// let asynchronous = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// assert_eq!(asynchronous.block_on(mean(x))?, 2.0);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub async fn run_async<R: Send + 'static>(&self, work: impl FnOnce() -> Result<R> + Send + 'static) -> Result<R> {
        self.spawn(work)?.await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc::channel;
    use std::task::Wake;

    use super::*;

    /// Counts how often it is woken.
    #[derive(Default)]
    struct Bell(AtomicUsize);

    impl Wake for Bell {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn text_of_panic(work: impl FnOnce()) -> String {
        let panic = catch_unwind(AssertUnwindSafe(work)).unwrap_err();
        panic.downcast_ref::<&str>().map_or_else(String::new, |text| (*text).to_owned())
    }

    #[test]
    fn results_errors_and_panics_come_back() {
        let runtime = Runtime::local().threads(1);
        assert_eq!(runtime.spawn(|| Ok(Runtime::current().n_threads())).unwrap().wait().unwrap(), 1);
        let refused = runtime.spawn(|| Err::<(), _>(Error::value("sum", "no number"))).unwrap();
        assert!(refused.wait().unwrap_err().to_string().contains("no number"));
        let broken = runtime.spawn(|| -> Result<()> { panic!("the work is broken") }).unwrap();
        assert_eq!(text_of_panic(|| drop(broken.wait())), "the work is broken");
    }

    #[test]
    fn who_awaits_is_woken_once() {
        let (go, may_go) = channel::<()>();
        let mut future = Runtime::local().spawn(move || Ok(may_go.recv().is_ok())).unwrap();
        let bell = Arc::new(Bell::default());
        let waker = Waker::from(bell.clone());
        let mut context = Context::from_waker(&waker);
        assert!(Pin::new(&mut future).poll(&mut context).is_pending());
        assert!(!future.is_done());
        go.send(()).unwrap();
        while bell.0.load(Ordering::SeqCst) == 0 {
            std::thread::yield_now();
        }
        assert!(future.is_done());
        assert!(matches!(Pin::new(&mut future).poll(&mut context), Poll::Ready(Ok(true))));
        assert!(matches!(Pin::new(&mut future).poll(&mut context), Poll::Ready(Err(_))), "there is only one result");
        assert_eq!(bell.0.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn dropping_and_cancelling_reach_the_work() {
        let (token_of_run, is_there) = channel::<CancelToken>();
        let work = move || {
            // As long as the result is wanted the token is not cancelled.
            let token = Runtime::current().child_token();
            token_of_run.send(token.clone()).unwrap();
            while !token.is_cancelled() {
                std::thread::yield_now();
            }
            Ok(())
        };
        let runtime = Runtime::local();
        let future = runtime.spawn(work.clone()).unwrap();
        let token = is_there.recv().unwrap();
        assert!(!token.is_cancelled());
        drop(future);
        assert!(token.is_cancelled());
        let future = runtime.spawn(work).unwrap();
        future.cancel();
        future.wait().unwrap();
    }

    #[test]
    fn the_token_of_the_runtime_cancels_too() {
        let token = CancelToken::new();
        let runtime = Runtime::local().cancel_token(token.clone());
        token.cancel();
        assert!(runtime.spawn(|| Ok(Runtime::current().child_token().is_cancelled())).unwrap().wait().unwrap());
    }
}
