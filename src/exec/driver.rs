//! What all drivers share: the machine, the results in flight, and the handling of one task.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::error::{Error, Result};
use crate::graph::TaskId;

use super::aside::Held;
use super::cancel::CancelToken;
use super::event::{Actions, Event, Run, Slot, Verdict};
use super::job::Job;
use super::memory::Budget;
use super::observe::Watch;
use super::options::RunReport;
use super::spill::SpillStore;
use super::state::State;

/// The operation that errors of a run as a whole are about.
const OP: &str = "run";

/// What a run needs and does not change.
pub(super) struct Context<'a, J> {
    pub(super) job: &'a J,
    pub(super) watch: Option<Watch<'a>>,
    pub(super) cancel: Option<&'a CancelToken>,
    /// Where results go when memory is short.
    pub(super) disk: Option<&'a SpillStore>,
}

/// The machine and the results in flight; whoever holds it decides what happens next.
pub(super) struct Core<'a, J: Job> {
    pub(super) state: State<'a, J>,
    values: Vec<Option<Held<J::Value>>>,
    spilled_bytes: u64,
    error: Option<Error>,
}

/// A task with its inputs.
pub(super) struct Work<V> {
    run: Run,
    inputs: Vec<Held<V>>,
}

/// What became of a task.
pub(super) struct Outcome<V> {
    slot: Slot,
    result: Result<Yield<V>>,
}

/// A result: the value if it is kept, and the bytes it takes then.
struct Yield<V> {
    value: Option<V>,
    bytes: u64,
}

/// What one drive loop carries between the machine and the tasks. It is filled in place: these values are large enough
/// for moving them to be seen in the cost of a task.
pub(super) struct Hand<V> {
    actions: Actions,
    /// The tasks to run, the last one first.
    pub(super) work: Vec<Work<V>>,
    /// The tasks that have run and are not reported yet, the last one first.
    pub(super) outcomes: Vec<Outcome<V>>,
    /// Results that nobody reads: to be recycled when no lock is held.
    garbage: Vec<V>,
}

impl<V> Default for Hand<V> {
    fn default() -> Self {
        Self { actions: Actions::default(), work: Vec::new(), outcomes: Vec::new(), garbage: Vec::new() }
    }
}

impl<'a, J: Job> Core<'a, J> {
    pub(super) fn new(job: &'a J, budget: &Budget) -> Self {
        Self { state: State::new(job, budget), values: Vec::new(), spilled_bytes: 0, error: None }
    }

    /// Reports the tasks that have run.
    pub(super) fn report(&mut self, hand: &mut Hand<J::Value>) {
        while let Some(outcome) = hand.outcomes.pop() {
            self.report_one(outcome, hand);
        }
    }

    fn report_one(&mut self, Outcome { slot, result }: Outcome<J::Value>, hand: &mut Hand<J::Value>) {
        let event = match result {
            Ok(Yield { value, bytes }) => {
                self.keep(slot, value);
                Event::Done { slot, result_bytes: bytes }
            }
            Err(error) => {
                self.error.get_or_insert(error);
                Event::Failed { slot }
            }
        };
        self.handle(event, hand);
    }

    /// Ends the run for a reason outside its tasks; the first reason counts.
    pub(super) fn stop(&mut self, error: Error, hand: &mut Hand<J::Value>) {
        self.error.get_or_insert(error);
        self.handle(Event::Cancel, hand);
    }

    /// Takes up to `max` tasks to run next; tells whether there is one.
    pub(super) fn next(&mut self, context: &Context<'_, J>, hand: &mut Hand<J::Value>, max: usize) -> bool {
        if context.cancel.is_some_and(CancelToken::is_cancelled) && self.error.is_none() {
            self.stop(Error::cancelled(OP), hand);
        }
        self.handle(Event::Want { max }, hand);
        if let Some(disk) = context.disk {
            self.lay_aside(context.job, disk, hand);
        }
        let mut places = hand.actions.inputs.iter();
        for &run in &hand.actions.run {
            let mut inputs = Vec::with_capacity(run.n_inputs);
            for input in places.by_ref().take(run.n_inputs) {
                let place = &mut self.values[input.slot.index()];
                inputs.extend(if input.last { place.take() } else { place.clone() });
            }
            hand.work.push(Work { run, inputs });
        }
        in_order(&mut hand.work);
        !hand.work.is_empty()
    }

    /// Writes results to disk. Nothing runs meanwhile, so nobody waits for the lock but loops that have nothing to do.
    fn lay_aside(&mut self, job: &J, disk: &SpillStore, hand: &mut Hand<J::Value>) {
        for &slot in &hand.actions.lay_aside {
            let Some(Some(held)) = self.values.get_mut(slot.index()) else { continue };
            // The disk is full, or the job knows no bytes for its values: the run goes on with more memory, as without a disk.
            match held.lay_aside(job, disk) {
                Ok(value) => hand.garbage.extend(value),
                Err(_) => self.state.handle(Event::Kept { slot }, &mut Actions::default()),
            }
        }
        self.spilled_bytes = self.spilled_bytes.max(disk.used_bytes());
    }

    /// The result of the run, which must be over.
    pub(super) fn finish(self) -> (RunReport, Option<Error>) {
        let report = RunReport {
            n_tasks: self.state.n_done(),
            peak_bytes: self.state.ledger().peak_bytes(),
            over_budget_starts: self.state.ledger().over_budget_starts(),
            low_bounds: self.state.ledger().low_bounds(),
            peak_records: self.state.peak_records() as u64,
            spilled_bytes: self.spilled_bytes,
        };
        let verdict = self.state.verdict();
        // A plan that announces other numbers of users than it has would keep results for ever.
        debug_assert!(
            verdict == Verdict::Stuck || self.state.ledger().live_bytes() == 0,
            "results are still waited for at the end of the run"
        );
        let error = self.error.or_else(|| {
            let detail = || format!("the scheduler ended as {verdict:?} after {} tasks", report.n_tasks);
            (verdict != Verdict::Finished).then(|| Error::bug(OP, detail()))
        });
        (report, error)
    }

    fn keep(&mut self, slot: Slot, value: Option<J::Value>) {
        let Some(value) = value else { return };
        if self.values.len() <= slot.index() {
            self.values.resize(slot.index() + 1, None);
        }
        self.values[slot.index()] = Some(Held::Here(value));
    }

    /// Hands an event to the machine and collects what it releases.
    fn handle(&mut self, event: Event, hand: &mut Hand<J::Value>) {
        hand.actions.clear();
        self.state.handle(event, &mut hand.actions);
        for release in &hand.actions.release {
            let held = self.values.get_mut(release.slot.index()).and_then(Option::take);
            hand.garbage.extend(held.and_then(Held::here));
        }
    }
}

impl<J: Job> Context<'_, J> {
    /// Runs the tasks at hand; `thread` is for the observer.
    pub(super) fn execute(&self, hand: &mut Hand<J::Value>, thread: usize) {
        while let Some(Work { run, inputs }) = hand.work.pop() {
            let result = match &self.watch {
                None => self.run_task(run, inputs).map(|(done, _)| done),
                Some(watch) => self.run_watched(watch, run, inputs, thread),
            };
            let result = result.map_err(|fault| fault.at(self.job, run.task));
            hand.outcomes.push(Outcome { slot: run.slot, result });
        }
        in_order(&mut hand.outcomes);
    }

    /// Recycles results that nobody reads.
    pub(super) fn discard(&self, hand: &mut Hand<J::Value>) -> Result<()> {
        if hand.garbage.is_empty() {
            return Ok(());
        }
        let recycle_all = || hand.garbage.drain(..).for_each(|value| self.job.recycle(value));
        catch_unwind(AssertUnwindSafe(recycle_all))
            .map_err(|panic| Error::bug(OP, format!("recycling a block panicked: {}", panic_text(&*panic))))
    }

    fn run_watched(
        &self,
        watch: &Watch<'_>,
        run: Run,
        inputs: Vec<Held<J::Value>>,
        thread: usize,
    ) -> Result<Yield<J::Value>, Fault> {
        let (op, _) = self.job.describe(run.task);
        let start = watch.task_started(run.task, &op, thread);
        let done = self.run_task(run, inputs);
        watch.task_finished(&start, done.as_ref().ok().map(|&(_, bytes)| bytes));
        done.map(|(done, _)| done)
    }

    /// Runs a task and delivers its result; the number is the size of the result.
    fn run_task(&self, run: Run, inputs: Vec<Held<J::Value>>) -> Result<(Yield<J::Value>, u64), Fault> {
        let all = || -> Result<_> {
            if inputs.len() != run.n_inputs {
                return Err(Error::bug(OP, "an input was released before its last user"));
            }
            let inputs = inputs.into_iter().map(|held| held.load(self.job)).collect::<Result<_>>()?;
            let value = self.job.run(run.task, inputs)?;
            let bytes = self.job.value_bytes(&value);
            let done = match (run.deliver, run.keep) {
                (true, false) => {
                    self.job.deliver(run.task, value)?;
                    Yield { value: None, bytes: 0 }
                }
                (true, true) => {
                    self.job.deliver(run.task, value.clone())?;
                    Yield { value: Some(value), bytes }
                }
                (false, _) => Yield { value: Some(value), bytes },
            };
            Ok((done, bytes))
        };
        match catch_unwind(AssertUnwindSafe(all)) {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(error)) => Err(Fault::Error(error)),
            Err(panic) => Err(Fault::Panic(panic)),
        }
    }
}

/// How a task failed.
enum Fault {
    Error(Error),
    Panic(Box<dyn Any + Send>),
}

impl Fault {
    /// The error to report, with the place in the plan.
    fn at<J: Job>(self, job: &J, task: TaskId) -> Error {
        let named = catch_unwind(AssertUnwindSafe(|| job.describe(task)));
        let (op, block) = named.unwrap_or_else(|_| ("task".into(), format!("{task:?}")));
        match self {
            Fault::Error(error) => error.at_block(&op, &block),
            Fault::Panic(panic) => Error::task(&op, &block, &format!("it panicked: {}", panic_text(&*panic))),
        }
    }
}

/// Turns a list round, so that `pop` gives its first entry first. Nearly always there is only one.
#[inline]
fn in_order<T>(list: &mut [T]) {
    if list.len() > 1 {
        list.reverse();
    }
}

/// What a panic said.
pub(super) fn panic_text(panic: &(dyn Any + Send)) -> &str {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => text,
        (_, Some(text)) => text,
        _ => "(no text)",
    }
}
