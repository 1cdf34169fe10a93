//! `any`, `all` and `count_nonzero`. NaN is true.

use std::marker::PhantomData;

use super::fold::{Cells, Fold};
use super::fold_family::{Counted, FoldFamily, FoldOps};
use super::sink::Direct;
use super::totals::Plain;
use crate::block::Block;
use crate::element::dispatch::dispatch;
use crate::element::{DType, Element};
use crate::error::Result;

/// Whether an element is true; part: the answers.
pub(super) struct Any;

/// Whether no element is false; part: the answers.
pub(super) struct All;

/// How many elements are true; part: the counts.
pub(super) struct CountNonzero;

/// The fold of `any`.
pub(super) struct AnyOf<T>(PhantomData<T>);

impl<T: Element> Fold for AnyOf<T> {
    type In = T;
    type Acc = bool;
    type Cells = Plain<Self>;

    fn identity() -> bool {
        false
    }

    fn neutral() -> T {
        T::zero()
    }

    #[inline(always)]
    fn step(acc: bool, x: T) -> bool {
        acc | (x != T::zero())
    }

    #[inline(always)]
    fn join(a: bool, b: bool) -> bool {
        a | b
    }

    fn enter_copies(cells: &mut Self::Cells, cell: usize, x: T, n: u64) {
        cells.absorb(cell, n > 0 && x != T::zero());
    }

    fn is_settled(acc: bool) -> bool {
        acc
    }
}

/// The fold of `all`.
pub(super) struct AllOf<T>(PhantomData<T>);

impl<T: Element> Fold for AllOf<T> {
    type In = T;
    type Acc = bool;
    type Cells = Plain<Self>;

    fn identity() -> bool {
        true
    }

    fn neutral() -> T {
        T::one()
    }

    #[inline(always)]
    fn step(acc: bool, x: T) -> bool {
        acc & (x != T::zero())
    }

    #[inline(always)]
    fn join(a: bool, b: bool) -> bool {
        a & b
    }

    fn enter_copies(cells: &mut Self::Cells, cell: usize, x: T, n: u64) {
        cells.absorb(cell, n == 0 || x != T::zero());
    }

    fn is_settled(acc: bool) -> bool {
        !acc
    }
}

/// The fold of `count_nonzero`.
pub(super) struct CountOf<T>(PhantomData<T>);

impl<T: Element> Fold for CountOf<T> {
    type In = T;
    type Acc = i64;
    type Cells = Plain<Self>;

    fn identity() -> i64 {
        0
    }

    fn neutral() -> T {
        T::zero()
    }

    #[inline(always)]
    fn step(acc: i64, x: T) -> i64 {
        acc + i64::from(x != T::zero())
    }

    #[inline(always)]
    fn join(a: i64, b: i64) -> i64 {
        a + b
    }

    fn enter_copies(cells: &mut Self::Cells, cell: usize, x: T, n: u64) {
        cells.absorb(cell, if x == T::zero() { 0 } else { n as i64 });
    }
}

macro_rules! impl_truth {
    ($($family:ty, $fold:ident, $dtype:expr;)*) => {$(
        impl FoldFamily for $family {
            fn counted(&self, _input: DType) -> Counted {
                Counted::Nothing
            }

            fn ops(&self, input: DType) -> Result<FoldOps> {
                Ok(dispatch!(input, T => FoldOps::of::<T, $fold<T>, Direct>()))
            }

            fn output_dtype(&self, _input: DType) -> Result<DType> {
                Ok($dtype)
            }

            fn finish(&self, _input: DType, parts: &[Block]) -> Result<Block> {
                Ok(parts[0].clone())
            }
        }
    )*};
}
impl_truth! {
    Any, AnyOf, DType::Bool;
    All, AllOf, DType::Bool;
    CountNonzero, CountOf, DType::I64;
}
