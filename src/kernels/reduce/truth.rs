//! `any`, `all` and `count_nonzero`. NaN is true.

use super::fold::{Cells, Fold};
use super::fold_family::{Counted, FoldFamily, FoldOps};
use super::sink::{Cast, Direct};
use super::totals::Plain;
use crate::block::Block;
use crate::element::DType;
use crate::element::dispatch::dispatch;
use crate::error::Result;

/// Whether an element is true; part: the answers.
pub(super) struct Any;

/// Whether no element is false; part: the answers.
pub(super) struct All;

/// How many elements are true; part: the counts.
pub(super) struct CountNonzero;

/// The fold of `any`; any other element is converted to `bool` first.
pub(super) struct AnyOf;

impl Fold for AnyOf {
    type In = bool;
    type Acc = bool;
    type Cells = Plain<Self>;

    fn identity() -> bool {
        false
    }

    fn neutral() -> bool {
        false
    }

    #[inline(always)]
    fn step(acc: bool, x: bool) -> bool {
        acc | x
    }

    #[inline(always)]
    fn join(a: bool, b: bool) -> bool {
        a | b
    }

    fn enter_copies(cells: &mut Self::Cells, cell: usize, x: bool, n: u64) {
        cells.absorb(cell, n > 0 && x);
    }

    fn is_settled(acc: bool) -> bool {
        acc
    }
}

/// The fold of `all`; any other element is converted to `bool` first.
pub(super) struct AllOf;

impl Fold for AllOf {
    type In = bool;
    type Acc = bool;
    type Cells = Plain<Self>;

    fn identity() -> bool {
        true
    }

    fn neutral() -> bool {
        true
    }

    #[inline(always)]
    fn step(acc: bool, x: bool) -> bool {
        acc & x
    }

    #[inline(always)]
    fn join(a: bool, b: bool) -> bool {
        a & b
    }

    fn enter_copies(cells: &mut Self::Cells, cell: usize, x: bool, n: u64) {
        cells.absorb(cell, n == 0 || x);
    }

    fn is_settled(acc: bool) -> bool {
        !acc
    }
}

/// The fold of `count_nonzero`; any other element is converted to `bool` first.
pub(super) struct CountOf;

impl Fold for CountOf {
    type In = bool;
    type Acc = i64;
    type Cells = Plain<Self>;

    fn identity() -> i64 {
        0
    }

    fn neutral() -> bool {
        false
    }

    #[inline(always)]
    fn step(acc: i64, x: bool) -> i64 {
        acc + i64::from(x)
    }

    #[inline(always)]
    fn join(a: i64, b: i64) -> i64 {
        a + b
    }

    fn enter_copies(cells: &mut Self::Cells, cell: usize, x: bool, n: u64) {
        cells.absorb(cell, if x { n as i64 } else { 0 });
    }
}

macro_rules! impl_truth {
    ($($family:ty, $fold:ident, $dtype:expr;)*) => {$(
        impl FoldFamily for $family {
            fn counted(&self, _input: DType) -> Counted {
                Counted::Nothing
            }

            fn ops(&self, input: DType) -> Result<FoldOps> {
                Ok(match input {
                    DType::Bool => FoldOps::of::<bool, $fold, Direct>(),
                    _ => dispatch!(input, T => FoldOps::of::<T, $fold, Cast>()),
                })
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

#[cfg(test)]
mod tests {
    use super::super::Reduction;
    use super::super::testing::reduce_all;
    use crate::element::Scalar;

    #[test]
    fn nan_is_true_and_nothing_is_all_but_not_any() {
        assert!(reduce_all(Reduction::All, &[f64::NAN, 1.0]).unwrap().is_same(Scalar::Bool(true)));
        assert!(reduce_all(Reduction::Any, &[0.0, -0.0]).unwrap().is_same(Scalar::Bool(false)));
        assert!(reduce_all::<i8>(Reduction::All, &[]).unwrap().is_same(Scalar::Bool(true)));
        assert!(reduce_all::<i8>(Reduction::Any, &[]).unwrap().is_same(Scalar::Bool(false)));
        let mut sparse = vec![0u16; 70_000];
        sparse[69_999] = 256;
        assert!(reduce_all(Reduction::Any, &sparse).unwrap().is_same(Scalar::Bool(true)));
        assert!(reduce_all(Reduction::CountNonzero, &sparse).unwrap().is_same(Scalar::I64(1)));
    }
}
