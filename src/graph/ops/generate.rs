//! Blocks that follow from their place alone: ranges, identity matrices, indices.

use std::hash::{Hash, Hasher};

use super::OpSpec;
use crate::block::{ArrayMeta, BlockLocation};
use crate::error::Result;
use crate::graph::dag::Node;
use crate::graph::layer::LayerBody;
use crate::graph::lower::{Lowered, Lowering};
use crate::kernels::{Generate, Kernel};

/// Makes each block from its place.
#[derive(Clone, Debug)]
pub(crate) struct GenerateOp {
    pub(crate) generator: Generate,
}

impl OpSpec for GenerateOp {
    fn name(&self) -> &'static str {
        match self.generator {
            Generate::Full(_) | Generate::Empty(_) => "full",
            Generate::Arange { .. } => "arange",
            Generate::Linspace { .. } => "linspace",
            Generate::Eye { .. } => "eye",
            Generate::Indices { .. } => "indices",
        }
    }

    fn hash_params(&self, mut state: &mut dyn Hasher) {
        std::mem::discriminant(&self.generator).hash(&mut state);
        match &self.generator {
            Generate::Full(value) | Generate::Empty(value) => value.hash_bits(&mut state),
            Generate::Arange { start, step } => {
                start.hash_bits(&mut state);
                step.hash_bits(&mut state);
            }
            Generate::Linspace { start, stop, n, endpoint, dtype } => {
                start.hash_bits(&mut state);
                stop.hash_bits(&mut state);
                (n, endpoint, dtype).hash(&mut state);
            }
            Generate::Eye { k, dtype } => (k, dtype).hash(&mut state),
            Generate::Indices { axis, dtype } => (axis, dtype).hash(&mut state),
        }
    }

    fn lower(&self, node: &Node, lowering: &mut Lowering<'_>) -> Result<Lowered> {
        Ok(lowering.push_blocks(
            node,
            Vec::new(),
            GenerateBody { generator: self.generator.clone(), meta: node.meta.clone() },
            lowering.block_bytes(node),
        ))
    }
}

#[derive(Debug)]
struct GenerateBody {
    generator: Generate,
    meta: ArrayMeta,
}

impl LayerBody for GenerateBody {
    fn kernel(&self, index: u64) -> Result<Kernel> {
        let at = BlockLocation::new(&self.meta.grid, index);
        Ok(Kernel::Generate(self.generator.clone(), at.ranges()?.to_vec()))
    }
}
