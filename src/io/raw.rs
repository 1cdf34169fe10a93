//! Numbers in a file and nothing else: the reader behind `.npy`, and for files whose layout is known from elsewhere.
//!
//! A block is read straight into its memory, with one system call where it is contiguous in the file. Runs that lie close
//! together are read in one go, with the bytes between them, through a small buffer. A column-major file is read like the
//! row-major file of the reversed axes, and its blocks are given with reversed strides.

use std::fmt::Debug;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use ndarray::{ArrayD, IxDyn};
use serde::{Deserialize, Serialize};

use super::file::{PositionedFile, ReadAt};
use super::formats::RawFile;
use super::runs::Runs;
use crate::array::DynArray;
use crate::block::{ArrayMeta, Block, BlockLocation, BlockSource, SourceSpec, fresh};
use crate::chunks::Chunks;
use crate::element::bytes::swap_byte_order;
use crate::element::dispatch::dispatch;
use crate::element::{DType, Element};
use crate::error::{Error, Result, Shown};

/// Runs with at most this many bytes between them are read together: reading them costs less than another call.
const MAX_GAP_BYTES: u64 = 4 << 10;
/// The most that is read in one go where runs are read together.
const MAX_SPAN_BYTES: u64 = 1 << 20;

/// How numbers lie in a file.
///
/// ```
/// use hyperslab::element::DType;
/// use hyperslab::io::RawSpec;
/// let spec = RawSpec::new(DType::F32, [3, 4]).with_offset_bytes(16).column_major();
/// assert_eq!(spec.end_bytes()?, 16 + 3 * 4 * 4);
/// # Ok::<(), hyperslab::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RawSpec {
    dtype: DType,
    shape: Vec<u64>,
    offset_bytes: u64,
    big_endian: bool,
    column_major: bool,
}

impl RawSpec {
    /// Little-endian numbers in row-major order from the start of the file.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::element::DType;
    /// use hyperslab::io::RawSpec;
    /// assert_eq!(RawSpec::new(DType::I16, [3, 4]).end_bytes()?, 24);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn new(dtype: DType, shape: impl Into<Vec<u64>>) -> Self {
        Self { dtype, shape: shape.into(), offset_bytes: 0, big_endian: false, column_major: false }
    }

    /// The numbers start after `offset_bytes` bytes.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::element::DType;
    /// use hyperslab::io::RawSpec;
    /// assert_eq!(RawSpec::new(DType::I16, [3, 4]).with_offset_bytes(512).end_bytes()?, 536);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn with_offset_bytes(mut self, offset_bytes: u64) -> Self {
        self.offset_bytes = offset_bytes;
        self
    }

    /// The bytes of each number are stored from the highest to the lowest.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::io::{RawSpec, open_raw};
    /// use hyperslab::prelude::*;
    /// let dir = tempfile::tempdir().expect("a folder");
    /// let path = dir.path().join("numbers.bin");
    /// std::fs::write(&path, [0, 1, 1, 0]).expect("a file");
    /// let spec = RawSpec::new(DType::U16, [2]).big_endian();
    /// assert_eq!(open_raw(&path, spec, 1)?.try_typed::<u16>()?.compute()?, ndarray::arr1(&[1, 256]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn big_endian(mut self) -> Self {
        self.big_endian = true;
        self
    }

    /// The first axis varies fastest (Fortran's order).
    ///
    /// # Examples
    /// ```
    /// use hyperslab::io::{RawSpec, open_raw};
    /// use hyperslab::prelude::*;
    /// let dir = tempfile::tempdir().expect("a folder");
    /// let path = dir.path().join("numbers.bin");
    /// std::fs::write(&path, [1, 2, 3, 4]).expect("a file");
    /// let spec = RawSpec::new(DType::U8, [2, 2]).column_major();
    /// let x = open_raw(&path, spec, Chunks::auto())?.try_typed::<u8>()?;
    /// assert_eq!(x.compute()?, ndarray::arr2(&[[1, 3], [2, 4]]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn column_major(mut self) -> Self {
        self.column_major = true;
        self
    }

    /// The element type.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::element::DType;
    /// use hyperslab::io::RawSpec;
    /// assert_eq!(RawSpec::new(DType::I16, [3, 4]).dtype(), DType::I16);
    /// ```
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// The length of each axis.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::element::DType;
    /// use hyperslab::io::RawSpec;
    /// assert_eq!(RawSpec::new(DType::I16, [3, 4]).shape(), [3, 4]);
    /// ```
    pub fn shape(&self) -> &[u64] {
        &self.shape
    }

    /// The number of bytes before the first number.
    pub(super) fn offset_bytes(&self) -> u64 {
        self.offset_bytes
    }

    /// Where the numbers end: the least length of a file that holds them.
    ///
    /// # Errors
    /// The end lies beyond 2^63.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::element::DType;
    /// use hyperslab::io::RawSpec;
    /// assert_eq!(RawSpec::new(DType::F64, [2, 5]).end_bytes()?, 80);
    /// assert!(RawSpec::new(DType::F64, [1 << 40, 1 << 40]).end_bytes().is_err());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn end_bytes(&self) -> Result<u64> {
        let size_bytes = self.dtype.size_bytes() as u64;
        // An axis of length zero does not excuse the others: blocks of such an array must have sensible shapes too.
        let mut lens = self.shape.iter().filter(|&&len| len > 0);
        let n_bytes = lens.try_fold(size_bytes, |n, &len| n.checked_mul(len));
        let n_bytes = if self.shape.contains(&0) { n_bytes.map(|_| 0) } else { n_bytes };
        n_bytes.and_then(|n| n.checked_add(self.offset_bytes)).filter(|&end| i64::try_from(end).is_ok()).ok_or_else(
            || {
                let (shape, dtype) = (Shown(&self.shape), self.dtype);
                Error::format("raw", format!("an array of shape {shape} and type {dtype} exceeds 2^63 bytes"))
            },
        )
    }
}

/// The array of numbers in a file, read block by block when it is computed.
///
/// # Errors
/// The file cannot be opened or is too short; the chunks do not fit the shape.
///
/// # Examples
/// ```
/// use hyperslab::io::{RawSpec, open_raw};
/// use hyperslab::prelude::*;
/// let dir = tempfile::tempdir().expect("a folder");
/// let path = dir.path().join("bytes.bin");
/// std::fs::write(&path, [0, 1, 2, 3, 4, 5]).expect("a file");
/// let bytes: Array<u8> = open_raw(&path, RawSpec::new(DType::U8, [2, 3]), Chunks::size(2))?.try_typed()?;
/// let total: u64 = bytes.sum().scalar()?;
/// assert_eq!(total, 15);
/// # Ok::<(), hyperslab::Error>(())
/// ```
pub fn open_raw(path: impl AsRef<Path>, spec: RawSpec, chunks: impl Into<Chunks>) -> Result<DynArray> {
    let source = RawSource::open(path, spec)?;
    let dtype = source.spec.dtype;
    let grid = chunks.into().normalize("open_raw", &source.spec.shape, dtype.size_bytes())?;
    let key = source.key;
    Ok(DynArray::from_source(Arc::new(source), ArrayMeta::dense(dtype, grid), Some(key)))
}

/// An array of numbers in a file.
/// [`open_raw`] makes lazy arrays over it.
///
/// # Examples
/// ```
/// use hyperslab::io::{RawSource, RawSpec};
/// use hyperslab::prelude::*;
/// let dir = tempfile::tempdir().expect("a folder");
/// let path = dir.path().join("numbers.bin");
/// std::fs::write(&path, [1, 2, 3]).expect("a file");
/// let source = RawSource::open(&path, RawSpec::new(DType::U8, [3]))?;
/// assert_eq!(source.spec().shape(), [3]);
/// assert!(RawSource::open(&path, RawSpec::new(DType::U8, [4])).is_err());          // too short
/// # Ok::<(), hyperslab::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct RawSource {
    format: &'static str,
    data: Arc<dyn ReadAt>,
    spec: RawSpec,
    key: u128,
}

impl RawSource {
    /// Opens a file that holds numbers as `spec` says. The file stays open, and nothing of it is read yet.
    ///
    /// # Errors
    /// The file cannot be opened, or is too short.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::Chunks;
    /// use hyperslab::block::{BlockLocation, BlockSource};
    /// use hyperslab::element::DType;
    /// use hyperslab::io::{RawSource, RawSpec};
    /// let dir = tempfile::tempdir().expect("a folder");
    /// let path = dir.path().join("bytes.bin");
    /// std::fs::write(&path, [0, 1, 2, 3, 4, 5]).expect("a file");
    /// let source = RawSource::open(&path, RawSpec::new(DType::U8, [2, 3]))?;
    /// let grid = Chunks::from((2, 2)).grid_for(&[2, 3], 1)?;
    /// let block = source.read(&BlockLocation::new(&grid, 1))?;
    /// assert_eq!(block.dense::<u8>()?, ndarray::arr2(&[[2], [5]]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn open(path: impl AsRef<Path>, spec: RawSpec) -> Result<Self> {
        let file = PositionedFile::open("raw", path.as_ref())?;
        let key = crate::graph::Name::of(&(file.key(), &spec)).bits();
        Self::over("raw", file.into_shared(), spec, key)
    }

    /// A source over bytes that are open already.
    pub(super) fn over(format: &'static str, data: Arc<dyn ReadAt>, spec: RawSpec, key: u128) -> Result<Self> {
        let (path, shape, dtype, len) = (data.path().display(), Shown(&spec.shape), spec.dtype, data.len_bytes());
        let need = match spec.end_bytes() {
            Ok(end) if end <= len => return Ok(Self { format, data, spec, key }),
            Ok(end) => format!("{end} bytes"),
            Err(_) => "more than 2^63 bytes".to_owned(),
        };
        Err(Error::format(format, format!("{path}: shape {shape} of {dtype} needs {need} and the file has {len}")))
    }

    /// How the numbers lie in the file.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::io::{RawSource, RawSpec};
    /// use hyperslab::prelude::*;
    /// let dir = tempfile::tempdir().expect("a folder");
    /// let path = dir.path().join("numbers.bin");
    /// std::fs::write(&path, [1, 2, 3]).expect("a file");
    /// assert_eq!(RawSource::open(&path, RawSpec::new(DType::U8, [3]))?.spec().dtype(), DType::U8);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn spec(&self) -> &RawSpec {
        &self.spec
    }

    /// A number that stands for path, length, time of change and layout of the file: equal keys, equal elements.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::io::{RawSource, RawSpec};
    /// use hyperslab::prelude::*;
    /// let dir = tempfile::tempdir().expect("a folder");
    /// let path = dir.path().join("numbers.bin");
    /// std::fs::write(&path, [1, 2, 3]).expect("a file");
    /// let key = |n| Ok::<_, Error>(RawSource::open(&path, RawSpec::new(DType::U8, [n]))?.key());
    /// assert!(key(3)? == key(3)? && key(3)? != key(2)?);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn key(&self) -> u128 {
        self.key
    }

    /// Where the file is.
    pub(super) fn path(&self) -> &Path {
        self.data.path()
    }

    /// The length of the file when it was opened.
    pub(super) fn len_bytes(&self) -> u64 {
        self.data.len_bytes()
    }

    fn read_typed<T: Element>(&self, at: &BlockLocation, ranges: &[Range<u64>]) -> Result<Block> {
        let lens: Vec<usize> = ranges.iter().map(|range| (range.end - range.start) as usize).collect();
        let mut elems = fresh::<T>(lens.iter().product())?;
        let fault = |error| self.fault(at, error);
        if self.spec.column_major {
            let reversed = |values: &[u64]| values.iter().rev().copied().collect::<Vec<_>>();
            let ranges: Vec<_> = ranges.iter().rev().cloned().collect();
            self.fill(&Runs::new(&reversed(&self.spec.shape), &ranges), &mut elems).map_err(fault)?;
        } else {
            self.fill(&Runs::new(&self.spec.shape, ranges), &mut elems).map_err(fault)?;
        }
        if self.spec.big_endian != cfg!(target_endian = "big") {
            swap_byte_order(&mut elems);
        }
        let array = if self.spec.column_major {
            let reversed: Vec<usize> = lens.iter().rev().copied().collect();
            ArrayD::from_shape_vec(IxDyn(&reversed), elems).map(ArrayD::reversed_axes)
        } else {
            ArrayD::from_shape_vec(IxDyn(&lens), elems)
        };
        array.map(Block::from_dense).map_err(|error| Error::bug(self.format, error.to_string()))
    }

    /// Reads all runs, one after the other, into `elems`.
    fn fill<T: Element>(&self, runs: &Runs, elems: &mut [T]) -> io::Result<()> {
        let size_bytes = size_of::<T>() as u64;
        let run_bytes = runs.run_elems() * size_bytes;
        let mut scratch = Vec::new();
        let mut starts = runs.starts().map(|start| self.spec.offset_bytes + start * size_bytes).peekable();
        let mut rest = elems;
        let mut group = Vec::new();
        while let Some(first) = starts.next() {
            group.clear();
            group.push(0);
            let mut end = first + run_bytes;
            let joins = |next: u64, end: u64| next - end <= MAX_GAP_BYTES && next + run_bytes - first <= MAX_SPAN_BYTES;
            while let Some(next) = starts.next_if(|&next| joins(next, end)) {
                group.push((next - first) as usize);
                end = next + run_bytes;
            }
            let (part, others) = rest.split_at_mut(group.len() * runs.run_elems() as usize);
            rest = others;
            match (group.len(), T::as_bytes_mut(part)) {
                (1, Some(bytes)) => self.data.read_exact_at(bytes, first)?,
                (1, None) => self.read_pieces(part, first, &mut scratch)?,
                _ => {
                    scratch.resize((end - first) as usize, 0);
                    self.data.read_exact_at(&mut scratch, first)?;
                    let runs_of_part = part.chunks_exact_mut(runs.run_elems() as usize);
                    for (run, &offset) in runs_of_part.zip(&group) {
                        T::copy_from_bytes(run, &scratch[offset..offset + run_bytes as usize]);
                    }
                }
            }
        }
        Ok(())
    }

    /// Reads one run of elements whose bytes must be looked at.
    fn read_pieces<T: Element>(&self, run: &mut [T], first: u64, scratch: &mut Vec<u8>) -> io::Result<()> {
        let mut at = first;
        for piece in run.chunks_mut(MAX_SPAN_BYTES as usize / size_of::<T>()) {
            scratch.resize(size_of_val(piece), 0);
            self.data.read_exact_at(scratch, at)?;
            T::copy_from_bytes(piece, scratch);
            at += scratch.len() as u64;
        }
        Ok(())
    }

    fn fault(&self, at: &BlockLocation, error: io::Error) -> Error {
        let path = self.data.path();
        if error.kind() != io::ErrorKind::UnexpectedEof {
            return Error::io(self.format, path, error);
        }
        let detail = format!("{}: the file ends inside block {at}", path.display());
        Error::format(self.format, detail)
            .with_remedy(format!("it had {} bytes when it was opened and has been cut since", self.data.len_bytes()))
    }
}

impl BlockSource for RawSource {
    fn format(&self) -> &'static str {
        self.format
    }

    fn read(&self, at: &BlockLocation) -> Result<Block> {
        let ranges = at.ranges()?;
        check_inside(self.format, at, ranges, &self.spec.shape)?;
        dispatch!(self.spec.dtype, T => self.read_typed::<T>(at, ranges))
    }

    fn scratch_bytes(&self, _meta: &ArrayMeta) -> u64 {
        MAX_SPAN_BYTES
    }

    fn spec(&self) -> Option<SourceSpec> {
        SourceSpec::of(&RawFile::new(self.path(), self.len_bytes(), &self.spec)).ok()
    }
}

/// A block must lie inside the array of its source.
pub(super) fn check_inside(op: &'static str, at: &BlockLocation, ranges: &[Range<u64>], shape: &[u64]) -> Result<()> {
    let inside = ranges.len() == shape.len() && ranges.iter().zip(shape).all(|(range, &len)| range.end <= len);
    if inside {
        return Ok(());
    }
    let detail = format!("block {at} lies outside the array of shape {}", Shown(shape));
    Err(Error::shape(op, detail).with_remedy("give the grid the shape of the file"))
}

#[cfg(test)]
mod tests {
    use ndarray::Dimension;
    use proptest::prelude::*;

    use super::*;
    use crate::chunks::{AxisChunks, Grid};

    /// Every block of a cut, beside the block that the whole array says it should be.
    fn check(source: &RawSource, whole: &ArrayD<i32>, cuts: &[u64]) {
        let grid: Grid = whole.shape().iter().zip(cuts).map(|(&n, &c)| AxisChunks::regular(n as u64, c)).collect();
        for number in 0..grid.n_blocks() {
            let at = BlockLocation::new(&grid, number);
            let mut expected = whole.view();
            for (axis, range) in at.ranges().unwrap().iter().enumerate() {
                let slice = ndarray::Slice::from(range.start as usize..range.end as usize);
                expected.slice_axis_inplace(ndarray::Axis(axis), slice);
            }
            assert_eq!(source.read(&at).unwrap().dense::<i32>().unwrap(), expected);
        }
    }

    proptest! {
        #[test]
        fn any_cut_of_any_order_reads_the_same(
            axes in prop::collection::vec((0usize..7, 1u64..8), 0..4),
            (offset, big, column, far) in (0u64..9, any::<bool>(), any::<bool>(), any::<bool>()),
        ) {
            // A long last axis puts runs too far apart to be read together.
            let last = if far { 1500 } else { 1 };
            let mut shape: Vec<usize> = axes.iter().map(|axis| axis.0).collect();
            let mut cuts: Vec<u64> = axes.iter().map(|axis| axis.1).collect();
            shape.push(last);
            cuts.push(7 * last as u64 / 8 + 1);
            let n: usize = shape.iter().product();
            let whole = ArrayD::from_shape_fn(IxDyn(&shape), |i| i.as_array_view().iter().fold(7, |h, &i| h * 31 + i as i32));
            let stored: Vec<i32> = if column {
                whole.t().iter().copied().collect()
            } else {
                whole.iter().copied().collect()
            };
            prop_assert_eq!(stored.len(), n);
            let mut bytes = vec![0xAA; offset as usize];
            let to_bytes = |x: &i32| if big { x.to_be_bytes() } else { x.to_le_bytes() };
            bytes.extend(stored.iter().flat_map(to_bytes));
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), bytes).unwrap();
            let shape: Vec<u64> = shape.iter().map(|&n| n as u64).collect();
            let mut spec = RawSpec::new(DType::I32, shape).with_offset_bytes(offset);
            spec = if big { spec.big_endian() } else { spec };
            spec = if column { spec.column_major() } else { spec };
            check(&RawSource::open(file.path(), spec).unwrap(), &whole, &cuts);
        }
    }

    #[test]
    fn sizes_are_checked_before_anything_is_read() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), [0; 24]).unwrap();
        let open = |spec| RawSource::open(file.path(), spec);
        assert!(open(RawSpec::new(DType::F64, [3])).is_ok());
        let error = open(RawSpec::new(DType::F64, [3]).with_offset_bytes(1)).unwrap_err();
        assert!(error.to_string().contains("needs 25 bytes and the file has 24"), "{error}");
        assert!(open(RawSpec::new(DType::F64, [1 << 40, 1 << 40])).unwrap_err().to_string().contains("2^63"));
        assert!(open(RawSpec::new(DType::F64, [0, 1 << 62, 1 << 62])).unwrap_err().to_string().contains("2^63"));
        assert!(open(RawSpec::new(DType::U8, [24]).with_offset_bytes(u64::MAX)).is_err());
        let other = BlockLocation::new(&Grid::single(&[4]), 0);
        assert!(open(RawSpec::new(DType::F64, [3])).unwrap().read(&other).unwrap_err().is_shape());
    }

    #[test]
    fn long_bool_runs_are_read_in_pieces() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let bytes: Vec<u8> = (0..3 << 20).map(|i| (i % 7 == 0) as u8 * (1 + (i % 251) as u8)).collect();
        std::fs::write(file.path(), &bytes).unwrap();
        let source = RawSource::open(file.path(), RawSpec::new(DType::Bool, [3 << 20])).unwrap();
        let block = source.read(&BlockLocation::new(&Grid::single(&[3 << 20]), 0)).unwrap();
        assert!(block.dense::<bool>().unwrap().iter().zip(&bytes).all(|(&elem, &byte)| elem == (byte != 0)));
    }
}
