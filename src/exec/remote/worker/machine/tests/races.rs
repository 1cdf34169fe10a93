//! One test per race between the scheduler's wishes and what is going on.

use std::sync::Arc;

use super::super::event::*;
use super::super::state::Setup;
use super::probe::{Probe, failure, keys, order};
use crate::exec::remote::worker::names::Priority;
use crate::exec::spill::MemoryLimits;

const NOTHING: [&str; 0] = [];

#[test]
fn a_task_runs_when_its_inputs_are_here() {
    let mut p = Probe::new(1);
    assert_eq!(p.compute("y", 1, &[("x", &["a"])]), ["gather x from a"]);
    assert_eq!((p.state("y"), p.state("x")), ("waiting", "flight"));
    assert_eq!(p.arrive("a", &["x"]), ["added x", "execute y"]);
    assert_eq!((p.state("y"), p.state("x")), ("executing", "memory"));
    assert_eq!(p.finish("y"), ["finished y run 1"]);
    assert_eq!(p.free(&["y", "x"]), ["drop y", "drop x", "released x"]);
    assert_eq!((p.state("y"), p.state("x")), ("forgotten", "forgotten"));
}

// Freed while it is computed, and what may follow.

#[test]
fn freed_while_executing_then_finished() {
    let mut p = Probe::new(1);
    p.compute("x", 1, &[]);
    assert_eq!(p.free(&["x"]), ["cancel x"]);
    assert_eq!(p.state("x"), "cancelled");
    assert_eq!(p.free(&["x"]), NOTHING, "twice is once");
    assert_eq!(p.finish("x"), ["drop x"]);
    assert_eq!(p.state("x"), "forgotten");
}

#[test]
fn freed_while_executing_then_erred_or_rescheduled_or_abandoned() {
    for outcome in [Outcome::Rescheduled, Outcome::Abandoned] {
        let mut p = Probe::new(1);
        p.compute("x", 1, &[]);
        p.free(&["x"]);
        assert_eq!(p.executed("x", outcome), NOTHING);
        assert_eq!(p.state("x"), "forgotten");
    }
    let mut p = Probe::new(1);
    p.compute("x", 1, &[]);
    p.free(&["x"]);
    assert_eq!(p.fail("x"), NOTHING);
    assert_eq!(p.state("x"), "forgotten");
}

#[test]
fn freed_while_executing_then_ordered_again() {
    let mut p = Probe::new(1);
    p.compute("x", 1, &[]);
    p.free(&["x"]);
    assert_eq!(p.compute("x", 2, &[]), NOTHING, "the execution goes on");
    assert_eq!(p.state("x"), "executing");
    assert_eq!(p.finish("x"), ["finished x run 2"], "the latest run counts");
}

#[test]
fn freed_and_ordered_again_then_erred() {
    let mut p = Probe::new(1);
    p.compute("x", 1, &[]);
    p.free(&["x"]);
    p.compute("x", 2, &[]);
    assert_eq!(p.fail("x"), ["erred x run 2"]);
    assert_eq!(p.state("x"), "error");
}

#[test]
fn freed_and_ordered_again_then_given_up_by_the_driver() {
    let mut p = Probe::new(1);
    p.compute("x", 1, &[]);
    p.free(&["x"]);
    p.compute("x", 2, &[]);
    assert_eq!(p.executed("x", Outcome::Abandoned), ["execute x"], "it starts over");
    assert_eq!(p.finish("x"), ["finished x run 2"]);
}

#[test]
fn freed_while_executing_then_needed_as_an_input() {
    let mut p = Probe::new(1);
    p.compute("x", 1, &[]);
    p.free(&["x"]);
    assert_eq!(p.compute("y", 2, &[("x", &["a"])]), NOTHING, "what is computed anyway is not fetched");
    assert_eq!((p.state("x"), p.state("y")), ("resumed", "waiting"));
    assert_eq!(p.finish("x"), ["added x", "execute y"]);
}

#[test]
fn freed_while_executing_then_needed_as_an_input_then_erred() {
    let mut p = Probe::new(1);
    p.compute("x", 1, &[]);
    p.free(&["x"]);
    p.compute("y", 2, &[("x", &["a"])]);
    assert_eq!(p.fail("x"), ["gather x from a"], "the error is nobody's business any more");
    assert_eq!(p.arrive("a", &["x"]), ["added x", "execute y"]);
}

#[test]
fn resumed_for_a_copy_then_rescheduled() {
    let mut p = Probe::new(1);
    p.compute("x", 1, &[]);
    p.free(&["x"]);
    p.acquire("x", &["a"]);
    assert_eq!(p.state("x"), "resumed");
    assert_eq!(p.executed("x", Outcome::Rescheduled), ["gather x from a"]);
}

#[test]
fn resumed_for_a_copy_then_freed_again() {
    let mut p = Probe::new(1);
    p.compute("x", 1, &[]);
    p.free(&["x"]);
    p.acquire("x", &["a"]);
    assert_eq!(p.free(&["x"]), ["cancel x"]);
    assert_eq!(p.finish("x"), ["drop x"]);
    assert_eq!(p.state("x"), "forgotten");
}

#[test]
fn resumed_for_a_copy_then_ordered_again() {
    let mut p = Probe::new(1);
    p.compute("x", 1, &[]);
    p.free(&["x"]);
    p.compute("y", 2, &[("x", &["a"])]);
    assert_eq!(p.compute("x", 3, &[]), NOTHING);
    assert_eq!(p.state("x"), "executing");
    assert_eq!(p.finish("x"), ["finished x run 3", "execute y"]);
}

#[test]
fn cancelled_tasks_keep_their_threads() {
    let mut p = Probe::new(1);
    p.compute("x", 1, &[]);
    p.free(&["x"]);
    assert_eq!(p.compute("y", 2, &[]), NOTHING);
    assert_eq!(p.state("y"), "ready");
    assert_eq!(p.finish("x"), ["drop x", "execute y"]);
}

// Freed while it is fetched, and what may follow.

#[test]
fn freed_while_in_flight() {
    let mut p = Probe::new(1);
    p.acquire("x", &["a"]);
    assert_eq!(p.free(&["x"]), NOTHING);
    assert_eq!(p.state("x"), "cancelled");
    assert_eq!(p.arrive("a", &["x"]), ["drop x"]);
    assert_eq!(p.state("x"), "forgotten");
}

#[test]
fn freed_while_in_flight_then_wanted_again() {
    let mut p = Probe::new(1);
    p.acquire("x", &["a"]);
    p.free(&["x"]);
    assert_eq!(p.acquire("x", &["a"]), NOTHING);
    assert_eq!(p.state("x"), "flight");
    assert_eq!(p.arrive("a", &["x"]), ["added x"]);
}

#[test]
fn in_flight_then_ordered() {
    let mut p = Probe::new(1);
    p.acquire("x", &["a"]);
    p.free(&["x"]);
    assert_eq!(p.compute("x", 5, &[]), NOTHING, "what is on its way is not computed");
    assert_eq!(p.state("x"), "resumed");
    assert_eq!(p.arrive("a", &["x"]), ["finished x run 5"]);
}

#[test]
fn in_flight_then_ordered_then_the_transfer_fails() {
    for delivery in [Delivery::Failed { again: false }, Delivery::Arrived(Vec::new())] {
        let mut p = Probe::new(1);
        p.acquire("x", &["a"]);
        p.free(&["x"]);
        p.compute("x", 5, &[]);
        assert_eq!(p.gathered("a", delivery), ["execute x"]);
        assert_eq!(p.finish("x"), ["finished x run 5"]);
    }
}

#[test]
fn in_flight_then_ordered_then_busy() {
    let mut p = Probe::new(1);
    p.acquire("x", &["a"]);
    p.free(&["x"]);
    p.compute("x", 5, &[]);
    assert_eq!(p.gathered("a", Delivery::Busy), ["retry a after 150", "execute x"]);
}

#[test]
fn in_flight_then_ordered_then_freed() {
    let mut p = Probe::new(1);
    p.acquire("x", &["a"]);
    p.free(&["x"]);
    p.compute("x", 5, &[("w", &["b"])]);
    assert_eq!(p.state("w"), "released", "its inputs wait until it is clear that they are needed");
    p.free(&["x"]);
    assert_eq!((p.state("x"), p.state("w")), ("cancelled", "forgotten"));
    assert_eq!(p.arrive("a", &["x"]), ["drop x"]);
}

#[test]
fn an_input_in_flight_loses_its_user() {
    let mut p = Probe::new(1);
    p.compute("y", 1, &[("x", &["a"])]);
    p.free(&["y"]);
    assert_eq!((p.state("y"), p.state("x")), ("forgotten", "cancelled"));
    assert_eq!(p.compute("z", 2, &[("x", &["a"])]), NOTHING);
    assert_eq!(p.state("x"), "flight");
    assert_eq!(p.arrive("a", &["x"]), ["added x", "execute z"]);
}

#[test]
fn an_input_that_has_gone_with_its_peer() {
    let mut p = Probe::new(1);
    p.compute("y", 1, &[("x", &["a"]), ("w", &["a", "b"])]);
    assert_eq!(p.tell(Event::RemoveWorker("a".into())), ["cancel transfer", "gather w from b"]);
    assert_eq!(p.state("x"), "missing");
    assert_eq!(p.gathered("a", Delivery::Failed { again: false }), NOTHING, "nobody waits for that any more");
    assert_eq!(p.tell(Event::FindMissing), ["who has x"]);
    assert_eq!(p.refresh("x", &[]), NOTHING);
    assert_eq!(p.refresh("x", &["c"]), ["gather x from c"]);
}

#[test]
fn an_input_that_nobody_can_read_is_an_error_of_its_users() {
    let unreadable = |worker: &str| {
        let faults = vec![("x".into(), failure())];
        Event::Unreadable { worker: worker.into(), faults }
    };
    let mut p = Probe::new(1);
    p.compute("y", 1, &[("x", &["a", "b"]), ("w", &["c"])]);
    p.compute("z", 2, &[("w", &["c"])]);
    let (first, second) = if p.transfers.contains_key(&"a".into()) { ("a", "b") } else { ("b", "a") };
    assert_eq!(p.tell(unreadable(first)), NOTHING);
    assert_eq!(p.arrive(first, &[]), [format!("gather x from {second}")], "another one may have it whole");
    assert_eq!(p.tell(unreadable(second)), ["erred y run 1"]);
    assert_eq!(p.arrive(second, &[]), NOTHING);
    assert_eq!((p.state("x"), p.state("z")), ("forgotten", "waiting"));
    assert_eq!(p.arrive("c", &["w"]), ["added w", "execute z"]);
}

#[test]
fn the_user_of_a_missing_input_is_freed() {
    let mut p = Probe::new(1);
    p.compute("y", 1, &[("x", &["a"])]);
    p.gathered("a", Delivery::Failed { again: false });
    assert_eq!(p.free(&["y"]), NOTHING);
    assert_eq!((p.state("y"), p.state("x")), ("forgotten", "forgotten"));
    assert_eq!(p.tell(Event::FindMissing), NOTHING);
    assert_eq!(p.refresh("x", &["a"]), NOTHING, "an answer about what is forgotten");
}

#[test]
fn a_missing_input_is_ordered_here() {
    let mut p = Probe::new(1);
    p.compute("y", 1, &[("x", &["a"])]);
    p.gathered("a", Delivery::Failed { again: false });
    assert_eq!(p.compute("x", 2, &[]), ["execute x"]);
    assert_eq!(p.finish("x"), ["finished x run 2", "execute y"]);
}

// Inputs that go away.

#[test]
fn an_input_freed_under_a_ready_task_is_fetched_again() {
    let mut p = Probe::new(0);
    p.acquire("x", &["a"]);
    p.arrive("a", &["x"]);
    p.compute("y", 1, &[("x", &["a"])]);
    assert_eq!(p.state("y"), "ready");
    assert_eq!(p.free(&["x"]), ["drop x", "released x", "gather x from a"]);
    assert_eq!(p.state("y"), "waiting");
    assert_eq!(p.free(&["y"]), NOTHING);
    assert_eq!(p.arrive("a", &["x"]), ["drop x"]);
}

#[test]
fn an_input_freed_under_a_running_task_is_dropped() {
    let mut p = Probe::new(1);
    p.acquire("x", &["a"]);
    p.arrive("a", &["x"]);
    p.compute("y", 1, &[("x", &["a"])]);
    assert_eq!(p.free(&["x"]), ["drop x", "released x"], "the driver holds what the task reads");
    assert_eq!((p.state("y"), p.state("x")), ("executing", "released"));
    assert_eq!(p.finish("y"), ["finished y run 1"]);
    assert_eq!(p.state("x"), "forgotten");
}

#[test]
fn a_copy_that_is_needed_is_not_removed() {
    let mut p = Probe::new(1);
    p.acquire("x", &["a"]);
    p.arrive("a", &["x"]);
    p.compute("y", 1, &[]);
    p.compute("z", 2, &[("x", &["a"])]);
    assert_eq!(p.remove_replica("x"), ["added x"]);
    assert_eq!(p.finish("y"), ["finished y run 1", "execute z"]);
    assert_eq!(p.remove_replica("x"), ["drop x", "released x"]);
    assert_eq!(p.remove_replica("x"), NOTHING);
    assert_eq!(p.finish("z"), ["finished z run 2"]);
}

#[test]
fn only_values_are_removed_as_replicas() {
    let mut p = Probe::new(1);
    p.acquire("x", &["a"]);
    assert_eq!(p.remove_replica("x"), NOTHING);
    assert_eq!(p.state("x"), "flight");
    assert_eq!(p.remove_replica("unknown"), NOTHING);
}

#[test]
fn an_ordered_input_that_somebody_else_has_is_fetched() {
    let mut p = Probe::new(1);
    p.compute("busy", 1, &[]);
    p.compute("x", 2, &[]);
    assert_eq!(p.state("x"), "ready");
    assert_eq!(p.compute("y", 3, &[("x", &["a"])]), ["gather x from a"]);
    assert_eq!(p.arrive("a", &["x"]), ["added x"]);
    assert_eq!(p.finish("busy"), ["finished busy run 1", "execute y"]);
}

#[test]
fn an_ordered_input_that_only_this_worker_is_said_to_have_is_computed() {
    let mut p = Probe::new(1);
    p.compute("x", 2, &[]);
    assert_eq!(p.compute("y", 3, &[("x", &["own"])]), NOTHING);
    assert_eq!(p.finish("x"), ["finished x run 2", "execute y"]);
}

// Orders that come twice, late, or for what is done.

#[test]
fn ordered_again_when_in_memory() {
    let mut p = Probe::new(1);
    p.compute("x", 1, &[]);
    p.finish("x");
    assert_eq!(p.compute("x", 2, &[]), ["finished x run 2"]);
    assert_eq!(p.compute("x", 2, &[]), ["finished x run 2"], "twice is twice the same answer");
    assert_eq!(p.compute("x", 1, &[]), NOTHING, "an old order is not answered");
}

#[test]
fn ordered_again_while_it_waits_or_runs() {
    let mut p = Probe::new(1);
    p.compute("y", 1, &[("x", &["a"])]);
    assert_eq!(p.compute("y", 2, &[("x", &["a", "b"])]), NOTHING);
    assert_eq!(p.gathered("a", Delivery::Arrived(Vec::new())), ["gather x from b"], "the newer holders count");
    p.arrive("b", &["x"]);
    assert_eq!(p.compute("y", 3, &[("x", &["a", "b"])]), NOTHING);
    assert_eq!(p.finish("y"), ["finished y run 3"]);
}

#[test]
fn an_older_order_changes_nothing() {
    let mut p = Probe::new(1);
    p.compute("x", 7, &[]);
    assert_eq!(p.compute("x", 6, &[("w", &["a"])]), NOTHING);
    assert_eq!(p.finish("x"), ["finished x run 7"]);
}

#[test]
fn ordered_again_after_an_error() {
    let mut p = Probe::new(1);
    p.compute("x", 1, &[]);
    assert_eq!(p.fail("x"), ["erred x run 1"]);
    assert_eq!(p.compute("x", 2, &[]), ["execute x"]);
    assert_eq!(p.finish("x"), ["finished x run 2"]);
}

#[test]
fn an_error_is_forgotten_when_freed() {
    let mut p = Probe::new(1);
    p.compute("x", 1, &[]);
    p.fail("x");
    assert_eq!(p.free(&["x"]), NOTHING);
    assert_eq!(p.state("x"), "forgotten");
}

#[test]
fn an_input_that_failed_here_and_succeeded_elsewhere() {
    let mut p = Probe::new(1);
    p.compute("x", 1, &[]);
    p.fail("x");
    assert_eq!(p.compute("y", 2, &[("x", &["a"])]), ["gather x from a"]);
}

#[test]
fn ends_that_come_twice() {
    let mut p = Probe::new(1);
    p.compute("y", 1, &[("x", &["a"])]);
    p.arrive("a", &["x"]);
    assert_eq!(p.arrive("a", &["x"]), NOTHING);
    p.finish("y");
    assert_eq!(p.finish("y"), NOTHING);
    p.free(&["x", "y"]);
    assert_eq!(p.finish("y"), ["drop y"], "nobody wants it");
    assert_eq!(p.arrive("a", &["x"]), ["drop x"]);
    assert_eq!(p.gathered("a", Delivery::Failed { again: false }), NOTHING);
}

#[test]
fn a_task_of_an_unknown_kind() {
    let mut p = Probe::new(1);
    let mut strange = order("x", 1, &[("w", &["a"])]);
    strange.payload = Payload::Unsupported("not a plan task".into());
    assert_eq!(p.tell(Event::Compute(strange.into())), ["erred x run 1"]);
    assert_eq!((p.state("x"), p.state("w")), ("error", "forgotten"));
}

// Stealing.

#[test]
fn steal_answers() {
    let mut p = Probe::new(1);
    assert_eq!(p.steal("x"), ["steal x: nil"]);
    p.compute("x", 1, &[]);
    assert_eq!(p.steal("x"), ["steal x: executing"]);
    p.compute("y", 2, &[]);
    assert_eq!(p.steal("y"), ["steal y: ready"]);
    assert_eq!(p.state("y"), "forgotten");
    p.compute("z", 3, &[("w", &["a"])]);
    assert_eq!(p.steal("z"), ["steal z: waiting"]);
    assert_eq!(p.state("w"), "cancelled");
    assert_eq!(p.steal("w"), ["steal w: cancelled"]);
    p.finish("x");
    assert_eq!(p.steal("x"), ["steal x: memory"]);
}

#[test]
fn states_the_scheduler_does_not_know_are_nil() {
    let mut p = Probe::new(0);
    p.acquire("x", &["a"]);
    p.acquire("w", &["a"]);
    assert_eq!((p.state("x"), p.steal("x")), ("flight", vec!["steal x: nil".to_owned()]));
    assert_eq!((p.state("w"), p.steal("w")), ("fetch", vec!["steal w: nil".to_owned()]));
}

#[test]
fn stolen_and_given_back() {
    let mut p = Probe::new(1);
    p.compute("x", 1, &[]);
    p.compute("y", 2, &[("w", &["a"])]);
    p.steal("y");
    assert_eq!(p.compute("y", 3, &[("w", &["a"])]), NOTHING);
    assert_eq!(p.state("w"), "flight");
    assert_eq!(p.steal("y"), ["steal y: waiting"]);
}

#[test]
fn a_stolen_task_whose_result_is_needed_here() {
    let mut p = Probe::new(0);
    p.compute("x", 1, &[]);
    p.compute("y", 2, &[("x", &["own"])]);
    assert_eq!(p.steal("x"), ["steal x: ready"]);
    assert_eq!(p.state("x"), "missing");
    assert_eq!(p.refresh("x", &["a"]), ["gather x from a"]);
}

#[test]
fn cancel_compute_takes_back_what_has_not_started() {
    let mut p = Probe::new(1);
    p.compute("x", 1, &[]);
    p.compute("y", 2, &[]);
    assert_eq!(p.tell(Event::CancelCompute("y".into())), NOTHING);
    assert_eq!(p.tell(Event::CancelCompute("x".into())), NOTHING);
    assert_eq!((p.state("x"), p.state("y")), ("executing", "forgotten"));
    assert_eq!(p.finish("x"), ["finished x run 1"]);
}

// Tasks that give their thread back.

#[test]
fn long_running_tasks_free_their_thread() {
    let mut p = Probe::new(1);
    p.compute("x", 1, &[]);
    p.compute("y", 2, &[]);
    assert_eq!(p.secede("x"), ["long x run 1 after Some(0.5)", "execute y"]);
    assert_eq!(p.secede("x"), NOTHING);
    assert_eq!(p.steal("x"), ["steal x: long-running"]);
    assert_eq!(p.finish("x"), ["finished x run 1"]);
}

#[test]
fn a_long_running_task_is_freed_and_ordered_again() {
    let mut p = Probe::new(1);
    p.compute("x", 1, &[]);
    p.secede("x");
    p.free(&["x"]);
    assert_eq!(p.compute("x", 2, &[]), ["long x run 2 after None"], "the new run is long, too");
    assert_eq!(p.state("x"), "long-running");
    assert_eq!(p.finish("x"), ["finished x run 2"]);
}

#[test]
fn a_cancelled_task_gives_its_thread_back_silently() {
    let mut p = Probe::new(1);
    p.compute("x", 1, &[]);
    p.compute("y", 2, &[]);
    p.free(&["x"]);
    assert_eq!(p.secede("x"), ["execute y"]);
    assert_eq!(p.compute("x", 3, &[]), ["long x run 3 after None"]);
    assert_eq!(p.fail("x"), ["erred x run 3"]);
}

#[test]
fn a_rescheduled_task_is_given_up() {
    let mut p = Probe::new(1);
    p.compute("x", 1, &[]);
    assert_eq!(p.executed("x", Outcome::Rescheduled), ["reschedule x"]);
    assert_eq!(p.state("x"), "forgotten");
}

// Order, resources, condition.

#[test]
fn the_most_urgent_task_runs_first_and_of_equals_the_latest() {
    let mut p = Probe::new(1);
    p.compute("first", 1, &[]);
    for (key, urgency) in [("a", 2.0), ("b", 1.0), ("c", 1.0)] {
        let order = Order { priority: Priority::new(&[urgency]), ..order(key, 2, &[]) };
        p.tell(Event::Compute(order.into()));
    }
    assert_eq!(p.finish("first").last().map(String::as_str), Some("execute c"));
    assert_eq!(p.finish("c").last().map(String::as_str), Some("execute b"));
    assert_eq!(p.finish("b").last().map(String::as_str), Some("execute a"));
}

#[test]
fn constrained_tasks_wait_for_their_resources() {
    let gpu: Arc<str> = "GPU".into();
    let mut setup = Setup::new("own".into(), 4);
    setup.resources.insert(gpu.clone(), 1.0);
    let mut p = Probe::with(setup);
    for key in ["x", "y"] {
        let order = Order { resources: vec![(gpu.clone(), 1.0)], ..order(key, 1, &[]) };
        p.tell(Event::Compute(order.into()));
    }
    assert_eq!((p.state("x"), p.state("y")), ("executing", "constrained"));
    assert_eq!(p.steal("y"), ["steal y: constrained"]);
    p.free(&["x"]);
    let order = Order { resources: vec![(gpu, 1.0)], ..order("z", 2, &[]) };
    p.tell(Event::Compute(order.into()));
    assert_eq!(p.state("z"), "constrained", "what is cancelled still holds its resources");
    assert_eq!(p.fail("x"), ["execute z"]);
}

#[test]
fn other_resources_in_a_second_order_do_not_unbalance_the_account() {
    let gpu: Arc<str> = "GPU".into();
    let mut setup = Setup::new("own".into(), 4);
    setup.resources.insert(gpu.clone(), 3.0);
    let mut p = Probe::with(setup);
    let with = |run_id, amount| Order { resources: vec![(gpu.clone(), amount)], ..order("x", run_id, &[]) };
    p.tell(Event::Compute(with(1, 1.0).into()));
    p.free(&["x"]);
    p.tell(Event::Compute(with(2, 3.0).into()));
    assert_eq!(p.finish("x"), ["finished x run 2"]);
}

#[test]
fn a_paused_worker_starts_nothing() {
    let mut setup = Setup::new("own".into(), 1);
    setup.memory = MemoryLimits { limit_bytes: Some(100), ..MemoryLimits::default() };
    let mut p = Probe::with(setup);
    let sample = |process_bytes| Event::MemorySampled { process_bytes, spillable_bytes: 30 };
    p.compute("x", 1, &[]);
    assert_eq!(p.tell(sample(90)), ["spill 30", "status paused"]);
    assert_eq!(p.tell(sample(90)), ["spill 30"]);
    assert_eq!(p.finish("x"), ["finished x run 1"]);
    p.compute("y", 2, &[]);
    p.acquire("z", &["a"]);
    assert_eq!((p.state("y"), p.state("z")), ("ready", "fetch"));
    assert_eq!(p.tell(sample(50)), ["status running", "execute y", "gather z from a"]);
}

#[test]
fn a_pause_that_is_asked_for_ends_when_there_is_memory() {
    // A paused worker that cannot be retired is told to be what it was.
    let sample = |process_bytes| Event::MemorySampled { process_bytes, spillable_bytes: 0 };
    for (limit_bytes, after) in [(Some(100), vec!["status running", "execute x"]), (None, vec![])] {
        let mut setup = Setup::new("own".into(), 1);
        setup.memory = MemoryLimits { limit_bytes, ..MemoryLimits::default() };
        let mut p = Probe::with(setup);
        assert_eq!(p.tell(Event::StatusChange(Status::Paused)), ["status paused"]);
        p.compute("x", 1, &[]);
        if limit_bytes.is_some() {
            assert_eq!(p.tell(sample(90)), NOTHING, "there is none yet");
        }
        assert_eq!(p.tell(sample(50)), after, "without a limit nothing ends it but the scheduler");
        p.tell(Event::StatusChange(Status::Running));
        assert_eq!(p.state("x"), "executing");
    }
}

#[test]
fn a_worker_that_is_retired_starts_nothing_and_confirms() {
    let mut p = Probe::new(1);
    assert_eq!(p.tell(Event::StatusChange(Status::ClosingGracefully)), ["status closing_gracefully"]);
    p.compute("x", 1, &[]);
    assert_eq!(p.state("x"), "ready");
    assert_eq!(p.tell(Event::StatusChange(Status::Running)), ["status running", "execute x"]);
}

// Data from clients.

#[test]
fn scattered_data_is_not_announced() {
    let mut p = Probe::new(1);
    assert_eq!(p.scatter("x"), NOTHING);
    assert_eq!(p.scatter("x"), NOTHING);
    assert_eq!(p.compute("y", 1, &[("x", &["own"])]), ["execute y"]);
}

#[test]
fn what_a_client_has_put_over_a_result_is_a_copy() {
    let mut p = Probe::new(1);
    p.compute("x", 1, &[]);
    p.finish("x");
    assert_eq!(p.scatter("x"), NOTHING);
    assert_eq!(p.free(&["x"]), ["drop x", "released x"], "the client's announcement may come after the order");
}

#[test]
fn scattered_over_what_is_fetched_or_computed() {
    let mut p = Probe::new(1);
    p.compute("y", 1, &[("x", &["a"])]);
    assert_eq!(p.scatter("x"), ["added x", "execute y"]);
    assert_eq!(p.arrive("a", &["x"]), NOTHING);
    assert_eq!(p.scatter("y"), ["finished y run 1"]);
    assert_eq!(p.free(&["y"]), ["drop y", "cancel y"]);
    assert_eq!(p.finish("y"), ["drop y"]);
    assert_eq!(p.state("y"), "forgotten");
}

#[test]
fn all_keys_of_a_message_are_freed() {
    let mut p = Probe::new(4);
    p.compute("a", 1, &[]);
    p.compute("b", 2, &[]);
    p.finish("a");
    assert_eq!(p.tell(Event::FreeKeys(keys(&["a", "b", "unknown"]))), ["drop a", "cancel b"]);
}

#[test]
fn a_task_that_is_its_own_input_hurts_nobody() {
    let mut p = Probe::new(1);
    p.compute("x", 1, &[("x", &["own"])]);
    assert_eq!(p.state("x"), "waiting");
    p.free(&["x"]);
    assert_eq!(p.state("x"), "forgotten");
}

#[test]
fn stimulus_ids_are_those_of_the_event() {
    let mut p = Probe::new(1);
    let steal = Event::StealRequest("x".into());
    let answer = p.machine.handle(steal, &"steal-17".into());
    assert!(matches!(&answer[..], [Instruction::Send { stimulus_id, .. }] if &**stimulus_id == "steal-17"));
}
