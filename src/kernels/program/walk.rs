//! How a block is walked: axes merged, then cut into tiles. Integers only.
//!
//! A [`Space`] is the shape of a block after every pair of neighbouring axes that all operands walk in one stride has
//! become one axis. Its innermost axis is the *row*. It is walked in C order in [`Cut`]s; a cut is a piece of one row, or,
//! where rows are short, several whole rows:
//!
//! ```text
//! rows of 300, tiles of at most 128:   |---104---|---104---|--92--|     even pieces, never across a row's end
//! rows of   3, tiles of at most 128:   |-3-|-3-| .. 42 rows .. |-3-|
//! ```

/// The merged axes of a block and the strides of its operands along them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Space {
    /// Lengths, outermost first; never empty, no axis of length 1 unless it is the only one.
    pub(crate) lens: Vec<usize>,
    /// Whether each axis is reduced.
    pub(crate) reduced: Vec<bool>,
    /// Strides in elements, all axes of the first operand, then all of the second, ...
    strides: Vec<isize>,
}

impl Space {
    /// Merges axes. `strides` holds those of the first operand along `shape`, then those of the second, and so on; axes
    /// that differ in `reduced` stay apart.
    pub(crate) fn collapse(
        shape: &[usize],
        reduced: impl Fn(usize) -> bool,
        strides: &[isize],
        n_operands: usize,
    ) -> Space {
        let of = |operand: usize, axis: usize| strides[operand * shape.len() + axis];
        let merge = |outer: usize, inner: usize| {
            let one_run = |k: usize| of(k, outer) == of(k, inner) * shape[inner] as isize;
            reduced(outer) == reduced(inner) && (0..n_operands).all(one_run)
        };
        let mut axes: Vec<usize> = Vec::with_capacity(shape.len());
        let mut lens: Vec<usize> = Vec::with_capacity(shape.len());
        for axis in (0..shape.len()).filter(|&axis| shape[axis] != 1) {
            match axes.last().copied() {
                Some(outer) if merge(outer, axis) => {
                    // `axes` names the innermost axis of each merged group: its stride is the group's.
                    *axes.last_mut().unwrap_or(&mut 0) = axis;
                    let len = lens.len() - 1;
                    lens[len] *= shape[axis];
                }
                _ => {
                    axes.push(axis);
                    lens.push(shape[axis]);
                }
            }
        }
        if axes.is_empty() {
            return Space { lens: vec![1], reduced: vec![true], strides: vec![1; n_operands] };
        }
        Space {
            reduced: axes.iter().map(|&axis| reduced(axis)).collect(),
            strides: (0..n_operands).flat_map(|k| axes.iter().map(move |&axis| of(k, axis))).collect(),
            lens,
        }
    }

    /// The number of elements.
    pub(crate) fn n_elems(&self) -> usize {
        self.lens.iter().product()
    }

    /// The length of a row.
    pub(crate) fn row_len(&self) -> usize {
        self.lens[self.lens.len() - 1]
    }

    /// The strides of an operand.
    pub(crate) fn strides(&self, operand: usize) -> &[isize] {
        let n = self.lens.len();
        &self.strides[operand * n..(operand + 1) * n]
    }

    /// Whether an operand's elements lie in memory as the space counts them.
    pub(crate) fn is_linear(&self, operand: usize) -> bool {
        let mut step = 1;
        self.lens.iter().zip(self.strides(operand)).rev().all(|(&len, &stride)| {
            let fits = stride == step;
            step *= len as isize;
            fits
        })
    }

    /// Where an operand's element lies, counted from its first one; `index` names the outer axes only.
    pub(crate) fn row_offset(&self, operand: usize, index: &[usize]) -> isize {
        index.iter().zip(self.strides(operand)).map(|(&i, &stride)| i as isize * stride).sum()
    }

    /// How far the position in the kept space moves along each axis: 0 along reduced ones.
    pub(crate) fn kept_steps(&self) -> Vec<usize> {
        let mut step = 1;
        let mut steps: Vec<usize> = Vec::with_capacity(self.lens.len());
        for (&len, &reduced) in self.lens.iter().zip(&self.reduced).rev() {
            steps.push(if reduced { 0 } else { step });
            step *= if reduced { 1 } else { len };
        }
        steps.reverse();
        steps
    }
}

/// Moves an index over the outer axes by `rows`, in C order; past the end it wraps to the start.
pub(crate) fn advance(index: &mut [usize], lens: &[usize], rows: usize) {
    let mut carry = rows;
    for (i, &len) in index.iter_mut().zip(lens).rev() {
        if carry == 0 {
            return;
        }
        *i += carry;
        carry = *i / len;
        *i %= len;
    }
}

/// One tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    /// C-order position of the first element.
    pub(crate) position: usize,
    /// The place in its row of the first element; 0 when there are several rows.
    pub(crate) column: usize,
    /// The number of rows: 1, or several whole ones.
    pub(crate) rows: usize,
    /// The number of elements of all rows.
    pub(crate) len: usize,
}

/// How a space is cut into tiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// Pieces of at most `len` elements, row after row.
    Pieces { len: usize },
    /// `count` whole rows at a time.
    Rows { count: usize },
}

/// Pieces of rows start at multiples of this, so that tiles end where vectors do.
const PIECE_ALIGN: usize = 16;

impl Pace {
    /// Tiles of at most `tile_len` elements.
    pub(crate) fn new(row_len: usize, tile_len: usize) -> Pace {
        if row_len == 0 || row_len > tile_len / 2 {
            let n_pieces = row_len.div_ceil(tile_len).max(1);
            let even = row_len.div_ceil(n_pieces).next_multiple_of(PIECE_ALIGN);
            Pace::Pieces { len: even.min(tile_len) }
        } else {
            Pace::Rows { count: tile_len / row_len }
        }
    }
}

/// The order of the axes in which an array with these strides lies in memory, outermost first; `None` if it is C order.
pub(crate) fn memory_order(strides: &[isize]) -> Option<Vec<usize>> {
    if strides.is_sorted_by_key(|stride| std::cmp::Reverse(stride.unsigned_abs())) {
        return None;
    }
    let mut order: Vec<usize> = (0..strides.len()).collect();
    order.sort_by_key(|&axis| std::cmp::Reverse(strides[axis].unsigned_abs()));
    Some(order)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collapsed(shape: &[usize], reduced: &[bool], strides: &[&[isize]]) -> Space {
        Space::collapse(shape, |axis| reduced[axis], &strides.concat(), strides.len())
    }

    #[test]
    fn axes_merge_when_every_operand_allows_it() {
        let space = collapsed(&[2, 1, 3, 4], &[false; 4], &[&[12, 7, 4, 1], &[0, 9, 0, 0]]);
        assert_eq!(space.lens, [24]);
        assert_eq!((space.strides(0), space.strides(1)), (&[1][..], &[0][..]));
        let space = collapsed(&[2, 3, 4], &[false; 3], &[&[12, 4, 1], &[4, 0, 1]]);
        assert_eq!(space.lens, [2, 3, 4]);
        assert!(space.is_linear(0) && !space.is_linear(1));
    }

    #[test]
    fn reduced_and_kept_axes_stay_apart() {
        let space = collapsed(&[2, 3, 4, 5], &[false, true, true, false], &[&[60, 20, 5, 1]]);
        assert_eq!(space.lens, [2, 12, 5]);
        assert_eq!(space.reduced, [false, true, false]);
        assert_eq!(space.kept_steps(), [5, 0, 1]);
    }

    #[test]
    fn no_axes_are_one_element_and_empty_ones_none() {
        let space = collapsed(&[], &[], &[&[]]);
        assert_eq!((space.n_elems(), space.row_len(), space.is_linear(0)), (1, 1, true));
        for shape in [[0, 3], [3, 0]] {
            assert_eq!(collapsed(&shape, &[false, true], &[&[1, 1]]).n_elems(), 0);
        }
    }

    #[test]
    fn long_rows_are_cut_evenly_and_short_ones_gathered() {
        assert_eq!(Pace::new(300, 128), Pace::Pieces { len: 112 });
        assert_eq!(Pace::new(256, 128), Pace::Pieces { len: 128 });
        assert_eq!(Pace::new(65, 128), Pace::Pieces { len: 80 });
        assert_eq!(Pace::new(64, 128), Pace::Rows { count: 2 });
        assert_eq!(Pace::new(3, 7), Pace::Rows { count: 2 });
        assert_eq!(Pace::new(5, 1), Pace::Pieces { len: 1 });
        assert_eq!(Pace::new(0, 128), Pace::Pieces { len: 0 });
        assert_eq!(Pace::new(1000, usize::MAX), Pace::Rows { count: usize::MAX / 1000 });
    }

    #[test]
    fn indices_advance_in_c_order() {
        let lens = [2, 3, 4];
        for rows in [0, 1, 3, 5, 12, 23] {
            for start in 0..24 - rows {
                let mut index = [start / 12, start / 4 % 3, start % 4];
                advance(&mut index, &lens, rows);
                let end = start + rows;
                assert_eq!(index, [end / 12, end / 4 % 3, end % 4]);
            }
        }
    }

    #[test]
    fn the_order_in_memory_is_by_strides() {
        assert_eq!(memory_order(&[12, 4, 1]), None);
        assert_eq!(memory_order(&[]), None);
        assert_eq!(memory_order(&[1, -12, 4]), Some(vec![1, 2, 0]));
    }
}
