//! Where a block lies in its array.

use std::fmt;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::chunks::Grid;
use crate::error::{Error, Result, Shown};

/// The place of one block: its position in the grid and, where known, the elements it covers.
///
/// # Examples
/// ```
/// use hyperslab::block::BlockLocation;
/// use hyperslab::prelude::*;
/// let grid = Chunks::from((3, 4)).grid_for(&[6, 10], 8)?;
/// let at = BlockLocation::new(&grid, 5);
/// assert_eq!((at.to_string(), at.ranges()?), ("(1, 2)".into(), &[3..6, 8..10][..]));
/// # Ok::<(), hyperslab::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RawLocation")]
pub struct BlockLocation {
    index: Vec<u64>,
    counts: Vec<u64>,
    ranges: Option<Vec<Range<u64>>>,
}

impl BlockLocation {
    /// Block number `number` of a grid.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::block::BlockLocation;
    /// use hyperslab::prelude::*;
    /// let grid = Chunks::from((3, 4)).grid_for(&[6, 10], 8)?;
    /// assert_eq!(BlockLocation::new(&grid, 4).index(), [1, 1]);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn new(grid: &Grid, number: u64) -> Self {
        let index = grid.block_index(number);
        Self { ranges: grid.block_ranges(&index), counts: grid.block_counts(), index }
    }

    /// The position of the block along each axis of the grid.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<i64>::zeros([4], Chunks::size(2))?;
    /// let numbers: Array<i64> = x.map_blocks(|b| Ok((&b.dense()? + b.location().index()[0] as i64).into()))?;
    /// assert_eq!(numbers.compute()?, ndarray::arr1(&[0, 0, 1, 1]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn index(&self) -> &[u64] {
        &self.index
    }

    /// The number of blocks along each axis.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::block::BlockLocation;
    /// use hyperslab::prelude::*;
    /// let grid = Chunks::from((3, 4)).grid_for(&[6, 10], 8)?;
    /// assert_eq!(BlockLocation::new(&grid, 4).block_counts(), [2, 3]);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn block_counts(&self) -> &[u64] {
        &self.counts
    }

    /// The number of the block in row-major order.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::block::BlockLocation;
    /// use hyperslab::prelude::*;
    /// let grid = Chunks::from((3, 4)).grid_for(&[6, 10], 8)?;
    /// assert_eq!(BlockLocation::new(&grid, 4).number(), 4);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn number(&self) -> u64 {
        self.index.iter().zip(&self.counts).fold(0, |n, (&i, &count)| n * count + i)
    }

    /// The elements that the block covers along each axis; an error where chunk sizes are unknown.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::block::BlockLocation;
    /// use hyperslab::prelude::*;
    /// let grid = Chunks::from((3, 4)).grid_for(&[6, 10], 8)?;
    /// assert_eq!(BlockLocation::new(&grid, 4).ranges()?, [3..6, 4..8]);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn ranges(&self) -> Result<&[Range<u64>]> {
        self.ranges.as_deref().ok_or_else(|| Error::unknown_chunks("location", format_args!("block {self}")))
    }

    /// The same block of a larger array in which this one starts at `starts`.
    pub(crate) fn shifted(&self, starts: &[u64]) -> Result<BlockLocation> {
        let ranges = self.ranges()?;
        if ranges.len() != starts.len() {
            return Err(Error::format("location", format!("{} starts for {} axes", starts.len(), ranges.len())));
        }
        let moved =
            |(range, start): (&Range<u64>, &u64)| range.start.saturating_add(*start)..range.end.saturating_add(*start);
        Ok(Self { ranges: Some(ranges.iter().zip(starts).map(moved).collect()), ..self.clone() })
    }

    /// The lengths that the grid promises for the block, where known.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::block::BlockLocation;
    /// use hyperslab::prelude::*;
    /// let grid = Chunks::from((3, 4)).grid_for(&[6, 10], 8)?;
    /// assert_eq!(BlockLocation::new(&grid, 5).shape(), Some(vec![3, 2]));
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn shape(&self) -> Option<Vec<usize>> {
        let ranges = self.ranges.as_ref()?;
        Some(ranges.iter().map(|range| (range.end - range.start) as usize).collect())
    }
}

/// A location that nobody vouches for.
#[derive(Deserialize)]
#[serde(rename = "BlockLocation")]
struct RawLocation {
    index: Vec<u64>,
    counts: Vec<u64>,
    ranges: Option<Vec<Range<u64>>>,
}

impl TryFrom<RawLocation> for BlockLocation {
    type Error = Error;

    fn try_from(raw: RawLocation) -> Result<Self> {
        let RawLocation { index, counts, ranges } = raw;
        let is_inside = index.len() == counts.len() && index.iter().zip(&counts).all(|(at, count)| at < count);
        let is_range = |ranges: &Vec<Range<u64>>| {
            ranges.len() == index.len()
                && ranges.iter().all(|range| range.start <= range.end && i64::try_from(range.end).is_ok())
        };
        if !is_inside || !ranges.as_ref().is_none_or(is_range) {
            let detail = format!("{} of {} blocks is no place of a block", Shown(&index), Shown(&counts));
            return Err(Error::format("location", detail));
        }
        Ok(Self { index, counts, ranges })
    }
}

impl fmt::Display for BlockLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Shown(&self.index).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_that_are_none_are_refused() {
        let good = BlockLocation::new(&Grid::single(&[4, 2]), 0);
        let text = serde_json::to_string(&good).unwrap();
        assert_eq!(serde_json::from_str::<BlockLocation>(&text).unwrap(), good);
        let breaks = [
            (r#""index":[0,0]"#, r#""index":[0]"#),
            (r#""index":[0,0]"#, r#""index":[0,1]"#),
            (r#""end":4"#, r#""end":18446744073709551615"#),
            (r#""start":0,"end":2"#, r#""start":3,"end":2"#),
            (r#"[{"start":0,"end":4},"#, "["),
        ];
        for (from, to) in breaks {
            assert!(text.contains(from), "{text}");
            assert!(serde_json::from_str::<BlockLocation>(&text.replacen(from, to, 1)).is_err(), "{to}");
        }
    }
}
