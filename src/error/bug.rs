//! Errors of this crate.

use super::{Error, Kind};

impl Error {
    /// An invariant does not hold.
    pub(crate) fn bug(op: &'static str, detail: impl Into<String>) -> Self {
        Self::new(Kind::Bug, op, detail).with_remedy("this is a fault of hyperslab: please report it")
    }
}
