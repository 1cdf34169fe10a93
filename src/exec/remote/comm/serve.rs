//! Accepting connections, and answering the requests that come over them.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::{JoinHandle, JoinSet};

use super::channel::Comm;
use super::tcp::{Incoming, Listener};
use crate::error::Result;
use crate::exec::remote::wire::{Value, error_reply};

/// How long to wait when no connection can be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What requests are put to.
pub(crate) trait Answer: Send + Sync + 'static {
    /// The answer to the request `op`; nothing if all that there is to say has been said on the connection itself. An
    /// error is told to the other side.
    fn answer(&self, op: &str, request: &Value, comm: &mut Comm) -> impl Future<Output = Result<Option<Value>>> + Send;
}

/// A listener that is closed, with all its connections, when this is dropped.
#[derive(Debug)]
pub(crate) struct Listening(JoinHandle<()>);

impl Listening {
    /// Has to be called within a tokio runtime, on which everything is answered.
    pub(crate) fn start(listener: Listener, server: Arc<impl Answer>) -> Self {
        Self(tokio::spawn(serve(listener, server)))
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Accepts connections until the future is dropped, which closes them all.
async fn serve(listener: Listener, server: Arc<impl Answer>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok(incoming) => drop(connections.spawn(attend(incoming, server.clone()))),
                // Out of file descriptors, as a rule: connections have to end first.
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            },
        }
    }
}

async fn attend(incoming: Incoming, server: Arc<impl Answer>) {
    if let Ok(comm) = incoming.open().await {
        // A peer that breaks off or speaks nonsense has only itself to harm.
        drop(converse(comm, &*server).await);
    }
}

/// Answers one request after the other.
async fn converse(mut comm: Comm, server: &impl Answer) -> Result<()> {
    while let Some(request) = comm.reader.read().await? {
        let op = request.text("op")?;
        if matches!(op, "close" | "close-stream") {
            return Ok(());
        }
        let reply = server.answer(op, &request, &mut comm).await;
        let is_wanted = request.get("reply").and_then(Value::as_bool) != Some(false);
        if let Some(reply) = reply.unwrap_or_else(|error| Some(error_reply(&error))).filter(|_| is_wanted) {
            comm.writer.write(&reply).await?;
        }
        if request.get("close").and_then(Value::as_bool) == Some(true) {
            return Ok(());
        }
    }
    Ok(())
}
