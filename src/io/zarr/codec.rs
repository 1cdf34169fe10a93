//! From the bytes of a chunk to its elements, within bounds.
//!
//! `zarrs` undoes what rearranges elements (byte order, transposition) and checksums. Compression is undone here: the size
//! of the result is known beforehand, and a stream that would give more is an error before it has given more. (The
//! decoders of `zarrs` believe the sizes in the streams: 32 kB of zstd can ask for a gigabyte.)

use std::borrow::Cow;
use std::io::Read;
use std::num::NonZeroU64;
use std::sync::Arc;

use zarrs::array::{
    ArrayBytes, ArrayToBytesCodecTraits, BytesRepresentation, BytesToBytesCodecTraits, Codec, CodecChain, CodecOptions,
    DataType, FillValue,
};
use zarrs::metadata::v3::MetadataV3;

/// The most codecs in a row; real arrays have two or three.
const MAX_CODECS: usize = 8;
/// Bytes of a checksum.
const CHECKSUM_BYTES: u64 = 4;

/// Undoes the codecs of the chunks of one array.
#[derive(Debug)]
pub(super) struct ChunkCodec {
    /// What was done to the bytes, in the order in which it was done.
    steps: Vec<Step>,
    /// What was done to the elements.
    arrays: CodecChain,
    chunk: ChunkType,
    n_bytes: u64,
}

/// What all chunks of an array are.
#[derive(Clone, Debug)]
pub(super) struct ChunkType {
    pub(super) data_type: DataType,
    pub(super) fill: FillValue,
    pub(super) shape: Vec<NonZeroU64>,
}

#[derive(Debug)]
enum Step {
    Zstd,
    Gzip,
    Zlib,
    Blosc(Arc<dyn BytesToBytesCodecTraits>),
    Checksum(Arc<dyn BytesToBytesCodecTraits>),
}

/// Buffers that are used from chunk to chunk.
#[derive(Default)]
pub(super) struct Scratch {
    /// The bytes to decode.
    pub(super) input: Vec<u8>,
    output: Vec<u8>,
    zstd: zstd::bulk::Decompressor<'static>,
}

/// Options under which `zarrs` starts no threads of its own.
pub(super) fn serial() -> CodecOptions {
    CodecOptions::default().with_concurrent_target(1).with_chunk_concurrent_minimum(1)
}

impl ChunkCodec {
    /// The codec that a list in the metadata describes.
    pub(super) fn new(codecs: &[MetadataV3], chunk: ChunkType) -> Result<Self, String> {
        if codecs.len() > MAX_CODECS {
            return Err(format!("{} codecs in a row, at most {MAX_CODECS} are read", codecs.len()));
        }
        let mut steps = Vec::new();
        let mut arrays = Vec::new();
        for metadata in codecs {
            let name = metadata.name();
            let make = || Codec::from_metadata(metadata).map_err(|error| format!("codec {name}: {error}"));
            let bytes_codec = || match make()? {
                Codec::BytesToBytes(codec) => Ok(codec),
                Codec::ArrayToArray(_) | Codec::ArrayToBytes(_) => Err(format!("codec {name} does not work on bytes")),
            };
            match name.strip_prefix("numcodecs.").unwrap_or(name) {
                "bytes" | "endian" => arrays.push(metadata.clone()),
                "transpose" => arrays.push(checked_transpose(metadata, chunk.shape.len())?.clone()),
                "zstd" => steps.push(Step::Zstd),
                "gzip" => steps.push(Step::Gzip),
                "zlib" => steps.push(Step::Zlib),
                "blosc" => steps.push(Step::Blosc(bytes_codec()?)),
                "crc32c" => steps.push(Step::Checksum(bytes_codec()?)),
                _ => return Err(unsupported(name)),
            }
        }
        let arrays = CodecChain::from_metadata(&arrays).map_err(|error| format!("the codecs do not fit: {error}"))?;
        let represented = arrays.encoded_representation(&chunk.shape, &chunk.data_type, &chunk.fill);
        match represented.map_err(|error| format!("the codecs do not fit: {error}"))? {
            BytesRepresentation::FixedSize(n_bytes) => Ok(Self { steps, arrays, chunk, n_bytes }),
            BytesRepresentation::BoundedSize(_) | BytesRepresentation::UnboundedSize => {
                Err("elements of variable size".into())
            }
        }
    }

    /// Bytes of a decoded chunk.
    pub(super) fn n_bytes(&self) -> u64 {
        self.n_bytes
    }

    /// The most bytes that an encoded chunk can have.
    pub(super) fn max_encoded_bytes(&self) -> u64 {
        self.bounds().last().copied().unwrap_or(self.n_bytes)
    }

    /// Whether every encoded chunk has the same size, so that its place can be computed.
    pub(super) fn is_fixed_size(&self) -> bool {
        self.steps.iter().all(|step| matches!(step, Step::Checksum(_)))
    }

    /// The most bytes there can be before each step, and after the last.
    fn bounds(&self) -> Vec<u64> {
        let mut bounds = vec![self.n_bytes];
        let mut bound = self.n_bytes;
        for step in &self.steps {
            bound = match step {
                Step::Checksum(_) => bound.saturating_add(CHECKSUM_BYTES),
                // Compressors that make data larger do so by a few percent and a header.
                Step::Zstd | Step::Gzip | Step::Zlib | Step::Blosc(_) => {
                    bound.saturating_mul(2).saturating_add(64 << 10)
                }
            };
            bounds.push(bound);
        }
        bounds
    }

    /// Decodes `scratch.input` to the elements of a chunk, as bytes in the machine's order.
    pub(super) fn decode<'s>(&self, scratch: &'s mut Scratch) -> Result<Cow<'s, [u8]>, String> {
        for (step, &bound) in self.steps.iter().zip(&self.bounds()).rev() {
            step.undo(scratch, bound)?;
            std::mem::swap(&mut scratch.input, &mut scratch.output);
        }
        let found = scratch.input.len() as u64;
        if found != self.n_bytes {
            return Err(format!("{found} bytes where a chunk takes {}", self.n_bytes));
        }
        let bytes = Cow::Borrowed(&scratch.input[..]);
        let ChunkType { data_type, fill, shape } = &self.chunk;
        let elems = self.arrays.decode(bytes, shape, data_type, fill, &serial()).map_err(|error| error.to_string())?;
        match elems {
            ArrayBytes::Fixed(bytes) => Ok(bytes),
            ArrayBytes::Variable(_) | ArrayBytes::Optional(_) => Err("elements of variable size".into()),
        }
    }
}

impl Step {
    /// Writes what `scratch.input` was made from to `scratch.output`: at most `max_bytes` bytes.
    fn undo(&self, scratch: &mut Scratch, max_bytes: u64) -> Result<(), String> {
        let Scratch { input, output, zstd } = scratch;
        let failed = |error: std::io::Error| format!("{}: {error}", self.name());
        output.clear();
        match self {
            Step::Zstd => {
                reserve(output, max_bytes)?;
                zstd.decompress_to_buffer(input, output).map_err(failed)?;
            }
            Step::Gzip => {
                read_bounded(flate2::bufread::GzDecoder::new(&input[..]), output, max_bytes).map_err(failed)?;
            }
            Step::Zlib => {
                read_bounded(flate2::bufread::ZlibDecoder::new(&input[..]), output, max_bytes).map_err(failed)?;
            }
            Step::Blosc(codec) => {
                check_blosc(input, max_bytes)?;
                *output = undo_with(&**codec, input)?;
            }
            Step::Checksum(codec) => *output = undo_with(&**codec, input)?,
        }
        if output.len() as u64 > max_bytes {
            return Err(format!("{}: more than the {max_bytes} bytes of a chunk", self.name()));
        }
        Ok(())
    }

    fn name(&self) -> &'static str {
        match self {
            Step::Zstd => "zstd",
            Step::Gzip => "gzip",
            Step::Zlib => "zlib",
            Step::Blosc(_) => "blosc",
            Step::Checksum(_) => "crc32c",
        }
    }
}

fn unsupported(name: &str) -> String {
    let shown: String = name.chars().take(80).collect();
    format!(
        "codec {shown} is not supported (read are bytes, transpose, zstd, gzip, zlib, blosc, crc32c, sharding_indexed)"
    )
}

/// A transposition of as many axes as there are.
fn checked_transpose(metadata: &MetadataV3, ndim: usize) -> Result<&MetadataV3, String> {
    #[derive(serde::Deserialize)]
    struct Order {
        order: Vec<usize>,
    }
    let order = metadata.to_typed_configuration::<Order>().map_err(|error| format!("codec transpose: {error}"))?.order;
    let mut sorted = order.clone();
    sorted.sort_unstable();
    if sorted.into_iter().eq(0..ndim) {
        return Ok(metadata);
    }
    Err(format!("codec transpose: {} entries are no order of {ndim} axes", order.len()))
}

fn undo_with(codec: &dyn BytesToBytesCodecTraits, input: &[u8]) -> Result<Vec<u8>, String> {
    let decoded = codec.decode(Cow::Borrowed(input), &BytesRepresentation::UnboundedSize, &serial());
    decoded.map(Cow::into_owned).map_err(|error| error.to_string())
}

/// The header of a blosc chunk tells the size of the result and its own: both must fit before it is believed.
fn check_blosc(input: &[u8], max_bytes: u64) -> Result<(), String> {
    let field = |at: usize| Some(u32::from_le_bytes(input.get(at..at + 4)?.try_into().ok()?));
    match (field(4), field(12)) {
        (Some(n_bytes), Some(_)) if u64::from(n_bytes) > max_bytes => {
            Err(format!("blosc: {n_bytes} bytes where a chunk takes at most {max_bytes}"))
        }
        (Some(_), Some(encoded)) if encoded as usize == input.len() => Ok(()),
        (_, _) => Err("blosc: the header does not fit the chunk".into()),
    }
}

fn reserve(output: &mut Vec<u8>, n_bytes: u64) -> Result<(), String> {
    let short = |_| format!("no memory for a chunk of {n_bytes} bytes");
    output.try_reserve_exact(n_bytes as usize).map_err(short)
}

/// Reads to the end, but never more than one byte beyond the bound.
fn read_bounded(decoder: impl Read, output: &mut Vec<u8>, max_bytes: u64) -> std::io::Result<()> {
    decoder.take(max_bytes + 1).read_to_end(output).map(drop)
}
