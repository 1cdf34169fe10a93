//! Elements counted in bins and by value.

use ndarray::{Array1, ArrayD, IxDyn};
use serde::{Deserialize, Serialize};

use crate::block::{Block, BlockLocation};
use crate::config::Config;
use crate::element::DType;
use crate::error::{Error, Result};
use crate::kernels::NamedKernel;

/// Blocks: elements as `float64` and, with weights, as many `float64` of them. The result has length 1 along each axis of
/// the elements and a last axis with the count (`int64`) or the weight (`float64`) of each bin.
///
/// Bins are half open but the last: `[e0, e1) [e1, e2) … [e(n-1), en]`. What lies outside, and NaN, is left out.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Histogram {
    pub(crate) edges: Vec<f64>,
    pub(crate) is_weighted: bool,
}

impl Histogram {
    fn bin(&self, x: f64) -> Option<usize> {
        let (first, last) = (*self.edges.first()?, *self.edges.last()?);
        if !(first..=last).contains(&x) {
            return None;
        }
        let behind = self.edges.partition_point(|&edge| edge <= x);
        Some(behind.min(self.edges.len() - 1) - 1)
    }
}

impl NamedKernel for Histogram {
    const NAME: &'static str = "hyperslab.histogram";

    fn run(&self, blocks: &[Block], _at: &BlockLocation) -> Result<Block> {
        let elements = blocks[0].to_array::<f64>()?;
        let n_bins = self.edges.len() - 1;
        let shape: Vec<usize> = std::iter::repeat_n(1, elements.ndim()).chain([n_bins]).collect();
        if !self.is_weighted {
            let mut counts = vec![0i64; n_bins];
            elements.iter().filter_map(|&x| self.bin(x)).for_each(|bin| counts[bin] += 1);
            return shaped(shape, counts);
        }
        let weights = blocks[1].to_array::<f64>()?;
        let mut sums = vec![0.0f64; n_bins];
        for (&x, &weight) in elements.iter().zip(weights.iter()) {
            if let Some(bin) = self.bin(x) {
                sums[bin] += weight;
            }
        }
        shaped(shape, sums)
    }
}

fn shaped<T: crate::element::Element>(shape: Vec<usize>, flat: Vec<T>) -> Result<Block> {
    let array = ArrayD::from_shape_vec(IxDyn(&shape), flat);
    array.map(Block::from_dense).map_err(|error| Error::bug("histogram", error.to_string()))
}

/// Blocks: integers as `int64`, none negative, and perhaps weights as `float64`, in one axis. Entry `i` of the result is
/// the number of elements `i`, or the sum of their weights; it has `min_len` entries or as many as the largest element
/// needs.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Bincount {
    pub(crate) min_len: u64,
}

impl NamedKernel for Bincount {
    const NAME: &'static str = "hyperslab.bincount";

    fn run(&self, blocks: &[Block], _at: &BlockLocation) -> Result<Block> {
        let elements = blocks[0].to_array::<i64>()?;
        if let Some(negative) = elements.iter().find(|&&x| x < 0) {
            return Err(Error::value("bincount", format!("the element {negative} is negative")));
        }
        let len = elements.iter().max().map_or(0, |&largest| largest as u64 + 1).max(self.min_len);
        let (need, limit) = (len.saturating_mul(size_of::<i64>() as u64), Config::global().memory_bytes());
        if need > limit {
            return Err(
                Error::memory("bincount", need, limit).with_remedy("count smaller numbers, or use `unique_all`")
            );
        }
        let len = len as usize;
        if let Some(weights) = blocks.get(1) {
            let mut sums = Array1::<f64>::zeros(len);
            for (&x, &weight) in elements.iter().zip(weights.to_array::<f64>()?.iter()) {
                sums[x as usize] += weight;
            }
            return Ok(Block::from_dense(sums.into_dyn()));
        }
        let mut counts = Array1::<i64>::zeros(len);
        elements.iter().for_each(|&x| counts[x as usize] += 1);
        Ok(Block::from_dense(counts.into_dyn()))
    }
}

/// The sum of 1-d blocks of different lengths; what a shorter one has not counts as 0.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct SumPadded;

impl NamedKernel for SumPadded {
    const NAME: &'static str = "hyperslab.sum_padded";

    fn run(&self, blocks: &[Block], _at: &BlockLocation) -> Result<Block> {
        match blocks.first().map(Block::dtype) {
            Some(DType::F64) => sum_padded::<f64>(blocks, |a, b| a + b),
            _ => sum_padded::<i64>(blocks, i64::wrapping_add),
        }
    }
}

fn sum_padded<T: crate::element::Element>(blocks: &[Block], add: impl Fn(T, T) -> T) -> Result<Block> {
    let mut sum: Vec<T> = Vec::new();
    for block in blocks {
        let part = block.to_array::<T>()?;
        if part.len() > sum.len() {
            sum.resize(part.len(), T::zero());
        }
        sum.iter_mut().zip(part.iter()).for_each(|(to, &from)| *to = add(*to, from));
    }
    Ok(Block::from_dense(Array1::from_vec(sum).into_dyn()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_are_half_open_but_the_last() {
        let bins = Histogram { edges: vec![0.0, 1.0, 1.0, 3.0], is_weighted: false };
        let found: Vec<_> = [-0.1, 0.0, 0.99, 1.0, 2.9, 3.0, 3.1, f64::NAN].iter().map(|&x| bins.bin(x)).collect();
        assert_eq!(found, [None, Some(0), Some(0), Some(2), Some(2), Some(2), None, None]);
    }
}
