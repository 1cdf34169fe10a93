//! Who has joined, as the scheduler tells it: it sends word of every worker that comes and goes.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::sync::Notify;

use crate::error::{Error, Result};
use crate::exec::remote::comm::{Address, Comm, Transport, open_stream};
use crate::exec::remote::wire::{Value, check_reply};

use super::board::Board;

const OP: &str = "local cluster";

/// Nothing is sent but the first request.
const STREAM_INTERVAL: Duration = Duration::from_millis(10);

/// A thread that follows a scheduler until this is dropped or the scheduler is gone.
#[derive(Debug)]
pub(super) struct Watch {
    end: Arc<Notify>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Watch {
    pub(super) fn start(address: Address, transport: Transport, board: Board) -> Result<Self> {
        let end = Arc::new(Notify::new());
        let ended = end.clone();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|source| Error::threads(1, source))?;
        board.change(|facts| facts.watch_fault = None);
        let work = move || {
            let fault = runtime.block_on(async {
                tokio::select! {
                    followed = follow(&address, &transport, &board) => followed.err(),
                    () = ended.notified() => None,
                }
            });
            // A scheduler that is gone has no workers.
            board.change(|facts| {
                (facts.is_watched, facts.watch_fault) = (false, fault);
                facts.workers.clear();
            });
        };
        let thread = thread::Builder::new().name("hyperslab-watch".into()).spawn(work);
        Ok(Self { end, thread: Some(thread.map_err(|source| Error::threads(1, source))?) })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.end.notify_one();
        drop(self.thread.take().map(thread::JoinHandle::join));
    }
}

async fn follow(address: &Address, transport: &Transport, board: &Board) -> Result<()> {
    let mut comm: Comm = transport.connect(address).await?;
    let reply = comm.exchange(&Value::map([("op", "subscribe_worker_status".into())])).await?;
    let identity = check_reply("subscribe_worker_status", address, reply)?;
    board.change(|facts| facts.is_watched = true);
    note_workers(&identity, board)?;
    let (_sender, mut stream) = open_stream(comm, STREAM_INTERVAL);
    while let Some(messages) = stream.next().await? {
        messages.iter().try_for_each(|message| note_change(message, board))?;
    }
    Err(Error::remote(OP, address, "the scheduler closed the connection"))
}

/// `["add", {"workers": {address: {..}}}]` or `["remove", address]`.
fn note_change(message: &Value, board: &Board) -> Result<()> {
    let fields = message.as_array().unwrap_or(&[]);
    match (fields.first().and_then(Value::as_text), fields.get(1)) {
        (Some("add"), Some(added)) => note_workers(added, board),
        (Some("remove"), Some(worker)) => {
            let worker = worker.as_text().unwrap_or_default();
            board.change(|facts| {
                facts.workers.remove(worker);
            });
            Ok(())
        }
        _ => Err(Error::remote(OP, "scheduler", format!("an unexpected message: {message:?}"))),
    }
}

fn note_workers(identity: &Value, board: &Board) -> Result<()> {
    let workers = identity.pairs("workers")?;
    let found: Vec<(String, u32)> = workers
        .iter()
        .filter_map(|(address, worker)| Some((address.as_text()?.to_owned(), worker.int("pid").unwrap_or(0) as u32)))
        .collect();
    board.change(|facts| facts.workers.extend(found));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_cannot_watch_says_why_at_once() {
        use crate::exec::remote::security::{Role, Security};
        let board = Board::default();
        let transport = Transport::new(Security::new(), Role::Client).unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("tcp://{}", listener.local_addr().unwrap()).parse().unwrap();
        let _watch = Watch::start(address, transport, board.clone()).unwrap();
        // Somebody who is no scheduler and hangs up.
        drop(listener.accept().unwrap());
        assert!(board.wait(Duration::from_mins(1), |facts| facts.watch_fault.is_some()));
        assert!(board.look().watch_fault.unwrap().is_remote() && !board.look().is_watched);
    }

    #[test]
    fn workers_come_and_go() {
        let board = Board::default();
        let workers = |address: &str| {
            let mut workers = Value::empty_map();
            workers.put(address, Value::map([("pid", Value::Int(7))]));
            Value::map([("workers", workers)])
        };
        note_workers(&workers("tcp://127.0.0.1:1"), &board).unwrap();
        note_change(&Value::Array(vec!["add".into(), workers("tcp://127.0.0.1:2")]), &board).unwrap();
        note_change(&Value::Array(vec!["remove".into(), "tcp://127.0.0.1:1".into()]), &board).unwrap();
        assert_eq!(board.look().workers.into_iter().collect::<Vec<_>>(), [("tcp://127.0.0.1:2".to_owned(), 7)]);
        assert!(note_change(&Value::Int(3), &board).is_err());
    }
}
