//! Runs on a dask.distributed scheduler: the wire, and what speaks over it.
//!
//! The scheduler is the stock one, a Python process; workers and clients are this crate. The border between the languages
//! is the socket, and this module is that border: it reads and writes what the scheduler reads and writes.
//!
//! Three words: a *frame* is a run of bytes with a length, a *message* is the list of frames that carries one value, and a
//! *comm* is a connection on which messages travel. Everything that parses bytes is a function on slices, bounded in
//! bytes, depth and count, and knows no sockets. Pickles are read into a tree of data; nothing in them is ever run.
//!
//! It does not make the scheduler safe: whoever can open its port without TLS can run code in it, by its own design.
//!
//! | folder or file | role |
//! |---|---|
//! | `wire/` | frames, msgpack and the values they stand for |
//! | `pickle/` | pickles as data, and the few that have to be written |
//! | `comm/` | sockets, encryption, requests and streams of messages |
//! | `security` | certificates, and what is refused without them |
//! | `client/` | a client: futures of results, graphs of tasks, fetching and sending values |
//! | `worker/` | a worker: its state machine, its messages, its event loop |
//! | `nanny/` | a process that looks after a worker |
//! | `local_cluster/` | a scheduler and workers as processes of this machine |
//! | `engine/` | arrays on a cluster: plans to tasks, tasks to kernels, results to arrays |
//! | `command` | the command line of workers |
//! | `probe` | asking a scheduler who it is |
//! | `bench` | what the benchmarks run |

#[doc(hidden)]
pub mod bench;
pub(crate) mod client;
pub(crate) mod comm;
mod command;
pub(crate) mod engine;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzz;
mod local_cluster;
pub(crate) mod nanny;
pub(crate) mod pickle;
mod probe;
mod security;
pub(crate) mod wire;
pub(crate) mod worker;

pub use client::{Client, ConnectOptions, SubmitOptions};
pub use command::worker_main;
pub use local_cluster::{ClusterOptions, LocalCluster};
pub use probe::SchedulerInfo;
pub use security::{Security, TlsVersion};
