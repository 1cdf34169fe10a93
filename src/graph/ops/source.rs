//! Blocks read from a source: memory, a file, a function.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::OpSpec;
use crate::block::{ArrayMeta, BlockLocation, BlockSource, SlicedSource};
use crate::chunks::slicing::PieceTable;
use crate::chunks::{AxisRange, Grid};
use crate::element::DType;
use crate::error::Result;
use crate::graph::Name;
use crate::graph::dag::{Dag, Node, NodeId};
use crate::graph::layer::{InlineSource, LayerBody};
use crate::graph::lower::{Lowered, Lowering};
use crate::kernels::{Kernel, Read};

/// Reads each block of the grid from a source.
#[derive(Clone, Debug)]
pub(crate) struct SourceOp {
    source: Arc<dyn BlockSource>,
    /// Tells sources apart: equal keys hold equal elements.
    key: Name,
}

impl SourceOp {
    pub(crate) fn new(source: Arc<dyn BlockSource>, key: Name) -> Self {
        Self { source, key }
    }

    pub(crate) fn source(&self) -> &Arc<dyn BlockSource> {
        &self.source
    }

    /// The source, if its blocks are in memory.
    #[cfg(test)]
    pub(crate) fn in_memory(&self) -> Option<&dyn BlockSource> {
        self.source.is_in_memory().then_some(&*self.source)
    }

    /// Whether any grid over the source can be read at no cost.
    pub(crate) fn is_random_access(&self) -> bool {
        self.source.is_in_memory() && self.source.is_random_access()
    }
}

impl OpSpec for SourceOp {
    fn name(&self) -> &'static str {
        self.source.format()
    }

    fn hash_params(&self, mut state: &mut dyn Hasher) {
        self.key.hash(&mut state);
    }

    fn lower(&self, node: &Node, lowering: &mut Lowering<'_>) -> Result<Lowered> {
        let grid = node.meta.grid.clone();
        if self.source.is_in_memory() {
            let source = InlineSource { source: Arc::clone(&self.source), grid };
            return Ok(Lowering::inline(source, self.source.max_block_elems()));
        }
        let task_bytes = lowering.block_bytes(node) + self.source.scratch_bytes(&node.meta);
        let body = ReadBody { source: Arc::clone(&self.source), grid, dtype: node.meta.dtype };
        Ok(lowering.push_blocks(node, Vec::new(), body, task_bytes))
    }

    fn push_slice(&self, dag: &mut Dag, node: &Node, ranges: &[AxisRange]) -> Option<NodeId> {
        if !self.source.is_random_access() || ranges.iter().any(|range| range.step() != 1) {
            return None;
        }
        let axes = node.meta.grid.axes().iter().zip(ranges);
        let grid: Grid = axes
            .map(|(axis, &range)| PieceTable::slice("slice", axis, range).ok().map(|table| table.output().clone()))
            .collect::<Option<_>>()?;
        let starts: Vec<u64> = ranges.iter().map(AxisRange::start).collect();
        let key = Name::of(&(self.key, &starts));
        let source = Arc::new(SlicedSource::new(Arc::clone(&self.source), starts));
        let meta = ArrayMeta { grid, ..node.meta.clone() };
        Some(dag.add(SourceOp::new(source, key).into(), Vec::new(), meta))
    }
}

#[derive(Debug)]
struct ReadBody {
    source: Arc<dyn BlockSource>,
    grid: Grid,
    dtype: DType,
}

impl LayerBody for ReadBody {
    fn kernel(&self, index: u64) -> Result<Kernel> {
        let at = BlockLocation::new(&self.grid, index);
        Ok(Kernel::Read(Read { source: Arc::clone(&self.source), at, dtype: self.dtype }))
    }
}
