//! The cluster: all of its processes together.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::exec::remote::Security;
use crate::exec::remote::comm::Transport;
use crate::exec::remote::security::Role;

use super::board::{Board, Facts};
use super::child::ChildProcess;
use super::options::ClusterOptions;
use super::python;
use super::scheduler::Listening;
use super::watch::Watch;

const OP: &str = "local cluster";

/// How long the processes together may take to leave before they are ended.
const LEAVE_LIMIT: Duration = Duration::from_secs(3);

/// A scheduler and workers on this machine; dropping it ends them.
///
/// They also end when this process does, however it ends.
///
/// # Examples
///
/// ```no_run
/// use hyperslab::exec::remote::LocalCluster;
/// let cluster = LocalCluster::options().workers(3).start()?;
/// println!("{} workers on {}", cluster.worker_ids().len(), cluster.address());
/// # Ok::<(), hyperslab::Error>(())
/// ```
#[derive(Debug)]
pub struct LocalCluster {
    options: ClusterOptions,
    python: PathBuf,
    board: Board,
    listening: Listening,
    // Fields are dropped in this order: the scheduler goes last.
    watch: Option<Watch>,
    workers: Vec<ChildProcess>,
    scheduler: ChildProcess,
    n_started: usize,
}

impl LocalCluster {
    /// The usual settings: a worker of one thread for every core, nothing listens beyond this machine.
    ///
    /// # Examples
    ///
    /// ```
    /// use hyperslab::exec::remote::LocalCluster;
    /// let options = LocalCluster::options().workers(2);
    /// ```
    pub fn options() -> ClusterOptions {
        ClusterOptions::default()
    }

    pub(super) fn start(options: ClusterOptions) -> Result<Self> {
        options.scheduler.check(&options.security())?;
        let python = python::find(options.python.as_deref(), options.may_install)?;
        let board = Board::default();
        let (scheduler, listening) = options.scheduler.start(&python, &board, options.start_limit)?;
        let n_workers = options.n_workers;
        let mut cluster =
            Self { options, python, board, listening, watch: None, workers: Vec::new(), scheduler, n_started: 0 };
        cluster.watch_scheduler()?;
        (0..n_workers).try_for_each(|_| cluster.add_worker())?;
        cluster.wait_for_workers(n_workers, cluster.options.start_limit)?;
        Ok(cluster)
    }

    /// Follows the scheduler, and waits until it tells who has joined.
    fn watch_scheduler(&mut self) -> Result<()> {
        let transport = Transport::new(self.security(), Role::Client)?;
        self.watch = Some(Watch::start(self.address().parse()?, transport, self.board.clone())?);
        self.board.wait(self.options.start_limit, |facts| facts.is_watched || facts.watch_fault.is_some());
        let facts = self.board.look();
        if facts.is_watched {
            return Ok(());
        }
        let why = facts
            .watch_fault
            .map_or_else(|| format!("not within {:?}", self.options.start_limit), |error| error.to_string());
        Err(self.failed(&[&self.scheduler], &format!("the scheduler does not tell who joins: {why}")))
    }

    /// Where the scheduler listens, as `tcp://127.0.0.1:8786`.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # use hyperslab::exec::remote::LocalCluster;
    /// let cluster = LocalCluster::options().start()?;
    /// assert!(cluster.address().starts_with("tcp://127.0.0.1:"));
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn address(&self) -> &str {
        &self.listening.address
    }

    /// Where the dashboard is, as `http://127.0.0.1:8787/status`; nothing without one.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # use hyperslab::exec::remote::LocalCluster;
    /// let cluster = LocalCluster::options().no_dashboard().start()?;
    /// assert_eq!(cluster.dashboard(), None);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn dashboard(&self) -> Option<&str> {
        self.listening.dashboard.as_deref()
    }

    /// The settings with which to speak to the cluster.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # use hyperslab::exec::remote::{LocalCluster, SchedulerInfo};
    /// let cluster = LocalCluster::options().start()?;
    /// println!("{}", SchedulerInfo::ask(cluster.address(), &cluster.security())?);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn security(&self) -> Security {
        self.options.security()
    }

    /// The numbers of the processes of the workers that have joined. A worker with a nanny has another one after it died.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # use hyperslab::exec::remote::LocalCluster;
    /// let cluster = LocalCluster::options().workers(2).start()?;
    /// assert_eq!(cluster.worker_ids().len(), 2);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn worker_ids(&self) -> Vec<u32> {
        self.board.look().workers.into_values().collect()
    }

    /// Waits until so many workers have joined.
    ///
    /// # Errors
    ///
    /// They have not within `limit`, or so many processes of the cluster have ended that they will not; what those wrote is
    /// in the message.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # use hyperslab::exec::remote::LocalCluster;
    /// let mut cluster = LocalCluster::options().workers(1).start()?;
    /// cluster.add_worker()?;
    /// cluster.wait_for_workers(2, Duration::from_secs(30))?;
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn wait_for_workers(&self, n_workers: usize, limit: Duration) -> Result<()> {
        let has_ended = |facts: &Facts, child: &ChildProcess| facts.ended.contains(&child.id());
        // A worker that has ended may have been replaced with another one.
        let is_over = |facts: &Facts| {
            let n_living = self.workers.iter().filter(|child| !has_ended(facts, child)).count();
            has_ended(facts, &self.scheduler) || (n_living < n_workers && n_living < self.workers.len())
        };
        self.board.wait(limit, |facts| facts.workers.len() >= n_workers || is_over(facts));
        let facts = self.board.look();
        if facts.workers.len() >= n_workers {
            return Ok(());
        }
        let ended = self.processes().filter(|child| has_ended(&facts, child)).collect::<Vec<_>>();
        let detail = match ended.first() {
            Some(child) if is_over(&facts) => format!("{} has ended", child.name),
            _ => format!("{} of {n_workers} workers joined within {limit:?}", facts.workers.len()),
        };
        let told = if ended.is_empty() { self.processes().collect() } else { ended };
        Err(self.failed(&told, &detail))
    }

    /// Starts one more worker; it joins later.
    ///
    /// # Errors
    ///
    /// The program of the workers cannot be started.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # use hyperslab::exec::remote::LocalCluster;
    /// let mut cluster = LocalCluster::options().workers(1).start()?;
    /// cluster.add_worker()?;
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn add_worker(&mut self) -> Result<()> {
        let name = format!("worker-{}", self.n_started);
        let command = self.worker_command(&name);
        let child = ChildProcess::start(&name, command, &self.board, None).map_err(|error| {
            error.with_remedy("build it with `cargo build --features remote`, or name it with `worker_program(..)`")
        })?;
        self.workers.push(child);
        self.n_started += 1;
        Ok(())
    }

    fn worker_command(&self, name: &str) -> Command {
        let options = &self.options;
        let worker = options.worker_command();
        let mut command = Command::new(worker.program);
        command.args(worker.args).args([self.address(), "--name", name, "--supervised"]);
        command.args(["--nthreads", &options.n_threads.to_string()]);
        if let Some(limit_bytes) = options.memory_bytes {
            command.args(["--memory-limit", &limit_bytes.to_string()]);
        }
        if !options.has_nanny {
            command.arg("--no-nanny");
        }
        if let Some(files) = &options.scheduler.tls {
            command.args(["--tls-ca-file", &files.ca, "--tls-cert", &files.cert, "--tls-key", &files.key]);
        }
        if options.allow_insecure {
            command.arg("--insecure");
        }
        command
    }

    /// Ends the scheduler as a crash would, and starts another one at the same address. The workers join it by themselves.
    ///
    /// # Errors
    ///
    /// It does not start in time.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # use hyperslab::exec::remote::LocalCluster;
    /// let mut cluster = LocalCluster::options().workers(1).start()?;
    /// cluster.restart_scheduler()?;
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn restart_scheduler(&mut self) -> Result<()> {
        self.scheduler.kill();
        self.watch = None;
        let mut again = self.options.scheduler.clone();
        again.port = self.address().rsplit_once(':').and_then(|(_, port)| port.parse().ok()).unwrap_or(again.port);
        (self.scheduler, self.listening) = again.start(&self.python, &self.board, self.options.start_limit)?;
        self.watch_scheduler()
    }

    /// The last lines that the processes have written, for messages to people.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # use hyperslab::exec::remote::LocalCluster;
    /// let cluster = LocalCluster::options().workers(1).start()?;
    /// assert!(cluster.log().contains("worker-0"));
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn log(&self) -> String {
        tails(&self.processes().collect::<Vec<_>>(), usize::MAX)
    }

    fn processes(&self) -> impl Iterator<Item = &ChildProcess> {
        std::iter::once(&self.scheduler).chain(&self.workers)
    }

    fn failed(&self, told: &[&ChildProcess], detail: &str) -> Error {
        Error::remote(OP, self.address(), format!("{detail}\n{}", tails(told, 10)))
    }
}

fn tails(children: &[&ChildProcess], n_lines: usize) -> String {
    let one =
        |child: &&ChildProcess| format!("--- {}, process {}\n{}", child.name, child.id(), child.log().tail(n_lines));
    children.iter().map(one).collect()
}

impl Drop for LocalCluster {
    fn drop(&mut self) {
        self.watch = None;
        self.workers.iter_mut().for_each(ChildProcess::dismiss);
        let deadline = Instant::now() + LEAVE_LIMIT;
        self.workers.iter_mut().for_each(|worker| worker.end_by(deadline));
        self.scheduler.end_by(deadline);
    }
}
