//! How the cells of a sum keep their totals.
//!
//! * [`Plain`]: one number, joined as elements are: integers that wrap, products, extremes, counts.
//! * [`Staged`]: a stage for the running numbers of a few elements, and totals that absorb the stage without loss:
//!   [`Compensated`] keeps the rounding errors of all additions in a second number (Knuth's two-sum as in Neumaier's
//!   sum), [`Exact`] adds 64-bit integers in 128 bits.
//!
//! The loops run at full speed on plain numbers; the expensive addition happens once per 1024 elements of a line, or
//! once per 32 visits of a row.

use std::marker::PhantomData;

use ndarray::{ArrayD, IxDyn};

use super::fold::{Cells, Fold};
use crate::block::Block;
use crate::element::{C64, Element};
use crate::error::Result;

/// Numbers that are their own total.
pub(super) struct Plain<F: Fold> {
    values: Vec<F::Acc>,
    fold: PhantomData<F>,
}

impl<F: Fold> Cells for Plain<F>
where
    F::Acc: Element,
{
    type Acc = F::Acc;

    fn new(n: usize) -> Self {
        Plain { values: vec![F::identity(); n], fold: PhantomData }
    }

    #[inline(always)]
    fn absorb(&mut self, cell: usize, piece: F::Acc) {
        self.values[cell] = F::join(self.values[cell], piece);
    }

    #[inline(always)]
    fn row(&mut self, first: usize, len: usize) -> &mut [F::Acc] {
        &mut self.values[first..first + len]
    }

    fn peek(&self, cell: usize) -> F::Acc {
        self.values[cell]
    }

    fn into_parts(self, shape: &[usize]) -> Vec<Block> {
        vec![block_of(self.values, shape)]
    }

    fn from_parts(parts: &[Block]) -> Result<Self> {
        Ok(Plain { values: elements_of(parts, 0)?, fold: PhantomData })
    }

    fn join(&mut self, other: &Self) {
        for (value, &piece) in self.values.iter_mut().zip(&other.values) {
            *value = F::join(*value, piece);
        }
    }
}

/// Totals that lose nothing, or next to nothing, when they absorb.
pub(super) trait Totals: Send + Sized {
    type Piece: Copy + Send;

    fn new(n: usize) -> Self;
    /// A piece that changes nothing.
    fn nothing() -> Self::Piece;
    fn absorb(&mut self, cell: usize, piece: Self::Piece);
    fn absorb_row(&mut self, first: usize, pieces: &[Self::Piece]);
    fn into_parts(self, shape: &[usize]) -> Vec<Block>;
    fn from_parts(parts: &[Block]) -> Result<Self>;
    fn join(&mut self, other: &Self);
}

/// Running numbers in front of totals.
pub(super) struct Staged<T: Totals> {
    /// Empty until a row is visited.
    stage: Vec<T::Piece>,
    totals: T,
    n: usize,
}

impl<T: Totals> Staged<T> {
    pub(super) fn totals(&mut self) -> &mut T {
        &mut self.totals
    }
}

impl<T: Totals> Cells for Staged<T> {
    type Acc = T::Piece;

    fn new(n: usize) -> Self {
        Staged { stage: Vec::new(), totals: T::new(n), n }
    }

    #[inline(always)]
    fn absorb(&mut self, cell: usize, piece: T::Piece) {
        self.totals.absorb(cell, piece);
    }

    #[inline(always)]
    fn row(&mut self, first: usize, len: usize) -> &mut [T::Piece] {
        if self.stage.is_empty() {
            self.stage = vec![T::nothing(); self.n];
        }
        &mut self.stage[first..first + len]
    }

    #[inline(always)]
    fn settle(&mut self, first: usize, len: usize) {
        let stage = &mut self.stage[first..first + len];
        self.totals.absorb_row(first, stage);
        stage.fill(T::nothing());
    }

    fn peek(&self, _cell: usize) -> T::Piece {
        T::nothing()
    }

    fn into_parts(mut self, shape: &[usize]) -> Vec<Block> {
        if !self.stage.is_empty() {
            self.settle(0, self.n);
        }
        self.totals.into_parts(shape)
    }

    fn from_parts(parts: &[Block]) -> Result<Self> {
        Ok(Staged { stage: Vec::new(), totals: T::from_parts(parts)?, n: 0 })
    }

    fn join(&mut self, other: &Self) {
        self.totals.join(&other.totals);
    }
}

/// Floating point numbers (or complex ones) whose sums can be split into a rounded value and its error.
pub(super) trait Compensable: Element {
    /// The number that changes nothing when added, not even the sign of a zero.
    fn negative_zero() -> Self;
    /// The rounded sum and what the rounding lost.
    fn two_sum(self, other: Self) -> (Self, Self);
    /// The value of a sum and its collected errors.
    fn corrected(self, error: Self) -> Self;
    fn divided(self, by: f64) -> Self;
}

impl Compensable for f64 {
    #[inline(always)]
    fn negative_zero() -> Self {
        -0.0
    }

    #[inline(always)]
    fn two_sum(self, other: Self) -> (Self, Self) {
        let sum = self + other;
        let part = sum - self;
        (sum, (self - (sum - part)) + (other - part))
    }

    #[inline(always)]
    fn corrected(self, error: Self) -> Self {
        // An infinite sum leaves NaN for an error, and -0.0 + 0.0 would lose its sign.
        if error == 0.0 || !error.is_finite() { self } else { self + error }
    }

    fn divided(self, by: f64) -> Self {
        self / by
    }
}

impl Compensable for C64 {
    #[inline(always)]
    fn negative_zero() -> Self {
        C64::new(-0.0, -0.0)
    }

    #[inline(always)]
    fn two_sum(self, other: Self) -> (Self, Self) {
        let (re, re_error) = self.re.two_sum(other.re);
        let (im, im_error) = self.im.two_sum(other.im);
        (C64::new(re, im), C64::new(re_error, im_error))
    }

    #[inline(always)]
    fn corrected(self, error: Self) -> Self {
        C64::new(self.re.corrected(error.re), self.im.corrected(error.im))
    }

    fn divided(self, by: f64) -> Self {
        self / by
    }
}

/// Sums with their rounding errors. Parts: the rounded sums, the errors.
pub(super) struct Compensated<A> {
    sums: Vec<A>,
    errors: Vec<A>,
}

impl<A: Compensable> Compensated<A> {
    /// The sums in a partial result.
    pub(super) fn of(parts: &[Block]) -> Result<Self> {
        Ok(Compensated { sums: elements_of(parts, 0)?, errors: elements_of(parts, 1)? })
    }

    pub(super) fn len(&self) -> usize {
        self.sums.len()
    }

    /// The best value of each sum.
    pub(super) fn values(&self) -> impl Iterator<Item = A> {
        self.sums.iter().zip(&self.errors).map(|(&sum, &error)| sum.corrected(error))
    }
}

impl<A: Compensable> Totals for Compensated<A> {
    type Piece = A;

    fn new(n: usize) -> Self {
        Compensated { sums: vec![A::negative_zero(); n], errors: vec![A::zero(); n] }
    }

    #[inline(always)]
    fn nothing() -> A {
        A::negative_zero()
    }

    #[inline(always)]
    fn absorb(&mut self, cell: usize, piece: A) {
        let (sum, error) = self.sums[cell].two_sum(piece);
        self.sums[cell] = sum;
        self.errors[cell] = self.errors[cell].plus(error);
    }

    #[inline(always)]
    fn absorb_row(&mut self, first: usize, pieces: &[A]) {
        let range = first..first + pieces.len();
        absorb_all(&mut self.sums[range.clone()], &mut self.errors[range], pieces);
    }

    fn into_parts(self, shape: &[usize]) -> Vec<Block> {
        vec![block_of(self.sums, shape), block_of(self.errors, shape)]
    }

    fn from_parts(parts: &[Block]) -> Result<Self> {
        Compensated::of(parts)
    }

    fn join(&mut self, other: &Self) {
        absorb_all(&mut self.sums, &mut self.errors, &other.sums);
        for (error, &more) in self.errors.iter_mut().zip(&other.errors) {
            *error = error.plus(more);
        }
    }
}

#[inline(always)]
fn absorb_all<A: Compensable>(sums: &mut [A], errors: &mut [A], pieces: &[A]) {
    for ((sum, error), &piece) in sums.iter_mut().zip(errors).zip(pieces) {
        let (total, lost) = sum.two_sum(piece);
        *sum = total;
        *error = error.plus(lost);
    }
}

/// Integers that sums of a few elements fit in.
pub(super) trait Whole: Copy + Send + 'static {
    const ZERO: Self;
    fn wide(self) -> i128;
    fn add(self, other: Self) -> Self;
}

macro_rules! impl_whole {
    ($($t:ty),*) => {$(
        impl Whole for $t {
            const ZERO: Self = 0;
            #[inline(always)]
            fn wide(self) -> i128 { self as i128 }
            #[inline(always)]
            fn add(self, other: Self) -> Self { self.wrapping_add(other) }
        }
    )*};
}
impl_whole!(i64, u64, i128);

/// Sums of integers in 128 bits. Parts: the upper and the lower 64 bits.
pub(super) struct Exact<P> {
    sums: Vec<i128>,
    piece: PhantomData<P>,
}

impl<P> Exact<P> {
    pub(super) fn add_wide(&mut self, cell: usize, sum: i128) {
        self.sums[cell] += sum;
    }
}

/// The sums in the parts of an [`Exact`].
pub(super) fn exact_sums(parts: &[Block]) -> Result<Vec<i128>> {
    let (upper, lower) = (elements_of::<i64>(parts, 0)?, elements_of::<u64>(parts, 1)?);
    Ok(upper.iter().zip(lower).map(|(&upper, lower)| i128::from(upper) << 64 | i128::from(lower)).collect())
}

impl<P: Whole> Totals for Exact<P> {
    type Piece = P;

    fn new(n: usize) -> Self {
        Exact { sums: vec![0; n], piece: PhantomData }
    }

    #[inline(always)]
    fn nothing() -> P {
        P::ZERO
    }

    #[inline(always)]
    fn absorb(&mut self, cell: usize, piece: P) {
        self.sums[cell] += piece.wide();
    }

    #[inline(always)]
    fn absorb_row(&mut self, first: usize, pieces: &[P]) {
        for (sum, piece) in self.sums[first..].iter_mut().zip(pieces) {
            *sum += piece.wide();
        }
    }

    fn into_parts(self, shape: &[usize]) -> Vec<Block> {
        let upper: Vec<i64> = self.sums.iter().map(|&sum| (sum >> 64) as i64).collect();
        let lower: Vec<u64> = self.sums.iter().map(|&sum| sum as u64).collect();
        vec![block_of(upper, shape), block_of(lower, shape)]
    }

    fn from_parts(parts: &[Block]) -> Result<Self> {
        Ok(Exact { sums: exact_sums(parts)?, piece: PhantomData })
    }

    fn join(&mut self, other: &Self) {
        for (sum, more) in self.sums.iter_mut().zip(&other.sums) {
            *sum += more;
        }
    }
}

/// A dense block of these elements.
pub(super) fn block_of<T: Element>(values: Vec<T>, shape: &[usize]) -> Block {
    // The loops fill one number per cell of this shape.
    Block::from_dense(ArrayD::from_shape_vec(IxDyn(shape), values).expect("one number per cell"))
}

/// The elements of part number `i`, in row-major order.
pub(super) fn elements_of<T: Element>(parts: &[Block], i: usize) -> Result<Vec<T>> {
    let part = parts.get(i).ok_or_else(|| {
        crate::error::Error::bug("reduce", format!("part {i} of a partial result of {} parts", parts.len()))
    })?;
    Ok(part.dense::<T>()?.iter().copied().collect())
}
