//! `mean` and `nanmean`.
//!
//! Integers are added exactly, in 128 bits, and divided once: the mean of three times `2^62` is `2^62`. Floats are added
//! as in a [`sum`](super::sum). The mean of nothing is NaN.

use std::marker::PhantomData;

use super::counts::count_of_each;
use super::fold::Fold;
use super::fold_family::{Counted, FoldFamily, FoldOps};
use super::sink::Direct;
use super::sum::SumOf;
use super::totals::{Compensable, Compensated, Exact, Staged, Whole, block_of, exact_sums};
use crate::block::Block;
use crate::element::cast::CastTo;
use crate::element::dispatch::{dispatch_inexact, dispatch_int};
use crate::element::{DType, Element};
use crate::error::Result;

/// The mean; parts: the sums as two numbers, and the counts.
pub(super) struct Mean {
    pub(super) skips_nan: bool,
}

/// The exact sum of integers or of `bool`; `P` holds the sum of a few elements.
pub(super) struct ExactSumOf<T, P>(PhantomData<(T, P)>);

impl<T: Element, P: PieceOf<T>> Fold for ExactSumOf<T, P> {
    type In = T;
    type Acc = P;
    type Cells = Staged<Exact<P>>;

    fn identity() -> P {
        P::ZERO
    }

    fn neutral() -> T {
        T::zero()
    }

    #[inline(always)]
    fn step(acc: P, x: T) -> P {
        acc.add(P::of(x))
    }

    #[inline(always)]
    fn join(a: P, b: P) -> P {
        a.add(b)
    }

    fn enter_copies(cells: &mut Self::Cells, cell: usize, x: T, n: u64) {
        // The product needs 128 bits even where a few elements fit in 64.
        cells.totals().add_wide(cell, P::of(x).wide() * i128::from(n));
    }
}

/// Integers that sums of a few elements of type `T` fit in.
pub(super) trait PieceOf<T>: Whole {
    fn of(x: T) -> Self;
}

impl<T: CastTo<i64>> PieceOf<T> for i64 {
    #[inline(always)]
    fn of(x: T) -> i64 {
        x.cast_to()
    }
}

impl PieceOf<i64> for i128 {
    #[inline(always)]
    fn of(x: i64) -> i128 {
        i128::from(x)
    }
}

impl PieceOf<u64> for i128 {
    #[inline(always)]
    fn of(x: u64) -> i128 {
        i128::from(x)
    }
}

impl FoldFamily for Mean {
    fn counted(&self, input: DType) -> Counted {
        if self.skips_nan && !input.is_integral() { Counted::Numbers } else { Counted::Taken }
    }

    fn ops(&self, input: DType) -> Result<FoldOps> {
        let whole = || match input {
            DType::I64 => FoldOps::of::<i64, ExactSumOf<i64, i128>, Direct>(),
            DType::U64 => FoldOps::of::<u64, ExactSumOf<u64, i128>, Direct>(),
            _ => dispatch_int!(input, T => FoldOps::of::<T, ExactSumOf<T, i64>, Direct>(), else
                FoldOps::of::<bool, ExactSumOf<bool, i64>, Direct>()),
        };
        Ok(dispatch_inexact!(input, T => match self.skips_nan {
            false => FoldOps::of::<T, SumOf<T, false>, Direct>(),
            true => FoldOps::of::<T, SumOf<T, true>, Direct>(),
        }, else whole()))
    }

    fn output_dtype(&self, input: DType) -> Result<DType> {
        Ok(input.mean())
    }

    fn finish(&self, input: DType, parts: &[Block]) -> Result<Block> {
        dispatch_inexact!(input, T => finish_mean::<T>(parts), else finish_whole_mean(parts))
    }
}

fn finish_mean<T: Element>(parts: &[Block]) -> Result<Block>
where
    T::Accum: Compensable + CastTo<T>,
{
    let sums = Compensated::<T::Accum>::of(parts)?;
    let counts = count_of_each(&parts[2], sums.len())?;
    let means = sums.values().zip(counts).map(|(sum, n)| sum.divided(n as f64).cast_to());
    Ok(block_of(means.collect(), &parts[0].shape()))
}

fn finish_whole_mean(parts: &[Block]) -> Result<Block> {
    let sums = exact_sums(parts)?;
    let counts = count_of_each(&parts[2], sums.len())?;
    let means: Vec<f64> = sums.into_iter().zip(counts).map(|(sum, n)| sum as f64 / n as f64).collect();
    Ok(block_of(means, &parts[0].shape()))
}

#[cfg(test)]
mod tests {
    use super::super::Reduction;
    use super::super::testing::{reduce_all, reduce_blocks};
    use crate::element::{DType, Scalar};

    #[test]
    fn means_of_integers_are_exact() {
        let large = [1i64 << 62; 3];
        assert!(reduce_all(Reduction::Mean, &large).unwrap().is_same(Scalar::F64((1u64 << 62) as f64)));
        assert!(reduce_blocks(Reduction::Mean, &large, 1).unwrap().is_same(Scalar::F64((1u64 << 62) as f64)));
        assert!(reduce_all(Reduction::Mean, &[u64::MAX; 5]).unwrap().is_same(Scalar::F64(u64::MAX as f64)));
        assert!(reduce_all(Reduction::Mean, &[i8::MIN; 3000]).unwrap().is_same(Scalar::F64(-128.0)));
        assert!(reduce_all(Reduction::Mean, &[true, false, true, true]).unwrap().is_same(Scalar::F64(0.75)));
    }

    #[test]
    fn the_mean_of_nothing_is_nan_and_nan_is_skipped_if_asked() {
        assert!(reduce_all::<f64>(Reduction::Mean, &[]).unwrap().is_nan());
        assert!(reduce_all::<i32>(Reduction::Mean, &[]).unwrap().is_nan());
        let some = [1.0f32, f32::NAN, 4.0, f32::NAN];
        assert!(reduce_all(Reduction::Mean, &some).unwrap().is_nan());
        assert!(reduce_all(Reduction::NanMean, &some).unwrap().is_same(Scalar::F32(2.5)));
        assert!(reduce_all(Reduction::NanMean, &[f64::NAN; 2]).unwrap().is_nan());
        assert_eq!(Reduction::NanMean.output_dtype(DType::I16).unwrap(), DType::F64);
    }
}
