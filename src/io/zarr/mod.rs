//! Zarr arrays, versions 2 and 3: a folder of compressed chunks.
//!
//! Metadata, element types and codecs come from `zarrs`; folders, shards and the limits of decompression are our own. What
//! is stored under one key is a *chunk* of the store; with sharding it holds many *inner chunks* and an index of them.
//! Reading decodes the inner chunks that a block touches, each into a buffer of its known size; absent ones are the fill
//! value. A file cannot make the reader allocate more than the metadata's chunks take, nor lead it out of its folder.
//!
//! | file | role |
//! |---|---|
//! | `store` | the folder: keys to files |
//! | `meta` | what the metadata says, both versions brought to one form |
//! | `codec` | bytes of a chunk to elements |
//! | `shard` | shards and their indices |
//! | `source` `sink` | reading and writing arrays |
//! | `writer` | writing chunks, here or in another process |
//!
//! Read are the codecs bytes, transpose, zstd, gzip, zlib, blosc, crc32c and `sharding_indexed`; regular grids; all element
//! types of this crate. Not read are filters of version 2, sharding inside sharding, groups as a whole, and stores on the
//! network.

mod codec;
mod meta;
mod shard;
mod sink;
mod source;
mod store;
mod writer;

pub use sink::{ZarrOptions, ZarrSink, save_zarr, save_zarr_with};
pub use source::{ZarrSource, open_zarr, open_zarr_with};
pub(super) use writer::WriteZarr;

/// The operation that errors are about.
const OP: &str = "zarr";
