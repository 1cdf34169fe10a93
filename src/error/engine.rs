//! Errors of a run: failed tasks and cancellation.

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
