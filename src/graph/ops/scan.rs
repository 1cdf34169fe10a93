//! Running sums, products, maxima and minima along an axis.
//!
//! Three layers, so that blocks along the axis run in parallel: each block's total, the running combination of totals
//! (a chain of small tasks), and the scan of each block from the total of all before it.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::OpSpec;
use crate::error::Result;
use crate::graph::dag::Node;
use crate::graph::layer::{Edge, LayerBody, Producer, SameKernel};
use crate::graph::lower::{Lowered, Lowering, NewLayer};
use crate::graph::map::{BlockMap, Link};
use crate::kernels::{Kernel, Scan, ScanApply, ScanKind, ScanSpec, ScanTotal};

/// A running combination along `axis`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ScanOp {
    pub(crate) kind: ScanKind,
    pub(crate) axis: usize,
    /// Whether NaN is passed over.
    pub(crate) skips_nan: bool,
}

impl OpSpec for ScanOp {
    fn name(&self) -> &'static str {
        kind_name(self.kind)
    }

    fn hash_params(&self, mut state: &mut dyn Hasher) {
        self.hash(&mut state);
    }

    fn params(&self) -> String {
        format!("axis {}", self.axis)
    }

    fn lower(&self, node: &Node, lowering: &mut Lowering<'_>) -> Result<Lowered> {
        let input = node.inputs[0];
        let counts = node.meta.grid.block_counts();
        let (count, stride) = (counts[self.axis], counts[self.axis + 1..].iter().product::<u64>());
        let spec = ScanSpec { op: self.kind, axis: self.axis, skips_nan: self.skips_nan };
        let label = |part: &str| format!("{}{part}", self.name());
        let edge = lowering.edge(input, BlockMap::Identity);
        let mut edges = vec![edge.clone()];
        if count > 1 {
            let line_bytes = lowering.block_bytes(node);
            let totals = lowering.push_layer(NewLayer {
                label: label("-total"),
                counts: counts.clone(),
                edges: vec![edge],
                body: Arc::new(SameKernel(Kernel::ScanTotal(ScanTotal(spec)))),
                task_bytes: line_bytes,
                reduces: true,
            });
            let own = lowering.next_layer();
            let chain = BlockMap::Previous { stride, count };
            let offsets = lowering.push_layer(NewLayer {
                label: label("-offset"),
                counts: counts.clone(),
                edges: vec![
                    Edge { from: Producer::Layer(totals), map: BlockMap::Identity },
                    Edge { from: Producer::Layer(own), map: chain.clone() },
                ],
                body: Arc::new(OffsetBody { spec, stride, count }),
                task_bytes: line_bytes,
                reduces: true,
            });
            edges.push(Edge { from: Producer::Layer(offsets), map: before(&counts, self.axis) });
        }
        Ok(lowering.push(
            node,
            NewLayer {
                label: label(""),
                counts,
                edges,
                body: Arc::new(SameKernel(Kernel::Scan(Scan(spec)))),
                task_bytes: lowering.block_bytes(node),
                reduces: false,
            },
        ))
    }
}

/// NumPy's name of a running combination.
pub(crate) fn kind_name(kind: ScanKind) -> &'static str {
    match kind {
        ScanKind::Sum => "cumsum",
        ScanKind::Prod => "cumprod",
        ScanKind::Max => "cummax",
        ScanKind::Min => "cummin",
    }
}

/// The total of all blocks of a line up to one of them.
#[derive(Debug)]
struct OffsetBody {
    spec: ScanSpec,
    stride: u64,
    count: u64,
}

impl LayerBody for OffsetBody {
    fn kernel(&self, index: u64) -> Result<Kernel> {
        let is_first = (index / self.stride).is_multiple_of(self.count);
        Ok(if is_first { Kernel::Pass } else { Kernel::ScanApply(ScanApply(self.spec)) })
    }
}

/// Block `i` along the axis reads the offset that its predecessor leaves.
fn before(counts: &[u64], axis: usize) -> BlockMap {
    let shifted = |a: usize| if a == axis { Link::Shifted { axis, start: 1 } } else { Link::Same(a) };
    BlockMap::separable(counts.to_vec(), counts.to_vec(), (0..counts.len()).map(shifted).collect())
}
