//! The largest or smallest elements along an axis.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::OpSpec;
use crate::chunks::tree::ReductionTree;
use crate::error::Result;
use crate::graph::dag::Node;
use crate::graph::layer::{Edge, Producer, SameKernel};
use crate::graph::lower::{Lowered, Lowering, NewLayer};
use crate::graph::map::{BlockMap, Link};
use crate::kernels::{Kernel, Topk};

/// The `k` largest elements along `axis` in descending order, or for a negative `k` the smallest in ascending order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct TopkOp {
    pub(crate) k: i64,
    pub(crate) axis: usize,
}

/// Blocks whose best elements are merged at a time.
const FAN: u64 = 8;

impl OpSpec for TopkOp {
    fn name(&self) -> &'static str {
        "topk"
    }

    fn hash_params(&self, mut state: &mut dyn Hasher) {
        self.hash(&mut state);
    }

    fn params(&self) -> String {
        format!("k {}, axis {}", self.k, self.axis)
    }

    fn lower(&self, node: &Node, lowering: &mut Lowering<'_>) -> Result<Lowered> {
        let input = node.inputs[0];
        let mut counts = lowering.meta(input).grid.block_counts();
        let ndim = counts.len();
        let kernel = || Arc::new(SameKernel(Kernel::Topk(Topk { k: self.k, axis: self.axis })));
        let task_bytes = lowering.max_block_elems(input).saturating_mul(node.meta.dtype.size_bytes() as u64);
        let layer = |counts: &[u64], edge: Edge| NewLayer {
            label: self.name().into(),
            counts: counts.to_vec(),
            edges: vec![edge],
            body: kernel(),
            task_bytes,
            reduces: true,
        };
        let mut edge = lowering.edge(input, BlockMap::Identity);
        let split_every: Vec<Option<u64>> = (0..ndim).map(|axis| (axis == self.axis).then_some(FAN)).collect();
        for level in ReductionTree::new(&counts, &split_every).levels() {
            let best = lowering.push_layer(layer(&counts, edge));
            let links = (0..ndim).map(|axis| match axis {
                axis if axis == self.axis => Link::Group { axis, fan: FAN },
                axis => Link::Same(axis),
            });
            let map = BlockMap::separable(level.n_out(), level.n_in().to_vec(), links.collect());
            counts = level.n_out();
            edge = Edge { from: Producer::Layer(best), map };
        }
        let last = layer(&counts, edge);
        Ok(lowering.push(node, last))
    }
}
