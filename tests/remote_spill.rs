//! Workers whose memory is short, and workers with something to spare.
//!
//! Needs a stock scheduler: `HYPERSLAB_DASK_PYTHON` names a Python with `distributed`; without that variable the tests say
//! that they are skipped.

#![cfg(feature = "remote")]

mod clusters;

use hyperslab::exec::remote::{Client, ConnectOptions, LocalCluster, SubmitOptions};
use hyperslab::prelude::*;

use clusters::{assert_nothing_is_known, in_time, options, python_says, registry};

fn client(cluster: &LocalCluster) -> Client {
    Client::connect(&ConnectOptions::address(cluster.address()).security(cluster.security())).unwrap()
}

/// The bytes that workers say they have on disk, once they say that they have any.
const SPILLED: &str = r#"
import sys, time
from distributed import Client

def spilled(dask_scheduler):
    return sum(ws.metrics["spilled_bytes"]["disk"] for ws in dask_scheduler.workers.values())

with Client(sys.argv[1], set_as_default=False) as client:
    deadline = time.monotonic() + 60
    while not client.run_on_scheduler(spilled) and time.monotonic() < deadline:
        time.sleep(0.1)
    print(client.run_on_scheduler(spilled))
"#;

#[test]
fn a_worker_keeps_more_than_its_memory() {
    let Some(options) = options() else { return };
    // Half of what is kept, and the process itself takes some of it.
    let cluster = options.workers(1).memory_bytes(192 << 20).start().unwrap();
    let runtime = Runtime::on_client(client(&cluster), registry());
    let n = 48 << 20;
    let x = Array::<f64>::arange(0.0, f64::from(n), 1.0, Chunks::size(1 << 19)).unwrap();
    let other = runtime.clone();
    let kept = in_time(move || other.enter(|| (&x * 0.5).persist())).unwrap();
    let spilled: u64 = python_says(SPILLED, cluster.address()).trim().parse().unwrap();
    assert!(spilled > 0, "{}", cluster.log());
    let (here, there) = (kept.clone(), runtime.clone());
    let sum = in_time(move || there.enter(|| here.sum().scalar())).unwrap();
    // All partial sums are multiples of a half below 2^53.
    assert_eq!(sum, f64::from(n - 1) * f64::from(n) / 4.0);
    assert_eq!(cluster.worker_ids().len(), 1);
    drop(kept);
    assert_nothing_is_known(cluster.address());
}

#[test]
fn tasks_run_where_there_is_what_they_need() {
    let Some(options) = options() else { return };
    let worker = env!("CARGO_BIN_EXE_hyperslab-worker");
    let cluster = options.workers(1).worker_program(worker, ["--resources", "GPU=1"]).start().unwrap();
    let asking = |name: &str| {
        Runtime::on_client(client(&cluster).with_options(SubmitOptions::new().resource(name, 1.0)), registry())
    };
    let x = Array::<f64>::arange(0.0, 1_000.0, 1.0, Chunks::size(100)).unwrap();
    assert_eq!(asking("GPU").enter(|| x.sum().scalar()).unwrap(), 499_500.0);
    // Nobody has one: the tasks wait until nobody wants them any more.
    let waiting = asking("TPU").submit(&(&x + 1.0).sum()).unwrap();
    assert_eq!(asking("GPU").enter(|| (&x * 2.0).sum().scalar()).unwrap(), 999_000.0);
    assert!(!waiting.is_done());
    drop(waiting);
    assert_nothing_is_known(cluster.address());
}
