//! Hands each stretch of a block to the loops of its reduction.
//!
//! Pieces of the block arrive in row-major order. A piece is cut where lines end (see [`Frame`]); whole lines are handed
//! over together where the loops gain from that.

use std::sync::Arc;

use super::counts::Counts;
use super::frame::Frame;
use super::loops::{GROUP, Loops, Row};
use super::machine::Machine;
use crate::block::Block;
use crate::kernels::prefetch::Ahead;

/// Pieces that are read more than once, or copied, stay within the first cache level.
pub(super) const PIECE_ELEMS: usize = 1024;
/// Between two pieces of a line a settled reduction may stop.
const STRIDE_ELEMS: usize = 16 << 10;

/// The way through one block.
pub(super) struct Walk<L> {
    pub(super) machine: Machine,
    frame: Arc<Frame>,
    loops: L,
    counts: Counts,
    cursor: Cursor,
}

/// Where the next element lies.
#[derive(Clone, Copy, Default)]
struct Cursor {
    position: usize,
    /// The number of the line, and of the element in the line.
    line: usize,
    within: usize,
    /// The cell of the line, or the first of its row.
    cell: usize,
    /// Whether elements of the line have gone to a cell that does not know yet that the line is over.
    is_open: bool,
}

impl<L: Loops> Walk<L> {
    pub(super) fn new(machine: Machine, frame: Arc<Frame>, loops: L, counts: Counts) -> Self {
        Walk { machine, frame, loops, counts, cursor: Cursor::default() }
    }

    pub(super) fn line_len(&self) -> usize {
        self.frame.line_len()
    }

    pub(super) fn look_ahead(&mut self, ahead: Ahead) {
        self.loops.look_ahead(ahead);
    }

    /// Takes elements `position`, `position + 1`, .. of the block.
    pub(super) fn elements(&mut self, position: usize, mut xs: &[L::In], mut take: Option<&[bool]>) {
        if !xs.is_empty() {
            self.seek(position);
        }
        while !xs.is_empty() {
            let n = if take.is_none() && self.cursor.within == 0 { self.walk_lines(xs) } else { 0 };
            let n = if n > 0 { n } else { self.walk_piece(xs, take) };
            xs = &xs[n..];
            take = take.map(|take| &take[n..]);
        }
    }

    fn seek(&mut self, position: usize) {
        if self.cursor.position != position {
            self.end_line();
            let len = self.frame.line_len();
            self.move_to(position / len, position % len);
        }
    }

    fn move_to(&mut self, line: usize, within: usize) {
        let position = line * self.frame.line_len() + within;
        self.cursor = Cursor { position, line, within, cell: self.frame.line_cell(line), is_open: false };
    }

    fn end_line(&mut self) {
        if std::mem::take(&mut self.cursor.is_open) {
            self.loops.end_line(self.cursor.cell);
        }
    }

    /// Handles as many whole lines at once as the loops can; returns the number of elements.
    fn walk_lines(&mut self, xs: &[L::In]) -> usize {
        let (len, n_visits) = (self.frame.line_len(), self.frame.n_visits());
        let (Cursor { position, line, cell, .. }, visit) = (self.cursor, self.cursor.line % n_visits);
        if !self.frame.lines_are_cells() {
            if !visit.is_multiple_of(GROUP) || n_visits - visit < GROUP || xs.len() < GROUP * len {
                return 0;
            }
            let lines = std::array::from_fn(|i| &xs[i * len..(i + 1) * len]);
            self.group(Row { first: cell, position, visit, n_visits }, lines);
            return GROUP * len;
        }
        let n_lines = (n_visits - visit).min(xs.len() / len);
        if n_lines == 0 || len > STRIDE_ELEMS || self.counts.read_elements() {
            return 0;
        }
        self.loops.lines(cell, position, &xs[..n_lines * len], len);
        for i in 0..n_lines {
            self.counts.line(cell + i, &xs[i * len..(i + 1) * len], None);
        }
        self.move_to(line + n_lines, 0);
        n_lines * len
    }

    /// Hands a group of lines to the loops; `row` is where the first one lies.
    fn group(&mut self, row: Row, lines: [&[L::In]; GROUP]) {
        self.loops.rows(row, self.frame.line_len(), lines);
        for line in lines {
            self.counts.row(row.first, line, None);
        }
        self.move_to(self.cursor.line + GROUP, 0);
    }

    /// Handles a piece of the current line; returns the number of elements.
    fn walk_piece(&mut self, xs: &[L::In], take: Option<&[bool]>) -> usize {
        let Cursor { position, line, within, cell, .. } = self.cursor;
        let longest = if self.counts.read_elements() || take.is_some() { PIECE_ELEMS } else { STRIDE_ELEMS };
        let n = xs.len().min(self.frame.line_len() - within).min(longest);
        let (xs, take) = (&xs[..n], take.map(|take| &take[..n]));
        if self.frame.lines_are_cells() {
            if !self.loops.is_settled(cell) {
                self.loops.line(cell, position, xs, take);
            }
            self.counts.line(cell, xs, take);
            self.cursor.is_open = true;
        } else {
            let n_visits = self.frame.n_visits();
            let row = Row { first: cell + within, position, visit: line % n_visits, n_visits };
            self.loops.row(row, xs, take);
            self.counts.row(cell + within, xs, take);
        }
        self.cursor.position += n;
        self.cursor.within += n;
        if self.cursor.within == self.frame.line_len() {
            self.end_line();
            self.move_to(line + 1, 0);
        }
        n
    }

    /// Takes a group of whole lines; see [`Lift::rows`](super::sink::Lift::rows).
    pub(super) fn lines(&mut self, position: usize, lines: [&[L::In]; GROUP]) {
        self.seek(position);
        let n_visits = self.frame.n_visits();
        let row = Row { first: self.cursor.cell, position, visit: self.cursor.line % n_visits, n_visits };
        self.group(row, lines);
    }

    pub(super) fn n_cells(&self) -> usize {
        self.frame.n_cells()
    }

    /// Takes all elements of a cell, the first of which has the number `first`.
    pub(super) fn cell(&mut self, cell: usize, first: usize, xs: &[L::In]) {
        for (i, piece) in xs.chunks(PIECE_ELEMS).enumerate() {
            if !self.loops.is_settled(cell) {
                self.loops.line(cell, first + i * PIECE_ELEMS, piece, None);
            }
            self.counts.line(cell, piece, None);
        }
        self.loops.end_line(cell);
    }

    /// Whether the remaining elements of the block cannot change the result.
    pub(super) fn is_settled(&self) -> bool {
        self.frame.n_cells() == 1 && self.loops.is_settled(0)
    }

    /// The parts of the partial result.
    pub(super) fn into_parts(mut self) -> Vec<Block> {
        self.end_line();
        let mut parts = self.loops.into_parts(&self.frame.kept_shape());
        parts.extend(self.counts.into_part(&self.frame));
        parts
    }
}
