//! Fetching results.
//!
//! The scheduler says who has what, and the results come from the workers themselves. Where a worker does not answer,
//! another holder is asked; where none can be reached from here, the scheduler fetches. A result that nobody has, because
//! its worker died, is computed again: the scheduler is asked how it stands, and it is waited for once more.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::book::Name;
use super::core::Core;
use super::driver::Command;
use super::results::Cell;
use crate::error::{Error, Result};
use crate::exec::remote::comm::{Address, RpcPool};
use crate::exec::remote::wire::{Limits, Value, check_reply};
use crate::exec::remote::worker::Key;
use crate::exec::remote::worker::messages::{DataReply, data_request, read_data_reply};

const OP: &str = "gather";

/// Results in the first request to a worker; later requests follow the sizes that were seen.
const FIRST_RESULTS: usize = 8;
const MOST_RESULTS: usize = 2_000;
/// What one answer of a worker should have at most, unless a single result has more.
const ANSWER_BYTES: usize = 64 << 20;
/// How long to leave a worker alone that says it is busy.
const BUSY_PAUSE: Duration = Duration::from_millis(150);
/// Pauses after rounds that brought nothing: the first, and the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// Rounds in a row that may bring nothing.
const MOST_IDLE_ROUNDS: usize = 20;

/// Who is asked for what in one round.
#[derive(Debug, Default, PartialEq, Eq)]
struct Round {
    by_worker: HashMap<String, Vec<Name>>,
    /// All holders have failed: the scheduler is asked to fetch them.
    unreachable: Vec<Name>,
    /// Nobody has them.
    missing: Vec<Name>,
}

/// Spreads results over their holders, leaving out those that failed before.
fn plan_round(holders: &[(Name, Vec<String>)], failed: &HashSet<String>) -> Round {
    let mut round = Round::default();
    for (i, (name, workers)) in holders.iter().enumerate() {
        let usable: Vec<&String> = workers.iter().filter(|worker| !failed.contains(*worker)).collect();
        match (usable.is_empty(), workers.is_empty()) {
            (false, _) => {
                let worker = usable[i % usable.len()].clone();
                round.by_worker.entry(worker).or_default().push(name.clone());
            }
            (true, false) => round.unreachable.push(name.clone()),
            (true, true) => round.missing.push(name.clone()),
        }
    }
    round
}

/// The results of futures, in their order.
pub(super) async fn gather(core: Arc<Core>, futures: Vec<(Name, Arc<Cell>)>) -> Result<Vec<Bytes>> {
    let mut found: HashMap<Name, Bytes> = HashMap::with_capacity(futures.len());
    let mut failed = HashSet::new();
    let (mut n_idle, mut pause) = (0, FIRST_PAUSE);
    loop {
        let mut missing = Vec::new();
        for (name, cell) in futures.iter().filter(|(name, _)| !found.contains_key(name)) {
            cell.settled().await?;
            missing.push(name.clone());
        }
        if missing.is_empty() {
            break;
        }
        let n_found = found.len();
        one_round(&core, &missing, &mut failed, &mut found).await?;
        if found.len() > n_found {
            (n_idle, pause) = (0, FIRST_PAUSE);
            continue;
        }
        n_idle += 1;
        if n_idle > MOST_IDLE_ROUNDS {
            let detail = format!("{} results cannot be fetched, {} among them", missing.len(), missing[0]);
            return Err(Error::remote(OP, &core.address, detail));
        }
        sleep(pause).await;
        pause = (2 * pause).min(LONGEST_PAUSE);
        // Others may have come back, and there may be nobody else.
        failed.clear();
    }
    let in_order = futures.iter().map(|(name, _)| found.get(name).cloned());
    in_order.collect::<Option<_>>().ok_or_else(|| Error::bug(OP, "a result that was found is not there"))
}

async fn one_round(
    core: &Arc<Core>,
    names: &[Name],
    failed: &mut HashSet<String>,
    found: &mut HashMap<Name, Bytes>,
) -> Result<()> {
    let round = plan_round(&who_has(core, names).await?, failed);
    let mut transfers = JoinSet::new();
    for (worker, names) in round.by_worker {
        transfers.spawn(fetch_all(core.peers.clone(), worker, names));
    }
    while let Some(transfer) = transfers.join_next().await {
        let (worker, values, end) =
            transfer.map_err(|fault| Error::bug(OP, format!("a transfer ended badly: {fault}")))?;
        found.extend(values);
        if end.is_err() {
            failed.insert(worker);
        }
    }
    if !round.unreachable.is_empty() {
        found.extend(through_scheduler(core, &round.unreachable).await?);
    }
    if !round.missing.is_empty() {
        core.tell(Command::Missing(round.missing));
    }
    Ok(())
}

async fn who_has(core: &Core, names: &[Name]) -> Result<Vec<(Name, Vec<String>)>> {
    let request = Value::map([("op", "who_has".into()), ("keys", names.iter().map(|name| &**name).collect())]);
    let reply = core.ask(&request).await?;
    let pairs = reply.as_map().ok_or_else(|| Error::format(OP, format!("{reply:?} does not say who has what")))?;
    let one = |(name, workers): &(Value, Value)| {
        let workers = workers.as_array()?.iter().map(|worker| worker.as_text().map(str::to_owned));
        Some((Name::from(name.as_text()?), workers.collect::<Option<Vec<_>>>()?))
    };
    let holders: Option<Vec<_>> = pairs.iter().map(one).collect();
    holders.ok_or_else(|| Error::format(OP, format!("{reply:?} does not say who has what")))
}

/// Fetches from one worker until it has given what it has, or fails.
async fn fetch_all(peers: RpcPool, worker: String, names: Vec<Name>) -> (String, Vec<(Name, Bytes)>, Result<()>) {
    let mut values = Vec::with_capacity(names.len());
    let (mut rest, mut n_results) = (&names[..], FIRST_RESULTS);
    while !rest.is_empty() {
        let (now, later) = rest.split_at(n_results.min(rest.len()));
        match fetch(&peers, &worker, now).await {
            Ok(fetched) => {
                n_results = next_size(n_results, fetched.iter().map(|(_, value)| value.len()).sum(), fetched.len());
                values.extend(fetched);
            }
            Err(error) => {
                if let Ok(address) = worker.parse() {
                    peers.forget(&address);
                }
                return (worker, values, Err(error));
            }
        }
        rest = later;
    }
    (worker, values, Ok(()))
}

/// How many results the next request asks for.
fn next_size(n_results: usize, n_bytes: usize, n_fetched: usize) -> usize {
    let mean_bytes = n_bytes / n_fetched.max(1);
    (ANSWER_BYTES / mean_bytes.max(1)).clamp(1, n_results.saturating_mul(8).min(MOST_RESULTS))
}

async fn fetch(peers: &RpcPool, worker: &str, names: &[Name]) -> Result<Vec<(Name, Bytes)>> {
    let address: Address = worker.parse()?;
    let keys: Vec<Key> = names.iter().map(|name| Key::from(&**name)).collect();
    let mut lease = peers.lease(&address).await?;
    loop {
        let reply = check_reply("get_data", worker, lease.exchange(&data_request(&keys, None)).await?)?;
        let values = match read_data_reply(&reply, &Limits::default())? {
            DataReply::Busy => {
                sleep(BUSY_PAUSE).await;
                continue;
            }
            DataReply::Found(values) => values,
        };
        // The worker waits for this before it takes the next request.
        lease.comm().writer.write(&Value::from("OK")).await?;
        lease.give_back();
        return Ok(values.into_iter().map(|(key, value)| (Name::from(key.to_string()), value)).collect());
    }
}

/// Has the scheduler fetch results from workers that cannot be reached from here. What it cannot get is left out.
async fn through_scheduler(core: &Core, names: &[Name]) -> Result<Vec<(Name, Bytes)>> {
    let request = Value::map([("op", "gather".into()), ("keys", names.iter().map(|name| &**name).collect())]);
    let mut lease = core.pool.lease(&core.address).await?;
    let reply = lease.exchange(&request).await?;
    lease.give_back();
    if reply.text("status")? != "OK" {
        return Ok(Vec::new());
    }
    match read_data_reply(&reply, &Limits::default())? {
        DataReply::Busy => Ok(Vec::new()),
        DataReply::Found(values) => {
            Ok(values.into_iter().map(|(key, value)| (Name::from(key.to_string()), value)).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holders(pairs: &[(&str, &[&str])]) -> Vec<(Name, Vec<String>)> {
        let one =
            |(name, workers): &(&str, &[&str])| (Name::from(*name), workers.iter().map(|w| (*w).into()).collect());
        pairs.iter().map(one).collect()
    }

    #[test]
    fn results_are_asked_of_those_who_have_them() {
        let failed = HashSet::from(["c".to_owned()]);
        let round = plan_round(&holders(&[("w", &["a"]), ("x", &["c", "b"]), ("y", &["c"]), ("z", &[])]), &failed);
        assert_eq!(round.by_worker.len(), 2);
        assert_eq!((&round.by_worker["a"][..], &round.by_worker["b"][..]), (&["w".into()][..], &["x".into()][..]));
        assert_eq!((round.unreachable, round.missing), (vec!["y".into()], vec!["z".into()]));
    }

    #[test]
    fn copies_share_the_load() {
        let names: Vec<(&str, &[&str])> = vec![("x", &["a", "b"]); 10];
        let round = plan_round(&holders(&names), &HashSet::new());
        assert!(round.by_worker.values().all(|names| names.len() == 5));
    }

    #[test]
    fn requests_grow_until_answers_are_large() {
        assert_eq!(next_size(8, 8 * 10, 8), 64);
        assert_eq!(next_size(1_000, 1_000 * 10, 1_000), MOST_RESULTS);
        assert_eq!(next_size(8, 8 << 26, 8), 1);
        assert_eq!(next_size(64, 64 << 20, 64), 64);
        assert_eq!(next_size(64, 0, 0), 512);
    }
}
