//! Arrays on a cluster: plans become tasks of workers, and what those send back becomes arrays.
//!
//! ```text
//!   client:  Array ──> Plan ──> RemotePlan ──> tasks as bytes ──┐            ┌──> bytes of results ──> Array
//!                                                               v            │
//!                                                           scheduler ──> workers
//!                                                                            │
//!   worker:                 bytes of a task ──> kernel, run on blocks ──> block, kept and handed on as bytes
//! ```
//!
//! Expressions are optimised here as they are for threads; kernels and the order in which they combine are the same, so
//! that results have the same bits. Arrays in memory are put on workers, or sent with the tasks where they are small or the
//! results stay; files are opened by the workers under the paths that they have here; and results come back block by block,
//! or stay on the cluster with `persist`. Closures cannot be sent.
//!
//! | file | role |
//! |---|---|
//! | `cluster` | what is asked of whoever runs tasks |
//! | `client` | the same of a client of a scheduler |
//! | `submit` | a plan on its way: tasks to the scheduler, blocks of memory to workers |
//! | `trial` | two tasks before anything else |
//! | `run` | one run: results are fetched while others are still computed |
//! | `kept` | persisted arrays, whose blocks stay on the cluster |
//! | `runner` | a worker's part: bytes to kernels, blocks to bytes |
//! | `connect` | runtimes on clusters; `io` has the one that knows the crate's formats |

mod client;
mod cluster;
mod connect;
mod kept;
mod run;
mod runner;
mod submit;
mod trial;

pub(crate) use runner::BlockRunner;
