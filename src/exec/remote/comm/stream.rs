//! A connection that carries lists of messages both ways, without answers.
//!
//! Messages that are sent within a few milliseconds of each other travel in one list. Order is kept. A fault ends the
//! stream for good: the other side cannot know what was lost.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use super::channel::{Comm, MessageReader, MessageWriter};
use crate::error::{Error, Result};
use crate::exec::remote::wire::Value;

const OP: &str = "remote stream";

/// Messages that may wait to be sent; more means that the other side has stopped reading.
const MOST_WAITING: usize = 1 << 22;

/// Messages in one list.
const MOST_IN_LIST: usize = 10_000;

/// Turns a connection into a stream. Lists leave at least `interval` after each other.
///
/// Has to be called within a tokio runtime, which also has to stay for the stream to be written.
pub(crate) fn open_stream(comm: Comm, interval: Duration) -> (StreamSender, StreamReceiver) {
    let peer = comm.peer().to_owned();
    let Comm { reader, writer, .. } = comm;
    let shared = Arc::new(Shared { outbox: Mutex::default(), wake: Notify::new(), peer });
    let task = tokio::spawn(write_lists(shared.clone(), writer, interval));
    (StreamSender { shared, task }, StreamReceiver { reader, has_ended: false })
}

#[derive(Debug)]
struct Shared {
    outbox: Mutex<Outbox>,
    wake: Notify,
    peer: String,
}

#[derive(Debug, Default)]
struct Outbox {
    waiting: Vec<Value>,
    is_closing: bool,
    failure: Option<Error>,
}

impl Shared {
    fn outbox(&self) -> MutexGuard<'_, Outbox> {
        // Every change of the outbox is a single step, so a panic elsewhere does not spoil it.
        self.outbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The sending side of a stream.
#[derive(Debug)]
pub(crate) struct StreamSender {
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

impl StreamSender {
    /// Puts a message into the next list; it leaves later.
    ///
    /// # Errors
    ///
    /// An earlier list could not be sent, or the other side reads nothing any more.
    pub(crate) fn send(&self, message: Value) -> Result<()> {
        self.send_all([message])
    }

    /// Puts several messages into the next list.
    pub(crate) fn send_all(&self, messages: impl IntoIterator<Item = Value>) -> Result<()> {
        let mut outbox = self.shared.outbox();
        if let Some(failure) = &outbox.failure {
            return Err(failure.clone());
        }
        if outbox.waiting.len() >= MOST_WAITING {
            let detail = format!("{MOST_WAITING} messages wait to be read by the other side");
            return Err(Error::remote(OP, &self.shared.peer, detail));
        }
        outbox.waiting.extend(messages);
        drop(outbox);
        self.shared.wake.notify_one();
        Ok(())
    }

    /// Sends what is waiting and ends the stream.
    pub(crate) async fn close(mut self) -> Result<()> {
        self.shared.outbox().is_closing = true;
        self.shared.wake.notify_one();
        let ended = (&mut self.task).await;
        ended.map_err(|source| Error::bug(OP, format!("the writer of a stream panicked: {source}")))?;
        self.shared.outbox().failure.clone().map_or(Ok(()), Err)
    }
}

impl Drop for StreamSender {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn write_lists(shared: Arc<Shared>, mut writer: MessageWriter, interval: Duration) {
    if let Err(error) = write_until_closed(&shared, &mut writer, interval).await {
        let mut outbox = shared.outbox();
        outbox.failure = Some(error);
        outbox.waiting = Vec::new();
    }
}

async fn write_until_closed(shared: &Shared, writer: &mut MessageWriter, interval: Duration) -> Result<()> {
    let mut next = Instant::now();
    loop {
        let (list, is_closing) = take_list(&mut shared.outbox());
        match (list.is_empty(), is_closing) {
            (true, true) => return writer.close().await,
            (true, false) => shared.wake.notified().await,
            (false, _) => {
                writer.write(&Value::Array(list)).await?;
                next = Instant::now() + interval;
            }
        }
        if !is_closing {
            sleep_until(next).await;
        }
    }
}

fn take_list(outbox: &mut Outbox) -> (Vec<Value>, bool) {
    let rest = if outbox.waiting.len() > MOST_IN_LIST { outbox.waiting.split_off(MOST_IN_LIST) } else { Vec::new() };
    (std::mem::replace(&mut outbox.waiting, rest), outbox.is_closing)
}

/// The receiving side of a stream.
pub(crate) struct StreamReceiver {
    reader: MessageReader,
    has_ended: bool,
}

impl StreamReceiver {
    /// The next messages, in order; nothing when the stream has ended.
    ///
    /// Giving up a call half-way makes the stream useless: let a task of its own call this.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<Value>>> {
        if self.has_ended {
            return Ok(None);
        }
        let mut messages = match self.reader.read().await? {
            None => return Ok(None),
            Some(Value::Array(messages)) => messages,
            Some(single) => vec![single],
        };
        messages.retain(|message| message.as_text() != Some("OK"));
        if let Some(end) = messages.iter().position(|message| op_of(message) == Some("close-stream")) {
            messages.truncate(end);
            self.has_ended = true;
        }
        Ok(Some(messages))
    }
}

fn op_of(message: &Value) -> Option<&str> {
    message.get("op")?.as_text()
}

impl std::fmt::Debug for StreamReceiver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StreamReceiver").field("has_ended", &self.has_ended).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::pair;
    use super::*;

    /// Time passes only when everybody waits.
    fn block_on<T>(work: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
    }

    fn message(i: i64) -> Value {
        Value::map([("op", "note".into()), ("i", i.into())])
    }

    #[test]
    fn messages_arrive_in_order_and_in_few_lists() {
        block_on(async {
            let (left, right) = pair().await;
            let (sender, _) = open_stream(left, Duration::from_millis(1));
            let (_other, mut receiver) = open_stream(right, Duration::from_millis(1));
            (0..25_000).try_for_each(|i| sender.send(message(i))).unwrap();
            let close = sender.close();
            let collect = async {
                let (mut found, mut n_lists) = (Vec::new(), 0);
                while let Some(messages) = receiver.next().await.unwrap() {
                    found.extend(messages);
                    n_lists += 1;
                }
                (found, n_lists)
            };
            let (closed, (found, n_lists)) = tokio::join!(close, collect);
            closed.unwrap();
            assert_eq!(found.len(), 25_000);
            assert!(found.iter().enumerate().all(|(i, found)| *found == message(i as i64)));
            assert_eq!(n_lists, 3);
        });
    }

    #[test]
    fn the_other_side_can_end_it() {
        block_on(async {
            let (left, mut right) = pair().await;
            let (_sender, mut receiver) = open_stream(left, Duration::ZERO);
            let end = Value::map([("op", "close-stream".into())]);
            let list = vec!["OK".into(), message(1), end, message(2)];
            right.writer.write(&Value::Array(list)).await.unwrap();
            assert_eq!(receiver.next().await.unwrap(), Some(vec![message(1)]));
            assert_eq!(receiver.next().await.unwrap(), None);
        });
    }

    #[test]
    fn a_single_message_is_a_list_of_one() {
        block_on(async {
            let (left, mut right) = pair().await;
            let (_sender, mut receiver) = open_stream(left, Duration::ZERO);
            right.writer.write(&message(5)).await.unwrap();
            assert_eq!(receiver.next().await.unwrap(), Some(vec![message(5)]));
            right.writer.close().await.unwrap();
            assert_eq!(receiver.next().await.unwrap(), None);
        });
    }

    #[test]
    fn a_broken_stream_refuses_messages() {
        block_on(async {
            let (left, right) = pair().await;
            let (sender, receiver) = open_stream(left, Duration::ZERO);
            drop((right, receiver));
            sender.send(message(0)).unwrap();
            while sender.send(message(1)).is_ok() {
                tokio::task::yield_now().await;
            }
            let error = sender.send(message(2)).unwrap_err();
            assert!(error.is_remote(), "{error}");
            assert!(sender.close().await.is_err());
        });
    }
}
