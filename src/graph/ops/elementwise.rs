//! Functions of single elements, fused into one program.

use std::hash::{Hash, Hasher};

use super::OpSpec;
use crate::block::ArrayMeta;
use crate::chunks::AxisRange;
use crate::error::Result;
use crate::graph::dag::{Dag, Node, NodeId};
use crate::graph::layer::LayerBody;
use crate::graph::lower::{Lowered, Lowering};
use crate::kernels::{Evaluate, Kernel, Program};

/// A program over operands that broadcast: axis `k` of the result shows axis `operands[i][k]` of operand `i`, or the
/// operand has no such axis; an operand axis of length 1 stretches, and one that is not shown has length 1.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ElementwiseOp {
    pub(crate) program: Program,
    pub(crate) operands: Vec<Vec<Option<usize>>>,
}

impl ElementwiseOp {
    /// The axes of an operand of `ndim` axes aligned on the right of `out_ndim` ones.
    pub(crate) fn aligned_right(ndim: usize, out_ndim: usize) -> Vec<Option<usize>> {
        (0..out_ndim).map(|axis| (axis + ndim).checked_sub(out_ndim)).collect()
    }
}

impl OpSpec for ElementwiseOp {
    fn name(&self) -> &'static str {
        self.program.name()
    }

    fn hash_params(&self, mut state: &mut dyn Hasher) {
        self.program.hash(&mut state);
        self.operands.hash(&mut state);
    }

    fn params(&self) -> String {
        self.program.to_string()
    }

    fn lower(&self, node: &Node, lowering: &mut Lowering<'_>) -> Result<Lowered> {
        let edges = lowering.operand_edges(&node.inputs, &node.meta.grid, &self.operands);
        Ok(lowering.push_blocks(
            node,
            edges,
            EvaluateBody { op: self.clone(), meta: node.meta.clone() },
            lowering.block_bytes(node),
        ))
    }

    fn push_slice(&self, dag: &mut Dag, node: &Node, ranges: &[AxisRange]) -> Option<NodeId> {
        let sliced = super::SliceOp { ranges: ranges.iter().copied().map(Some).collect() };
        let meta = sliced.meta(&node.meta).ok()?;
        let inputs: Option<Vec<NodeId>> = node
            .inputs
            .iter()
            .zip(&self.operands)
            .map(|(&input, axes)| slice_operand(dag, input, axes, ranges))
            .collect();
        Some(dag.add(self.clone().into(), inputs?, meta))
    }
}

/// An operand sliced as the result is sliced; axes that stretch stay as they are.
pub(crate) fn slice_operand(
    dag: &mut Dag,
    input: NodeId,
    axes: &[Option<usize>],
    ranges: &[AxisRange],
) -> Option<NodeId> {
    let meta = dag.meta(input).clone();
    let lens = meta.grid.known_shape()?;
    let mut below: Vec<AxisRange> = lens.iter().map(|&len| AxisRange::full(len)).collect();
    for (axis, range) in axes.iter().zip(ranges) {
        if let Some(axis) = axis.filter(|&axis| lens[axis] != 1) {
            below[axis] = *range;
        }
    }
    if below.iter().zip(&lens).all(|(range, &len)| range.is_full(len)) {
        return Some(input);
    }
    let slice = super::SliceOp { ranges: below.into_iter().map(Some).collect() };
    let sliced = slice.meta(&meta).ok()?;
    Some(dag.add(slice.into(), vec![input], sliced))
}

#[derive(Debug)]
struct EvaluateBody {
    op: ElementwiseOp,
    meta: ArrayMeta,
}

impl LayerBody for EvaluateBody {
    fn kernel(&self, index: u64) -> Result<Kernel> {
        let position = self.meta.grid.block_index(index);
        let shape = position.iter().zip(self.meta.grid.axes()).map(|(&i, axis)| axis.block_len(i)).collect();
        Ok(Kernel::Evaluate(Evaluate { program: self.op.program.clone(), operands: self.op.operands.clone(), shape }))
    }
}
