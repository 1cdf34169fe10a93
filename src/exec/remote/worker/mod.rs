//! A worker on a dask.distributed scheduler.
//!
//! The scheduler orders tasks, says who has their inputs, and is told what became of them. In between a worker decides for
//! itself what to run next, what to fetch from whom, and what of all that is still of use when the orders change, which
//! they do all the time: results are freed while they are computed, tasks are stolen the moment they start, peers die with
//! what was being fetched from them.
//!
//! All these decisions are made by a pure state machine, [`state::Machine`]: it is told [`event::Event`]s and answers with
//! [`event::Instruction`]s. It has no threads, clocks or sockets, so that tests can put any order of events to it.
//!
//! Three words: an *order* is a task that the scheduler wants computed here, a *copy* is a result computed elsewhere that
//! is wanted here, a *ticket* numbers one execution or one transfer.
//!
//! | file | role |
//! |---|---|
//! | `names` `event` | keys, priorities, addresses; what the machine is told and answers |
//! | `task` `tasks` | what is known of a result, and how its state follows from that |
//! | `peers` `ready` `pressure` | who has what, what can start, when memory is short |
//! | `state` `orders` `ends` `start` | the machine: its core, the scheduler's orders, the ends of work, what is started |
//! | `validate` `story` | what always holds; what happened lately |
//!
//! The machine does not hold values: the driver does, and drops what it is told to drop.

mod ends;
mod event;
mod names;
mod orders;
mod peers;
mod pressure;
mod ready;
mod start;
mod state;
mod story;
mod task;
mod tasks;
mod validate;

#[cfg(test)]
mod tests;
