//! Plans as data of other processes: what each task is called, what it reads, and bytes that run it anywhere.
//!
//! A [`RemotePlan`] names the layers of a plan and gives its tasks one by one, inputs before users, in the order in which
//! they should run. A task is a key, the keys of what it reads, and a *payload*: magic, version, the hash of the registry
//! that it was made with, the kernel with its parameters, and the keys of its inputs in the order in which the kernel takes
//! them. Blocks in memory that tasks read in place become tasks of their own, whose payload holds the block, or travel
//! [apart](Apart) from the tasks, which then find them under their keys.
//!
//! ```text
//! ('sum-combine-5f3e..09', 0)  <- ('sum-77a1..c4', 0), ('sum-77a1..c4', 1), ('sum-77a1..c4', 2)
//!    operation   hash   block                                   <- ('memory-e2d0..1b', 2)
//! ```
//!
//! The hash in a key stands for what is computed, contents of blocks in memory included, so equal work has equal keys
//! whoever asks for it, and different work different ones; a cluster computes it once.
//!
//! Blocks that the cluster keeps already ([`HeldBlocks`]) are read by their keys, and have no tasks.
//!
//! On the other side [`Payload`] reads the bytes, with nothing but its own checks to trust. No sockets here, no threads.

mod held;
mod key;
mod payload;
mod tasks;
mod trial;

// What speaks to clusters is a feature.
#[allow(unused_imports)]
pub(crate) use held::HeldBlocks;
#[allow(unused_imports)]
pub(crate) use payload::{MAGIC, Payload};
#[allow(unused_imports)]
pub(crate) use tasks::{Apart, BlockApart, RemotePlan, RemoteTask, Site};
#[allow(unused_imports)]
pub(crate) use trial::{is_trial_result, trial_tasks};
