//! Reading Zarr arrays.

use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use ndarray::{ArrayD, IxDyn};

use super::super::file::ReadAt;
use super::super::formats::ZarrFolder;
use super::super::raw::check_inside;
use super::super::runs::Runs;
use super::OP;
use super::codec::Scratch;
use super::meta::ZarrMeta;
use super::shard::Shards;
use super::store::Store;
use crate::array::DynArray;
use crate::block::{ArrayMeta, Block, BlockLocation, BlockSource, SourceSpec, fresh};
use crate::chunks::{AxisSpec, Chunks};
use crate::config::Config;
use crate::element::dispatch::dispatch;
use crate::element::{DType, Element};
use crate::error::{Error, Result, Shown};

/// The Zarr array in a folder, read block by block when it is computed.
///
/// # Chunks
/// Multiples of the stored chunks (of the inner ones, where chunks are shards), near the byte target of
/// [`Config`](crate::config::Config).
///
/// # Errors
/// The folder cannot be read, holds no array, or one whose element type, grid or codecs are not supported.
///
/// # Examples
/// ```
/// use hyperslab::io::{open_zarr, save_zarr};
/// use hyperslab::prelude::*;
/// let dir = tempfile::tempdir().expect("a folder");
/// let path = dir.path().join("numbers.zarr");
/// save_zarr(&Array::<i32>::arange(0, 10, 1, Chunks::size(4))?, &path)?;
/// let numbers: Array<i32> = open_zarr(&path)?.try_typed()?;
/// let total: i64 = numbers.sum().scalar()?;
/// assert_eq!(total, 45);
/// # Ok::<(), hyperslab::Error>(())
/// ```
pub fn open_zarr(path: impl AsRef<Path>) -> Result<DynArray> {
    let source = ZarrSource::open(path)?;
    let chunks = source.default_chunks(Config::global().chunk_bytes());
    array_over(source, &chunks)
}

/// [`open_zarr`] with chunks of one's own. Blocks that cut stored chunks cost the decoding of those chunks once for each.
///
/// # Errors
/// As [`open_zarr`], and the chunks do not fit the shape.
///
/// # Examples
/// ```
/// use hyperslab::io::{open_zarr_with, save_zarr};
/// use hyperslab::prelude::*;
/// let dir = tempfile::tempdir().expect("a folder");
/// let path = dir.path().join("numbers.zarr");
/// save_zarr(&Array::<i32>::arange(0, 10, 1, Chunks::size(4))?, &path)?;
/// assert_eq!(open_zarr_with(&path, 5)?.n_blocks(), 2);
/// # Ok::<(), hyperslab::Error>(())
/// ```
pub fn open_zarr_with(path: impl AsRef<Path>, chunks: impl Into<Chunks>) -> Result<DynArray> {
    array_over(ZarrSource::open(path)?, &chunks.into())
}

/// The lazy array over a source. Nothing tells whether chunks were rewritten between two openings, so each gives an array of
/// its own.
fn array_over(source: ZarrSource, chunks: &Chunks) -> Result<DynArray> {
    let dtype = source.dtype();
    let grid = chunks.normalize("open_zarr", source.shape(), dtype.size_bytes())?;
    Ok(DynArray::from_source(Arc::new(source), ArrayMeta::dense(dtype, grid), None))
}

/// A Zarr array in a folder.
///
/// Any rectangle can be read; it costs the decoding of every inner chunk that it touches, so blocks that are made of whole
/// chunks are read once over. [`default_chunks`](Self::default_chunks) gives such blocks.
///
/// # Examples
/// ```
/// use hyperslab::io::ZarrSource;
/// use hyperslab::prelude::*;
/// let dir = tempfile::tempdir().expect("a folder");
/// let path = dir.path().join("small.zarr");
/// save_zarr(&Array::<i32>::zeros([6, 4], Chunks::size(2))?, &path)?;
/// let source = ZarrSource::open(&path)?;
/// assert_eq!((source.dtype(), source.shape(), source.chunk_shape()), (DType::I32, &[6, 4][..], &[2, 2][..]));
/// # Ok::<(), hyperslab::Error>(())
/// ```
#[derive(Debug)]
pub struct ZarrSource {
    store: Store,
    meta: ZarrMeta,
    shards: Shards,
    scratch: ScratchPool,
}

/// Buffers of reads that have ended, for those to come.
#[derive(Default)]
struct ScratchPool(Mutex<Vec<Scratch>>);

impl std::fmt::Debug for ScratchPool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ScratchPool")
    }
}

impl ScratchPool {
    fn take(&self) -> Scratch {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    fn give(&self, scratch: Scratch) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(scratch);
    }
}

impl ZarrSource {
    /// Opens the array in a folder and reads its metadata.
    ///
    /// # Errors
    /// The folder cannot be read, holds no array, or one whose element type, grid or codecs are not supported.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// use hyperslab::io::ZarrSource;
    /// assert!(ZarrSource::open("no such folder").is_err());
    /// ```
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let store = Store::open(path.as_ref())?;
        let meta = ZarrMeta::read(&store)?;
        Ok(Self { store, meta, shards: Shards::default(), scratch: ScratchPool::default() })
    }

    /// The element type.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::io::ZarrSource;
    /// use hyperslab::prelude::*;
    /// let dir = tempfile::tempdir().expect("a folder");
    /// let path = dir.path().join("small.zarr");
    /// save_zarr(&Array::<bool>::zeros([6], Chunks::size(2))?, &path)?;
    /// assert_eq!(ZarrSource::open(&path)?.dtype(), DType::Bool);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn dtype(&self) -> DType {
        self.meta.dtype
    }

    /// The length of each axis.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::io::ZarrSource;
    /// use hyperslab::prelude::*;
    /// let dir = tempfile::tempdir().expect("a folder");
    /// let path = dir.path().join("small.zarr");
    /// save_zarr(&Array::<bool>::zeros([6, 4], Chunks::size(2))?, &path)?;
    /// assert_eq!(ZarrSource::open(&path)?.shape(), [6, 4]);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn shape(&self) -> &[u64] {
        &self.meta.shape
    }

    /// The lengths of what is compressed at one time: a chunk, or an inner chunk where chunks are shards.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::io::ZarrSource;
    /// use hyperslab::prelude::*;
    /// let dir = tempfile::tempdir().expect("a folder");
    /// let path = dir.path().join("small.zarr");
    /// save_zarr(&Array::<bool>::zeros([6, 4], Chunks::size(2))?, &path)?;
    /// assert_eq!(ZarrSource::open(&path)?.chunk_shape(), [2, 2]);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn chunk_shape(&self) -> &[u64] {
        &self.meta.chunk
    }

    /// Chunks that are multiples of the stored ones, as near to `target_bytes` bytes as that allows, and inside shards as
    /// long as they are smaller than those.
    ///
    /// ```text
    /// shard of 10 x 10 inner chunks, target: room for 7   ->   2 x 2
    /// ```
    pub fn default_chunks(&self, target_bytes: u64) -> Chunks {
        let mut multiples = vec![1u64; self.meta.chunk.len()];
        let mut open: Vec<usize> = (0..multiples.len()).collect();
        let side = |multiples: &[u64], axis: usize| multiples[axis] * self.meta.chunk[axis];
        // The shortest side grows first, of equal ones the last.
        while let Some(&axis) = open.iter().rev().min_by_key(|&&axis| side(&multiples, axis)) {
            let mut grown = multiples.clone();
            grown[axis] = next_multiple(multiples[axis], self.meta.per_shard(axis));
            let sides = (0..grown.len()).map(|axis| side(&grown, axis));
            let n_bytes = sides.fold(self.dtype().size_bytes() as u64, u64::saturating_mul);
            if side(&multiples, axis) >= self.meta.shape[axis] || n_bytes > target_bytes {
                open.retain(|&other| other != axis);
            } else {
                multiples = grown;
            }
        }
        Chunks::per_axis((0..multiples.len()).map(|axis| AxisSpec::Size(side(&multiples, axis))).collect())
    }

    fn read_typed<T: Element>(&self, ranges: &[Range<u64>]) -> Result<Block> {
        let lens: Vec<u64> = ranges.iter().map(|range| range.end - range.start).collect();
        let mut elems = fresh::<T>(lens.iter().product::<u64>() as usize)?;
        if !elems.is_empty() {
            let mut scratch = self.scratch.take();
            self.fill(ranges, &lens, &mut elems, &mut scratch)?;
            self.scratch.give(scratch);
        }
        let lens: Vec<usize> = lens.iter().map(|&len| len as usize).collect();
        let array = ArrayD::from_shape_vec(IxDyn(&lens), elems);
        array.map(Block::from_dense).map_err(|error| Error::bug(OP, error.to_string()))
    }

    /// Brings every chunk that meets the rectangle `ranges` to its place in `elems`.
    fn fill<T: Element>(
        &self,
        ranges: &[Range<u64>],
        lens: &[u64],
        elems: &mut [T],
        scratch: &mut Scratch,
    ) -> Result<()> {
        let sides = &self.meta.chunk;
        let fill = self.meta.fill::<T>();
        let first: Vec<u64> = ranges.iter().zip(sides).map(|(range, side)| range.start / side).collect();
        let counts =
            ranges.iter().zip(sides).zip(&first).map(|((range, side), first)| range.end.div_ceil(*side) - first);
        let counts: Vec<u64> = counts.collect();
        let mut offset = vec![0; counts.len()];
        loop {
            let chunk: Vec<u64> = first.iter().zip(&offset).map(|(first, offset)| first + offset).collect();
            let part = chunk.iter().zip(sides).zip(ranges).map(|((i, side), range)| {
                // The last chunk may reach beyond what 64 bits count; the rectangle does not.
                (i * side).max(range.start)..(i * side).saturating_add(*side).min(range.end)
            });
            let part: Vec<Range<u64>> = part.collect();
            let relative = |starts: &dyn Fn(usize) -> u64| -> Vec<Range<u64>> {
                part.iter().enumerate().map(|(axis, r)| r.start - starts(axis)..r.end - starts(axis)).collect()
            };
            let target = Runs::new(lens, &relative(&|axis| ranges[axis].start));
            let origin = Runs::new(sides, &relative(&|axis| chunk[axis] * sides[axis]));
            let decoded = if self.load(&chunk, scratch)? {
                Some(self.meta.codec.decode(scratch).map_err(|detail| self.fault(&chunk, &detail))?)
            } else {
                None
            };
            place(elems, &target, decoded.as_deref().map(|bytes| (bytes, &origin)), fill);
            if !advance(&mut offset, &counts) {
                return Ok(());
            }
        }
    }

    /// Reads the encoded bytes of a chunk into `scratch.input`; false if it is not stored.
    fn load(&self, chunk: &[u64], scratch: &mut Scratch) -> Result<bool> {
        let max_bytes = self.meta.codec.max_encoded_bytes();
        let fault = |detail: String| self.fault(chunk, &detail);
        let Some(sharding) = &self.meta.sharding else {
            let Some(file) = self.store.file(&self.meta.key(chunk))? else { return Ok(false) };
            if file.len_bytes() > max_bytes {
                let len = file.len_bytes();
                return Err(fault(format!("a file of {len} bytes where a chunk takes at most {max_bytes}")));
            }
            return read_into(&file, 0, file.len_bytes(), scratch).map(|()| true).map_err(fault);
        };
        let shard_index: Vec<u64> = chunk.iter().zip(&sharding.per_shard).map(|(i, n)| i / n).collect();
        let key = self.meta.key(&shard_index);
        let Some(shard) = self.shards.get(&self.store, sharding, &key)? else { return Ok(false) };
        let number = chunk.iter().zip(&sharding.per_shard).fold(0, |number, (i, n)| number * n + i % n);
        match shard.find(number, max_bytes).map_err(fault)? {
            Some((offset, n_bytes)) => read_into(&shard.file, offset, n_bytes, scratch).map(|()| true).map_err(fault),
            None => Ok(false),
        }
    }

    /// What is wrong with a chunk, with its file.
    fn fault(&self, chunk: &[u64], detail: &str) -> Error {
        let per_shard = |axis| self.meta.per_shard(axis);
        let stored: Vec<u64> = chunk.iter().enumerate().map(|(axis, i)| i / per_shard(axis)).collect();
        let path = self.store.root().join(self.meta.key(&stored));
        let kind = if self.meta.sharding.is_some() { "inner chunk" } else { "chunk" };
        Error::format(OP, format!("{}: {kind} {}: {detail}", path.display(), Shown(chunk)))
    }
}

impl BlockSource for ZarrSource {
    fn format(&self) -> &'static str {
        OP
    }

    fn read(&self, at: &BlockLocation) -> Result<Block> {
        let ranges = at.ranges()?;
        check_inside(OP, at, ranges, &self.meta.shape)?;
        dispatch!(self.meta.dtype, T => self.read_typed::<T>(ranges))
    }

    fn scratch_bytes(&self, _meta: &ArrayMeta) -> u64 {
        // One chunk encoded and decoded.
        self.meta.codec.n_bytes().saturating_mul(2)
    }

    fn spec(&self) -> Option<SourceSpec> {
        SourceSpec::of(&ZarrFolder::new(self.store.root(), self.meta.dtype, &self.meta.shape)).ok()
    }
}

/// Writes the part of one chunk into the elements of a block: decoded bytes, or the fill value.
fn place<T: Element>(elems: &mut [T], target: &Runs, decoded: Option<(&[u8], &Runs)>, fill: T) {
    let Some((bytes, origin)) = decoded else {
        // Fresh memory is zero already, and untouched pages cost nothing.
        if !fill.is_same(T::zero()) {
            let run_elems = target.run_elems() as usize;
            target.starts().for_each(|start| elems[start as usize..][..run_elems].fill(fill));
        }
        return;
    };
    let (step, starts) = target.zip(origin);
    for (to, from) in starts {
        let bytes = &bytes[from as usize * size_of::<T>()..][..step as usize * size_of::<T>()];
        T::copy_from_bytes(&mut elems[to as usize..][..step as usize], bytes);
    }
}

/// Counts one further, the last axis fastest; false at the end.
fn advance(index: &mut [u64], counts: &[u64]) -> bool {
    for (i, &count) in index.iter_mut().zip(counts).rev() {
        *i += 1;
        if *i < count {
            return true;
        }
        *i = 0;
    }
    false
}

fn read_into(file: &dyn ReadAt, offset: u64, n_bytes: u64, scratch: &mut Scratch) -> Result<(), String> {
    scratch.input.clear();
    scratch.input.try_reserve_exact(n_bytes as usize).map_err(|_| format!("no memory for {n_bytes} bytes"))?;
    scratch.input.resize(n_bytes as usize, 0);
    file.read_exact_at(&mut scratch.input, offset).map_err(|error| error.to_string())
}

/// The next larger number of inner chunks that fills shards evenly.
fn next_multiple(multiple: u64, per_shard: u64) -> u64 {
    if multiple >= per_shard {
        return multiple.saturating_mul(2);
    }
    let near = multiple + 1..=multiple.saturating_mul(8).min(per_shard);
    near.into_iter().find(|n| per_shard.is_multiple_of(*n)).unwrap_or(per_shard)
}
