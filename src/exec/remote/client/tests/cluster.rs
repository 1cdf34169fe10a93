//! A stock scheduler in a process of its own, and workers of this crate in this one.

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tempfile::TempDir;
use tokio::sync::oneshot;

use super::super::options::Target;
use super::super::{Client, ConnectOptions, RemoteTask};
use crate::error::{Error, Result};
use crate::exec::CancelToken;
use crate::exec::remote::Security;
use crate::exec::remote::worker::{Inputs, TaskRunner, WorkerOptions, run_worker};

/// How long anything may take before a test gives up.
const PATIENCE: Duration = Duration::from_mins(1);

/// Values are numbers as text, and a task is `#` with a number: the sum of it and its inputs. Others: `#fail`, `#flaky n`
/// fails so often, `#forever` runs until it is cancelled, `#zeros n` gives so many bytes, `#turn n` the number of tasks of
/// its kind that the worker has begun.
#[derive(Default)]
pub(super) struct Sums {
    n_tries: Mutex<HashMap<Bytes, usize>>,
}

impl Sums {
    fn tries(&self, payload: &Bytes) -> usize {
        let mut tries = self.n_tries.lock().unwrap_or_else(PoisonError::into_inner);
        let n = tries.entry(payload.clone()).or_default();
        *n += 1;
        *n
    }
}

fn number(bytes: &[u8]) -> Option<usize> {
    std::str::from_utf8(bytes).ok()?.trim().parse().ok()
}

impl TaskRunner for Sums {
    type Value = Bytes;

    fn magic(&self) -> &[u8] {
        b"#"
    }

    fn run(&self, payload: &Bytes, inputs: &Inputs<Bytes>, cancel: &CancelToken) -> Result<Bytes> {
        let text = std::str::from_utf8(&payload[1..]).unwrap_or_default();
        let (word, argument) = text.split_once(' ').unwrap_or((text, ""));
        let argument = argument.split(' ').next().and_then(|text| number(text.as_bytes())).unwrap_or(0);
        match word {
            "fail" => Err(Error::value("sum", "asked to fail")),
            "flaky" if self.tries(payload) <= argument => Err(Error::value("sum", "asked to fail at first")),
            "flaky" => Ok(Bytes::from_static(b"1")),
            "forever" => {
                while !cancel.is_cancelled() {
                    std::thread::yield_now();
                }
                Err(Error::cancelled("sum"))
            }
            "zeros" => Ok(vec![0; argument].into()),
            "turn" => Ok(self.tries(&Bytes::from_static(b"turn")).to_string().into()),
            own => {
                let terms = inputs.iter().map(|(_, value)| number(value)).chain([number(own.as_bytes())]);
                let sum: Option<usize> = terms.sum();
                sum.map(|sum| sum.to_string().into()).ok_or_else(|| Error::value("sum", "no number"))
            }
        }
    }

    fn n_bytes(&self, value: &Bytes) -> u64 {
        value.len() as u64
    }

    fn type_name(&self, _value: &Bytes) -> Arc<str> {
        "number".into()
    }

    fn encode(&self, value: &Bytes) -> Result<Bytes> {
        Ok(value.clone())
    }

    fn decode(&self, content: Bytes) -> Result<Bytes> {
        Ok(content)
    }
}

/// A worker on a thread of its own. Dropping it breaks its connections off, as the death of a process would.
pub(super) struct Worker {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    pub(super) fn start(options: WorkerOptions) -> Self {
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.expect("as the test set it up");
            runtime.block_on(async {
                tokio::select! {
                    ended = run_worker(&options, Arc::new(Sums::default())) => drop(ended),
                    _ = stopped => {}
                }
            });
            runtime.shutdown_background();
        });
        Self { stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // The worker may have ended already.
            stop.send(()).ok();
        }
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

/// A scheduler; it is killed when this is dropped.
pub(super) struct Cluster {
    scheduler: Child,
    security: Security,
    folder: TempDir,
}

impl Cluster {
    /// Nothing if `HYPERSLAB_DASK_PYTHON` names no Python with `distributed`.
    pub(super) fn start() -> Option<Self> {
        Self::start_with(&["--host", "127.0.0.1"], Security::new())
    }

    pub(super) fn start_with(arguments: &[&str], security: Security) -> Option<Self> {
        let Some(python) = std::env::var_os("HYPERSLAB_DASK_PYTHON") else {
            eprintln!("skipped: HYPERSLAB_DASK_PYTHON names no Python with `distributed`");
            return None;
        };
        let folder = tempfile::tempdir().expect("as the test set it up");
        let scheduler = Command::new(python)
            .args(["-c", "from distributed.cli.dask_scheduler import main; main()"])
            .args(["--port", "0", "--no-dashboard", "--idle-timeout", "300", "--scheduler-file"])
            .arg(folder.path().join("scheduler.json"))
            .args(arguments)
            .env("DASK_DISTRIBUTED__SCHEDULER__WORKER_SATURATION", "inf")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("as the test set it up");
        Some(Self { scheduler, security, folder })
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("scheduler.json")
    }

    pub(super) fn options(&self) -> ConnectOptions {
        ConnectOptions::scheduler_file(self.file()).security(self.security.clone()).timeout(PATIENCE)
    }

    pub(super) fn client(&self) -> Client {
        Client::connect(&self.options()).expect("a scheduler is there")
    }

    /// Workers of one thread each, which have joined.
    pub(super) fn workers(&self, client: &Client, n: usize) -> Vec<Worker> {
        let n_before = client.workers().expect("a scheduler is there").len();
        let address = client.scheduler().address.clone();
        let one = |_| {
            let options =
                WorkerOptions { n_threads: 1, security: self.security.clone(), ..WorkerOptions::new(&*address) };
            Worker::start(options)
        };
        let workers = (0..n).map(one).collect();
        client.wait_for_workers(n_before + n, PATIENCE).expect("workers join");
        workers
    }

    pub(super) fn kill(&mut self) {
        self.scheduler.kill().expect("it was there");
        self.scheduler.wait().expect("it was there");
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.scheduler.kill().ok();
        self.scheduler.wait().ok();
    }
}

pub(super) fn task(key: &str, payload: &str, deps: &[&str]) -> RemoteTask {
    let deps = deps.iter().map(|dep| (*dep).to_owned()).collect();
    RemoteTask { key: key.into(), deps, payload: payload.into(), priority: 0 }
}

/// Looks until something is so.
pub(super) fn until(what: &str, is_so: impl Fn() -> bool) {
    let since = Instant::now();
    while !is_so() {
        assert!(since.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn addresses_and_files_are_told_apart() {
    assert!(matches!(ConnectOptions::address("tcp://a:1").target, Target::Address(_)));
    assert!(matches!(ConnectOptions::scheduler_file("a").target, Target::File(_)));
}
