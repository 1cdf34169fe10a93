//! What clients do while everything goes well.

use bytes::Bytes;

use super::super::core::Core;
use super::super::park::wait_for;
use super::super::{Client, RemoteFuture, RemoteTask, ScatterOptions, SubmitOptions};
use super::cluster::{Cluster, task, until};
use crate::exec::remote::Security;
use crate::exec::remote::wire::Value;

fn strings(items: &[&str]) -> Vec<String> {
    items.iter().map(|item| (*item).to_owned()).collect()
}

fn submit(client: &Client, tasks: Vec<RemoteTask>, wanted: &[&str]) -> Vec<RemoteFuture> {
    client.submit(tasks, &strings(wanted), &SubmitOptions::new()).expect("as the test set it up")
}

fn gathered(client: &Client, futures: &[RemoteFuture]) -> Vec<String> {
    let values = client.gather(futures).expect("as the test set it up");
    values.iter().map(|value| String::from_utf8(value.to_vec()).expect("as the test set it up")).collect()
}

/// What the scheduler answers to a request.
pub(super) fn ask(client: &Client, request: Value) -> Value {
    let core: std::sync::Arc<Core> = client.core().clone();
    wait_for(client.core().run(async move { core.ask(&request).await })).expect("as the test set it up")
}

/// The results that any worker has.
pub(super) fn kept(client: &Client) -> Vec<String> {
    let held = ask(client, Value::map([("op", "has_what".into())]));
    let keys = held
        .as_map()
        .expect("as the test set it up")
        .iter()
        .flat_map(|(_, keys)| keys.as_array().expect("as the test set it up"));
    keys.map(|key| key.as_text().expect("as the test set it up").to_owned()).collect()
}

/// 10 000 tasks that give their numbers.
fn leaves() -> Vec<RemoteTask> {
    let leaf = |i: u64| RemoteTask { priority: i, ..task(&format!("leaf-{i}"), &format!("#{i}"), &[]) };
    (0..10_000).map(leaf).collect()
}

#[test]
fn ten_thousand_tasks_come_back_in_order() {
    let Some(cluster) = Cluster::start() else { return };
    let client = cluster.client();
    let _workers = cluster.workers(&client, 2);
    let tasks = leaves();
    let wanted: Vec<String> = tasks.iter().map(|task| task.key.clone()).collect();
    let futures =
        client.submit(tasks, &wanted, &SubmitOptions::new().chunk_tasks(3_000)).expect("as the test set it up");
    let mut told = Vec::new();
    RemoteFuture::wait_all(&futures, |n| told.push(n)).expect("as the test set it up");
    assert_eq!((told.first(), told.last()), (Some(&0), Some(&10_000)));
    assert!(told.is_sorted());
    let expected: Vec<String> = (0..10_000).map(|i: u64| i.to_string()).collect();
    assert_eq!(gathered(&client, &futures), expected);
    drop(futures);
    until("results that nobody wants are freed", || kept(&client).is_empty());
}

#[test]
fn a_tree_in_several_messages_keeps_what_it_needs_and_no_more() {
    let Some(cluster) = Cluster::start() else { return };
    let client = cluster.client();
    let _workers = cluster.workers(&client, 2);
    let mut tasks = leaves();
    for i in 0..100 {
        let deps: Vec<String> = (0..100).map(|j| format!("leaf-{}", j * 100 + i)).collect();
        tasks.push(RemoteTask { deps, priority: 10_000 + i, ..task(&format!("part-{i}"), "#0", &[]) });
    }
    let deps = (0..100).map(|i| format!("part-{i}")).collect();
    tasks.push(RemoteTask { deps, priority: 10_100, ..task("root", "#7", &[]) });
    let root = client
        .submit(tasks, &strings(&["root"]), &SubmitOptions::new().chunk_tasks(3_000))
        .expect("as the test set it up");
    assert_eq!(gathered(&client, &root), ["49995007"]);
    until("only the root is kept", || kept(&client) == ["root"]);
    let again = submit(&client, vec![task("twice", "#1", &["root"])], &["twice"]);
    assert_eq!(gathered(&client, &again), ["49995008"]);
    drop((root, again));
    until("nothing is kept", || kept(&client).is_empty());
}

#[test]
fn failures_are_retried_and_then_named() {
    let Some(cluster) = Cluster::start() else { return };
    let client = cluster.client();
    let _workers = cluster.workers(&client, 1);
    let tasks = || vec![task("flaky-1", "#flaky 2", &[]), task("after-1", "#10", &["flaky-1"])];
    let retried = client
        .submit(tasks(), &strings(&["after-1"]), &SubmitOptions::new().retries(2))
        .expect("as the test set it up");
    assert_eq!(gathered(&client, &retried), ["11"]);
    let failing = vec![task("sum-(0, 1)-f", "#fail", &[]), task("after-2", "#1", &["sum-(0, 1)-f"])];
    let failed = client
        .submit(failing, &strings(&["after-2"]), &SubmitOptions::new().retries(1))
        .expect("as the test set it up");
    let error = client.gather(&failed).expect_err("as the test set it up");
    assert!(error.to_string().contains("sum: asked to fail") && error.to_string().contains("after-2"), "{error}");
    assert!(failed[0].is_done() && failed[0].wait().is_err());
    let flaky = submit(&client, vec![task("flaky-2", "#flaky 1 x", &[])], &["flaky-2"]);
    assert!(flaky[0].wait().is_err());
}

#[test]
fn cancelled_work_makes_room() {
    let Some(cluster) = Cluster::start() else { return };
    let client = cluster.client();
    let _workers = cluster.workers(&client, 1);
    let endless = submit(&client, vec![task("endless-1", "#forever", &[])], &["endless-1"]);
    client.cancel(&endless);
    assert!(endless[0].wait().expect_err("as the test set it up").is_cancelled());
    let dropped = submit(&client, vec![task("endless-2", "#forever", &[])], &["endless-2"]);
    assert!(!dropped[0].wait_within(std::time::Duration::from_millis(1)).expect("as the test set it up"));
    drop(dropped);
    // There is one thread, and both would have taken it for ever.
    assert_eq!(gathered(&client, &submit(&client, vec![task("next", "#5", &[])], &["next"])), ["5"]);
    assert!(client.gather(&endless).expect_err("as the test set it up").is_cancelled());
}

#[test]
fn urgent_work_overtakes() {
    let Some(cluster) = Cluster::start() else { return };
    let client = cluster.client();
    let _workers = cluster.workers(&client, 1);
    let holder = submit(&client, vec![task("holder", "#forever", &[])], &["holder"]);
    let one = |priority: i64| {
        let (key, payload) = (format!("turn-{priority}"), format!("#turn {priority}"));
        let options = SubmitOptions::new().priority(priority);
        client.submit(vec![task(&key, &payload, &[])], &[key], &options).expect("as the test set it up").remove(0)
    };
    let turns = [1, 5, 3].map(one);
    let n_assigned = || {
        let assigned = ask(&client, Value::map([("op", "processing".into())]));
        let workers = assigned.as_map().expect("as the test set it up").to_vec();
        workers.iter().map(|(_, keys)| keys.as_array().expect("as the test set it up").len()).sum::<usize>()
    };
    until("all tasks are with the worker", || n_assigned() == 4);
    drop(holder);
    assert_eq!(gathered(&client, &turns), ["3", "1", "2"]);
}

#[test]
fn results_are_waited_for_in_async_code() {
    let Some(cluster) = Cluster::start() else { return };
    let _workers = cluster.workers(&cluster.client(), 1);
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("as the test set it up");
    let answer = runtime.block_on(async {
        let client = Client::connect_async(&cluster.options()).await?;
        let futures = client.submit(vec![task("answer", "#42", &[])], &strings(&["answer"]), &SubmitOptions::new())?;
        client.gather_async(&futures).await
    });
    assert_eq!(answer.expect("as the test set it up"), ["42"]);
}

#[test]
fn values_are_scattered_and_broadcast() {
    let Some(cluster) = Cluster::start() else { return };
    let client = cluster.client();
    let _workers = cluster.workers(&client, 2);
    let value = |key: &str, text: &'static str| (key.to_owned(), Bytes::from_static(text.as_bytes()));
    let spread =
        client.scatter(vec![value("a", "1"), value("b", "2")], &ScatterOptions::new()).expect("as the test set it up");
    let broadcast =
        client.scatter(vec![value("c", "40")], &ScatterOptions::new().broadcast(true)).expect("as the test set it up");
    assert_eq!(kept(&client).iter().filter(|key| *key == "c").count(), 2);
    let sum = submit(&client, vec![task("sum", "#100", &["a", "b", "c"])], &["sum"]);
    assert_eq!(gathered(&client, &sum), ["143"]);
    assert_eq!(gathered(&client, &[&spread[..], &broadcast[..]].concat()), ["1", "2", "40"]);
    let address = client.workers().expect("as the test set it up")[0].0.clone();
    let chosen = client
        .scatter(vec![value("d", "4")], &ScatterOptions::new().workers([&*address]))
        .expect("as the test set it up");
    let pinned = SubmitOptions::new().workers([&*address]);
    let there = client.submit(vec![task("e", "#1", &["d"])], &strings(&["e"]), &pinned).expect("as the test set it up");
    assert_eq!(gathered(&client, &there), ["5"]);
    let holders = ask(&client, Value::map([("op", "who_has".into()), ("keys", ["d", "e"].into_iter().collect())]));
    assert!(
        holders
            .as_map()
            .expect("as the test set it up")
            .iter()
            .all(|(_, workers)| workers.as_array().expect("as the test set it up") == [Value::from(&*address)])
    );
    let nowhere = client.scatter(vec![value("f", "5")], &ScatterOptions::new().workers(["tcp://127.0.0.1:1"]));
    assert!(nowhere.expect_err("as the test set it up").to_string().contains("127.0.0.1:1"));
    drop((spread, broadcast, sum, chosen, there));
    until("values that nobody wants are freed", || kept(&client).is_empty());
}

#[test]
fn clients_share_results_and_each_keeps_them() {
    let Some(cluster) = Cluster::start() else { return };
    let (one, two) = (cluster.client(), cluster.client());
    let _workers = cluster.workers(&one, 1);
    let first = submit(&one, vec![task("shared", "#5", &[])], &["shared"]);
    first[0].wait().expect("as the test set it up");
    let second = two.join(&strings(&["shared", "unknown"])).expect("as the test set it up");
    assert!(second[1].wait().expect_err("as the test set it up").is_remote());
    assert_eq!(gathered(&two, &second[..1]), ["5"]);
    let same = submit(&two, vec![task("shared", "#5", &[]), task("more", "#1", &["shared"])], &["more"]);
    drop(first);
    one.close();
    assert!(one.check().is_err() && one.workers().expect_err("as the test set it up").to_string().contains("closed"));
    assert_eq!(gathered(&two, &same), ["6"]);
    assert_eq!(gathered(&two, &second[..1]), ["5"]);
    let copy = second[0].clone();
    drop(second);
    assert_eq!(gathered(&two, &[copy]), ["5"]);
    drop(same);
    until("results that nobody wants are freed", || kept(&two).is_empty());
}

#[test]
fn clusters_may_be_encrypted() {
    let path = |name: &str| format!("{}/tests/data/tls/{name}", env!("CARGO_MANIFEST_DIR"));
    let pem = |name: &str| std::fs::read_to_string(path(name)).expect("as the test set it up");
    let (ca, cert, key) = (path("ca.pem"), path("leaf.pem"), path("leaf.key"));
    let arguments =
        ["--protocol", "tls", "--host", "127.0.0.1", "--tls-ca-file", &ca, "--tls-cert", &cert, "--tls-key", &key];
    let security = Security::new().ca_file(pem("ca.pem"));
    let security = security.worker_cert(pem("leaf.pem")).worker_key(pem("leaf.key"));
    let security = security.client_cert(pem("leaf.pem")).client_key(pem("leaf.key"));
    let Some(cluster) = Cluster::start_with(&arguments, security) else { return };
    let client = cluster.client();
    assert!(client.scheduler().address.starts_with("tls://"));
    let _workers = cluster.workers(&client, 2);
    let tasks = vec![
        task("a", "#1", &[]),
        task("b", "#2", &[]),
        task("c", "#3", &["a", "b"]),
        task("z", "#zeros 3000000", &[]),
    ];
    let futures = submit(&client, tasks, &["c", "z"]);
    let values = client.gather(&futures).expect("as the test set it up");
    assert_eq!((&values[0][..], values[1].len()), (&b"6"[..], 3_000_000));
    let plain =
        Client::connect(&cluster.options().security(Security::new()).timeout(std::time::Duration::from_secs(5)));
    assert!(plain.expect_err("as the test set it up").is_usage());
}
