//! Writing into a strided box of a block.

use ndarray::{Axis, Slice};
use serde::{Deserialize, Serialize};

use super::value::{Assignment, broadcast, without_leading};
use crate::block::{Block, Value, with_block};
use crate::chunks::AxisRange;
use crate::error::{Error, Result};
use crate::kernels::context::KernelContext;
use crate::kernels::copy::{copy_into, writable};
use crate::kernels::operands::exactly;

const OP: &str = "assign";

/// Writes a value into a box: the product of one range per axis.
///
/// Inputs: the block and the value, which is broadcast to the box. Elements pair one by one, also for negative steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct AssignRegion {
    /// The selected positions along each axis.
    pub(crate) axes: Vec<AxisRange>,
}

impl AssignRegion {
    pub(crate) fn run(&self, inputs: Vec<Value>, ctx: &KernelContext<'_>) -> Result<Block> {
        let [block, value] = exactly(OP, inputs)?;
        self.check(&block.shape())?;
        let shape: Vec<u64> = self.axes.iter().map(crate::chunks::AxisRange::len).collect();
        with_block!(block, T, data => match Assignment::<T>::new(OP, data, value)? {
            Assignment::Dense(target, value) => {
                let mut target = writable(target, ctx)?;
                let value = without_leading(value, shape.len());
                let shape: Vec<usize> = shape.iter().map(|&len| len as usize).collect();
                let mut part = target.view_mut();
                for (axis, range) in self.axes.iter().enumerate() {
                    part.slice_axis_inplace(Axis(axis), slice(range));
                }
                copy_into(part, broadcast(OP, &value, &shape)?);
                Ok(Block::from_dense(target))
            }
            Assignment::Sparse(target, value) => {
                let value = value.expand(OP, &shape, target.fill())?;
                target.assign_coo(&self.axes, &value).map(Block::new)
            }
        })
    }

    fn check(&self, shape: &[usize]) -> Result<()> {
        if shape.len() != self.axes.len() {
            return Err(Error::block(OP, "a number of axes", self.axes.len(), shape.len()));
        }
        for (axis, (range, &len)) in self.axes.iter().zip(shape).enumerate() {
            if let Some(last) = range.len().checked_sub(1) {
                let high = range.at(0).max(range.at(last));
                if high >= len as u64 {
                    let what = format!("along axis {axis} a length of");
                    return Err(Error::block(OP, &what, format_args!("at least {}", high + 1), len));
                }
            }
        }
        Ok(())
    }
}

/// A range as ndarray names it: for a negative step, the same elements from the highest on.
fn slice(range: &AxisRange) -> Slice {
    let Some(last) = range.len().checked_sub(1) else { return Slice::from(0..0) };
    let (low, high) = (range.at(0).min(range.at(last)), range.at(0).max(range.at(last)));
    Slice::new(low as isize, Some(high as isize + 1), range.step() as isize)
}

#[cfg(test)]
mod tests {
    use ndarray::{ArrayD, IxDyn};
    use proptest::prelude::*;

    use super::*;
    use crate::block::BufferPool;
    use crate::element::Element;
    use crate::kernels::testing::{Kind, assert_same, check_all_types, drawn, drawn_dense, shapes, stored};

    fn run(axes: Vec<AxisRange>, block: Block, value: Block) -> Result<Block> {
        let pool = BufferPool::new(1 << 20);
        AssignRegion { axes }.run(vec![block.into(), value.into()], &KernelContext::new(&pool))
    }

    /// A range of an axis from raw numbers.
    fn range(len: usize, (start, step, n): (usize, i64, usize)) -> AxisRange {
        if len == 0 {
            return AxisRange::full(0);
        }
        let start = start % len;
        let room = if step > 0 { len - 1 - start } else { start } / step.unsigned_abs() as usize + 1;
        AxisRange::canonical(start as u64, step, n.min(room) as u64)
    }

    proptest! {
        #[test]
        fn elements_pair_one_by_one(
            shape in shapes(),
            raw in prop::collection::vec((any::<usize>(), prop_oneof![Just(-2i64), Just(-1), Just(1), Just(2)], 0usize..5), 4),
            cut in prop::collection::vec(any::<bool>(), 4),
            n_dropped in 0usize..3,
            seed in any::<u64>(),
        ) {
            let axes: Vec<AxisRange> = shape.iter().zip(raw).map(|(&len, raw)| range(len, raw)).collect();
            let region: Vec<usize> = axes.iter().map(|range| range.len() as usize).collect();
            let mut value_shape: Vec<usize> = region.iter().zip(&cut).map(|(&n, &cut)| if cut { 1 } else { n }).collect();
            value_shape.drain(..n_dropped.min(value_shape.len()));
            check_all_types!(T => {
                let value: ArrayD<T> = drawn_dense(&value_shape, seed.rotate_left(7));
                let stretched = value.broadcast(IxDyn(&region)).unwrap();
                for (kind, value_kind) in Kind::ALL.into_iter().flat_map(|kind| Kind::ALL.map(|other| (kind, other))) {
                    let (block, mut expected) = drawn::<T>(&shape, seed, kind);
                    for (at, element) in stretched.indexed_iter() {
                        let to: Vec<usize> = axes.iter().enumerate().map(|(k, range)| range.at(at[k] as u64) as usize).collect();
                        expected[to.as_slice()] = *element;
                    }
                    let found = run(axes.clone(), block, stored(&value, value_kind)).unwrap();
                                        prop_assert_eq!(found.is_sparse(), kind.is_sparse());
                    assert_same(&found, &expected);
                }
            });
        }
    }

    #[test]
    fn a_block_that_nobody_else_holds_is_written_in_place() {
        let (block, _) = drawn::<f64>(&[4, 6], 1, Kind::Plain);
        let address = block.dense::<f64>().unwrap().as_ptr();
        let axes = vec![AxisRange::full(4), AxisRange::contiguous(1..3)];
        let value = Block::from_scalar(7.0.into());
        let found = run(axes.clone(), block, value.clone()).unwrap();
        assert_eq!(found.dense::<f64>().unwrap().as_ptr(), address);

        // A shared one is left as it was.
        let (block, before) = drawn::<f64>(&[4, 6], 1, Kind::Transposed);
        run(axes, block.clone(), value).unwrap();
        assert_same(&block, &before);
    }

    #[test]
    fn values_take_the_type_of_the_block_but_nan_has_no_integer() {
        let block = || drawn::<i32>(&[3], 1, Kind::Plain).0;
        let all = || vec![AxisRange::full(3)];
        let found = run(all(), block(), stored(&ndarray::arr1(&[1.9, -1.9, 3.0]).into_dyn(), Kind::Plain)).unwrap();
        assert_same(&found, &ndarray::arr1(&[1i32, -1, 3]).into_dyn());
        let error = run(all(), block(), Block::from_scalar(f64::NAN.to_scalar())).unwrap_err();
        assert!(error.is_usage() && error.to_string().contains("NaN cannot be written into an array of int32"));
        let nothing = run(vec![AxisRange::full(0)], block(), stored(&ArrayD::<f64>::zeros(IxDyn(&[0])), Kind::Plain));
        assert_same(&nothing.unwrap(), &block().to_array::<i32>().unwrap().into_owned());
    }

    #[test]
    fn values_that_do_not_fit_are_errors() {
        for kind in [Kind::Plain, Kind::Sparse] {
            let block = || drawn::<f64>(&[4, 6], 1, kind).0;
            let region = || vec![AxisRange::full(4), AxisRange::contiguous(1..3)];
            let error = run(region(), block(), drawn::<f64>(&[3], 1, kind).0).unwrap_err();
            assert!(error.to_string().contains("(3) (the value)") && error.to_string().contains("(4, 2)"), "{error}");
            assert!(run(region(), block(), drawn::<f64>(&[1, 4, 2], 1, kind).0).is_ok());
            assert!(run(region(), block(), drawn::<f64>(&[2, 4, 2], 1, kind).0).is_err());
            assert!(run(vec![AxisRange::full(5), AxisRange::full(6)], block(), block()).is_err());
        }
    }
}
