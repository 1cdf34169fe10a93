//! A small job to be watched, and events made by hand, for the tests of this folder.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::exec::{Job, Observer, RunFinish, RunId, RunOptions, RunReport, RunStart, Runtime, TaskFinish};
use crate::graph::{TaskGraph, TaskId};

/// `n` sources that give their number, and their sum. One of the sources may fail.
pub(super) struct Sum {
    pub(super) n: u64,
    pub(super) fails: Option<u64>,
}

impl Sum {
    /// Runs the job on two threads with an observer; tells whether it succeeded.
    pub(super) fn watched_by(self, observer: Arc<dyn Observer>) -> Result<RunReport> {
        Runtime::local().threads(2).memory(1 << 20).observer(observer).run_job(&self, &RunOptions::new())
    }
}

impl TaskGraph for Sum {
    fn deps(&self, task: TaskId, visit: &mut dyn FnMut(TaskId)) {
        if task.layer() == 1 {
            (0..self.n).for_each(|i| visit(TaskId::new(0, i)));
        }
    }

    fn n_users(&self, task: TaskId) -> u64 {
        u64::from(task.layer() == 0)
    }

    fn users(&self, task: TaskId, visit: &mut dyn FnMut(TaskId)) {
        if task.layer() == 0 {
            visit(TaskId::new(1, 0));
        }
    }

    fn bytes(&self, _task: TaskId) -> u64 {
        8
    }

    fn position(&self, task: TaskId) -> u64 {
        task.index()
    }

    fn n_roots(&self) -> u64 {
        1
    }

    fn root(&self, _i: u64) -> TaskId {
        TaskId::new(1, 0)
    }

    fn is_root(&self, task: TaskId) -> bool {
        task.layer() == 1
    }

    fn n_tasks(&self) -> Option<u64> {
        Some(self.n + 1)
    }
}

impl Job for Sum {
    type Value = u64;

    fn run(&self, task: TaskId, inputs: Vec<u64>) -> Result<u64> {
        match task.layer() {
            0 if self.fails == Some(task.index()) => Err(Error::value("number", "this one fails")),
            0 => Ok(task.index()),
            _ => Ok(inputs.iter().sum()),
        }
    }

    fn value_bytes(&self, _value: &u64) -> u64 {
        8
    }

    fn deliver(&self, _task: TaskId, value: u64) -> Result<()> {
        assert_eq!(value, self.n * (self.n - 1) / 2);
        Ok(())
    }

    fn describe(&self, task: TaskId) -> (String, String) {
        (["number", "sum \"all\""][task.layer() as usize].into(), task.index().to_string())
    }
}

/// Events of one run, made by hand.
pub(super) struct Events<'a> {
    observer: &'a dyn Observer,
    run: RunId,
    n_done: u64,
}

impl<'a> Events<'a> {
    pub(super) fn start(observer: &'a dyn Observer, n_tasks: Option<u64>) -> Self {
        let run = RunId::next();
        observer.run_started(&RunStart { run, n_tasks, n_threads: 2, limit_bytes: 4 << 30 });
        Self { observer, run, n_done: 0 }
    }

    /// A task that ends `end_ns` after the start of the run.
    pub(super) fn task(&mut self, op: &str, end_ns: u64, duration_ns: u64, result_bytes: u64) {
        let task = TaskId::new(3, self.n_done);
        self.n_done += 1;
        self.observer.task_finished(&TaskFinish {
            run: self.run,
            task,
            op,
            thread: 1,
            start_ns: end_ns - duration_ns,
            duration_ns,
            result_bytes,
            failed: false,
        });
    }

    pub(super) fn finish(self, duration_ns: u64, error: Option<&Error>) {
        let report =
            RunReport { n_tasks: self.n_done, peak_bytes: 3 << 20, over_budget_starts: 1, ..RunReport::default() };
        self.observer.run_finished(&RunFinish { run: self.run, report: &report, error, duration_ns });
    }
}
