//! The largest or smallest elements along an axis.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::OpSpec;
use crate::block::BlockLocation;
use crate::chunks::Grid;
use crate::chunks::tree::ReductionTree;
use crate::error::Result;
use crate::graph::dag::Node;
use crate::graph::layer::{Edge, LayerBody, Producer, SameKernel};
use crate::graph::lower::{Lowered, Lowering, NewLayer};
use crate::graph::map::BlockMap;
use crate::kernels::{ArgTopk, Kernel, Topk};

/// The `k` largest elements along `axis` in descending order, or for a negative `k` the smallest in ascending order; or
/// their positions, if the length of the axis is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct TopkOp {
    pub(crate) k: i64,
    pub(crate) axis: usize,
    pub(crate) positions: bool,
}

impl TopkOp {
    /// The call of every task of a layer; of the first one, whose inputs are the blocks of `grid`, and of the last one.
    fn body(&self, grid: Option<&Grid>, is_last: bool) -> Arc<dyn LayerBody> {
        let Self { k, axis, positions } = *self;
        if !positions {
            return Arc::new(SameKernel(Kernel::Topk(Topk { k, axis })));
        }
        match grid {
            Some(grid) => Arc::new(FirstPositions { k, axis, is_last, grid: grid.clone() }),
            None => Arc::new(SameKernel(Kernel::ArgTopk(ArgTopk { k, axis, starts: Vec::new(), is_last }))),
        }
    }
}

/// The first layer of positions: every block must know where it starts.
#[derive(Debug)]
struct FirstPositions {
    k: i64,
    axis: usize,
    is_last: bool,
    grid: Grid,
}

impl LayerBody for FirstPositions {
    fn kernel(&self, index: u64) -> Result<Kernel> {
        let start = BlockLocation::new(&self.grid, index).ranges()?[self.axis].start;
        Ok(Kernel::ArgTopk(ArgTopk { k: self.k, axis: self.axis, starts: vec![start], is_last: self.is_last }))
    }
}

/// Blocks whose best elements are merged at a time.
const FAN: u64 = 8;

impl OpSpec for TopkOp {
    fn name(&self) -> &'static str {
        if self.positions { "argtopk" } else { "topk" }
    }

    fn hash_params(&self, mut state: &mut dyn Hasher) {
        self.hash(&mut state);
    }

    fn params(&self) -> String {
        format!("k {}, axis {}", self.k, self.axis)
    }

    fn lower(&self, node: &Node, lowering: &mut Lowering<'_>) -> Result<Lowered> {
        let input = node.inputs[0];
        let grid = lowering.meta(input).grid.clone();
        let mut counts = grid.block_counts();
        let ndim = counts.len();
        let task_bytes = lowering.max_block_elems(input).saturating_mul(node.meta.dtype.size_bytes() as u64);
        let layer = |counts: &[u64], edge: Edge, body: Arc<dyn LayerBody>| NewLayer {
            label: self.name().into(),
            counts: counts.to_vec(),
            edges: vec![edge],
            body,
            task_bytes,
            reduces: true,
        };
        let mut edge = lowering.edge(input, BlockMap::Identity);
        let mut first = Some(&grid);
        let split_every: Vec<Option<u64>> = (0..ndim).map(|axis| (axis == self.axis).then_some(FAN)).collect();
        for level in ReductionTree::new(&counts, &split_every).levels() {
            let best = lowering.push_layer(layer(&counts, edge, self.body(first.take(), false)));
            counts = level.n_out();
            edge = Edge { from: Producer::Layer(best), map: BlockMap::of_level(level) };
        }
        let last = layer(&counts, edge, self.body(first, true));
        Ok(lowering.push(node, last))
    }
}
