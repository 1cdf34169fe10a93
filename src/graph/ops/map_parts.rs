//! A user's function of blocks that makes blocks of several arrays at once.

use std::hash::{Hash, Hasher};

use super::OpSpec;
use crate::block::{ArrayMeta, Block, BlockLocation};
use crate::error::Result;
use crate::graph::Name;
use crate::graph::dag::Node;
use crate::graph::layer::LayerBody;
use crate::graph::lower::{Lowered, Lowering};
use crate::graph::map::BlockMap;
use crate::kernels::{BlockFunction, Kernel, PartsFunction, TakePart};

/// Calls a function with one block of each input, as `MapBlocksOp` does. Its results are no blocks but parts, which
/// [`PartOp`]s take apart; the grid of the node is that of the calls.
#[derive(Clone, Debug)]
pub(crate) struct MapPartsOp {
    pub(crate) label: &'static str,
    pub(crate) function: BlockFunction<Vec<Block>>,
    /// Tells functions apart: equal keys compute equal blocks.
    pub(crate) key: Name,
    pub(crate) operands: Vec<Vec<Option<usize>>>,
    /// The bytes that the function makes for each element of the grid of calls.
    pub(crate) bytes_per_place: u64,
}

impl OpSpec for MapPartsOp {
    fn name(&self) -> &'static str {
        self.label
    }

    fn hash_params(&self, mut state: &mut dyn Hasher) {
        (self.key, &self.operands).hash(&mut state);
    }

    fn lower(&self, node: &Node, lowering: &mut Lowering<'_>) -> Result<Lowered> {
        let edges = lowering.operand_edges(&node.inputs, &node.meta.grid, &self.operands);
        let bound = node.inputs.iter().map(|&input| lowering.max_block_elems(input)).max().unwrap_or(1);
        let places = node.meta.grid.max_block_elems().unwrap_or(bound);
        Ok(lowering.push_blocks(
            node,
            edges,
            PartsBody { function: self.function.clone(), meta: node.meta.clone() },
            places.saturating_mul(self.bytes_per_place),
        ))
    }
}

#[derive(Debug)]
struct PartsBody {
    function: BlockFunction<Vec<Block>>,
    meta: ArrayMeta,
}

impl LayerBody for PartsBody {
    fn kernel(&self, index: u64) -> Result<Kernel> {
        let at = BlockLocation::new(&self.meta.grid, index);
        Ok(Kernel::PartsFunction(PartsFunction { function: self.function.clone(), at }))
    }
}

/// One of the arrays that a [`MapPartsOp`] makes. It has the axes of the calls and then axes of one block each, so that its
/// blocks are numbered as the calls are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct PartOp {
    pub(crate) item: usize,
}

impl OpSpec for PartOp {
    fn name(&self) -> &'static str {
        "part"
    }

    fn hash_params(&self, mut state: &mut dyn Hasher) {
        self.hash(&mut state);
    }

    fn params(&self) -> String {
        format!("{}", self.item)
    }

    fn lower(&self, node: &Node, lowering: &mut Lowering<'_>) -> Result<Lowered> {
        Ok(lowering.push_blocks(
            node,
            vec![lowering.edge(node.inputs[0], BlockMap::Identity)],
            PartBody { item: self.item, meta: node.meta.clone() },
            0,
        ))
    }
}

#[derive(Debug)]
struct PartBody {
    item: usize,
    meta: ArrayMeta,
}

impl LayerBody for PartBody {
    fn kernel(&self, index: u64) -> Result<Kernel> {
        let at = BlockLocation::new(&self.meta.grid, index);
        Ok(Kernel::TakePart(TakePart { item: self.item, dtype: self.meta.dtype, shape: at.shape() }))
    }
}
