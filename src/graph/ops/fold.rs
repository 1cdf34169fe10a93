//! Blocks along one axis brought together by a function, a few at a time.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::OpSpec;
use crate::block::{ArrayMeta, BlockLocation};
use crate::chunks::AxisChunks;
use crate::chunks::tree::{ReductionTree, TreeLevel};
use crate::element::DType;
use crate::error::Result;
use crate::graph::Name;
use crate::graph::dag::Node;
use crate::graph::layer::{Edge, LayerBody, Producer};
use crate::graph::lower::{Lowered, Lowering, NewLayer};
use crate::graph::map::BlockMap;
use crate::kernels::{BlockFunction, Function, Kernel};

/// Calls a function with `fan` neighbouring blocks along `axis` at a time, then with its results, until one block is left
/// along the axis. One block alone is handed on.
#[derive(Clone, Debug)]
pub(crate) struct FoldOp {
    pub(crate) label: &'static str,
    pub(crate) function: BlockFunction,
    /// Tells functions apart: equal keys compute equal blocks.
    pub(crate) key: Name,
    pub(crate) axis: usize,
    pub(crate) fan: u64,
}

impl OpSpec for FoldOp {
    fn name(&self) -> &'static str {
        self.label
    }

    fn hash_params(&self, mut state: &mut dyn Hasher) {
        (self.key, self.axis, self.fan).hash(&mut state);
    }

    fn params(&self) -> String {
        format!("axis {}", self.axis)
    }

    fn lower(&self, node: &Node, lowering: &mut Lowering<'_>) -> Result<Lowered> {
        let input = node.inputs[0];
        let counts = lowering.meta(input).grid.block_counts();
        let ndim = counts.len();
        let split_every: Vec<Option<u64>> = (0..ndim).map(|axis| (axis == self.axis).then_some(self.fan)).collect();
        let tree = ReductionTree::new(&counts, &split_every);
        let task_bytes = lowering
            .max_block_elems(input)
            .saturating_mul(self.fan.min(counts[self.axis]))
            .saturating_mul(node.meta.dtype.size_bytes() as u64);
        let mut edge = lowering.edge(input, BlockMap::Identity);
        let Some((last, first)) = tree.levels().split_last() else { return Ok(lowering.same_as(input)) };
        let layer = |level: &TreeLevel, edge: Edge| NewLayer {
            label: self.label.into(),
            counts: level.n_out(),
            edges: vec![Edge { map: BlockMap::of_level(level), ..edge }],
            body: Arc::new(self.body(&node.meta, level.n_out()[self.axis])),
            task_bytes,
            reduces: true,
        };
        for level in first {
            let made = lowering.push_layer(layer(level, edge));
            edge = Edge { from: Producer::Layer(made), map: BlockMap::Identity };
        }
        let last = layer(last, edge);
        let mut lowered = lowering.push(node, last);
        if !node.meta.grid.is_known() {
            // At most all elements of the line come together.
            let n_elems = lowering.max_block_elems(input).saturating_mul(counts[self.axis]);
            lowered.max_block_elems = lowered.max_block_elems.max(n_elems);
        }
        Ok(lowered)
    }
}

impl FoldOp {
    /// Calls of one level, which makes `n_blocks` blocks along the axis.
    fn body(&self, result: &ArrayMeta, n_blocks: u64) -> FoldBody {
        let var = Name::of(&("fold", self.key, n_blocks)).size_var();
        let grid = match n_blocks {
            1 => result.grid.clone(),
            n => result.grid.with_axis(self.axis, AxisChunks::unknown(var, n)),
        };
        FoldBody { function: self.function.clone(), dtype: result.dtype, grid }
    }
}

#[derive(Debug)]
struct FoldBody {
    function: BlockFunction,
    dtype: DType,
    grid: crate::chunks::Grid,
}

impl LayerBody for FoldBody {
    fn kernel(&self, index: u64) -> Result<Kernel> {
        let at = BlockLocation::new(&self.grid, index);
        Ok(Kernel::Function(Function { function: self.function.clone(), at, dtype: self.dtype }))
    }
}
