//! Writing Zarr arrays.

use std::borrow::Cow;
use std::fs;
use std::num::NonZeroU64;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};
use zarrs::array::{
    ArrayBytes, ArrayMetadataV3, ArrayToBytesCodecTraits, ChunkKeyEncoding, CodecChain, DataType, FillValue,
};

use super::super::raw::check_inside;
use super::super::runs::Runs;
use super::super::staged::Staged;
use super::OP;
use super::codec::serial;
use crate::array::DynArray;
use crate::block::{ArrayMeta, Block, BlockData, BlockLocation, BlockSink, with_block};
use crate::element::{DType, Element, Scalar};
use crate::error::{Error, Result, Shown};

/// Computes an array and writes it to a Zarr folder of version 3, one chunk for each block.
///
/// # Chunks
/// Those of the array; all of an axis have one length but for the last.
///
/// # Errors
/// The folder exists; chunk sizes are unknown or differ; a block cannot be computed or written.
///
/// # Examples
/// ```
/// use hyperslab::io::{open_zarr, save_zarr};
/// use hyperslab::prelude::*;
/// let dir = tempfile::tempdir().expect("a folder");
/// let path = dir.path().join("ones.zarr");
/// save_zarr(&Array::<f32>::ones([4, 6], Chunks::size(3))?, &path)?;
/// assert_eq!(open_zarr(&path)?.known_shape()?, [4, 6]);
/// assert!(save_zarr(&Array::<f32>::ones([1], 1)?, &path).unwrap_err().is_usage());
/// # Ok::<(), hyperslab::Error>(())
/// ```
pub fn save_zarr(array: &impl AsRef<DynArray>, path: impl AsRef<Path>) -> Result<()> {
    save_zarr_with(array, path, &ZarrOptions::new())
}

/// [`save_zarr`] with another compression, with shards, or over an array that exists.
///
/// # Errors
/// As [`save_zarr`], and inner chunks do not divide the chunks.
///
/// # Examples
/// ```
/// use hyperslab::io::{ZarrOptions, open_zarr, save_zarr_with};
/// use hyperslab::prelude::*;
/// let dir = tempfile::tempdir().expect("a folder");
/// let path = dir.path().join("ones.zarr");
/// let sharded = ZarrOptions::new().with_inner_chunks([2, 3]).overwrite();
/// for _ in 0..2 {
///     save_zarr_with(&Array::<f32>::ones([8, 9], Chunks::from((4, 9)))?, &path, &sharded)?;
/// }
/// assert_eq!(open_zarr(&path)?.known_shape()?, [8, 9]);
/// # Ok::<(), hyperslab::Error>(())
/// ```
pub fn save_zarr_with(array: &impl AsRef<DynArray>, path: impl AsRef<Path>, options: &ZarrOptions) -> Result<()> {
    let array = array.as_ref();
    let sink = Arc::new(ZarrSink::create(path, array.meta(), options)?);
    array.store(Arc::clone(&sink) as Arc<dyn BlockSink>)?;
    sink.finish()
}

/// How an array is written.
///
/// ```
/// use hyperslab::io::ZarrOptions;
/// let options = ZarrOptions::new().with_level(5).with_inner_chunks([256, 256]).overwrite();
/// assert_eq!(options.level(), 5);
/// ```
#[derive(Clone, Debug)]
pub struct ZarrOptions {
    level: i32,
    inner_chunks: Option<Vec<u64>>,
    overwrite: bool,
}

impl Default for ZarrOptions {
    fn default() -> Self {
        Self { level: 3, inner_chunks: None, overwrite: false }
    }
}

impl ZarrOptions {
    /// Chunks compressed with zstd at level 3, one file each; a folder that exists is an error.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::io::ZarrOptions;
    /// assert_eq!(ZarrOptions::new().level(), 3);
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// The level of zstd, from -131072 (fast) over 0 (its default) to 22 (small).
    ///
    /// # Examples
    /// ```
    /// use hyperslab::io::ZarrOptions;
    /// assert_eq!(ZarrOptions::new().with_level(19).level(), 19);
    /// ```
    pub fn with_level(mut self, level: i32) -> Self {
        self.level = level;
        self
    }

    /// The level of zstd.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::io::ZarrOptions;
    /// assert_eq!(ZarrOptions::new().with_level(-7).level(), -7);
    /// ```
    pub fn level(&self) -> i32 {
        self.level
    }

    /// Makes each chunk a shard of inner chunks with these lengths, which must divide the array's chunks: one file for each
    /// block, of which parts can be read alone.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::io::{ZarrOptions, ZarrSource, save_zarr_with};
    /// use hyperslab::prelude::*;
    /// let dir = tempfile::tempdir().expect("a folder");
    /// let path = dir.path().join("sharded.zarr");
    /// let x = Array::<i32>::zeros([8, 8], Chunks::size(4))?;
    /// save_zarr_with(&x, &path, &ZarrOptions::new().with_inner_chunks([2, 2]))?;
    /// assert_eq!(ZarrSource::open(&path)?.chunk_shape(), [2, 2]);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn with_inner_chunks(mut self, lens: impl Into<Vec<u64>>) -> Self {
        self.inner_chunks = Some(lens.into());
        self
    }

    /// Replaces an array of that name.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::io::{ZarrOptions, save_zarr_with};
    /// use hyperslab::prelude::*;
    /// let dir = tempfile::tempdir().expect("a folder");
    /// let path = dir.path().join("twice.zarr");
    /// let x = Array::<i32>::zeros([8], Chunks::size(4))?;
    /// save_zarr(&x, &path)?;
    /// assert!(save_zarr(&x, &path).is_err());
    /// save_zarr_with(&x, &path, &ZarrOptions::new().overwrite())?;
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn overwrite(mut self) -> Self {
        self.overwrite = true;
        self
    }
}

/// A Zarr array of version 3 that blocks are written to: each block is one chunk, encoded and written by the thread that
/// made it.
///
/// The folder appears under its name with [`finish`](Self::finish), which checks that all blocks have come; dropped before,
/// it leaves nothing. Blocks that hold the fill value only are not stored.
/// [`save_zarr`] does all of this.
///
/// # Examples
/// ```
/// use std::sync::Arc;
/// use hyperslab::io::{ZarrOptions, ZarrSink};
/// use hyperslab::prelude::*;
/// let dir = tempfile::tempdir().expect("a folder");
/// let path = dir.path().join("by_hand.zarr");
/// let x = Array::<i32>::arange(0, 8, 1, Chunks::size(4))?;
/// let sink = Arc::new(ZarrSink::create(&path, x.meta(), &ZarrOptions::new())?);
/// x.as_dyn().store(sink.clone())?;
/// assert!(!path.exists());
/// sink.finish()?;
/// assert_eq!(open_zarr(&path)?.n_elems()?, 8);
/// # Ok::<(), hyperslab::Error>(())
/// ```
pub struct ZarrSink {
    staged: Staged,
    overwrite: bool,
    dtype: DType,
    shape: Vec<u64>,
    chunk: Vec<u64>,
    metadata: String,
    keys: ChunkKeyEncoding,
    codecs: CodecChain,
    chunk_type: (Vec<NonZeroU64>, DataType, FillValue),
    missing_blocks: AtomicU64,
}

impl ZarrSink {
    /// Makes a folder for an array, under a name of its own until it is finished. The fill value is that of a sparse array,
    /// zero otherwise.
    ///
    /// # Errors
    /// Chunk sizes are unknown or differ along an axis; inner chunks do not divide them; the folder exists or cannot be made.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::io::{ZarrOptions, ZarrSink};
    /// use hyperslab::prelude::*;
    /// let dir = tempfile::tempdir().expect("a folder");
    /// let uneven = Array::<i32>::zeros([6], Chunks::from(vec![vec![1, 2, 3]]))?;
    /// assert!(ZarrSink::create(dir.path().join("x.zarr"), uneven.meta(), &ZarrOptions::new()).is_err());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn create(path: impl AsRef<Path>, meta: &ArrayMeta, options: &ZarrOptions) -> Result<Self> {
        let shape = meta.grid.require_shape("save_zarr")?;
        let chunk = regular_chunk(meta)?;
        let inner = inner_chunk(&chunk, options)?;
        let metadata = metadata(meta, &shape, &chunk, inner, options.level);
        let parsed: ArrayMetadataV3 = serde_json::from_value(metadata.clone()).map_err(fault)?;
        let data_type = DataType::from_metadata(&parsed.data_type).map_err(fault)?;
        let fill = data_type.fill_value_v3(&parsed.fill_value).map_err(fault)?;
        let nonzero = chunk.iter().filter_map(|&len| NonZeroU64::new(len)).collect();
        let staged = Staged::new(OP, path.as_ref())?;
        refuse_existing(staged.target(), options)?;
        let sink = Self {
            overwrite: options.overwrite,
            dtype: meta.dtype,
            shape,
            chunk,
            metadata: serde_json::to_string_pretty(&metadata).map_err(fault)?,
            keys: ChunkKeyEncoding::from_metadata(&parsed.chunk_key_encoding).map_err(fault)?,
            codecs: CodecChain::from_metadata(&parsed.codecs).map_err(fault)?,
            chunk_type: (nonzero, data_type, fill),
            missing_blocks: AtomicU64::new(meta.grid.n_blocks()),
            staged,
        };
        fs::create_dir(sink.staged.path()).map_err(|error| Error::io(OP, sink.staged.path(), error))?;
        Ok(sink)
    }

    /// Writes the metadata and puts the folder in its place, once all blocks are written.
    ///
    /// # Errors
    /// Blocks are missing, or the operating system fails.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::io::{ZarrOptions, ZarrSink};
    /// use hyperslab::prelude::*;
    /// let dir = tempfile::tempdir().expect("a folder");
    /// let x = Array::<i32>::zeros([6], Chunks::size(3))?;
    /// let sink = ZarrSink::create(dir.path().join("x.zarr"), x.meta(), &ZarrOptions::new())?;
    /// assert!(sink.finish().is_err());                             // no block was written
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn finish(&self) -> Result<()> {
        let missing = self.missing_blocks.load(Ordering::Acquire);
        let target = self.staged.target();
        if missing > 0 {
            let detail = format!("{}: {missing} blocks were never written", target.display());
            return Err(Error::value(OP, detail).with_remedy("write every block before `finish`"));
        }
        let file = self.staged.path().join("zarr.json");
        fs::write(&file, &self.metadata).map_err(|error| Error::io(OP, &file, error))?;
        if self.overwrite { self.staged.commit_over_folder(OP) } else { self.staged.commit(OP) }
    }

    fn write_typed<T: Element>(&self, at: &BlockLocation, ranges: &[Range<u64>], data: &BlockData<T>) -> Result<()> {
        let (chunk_shape, data_type, fill_value) = &self.chunk_type;
        let mut fill = [T::zero()];
        T::copy_from_bytes(&mut fill, fill_value.as_ne_bytes());
        let array = data.to_dense()?;
        let array = array.as_standard_layout();
        let elems = array.as_slice().ok_or_else(|| Error::bug(OP, "a row-major array is not one slice"))?;
        if elems.iter().all(|elem| elem.is_same(fill[0])) {
            return Ok(());
        }
        let elems = self.padded(ranges, elems, fill[0]);
        let bytes = ArrayBytes::Fixed(Cow::Borrowed(T::as_bytes(&elems)));
        let encoded = self.codecs.encode(bytes, chunk_shape, data_type, fill_value, &serial()).map_err(fault)?;
        let path = self.staged.path().join(self.keys.encode(at.index()).as_str());
        let write = || -> std::io::Result<()> {
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)?;
            }
            fs::write(&path, &encoded)
        };
        write().map_err(|error| Error::io(OP, &path, error))
    }

    /// The elements of a block, filled up where the chunk reaches beyond the array.
    fn padded<'a, T: Element>(&self, ranges: &[Range<u64>], elems: &'a [T], fill: T) -> Cow<'a, [T]> {
        let lens: Vec<u64> = ranges.iter().map(|range| range.end - range.start).collect();
        if lens == self.chunk {
            return Cow::Borrowed(elems);
        }
        let whole: Vec<Range<u64>> = lens.iter().map(|&len| 0..len).collect();
        let mut chunk = vec![fill; self.chunk.iter().product::<u64>() as usize];
        let (to, from) = (Runs::new(&self.chunk, &whole), Runs::new(&lens, &whole));
        let (step, starts) = to.zip(&from);
        for (to, from) in starts {
            chunk[to as usize..][..step as usize].copy_from_slice(&elems[from as usize..][..step as usize]);
        }
        Cow::Owned(chunk)
    }
}

impl std::fmt::Debug for ZarrSink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ZarrSink({}, {} {})", self.staged.target().display(), self.dtype, Shown(&self.shape))
    }
}

impl BlockSink for ZarrSink {
    fn format(&self) -> &'static str {
        OP
    }

    fn write(&self, at: &BlockLocation, block: &Block) -> Result<()> {
        let ranges = at.ranges()?;
        check_inside(OP, at, ranges, &self.shape)?;
        let starts_chunk = ranges.iter().zip(at.index()).zip(&self.chunk).all(|((r, i), side)| r.start == i * side);
        let lens = at.shape().unwrap_or_default();
        if !starts_chunk || block.shape() != lens || block.dtype() != self.dtype {
            let expected = format!("{} {lens:?}", self.dtype);
            return Err(Error::block(OP, "type and shape", expected, format!("{} {:?}", block.dtype(), block.shape())));
        }
        with_block!(block, T, data => self.write_typed::<T>(at, ranges, data))?;
        // A block that is written twice is not a reason to wrap below zero.
        let less = |missing: u64| Some(missing.saturating_sub(1));
        let _ = self.missing_blocks.fetch_update(Ordering::AcqRel, Ordering::Acquire, less);
        Ok(())
    }
}

/// `zarrs` refuses what we wrote ourselves.
fn fault(error: impl std::fmt::Display) -> Error {
    Error::bug(OP, error.to_string())
}

/// The one chunk length of each axis; 1 for an axis without elements.
fn regular_chunk(meta: &ArrayMeta) -> Result<Vec<u64>> {
    let sides = meta.grid.axes().iter().enumerate().map(|(axis, chunks)| match chunks.max_block_len() {
        Some(side) if chunks.is_regular() => Ok(side.max(1)),
        _ => Err(Error::chunks("save_zarr", format!("chunks {chunks} on axis {axis} are not all of one length"))
            .with_remedy("call `rechunk` with one size for the axis first")),
    });
    sides.collect()
}

/// The inner chunks that are asked for.
fn inner_chunk<'a>(chunk: &[u64], options: &'a ZarrOptions) -> Result<Option<&'a [u64]>> {
    let Some(inner) = options.inner_chunks.as_deref() else { return Ok(None) };
    let divides = |(&inner, &side): (&u64, &u64)| inner > 0 && side % inner == 0;
    if inner.len() == chunk.len() && inner.iter().zip(chunk).all(divides) {
        return Ok(Some(inner));
    }
    let detail = format!("inner chunks {} do not divide the chunks {}", Shown(inner), Shown(chunk));
    Err(Error::chunks("save_zarr", detail).with_remedy("give one divisor of the chunk length for each axis"))
}

fn metadata(meta: &ArrayMeta, shape: &[u64], chunk: &[u64], inner: Option<&[u64]>, level: i32) -> Value {
    let endian = if cfg!(target_endian = "big") { "big" } else { "little" };
    let bytes = json!({"name": "bytes", "configuration": {"endian": endian}});
    let little = json!({"name": "bytes", "configuration": {"endian": "little"}});
    let zstd = json!({"name": "zstd", "configuration": {"level": level, "checksum": false}});
    let codecs = match inner {
        None => json!([bytes, zstd]),
        Some(inner) => json!([{"name": "sharding_indexed", "configuration": {
            "chunk_shape": inner,
            "codecs": [bytes, zstd],
            "index_codecs": [little, {"name": "crc32c"}],
            "index_location": "end",
        }}]),
    };
    json!({
        "zarr_format": 3,
        "node_type": "array",
        "shape": shape,
        "data_type": meta.dtype.name(),
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": chunk}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "fill_value": fill_value(meta.layout.fill().unwrap_or(Scalar::zero(meta.dtype))),
        "codecs": codecs,
        "attributes": {},
    })
}

/// A value as the metadata write it.
fn fill_value(fill: Scalar) -> Value {
    let float = |x: f64| match x {
        _ if x.is_nan() => json!("NaN"),
        _ if x.is_infinite() => json!(if x > 0.0 { "Infinity" } else { "-Infinity" }),
        _ => json!(x),
    };
    match fill {
        Scalar::Bool(x) => json!(x),
        Scalar::I64(x) => json!(x),
        Scalar::U64(x) => json!(x),
        _ if fill.dtype().is_complex() => json!([float(fill.to_c64().re), float(fill.to_c64().im)]),
        _ if fill.dtype().is_float() => float(fill.to_c64().re),
        // All other integers are exact in a double.
        _ => json!(fill.to_c64().re as i64),
    }
}

/// A folder that is there is in the way, unless it is an array that may be replaced.
fn refuse_existing(target: &Path, options: &ZarrOptions) -> Result<()> {
    if !target.exists() {
        return Ok(());
    }
    let shown = target.display();
    if !options.overwrite {
        return Err(Error::value("save_zarr", format!("{shown} exists"))
            .with_remedy("remove it, or pass `ZarrOptions::new().overwrite()`"));
    }
    if target.join("zarr.json").is_file() || target.join(".zarray").is_file() {
        return Ok(());
    }
    Err(Error::value("save_zarr", format!("{shown} exists and is no Zarr array")).with_remedy("remove it first"))
}
