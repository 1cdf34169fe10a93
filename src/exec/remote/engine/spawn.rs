//! Runs that are awaited.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use tokio::sync::oneshot;

use crate::error::{Error, Result};
use crate::exec::{CancelToken, Runtime};

/// Cancels a run that nobody awaits any more.
struct CancelOnDrop(CancelToken);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

impl Runtime {
    /// Does work that computes arrays on a thread of its own, with this runtime as the current one, and can be awaited on any
    /// asynchronous runtime. Dropping the future cancels what the work is computing.
    ///
    /// It is the asynchronous face of everything that computes, here and on clusters: the threads of an asynchronous runtime
    /// are never blocked.
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
        let token = self.child_token();
        let runtime = self.clone().cancel_token(token.clone());
        let _guard = CancelOnDrop(token);
        let (done, is_done) = oneshot::channel();
        let thread = std::thread::Builder::new().name("hyperslab-run".into());
        // Nobody may listen any more.
        let run = move || {
            let result = catch_unwind(AssertUnwindSafe(|| runtime.enter(work)));
            drop(done.send(result));
        };
        thread.spawn(run).map_err(|source| Error::threads(1, source))?;
        match is_done.await {
            Ok(Ok(result)) => result,
            Ok(Err(panic)) => resume_unwind(panic),
            Err(_) => Err(Error::bug("run_async", "the thread ended without a result")),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;
    use crate::exec::CancelToken;

    fn block_on<T>(work: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
    }

    #[test]
    fn results_errors_and_panics_come_back() {
        let runtime = Runtime::local().threads(1);
        assert_eq!(block_on(runtime.run_async(|| Ok(Runtime::current().n_threads()))).unwrap(), 1);
        let refused = block_on(runtime.run_async(|| Err::<(), _>(Error::value("sum", "no number"))));
        assert!(refused.unwrap_err().to_string().contains("no number"));
        let broken = || -> Result<()> { panic!("the work is broken") };
        let panicked = catch_unwind(AssertUnwindSafe(|| block_on(runtime.run_async(broken))));
        assert_eq!(panicked.unwrap_err().downcast_ref::<&str>(), Some(&"the work is broken"));
    }

    #[test]
    fn who_stops_awaiting_cancels() {
        let (runtime, (token_of_run, is_there)) = (Runtime::local(), channel::<CancelToken>());
        let mut run = Box::pin(runtime.run_async(move || {
            // As long as the run is wanted its token is not cancelled.
            let token = Runtime::current().child_token();
            token_of_run.send(token.clone()).unwrap();
            while !token.is_cancelled() {
                std::thread::yield_now();
            }
            Ok(())
        }));
        block_on(async {
            std::future::poll_fn(|context| {
                assert!(run.as_mut().poll(context).is_pending());
                std::task::Poll::Ready(())
            })
            .await;
        });
        let token = is_there.recv().unwrap();
        assert!(!token.is_cancelled());
        drop(run);
        assert!(token.is_cancelled());
    }

    #[test]
    fn the_token_of_the_runtime_cancels_too() {
        let token = CancelToken::new();
        let runtime = Runtime::local().cancel_token(token.clone());
        token.cancel();
        assert!(block_on(runtime.run_async(|| Ok(Runtime::current().child_token().is_cancelled()))).unwrap());
    }
}
