//! One execution of one task, on a thread of its own.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::error::{Error, Result};
use crate::exec::CancelToken;

use super::machine::{Failure, Outcome, Payload, Product, Span};
use super::names::Key;
use super::options::unix_s;
use super::runner::{Inputs, TaskRunner};
use super::store::Stored;

/// How it ended, and the value if there is one.
pub(super) type Finished<V> = (Outcome, Option<V>);

/// Runs a task. Panics become errors; what fails after it was cancelled counts as given up.
pub(super) fn run_task<R: TaskRunner>(
    runner: &R,
    key: &Key,
    payload: &Payload,
    inputs: BTreeMap<Key, Stored<R::Value>>,
    cancel: &CancelToken,
    thread: u32,
) -> Finished<R::Value> {
    if cancel.is_cancelled() {
        return (Outcome::Abandoned, None);
    }
    let start_s = unix_s();
    let result = catch_unwind(AssertUnwindSafe(|| run(runner, payload, inputs, cancel)));
    let span = Span { start_s, stop_s: unix_s(), thread };
    match result {
        Ok(Ok((value, product))) => (Outcome::Finished { product, span }, Some(value)),
        _ if cancel.is_cancelled() => (Outcome::Abandoned, None),
        Ok(Err(error)) => (Outcome::Erred { failure: Failure::from(&error), span: Some(span) }, None),
        Err(panic) => {
            let text = panic.downcast_ref::<&str>().copied().map(str::to_owned);
            let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
            let error = Error::task("task", &key.to_string(), &format!("it panicked: {text}"));
            (Outcome::Erred { failure: Failure::from(&error), span: Some(span) }, None)
        }
    }
}

fn run<R: TaskRunner>(
    runner: &R,
    payload: &Payload,
    inputs: BTreeMap<Key, Stored<R::Value>>,
    cancel: &CancelToken,
) -> Result<(R::Value, Product)> {
    let Payload::Plan(payload) = payload else {
        return Err(Error::bug("task", "a task that cannot be run was started"));
    };
    let inputs: BTreeMap<Key, R::Value> =
        inputs.into_iter().map(|(key, stored)| Ok((key, stored.load(runner)?))).collect::<Result<_>>()?;
    let value = runner.run(payload, &Inputs::new(inputs), cancel)?;
    let product = Product { n_bytes: runner.n_bytes(&value), type_name: runner.type_name(&value) };
    Ok((value, product))
}
