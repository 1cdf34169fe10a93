//! Reading `.npy` files.

use std::path::Path;
use std::sync::Arc;

use super::super::file::{PositionedFile, ReadAt};
use super::super::formats::NpyFile;
use super::super::raw::RawSource;
use super::header::{self, OP};
use crate::array::DynArray;
use crate::block::{ArrayMeta, Block, BlockLocation, BlockSource, SourceSpec};
use crate::chunks::Chunks;
use crate::element::DType;
use crate::error::Result;

/// The array in an `.npy` file, read block by block when it is computed.
///
/// # Chunks
/// Any; blocks that are whole along the last axes (the first ones of a column-major file) are read the fastest.
///
/// # Errors
/// The file cannot be opened, is no `.npy` file, holds elements that arrays cannot hold, or is shorter than its header
/// promises; the chunks do not fit its shape.
///
/// # Examples
/// ```
/// use hyperslab::io::{open_npy, save_npy};
/// use hyperslab::prelude::*;
/// let dir = tempfile::tempdir().expect("a folder");
/// let path = dir.path().join("numbers.npy");
/// save_npy(&Array::<i32>::arange(0, 10, 1, Chunks::size(4))?, &path)?;
/// let numbers: Array<i32> = open_npy(&path, Chunks::size(3))?.try_typed()?;
/// let total: i64 = numbers.sum().scalar()?;
/// assert_eq!(total, 45);
/// # Ok::<(), hyperslab::Error>(())
/// ```
pub fn open_npy(path: impl AsRef<Path>, chunks: impl Into<Chunks>) -> Result<DynArray> {
    array_over(NpySource::open(path)?, chunks.into())
}

/// The lazy array over a source.
pub(super) fn array_over(source: NpySource, chunks: Chunks) -> Result<DynArray> {
    let dtype = source.dtype();
    let grid = chunks.normalize("open_npy", source.shape(), dtype.size_bytes())?;
    let key = source.key();
    Ok(DynArray::from_source(Arc::new(source), ArrayMeta::dense(dtype, grid), Some(key)))
}

/// The array in an `.npy` file. The file stays open; blocks are read from it at any position by any thread.
/// [`open_npy`] makes lazy arrays over it.
///
/// # Examples
/// ```
/// use hyperslab::io::NpySource;
/// use hyperslab::prelude::*;
/// let dir = tempfile::tempdir().expect("a folder");
/// let path = dir.path().join("numbers.npy");
/// save_npy(&Array::<i64>::zeros([2, 5], Chunks::size(4))?, &path)?;
/// let source = NpySource::open(&path)?;
/// assert_eq!((source.dtype(), source.shape()), (DType::I64, &[2, 5][..]));
/// # Ok::<(), hyperslab::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct NpySource(RawSource);

impl NpySource {
    /// Opens a file and reads its header.
    ///
    /// # Errors
    /// The file cannot be opened, is no `.npy` file, holds elements that arrays cannot hold, or is shorter than its header
    /// promises.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// use hyperslab::io::NpySource;
    /// assert!(NpySource::open("no such file.npy").is_err());
    /// ```
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let file = PositionedFile::open(OP, path.as_ref())?;
        let key = file.key();
        Self::over(file.into_shared(), key)
    }

    /// The array in bytes that are open already; `key` stands for the file.
    pub(in crate::io) fn over(data: Arc<dyn ReadAt>, key: u128) -> Result<Self> {
        let spec = header::read(&*data)?;
        Ok(Self(RawSource::over(OP, data, spec, key)?))
    }

    /// The element type.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::io::NpySource;
    /// use hyperslab::prelude::*;
    /// let dir = tempfile::tempdir().expect("a folder");
    /// let path = dir.path().join("numbers.npy");
    /// save_npy(&Array::<f32>::zeros([2], Chunks::auto())?, &path)?;
    /// assert_eq!(NpySource::open(&path)?.dtype(), DType::F32);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn dtype(&self) -> DType {
        self.0.spec().dtype()
    }

    /// The length of each axis.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::io::NpySource;
    /// use hyperslab::prelude::*;
    /// let dir = tempfile::tempdir().expect("a folder");
    /// let path = dir.path().join("numbers.npy");
    /// save_npy(&Array::<f32>::zeros([2, 5], Chunks::auto())?, &path)?;
    /// assert_eq!(NpySource::open(&path)?.shape(), [2, 5]);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn shape(&self) -> &[u64] {
        self.0.spec().shape()
    }

    /// The numbers behind the header.
    pub(in crate::io) fn raw(&self) -> &RawSource {
        &self.0
    }

    /// A number that stands for path, length and time of change of the file: equal keys, equal elements.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::io::NpySource;
    /// use hyperslab::prelude::*;
    /// let dir = tempfile::tempdir().expect("a folder");
    /// let path = dir.path().join("numbers.npy");
    /// save_npy(&Array::<f32>::zeros([2], Chunks::auto())?, &path)?;
    /// assert_eq!(NpySource::open(&path)?.key(), NpySource::open(&path)?.key());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn key(&self) -> u128 {
        self.0.key()
    }
}

impl BlockSource for NpySource {
    fn format(&self) -> &'static str {
        OP
    }

    fn read(&self, at: &BlockLocation) -> Result<Block> {
        self.0.read(at)
    }

    fn scratch_bytes(&self, meta: &ArrayMeta) -> u64 {
        self.0.scratch_bytes(meta)
    }

    fn spec(&self) -> Option<SourceSpec> {
        SourceSpec::of(&NpyFile::new(self.0.path(), self.0.len_bytes(), self.0.spec())).ok()
    }
}
