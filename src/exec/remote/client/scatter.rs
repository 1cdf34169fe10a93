//! Putting values on workers.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use tokio::task::JoinSet;

use super::book::Name;
use super::core::Core;
use crate::error::{Error, Result};
use crate::exec::remote::comm::{Address, RpcPool};
use crate::exec::remote::wire::{Serialized, Value, check_reply};

const OP: &str = "scatter";

/// Rounds of sending, should workers die meanwhile.
const MOST_ROUNDS: usize = 3;

/// Where values go.
#[derive(Clone, Debug, Default)]
pub(crate) struct ScatterOptions {
    /// The workers that may get them, by address; all if there are none.
    pub(super) workers: Vec<String>,
    /// Whether every worker gets every value.
    pub(super) is_broadcast: bool,
}

impl ScatterOptions {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn workers<S: Into<String>>(mut self, workers: impl IntoIterator<Item = S>) -> Self {
        self.workers = workers.into_iter().map(Into::into).collect();
        self
    }

    pub(crate) fn broadcast(mut self, is_broadcast: bool) -> Self {
        self.is_broadcast = is_broadcast;
        self
    }
}

/// Which worker gets which values, by their numbers: as many as it has threads in turn, or all.
fn deal(n_values: usize, workers: &[(String, usize)], is_broadcast: bool) -> BTreeMap<usize, Vec<usize>> {
    let mut dealt: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let seats: Vec<usize> = (0..workers.len()).flat_map(|w| std::iter::repeat_n(w, workers[w].1.max(1))).collect();
    for value in 0..n_values {
        if is_broadcast {
            (0..workers.len()).for_each(|w| dealt.entry(w).or_default().push(value));
        } else if let Some(&w) = seats.get(value % seats.len().max(1)) {
            dealt.entry(w).or_default().push(value);
        }
    }
    dealt
}

/// Puts values on workers and tells the scheduler. The values have futures already, so that they are kept.
pub(super) async fn scatter(core: Arc<Core>, values: Vec<(Name, Bytes)>, options: ScatterOptions) -> Result<()> {
    let mut failure = None;
    for _ in 0..MOST_ROUNDS {
        let workers = usable_workers(&core, &options.workers).await?;
        match send_all(&core, &values, &workers, options.is_broadcast).await {
            Ok(()) => return Ok(()),
            Err(error) if error.is_remote() => failure = Some(error),
            Err(error) => return Err(error),
        }
    }
    Err(failure.unwrap_or_else(|| Error::bug(OP, "no round was tried")))
}

async fn usable_workers(core: &Core, chosen: &[String]) -> Result<Vec<(String, usize)>> {
    let mut workers = running_workers(core).await?;
    workers.retain(|(address, _)| chosen.is_empty() || chosen.contains(address));
    if workers.is_empty() {
        let detail =
            if chosen.is_empty() { "there are no workers".into() } else { format!("none of {chosen:?} is here") };
        return Err(Error::remote(OP, &core.address, detail));
    }
    workers.sort_unstable();
    Ok(workers)
}

/// The workers that take tasks, with their numbers of threads.
pub(super) async fn running_workers(core: &Core) -> Result<Vec<(String, usize)>> {
    let reply = core.ask(&Value::map([("op", "ncores_running".into())])).await?;
    let one = |(address, n): &(Value, Value)| Some((address.as_text()?.to_owned(), n.as_int()? as usize));
    let workers: Option<Vec<_>> = reply.as_map().and_then(|pairs| pairs.iter().map(one).collect());
    workers.ok_or_else(|| Error::format(OP, format!("{reply:?} is no list of workers")))
}

async fn send_all(
    core: &Core,
    values: &[(Name, Bytes)],
    workers: &[(String, usize)],
    is_broadcast: bool,
) -> Result<()> {
    let mut transfers = JoinSet::new();
    for (worker, numbers) in deal(values.len(), workers, is_broadcast) {
        let some = numbers.iter().map(|&i| values[i].clone()).collect();
        transfers.spawn(put(core.peers.clone(), workers[worker].0.clone(), some));
    }
    let mut who_has: BTreeMap<Name, Vec<String>> = BTreeMap::new();
    let mut n_bytes: BTreeMap<Name, u64> = BTreeMap::new();
    while let Some(transfer) = transfers.join_next().await {
        let transfer = transfer.map_err(|fault| Error::bug(OP, format!("a transfer ended badly: {fault}")))?;
        let (worker, sizes) = transfer?;
        for (name, size) in sizes {
            who_has.entry(name.clone()).or_default().push(worker.clone());
            n_bytes.insert(name, size);
        }
    }
    register(core, &who_has, &n_bytes).await
}

/// `update_data` to one worker: gives the sizes that the values have there.
async fn put(peers: RpcPool, worker: String, values: Vec<(Name, Bytes)>) -> Result<(String, Vec<(Name, u64)>)> {
    let address: Address = worker.parse()?;
    let one = |(name, content): (Name, Bytes)| {
        (Value::from(&*name), Value::Serialized(Box::new(Serialized::of_bytes(content, None))))
    };
    let data = Value::Map(values.into_iter().map(one).collect());
    let request = Value::map([("op", "update_data".into()), ("data", data)]);
    let reply = peers.call(&address, &request).await?;
    let one = |(name, size): &(Value, Value)| Some((Name::from(name.as_text()?), size.as_int()?.max(0) as u64));
    let sizes: Option<Vec<_>> = reply.pairs("nbytes")?.iter().map(one).collect();
    let sizes = sizes.ok_or_else(|| Error::format(OP, format!("{reply:?} does not say what was put there")))?;
    Ok((worker, sizes))
}

/// As a request and not on the stream: a worker that has died meanwhile is an error here and would end the stream there.
async fn register(core: &Core, who_has: &BTreeMap<Name, Vec<String>>, n_bytes: &BTreeMap<Name, u64>) -> Result<()> {
    let holders = who_has.iter().map(|(name, workers)| {
        let workers = workers.iter().map(String::as_str).collect();
        (Value::from(&**name), workers)
    });
    let sizes = n_bytes.iter().map(|(name, size)| (Value::from(&**name), (*size).into()));
    let request = Value::map([
        ("op", "update_data".into()),
        ("who_has", Value::Map(holders.collect())),
        ("nbytes", Value::Map(sizes.collect())),
        ("client", core.id.as_str().into()),
    ]);
    check_reply(OP, &core.address, core.ask(&request).await?).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workers(n_threads: &[usize]) -> Vec<(String, usize)> {
        n_threads.iter().enumerate().map(|(i, &n)| (format!("w{i}"), n)).collect()
    }

    #[test]
    fn workers_get_values_by_their_threads_or_all() {
        let dealt = deal(6, &workers(&[2, 1]), false);
        assert_eq!((&dealt[&0][..], &dealt[&1][..]), (&[0, 1, 3, 4][..], &[2, 5][..]));
        let dealt = deal(2, &workers(&[2, 1]), true);
        assert_eq!((&dealt[&0][..], &dealt[&1][..]), (&[0, 1][..], &[0, 1][..]));
        assert!(deal(3, &[], false).is_empty() && deal(0, &workers(&[1]), true).is_empty());
    }
}
