//! What `benches/remote.rs` measures; no part of the interface.

#![allow(missing_docs)]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::client::{Client, ConnectOptions, RemoteFuture, RemoteTask, ScatterOptions, SubmitOptions};
use super::worker::{Inputs, TaskRunner, WorkerOptions, run_worker};
use crate::error::{Error, Result};
use crate::exec::CancelToken;

const OP: &str = "bench";
const PATIENCE: Duration = Duration::from_mins(1);

/// A task is `#` with a number: so many zeros.
#[derive(Debug)]
struct Zeros;

impl TaskRunner for Zeros {
    type Value = Bytes;

    fn magic(&self) -> &[u8] {
        b"#"
    }

    fn run(&self, payload: &Bytes, _inputs: &Inputs<Bytes>, _cancel: &CancelToken) -> Result<Bytes> {
        let n_bytes = std::str::from_utf8(&payload[1..]).ok().and_then(|text| text.parse::<usize>().ok());
        n_bytes.map(|n_bytes| vec![1; n_bytes].into()).ok_or_else(|| Error::value(OP, "no number"))
    }

    fn n_bytes(&self, value: &Bytes) -> u64 {
        value.len() as u64
    }

    fn type_name(&self, _value: &Bytes) -> Arc<str> {
        "zeros".into()
    }

    fn encode(&self, value: &Bytes) -> Result<Bytes> {
        Ok(value.clone())
    }

    fn decode(&self, content: Bytes) -> Result<Bytes> {
        Ok(content)
    }
}

fn task(key: String, deps: Vec<String>, n_bytes: usize, priority: usize) -> RemoteTask {
    RemoteTask { key, deps, payload: format!("#{n_bytes}").into_bytes(), priority: priority as u64 }
}

/// A client, and workers of one thread each in this process.
#[derive(Debug)]
pub struct Bench {
    client: Client,
    n_runs: AtomicU64,
}

impl Bench {
    /// Joins the scheduler that writes this file.
    pub fn start(scheduler_file: &Path, n_workers: usize) -> Result<Self> {
        let client = Client::connect(&ConnectOptions::scheduler_file(scheduler_file).timeout(PATIENCE))?;
        for _ in 0..n_workers {
            let options = WorkerOptions { n_threads: 1, ..WorkerOptions::new(&*client.scheduler().address) };
            // Ends with the scheduler.
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                runtime.map(|runtime| runtime.block_on(run_worker(&options, Arc::new(Zeros))))
            });
        }
        client.wait_for_workers(n_workers, PATIENCE)?;
        Ok(Self { client, n_runs: AtomicU64::new(0) })
    }

    /// A name that no run before this one had.
    fn fresh(&self) -> u64 {
        self.n_runs.fetch_add(1, Ordering::Relaxed)
    }

    /// Waits until the scheduler has forgotten what earlier runs have released: messages keep their order.
    fn settle(&self) -> Result<u64> {
        let run = self.fresh();
        let key = format!("settle-{run}");
        let futures = self.client.submit([task(key.clone(), Vec::new(), 8, 0)], &[key], &SubmitOptions::new())?;
        RemoteFuture::wait_all(&futures, |_| ())?;
        Ok(run)
    }

    /// Seconds from submission until the results of `n` tasks without inputs are here.
    pub fn independent(&self, n: usize) -> Result<f64> {
        let run = self.settle()?;
        let tasks: Vec<RemoteTask> = (0..n).map(|i| task(format!("leaf-{run}-{i}"), Vec::new(), 8, i)).collect();
        let keys: Vec<String> = tasks.iter().map(|task| task.key.clone()).collect();
        let since = Instant::now();
        let futures = self.client.submit(tasks, &keys, &SubmitOptions::new())?;
        check(self.client.gather(&futures)?.len(), n)?;
        Ok(since.elapsed().as_secs_f64())
    }

    /// The same for one result at the root of a tree of `n` leaves.
    pub fn tree(&self, n: usize, fan_in: usize) -> Result<f64> {
        let run = self.settle()?;
        let leaf = |i: usize| format!("leaf-{run}-{i}");
        let mut tasks = Vec::new();
        let mut parts = Vec::new();
        for first in (0..n).step_by(fan_in) {
            let leaves: Vec<String> = (first..n.min(first + fan_in)).map(leaf).collect();
            for leaf in &leaves {
                tasks.push(task(leaf.clone(), Vec::new(), 8, tasks.len()));
            }
            let part = format!("part-{run}-{first}");
            tasks.push(task(part.clone(), leaves, 8, tasks.len()));
            parts.push(part);
        }
        let root = format!("root-{run}");
        tasks.push(task(root.clone(), parts, 8, tasks.len()));
        let since = Instant::now();
        let futures = self.client.submit(tasks, &[root], &SubmitOptions::new())?;
        check(self.client.gather(&futures)?.len(), 1)?;
        Ok(since.elapsed().as_secs_f64())
    }

    /// Seconds until blocks that are on workers are here.
    pub fn gather(&self, n_blocks: usize, n_bytes: usize) -> Result<f64> {
        let futures = self.blocks(n_blocks, n_bytes)?;
        RemoteFuture::wait_all(&futures, |_| ())?;
        let since = Instant::now();
        let values = self.client.gather(&futures)?;
        let elapsed = since.elapsed().as_secs_f64();
        check(values.iter().map(Bytes::len).sum(), n_blocks * n_bytes)?;
        Ok(elapsed)
    }

    /// Seconds until a task on one worker has a block of another.
    pub fn transfer(&self, n_bytes: usize) -> Result<f64> {
        let workers = self.client.workers()?;
        let [(here, _), (there, _), ..] = &workers[..] else {
            return Err(Error::value(OP, "two workers are needed"));
        };
        let run = self.settle()?;
        let (block, taker) = (format!("block-{run}-0"), format!("taker-{run}-0"));
        let at = |worker: &String| SubmitOptions::new().workers([worker.as_str()]);
        let source = task(block.clone(), Vec::new(), n_bytes, 0);
        let source = self.client.submit([source], std::slice::from_ref(&block), &at(here))?;
        RemoteFuture::wait_all(&source, |_| ())?;
        let since = Instant::now();
        let taker_task = task(taker.clone(), vec![block], 8, 1);
        let taken = self.client.submit([taker_task], &[taker], &at(there))?;
        RemoteFuture::wait_all(&taken, |_| ())?;
        Ok(since.elapsed().as_secs_f64())
    }

    /// Seconds until blocks that are here are on workers.
    pub fn scatter(&self, n_blocks: usize, n_bytes: usize) -> Result<f64> {
        let run = self.settle()?;
        let content = Bytes::from(vec![1; n_bytes]);
        let values = (0..n_blocks).map(|i| (format!("put-{run}-{i}"), content.clone())).collect();
        let since = Instant::now();
        let futures = self.client.scatter(values, &ScatterOptions::new())?;
        RemoteFuture::wait_all(&futures, |_| ())?;
        Ok(since.elapsed().as_secs_f64())
    }

    fn blocks(&self, n_blocks: usize, n_bytes: usize) -> Result<Vec<RemoteFuture>> {
        let run = self.settle()?;
        let tasks: Vec<RemoteTask> =
            (0..n_blocks).map(|i| task(format!("block-{run}-{i}"), Vec::new(), n_bytes, i)).collect();
        let keys: Vec<String> = tasks.iter().map(|task| task.key.clone()).collect();
        self.client.submit(tasks, &keys, &SubmitOptions::new())
    }
}

fn check(found: usize, expected: usize) -> Result<()> {
    if found == expected { Ok(()) } else { Err(Error::bug(OP, format!("{found} instead of {expected}"))) }
}
