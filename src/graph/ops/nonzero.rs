//! The coordinates of the elements that are not zero.

use std::hash::Hasher;

use super::OpSpec;
use crate::block::{ArrayMeta, BlockLocation};
use crate::chunks::{AxisChunks, Grid};
use crate::element::DType;
use crate::error::Result;
use crate::graph::Name;
use crate::graph::dag::Node;
use crate::graph::layer::LayerBody;
use crate::graph::lower::{Lowered, Lowering};
use crate::graph::map::{BlockMap, Link};
use crate::kernels::{Kernel, Nonzero};

/// Input: an array whose axes but the first have one chunk. Result: `(?, ndim)`, row-major, `int64`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NonzeroOp;

impl NonzeroOp {
    /// What is promised of the result, for an input of this name.
    pub(crate) fn meta(input: &ArrayMeta, name: Name) -> ArrayMeta {
        let rows = AxisChunks::unknown(name.size_var(), input.grid.axis(0).n_blocks());
        let columns = AxisChunks::whole(input.grid.ndim() as u64);
        ArrayMeta::dense(DType::I64, Grid::new(vec![rows, columns]))
    }
}

impl OpSpec for NonzeroOp {
    fn name(&self) -> &'static str {
        "nonzero"
    }

    fn hash_params(&self, _state: &mut dyn Hasher) {}

    fn lower(&self, node: &Node, lowering: &mut Lowering<'_>) -> Result<Lowered> {
        let input = node.inputs[0];
        let grid = lowering.meta(input).grid.clone();
        let links = (0..grid.ndim()).map(|axis| if axis == 0 { Link::Same(0) } else { Link::At(0) }).collect();
        let map = BlockMap::separable(node.meta.grid.block_counts(), grid.block_counts(), links);
        let coordinate_bytes = size_of::<i64>() * grid.ndim();
        Ok(lowering.push_blocks(
            node,
            vec![lowering.edge(input, map)],
            NonzeroBody { grid },
            lowering.max_block_elems(input).saturating_mul(coordinate_bytes as u64),
        ))
    }
}

#[derive(Debug)]
struct NonzeroBody {
    grid: Grid,
}

impl LayerBody for NonzeroBody {
    fn kernel(&self, index: u64) -> Result<Kernel> {
        // All axes but the first have one block, so rows and blocks are numbered alike.
        let at = BlockLocation::new(&self.grid, index);
        let origin = at.ranges()?.iter().map(|range| range.start).collect();
        Ok(Kernel::Nonzero(Nonzero { origin }))
    }
}
