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

    /// The operating system gave no threads.
    pub(crate) fn threads(n_threads: usize, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::new(Kind::Io, "run", format!("{n_threads} threads could not be started: {source}")).with_source(source)
    }
}
