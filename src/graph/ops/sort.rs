//! Sorting along an axis.

use std::hash::{Hash, Hasher};

use super::OpSpec;
use crate::error::Result;
use crate::graph::dag::Node;
use crate::graph::layer::SameKernel;
use crate::graph::lower::{Lowered, Lowering};
use crate::graph::map::BlockMap;
use crate::kernels::{Argsort, Kernel, Sort};

/// The elements in ascending order along `axis`, which has one chunk; or the positions that would sort them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SortOp {
    pub(crate) axis: usize,
    pub(crate) positions: bool,
}

impl OpSpec for SortOp {
    fn name(&self) -> &'static str {
        if self.positions { "argsort" } else { "sort" }
    }

    fn hash_params(&self, mut state: &mut dyn Hasher) {
        self.hash(&mut state);
    }

    fn params(&self) -> String {
        format!("axis {}", self.axis)
    }

    fn lower(&self, node: &Node, lowering: &mut Lowering<'_>) -> Result<Lowered> {
        let (input, axis) = (node.inputs[0], self.axis);
        let kernel = if self.positions { Kernel::Argsort(Argsort { axis }) } else { Kernel::Sort(Sort { axis }) };
        // Beside the result, one lane of values with their positions.
        let elem_bytes = node.meta.dtype.size_bytes() as u64 * 2;
        Ok(lowering.push_blocks(
            node,
            vec![lowering.edge(input, BlockMap::Identity)],
            SameKernel(kernel),
            lowering.max_block_elems(input).saturating_mul(elem_bytes),
        ))
    }
}
