//! The chunks of all axes of an array.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::axis::AxisChunks;
use super::extent::Extent;
use crate::error::{Error, Result};

/// The cut of an array into blocks: one [`AxisChunks`] per axis.
///
/// Blocks are numbered in row-major order. A 0-d grid has one block. Cloning copies a pointer.
///
/// ```text
///            axis 1: 4   4   2          blocks
///          ┌───┬───┬─┐
/// axis 0:3 │ 0 │ 1 │2│
///          ├───┼───┼─┤
///        3 │ 3 │ 4 │5│
///          └───┴───┴─┘
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Grid(Arc<[AxisChunks]>);

impl Grid {
    /// A grid from the chunks of each axis.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::chunks::{AxisChunks, Grid};
    /// let grid = Grid::new(vec![AxisChunks::regular(6, 3), AxisChunks::regular(10, 4)]);
    /// assert_eq!(grid.to_string(), "(6, 10) chunks (3, 4)");
    /// ```
    pub fn new(axes: Vec<AxisChunks>) -> Self {
        Self(axes.into())
    }

    /// One block for an array of known shape.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::chunks::Grid;
    /// assert_eq!(Grid::single(&[6, 10]).n_blocks(), 1);
    /// ```
    pub fn single(shape: &[u64]) -> Self {
        shape.iter().map(|&len| AxisChunks::whole(len)).collect()
    }

    /// The chunks of each axis.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::Chunks;
    /// let grid = Chunks::from((3, 4)).grid_for(&[6, 10], 8)?;
    /// assert_eq!(grid.axes().iter().map(|axis| axis.n_blocks()).collect::<Vec<_>>(), [2, 3]);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn axes(&self) -> &[AxisChunks] {
        &self.0
    }

    /// The chunks of one axis.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::Chunks;
    /// let grid = Chunks::from((3, 4)).grid_for(&[6, 10], 8)?;
    /// assert_eq!(grid.axis(1).sizes().collect::<Vec<_>>(), [4, 4, 2]);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn axis(&self, axis: usize) -> &AxisChunks {
        &self.0[axis]
    }

    /// The number of axes.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::chunks::Grid;
    /// assert_eq!(Grid::single(&[6, 10]).ndim(), 2);
    /// ```
    pub fn ndim(&self) -> usize {
        self.0.len()
    }

    /// The length of each axis.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::chunks::{Extent, Grid};
    /// assert_eq!(Grid::single(&[6, 10]).shape(), [Extent::Known(6), Extent::Known(10)]);
    /// ```
    pub fn shape(&self) -> Vec<Extent> {
        self.0.iter().map(AxisChunks::extent).collect()
    }

    /// The length of each axis, if all are known.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::chunks::Grid;
    /// assert_eq!(Grid::single(&[6, 10]).known_shape(), Some(vec![6, 10]));
    /// ```
    pub fn known_shape(&self) -> Option<Vec<u64>> {
        self.0.iter().map(AxisChunks::len).collect()
    }

    /// The length of each axis, or an error saying that `op` needs them.
    ///
    /// # Errors
    /// A length is unknown before a run.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Array::<i64>::arange(0, 6, 1, Chunks::size(3))?;
    /// let error = x.mask(&x.gt(1)?)?.grid().require_shape("plot").unwrap_err();
    /// assert!(error.is_unknown_chunks() && error.op() == "plot");
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn require_shape(&self, op: &'static str) -> Result<Vec<u64>> {
        self.known_shape().ok_or_else(|| Error::unknown_chunks(op, format_args!("the shape is {}", self.shape_text())))
    }

    /// The length of one axis; an error if it is unknown.
    pub(crate) fn require_axis_len(&self, op: &'static str, axis: usize) -> Result<u64> {
        let unknown = || {
            Error::unknown_chunks(
                op,
                format_args!("the length of axis {axis} of shape {} is asked for", self.shape_text()),
            )
        };
        self.0[axis].len().ok_or_else(unknown)
    }

    /// Whether every chunk size is known.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::chunks::Grid;
    /// assert!(Grid::single(&[6, 10]).is_known());
    /// ```
    pub fn is_known(&self) -> bool {
        self.0.iter().all(AxisChunks::is_known)
    }

    /// The number of elements, if known and below 2^64.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::chunks::Grid;
    /// assert_eq!(Grid::single(&[6, 10]).n_elems(), Some(60));
    /// assert_eq!(Grid::single(&[1 << 40, 1 << 40]).n_elems(), None);
    /// ```
    pub fn n_elems(&self) -> Option<u64> {
        count_elems(&self.known_shape()?)
    }

    /// The number of blocks along each axis.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::Chunks;
    /// assert_eq!(Chunks::from((3, 4)).grid_for(&[6, 10], 8)?.block_counts(), [2, 3]);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn block_counts(&self) -> Vec<u64> {
        self.0.iter().map(AxisChunks::n_blocks).collect()
    }

    /// The number of blocks.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::Chunks;
    /// assert_eq!(Chunks::from((3, 4)).grid_for(&[6, 10], 8)?.n_blocks(), 6);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn n_blocks(&self) -> u64 {
        self.0.iter().map(AxisChunks::n_blocks).product()
    }

    /// The position of block number `linear` along each axis.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::Chunks;
    /// assert_eq!(Chunks::from((3, 4)).grid_for(&[6, 10], 8)?.block_index(4), [1, 1]);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn block_index(&self, linear: u64) -> Vec<u64> {
        let mut index = vec![0; self.ndim()];
        let mut rest = linear;
        for (slot, axis) in index.iter_mut().zip(self.0.iter()).rev() {
            let n = axis.n_blocks();
            *slot = rest % n;
            rest /= n;
        }
        index
    }

    /// The number of the block at a position along each axis.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::Chunks;
    /// assert_eq!(Chunks::from((3, 4)).grid_for(&[6, 10], 8)?.block_number(&[1, 1]), 4);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn block_number(&self, index: &[u64]) -> u64 {
        index.iter().zip(self.0.iter()).fold(0, |n, (&i, axis)| n * axis.n_blocks() + i)
    }

    /// The elements of a block along each axis, if known.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::Chunks;
    /// assert_eq!(Chunks::from((3, 4)).grid_for(&[6, 10], 8)?.block_ranges(&[1, 2]), Some(vec![3..6, 8..10]));
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn block_ranges(&self, index: &[u64]) -> Option<Vec<Range<u64>>> {
        index.iter().zip(self.0.iter()).map(|(&i, axis)| axis.block_range(i)).collect()
    }

    /// The shape of a block, if known.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::Chunks;
    /// assert_eq!(Chunks::from((3, 4)).grid_for(&[6, 10], 8)?.block_shape(&[1, 2]), Some(vec![3, 2]));
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn block_shape(&self, index: &[u64]) -> Option<Vec<u64>> {
        index.iter().zip(self.0.iter()).map(|(&i, axis)| axis.block_len(i)).collect()
    }

    /// The number of elements of the largest block, if known.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::Chunks;
    /// assert_eq!(Chunks::from((3, 4)).grid_for(&[6, 10], 8)?.max_block_elems(), Some(12));
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn max_block_elems(&self) -> Option<u64> {
        self.0.iter().try_fold(1u64, |n, axis| n.checked_mul(axis.max_block_len()?))
    }

    /// The shape as text, unknown lengths as `?a`: `(100, ?3f2a)`.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::chunks::Grid;
    /// assert_eq!(Grid::single(&[6, 10]).shape_text(), "(6, 10)");
    /// ```
    pub fn shape_text(&self) -> String {
        crate::error::Shown(&self.shape()).to_string()
    }

    /// The chunks as text: `(50, (3, 4, 1))`.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::Chunks;
    /// assert_eq!(Chunks::from((3, vec![9, 1])).grid_for(&[6, 10], 8)?.chunks_text(), "(3, 9)");
    /// assert_eq!(Chunks::from((3, vec![1, 9])).grid_for(&[6, 10], 8)?.chunks_text(), "(3, (1, 9))");
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn chunks_text(&self) -> String {
        crate::error::Shown(&self.0).to_string()
    }

    /// The same grid with other chunks on one axis.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::chunks::{AxisChunks, Grid};
    /// assert_eq!(Grid::single(&[6, 10]).with_axis(0, AxisChunks::regular(6, 2)).chunks_text(), "(2, 10)");
    /// ```
    pub fn with_axis(&self, axis: usize, chunks: AxisChunks) -> Self {
        let mut axes = self.0.to_vec();
        axes[axis] = chunks;
        Self::new(axes)
    }
}

/// The number of elements of a shape, if below 2^64. A zero makes it zero, however long the other axes are.
pub(crate) fn count_elems(shape: &[u64]) -> Option<u64> {
    if shape.contains(&0) { Some(0) } else { shape.iter().try_fold(1, |n: u64, &len| n.checked_mul(len)) }
}

impl FromIterator<AxisChunks> for Grid {
    fn from_iter<I: IntoIterator<Item = AxisChunks>>(axes: I) -> Self {
        Self(axes.into_iter().collect())
    }
}

impl fmt::Display for Grid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} chunks {}", self.shape_text(), self.chunks_text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn block_numbers_are_row_major() {
        let grid = Grid::new(vec![AxisChunks::regular(6, 3), AxisChunks::regular(10, 4)]);
        assert_eq!(grid.n_blocks(), 6);
        for number in 0..6 {
            assert_eq!(grid.block_number(&grid.block_index(number)), number);
        }
        assert_eq!(grid.block_index(5), [1, 2]);
        assert_eq!(grid.block_shape(&[1, 2]), Some(vec![3, 2]));
        assert_eq!(grid.to_string(), "(6, 10) chunks (3, 4)");
    }

    #[test]
    fn zero_dimensional_grid_has_one_block() {
        let grid = Grid::single(&[]);
        assert_eq!((grid.n_blocks(), grid.n_elems()), (1, Some(1)));
        assert_eq!(grid.block_index(0), Vec::<u64>::new());
    }

    #[test]
    fn elements_are_counted_without_overflow() {
        assert_eq!(Grid::single(&[1 << 40, 1 << 40]).n_elems(), None);
        assert_eq!(Grid::single(&[1 << 40, 1 << 40, 0]).n_elems(), Some(0));
    }
}
