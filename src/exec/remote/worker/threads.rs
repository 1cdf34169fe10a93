//! The threads that run tasks.
//!
//! Ordinary threads, as many as the worker has told the scheduler, and not those of the pool that kernels use inside: a
//! kernel that waits for its parts in a pool would start another task on top of itself there. The machine never starts more
//! tasks than there are threads, so that the queue is empty but for moments.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use crate::error::{Error, Result};

/// Kernels recurse over dimensions, user functions over what they like.
const STACK_BYTES: usize = 8 << 20;

/// Is told the number of the thread, from 1.
type Job = Box<dyn FnOnce(u32) + Send>;

/// Threads that take jobs from one queue, until this is dropped and the queue is empty.
#[derive(Debug)]
pub(crate) struct TaskThreads {
    jobs: Sender<Job>,
}

impl TaskThreads {
    pub(crate) fn start(n_threads: usize) -> Result<Self> {
        let (jobs, queue) = channel::<Job>();
        let queue = Arc::new(Mutex::new(queue));
        for number in 1..=n_threads {
            let queue = queue.clone();
            let builder = thread::Builder::new().name(format!("hyperslab-task-{number}")).stack_size(STACK_BYTES);
            let started = builder.spawn(move || work(&queue, number as u32));
            started.map_err(|fault| Error::threads(n_threads, fault))?;
        }
        Ok(Self { jobs })
    }

    /// Runs a job on some thread. A job that panics has only itself to blame: it has to catch that to report it.
    pub(crate) fn run(&self, job: impl FnOnce(u32) + Send + 'static) {
        // The threads end after this end of the queue, so the other end is there.
        drop(self.jobs.send(Box::new(job)));
    }
}

fn work(queue: &Mutex<Receiver<Job>>, number: u32) {
    loop {
        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = job else { return };
        drop(catch_unwind(AssertUnwindSafe(|| job(number))));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_run_side_by_side_and_panics_do_not_end_threads() {
        let threads = TaskThreads::start(2).unwrap();
        threads.run(|_| std::panic::resume_unwind(Box::new("a kernel's panic")));
        threads.run(|_| std::panic::resume_unwind(Box::new("and another")));
        let (here, there) = (channel(), channel());
        threads.run(move |number| {
            here.0.send(number).unwrap();
            there.1.recv().unwrap();
        });
        let (done, is_done) = channel();
        threads.run(move |number| {
            let other = here.1.recv().unwrap();
            there.0.send(()).unwrap();
            done.send([number, other]).unwrap();
        });
        let mut numbers = is_done.recv().unwrap();
        numbers.sort_unstable();
        assert_eq!(numbers, [1, 2]);
    }
}
