//! The scheduler and the tasks of these tests.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::error::{Error, Result};
use crate::exec::CancelToken;
use crate::exec::remote::Security;
use crate::exec::remote::comm::{Comm, Listener, StreamReceiver, StreamSender, Transport, open_stream};
use crate::exec::remote::pickle::PickleWriter;
use crate::exec::remote::security::Role;
use crate::exec::remote::wire::{Pickled, Value};

use super::super::messages::data_found;
use super::super::names::Key;
use super::super::runner::{Inputs, TaskRunner};
use super::super::{Ended, WorkerOptions, run_worker};

/// Values are numbers as text, and a task is `#` with a number: the sum of it and the inputs. `#fail` and `#panic` do, and
/// `#wordless` gives a value that cannot be written.
pub(in super::super) struct Sums;

impl Sums {
    pub(in super::super) const WORDLESS: Bytes = Bytes::from_static(b"wordless");
}

impl TaskRunner for Sums {
    type Value = Bytes;

    fn magic(&self) -> &[u8] {
        b"#"
    }

    fn run(&self, payload: &Bytes, inputs: &Inputs<Bytes>, _cancel: &CancelToken) -> Result<Bytes> {
        let number = |bytes: &[u8]| std::str::from_utf8(bytes).ok().and_then(|text| text.parse::<i64>().ok());
        match &payload[1..] {
            b"fail" => Err(Error::value("sum", "asked to fail")),
            b"wordless" => Ok(Self::WORDLESS),
            b"panic" => std::panic::resume_unwind(Box::new("asked to panic")),
            own => {
                let terms = inputs.iter().map(|(_, value)| number(value)).chain([number(own)]);
                let sum: Option<i64> = terms.sum();
                sum.map(|sum| sum.to_string().into()).ok_or_else(|| Error::value("sum", "no number"))
            }
        }
    }

    fn n_bytes(&self, value: &Bytes) -> u64 {
        value.len() as u64
    }

    fn type_name(&self, _value: &Bytes) -> Arc<str> {
        "number".into()
    }

    fn encode(&self, value: &Bytes) -> Result<Bytes> {
        if *value == Self::WORDLESS {
            return Err(Error::value("encode", "there are no words for it"));
        }
        Ok(value.clone())
    }

    fn decode(&self, content: Bytes) -> Result<Bytes> {
        Ok(content)
    }
}

/// A worker that has registered.
pub(super) struct Member {
    pub(super) address: String,
    pub(super) registration: Value,
    sender: StreamSender,
    receiver: StreamReceiver,
    waiting: Vec<Value>,
}

impl Member {
    pub(super) fn say(&self, message: Value) {
        self.sender.send(message).expect("as the test set it up");
    }

    /// The next report of a kind; others that come before it have to be expected first.
    pub(super) async fn hear(&mut self, op: &str) -> Value {
        self.hear_one_of(&[op]).await
    }

    /// The next report of several kinds.
    pub(super) async fn hear_one_of(&mut self, ops: &[&str]) -> Value {
        loop {
            while !self.waiting.is_empty() {
                let message = self.waiting.remove(0);
                match message.text("op").expect("as the test set it up") {
                    "keep-alive" => {}
                    heard => {
                        assert!(ops.contains(&heard), "{message:?} where {ops:?} are expected");
                        return message;
                    }
                }
            }
            self.waiting =
                self.receiver.next().await.expect("as the test set it up").expect("the worker is still there");
        }
    }

    pub(super) fn hang_up(self) {
        drop(self);
    }
}

/// Waits for workers, answers their questions, and hands out their streams.
pub(super) struct Scheduler {
    pub(super) address: String,
    /// What it gets for whoever asks it to fetch.
    pub(super) within_reach: Arc<Mutex<Vec<(Key, Bytes)>>>,
    members: UnboundedReceiver<Member>,
}

pub(super) fn transport() -> Transport {
    Transport::new(Security::new(), Role::Client).expect("as the test set it up")
}

impl Scheduler {
    pub(super) async fn start() -> Self {
        let listener = transport()
            .listen(&"tcp://127.0.0.1:0".parse().expect("as the test set it up"))
            .await
            .expect("as the test set it up");
        let (announce, members) = unbounded_channel();
        let address = listener.address().to_string();
        let within_reach = Arc::default();
        tokio::spawn(accept(listener, announce, Arc::clone(&within_reach)));
        Self { address, within_reach, members }
    }

    /// Starts a worker and waits until it has joined.
    pub(super) async fn worker(&mut self) -> (Member, tokio::task::JoinHandle<Result<Ended>>) {
        let options = WorkerOptions { n_threads: 2, ..WorkerOptions::new(self.address.clone()) };
        let worker = tokio::spawn(async move { run_worker(&options, Arc::new(Sums)).await });
        (self.members.recv().await.expect("as the test set it up"), worker)
    }
}

async fn accept(listener: Listener, announce: UnboundedSender<Member>, values: Arc<Mutex<Vec<(Key, Bytes)>>>) {
    while let Ok(incoming) = listener.accept().await {
        let (announce, values) = (announce.clone(), values.clone());
        tokio::spawn(async move {
            let comm = incoming.open().await.expect("as the test set it up");
            converse(comm, announce, &values).await
        });
    }
}

async fn converse(mut comm: Comm, announce: UnboundedSender<Member>, values: &Mutex<Vec<(Key, Bytes)>>) -> Result<()> {
    while let Some(request) = comm.reader.read().await? {
        let status = || ("status", "OK".into());
        let interval = || ("heartbeat-interval", 0.5.into());
        let reply = match request.text("op")? {
            "versions" => Value::map([("host", Value::empty_map()), ("packages", Value::empty_map())]),
            "gather" => match values.lock().expect("as the test set it up").clone() {
                none if none.is_empty() => Value::map([("status", "error".into()), ("keys", Value::Array(Vec::new()))]),
                found => data_found(found, None),
            },
            "heartbeat_worker" => Value::map([status(), interval()]),
            "register-worker" => {
                let reply = Value::map([status(), interval(), ("worker-plugins", Value::empty_map())]);
                comm.writer.write(&reply).await?;
                let (sender, receiver) = open_stream(comm, Duration::ZERO);
                let address = request.text("address")?.to_owned();
                let member = Member { address, registration: request, sender, receiver, waiting: Vec::new() };
                announce.send(member).ok();
                return Ok(());
            }
            other => panic!("the worker asks for {other}"),
        };
        comm.writer.write(&reply).await?;
    }
    Ok(())
}

/// `compute-task`.
pub(super) fn compute(key: &str, run_id: i64, payload: &str, inputs: &[(&str, &str)]) -> Value {
    let mut writer = PickleWriter::new();
    writer.bytes(payload.as_bytes());
    let run_spec = Pickled { pickle: writer.finish(), compression: Vec::new(), buffers: Vec::new() };
    let holders = inputs.iter().map(|(key, worker)| ((*key).into(), Value::Array(vec![(*worker).into()])));
    let sizes = inputs.iter().map(|(key, _)| ((*key).into(), Value::Int(1)));
    Value::map([
        ("op", "compute-task".into()),
        ("key", key.into()),
        ("run_id", run_id.into()),
        ("priority", Value::Array(vec![Value::Int(0)])),
        ("stimulus_id", "test".into()),
        ("who_has", Value::Map(holders.collect())),
        ("nbytes", Value::Map(sizes.collect())),
        ("run_spec", Value::Pickled(Box::new(run_spec))),
        ("resource_restrictions", Value::Nil),
        ("actor", false.into()),
        ("annotations", Value::empty_map()),
        ("span_id", Value::Nil),
    ])
}

/// A message with a list of keys.
pub(super) fn about(op: &str, keys: &[&str]) -> Value {
    Value::map([("op", op.into()), ("keys", keys.iter().copied().collect()), ("stimulus_id", "test".into())])
}
