//! Arrays one behind the other along an axis.

use std::hash::{Hash, Hasher};

use super::OpSpec;
use crate::block::{ArrayMeta, Layout};
use crate::chunks::{AxisChunks, AxisRange, Grid};
use crate::error::Result;
use crate::graph::Name;
use crate::graph::dag::{Dag, Node, NodeId};
use crate::graph::layer::SameKernel;
use crate::graph::lower::{Lowered, Lowering};
use crate::graph::map::{BlockMap, Link};
use crate::kernels::Kernel;

/// Inputs agree in element type and in the chunks of every other axis; the result has the blocks of all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ConcatOp {
    pub(crate) axis: usize,
}

impl ConcatOp {
    /// What is promised of the result.
    pub(crate) fn meta(&self, inputs: &[&ArrayMeta]) -> Result<ArrayMeta> {
        let parts: Vec<&AxisChunks> = inputs.iter().map(|meta| meta.grid.axis(self.axis)).collect();
        let joined = if parts.iter().all(|part| part.is_known()) {
            AxisChunks::from_sizes(&parts.iter().flat_map(|part| part.sizes()).collect::<Vec<u64>>())?
        } else {
            AxisChunks::unknown(Name::of(&("concat", &parts)).size_var(), parts.iter().map(|p| p.n_blocks()).sum())
        };
        let layout = inputs.iter().map(|meta| meta.layout).reduce(Layout::join).unwrap_or(Layout::Dense);
        Ok(ArrayMeta { dtype: inputs[0].dtype, grid: inputs[0].grid.with_axis(self.axis, joined), layout })
    }
}

impl OpSpec for ConcatOp {
    fn name(&self) -> &'static str {
        "concatenate"
    }

    fn hash_params(&self, mut state: &mut dyn Hasher) {
        self.hash(&mut state);
    }

    fn params(&self) -> String {
        format!("axis {}", self.axis)
    }

    fn lower(&self, node: &Node, lowering: &mut Lowering<'_>) -> Result<Lowered> {
        let counts = node.meta.grid.block_counts();
        let mut start = 0;
        let mut edges = Vec::with_capacity(node.inputs.len());
        for &input in &node.inputs {
            let grid: &Grid = &lowering.meta(input).grid;
            let links = (0..grid.ndim()).map(|axis| match axis {
                axis if axis == self.axis => Link::Shifted { axis, start },
                axis => Link::Same(axis),
            });
            let map = BlockMap::separable(counts.clone(), grid.block_counts(), links.collect());
            start += grid.axis(self.axis).n_blocks();
            edges.push(lowering.edge(input, map));
        }
        Ok(lowering.push_blocks(node, edges, SameKernel(Kernel::Pass), 0))
    }

    fn push_slice(&self, dag: &mut Dag, node: &Node, ranges: &[AxisRange]) -> Option<NodeId> {
        let range = ranges[self.axis];
        if range.step() < 0 {
            return None;
        }
        let mut parts = Vec::new();
        let mut start = 0u64;
        for &input in &node.inputs {
            let meta = dag.meta(input).clone();
            let len = meta.grid.axis(self.axis).len()?;
            let chosen = range.indices_in(start..start + len);
            start += len;
            if chosen.is_empty() {
                continue;
            }
            let first = range.at(chosen.start) - (start - len);
            let own = AxisRange::canonical(first, range.step(), chosen.end - chosen.start);
            let mut below: Vec<Option<AxisRange>> = ranges.iter().copied().map(Some).collect();
            below[self.axis] = Some(own);
            let slice = super::SliceOp { ranges: below };
            let sliced = slice.meta(&meta).ok()?;
            parts.push(dag.add(slice.into(), vec![input], sliced));
        }
        match parts.as_slice() {
            [] => None,
            [one] => Some(*one),
            _ => {
                let metas: Vec<ArrayMeta> = parts.iter().map(|&part| dag.meta(part).clone()).collect();
                let meta = self.meta(&metas.iter().collect::<Vec<_>>()).ok()?;
                Some(dag.add((*self).into(), parts, ArrayMeta { layout: node.meta.layout, ..meta }))
            }
        }
    }
}
