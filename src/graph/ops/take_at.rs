//! Positions that an array holds, along one axis.

use std::hash::{Hash, Hasher};

use super::OpSpec;
use crate::error::Result;
use crate::graph::dag::Node;
use crate::graph::layer::SameKernel;
use crate::graph::lower::{Lowered, Lowering, operand_map};
use crate::kernels::{Kernel, TakeAt};

/// Inputs: an array with one chunk along `axis`, and positions along one axis as `int64`; negative ones count from the end.
/// Each block of positions makes one block of the result, so that axis has their chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct TakeAtOp {
    pub(crate) axis: usize,
}

impl OpSpec for TakeAtOp {
    fn name(&self) -> &'static str {
        "take_at"
    }

    fn hash_params(&self, mut state: &mut dyn Hasher) {
        self.hash(&mut state);
    }

    fn params(&self) -> String {
        format!("axis {}", self.axis)
    }

    fn lower(&self, node: &Node, lowering: &mut Lowering<'_>) -> Result<Lowered> {
        let [array, positions] = [node.inputs[0], node.inputs[1]];
        let grid = &node.meta.grid;
        let array_axes: Vec<Option<usize>> = (0..grid.ndim()).map(|axis| (axis != self.axis).then_some(axis)).collect();
        let position_axes: Vec<Option<usize>> = (0..grid.ndim()).map(|axis| (axis == self.axis).then_some(0)).collect();
        let edges = vec![
            lowering.edge(array, operand_map(grid, &lowering.meta(array).grid, &array_axes)),
            lowering.edge(positions, operand_map(grid, &lowering.meta(positions).grid, &position_axes)),
        ];
        Ok(lowering.push_blocks(
            node,
            edges,
            SameKernel(Kernel::TakeAt(TakeAt { axis: self.axis })),
            lowering.block_bytes(node),
        ))
    }
}
