//! Arrays with some elements replaced.
//!
//! Arrays are values: an assignment makes a new array, and what was derived from the old one keeps its elements.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::OpSpec;
use crate::chunks::slicing::PieceTable;
use crate::chunks::{AxisRange, Grid};
use crate::error::Result;
use crate::graph::dag::Node;
use crate::graph::layer::{LayerBody, SameKernel};
use crate::graph::lower::{Lowered, Lowering};
use crate::graph::map::{BlockMap, Explicit, Link};
use crate::kernels::{AssignMasked, AssignPicks, AssignRegion, Kernel};

/// Which elements are replaced.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Target {
    /// A range along every axis. The value has the chunks of the slice by these ranges.
    Region(Vec<AxisRange>),
    /// Positions along one axis, all of the others; the last of equal positions wins. The value has one chunk along that
    /// axis and the chunks of the array along the others.
    Positions { axis: usize, positions: Arc<[u64]> },
}

/// Inputs: an array and the values for the target, of the same element type.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct AssignOp {
    pub(crate) target: Target,
}

impl OpSpec for AssignOp {
    fn name(&self) -> &'static str {
        "assign"
    }

    fn hash_params(&self, mut state: &mut dyn Hasher) {
        self.target.hash(&mut state);
    }

    fn params(&self) -> String {
        match &self.target {
            Target::Region(ranges) => crate::error::Shown(ranges).to_string(),
            Target::Positions { axis, positions } => format!("axis {axis}, {} positions", positions.len()),
        }
    }

    fn lower(&self, node: &Node, lowering: &mut Lowering<'_>) -> Result<Lowered> {
        let grid = node.meta.grid.clone();
        let value_counts = lowering.meta(node.inputs[1]).grid.block_counts();
        let body = match &self.target {
            Target::Region(ranges) => AssignBody::region(&grid, ranges)?,
            Target::Positions { axis, positions } => AssignBody::positions(&grid, *axis, positions),
        };
        let tables = body.value_lists.iter().enumerate().map(|(axis, lists)| match lists {
            Some(lists) => {
                Link::Table { axis, table: Arc::new(Explicit::new(lists.iter().cloned(), value_counts[axis])) }
            }
            None => Link::Same(axis),
        });
        let map = BlockMap::separable(grid.block_counts(), value_counts.clone(), tables.collect());
        let edges = vec![lowering.edge(node.inputs[0], BlockMap::Identity), lowering.edge(node.inputs[1], map)];
        Ok(lowering.push_blocks(node, edges, body, lowering.block_bytes(node)))
    }
}

/// For each axis, what each block along it gets.
#[derive(Debug)]
struct AssignBody {
    grid: Grid,
    parts: Parts,
    /// The blocks of the value that each block reads along each axis; `None` where they go together one by one.
    value_lists: Vec<Option<Vec<Vec<u64>>>>,
}

#[derive(Debug)]
enum Parts {
    /// The part of each block, by axis and block.
    Region(Vec<Vec<Option<AxisRange>>>),
    /// Local positions and their places in the value, by block.
    Positions { axis: usize, picks: Vec<Vec<(u64, u64)>> },
}

impl AssignBody {
    fn region(grid: &Grid, ranges: &[AxisRange]) -> Result<Self> {
        let mut parts = Vec::new();
        let mut value_lists = Vec::new();
        for (axis, &range) in grid.axes().iter().zip(ranges) {
            let table = PieceTable::slice("assign", axis, range)?;
            let mut along = vec![None; axis.n_blocks() as usize];
            let mut lists = vec![Vec::new(); axis.n_blocks() as usize];
            // One chunk of the slice takes its elements from one block.
            for out in 0..table.output().n_blocks() {
                for piece in table.pieces_of(out).into_iter().flatten().filter(|piece| !piece.src.is_empty()) {
                    along[piece.block as usize] = Some(piece.src);
                    lists[piece.block as usize] = vec![out];
                }
            }
            parts.push(along);
            value_lists.push(Some(lists));
        }
        Ok(Self { grid: grid.clone(), parts: Parts::Region(parts), value_lists })
    }

    fn positions(grid: &Grid, axis: usize, positions: &[u64]) -> Self {
        let chunks = grid.axis(axis);
        let mut picks = vec![Vec::new(); chunks.n_blocks() as usize];
        for (place, &position) in positions.iter().enumerate() {
            // Positions were checked against the length of the axis when the expression was built.
            let located = chunks.block_of(position).and_then(|block| Some((block, chunks.block_range(block)?.start)));
            if let Some((block, start)) = located {
                picks[block as usize].push((position - start, place as u64));
            }
        }
        let lists = picks.iter().map(|picks| if picks.is_empty() { vec![] } else { vec![0] }).collect();
        let value_lists = (0..grid.ndim()).map(|a| (a == axis).then(|| Vec::clone(&lists))).collect();
        Self { grid: grid.clone(), parts: Parts::Positions { axis, picks }, value_lists }
    }
}

impl LayerBody for AssignBody {
    fn kernel(&self, index: u64) -> Result<Kernel> {
        let position = self.grid.block_index(index);
        match &self.parts {
            Parts::Region(parts) => {
                let along = parts.iter().zip(&position).map(|(blocks, &i)| blocks[i as usize]);
                let Some(ranges) = along.collect::<Option<Vec<AxisRange>>>() else { return Ok(Kernel::Pass) };
                Ok(Kernel::AssignRegion(AssignRegion { axes: ranges }))
            }
            Parts::Positions { axis, picks } => match &picks[position[*axis] as usize] {
                picks if picks.is_empty() => Ok(Kernel::Pass),
                picks => Ok(Kernel::AssignPicks(AssignPicks { axis: *axis, picks: picks.clone() })),
            },
        }
    }
}

/// Inputs: an array, a mask over its axes from `axis` on, and as many values as the mask has true elements, cut alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct AssignMaskedOp {
    pub(crate) axis: usize,
    pub(crate) mask_ndim: usize,
}

impl OpSpec for AssignMaskedOp {
    fn name(&self) -> &'static str {
        "assign_mask"
    }

    fn hash_params(&self, mut state: &mut dyn Hasher) {
        self.hash(&mut state);
    }

    fn lower(&self, node: &Node, lowering: &mut Lowering<'_>) -> Result<Lowered> {
        let counts = node.meta.grid.block_counts();
        let [input, mask, values] = [node.inputs[0], node.inputs[1], node.inputs[2]];
        let mask_links = (0..self.mask_ndim).map(|i| Link::Same(self.axis + i)).collect();
        let mask_map = BlockMap::separable(counts.clone(), lowering.meta(mask).grid.block_counts(), mask_links);
        // The masked axes but the first have one block, so the axis of the values follows the first masked one.
        let value_counts = lowering.meta(values).grid.block_counts();
        let value_links = (0..value_counts.len()).map(|axis| match axis {
            axis if axis <= self.axis => Link::Same(axis),
            axis => Link::Same(axis + self.mask_ndim - 1),
        });
        let value_map = BlockMap::separable(counts, value_counts.clone(), value_links.collect());
        let edges = vec![
            lowering.edge(input, BlockMap::Identity),
            lowering.edge(mask, mask_map),
            lowering.edge(values, value_map),
        ];
        Ok(lowering.push_blocks(
            node,
            edges,
            SameKernel(Kernel::AssignMasked(AssignMasked { axis: self.axis })),
            lowering.block_bytes(node),
        ))
    }
}
