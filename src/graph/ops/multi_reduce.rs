//! Several reductions of the same elements in one pass over them.
//!
//! The pass evaluates an elementwise program tile by tile and hands the values to every reduction, so neither the
//! program's result nor a masked selection is ever stored:
//!
//! ```text
//! x, y blocks ──> program tile ──> sum of tile, max of tile, …      lift, one task per block
//!                                        │
//!                          partial results, combined in a tree     fixed by block numbers
//!                                        │
//!                                      answers                     one `PickOp` each
//! ```

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::OpSpec;
use super::reduce::{ReduceOp, kept_grid};
use crate::block::{ArrayMeta, BlockLocation};
use crate::chunks::Grid;
use crate::chunks::tree::{ReductionTree, split_per_axis};
use crate::error::Result;
use crate::graph::dag::{Node, NodeId};
use crate::graph::layer::{Edge, LayerBody, Producer, SameKernel};
use crate::graph::lower::{Lowered, Lowering, NewLayer};
use crate::graph::map::BlockMap;
use crate::kernels::{CombinePartials, FinishPartial, Kernel, Lift, LiftItem, Program, Reducer};

/// A pass over elements on `grid`: operand `i` shows its axis `operands[i][k]` on axis `k` of the grid.
#[derive(Clone, Debug)]
pub(crate) struct MultiReduceOp {
    pub(crate) grid: Grid,
    /// What is computed of the operands; without one the only operand is reduced as it is.
    pub(crate) program: Option<Program>,
    pub(crate) operands: Vec<Vec<Option<usize>>>,
    pub(crate) items: Vec<LiftItem>,
    pub(crate) axes: Vec<usize>,
    pub(crate) split_every: u64,
}

impl MultiReduceOp {
    /// The pass of one reduction of one array.
    pub(crate) fn single(reduce: &ReduceOp, reducer: Reducer, input: &ArrayMeta) -> Self {
        Self {
            grid: input.grid.clone(),
            program: None,
            operands: vec![(0..input.grid.ndim()).map(Some).collect()],
            items: vec![LiftItem { reducer, value: 0, mask: None }],
            axes: reduce.axes.clone(),
            split_every: reduce.split_every,
        }
    }

    /// What is promised of the partial results: the kept shape, in the element type of the first answer.
    pub(crate) fn meta(&self, like: &ArrayMeta) -> ArrayMeta {
        ArrayMeta { grid: kept_grid(&self.grid, &self.axes), ..like.clone() }
    }

    /// The layers that lift blocks and combine what comes of them, ending in one partial result per kept block.
    pub(crate) fn lower_partials(&self, inputs: &[NodeId], label: &str, lowering: &mut Lowering<'_>) -> Result<u32> {
        let counts = self.grid.block_counts();
        let edges = lowering.operand_edges(inputs, &self.grid, &self.operands);
        let task_bytes = self.partial_bytes(inputs, lowering);
        let mut last = lowering.push_layer(NewLayer {
            label: label.to_owned(),
            counts: counts.clone(),
            edges,
            body: Arc::new(LiftBody(self.clone())),
            task_bytes,
            reduces: true,
        });
        let split = split_per_axis(self.split_every, self.axes.len());
        let split_every: Vec<Option<u64>> =
            (0..self.grid.ndim()).map(|axis| self.axes.contains(&axis).then_some(split)).collect();
        for level in ReductionTree::new(&counts, &split_every).levels() {
            let reducers = self.items.iter().map(|item| item.reducer).collect();
            last = lowering.push_layer(NewLayer {
                label: format!("{label}-combine"),
                counts: level.n_out(),
                edges: vec![Edge { from: Producer::Layer(last), map: BlockMap::of_level(level) }],
                body: Arc::new(SameKernel(Kernel::Combine(CombinePartials { reducers }))),
                task_bytes,
                reduces: true,
            });
        }
        Ok(last)
    }

    /// A bound of the bytes of one partial result: a few numbers per cell and item.
    fn partial_bytes(&self, inputs: &[NodeId], lowering: &Lowering<'_>) -> u64 {
        const BYTES_PER_CELL: u64 = 48;
        let bound = inputs.iter().map(|&input| lowering.max_block_elems(input)).max().unwrap_or(1);
        let cells = kept_grid(&self.grid, &self.axes).max_block_elems().unwrap_or(bound);
        cells.saturating_mul(BYTES_PER_CELL * self.items.len() as u64)
    }
}

impl OpSpec for MultiReduceOp {
    fn name(&self) -> &'static str {
        match self.items.as_slice() {
            [item] => item.reducer.reduction().name(),
            _ => "reduce",
        }
    }

    fn hash_params(&self, mut state: &mut dyn Hasher) {
        (&self.program, &self.operands, &self.items, &self.axes).hash(&mut state);
        (&self.grid, self.split_every).hash(&mut state);
    }

    fn params(&self) -> String {
        let names: Vec<&str> = self.items.iter().map(|item| item.reducer.reduction().name()).collect();
        let program = self.program.as_ref().map_or_else(String::new, |program| format!(" of {program}"));
        format!("{} over axes {:?}{program}", names.join(", "), self.axes)
    }

    fn lower(&self, node: &Node, lowering: &mut Lowering<'_>) -> Result<Lowered> {
        let last = self.lower_partials(&node.inputs, self.name(), lowering)?;
        let max_block_elems = node.meta.grid.max_block_elems().unwrap_or(1);
        Ok(Lowered { producer: Producer::Layer(last), max_block_elems })
    }
}

#[derive(Debug)]
struct LiftBody(MultiReduceOp);

impl LayerBody for LiftBody {
    fn kernel(&self, index: u64) -> Result<Kernel> {
        let MultiReduceOp { grid, program, operands, items, axes, .. } = &self.0;
        let at = BlockLocation::new(grid, index);
        // Positions count along reduced axes alone, so that the others may have any length.
        let place_on = |(axis, &block): (usize, &u64)| {
            let chunks = grid.axis(axis);
            if axes.contains(&axis) { Some((chunks.block_range(block)?.start, chunks.len()?)) } else { Some((0, 1)) }
        };
        let place: Option<Vec<(u64, u64)>> = at.index().iter().enumerate().map(place_on).collect();
        Ok(Kernel::Lift(Lift {
            program: program.clone(),
            operands: operands.clone(),
            items: items.clone(),
            reduced: (0..grid.ndim()).map(|axis| axes.contains(&axis)).collect(),
            shape: at.shape().map(|shape| shape.iter().map(|&len| len as u64).collect()),
            place: place.map(|place| place.into_iter().unzip()),
        }))
    }
}

/// One answer of a [`MultiReduceOp`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct PickOp {
    pub(crate) item: usize,
    pub(crate) reducer: Reducer,
    /// The axes of length 1 that the answer has not, ascending.
    pub(crate) dropped: Vec<usize>,
}

impl PickOp {
    /// The layer that finishes partial results.
    pub(crate) fn lower_from(&self, node: &Node, partials: u32, lowering: &mut Lowering<'_>) -> Result<Lowered> {
        let fill = node.meta.layout.fill();
        let finish = FinishPartial { reducer: self.reducer, item: self.item, dropped: self.dropped.clone(), fill };
        Ok(lowering.push(
            node,
            NewLayer {
                label: format!("{}-finish", self.reducer.reduction().name()),
                counts: node.meta.grid.block_counts(),
                // Reduced axes have one block, so kept blocks are numbered alike with and without them.
                edges: vec![Edge { from: Producer::Layer(partials), map: BlockMap::Identity }],
                body: Arc::new(SameKernel(Kernel::Finish(finish))),
                task_bytes: lowering.block_bytes(node),
                reduces: true,
            },
        ))
    }
}

impl OpSpec for PickOp {
    fn name(&self) -> &'static str {
        "pick"
    }

    fn hash_params(&self, mut state: &mut dyn Hasher) {
        self.hash(&mut state);
    }

    fn params(&self) -> String {
        self.reducer.reduction().name().to_owned()
    }

    fn lower(&self, node: &Node, lowering: &mut Lowering<'_>) -> Result<Lowered> {
        match lowering.same_as(node.inputs[0]).producer {
            Producer::Layer(partials) => self.lower_from(node, partials, lowering),
            Producer::Inline(_) => Err(crate::error::Error::bug("pick", "partial results are never inline")),
        }
    }
}
