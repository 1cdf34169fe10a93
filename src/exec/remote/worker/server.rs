//! The worker's listener: what other workers, clients and the scheduler ask of it.
//!
//! | request | answer |
//! |---|---|
//! | `get_data` | values; *busy* when too many are asked for at a time |
//! | `update_data` `gather` | values are put here, or fetched from others, for clients and the scheduler |
//! | `free_keys` | values are given up |
//! | `ping` `identity` `keys` `versions` | who this is and what it has |
//! | `terminate` | the worker leaves |
//! | `get_logs` `call_stack` `profile` `get_monitor_info` | nothing, in the form the dashboard expects |
//!
//! Everything else, above all running code that is sent along, is refused.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

use crate::error::{Error, Result};
use crate::exec::remote::comm::{Address as PeerAddress, Answer, Comm, RpcPool};
use crate::exec::remote::wire::{Value, error_reply};

use super::fetch::{Fetched, fetch, read_values};
use super::messages::{data_busy, data_or_reasons, key_to_value, keys_from_value, keys_to_value, read_holders};
use super::names::{Address, Key};
use super::runner::TaskRunner;
use super::store::{Store, Stored};

/// How many requests for values are answered at a time; twice as many from this host.
const MAX_OUTGOING: usize = 50;

/// What the listener tells the event loop.
pub(crate) enum Request<V> {
    /// Values for the store; the sender is told when they are in it.
    Put(Vec<(Key, V)>, oneshot::Sender<()>),
    Free(Vec<Key>),
    /// Values that cannot be read from disk any more.
    GiveUp(Vec<Key>),
    Leave,
}

/// What is being handed out.
#[derive(Debug, Default)]
pub(crate) struct Outgoing {
    pub(crate) n_open: AtomicUsize,
    pub(crate) n_total: AtomicU64,
    pub(crate) n_bytes: AtomicU64,
}

/// What connections need to answer.
pub(crate) struct Server<R: TaskRunner> {
    pub(crate) runner: Arc<R>,
    pub(crate) store: Arc<Store<R::Value>>,
    pub(crate) pool: RpcPool,
    pub(crate) outgoing: Arc<Outgoing>,
    pub(crate) requests: mpsc::UnboundedSender<Request<R::Value>>,
    pub(crate) address: String,
    pub(crate) scheduler: String,
    pub(crate) n_threads: usize,
    pub(crate) memory_limit_bytes: Option<u64>,
    /// What the scheduler answered to `versions`.
    pub(crate) versions: Value,
}

/// Counts a transfer as long as it goes on.
struct Transfer<'a>(&'a Outgoing, u64);

impl Drop for Transfer<'_> {
    fn drop(&mut self) {
        self.0.n_open.fetch_sub(1, Ordering::Relaxed);
        self.0.n_bytes.fetch_sub(self.1, Ordering::Relaxed);
    }
}

/// Values as bytes, for somebody who asked for them.
#[derive(Default)]
struct Written {
    contents: Vec<(Key, Result<Bytes>)>,
    /// What was on disk and is not there any more.
    lost: Vec<Key>,
    /// There was no memory for some: later there may be.
    is_short: bool,
}

impl Written {
    fn of<R: TaskRunner>(runner: &R, values: &BTreeMap<Key, Stored<R::Value>>) -> Self {
        let mut written = Self::default();
        for (key, stored) in values {
            match (stored.content(runner), stored) {
                (Err(error), _) if error.is_memory() => written.is_short = true,
                (Err(error), Stored::OnDisk(_)) => {
                    eprintln!("hyperslab worker: the value of {key} is given up: {error}");
                    written.lost.push(key.clone());
                }
                (content, _) => written.contents.push((key.clone(), content)),
            }
        }
        written
    }
}

impl<R: TaskRunner> Answer for Server<R> {
    async fn answer(&self, op: &str, request: &Value, comm: &mut Comm) -> Result<Option<Value>> {
        match op {
            "get_data" => self.hand_out(comm, request).await.map(|()| None),
            _ => self.reply(op, request).await.map(Some),
        }
    }
}

impl<R: TaskRunner> Server<R> {
    async fn reply(&self, op: &str, request: &Value) -> Result<Value> {
        match op {
            "ping" => Ok(Bytes::from_static(b"pong").into()),
            "identity" => Ok(self.identity()),
            "keys" => Ok(keys_to_value(&self.store.keys())),
            "versions" => Ok(self.versions.clone()),
            "terminate" => self.tell(Request::Leave).map(|()| "OK".into()),
            "free_keys" => self.tell(Request::Free(keys_from_value(request.field("keys")?)?)).map(|()| Value::Nil),
            "update_data" => self.take_in(request).await,
            "gather" => self.gather(request).await,
            "get_logs" => Ok(Value::Array(Vec::new())),
            "call_stack" | "get_monitor_info" | "profile_metadata" => Ok(Value::empty_map()),
            "profile" => Ok(empty_profile()),
            other => Err(refusal(other)),
        }
    }

    fn tell(&self, request: Request<R::Value>) -> Result<()> {
        self.requests.send(request).map_err(|_| Error::remote("worker", &self.address, "it is leaving"))
    }

    fn identity(&self) -> Value {
        Value::map([
            ("type", "Worker".into()),
            ("id", self.address.as_str().into()),
            ("scheduler", self.scheduler.as_str().into()),
            ("nthreads", (self.n_threads as u64).into()),
            ("memory_limit", self.memory_limit_bytes.into()),
        ])
    }

    /// Answers `get_data`, which takes a third message: the other side says when it has everything.
    async fn hand_out(&self, comm: &mut Comm, request: &Value) -> Result<()> {
        let host = |address: &str| address.parse::<PeerAddress>().ok().map(|address| address.host);
        let is_near = host(&self.address) == host(comm.peer());
        let most = if is_near { 2 * MAX_OUTGOING } else { MAX_OUTGOING };
        if self.outgoing.n_open.load(Ordering::Relaxed) >= most {
            return comm.writer.write(&data_busy()).await;
        }
        let keys = keys_from_value(request.field("keys")?)?;
        let values = self.store.get_all(&keys);
        let size_of = |stored: &Stored<R::Value>| match stored {
            Stored::Here(value) => self.runner.n_bytes(value),
            Stored::OnDisk(file) => file.content_bytes(),
        };
        let n_bytes = values.values().map(size_of).sum();
        self.outgoing.n_open.fetch_add(1, Ordering::Relaxed);
        self.outgoing.n_total.fetch_add(1, Ordering::Relaxed);
        self.outgoing.n_bytes.fetch_add(n_bytes, Ordering::Relaxed);
        let _transfer = Transfer(&self.outgoing, n_bytes);
        let runner = self.runner.clone();
        let written = match tokio::task::spawn_blocking(move || Written::of(&*runner, &values)).await {
            Ok(written) => written,
            Err(panic) => {
                let error = Error::bug("get_data", format!("writing a value panicked: {panic}"));
                return comm.writer.write(&error_reply(&error)).await;
            }
        };
        if !written.lost.is_empty() {
            // Whoever misses them will ask the scheduler, which should know by then.
            self.tell(Request::GiveUp(written.lost))?;
        }
        if written.is_short {
            return comm.writer.write(&data_busy()).await;
        }
        let compression = comm.compression();
        comm.writer.write(&data_or_reasons(written.contents, compression)).await?;
        comm.reader.expect().await.map(drop)
    }

    /// Answers `update_data`: a client puts values here.
    async fn take_in(&self, request: &Value) -> Result<Value> {
        let n_sent = request.pairs("data")?.len();
        let read = read_values(&self.runner, request.clone()).await?;
        let (mut values, mut faults) = (Vec::with_capacity(read.len()), Vec::new());
        for (key, value) in read {
            match value {
                Ok(value) => values.push((key, value)),
                Err(fault) => faults.push(format!("{key}: {fault}")),
            }
        }
        if values.len() < n_sent {
            let first = faults.first().map_or("its name is of no known kind", String::as_str);
            let detail = format!("{} of {n_sent} values are none of this crate; {first}", n_sent - values.len());
            return Err(Error::value("update_data", detail));
        }
        let sizes = values.iter().map(|(key, value)| (key_to_value(key), self.runner.n_bytes(value).into())).collect();
        self.put(values).await?;
        Ok(Value::map([("status", "OK".into()), ("nbytes", Value::Map(sizes))]))
    }

    async fn put(&self, values: Vec<(Key, R::Value)>) -> Result<()> {
        let (done, is_done) = oneshot::channel();
        self.tell(Request::Put(values, done))?;
        is_done.await.map_err(|_| Error::remote("worker", &self.address, "it is leaving"))
    }

    /// Answers `gather`: values are fetched here on behalf of the scheduler.
    async fn gather(&self, request: &Value) -> Result<Value> {
        let mut failed = Vec::new();
        for (key, holders) in read_holders(request.field("who_has")?)? {
            if !self.store.contains(&key) && !self.gather_one(&key, &holders).await? {
                failed.push(key_to_value(&key));
            }
        }
        let status = if failed.is_empty() { "OK" } else { "partial-fail" };
        Ok(Value::map([("status", status.into()), ("keys", Value::Array(failed))]))
    }

    async fn gather_one(&self, key: &Key, holders: &[Address]) -> Result<bool> {
        for holder in holders {
            let keys = std::slice::from_ref(key);
            let fetched = fetch(&self.pool, &self.runner, holder, keys, &self.address).await;
            let Ok(Fetched::Values(values)) = fetched else { continue };
            let values: Vec<_> = values.into_iter().filter_map(|(key, value)| Some((key, value.ok()?))).collect();
            if !values.is_empty() {
                self.put(values).await?;
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn refusal(op: &str) -> Error {
    Error::value("worker", format!("the request `{op}` is not answered"))
        .with_remedy("this worker runs registered kernels only")
}

/// The root of a profile without samples.
fn empty_profile() -> Value {
    let description =
        Value::map([("filename", "".into()), ("name", "".into()), ("line_number", 0_i64.into()), ("line", "".into())]);
    Value::map([
        ("count", 0_i64.into()),
        ("children", Value::empty_map()),
        ("identifier", "root".into()),
        ("description", description),
    ])
}

#[cfg(test)]
mod tests {
    use super::super::tests::Sums;
    use super::*;
    use crate::exec::spill::SpillStore;

    #[test]
    fn what_is_damaged_on_disk_is_lost_and_the_rest_is_handed_out() {
        let folder = tempfile::tempdir().unwrap();
        let to_disk = || SpillStore::new(folder.path(), u64::MAX).write(b"5").unwrap();
        let damaged = to_disk();
        damaged.damage();
        let values = BTreeMap::from([
            (Key::from("damaged"), Stored::OnDisk(Arc::new(damaged))),
            (Key::from("disk"), Stored::OnDisk(Arc::new(to_disk()))),
            (Key::from("here"), Stored::Here(Bytes::from_static(b"6"))),
            (Key::from("wordless"), Stored::Here(Sums::WORDLESS)),
        ]);
        let Written { contents, lost, is_short } = Written::of(&Sums, &values);
        assert_eq!((lost, is_short), (vec![Key::from("damaged")], false));
        let shown = |(key, content): (Key, Result<Bytes>)| format!("{key} {:?}", content.map_err(|_| "error"));
        let shown: Vec<String> = contents.into_iter().map(shown).collect();
        assert_eq!(shown, ["disk Ok(b\"5\")", "here Ok(b\"6\")", "wordless Err(\"error\")"]);
    }
}
