//! A result that will be on a worker.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::book::{Name, Status};
use super::core::Core;
use super::park::{wait_for, wait_until};
use super::results::Cell;
use crate::error::Result;

/// A result on the cluster: being computed, or in the memory of some worker.
///
/// The result is kept there as long as there is a future of it. Cloning a future copies a pointer; when the last one is
/// dropped, the result is freed, and a task that nobody needs any more is not run. Futures also keep the connection: it is
/// closed when the [`Client`](super::Client) and all its futures are gone.
#[derive(Clone)]
pub(crate) struct RemoteFuture {
    handle: Arc<Handle>,
}

struct Handle {
    name: Name,
    cell: Arc<Cell>,
    core: Arc<Core>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.core.drop_future(&self.name);
    }
}

impl RemoteFuture {
    pub(super) fn new(name: Name, cell: Arc<Cell>, core: Arc<Core>) -> Self {
        Self { handle: Arc::new(Handle { name, cell, core }) }
    }

    pub(super) fn name(&self) -> &Name {
        &self.handle.name
    }

    pub(super) fn cell(&self) -> &Arc<Cell> {
        &self.handle.cell
    }

    /// The name of the result in the cluster, as the dashboard shows it.
    pub(crate) fn key(&self) -> &str {
        &self.handle.name
    }

    /// Whether the result is there, or will never be.
    pub(crate) fn is_done(&self) -> bool {
        !matches!(self.handle.cell.status(), Status::Pending)
    }

    /// Whether the result is there: true, will never be: the error, or is still to come: false.
    pub(crate) fn check(&self) -> Result<bool> {
        match self.handle.cell.status() {
            Status::Pending => Ok(false),
            Status::Finished => Ok(true),
            Status::Failed(error) => Err(error),
        }
    }

    /// Waits until the result is there.
    ///
    /// # Errors
    ///
    /// The task failed, was cancelled, or the scheduler is gone.
    pub(crate) fn wait(&self) -> Result<()> {
        wait_for(self.handle.cell.settled())
    }

    /// Waits until the result is there, but not longer than `limit`: false then.
    ///
    /// # Errors
    ///
    /// As for [`wait`](Self::wait).
    pub(crate) fn wait_within(&self, limit: Duration) -> Result<bool> {
        match wait_until(Instant::now().checked_add(limit), self.handle.cell.settled()) {
            Some(settled) => settled.map(|()| true),
            None => Ok(false),
        }
    }

    /// Waits until all results are there; `progress` is told how many are, at the beginning, at the end, and in between
    /// whenever one has been waited for.
    ///
    /// # Errors
    ///
    /// A task failed, or the scheduler is gone.
    pub(crate) fn wait_all(futures: &[RemoteFuture], mut progress: impl FnMut(usize)) -> Result<()> {
        progress(0);
        for (i, future) in futures.iter().enumerate() {
            if !future.check()? {
                future.wait()?;
                // Those after this one are not counted: looking at all of them each time would take too long.
                progress(i + 1);
            }
        }
        progress(futures.len());
        Ok(())
    }

    /// Waits until the result is there, on any asynchronous runtime.
    ///
    /// # Errors
    ///
    /// As for [`wait`](Self::wait).
    pub(crate) async fn settled(&self) -> Result<()> {
        self.handle.cell.settled().await
    }
}

impl fmt::Debug for RemoteFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = match self.handle.cell.status() {
            Status::Pending => "pending",
            Status::Finished => "finished",
            Status::Failed(_) => "failed",
        };
        write!(f, "RemoteFuture({}: {status})", self.handle.name)
    }
}
