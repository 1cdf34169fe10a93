//! The loops that sum up deviations: see [`moments`](super::moments) for what they compute.

use super::fold::{JOIN, LANES, padded};
use super::loops::{GROUP, Loops, Row};
use super::machine::{Body, Machine};
use super::moments::{Moments, MomentsCells, Sample};
use super::take::not_nan;
use crate::block::Block;
use crate::kernels::prefetch::Ahead;
use crate::kernels::simd::Isa;

/// Elements of a line before the first merge: few, while the shift may be an outlier. Short lines add up in one lane,
/// whose rounding errors grow faster.
const FIRST_JOIN: usize = LANES;
const FIRST_SHORT_JOIN: usize = 8;
/// Visits of a row before the first merge, and between two merges; multiples of [`GROUP`].
const FIRST_SETTLE: usize = GROUP;
const SETTLE: usize = 32;

/// The loops of mean and spread over one block.
pub(super) struct MomentsLoops<S> {
    machine: Machine,
    cells: MomentsCells<S>,
    line: Line<S>,
    rows: Rows<S>,
    choice: Choice,
    marks: Vec<bool>,
    ahead: Ahead,
}

/// Which elements take part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    /// All of them.
    All,
    /// Those that the mask takes.
    Masked,
    /// Those that the mask takes, if there is one, and that are not NaN.
    NotNan,
}

impl<S: Sample> MomentsLoops<S> {
    pub(super) fn new(machine: Machine, n_cells: usize, line_len: usize, choice: Choice) -> Self {
        MomentsLoops {
            machine,
            cells: MomentsCells::new(n_cells),
            line: Line::new(line_len < LANES),
            rows: Rows { n: Vec::new(), sum: Vec::new(), squares: Vec::new() },
            choice,
            marks: Vec::new(),
            ahead: Ahead::NONE,
        }
    }

    /// Calls `feed` with the marks of the elements that take part, unless all always do.
    fn with_marks(&mut self, xs: &[S], take: Option<&[bool]>, feed: impl FnOnce(&mut Self, Option<&[bool]>)) {
        let mut marks = std::mem::take(&mut self.marks);
        match (self.choice, take) {
            (Choice::All, _) => feed(self, None),
            (Choice::Masked, Some(take)) => feed(self, Some(take)),
            (Choice::Masked, None) => {
                marks.clear();
                marks.resize(xs.len(), true);
                feed(self, Some(&marks));
            }
            (Choice::NotNan, take) => {
                marks.resize(xs.len(), false);
                not_nan(self.machine, &mut marks, xs, take);
                feed(self, Some(&marks));
            }
        }
        self.marks = marks;
    }
}

impl<S: Sample> Loops for MomentsLoops<S> {
    type In = S;

    fn look_ahead(&mut self, ahead: Ahead) {
        self.ahead = ahead;
    }

    fn line(&mut self, cell: usize, _position: usize, xs: &[S], take: Option<&[bool]>) {
        self.with_marks(xs, take, |this, take| {
            let ahead = this.ahead;
            this.machine.run(FeedLine { line: &mut this.line, cells: &mut this.cells, cell, xs, take, ahead });
        });
    }

    fn end_line(&mut self, cell: usize) {
        self.machine.run(EndLine { line: &mut self.line, cells: &mut self.cells, cell });
    }

    fn row(&mut self, row: Row, xs: &[S], take: Option<&[bool]>) {
        self.with_marks(xs, take, |this, take| {
            this.rows.allocate(this.cells.n.len(), take.is_some());
            let (rows, cells) = (&mut this.rows, &mut this.cells);
            match take {
                Some(take) => this.machine.run(FeedRowTaking { rows, cells, row, xs, take }),
                None => this.machine.run(FeedRows { rows, cells, row, lines: [xs] }),
            }
        });
    }

    fn rows(&mut self, row: Row, step: usize, lines: [&[S]; GROUP]) {
        if self.choice != Choice::All {
            for (i, xs) in lines.into_iter().enumerate() {
                self.row(Row { position: row.position + i * step, visit: row.visit + i, ..row }, xs, None);
            }
            return;
        }
        self.rows.allocate(self.cells.n.len(), false);
        self.machine.run(FeedRows { rows: &mut self.rows, cells: &mut self.cells, row, lines });
    }

    fn into_parts(mut self, shape: &[usize]) -> Vec<Block> {
        if !self.rows.n.is_empty() {
            self.rows.settle(&mut self.cells, 0, shape.iter().product(), None);
        }
        self.cells.into_parts(shape)
    }
}

/// The sums of deviations in an unfinished line.
struct Line<S> {
    sum: [S; LANES],
    squares: [f64; LANES],
    /// Elements that took part since the last merge.
    n: u64,
    /// Elements of the line so far.
    filled: usize,
    /// None before the first element that takes part.
    shift: Option<S>,
    /// Lines shorter than the lanes use the first lane only.
    is_short: bool,
}

impl<S: Sample> Line<S> {
    fn new(is_short: bool) -> Self {
        Line { sum: [S::zero(); LANES], squares: [0.0; LANES], n: 0, filled: 0, shift: None, is_short }
    }

    #[inline(always)]
    fn feed(
        &mut self,
        cells: &mut MomentsCells<S>,
        cell: usize,
        mut xs: &[S],
        mut take: Option<&[bool]>,
        ahead: Ahead,
    ) {
        if self.shift.is_none() {
            let skipped = self.find_shift(cells, cell, xs, take);
            self.filled += skipped;
            (xs, take) = (&xs[skipped..], take.map(|take| &take[skipped..]));
        }
        while let Some(shift) = self.shift.filter(|_| !xs.is_empty()) {
            let first = if self.is_short { FIRST_SHORT_JOIN } else { FIRST_JOIN };
            let due = if self.filled < first { first } else { (self.filled / JOIN + 1) * JOIN };
            let n = xs.len().min(due - self.filled);
            match take {
                Some(take) => self.enter_taken(shift, &xs[..n], &take[..n]),
                None => self.enter(shift, &xs[..n], ahead),
            }
            self.filled += n;
            if self.filled == due {
                self.join(cells, cell);
            }
            (xs, take) = (&xs[n..], take.map(|take| &take[n..]));
        }
    }

    /// Sets the shift, and returns how many elements come before the first that takes part.
    #[inline(always)]
    fn find_shift(&mut self, cells: &MomentsCells<S>, cell: usize, xs: &[S], take: Option<&[bool]>) -> usize {
        if cells.n[cell] > 0.0 {
            self.shift = Some(cells.mean[cell]);
            return 0;
        }
        let first = take.map_or(Some(0), |take| take.iter().position(|&takes| takes));
        self.shift = first.and_then(|first| xs.get(first).copied());
        first.unwrap_or(xs.len()).min(xs.len())
    }

    #[inline(always)]
    fn enter(&mut self, shift: S, xs: &[S], ahead: Ahead) {
        self.n += xs.len() as u64;
        let (head, rest) = self.split(xs.len());
        let (groups, tail) = xs[head..].split_at(rest);
        ahead.ask(&xs[..head]);
        ahead.ask(tail);
        self.enter_all(self.filled % LANES, shift, &xs[..head]);
        let (mut sum, mut squares) = (self.sum, self.squares);
        for group in groups.as_chunks::<LANES>().0 {
            ahead.ask(group);
            // Two short loops: the lanes of a long one are kept in memory.
            for lane in 0..LANES {
                sum[lane] = sum[lane].plus(group[lane].minus(shift));
            }
            for lane in 0..LANES {
                squares[lane] += group[lane].minus(shift).squared();
            }
        }
        (self.sum, self.squares) = (sum, squares);
        self.enter_all(0, shift, tail);
    }

    #[inline(always)]
    fn enter_taken(&mut self, shift: S, xs: &[S], take: &[bool]) {
        self.n += take.iter().map(|&takes| u64::from(takes)).sum::<u64>();
        let (head, rest) = self.split(xs.len());
        self.enter_some(self.filled % LANES, shift, &xs[..head], |i| take[i]);
        let (groups, tail) = xs[head..].split_at(rest);
        let (take_groups, take_tail) = take[head..].split_at(rest);
        let (mut sum, mut squares) = (self.sum, self.squares);
        for (group, takes) in groups.as_chunks::<LANES>().0.iter().zip(take_groups.as_chunks::<LANES>().0) {
            for lane in 0..LANES {
                let y = group[lane].minus(shift);
                let y = if takes[lane] { y } else { S::zero() };
                sum[lane] = sum[lane].plus(y);
                squares[lane] += y.squared();
            }
        }
        (self.sum, self.squares) = (sum, squares);
        self.enter_some(0, shift, tail, |i| take_tail[i]);
    }

    /// How many elements of a piece complete a group of lanes, and how many after them fill whole groups.
    #[inline(always)]
    fn split(&self, n: usize) -> (usize, usize) {
        let phase = self.filled % LANES;
        let head = if self.is_short || phase == 0 { 0 } else { n.min(LANES - phase) };
        let groups = if self.is_short { 0 } else { (n - head) / LANES * LANES };
        (head, groups)
    }

    /// Enters fewer elements than lanes, all lanes at once: those without an element deviate by nothing.
    #[inline(always)]
    fn enter_all(&mut self, phase: usize, shift: S, xs: &[S]) {
        if self.is_short || xs.is_empty() {
            return self.enter_some(phase, shift, xs, |_| true);
        }
        let group = padded(xs, phase, shift);
        for ((sum, squares), x) in self.sum.iter_mut().zip(&mut self.squares).zip(group) {
            let y = x.minus(shift);
            *sum = sum.plus(y);
            *squares += y.squared();
        }
    }

    #[inline(always)]
    fn enter_some(&mut self, phase: usize, shift: S, xs: &[S], takes: impl Fn(usize) -> bool) {
        for (i, x) in xs.iter().enumerate() {
            let lane = if self.is_short { 0 } else { phase + i };
            let y = x.minus(shift);
            let y = if takes(i) { y } else { S::zero() };
            self.sum[lane] = self.sum[lane].plus(y);
            self.squares[lane] += y.squared();
        }
    }

    /// Merges the sums into the cell and moves the shift.
    #[inline(always)]
    fn join(&mut self, cells: &mut MomentsCells<S>, cell: usize) {
        let Some(shift) = self.shift.filter(|_| self.n > 0) else { return };
        let mut width = if self.is_short { 0 } else { LANES / 2 };
        while width > 0 {
            for lane in 0..width {
                self.sum[lane] = self.sum[lane].plus(self.sum[lane + width]);
                self.squares[lane] += self.squares[lane + width];
            }
            width /= 2;
        }
        cells.absorb(cell, Moments::of_stretch(self.n as f64, shift, self.sum[0], self.squares[0]));
        *self = Line { filled: self.filled, shift: Some(cells.mean[cell]), ..Line::new(self.is_short) };
    }
}

/// The sums of deviations of rows of cells since the last merge; the shifts are the means of the cells.
struct Rows<S> {
    /// Elements that took part; empty if all do.
    n: Vec<f64>,
    sum: Vec<S>,
    squares: Vec<f64>,
}

impl<S: Sample> Rows<S> {
    fn allocate(&mut self, n_cells: usize, counts: bool) {
        if self.sum.is_empty() {
            (self.sum, self.squares) = (vec![S::zero(); n_cells], vec![0.0; n_cells]);
            self.n = vec![0.0; if counts { n_cells } else { 0 }];
        }
    }

    /// Merges the sums of a row into its cells; all have `n` elements, or each its own number.
    #[inline(always)]
    fn settle(&mut self, cells: &mut MomentsCells<S>, first: usize, len: usize, n: Option<usize>) {
        for cell in first..first + len {
            let n = n.map_or_else(|| std::mem::take(&mut self.n[cell]), |n| n as f64);
            cells.absorb(cell, Moments::of_stretch(n, cells.mean[cell], self.sum[cell], self.squares[cell]));
        }
        self.sum[first..first + len].fill(S::zero());
        self.squares[first..first + len].fill(0.0);
    }
}

/// How many visits have not been merged when `n_done` are done, and whether they are to be merged now.
#[inline(always)]
fn pending(n_done: usize, n_visits: usize) -> (usize, bool) {
    let merged = if n_done <= FIRST_SETTLE {
        0
    } else if n_done <= SETTLE {
        FIRST_SETTLE
    } else {
        (n_done - 1) / SETTLE * SETTLE
    };
    (n_done - merged, n_done == FIRST_SETTLE || n_done.is_multiple_of(SETTLE) || n_done == n_visits)
}

struct FeedLine<'a, S> {
    line: &'a mut Line<S>,
    cells: &'a mut MomentsCells<S>,
    cell: usize,
    xs: &'a [S],
    take: Option<&'a [bool]>,
    ahead: Ahead,
}

impl<S: Sample> Body for FeedLine<'_, S> {
    type Out = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        self.line.feed(self.cells, self.cell, self.xs, self.take, self.ahead);
    }
}

struct EndLine<'a, S> {
    line: &'a mut Line<S>,
    cells: &'a mut MomentsCells<S>,
    cell: usize,
}

impl<S: Sample> Body for EndLine<'_, S> {
    type Out = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        self.line.join(self.cells, self.cell);
        *self.line = Line::new(self.line.is_short);
    }
}

/// One line, or a group of lines, of which every element takes part.
struct FeedRows<'a, S, const N: usize> {
    rows: &'a mut Rows<S>,
    cells: &'a mut MomentsCells<S>,
    row: Row,
    lines: [&'a [S]; N],
}

impl<S: Sample, const N: usize> Body for FeedRows<'_, S, N> {
    type Out = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let (first, len) = (self.row.first, self.lines[0].len());
        let range = first..first + len;
        if self.row.visit == 0 && len > 0 && self.cells.n[first] == 0.0 {
            self.cells.mean[range.clone()].copy_from_slice(self.lines[0]);
        }
        let sums = &mut self.rows.sum[range.clone()];
        enter_rows(sums, &mut self.rows.squares[range.clone()], &self.cells.mean[range], self.lines);
        let (n, settles) = pending(self.row.visit + N, self.row.n_visits);
        if settles {
            self.rows.settle(self.cells, first, len, Some(n));
        }
    }
}

#[inline(always)]
fn enter_rows<S: Sample, const N: usize>(sums: &mut [S], squares: &mut [f64], shifts: &[S], lines: [&[S]; N]) {
    let n = sums.len();
    let (squares, shifts, lines) = (&mut squares[..n], &shifts[..n], lines.map(|line| &line[..n]));
    for k in 0..n {
        let (mut sum, mut square) = (sums[k], squares[k]);
        for line in lines {
            let y = line[k].minus(shifts[k]);
            sum = sum.plus(y);
            square += y.squared();
        }
        (sums[k], squares[k]) = (sum, square);
    }
}

/// One line, some of whose elements take part.
struct FeedRowTaking<'a, S> {
    rows: &'a mut Rows<S>,
    cells: &'a mut MomentsCells<S>,
    row: Row,
    xs: &'a [S],
    take: &'a [bool],
}

impl<S: Sample> Body for FeedRowTaking<'_, S> {
    type Out = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let (first, len) = (self.row.first, self.xs.len());
        for (k, (&x, &takes)) in self.xs.iter().zip(self.take).enumerate() {
            let cell = first + k;
            let is_first = takes && (self.cells.n[cell] + self.rows.n[cell] == 0.0);
            let shift = if is_first { x } else { self.cells.mean[cell] };
            self.cells.mean[cell] = shift;
            let y = if takes { x.minus(shift) } else { S::zero() };
            self.rows.sum[cell] = self.rows.sum[cell].plus(y);
            self.rows.squares[cell] += y.squared();
            self.rows.n[cell] += f64::from(u8::from(takes));
        }
        if pending(self.row.visit + 1, self.row.n_visits).1 {
            self.rows.settle(self.cells, first, len, None);
        }
    }
}
