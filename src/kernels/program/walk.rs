//! How a block is walked: axes merged, then cut into tiles. Integers only.
//!
//! A [`Space`] is the shape of a block after every pair of neighbouring axes that all operands walk in one stride has
//! become one axis. Its innermost axis is the *row*. A [`Walk`] yields [`Cut`]s in C order; a cut is a piece of one row,
//! or, where rows are short, several whole rows:
//!
//! ```text
//! rows of 300, tiles of at most 128:   |---104---|---104---|--92--|     even pieces, never across a row's end
//! rows of   3, tiles of at most 128:   |-3-|-3-| .. 42 rows .. |-3-|
//! ```
//!
//! Where the order does not matter and an operand's *columns* are contiguous, a walk goes through the rows in bands.

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
    /// Merges axes. `strides[k]` holds the strides of operand `k` along `shape`; axes that differ in `reduced` stay apart.
    pub(crate) fn collapse(shape: &[usize], reduced: &[bool], strides: &[&[isize]]) -> Space {
        let mut axes: Vec<usize> = Vec::with_capacity(shape.len());
        let mut lens: Vec<usize> = Vec::with_capacity(shape.len());
        for axis in (0..shape.len()).filter(|&axis| shape[axis] != 1) {
            match axes.last().copied() {
                Some(outer) if merge(outer, axis, shape[axis], reduced, strides) => {
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
            return Space { lens: vec![1], reduced: vec![true], strides: vec![1; strides.len()] };
        }
        Space {
            reduced: axes.iter().map(|&axis| reduced[axis]).collect(),
            strides: strides.iter().flat_map(|own| axes.iter().map(|&axis| own[axis])).collect(),
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

fn merge(outer: usize, inner: usize, inner_len: usize, reduced: &[bool], strides: &[&[isize]]) -> bool {
    reduced[outer] == reduced[inner] && strides.iter().all(|own| own[outer] == own[inner] * inner_len as isize)
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

/// One tile of a walk.
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

/// Walks a space, every element once.
#[derive(Debug)]
pub(crate) struct Walk {
    outer_lens: Vec<usize>,
    row_len: usize,
    order: Order,
    n_elems: usize,
    /// Elements of the cuts so far.
    n_done: usize,
    column: usize,
    index: Vec<usize>,
    /// How the index moves before the next cut.
    pending: Move,
}

#[derive(Clone, Copy, Debug)]
enum Order {
    /// Pieces of at most `len` elements, row after row.
    Pieces { len: usize },
    /// `count` whole rows at a time.
    Rows { count: usize },
    /// The first pieces of `rows` rows, then their second pieces, and so on.
    Bands { len: usize, rows: usize },
}

#[derive(Clone, Copy, Debug)]
enum Move {
    Forth(usize),
    /// Along the last outer axis.
    Back(usize),
}

/// Pieces of rows start at multiples of this, so that tiles end where vectors do.
const PIECE_ALIGN: usize = 16;

impl Walk {
    /// A walk in C order, in tiles of at most `tile_len` elements.
    pub(crate) fn new(space: &Space, tile_len: usize) -> Walk {
        let row_len = space.row_len();
        let outer_lens = space.lens[..space.lens.len() - 1].to_vec();
        let order = if row_len == 0 || row_len > tile_len / 2 {
            let n_pieces = row_len.div_ceil(tile_len).max(1);
            let even = row_len.div_ceil(n_pieces).next_multiple_of(PIECE_ALIGN);
            Order::Pieces { len: even.min(tile_len) }
        } else {
            Order::Rows { count: tile_len / row_len }
        };
        let (index, n_elems) = (vec![0; outer_lens.len()], space.n_elems());
        Walk { outer_lens, row_len, order, n_elems, n_done: 0, column: 0, index, pending: Move::Forth(0) }
    }

    /// The same walk, but piece by piece through bands of `rows` rows, so that the rows of a band are near each other in
    /// time; for operands whose columns are contiguous. Whole rows at a time stay in C order.
    pub(crate) fn in_bands(mut self, rows: usize) -> Walk {
        if let (Order::Pieces { len }, false) = (self.order, self.outer_lens.is_empty()) {
            self.order = Order::Bands { len, rows };
        }
        self
    }

    /// Whether the tiles are pieces of rows, not several rows.
    pub(crate) fn is_by_pieces(&self) -> bool {
        !matches!(self.order, Order::Rows { .. })
    }

    /// The next tile, or `None` at the end. [`Walk::index`] then tells its row.
    pub(crate) fn next(&mut self) -> Option<Cut> {
        if self.n_done >= self.n_elems {
            return None;
        }
        match self.pending {
            Move::Forth(rows) => advance(&mut self.index, &self.outer_lens, rows),
            Move::Back(rows) => self.index[self.outer_lens.len() - 1] -= rows,
        }
        let cut = match self.order {
            Order::Pieces { len } => self.piece(len),
            Order::Rows { count } => self.whole_rows(count),
            Order::Bands { len, rows } => self.band_piece(len, rows),
        };
        self.n_done += cut.len;
        Some(cut)
    }

    fn piece(&mut self, len: usize) -> Cut {
        let len = len.min(self.row_len - self.column);
        let cut = Cut { position: self.n_done, column: self.column, rows: 1, len };
        self.column += len;
        let ended = self.column == self.row_len;
        self.pending = Move::Forth(usize::from(ended));
        self.column = if ended { 0 } else { self.column };
        cut
    }

    fn whole_rows(&mut self, count: usize) -> Cut {
        let rows = count.min((self.n_elems - self.n_done) / self.row_len);
        self.pending = Move::Forth(rows);
        Cut { position: self.n_done, column: 0, rows, len: rows * self.row_len }
    }

    fn band_piece(&mut self, len: usize, rows: usize) -> Cut {
        let len = len.min(self.row_len - self.column);
        let row = self.index.iter().zip(&self.outer_lens).fold(0, |row, (i, len)| row * len + i);
        let cut = Cut { position: row * self.row_len + self.column, column: self.column, rows: 1, len };
        let (at, n_rows) = self.index.last().zip(self.outer_lens.last()).map_or((0, 1), |(&at, &n)| (at, n));
        let is_last_of_band = at % rows == rows - 1 || at == n_rows - 1;
        if !is_last_of_band || self.column + len == self.row_len {
            self.pending = Move::Forth(1);
            self.column = if is_last_of_band { 0 } else { self.column };
        } else {
            self.pending = Move::Back(at % rows);
            self.column += len;
        }
        cut
    }

    /// The place of the first row of the last cut along the outer axes.
    pub(crate) fn index(&self) -> &[usize] {
        &self.index
    }
}

/// The order of the axes in which an array with these strides lies in memory, outermost first.
pub(crate) fn memory_order(strides: &[isize]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..strides.len()).collect();
    order.sort_by_key(|&axis| std::cmp::Reverse(strides[axis].unsigned_abs()));
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cuts(space: &Space, tile_len: usize) -> Vec<(Vec<usize>, Cut)> {
        let mut walk = Walk::new(space, tile_len);
        let mut all = Vec::new();
        while let Some(cut) = walk.next() {
            all.push((walk.index().to_vec(), cut));
        }
        all
    }

    #[test]
    fn axes_merge_when_every_operand_allows_it() {
        let space = Space::collapse(&[2, 1, 3, 4], &[false; 4], &[&[12, 7, 4, 1], &[0, 9, 0, 0]]);
        assert_eq!(space.lens, [24]);
        assert_eq!((space.strides(0), space.strides(1)), (&[1][..], &[0][..]));
        let space = Space::collapse(&[2, 3, 4], &[false; 3], &[&[12, 4, 1], &[4, 0, 1]]);
        assert_eq!(space.lens, [2, 3, 4]);
        assert!(space.is_linear(0) && !space.is_linear(1));
    }

    #[test]
    fn reduced_and_kept_axes_stay_apart() {
        let space = Space::collapse(&[2, 3, 4, 5], &[false, true, true, false], &[&[60, 20, 5, 1]]);
        assert_eq!(space.lens, [2, 12, 5]);
        assert_eq!(space.reduced, [false, true, false]);
        assert_eq!(space.kept_steps(), [5, 0, 1]);
    }

    #[test]
    fn no_axes_are_one_element_and_empty_ones_none() {
        let space = Space::collapse(&[], &[], &[&[]]);
        assert_eq!(cuts(&space, 8), [(vec![], Cut { position: 0, column: 0, rows: 1, len: 1 })]);
        for shape in [[0, 3], [3, 0]] {
            assert!(cuts(&Space::collapse(&shape, &[false, true], &[&[1, 1]]), 8).is_empty());
        }
    }

    #[test]
    fn long_rows_are_cut_evenly_and_short_ones_gathered() {
        let space = Space::collapse(&[2, 300], &[true, false], &[&[300, 1]]);
        let lens: Vec<usize> = cuts(&space, 128).iter().map(|c| c.1.len).collect();
        assert_eq!(lens, [112, 112, 76, 112, 112, 76]);
        let space = Space::collapse(&[5, 3], &[true, false], &[&[3, 1]]);
        let all = cuts(&space, 7);
        assert_eq!(all.iter().map(|c| (c.0[0], c.1.rows)).collect::<Vec<_>>(), [(0, 2), (2, 2), (4, 1)]);
    }

    #[test]
    fn cuts_cover_the_space_once_in_order() {
        for shape in [[3, 4, 5], [1, 7, 129], [4, 1, 2], [2, 3, 64]] {
            let own = [1000, 0, 2];
            let space = Space::collapse(&shape, &[false, true, false], &[&own]);
            for tile_len in [1, 2, 16, 128, usize::MAX] {
                let mut position = 0;
                for (index, cut) in cuts(&space, tile_len) {
                    assert_eq!(cut.position, position);
                    let row = index.iter().zip(&space.lens).fold(0, |row, (i, len)| row * len + i);
                    assert_eq!(row * space.row_len() + cut.column, position);
                    assert!(
                        cut.len > 0 && cut.len <= tile_len.max(1) && cut.column + cut.len / cut.rows <= space.row_len()
                    );
                    position += cut.len;
                }
                assert_eq!(position, space.n_elems());
            }
        }
    }

    #[test]
    fn bands_cover_the_space_once() {
        for shape in [[3, 19, 300], [1, 8, 129], [2, 7, 70]] {
            let space = Space::collapse(&shape, &[false, true, false], &[&[10_000, 0, 2]]);
            let mut walk = Walk::new(&space, 128).in_bands(8);
            let mut seen = vec![0; space.n_elems()];
            while let Some(cut) = walk.next() {
                let row = walk.index().iter().zip(&space.lens).fold(0, |row, (i, len)| row * len + i);
                assert_eq!(row * space.row_len() + cut.column, cut.position);
                seen[cut.position..cut.position + cut.len].iter_mut().for_each(|times| *times += 1);
            }
            assert!(seen.iter().all(|&times| times == 1));
        }
        let space = Space::collapse(&[2, 300], &[true, false], &[&[300, 1]]);
        let mut walk = Walk::new(&space, 128).in_bands(8);
        let starts: Vec<usize> = std::iter::from_fn(|| walk.next()).map(|cut| cut.position).collect();
        assert_eq!(starts, [0, 300, 112, 412, 224, 524]);
    }
}
