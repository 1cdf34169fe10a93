//! Sums of products over pairs of axes: `tensordot`, `matmul`, `dot`.
//!
//! A task adds the product of one pair of blocks to what the pairs before it left, in place: memory is one result block
//! and the two operands, however many blocks the contracted axes have.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::OpSpec;
use crate::error::Result;
use crate::graph::dag::Node;
use crate::graph::layer::{Edge, Producer, SameKernel};
use crate::graph::lower::{Lowered, Lowering, NewLayer};
use crate::graph::map::{BlockMap, Link};
use crate::kernels::{Contract, Kernel};

/// Contracts axes `lhs_axes` of the first input with `rhs_axes` of the second, which have equal chunks. The first `batch`
/// axes of both stay and go together. Result axes: batch, free of the first, free of the second.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ContractOp {
    pub(crate) label: &'static str,
    pub(crate) lhs_axes: Vec<usize>,
    pub(crate) rhs_axes: Vec<usize>,
    pub(crate) batch: usize,
}

impl ContractOp {
    /// The axes of an operand that stay, after the batch axes.
    pub(crate) fn free_axes(ndim: usize, contracted: &[usize], batch: usize) -> Vec<usize> {
        (batch..ndim).filter(|axis| !contracted.contains(axis)).collect()
    }

    fn kernel(&self) -> Contract {
        let (lhs_axes, rhs_axes) = (self.lhs_axes.clone(), self.rhs_axes.clone());
        Contract { n_batch: self.batch, lhs_axes, rhs_axes }
    }
}

impl OpSpec for ContractOp {
    fn name(&self) -> &'static str {
        self.label
    }

    fn hash_params(&self, mut state: &mut dyn Hasher) {
        self.hash(&mut state);
    }

    fn params(&self) -> String {
        format!("axes {:?} with {:?}", self.lhs_axes, self.rhs_axes)
    }

    fn lower(&self, node: &Node, lowering: &mut Lowering<'_>) -> Result<Lowered> {
        let [lhs, rhs] = [node.inputs[0], node.inputs[1]];
        let (lhs_counts, rhs_counts) = (lowering.meta(lhs).grid.block_counts(), lowering.meta(rhs).grid.block_counts());
        // Tasks stand on the axes of the result followed by the contracted ones.
        let out_counts = node.meta.grid.block_counts();
        let sum_counts: Vec<u64> = self.lhs_axes.iter().map(|&axis| lhs_counts[axis]).collect();
        let n_sums: u64 = sum_counts.iter().product();
        let counts: Vec<u64> = out_counts.iter().chain(&sum_counts).copied().collect();
        let lhs_free = Self::free_axes(lhs_counts.len(), &self.lhs_axes, self.batch);
        let rhs_free = Self::free_axes(rhs_counts.len(), &self.rhs_axes, self.batch);
        let links = |n_axes: usize, free: &[usize], first_free: usize, contracted: &[usize]| -> Vec<Link> {
            let place = |axis: usize| {
                let free_at = free.iter().position(|&f| f == axis).map(|i| first_free + i);
                let sum_at = contracted.iter().position(|&c| c == axis).map(|i| out_counts.len() + i);
                free_at.or(sum_at).unwrap_or(axis)
            };
            (0..n_axes).map(|axis| Link::Same(place(axis))).collect()
        };
        let lhs_links = links(lhs_counts.len(), &lhs_free, self.batch, &self.lhs_axes);
        let rhs_links = links(rhs_counts.len(), &rhs_free, self.batch + lhs_free.len(), &self.rhs_axes);
        let own = lowering.next_layer();
        let previous = BlockMap::Previous { stride: 1, count: n_sums };
        let edges = vec![
            Edge { from: Producer::Layer(own), map: previous },
            lowering.edge(lhs, BlockMap::separable(counts.clone(), lhs_counts, lhs_links)),
            lowering.edge(rhs, BlockMap::separable(counts.clone(), rhs_counts, rhs_links)),
        ];
        let task_bytes = lowering.block_bytes(node);
        let sums = NewLayer {
            label: self.label.into(),
            counts,
            edges,
            body: Arc::new(SameKernel(Kernel::Contract(self.kernel()))),
            task_bytes,
            reduces: true,
        };
        Ok(lowering.push_lines(node, sums, n_sums))
    }
}
