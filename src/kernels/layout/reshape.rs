//! Another shape over the same row-major order of elements.

use ndarray::{ArcArray, IxDyn};
use serde::{Deserialize, Serialize};

use crate::block::{Block, BlockData, Value, with_block};
use crate::element::Element;
use crate::error::{Error, Result, Shown};
use crate::kernels::context::KernelContext;
use crate::kernels::copy::contiguous;
use crate::kernels::operands::{exactly, lengths};

/// Gives a block another shape; its elements keep their row-major order. Copies only what is not row-major in memory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Reshape {
    /// The shape of the result.
    pub(crate) shape: Vec<u64>,
}

impl Reshape {
    pub(crate) fn run(&self, inputs: Vec<Value>, ctx: &KernelContext<'_>) -> Result<Block> {
        let [block] = exactly("reshape", inputs)?;
        with_block!(block, T, data => match data {
            BlockData::Dense(array) => self.dense::<T>(array, ctx).map(Block::new::<T>),
            BlockData::Sparse(coo) => coo.reshape(&self.shape).map(Block::new::<T>),
        })
    }

    fn dense<T: Element>(&self, array: ArcArray<T, IxDyn>, ctx: &KernelContext<'_>) -> Result<ArcArray<T, IxDyn>> {
        let shape = lengths(&self.shape);
        if shape == array.shape() {
            return Ok(array);
        }
        let error = self.mismatch(array.shape());
        contiguous(array, ctx)?.into_shape_with_order(IxDyn(&shape)).map_err(|_| error)
    }

    fn mismatch(&self, found: &[usize]) -> Error {
        Error::block("reshape", "shape", format_args!("as many elements as in {}", Shown(&self.shape)), Shown(found))
    }
}

#[cfg(test)]
mod tests {
    use ndarray::ArrayD;
    use proptest::prelude::*;

    use super::*;
    use crate::block::BufferPool;
    use crate::kernels::testing::{Kind, assert_same, check_all_types, drawn, shapes};

    fn run(block: Block, shape: &[usize]) -> Result<Block> {
        let pool = BufferPool::new(0);
        let shape = shape.iter().map(|&len| len as u64).collect();
        Reshape { shape }.run(vec![block.into()], &KernelContext::new(&pool))
    }

    proptest! {
        #[test]
        fn elements_keep_their_row_major_order(shape in shapes(), seed in any::<u64>()) {
            let n: usize = shape.iter().product();
            let new_shapes = [vec![n], vec![1, n, 1], shape.iter().rev().copied().collect(), [shape.as_slice(), &[1]].concat()];
            check_all_types!(T => {
                for (kind, new_shape) in Kind::ALL.into_iter().flat_map(|kind| new_shapes.iter().map(move |s| (kind, s))) {
                    let (block, dense) = drawn::<T>(&shape, seed, kind);
                    let found = run(block, new_shape).unwrap();
                    prop_assert_eq!(found.is_sparse(), kind.is_sparse());
                    assert_same(&found, &ArrayD::from_shape_vec(IxDyn(new_shape), dense.iter().copied().collect()).unwrap());
                }
            });
        }
    }

    #[test]
    fn row_major_memory_is_kept() {
        let (block, _) = drawn::<f64>(&[4, 6], 1, Kind::Plain);
        let address = block.dense::<f64>().unwrap().as_ptr();
        assert_eq!(run(block, &[3, 8]).unwrap().dense::<f64>().unwrap().as_ptr(), address);
    }

    #[test]
    fn other_numbers_of_elements_are_errors() {
        for kind in [Kind::Plain, Kind::Sparse] {
            let error = run(drawn::<f64>(&[4, 6], 1, kind).0, &[5, 5]).unwrap_err();
            assert!(error.to_string().contains("(4, 6)") && error.to_string().contains("(5, 5)"), "{error}");
        }
    }
}
