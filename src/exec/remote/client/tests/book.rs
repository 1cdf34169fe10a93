//! The book alone: what it says to what, and what holds whatever happens.

use std::collections::{HashMap, HashSet};

use proptest::prelude::*;

use super::super::book::{Book, Chunk, Event, Instruction, Name, Status};
use crate::error::Error;

fn name(text: &str) -> Name {
    text.into()
}

fn chunk(id: u64, wanted: &[&str], lent: &[&str], spent: &[&str]) -> Chunk {
    let names = |texts: &[&str]| texts.iter().map(|text| name(text)).collect();
    Chunk { id, submission: id, wanted: names(wanted), lent: names(lent), spent: names(spent) }
}

fn show(instruction: &Instruction) -> String {
    let joined = |names: &[Name]| names.join(" ");
    match instruction {
        Instruction::Tell { name, status: Status::Pending, .. } => format!("{name} pending"),
        Instruction::Tell { name, status: Status::Finished, .. } => format!("{name} finished"),
        Instruction::Tell { name, status: Status::Failed(_), .. } => format!("{name} failed"),
        Instruction::Submit(id) => format!("submit {id}"),
        Instruction::Discard(id) => format!("discard {id}"),
        Instruction::Desire(names) => format!("desire {}", joined(names)),
        Instruction::Release(names) => format!("release {}", joined(names)),
        Instruction::AskFor(names) => format!("ask for {}", joined(names)),
    }
}

/// What a book says to some events.
fn told(book: &mut Book, events: impl IntoIterator<Item = Event>) -> Vec<String> {
    events.into_iter().for_each(|event| book.handle(event));
    book.take_instructions().iter().map(show).collect()
}

fn held(text: &str) -> Event {
    Event::Held { name: name(text), cell: 1 }
}

#[test]
fn a_result_is_submitted_finished_and_released() {
    let mut book = Book::default();
    assert_eq!(told(&mut book, [held("x"), Event::Submitted(chunk(1, &["x"], &[], &[]))]), ["submit 1"]);
    assert_eq!(told(&mut book, [Event::Taken(1), Event::InMemory("x".into())]), ["x finished"]);
    assert_eq!(told(&mut book, [Event::InMemory("x".into()), Event::Taken(1)]), [""; 0]);
    assert_eq!(told(&mut book, [Event::Dropped(name("x"))]), ["release x"]);
    assert_eq!(told(&mut book, [Event::InMemory("x".into()), Event::Dropped(name("x"))]), [""; 0]);
    assert_eq!(book.n_results(), 0);
}

#[test]
fn nothing_is_released_before_the_scheduler_has_read_it() {
    let mut book = Book::default();
    let events = [held("x"), Event::Submitted(chunk(1, &["x"], &[], &[])), Event::Dropped(name("x"))];
    assert_eq!(told(&mut book, events), ["submit 1"]);
    assert_eq!(told(&mut book, [Event::Taken(1)]), ["release x"]);
}

#[test]
fn what_later_messages_need_is_kept_until_they_are_read() {
    let mut book = Book::default();
    let first = Event::Submitted(chunk(1, &[], &["a", "b"], &[]));
    let second = Event::Submitted(chunk(2, &["c"], &[], &["a", "b"]));
    assert_eq!(told(&mut book, [held("c"), first, second, Event::Taken(1)]), ["submit 1", "submit 2"]);
    assert_eq!(told(&mut book, [Event::Taken(2)]), ["release a b"]);
}

#[test]
fn released_and_submitted_again_keep_their_order() {
    let mut book = Book::default();
    told(&mut book, [held("x"), Event::Submitted(chunk(1, &["x"], &[], &[])), Event::Taken(1)]);
    let events = [Event::Dropped(name("x")), held("x"), Event::Submitted(chunk(2, &["x"], &[], &[]))];
    assert_eq!(told(&mut book, events), ["release x", "submit 2"]);
}

#[test]
fn given_up_results_fail_and_are_released() {
    let mut book = Book::default();
    told(&mut book, [held("x"), Event::Submitted(chunk(1, &["x"], &[], &[])), Event::Taken(1)]);
    assert_eq!(told(&mut book, [Event::GivenUp(vec![name("x"), name("y")])]), ["x failed", "release x"]);
    assert_eq!(told(&mut book, [Event::InMemory("x".into())]), [""; 0]);
    let again = told(&mut book, [Event::Submitted(chunk(2, &["x"], &[], &[])), Event::InMemory("x".into())]);
    assert_eq!(again, ["x pending", "submit 2", "x finished"]);
}

#[test]
fn lost_and_missing_results_are_waited_for_again() {
    let mut book = Book::default();
    told(&mut book, [held("x"), Event::Submitted(chunk(1, &["x"], &[], &[])), Event::Taken(1)]);
    let x = || "x".to_owned();
    assert_eq!(told(&mut book, [Event::InMemory(x()), Event::Lost(x())]), ["x finished", "x pending"]);
    let missing = || Event::Missing(vec![name("x"), name("y")]);
    assert_eq!(told(&mut book, [missing()]), [""; 0]);
    assert_eq!(told(&mut book, [Event::InMemory(x()), missing()]), ["x finished", "x pending", "ask for x"]);
    assert_eq!(told(&mut book, [Event::Erred(x(), Error::value("x", "no"))]), ["x failed"]);
    assert_eq!(told(&mut book, [Event::Lost(x()), Event::Retried(x())]), ["x pending"]);
    assert_eq!(told(&mut book, [Event::Forgotten(vec![x()], "lost".into())]), ["x failed"]);
    assert_eq!(told(&mut book, [Event::Dropped(name("x"))]), [""; 0]);
}

#[test]
fn results_of_others_are_asked_for() {
    let mut book = Book::default();
    assert_eq!(told(&mut book, [held("x"), Event::Joined(vec![name("x"), name("y")])]), ["desire x", "ask for x"]);
    assert_eq!(told(&mut book, [Event::InMemory("x".into()), Event::Dropped(name("x"))]), ["x finished", "release x"]);
}

#[test]
fn values_that_were_put_on_workers_are_asked_for_and_released() {
    let mut book = Book::default();
    let placed = || Event::Placed(vec![name("x"), name("y")]);
    let early = Event::Forgotten(vec!["x".into()], "its worker died before anybody knew".into());
    // Nobody holds y any more.
    assert_eq!(told(&mut book, [held("x"), early, placed()]), ["ask for x y", "release y"]);
    assert_eq!(told(&mut book, [Event::InMemory("x".into())]), ["x finished"]);
    assert_eq!(told(&mut book, [Event::Forgotten(vec!["x".into()], "lost".into())]), ["x failed"]);
    assert_eq!(told(&mut book, [Event::Dropped(name("x"))]), [""; 0]);
    assert_eq!(told(&mut book, [held("x"), placed(), Event::Dropped(name("x"))]), ["ask for x y", "release y x"]);
    assert_eq!(book.n_results(), 0);
    let gone = Event::Gone(Error::remote("test", "scheduler", "gone"));
    assert_eq!(told(&mut book, [gone, placed()]), [""; 0]);
}

#[test]
fn a_restart_takes_everything_and_the_rest_of_what_was_being_sent() {
    let mut book = Book::default();
    let part = |id, wanted: &[&str]| Event::Submitted(Chunk { submission: 5, ..chunk(id, wanted, &[], &[]) });
    told(&mut book, [held("x"), held("y"), part(1, &["x"])]);
    let mut swept = told(&mut book, [Event::Restarted]);
    swept.sort();
    assert_eq!(swept, ["release x", "x failed", "y failed"]);
    // Its submission has revived it meanwhile.
    assert_eq!(told(&mut book, [part(2, &["y"])]), ["discard 2", "y failed"]);
    let later = told(&mut book, [Event::Submitted(chunk(6, &["x"], &[], &[])), Event::InMemory("x".into())]);
    assert_eq!(later, ["x pending", "submit 6", "x finished"]);
}

#[test]
fn a_restart_before_the_first_submission_takes_nothing() {
    let mut book = Book::default();
    let first = || Event::Submitted(Chunk { submission: 0, ..chunk(0, &["x"], &[], &[]) });
    assert!(told(&mut book, [Event::Restarted]).is_empty());
    assert_eq!(told(&mut book, [held("x"), first()]), ["submit 0"]);
}

#[test]
fn nobody_waits_for_what_a_restart_kept_from_being_sent() {
    let mut book = Book::default();
    let part = |id, wanted: &[&str]| Event::Submitted(Chunk { submission: 5, ..chunk(id, wanted, &[], &[]) });
    told(&mut book, [held("x"), part(1, &["x"]), Event::Restarted]);
    assert_eq!(told(&mut book, [held("y"), part(2, &["y"])]), ["discard 2", "y failed"]);
}

#[test]
fn after_the_end_everything_fails_and_nothing_is_sent() {
    let mut book = Book::default();
    told(&mut book, [held("x"), Event::Submitted(chunk(1, &["x"], &[], &[]))]);
    let gone = || Event::Gone(Error::remote("test", "scheduler", "gone"));
    assert_eq!(told(&mut book, [gone(), gone()]), ["x failed"]);
    let after = [held("z"), Event::Submitted(chunk(2, &["z"], &[], &[])), Event::Dropped(name("x"))];
    assert_eq!(told(&mut book, after), ["z failed", "discard 2"]);
}

/// What may happen at random; numbers are taken modulo what there is.
#[derive(Clone, Debug)]
enum Step {
    Hold(usize),
    Drop(usize),
    /// A submission of two chunks: the first lends to the second.
    Submit(usize, usize),
    GiveUp(usize),
    /// The scheduler reads the oldest message it has not read.
    Read,
    /// It says again that it has read one.
    ReadAgain(usize),
    Join(usize),
    Missing(usize),
    Say(usize, usize),
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let key = 0..6_usize;
    prop_oneof![
        4 => key.clone().prop_map(Step::Hold),
        4 => key.clone().prop_map(Step::Drop),
        4 => (key.clone(), key.clone()).prop_map(|(a, b)| Step::Submit(a, b)),
        1 => key.clone().prop_map(Step::GiveUp),
        8 => Just(Step::Read),
        1 => (0..9_usize).prop_map(Step::ReadAgain),
        1 => key.clone().prop_map(Step::Join),
        1 => key.clone().prop_map(Step::Missing),
        6 => (key, 0..5_usize).prop_map(|(a, what)| Step::Say(a, what)),
        1 => Just(Step::Restart),
    ]
}

/// A scheduler that only remembers what the client desires, and reads messages late.
#[derive(Default)]
struct World {
    book: Book,
    chunks: HashMap<u64, Chunk>,
    unread: std::collections::VecDeque<Instruction>,
    desired: HashSet<Name>,
    /// Futures: what they were told last.
    futures: HashMap<Name, Status>,
    n_chunks: u64,
    is_swept: bool,
}

impl World {
    fn event(&mut self, event: Event) {
        self.book.handle(event);
        for instruction in self.book.take_instructions() {
            match instruction {
                Instruction::Tell { name, status, .. } => {
                    if let Some(known) = self.futures.get_mut(&name) {
                        *known = status;
                    }
                }
                Instruction::Discard(id) => drop(self.chunks.remove(&id)),
                other => self.unread.push_back(other),
            }
        }
    }

    fn submit(&mut self, first: &str, second: &str) {
        self.n_chunks += 1;
        let lent = format!("lent-{}", self.n_chunks);
        let wanted = |text: &str| if self.futures.contains_key(text) { vec![name(text)] } else { Vec::new() };
        let submission = self.n_chunks;
        let parts = [
            Chunk { id: 0, submission, wanted: wanted(first), lent: vec![name(&lent)], spent: Vec::new() },
            Chunk { id: 0, submission, wanted: wanted(second), lent: Vec::new(), spent: vec![name(&lent)] },
        ];
        for part in parts {
            self.n_chunks += 1;
            let part = Chunk { id: self.n_chunks, ..part };
            self.chunks.insert(part.id, part.clone());
            self.event(Event::Submitted(part));
        }
    }

    /// The scheduler reads one message.
    fn read(&mut self) -> Result<(), TestCaseError> {
        match self.unread.pop_front() {
            Some(Instruction::Submit(id)) => {
                let Some(chunk) = self.chunks.get(&id).cloned() else { return Ok(()) };
                let is_known = chunk.spent.iter().all(|name| self.desired.contains(name));
                prop_assert!(is_known || self.is_swept, "{id} needs what has been forgotten");
                self.desired.extend(chunk.wanted.into_iter().chain(chunk.lent));
                self.event(Event::Taken(id));
            }
            Some(Instruction::Desire(names)) => self.desired.extend(names),
            Some(Instruction::Release(names)) => {
                self.desired.retain(|name| !names.contains(name));
            }
            _ => {}
        }
        Ok(())
    }

    fn step(&mut self, step: &Step) -> Result<(), TestCaseError> {
        let key = |i: &usize| name(&format!("k-{i}"));
        match step {
            Step::Hold(i) => {
                let is_new = !self.futures.contains_key(&key(i));
                if is_new {
                    self.futures.insert(key(i), Status::Pending);
                    self.event(Event::Held { name: key(i), cell: 1 });
                }
            }
            Step::Drop(i) => {
                if self.futures.remove(&key(i)).is_some() {
                    self.event(Event::Dropped(key(i)));
                }
            }
            Step::Submit(a, b) => self.submit(&key(a), &key(b)),
            Step::GiveUp(i) => self.event(Event::GivenUp(vec![key(i)])),
            Step::Read => self.read()?,
            Step::ReadAgain(id) => {
                // Only what has been read before may be said to have been read.
                let id = *id as u64;
                let is_unread =
                    self.unread.iter().any(|message| matches!(message, Instruction::Submit(other) if *other == id));
                if id < self.n_chunks && !is_unread {
                    self.event(Event::Taken(id));
                }
            }
            Step::Join(i) => self.event(Event::Joined(vec![key(i)])),
            Step::Missing(i) => self.event(Event::Missing(vec![key(i)])),
            Step::Say(i, what) => {
                let key = key(i).to_string();
                self.event(match what {
                    0 => Event::InMemory(key),
                    1 => Event::Erred(key, Error::value("test", "no")),
                    2 => Event::Lost(key),
                    3 => Event::Retried(key),
                    _ => Event::InMemory(format!("lent-{i}")),
                });
            }
            Step::Restart => {
                self.desired.clear();
                // What was on its way is read by a scheduler that knows nothing.
                self.is_swept = true;
                self.event(Event::Restarted);
            }
        }
        Ok(())
    }
}

proptest! {
    #[test]
    fn nothing_is_desired_for_ever_and_nothing_wanted_is_forgotten(steps in prop::collection::vec(step(), 0..200)) {
        let mut world = World::default();
        for step in &steps {
            world.step(step)?;
        }
        while !world.unread.is_empty() {
            world.read()?;
        }
        if !world.is_swept {
            for (name, status) in &world.futures {
                prop_assert!(!matches!(status, Status::Finished) || world.desired.contains(name), "{name} is finished");
            }
        }
        // Another submission is not disturbed by what was before.
        world.step(&Step::Hold(0))?;
        world.step(&Step::Submit(0, 1))?;
        while !world.unread.is_empty() {
            world.read()?;
        }
        prop_assert!(world.desired.contains("k-0"));
        world.event(Event::InMemory("k-0".into()));
        prop_assert!(matches!(world.futures["k-0"], Status::Finished));
        let names: Vec<Name> = world.futures.keys().cloned().collect();
        for name in names {
            world.futures.remove(&name);
            world.event(Event::Dropped(name));
        }
        while !world.unread.is_empty() {
            world.read()?;
        }
        prop_assert_eq!(world.book.n_results(), 0);
        prop_assert!(world.desired.is_empty(), "{:?} are desired for ever", world.desired);
        world.event(Event::Gone(Error::remote("test", "scheduler", "gone")));
        world.step(&Step::Hold(3))?;
        prop_assert!(matches!(world.futures["k-3"], Status::Failed(_)));
    }
}
