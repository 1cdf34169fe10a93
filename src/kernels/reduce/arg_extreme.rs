//! `argmin`, `argmax`, `nanargmin` and `nanargmax`.
//!
//! The answer is the first position, in row-major order over the reduced axes of the whole array, whatever the blocks:
//! the index along the axis if one axis is reduced, the position in the flattened array if all are. The first NaN wins
//! over everything, or NaN is skipped. Cells without a candidate are an error.

use std::marker::PhantomData;

use super::arg_loops::{ArgLoops, NOWHERE, wins};
use super::counts::Counts;
use super::family::{Family, Fills, LiftSpec};
use super::frame::Frame;
use super::order::Order;
use super::sink::{Direct, Lift, Lifter};
use super::totals::{block_of, elements_of};
use crate::block::Block;
use crate::element::dispatch::{dispatch_float, dispatch_real};
use crate::element::{DType, Real};
use crate::error::{Error, Result};

/// The place of an extreme; parts: the extremes and their positions (-1: no candidate).
pub(super) struct ArgExtreme<O> {
    pub(super) name: &'static str,
    pub(super) skips_nan: bool,
    pub(super) order: PhantomData<O>,
}

impl<O: Order> ArgExtreme<O> {
    fn refuse<T>(&self, input: DType) -> Result<T> {
        Err(Error::dtype(self.name, format!("{input} has no order")).with_remedy("reduce the absolute value or a part"))
    }
}

fn lift_arg<T: Real, O: Order, const SKIPS_NAN: bool>(spec: &LiftSpec) -> Box<dyn Lift> {
    let frame = &spec.frame;
    let to_position = match spec.positions.clone() {
        // Numbers of entries come after those of cells, so that no difference of the two is negative.
        Some(positions) => {
            let n_cells = frame.n_cells();
            Box::new(move |number: i64| positions[number as usize - n_cells]) as Box<dyn Fn(i64) -> i64 + Send>
        }
        None => positions(frame, spec.place.as_ref()),
    };
    let loops = ArgLoops::<T, O, SKIPS_NAN>::new(spec.machine, frame.n_cells(), to_position);
    Box::new(Lifter::<T, _, Direct>::new(spec.machine, frame.clone(), loops, Counts::Unneeded))
}

/// Turns the number of an element in its block into its position along the reduced axes of the array.
fn positions(frame: &Frame, place: Option<&(Vec<u64>, Vec<u64>)>) -> Box<dyn Fn(i64) -> i64 + Send> {
    let shape = frame.shape().to_vec();
    let (start, array_shape) =
        place.cloned().unwrap_or_else(|| (vec![0; shape.len()], shape.iter().map(|&len| len as u64).collect()));
    let mut step = 1;
    let mut steps: Vec<i64> = array_shape
        .iter()
        .zip(frame.reduced())
        .rev()
        .map(|(&len, &is_reduced)| {
            let own = if is_reduced { step } else { 0 };
            step *= if is_reduced { len as i64 } else { 1 };
            own
        })
        .collect();
    steps.reverse();
    Box::new(move |number| {
        let (mut left, mut position) = (number, 0);
        for axis in (0..shape.len()).rev() {
            let len = shape[axis] as i64;
            position += (start[axis] as i64 + left % len) * steps[axis];
            left /= len;
        }
        position
    })
}

fn combine_args<T: Real, O: Order>(partials: &[&[Block]]) -> Result<Vec<Block>> {
    let (mut bests, mut ats): (Vec<T>, Vec<i64>) = (elements_of(partials[0], 0)?, elements_of(partials[0], 1)?);
    for partial in &partials[1..] {
        let (others, other_ats): (Vec<T>, Vec<i64>) = (elements_of(partial, 0)?, elements_of(partial, 1)?);
        for ((best, at), (other, other_at)) in bests.iter_mut().zip(&mut ats).zip(others.into_iter().zip(other_ats)) {
            if other_at != NOWHERE && (*at == NOWHERE || is_earlier::<T, O>(other, other_at, *best, *at)) {
                (*best, *at) = (other, other_at);
            }
        }
    }
    let shape = partials[0][0].shape();
    Ok(vec![block_of(bests, &shape), block_of(ats, &shape)])
}

/// Whether an element wins, or draws and comes first.
fn is_earlier<T: Real, O: Order>(x: T, at: i64, best: T, best_at: i64) -> bool {
    wins::<T, O>(x, best) || (!wins::<T, O>(best, x) && at < best_at)
}

fn fills_of<T: Real, O: Order>(fills: &Fills<'_>, skips_nan: bool) -> Vec<Block> {
    let fill = T::from_scalar(fills.fill);
    let is_skipped = skips_nan && fill.is_nan();
    let is_there = |n: u64| n > 0 && !is_skipped;
    let bests = fills.counts.iter().map(|&n| if is_there(n) { fill } else { O::worst() }).collect();
    let ats = fills.counts.iter().zip(fills.first).map(|(&n, &first)| if is_there(n) { first } else { NOWHERE });
    vec![block_of(bests, fills.shape), block_of(ats.collect(), fills.shape)]
}

impl<O: Order> Family for ArgExtreme<O> {
    fn output_dtype(&self, input: DType) -> Result<DType> {
        if input.is_complex() { self.refuse(input) } else { Ok(DType::I64) }
    }

    fn lift(&self, input: DType, spec: LiftSpec) -> Result<Box<dyn Lift>> {
        let plain = || dispatch_real!(input, T => Ok(lift_arg::<T, O, false>(&spec)), else self.refuse(input));
        if !self.skips_nan {
            return plain();
        }
        dispatch_float!(input, T => Ok(lift_arg::<T, O, true>(&spec)), else plain())
    }

    fn combine(&self, input: DType, partials: &[&[Block]]) -> Result<Vec<Block>> {
        dispatch_real!(input, T => combine_args::<T, O>(partials), else self.refuse(input))
    }

    fn finish(&self, _input: DType, parts: &[Block]) -> Result<Block> {
        let ats: Vec<i64> = elements_of(parts, 1)?;
        let n_empty = ats.iter().filter(|&&at| at == NOWHERE).count();
        if n_empty > 0 {
            return Err(Error::no_elements(self.name, n_empty, ats.len()));
        }
        Ok(parts[1].clone())
    }

    fn fills(&self, input: DType, fills: &Fills<'_>) -> Result<Vec<Block>> {
        dispatch_real!(input, T => Ok(fills_of::<T, O>(fills, self.skips_nan)), else self.refuse(input))
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{ArrayD, Axis, IxDyn};

    use super::super::testing::{reduce_all, reduce_blocks};
    use super::super::{LiftSpec, Partial, Reducer, Reduction};
    use super::*;
    use crate::element::Scalar;

    #[test]
    fn the_first_of_equals_in_the_whole_array_wins() {
        // Columns 0..2 and 2..4 are blocks; row-major, the 9 in the second block comes first.
        let array = ArrayD::from_shape_vec(IxDyn(&[2, 4]), vec![1, 2, 3, 9, 9, 0, 0, 0]).unwrap();
        let reducer = Reducer::new(Reduction::ArgMax, DType::I32).unwrap();
        let partial = |from: usize| {
            let block = array.slice_axis(Axis(1), (from..from + 2).into()).to_owned();
            let spec = LiftSpec::new(&[2, 2], &[true, true]).at(&[0, from as u64], &[2, 4]);
            reducer.lift(&Block::from_dense(block), None, &spec).unwrap()
        };
        let (left, right): (Partial, Partial) = (partial(0), partial(2));
        for both in [[&left, &right], [&right, &left]] {
            let found = reducer.finish(&reducer.combine(&both).unwrap()).unwrap();
            assert!(found.scalar().unwrap().is_same(Scalar::I64(3)));
        }
    }

    #[test]
    fn the_first_nan_wins_or_all_are_skipped() {
        let mut some = vec![0.0; 9000];
        (some[8000], some[8100], some[100]) = (f64::NAN, f64::NAN, 5.0);
        for len in [9000, 700, 1] {
            assert!(reduce_blocks(Reduction::ArgMax, &some, len).unwrap().is_same(Scalar::I64(8000)));
            assert!(reduce_blocks(Reduction::ArgMin, &some, len).unwrap().is_same(Scalar::I64(8000)));
            assert!(reduce_blocks(Reduction::NanArgMax, &some, len).unwrap().is_same(Scalar::I64(100)));
            assert!(reduce_blocks(Reduction::NanArgMin, &some, len).unwrap().is_same(Scalar::I64(0)));
        }
        assert!(reduce_all(Reduction::NanArgMax, &[f64::NAN]).is_err());
        assert!(reduce_all(Reduction::ArgMax, &[f64::NEG_INFINITY; 3]).unwrap().is_same(Scalar::I64(0)));
        assert!(reduce_all(Reduction::NanArgMax, &[f64::NAN, f64::NEG_INFINITY]).unwrap().is_same(Scalar::I64(1)));
    }
}
