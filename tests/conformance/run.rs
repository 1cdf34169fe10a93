//! One case under every executor and in several cuts.

use std::panic::{AssertUnwindSafe, catch_unwind};

use hyperslab::Error;
use hyperslab::prelude::*;
use serde_json::Value;

use super::case::{Case, Verdict};
use super::compare::{Check, Rules, compare};
use super::inputs::Inputs;
use super::numpy::{self, Call};
use super::outcome::{Answer, Outcome};

/// The work of a case in this crate's words.
pub(crate) type Work = fn(&Inputs) -> Answer;

/// Cases whose reference tells a shape that it can not know before a run, or that a run does not have: the largest two of
/// an unknown number of elements may be fewer; blocks that keep their margins make a longer array.
const SHAPE_MISTOLD: [&str; 2] = ["unk-topk", "mo-const"];

/// Cases whose functions see the cut of their inputs, so that other chunks give other answers.
const SEE_CHUNKS: [&str; 7] =
    ["chunk-blocks-index", "chunk-blocks-slice", "bw-adjust", "mo-const", "gr-cull", "gu-signature", "gu-two-out"];

/// Every executor, by name.
fn runtimes() -> [(&'static str, Runtime); 3] {
    [
        ("serial", Runtime::local().serial()),
        ("one thread", Runtime::local().threads(1)),
        ("three threads", Runtime::local().threads(3)),
    ]
}

/// Other cuts of the inputs, by name.
fn cuts() -> [(&'static str, Chunks); 3] {
    [("one block", Chunks::whole()), ("single elements", Chunks::size(1)), ("twos", Chunks::size(2))]
}

/// What is wrong with a case; nothing for one without an entry, which another test is about.
pub(crate) fn failures(case: &Case, work: Option<Work>) -> Vec<String> {
    let Some(work) = work else { return Vec::new() };
    let work: &dyn Fn(&Inputs) -> Answer = &work;
    let inputs = case.inputs();
    let mut attempts: Vec<(String, Check)> = Vec::new();
    for (name, runtime) in runtimes() {
        attempts.push((name.into(), attempt(case, work, &inputs, &runtime, rules(case))));
    }
    if inputs.has_chunks() && !SEE_CHUNKS.contains(&case.id.as_str()) {
        let rules = Rules { chunks: false, ..rules(case) };
        for (name, chunks) in cuts() {
            let inputs = inputs.rechunked(&chunks);
            attempts.push((name.into(), attempt(case, work, &inputs, &Runtime::local().threads(3), rules)));
        }
    }
    failed(case, attempts)
}

fn failed(case: &Case, attempts: Vec<(String, Check)>) -> Vec<String> {
    let text = |(how, check): (String, Check)| Some(format!("{} ({how}): {}", case.id, check.err()?));
    attempts.into_iter().filter_map(text).collect()
}

/// What is wrong with a case whose work is a call, in every cut, in sparse blocks and with a length that is not known.
pub(crate) fn call_failures(case: &Case) -> Vec<String> {
    let call = case.call.as_ref().unwrap();
    let work: &dyn Fn(&Inputs) -> Answer = &|inputs| numpy::run(&Call { inputs, call });
    let inputs = case.inputs();
    let threads = Runtime::local().threads(3);
    let rules = Rules { chunks: false, sparse: false, ..rules(case) };
    let mut attempts = vec![("serial".into(), attempt(case, work, &inputs, &Runtime::local().serial(), rules))];
    for (name, chunks) in cuts() {
        attempts.push((name.into(), attempt(case, work, &inputs.rechunked(&chunks), &threads, rules)));
    }
    let refusable = Case { verdict: case.verdict.or_refused(), ..case.clone() };
    for (name, inputs) in [("sparse", inputs.sparse()), ("sparse with a fill", inputs.filled())] {
        attempts.push((
            name.into(),
            attempt(if is_product(call) { &refusable } else { case }, work, &inputs, &threads, rules),
        ));
    }
    let unknown = Case { area: "unknown_chunks".into(), ..refusable };
    attempts.push((
        "unknown lengths".into(),
        attempt(&unknown, work, &inputs.unknown(), &threads, Rules { lazy_shape: false, ..rules }),
    ));
    failed(case, attempts)
}

/// Sums of products of sparse arrays need the fill 0.
fn is_product(call: &Value) -> bool {
    ["matmul", "dot", "tensordot", "inner", "vdot", "einsum"].contains(&call["op"].as_str().unwrap())
}

fn rules(case: &Case) -> Rules {
    let id = case.id.as_str();
    Rules {
        rtol: case.rtol,
        chunks: case.area == "chunking",
        lazy_shape: !SHAPE_MISTOLD.contains(&id),
        sparse: true,
        signed_zero: case.signed_zeros,
    }
}

fn attempt(case: &Case, work: &dyn Fn(&Inputs) -> Answer, inputs: &Inputs, runtime: &Runtime, rules: Rules) -> Check {
    let run = || runtime.enter(|| judged(case, work(inputs), rules));
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| Err("it panicked".into()))
}

fn judged(case: &Case, answer: Answer, rules: Rules) -> Check {
    match (case.verdict, answer.and_then(computed)) {
        (Verdict::Error, Err(_)) => Ok(()),
        (Verdict::Error, Ok(outcome)) => Err(format!("{outcome:?} where an error is expected")),
        (Verdict::AnswerOrError, Err(error)) => explains(case, &error),
        (Verdict::AnswerOrError, Ok(outcome)) if case.expected == Value::Null => {
            Err(format!("{outcome:?}, and the right answer is not written down"))
        }
        (Verdict::Answer | Verdict::AnswerOrError, Ok(outcome)) => compare(&outcome, &case.expected, rules),
        (Verdict::Answer, Err(error)) => Err(format!("refused: {error}")),
    }
}

/// The outcome, after a run where there is something to run.
fn computed(outcome: Outcome) -> Answer {
    match &outcome {
        Outcome::Lazy(array) => drop(array.compute_block()?),
        Outcome::Eager(_) => {}
        Outcome::Tuple(items) => items.iter().try_for_each(|item| computed(item.clone()).map(drop))?,
    }
    Ok(outcome)
}

/// Whether a refusal says what is missing.
fn explains(case: &Case, error: &Error) -> Check {
    let right = if case.call.is_some() {
        // Two lengths that are not known are not known to be equal: that is a fault of the shapes.
        error.is_usage()
    } else {
        case.area != "unknown_chunks" || error.is_unknown_chunks()
    };
    if right { Ok(()) } else { Err(format!("the refusal does not say what is missing: {error}")) }
}
