//! Fetching values from other workers.

use std::collections::HashSet;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::exec::remote::comm::{Address as PeerAddress, RpcPool};
use crate::exec::remote::wire::{Limits, Value, check_reply};

use super::messages::{data_request, gather_request, is_busy, keys_from_value, read_data};
use super::names::{Address, Key};
use super::runner::TaskRunner;

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

/// Asks the scheduler for values: it fetches them from whoever has them. Those that it cannot get are left out.
///
/// # Errors
///
/// It gets none of them.
pub(super) async fn fetch_by_scheduler<R: TaskRunner>(
    pool: &RpcPool,
    runner: &Arc<R>,
    scheduler: &PeerAddress,
    keys: &[Key],
) -> Result<Fetched<R::Value>> {
    let mut lease = pool.lease(scheduler).await?;
    // It answers with all values or with none, and names those that it cannot get.
    let mut reply = lease.exchange(&gather_request(keys)).await?;
    if reply.text("status")? != "OK" {
        let lacking: HashSet<Key> = keys_from_value(reply.field("keys")?)?.into_iter().collect();
        let others: Vec<Key> = keys.iter().filter(|key| !lacking.contains(*key)).cloned().collect();
        if others.len() < keys.len() && !others.is_empty() {
            reply = lease.exchange(&gather_request(&others)).await?;
        }
    }
    let reply = check_reply("gather", scheduler, reply)?;
    lease.give_back();
    read_values(runner, reply).await.map(Fetched::Values)
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
