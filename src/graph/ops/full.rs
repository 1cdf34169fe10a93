//! One value everywhere.

use std::hash::Hasher;

use super::OpSpec;
use crate::block::{ArrayMeta, BlockLocation};
use crate::chunks::AxisRange;
use crate::element::Scalar;
use crate::error::Result;
use crate::graph::dag::{Dag, Node, NodeId};
use crate::graph::layer::LayerBody;
use crate::graph::lower::{Lowered, Lowering};
use crate::kernels::{Generate, Kernel};

/// An array of one value; sparse ones store nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FullOp {
    pub(crate) value: Scalar,
}

impl OpSpec for FullOp {
    fn name(&self) -> &'static str {
        "full"
    }

    fn hash_params(&self, mut state: &mut dyn Hasher) {
        self.value.hash_bits(&mut state);
    }

    fn params(&self) -> String {
        self.value.to_string()
    }

    fn lower(&self, node: &Node, lowering: &mut Lowering<'_>) -> Result<Lowered> {
        Ok(lowering.push_blocks(
            node,
            Vec::new(),
            FullBody { value: self.value, meta: node.meta.clone() },
            if node.meta.layout.is_sparse() { 0 } else { lowering.block_bytes(node) },
        ))
    }

    fn push_slice(&self, dag: &mut Dag, node: &Node, ranges: &[AxisRange]) -> Option<NodeId> {
        let wanted = super::SliceOp { ranges: ranges.iter().copied().map(Some).collect() };
        let meta = wanted.meta(&node.meta).ok()?;
        Some(dag.add((*self).into(), Vec::new(), meta))
    }
}

#[derive(Debug)]
struct FullBody {
    value: Scalar,
    meta: ArrayMeta,
}

impl LayerBody for FullBody {
    fn kernel(&self, index: u64) -> Result<Kernel> {
        let at = BlockLocation::new(&self.meta.grid, index);
        let value = if self.meta.layout.is_sparse() { Generate::Empty(self.value) } else { Generate::Full(self.value) };
        Ok(Kernel::Generate(value, at.ranges()?.to_vec()))
    }
}
