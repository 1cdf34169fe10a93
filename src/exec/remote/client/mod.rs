//! A client of a dask.distributed scheduler.
//!
//! A client has graphs of tasks run by workers of this crate, and fetches the results. What it knows of results is decided
//! by a pure state machine, [`book::Book`]; the rest of this module gives it hands: a thread with a runtime of its own,
//! which may be waited for from ordinary threads and from any asynchronous runtime.
//!
//! Three words: a *future* is a result that will be on some worker, to *desire* a result is to have the scheduler keep it,
//! to *gather* is to fetch.
//!
//! | file | role |
//! |---|---|
//! | `book` | what is known of results: events in, instructions out |
//! | `chunks` | graphs, cut into messages |
//! | `messages` | the protocol's messages |
//! | `results` `future` | where futures learn how their results stand |
//! | `driver` `core` `handle` | the thread, what it shares, and [`Client`] |
//! | `connect` `options` | reaching a scheduler; settings |
//! | `gather` `scatter` | results and values on their way |
//! | `restart` | having all workers start anew |
//! | `park` | waiting without a runtime |
//!
//! It does not survive its scheduler: what that knew is lost with it, and everything has to be submitted again.

mod book;
mod chunks;
mod connect;
mod core;
mod driver;
mod future;
mod gather;
mod handle;
mod messages;
mod options;
mod park;
mod restart;
mod results;
mod scatter;

#[cfg(test)]
mod tests;

pub(super) use connect::read_scheduler_file;
pub use handle::Client;
pub use options::{ConnectOptions, SubmitOptions};
// The engine adapter is built on these.
#[allow(unused_imports)]
pub(crate) use {crate::graph::wire::RemoteTask, future::RemoteFuture, scatter::ScatterOptions};
