//! Results on disk, for when memory is short.
//!
//! Three parts know nothing of each other: a *policy* says whether to write and how much, a *store* says where and how
//! much room there is, a *handle* is one content that was written. What a content means is its owner's affair: here it is
//! bytes.
//!
//! ```text
//!   policy: "101 bytes too many" ──> owner picks and encodes ──> store.write(bytes) ──> handle
//!                                                                  handle.read() ──> the same bytes, or an error
//! ```
//!
//! A content lies in a file of its own without a name, readable by nobody else: it vanishes with the process, however that
//! ends. Its bytes are cut into frames, each with a version, lengths and a sum, which are all checked before a byte is
//! handed on.
//!
//! | file | role |
//! |---|---|
//! | `policy` | thresholds |
//! | `frame` | bytes as checked, compressed frames |
//! | `store` | files, and the room they may take |
//!
//! Used by the workers of the remote engine, and by runs of a local [`Runtime`](super::Runtime) that is told
//! [where](super::Runtime::spill_to): there the scheduler (`exec/state.rs`) is the policy.

mod frame;
#[cfg(feature = "remote")]
mod policy;
mod store;

#[cfg(feature = "remote")]
pub(crate) use policy::MemoryLimits;
pub(crate) use store::{SpillHandle, SpillStore};
