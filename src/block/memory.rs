//! Blocks that are in memory already.

use std::sync::Arc;

use ndarray::{ArcArray, Axis, IxDyn, Slice};

use super::erased::with_block;
use super::{Block, BlockData, BlockLocation, BlockSource};
use crate::chunks::AxisRange;
use crate::element::Element;
use crate::error::{Error, Result};

/// A whole array in memory; a read is a view of it that shares the memory.
///
/// # Examples
/// ```
/// use hyperslab::block::{BlockLocation, BlockSource, MemorySource};
/// use hyperslab::prelude::*;
/// let source = MemorySource::new(Block::from_dense(ndarray::arr1(&[1, 2, 3]).into_dyn()));
/// let grid = Chunks::size(2).grid_for(&[3], 4)?;
/// assert_eq!(source.read(&BlockLocation::new(&grid, 1))?.dense::<i32>()?, ndarray::arr1(&[3]).into_dyn());
/// # Ok::<(), hyperslab::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct MemorySource(Block);

impl MemorySource {
    /// A source over one block that holds the whole array.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::block::MemorySource;
    /// use hyperslab::prelude::*;
    /// let source = MemorySource::new(Block::from_dense(ndarray::arr1(&[1, 2, 3]).into_dyn()));
    /// assert_eq!(source.array().n_elems(), 3);
    /// ```
    pub fn new(array: Block) -> Self {
        Self(array)
    }

    /// The array.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::block::MemorySource;
    /// use hyperslab::prelude::*;
    /// let source = MemorySource::new(Block::from_dense(ndarray::arr1(&[1, 2, 3]).into_dyn()));
    /// assert_eq!(source.array().shape(), [3]);
    /// ```
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
///
/// # Examples
/// ```
/// use hyperslab::block::{BlockLocation, BlockSource, BlocksSource};
/// use hyperslab::prelude::*;
/// let blocks = [5, 7].map(|x| Block::from_dense(ndarray::arr1(&[x]).into_dyn()));
/// let source = BlocksSource::new(blocks.to_vec());
/// let grid = Chunks::size(1).grid_for(&[2], 4)?;
/// assert_eq!(source.read(&BlockLocation::new(&grid, 1))?.dense::<i32>()?[[0]], 7);
/// # Ok::<(), hyperslab::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct BlocksSource(Arc<[Block]>);

impl BlocksSource {
    /// A source over the blocks of a grid in row-major order.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::block::{BlockSource, BlocksSource};
    /// use hyperslab::prelude::*;
    /// let source = BlocksSource::new(vec![Block::from_dense(ndarray::arr1(&[5]).into_dyn())]);
    /// assert!(source.is_in_memory());
    /// ```
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
