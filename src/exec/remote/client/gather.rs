//! Fetching results.
//!
//! The scheduler says who has what, and the results come from the workers themselves. Where a worker does not answer,
//! another holder is asked; where none can be reached from here, the scheduler fetches. A result that nobody has, because
//! its worker died, is computed again: the scheduler is asked how it stands, and it is waited for once more.
//!
//! A worker may take its time, but not be silent: when not a byte has come for a while, or nothing but that it is busy, it
//! counts as one that does not answer. The first *patience* is short enough to work around a worker that hangs, and it
//! doubles whenever nobody else could help either, since some values take long to be read from disk.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

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
use crate::exec::remote::worker::messages::{DataReply, data_request, gather_request, read_data_reply};

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
/// How long a worker may be silent before somebody else is asked.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);
/// The most that this grows.
const MOST_PATIENCE: u32 = 8;
/// How many times that patience may pass with nothing to show for it. A scheduler gives up a worker that is silent after
/// five minutes, and then has its results computed elsewhere.
const MOST_IDLE_PATIENCE: u32 = 12;

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
fn plan_round(holders: &[(Name, Vec<String>)], failed: &HashSet<&str>) -> Round {
    let mut round = Round::default();
    for (i, (name, workers)) in holders.iter().enumerate() {
        let usable: Vec<&String> = workers.iter().filter(|worker| !failed.contains(worker.as_str())).collect();
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

/// How the rounds of one gather go.
struct Course {
    patience: Duration,
    /// Workers that failed since all were last tried, and why.
    failed: BTreeMap<String, Error>,
    n_idle: usize,
    /// When something was last found.
    fruitful_at: Instant,
    pause: Duration,
}

/// The results of futures, in their order; workers may be silent for `patience`.
pub(super) async fn gather(core: Arc<Core>, futures: Vec<(Name, Arc<Cell>)>, patience: Duration) -> Result<Vec<Bytes>> {
    let mut found: HashMap<Name, Bytes> = HashMap::with_capacity(futures.len());
    let mut course = Course::new(patience);
    loop {
        let mut missing = Vec::new();
        for (name, cell) in futures.iter().filter(|(name, _)| !found.contains_key(name)) {
            cell.settled().await?;
            missing.push(name.clone());
        }
        if missing.is_empty() {
            break;
        }
        let before = (found.len(), course.failed.len());
        one_round(&core, &missing, &mut course, &mut found).await?;
        if found.len() > before.0 {
            course.bear_fruit();
        } else if course.failed.len() == before.1 {
            course.check(patience).map_err(|detail| {
                let text = format!("{} results cannot be fetched, {} among them: {detail}", missing.len(), missing[0]);
                Error::remote(OP, &core.address, text)
            })?;
            course.rest().await;
        }
    }
    let in_order = futures.iter().map(|(name, _)| found.get(name).cloned());
    in_order.collect::<Option<_>>().ok_or_else(|| Error::bug(OP, "a result that was found is not there"))
}

impl Course {
    fn new(patience: Duration) -> Self {
        Self { patience, failed: BTreeMap::new(), n_idle: 0, fruitful_at: Instant::now(), pause: FIRST_PAUSE }
    }

    fn bear_fruit(&mut self) {
        (self.n_idle, self.fruitful_at, self.pause) = (0, Instant::now(), FIRST_PAUSE);
    }

    /// An error if this has gone on for too long; it says what failed last.
    fn check(&self, patience: Duration) -> Result<(), String> {
        let idle = self.fruitful_at.elapsed();
        if self.n_idle < MOST_IDLE_ROUNDS && idle < patience * MOST_IDLE_PATIENCE {
            return Ok(());
        }
        let failed: Vec<String> = self.failed.iter().map(|(worker, error)| format!("{worker} ({error})")).collect();
        let failed = if failed.is_empty() { "nobody has them".to_owned() } else { failed.join(", ") };
        Err(format!("{} rounds in {idle:.1?} brought nothing; last: {failed}", self.n_idle + 1))
    }

    /// A pause after a round that brought nothing, for which everybody was asked.
    async fn rest(&mut self) {
        sleep(self.pause).await;
        self.n_idle += 1;
        self.pause = (2 * self.pause).min(LONGEST_PAUSE);
        if !self.failed.is_empty() {
            self.patience = (2 * self.patience).min(MOST_PATIENCE * PATIENCE);
        }
        // Others may have come back, and there may be nobody else.
        self.failed.clear();
    }
}

async fn one_round(
    core: &Arc<Core>,
    names: &[Name],
    course: &mut Course,
    found: &mut HashMap<Name, Bytes>,
) -> Result<()> {
    let failed = course.failed.keys().map(String::as_str).collect();
    let round = plan_round(&who_has(core, names).await?, &failed);
    let mut transfers = JoinSet::new();
    for (worker, names) in round.by_worker {
        transfers.spawn(fetch_all(core.peers.clone(), worker, names, course.patience));
    }
    while let Some(transfer) = transfers.join_next().await {
        let (worker, values, end) =
            transfer.map_err(|fault| Error::bug(OP, format!("a transfer ended badly: {fault}")))?;
        found.extend(values);
        if let Err(error) = end {
            course.failed.insert(worker, error);
        }
    }
    if !round.unreachable.is_empty() {
        // It may wait for the worker that is silent here. If it is gone itself, it is not there to be asked who has what.
        if let Ok(values) = through_scheduler(core, &round.unreachable, course.patience).await {
            found.extend(values);
        }
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
async fn fetch_all(
    peers: RpcPool,
    worker: String,
    names: Vec<Name>,
    patience: Duration,
) -> (String, Vec<(Name, Bytes)>, Result<()>) {
    let mut values = Vec::with_capacity(names.len());
    let (mut rest, mut n_results) = (&names[..], FIRST_RESULTS);
    while !rest.is_empty() {
        let (now, later) = rest.split_at(n_results.min(rest.len()));
        match fetch(&peers, &worker, now, patience).await {
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

async fn fetch(peers: &RpcPool, worker: &str, names: &[Name], patience: Duration) -> Result<Vec<(Name, Bytes)>> {
    let address: Address = worker.parse()?;
    let keys: Vec<Key> = names.iter().map(|name| Key::from(&**name)).collect();
    let mut lease = peers.lease(&address).await?;
    lease.comm().set_patience(Some(patience));
    let since = Instant::now();
    loop {
        let reply = check_reply("get_data", worker, lease.exchange(&data_request(&keys, None)).await?)?;
        let values = match read_data_reply(&reply, &Limits::default())? {
            DataReply::Busy if since.elapsed() > patience => {
                return Err(Error::remote(OP, worker, format!("it has said for {patience:?} that it is busy")));
            }
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
async fn through_scheduler(core: &Core, names: &[Name], patience: Duration) -> Result<Vec<(Name, Bytes)>> {
    let keys: Vec<Key> = names.iter().map(|name| Key::from(&**name)).collect();
    let mut lease = core.pool.lease(&core.address).await?;
    lease.comm().set_patience(Some(patience));
    let reply = lease.exchange(&gather_request(&keys)).await?;
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
        let failed = HashSet::from(["c"]);
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
