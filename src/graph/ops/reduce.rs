//! One number for many elements, as the user asked for it.
//!
//! A [`ReduceOp`] is what expressions hold. Before lowering every one becomes a [`MultiReduceOp`] (one pass over the data
//! for all reductions of it, with the elementwise work before it) and a [`PickOp`] (one of its answers).

use std::hash::{Hash, Hasher};

use super::OpSpec;
use super::multi_reduce::{MultiReduceOp, PickOp};
use crate::block::{ArrayMeta, Layout};
use crate::chunks::{AxisChunks, Grid};
use crate::element::DType;
use crate::error::Result;
use crate::graph::dag::Node;
use crate::graph::lower::{Lowered, Lowering};
use crate::kernels::{Reducer, Reduction};

/// Reduces the given axes, ascending.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ReduceOp {
    pub(crate) reduction: Reduction,
    pub(crate) axes: Vec<usize>,
    pub(crate) keepdims: bool,
    /// How many partial results are combined at a time.
    pub(crate) split_every: u64,
}

impl ReduceOp {
    /// The reduced axes that the result has not.
    pub(crate) fn dropped_axes(&self) -> Vec<usize> {
        if self.keepdims { Vec::new() } else { self.axes.clone() }
    }

    /// What is promised of the result.
    pub(crate) fn meta(&self, input: &ArrayMeta, dtype: DType, layout: Layout) -> ArrayMeta {
        let grid =
            if self.keepdims { kept_grid(&input.grid, &self.axes) } else { dropped_grid(&input.grid, &self.axes) };
        ArrayMeta { dtype, grid, layout }
    }
}

/// The grid with length 1 along reduced axes.
pub(crate) fn kept_grid(grid: &Grid, axes: &[usize]) -> Grid {
    let chunks = |(axis, chunks): (usize, &AxisChunks)| {
        if axes.contains(&axis) { AxisChunks::whole(1) } else { chunks.clone() }
    };
    grid.axes().iter().enumerate().map(chunks).collect()
}

fn dropped_grid(grid: &Grid, axes: &[usize]) -> Grid {
    grid.axes().iter().enumerate().filter(|(axis, _)| !axes.contains(axis)).map(|(_, chunks)| chunks.clone()).collect()
}

impl OpSpec for ReduceOp {
    fn name(&self) -> &'static str {
        self.reduction.name()
    }

    fn hash_params(&self, mut state: &mut dyn Hasher) {
        self.hash(&mut state);
    }

    fn params(&self) -> String {
        format!("axes {:?}", self.axes)
    }

    fn lower(&self, node: &Node, lowering: &mut Lowering<'_>) -> Result<Lowered> {
        let input = node.inputs[0];
        let reducer = Reducer::new(self.reduction, lowering.meta(input).dtype)?;
        let pass = MultiReduceOp::single(self, reducer, lowering.meta(input));
        let partials = pass.lower_partials(&node.inputs, self.name(), lowering)?;
        let pick = PickOp { item: 0, reducer, dropped: self.dropped_axes() };
        pick.lower_from(node, partials, lowering)
    }
}
