//! `min` and `max` of the same elements in one loop: little more work than one of them.
//!
//! Each is what it would be alone, to the last bit: lanes, groups and joins are those of [`FoldLoops`].

use super::extreme::ExtremeOf;
use super::fold::{FoldLoops, JOIN, LANES};
use super::loops::{GROUP, Loops, Row};
use super::machine::{Body, Machine};
use super::order::{Larger, Order, Smaller, is_any, mark_nan};
use crate::block::Block;
use crate::element::Real;
use crate::kernels::prefetch::Ahead;
use crate::kernels::simd::Isa;

type LeastOf<T> = ExtremeOf<T, Smaller>;
type GreatestOf<T> = ExtremeOf<T, Larger>;

/// The loops of both extremes over one block. Parts: the smallest elements, the largest ones.
pub(super) struct BothLoops<T: Real> {
    machine: Machine,
    least: FoldLoops<LeastOf<T>>,
    greatest: FoldLoops<GreatestOf<T>>,
    ahead: Ahead,
}

impl<T: Real> BothLoops<T> {
    pub(super) fn new(machine: Machine, n_cells: usize, line_len: usize) -> Self {
        BothLoops {
            machine,
            least: FoldLoops::new(machine, n_cells, line_len),
            greatest: FoldLoops::new(machine, n_cells, line_len),
            ahead: Ahead::NONE,
        }
    }
}

impl<T: Real> Loops for BothLoops<T> {
    type In = T;

    fn look_ahead(&mut self, ahead: Ahead) {
        self.ahead = ahead;
    }

    fn line(&mut self, cell: usize, position: usize, xs: &[T], take: Option<&[bool]>) {
        if take.is_some() {
            self.least.line(cell, position, xs, take);
            self.greatest.line(cell, position, xs, take);
            return;
        }
        let (least, greatest) = (&mut self.least, &mut self.greatest);
        self.machine.run(FeedBoth { least, greatest, cell, xs, ahead: self.ahead });
    }

    fn end_line(&mut self, cell: usize) {
        self.least.end_line(cell);
        self.greatest.end_line(cell);
    }

    fn row(&mut self, row: Row, xs: &[T], take: Option<&[bool]>) {
        self.least.row(row, xs, take);
        self.greatest.row(row, xs, take);
    }

    fn rows(&mut self, row: Row, step: usize, lines: [&[T]; GROUP]) {
        self.least.rows(row, step, lines);
        self.greatest.rows(row, step, lines);
    }

    fn is_settled(&self, cell: usize) -> bool {
        self.least.is_settled(cell) && self.greatest.is_settled(cell)
    }

    fn into_parts(self, shape: &[usize]) -> Vec<Block> {
        let mut parts = self.least.into_parts(shape);
        parts.extend(self.greatest.into_parts(shape));
        parts
    }
}

struct FeedBoth<'a, T: Real> {
    least: &'a mut FoldLoops<LeastOf<T>>,
    greatest: &'a mut FoldLoops<GreatestOf<T>>,
    cell: usize,
    xs: &'a [T],
    ahead: Ahead,
}

impl<T: Real> Body for FeedBoth<'_, T> {
    type Out = ();

    /// Cuts as each of the two would: both have taken the same elements, so they are at the same place of their groups.
    #[inline(always)]
    fn run<I: Isa>(self) {
        let FeedBoth { least, greatest, cell, mut xs, ahead } = self;
        while !xs.is_empty() {
            let filled = least.line.filled;
            let n_whole = xs.len().min(JOIN - filled) / LANES * LANES;
            let is_whole = filled.is_multiple_of(LANES) && n_whole > 0 && !least.line.is_short;
            let n = if is_whole { n_whole } else { xs.len().min(LANES - filled % LANES) };
            let (piece, rest) = xs.split_at(n);
            xs = rest;
            if is_whole {
                let both = both_winners::<T>(least.line.acc, greatest.line.acc, piece.as_chunks().0, ahead);
                if let Some((smallest, largest)) = both {
                    (least.line.acc, greatest.line.acc) = (smallest, largest);
                    least.line.advance(&mut least.cells, cell, n);
                    greatest.line.advance(&mut greatest.cells, cell, n);
                    continue;
                }
            }
            least.line.feed(&mut least.cells, cell, piece, ahead);
            greatest.line.feed(&mut greatest.cells, cell, piece, Ahead::NONE);
        }
    }
}

/// What [`winners`](super::order::winners) says of both orders.
#[inline(always)]
fn both_winners<T: Real>(
    mut least: [T; LANES],
    mut greatest: [T; LANES],
    groups: &[[T; LANES]],
    ahead: Ahead,
) -> Option<([T; LANES], [T; LANES])> {
    let mut has_nan = [false; LANES / 2];
    for group in groups {
        ahead.ask(group);
        for lane in 0..LANES {
            least[lane] = if Smaller::beats(group[lane], least[lane]) { group[lane] } else { least[lane] };
            greatest[lane] = if Larger::beats(group[lane], greatest[lane]) { group[lane] } else { greatest[lane] };
        }
        mark_nan(&mut has_nan, group);
    }
    if is_any(&has_nan) { None } else { Some((least, greatest)) }
}
