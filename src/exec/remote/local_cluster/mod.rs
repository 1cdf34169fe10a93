//! A scheduler and workers on this machine, which end with the process that started them.
//!
//! ```no_run
//! use hyperslab::exec::remote::LocalCluster;
//! let cluster = LocalCluster::options().workers(3).threads(1).start()?;
//! println!("{}, dashboard at {:?}", cluster.address(), cluster.dashboard());
//! # Ok::<(), hyperslab::Error>(())
//! ```
//!
//! The scheduler is the stock one of `dask.distributed`, a Python process; the workers are processes of this crate. Every
//! child has a *line*, a socket whose other end its parent holds: when it ends, for whatever reason, the child leaves, so
//! that nothing is left behind even by a parent that is killed. All of them listen on this machine only unless told
//! otherwise.
//!
//! | file | role |
//! |---|---|
//! | `options` | what is started, and how |
//! | `python` | which Python; making one |
//! | `child` | processes, their logs and their lines |
//! | `scheduler` | the scheduler's process |
//! | `board` `watch` | who has joined, as the scheduler tells it |
//! | `cluster` | all of it together |

mod board;
mod child;
mod cluster;
mod options;
mod python;
mod scheduler;
mod watch;

pub use cluster::LocalCluster;
pub use options::ClusterOptions;
