//! Mean and sum of squared deviations, in one pass, for variances that do not cancel.
//!
//! Deviations are taken from a *shift*: the best mean known so far (at the very start: the first element). With
//! `y = x - shift`, the loops only add up `y` and `|y|^2`, which runs at the speed of memory; every 1024 elements they
//! are turned into a mean and a sum of squares and merged into the cell as in Chan, Golub and `LeVeque` (1979), and the
//! shift moves to the new mean:
//!
//! ```text
//!   elements:  x0 | .. 32 | ........ 1024 | ........ 2048 | ..
//!   shift:     x0 | x0    | mean of 32    | mean of 1024  | ..
//! ```
//!
//! Why this does not cancel: what the shift is wrong by, `delta`, costs a relative error of `n delta^2` times the unit
//! roundoff in a stretch of `n` elements, but the same `n delta^2` (at least half of it) is part of the sum of squares
//! that the merge computes. Only the first 32 elements can lose more, when `x0` is an outlier, and then about a hundred units.
//!
//! The mean is kept as a sum of two numbers: near 1e9 one `f64` is too coarse for the differences of means that a merge
//! squares. Fused multiply-add is not used, so that every instruction set computes the same bits.

use super::totals::{Compensable, block_of, elements_of};
use crate::block::Block;
use crate::element::C64;
use crate::error::Result;

/// Numbers that have moments: `f64` and `C64`.
pub(super) trait Sample: Compensable {
    fn minus(self, other: Self) -> Self;
    fn by(self, factor: f64) -> Self;
    /// The squared magnitude.
    fn squared(self) -> f64;
}

impl Sample for f64 {
    #[inline(always)]
    fn minus(self, other: Self) -> Self {
        self - other
    }

    #[inline(always)]
    fn by(self, factor: f64) -> Self {
        self * factor
    }

    #[inline(always)]
    fn squared(self) -> f64 {
        self * self
    }
}

impl Sample for C64 {
    #[inline(always)]
    fn minus(self, other: Self) -> Self {
        self - other
    }

    #[inline(always)]
    fn by(self, factor: f64) -> Self {
        self * factor
    }

    #[inline(always)]
    fn squared(self) -> f64 {
        self.re * self.re + self.im * self.im
    }
}

/// Count, mean (as the sum of two numbers) and sum of squared deviations of some elements.
#[derive(Clone, Copy)]
pub(super) struct Moments<S> {
    n: f64,
    mean: S,
    /// What the mean lacks.
    rest: S,
    squares: f64,
}

impl<S: Sample> Moments<S> {
    /// The moments of a stretch from the sums of `y` and `|y|^2`, where `y` is the deviation from `shift`.
    #[inline(always)]
    pub(super) fn of_stretch(n: f64, shift: S, sum: S, squares: f64) -> Self {
        let offset = sum.by(1.0 / n);
        let spread = squares - offset.squared() * n;
        let (mean, rest) = shift.two_sum(offset);
        // Rounding may leave a spread just below zero; NaN stays.
        Moments { n, mean, rest, squares: if spread < 0.0 { 0.0 } else { spread } }
    }

    /// The moments of both.
    #[inline(always)]
    fn join(self, other: Self) -> Self {
        let n = self.n + other.n;
        let delta = other.mean.minus(self.mean).plus(other.rest.minus(self.rest));
        let (mean, rest) = self.mean.two_sum(self.rest.plus(delta.by(other.n / n)));
        let squares = self.squares + other.squares + delta.squared() * (self.n * (other.n / n));
        let joined = Moments { n, mean, rest, squares };
        let without = if self.n == 0.0 { other } else { self };
        if self.n == 0.0 || other.n == 0.0 { without } else { joined }
    }

    /// The moments of `n` copies.
    pub(super) fn of_copies(x: S, n: u64) -> Self {
        Moments {
            n: n as f64,
            mean: if n == 0 { S::zero() } else { x },
            rest: S::zero(),
            squares: x.minus(x).squared(),
        }
    }

    /// The variance with divisor `n - ddof`; NaN of nothing.
    pub(super) fn variance(self, ddof: f64) -> f64 {
        if self.n == 0.0 { f64::NAN } else { self.squares / (self.n - ddof).max(0.0) }
    }
}

/// The moments of all cells. Parts: means, their rests, squares, counts.
pub(super) struct MomentsCells<S> {
    pub(super) n: Vec<f64>,
    pub(super) mean: Vec<S>,
    pub(super) rest: Vec<S>,
    pub(super) squares: Vec<f64>,
}

impl<S: Sample> MomentsCells<S> {
    pub(super) fn new(n: usize) -> Self {
        MomentsCells { n: vec![0.0; n], mean: vec![S::zero(); n], rest: vec![S::zero(); n], squares: vec![0.0; n] }
    }

    #[inline(always)]
    pub(super) fn get(&self, cell: usize) -> Moments<S> {
        Moments { n: self.n[cell], mean: self.mean[cell], rest: self.rest[cell], squares: self.squares[cell] }
    }

    /// Merges the moments of a stretch into a cell.
    #[inline(always)]
    pub(super) fn absorb(&mut self, cell: usize, stretch: Moments<S>) {
        self.set(cell, self.get(cell).join(stretch));
    }

    #[inline(always)]
    fn set(&mut self, cell: usize, to: Moments<S>) {
        (self.n[cell], self.mean[cell], self.rest[cell], self.squares[cell]) = (to.n, to.mean, to.rest, to.squares);
    }

    /// All cells in order.
    pub(super) fn values(&self) -> impl Iterator<Item = Moments<S>> {
        (0..self.n.len()).map(|cell| self.get(cell))
    }

    pub(super) fn from_values(values: impl ExactSizeIterator<Item = Moments<S>>) -> Self {
        let mut cells = Self::new(values.len());
        values.enumerate().for_each(|(cell, value)| cells.set(cell, value));
        cells
    }

    pub(super) fn join(&mut self, other: &Self) {
        for cell in 0..self.n.len() {
            self.absorb(cell, other.get(cell));
        }
    }

    pub(super) fn into_parts(self, shape: &[usize]) -> Vec<Block> {
        let counts: Vec<u64> = self.n.iter().map(|&n| n as u64).collect();
        vec![
            block_of(self.mean, shape),
            block_of(self.rest, shape),
            block_of(self.squares, shape),
            block_of(counts, shape),
        ]
    }

    pub(super) fn from_parts(parts: &[Block]) -> Result<Self> {
        let counts: Vec<u64> = elements_of(parts, 3)?;
        Ok(MomentsCells {
            n: counts.iter().map(|&n| n as f64).collect(),
            mean: elements_of(parts, 0)?,
            rest: elements_of(parts, 1)?,
            squares: elements_of(parts, 2)?,
        })
    }
}
