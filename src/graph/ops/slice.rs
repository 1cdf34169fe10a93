//! Slices along every axis, with any step.

use std::hash::{Hash, Hasher};

use super::OpSpec;
use crate::block::ArrayMeta;
use crate::chunks::slicing::PieceTable;
use crate::chunks::{AxisRange, Grid};
use crate::error::{Result, Shown};
use crate::graph::dag::{Dag, Node, NodeId};
use crate::graph::gather::gather_layer;
use crate::graph::lower::{Lowered, Lowering};

/// One range per axis; an axis of unknown length has none and is taken whole.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SliceOp {
    pub(crate) ranges: Vec<Option<AxisRange>>,
}

impl SliceOp {
    /// What is promised of the result.
    pub(crate) fn meta(&self, input: &ArrayMeta) -> Result<ArrayMeta> {
        let tables = self.tables(&input.grid)?;
        let grid: Grid = tables.iter().map(|table| table.output().clone()).collect();
        Ok(ArrayMeta { grid, ..input.clone() })
    }

    fn tables(&self, input: &Grid) -> Result<Vec<PieceTable>> {
        input
            .axes()
            .iter()
            .zip(&self.ranges)
            .map(|(axis, range)| match range {
                Some(range) => PieceTable::slice("slice", axis, *range),
                None => Ok(PieceTable::identity(axis.clone())),
            })
            .collect()
    }
}

impl OpSpec for SliceOp {
    fn name(&self) -> &'static str {
        "slice"
    }

    fn hash_params(&self, mut state: &mut dyn Hasher) {
        self.ranges.hash(&mut state);
    }

    fn params(&self) -> String {
        let text = |range: &Option<AxisRange>| range.map_or("..".into(), |range| range.to_string());
        Shown(&self.ranges.iter().map(text).collect::<Vec<String>>()).to_string()
    }

    fn lower(&self, node: &Node, lowering: &mut Lowering<'_>) -> Result<Lowered> {
        let input = node.inputs[0];
        gather_layer(node, input, self.tables(&lowering.meta(input).grid)?, lowering)
    }

    fn push_slice(&self, dag: &mut Dag, node: &Node, ranges: &[AxisRange]) -> Option<NodeId> {
        let composed: Option<Vec<AxisRange>> =
            self.ranges.iter().zip(ranges).map(|(inner, outer)| inner.map(|inner| inner.compose(*outer))).collect();
        let op = SliceOp { ranges: composed?.into_iter().map(Some).collect() };
        let meta = op.meta(dag.meta(node.inputs[0])).ok()?;
        Some(dag.add(op.into(), node.inputs.clone(), meta))
    }
}
