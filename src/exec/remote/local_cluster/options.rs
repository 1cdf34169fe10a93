//! What is started, and how.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::Result;
use crate::exec::remote::Security;

use super::cluster::LocalCluster;
use super::scheduler::SchedulerSpec;

/// How long a cluster may take to stand: Python reads a few hundred files first.
const START_LIMIT: Duration = Duration::from_mins(1);

/// The name of the worker's program, which stands beside this one or on the path.
const WORKER_PROGRAM: &str = "hyperslab-worker";

/// The files of one authority and one certificate, used by all processes of a cluster.
#[derive(Clone, Debug)]
pub(super) struct TlsFiles {
    pub(super) ca: String,
    pub(super) cert: String,
    pub(super) key: String,
}

/// The program of a worker and its first arguments.
#[derive(Clone, Debug)]
pub(super) struct WorkerCommand {
    pub(super) program: PathBuf,
    pub(super) args: Vec<String>,
}

/// The settings of a [`LocalCluster`].
///
/// # Examples
///
/// ```no_run
/// use hyperslab::exec::remote::LocalCluster;
/// let cluster = LocalCluster::options().workers(2).threads(2).memory_bytes(1 << 30).install(true).start()?;
/// # Ok::<(), hyperslab::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ClusterOptions {
    pub(super) n_workers: usize,
    pub(super) n_threads: usize,
    pub(super) memory_bytes: Option<u64>,
    pub(super) has_nanny: bool,
    pub(super) python: Option<PathBuf>,
    pub(super) may_install: bool,
    pub(super) worker: Option<WorkerCommand>,
    pub(super) scheduler: SchedulerSpec,
    pub(super) allow_insecure: bool,
    pub(super) start_limit: Duration,
}

impl Default for ClusterOptions {
    /// One worker of one thread for every core, on this machine, with a dashboard.
    fn default() -> Self {
        let scheduler = SchedulerSpec {
            host: "127.0.0.1".into(),
            port: 0,
            dashboard: Some("127.0.0.1:0".into()),
            settings: Vec::new(),
            tls: None,
        };
        Self {
            n_workers: std::thread::available_parallelism().map_or(1, usize::from),
            n_threads: 1,
            memory_bytes: None,
            has_nanny: true,
            python: None,
            may_install: false,
            worker: None,
            scheduler,
            allow_insecure: false,
            start_limit: START_LIMIT,
        }
    }
}

impl ClusterOptions {
    /// The number of workers; one for every core unless set. None is possible: others may join.
    ///
    /// # Examples
    ///
    /// ```
    /// use hyperslab::exec::remote::LocalCluster;
    /// let options = LocalCluster::options().workers(3);
    /// ```
    pub fn workers(mut self, n_workers: usize) -> Self {
        self.n_workers = n_workers;
        self
    }

    /// The threads of every worker; one unless set.
    ///
    /// # Examples
    ///
    /// ```
    /// use hyperslab::exec::remote::LocalCluster;
    /// let options = LocalCluster::options().workers(1).threads(8);
    /// ```
    pub fn threads(mut self, n_threads: usize) -> Self {
        self.n_threads = n_threads.max(1);
        self
    }

    /// The memory of every worker; a share of the machine's, by threads, unless set. At 70 % of it values go to disk, at 95 %
    /// the nanny ends the worker.
    ///
    /// # Examples
    ///
    /// ```
    /// use hyperslab::exec::remote::LocalCluster;
    /// let options = LocalCluster::options().memory_bytes(2 << 30);
    /// ```
    pub fn memory_bytes(mut self, limit_bytes: u64) -> Self {
        self.memory_bytes = Some(limit_bytes);
        self
    }

    /// Whether every worker has a process that starts it again when it dies; so unless set.
    ///
    /// # Examples
    ///
    /// ```
    /// use hyperslab::exec::remote::LocalCluster;
    /// let options = LocalCluster::options().nanny(false);
    /// ```
    pub fn nanny(mut self, has_nanny: bool) -> Self {
        self.has_nanny = has_nanny;
        self
    }

    /// The Python that runs the scheduler; it needs the package `distributed`, and `bokeh` for the dashboard.
    ///
    /// Unless set it is what `HYPERSLAB_DASK_PYTHON` names, or the first of `python3` and `python` on the path that has the
    /// package.
    ///
    /// # Examples
    ///
    /// ```
    /// use hyperslab::exec::remote::LocalCluster;
    /// let error = LocalCluster::options().workers(0).python("/nowhere/python").start().unwrap_err();
    /// assert!(error.is_remote() && error.to_string().contains("/nowhere/python"));
    /// ```
    pub fn python(mut self, program: impl Into<PathBuf>) -> Self {
        self.python = Some(program.into());
        self
    }

    /// Whether a Python environment with the packages may be installed in the cache folder (`XDG_CACHE_HOME`, or `.cache`
    /// in the home folder) where none is found. It says so, and is used again.
    ///
    /// # Examples
    ///
    /// ```
    /// use hyperslab::exec::remote::LocalCluster;
    /// let options = LocalCluster::options().install(true);
    /// ```
    pub fn install(mut self, is_allowed: bool) -> Self {
        self.may_install = is_allowed;
        self
    }

    /// The program of the workers, instead of `hyperslab-worker` beside this program or on the path, and its first
    /// arguments. The scheduler's address and the options of a worker follow them.
    ///
    /// # Examples
    ///
    /// ```
    /// use hyperslab::exec::remote::LocalCluster;
    /// let options = LocalCluster::options().worker_program("target/release/hyperslab-worker", []);
    /// ```
    pub fn worker_program<'a>(mut self, program: impl Into<PathBuf>, args: impl IntoIterator<Item = &'a str>) -> Self {
        let args = args.into_iter().map(str::to_owned).collect();
        self.worker = Some(WorkerCommand { program: program.into(), args });
        self
    }

    /// Where the scheduler listens; `127.0.0.1` and any free port unless set.
    ///
    /// Other machines are let in only with [`tls`](Self::tls), or if [`allow_insecure`](Self::allow_insecure) says so.
    ///
    /// # Examples
    ///
    /// ```
    /// use hyperslab::exec::remote::LocalCluster;
    /// let error = LocalCluster::options().listen("0.0.0.0", 8786).start().unwrap_err();
    /// assert!(error.is_usage() && error.to_string().contains("not be encrypted"));
    /// ```
    pub fn listen(mut self, host: impl Into<String>, port: u16) -> Self {
        (self.scheduler.host, self.scheduler.port) = (host.into(), port);
        self
    }

    /// Where the dashboard listens, as `host:port`; on this machine and any free port unless set. It asks nobody who they
    /// are.
    ///
    /// # Examples
    ///
    /// ```
    /// use hyperslab::exec::remote::LocalCluster;
    /// let options = LocalCluster::options().dashboard("127.0.0.1:8787");
    /// ```
    pub fn dashboard(mut self, place: impl Into<String>) -> Self {
        self.scheduler.dashboard = Some(place.into());
        self
    }

    /// No dashboard.
    ///
    /// # Examples
    ///
    /// ```
    /// use hyperslab::exec::remote::LocalCluster;
    /// let options = LocalCluster::options().no_dashboard();
    /// ```
    pub fn no_dashboard(mut self) -> Self {
        self.scheduler.dashboard = None;
        self
    }

    /// How many tasks the scheduler sends to a worker before they are needed, as a multiple of its threads; 1.1 unless set
    /// (`distributed.scheduler.worker-saturation`).
    ///
    /// Infinity sends all at once, which makes many short tasks quick and keeps more first blocks of a graph in memory.
    ///
    /// # Examples
    ///
    /// ```
    /// use hyperslab::exec::remote::LocalCluster;
    /// let options = LocalCluster::options().saturation(f64::INFINITY);
    /// ```
    pub fn saturation(self, tasks_per_thread: f64) -> Self {
        let text = if tasks_per_thread.is_finite() { tasks_per_thread.to_string() } else { "inf".to_owned() };
        self.scheduler_setting("distributed.scheduler.worker-saturation", &text)
    }

    /// A setting of the scheduler under the name that dask's configuration gives it.
    ///
    /// # Examples
    ///
    /// ```
    /// use hyperslab::exec::remote::LocalCluster;
    /// // A task may be running on so many workers that die before it is given up; 3 unless set.
    /// let options = LocalCluster::options().scheduler_setting("distributed.scheduler.allowed-failures", "10");
    /// ```
    pub fn scheduler_setting(mut self, name: &str, value: &str) -> Self {
        self.scheduler.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Files, in PEM: the authority to trust, and the certificate and the key that all processes show. Nothing is spoken
    /// without encryption then.
    ///
    /// # Examples
    ///
    /// ```
    /// use hyperslab::exec::remote::LocalCluster;
    /// let options = LocalCluster::options().tls("ca.pem", "cert.pem", "key.pem");
    /// ```
    pub fn tls(mut self, ca: impl Into<String>, cert: impl Into<String>, key: impl Into<String>) -> Self {
        self.scheduler.tls = Some(TlsFiles { ca: ca.into(), cert: cert.into(), key: key.into() });
        self
    }

    /// Allows the cluster to be reached by other machines without encryption: see
    /// [`Security::allow_insecure`](crate::exec::remote::Security::allow_insecure).
    ///
    /// # Examples
    ///
    /// ```
    /// use hyperslab::exec::remote::LocalCluster;
    /// let options = LocalCluster::options().allow_insecure(false);
    /// ```
    pub fn allow_insecure(mut self, is_allowed: bool) -> Self {
        self.allow_insecure = is_allowed;
        self
    }

    /// How long the scheduler may take to start, and then the workers to join; a minute unless set.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use hyperslab::exec::remote::LocalCluster;
    /// let options = LocalCluster::options().start_limit(Duration::from_secs(10));
    /// ```
    pub fn start_limit(mut self, limit: Duration) -> Self {
        self.start_limit = limit;
        self
    }

    /// Starts the scheduler and the workers, and waits until all have joined.
    ///
    /// # Errors
    ///
    /// No Python or no worker program is found, the settings would let other machines in without encryption, or a process
    /// does not start in time; what it wrote is in the message.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use hyperslab::exec::remote::LocalCluster;
    /// let cluster = LocalCluster::options().workers(2).start()?;
    /// assert_eq!(cluster.worker_ids().len(), 2);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn start(self) -> Result<LocalCluster> {
        LocalCluster::start(self)
    }

    /// The settings with which the cluster's processes are spoken to.
    pub(super) fn security(&self) -> Security {
        let security = Security::new().allow_insecure(self.allow_insecure);
        match &self.scheduler.tls {
            None => security,
            Some(TlsFiles { ca, cert, key }) => {
                let security = security.ca_file(ca).client_cert(cert).client_key(key);
                security.worker_cert(cert).worker_key(key)
            }
        }
    }

    /// The program of the workers.
    pub(super) fn worker_command(&self) -> WorkerCommand {
        self.worker.clone().unwrap_or_else(|| {
            let this = std::env::current_exe().ok();
            WorkerCommand { program: find_beside(this.as_deref(), Path::is_file), args: Vec::new() }
        })
    }
}

/// The worker's program in the folder of this one, or in the one above (examples and tests are built into a folder of
/// their own), or else just its name, to be found on the path.
fn find_beside(this: Option<&Path>, is_there: impl Fn(&Path) -> bool) -> PathBuf {
    let name = format!("{WORKER_PROGRAM}{}", std::env::consts::EXE_SUFFIX);
    let folders = this.into_iter().flat_map(|this| this.ancestors().skip(1).take(2));
    let mut programs = folders.map(|folder| folder.join(&name));
    programs.find(|program| is_there(program)).unwrap_or_else(|| PathBuf::from(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_of_the_workers_is_found_beside_this_one() {
        let this = Path::new("/t/debug/examples/cluster");
        let found = |known: &'static str| find_beside(Some(this), move |path| path == Path::new(known));
        for place in ["/t/debug/examples/hyperslab-worker", "/t/debug/hyperslab-worker"] {
            assert_eq!(found(place), Path::new(place));
        }
        assert_eq!(found("/t/hyperslab-worker"), Path::new("hyperslab-worker"));
    }

    #[test]
    fn files_of_certificates_rule_plain_connections_out() {
        let options = ClusterOptions::default();
        assert!(!options.security().requires_encryption());
        assert!(options.tls("ca.pem", "cert.pem", "key.pem").security().requires_encryption());
    }
}
