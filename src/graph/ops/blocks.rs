//! Whole blocks, picked by their position in the grid.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::OpSpec;
use crate::block::ArrayMeta;
use crate::chunks::{AxisChunks, Grid};
use crate::error::Result;
use crate::graph::Name;
use crate::graph::dag::Node;
use crate::graph::layer::SameKernel;
use crate::graph::lower::{Lowered, Lowering};
use crate::graph::map::{BlockMap, Explicit, Link};
use crate::kernels::Kernel;

/// For each axis the blocks to take, in order; duplicates are allowed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct BlocksOp {
    pub(crate) picks: Vec<Vec<u64>>,
}

impl BlocksOp {
    /// What is promised of the result.
    pub(crate) fn meta(&self, input: &ArrayMeta) -> Result<ArrayMeta> {
        let axes = input.grid.axes().iter().zip(&self.picks);
        let grid: Grid = axes.map(|(axis, picks)| picked(axis, picks)).collect::<Result<_>>()?;
        Ok(ArrayMeta { grid, ..input.clone() })
    }
}

fn picked(axis: &AxisChunks, picks: &[u64]) -> Result<AxisChunks> {
    match axis.var() {
        None => AxisChunks::from_sizes(&picks.iter().filter_map(|&i| axis.block_len(i)).collect::<Vec<u64>>()),
        Some(_) if picks.iter().copied().eq(0..axis.n_blocks()) => Ok(axis.clone()),
        Some(var) => Ok(AxisChunks::unknown(Name::of(&("blocks", var, picks)).size_var(), picks.len() as u64)),
    }
}

impl OpSpec for BlocksOp {
    fn name(&self) -> &'static str {
        "blocks"
    }

    fn hash_params(&self, mut state: &mut dyn Hasher) {
        self.hash(&mut state);
    }

    fn lower(&self, node: &Node, lowering: &mut Lowering<'_>) -> Result<Lowered> {
        let input = node.inputs[0];
        let in_counts = lowering.meta(input).grid.block_counts();
        let table = |(axis, picks): (usize, &Vec<u64>)| {
            let lists = picks.iter().map(|&pick| vec![pick]);
            Link::Table { axis, table: Arc::new(Explicit::new(lists, in_counts[axis])) }
        };
        let links = self.picks.iter().enumerate().map(table).collect();
        let counts = node.meta.grid.block_counts();
        let map = BlockMap::separable(counts, in_counts.clone(), links);
        Ok(lowering.push_blocks(node, vec![lowering.edge(input, map)], SameKernel(Kernel::Pass), 0))
    }
}
