//! Fetching values from other workers.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::exec::remote::comm::{Address as PeerAddress, RpcPool};
use crate::exec::remote::wire::{Limits, Value, check_reply};

use super::messages::{data_request, is_busy, read_data};
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
