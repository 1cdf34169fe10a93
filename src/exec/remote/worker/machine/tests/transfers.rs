//! What is fetched from whom, and when.

use super::super::event::*;
use super::super::peers::TransferLimits;
use super::super::state::Setup;
use super::probe::{Probe, input};

fn limited(max_message_bytes: u64, max_bytes: u64, max_transfers: usize) -> Probe {
    let mut setup = Setup::new("tcp://host:1".into(), 1);
    setup.transfers = TransferLimits { max_transfers, small_bytes: 0, max_bytes, max_message_bytes };
    Probe::with(setup)
}

fn acquire(probe: &mut Probe, inputs: &[(&str, u64, &[&str])]) -> Vec<String> {
    let inputs = inputs.iter().map(|(key, n_bytes, holders)| Input { n_bytes: *n_bytes, ..input(key, holders) });
    probe.tell(Event::AcquireReplicas(inputs.collect()))
}

#[test]
fn small_results_of_one_peer_travel_together() {
    let mut p = limited(20, 1_000, 10);
    let lines = acquire(&mut p, &[("u", 8, &["a"]), ("v", 8, &["a"]), ("w", 8, &["a"]), ("x", 900, &["b"])]);
    assert_eq!(lines, ["gather u v from a", "gather x from b"]);
    assert_eq!(p.arrive("a", &["u", "v"]), ["added u v", "gather w from a"]);
}

#[test]
fn a_result_larger_than_all_limits_travels_alone() {
    let mut p = limited(20, 100, 10);
    assert_eq!(acquire(&mut p, &[("x", 500, &["a"]), ("y", 500, &["b"])]).len(), 1);
    let (first, next) = if p.state("x") == "flight" { (("a", "x"), "y from b") } else { (("b", "y"), "x from a") };
    let lines = p.arrive(first.0, &[first.1]);
    assert_eq!(lines, [format!("added {}", first.1), format!("gather {next}")]);
}

#[test]
fn what_does_not_fit_does_not_hold_up_what_does() {
    let mut p = limited(1_000, 100, 10);
    assert_eq!(acquire(&mut p, &[("x", 60, &["a"])]), ["gather x from a"]);
    assert_eq!(acquire(&mut p, &[("y", 60, &["b"]), ("z", 30, &["c"])]), ["gather z from c"]);
}

#[test]
fn the_number_of_transfers_is_limited() {
    let mut p = limited(1_000, 1_000, 2);
    assert_eq!(acquire(&mut p, &[("x", 8, &["a"]), ("y", 8, &["b"]), ("z", 8, &["c"])]).len(), 2);
}

#[test]
fn a_peer_on_this_host_is_asked_first() {
    let mut p = limited(1_000, 1_000, 2);
    let far_first: &[&str] = &["tcp://away:1", "tcp://host:2"];
    assert_eq!(acquire(&mut p, &[("x", 8, far_first)]), ["gather x from tcp://host:2"]);
}

#[test]
fn a_busy_peer_is_left_alone_for_a_while() {
    let mut p = limited(1_000, 1_000, 10);
    acquire(&mut p, &[("x", 8, &["a"])]);
    assert_eq!(p.gathered("a", Delivery::Busy), ["retry a after 150", "who has x"]);
    assert_eq!(p.state("x"), "fetch");
    assert!(acquire(&mut p, &[("y", 8, &["a"])]).is_empty());
    assert_eq!(p.refresh("x", &["a", "b"]), ["gather x from b"]);
    assert_eq!(p.tell(Event::RetryBusyWorker("a".into())), ["gather y from a"]);
    assert_eq!(p.gathered("a", Delivery::Busy), ["retry a after 300", "who has y"]);
    assert_eq!(p.tell(Event::RetryBusyWorker("a".into())), ["gather y from a"]);
    assert_eq!(p.arrive("a", &["y"]), ["added y"]);
    acquire(&mut p, &[("z", 8, &["a"])]);
    assert_eq!(p.gathered("a", Delivery::Busy), ["retry a after 150", "who has z"], "refusals are forgotten");
}

#[test]
fn another_holder_is_asked_when_one_is_busy() {
    let mut p = limited(1_000, 1_000, 10);
    let lines = acquire(&mut p, &[("x", 8, &["a", "b"])]);
    let (first, second) = if lines == ["gather x from a"] { ("a", "b") } else { ("b", "a") };
    let lines = p.gathered(first, Delivery::Busy);
    assert_eq!(lines, [format!("retry {first} after 150"), format!("gather x from {second}")]);
}

#[test]
fn a_lost_peer_is_forgotten_with_all_it_has() {
    let mut p = limited(8, 1_000, 10);
    acquire(&mut p, &[("x", 8, &["a"]), ("y", 8, &["a"])]);
    assert_eq!(p.gathered("a", Delivery::Failed { again: false }), ["who has x y"]);
    assert_eq!((p.state("x"), p.state("y")), ("missing", "missing"));
    assert_eq!(p.tell(Event::FindMissing), ["who has x y"], "until there is an answer");
    assert_eq!(p.refresh("x", &["a"]), ["gather x from a"], "the scheduler still believes in it");
    assert_eq!(p.gathered("a", Delivery::Failed { again: true }), [""; 0], "now the clock sets the pace");
    assert_eq!(p.tell(Event::FindMissing), ["who has x y"]);
}

#[test]
fn a_removed_busy_peer_may_come_back() {
    let mut p = limited(1_000, 1_000, 10);
    acquire(&mut p, &[("x", 8, &["a"])]);
    p.gathered("a", Delivery::Busy);
    p.tell(Event::RemoveWorker("a".into()));
    assert_eq!(p.state("x"), "missing");
    assert_eq!(p.refresh("x", &["a"]), ["gather x from a"]);
    assert!(p.tell(Event::RetryBusyWorker("a".into())).is_empty(), "the retry of its former life");
}

#[test]
fn keys_that_were_not_asked_for_are_dropped() {
    let mut p = limited(1_000, 1_000, 10);
    acquire(&mut p, &[("x", 8, &["a"])]);
    assert_eq!(p.arrive("a", &["x", "stranger"]), ["drop stranger", "added x"]);
}

#[test]
fn an_urgent_user_makes_an_input_urgent() {
    let mut p = limited(8, 8, 10);
    acquire(&mut p, &[("first", 8, &["a"])]);
    acquire(&mut p, &[("x", 8, &["a"]), ("y", 8, &["a"])]);
    p.compute("user", 1, &[("y", &["a"])]);
    assert_eq!(p.arrive("a", &["first"]), ["added first", "gather y from a"]);
}
