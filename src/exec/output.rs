//! Where the blocks of a result go: one array in memory, a list of blocks, or a sink.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use ndarray::{ArrayViewMutD, Axis};

use crate::block::{Block, BlockLocation, BlockSink, BufferPool};
use crate::chunks::Grid;
use crate::element::Element;
use crate::error::{Error, Result};
use crate::kernels::copy_into;

/// Takes the blocks of one result, in any order and from any thread.
pub(crate) enum Output<'a> {
    /// Every block on its own.
    Blocks(Mutex<Vec<Option<Block>>>),
    /// The parts of one dense array.
    Dense(Box<dyn DenseTarget + 'a>),
    /// A file or another store.
    Sink { sink: Arc<dyn BlockSink>, grid: Grid },
}

impl Output<'_> {
    /// A list for the blocks of a grid.
    pub(crate) fn blocks(grid: &Grid) -> Self {
        Output::Blocks(Mutex::new(vec![None; grid.n_blocks() as usize]))
    }

    /// Takes block `number`; its memory goes to `pool` where nobody needs it any more.
    pub(crate) fn put(&self, number: u64, block: Block, pool: &BufferPool) -> Result<()> {
        match self {
            Output::Blocks(blocks) => {
                // A panic elsewhere leaves the list as it was: it is written to in one step.
                blocks.lock().unwrap_or_else(PoisonError::into_inner)[number as usize] = Some(block);
            }
            Output::Dense(target) => {
                target.put(number, &block)?;
                pool.give_block(block);
            }
            Output::Sink { sink, grid } => {
                sink.write(&BlockLocation::new(grid, number), &block)?;
                pool.give_block(block);
            }
        }
        Ok(())
    }

    /// The list of blocks; nothing for the other kinds.
    pub(crate) fn into_blocks(self) -> Result<Vec<Block>> {
        let Output::Blocks(blocks) = self else { return Ok(Vec::new()) };
        let blocks = blocks.into_inner().unwrap_or_else(PoisonError::into_inner);
        let missing = || Error::bug("compute", "a run ended without one of its results");
        blocks.into_iter().collect::<Option<_>>().ok_or_else(missing)
    }
}

impl fmt::Debug for Output<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Output::Blocks(_) => f.write_str("Blocks"),
            Output::Dense(_) => f.write_str("Dense"),
            Output::Sink { sink, .. } => write!(f, "Sink({})", sink.format()),
        }
    }
}

/// A dense array that is filled block by block.
pub(crate) trait DenseTarget: Sync {
    /// Copies a block to its place.
    fn put(&self, number: u64, block: &Block) -> Result<()>;
}

/// The parts of an array, one for each block of a grid: they do not overlap, so each can be written to on its own.
pub(crate) struct SplitArray<'a, T> {
    parts: Vec<Mutex<Option<ArrayViewMutD<'a, T>>>>,
}

impl<'a, T: Element> SplitArray<'a, T> {
    /// Cuts an array along a grid of known chunk sizes.
    pub(crate) fn new(array: ArrayViewMutD<'a, T>, grid: &Grid) -> Self {
        let mut parts = vec![array];
        for (axis, chunks) in grid.axes().iter().enumerate() {
            let sizes: Vec<u64> = chunks.sizes().collect();
            parts = parts.into_iter().flat_map(|part| split(part, Axis(axis), &sizes)).collect();
        }
        Self { parts: parts.into_iter().map(|part| Mutex::new(Some(part))).collect() }
    }
}

fn split<'a, T>(part: ArrayViewMutD<'a, T>, axis: Axis, sizes: &[u64]) -> Vec<ArrayViewMutD<'a, T>> {
    let mut parts = Vec::with_capacity(sizes.len());
    let mut rest = part;
    for &size in &sizes[..sizes.len() - 1] {
        let (first, others) = rest.split_at(axis, size as usize);
        parts.push(first);
        rest = others;
    }
    parts.push(rest);
    parts
}

impl<T: Element> DenseTarget for SplitArray<'_, T> {
    fn put(&self, number: u64, block: &Block) -> Result<()> {
        let slot = &self.parts[number as usize];
        let part = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
        let part = part.ok_or_else(|| Error::bug("compute", format!("block {number} came twice")))?;
        let elements = block.to_array::<T>()?;
        if elements.shape() != part.shape() {
            return Err(Error::block(
                "compute",
                "shape",
                crate::error::Shown(part.shape()),
                crate::error::Shown(elements.shape()),
            ));
        }
        copy_into(part, elements.view());
        Ok(())
    }
}
