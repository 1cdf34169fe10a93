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
    /// A task failed on a worker: its key, which names operation and block, and the worker's own words.
    pub(crate) fn remote_task(key: &str, text: &str) -> Self {
        let (op, block) = op_and_block(key);
        Self::new(Kind::Task, op.to_owned(), format!("block {block} failed on a worker: {text}"))
    }

    /// Another process is out of reach, or went away.
    pub(crate) fn remote(op: &'static str, peer: impl std::fmt::Display, detail: impl std::fmt::Display) -> Self {
        Self::new(Kind::Remote, op, format!("{peer}: {detail}"))
    }

    /// The same error, with the process that it is about.
    pub(crate) fn at_peer(&self, peer: &str) -> Self {
        Self::new(self.0.kind, "submit", format!("{peer}: {self}")).with_source(self.clone())
    }

    /// A result is gone, and nobody can make it from what there is.
    pub(crate) fn lost(op: &'static str, key: &str, detail: impl std::fmt::Display) -> Self {
        Self::new(Kind::Lost, op, format!("{key}: {detail}"))
    }

    /// Whether a result is gone that nobody can make from what there is.
    pub(crate) fn is_lost(&self) -> bool {
        self.0.kind == Kind::Lost
    }

    /// Another process did what it was asked for and failed: its own words follow.
    pub(crate) fn remote_reply(op: &str, peer: impl std::fmt::Display, text: &str) -> Self {
        Self::new(Kind::Remote, op.to_owned(), format!("{peer} answered with an error: {text}"))
    }
}

/// What a key in the cluster says: `('sum-0f3c', 1, 0)` is block `(1, 0)` of a sum. Other keys stand for themselves.
#[cfg(feature = "remote")]
fn op_and_block(key: &str) -> (&str, String) {
    let inside = key.strip_prefix("('").and_then(|rest| rest.strip_suffix(')'));
    let (group, block) = match inside.and_then(|inside| inside.split_once('\'')) {
        Some((group, index)) => (group, format!("({})", index.trim_matches([',', ' ']))),
        None => (key, key.to_owned()),
    };
    (group.rsplit_once('-').map_or(group, |(op, _)| op), block)
}

#[cfg(all(test, feature = "remote"))]
mod tests {
    use super::*;

    #[test]
    fn keys_name_operation_and_block() {
        assert_eq!(op_and_block("('mean-of-0f3c', 1, 0)"), ("mean-of", "(1, 0)".into()));
        assert_eq!(op_and_block("('sum-0f3c',)"), ("sum", "()".into()));
        assert_eq!(op_and_block("sum-1"), ("sum", "sum-1".into()));
        assert_eq!(op_and_block("('x"), ("('x", "('x".into()));
        let error = Error::remote_task("('sum-0f3c', 2)", "ValueError: no");
        assert_eq!(error.to_string(), "sum: block (2) failed on a worker: ValueError: no");
    }
}
