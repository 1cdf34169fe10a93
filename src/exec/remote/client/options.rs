//! Settings of a client and of a submission.

use std::path::PathBuf;
use std::time::Duration;

use crate::config;
use crate::error::{Error, Result};
use crate::exec::remote::Security;
use crate::exec::remote::comm::{Timeouts, read_time};
use crate::exec::remote::wire::Compression;

/// Pause between two heartbeats, as in dask.
const USUAL_HEARTBEAT: Duration = Duration::from_secs(5);
/// Tasks of one message: the scheduler takes about half a second for so many.
const USUAL_CHUNK_TASKS: usize = 5_000;

/// Where a scheduler is, and how to reach it.
///
/// | method | dask's name | environment |
/// |---|---|---|
/// | `address` | `scheduler-address` | `DASK_SCHEDULER_ADDRESS` |
/// | `timeout` | `distributed.comm.timeouts.connect` | `DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT` |
/// | `tcp_timeout` | `distributed.comm.timeouts.tcp` | `DASK_DISTRIBUTED__COMM__TIMEOUTS__TCP` |
/// | `compression` | `distributed.comm.compression` | `DASK_DISTRIBUTED__COMM__COMPRESSION` |
/// | `heartbeat` | `distributed.client.heartbeat` | `DASK_DISTRIBUTED__CLIENT__HEARTBEAT` |
/// | `security` | `distributed.comm.tls` .. | see [`Security`] |
///
/// # Examples
///
/// ```no_run
/// use hyperslab::exec::remote::{Client, ConnectOptions};
/// let client = Client::connect(&ConnectOptions::address("tcp://127.0.0.1:8786"))?;
/// println!("{}", client.scheduler());
/// # Ok::<(), hyperslab::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ConnectOptions {
    pub(super) target: Target,
    pub(super) security: Security,
    pub(super) timeout: Duration,
    pub(super) tcp_timeout: Duration,
    pub(super) compression: Option<Compression>,
    pub(super) heartbeat: Duration,
    pub(super) name: Option<String>,
}

/// Where the address of the scheduler comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Address(String),
    File(PathBuf),
}

impl ConnectOptions {
    fn new(target: Target) -> Self {
        let Timeouts { connect, tcp, .. } = Timeouts::default();
        Self {
            target,
            security: Security::new(),
            timeout: connect,
            tcp_timeout: tcp,
            compression: None,
            heartbeat: USUAL_HEARTBEAT,
            name: None,
        }
    }

    /// A scheduler at an address, such as `tcp://10.0.0.1:8786` or `tls://head-node:8786`.
    ///
    /// # Examples
    ///
    /// ```
    /// use hyperslab::exec::remote::{Client, ConnectOptions};
    /// let error = Client::connect(&ConnectOptions::address("tcp://nowhere")).unwrap_err();
    /// assert!(error.is_usage() && error.to_string().contains("the port is missing"));
    /// ```
    pub fn address(address: impl Into<String>) -> Self {
        Self::new(Target::Address(address.into()))
    }

    /// A scheduler that has written where it is into a file (`dask scheduler --scheduler-file`). A file that is not there
    /// yet is waited for.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use hyperslab::exec::remote::{Client, ConnectOptions};
    /// let options = ConnectOptions::scheduler_file("no/such/scheduler.json").timeout(Duration::from_millis(1));
    /// let error = Client::connect(&options).unwrap_err();
    /// assert!(error.to_string().contains("no/such/scheduler.json"));
    /// ```
    pub fn scheduler_file(path: impl Into<PathBuf>) -> Self {
        Self::new(Target::File(path.into()))
    }

    /// The scheduler and the settings that the environment names, under dask's names.
    ///
    /// # Errors
    ///
    /// `DASK_SCHEDULER_ADDRESS` is not set, or a variable has a value that cannot be read.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use hyperslab::exec::remote::{Client, ConnectOptions};
    /// let client = Client::connect(&ConnectOptions::from_env()?)?;
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn from_env() -> Result<Self> {
        Self::from_lookup(config::dask_variable)
    }

    /// The settings found under dask's dotted names.
    pub(super) fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let address = config::dask_text(&lookup, "scheduler-address").ok_or_else(|| {
            let error = Error::value("connect", "no scheduler is named: `DASK_SCHEDULER_ADDRESS` is not set");
            error.with_remedy("give an address, as in `ConnectOptions::address(\"tcp://127.0.0.1:8786\")`")
        })?;
        let timeouts = Timeouts::from_lookup(&lookup)?;
        Ok(Self {
            security: Security::from_lookup(&lookup)?,
            timeout: timeouts.connect,
            tcp_timeout: timeouts.tcp,
            compression: Compression::from_lookup(&lookup)?,
            heartbeat: read_time(&lookup, "distributed.client.heartbeat")?.unwrap_or(USUAL_HEARTBEAT),
            ..Self::address(address)
        })
    }

    /// Certificates, and what is refused without them.
    ///
    /// # Examples
    ///
    /// ```
    /// use hyperslab::exec::remote::{ConnectOptions, Security};
    /// let security = Security::new().ca_file("ca.pem").client_cert("cert.pem").client_key("key.pem");
    /// let options = ConnectOptions::address("tls://head-node:8786").security(security);
    /// ```
    pub fn security(mut self, security: Security) -> Self {
        self.security = security;
        self
    }

    /// How long connecting may take altogether, waiting for a scheduler file included; half a minute unless set.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use hyperslab::exec::remote::{Client, ConnectOptions};
    /// let options = ConnectOptions::address("tcp://127.0.0.1:1").timeout(Duration::from_millis(20));
    /// assert!(Client::connect(&options).unwrap_err().is_remote());
    /// ```
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = limit;
        self
    }

    /// How long the machine at the other end of a connection may show no sign of life before the connection counts as lost;
    /// half a minute unless set, and at least two seconds, at most nine hours. Workers and the scheduler have the same
    /// setting of their own, `DASK_DISTRIBUTED__COMM__TIMEOUTS__TCP`; Python's scheduler takes no less than eleven seconds.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use hyperslab::exec::remote::ConnectOptions;
    /// let options = ConnectOptions::address("tcp://127.0.0.1:8786").tcp_timeout(Duration::from_secs(5));
    /// ```
    pub fn tcp_timeout(mut self, limit: Duration) -> Self {
        self.tcp_timeout = limit;
        self
    }

    /// Whether what goes to and comes from other machines is compressed with LZ4, where the other side wants that too and it
    /// saves a third; not unless asked for. Workers read `DASK_DISTRIBUTED__COMM__COMPRESSION`.
    ///
    /// # Examples
    ///
    /// ```
    /// use hyperslab::exec::remote::ConnectOptions;
    /// let options = ConnectOptions::address("tls://head-node:8786").compression(true);
    /// ```
    pub fn compression(mut self, is_wanted: bool) -> Self {
        self.compression = is_wanted.then_some(Compression::Lz4);
        self
    }

    /// How often the scheduler is told that this client lives; every five seconds unless set.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use hyperslab::exec::remote::ConnectOptions;
    /// let options = ConnectOptions::address("tcp://127.0.0.1:8786").heartbeat(Duration::from_secs(1));
    /// ```
    pub fn heartbeat(mut self, pause: Duration) -> Self {
        self.heartbeat = pause;
        self
    }

    /// How the scheduler's log and dashboard call this client; a number is added to it.
    ///
    /// # Examples
    ///
    /// ```
    /// use hyperslab::exec::remote::ConnectOptions;
    /// let options = ConnectOptions::address("tcp://127.0.0.1:8786").name("tides");
    /// ```
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}

/// How the tasks of runs are to be treated, in the words of dask: see [`Client::with_options`](super::Client::with_options).
///
/// # Examples
///
/// ```
/// use hyperslab::exec::remote::SubmitOptions;
/// let options = SubmitOptions::new().retries(2).resource("GPU", 1.0).priority(10);
/// ```
#[derive(Clone, Debug)]
pub struct SubmitOptions {
    pub(super) retries: u32,
    pub(super) resources: Vec<(String, f64)>,
    pub(super) workers: Vec<String>,
    pub(super) allow_other_workers: bool,
    pub(super) priority: i64,
    pub(super) chunk_tasks: usize,
}

impl Default for SubmitOptions {
    fn default() -> Self {
        Self {
            retries: 0,
            resources: Vec::new(),
            workers: Vec::new(),
            allow_other_workers: false,
            priority: 0,
            chunk_tasks: USUAL_CHUNK_TASKS,
        }
    }
}

impl SubmitOptions {
    /// Once, on any worker.
    ///
    /// # Examples
    ///
    /// ```
    /// use hyperslab::exec::remote::SubmitOptions;
    /// let options = SubmitOptions::new();
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// How often a task that fails is tried again: for files on servers that are not always there.
    ///
    /// # Examples
    ///
    /// ```
    /// use hyperslab::exec::remote::SubmitOptions;
    /// let options = SubmitOptions::new().retries(3);
    /// ```
    pub fn retries(mut self, n: u32) -> Self {
        self.retries = n;
        self
    }

    /// What a worker must have to spare for each task, of what it says it has (`hyperslab-worker --resources GPU=2`).
    ///
    /// # Examples
    ///
    /// ```
    /// use hyperslab::exec::remote::SubmitOptions;
    /// let options = SubmitOptions::new().resource("GPU", 1.0);
    /// ```
    pub fn resource(mut self, name: impl Into<String>, amount: f64) -> Self {
        self.resources.push((name.into(), amount));
        self
    }

    /// The only workers that may run the tasks, by address, host or name.
    ///
    /// # Examples
    ///
    /// ```
    /// use hyperslab::exec::remote::SubmitOptions;
    /// let options = SubmitOptions::new().workers(["tcp://10.0.0.2:40001"]);
    /// ```
    pub fn workers<S: Into<String>>(mut self, workers: impl IntoIterator<Item = S>) -> Self {
        self.workers = workers.into_iter().map(Into::into).collect();
        self
    }

    /// Whether others may help if none of those [`workers`](Self::workers) is there.
    ///
    /// # Examples
    ///
    /// ```
    /// use hyperslab::exec::remote::SubmitOptions;
    /// let options = SubmitOptions::new().workers(["node1"]).allow_other_workers(true);
    /// ```
    pub fn allow_other_workers(mut self, is_allowed: bool) -> Self {
        self.allow_other_workers = is_allowed;
        self
    }

    /// Tasks of runs with larger numbers go first, whoever submitted them; 0 unless set.
    ///
    /// # Examples
    ///
    /// ```
    /// use hyperslab::exec::remote::SubmitOptions;
    /// let options = SubmitOptions::new().priority(-5);
    /// ```
    pub fn priority(mut self, priority: i64) -> Self {
        self.priority = priority;
        self
    }

    /// Tasks of one message.
    #[cfg(test)]
    pub(crate) fn chunk_tasks(mut self, n: usize) -> Self {
        self.chunk_tasks = n;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_found_under_dasks_names() {
        let lookup = |name: &str| match name {
            "scheduler-address" => Some("tcp://10.0.0.1:8786".to_owned()),
            "distributed.comm.timeouts.connect" => Some("500ms".into()),
            "distributed.comm.timeouts.tcp" => Some("1 minute".into()),
            "distributed.client.heartbeat" => Some("2".into()),
            "distributed.comm.compression" => Some("auto".into()),
            "distributed.comm.require-encryption" => Some("true".into()),
            _ => None,
        };
        let options = ConnectOptions::from_lookup(lookup).unwrap();
        assert_eq!(options.target, Target::Address("tcp://10.0.0.1:8786".into()));
        assert_eq!((options.timeout, options.heartbeat), (Duration::from_millis(500), Duration::from_secs(2)));
        assert_eq!((options.tcp_timeout, options.compression), (Duration::from_mins(1), Some(Compression::Lz4)));
        assert!(options.security.requires_encryption());
        let unnamed = ConnectOptions::from_lookup(|_| None).unwrap_err();
        assert!(unnamed.is_usage() && unnamed.to_string().contains("DASK_SCHEDULER_ADDRESS"));
    }
}
