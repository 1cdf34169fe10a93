//! The elements where a mask is true.

use std::hash::{Hash, Hasher};

use super::OpSpec;
use crate::block::ArrayMeta;
use crate::chunks::{AxisChunks, Grid};
use crate::error::Result;
use crate::graph::Name;
use crate::graph::dag::Node;
use crate::graph::layer::SameKernel;
use crate::graph::lower::{Lowered, Lowering};
use crate::graph::map::{BlockMap, Link};
use crate::kernels::{Kernel, Mask};

/// Inputs: an array, and a mask over `mask_ndim` of its axes from `axis` on. The masked axes become one whose length a run
/// will tell; it has one chunk per chunk of the first masked axis. The other masked axes have one chunk each, so that
/// elements stay in row-major order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct MaskOp {
    pub(crate) axis: usize,
    pub(crate) mask_ndim: usize,
}

impl MaskOp {
    /// What is promised of the result, for the mask of this name.
    pub(crate) fn meta(&self, input: &ArrayMeta, mask: Name) -> ArrayMeta {
        let axes = input.grid.axes();
        let masked = AxisChunks::unknown(mask.size_var(), axes[self.axis].n_blocks());
        let (before, after) = (&axes[..self.axis], &axes[self.axis + self.mask_ndim..]);
        let grid: Grid = before.iter().cloned().chain([masked]).chain(after.iter().cloned()).collect();
        ArrayMeta { grid, ..input.clone() }
    }

    fn links(&self, ndim: usize) -> Vec<Link> {
        (0..ndim)
            .map(|axis| match axis {
                axis if axis <= self.axis => Link::Same(axis),
                axis if axis < self.axis + self.mask_ndim => Link::At(0),
                axis => Link::Same(axis + 1 - self.mask_ndim),
            })
            .collect()
    }
}

impl OpSpec for MaskOp {
    fn name(&self) -> &'static str {
        "mask"
    }

    fn hash_params(&self, mut state: &mut dyn Hasher) {
        self.hash(&mut state);
    }

    fn lower(&self, node: &Node, lowering: &mut Lowering<'_>) -> Result<Lowered> {
        let [input, mask] = [node.inputs[0], node.inputs[1]];
        let counts = node.meta.grid.block_counts();
        let in_grid = &lowering.meta(input).grid;
        let mask_links =
            (0..self.mask_ndim).map(|i| if i == 0 { Link::Same(self.axis) } else { Link::At(0) }).collect();
        let input_map = BlockMap::separable(counts.clone(), in_grid.block_counts(), self.links(in_grid.ndim()));
        let mask_counts = lowering.meta(mask).grid.block_counts();
        let mask_map = BlockMap::separable(counts, mask_counts, mask_links);
        Ok(lowering.push_blocks(
            node,
            vec![lowering.edge(input, input_map), lowering.edge(mask, mask_map)],
            SameKernel(Kernel::Mask(Mask { axis: self.axis })),
            lowering.block_bytes(node),
        ))
    }
}
