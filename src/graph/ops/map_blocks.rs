//! A user's function of blocks.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::OpSpec;
use crate::block::{ArrayMeta, BlockLocation};
use crate::error::Result;
use crate::graph::Name;
use crate::graph::dag::Node;
use crate::graph::layer::LayerBody;
use crate::graph::lower::{Lowered, Lowering, NewLayer, operand_map};
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
        let edges =
            node.inputs.iter().zip(&self.operands).map(|(&input, axes)| {
                lowering.edge(input, operand_map(&node.meta.grid, &lowering.meta(input).grid, axes))
            });
        let edges = edges.collect();
        Ok(lowering.push(
            node,
            NewLayer {
                label: self.label.into(),
                counts: node.meta.grid.block_counts(),
                edges,
                body: Arc::new(FunctionBody { function: self.function.clone(), meta: node.meta.clone() }),
                task_bytes: lowering.block_bytes(node),
                reduces: false,
            },
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
