//! A list of positions along one axis.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::OpSpec;
use crate::block::ArrayMeta;
use crate::chunks::slicing::PieceTable;
use crate::error::Result;
use crate::graph::dag::Node;
use crate::graph::layer::LayerBody;
use crate::graph::lower::{Lowered, Lowering};
use crate::graph::map::{BlockMap, Link};
use crate::kernels::{Kernel, Take};

/// The elements at `positions` along `axis`, in that order, duplicates included.
#[derive(Clone, Debug)]
pub(crate) struct TakeOp {
    pub(crate) axis: usize,
    pub(crate) positions: Arc<[u64]>,
}

impl TakeOp {
    fn table(&self, input: &ArrayMeta) -> Result<PieceTable> {
        PieceTable::take("take", self.axis, input.grid.axis(self.axis), Arc::clone(&self.positions))
    }

    /// What is promised of the result.
    pub(crate) fn meta(&self, input: &ArrayMeta) -> Result<ArrayMeta> {
        let table = self.table(input)?;
        Ok(ArrayMeta { grid: input.grid.with_axis(self.axis, table.output().clone()), ..input.clone() })
    }
}

impl OpSpec for TakeOp {
    fn name(&self) -> &'static str {
        "take"
    }

    fn hash_params(&self, mut state: &mut dyn Hasher) {
        (self.axis, &self.positions).hash(&mut state);
    }

    fn params(&self) -> String {
        format!("axis {}, {} positions", self.axis, self.positions.len())
    }

    fn lower(&self, node: &Node, lowering: &mut Lowering<'_>) -> Result<Lowered> {
        let input = node.inputs[0];
        let in_grid = &lowering.meta(input).grid;
        let table = Arc::new(self.table(lowering.meta(input))?);
        let links = (0..in_grid.ndim()).map(|axis| {
            if axis == self.axis { Link::Pieces { axis, table: Arc::clone(&table) } } else { Link::Same(axis) }
        });
        let counts = node.meta.grid.block_counts();
        let map = BlockMap::separable(counts, in_grid.block_counts(), links.collect());
        Ok(lowering.push_blocks(
            node,
            vec![lowering.edge(input, map)],
            TakeBody { axis: self.axis, meta: node.meta.clone(), table },
            lowering.block_bytes(node),
        ))
    }
}

#[derive(Debug)]
struct TakeBody {
    axis: usize,
    meta: ArrayMeta,
    table: Arc<PieceTable>,
}

impl LayerBody for TakeBody {
    fn kernel(&self, index: u64) -> Result<Kernel> {
        let out = self.meta.grid.block_index(index)[self.axis];
        let sources = self.table.sources_of(out).unwrap_or_default();
        let picks = sources.into_iter().map(|(input, local)| (input as u32, local)).collect();
        Ok(Kernel::Take(Take { axis: self.axis, picks }))
    }
}
