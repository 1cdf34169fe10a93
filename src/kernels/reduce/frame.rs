//! The shape of one block, split into the axes that stay and those that are reduced.
//!
//! Axes of length 1 are dropped and neighbours of one kind are merged, so that only the alternation is left. Two words:
//!
//! * a *cell* is one position of the kept shape (the reduced axes have length 1 there): one number of the result;
//! * a *line* is a stretch of elements along the last merged axis. Where that axis is reduced, a line belongs to one
//!   cell; where it is kept, element `k` of the line belongs to the `k`-th of a row of cells, and the row is visited
//!   as often as the reduced axis before it is long.
//!
//! ```text
//!    sum over axis 1 of (4, 3)          sum over axis 0 of (4, 3)
//!    a a a  -> cell 0   line 0           a b c   line 0, visit 0
//!    b b b  -> cell 1   line 1           a b c   line 1, visit 1
//!    c c c  -> cell 2   line 2           a b c   line 2, visit 2
//!    d d d  -> cell 3   line 3           a b c   line 3, visit 3
//!                                        | | |
//!                                   cells 0 1 2
//! ```
//!
//! What is computed depends on this picture alone, never on strides or on the pieces in which the elements arrive.

/// How the elements of a block map to the cells of its reduction. Built once per block.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    shape: Vec<usize>,
    reduced: Vec<bool>,
    /// Merged axes before the last one, as (length, distance of cells; 0 if reduced).
    outer: Vec<(usize, usize)>,
    line_len: usize,
    lines_are_cells: bool,
    n_cells: usize,
    n_per_cell: usize,
}

impl Frame {
    /// The frame of a block of this shape; `reduced` has one flag per axis.
    pub(crate) fn new(shape: &[usize], reduced: &[bool]) -> Frame {
        debug_assert_eq!(shape.len(), reduced.len());
        let mut merged: Vec<(usize, bool)> = Vec::new();
        for (&len, &is_reduced) in shape.iter().zip(reduced).filter(|&(&len, _)| len != 1) {
            match merged.last_mut() {
                Some(last) if last.1 == is_reduced => last.0 *= len,
                _ => merged.push((len, is_reduced)),
            }
        }
        let product = |flag: bool| merged.iter().filter(|axis| axis.1 == flag).map(|axis| axis.0).product();
        let (n_per_cell, n_cells) = (product(true), product(false));
        let (line_len, lines_are_cells) = merged.pop().unwrap_or((1, true));
        let mut distance = if lines_are_cells { 1 } else { line_len };
        let mut outer: Vec<(usize, usize)> = Vec::with_capacity(merged.len());
        for &(len, is_reduced) in merged.iter().rev() {
            outer.push((len, if is_reduced { 0 } else { distance }));
            distance *= if is_reduced { 1 } else { len };
        }
        outer.reverse();
        Frame {
            shape: shape.to_vec(),
            reduced: reduced.to_vec(),
            outer,
            line_len,
            lines_are_cells,
            n_cells,
            n_per_cell,
        }
    }

    /// The shape of the block.
    pub(crate) fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Which axes are reduced.
    pub(crate) fn reduced(&self) -> &[bool] {
        &self.reduced
    }

    /// The shape of the result, reduced axes kept with length 1.
    pub(crate) fn kept_shape(&self) -> Vec<usize> {
        self.shape.iter().zip(&self.reduced).map(|(&len, &is_reduced)| if is_reduced { 1 } else { len }).collect()
    }

    /// The number of cells.
    pub(crate) fn n_cells(&self) -> usize {
        self.n_cells
    }

    /// The number of elements that each cell reduces.
    pub(crate) fn n_per_cell(&self) -> usize {
        self.n_per_cell
    }

    /// The number of elements of one line.
    pub(crate) fn line_len(&self) -> usize {
        self.line_len
    }

    /// Whether a line belongs to one cell; otherwise it is a row of cells.
    pub(crate) fn lines_are_cells(&self) -> bool {
        self.lines_are_cells
    }

    /// The cell of line number `line`, or the first cell of its row.
    pub(crate) fn line_cell(&self, mut line: usize) -> usize {
        let mut cell = 0;
        for &(len, distance) in self.outer.iter().rev() {
            cell += line % len * distance;
            line /= len;
        }
        cell
    }

    /// The length of the merged axis before the last: how many lines in a row visit the same cells (rows of cells), or
    /// have consecutive cells (lines that are cells).
    pub(crate) fn n_visits(&self) -> usize {
        self.outer.last().map_or(1, |axis| axis.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_merge_and_single_axes_vanish() {
        let frame = Frame::new(&[4, 1, 5, 3], &[true, false, true, false]);
        assert_eq!((frame.line_len(), frame.lines_are_cells(), frame.n_visits()), (3, false, 20));
        assert_eq!((frame.n_cells(), frame.n_per_cell(), frame.kept_shape()), (3, 20, vec![1, 1, 1, 3]));
        let whole = Frame::new(&[4, 1, 5], &[true, false, true]);
        assert_eq!((whole.line_len(), whole.lines_are_cells(), whole.n_cells()), (20, true, 1));
        let scalar = Frame::new(&[], &[]);
        assert_eq!((scalar.line_len(), scalar.n_cells(), scalar.n_per_cell()), (1, 1, 1));
        let empty = Frame::new(&[0, 3], &[false, true]);
        assert_eq!((empty.n_cells(), empty.n_per_cell()), (0, 3));
    }

    #[test]
    fn cells_of_lines_count_the_kept_axes_only() {
        let frame = Frame::new(&[2, 3, 4, 5], &[false, true, false, true]);
        let cells: Vec<usize> = (0..24).map(|line| frame.line_cell(line)).collect();
        let expected: Vec<usize> = (0..24).map(|line| line / 12 * 4 + line % 4).collect();
        assert_eq!(cells, expected);
        let rows = Frame::new(&[2, 3, 4], &[false, true, false]);
        assert_eq!((0..6).map(|line| rows.line_cell(line)).collect::<Vec<_>>(), [0, 0, 0, 4, 4, 4]);
    }
}
