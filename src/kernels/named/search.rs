//! Places in sorted lists: binary searches, membership, distinct elements and what is counted for each of them.

use std::cmp::Ordering;

use ndarray::{Array1, Array2};
use serde::{Deserialize, Serialize};

use super::order::Ordered;
use crate::block::{Block, BlockLocation, with_block};
use crate::element::Element;
use crate::error::Result;
use crate::kernels::NamedKernel;

/// Blocks: a sorted list, and elements of the same type. The result tells where each element would be inserted to keep the
/// order, `int64`: before equal ones, or behind them.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct SearchSorted {
    pub(crate) behind_equal: bool,
}

impl NamedKernel for SearchSorted {
    const NAME: &'static str = "hyperslab.searchsorted";

    fn run(&self, blocks: &[Block], _at: &BlockLocation) -> Result<Block> {
        with_block!(&blocks[0], T, list => {
            let list = sorted_list(&list.to_dense()?);
            let elements = blocks[1].to_array::<T>()?;
            let comes_before = |element: &T, other: &T| match other.order(element) {
                Ordering::Less => true,
                Ordering::Equal => self.behind_equal,
                Ordering::Greater => false,
            };
            Ok(Block::from_dense(elements.map(|x| list.partition_point(|other| comes_before(x, other)) as i64)))
        })
    }
}

/// Blocks: a sorted list, and elements of the same type. The result tells which elements are in the list. NaN is in no list.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct InSorted;

impl NamedKernel for InSorted {
    const NAME: &'static str = "hyperslab.isin";

    fn run(&self, blocks: &[Block], _at: &BlockLocation) -> Result<Block> {
        with_block!(&blocks[0], T, list => {
            let list = sorted_list(&list.to_dense()?);
            let elements = blocks[1].to_array::<T>()?;
            let is_in = |x: &T| !Element::is_nan(*x) && list.binary_search_by(|other| other.order(x)).is_ok();
            Ok(Block::from_dense(elements.map(is_in)))
        })
    }
}

/// The distinct elements of all blocks in ascending order; of equal ones, the first; one NaN for all.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Distinct;

impl NamedKernel for Distinct {
    const NAME: &'static str = "hyperslab.distinct";

    fn run(&self, blocks: &[Block], _at: &BlockLocation) -> Result<Block> {
        with_block!(&blocks[0], T, _data => {
            let mut all: Vec<T> = Vec::new();
            for block in blocks {
                all.extend(block.to_array::<T>()?.iter());
            }
            // Stable: of -0.0 and 0.0 the first one stays.
            all.sort_by(Ordered::order);
            all.dedup_by(|a, b| a.order(b).is_eq());
            Ok(Block::from_dense(Array1::from_vec(all).into_dyn()))
        })
    }
}

/// What is told of each distinct element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Tally {
    /// How often it occurs.
    Count,
    /// Its first position.
    First,
}

/// Blocks: the distinct elements of an array, a block of its elements in one axis, and their positions. The result is one
/// row, `int64`, with the tally of each distinct element in the block; what does not occur has count 0 and position
/// `i64::MAX`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct TallyDistinct {
    pub(crate) tally: Tally,
}

impl NamedKernel for TallyDistinct {
    const NAME: &'static str = "hyperslab.tally";

    fn run(&self, blocks: &[Block], _at: &BlockLocation) -> Result<Block> {
        let positions = blocks[2].to_array::<i64>()?;
        with_block!(&blocks[0], T, list => {
            let list = sorted_list(&list.to_dense()?);
            let elements = blocks[1].to_array::<T>()?;
            let missing = if self.tally == Tally::Count { 0 } else { i64::MAX };
            let mut row = Array2::from_elem((1, list.len()), missing);
            for (&position, x) in positions.iter().zip(elements.iter()) {
                let slot = &mut row[[0, list.partition_point(|other| other.order(x).is_lt())]];
                *slot = if self.tally == Tally::Count { *slot + 1 } else { position.min(*slot) };
            }
            Ok(Block::from_dense(row.into_dyn()))
        })
    }
}

fn sorted_list<T: Ordered>(list: &ndarray::ArcArray<T, ndarray::IxDyn>) -> Vec<T> {
    list.iter().copied().collect()
}
