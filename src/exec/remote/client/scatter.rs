//! Putting values on workers.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use tokio::task::JoinSet;

use super::book::Name;
use super::core::Core;
use super::driver::Command;
use super::gather::PATIENCE;
use crate::error::{Error, Result};
use crate::exec::remote::comm::{Address, RpcPool};
use crate::exec::remote::wire::{Serialized, Value, check_reply};

const OP: &str = "scatter";

/// Rounds of sending, should workers die meanwhile.
const MOST_ROUNDS: usize = 3;
/// Values in a row for one worker, whatever number of threads it claims to have.
const MOST_IN_A_ROW: usize = 1_024;

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

/// Which worker gets which values, by their numbers: as many as it has threads in turn, or all. The turn of the first
/// value is `first`, so that not all single values go to one worker.
fn deal(
    values: &[usize],
    first: usize,
    workers: &[(String, usize)],
    is_broadcast: bool,
) -> BTreeMap<usize, Vec<usize>> {
    let mut dealt: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let seats: Vec<usize> =
        (0..workers.len()).flat_map(|w| std::iter::repeat_n(w, workers[w].1.clamp(1, MOST_IN_A_ROW))).collect();
    for (turn, &value) in values.iter().enumerate() {
        if is_broadcast {
            (0..workers.len()).for_each(|w| dealt.entry(w).or_default().push(value));
        } else if let Some(&w) = seats.get(first.wrapping_add(turn) % seats.len().max(1)) {
            dealt.entry(w).or_default().push(value);
        }
    }
    dealt
}

/// Puts values on workers and tells the scheduler that this client desires them. The values have futures already.
pub(super) async fn scatter(core: Arc<Core>, values: Vec<(Name, Bytes)>, options: ScatterOptions) -> Result<()> {
    let placed = place(&core, &values, &options).await;
    // Some may be there even if not all are: they are freed when their futures are dropped.
    core.tell(Command::Placed(values.into_iter().map(|(name, _)| name).collect()));
    placed
}

async fn place(core: &Core, values: &[(Name, Bytes)], options: &ScatterOptions) -> Result<()> {
    let mut rest: Vec<usize> = (0..values.len()).collect();
    let mut failures: BTreeMap<String, Error> = BTreeMap::new();
    for _ in 0..MOST_ROUNDS {
        let workers = usable_workers(core, &options.workers, &failures).await?;
        let first = core.n_scattered.fetch_add(rest.len(), Ordering::Relaxed);
        let dealt = deal(&rest, first, &workers, options.is_broadcast);
        let placed = send_all(core, values, &workers, dealt, &mut failures).await?;
        rest.retain(|value| !placed.contains(value));
        if rest.is_empty() {
            return Ok(());
        }
    }
    let last = failures.pop_last().map_or_else(|| Error::bug(OP, "no round was tried"), |(_, error)| error);
    let detail = format!("{} of {} values found no worker in {MOST_ROUNDS} rounds: {last}", rest.len(), values.len());
    Err(Error::remote(OP, &core.address, detail).with_source(last))
}

/// The workers that values may go to. Those that failed are left out, if there are others.
async fn usable_workers(
    core: &Core,
    chosen: &[String],
    failures: &BTreeMap<String, Error>,
) -> Result<Vec<(String, usize)>> {
    let mut workers = running_workers(core).await?;
    workers.retain(|(address, _)| chosen.is_empty() || chosen.contains(address));
    if workers.iter().any(|(address, _)| !failures.contains_key(address)) {
        workers.retain(|(address, _)| !failures.contains_key(address));
    }
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
    read_workers(&core.ask(&Value::map([("op", "ncores_running".into())])).await?)
}

fn read_workers(reply: &Value) -> Result<Vec<(String, usize)>> {
    let one = |(address, n): &(Value, Value)| Some((address.as_text()?.to_owned(), n.as_int()?.try_into().ok()?));
    let workers: Option<Vec<_>> = reply.as_map().and_then(|pairs| pairs.iter().map(one).collect());
    workers.ok_or_else(|| Error::format(OP, format!("{reply:?} is no list of workers")))
}

/// Sends each worker its values; gives the numbers of those that are there and known to the scheduler.
///
/// A worker that has taken values is made known at once, whatever becomes of others: values that nobody knows of would stay
/// there for ever.
async fn send_all(
    core: &Core,
    values: &[(Name, Bytes)],
    workers: &[(String, usize)],
    dealt: BTreeMap<usize, Vec<usize>>,
    failures: &mut BTreeMap<String, Error>,
) -> Result<HashSet<usize>> {
    let mut transfers = JoinSet::new();
    for (worker, numbers) in dealt {
        let some = numbers.iter().map(|&i| values[i].clone()).collect();
        let (peers, worker) = (core.peers.clone(), workers[worker].0.clone());
        transfers.spawn(async move { (put(&peers, &worker, some).await, worker, numbers) });
    }
    let mut placed = HashSet::new();
    while let Some(transfer) = transfers.join_next().await {
        let (sizes, worker, numbers) =
            transfer.map_err(|fault| Error::bug(OP, format!("a transfer ended badly: {fault}")))?;
        let known = match sizes {
            Ok(sizes) => register(core, &worker, &sizes).await,
            Err(error) => Err(error),
        };
        match known {
            Ok(()) => placed.extend(numbers),
            Err(error) if error.is_remote() => drop(failures.insert(worker, error)),
            Err(error) => return Err(error),
        }
    }
    Ok(placed)
}

/// `update_data` to one worker: gives the sizes that the values have there.
async fn put(peers: &RpcPool, worker: &str, values: Vec<(Name, Bytes)>) -> Result<Vec<(Name, u64)>> {
    let address: Address = worker.parse()?;
    let one = |(name, content): (Name, Bytes)| {
        (Value::from(&*name), Value::Serialized(Box::new(Serialized::of_bytes(content, None))))
    };
    let data = Value::Map(values.into_iter().map(one).collect());
    let request = Value::map([("op", "update_data".into()), ("data", data)]);
    let reply = match peers.call_patiently(Some(PATIENCE), &address, &request).await {
        Ok(reply) => reply,
        Err(error) => {
            peers.forget(&address);
            return Err(error);
        }
    };
    let one = |(name, size): &(Value, Value)| Some((Name::from(name.as_text()?), size.as_int()?.max(0) as u64));
    let sizes: Option<Vec<_>> = reply.pairs("nbytes")?.iter().map(one).collect();
    sizes.ok_or_else(|| Error::format(OP, format!("{reply:?} does not say what was put there")))
}

/// As a request and not on the stream: a worker that has died meanwhile is an error here and would end the stream there.
async fn register(core: &Core, worker: &str, n_bytes: &[(Name, u64)]) -> Result<()> {
    let holders = n_bytes.iter().map(|(name, _)| (Value::from(&**name), [worker].into_iter().collect()));
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
    fn numbers_of_threads_are_numbers() {
        let reply = |n: i64| Value::Map(vec![("tcp://a:1".into(), Value::Int(n))]);
        assert_eq!(read_workers(&reply(3)).unwrap(), [("tcp://a:1".to_owned(), 3)]);
        assert!(read_workers(&reply(-1)).unwrap_err().to_string().contains("no list of workers"));
        assert!(read_workers(&Value::Nil).is_err());
    }

    #[test]
    fn workers_get_values_by_their_threads_or_all() {
        let all = [0, 1, 2, 3, 4, 5];
        let dealt = deal(&all, 0, &workers(&[2, 1]), false);
        assert_eq!((&dealt[&0][..], &dealt[&1][..]), (&[0, 1, 3, 4][..], &[2, 5][..]));
        let dealt = deal(&all[4..], 2, &workers(&[2, 1]), false);
        assert_eq!((&dealt[&1][..], &dealt[&0][..]), (&[4][..], &[5][..]));
        let dealt = deal(&all[..2], 7, &workers(&[2, 1]), true);
        assert_eq!((&dealt[&0][..], &dealt[&1][..]), (&[0, 1][..], &[0, 1][..]));
        let boaster = deal(&all, 0, &workers(&[usize::MAX, usize::MAX]), false);
        assert_eq!(boaster[&0], all);
        assert!(deal(&all, 0, &[], false).is_empty() && deal(&[], 0, &workers(&[1]), true).is_empty());
    }
}
