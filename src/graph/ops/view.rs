//! The axes of an array in another arrangement: transpose, new axes, dropped axes, broadcasting.

use std::hash::{Hash, Hasher};

use super::OpSpec;
use crate::block::ArrayMeta;
use crate::chunks::AxisRange;
use crate::error::Result;
use crate::graph::dag::{Dag, Node, NodeId};
use crate::graph::layer::LayerBody;
use crate::graph::lower::{Lowered, Lowering, operand_map};
use crate::kernels::{Kernel, View};

/// Output axis `k` shows input axis `axes[k]`, or is new; an input axis that is not shown has length 1, and one of length 1
/// may be stretched.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ViewOp {
    pub(crate) axes: Vec<Option<usize>>,
}

/// The axes of the innermost array as the outer of two views, one of the other, shows them.
pub(crate) fn compose_axes(outer: &[Option<usize>], inner: &[Option<usize>]) -> Vec<Option<usize>> {
    outer.iter().map(|axis| axis.and_then(|axis| inner[axis])).collect()
}

impl OpSpec for ViewOp {
    fn name(&self) -> &'static str {
        "view"
    }

    fn hash_params(&self, mut state: &mut dyn Hasher) {
        self.axes.hash(&mut state);
    }

    fn params(&self) -> String {
        let text = |axis: &Option<usize>| axis.map_or("new".into(), |axis| axis.to_string());
        crate::error::Shown(&self.axes.iter().map(text).collect::<Vec<String>>()).to_string()
    }

    fn lower(&self, node: &Node, lowering: &mut Lowering<'_>) -> Result<Lowered> {
        let input = node.inputs[0];
        let map = operand_map(&node.meta.grid, &lowering.meta(input).grid, &self.axes);
        let broadcasts = node.meta.grid.max_block_elems() != lowering.meta(input).grid.max_block_elems();
        Ok(
            // Without broadcasting the block is the input's memory under other strides.
            lowering.push_blocks(
                node,
                vec![lowering.edge(input, map)],
                ViewBody { axes: self.axes.clone(), meta: node.meta.clone() },
                if broadcasts { lowering.block_bytes(node) } else { 0 },
            ),
        )
    }

    fn push_slice(&self, dag: &mut Dag, node: &Node, ranges: &[AxisRange]) -> Option<NodeId> {
        let below_meta = dag.meta(node.inputs[0]).clone();
        let lens = below_meta.grid.known_shape()?;
        let mut below: Vec<Option<AxisRange>> = lens.iter().map(|&len| Some(AxisRange::full(len))).collect();
        for (axis, range) in self.axes.iter().zip(ranges) {
            match axis {
                Some(axis) if lens[*axis] > 1 => below[*axis] = Some(*range),
                Some(_) | None => {}
            }
        }
        let slice = super::SliceOp { ranges: below };
        let meta = super::SliceOp { ranges: ranges.iter().copied().map(Some).collect() }.meta(&node.meta).ok()?;
        let sliced_meta = slice.meta(&below_meta).ok()?;
        let sliced = dag.add(slice.into(), node.inputs.clone(), sliced_meta);
        Some(dag.add(self.clone().into(), vec![sliced], meta))
    }
}

#[derive(Debug)]
struct ViewBody {
    axes: Vec<Option<usize>>,
    meta: ArrayMeta,
}

impl LayerBody for ViewBody {
    fn kernel(&self, index: u64) -> Result<Kernel> {
        let position = self.meta.grid.block_index(index);
        let lens = position.iter().zip(self.meta.grid.axes()).map(|(&i, axis)| axis.block_len(i)).collect();
        Ok(Kernel::View(View { axes: self.axes.clone(), shape: lens }))
    }
}
