//! Where blocks come from and go to: the two traits that storage formats implement.

use std::fmt::Debug;

use super::{ArrayMeta, Block, BlockLocation};
use crate::error::Result;

/// A place that blocks are read from: memory, a file, a function of the position.
///
/// Reads may come from any thread, in any order, and more than once for a block.
pub trait BlockSource: Debug + Send + Sync {
    /// What the format is called, such as `"npy"`; shown in plans and errors.
    fn format(&self) -> &'static str;

    /// Reads the elements at a location of a grid over the source's array.
    fn read(&self, at: &BlockLocation) -> Result<Block>;

    /// Whether a read costs nothing because the elements are in memory already. Such reads are no tasks.
    fn is_in_memory(&self) -> bool {
        false
    }

    /// Whether any rectangle may be read at a cost in proportion to its size, so that slices and other chunks may be
    /// taken at the source.
    fn is_random_access(&self) -> bool {
        true
    }

    /// The elements of the largest block, asked for where chunk sizes are unknown.
    fn max_block_elems(&self) -> u64 {
        0
    }

    /// The bytes of scratch memory that one read needs beyond its result.
    fn scratch_bytes(&self, _meta: &ArrayMeta) -> u64 {
        0
    }
}

/// A place that blocks are written to.
///
/// Writes may come from any thread and in any order; each block is written once.
pub trait BlockSink: Debug + Send + Sync {
    /// What the format is called; shown in plans and errors.
    fn format(&self) -> &'static str;

    /// Writes the elements of one block.
    fn write(&self, at: &BlockLocation, block: &Block) -> Result<()>;
}
