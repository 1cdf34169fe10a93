//! Blocks that are in memory already.

use std::sync::Arc;

use ndarray::{ArcArray, Axis, IxDyn, Slice};

use super::erased::with_block;
use super::{Block, BlockData, BlockLocation, BlockSource};
use crate::chunks::AxisRange;
use crate::element::Element;
use crate::error::{Error, Result};

/// A whole array in memory; a read is a view of it that shares the memory.
#[derive(Clone, Debug)]
pub struct MemorySource(Block);

impl MemorySource {
    /// A source over one block that holds the whole array.
    pub fn new(array: Block) -> Self {
        Self(array)
    }

    /// The array.
    pub fn array(&self) -> &Block {
        &self.0
    }
}

impl BlockSource for MemorySource {
    fn format(&self) -> &'static str {
        "memory"
    }

    fn read(&self, at: &BlockLocation) -> Result<Block> {
        let ranges = at.ranges()?;
        with_block!(&self.0, T, data => match data {
            BlockData::Dense(array) => Ok(Block::new::<T>(window(array, ranges))),
            BlockData::Sparse(coo) => {
                let ranges: Vec<AxisRange> = ranges.iter().cloned().map(AxisRange::contiguous).collect();
                coo.slice(&ranges).map(Block::new::<T>)
            }
        })
    }

    fn is_in_memory(&self) -> bool {
        true
    }
}

/// The part of an array inside `ranges`, sharing its memory.
fn window<T: Element>(array: &ArcArray<T, IxDyn>, ranges: &[std::ops::Range<u64>]) -> ArcArray<T, IxDyn> {
    let mut part = array.clone();
    for (axis, range) in ranges.iter().enumerate() {
        part.slice_axis_inplace(Axis(axis), Slice::from(range.start as usize..range.end as usize));
    }
    part
}

/// The blocks of an array, in memory one by one: what `persist` leaves.
#[derive(Clone, Debug)]
pub struct BlocksSource(Arc<[Block]>);

impl BlocksSource {
    /// A source over the blocks of a grid in row-major order.
    pub fn new(blocks: Vec<Block>) -> Self {
        Self(blocks.into())
    }
}

impl BlockSource for BlocksSource {
    fn format(&self) -> &'static str {
        "blocks"
    }

    fn read(&self, at: &BlockLocation) -> Result<Block> {
        let number = at.number();
        let block = self.0.get(number as usize).ok_or_else(|| Error::bug("blocks", format!("no block {number}")))?;
        Ok(block.clone())
    }

    fn is_in_memory(&self) -> bool {
        true
    }

    fn is_random_access(&self) -> bool {
        false
    }

    fn max_block_elems(&self) -> u64 {
        self.0.iter().map(Block::n_elems).max().unwrap_or(0)
    }
}
