//! Errors of the data: files and blocks that are not what they claim to be.

use std::fmt;

use super::{Error, Kind};

impl Error {
    /// A file or a message does not follow its format.
    pub(crate) fn format(op: &'static str, detail: impl Into<String>) -> Self {
        Self::new(Kind::Format, op, detail)
    }

    /// A block has not the shape or type that the expression promised for it.
    pub(crate) fn block(op: &'static str, what: &str, expected: impl fmt::Display, found: impl fmt::Display) -> Self {
        Self::new(Kind::Format, op, format!("a block has {what} {found} where {expected} was promised"))
    }
}
