//! What a client says on its stream, and what it is told there.

use std::time::Duration;

use bytes::Bytes;

use super::book::{Event, Name};
use super::chunks::PlannedChunk;
use super::options::SubmitOptions;
use crate::error::{Error, Result};
use crate::exec::remote::pickle::GraphPickle;
use crate::exec::remote::wire::{Pickled, Serialized, Value, thrown_text};
use crate::graph::wire::RemoteTask;

/// The pickle of `{"collections": [{"type": "hyperslab"}]}`, which the scheduler notes beside the tasks.
///
/// A plain map will not do: its list would arrive as a tuple, and the scheduler adds the list of the next graph to it.
const SPAN_METADATA: &[u8] = b"\x80\x05}(\x8c\x0bcollections](}(\x8c\x04type\x8c\x09hyperslabueu.";

/// `update-graph` for one chunk; `token` is unique.
pub(super) fn update_graph(chunk: &PlannedChunk, token: &str, options: &SubmitOptions) -> Result<Value> {
    let mut graph = GraphPickle::new();
    for task in &chunk.tasks {
        let inputs: Vec<Value> = task.deps.iter().map(|dep| dep.as_str().into()).collect();
        graph.task(&task.key.as_str().into(), &task.payload, &inputs)?;
    }
    let keys = chunk.wanted.iter().chain(&chunk.lent);
    let span_metadata =
        Pickled { pickle: Bytes::from_static(SPAN_METADATA), compression: Vec::new(), buffers: Vec::new() };
    let priorities = chunk.tasks.iter().map(|task| (task.key.as_str().into(), rank(task)));
    Ok(Value::map([
        ("op", "update-graph".into()),
        ("expr_ser", Value::Serialized(Box::new(Serialized::of_pickle(graph.finish(token))))),
        ("keys", keys.map(|key| &**key).collect()),
        ("span_metadata", Value::Pickled(Box::new(span_metadata))),
        ("internal_priority", Value::Map(priorities.collect())),
        ("submitting_task", Value::Nil),
        ("user_priority", options.priority.into()),
        ("actors", Value::Nil),
        ("fifo_timeout", 0.0.into()),
        ("annotations", annotations(options)),
        ("stimulus_id", token.into()),
    ]))
}

/// Priorities beyond the range of Python's small integers would only cost time there.
fn rank(task: &RemoteTask) -> Value {
    Value::Int(i64::try_from(task.priority).unwrap_or(i64::MAX))
}

/// What holds for all tasks of a graph.
fn annotations(options: &SubmitOptions) -> Value {
    let mut annotations = Value::empty_map();
    if options.retries > 0 {
        annotations.put("retries", u64::from(options.retries).into());
    }
    if !options.resources.is_empty() {
        let resources = options.resources.iter().map(|(name, amount)| (name.as_str().into(), (*amount).into()));
        annotations.put("resources", Value::Map(resources.collect()));
    }
    if !options.workers.is_empty() {
        annotations.put("workers", options.workers.iter().map(String::as_str).collect());
        annotations.put("allow_other_workers", options.allow_other_workers.into());
    }
    if annotations == Value::empty_map() { Value::Nil } else { annotations }
}

/// A message about some keys.
pub(super) fn about_keys(op: &str, keys: &[Name], client: &str) -> Value {
    let keys = keys.iter().map(|key| &**key).collect();
    Value::map([("op", op.into()), ("keys", keys), ("client", client.into())])
}

/// `report-key`: the scheduler says how a result stands.
pub(super) fn report_key(key: &str, client: &str) -> Value {
    Value::map([("op", "report-key".into()), ("key", key.into()), ("client", client.into())])
}

/// `restart`: the scheduler forgets all results, and waits so long for workers that start anew.
pub(super) fn restart_request(client: &str, limit: Duration) -> Value {
    Value::map([
        ("op", "restart".into()),
        ("client", client.into()),
        ("timeout", limit.as_secs_f64().into()),
        ("wait_for_workers", true.into()),
        ("stimulus_id", format!("client-restart-{client}").into()),
    ])
}

/// `subscribe-topic` for what the scheduler notes about this client: among others, that it has read a graph.
pub(super) fn subscribe(client: &str) -> Value {
    Value::map([("op", "subscribe-topic".into()), ("topic", client.into()), ("client", client.into())])
}

/// `register-client`; the scheduler's own versions are repeated to it, so that they do not differ.
pub(super) fn register(client: &str, versions: Value) -> Value {
    Value::map([
        ("op", "register-client".into()),
        ("client", client.into()),
        ("reply", false.into()),
        ("versions", versions),
    ])
}

/// A message without anything but its name.
pub(super) fn plain(op: &str) -> Value {
    Value::map([("op", op.into())])
}

/// What the scheduler says.
#[derive(Debug)]
pub(super) enum Heard {
    Event(Event),
    /// The scheduler has read the graph with this token.
    GraphRead(String),
    /// An answer to a heartbeat.
    Alive,
    /// Nothing that concerns results of ours.
    Other,
}

/// Reads a message.
///
/// # Errors
///
/// It has not the fields that a message of its name has.
pub(super) fn read_message(message: &Value) -> Result<Heard> {
    let event = match message.text("op")? {
        "key-in-memory" => key(message)?.map(Event::InMemory),
        "lost-data" => key(message)?.map(Event::Lost),
        "task-retried" => key(message)?.map(Event::Retried),
        "task-erred" => key(message)?.map(|key| {
            let error = failure(&key, message);
            Event::Erred(key, error)
        }),
        "cancelled-keys" => Some(Event::Forgotten(texts(message.array("keys")?), reason(message))),
        "restart" => Some(Event::Restarted),
        "event" => return Ok(note(message).map_or(Heard::Other, Heard::GraphRead)),
        "adjust-heartbeat-interval" => return Ok(Heard::Alive),
        _ => None,
    };
    Ok(event.map_or(Heard::Other, Heard::Event))
}

/// The key of a message; other clients may use numbers and tuples, which are none of ours.
fn key(message: &Value) -> Result<Option<String>> {
    Ok(message.field("key")?.as_text().map(str::to_owned))
}

fn texts(values: &[Value]) -> Vec<String> {
    values.iter().filter_map(Value::as_text).map(str::to_owned).collect()
}

fn reason(message: &Value) -> String {
    let text = |name| message.get(name).and_then(Value::as_text).filter(|text| !text.is_empty());
    text("msg").or_else(|| text("reason")).unwrap_or("no reason given").to_owned()
}

/// Why a task failed, in the words of the worker.
fn failure(key: &str, message: &Value) -> Error {
    let thrown = message.get("exception").and_then(thrown_text);
    Error::remote_task(key, thrown.as_deref().unwrap_or("the worker gave no reason that can be read"))
}

/// The token of a graph that the scheduler notes to have read: `(time, {"action", "stimulus_id", ..})`.
fn note(message: &Value) -> Option<String> {
    let [_, noted] = message.get("event")?.as_array()? else { return None };
    noted.get("action")?.as_text().filter(|action| action.contains("graph"))?;
    noted.get("stimulus_id")?.as_text().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::remote::pickle::pickle_error;

    fn chunk() -> PlannedChunk {
        let task = RemoteTask { key: "sum-1".into(), deps: vec!["x".into()], payload: b"#1".to_vec(), priority: 7 };
        PlannedChunk { tasks: vec![task], wanted: vec!["sum-1".into()], lent: vec!["y".into()], ..Default::default() }
    }

    #[test]
    fn graphs_have_the_fields_the_scheduler_takes() {
        let message = update_graph(&chunk(), "token-1", &SubmitOptions::new()).unwrap();
        let Value::Map(pairs) = &message else { panic!() };
        let names: Vec<&str> = pairs.iter().map(|(name, _)| name.as_text().unwrap()).collect();
        let expected = "op expr_ser keys span_metadata internal_priority submitting_task user_priority actors fifo_timeout \
                        annotations stimulus_id";
        assert_eq!(names.join(" "), expected);
        assert_eq!(message.array("keys").unwrap(), ["sum-1".into(), "y".into()]);
        assert_eq!(message.field("internal_priority").unwrap().int("sum-1").unwrap(), 7);
        assert!(message.field("annotations").unwrap().is_nil());
    }

    #[test]
    fn what_holds_for_all_tasks_is_said_once() {
        let options =
            SubmitOptions::new().retries(2).resource("GPU", 1.0).workers(["tcp://a:1"]).allow_other_workers(true);
        let message = update_graph(&chunk(), "token-1", &options.priority(5)).unwrap();
        let said = message.field("annotations").unwrap();
        assert_eq!((said.int("retries").unwrap(), message.int("user_priority").unwrap()), (2, 5));
        assert_eq!(said.field("resources").unwrap().float("GPU").unwrap(), 1.0);
        assert_eq!(said.array("workers").unwrap(), ["tcp://a:1".into()]);
        assert_eq!(said.get("allow_other_workers").unwrap().as_bool(), Some(true));
    }

    fn said(op: &str, key: Value) -> Value {
        Value::map([("op", op.into()), ("key", key)])
    }

    #[test]
    fn what_the_scheduler_says_is_understood() {
        let heard = |message: &Value| read_message(message).unwrap();
        assert!(matches!(heard(&said("key-in-memory", "x".into())), Heard::Event(Event::InMemory(key)) if key == "x"));
        assert!(matches!(heard(&said("lost-data", "x".into())), Heard::Event(Event::Lost(_))));
        assert!(matches!(heard(&said("key-in-memory", Value::Array(vec!["x".into()]))), Heard::Other));
        let mut erred = said("task-erred", "sum-1".into());
        erred.put("exception", pickle_error(&Error::value("sum", "no number")).into());
        let Heard::Event(Event::Erred(_, error)) = heard(&erred) else { panic!() };
        assert!(error.to_string().contains("sum: no number") && error.to_string().contains("sum-1"), "{error}");
        let mut forgotten = Value::map([("op", "cancelled-keys".into()), ("keys", ["x"].into_iter().collect())]);
        forgotten.put("reason", "lost dependencies".into());
        assert!(
            matches!(heard(&forgotten), Heard::Event(Event::Forgotten(keys, why)) if keys == ["x"] && why.contains("lost"))
        );
        let noted = Value::map([("action", "update-graph".into()), ("stimulus_id", "token-1".into())]);
        let event = Value::map([("op", "event".into()), ("event", Value::Array(vec![1.5.into(), noted]))]);
        assert!(matches!(heard(&event), Heard::GraphRead(token) if token == "token-1"));
        assert!(matches!(heard(&plain("news")), Heard::Other));
        assert!(read_message(&plain("key-in-memory")).is_err() && read_message(&Value::Nil).is_err());
    }
}
