//! Errors of a run: failed tasks, cancellation, and other processes that are out of reach.

use super::{Error, Kind};

impl Error {
    /// A task failed: names the operation, the block and what the task said.
    pub(crate) fn task(op: &str, block: &str, message: &str) -> Self {
        Self::new(Kind::Task, op.to_owned(), format!("block {block} failed: {message}"))
    }

    /// The same error, with the block it happened in.
    pub(crate) fn at_block(&self, op: &str, block: &str) -> Self {
        Self::new(self.0.kind, op.to_owned(), format!("block {block}: {self}")).with_source(self.clone())
    }

    /// The run was cancelled before it finished.
    pub(crate) fn cancelled(op: &'static str) -> Self {
        Self::new(Kind::Cancelled, op, "the run was cancelled")
    }
}

/// What only other processes can do wrong.
#[cfg(feature = "remote")]
impl Error {
    /// A task failed on a worker: its name in the cluster, and the worker's own words.
    pub(crate) fn remote_task(key: &str, text: &str) -> Self {
        // Keys of blocks are written as tuples: `('sum-5f3e..09', 0)`.
        let name = key.trim_start_matches(['(', '\'']);
        let op = name.rsplit_once('-').map_or(name, |(op, _)| op);
        Self::new(Kind::Task, op.to_owned(), format!("the task {key} failed on a worker: {text}"))
    }

    /// Another process is out of reach, or went away.
    pub(crate) fn remote(op: &'static str, peer: impl std::fmt::Display, detail: impl std::fmt::Display) -> Self {
        Self::new(Kind::Remote, op, format!("{peer}: {detail}"))
    }

    /// Another process did what it was asked for and failed: its own words follow.
    pub(crate) fn remote_reply(op: &str, peer: impl std::fmt::Display, text: &str) -> Self {
        Self::new(Kind::Remote, op.to_owned(), format!("{peer} answered with an error: {text}"))
    }
}
