//! What workers do when they are told to.

use bytes::Bytes;

use crate::exec::remote::comm::RpcPool;
use crate::exec::remote::wire::{Limits, Serialized, Value, thrown_text};

use super::super::Ended;
use super::super::messages::{DataReply, data_request, read_data_reply};
use super::super::names::Key;
use super::fake::{Member, Scheduler, about, compute, transport};

fn in_runtime(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("as the test set it up").block_on(test);
}

/// Asks a worker for a value as a client does.
async fn value_on(member: &Member, key: &str) -> Option<Bytes> {
    let pool = RpcPool::new(transport(), 1);
    let mut lease =
        pool.lease(&member.address.parse().expect("as the test set it up")).await.expect("as the test set it up");
    let reply = lease.exchange(&data_request(&[Key::from(key)], None)).await.expect("as the test set it up");
    lease.comm().writer.write(&Value::from("OK")).await.expect("as the test set it up");
    match read_data_reply(&reply, &Limits::default()).expect("as the test set it up") {
        DataReply::Found(values) => values.into_iter().next().map(|(_, value)| value),
        DataReply::Busy => panic!("busy"),
    }
}

async fn ask(member: &Member, request: Value) -> Value {
    let pool = RpcPool::new(transport(), 1);
    let mut lease =
        pool.lease(&member.address.parse().expect("as the test set it up")).await.expect("as the test set it up");
    lease.exchange(&request).await.expect("as the test set it up")
}

#[test]
fn a_task_is_computed_handed_out_and_freed() {
    in_runtime(async {
        let mut scheduler = Scheduler::start().await;
        let (mut worker, _running) = scheduler.worker().await;
        assert_eq!(worker.registration.int("nthreads").expect("as the test set it up"), 2);
        worker.say(compute("x", 1, "#5", &[]));
        let report = worker.hear("task-finished").await;
        assert_eq!(
            (report.text("key").expect("as the test set it up"), report.int("run_id").expect("as the test set it up")),
            ("x", 1)
        );
        assert_eq!(
            (
                report.int("nbytes").expect("as the test set it up"),
                report.text("typename").expect("as the test set it up")
            ),
            (1, "number")
        );
        assert_eq!(value_on(&worker, "x").await.expect("as the test set it up"), "5");
        worker.say(about("free-keys", &["x"]));
        // Of what it has computed itself nothing is said when it goes; the next report is of the next task.
        worker.say(compute("y", 2, "#6", &[]));
        assert_eq!(worker.hear("task-finished").await.text("key").expect("as the test set it up"), "y");
        assert_eq!(value_on(&worker, "x").await, None);
    });
}

#[test]
fn inputs_are_fetched_from_where_they_are() {
    in_runtime(async {
        let mut scheduler = Scheduler::start().await;
        let (mut one, _running) = scheduler.worker().await;
        let (mut two, _running) = scheduler.worker().await;
        one.say(compute("x", 1, "#5", &[]));
        one.hear("task-finished").await;
        two.say(compute("y", 2, "#30", &[]));
        two.hear("task-finished").await;
        two.say(compute("z", 3, "#100", &[("x", &one.address), ("y", &two.address)]));
        assert_eq!(two.hear("add-keys").await.array("keys").expect("as the test set it up"), [Value::from("x")]);
        assert_eq!(two.hear("task-finished").await.text("key").expect("as the test set it up"), "z");
        assert_eq!(value_on(&two, "z").await.expect("as the test set it up"), "135");
    });
}

#[test]
fn an_input_that_cannot_be_handed_over_is_an_error_and_others_are_not() {
    in_runtime(async {
        let mut scheduler = Scheduler::start().await;
        let (mut one, _running) = scheduler.worker().await;
        let (mut two, _running) = scheduler.worker().await;
        one.say(compute("x", 1, "#wordless", &[]));
        one.hear("task-finished").await;
        one.say(compute("y", 2, "#5", &[]));
        one.hear("task-finished").await;
        two.say(compute("z", 3, "#1", &[("x", &one.address), ("y", &one.address)]));
        let report = two.hear("task-erred").await;
        let text = report.text("exception_text").expect("as the test set it up");
        let expected = [one.address.as_str(), "the value of x cannot be read", "there are no words for it"];
        assert!(expected.iter().all(|part| text.contains(part)), "{text}");
    });
}

#[test]
fn a_chain_runs_on_one_worker() {
    in_runtime(async {
        let mut scheduler = Scheduler::start().await;
        let (mut worker, _running) = scheduler.worker().await;
        let own = worker.address.clone();
        for i in 0..20_i64 {
            let (key, input) = (format!("c-{i}"), format!("c-{}", i - 1));
            let inputs: &[(&str, &str)] = if i == 0 { &[] } else { &[(&input, &own)] };
            worker.say(compute(&key, i, "#1", inputs));
            worker.hear("task-finished").await;
        }
        assert_eq!(value_on(&worker, "c-19").await.expect("as the test set it up"), "20");
    });
}

#[test]
fn errors_and_panics_are_reported_and_the_worker_goes_on() {
    in_runtime(async {
        let mut scheduler = Scheduler::start().await;
        let (mut worker, _running) = scheduler.worker().await;
        for (payload, text) in [("#fail", "asked to fail"), ("#panic", "asked to panic"), ("python", "no Python")] {
            worker.say(compute("x", 1, payload, &[]));
            let report = worker.hear("task-erred").await;
            assert!(report.text("exception_text").expect("as the test set it up").contains(text), "{report:?}");
            let raised =
                thrown_text(report.field("exception").expect("as the test set it up")).expect("as the test set it up");
            assert!(raised.contains(text), "{raised}");
        }
        worker.say(compute("y", 2, "#1", &[]));
        worker.hear("task-finished").await;
    });
}

/// Somebody listens there who is no worker and hangs up.
async fn nobody() -> String {
    let listener = transport()
        .listen(&"tcp://127.0.0.1:0".parse().expect("as the test set it up"))
        .await
        .expect("as the test set it up");
    let address = listener.address().to_string();
    tokio::spawn(async move {
        while let Ok(incoming) = listener.accept().await {
            drop(incoming.open().await);
        }
    });
    address
}

#[test]
fn what_a_worker_cannot_reach_comes_by_way_of_the_scheduler() {
    in_runtime(async {
        let mut scheduler = Scheduler::start().await;
        let (mut worker, _running) = scheduler.worker().await;
        let address = nobody().await;
        worker.say(compute("y", 1, "#1", &[("x", &address)]));
        let holders = Value::map([("x", Value::Array(vec![(&*address).into()]))]);
        let refresh = || {
            let named = [("op", "refresh-who-has".into()), ("who_has", holders.clone()), ("stimulus_id", "t".into())];
            Value::map(named)
        };
        // It is asked itself, then the scheduler, which does not get the value at first, then both again.
        let mut n_asked = 0;
        loop {
            let report = worker.hear_one_of(&["request-refresh-who-has", "add-keys"]).await;
            assert_eq!(report.array("keys").expect("as the test set it up"), [Value::from("x")]);
            if report.text("op").expect("as the test set it up") == "add-keys" {
                break;
            }
            n_asked += 1;
            if n_asked == 4 {
                let value = ("x".into(), Bytes::from_static(b"41"));
                scheduler.within_reach.lock().expect("as the test set it up").push(value);
            }
            worker.say(refresh());
        }
        assert!(n_asked >= 4);
        worker.hear("task-finished").await;
        assert_eq!(value_on(&worker, "y").await.expect("as the test set it up"), "42");
    });
}

#[test]
fn a_peer_that_is_given_up_is_not_waited_for() {
    in_runtime(async {
        let mut scheduler = Scheduler::start().await;
        let (mut worker, _running) = scheduler.worker().await;
        // Stopped by a signal, it would look like this: connected, and silent.
        let frozen = transport()
            .listen(&"tcp://127.0.0.1:0".parse().expect("as the test set it up"))
            .await
            .expect("as the test set it up");
        let address = frozen.address().to_string();
        worker.say(compute("y", 1, "#1", &[("x", &address)]));
        let incoming = frozen.accept().await.expect("as the test set it up");
        let mut asked = incoming.open().await.expect("as the test set it up");
        let request = asked.reader.expect().await.expect("as the test set it up");
        assert_eq!(request.text("op").expect("as the test set it up"), "get_data");
        worker.say(Value::map([("op", "remove-worker".into()), ("worker", address.into())]));
        let report = worker.hear("request-refresh-who-has").await;
        assert_eq!(report.array("keys").expect("as the test set it up"), [Value::from("x")]);
        assert_eq!(asked.reader.read().await.expect("as the test set it up"), None, "the connection is closed");
    });
}

#[test]
fn clients_put_values_here_and_ask_who_it_is() {
    in_runtime(async {
        let mut scheduler = Scheduler::start().await;
        let (mut worker, _running) = scheduler.worker().await;
        let named = |op: &str| Value::map([("op", op.into())]);
        assert_eq!(ask(&worker, named("ping")).await, Bytes::from_static(b"pong").into());
        assert_eq!(ask(&worker, named("identity")).await.int("nthreads").expect("as the test set it up"), 2);
        let content = Serialized::of_bytes(Bytes::from_static(b"41"), None);
        let mut scatter = named("update_data");
        scatter.put("data", Value::map([("s", Value::Serialized(Box::new(content)))]));
        let reply = ask(&worker, scatter).await;
        assert_eq!(reply.field("nbytes").expect("as the test set it up").int("s").expect("as the test set it up"), 2);
        assert_eq!(ask(&worker, named("keys")).await, Value::Array(vec!["s".into()]));
        let own = worker.address.clone();
        worker.say(compute("x", 1, "#1", &[("s", &own)]));
        worker.hear("task-finished").await;
        assert_eq!(value_on(&worker, "x").await.expect("as the test set it up"), "42");
    });
}

#[test]
fn code_that_is_sent_along_is_refused() {
    in_runtime(async {
        let mut scheduler = Scheduler::start().await;
        let (worker, _running) = scheduler.worker().await;
        for op in ["run", "run_coroutine", "plugin-add", "upload_file", "actor_execute"] {
            let reply = ask(&worker, Value::map([("op", op.into())])).await;
            assert_eq!(reply.text("status").expect("as the test set it up"), "uncaught-error", "{op}");
            assert!(reply.text("exception_text").expect("as the test set it up").contains(op), "{reply:?}");
        }
    });
}

#[test]
fn the_worker_ends_when_it_is_told_to_and_when_the_scheduler_is_gone() {
    in_runtime(async {
        let mut scheduler = Scheduler::start().await;
        let (worker, running) = scheduler.worker().await;
        worker.say(Value::map([("op", "close".into())]));
        assert!(matches!(running.await.expect("as the test set it up"), Ok(Ended::Asked)));
        let (worker, running) = scheduler.worker().await;
        worker.hang_up();
        assert!(matches!(running.await.expect("as the test set it up"), Ok(Ended::Lost(_))));
        let (worker, running) = scheduler.worker().await;
        assert_eq!(ask(&worker, Value::map([("op", "terminate".into())])).await, "OK".into());
        assert!(matches!(running.await.expect("as the test set it up"), Ok(Ended::Asked)));
    });
}

#[test]
fn nonsense_from_the_scheduler_ends_the_worker() {
    in_runtime(async {
        let mut scheduler = Scheduler::start().await;
        let (worker, running) = scheduler.worker().await;
        worker.say(Value::map([("op", "free-keys".into())]));
        assert!(matches!(running.await.expect("as the test set it up"), Ok(Ended::Lost(_))));
    });
}
