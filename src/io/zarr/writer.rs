//! Writing chunks into a folder, of this process or of another one that saves an array.

use std::borrow::Cow;
use std::fs;
use std::num::NonZeroU64;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use zarrs::array::{
    ArrayBytes, ArrayMetadataV3, ArrayToBytesCodecTraits, ChunkKeyEncoding, CodecChain, DataType, FillValue,
};

use super::super::raw::check_inside;
use super::super::runs::Runs;
use super::super::staged::Staged;
use super::super::store::{out_of_reach, written};
use super::OP;
use super::codec::serial;
use crate::block::{Block, BlockData, BlockLocation, with_block};
use crate::element::{DType, Element};
use crate::error::{Error, Result};
use crate::kernel::NamedKernel;

/// The most that a chunk may take that another process has written.
const MAX_CHUNK_BYTES: u64 = 4 << 30;

/// What a chunk is written by.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct ChunkSpec {
    pub(super) folder: PathBuf,
    /// The text of `zarr.json`.
    pub(super) metadata: String,
    pub(super) dtype: DType,
    pub(super) shape: Vec<u64>,
    pub(super) chunk: Vec<u64>,
}

/// Writes blocks as chunks, each encoded by the thread that made it.
pub(super) struct ChunkWriter {
    spec: ChunkSpec,
    keys: ChunkKeyEncoding,
    codecs: CodecChain,
    chunk_type: (Vec<NonZeroU64>, DataType, FillValue),
}

impl ChunkWriter {
    pub(super) fn new(spec: ChunkSpec) -> Result<Self> {
        let parsed: ArrayMetadataV3 = serde_json::from_str(&spec.metadata).map_err(fault)?;
        let data_type = DataType::from_metadata(&parsed.data_type).map_err(fault)?;
        let fill = data_type.fill_value_v3(&parsed.fill_value).map_err(fault)?;
        let nonzero = spec.chunk.iter().filter_map(|&len| NonZeroU64::new(len)).collect();
        Ok(Self {
            keys: ChunkKeyEncoding::from_metadata(&parsed.chunk_key_encoding).map_err(fault)?,
            codecs: CodecChain::from_metadata(&parsed.codecs).map_err(fault)?,
            chunk_type: (nonzero, data_type, fill),
            spec,
        })
    }

    pub(super) fn spec(&self) -> &ChunkSpec {
        &self.spec
    }

    /// Writes a block, which must be one chunk.
    pub(super) fn write(&self, at: &BlockLocation, block: &Block) -> Result<()> {
        let ChunkSpec { dtype, shape, chunk, .. } = &self.spec;
        let ranges = at.ranges()?;
        check_inside(OP, at, ranges, shape)?;
        let starts_chunk =
            ranges.iter().zip(at.index()).zip(chunk).all(|((r, i), side)| Some(r.start) == i.checked_mul(*side));
        let lens = at.shape().unwrap_or_default();
        if !starts_chunk || block.shape() != lens || block.dtype() != *dtype {
            let expected = format!("{dtype} {lens:?}");
            return Err(Error::block(OP, "type and shape", expected, format!("{} {:?}", block.dtype(), block.shape())));
        }
        with_block!(block, T, data => self.write_typed::<T>(at, ranges, data))
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
        let path = self.spec.folder.join(self.keys.encode(at.index()).as_str());
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
        let side = &self.spec.chunk;
        let lens: Vec<u64> = ranges.iter().map(|range| range.end - range.start).collect();
        if lens == *side {
            return Cow::Borrowed(elems);
        }
        let whole: Vec<Range<u64>> = lens.iter().map(|&len| 0..len).collect();
        let mut chunk = vec![fill; side.iter().product::<u64>() as usize];
        let (to, from) = (Runs::new(side, &whole), Runs::new(&lens, &whole));
        let (step, starts) = to.zip(&from);
        for (to, from) in starts {
            chunk[to as usize..][..step as usize].copy_from_slice(&elems[from as usize..][..step as usize]);
        }
        Cow::Owned(chunk)
    }
}

/// `zarrs` refuses what we wrote ourselves.
pub(super) fn fault(error: impl std::fmt::Display) -> Error {
    Error::bug(OP, error.to_string())
}

/// Writes its block into the folder of an array that is being saved. It makes no such folders, and writes into none that is
/// complete.
#[derive(Debug, Serialize, Deserialize)]
pub(in super::super) struct WriteZarr(ChunkSpec);

impl WriteZarr {
    pub(super) fn new(spec: &ChunkSpec) -> Self {
        let folder = std::path::absolute(&spec.folder).unwrap_or_else(|_| spec.folder.clone());
        Self(ChunkSpec { folder, ..spec.clone() })
    }

    /// The writer, if all that it is told is what this crate would write.
    fn open(&self, at: &BlockLocation) -> Result<ChunkWriter> {
        let Self(spec) = self;
        check_folder(&spec.folder)?;
        let n_bytes = spec.chunk.iter().try_fold(spec.dtype.size_bytes() as u64, |n, &side| n.checked_mul(side));
        let fits = |(len, side): (usize, &u64)| len as u64 <= *side;
        let has_sides = at
            .shape()
            .is_some_and(|lens| lens.len() == spec.chunk.len() && lens.into_iter().zip(&spec.chunk).all(fits));
        if spec.chunk.len() != spec.shape.len()
            || spec.chunk.contains(&0)
            || n_bytes.is_none_or(|n| n > MAX_CHUNK_BYTES)
            || !has_sides
        {
            return Err(Error::format(OP, "the chunks are not those of the array"));
        }
        let writer = ChunkWriter::new(spec.clone()).map_err(|error| Error::format(OP, error.to_string()))?;
        match writer.chunk_type.1.fixed_size() == Some(spec.dtype.size_bytes()) {
            true => Ok(writer),
            false => Err(Error::format(OP, "the element type is not that of the array")),
        }
    }
}

fn check_folder(folder: &Path) -> Result<()> {
    let metadata = fs::symlink_metadata(folder).map_err(|error| out_of_reach(Error::io(OP, folder, error), folder))?;
    if metadata.is_dir() && Staged::is_staging(folder) {
        return Ok(());
    }
    Err(Error::format(OP, format!("{} is not the folder of this array", folder.display())))
}

impl NamedKernel for WriteZarr {
    const NAME: &'static str = "hyperslab.zarr.write";

    fn run(&self, blocks: &[Block], at: &BlockLocation) -> Result<Block> {
        written(OP, blocks, at, |block| self.open(at)?.write(at, block))
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::store::SharedSink;
    use super::super::{ZarrOptions, ZarrSink};
    use super::*;
    use crate::array::Array;
    use crate::chunks::Chunks;

    #[test]
    fn only_folders_that_are_being_saved_are_written_to() {
        let dir = tempfile::tempdir().unwrap();
        let array = Array::<i16>::zeros([3], Chunks::size(2)).unwrap();
        let sink = ZarrSink::create(dir.path().join("x.zarr"), array.as_dyn().meta(), &ZarrOptions::new()).unwrap();
        let block = |elems: &[i16]| [Block::from_dense(ndarray::arr1(elems).into_dyn())];
        let [first, last] = [0, 1].map(|number| BlockLocation::new(array.grid(), number));
        let writer = sink.writer();
        assert!(writer.run(&block(&[1, 2]), &first).unwrap().is_sparse());
        assert!(writer.run(&block(&[3]), &last).is_ok());
        assert!(writer.run(&block(&[3]), &first).is_err() && writer.run(&[], &first).is_err());
        let changed = |change: &dyn Fn(&mut ChunkSpec)| {
            let mut spec = writer.0.clone();
            change(&mut spec);
            WriteZarr(spec).run(&block(&[1, 2]), &first).unwrap_err()
        };
        let elsewhere = dir.path().to_path_buf();
        assert!(changed(&|spec| spec.folder.clone_from(&elsewhere)).to_string().contains("is not the folder"));
        assert!(changed(&|spec| spec.folder.push("gone")).to_string().contains("same folder under the same path"));
        let is_refused = |change: &dyn Fn(&mut ChunkSpec)| format!("{:?}", changed(change)).contains("Format");
        assert!(is_refused(&|spec| spec.metadata.clear()));
        assert!([0, 1, u64::MAX].into_iter().all(|side| is_refused(&|spec| spec.chunk[0] = side)));
        assert!(is_refused(&|spec| spec.metadata = spec.metadata.replace("int16", "int64")));
        sink.all_written();
        sink.finish().unwrap();
        let read = super::super::open_zarr(dir.path().join("x.zarr")).unwrap().compute_block().unwrap();
        assert_eq!(read.dense::<i16>().unwrap(), ndarray::arr1(&[1i16, 2, 3]).into_dyn().into_shared());
    }
}
