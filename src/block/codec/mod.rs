//! Values as bytes: what crosses the border between two processes, and what is laid aside on disk.
//!
//! A value is written as a small *header*, which tells element types, layouts, shapes and lengths, and as *frames*, which
//! are the elements themselves. Frames are not copied where the elements lie together in memory, so that a writer can hand
//! large buffers to a socket as they are; [`Encoded::to_bytes`] puts all of it in one run of bytes where that is simpler.
//!
//! ```text
//! header:  'H' 'S' 'V' 'B' | version | node          all numbers little-endian, nothing aligned
//! node:    0 | dtype | n axes | length of each axis: u64 | order in memory: one byte for each axis    + 1 frame
//!          1 | dtype | n axes | length of each axis: u64 | n entries: u64 | fill                      + 2 frames
//!          2 | n parts: u32 | node of each part
//! frames:  elements of a dense block in its order in memory │ keys of a sparse block │ values of a sparse block
//! ```
//!
//! The *order in memory* names the axes from the one that varies slowest to the one that varies fastest: a transposed block
//! comes back transposed, so that a sum over it adds in the same order on either side.
//!
//! Bytes from elsewhere are believed only as far as they can be checked: every length is compared with the bytes that are
//! there before memory is asked for, a `bool` must be 0 or 1, keys must ascend and lie inside of the shape. Numbers keep
//! every bit, those of NaN included. Nothing here compresses.

mod decode;
mod encode;
mod reader;

// What speaks over sockets is a feature.
#[allow(unused_imports)]
pub(crate) use decode::decode_bytes;
#[allow(unused_imports)]
pub(crate) use encode::{Encoded, Frame};
#[allow(unused_imports)]
pub(crate) use reader::Reader;

const MAGIC: [u8; 4] = *b"HSVB";
const VERSION: u8 = 1;
const DENSE: u8 = 0;
const SPARSE: u8 = 1;
const PARTS: u8 = 2;
/// Parts of parts of parts: far deeper than any operation nests them.
const MAX_DEPTH: usize = 16;
