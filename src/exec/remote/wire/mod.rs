//! Bytes on the wire and the values they stand for; functions on slices, no sockets.
//!
//! A message is a list of *frames*. The first frame is one msgpack value. Other frames belong to values that are too large
//! or too foreign for msgpack: the first frame refers to them by number.
//!
//! ```text
//! u64 N | u64 n_frames | u64 length of each | frame 0 | frame 1 | ... | frame k |   frame k+1 | ...
//!         `------------------ N bytes: the unsplit part ---------------------'
//!
//! frame 0   {"op": "get_data", "data": {"x": {"__Serialized__": 1}}}
//! frame 1   {"serializer": "dask", "type": "bytes", "num-sub-frames": 1, ...}     a sub-header
//! frame 2   the bytes
//! ```
//!
//! | file | role |
//! |---|---|
//! | `limits` | what a peer may claim |
//! | `value` | [`Value`], what a message says |
//! | `msgpack` | values as bytes |
//! | `frame` | frames as bytes |
//! | `message` | a value with its frames |
//! | `payload` `compress` | bytes as out-of-band values |
//! | `handshake` `reply` | the first message of a connection; errors in answers |

// The whole interface of this layer is listed here; not all of it has a user in the layers above yet.
#![allow(unused_imports)]

mod compress;
mod frame;
mod handshake;
mod limits;
mod message;
mod msgpack;
mod payload;
mod reply;
#[cfg(test)]
mod testing;
mod value;

pub(crate) use compress::Compression;
#[cfg(any(test, fuzzing))]
pub(crate) use frame::split_message;
pub(crate) use frame::{LENGTH_BYTES, cut_frames, join_frames, unsplit_bytes};
pub(crate) use handshake::Handshake;
pub(crate) use limits::Limits;
pub(crate) use message::{decode_message, encode_message};
pub(crate) use reply::{check_reply, error_reply, thrown_text};
pub(crate) use value::{EnumMember, Pickled, Serialized, Value};
