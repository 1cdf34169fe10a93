//! `sum` and `nansum`.
//!
//! Integers wrap in 64 bits. Floats are added in `f64`, whatever their own type, and carry the rounding errors of all
//! additions but the innermost. The sum of nothing is `0.0`; the sum of nothing but `-0.0` is `-0.0`.

use std::marker::PhantomData;

use super::counts::count_of_each;
use super::fold::{Cells, Fold};
use super::fold_family::{Counted, FoldFamily, FoldOps};
use super::sink::Direct;
use super::totals::{Compensable, Compensated, Plain, Staged, block_of};
use crate::block::Block;
use crate::element::arith::Arith;
use crate::element::cast::CastTo;
use crate::element::dispatch::{dispatch, dispatch_inexact};
use crate::element::{C64, DType, Element};
use crate::error::Result;

/// The sum; parts: the sums (integers), or the rounded sums, their errors and the counts (floats).
pub(super) struct Sum {
    pub(super) skips_nan: bool,
}

/// The fold of a sum; NaN counts as zero if it is skipped.
pub(super) struct SumOf<T, const SKIPS_NAN: bool>(PhantomData<T>);

/// The types that sums are accumulated in.
pub(super) trait SumAcc: Element {
    type Cells<F: Fold<Acc = Self>>: Cells<Acc = Self>;

    /// The sum of nothing, which changes no other sum.
    fn nothing() -> Self;
}

macro_rules! impl_sum_acc {
    ($($t:ty, $cells:ty, $nothing:expr;)*) => {$(
        impl SumAcc for $t {
            type Cells<F: Fold<Acc = Self>> = $cells;

            #[inline(always)]
            fn nothing() -> Self { $nothing }
        }
    )*};
}
impl_sum_acc! {
    i64, Plain<F>, 0;
    u64, Plain<F>, 0;
    f64, Staged<Compensated<f64>>, f64::negative_zero();
    C64, Staged<Compensated<C64>>, C64::negative_zero();
}

impl<T: Element + CastTo<T::Accum>, const SKIPS_NAN: bool> Fold for SumOf<T, SKIPS_NAN>
where
    T::Accum: SumAcc,
{
    type In = T;
    type Acc = T::Accum;
    type Cells = <T::Accum as SumAcc>::Cells<Self>;

    fn identity() -> T::Accum {
        T::Accum::nothing()
    }

    fn neutral() -> T {
        T::from_scalar(T::Accum::nothing().to_scalar())
    }

    #[inline(always)]
    fn step(acc: T::Accum, x: T) -> T::Accum {
        let x: T::Accum = x.cast_to();
        acc.plus(if SKIPS_NAN && x.is_nan() { T::Accum::zero() } else { x })
    }

    #[inline(always)]
    fn join(a: T::Accum, b: T::Accum) -> T::Accum {
        a.plus(b)
    }

    fn enter_copies(cells: &mut Self::Cells, cell: usize, x: T, n: u64) {
        if n > 0 && !(SKIPS_NAN && x.is_nan()) {
            cells.absorb(cell, x.cast_to().scaled(u128::from(n)));
        }
    }
}

impl FoldFamily for Sum {
    fn counted(&self, input: DType) -> Counted {
        if input.is_integral() { Counted::Nothing } else { Counted::Taken }
    }

    fn ops(&self, input: DType) -> Result<FoldOps> {
        let plain = || dispatch!(input, T => FoldOps::of::<T, SumOf<T, false>, Direct>());
        if !self.skips_nan {
            return Ok(plain());
        }
        Ok(dispatch_inexact!(input, T => FoldOps::of::<T, SumOf<T, true>, Direct>(), else plain()))
    }

    fn output_dtype(&self, input: DType) -> Result<DType> {
        Ok(input.sum())
    }

    fn finish(&self, input: DType, parts: &[Block]) -> Result<Block> {
        if input.is_integral() {
            return Ok(parts[0].clone());
        }
        dispatch_inexact!(input, T => finish_sum::<T>(parts), else Ok(parts[0].clone()))
    }
}

fn finish_sum<T: Element>(parts: &[Block]) -> Result<Block>
where
    T::Accum: Compensable + CastTo<T>,
{
    let cells = Compensated::<T::Accum>::of(parts)?;
    let counts = count_of_each(&parts[2], cells.len())?;
    let sums = cells.values().zip(counts).map(|(sum, n)| if n == 0 { T::zero() } else { sum.cast_to() });
    Ok(block_of(sums.collect(), &parts[0].shape()))
}

#[cfg(test)]
mod tests {
    use ndarray::{ArrayD, IxDyn};

    use super::super::testing::{reduce, reduce_all, reduce_blocks};
    use super::super::{LiftSpec, Reducer, Reduction};
    use super::*;
    use crate::element::Scalar;

    #[test]
    fn zeros_keep_their_sign_and_nothing_is_positive() {
        for (elements, want) in [(vec![-0.0, -0.0], -0.0), (vec![-0.0, 0.0], 0.0), (vec![], 0.0)] {
            let sum = reduce_all(Reduction::Sum, &elements).unwrap();
            assert!(sum.is_same(Scalar::F64(want)), "{elements:?}: {sum:?}");
        }
        let reducer = Reducer::new(Reduction::Sum, DType::F32).unwrap();
        let block = Block::from_dense(ArrayD::from_elem(IxDyn(&[3]), -0.0f32));
        let nobody = Block::from_dense(ArrayD::from_elem(IxDyn(&[3]), false));
        let empty = reducer.lift(&block, Some(&nobody), &LiftSpec::new(&[3], &[true])).unwrap();
        assert!(reducer.finish(&empty).unwrap().scalar().unwrap().is_same(Scalar::F32(0.0)));
        let full = reducer.lift(&block, None, &LiftSpec::new(&[3], &[true])).unwrap();
        let both = reducer.combine(&[&empty, &full]).unwrap();
        assert!(reducer.finish(&both).unwrap().scalar().unwrap().is_same(Scalar::F32(-0.0)));
    }

    #[test]
    fn integers_widen_and_wrap() {
        assert!(reduce_all(Reduction::Sum, &[127i8; 3]).unwrap().is_same(Scalar::I64(381)));
        assert!(reduce_all(Reduction::Sum, &[255u8; 3]).unwrap().is_same(Scalar::U64(765)));
        assert!(reduce_all(Reduction::Sum, &[true; 3]).unwrap().is_same(Scalar::I64(3)));
        assert!(reduce_all(Reduction::Sum, &[i64::MAX, 1]).unwrap().is_same(Scalar::I64(i64::MIN)));
    }

    #[test]
    fn ten_million_tenths_in_single_precision() {
        let tenths = vec![0.1f32; 10_000_000];
        for len in [10_000_000, 1000, 65_536] {
            let sum = f64::from_scalar(reduce_blocks(Reduction::Sum, &tenths, len).unwrap());
            assert!((sum / 1e6 - 1.0).abs() <= 1.1e-7, "{sum} in blocks of {len}");
        }
    }

    #[test]
    fn blocks_that_cancel_lose_nothing() {
        let sum = reduce_blocks(Reduction::Sum, &[1e100, 1.0, -1e100, 1e-30], 1).unwrap();
        assert!(sum.is_same(Scalar::F64(1.0)), "{sum:?}");
    }

    #[test]
    fn long_sums_are_right_to_the_last_bits() {
        // 0.1 is 0.1 + 5.55e-18, so that the exact sum of a million is 100000 + 5.55e-12, which rounds to 100000.
        let tenths = ArrayD::from_elem(IxDyn(&[1000, 1000]), 0.1);
        let all = f64::from_scalar(reduce(Reduction::Sum, tenths.clone(), &[true, true]).unwrap().scalar().unwrap());
        assert!((all - 1e5).abs() <= 4.0 * f64::EPSILON * 1e5, "{all}");
        for axis in [[true, false], [false, true]] {
            for sum in reduce(Reduction::Sum, tenths.clone(), &axis).unwrap().dense::<f64>().unwrap() {
                assert!((sum - 100.0).abs() <= 4.0 * f64::EPSILON * 100.0, "{sum}");
            }
        }
    }

    #[test]
    fn infinities_and_overflow_are_not_corrected_into_nan() {
        for elements in [[f64::INFINITY, 1.0], [f64::MAX, f64::MAX]] {
            for len in [1, 2] {
                let sum = reduce_blocks(Reduction::Sum, &elements, len).unwrap();
                assert!(sum.is_same(Scalar::F64(f64::INFINITY)), "{elements:?}: {sum:?}");
            }
        }
        assert!(reduce_all(Reduction::Sum, &[f64::INFINITY, f64::NEG_INFINITY]).unwrap().is_nan());
    }
}
