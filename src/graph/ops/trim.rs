//! Cuts the margins of [`HaloOp`](super::HaloOp) off the blocks that a function made of them.

use std::hash::{Hash, Hasher};

use super::{Margin, OpSpec};
use crate::chunks::{Boundary, Grid};
use crate::error::Result;
use crate::graph::dag::Node;
use crate::graph::layer::LayerBody;
use crate::graph::lower::{Lowered, Lowering};
use crate::graph::map::BlockMap;
use crate::kernels::{Gather, Kernel, Piece};

/// Takes from each block the part that lies in the chunk the node promises.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct TrimOp {
    pub(crate) axes: Vec<Margin>,
}

impl OpSpec for TrimOp {
    fn name(&self) -> &'static str {
        "trim"
    }

    fn hash_params(&self, mut state: &mut dyn Hasher) {
        self.axes.hash(&mut state);
    }

    fn lower(&self, node: &Node, lowering: &mut Lowering<'_>) -> Result<Lowered> {
        Ok(lowering.push_blocks(
            node,
            vec![lowering.edge(node.inputs[0], BlockMap::Identity)],
            TrimBody { grid: node.meta.grid.clone(), axes: self.axes.clone() },
            lowering.block_bytes(node),
        ))
    }
}

#[derive(Debug)]
struct TrimBody {
    grid: Grid,
    axes: Vec<Margin>,
}

impl LayerBody for TrimBody {
    fn kernel(&self, index: u64) -> Result<Kernel> {
        let position = self.grid.block_index(index);
        let along = |(axis, (halo, &block)): (usize, (&Margin, &u64))| {
            let Some(range) = self.grid.axis(axis).block_range(block) else {
                return (Gather::WHOLE, vec![Piece::whole(0, Gather::WHOLE, 0)]);
            };
            // Without a boundary the margin at the edge of the array is as long as there are elements.
            let before = if halo.boundary == Boundary::None { halo.before.min(range.start) } else { halo.before };
            let len = range.end - range.start;
            (len, vec![Piece { input: 0, start: before, step: 1, len, dst: 0 }])
        };
        let (shape, axes) = self.axes.iter().zip(&position).enumerate().map(along).unzip();
        Ok(Kernel::Gather(Gather { shape, axes, fill: None }))
    }
}
