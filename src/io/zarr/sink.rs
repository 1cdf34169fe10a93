//! Writing Zarr arrays.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

use super::super::staged::Staged;
use super::super::store::{SharedSink, store};
use super::OP;
use super::writer::{ChunkSpec, ChunkWriter, WriteZarr, fault};
use crate::array::DynArray;
use crate::block::{ArrayMeta, Block, BlockLocation, BlockSink};
use crate::element::Scalar;
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
    store("save_zarr", array, &sink)?;
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
    writer: ChunkWriter,
    staged: Staged,
    overwrite: bool,
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
        let metadata = serde_json::to_string_pretty(&metadata).map_err(fault)?;
        let staged = Staged::new(OP, path.as_ref())?;
        refuse_existing(staged.target(), options)?;
        let folder = staged.path().to_path_buf();
        let sink = Self {
            writer: ChunkWriter::new(ChunkSpec { folder, metadata, dtype: meta.dtype, shape, chunk })?,
            overwrite: options.overwrite,
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
        fs::write(&file, &self.writer.spec().metadata).map_err(|error| Error::io(OP, &file, error))?;
        if self.overwrite { self.staged.commit_over_folder(OP) } else { self.staged.commit(OP) }
    }
}

impl std::fmt::Debug for ZarrSink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let spec = self.writer.spec();
        write!(f, "ZarrSink({}, {} {})", self.staged.target().display(), spec.dtype, Shown(&spec.shape))
    }
}

impl BlockSink for ZarrSink {
    fn format(&self) -> &'static str {
        OP
    }

    fn write(&self, at: &BlockLocation, block: &Block) -> Result<()> {
        self.writer.write(at, block)?;
        // A block that is written twice is not a reason to wrap below zero.
        let less = |missing: u64| Some(missing.saturating_sub(1));
        let _ = self.missing_blocks.fetch_update(Ordering::AcqRel, Ordering::Acquire, less);
        Ok(())
    }
}

impl SharedSink for ZarrSink {
    type Writer = WriteZarr;

    fn writer(&self) -> WriteZarr {
        WriteZarr::new(self.writer.spec())
    }

    fn all_written(&self) {
        self.missing_blocks.store(0, Ordering::Release);
    }
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
