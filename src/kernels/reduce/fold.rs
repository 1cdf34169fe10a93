//! Reductions that carry one number per cell: sums, products, extremes, counts.
//!
//! A [`Fold`] says how one element enters the number and how two numbers join. [`FoldLoops`] supplies the loops: a line
//! is spread over 32 independent lanes, so that the processor never waits for the last addition (Kahan's compensated
//! sum in the inner loop would wait four times as long), and rows of cells are visited eight lines at a time.
//!
//! ```text
//!   x:  x0  x1 .. x31 | x32 .. x63 | ..          element i goes to lane i % 32
//!        |   |     |      |                      every 1024 elements, and at the end of the line, the lanes are
//!   acc: a0  a1 .. a31  <-+                      joined as a tree of halves and absorbed by the cell
//! ```
//!
//! How a cell absorbs is the business of its [`Cells`]: plainly, exactly, or compensated (see [`totals`](super::totals)).

use super::loops::{GROUP, Loops, Row};
use super::machine::{Body, Machine};
use super::take::Replaced;
use crate::block::Block;
use crate::element::Element;
use crate::kernels::prefetch::Ahead;
use crate::kernels::simd::Isa;

/// Independent accumulators of one line. 32 measured best for 4 to 64 byte vectors.
pub(super) const LANES: usize = 32;
/// Elements between two joins of the lanes.
pub(super) const JOIN: usize = 32 * LANES;
/// Lines between two settlements of a row of cells; a multiple of [`GROUP`].
const SETTLE: usize = 32;

/// A reduction whose state is one number.
pub(super) trait Fold: Sized + Send + 'static {
    type In: Element;
    type Acc: Copy + Send;
    type Cells: Cells<Acc = Self::Acc>;
    /// Whether `neutral` leaves every number as it is, to the last bit.
    const HAS_NEUTRAL: bool = true;

    /// The number of no element at all.
    fn identity() -> Self::Acc;
    /// An element that changes nothing.
    fn neutral() -> Self::In;
    /// Lets one element enter. Branch-free.
    fn step(acc: Self::Acc, x: Self::In) -> Self::Acc;
    /// Lets whole groups enter, element `i` of each into lane `i`: the same as [`step`](Fold::step) for each of them.
    #[inline(always)]
    fn enter_groups(acc: [Self::Acc; LANES], groups: &[[Self::In; LANES]], ahead: Ahead) -> [Self::Acc; LANES] {
        step_groups::<Self>(acc, groups, ahead)
    }
    /// Joins the numbers of two stretches.
    fn join(a: Self::Acc, b: Self::Acc) -> Self::Acc;
    /// Lets `n` copies of an element enter a cell.
    fn enter_copies(cells: &mut Self::Cells, cell: usize, x: Self::In, n: u64);
    /// Whether no element can change this number.
    fn is_settled(_acc: Self::Acc) -> bool {
        false
    }
}

/// Lets groups enter step by step.
#[inline(always)]
pub(super) fn step_groups<F: Fold>(
    mut acc: [F::Acc; LANES],
    groups: &[[F::In; LANES]],
    ahead: Ahead,
) -> [F::Acc; LANES] {
    for group in groups {
        ahead.ask(group);
        for lane in 0..LANES {
            acc[lane] = F::step(acc[lane], group[lane]);
        }
    }
    acc
}

/// The numbers of all cells.
pub(super) trait Cells: Send + Sized {
    type Acc: Copy;

    /// Cells that have absorbed nothing.
    fn new(n: usize) -> Self;
    /// Adds the number of a stretch to a cell.
    fn absorb(&mut self, cell: usize, piece: Self::Acc);
    /// The running numbers of a row of cells, for elements to enter.
    fn row(&mut self, first: usize, len: usize) -> &mut [Self::Acc];
    /// Absorbs the running numbers of a row, if they are kept apart.
    fn settle(&mut self, _first: usize, _len: usize) {}
    /// The number of a cell that nobody visits in rows.
    fn peek(&self, cell: usize) -> Self::Acc;
    /// The parts of a partial result.
    fn into_parts(self, shape: &[usize]) -> Vec<Block>;
    /// Cells from the parts of a partial result.
    fn from_parts(parts: &[Block]) -> crate::error::Result<Self>;
    /// Absorbs the same number of cells of another block.
    fn join(&mut self, other: &Self);
}

/// The loops of a [`Fold`] over one block.
pub(super) struct FoldLoops<F: Fold> {
    machine: Machine,
    pub(super) cells: F::Cells,
    pub(super) line: Line<F>,
    replaced: Replaced<F::In>,
    neutral: F::In,
    ahead: Ahead,
}

/// The state of an unfinished line.
pub(super) struct Line<F: Fold> {
    pub(super) acc: [F::Acc; LANES],
    /// Elements since the last join.
    pub(super) filled: usize,
    /// Lines shorter than the lanes use the first lane only.
    pub(super) is_short: bool,
}

impl<F: Fold> FoldLoops<F> {
    pub(super) fn new(machine: Machine, n_cells: usize, line_len: usize) -> Self {
        FoldLoops {
            machine,
            cells: F::Cells::new(n_cells),
            line: Line { acc: [F::identity(); LANES], filled: 0, is_short: line_len < LANES },
            replaced: Replaced::new(machine),
            neutral: F::neutral(),
            ahead: Ahead::NONE,
        }
    }
}

impl<F: Fold> Loops for FoldLoops<F> {
    type In = F::In;

    fn look_ahead(&mut self, ahead: Ahead) {
        self.ahead = ahead;
    }

    fn line(&mut self, cell: usize, _position: usize, xs: &[F::In], take: Option<&[bool]>) {
        // What is replaced is copied first.
        let ahead = if take.is_some() { Ahead::NONE } else { self.ahead };
        let xs = self.replaced.unless_taken(xs, take, self.neutral);
        self.machine.run(FeedLine { line: &mut self.line, cells: &mut self.cells, cell, xs, ahead });
    }

    fn end_line(&mut self, cell: usize) {
        self.machine.run(EndLine { line: &mut self.line, cells: &mut self.cells, cell });
    }

    fn lines(&mut self, first: usize, _position: usize, xs: &[F::In], len: usize) {
        let ahead = self.ahead;
        self.machine.run(FeedLines { line: &mut self.line, cells: &mut self.cells, first, xs, len, ahead });
    }

    fn row(&mut self, row: Row, xs: &[F::In], take: Option<&[bool]>) {
        let xs = self.replaced.unless_taken(xs, take, self.neutral);
        let n_done = row.visit + 1;
        let settles = n_done.is_multiple_of(SETTLE) || n_done == row.n_visits;
        self.machine.run(FeedRow::<F> { cells: &mut self.cells, first: row.first, xs, settles });
    }

    fn rows(&mut self, row: Row, _step: usize, lines: [&[F::In]; GROUP]) {
        let n_done = row.visit + GROUP;
        let settles = n_done.is_multiple_of(SETTLE) || n_done == row.n_visits;
        self.machine.run(FeedRows::<F> { cells: &mut self.cells, first: row.first, lines, settles });
    }

    fn is_settled(&self, cell: usize) -> bool {
        F::is_settled(self.cells.peek(cell))
    }

    fn into_parts(self, shape: &[usize]) -> Vec<Block> {
        self.cells.into_parts(shape)
    }
}

impl<F: Fold> Line<F> {
    /// Lets elements enter, joining the lanes where that is due.
    #[inline(always)]
    pub(super) fn feed(&mut self, cells: &mut F::Cells, cell: usize, mut xs: &[F::In], ahead: Ahead) {
        if self.is_short {
            self.acc[0] = xs.iter().fold(self.acc[0], |acc, &x| F::step(acc, x));
            return;
        }
        // A piece may end inside a group of 32: the next one goes on in the lane where it stopped.
        let phase = self.filled % LANES;
        if phase > 0 {
            let (head, rest) = xs.split_at(xs.len().min(LANES - phase));
            ahead.ask(head);
            self.enter_some(phase, head);
            self.join_if_due(cells, cell);
            xs = rest;
        }
        while xs.len() >= LANES {
            let (groups, rest) = xs.split_at(xs.len().min(JOIN - self.filled) / LANES * LANES);
            self.acc = F::enter_groups(self.acc, groups.as_chunks().0, ahead);
            self.advance(cells, cell, groups.len());
            xs = rest;
        }
        ahead.ask(xs);
        self.enter_some(0, xs);
    }

    #[inline(always)]
    fn enter_some(&mut self, phase: usize, xs: &[F::In]) {
        if F::HAS_NEUTRAL && !xs.is_empty() {
            // All lanes at once are faster than some of them one by one.
            let group = padded(xs, phase, F::neutral());
            self.acc.iter_mut().zip(group).for_each(|(acc, x)| *acc = F::step(*acc, x));
        } else {
            self.acc[phase..].iter_mut().zip(xs).for_each(|(acc, &x)| *acc = F::step(*acc, x));
        }
        self.filled += xs.len();
    }

    /// After `n` elements have entered in whole groups.
    #[inline(always)]
    pub(super) fn advance(&mut self, cells: &mut F::Cells, cell: usize, n: usize) {
        self.filled += n;
        self.join_if_due(cells, cell);
    }

    #[inline(always)]
    fn join_if_due(&mut self, cells: &mut F::Cells, cell: usize) {
        if self.filled == JOIN {
            self.join(cells, cell);
        }
    }

    /// Joins the lanes as a tree of halves and empties them into the cell.
    #[inline(always)]
    fn join(&mut self, cells: &mut F::Cells, cell: usize) {
        if self.is_short {
            cells.absorb(cell, self.acc[0]);
            self.acc[0] = F::identity();
            return;
        }
        let mut width = LANES / 2;
        while width > 0 {
            for lane in 0..width {
                self.acc[lane] = F::join(self.acc[lane], self.acc[lane + width]);
            }
            width /= 2;
        }
        cells.absorb(cell, self.acc[0]);
        self.acc = [F::identity(); LANES];
        self.filled = 0;
    }
}

/// A group of lanes with `xs` from lane `phase` on and `neutral` in the others.
#[inline(always)]
pub(super) fn padded<T: Copy>(xs: &[T], phase: usize, neutral: T) -> [T; LANES] {
    let mut group = [neutral; LANES];
    group[phase..phase + xs.len()].copy_from_slice(xs);
    group
}

struct FeedLine<'a, F: Fold> {
    line: &'a mut Line<F>,
    cells: &'a mut F::Cells,
    cell: usize,
    xs: &'a [F::In],
    ahead: Ahead,
}

impl<F: Fold> Body for FeedLine<'_, F> {
    type Out = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        self.line.feed(self.cells, self.cell, self.xs, self.ahead);
    }
}

struct EndLine<'a, F: Fold> {
    line: &'a mut Line<F>,
    cells: &'a mut F::Cells,
    cell: usize,
}

impl<F: Fold> Body for EndLine<'_, F> {
    type Out = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        self.line.join(self.cells, self.cell);
    }
}

struct FeedLines<'a, F: Fold> {
    line: &'a mut Line<F>,
    cells: &'a mut F::Cells,
    first: usize,
    xs: &'a [F::In],
    len: usize,
    ahead: Ahead,
}

impl<F: Fold> Body for FeedLines<'_, F> {
    type Out = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        for (i, xs) in self.xs.chunks_exact(self.len).enumerate() {
            self.line.feed(self.cells, self.first + i, xs, self.ahead);
            self.line.join(self.cells, self.first + i);
        }
    }
}

struct FeedRow<'a, F: Fold> {
    cells: &'a mut F::Cells,
    first: usize,
    xs: &'a [F::In],
    settles: bool,
}

impl<F: Fold> Body for FeedRow<'_, F> {
    type Out = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        enter_row::<F>(self.cells.row(self.first, self.xs.len()), self.xs);
        if self.settles {
            self.cells.settle(self.first, self.xs.len());
        }
    }
}

#[inline(always)]
fn enter_row<F: Fold>(row: &mut [F::Acc], xs: &[F::In]) {
    for (acc, &x) in row.iter_mut().zip(xs) {
        *acc = F::step(*acc, x);
    }
}

struct FeedRows<'a, F: Fold> {
    cells: &'a mut F::Cells,
    first: usize,
    lines: [&'a [F::In]; GROUP],
    settles: bool,
}

impl<F: Fold> Body for FeedRows<'_, F> {
    type Out = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let len = self.lines[0].len();
        enter_rows::<F>(self.cells.row(self.first, len), self.lines);
        if self.settles {
            self.cells.settle(self.first, len);
        }
    }
}

#[inline(always)]
fn enter_rows<F: Fold>(row: &mut [F::Acc], lines: [&[F::In]; GROUP]) {
    let lines = lines.map(|line| &line[..row.len()]);
    for (k, acc) in row.iter_mut().enumerate() {
        let mut sum = *acc;
        for line in lines {
            sum = F::step(sum, line[k]);
        }
        *acc = sum;
    }
}
