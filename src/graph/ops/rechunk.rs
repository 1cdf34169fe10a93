//! The same elements in other chunks.

use std::hash::Hasher;

use super::OpSpec;
use crate::chunks::AxisRange;
use crate::chunks::slicing::PieceTable;
use crate::error::Result;
use crate::graph::dag::{Dag, Node, NodeId};
use crate::graph::gather::gather_layer;
use crate::graph::lower::{Lowered, Lowering};

/// Cuts the input along the grid that the node promises. Axes of unknown length stay as they are.
#[derive(Clone, Debug)]
pub(crate) struct RechunkOp;

impl OpSpec for RechunkOp {
    fn name(&self) -> &'static str {
        "rechunk"
    }

    fn hash_params(&self, _state: &mut dyn Hasher) {}

    fn lower(&self, node: &Node, lowering: &mut Lowering<'_>) -> Result<Lowered> {
        let input = node.inputs[0];
        let axes = lowering.meta(input).grid.axes().iter().zip(node.meta.grid.axes());
        let tables = axes.map(|(old, new)| PieceTable::rechunk("rechunk", old, new)).collect::<Result<_>>()?;
        gather_layer(node, input, tables, lowering)
    }

    fn push_slice(&self, dag: &mut Dag, node: &Node, ranges: &[AxisRange]) -> Option<NodeId> {
        // The slice of the input, in its own chunks; then cut as the slice of the rechunked array would be.
        let wanted = super::SliceOp { ranges: ranges.iter().copied().map(Some).collect() };
        let meta = wanted.meta(&node.meta).ok()?;
        let below = wanted.meta(dag.meta(node.inputs[0])).ok()?;
        let sliced = dag.add(wanted.into(), node.inputs.clone(), below);
        Some(dag.add(RechunkOp.into(), vec![sliced], meta))
    }
}
