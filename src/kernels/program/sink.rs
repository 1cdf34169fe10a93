//! Who takes the values of a program tile by tile: reductions.
//!
//! A [`TileSink`] sees a block in C order, cut into tiles. Each axis of the block is *reduced* or *kept*; the *kept space*
//! is the block without its reduced axes, and every tile says which of its places the values belong to:
//!
//! ```text
//! block (2, 4), axis 0 reduced:            block (2, 4), axis 1 reduced:
//!   tile position 0  kept_offset 0..4        tile position 0  kept_offset 0 for all four
//!   tile position 4  kept_offset 0..4        tile position 4  kept_offset 1 for all four
//! ```
//!
//! A tile never crosses from one run of the innermost axis to the next, except in [`TileSink::rows`], which hands over
//! several equally long runs at once; a sink that has nothing to gain from that leaves the method as it is.

use super::raw::TileRef;

/// Where a tile lies in its block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TileAt {
    /// C-order position in the block of the first element.
    pub(crate) position: usize,
    /// C-order position in the kept space of the first element.
    pub(crate) kept_offset: usize,
    /// Whether all elements belong to `kept_offset`; otherwise element `k` belongs to `kept_offset + k`.
    pub(crate) inner_is_reduced: bool,
    /// The number of elements.
    pub(crate) len: usize,
}

/// How several runs follow each other in one tile: run `r` starts at element `r * len`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rows {
    /// The number of runs.
    pub(crate) count: usize,
    /// How far `kept_offset` moves from one run to the next: 0 when the runs lie along a reduced axis.
    pub(crate) kept_step: usize,
}

impl TileAt {
    /// Where run `row` lies, when `self` is where the first one does.
    pub(crate) fn row(self, row: usize, rows: Rows) -> TileAt {
        TileAt {
            position: self.position + row * self.len,
            kept_offset: self.kept_offset + row * rows.kept_step,
            ..self
        }
    }
}

/// Takes the values of a program over a block.
pub(crate) trait TileSink {
    /// Takes one tile; `values` holds one slice of `at.len` elements for each output of the program.
    fn tile(&mut self, at: TileAt, values: &[TileRef<'_>]);

    /// Takes `rows.count` runs of `at.len` elements that lie one behind the other in `values`.
    ///
    /// `at` tells where the first run lies, [`TileAt::row`] where the others do. Called where runs are short, and for
    /// programs that do nothing but hand over a contiguous input: then all runs of the two innermost axes come at once.
    fn rows(&mut self, at: TileAt, rows: Rows, values: &[TileRef<'_>]) {
        let mut run = values.to_vec();
        for row in 0..rows.count {
            for (part, whole) in run.iter_mut().zip(values) {
                *part = whole.slice(row * at.len, at.len);
            }
            self.tile(at.row(row, rows), &run);
        }
    }
}
