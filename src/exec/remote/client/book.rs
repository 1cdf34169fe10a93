//! What the client knows of its results: events in, instructions out; no threads, no clock, no sockets.
//!
//! ```text
//!                 submitted                     key-in-memory
//!   (not known) ────────────> pending ───────────────────────> finished
//!                              │   ^                              │
//!                   task-erred │   │ task-retried                 │ lost-data, or its holders do not have it
//!                   cancelled  v   │ submitted again              v
//!                             failed                           pending
//! ```
//!
//! The scheduler keeps a result as long as some client *desires* it, so the book's other half is to say when we do not any
//! more. A result is desired for two reasons: somebody here holds a future of it, or it is *pinned*. Pins are the book's
//! own. A large graph goes to the scheduler in chunks, and what a later chunk needs must not be forgotten before the
//! scheduler has that chunk; and nothing that is in a chunk may be released before the scheduler has read the chunk, or it
//! would be desired for ever.

use std::collections::HashMap;
use std::sync::Arc;

use crate::error::Error;

const OP: &str = "remote result";

/// The name of a result, equal on all sides.
pub(super) type Name = Arc<str>;

/// What is known of a result.
#[derive(Clone, Debug, Default)]
pub(super) enum Status {
    #[default]
    Pending,
    Finished,
    Failed(Error),
}

/// One message of a graph that was cut into several.
#[derive(Clone, Debug, Default)]
pub(super) struct Chunk {
    pub(super) id: u64,
    /// Chunks of one submission have one number; later submissions have larger ones.
    pub(super) submission: u64,
    /// Results that have futures.
    pub(super) wanted: Vec<Name>,
    /// Results of this chunk without futures that a later chunk needs.
    pub(super) lent: Vec<Name>,
    /// Results of earlier chunks without futures that no chunk after this one needs.
    pub(super) spent: Vec<Name>,
}

/// What happens to the client.
#[derive(Clone, Debug)]
pub(super) enum Event {
    /// The first future of a result is made; `cell` tells this life of it from earlier ones.
    Held { name: Name, cell: u64 },
    /// The last future of a result is dropped.
    Dropped(Name),
    /// A part of a graph is to be sent.
    Submitted(Chunk),
    /// Results that somebody else has submitted are desired here as well.
    Joined(Vec<Name>),
    /// Values were put on workers, and the scheduler was told that they are desired here.
    Placed(Vec<Name>),
    /// The user gives results up.
    GivenUp(Vec<Name>),
    /// Nobody has results that are said to be in memory.
    Missing(Vec<Name>),
    /// The scheduler has read a chunk.
    Taken(u64),
    /// `key-in-memory`.
    InMemory(String),
    /// `task-erred`.
    Erred(String, Error),
    /// `lost-data`: the scheduler will compute it again.
    Lost(String),
    /// `task-retried`.
    Retried(String),
    /// `cancelled-keys`, and why.
    Forgotten(Vec<String>, String),
    /// `restart`: the scheduler has forgotten everything.
    Restarted,
    /// There is no scheduler any more.
    Gone(Error),
}

/// What is to be done, in this order.
#[derive(Clone, Debug)]
pub(super) enum Instruction {
    /// Tell the futures.
    Tell { name: Name, cell: u64, status: Status },
    /// Send the chunk of this number.
    Submit(u64),
    /// Never mind the chunk of this number.
    Discard(u64),
    /// `client-desires-keys`.
    Desire(Vec<Name>),
    /// `client-releases-keys`.
    Release(Vec<Name>),
    /// `report-key`: ask how it stands.
    AskFor(Vec<Name>),
}

#[derive(Debug, Default)]
struct Entry {
    cell: Option<u64>,
    n_pins: usize,
    /// The scheduler has been told, or is being told with a chunk, that this is desired.
    is_desired: bool,
    /// There are futures and nobody waits for them.
    is_given_up: bool,
    status: Status,
}

impl Entry {
    fn is_wanted(&self) -> bool {
        self.n_pins > 0 || (self.cell.is_some() && !self.is_given_up)
    }
}

/// See the module documentation.
#[derive(Debug, Default)]
pub(super) struct Book {
    entries: HashMap<Name, Entry>,
    /// Chunks that the scheduler has not confirmed.
    open: HashMap<u64, Chunk>,
    newest_submission: Option<u64>,
    /// Submissions up to this one were swept away by a restart.
    swept_submission: Option<u64>,
    gone: Option<Error>,
    out: Vec<Instruction>,
}

impl Book {
    /// Takes note of an event.
    pub(super) fn handle(&mut self, event: Event) {
        match event {
            Event::Held { name, cell } => self.held(name, cell),
            Event::Dropped(name) => self.dropped(&name),
            Event::Submitted(chunk) => self.submitted(chunk),
            Event::Joined(names) => self.joined(names),
            Event::Placed(names) => self.placed(names),
            Event::GivenUp(names) => names.iter().for_each(|name| self.given_up(name)),
            Event::Missing(names) => self.missing(names),
            Event::Taken(id) => self.taken(id),
            Event::InMemory(name) => self.become_if(&name, Status::Finished, |_| true),
            Event::Erred(name, error) => self.become_if(&name, Status::Failed(error), |_| true),
            Event::Lost(name) => self.become_if(&name, Status::Pending, |old| matches!(old, Status::Finished)),
            Event::Retried(name) => self.become_if(&name, Status::Pending, |_| true),
            Event::Forgotten(names, reason) => names.iter().for_each(|name| self.forgotten(name, &reason)),
            Event::Restarted => self.restarted(),
            Event::Gone(error) => self.scheduler_gone(error),
        }
    }

    /// What is to be done since the last call.
    pub(super) fn take_instructions(&mut self) -> Vec<Instruction> {
        std::mem::take(&mut self.out)
    }

    /// Results that are on the books.
    pub(super) fn n_results(&self) -> usize {
        self.entries.len()
    }

    fn held(&mut self, name: Name, cell: u64) {
        let entry = self.entries.entry(name.clone()).or_default();
        entry.cell = Some(cell);
        entry.is_given_up = false;
        if let Some(error) = &self.gone {
            entry.status = Status::Failed(error.clone());
        }
        if !matches!(entry.status, Status::Pending) {
            let status = entry.status.clone();
            self.out.push(Instruction::Tell { name, cell, status });
        }
    }

    fn dropped(&mut self, name: &Name) {
        if let Some(entry) = self.entries.get_mut(name) {
            entry.cell = None;
            self.settle(name);
        }
    }

    fn submitted(&mut self, chunk: Chunk) {
        if self.gone.is_some() {
            self.out.push(Instruction::Discard(chunk.id));
            return;
        }
        if self.swept_submission.is_some_and(|swept| chunk.submission <= swept) {
            self.out.push(Instruction::Discard(chunk.id));
            chunk.wanted.iter().for_each(|name| self.swept_away(name));
            return;
        }
        self.newest_submission = self.newest_submission.max(Some(chunk.submission));
        for name in &chunk.wanted {
            let entry = self.pin(name, 1);
            entry.is_given_up = false;
            self.become_if(name, Status::Pending, |old| matches!(old, Status::Failed(_)));
        }
        for name in &chunk.lent {
            self.pin(name, 2);
        }
        self.out.push(Instruction::Submit(chunk.id));
        self.open.insert(chunk.id, chunk);
    }

    /// A result of a submission that a restart has overtaken. Its futures were told before the submission revived them.
    fn swept_away(&mut self, name: &Name) {
        let Some(entry) = self.entries.get(name).filter(|entry| !entry.is_desired) else { return };
        match entry.status.clone() {
            Status::Finished => {}
            Status::Pending => self.tell(name, Status::Failed(restart_error())),
            failed @ Status::Failed(_) => self.tell(name, failed),
        }
    }

    fn pin(&mut self, name: &Name, n_pins: usize) -> &mut Entry {
        let entry = self.entries.entry(name.clone()).or_default();
        entry.n_pins += n_pins;
        entry.is_desired = true;
        entry
    }

    fn taken(&mut self, id: u64) {
        let Some(chunk) = self.open.remove(&id) else { return };
        for name in chunk.wanted.iter().chain(&chunk.lent).chain(&chunk.spent) {
            if let Some(entry) = self.entries.get_mut(name) {
                entry.n_pins = entry.n_pins.saturating_sub(1);
                self.settle(name);
            }
        }
    }

    /// Releases a result that is not wanted any more.
    fn settle(&mut self, name: &Name) {
        let Some(entry) = self.entries.get_mut(name).filter(|entry| !entry.is_wanted()) else { return };
        let was_desired = std::mem::take(&mut entry.is_desired);
        if entry.cell.is_none() {
            self.entries.remove(name);
        }
        if was_desired && self.gone.is_none() {
            self.release(name.clone());
        }
    }

    /// Many are released at a time, so they travel together.
    fn release(&mut self, name: Name) {
        match self.out.last_mut() {
            Some(Instruction::Release(names)) => names.push(name),
            _ => self.out.push(Instruction::Release(vec![name])),
        }
    }

    fn joined(&mut self, mut names: Vec<Name>) {
        let gone = self.gone.is_some();
        names.retain(|name| {
            let entry = self.entries.get_mut(name).filter(|entry| entry.cell.is_some() && !gone);
            entry.is_some_and(|entry| !std::mem::replace(&mut entry.is_desired, true))
        });
        if !names.is_empty() {
            self.out.push(Instruction::Desire(names.clone()));
            self.out.push(Instruction::AskFor(names));
        }
    }

    /// Whatever was said of the values before they were known to be desired was not heeded, so it is asked for.
    fn placed(&mut self, names: Vec<Name>) {
        if self.gone.is_some() {
            return;
        }
        for name in &names {
            self.entries.entry(name.clone()).or_default().is_desired = true;
        }
        self.out.push(Instruction::AskFor(names.clone()));
        names.iter().for_each(|name| self.settle(name));
    }

    fn given_up(&mut self, name: &Name) {
        let Some(entry) = self.entries.get_mut(name).filter(|entry| entry.cell.is_some()) else { return };
        entry.is_given_up = true;
        self.tell(name, Status::Failed(Error::cancelled(OP)));
        self.settle(name);
    }

    fn missing(&mut self, mut names: Vec<Name>) {
        let is_finished =
            |entry: &Entry| matches!(entry.status, Status::Finished) && entry.is_desired && !entry.is_given_up;
        names.retain(|name| self.entries.get(name).is_some_and(is_finished));
        names.iter().for_each(|name| self.tell(name, Status::Pending));
        if !names.is_empty() && self.gone.is_none() {
            self.out.push(Instruction::AskFor(names));
        }
    }

    /// Changes the status of a result that is desired, if the old one is such that it may change.
    fn become_if(&mut self, name: &str, status: Status, may_change: impl Fn(&Status) -> bool) {
        let changes = |entry: &&Entry| {
            entry.is_desired && !entry.is_given_up && may_change(&entry.status) && !same(&entry.status, &status)
        };
        if self.gone.is_none()
            && let Some((name, entry)) = self.entries.get_key_value(name)
            && changes(&entry)
        {
            let name = name.clone();
            self.tell(&name, status);
        }
    }

    /// Changes the status, and tells the futures if there are any.
    fn tell(&mut self, name: &Name, status: Status) {
        let Some(entry) = self.entries.get_mut(name) else { return };
        entry.status = status.clone();
        if let Some(cell) = entry.cell {
            self.out.push(Instruction::Tell { name: name.clone(), cell, status });
        }
    }

    fn forgotten(&mut self, name: &str, reason: &str) {
        let error = || Error::lost(OP, name, format!("the scheduler has given the result up: {reason}"));
        self.become_if(name, Status::Failed(error()), |_| true);
        if let Some(entry) = self.entries.get_mut(name) {
            entry.is_desired = false;
        }
    }

    fn restarted(&mut self) {
        self.open.clear();
        self.swept_submission = self.newest_submission;
        self.sweep(&restart_error(), |_| true);
        let desired = self.entries.iter().filter(|(_, entry)| entry.is_desired);
        let desired: Vec<Name> = desired.map(|(name, _)| name.clone()).collect();
        self.entries.retain(|_, entry| entry.cell.is_some());
        for entry in self.entries.values_mut() {
            (entry.n_pins, entry.is_desired) = (0, false);
        }
        // The scheduler has forgotten them, but for those of chunks that it has read since: it would keep them for ever.
        desired.into_iter().for_each(|name| self.release(name));
    }

    fn scheduler_gone(&mut self, error: Error) {
        self.open.clear();
        self.sweep(&error, |status| matches!(status, Status::Pending));
        self.gone.get_or_insert(error);
    }

    /// Fails those results with futures whose status fits.
    fn sweep(&mut self, error: &Error, fits: impl Fn(&Status) -> bool) {
        let is_meant = |entry: &Entry| entry.cell.is_some() && !entry.is_given_up && fits(&entry.status);
        let meant = self.entries.iter().filter(|(_, entry)| is_meant(entry));
        let names: Vec<Name> = meant.map(|(name, _)| name.clone()).collect();
        names.iter().for_each(|name| self.tell(name, Status::Failed(error.clone())));
    }
}

fn restart_error() -> Error {
    Error::remote(OP, "the scheduler", "the cluster was restarted and all results are gone").with_remedy("submit again")
}

fn same(one: &Status, other: &Status) -> bool {
    matches!((one, other), (Status::Pending, Status::Pending) | (Status::Finished, Status::Finished))
}
