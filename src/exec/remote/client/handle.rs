//! The client itself.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::mpsc::unbounded_channel;
use tokio::sync::oneshot;

use super::book::Name;
use super::connect::{Connected, connect};
use super::core::Core;
use super::driver::{Command, Driver};
use super::future::RemoteFuture;
use super::gather::{PATIENCE, gather};
use super::options::{ConnectOptions, SubmitOptions};
use super::park::wait_for;
use super::restart::restart;
use super::results::Results;
use super::scatter::{ScatterOptions, running_workers, scatter};
use crate::error::{Error, Result};
use crate::exec::remote::SchedulerInfo;
use crate::exec::remote::wire::Value;
use crate::exec::remote::worker::messages::read_manifests;
use crate::graph::wire::RemoteTask;

const OP: &str = "remote client";

/// Pause between two looks at how many workers there are.
const LOOK_PAUSE: Duration = Duration::from_millis(20);

/// A client of a dask.distributed scheduler.
///
/// Cloning is cheap. The connection is closed when the last clone and the last result that is kept are gone; the
/// scheduler then forgets all that this client wanted. A scheduler that goes away is not waited for: everything that waits
/// fails, and everything that is asked for later does.
///
/// # Examples
///
/// ```no_run
/// use hyperslab::exec::remote::{Client, ConnectOptions};
/// let client = Client::connect(&ConnectOptions::address("tcp://127.0.0.1:8786"))?;
/// println!("{} workers", client.workers()?.len());
/// # Ok::<(), hyperslab::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Client {
    core: Arc<Core>,
    options: SubmitOptions,
}

impl Client {
    /// Connects to a scheduler.
    ///
    /// # Errors
    ///
    /// The address cannot be read, the settings rule the connection out, the scheduler does not answer in time, or is older
    /// than release 2025.4.
    ///
    /// # Examples
    ///
    /// ```
    /// use hyperslab::exec::remote::{Client, ConnectOptions};
    /// let error = Client::connect(&ConnectOptions::address("tcp://192.0.2.1:8786")).unwrap_err();
    /// assert!(error.is_usage() && error.to_string().contains("would not be encrypted"));
    /// ```
    pub fn connect(options: &ConnectOptions) -> Result<Self> {
        wait_for(Self::connect_async(options))
    }

    /// Connects to a scheduler, from any asynchronous runtime.
    ///
    /// # Errors
    ///
    /// As for [`connect`](Self::connect).
    ///
    /// # Examples
    ///
    /// ```
    /// use hyperslab::exec::remote::{Client, ConnectOptions};
    /// async fn n_workers() -> hyperslab::Result<usize> {
    ///     let client = Client::connect_async(&ConnectOptions::from_env()?).await?;
    ///     Ok(client.workers_async().await?.len())
    /// }
    /// ```
    pub async fn connect_async(options: &ConnectOptions) -> Result<Self> {
        let (ready, is_ready) = oneshot::channel();
        let options = options.clone();
        let thread = std::thread::Builder::new().name("hyperslab-client".into());
        let started = thread.spawn(move || live(&options, ready));
        started.map_err(|source| Error::threads(1, source))?;
        let core =
            is_ready.await.map_err(|_| Error::bug(OP, "the client's thread ended before it was connected"))??;
        Ok(Self { core: Arc::new(core), options: SubmitOptions::new() })
    }

    /// The same connection, for tasks that are to be run in this way.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use hyperslab::exec::remote::{Client, ConnectOptions, SubmitOptions};
    /// use hyperslab::kernel::Registry;
    /// use hyperslab::prelude::*;
    /// let client = Client::connect(&ConnectOptions::address("tcp://127.0.0.1:8786"))?;
    /// let mut registry = Registry::new();
    /// registry.register_files()?;
    /// let patient = client.clone().with_options(SubmitOptions::new().retries(3).workers(["node1", "node2"]));
    /// let x = Array::<f64>::ones([1000, 1000], Chunks::auto())?;
    /// let sum = Runtime::on_client(patient, registry).enter(|| x.sum().scalar())?;
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn with_options(mut self, options: SubmitOptions) -> Self {
        self.options = options;
        self
    }

    pub(crate) fn options(&self) -> &SubmitOptions {
        &self.options
    }

    /// What the scheduler said of itself when the connection was made.
    ///
    /// # Examples
    ///
    /// ```
    /// let release = |client: &hyperslab::exec::remote::Client| client.scheduler().distributed.clone();
    /// ```
    pub fn scheduler(&self) -> &SchedulerInfo {
        &self.core.info
    }

    /// The name of this client on the scheduler.
    ///
    /// # Examples
    ///
    /// ```
    /// let name = |client: &hyperslab::exec::remote::Client| client.id().to_owned();
    /// ```
    pub fn id(&self) -> &str {
        &self.core.id
    }

    /// The workers that take tasks: addresses and numbers of threads.
    ///
    /// # Errors
    ///
    /// The scheduler is gone.
    ///
    /// # Examples
    ///
    /// ```
    /// use hyperslab::exec::remote::Client;
    /// fn n_threads(client: &Client) -> hyperslab::Result<usize> {
    ///     Ok(client.workers()?.iter().map(|(_, n)| n).sum())
    /// }
    /// ```
    pub fn workers(&self) -> Result<Vec<(String, usize)>> {
        wait_for(self.workers_async())
    }

    /// The same, from any asynchronous runtime.
    ///
    /// # Errors
    ///
    /// The scheduler is gone.
    ///
    /// # Examples
    ///
    /// ```
    /// use hyperslab::exec::remote::Client;
    /// async fn has_workers(client: &Client) -> hyperslab::Result<bool> {
    ///     Ok(!client.workers_async().await?.is_empty())
    /// }
    /// ```
    pub async fn workers_async(&self) -> Result<Vec<(String, usize)>> {
        let core = self.core.clone();
        self.core.run(async move { running_workers(&core).await }).await
    }

    /// Waits until there are so many workers.
    ///
    /// # Errors
    ///
    /// There are fewer when the time is over, or the scheduler is gone.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use hyperslab::exec::remote::Client;
    /// let ready = |client: &Client| client.wait_for_workers(2, Duration::from_secs(60));
    /// ```
    pub fn wait_for_workers(&self, n_workers: usize, limit: Duration) -> Result<()> {
        let since = Instant::now();
        loop {
            let n_found = self.workers()?.len();
            if n_found >= n_workers {
                return Ok(());
            }
            if since.elapsed() >= limit {
                let detail = format!("{n_found} of {n_workers} workers have come within {limit:?}");
                return Err(Error::remote(OP, &self.core.address, detail));
            }
            std::thread::sleep(LOOK_PAUSE);
        }
    }

    /// Has all workers start anew and waits until they are back.
    ///
    /// The scheduler forgets every result and every task, those of other clients too: all futures fail with an error that
    /// says so, runs that wait for them do, and so do arrays that have been persisted there. Clients stay connected, and
    /// what is submitted afterwards runs. A worker that does not leave by itself is ended by its nanny.
    ///
    /// Workers without a nanny end and do not come back, unless something else starts them again.
    ///
    /// # Errors
    ///
    /// Fewer workers than before are back within `limit`, or the scheduler is gone. In the first case everything has been
    /// forgotten all the same, and workers may still come.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use std::time::Duration;
    /// use hyperslab::exec::remote::{Client, ConnectOptions};
    /// let client = Client::connect(&ConnectOptions::address("tcp://127.0.0.1:8786"))?;
    /// client.restart(Duration::from_secs(60))?;
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn restart(&self, limit: Duration) -> Result<()> {
        wait_for(self.restart_async(limit))
    }

    /// The same, from any asynchronous runtime.
    ///
    /// # Errors
    ///
    /// As for [`restart`](Self::restart).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use hyperslab::exec::remote::Client;
    /// async fn start_anew(client: &Client) -> hyperslab::Result<()> {
    ///     client.restart_async(Duration::from_secs(60)).await
    /// }
    /// ```
    pub async fn restart_async(&self, limit: Duration) -> Result<()> {
        let core = self.core.clone();
        self.core.run(async move { restart(&core, limit).await }).await
    }

    /// Why this client is of no use any more, if that is so.
    ///
    /// # Errors
    ///
    /// The scheduler is gone, or the client has been closed.
    ///
    /// # Examples
    ///
    /// ```
    /// let is_connected = |client: &hyperslab::exec::remote::Client| client.check().is_ok();
    /// ```
    pub fn check(&self) -> Result<()> {
        self.core.check_alive()
    }

    /// Leaves the scheduler, whatever futures there are; they fail. Waits until the scheduler has been told.
    ///
    /// # Examples
    ///
    /// ```
    /// use hyperslab::exec::remote::Client;
    /// let leave = |client: Client| client.close();
    /// ```
    pub fn close(&self) {
        let (done, is_done) = oneshot::channel();
        self.core.tell(Command::Close(Some(done)));
        // An error says that the client's thread has ended already.
        drop(wait_for(is_done));
    }

    /// What tests look into.
    #[cfg(test)]
    pub(super) fn core(&self) -> &Arc<Core> {
        &self.core
    }

    /// Has tasks run. Inputs come before the tasks that need them; those that are no tasks here are results that futures
    /// are held of. Tasks that no wanted result needs are not run.
    ///
    /// # Errors
    ///
    /// The tasks make no graph, or the scheduler is gone.
    pub(crate) fn submit(
        &self,
        tasks: impl IntoIterator<Item = RemoteTask>,
        wanted: &[String],
        options: &SubmitOptions,
    ) -> Result<Vec<RemoteFuture>> {
        let wanted: Vec<Name> = wanted.iter().map(|key| key.as_str().into()).collect();
        self.core.submit(tasks.into_iter().collect(), &wanted, options)
    }

    /// Futures of results that another client has submitted. Those that the scheduler does not know fail.
    pub(crate) fn join(&self, keys: &[String]) -> Result<Vec<RemoteFuture>> {
        let names: Vec<Name> = keys.iter().map(|key| key.as_str().into()).collect();
        self.core.join(&names)
    }

    /// The results themselves, in order, as the workers' runner has encoded them.
    ///
    /// # Errors
    ///
    /// A task failed, or the scheduler is gone, or results cannot be fetched.
    pub(crate) fn gather(&self, futures: &[RemoteFuture]) -> Result<Vec<Bytes>> {
        wait_for(self.gather_async(futures))
    }

    /// The same, from any asynchronous runtime.
    pub(crate) async fn gather_async(&self, futures: &[RemoteFuture]) -> Result<Vec<Bytes>> {
        let wanted = futures.iter().map(|future| (future.name().clone(), future.cell().clone())).collect();
        self.core.run(gather(self.core.clone(), wanted, PATIENCE)).await
    }

    /// Puts values on workers, as their runner encodes them, under keys that are new. They cannot be computed again if their
    /// worker is lost: their futures and those of what needs them fail then.
    ///
    /// # Errors
    ///
    /// There are no workers, they refuse the values, or the scheduler is gone.
    pub(crate) fn scatter(&self, values: Vec<(String, Bytes)>, options: &ScatterOptions) -> Result<Vec<RemoteFuture>> {
        wait_for(self.scatter_async(values, options))
    }

    /// The same, from any asynchronous runtime.
    pub(crate) async fn scatter_async(
        &self,
        values: Vec<(String, Bytes)>,
        options: &ScatterOptions,
    ) -> Result<Vec<RemoteFuture>> {
        let values: Vec<(Name, Bytes)> = values.into_iter().map(|(key, value)| (key.into(), value)).collect();
        let names: Vec<Name> = values.iter().map(|(name, _)| name.clone()).collect();
        self.core.check_alive()?;
        let futures = self.core.hold(&names);
        self.core.run(scatter(self.core.clone(), values, options.clone())).await?;
        Ok(futures)
    }

    /// A number that was not given before.
    pub(crate) fn fresh_number(&self) -> u64 {
        self.core.n_submissions.fetch_add(1, Ordering::Relaxed)
    }

    /// What the workers say that clients must know, too: addresses and manifests.
    ///
    /// # Errors
    ///
    /// The scheduler is gone.
    pub(crate) fn manifests(&self) -> Result<Vec<(String, Vec<String>)>> {
        let core = self.core.clone();
        wait_for(self.core.run(async move {
            let request = Value::map([("op", "identity".into())]);
            read_manifests(&core.ask(&request).await?)
        }))
    }

    /// Gives results up: their futures fail, and what nobody else wants is not computed.
    pub(crate) fn cancel(&self, futures: &[RemoteFuture]) {
        self.core.tell(Command::GiveUp(futures.iter().map(|future| future.name().clone()).collect()));
    }
}

/// The client's thread.
fn live(options: &ConnectOptions, ready: oneshot::Sender<Result<Core>>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(source) => {
            // Whoever wanted to connect may not wait any more; nothing has begun then.
            return drop(ready.send(Err(Error::threads(1, source))));
        }
    };
    let handle = runtime.handle().clone();
    runtime.block_on(async {
        let connected = match connect(options).await {
            Ok(connected) => connected,
            Err(error) => return drop(ready.send(Err(error))),
        };
        let (commands, commanded) = unbounded_channel();
        let results = Arc::new(Results::default());
        let Connected { id, address, info, sender, receiver, pool, peers } = connected;
        let driver = Driver::new(id.clone(), address.clone(), results.clone(), sender);
        let (n_chunks, n_submissions, n_scattered) = Default::default();
        let runtime = handle;
        let core =
            Core { id, address, info, results, commands, runtime, pool, peers, n_chunks, n_submissions, n_scattered };
        // Should nobody wait any more, the core is dropped here, which closes it.
        drop(ready.send(Ok(core)));
        driver.run(receiver, commanded, options.heartbeat).await;
    });
}
