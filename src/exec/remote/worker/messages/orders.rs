//! What the scheduler says on its stream.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::exec::remote::pickle::{PickleLimits, read_pickle};
use crate::exec::remote::wire::Value;
use crate::exec::remote::worker::machine::{Event, Input, Order, Payload, Status};
use crate::exec::remote::worker::names::{Address, Key, Priority};

use super::keys::{key_from_value, keys_from_value, read_holders};

const OP: &str = "scheduler message";

/// A message of the scheduler, as far as it concerns a worker.
#[derive(Debug)]
pub(crate) enum StreamMessage {
    Event {
        event: Event,
        stimulus_id: Arc<str>,
    },
    /// The worker has to leave.
    Close,
    /// Nothing that is known here; the name of it.
    Unknown(String),
}

/// Reads a message. `magic` is how payloads of our own tasks begin.
pub(crate) fn read_stream_message(message: &Value, magic: &[u8]) -> Result<StreamMessage> {
    let event = match message.text("op")? {
        "compute-task" => Event::Compute(read_order(message, magic)?.into()),
        "free-keys" => Event::FreeKeys(keys_from_value(message.field("keys")?)?),
        "acquire-replicas" => Event::AcquireReplicas(read_inputs(message)?),
        "remove-replicas" => Event::RemoveReplicas(keys_from_value(message.field("keys")?)?),
        "cancel-compute" => Event::CancelCompute(key_from_value(message.field("key")?)?),
        "steal-request" => Event::StealRequest(key_from_value(message.field("key")?)?),
        "refresh-who-has" => Event::RefreshWhoHas(read_holders(message.field("who_has")?)?),
        "worker-status-change" => Event::StatusChange(read_status(message.text("status")?)?),
        "remove-worker" => Event::RemoveWorker(Address::from(message.text("worker")?)),
        "close" => return Ok(StreamMessage::Close),
        other => return Ok(StreamMessage::Unknown(other.to_owned())),
    };
    let stimulus_id = message.get("stimulus_id").and_then(Value::as_text).unwrap_or("scheduler").into();
    Ok(StreamMessage::Event { event, stimulus_id })
}

fn read_status(name: &str) -> Result<Status> {
    match name {
        "running" => Ok(Status::Running),
        "paused" => Ok(Status::Paused),
        "closing_gracefully" => Ok(Status::ClosingGracefully),
        other => Err(Error::format(OP, format!("a worker cannot be {other:?}"))),
    }
}

fn read_order(message: &Value, magic: &[u8]) -> Result<Order> {
    let priority: Option<Vec<f64>> = message.array("priority")?.iter().map(Value::as_float).collect();
    let priority = priority.ok_or_else(|| Error::format(OP, "a priority has to be numbers"))?;
    Ok(Order {
        key: key_from_value(message.field("key")?)?,
        run_id: message.int("run_id")?,
        priority: Priority::new(&priority),
        payload: read_payload(message, magic),
        inputs: read_inputs(message)?,
        resources: read_resources(message)?,
    })
}

/// The bytes of one of our own tasks, found by the magic they begin with; nothing in the pickle around them is run.
fn read_payload(message: &Value, magic: &[u8]) -> Payload {
    if message.get("actor").and_then(Value::as_bool) == Some(true) {
        return Payload::Unsupported("actors cannot live on this worker".into());
    }
    let tree = match message.get("run_spec") {
        Some(Value::Pickled(spec)) => read_pickle(&spec.pickle, &spec.buffers, &PickleLimits::default()),
        other => Err(Error::format(OP, format!("a task is a pickle and not {other:?}"))),
    };
    match tree {
        Ok(tree) => match tree.bytes_with(magic).next() {
            Some(payload) => Payload::Plan(payload.clone()),
            None => {
                let shown: String = tree.describe(tree.root()).chars().take(200).collect();
                Payload::Unsupported(format!("this worker runs tasks of hyperslab and no Python: {shown}").into())
            }
        },
        Err(error) => Payload::Unsupported(format!("the task cannot be read: {error}").into()),
    }
}

/// Who has the inputs, and how large they are.
fn read_inputs(message: &Value) -> Result<Vec<Input>> {
    let sizes = message.pairs("nbytes")?;
    let size_of = |key: &Key| -> u64 {
        let found = sizes.iter().find(|(name, _)| key_from_value(name).is_ok_and(|name| name == *key));
        found.and_then(|(_, size)| size.as_int()).map_or(0, |size| size.max(0) as u64)
    };
    let holders = read_holders(message.field("who_has")?)?;
    // Both maps come in one order; where they do, looking a size up costs nothing.
    let in_step = holders.iter().zip(sizes).map(|((key, _), (name, size))| {
        let is_same = key_from_value(name).is_ok_and(|name| name == *key);
        if is_same { size.as_int().map_or(0, |size| size.max(0) as u64) } else { size_of(key) }
    });
    let mut sizes: Vec<u64> = in_step.collect();
    sizes.resize(holders.len(), 0);
    let inputs = holders.into_iter().zip(sizes);
    Ok(inputs.map(|((key, holders), n_bytes)| Input { key, n_bytes, holders }).collect())
}

fn read_resources(message: &Value) -> Result<Vec<(Arc<str>, f64)>> {
    let Some(pairs) = message.get("resource_restrictions").and_then(Value::as_map) else { return Ok(Vec::new()) };
    let one = |(name, amount): &(Value, Value)| Some((name.as_text()?.into(), amount.as_float()?));
    let resources: Option<Vec<(Arc<str>, f64)>> = pairs.iter().map(one).collect();
    resources.ok_or_else(|| Error::format(OP, "resources are names with numbers"))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::exec::remote::pickle::PickleWriter;
    use crate::exec::remote::wire::Pickled;

    fn run_spec(payload: &[u8]) -> Value {
        let mut writer = PickleWriter::new();
        writer.bytes(payload);
        let pickled = Pickled { pickle: writer.finish(), compression: Vec::new(), buffers: Vec::new() };
        Value::Pickled(Box::new(pickled))
    }

    fn compute_task(payload: &[u8]) -> Value {
        let holders = Value::Array(vec!["tcp://a:1".into()]);
        Value::map([
            ("op", "compute-task".into()),
            ("key", "y".into()),
            ("run_id", 7_i64.into()),
            ("priority", Value::Array(vec![0_i64.into(), 1.5.into()])),
            ("stimulus_id", "compute-task-1".into()),
            ("who_has", Value::map([("x", holders.clone()), ("w", holders)])),
            ("nbytes", Value::map([("w", 9_i64.into()), ("x", 8_i64.into())])),
            ("run_spec", run_spec(payload)),
            ("resource_restrictions", Value::map([("GPU", 1_i64.into())])),
            ("actor", false.into()),
            ("annotations", Value::empty_map()),
            ("span_id", Value::Nil),
        ])
    }

    fn order(message: &Value) -> Order {
        match read_stream_message(message, b"HS").unwrap() {
            StreamMessage::Event { event: Event::Compute(order), stimulus_id } => {
                assert_eq!(&*stimulus_id, "compute-task-1");
                *order
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn orders_are_read() {
        let order = order(&compute_task(b"HS payload"));
        assert_eq!((order.key, order.run_id), (Key::from("y"), 7));
        assert_eq!(order.priority, Priority::new(&[0.0, 1.5]));
        assert_eq!(order.payload, Payload::Plan(Bytes::from_static(b"HS payload")));
        let sizes: Vec<(String, u64)> = order.inputs.iter().map(|i| (i.key.to_string(), i.n_bytes)).collect();
        assert_eq!(sizes, [("x".to_owned(), 8), ("w".to_owned(), 9)]);
        assert_eq!(order.resources, [("GPU".into(), 1.0)]);
    }

    #[test]
    fn foreign_tasks_and_actors_are_not_run() {
        let reason = |message: &Value| match order(message).payload {
            Payload::Unsupported(reason) => reason,
            Payload::Plan(_) => panic!("accepted"),
        };
        assert!(reason(&compute_task_of_python()).contains("no Python"));
        let mut actor = compute_task(b"HS");
        actor.put("actor", true.into());
        assert!(reason(&actor).contains("actors"));
        let mut broken = compute_task(b"HS");
        let pickle = Pickled { pickle: Bytes::from_static(b"\x80"), compression: Vec::new(), buffers: Vec::new() };
        broken.put("run_spec", Value::Pickled(Box::new(pickle)));
        assert!(reason(&broken).contains("cannot be read"));
    }

    fn compute_task_of_python() -> Value {
        compute_task(b"not ours")
    }

    #[test]
    fn other_messages() {
        let named = |op: &str| Value::map([("op", op.into())]);
        assert!(matches!(read_stream_message(&named("close"), b""), Ok(StreamMessage::Close)));
        assert!(
            matches!(read_stream_message(&named("plugin-add"), b""), Ok(StreamMessage::Unknown(op)) if op == "plugin-add")
        );
        for op in ["free-keys", "steal-request", "compute-task", "worker-status-change", "remove-worker"] {
            assert!(read_stream_message(&named(op), b"").is_err(), "{op} without its fields");
        }
    }
}
