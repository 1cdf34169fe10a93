//! Sorting along an axis, and the largest or smallest elements.
//!
//! The order is NumPy's: NaN after every number, equal elements in the order they come in. Complex numbers have no order.
//!
//! The largest elements of an axis that is cut into blocks are found block by block: [`Topk`] of each, then [`Topk`] of
//! those, in a tree. [`ArgTopk`] does the same for their positions, which travel with their values until the last step.

use std::cmp::Ordering;

use ndarray::{ArcArray, ArrayD, Axis, IxDyn};
use serde::{Deserialize, Serialize};

use super::context::KernelContext;
use super::operands::{blocks, dense, exactly, scratch, typed};
use crate::block::{Block, Value};
use crate::element::dispatch::dispatch_real;
use crate::element::{DType, Real};
use crate::error::{Error, Result, Shown};

/// The elements of each lane along `axis` in ascending order.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sort {
    pub(crate) axis: usize,
}

/// For each lane along `axis`, the positions that would sort it, as `int64`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Argsort {
    pub(crate) axis: usize,
}

/// The `k` largest elements along `axis`, largest first; for a negative `k` the smallest, smallest first; all if there are
/// fewer. NaN counts as larger than every number.
///
/// Inputs: blocks that are joined along the axis.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Topk {
    pub(crate) k: i64,
    pub(crate) axis: usize,
}

/// The positions of what [`Topk`] finds, as `int64`; of equal elements, the first ones.
///
/// Inputs: blocks, which start at `starts`, or the results of this kernel for them, in order. The result is parts, values
/// and positions, or with `is_last` the block of positions alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ArgTopk {
    pub(crate) k: i64,
    pub(crate) axis: usize,
    /// For each input that is a block, the position of its first element along the axis.
    pub(crate) starts: Vec<u64>,
    pub(crate) is_last: bool,
}

impl Sort {
    pub(crate) fn run(&self, inputs: Vec<Value>, ctx: &KernelContext<'_>) -> Result<Block> {
        let [block] = exactly("sort", inputs)?;
        let axis = checked_axis("sort", self.axis, &block)?;
        dispatch_real!(block.dtype(), T => {
            let array = dense(typed::<T>(block)?)?;
            let mut out = scratch::<T>(array.shape(), ctx)?;
            let mut lane = Vec::new();
            for (from, to) in array.lanes(axis).into_iter().zip(out.lanes_mut(axis)) {
                lane.clear();
                lane.extend(from);
                // Equal elements may differ in storage (-0.0 and 0.0), so their order must be kept.
                lane.sort_by(order);
                to.into_iter().zip(&lane).for_each(|(to, from)| *to = *from);
            }
            ctx.recycle([Block::new(array)]);
            Ok(Block::from_dense(out))
        }, else Err(no_order("sort", block.dtype())))
    }
}

impl Argsort {
    pub(crate) fn run(&self, inputs: Vec<Value>, ctx: &KernelContext<'_>) -> Result<Block> {
        let [block] = exactly("argsort", inputs)?;
        let axis = checked_axis("argsort", self.axis, &block)?;
        dispatch_real!(block.dtype(), T => {
            let array = dense(typed::<T>(block)?)?;
            let mut out = scratch::<i64>(array.shape(), ctx)?;
            let mut lane: Vec<(T, i64)> = Vec::new();
            for (from, to) in array.lanes(axis).into_iter().zip(out.lanes_mut(axis)) {
                lane.clear();
                lane.extend(from.iter().copied().zip(0..));
                lane.sort_unstable_by(|a, b| order(&a.0, &b.0).then(a.1.cmp(&b.1)));
                to.into_iter().zip(&lane).for_each(|(to, from)| *to = from.1);
            }
            ctx.recycle([Block::new(array)]);
            Ok(Block::from_dense(out))
        }, else Err(no_order("argsort", block.dtype())))
    }
}

impl Topk {
    pub(crate) fn run(&self, inputs: Vec<Value>, ctx: &KernelContext<'_>) -> Result<Block> {
        let blocks = blocks(inputs)?;
        let shape = joined_shape("topk", self.axis, &blocks)?;
        let dtype = blocks[0].dtype();
        dispatch_real!(dtype, T => {
            let arrays = blocks.into_iter().map(|block| dense(typed::<T>(block)?)).collect::<Result<Vec<_>>>()?;
            let best = best_elements(self.k, self.axis, &shape, &arrays, ctx)?;
            ctx.recycle(arrays.into_iter().map(Block::new));
            Ok(Block::from_dense(best))
        }, else Err(no_order("topk", dtype)))
    }
}

fn best_elements<T: Real>(
    k: i64,
    axis: usize,
    shape: &[usize],
    arrays: &[ArcArray<T, IxDyn>],
    ctx: &KernelContext<'_>,
) -> Result<ArrayD<T>> {
    let mut out = scratch::<T>(&best_shape(k, axis, shape), ctx)?;
    let mut lanes: Vec<_> = arrays.iter().map(|array| array.lanes(Axis(axis)).into_iter()).collect();
    let mut lane: Vec<T> = Vec::with_capacity(shape[axis]);
    for to in out.lanes_mut(Axis(axis)) {
        lane.clear();
        lane.extend(lanes.iter_mut().filter_map(Iterator::next).flatten().copied());
        keep_best(&mut lane, k, order);
        to.into_iter().zip(&lane).for_each(|(to, from)| *to = *from);
    }
    Ok(out)
}

impl ArgTopk {
    pub(crate) fn run(&self, inputs: Vec<Value>, ctx: &KernelContext<'_>) -> Result<Value> {
        let mut starts = self.starts.iter();
        let pairs = inputs.into_iter().map(|input| match input {
            Value::Block(block) => {
                let start = *starts.next().ok_or_else(|| Error::bug("argtopk", "a block without a start"))?;
                let positions = positions_of(&block, self.axis, start)?;
                Ok((block, positions))
            }
            Value::Parts(parts) => {
                let [values, positions] = exactly("argtopk", parts)?;
                Ok((values, positions))
            }
            Value::Placed => Err(Error::bug("argtopk", "an input without data")),
        });
        let (values, positions): (Vec<Block>, Vec<Block>) = pairs.collect::<Result<Vec<_>>>()?.into_iter().unzip();
        let shape = joined_shape("argtopk", self.axis, &values)?;
        if joined_shape("argtopk", self.axis, &positions)? != shape {
            return Err(Error::bug("argtopk", "values and positions have different shapes"));
        }
        let dtype = values[0].dtype();
        dispatch_real!(dtype, T => {
            let values = values.into_iter().map(|block| dense(typed::<T>(block)?)).collect::<Result<Vec<_>>>()?;
            let positions = positions.into_iter().map(|block| dense(typed(block)?)).collect::<Result<Vec<_>>>()?;
            let (values, positions) = self.best::<T>(&shape, &values, &positions, ctx)?;
            if self.is_last {
                return Ok(Block::from_dense(positions).into());
            }
            Ok(Value::Parts(vec![Block::from_dense(values).into(), Block::from_dense(positions).into()]))
        }, else Err(no_order("argtopk", dtype)))
    }

    fn best<T: Real>(
        &self,
        shape: &[usize],
        values: &[ArcArray<T, IxDyn>],
        positions: &[ArcArray<i64, IxDyn>],
        ctx: &KernelContext<'_>,
    ) -> Result<(ArrayD<T>, ArrayD<i64>)> {
        let axis = Axis(self.axis);
        let best = best_shape(self.k, self.axis, shape);
        let (mut out_values, mut out_positions) = (scratch::<T>(&best, ctx)?, scratch::<i64>(&best, ctx)?);
        let mut value_lanes: Vec<_> = values.iter().map(|array| array.lanes(axis).into_iter()).collect();
        let mut position_lanes: Vec<_> = positions.iter().map(|array| array.lanes(axis).into_iter()).collect();
        let mut lane: Vec<(T, i64)> = Vec::with_capacity(shape[self.axis]);
        for (to_values, to_positions) in out_values.lanes_mut(axis).into_iter().zip(out_positions.lanes_mut(axis)) {
            lane.clear();
            let values = value_lanes.iter_mut().filter_map(Iterator::next).flatten().copied();
            lane.extend(values.zip(position_lanes.iter_mut().filter_map(Iterator::next).flatten().copied()));
            // Ties go to the first position, whichever end is wanted.
            let by_position = |a: &(T, i64), b: &(T, i64)| if self.k > 0 { b.1.cmp(&a.1) } else { a.1.cmp(&b.1) };
            keep_best(&mut lane, self.k, |a, b| order(&a.0, &b.0).then_with(|| by_position(a, b)));
            for ((to_value, to_position), from) in to_values.into_iter().zip(to_positions).zip(&lane) {
                (*to_value, *to_position) = *from;
            }
        }
        Ok((out_values, out_positions))
    }
}

/// Shortens a list to its `k` largest elements, largest first, or for a negative `k` to the smallest, smallest first.
fn keep_best<T>(list: &mut Vec<T>, k: i64, order: impl Fn(&T, &T) -> Ordering) {
    let n = (k.unsigned_abs() as usize).min(list.len());
    let better_first = |a: &T, b: &T| if k > 0 { order(b, a) } else { order(a, b) };
    if n < list.len() {
        if n > 0 {
            list.select_nth_unstable_by(n - 1, better_first);
        }
        list.truncate(n);
    }
    list.sort_by(better_first);
}

/// The order of numbers, NaN last.
fn order<T: Real>(a: &T, b: &T) -> Ordering {
    a.partial_cmp(b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

/// The position along `axis` of each element of a block that starts at `start`.
fn positions_of(block: &Block, axis: usize, start: u64) -> Result<Block> {
    checked_axis("argtopk", axis, block)?;
    let shape = block.shape();
    let positions = ArrayD::from_shape_fn(IxDyn(&shape), |at| (start + at[axis] as u64) as i64);
    Ok(Block::from_dense(positions))
}

fn checked_axis(op: &'static str, axis: usize, block: &Block) -> Result<Axis> {
    let ndim = block.shape().len();
    if axis < ndim {
        Ok(Axis(axis))
    } else {
        Err(Error::block(op, "a number of axes", format_args!("more than {axis}"), ndim))
    }
}

/// The shape of blocks joined along an axis.
fn joined_shape(op: &'static str, axis: usize, blocks: &[Block]) -> Result<Vec<usize>> {
    let Some(first) = blocks.first() else { return Err(Error::bug(op, "no blocks")) };
    checked_axis(op, axis, first)?;
    let mut joined = first.shape();
    for shape in blocks[1..].iter().map(Block::shape) {
        let mut expected = joined.clone();
        expected[axis] = shape.get(axis).copied().unwrap_or(0);
        if shape != expected {
            return Err(Error::block(op, "shape", Shown(&expected), Shown(&shape)));
        }
        joined[axis] += shape[axis];
    }
    Ok(joined)
}

fn best_shape(k: i64, axis: usize, shape: &[usize]) -> Vec<usize> {
    let mut shape = shape.to_vec();
    shape[axis] = shape[axis].min(k.unsigned_abs() as usize);
    shape
}

fn no_order(op: &'static str, dtype: DType) -> Error {
    Error::dtype(op, format!("elements of {dtype} have no order"))
}

#[cfg(test)]
mod tests {
    use ndarray::Slice;
    use proptest::prelude::*;

    use super::*;
    use crate::block::BufferPool;
    use crate::kernels::testing::{Drawn, Kind, assert_same, drawn_dense, shapes, stored};

    fn values(blocks: Vec<Block>) -> Vec<Value> {
        blocks.into_iter().map(Value::from).collect()
    }

    /// The lanes of an array, sorted, with positions.
    fn slow<T: Real>(x: &ArrayD<T>, axis: usize) -> Vec<Vec<(T, i64)>> {
        let sorted = |lane: ndarray::ArrayView1<'_, T>| {
            let mut lane: Vec<(T, i64)> = lane.iter().copied().zip(0..).collect();
            for end in (1..lane.len()).rev() {
                for i in 0..end {
                    let (a, b) = (lane[i].0, lane[i + 1].0);
                    if b < a || (a.is_nan() && !b.is_nan()) {
                        lane.swap(i, i + 1);
                    }
                }
            }
            lane
        };
        x.lanes(Axis(axis)).into_iter().map(sorted).collect()
    }

    /// An array from its lanes.
    fn from_lanes<T: Copy + Default>(lanes: &[Vec<T>], axis: usize, shape: &[usize], len: usize) -> ArrayD<T> {
        let mut shape = shape.to_vec();
        shape[axis] = len;
        let mut out = ArrayD::from_elem(IxDyn(&shape), T::default());
        for (to, from) in out.lanes_mut(Axis(axis)).into_iter().zip(lanes) {
            to.into_iter().zip(from).for_each(|(to, from)| *to = *from);
        }
        out
    }

    fn check<T: Drawn + Real>(shape: &[usize], axis: usize, k: i64, cut: usize, seed: u64) {
        let pool = BufferPool::new(1 << 20);
        let ctx = KernelContext::new(&pool);
        let x: ArrayD<T> = drawn_dense(shape, seed);
        let sorted = slow(&x, axis);
        let n = (k.unsigned_abs() as usize).min(shape[axis]);
        let best = |lane: &Vec<(T, i64)>| -> Vec<(T, i64)> {
            let mut lane = lane.clone();
            if k > 0 {
                // Largest first, and of equals the first position.
                lane.sort_by(|a, b| order(&b.0, &a.0));
            }
            lane.truncate(n);
            lane
        };
        let best: Vec<Vec<(T, i64)>> = sorted.iter().map(best).collect();
        let first = |lanes: &[Vec<(T, i64)>]| -> Vec<Vec<T>> {
            lanes.iter().map(|l| l.iter().map(|p| p.0).collect()).collect()
        };
        let second = |lanes: &[Vec<(T, i64)>]| -> Vec<Vec<i64>> {
            lanes.iter().map(|l| l.iter().map(|p| p.1).collect()).collect()
        };
        for kind in Kind::ALL {
            let block = || stored(&x, kind);
            let found = Sort { axis }.run(values(vec![block()]), &ctx).unwrap();
            assert_same(&found, &from_lanes(&first(&sorted), axis, shape, shape[axis]));
            let found = Argsort { axis }.run(values(vec![block()]), &ctx).unwrap();
            assert_same(&found, &from_lanes(&second(&sorted), axis, shape, shape[axis]));

            let half = |range: Slice| stored(&x.slice_axis(Axis(axis), range).to_owned(), kind);
            let halves = || [half(Slice::from(..cut)), half(Slice::from(cut..))];
            let topk = |blocks: Vec<Block>| Topk { k, axis }.run(values(blocks), &ctx).unwrap();
            let found = topk(halves().map(|half| topk(vec![half])).to_vec());
            assert_equal(&found, &from_lanes(&first(&best), axis, shape, n));

            let arg = |inputs: Vec<Value>, starts: Vec<u64>, is_last| {
                ArgTopk { k, axis, starts, is_last }.run(inputs, &ctx).unwrap()
            };
            let expected = from_lanes(&second(&best), axis, shape, n);
            let parts = halves()
                .into_iter()
                .zip([0, cut as u64])
                .map(|(half, start)| arg(values(vec![half]), vec![start], false));
            assert_same(arg(parts.collect(), vec![], true).block().unwrap(), &expected);
            let found = arg(values(halves().to_vec()), vec![0, cut as u64], true);
            assert_same(found.block().unwrap(), &expected);
        }
    }

    /// Equal numbers; which of several equal ones is kept may differ.
    fn assert_equal<T: Real>(found: &Block, expected: &ArrayD<T>) {
        let found = found.to_array::<T>().unwrap();
        assert_eq!(found.shape(), expected.shape());
        assert!(found.iter().zip(expected).all(|(a, b)| order(a, b) == Ordering::Equal), "{found} {expected}");
    }

    proptest! {
        #[test]
        fn lanes_are_sorted_and_cut(
            shape in shapes().prop_filter("an axis", |shape| !shape.is_empty()),
            axis in any::<prop::sample::Index>(),
            cut in any::<prop::sample::Index>(),
            k in prop_oneof![-7i64..0, 1i64..7],
            seed in any::<u64>(),
        ) {
            let axis = axis.index(shape.len());
            let cut = cut.index(shape[axis] + 1);
            check::<f64>(&shape, axis, k, cut, seed);
            check::<i32>(&shape, axis, k, cut, seed);
            check::<bool>(&shape, axis, k, cut, seed);
        }
    }

    #[test]
    fn best_of_two_blocks_with_nan_largest() {
        let pool = BufferPool::new(0);
        let blocks =
            || [vec![1.0, f64::NAN], vec![3.0, 2.0]].map(|v| Block::from_dense(ndarray::arr1(&v).into_dyn()).into());
        let run = |k| Topk { k, axis: 0 }.run(blocks().to_vec(), &KernelContext::new(&pool)).unwrap();
        let largest = run(2);
        let view = largest.dense::<f64>().unwrap();
        assert!(view[[0]].is_nan() && view[[1]] == 3.0);
        assert_eq!(run(-3).dense::<f64>().unwrap(), ndarray::arr1(&[1.0, 2.0, 3.0]).into_dyn().view());
        assert_eq!(run(9).shape(), [4]);
    }

    #[test]
    fn complex_numbers_and_blocks_that_do_not_fit_are_errors() {
        let pool = BufferPool::new(0);
        let ctx = KernelContext::new(&pool);
        let complex = || values(vec![stored(&drawn_dense::<crate::element::C64>(&[3], 1), Kind::Plain)]);
        assert!(Sort { axis: 0 }.run(complex(), &ctx).unwrap_err().is_dtype());
        assert!(Topk { k: 1, axis: 0 }.run(complex(), &ctx).unwrap_err().is_dtype());
        let block = |shape: &[usize]| stored(&drawn_dense::<f64>(shape, 1), Kind::Plain);
        assert!(Topk { k: 1, axis: 1 }.run(values(vec![block(&[2, 3]), block(&[3, 3])]), &ctx).is_err());
        assert!(Sort { axis: 1 }.run(values(vec![block(&[3])]), &ctx).is_err());
        let arg = ArgTopk { k: 1, axis: 0, starts: vec![], is_last: true };
        assert!(arg.run(values(vec![block(&[3])]), &ctx).is_err());
    }
}
