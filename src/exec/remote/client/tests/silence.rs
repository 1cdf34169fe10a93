//! Workers that have results, hold connections and say nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::time::Duration;

use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::super::book::{Name, Status};
use super::super::core::Core;
use super::super::driver::Command;
use super::super::gather::gather;
use super::super::results::Results;
use crate::error::Result;
use crate::exec::remote::comm::{Address, Comm, RpcPool, Transport};
use crate::exec::remote::probe::SchedulerInfo;
use crate::exec::remote::security::{Role, Security};
use crate::exec::remote::wire::Value;
use crate::exec::remote::worker::Key;
use crate::exec::remote::worker::messages::{data_busy, data_found};

/// Short, and long enough for peers that do answer.
const PATIENCE: Duration = Duration::from_millis(300);

fn transport() -> Transport {
    Transport::new(Security::new(), Role::Client).expect("as the test set it up")
}

/// Somebody who listens, and answers what he has an answer to.
async fn somebody(answer: impl Fn(&str) -> Option<Value> + Clone + Send + 'static) -> Address {
    let any = "tcp://127.0.0.1:0".parse().expect("as the test set it up");
    let listener = transport().listen(&any).await.expect("as the test set it up");
    let address = listener.address().clone();
    tokio::spawn(async move {
        while let Ok(incoming) = listener.accept().await {
            let answer = answer.clone();
            tokio::spawn(async move {
                let mut comm: Comm = incoming.open().await.expect("as the test set it up");
                // The other side may hang up at any time.
                while let Ok(Some(request)) = comm.reader.read().await {
                    let reply = request.text("op").ok().and_then(&answer);
                    let Some(reply) = reply else { continue };
                    drop(comm.writer.write(&reply).await);
                }
            });
        }
    });
    address
}

/// Somebody who never answers.
async fn hung() -> Address {
    somebody(|_| None).await
}

fn found() -> Value {
    data_found(vec![(Key::from("x"), Bytes::from_static(b"5"))], None)
}

/// What a scheduler says that knows who has `x`, and answers `gather` in its own way.
fn scheduler(holders: &[&Address], gathers: Value) -> impl Fn(&str) -> Option<Value> + Clone + Send + 'static {
    let holders: Value = holders.iter().map(|holder| Value::from(holder.to_string())).collect();
    move |op| match op {
        "who_has" => Some(Value::map([("x", holders.clone())])),
        "gather" => Some(gathers.clone()),
        _ => None,
    }
}

fn cannot() -> Value {
    Value::map([("status", "error".into()), ("keys", ["x"].into_iter().collect())])
}

/// Gathers `x` as a client of this scheduler.
async fn gather_from(scheduler: Address) -> Result<Vec<Bytes>> {
    let (commands, _commanded): (_, UnboundedReceiver<Command>) = unbounded_channel();
    let results = Arc::new(Results::default());
    let name: Name = "x".into();
    let cell = results.hold(std::slice::from_ref(&name), |_, _| ()).remove(0);
    results.tell(&name, cell.id, Status::Finished);
    let core = Core {
        id: "test".into(),
        address: scheduler,
        info: SchedulerInfo {
            address: String::new(),
            id: String::new(),
            python: String::new(),
            distributed: String::new(),
            n_workers: 0,
            n_threads: 0,
        },
        results,
        commands,
        runtime: Handle::current(),
        pool: RpcPool::new(transport(), 8),
        peers: RpcPool::new(transport(), 8),
        n_chunks: AtomicU64::new(0),
        n_submissions: AtomicU64::new(0),
        n_scattered: AtomicUsize::new(0),
    };
    gather(Arc::new(core), vec![(name, cell)], PATIENCE).await
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("as the test set it up").block_on(work)
}

#[test]
fn another_holder_is_asked() {
    block_on(async {
        let (silent, good) = (hung().await, somebody(|op| (op == "get_data").then(found)).await);
        let scheduler = somebody(scheduler(&[&silent, &good], cannot())).await;
        assert_eq!(gather_from(scheduler).await.expect("one of them answers"), ["5"]);
    });
}

#[test]
fn the_scheduler_is_asked_where_there_is_no_other() {
    block_on(async {
        let silent = hung().await;
        let scheduler = somebody(scheduler(&[&silent], found())).await;
        assert_eq!(gather_from(scheduler).await.expect("the scheduler answers"), ["5"]);
    });
}

#[test]
fn a_worker_that_is_always_busy_is_not_waited_for_for_ever() {
    block_on(async {
        let busy = somebody(|op| (op == "get_data").then(data_busy)).await;
        let good = somebody(|op| (op == "get_data").then(found)).await;
        let both = somebody(scheduler(&[&busy, &good], cannot())).await;
        assert_eq!(gather_from(both).await.expect("one of them answers"), ["5"]);
        let alone = somebody(scheduler(&[&busy], cannot())).await;
        let text = gather_from(alone).await.expect_err("nobody has time").to_string();
        assert!(text.contains(&busy.to_string()) && text.contains("that it is busy"), "{text}");
    });
}

#[test]
fn in_the_end_there_is_an_error_with_numbers() {
    block_on(async {
        let silent = hung().await;
        let scheduler = somebody(scheduler(&[&silent], cannot())).await;
        let error = gather_from(scheduler).await.expect_err("nobody answers");
        let text = error.to_string();
        assert!(error.is_remote() && text.contains("1 results cannot be fetched, x among them"), "{text}");
        assert!(text.contains(&silent.to_string()) && text.contains("not a byte within"), "{text}");
    });
}
