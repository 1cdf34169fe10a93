//! The largest or smallest elements along an axis.

use std::cmp::Ordering;

use ndarray::{ArrayD, Axis, IxDyn, concatenate};
use serde::{Deserialize, Serialize};

use super::context::KernelContext;
use super::operands::blocks;
use crate::block::{Block, Value};
use crate::element::Real;
use crate::element::dispatch::dispatch_real;
use crate::error::{Error, Result};

const OP: &str = "topk";

/// The `k` largest elements along `axis`, largest first; for a negative `k` the smallest, smallest first; all if there are
/// fewer. NaN counts as larger than every number, as NumPy sorts it.
///
/// Inputs: blocks that are joined along the axis.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Topk {
    pub(crate) k: i64,
    pub(crate) axis: usize,
}

impl Topk {
    pub(crate) fn run(&self, inputs: Vec<Value>, _ctx: &KernelContext<'_>) -> Result<Block> {
        let blocks = blocks(inputs)?;
        let dtype = blocks.first().map(Block::dtype).ok_or_else(|| Error::bug(OP, "no blocks"))?;
        dispatch_real!(dtype, T => {
            let arrays = blocks.iter().map(Block::to_array::<T>).collect::<Result<Vec<_>>>()?;
            let views: Vec<_> = arrays.iter().map(|array| array.view()).collect();
            let joined = concatenate(Axis(self.axis), &views).map_err(|error| Error::bug(OP, error.to_string()))?;
            Ok(Block::from_dense(self.best(&joined)))
        }, else Err(Error::dtype(OP, format!("elements of {dtype} have no order"))))
    }

    fn best<T: Real>(&self, array: &ArrayD<T>) -> ArrayD<T> {
        let n = (self.k.unsigned_abs() as usize).min(array.shape()[self.axis]);
        let mut shape = array.shape().to_vec();
        shape[self.axis] = n;
        let mut out = ArrayD::from_elem(IxDyn(&shape), T::zero());
        for (lane, mut slot) in array.lanes(Axis(self.axis)).into_iter().zip(out.lanes_mut(Axis(self.axis))) {
            let mut sorted = lane.to_vec();
            if self.k > 0 {
                sorted.sort_by(|a, b| order(*b, *a));
            } else {
                sorted.sort_by(|a, b| order(*a, *b));
            }
            slot.iter_mut().zip(sorted).for_each(|(slot, value)| *slot = value);
        }
        out
    }
}

/// The order of numbers, NaN last.
fn order<T: Real>(a: T, b: T) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::BufferPool;

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
}
