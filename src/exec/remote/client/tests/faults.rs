//! What clients do when others go away.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::super::{RemoteFuture, RemoteTask, ScatterOptions, SubmitOptions};
use super::cluster::{Cluster, task};
use super::work::{ask, kept};
use crate::exec::remote::wire::Value;

fn numbered(n: usize) -> (Vec<RemoteTask>, Vec<String>) {
    let tasks: Vec<_> = (0..n).map(|i| task(&format!("t-{i}"), &format!("#{i}"), &[])).collect();
    let keys = tasks.iter().map(|task| task.key.clone()).collect();
    (tasks, keys)
}

#[test]
fn results_of_a_dead_worker_are_computed_again() {
    let Some(cluster) = Cluster::start() else { return };
    let client = cluster.client();
    let mut workers = cluster.workers(&client, 2);
    let (tasks, keys) = numbered(500);
    let futures = client.submit(tasks, &keys, &SubmitOptions::new()).expect("as the test set it up");
    RemoteFuture::wait_all(&futures, |_| ()).expect("as the test set it up");
    // Nobody has told the client: it asks for who has what and may still be sent to the dead one.
    workers.pop();
    let values = client.gather(&futures).expect("as the test set it up");
    assert!(values.iter().enumerate().all(|(i, value)| value == i.to_string().as_bytes()));
}

#[test]
fn values_of_a_dead_worker_are_lost_and_so_is_what_needs_them() {
    let Some(cluster) = Cluster::start() else { return };
    let client = cluster.client();
    let mut workers = cluster.workers(&client, 1);
    for i in 0..5 {
        let address = client.workers().expect("as the test set it up")[0].0.clone();
        let next = cluster.workers(&client, 1);
        let there = ScatterOptions::new().workers([&*address]);
        let value = (format!("value-{i}"), Bytes::from_static(b"1"));
        let values = client.scatter(vec![value], &there).expect("as the test set it up");
        values[0].wait().expect("as the test set it up");
        let (endless, sum) = (format!("endless-{i}"), format!("sum-{i}"));
        let tasks = vec![task(&endless, "#forever", &[]), task(&sum, "#1", &[&format!("value-{i}"), &endless])];
        let sums = client.submit(tasks, &[sum], &SubmitOptions::new()).expect("as the test set it up");
        workers = next;
        let error = sums[0].wait().expect_err("nobody can make the value again");
        assert!(error.is_lost() && error.is_remote(), "{error}");
        // Whoever knows that the sum is lost knows why.
        let cause = values[0].check().expect_err("it was lost before the sum");
        assert!(cause.is_lost(), "{cause}");
    }
    drop(workers);
}

#[test]
fn without_a_scheduler_everything_fails_in_time() {
    let Some(mut cluster) = Cluster::start() else { return };
    let client = cluster.client();
    let _workers = cluster.workers(&client, 1);
    let tasks = || vec![task("done", "#1", &[]), RemoteTask { priority: 1, ..task("endless", "#forever", &["done"]) }];
    let keys = ["done".to_owned(), "endless".to_owned()];
    let futures = client.submit(tasks(), &keys, &SubmitOptions::new()).expect("as the test set it up");
    futures[0].wait().expect("as the test set it up");
    let waiting = futures.clone();
    let waiter = std::thread::spawn(move || waiting[1].wait());
    let since = Instant::now();
    cluster.kill();
    let error = waiter.join().expect("as the test set it up").expect_err("as the test set it up");
    assert!(error.is_remote() && error.to_string().contains("the scheduler is gone"), "{error}");
    assert!(client.gather(&futures[..1]).is_err() && client.submit(tasks(), &keys, &SubmitOptions::new()).is_err());
    assert!(client.workers().is_err() && client.check().is_err());
    client.close();
    assert!(since.elapsed() < Duration::from_secs(10), "{:?}", since.elapsed());
    let late = cluster.options().timeout(Duration::from_millis(500));
    let since = Instant::now();
    assert!(super::super::Client::connect(&late).expect_err("as the test set it up").is_remote());
    assert!(since.elapsed() < Duration::from_secs(10), "{:?}", since.elapsed());
}

#[test]
fn a_restart_takes_all_results() {
    let Some(cluster) = Cluster::start() else { return };
    let client = cluster.client();
    let _workers = cluster.workers(&client, 1);
    let (tasks, keys) = numbered(10);
    let futures = client.submit(tasks, &keys, &SubmitOptions::new()).expect("as the test set it up");
    RemoteFuture::wait_all(&futures, |_| ()).expect("as the test set it up");
    ask(
        &client,
        Value::map([
            ("op", "restart".into()),
            ("wait_for_workers", false.into()),
            ("timeout", 0.1.into()),
            ("stimulus_id", "test".into()),
        ]),
    );
    let error = client.gather(&futures).expect_err("as the test set it up");
    assert!(error.to_string().contains("restarted"), "{error}");
    // The connection is still good, and what failed is waited for anew, though its first futures live.
    let (tasks, keys) = numbered(10);
    let again = client.submit(tasks, &keys, &SubmitOptions::new()).expect("as the test set it up");
    assert!(again.iter().all(|future| matches!(future.check(), Ok(false))));
    let _workers = cluster.workers(&client, 1);
    assert_eq!(client.gather(&again[3..4]).expect("as the test set it up"), ["3"]);
    assert!(!kept(&client).is_empty());
}

#[test]
fn failures_of_the_graph_itself_are_heard() {
    let Some(cluster) = Cluster::start() else { return };
    let client = cluster.client();
    let _workers = cluster.workers(&client, 1);
    let lost = client
        .submit(vec![task("x", "#1", &["nobody"])], &["x".to_owned()], &SubmitOptions::new())
        .expect("as the test set it up");
    let error = lost[0].wait().expect_err("as the test set it up");
    assert!(error.is_remote() && error.to_string().contains("lost dependencies"), "{error}");
    let untasked = client.submit(Vec::new(), &["y".to_owned()], &SubmitOptions::new());
    assert!(untasked.expect_err("as the test set it up").to_string().contains("no task"));
}
