//! `.npy` files through a memory map.
//!
//! A map saves the system calls of many short reads, as of thin slices of a file that stays in the page cache. It pays with
//! a hazard that reading does not have: where the file is cut while it is mapped, the next access kills the process with
//! SIGBUS, and no error can be given. [`open_npy`](super::open_npy) is the choice without that hazard.
//!
//! # Safety
//! Invariants: the map is read-only and lives as long as the source; its bytes are only ever copied out, inside bounds that
//! are checked against its length. What cannot be checked is that nobody changes or cuts the file meanwhile; the caller of
//! [`open_npy_mapped`] promises it.
#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use memmap2::Mmap;

use super::super::file::{PositionedFile, ReadAt};
use super::header::OP;
use super::source::{NpySource, array_over};
use crate::array::DynArray;
use crate::chunks::Chunks;
use crate::error::{Error, Result};

/// The array in an `.npy` file, read through a memory map instead of system calls.
///
/// # Safety
/// Nobody changes or cuts the file while the array or anything made from it lives. A file that is cut kills the process.
///
/// # Errors
/// As [`open_npy`](super::open_npy).
///
/// # Examples
/// ```
/// use hyperslab::io::open_npy_mapped;
/// use hyperslab::prelude::*;
/// let dir = tempfile::tempdir().expect("a folder");
/// let path = dir.path().join("numbers.npy");
/// save_npy(&Array::<i64>::arange(0, 10, 1, Chunks::size(4))?, &path)?;
/// // SAFETY: nobody else knows the file.
/// let mapped = unsafe { open_npy_mapped(&path, Chunks::size(3)) }?;
/// assert_eq!(mapped.try_typed::<i64>()?.sum().scalar()?, 45);
/// # Ok::<(), hyperslab::Error>(())
/// ```
pub unsafe fn open_npy_mapped(path: impl AsRef<Path>, chunks: impl Into<Chunks>) -> Result<DynArray> {
    let path = path.as_ref();
    let key = PositionedFile::open(OP, path)?.key();
    let open = || -> io::Result<Mmap> {
        let file = File::open(path)?;
        // SAFETY: the caller promises that the file is neither changed nor cut while the map lives.
        unsafe { Mmap::map(&file) }
    };
    let map = open().map_err(|error| Error::io(OP, path, error))?;
    let source = NpySource::over(Arc::new(MappedFile { map, path: path.to_path_buf() }), key)?;
    array_over(source, chunks.into())
}

/// The bytes of a file in the address space.
#[derive(Debug)]
struct MappedFile {
    map: Mmap,
    path: PathBuf,
}

impl ReadAt for MappedFile {
    fn path(&self) -> &Path {
        &self.path
    }

    fn len_bytes(&self) -> u64 {
        self.map.len() as u64
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let start = usize::try_from(offset).map_err(|_| io::ErrorKind::UnexpectedEof)?;
        let end = start.checked_add(buffer.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        let bytes = self.map.get(start..end).ok_or(io::ErrorKind::UnexpectedEof)?;
        buffer.copy_from_slice(bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::array::Array;
    use crate::io::{open_npy, save_npy};

    #[test]
    fn a_map_reads_what_a_file_reads() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.npy");
        let array = Array::<f64>::arange(0.0, 60.0, 1.0, Chunks::size(7)).unwrap().reshape([5, 12]).unwrap();
        save_npy(&array, &path).unwrap();
        let read = open_npy(&path, Chunks::from((2, 5))).unwrap().try_typed::<f64>().unwrap();
        // SAFETY: nobody else knows the file.
        let mapped = unsafe { open_npy_mapped(&path, Chunks::from((2, 5))) }.unwrap().try_typed::<f64>().unwrap();
        assert_eq!(mapped.compute().unwrap(), read.compute().unwrap());
    }
}
