//! Workers that start anew because a client wants it.
//!
//! Needs a stock scheduler: `HYPERSLAB_DASK_PYTHON` names a Python with `distributed`; without that variable the tests say
//! that they are skipped.

#![cfg(feature = "remote")]

mod clusters;

use std::collections::BTreeSet;
use std::thread;
use std::time::{Duration, Instant};

use hyperslab::exec::remote::{Client, ConnectOptions, LocalCluster};
use hyperslab::prelude::*;

use clusters::{WATCHDOG, options, private, python_says, registry, signal};

fn client(cluster: &LocalCluster) -> Client {
    let options = ConnectOptions::address(cluster.address()).security(cluster.security());
    Client::connect(&options).unwrap()
}

fn numbers() -> Array<f64> {
    Array::arange(0.0, 10_000.0, 1.0, Chunks::size(500)).unwrap()
}

/// The sum of 0, 2, 4 .. 19998.
fn job() -> Result<f64> {
    (numbers() * 2.0).sum().scalar()
}

const ANSWER: f64 = 99_990_000.0;

/// The numbers of the workers' processes, when there are three again and this cluster has been told.
fn workers(cluster: &LocalCluster) -> BTreeSet<u32> {
    cluster.wait_for_workers(3, WATCHDOG).unwrap();
    cluster.worker_ids().into_iter().collect()
}

/// Waits until none of these workers is there and three are.
fn all_new(cluster: &LocalCluster, before: &BTreeSet<u32>) -> BTreeSet<u32> {
    let deadline = Instant::now() + WATCHDOG;
    loop {
        let now = workers(cluster);
        if now.len() == 3 && now.is_disjoint(before) {
            return now;
        }
        assert!(Instant::now() < deadline, "{before:?} and {now:?}: {}", cluster.log());
        thread::sleep(Duration::from_millis(5));
    }
}

const PYTHON_CLIENT: &str = r#"
import sys
from distributed import Client

def processes(client):
    return client.run_on_scheduler(
        lambda dask_scheduler: {ws.name: ws.extra["pid"] for ws in dask_scheduler.workers.values()})

with Client(sys.argv[1], set_as_default=False) as client:
    first = processes(client)
    assert len(first) == 3, first
    client.restart(timeout=100)
    second = processes(client)
    assert sorted(first) == sorted(second), (first, second)
    assert not set(first.values()) & set(second.values()), (first, second)
    name = sorted(second)[0]
    assert client.restart_workers([name], timeout=100) == {name: "OK"}
    third = processes(client)
    assert {n for n in third if third[n] != second[n]} == {name}, (second, third)
    try:
        client.run(print, nanny=True)
    except Exception as error:
        assert "`run` is not answered" in str(error), error
    else:
        raise AssertionError("a nanny ran something")
print("restarted")
"#;

#[test]
fn a_python_client_restarts_workers() {
    let Some(options) = options() else { return };
    let cluster = options.start().unwrap();
    let runtime = Runtime::on_client(client(&cluster), registry());
    assert_eq!(runtime.enter(job).unwrap(), ANSWER);
    let before = workers(&cluster);
    assert_eq!(python_says(PYTHON_CLIENT, cluster.address()), "restarted\n", "{}", cluster.log());
    all_new(&cluster, &before);
    assert_eq!(runtime.enter(job).unwrap(), ANSWER);
}

#[test]
fn a_client_restarts_workers_and_its_results_are_gone() {
    let Some(options) = options() else { return };
    let cluster = options.start().unwrap();
    let client = client(&cluster);
    let runtime = Runtime::on_client(client.clone(), registry());
    let mut before = workers(&cluster);
    for _ in 0..3 {
        let kept = runtime.enter(|| (numbers() + 1.0).persist()).unwrap();
        client.restart(WATCHDOG).unwrap();
        // At once: nothing that was there before is in the way.
        assert_eq!(client.workers().unwrap().len(), 3);
        let error = runtime.enter(|| kept.sum().scalar()).unwrap_err();
        assert!(error.is_remote() && error.to_string().contains("the cluster was restarted"), "{error}");
        assert_eq!(runtime.enter(job).unwrap(), ANSWER);
        before = all_new(&cluster, &before);
    }
}

#[test]
fn a_run_that_is_restarted_fails_and_the_next_one_is_right() {
    let Some(options) = options() else { return };
    let cluster = options.start().unwrap();
    let client = client(&cluster);
    let runtime = Runtime::on_client(client.clone(), registry());
    for _ in 0..3 {
        let other = runtime.clone();
        let run = thread::spawn(move || other.enter(job));
        client.restart(WATCHDOG).unwrap();
        match run.join().unwrap() {
            // It was over before, or began after.
            Ok(answer) => assert_eq!(answer, ANSWER),
            Err(error) => assert!(error.to_string().contains("the cluster was restarted"), "{error}"),
        }
        assert_eq!(runtime.enter(job).unwrap(), ANSWER);
    }
}

#[test]
fn a_worker_that_hangs_is_restarted_too() {
    let Some(options) = options() else { return };
    let cluster = options.start().unwrap();
    let before = workers(&cluster);
    assert!(signal(*before.first().unwrap(), "STOP"));
    let client = client(&cluster);
    client.restart(WATCHDOG).unwrap();
    all_new(&cluster, &before);
    assert_eq!(Runtime::on_client(client, registry()).enter(job).unwrap(), ANSWER);
}

#[test]
fn workers_without_nannies_do_not_come_back() {
    let Some(options) = options() else { return };
    let cluster = options.nanny(false).start().unwrap();
    let client = client(&cluster);
    let error = client.restart(Duration::from_millis(100)).unwrap_err();
    assert!(error.is_remote() && error.to_string().contains("not using Nannies"), "{error}");
    assert_eq!(client.workers().unwrap(), []);
}

#[test]
fn certificates_are_asked_of_whoever_restarts() {
    let Some(options) = options() else { return };
    let folder = tempfile::tempdir().unwrap();
    let [ca, cert, key] = ["ca.pem", "leaf.pem", "leaf.key"].map(|name| private(folder.path(), name));
    let cluster = options.tls(ca, cert, key).start().unwrap();
    let before = workers(&cluster);
    client(&cluster).restart(WATCHDOG).unwrap();
    all_new(&cluster, &before);
}
