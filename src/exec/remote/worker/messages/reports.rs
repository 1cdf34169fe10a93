//! What a worker says on its stream.

use bytes::Bytes;

use crate::exec::remote::pickle::CLASS_BYTES;
use crate::exec::remote::wire::Value;
use crate::exec::remote::worker::machine::{Report, Span};
use crate::exec::remote::worker::names::Key;

use super::keys::{key_to_value, keys_to_value};

/// The scheduler divides by the duration of tasks: none may be shorter.
const MIN_DURATION_S: f64 = 1e-6;

/// Writes a report.
pub(crate) fn report_to_value(report: &Report, stimulus_id: &str) -> Value {
    let mut message = match report {
        Report::TaskFinished { .. } => finished(report),
        Report::TaskErred { .. } => erred(report),
        Report::AddKeys { keys } => Value::map([("op", "add-keys".into()), ("keys", keys_to_value(keys))]),
        Report::ReleaseWorkerData { key } => about("release-worker-data", key),
        Report::RequestRefreshWhoHas { keys } => {
            Value::map([("op", "request-refresh-who-has".into()), ("keys", keys_to_value(keys))])
        }
        Report::Reschedule { key } => about("reschedule", key),
        Report::LongRunning { key, run_id, compute_s } => {
            let mut message = about("long-running", key);
            message.put("run_id", (*run_id).into());
            message.put("compute_duration", (*compute_s).into());
            message
        }
        Report::StealResponse { key, state } => {
            let mut message = about("steal-response", key);
            message.put("state", (*state).into());
            message
        }
        Report::StatusChange { status } => {
            Value::map([("op", "worker-status-change".into()), ("status", status.name().into())])
        }
    };
    message.put("stimulus_id", stimulus_id.into());
    message
}

fn about(op: &str, key: &Key) -> Value {
    Value::map([("op", op.into()), ("key", key_to_value(key))])
}

fn finished(report: &Report) -> Value {
    let Report::TaskFinished { key, run_id, product, span } = report else { return Value::Nil };
    Value::map([
        ("op", "task-finished".into()),
        ("key", key_to_value(key)),
        ("run_id", (*run_id).into()),
        ("nbytes", product.n_bytes.into()),
        ("type", Bytes::from_static(CLASS_BYTES).into()),
        ("typename", (&*product.type_name).into()),
        ("metadata", Value::empty_map()),
        ("thread", thread(*span)),
        ("startstops", startstops(*span)),
        ("status", "OK".into()),
    ])
}

fn erred(report: &Report) -> Value {
    let Report::TaskErred { key, run_id, failure, span } = report else { return Value::Nil };
    Value::map([
        ("op", "task-erred".into()),
        ("key", key_to_value(key)),
        ("run_id", (*run_id).into()),
        ("exception", failure.exception.clone().into()),
        ("traceback", Value::Nil),
        ("exception_text", (&*failure.text).into()),
        ("traceback_text", (&*failure.traceback).into()),
        ("thread", thread(*span)),
        ("startstops", startstops(*span)),
        ("status", "error".into()),
    ])
}

/// Rows of the dashboard's task stream are threads.
fn thread(span: Option<Span>) -> Value {
    span.map(|span| u64::from(span.thread)).into()
}

fn startstops(span: Option<Span>) -> Value {
    let one = |span: Span| {
        let stop_s = span.stop_s.max(span.start_s + MIN_DURATION_S);
        Value::map([("action", "compute".into()), ("start", span.start_s.into()), ("stop", stop_s.into())])
    };
    Value::Array(span.map(one).into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use crate::exec::remote::worker::machine::{Failure, Product, Status};

    #[test]
    fn finished_tasks_never_take_no_time() {
        let product = Product { n_bytes: 80, type_name: "block f64".into() };
        let span = Some(Span { start_s: 5.0, stop_s: 5.0, thread: 3 });
        let report = Report::TaskFinished { key: "x".into(), run_id: 3, product, span };
        let message = report_to_value(&report, "s-1");
        let startstops = message.array("startstops").unwrap();
        assert!(startstops[0].float("stop").unwrap() > startstops[0].float("start").unwrap());
        assert_eq!((message.int("run_id").unwrap(), message.int("nbytes").unwrap()), (3, 80));
        assert_eq!(message.text("stimulus_id").unwrap(), "s-1");
    }

    #[test]
    fn messages_have_the_fields_the_scheduler_takes() {
        let fields = |report: &Report| {
            let Value::Map(pairs) = report_to_value(report, "s") else { panic!() };
            pairs.iter().map(|(name, _)| name.as_text().unwrap().to_owned()).collect::<Vec<_>>().join(" ")
        };
        let failure = Failure::from(&Error::value("sum", "no"));
        let key = Key::from("x");
        let erred = Report::TaskErred { key: key.clone(), run_id: 1, failure, span: None };
        let all =
            "op key run_id exception traceback exception_text traceback_text thread startstops status stimulus_id";
        assert_eq!(fields(&erred), all);
        let long = Report::LongRunning { key: key.clone(), run_id: 1, compute_s: None };
        assert_eq!(fields(&long), "op key run_id compute_duration stimulus_id");
        assert_eq!(fields(&Report::StealResponse { key: key.clone(), state: None }), "op key state stimulus_id");
        assert_eq!(fields(&Report::Reschedule { key: key.clone() }), "op key stimulus_id");
        assert_eq!(fields(&Report::AddKeys { keys: vec![key.clone()] }), "op keys stimulus_id");
        assert_eq!(fields(&Report::StatusChange { status: Status::Paused }), "op status stimulus_id");
    }
}
