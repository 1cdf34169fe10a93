//! Where a block lies in its array.

use std::fmt;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::chunks::Grid;
use crate::error::{Error, Result, Shown};

/// The place of one block: its position in the grid and, where known, the elements it covers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockLocation {
    index: Vec<u64>,
    counts: Vec<u64>,
    ranges: Option<Vec<Range<u64>>>,
}

impl BlockLocation {
    /// Block number `number` of a grid.
    pub fn new(grid: &Grid, number: u64) -> Self {
        let index = grid.block_index(number);
        Self { ranges: grid.block_ranges(&index), counts: grid.block_counts(), index }
    }

    /// The position of the block along each axis of the grid.
    pub fn index(&self) -> &[u64] {
        &self.index
    }

    /// The number of blocks along each axis.
    pub fn block_counts(&self) -> &[u64] {
        &self.counts
    }

    /// The number of the block in row-major order.
    pub fn number(&self) -> u64 {
        self.index.iter().zip(&self.counts).fold(0, |n, (&i, &count)| n * count + i)
    }

    /// The elements that the block covers along each axis; an error where chunk sizes are unknown.
    pub fn ranges(&self) -> Result<&[Range<u64>]> {
        self.ranges.as_deref().ok_or_else(|| Error::unknown_chunks("location", format_args!("block {self}")))
    }

    /// The same block of a larger array in which this one starts at `starts`.
    pub(crate) fn shifted(&self, starts: &[u64]) -> Result<BlockLocation> {
        let ranges = self.ranges()?.iter().zip(starts).map(|(range, start)| range.start + start..range.end + start);
        Ok(Self { ranges: Some(ranges.collect()), ..self.clone() })
    }

    /// The lengths that the grid promises for the block, where known.
    pub fn shape(&self) -> Option<Vec<usize>> {
        let ranges = self.ranges.as_ref()?;
        Some(ranges.iter().map(|range| (range.end - range.start) as usize).collect())
    }
}

impl fmt::Display for BlockLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Shown(&self.index).fmt(f)
    }
}
