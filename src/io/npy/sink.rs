//! Writing `.npy` files.

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::super::file::PositionedFile;
use super::super::raw::{RawSpec, check_inside};
use super::super::runs::Runs;
use super::super::staged::Staged;
use super::super::store::{SharedSink, store};
use super::header::{self, OP};
use super::writer::WriteNpy;
use crate::array::DynArray;
use crate::block::{ArrayMeta, Block, BlockData, BlockLocation, BlockSink, with_block};
use crate::element::Element;
use crate::error::{Error, Result};

/// Computes an array and writes it to an `.npy` file, block by block; a file of that name is replaced when all is written.
///
/// Memory holds the blocks in flight and never the whole array.
///
/// # Errors
/// Chunk sizes are unknown, a block cannot be computed, or the file cannot be written.
///
/// # Examples
/// ```
/// use hyperslab::io::{open_npy, save_npy};
/// use hyperslab::prelude::*;
/// let dir = tempfile::tempdir().expect("a folder");
/// let path = dir.path().join("ones.npy");
/// save_npy(&Array::<f32>::ones([4, 6], Chunks::size(3))?, &path)?;
/// assert_eq!(open_npy(&path, Chunks::auto())?.known_shape()?, [4, 6]);
/// # Ok::<(), hyperslab::Error>(())
/// ```
pub fn save_npy(array: &impl AsRef<DynArray>, path: impl AsRef<Path>) -> Result<()> {
    let array = array.as_ref();
    let sink = Arc::new(NpySink::create(path, array.meta())?);
    store("save_npy", array, &sink)?;
    sink.finish()
}

/// An `.npy` file that blocks are written to, each at its place, by any number of threads.
///
/// The file appears under its name with [`finish`](Self::finish), which checks that all blocks have come; dropped before, it
/// leaves nothing. Each contiguous run of a block is one write, so chunks that are whole along the last axes are the
/// fastest.
/// [`save_npy`] does all of this.
///
/// # Examples
/// ```
/// use std::sync::Arc;
/// use hyperslab::io::NpySink;
/// use hyperslab::prelude::*;
/// let dir = tempfile::tempdir().expect("a folder");
/// let path = dir.path().join("by_hand.npy");
/// let x = Array::<i32>::arange(0, 8, 1, Chunks::size(4))?;
/// let sink = Arc::new(NpySink::create(&path, x.meta())?);
/// x.as_dyn().store(sink.clone())?;
/// assert!(!path.exists());
/// sink.finish()?;
/// assert_eq!(open_npy(&path, Chunks::auto())?.n_elems()?, 8);
/// # Ok::<(), hyperslab::Error>(())
/// ```
#[derive(Debug)]
pub struct NpySink {
    // Dropped before `staged`, so that the file is closed when it is removed.
    target: NpyTarget,
    staged: Staged,
    missing_elems: AtomicU64,
}

/// A file of the right length, open for writing.
#[derive(Debug)]
pub(super) struct NpyTarget {
    file: PositionedFile,
    /// What errors name.
    name: PathBuf,
    spec: RawSpec,
}

impl NpySink {
    /// Makes a file of the right length for an array, under a name of its own until it is finished.
    ///
    /// # Errors
    /// The shape is unknown, the array takes 2^63 bytes or more, or the file cannot be made.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::io::NpySink;
    /// use hyperslab::prelude::*;
    /// let dir = tempfile::tempdir().expect("a folder");
    /// let x = Array::<i32>::arange(0, 8, 1, Chunks::size(4))?;
    /// let unknown = x.mask(&x.gt(3)?)?;
    /// assert!(NpySink::create(dir.path().join("x.npy"), unknown.meta()).unwrap_err().is_unknown_chunks());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn create(path: impl AsRef<Path>, meta: &ArrayMeta) -> Result<Self> {
        let shape = meta.grid.require_shape("save_npy")?;
        let header = header::write(meta.dtype, &shape);
        let spec = RawSpec::new(meta.dtype, shape.clone()).with_offset_bytes(header.len() as u64);
        let end_bytes = spec.end_bytes()?;
        let staged = Staged::new(OP, path.as_ref())?;
        let file = PositionedFile::create(OP, staged.path(), end_bytes)?;
        file.write_all_at(&header, 0).map_err(|error| Error::io(OP, staged.target(), error))?;
        let missing_elems = AtomicU64::new(shape.iter().product());
        Ok(Self { target: NpyTarget::new(file, staged.target(), spec), staged, missing_elems })
    }

    /// Puts the file in its place, once all blocks are written; a file of that name is replaced.
    ///
    /// # Errors
    /// Blocks are missing, or the operating system fails.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::io::NpySink;
    /// use hyperslab::prelude::*;
    /// let dir = tempfile::tempdir().expect("a folder");
    /// let x = Array::<i32>::zeros([6], Chunks::size(3))?;
    /// assert!(NpySink::create(dir.path().join("x.npy"), x.meta())?.finish().is_err());       // no block was written
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn finish(&self) -> Result<()> {
        let missing = self.missing_elems.load(Ordering::Acquire);
        if missing > 0 {
            let detail = format!("{}: {missing} elements were never written", self.staged.target().display());
            return Err(Error::value(OP, detail).with_remedy("write every block before `finish`"));
        }
        self.target.file.sync().map_err(|error| Error::io(OP, self.staged.target(), error))?;
        self.staged.commit(OP)
    }
}

impl NpyTarget {
    pub(super) fn new(file: PositionedFile, name: &Path, spec: RawSpec) -> Self {
        Self { file, name: name.to_path_buf(), spec }
    }

    /// Writes a block at its place; gives the number of its elements.
    pub(super) fn write(&self, at: &BlockLocation, block: &Block) -> Result<u64> {
        let (shape, dtype) = (self.spec.shape(), self.spec.dtype());
        let ranges = at.ranges()?;
        check_inside(OP, at, ranges, shape)?;
        let lens = at.shape().unwrap_or_default();
        if block.shape() != lens || block.dtype() != dtype {
            let expected = format!("{dtype} {lens:?}");
            return Err(Error::block(OP, "type and shape", expected, format!("{} {:?}", block.dtype(), block.shape())));
        }
        with_block!(block, T, data => self.write_typed::<T>(ranges, data))
    }

    fn write_typed<T: Element>(&self, ranges: &[Range<u64>], data: &BlockData<T>) -> Result<u64> {
        let array = data.to_dense()?;
        let array = array.as_standard_layout();
        let elems = array.as_slice().ok_or_else(|| Error::bug(OP, "a row-major array is not one slice"))?;
        let runs = Runs::new(self.spec.shape(), ranges);
        let size_bytes = size_of::<T>() as u64;
        let write = || -> io::Result<()> {
            for (start, run) in runs.starts().zip(elems.chunks_exact((runs.run_elems() as usize).max(1))) {
                self.file.write_all_at(T::as_bytes(run), self.spec.offset_bytes() + start * size_bytes)?;
            }
            Ok(())
        };
        write().map_err(|error| Error::io(OP, &self.name, error))?;
        Ok(elems.len() as u64)
    }
}

impl SharedSink for NpySink {
    type Writer = WriteNpy;

    fn writer(&self) -> WriteNpy {
        WriteNpy::new(self.staged.path(), self.target.spec.clone())
    }

    fn all_written(&self) {
        self.missing_elems.store(0, Ordering::Release);
    }
}

impl BlockSink for NpySink {
    fn format(&self) -> &'static str {
        OP
    }

    fn write(&self, at: &BlockLocation, block: &Block) -> Result<()> {
        let n_elems = self.target.write(at, block)?;
        // A block that is written twice is not a reason to wrap below zero.
        let less = |missing: u64| Some(missing.saturating_sub(n_elems));
        let _ = self.missing_elems.fetch_update(Ordering::AcqRel, Ordering::Acquire, less);
        Ok(())
    }
}
