//! Fetching values from other workers.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::exec::remote::comm::{Address as PeerAddress, RpcPool};
use crate::exec::remote::wire::{Limits, Value, check_reply};

use super::messages::{data_request, gather_request, is_busy, read_data};
use super::names::{Address, Key};
use super::runner::TaskRunner;

/// How long values of a peer that could not be reached come by way of the scheduler, before it is tried again.
const DETOUR_TIME: Duration = Duration::from_mins(5);
/// How long the scheduler may be silent when it fetches for this worker.
const DETOUR_PATIENCE: Duration = Duration::from_secs(30);

/// What came of a request.
pub(crate) enum Fetched<V> {
    /// What the peer has: the values, or why they cannot be read.
    Values(Vec<(Key, Result<V>)>),
    Busy,
}

/// Asks a worker for values.
pub(crate) async fn fetch<R: TaskRunner>(
    pool: &RpcPool,
    runner: &Arc<R>,
    worker: &Address,
    keys: &[Key],
    who: &str,
) -> Result<Fetched<R::Value>> {
    let address: PeerAddress = worker.as_str().parse()?;
    let mut lease = pool.lease(&address).await?;
    let reply = check_reply("get_data", worker, lease.exchange(&data_request(keys, Some(who))).await?)?;
    if is_busy(&reply)? {
        lease.give_back();
        return Ok(Fetched::Busy);
    }
    // The peer waits for this before it takes the next request.
    lease.comm().writer.write(&Value::from("OK")).await?;
    lease.give_back();
    read_values(runner, reply).await.map(Fetched::Values)
}

/// Asks the scheduler for values: it fetches them, where this worker cannot reach who has them.
///
/// # Errors
///
/// The scheduler could not get all of them either, or was silent for longer than the limit.
pub(super) async fn fetch_by_way_of<R: TaskRunner>(
    scheduler: &PeerAddress,
    pool: &RpcPool,
    runner: &Arc<R>,
    keys: &[Key],
) -> Result<Fetched<R::Value>> {
    let reply = pool.call_patiently(Some(DETOUR_PATIENCE), scheduler, &gather_request(keys)).await?;
    match reply.text("status")? {
        "OK" => read_values(runner, reply).await.map(Fetched::Values),
        status => Err(Error::remote("gather", scheduler, format!("the scheduler does not get the values: {status}"))),
    }
}

/// Peers that could not be reached, and when that was.
///
/// Where the network lets a worker reach the scheduler but not a peer, the scheduler goes on naming that peer, and nobody
/// else may have what it has: such values come by way of the scheduler for a while.
#[derive(Debug, Default)]
pub(super) struct Unreachable(HashMap<Address, Instant>);

impl Unreachable {
    /// A transfer has failed.
    pub(super) fn note(&mut self, worker: &Address) {
        self.0.retain(|_, since| since.elapsed() < DETOUR_TIME);
        self.0.insert(worker.clone(), Instant::now());
    }

    /// The scheduler has given the peer up.
    pub(super) fn forget(&mut self, worker: &Address) {
        self.0.remove(worker);
    }

    /// Whether to ask the scheduler.
    pub(super) fn contains(&self, worker: &Address) -> bool {
        self.0.get(worker).is_some_and(|since| since.elapsed() < DETOUR_TIME)
    }
}

/// Reads the values in an answer. The event loop goes on meanwhile: of gigabytes this takes seconds.
pub(super) async fn read_values<R: TaskRunner>(runner: &Arc<R>, reply: Value) -> Result<Vec<(Key, Result<R::Value>)>> {
    let runner = runner.clone();
    let read = move || {
        let contents = read_data(&reply, &Limits::default())?.into_iter();
        Ok(contents.map(|(key, content)| (key, content.and_then(|content| runner.decode(content)))).collect())
    };
    let read = tokio::task::spawn_blocking(read).await;
    read.unwrap_or_else(|panic| Err(Error::bug("get_data", format!("reading a value panicked: {panic}"))))
}
