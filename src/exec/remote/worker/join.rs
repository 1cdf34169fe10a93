//! Joining a cluster, and joining it again.
//!
//! A worker that has lost its scheduler cannot go on where it was: the scheduler takes what it held for lost. It comes back
//! as a new worker, with nothing, after a pause that grows and is never the same for two workers.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::unbounded_channel;

use crate::error::Result;
use crate::exec::remote::comm::{Address as PeerAddress, Comm, Listening, RpcPool, open_stream};
use crate::exec::remote::wire::{Value, check_reply};
use crate::exec::spill::SpillStore;

use super::driver::{Driver, Ended, Parts};
use super::machine::{Machine, Setup};
use super::messages::{Metrics, Registration};
use super::options::{WorkerOptions, unix_s};
use super::patience::Patience;
use super::process::process_bytes;
use super::runner::TaskRunner;
use super::server::{Outgoing, Server};
use super::store::Store;
use super::threads::TaskThreads;

/// Messages of a worker leave at least this long after each other.
const STREAM_INTERVAL: Duration = Duration::from_millis(2);
/// Connections to other processes, in use or idle.
const MAX_CONNECTIONS: usize = 512;
/// How long the scheduler may take to answer a question.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// Runs one worker from registration to end.
///
/// # Errors
///
/// The worker could not join: the scheduler is out of reach, or refuses it.
pub(crate) async fn run_worker<R: TaskRunner>(options: &WorkerOptions, runner: Arc<R>) -> Result<Ended> {
    let scheduler: PeerAddress = options.scheduler.parse()?;
    let transport = options.transport()?;
    let listener = transport.listen(&options.listen_address(&scheduler)?).await?;
    let address = listener.address().to_string();
    let pool = RpcPool::new(transport.clone(), 1);
    let versions = Value::map([("op", "versions".into())]);
    let versions = pool.call_within(ANSWER_LIMIT, &scheduler, &versions).await?;
    let comm = transport.connect(&scheduler).await?;
    let (comm, heartbeat_s) = register(comm, options, &address, runner.manifest(), versions.clone()).await?;
    options.beats.joined(&address);
    // Some of dask's tools that start workers wait for these words in their logs.
    eprintln!("hyperslab worker: {address}. Registered to: {scheduler}");
    let (sender, stream) = open_stream(comm, STREAM_INTERVAL);
    let pool = RpcPool::new(transport.towards_members(), MAX_CONNECTIONS);

    let (requests, requested) = unbounded_channel();
    let store = Arc::new(Store::new());
    let outgoing = Arc::new(Outgoing::default());
    let server = Server {
        runner: runner.clone(),
        store: store.clone(),
        pool: pool.clone(),
        outgoing: outgoing.clone(),
        requests,
        address: address.clone(),
        scheduler: scheduler.to_string(),
        n_threads: options.n_threads,
        memory_limit_bytes: options.memory.limit_bytes,
        versions,
    };
    let _listening = Listening::start(listener, Arc::new(server));
    let threads = TaskThreads::start(options.n_threads)?;
    let machine = Machine::new(setup(options, &address));
    let disk = SpillStore::new(&options.folder, u64::MAX);
    let parts =
        Parts { machine, runner, store, disk, pool, outgoing, address, scheduler, sender, threads, heartbeat_s };
    Ok(Driver::run(parts, stream, requested).await)
}

fn setup(options: &WorkerOptions, address: &str) -> Setup {
    Setup {
        resources: options.resources.clone(),
        transfers: options.transfers(),
        memory: options.memory,
        ..Setup::new(address.into(), options.n_threads)
    }
}

/// Registers on a fresh connection, which then is the worker's stream.
async fn register(
    mut comm: Comm,
    options: &WorkerOptions,
    address: &str,
    manifest: Vec<String>,
    versions: Value,
) -> Result<(Comm, f64)> {
    let metrics = Metrics { now_s: unix_s(), process_bytes: process_bytes(), ..Metrics::default() };
    let resources = options.resources.iter().map(|(name, amount)| (name.to_string(), *amount));
    let registration = Registration {
        address: address.to_owned(),
        name: options.name.clone().unwrap_or_else(|| address.to_owned()),
        n_threads: options.n_threads,
        memory_limit_bytes: options.memory.limit_bytes,
        resources: resources.collect(),
        nanny: options.nanny.clone(),
        folder: options.folder.to_string_lossy().into_owned(),
        manifest,
        versions,
        metrics,
    };
    comm.set_patience(Some(ANSWER_LIMIT));
    let reply = comm.exchange(&registration.to_value()).await?;
    // A stream may be silent for long.
    comm.set_patience(None);
    let reply = check_reply("register-worker", comm.peer(), reply)?;
    let heartbeat_s = Registration::read_reply(&reply)?;
    Ok((comm, heartbeat_s))
}

/// Runs a worker, and a new one whenever the scheduler has been lost, until it is asked to end.
///
/// # Errors
///
/// The settings are wrong: no pause would help. Or there has been no scheduler for as long as the settings allow.
pub(crate) async fn stay_joined<R: TaskRunner>(options: &WorkerOptions, runner: Arc<R>) -> Result<()> {
    let mut patience = Patience::new(options.death_timeout);
    loop {
        match run_worker(options, runner.clone()).await {
            Ok(Ended::Asked) => return Ok(()),
            Ok(Ended::Lost(_)) => patience.renew(),
            Err(error) => patience.spend(error)?,
        }
        patience.pause().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::remote::comm::testing::pair;

    #[test]
    fn a_scheduler_that_does_not_answer_is_not_waited_for() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let (ours, mut theirs) = pair().await;
            let options = WorkerOptions::new("tcp://127.0.0.1:1");
            let silent = async {
                let request = theirs.reader.expect().await.unwrap();
                assert_eq!(request.text("op").unwrap(), "register-worker");
                std::future::pending::<()>().await;
            };
            let registered = register(ours, &options, "tcp://127.0.0.1:2", Vec::new(), Value::empty_map());
            let error = tokio::select! {
                registered = registered => registered.unwrap_err(),
                () = silent => unreachable!(),
            };
            assert!(error.is_remote() && error.to_string().contains("not a byte within 30s"), "{error}");
        });
    }
}
