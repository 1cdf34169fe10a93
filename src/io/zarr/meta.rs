//! What the metadata of an array says, both versions brought to one form and checked.

use std::borrow::Cow;
use std::num::NonZeroU64;
use std::path::Path;

use serde::Deserialize;
use zarrs::array::{ArrayMetadataV2, ArrayMetadataV3, ChunkKeyEncoding, DataType, FillValue};
use zarrs::metadata::v2::ArrayMetadataV2Order;
use zarrs::metadata::v3::MetadataV3;
use zarrs::metadata_ext::codec::sharding::{ShardingCodecConfigurationV1, ShardingIndexLocation};

use super::OP;
use super::codec::{ChunkCodec, ChunkType};
use super::store::Store;
use crate::config::Config;
use crate::element::{DType, Element};
use crate::error::{Error, Result, Shown};

/// The most text that describes an array itself: the longest real ones take about 2 kB. Parsed, it takes a hundred times as
/// much memory at worst.
const MAX_FIELDS_BYTES: usize = 8 << 10;
/// The most axes that are read, as in NumPy.
const MAX_AXES: usize = 64;

/// An array as its metadata describes it.
#[derive(Debug)]
pub(super) struct ZarrMeta {
    pub(super) dtype: DType,
    /// The length of each axis.
    pub(super) shape: Vec<u64>,
    /// The lengths of what is compressed at one time: a chunk, or an inner chunk of a shard.
    pub(super) chunk: Vec<u64>,
    pub(super) sharding: Option<Sharding>,
    pub(super) codec: ChunkCodec,
    fill: FillValue,
    keys: ChunkKeyEncoding,
}

/// How shards hold their inner chunks.
#[derive(Debug)]
pub(super) struct Sharding {
    /// Inner chunks of a shard along each axis.
    pub(super) per_shard: Vec<u64>,
    /// The codec of the index: offset and length of each inner chunk.
    pub(super) index: ChunkCodec,
    pub(super) index_at_end: bool,
}

impl ZarrMeta {
    /// Reads the metadata in a folder.
    pub(super) fn read(store: &Store) -> Result<Self> {
        let root = store.root();
        if let Some(text) = store.metadata("zarr.json")? {
            let v3 = parse::<ArrayMetadataV3>(root, "zarr.json", &text)?;
            return Self::from_v3(root, &v3);
        }
        if let Some(text) = store.metadata(".zarray")? {
            let v2 = parse::<ArrayMetadataV2>(root, ".zarray", &text)?;
            return Self::from_v3(root, &v2_to_v3(v2).map_err(|detail| refuse(root, &detail))?);
        }
        if store.file(".zgroup")?.is_some() {
            return Err(is_group(root));
        }
        Err(refuse(root, "it holds neither zarr.json nor .zarray"))
    }

    /// The array that metadata of version 3 describe; `root` is for messages.
    pub(super) fn from_v3(root: &Path, v3: &ArrayMetadataV3) -> Result<Self> {
        let refuse = |detail: String| refuse(root, &detail);
        if let Some((name, _)) = v3.additional_fields.iter().find(|(_, field)| field.must_understand()) {
            return Err(refuse(format!("field {name} is not known and must be understood")));
        }
        if !v3.storage_transformers.is_empty() {
            return Err(refuse("storage transformers are not supported".into()));
        }
        let dtype: DType = v3.data_type.name().parse().map_err(|error: Error| refuse(error.to_string()))?;
        let data_type = DataType::from_metadata(&v3.data_type).map_err(|error| refuse(error.to_string()))?;
        let fill = data_type
            .fill_value_v3(&v3.fill_value)
            .map_err(|_| refuse(format!("the fill value is not of type {dtype}")))?;
        let outer = outer_chunk(&v3.chunk_grid).map_err(refuse)?;
        check_shape(dtype, &v3.shape, &outer).map_err(refuse)?;
        let keys = chunk_keys(&v3.chunk_key_encoding).map_err(refuse)?;
        let (chunk, sharding, codecs) = match &v3.codecs[..] {
            [only] if only.name() == "sharding_indexed" => {
                let config: ShardingCodecConfigurationV1 =
                    only.to_typed_configuration().map_err(|error| refuse(error.to_string()))?;
                let sharding = Sharding::new(&outer, &config).map_err(refuse)?;
                (config.chunk_shape.clone(), Some(sharding), config.codecs)
            }
            codecs => (outer, None, codecs.to_vec()),
        };
        let chunk_type = ChunkType { data_type, fill: fill.clone(), shape: chunk.clone() };
        check_chunk_bytes(root, dtype, &chunk)?;
        let codec = ChunkCodec::new(&codecs, chunk_type).map_err(refuse)?;
        Ok(Self { dtype, shape: v3.shape.clone(), chunk: lens(&chunk), sharding, codec, fill, keys })
    }

    /// The key of a chunk of the store.
    pub(super) fn key(&self, chunk: &[u64]) -> String {
        self.keys.encode(chunk).as_str().to_owned()
    }

    /// The value of elements that are not stored.
    pub(super) fn fill<T: Element>(&self) -> T {
        let mut fill = [T::zero()];
        T::copy_from_bytes(&mut fill, self.fill.as_ne_bytes());
        fill[0]
    }

    /// Inner chunks of a shard along an axis; 1 without sharding.
    pub(super) fn per_shard(&self, axis: usize) -> u64 {
        self.sharding.as_ref().map_or(1, |sharding| sharding.per_shard[axis])
    }
}

impl Sharding {
    fn new(outer: &[NonZeroU64], config: &ShardingCodecConfigurationV1) -> Result<Self, String> {
        let inner = &config.chunk_shape[..];
        let divides = inner.len() == outer.len() && inner.iter().zip(outer).all(|(i, o)| o.get() % i.get() == 0);
        if !divides {
            let (inner, outer) = (lens(inner), lens(outer));
            return Err(format!("inner chunks {} do not divide shards {}", Shown(&inner), Shown(&outer)));
        }
        let mut shape: Vec<NonZeroU64> =
            inner.iter().zip(outer).filter_map(|(i, o)| NonZeroU64::new(o.get() / i.get())).collect();
        let per_shard = lens(&shape);
        let too_many = || format!("shards of {} inner chunks", Shown(&per_shard));
        let n_entries = per_shard.iter().try_fold(16u64, |n, &count| n.checked_mul(count)).ok_or_else(too_many)?;
        if n_entries > Config::global().memory_bytes() {
            return Err(too_many());
        }
        shape.extend(NonZeroU64::new(2));
        let data_type = zarrs::array::data_type::uint64();
        let chunk = ChunkType { data_type, fill: FillValue::from(u64::MAX), shape };
        let index = ChunkCodec::new(&config.index_codecs, chunk).map_err(|error| format!("shard index: {error}"))?;
        if !index.is_fixed_size() {
            return Err("shard index: its codecs must not compress".into());
        }
        Ok(Self { per_shard, index, index_at_end: config.index_location == ShardingIndexLocation::End })
    }
}

fn lens(shape: &[NonZeroU64]) -> Vec<u64> {
    shape.iter().map(|len| len.get()).collect()
}

fn refuse(root: &Path, detail: &str) -> Error {
    Error::format(OP, format!("{}: {detail}", root.display()))
}

fn is_group(root: &Path) -> Error {
    refuse(root, "it is a group of arrays").with_remedy("open one of the arrays in it")
}

/// Parses a document without the fields that arrays do not need.
fn parse<M: serde::de::DeserializeOwned>(root: &Path, name: &str, text: &[u8]) -> Result<M> {
    let parse = || -> serde_json::Result<Option<M>> {
        let Fields { kept, is_group } = serde_json::from_slice(text)?;
        if is_group { Ok(None) } else { serde_json::from_str(&kept).map(Some) }
    };
    match parse() {
        Ok(Some(metadata)) => Ok(metadata),
        Ok(None) => Err(is_group(root)),
        Err(error) => {
            let message: String = error.to_string().chars().take(200).collect();
            Err(refuse(root, &format!("{name} is not the metadata of an array: {message}")))
        }
    }
}

/// The fields of a document, as text; attributes are left out, which may be as large as their owner likes.
struct Fields {
    kept: String,
    is_group: bool,
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> serde::de::Visitor<'de> for FieldsVisitor {
    type Value = Fields;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
        let mut fields = Fields { kept: "{".into(), is_group: false };
        while let Some(key) = map.next_key::<Cow<'_, str>>()? {
            if key == "attributes" {
                map.next_value::<serde::de::IgnoredAny>()?;
                continue;
            }
            let value = map.next_value::<&serde_json::value::RawValue>()?.get();
            fields.is_group |= key == "node_type" && value == "\"group\"";
            if fields.kept.len() + key.len() + value.len() > MAX_FIELDS_BYTES {
                let detail = format!("fields of more than {MAX_FIELDS_BYTES} bytes beside the attributes");
                return Err(serde::de::Error::custom(detail));
            }
            let comma = if fields.kept.len() > 1 { "," } else { "" };
            let key = serde_json::to_string(&key).map_err(serde::de::Error::custom)?;
            fields.kept += &format!("{comma}{key}:{value}");
        }
        fields.kept.push('}');
        Ok(fields)
    }
}

fn v2_to_v3(mut v2: ArrayMetadataV2) -> Result<ArrayMetadataV3, String> {
    if v2.filters.as_ref().is_some_and(|filters| !filters.is_empty()) {
        return Err("filters are not supported".into());
    }
    if let Some(compressor) = &v2.compressor
        && !matches!(compressor.id(), "zstd" | "gzip" | "zlib" | "blosc")
    {
        let shown: String = compressor.id().chars().take(80).collect();
        return Err(format!("compressor {shown} is not supported (read are zstd, gzip, zlib and blosc)"));
    }
    // One axis or none has no order, and `zarrs` takes for granted that an order has axes.
    if v2.shape.len() < 2 {
        v2.order = ArrayMetadataV2Order::C;
    }
    zarrs::convert::array_metadata_v2_to_v3(&v2).map_err(|error| error.to_string().chars().take(200).collect())
}

/// The chunk lengths of a regular grid.
fn outer_chunk(grid: &MetadataV3) -> Result<Vec<NonZeroU64>, String> {
    #[derive(Deserialize)]
    struct Regular {
        chunk_shape: Vec<NonZeroU64>,
    }
    if grid.name() != "regular" {
        let shown: String = grid.name().chars().take(80).collect();
        return Err(format!("chunk grid {shown} is not supported, only regular ones are"));
    }
    let regular: Regular = grid.to_typed_configuration().map_err(|error| format!("chunk grid: {error}"))?;
    Ok(regular.chunk_shape)
}

/// Only encodings that cannot name a path of their own.
fn chunk_keys(metadata: &MetadataV3) -> Result<ChunkKeyEncoding, String> {
    if !matches!(metadata.name(), "default" | "v2") {
        let shown: String = metadata.name().chars().take(80).collect();
        return Err(format!("chunk key encoding {shown} is not supported"));
    }
    ChunkKeyEncoding::from_metadata(metadata).map_err(|error| format!("chunk key encoding: {error}"))
}

fn check_shape(dtype: DType, shape: &[u64], chunk: &[NonZeroU64]) -> Result<(), String> {
    if shape.len() > MAX_AXES || chunk.len() != shape.len() {
        return Err(format!("chunks of {} axes for an array of {} axes", chunk.len(), shape.len()));
    }
    // An axis of length zero does not excuse the others.
    let n_bytes = shape.iter().try_fold(dtype.size_bytes() as u64, |n, &len| n.checked_mul(len.max(1)));
    match n_bytes.and_then(|n| i64::try_from(n).ok()) {
        Some(_) => Ok(()),
        None => Err(format!("shape {} of {dtype} exceeds 2^63 bytes", Shown(shape))),
    }
}

/// A chunk must fit the memory of the machine: it is decoded as a whole.
fn check_chunk_bytes(root: &Path, dtype: DType, chunk: &[NonZeroU64]) -> Result<()> {
    let limit_bytes = Config::global().memory_bytes();
    let n_bytes = chunk.iter().fold(dtype.size_bytes() as u64, |n, len| n.saturating_mul(len.get()));
    if n_bytes <= limit_bytes {
        return Ok(());
    }
    let (root, chunk) = (root.display(), lens(chunk));
    Err(Error::format(
        OP,
        format!("{root}: one chunk {} of {dtype} takes more than {limit_bytes} bytes", Shown(&chunk)),
    )
    .with_remedy("rewrite the array with smaller chunks, or allow more with HYPERSLAB_MEMORY_BYTES"))
}
