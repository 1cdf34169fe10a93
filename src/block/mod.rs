//! One chunk's data and what is known of it.
//!
//! * [`Block`] is the data of any element type, [`BlockData`] of a static one; both may be dense or sparse.
//! * [`ArrayMeta`] is what an expression promises: element type, grid and [`Layout`].
//! * [`Value`] is what a task hands on: a block or unfinished parts.
//! * [`BlockSource`] and [`BlockSink`] are the traits of storage formats; a [`SourceSpec`] opens a source elsewhere.
//! * `codec` is values as bytes, for other processes and for disks.
//! * [`BufferPool`] keeps the memory of finished blocks for new ones.

pub(crate) mod codec;
mod erased;
mod layout;
mod location;
mod memory;
mod meta;
mod recycle;
mod sliced;
mod source;
mod spec;
#[cfg(test)]
pub(crate) mod testing;
mod typed;
mod value;
mod view;

pub use erased::Block;
pub(crate) use erased::with_block;
pub use layout::Layout;
pub use location::BlockLocation;
pub use memory::{BlocksSource, MemorySource};
pub use meta::ArrayMeta;
pub use recycle::BufferPool;
pub(crate) use recycle::fresh;
pub(crate) use sliced::SlicedSource;
pub use source::{BlockSink, BlockSource};
pub use spec::{SourceFormat, SourceSpec};
pub use typed::BlockData;
pub use value::Value;
pub use view::BlockView;
