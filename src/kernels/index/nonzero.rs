//! The coordinates of the true elements of a block.

use ndarray::{ArcArray, IxDyn};
use serde::{Deserialize, Serialize};

use crate::block::{Block, BlockData, Value, with_block};
use crate::element::Element;
use crate::error::{Error, Result};
use crate::kernels::context::KernelContext;
use crate::kernels::copy::contiguous;
use crate::kernels::entries::position;
use crate::kernels::operands::{exactly, from_flat};
use crate::sparse::Coo;

const OP: &str = "nonzero";

/// The coordinates of the elements that are not zero, in row-major order: `int64`, one row per element.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Nonzero {
    /// The position of the block's first element in its array.
    pub(crate) origin: Vec<u64>,
}

impl Nonzero {
    pub(crate) fn run(&self, inputs: Vec<Value>, ctx: &KernelContext<'_>) -> Result<Block> {
        let [block] = exactly(OP, inputs)?;
        let ndim = block.shape().len();
        if ndim != self.origin.len() {
            return Err(Error::block(OP, "a number of axes", self.origin.len(), ndim));
        }
        let (n, coords) = with_block!(block, T, data => match data {
            BlockData::Dense(array) => self.dense::<T>(array, ctx)?,
            BlockData::Sparse(coo) if coo.fill() == T::zero() => self.sparse::<T>(&coo),
            // Every element without an entry is listed: the result is as large as the dense block.
            BlockData::Sparse(coo) => self.dense::<T>(coo.to_dense()?.into_shared(), ctx)?,
        });
        from_flat(&[n, ndim], coords).map(Block::from_dense)
    }

    /// The number of elements found, and their coordinates one after the other.
    fn dense<T: Element>(&self, array: ArcArray<T, IxDyn>, ctx: &KernelContext<'_>) -> Result<(usize, Vec<i64>)> {
        let array = contiguous(array, ctx)?;
        let flat = array.as_slice().unwrap_or(&[]);
        let is_found = |element: &T| *element != T::zero();
        let n = flat.iter().filter(|element| is_found(element)).count();
        let mut coords = Vec::with_capacity(n * self.origin.len());
        let (&row_len, counts) = array.shape().split_last().unwrap_or((&1, &[]));
        for (number, row) in flat.chunks_exact(row_len.max(1)).enumerate() {
            if !row.iter().fold(false, |any, element| any | is_found(element)) {
                continue;
            }
            let start: Vec<i64> = position(number, counts)
                .iter()
                .zip(&self.origin)
                .map(|(&at, &from)| (at as u64 + from) as i64)
                .collect();
            let last = self.origin.last();
            for (at, _) in row.iter().enumerate().filter(|(_, element)| is_found(element)) {
                coords.extend_from_slice(&start);
                coords.extend(last.map(|&from| (at as u64 + from) as i64));
            }
        }
        Ok((n, coords))
    }

    fn sparse<T: Element>(&self, coo: &Coo<T>) -> (usize, Vec<i64>) {
        let coords = coo.coords();
        let found = coords.columns().into_iter().zip(coo.values()).filter(|(_, value)| **value != T::zero());
        let mut n = 0;
        let mut out = Vec::new();
        for (column, _) in found {
            n += 1;
            out.extend(column.iter().zip(&self.origin).map(|(at, from)| (at + from) as i64));
        }
        (n, out)
    }
}

#[cfg(test)]
mod tests {
    use ndarray::ArrayD;
    use proptest::prelude::*;

    use super::*;
    use crate::block::BufferPool;
    use crate::kernels::testing::{Kind, assert_same, check_all_types, drawn, shapes};

    fn run(origin: &[u64], block: Block) -> Result<Block> {
        let pool = BufferPool::new(1 << 20);
        Nonzero { origin: origin.to_vec() }.run(vec![block.into()], &KernelContext::new(&pool))
    }

    proptest! {
        #[test]
        fn coordinates_are_listed_in_row_major_order(shape in shapes(), seed in any::<u64>()) {
            let origin: Vec<u64> = (0..shape.len() as u64).map(|axis| axis * 100).collect();
            check_all_types!(T => {
                for kind in Kind::ALL {
                    let (block, dense) = drawn::<T>(&shape, seed, kind);
                    let mut expected = Vec::new();
                    let mut n = 0;
                    for (at, _) in dense.indexed_iter().filter(|(_, value)| **value != T::zero()) {
                        n += 1;
                        expected.extend((0..shape.len()).map(|axis| (at[axis] + axis * 100) as i64));
                    }
                    let expected = ArrayD::from_shape_vec(IxDyn(&[n, shape.len()]), expected).unwrap();
                    assert_same(&run(&origin, block).unwrap(), &expected);
                }
            });
        }
    }

    #[test]
    fn sparse_blocks_list_their_entries_but_zeros() {
        let coo = Coo::new(&[[0, 1, 2]], vec![5.0, 0.0, -0.5], [1 << 40]).unwrap();
        let found = run(&[10], Block::new(coo)).unwrap();
        assert_same(&found, &ndarray::arr2(&[[10i64], [12]]).into_dyn());
        assert!(run(&[0, 0], drawn::<f64>(&[3], 1, Kind::Plain).0).is_err());
    }
}
