//! The client's thread: turns the book's instructions into messages, and messages into events.
//!
//! ```text
//!   futures, submissions ──> commands ──┐                          ┌──> the scheduler's stream
//!   the scheduler's stream ─────────────┼──> event ─> instruction ─┤
//!   clock ──────────────────────────────┘                          └──> cells, which wake futures
//! ```
//!
//! The thread has a runtime of its own, on which requests to the scheduler and to workers run as well.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio::time::{MissedTickBehavior, interval};

use super::book::{Book, Chunk, Event, Instruction, Name};
use super::connect::leave;
use super::messages::{Heard, about_keys, plain, read_message, report_key};
use super::results::Results;
use crate::error::{Error, Result};
use crate::exec::remote::comm::{Address, LONGEST, StreamReceiver, StreamSender};
use crate::exec::remote::wire::Value;

const OP: &str = "remote client";

/// Commands that are carried out before messages are looked at again.
const MOST_COMMANDS: usize = 4096;
/// How long the scheduler may leave heartbeats without an answer, as long as it lets workers be silent.
const SILENCE_LIMIT: Duration = Duration::from_mins(5);
/// How long saying goodbye may take.
const GOODBYE_LIMIT: Duration = Duration::from_secs(1);

/// What futures and submissions ask for.
#[derive(Debug)]
pub(super) enum Command {
    Held {
        name: Name,
        cell: u64,
    },
    Dropped(Name),
    Submit {
        chunk: Chunk,
        message: Value,
    },
    Join(Vec<Name>),
    Placed(Vec<Name>),
    GiveUp(Vec<Name>),
    Missing(Vec<Name>),
    /// Tell when everything has been heard that the scheduler had said before.
    CatchUp(oneshot::Sender<()>),
    Close(Option<oneshot::Sender<()>>),
}

/// Why the loop ends.
enum End {
    Asked(Option<oneshot::Sender<()>>),
    Lost(Error),
}

impl From<Error> for End {
    fn from(error: Error) -> Self {
        Self::Lost(error)
    }
}

/// See the module documentation.
pub(super) struct Driver {
    book: Book,
    /// Graphs that the book has not said to send.
    graphs: HashMap<u64, Value>,
    results: Arc<Results>,
    sender: StreamSender,
    client: String,
    scheduler: Address,
    heard_at: Instant,
    answers_heartbeats: bool,
    /// Who waits until everything has been heard, by the name of a result that there is not.
    catching_up: HashMap<String, oneshot::Sender<()>>,
    n_catch_ups: u64,
    /// Who has heard everything and is told when it has been carried out.
    caught_up: Vec<oneshot::Sender<()>>,
}

impl Driver {
    pub(super) fn new(client: String, scheduler: Address, results: Arc<Results>, sender: StreamSender) -> Self {
        Self {
            book: Book::default(),
            graphs: HashMap::new(),
            results,
            sender,
            client,
            scheduler,
            heard_at: Instant::now(),
            answers_heartbeats: false,
            catching_up: HashMap::new(),
            n_catch_ups: 0,
            caught_up: Vec::new(),
        }
    }

    /// Runs until the client is closed or the scheduler is gone; afterwards nobody waits any more.
    pub(super) async fn run(
        mut self,
        receiver: StreamReceiver,
        mut commands: UnboundedReceiver<Command>,
        heartbeat: Duration,
    ) {
        let (notes, mut noted) = unbounded_channel();
        tokio::spawn(read_stream(receiver, notes));
        let mut beats = interval(heartbeat.clamp(Duration::from_millis(1), LONGEST));
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut batch = Vec::new();
        let end = loop {
            let step = tokio::select! {
                n = commands.recv_many(&mut batch, MOST_COMMANDS) => self.take_commands(n, &mut batch),
                Some(note) = noted.recv() => self.take_note(note),
                _ = beats.tick() => self.beat(),
            };
            if let Err(end) = step.and_then(|()| self.carry_out().map_err(End::from)) {
                break end;
            }
        };
        self.end(end).await;
    }

    fn take_commands(&mut self, n: usize, batch: &mut Vec<Command>) -> Result<(), End> {
        if n == 0 {
            return Err(End::Asked(None));
        }
        for command in batch.drain(..) {
            let event = match command {
                Command::Held { name, cell } => Event::Held { name, cell },
                Command::Dropped(name) => Event::Dropped(name),
                Command::Submit { chunk, message } => {
                    self.graphs.insert(chunk.id, message);
                    Event::Submitted(chunk)
                }
                Command::Join(names) => Event::Joined(names),
                Command::Placed(names) => Event::Placed(names),
                Command::GiveUp(names) => Event::GivenUp(names),
                Command::Missing(names) => Event::Missing(names),
                Command::CatchUp(done) => {
                    self.catch_up(done)?;
                    continue;
                }
                Command::Close(done) => return Err(End::Asked(done)),
            };
            self.book.handle(event);
        }
        Ok(())
    }

    /// Asks for a result that there is not: the answer comes after all that has been said before.
    fn catch_up(&mut self, done: oneshot::Sender<()>) -> Result<()> {
        let name = format!("{}-catch-up-{}", self.client, self.n_catch_ups);
        self.n_catch_ups += 1;
        self.sender.send(report_key(&name, &self.client))?;
        self.catching_up.insert(name, done);
        Ok(())
    }

    fn take_note(&mut self, note: Result<Vec<Value>>) -> Result<(), End> {
        self.heard_at = Instant::now();
        for message in note? {
            match read_message(&message)? {
                Heard::Event(Event::Forgotten(names, _)) if self.has_caught_up(&names) => {}
                Heard::Event(event) => self.book.handle(event),
                Heard::GraphRead(token) => {
                    if let Some(id) = chunk_of(&token, &self.client) {
                        self.book.handle(Event::Taken(id));
                    }
                }
                Heard::Alive => self.answers_heartbeats = true,
                Heard::Other => {}
            }
        }
        Ok(())
    }

    /// Whether this is the answer to somebody who wanted to catch up; that one is told.
    fn has_caught_up(&mut self, names: &[String]) -> bool {
        let [name] = names else { return false };
        let Some(done) = self.catching_up.remove(name) else { return false };
        self.caught_up.push(done);
        true
    }

    fn beat(&mut self) -> Result<(), End> {
        let silence = self.heard_at.elapsed();
        if self.answers_heartbeats && silence > SILENCE_LIMIT {
            let detail = format!("the scheduler has said nothing for {silence:.0?}");
            return Err(Error::remote(OP, &self.scheduler, detail).into());
        }
        self.sender.send(plain("heartbeat-client"))?;
        Ok(())
    }

    fn carry_out(&mut self) -> Result<()> {
        for instruction in self.book.take_instructions() {
            match instruction {
                Instruction::Tell { name, cell, status } => self.results.tell(&name, cell, status),
                Instruction::Submit(id) => self.graphs.remove(&id).map_or(Ok(()), |graph| self.sender.send(graph))?,
                Instruction::Discard(id) => drop(self.graphs.remove(&id)),
                Instruction::Desire(names) => {
                    self.sender.send(about_keys("client-desires-keys", &names, &self.client))?;
                }
                Instruction::Release(names) => {
                    self.sender.send(about_keys("client-releases-keys", &names, &self.client))?;
                }
                Instruction::AskFor(names) => {
                    self.sender.send_all(names.iter().map(|name| report_key(name, &self.client)))?;
                }
            }
        }
        // Who has asked may not wait any more.
        self.caught_up.drain(..).for_each(|done| done.send(()).unwrap_or(()));
        Ok(())
    }

    async fn end(mut self, end: End) {
        let (error, done) = match end {
            End::Asked(done) => (Error::remote(OP, &self.scheduler, "the client has been closed"), done),
            End::Lost(error) => (lost(&self.scheduler, &error), None),
        };
        self.book.handle(Event::Gone(error.clone()));
        for instruction in self.book.take_instructions() {
            if let Instruction::Tell { name, cell, status } = instruction {
                self.results.tell(&name, cell, status);
            }
        }
        self.results.end(&error);
        // Whoever wants to catch up has.
        self.catching_up.clear();
        // The scheduler may be gone; there is nobody to tell then.
        drop(tokio::time::timeout(GOODBYE_LIMIT, leave(self.sender)).await);
        if let Some(done) = done {
            // Whoever asked may not wait any more.
            done.send(()).ok();
        }
    }
}

/// What everybody is told who waits for something.
fn lost(scheduler: &Address, cause: &Error) -> Error {
    let error = Error::remote(OP, scheduler, format!("the scheduler is gone and all results with it: {cause}"));
    error.with_remedy("connect again and submit again").with_source(cause.clone())
}

/// The token of a chunk.
pub(super) fn token_of(chunk: u64, client: &str) -> String {
    format!("{client}-graph-{chunk}")
}

fn chunk_of(token: &str, client: &str) -> Option<u64> {
    token.strip_prefix(client)?.strip_prefix("-graph-")?.parse().ok()
}

async fn read_stream(mut stream: StreamReceiver, notes: UnboundedSender<Result<Vec<Value>>>) {
    loop {
        let note = match stream.next().await {
            Ok(Some(messages)) => Ok(messages),
            Ok(None) => Err(Error::remote("scheduler", "the stream", "the connection was closed")),
            Err(error) => Err(error),
        };
        let is_last = note.is_err();
        if notes.send(note).is_err() || is_last {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_name_their_chunk() {
        assert_eq!(chunk_of(&token_of(17, "me"), "me"), Some(17));
        for other in ["you-graph-1", "me-graph-x", "update-graph-1.5", ""] {
            assert_eq!(chunk_of(other, "me"), None);
        }
    }
}
