//! What a client, its futures and its requests share.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::book::{Chunk, Name};
use super::chunks::{PlannedChunk, plan_chunks};
use super::driver::{Command, token_of};
use super::future::RemoteFuture;
use super::messages::update_graph;
use super::options::SubmitOptions;
use super::results::Results;
use crate::error::{Error, Result};
use crate::exec::remote::comm::{Address, RpcPool};
use crate::exec::remote::probe::SchedulerInfo;
use crate::exec::remote::wire::Value;
use crate::graph::wire::RemoteTask;

/// How long the stream may take to tell what a request has met.
const CATCH_UP_LIMIT: Duration = Duration::from_secs(1);

/// Closed when the client and all futures are gone.
#[derive(Debug)]
pub(super) struct Core {
    pub(super) id: String,
    pub(super) address: Address,
    pub(super) info: SchedulerInfo,
    pub(super) results: Arc<Results>,
    pub(super) commands: UnboundedSender<Command>,
    /// Of the client's thread.
    pub(super) runtime: Handle,
    pub(super) pool: RpcPool,
    pub(super) peers: RpcPool,
    pub(super) n_chunks: AtomicU64,
    pub(super) n_submissions: AtomicU64,
    /// Values that were dealt to workers in turn.
    pub(super) n_scattered: AtomicUsize,
}

impl Drop for Core {
    fn drop(&mut self) {
        self.tell(Command::Close(None));
    }
}

impl Core {
    /// The driver may have ended; whoever waits for an answer hears of that from the results.
    pub(super) fn tell(&self, command: Command) {
        drop(self.commands.send(command));
    }

    pub(super) fn drop_future(&self, name: &Name) {
        self.results.drop_one(name, || self.tell(Command::Dropped(name.clone())));
    }

    pub(super) fn hold(self: &Arc<Self>, names: &[Name]) -> Vec<RemoteFuture> {
        let announce = |name: &Name, cell| self.tell(Command::Held { name: name.clone(), cell });
        let cells = self.results.hold(names, announce);
        names.iter().zip(cells).map(|(name, cell)| RemoteFuture::new(name.clone(), cell, self.clone())).collect()
    }

    /// Why nothing can be asked for any more.
    pub(super) fn check_alive(&self) -> Result<()> {
        self.results.ended().map_or(Ok(()), Err)
    }

    pub(super) fn submit(
        self: &Arc<Self>,
        tasks: Vec<RemoteTask>,
        wanted: &[Name],
        options: &SubmitOptions,
    ) -> Result<Vec<RemoteFuture>> {
        self.check_alive()?;
        self.check_inputs(&tasks)?;
        let desired: HashSet<Name> = wanted.iter().cloned().collect();
        let chunks = plan_chunks(tasks, &desired, options.chunk_tasks)?;
        let n_found: usize = chunks.iter().map(|chunk| chunk.wanted.len()).sum();
        if n_found < desired.len() {
            let detail = format!("{} of {} wanted results have no task", desired.len() - n_found, desired.len());
            return Err(Error::bug("submit", detail));
        }
        let submission = self.n_submissions.fetch_add(1, Ordering::Relaxed);
        let futures = self.hold(wanted);
        for chunk in chunks {
            let id = self.n_chunks.fetch_add(1, Ordering::Relaxed);
            let message = update_graph(&chunk, &token_of(id, &self.id), options)?;
            let PlannedChunk { wanted, lent, spent, .. } = chunk;
            self.results.revive(&wanted);
            self.tell(Command::Submit { chunk: Chunk { id, submission, wanted, lent, spent }, message });
        }
        Ok(futures)
    }

    /// Fails if the tasks need a result from elsewhere that will never be there: the scheduler would only say that it does
    /// not know it.
    fn check_inputs(&self, tasks: &[RemoteTask]) -> Result<()> {
        let inputs = || tasks.iter().flat_map(|task| &task.deps).map(String::as_str);
        if self.results.failure_among(inputs()).is_none() {
            return Ok(());
        }
        // What failed once may be one of these tasks, which is tried again.
        let own: HashSet<&str> = tasks.iter().map(|task| task.key.as_str()).collect();
        let failure = self.results.failure_among(inputs().filter(|name| !own.contains(name)));
        failure.map_or(Ok(()), Err)
    }

    /// Futures of results that others have submitted or scattered.
    pub(super) fn join(self: &Arc<Self>, names: &[Name]) -> Result<Vec<RemoteFuture>> {
        self.check_alive()?;
        let futures = self.hold(names);
        self.tell(Command::Join(names.to_vec()));
        Ok(futures)
    }

    /// Runs work on the client's thread; ends early if that ends.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        self.check_alive()?;
        match self.runtime.spawn(work).await {
            Ok(Err(error)) if error.is_remote() => Err(self.cause_of(error).await),
            Ok(result) => result,
            Err(fault) if fault.is_panic() => Err(Error::bug("remote client", format!("a request panicked: {fault}"))),
            Err(_) => Err(self.results.ended().unwrap_or_else(|| {
                Error::remote("remote client", &self.address, "the client was closed before the answer came")
            })),
        }
    }

    /// The end of the scheduler, if that is why a request has failed: the stream may tell a moment later than a request.
    async fn cause_of(&self, error: Error) -> Error {
        let (done, is_done) = oneshot::channel();
        self.tell(Command::CatchUp(done));
        // Whether it is caught up with, gone, or silent: what is known then is told.
        drop(self.runtime.spawn(async { timeout(CATCH_UP_LIMIT, is_done).await }).await);
        self.results.ended().unwrap_or(error)
    }

    /// Asks the scheduler something.
    pub(super) async fn ask(&self, request: &Value) -> Result<Value> {
        self.pool.call(&self.address, request).await
    }
}
