//! Errors of the machine: memory and disk.

use super::{Error, Kind};

impl Error {
    /// The operating system failed on a path.
    pub(crate) fn io(op: &'static str, path: &std::path::Path, source: std::io::Error) -> Self {
        Self::new(Kind::Io, op, format!("{}: {source}", path.display())).with_source(source)
    }

    /// More memory is needed than there is.
    pub(crate) fn memory(op: &'static str, need_bytes: u64, limit_bytes: u64) -> Self {
        Self::new(Kind::Memory, op, format!("{need_bytes} bytes are needed and the limit is {limit_bytes} bytes"))
    }
}
