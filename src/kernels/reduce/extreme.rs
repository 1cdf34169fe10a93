//! `min`, `max`, `nanmin` and `nanmax`.
//!
//! NaN wins over everything, or is skipped: then only a cell of nothing but NaN is NaN. A cell without elements has no
//! extreme, which is an error; a result without cells is fine.

use std::marker::PhantomData;

use super::both_extremes::BothLoops;
use super::counts::count_of_each;
use super::family::LiftSpec;
use super::fold::{Cells, Fold, LANES, step_groups};
use super::fold_family::{Counted, FoldFamily, FoldOps};
use super::order::{Order, winners};
use super::sink::{Direct, Lift, Lifter};
use super::totals::Plain;
use crate::block::Block;
use crate::element::dispatch::{dispatch_float, dispatch_real};
use crate::element::{DType, Float, Real};
use crate::error::{Error, Result};
use crate::kernels::prefetch::Ahead;

/// The extreme; parts: the extremes and the counts.
pub(super) struct Extreme<O> {
    pub(super) name: &'static str,
    pub(super) skips_nan: bool,
    pub(super) order: PhantomData<O>,
}

/// The fold of an extreme to which NaN is one.
pub(super) struct ExtremeOf<T, O>(PhantomData<(T, O)>);

impl<T: Real, O: Order> Fold for ExtremeOf<T, O> {
    type In = T;
    type Acc = T;
    type Cells = Plain<Self>;

    fn identity() -> T {
        O::worst()
    }

    fn neutral() -> T {
        O::worst()
    }

    #[inline(always)]
    fn step(acc: T, x: T) -> T {
        // Once `acc` is NaN, nothing beats it.
        if O::beats(x, acc) | x.is_nan() { x } else { acc }
    }

    #[inline(always)]
    fn enter_groups(acc: [T; LANES], groups: &[[T; LANES]], ahead: Ahead) -> [T; LANES] {
        winners::<T, O>(acc, groups, ahead).unwrap_or_else(|| step_groups::<Self>(acc, groups, Ahead::NONE))
    }

    #[inline(always)]
    fn join(a: T, b: T) -> T {
        Self::step(a, b)
    }

    fn enter_copies(cells: &mut Self::Cells, cell: usize, x: T, n: u64) {
        cells.absorb(cell, if n == 0 { Self::identity() } else { x });
    }

    fn is_settled(acc: T) -> bool {
        acc.is_nan()
    }
}

/// A lift of the smallest and the largest element in one: the parts are both extremes, then the counts.
pub(super) fn lift_both(input: DType, spec: LiftSpec) -> Option<Box<dyn Lift>> {
    dispatch_real!(input, T => Some(lift_both_of::<T>(spec)), else None)
}

fn lift_both_of<T: Real>(spec: LiftSpec) -> Box<dyn Lift> {
    let counts = spec.counts();
    let LiftSpec { machine, frame, .. } = spec;
    let loops = BothLoops::<T>::new(machine, frame.n_cells(), frame.line_len());
    Box::new(Lifter::<T, _, Direct>::new(machine, frame, loops, counts))
}

/// The fold of an extreme to which NaN is the absence of a number.
pub(super) struct ExtremeNumber<T, O>(PhantomData<(T, O)>);

impl<T: Float, O: Order> Fold for ExtremeNumber<T, O> {
    type In = T;
    type Acc = T;
    type Cells = Plain<Self>;

    fn identity() -> T {
        T::nan()
    }

    fn neutral() -> T {
        T::nan()
    }

    #[inline(always)]
    fn step(acc: T, x: T) -> T {
        if O::beats(x, acc) | num_traits::Float::is_nan(acc) { x } else { acc }
    }

    #[inline(always)]
    fn join(a: T, b: T) -> T {
        Self::step(a, b)
    }

    fn enter_copies(cells: &mut Self::Cells, cell: usize, x: T, n: u64) {
        cells.absorb(cell, if n == 0 { Self::identity() } else { x });
    }
}

impl<O: Order> Extreme<O> {
    fn refuse<T>(&self, input: DType) -> Result<T> {
        Err(Error::dtype(self.name, format!("{input} has no order")).with_remedy("reduce the absolute value or a part"))
    }
}

impl<O: Order> FoldFamily for Extreme<O> {
    fn counted(&self, _input: DType) -> Counted {
        Counted::Taken
    }

    fn ops(&self, input: DType) -> Result<FoldOps> {
        let plain =
            || dispatch_real!(input, T => Ok(FoldOps::of::<T, ExtremeOf<T, O>, Direct>()), else self.refuse(input));
        if !self.skips_nan {
            return plain();
        }
        dispatch_float!(input, T => Ok(FoldOps::of::<T, ExtremeNumber<T, O>, Direct>()), else plain())
    }

    fn output_dtype(&self, input: DType) -> Result<DType> {
        if input.is_complex() { self.refuse(input) } else { Ok(input) }
    }

    fn finish(&self, _input: DType, parts: &[Block]) -> Result<Block> {
        let n_cells = parts[0].n_elems() as usize;
        let n_empty = count_of_each(&parts[1], n_cells)?.iter().filter(|&&n| n == 0).count();
        if n_empty > 0 {
            return Err(Error::no_elements(self.name, n_empty, n_cells));
        }
        Ok(parts[0].clone())
    }
}

#[cfg(test)]
mod tests {
    use ndarray::ArrayD;

    use super::super::Reduction;
    use super::super::testing::{reduce, reduce_all};
    use crate::element::Scalar;

    #[test]
    fn only_empty_slices_are_an_error() {
        let none = ArrayD::<f64>::zeros(vec![0, 3]);
        assert_eq!(reduce(Reduction::Max, none.clone(), &[false, true]).unwrap().shape(), [0, 1]);
        let error = reduce(Reduction::Max, none, &[true, false]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "max: 3 of 3 slices have no elements to choose from; select non-empty slices first"
        );
        assert!(reduce_all::<i8>(Reduction::Min, &[]).is_err());
    }

    #[test]
    fn nan_wins_or_is_skipped() {
        let mut some = vec![1.0; 100];
        (some[40], some[41], some[70]) = (f64::NAN, 7.0, -3.0);
        assert!(reduce_all(Reduction::Max, &some).unwrap().is_nan());
        assert!(reduce_all(Reduction::Min, &some).unwrap().is_nan());
        assert!(reduce_all(Reduction::NanMax, &some).unwrap().is_same(Scalar::F64(7.0)));
        assert!(reduce_all(Reduction::NanMin, &some).unwrap().is_same(Scalar::F64(-3.0)));
        assert!(reduce_all(Reduction::NanMin, &[f32::NAN; 50]).unwrap().is_nan());
        assert!(reduce_all(Reduction::NanMin, &[i16::MAX; 2]).unwrap().is_same(Scalar::I16(i16::MAX)));
    }
}
