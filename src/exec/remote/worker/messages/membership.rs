//! How a worker becomes a member of a cluster, and shows that it still is one.

use crate::error::{Error, Result};
use crate::exec::remote::wire::Value;
use crate::exec::remote::worker::names::Key;

use super::keys::key_to_value;

/// What a worker that has seen no transfer thinks of the network.
pub(crate) const USUAL_BANDWIDTH_BPS: f64 = 100e6;

/// Bytes per second, in and out.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Traffic {
    pub(crate) read_bps: f64,
    pub(crate) write_bps: f64,
}

impl Traffic {
    fn to_value(self) -> Value {
        Value::map([("read_bps", self.read_bps.into()), ("write_bps", self.write_bps.into())])
    }
}

/// What the scheduler and its dashboard want to know of a worker.
#[derive(Clone, Debug, Default)]
pub(crate) struct Metrics {
    pub(crate) now_s: f64,
    /// Percent of one core.
    pub(crate) cpu_percent: f64,
    /// Memory of the process.
    pub(crate) process_bytes: u64,
    /// Sizes of all values.
    pub(crate) managed_bytes: u64,
    /// What the values on disk had in memory, and what they have there.
    pub(crate) spilled_bytes: (u64, u64),
    pub(crate) n_files: u64,
    pub(crate) network: Traffic,
    pub(crate) disk: Traffic,
    pub(crate) loop_interval_s: f64,
    /// Bytes per second of transfers from other workers. The scheduler divides by it: zero is never sent.
    pub(crate) bandwidth_bps: f64,
    pub(crate) incoming: (u64, u64, u64),
    pub(crate) outgoing: (u64, u64, u64),
    pub(crate) task_counts: Vec<(&'static str, u64)>,
}

impl Metrics {
    fn to_value(&self) -> Value {
        let counts = self.task_counts.iter().map(|(state, n)| ((*state).into(), (*n).into()));
        let (memory, disk) = self.spilled_bytes;
        Value::map([
            ("task_counts", Value::Map(counts.collect())),
            ("bandwidth", self.bandwidth()),
            ("digests_total_since_heartbeat", Value::empty_map()),
            ("managed_bytes", self.managed_bytes.into()),
            ("spilled_bytes", Value::map([("memory", memory.into()), ("disk", disk.into())])),
            ("transfer", self.transfer()),
            ("event_loop_interval", self.loop_interval_s.into()),
            ("cpu", self.cpu_percent.into()),
            ("memory", self.process_bytes.into()),
            ("time", self.now_s.into()),
            ("host_net_io", self.network.to_value()),
            ("host_disk_io", self.disk.to_value()),
            ("num_fds", self.n_files.into()),
        ])
    }

    fn bandwidth(&self) -> Value {
        let total = if self.bandwidth_bps > 0.0 { self.bandwidth_bps } else { USUAL_BANDWIDTH_BPS }.into();
        Value::map([("total", total), ("workers", Value::empty_map()), ("types", Value::empty_map())])
    }

    fn transfer(&self) -> Value {
        Value::map([
            ("incoming_bytes", self.incoming.0.into()),
            ("incoming_count", self.incoming.1.into()),
            ("incoming_count_total", self.incoming.2.into()),
            ("outgoing_bytes", self.outgoing.0.into()),
            ("outgoing_count", self.outgoing.1.into()),
            ("outgoing_count_total", self.outgoing.2.into()),
        ])
    }
}

/// Where a scheduler says of a worker what clients must know, too.
const MANIFEST: &str = "hyperslab";

/// What workers say that clients must know, too, from the scheduler's word on its workers: address and manifest. Workers
/// that say nothing of the kind are left out.
pub(crate) fn read_manifests(identity: &Value) -> Result<Vec<(String, Vec<String>)>> {
    let one = |(address, worker): &(Value, Value)| {
        let lines = worker.get(MANIFEST)?.as_array()?.iter().map(|line| line.as_text().map(str::to_owned));
        Some((address.as_text()?.to_owned(), lines.collect::<Option<Vec<_>>>()?))
    };
    Ok(identity.pairs("workers")?.iter().filter_map(one).filter(|(_, lines)| !lines.is_empty()).collect())
}

/// `register-worker`: the first message of a worker's stream.
#[derive(Clone, Debug)]
pub(crate) struct Registration {
    pub(crate) address: String,
    pub(crate) name: String,
    pub(crate) n_threads: usize,
    pub(crate) memory_limit_bytes: Option<u64>,
    pub(crate) resources: Vec<(String, f64)>,
    pub(crate) nanny: Option<String>,
    /// Where values go when memory is short.
    pub(crate) folder: String,
    /// What clients must know, too.
    pub(crate) manifest: Vec<String>,
    /// What the scheduler says its own versions are: repeated to it, they do not differ.
    pub(crate) versions: Value,
    pub(crate) metrics: Metrics,
}

impl Registration {
    pub(crate) fn to_value(&self) -> Value {
        let resources = self.resources.iter().map(|(name, amount)| (name.as_str().into(), (*amount).into()));
        let manifest = self.manifest.iter().map(String::as_str).collect();
        Value::map([
            ("op", "register-worker".into()),
            ("reply", false.into()),
            ("address", self.address.as_str().into()),
            ("status", "running".into()),
            ("nthreads", (self.n_threads as u64).into()),
            ("name", self.name.as_str().into()),
            ("now", self.metrics.now_s.into()),
            ("resources", Value::Map(resources.collect())),
            ("memory_limit", self.memory_limit_bytes.into()),
            ("local_directory", self.folder.as_str().into()),
            ("services", Value::empty_map()),
            ("nanny", self.nanny.as_deref().into()),
            ("pid", u64::from(std::process::id()).into()),
            ("versions", self.versions.clone()),
            ("metrics", self.metrics.to_value()),
            // What is told to those who watch the cluster.
            ("extra", Value::map([("pid", u64::from(std::process::id()).into()), (MANIFEST, manifest)])),
            ("stimulus_id", format!("worker-connect-{}", self.metrics.now_s).into()),
            ("server_id", format!("Worker-{}", self.address).into()),
        ])
    }

    /// Reads the answer: how many seconds to leave between heartbeats.
    ///
    /// # Errors
    ///
    /// The scheduler refuses the worker, for example because its name is taken.
    pub(crate) fn read_reply(reply: &Value) -> Result<f64> {
        match reply.text("status")? {
            "OK" => reply.float("heartbeat-interval"),
            _ => {
                let reason = reply.get("message").and_then(Value::as_text).unwrap_or("no reason given");
                Err(Error::remote("register worker", "the scheduler", reason))
            }
        }
    }
}

/// `heartbeat_worker`.
#[derive(Clone, Debug)]
pub(crate) struct Heartbeat {
    pub(crate) address: String,
    pub(crate) metrics: Metrics,
    /// The tasks that run, and for how many seconds they have.
    pub(crate) executing: Vec<(Key, f64)>,
}

/// What the scheduler answers to a heartbeat.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum HeartbeatReply {
    Known {
        interval_s: f64,
    },
    /// The scheduler has given the worker up.
    Missing,
}

impl Heartbeat {
    pub(crate) fn to_value(&self) -> Value {
        let executing = self.executing.iter().map(|(key, seconds)| (key_to_value(key), (*seconds).into()));
        Value::map([
            ("op", "heartbeat_worker".into()),
            ("address", self.address.as_str().into()),
            ("now", self.metrics.now_s.into()),
            ("metrics", self.metrics.to_value()),
            ("executing", Value::Map(executing.collect())),
            ("extensions", Value::empty_map()),
        ])
    }

    pub(crate) fn read_reply(reply: &Value) -> Result<HeartbeatReply> {
        match reply.text("status")? {
            "missing" => Ok(HeartbeatReply::Missing),
            _ => Ok(HeartbeatReply::Known { interval_s: reply.float("heartbeat-interval")? }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_workers_know_is_read_and_workers_of_others_are_left_out() {
        let ours = Value::map([("nthreads", Value::Int(2)), (MANIFEST, ["a 1", "b 2"].into_iter().collect())]);
        let empty = Value::map([(MANIFEST, Value::Array(Vec::new()))]);
        let python = Value::map([("nthreads", Value::Int(1))]);
        let workers = Value::map([("tcp://a:1", ours), ("tcp://b:1", empty), ("tcp://c:1", python)]);
        let manifests = read_manifests(&Value::map([("workers", workers)])).unwrap();
        assert_eq!(manifests, [("tcp://a:1".to_owned(), vec!["a 1".to_owned(), "b 2".to_owned()])]);
        assert!(read_manifests(&Value::empty_map()).is_err());
    }

    #[test]
    fn registration_has_all_the_scheduler_asks_for() {
        let registration = Registration {
            address: "tcp://127.0.0.1:1".into(),
            name: "one".into(),
            n_threads: 4,
            memory_limit_bytes: None,
            resources: vec![("GPU".into(), 2.0)],
            folder: "/scratch".into(),
            nanny: None,
            manifest: vec!["hyperslab 0.1.0".into()],
            versions: Value::empty_map(),
            metrics: Metrics::default(),
        };
        let message = registration.to_value();
        assert_eq!(message.int("nthreads").unwrap(), 4);
        assert_eq!(message.field("resources").unwrap().float("GPU").unwrap(), 2.0);
        assert_eq!(message.field("memory_limit").unwrap(), &Value::Nil);
        let metrics = message.field("metrics").unwrap();
        for name in ["bandwidth", "digests_total_since_heartbeat", "memory", "spilled_bytes", "cpu", "time"] {
            assert!(metrics.get(name).is_some(), "{name}");
        }
        assert!(metrics.field("bandwidth").unwrap().float("total").unwrap() > 0.0);
    }

    #[test]
    fn replies() {
        let taken = Value::map([("status", "error".into()), ("message", "name taken".into())]);
        assert!(Registration::read_reply(&taken).unwrap_err().to_string().contains("name taken"));
        let known = Value::map([("status", "OK".into()), ("heartbeat-interval", 0.5.into())]);
        assert_eq!(Registration::read_reply(&known).unwrap(), 0.5);
        assert_eq!(Heartbeat::read_reply(&known).unwrap(), HeartbeatReply::Known { interval_s: 0.5 });
        let missing = Value::map([("status", "missing".into())]);
        assert_eq!(Heartbeat::read_reply(&missing).unwrap(), HeartbeatReply::Missing);
    }
}
