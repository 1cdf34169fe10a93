//! The loops that find where an extreme lies.
//!
//! Carrying an index along with every lane would double the work. Instead the extreme of a stretch is found first, at
//! the speed of a minimum; only if it wins over the best so far is the stretch searched for its place, which on most
//! data happens a few times per block.

use std::marker::PhantomData;

use super::fold::LANES;
use super::loops::{Loops, Row};
use super::machine::{Body, Machine};
use super::order::{Order, winners};
use super::take::Replaced;
use super::totals::block_of;
use crate::block::Block;
use crate::element::Real;
use crate::kernels::prefetch::Ahead;
use crate::kernels::simd::Isa;

/// Elements that are searched again when they hold a new extreme; small enough to still be in the first cache level.
const STRETCH: usize = 2048;
/// No element yet.
pub(super) const NOWHERE: i64 = -1;

/// The loops of an arg-reduction over one block. Without `SKIPS_NAN`, the first NaN wins over everything.
pub(super) struct ArgLoops<T, O, const SKIPS_NAN: bool> {
    machine: Machine,
    best: Vec<T>,
    /// The number of the best element in the block, less the number of its cell: the same for a whole line.
    at: Vec<i64>,
    replaced: Replaced<T>,
    ahead: Ahead,
    to_position: Box<dyn Fn(i64) -> i64 + Send>,
    order: PhantomData<O>,
}

impl<T: Real, O: Order, const SKIPS_NAN: bool> ArgLoops<T, O, SKIPS_NAN> {
    /// `to_position` turns the number of an element in the block into what the reduction answers.
    pub(super) fn new(machine: Machine, n_cells: usize, to_position: Box<dyn Fn(i64) -> i64 + Send>) -> Self {
        ArgLoops {
            machine,
            best: vec![O::worst(); n_cells],
            at: vec![NOWHERE; n_cells],
            replaced: Replaced::new(machine),
            ahead: Ahead::NONE,
            to_position,
            order: PhantomData,
        }
    }

    fn stretch(&mut self, cell: usize, position: usize, xs: &[T], take: Option<&[bool]>) {
        let (best, is_found) = (self.best[cell], self.at[cell] != NOWHERE);
        let ahead = if take.is_some() { Ahead::NONE } else { self.ahead };
        let candidates = self.replaced.unless_taken(xs, take, O::worst());
        let extreme = self.machine.run(FindExtreme::<T, O, SKIPS_NAN> { xs: candidates, ahead, order: PhantomData });
        if is_found && !wins::<T, O>(extreme, best) {
            return;
        }
        if let Some(i) = self.machine.run(Locate { xs: candidates, take, extreme }) {
            self.best[cell] = extreme;
            self.at[cell] = (position + i) as i64 - cell as i64;
        }
    }
}

/// Whether an element wins over an earlier one; NaN wins over all but NaN.
#[inline(always)]
pub(super) fn wins<T: Real, O: Order>(x: T, best: T) -> bool {
    O::beats(x, best) | (x.is_nan() & !best.is_nan())
}

impl<T: Real, O: Order, const SKIPS_NAN: bool> Loops for ArgLoops<T, O, SKIPS_NAN> {
    type In = T;

    fn look_ahead(&mut self, ahead: Ahead) {
        self.ahead = ahead;
    }

    fn line(&mut self, cell: usize, position: usize, xs: &[T], take: Option<&[bool]>) {
        for (i, stretch) in xs.chunks(STRETCH).enumerate() {
            if self.is_settled(cell) {
                return;
            }
            let start = i * STRETCH;
            self.stretch(cell, position + start, stretch, take.map(|take| &take[start..start + stretch.len()]));
        }
    }

    fn end_line(&mut self, _cell: usize) {}

    fn row(&mut self, row: Row, xs: &[T], take: Option<&[bool]>) {
        let range = row.first..row.first + xs.len();
        let at = (row.position - row.first) as i64;
        let (bests, ats) = (&mut self.best[range.clone()], &mut self.at[range]);
        match take {
            None => self.machine.run(FeedRow::<T, O, SKIPS_NAN> { bests, ats, at, xs, order: PhantomData }),
            Some(take) => {
                self.machine.run(FeedRowTaking::<T, O, SKIPS_NAN> { bests, ats, at, xs, take, order: PhantomData });
            }
        }
    }

    fn is_settled(&self, cell: usize) -> bool {
        !SKIPS_NAN && self.best[cell].is_nan()
    }

    fn into_parts(self, shape: &[usize]) -> Vec<Block> {
        let to_position = self.to_position;
        let positions = self.at.iter().enumerate().map(|(cell, &at)| match at {
            NOWHERE => NOWHERE,
            at => to_position(at + cell as i64),
        });
        let positions = positions.collect();
        vec![block_of(self.best, shape), block_of(positions, shape)]
    }
}

struct FindExtreme<'a, T, O, const SKIPS_NAN: bool> {
    xs: &'a [T],
    ahead: Ahead,
    order: PhantomData<O>,
}

impl<T: Real, O: Order, const SKIPS_NAN: bool> Body for FindExtreme<'_, T, O, SKIPS_NAN> {
    type Out = T;

    #[inline(always)]
    fn run<I: Isa>(self) -> T {
        let worst = [O::worst::<T>(); LANES];
        let (groups, tail) = self.xs.as_chunks::<LANES>();
        self.ahead.ask(tail);
        let mut best = if SKIPS_NAN {
            better_of_groups::<T, O, true>(worst, groups, self.ahead)
        } else {
            winners::<T, O>(worst, groups, self.ahead)
                .unwrap_or_else(|| better_of_groups::<T, O, false>(worst, groups, Ahead::NONE))
        };
        for (best, &x) in best.iter_mut().zip(tail) {
            *best = better::<T, O, SKIPS_NAN>(*best, x);
        }
        let mut width = LANES / 2;
        while width > 0 {
            for lane in 0..width {
                best[lane] = better::<T, O, SKIPS_NAN>(best[lane], best[lane + width]);
            }
            width /= 2;
        }
        best[0]
    }
}

#[inline(always)]
fn better_of_groups<T: Real, O: Order, const SKIPS_NAN: bool>(
    mut best: [T; LANES],
    groups: &[[T; LANES]],
    ahead: Ahead,
) -> [T; LANES] {
    for group in groups {
        ahead.ask(group);
        for lane in 0..LANES {
            best[lane] = better::<T, O, SKIPS_NAN>(best[lane], group[lane]);
        }
    }
    best
}

/// The winner of two. NaN wins, or loses if it is skipped.
#[inline(always)]
pub(super) fn better<T: Real, O: Order, const SKIPS_NAN: bool>(best: T, x: T) -> T {
    if O::beats(x, best) | (!SKIPS_NAN & x.is_nan()) { x } else { best }
}

struct Locate<'a, T> {
    xs: &'a [T],
    take: Option<&'a [bool]>,
    extreme: T,
}

impl<T: Real> Body for Locate<'_, T> {
    type Out = Option<usize>;

    #[inline(always)]
    fn run<I: Isa>(self) -> Option<usize> {
        let extreme = self.extreme;
        let is_it = |x: T| x == extreme || (x.is_nan() && extreme.is_nan());
        if let Some(take) = self.take {
            return self.xs.iter().zip(take).position(|(&x, &takes)| takes && is_it(x));
        }
        let start = self.xs.chunks(LANES).position(|group| group.iter().fold(false, |any, &x| any | is_it(x)))?;
        let start = start * LANES;
        self.xs[start..].iter().position(|&x| is_it(x)).map(|i| start + i)
    }
}

struct FeedRow<'a, T, O, const SKIPS_NAN: bool> {
    bests: &'a mut [T],
    ats: &'a mut [i64],
    at: i64,
    xs: &'a [T],
    order: PhantomData<O>,
}

impl<T: Real, O: Order, const SKIPS_NAN: bool> Body for FeedRow<'_, T, O, SKIPS_NAN> {
    type Out = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        enter_row::<T, O, SKIPS_NAN>(self.bests, self.ats, self.at, self.xs);
    }
}

#[inline(always)]
fn enter_row<T: Real, O: Order, const SKIPS_NAN: bool>(bests: &mut [T], ats: &mut [i64], here: i64, xs: &[T]) {
    for ((best, at), &x) in bests.iter_mut().zip(ats).zip(xs) {
        let enters = enters::<T, O, SKIPS_NAN>(x, *best, *at);
        *best = if enters { x } else { *best };
        *at = if enters { here } else { *at };
    }
}

#[inline(always)]
fn enters<T: Real, O: Order, const SKIPS_NAN: bool>(x: T, best: T, at: i64) -> bool {
    let is_first = at == NOWHERE;
    if SKIPS_NAN { O::beats(x, best) | (is_first & !x.is_nan()) } else { is_first | wins::<T, O>(x, best) }
}

struct FeedRowTaking<'a, T, O, const SKIPS_NAN: bool> {
    bests: &'a mut [T],
    ats: &'a mut [i64],
    at: i64,
    xs: &'a [T],
    take: &'a [bool],
    order: PhantomData<O>,
}

impl<T: Real, O: Order, const SKIPS_NAN: bool> Body for FeedRowTaking<'_, T, O, SKIPS_NAN> {
    type Out = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let cells = self.bests.iter_mut().zip(self.ats);
        for ((best, at), (&x, &takes)) in cells.zip(self.xs.iter().zip(self.take)) {
            let enters = takes & enters::<T, O, SKIPS_NAN>(x, *best, *at);
            *best = if enters { x } else { *best };
            *at = if enters { self.at } else { *at };
        }
    }
}
