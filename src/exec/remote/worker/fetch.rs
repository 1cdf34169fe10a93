//! Fetching values from other workers.

use std::sync::Arc;

use crate::error::Result;
use crate::exec::remote::comm::{Address as PeerAddress, RpcPool};
use crate::exec::remote::wire::{Limits, Value, check_reply};

use super::messages::{DataReply, data_request, read_data_reply};
use super::names::{Address, Key};
use super::runner::TaskRunner;

/// What came of a request.
pub(crate) enum Fetched<V> {
    /// Those that the peer has and that could be read.
    Values(Vec<(Key, V)>),
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
    let contents = match read_data_reply(&reply, &Limits::default())? {
        DataReply::Busy => {
            lease.give_back();
            return Ok(Fetched::Busy);
        }
        DataReply::Found(contents) => contents,
    };
    // The peer waits for this before it takes the next request.
    lease.comm().writer.write(&Value::from("OK")).await?;
    lease.give_back();
    let runner = runner.clone();
    let decode = move || {
        let decoded = contents.into_iter().map(|(key, content)| Ok((key, runner.decode(content)?)));
        // What cannot be read has not arrived: it is asked for elsewhere.
        decoded.filter_map(|one: Result<_>| one.ok()).collect()
    };
    let values = tokio::task::spawn_blocking(decode).await;
    Ok(Fetched::Values(values.unwrap_or_default()))
}
