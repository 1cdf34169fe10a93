//! The same elements in row-major order under another shape, block by block.

use std::hash::Hasher;

use super::OpSpec;
use crate::chunks::Grid;
use crate::error::Result;
use crate::graph::dag::Node;
use crate::graph::layer::LayerBody;
use crate::graph::lower::{Lowered, Lowering};
use crate::graph::map::BlockMap;
use crate::kernels::{Kernel, Reshape};

/// The input has been rechunked so that output block `i` holds the elements of input block `i` in the same order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReshapeOp;

impl OpSpec for ReshapeOp {
    fn name(&self) -> &'static str {
        "reshape"
    }

    fn hash_params(&self, _state: &mut dyn Hasher) {}

    fn lower(&self, node: &Node, lowering: &mut Lowering<'_>) -> Result<Lowered> {
        Ok(lowering.push_blocks(
            node,
            vec![lowering.edge(node.inputs[0], BlockMap::Identity)],
            ReshapeBody { grid: node.meta.grid.clone() },
            lowering.block_bytes(node),
        ))
    }
}

#[derive(Debug)]
struct ReshapeBody {
    grid: Grid,
}

impl LayerBody for ReshapeBody {
    fn kernel(&self, index: u64) -> Result<Kernel> {
        // Reshaping needs a known grid, so every block has a shape.
        let shape = self.grid.block_shape(&self.grid.block_index(index)).unwrap_or_default();
        Ok(Kernel::Reshape(Reshape { shape }))
    }
}
