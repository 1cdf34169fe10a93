//! A user's function of blocks.

use std::hash::{Hash, Hasher};

use super::OpSpec;
use crate::block::{ArrayMeta, BlockLocation};
use crate::error::Result;
use crate::graph::Name;
use crate::graph::dag::Node;
use crate::graph::layer::LayerBody;
use crate::graph::lower::{Lowered, Lowering};
use crate::kernels::{BlockFunction, Function, Kernel};

/// Calls a function with one block of each input, those that lie at the place of the result. Output axis `k` follows axis
/// `operands[i][k]` of input `i`; an input with one block along an axis gives it to every call.
#[derive(Clone, Debug)]
pub(crate) struct MapBlocksOp {
    pub(crate) label: &'static str,
    pub(crate) function: BlockFunction,
    /// Tells functions apart: equal keys compute equal blocks.
    pub(crate) key: Name,
    pub(crate) operands: Vec<Vec<Option<usize>>>,
}

impl OpSpec for MapBlocksOp {
    fn name(&self) -> &'static str {
        self.label
    }

    fn hash_params(&self, mut state: &mut dyn Hasher) {
        (self.key, &self.operands).hash(&mut state);
    }

    fn lower(&self, node: &Node, lowering: &mut Lowering<'_>) -> Result<Lowered> {
        let edges = lowering.operand_edges(&node.inputs, &node.meta.grid, &self.operands);
        Ok(lowering.push_blocks(
            node,
            edges,
            FunctionBody { function: self.function.clone(), meta: node.meta.clone() },
            lowering.block_bytes(node),
        ))
    }
}

#[derive(Debug)]
struct FunctionBody {
    function: BlockFunction,
    meta: ArrayMeta,
}

impl LayerBody for FunctionBody {
    fn kernel(&self, index: u64) -> Result<Kernel> {
        let at = BlockLocation::new(&self.meta.grid, index);
        Ok(Kernel::Function(Function { function: self.function.clone(), at, dtype: self.meta.dtype }))
    }
}
