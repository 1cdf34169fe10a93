//! `prod` and `nanprod`.
//!
//! Integers wrap in 64 bits; floats are multiplied in `f64`. The product of nothing is one.

use std::marker::PhantomData;

use super::fold::{Cells, Fold};
use super::fold_family::{Counted, FoldFamily, FoldOps};
use super::sink::Cast;
use super::totals::{Plain, block_of, elements_of};
use crate::block::Block;
use crate::element::cast::CastTo;
use crate::element::dispatch::dispatch;
use crate::element::{DType, Element};
use crate::error::Result;

/// The product; parts: the products.
pub(super) struct Prod {
    pub(super) skips_nan: bool,
}

/// The fold of a product of wide numbers; NaN counts as one if it is skipped.
pub(super) struct ProdOf<W, const SKIPS_NAN: bool>(PhantomData<W>);

impl<W: Element, const SKIPS_NAN: bool> Fold for ProdOf<W, SKIPS_NAN> {
    type In = W;
    type Acc = W;
    type Cells = Plain<Self>;

    // A complex infinity times one is not itself: infinity times zero is NaN.
    const HAS_NEUTRAL: bool = !W::DTYPE.is_complex();

    fn identity() -> W {
        W::one()
    }

    fn neutral() -> W {
        W::one()
    }

    #[inline(always)]
    fn step(acc: W, x: W) -> W {
        acc.times(if SKIPS_NAN && x.is_nan() { W::one() } else { x })
    }

    #[inline(always)]
    fn join(a: W, b: W) -> W {
        a.times(b)
    }

    fn enter_copies(cells: &mut Self::Cells, cell: usize, x: W, n: u64) {
        let (mut power, mut square, mut left) = (W::one(), Self::step(W::one(), x), n);
        while left > 0 {
            if left % 2 == 1 {
                power = power.times(square);
            }
            square = square.times(square);
            left /= 2;
        }
        cells.absorb(cell, power);
    }
}

impl FoldFamily for Prod {
    fn counted(&self, _input: DType) -> Counted {
        Counted::Nothing
    }

    fn ops(&self, input: DType) -> Result<FoldOps> {
        Ok(dispatch!(input, T => ops_for::<T>(self.skips_nan)))
    }

    fn output_dtype(&self, input: DType) -> Result<DType> {
        Ok(input.sum())
    }

    fn finish(&self, input: DType, parts: &[Block]) -> Result<Block> {
        dispatch!(input, T => finish_prod::<T, <T as Element>::Sum>(parts))
    }
}

fn ops_for<T: Element + CastTo<T::Accum>>(skips_nan: bool) -> FoldOps {
    if skips_nan {
        FoldOps::of::<T, ProdOf<T::Accum, true>, Cast>()
    } else {
        FoldOps::of::<T, ProdOf<T::Accum, false>, Cast>()
    }
}

fn finish_prod<T: Element, U: Element>(parts: &[Block]) -> Result<Block>
where
    T::Accum: CastTo<U>,
{
    let products: Vec<T::Accum> = elements_of(parts, 0)?;
    Ok(block_of(products.into_iter().map(CastTo::<U>::cast_to).collect(), &parts[0].shape()))
}

#[cfg(test)]
mod tests {
    use super::super::Reduction;
    use super::super::testing::reduce_all;
    use crate::element::Scalar;

    #[test]
    fn products_widen_wrap_and_start_at_one() {
        assert!(reduce_all(Reduction::Prod, &[100u8, 100, 100]).unwrap().is_same(Scalar::U64(1_000_000)));
        assert!(reduce_all(Reduction::Prod, &[i64::MAX, 2]).unwrap().is_same(Scalar::I64(-2)));
        assert!(reduce_all::<f32>(Reduction::Prod, &[]).unwrap().is_same(Scalar::F32(1.0)));
        assert!(reduce_all(Reduction::NanProd, &[f64::NAN, 3.0]).unwrap().is_same(Scalar::F64(3.0)));
        // Too small for single precision in between.
        assert!(reduce_all(Reduction::Prod, &[1e-30f32, 1e-30, 1e30, 1e30]).unwrap().is_same(Scalar::F32(1.0)));
    }
}
