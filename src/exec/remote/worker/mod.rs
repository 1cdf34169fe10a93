//! A worker on a dask.distributed scheduler.
//!
//! The scheduler orders tasks, says who has their inputs, and is told what became of them. In between a worker decides for
//! itself what to run next, what to fetch from whom, and what of all that is still of use when the orders change, which
//! they do all the time: results are freed while they are computed, tasks are stolen the moment they start, peers die with
//! what was being fetched from them. All these decisions are made by a pure state machine, [`machine::Machine`]; the rest
//! of this module gives it hands.
//!
//! Three words: an *order* is a task that the scheduler wants computed here, a *copy* is a result computed elsewhere that
//! is wanted here, a *ticket* numbers one execution or one transfer.
//!
//! | file | role |
//! |---|---|
//! | `machine/` | events in, instructions out; no threads, no clock, no sockets |
//! | `messages/` | the protocol's messages as typed values |
//! | `names` | keys, priorities, addresses |
//! | `runner` | what the worker does not know: how to run a task, what its values are |
//! | `store` | values in memory and on disk |
//! | `threads` `task_run` `fetch` `routes` | threads, one task, one transfer and its way |
//! | `process` `latency` `allocator` | what the operating system says, how late the loop is, memory given back |
//! | `server` | what others ask of the worker |
//! | `driver` | the event loop |
//! | `options` `join` `patience` | settings; joining a cluster, and joining it again, with pauses |
//!
//! It runs no Python: tasks are bytes of our own format, which a [`runner::TaskRunner`] reads.

mod allocator;
mod driver;
mod fetch;
mod join;
mod latency;
mod machine;
pub(super) mod messages;
mod names;
mod options;
mod patience;
mod process;
mod routes;
mod runner;
mod server;
mod store;
mod task_run;
mod threads;

#[cfg(test)]
mod tests;

// The engine adapter is built on these.
#[allow(unused_imports)]
pub(crate) use {
    driver::Ended,
    join::{run_worker, stay_joined},
    machine::MemoryLimits,
    names::Key,
    options::WorkerOptions,
    patience::Patience,
    process::{OtherProcess, look_at},
    runner::{Inputs, TaskRunner},
};
