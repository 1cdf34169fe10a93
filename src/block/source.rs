//! Where blocks come from and go to: the two traits that storage formats implement.

use std::fmt::Debug;

use super::{ArrayMeta, Block, BlockLocation, SourceSpec};
use crate::error::Result;

/// A place that blocks are read from: memory, a file, a function of the position.
///
/// Reads may come from any thread, in any order, and more than once for a block.
///
/// # Examples
/// ```
/// use std::sync::Arc;
/// use hyperslab::block::{ArrayMeta, BlockLocation, BlockSource};
/// use hyperslab::prelude::*;
///
/// /// Every element is the number of its block.
/// #[derive(Debug)]
/// struct Numbers;
/// impl BlockSource for Numbers {
///     fn format(&self) -> &'static str { "numbers" }
///     fn read(&self, at: &BlockLocation) -> Result<Block> {
///         let lens: Vec<usize> = at.ranges()?.iter().map(|range| (range.end - range.start) as usize).collect();
///         Ok(Block::from_dense(ndarray::ArrayD::from_elem(lens, at.number() as i64)))
///     }
///     fn is_random_access(&self) -> bool { false }          // what a block holds depends on the chunks
/// }
///
/// let meta = ArrayMeta::dense(DType::I64, Chunks::size(2).grid_for(&[3], 8)?);
/// let x = DynArray::from_source(Arc::new(Numbers), meta, None).try_typed::<i64>()?;
/// assert_eq!(x.compute()?, ndarray::arr1(&[0, 0, 1]).into_dyn());
/// # Ok::<(), hyperslab::Error>(())
/// ```
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

    /// What opens the same elements in another process; `None` if nothing does. Blocks of arrays in memory are sent instead,
    /// those of other sources cannot leave this process.
    fn spec(&self) -> Option<SourceSpec> {
        None
    }
}

/// A place that blocks are written to.
///
/// Writes may come from any thread and in any order; each block is written once.
///
/// # Examples
/// ```
/// use std::sync::{Arc, Mutex};
/// use hyperslab::block::{BlockLocation, BlockSink};
/// use hyperslab::prelude::*;
///
/// /// Lists the blocks that come.
/// #[derive(Debug, Default)]
/// struct Names(Mutex<Vec<String>>);
/// impl BlockSink for Names {
///     fn format(&self) -> &'static str { "names" }
///     fn write(&self, at: &BlockLocation, _block: &Block) -> Result<()> {
///         self.0.lock().expect("no writer panics").push(at.to_string());
///         Ok(())
///     }
/// }
///
/// let names = Arc::new(Names::default());
/// Array::<f64>::ones([3], Chunks::size(2))?.as_dyn().store(names.clone())?;
/// let mut seen = names.0.lock().expect("no writer panics").clone();
/// seen.sort();
/// assert_eq!(seen, ["(0)", "(1)"]);
/// # Ok::<(), hyperslab::Error>(())
/// ```
pub trait BlockSink: Debug + Send + Sync {
    /// What the format is called; shown in plans and errors.
    fn format(&self) -> &'static str;

    /// Writes the elements of one block.
    fn write(&self, at: &BlockLocation, block: &Block) -> Result<()>;
}
