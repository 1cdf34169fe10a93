//! Answers that must come out: every case of `data/conformance`, under every executor and with other chunks.
//!
//! A case is data: inputs, the work in NumPy's words and the true answer. [`conformance::areas`] holds the same work in
//! this crate's words, by the case's name; everything else is done alike for all cases. A case without an entry fails,
//! unless it stands in [`conformance::not_built`]; one that stands there and has an entry fails, too.

mod conformance {
    pub(crate) mod areas;
    pub(crate) mod case;
    pub(crate) mod compare;
    pub(crate) mod inputs;
    pub(crate) mod not_built;
    pub(crate) mod numpy;
    pub(crate) mod outcome;
    pub(crate) mod run;
    pub(crate) mod values;
}

use conformance::case::Case;
use conformance::{areas, not_built, run};

/// The text of a file of cases.
fn data(name: &str) -> String {
    std::fs::read_to_string(format!("{}/tests/data/conformance/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// The given cases, and the answers to those that the reference refuses.
fn given() -> Vec<Case> {
    Case::read_all(&data("cases.jsonl"), &data("refused.jsonl"))
}

fn report(failures: &[String]) {
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn every_case_gives_its_answer() {
    let cases = given();
    assert_eq!(cases.len(), 230);
    let failures: Vec<String> = cases.iter().flat_map(|case| run::failures(case, areas::find(&case.id))).collect();
    report(&failures);
}

#[test]
fn every_call_gives_what_numpy_gives() {
    // Further cases, whose work is data, too.
    let cases = Case::read_all(&data("more.jsonl"), "");
    assert!(!cases.is_empty());
    report(&cases.iter().flat_map(run::call_failures).collect::<Vec<_>>());
}

#[test]
fn what_is_not_built_is_named_and_nothing_else_is() {
    let cases = given();
    let mut failures = Vec::new();
    for case in &cases {
        match (areas::find(&case.id), not_built::reason(case)) {
            (None, None) => failures.push(format!("{}: no entry", case.id)),
            (Some(_), Some(reason)) => failures.push(format!("{}: has an entry, and is not built: {reason}", case.id)),
            _ => {}
        }
    }
    let is_case = |id: &str| cases.iter().any(|case| case.id == id);
    failures.extend(areas::ids().filter(|id| !is_case(id)).map(|id| format!("{id}: an entry without a case")));
    failures.extend(not_built::stale(&cases).map(|name| format!("{name}: not built, and no case")));
    report(&failures);
}
