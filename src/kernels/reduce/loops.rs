//! What the walk over a block asks of a reduction's loops.

use crate::block::Block;
use crate::element::Element;
use crate::kernels::prefetch::Ahead;

/// Neighbouring lines that are handed over together.
pub(super) const GROUP: usize = 8;

/// The stretch of a row of cells that a piece of a line belongs to, and which visit of that row it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    /// The cell of the first element.
    pub first: usize,
    /// The number of the first element of the piece in the block, in row-major order.
    pub position: usize,
    /// How many lines have visited these cells in this sweep along the reduced axis.
    pub visit: usize,
    /// How many will.
    pub n_visits: usize,
}

/// The loops of one reduction over one block, with the state of its cells.
///
/// Elements of a cell arrive in row-major order, in pieces that may be cut anywhere: the cuts must not change a bit of
/// the result. `take` tells which elements of a piece take part; without it, all do.
pub(super) trait Loops: Send + Sized {
    /// The elements that the loops read.
    type In: Element;

    /// Where pieces lie that are handed over after those that come now, counted from these.
    fn look_ahead(&mut self, _ahead: Ahead) {}

    /// A piece of the line of `cell`, whose first element has the number `position` in the block.
    fn line(&mut self, cell: usize, position: usize, xs: &[Self::In], take: Option<&[bool]>);

    /// The line of `cell` is complete.
    fn end_line(&mut self, cell: usize);

    /// Complete lines of `len` elements, one after the other, of consecutive cells.
    fn lines(&mut self, first: usize, position: usize, xs: &[Self::In], len: usize) {
        for (i, line) in xs.chunks_exact(len).enumerate() {
            self.line(first + i, position + i * len, line, None);
            self.end_line(first + i);
        }
    }

    /// A piece of a line whose elements belong to the cells of a row.
    fn row(&mut self, row: Row, xs: &[Self::In], take: Option<&[bool]>);

    /// The same stretch of [`GROUP`] successive visits, `step` elements apart in the block. All have one length.
    fn rows(&mut self, row: Row, step: usize, lines: [&[Self::In]; GROUP]) {
        for (i, xs) in lines.into_iter().enumerate() {
            let row = Row { position: row.position + i * step, visit: row.visit + i, ..row };
            self.row(row, xs, None);
        }
    }

    /// Whether no further element of this cell can change the result.
    fn is_settled(&self, _cell: usize) -> bool {
        false
    }

    /// The parts of the partial result, each in the shape `shape` of the cells.
    fn into_parts(self, shape: &[usize]) -> Vec<Block>;
}
