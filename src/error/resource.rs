//! Errors of the machine: memory and disk.

use super::{Error, Kind, Shown};

impl Error {
    /// The operating system failed on a path.
    pub(crate) fn io(op: &'static str, path: &std::path::Path, source: std::io::Error) -> Self {
        Self::new(Kind::Io, op, format!("{}: {source}", path.display())).with_source(source)
    }

    /// More memory is needed than there is.
    pub(crate) fn memory(op: &'static str, need_bytes: u64, limit_bytes: u64) -> Self {
        Self::new(Kind::Memory, op, format!("{need_bytes} bytes are needed and the limit is {limit_bytes} bytes"))
    }

    /// The machine has no memory for a whole result.
    pub(crate) fn result_too_large(shape: &[usize], elem_bytes: usize) -> Self {
        let bytes = shape.iter().fold(elem_bytes as u128, |bytes, &len| bytes.saturating_mul(len as u128));
        let detail = format!("the machine has no {bytes} bytes for a result of shape {}", Shown(shape));
        Self::new(Kind::Memory, "compute", detail)
            .with_remedy("compute a part or a reduction of it, or store it block by block, as `save_npy` does")
    }

    /// The operating system gave no threads.
    pub(crate) fn threads(n_threads: usize, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::new(Kind::Io, "run", format!("{n_threads} threads could not be started: {source}")).with_source(source)
    }
}
