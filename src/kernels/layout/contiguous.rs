//! Blocks in row-major order.

use serde::{Deserialize, Serialize};

use crate::block::{Block, BlockData, Value, with_block};
use crate::error::Result;
use crate::kernels::context::KernelContext;
use crate::kernels::copy::contiguous;
use crate::kernels::operands::exactly;

/// Puts the elements of a dense block in row-major order without gaps; a block that is so already, or sparse, is
/// returned as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Contiguous;

impl Contiguous {
    #[allow(clippy::unused_self)] // Every kernel is run as a value.
    pub(crate) fn run(&self, inputs: Vec<Value>, ctx: &KernelContext<'_>) -> Result<Block> {
        let [block] = exactly("contiguous", inputs)?;
        with_block!(block, T, data => Ok(Block::new::<T>(match data {
            BlockData::Dense(array) => contiguous(array, ctx)?.into(),
            sparse @ BlockData::Sparse(_) => sparse,
        })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::BufferPool;
    use crate::kernels::testing::{Kind, assert_same, drawn};

    #[test]
    fn dense_blocks_become_row_major() {
        let pool = BufferPool::new(0);
        for kind in Kind::DENSE {
            let (block, dense) = drawn::<i32>(&[3, 20, 5], 1, kind);
            let found = Contiguous.run(vec![block.into()], &KernelContext::new(&pool)).unwrap();
            assert_same(&found, &dense);
            assert!(found.dense::<i32>().unwrap().is_standard_layout());
        }
    }
}
