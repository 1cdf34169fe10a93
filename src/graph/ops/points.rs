//! Several lists of positions, taken pointwise.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

use super::OpSpec;
use crate::block::ArrayMeta;
use crate::chunks::{AxisChunks, Grid};
use crate::error::Result;
use crate::graph::dag::Node;
use crate::graph::layer::LayerBody;
use crate::graph::lower::{Lowered, Lowering};
use crate::graph::map::BlockMap;
use crate::kernels::{Kernel, PointTake};

/// Lists by axis, of equal lengths. The result has one axis for all of them, first, then the axes without lists.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct PointsOp {
    lists: Vec<(usize, Vec<u64>)>,
}

/// Points of one output chunk.
const POINTS_PER_CHUNK: u64 = 1 << 16;

impl PointsOp {
    /// Positions lie inside their axes.
    pub(crate) fn new(lists: Vec<(usize, Vec<u64>)>) -> Self {
        Self { lists }
    }

    /// The axes with their lists, ascending; all lists are equally long.
    pub(crate) fn lists(&self) -> &[(usize, Vec<u64>)] {
        &self.lists
    }

    /// The axes with lists, ascending.
    pub(crate) fn axes(&self) -> impl Iterator<Item = usize> + '_ {
        self.lists.iter().map(|list| list.0)
    }

    fn others(&self, ndim: usize) -> Vec<usize> {
        (0..ndim).filter(|&axis| self.axes().all(|listed| listed != axis)).collect()
    }

    /// What is promised of the result.
    pub(crate) fn meta(&self, input: &ArrayMeta) -> Result<ArrayMeta> {
        let n_points = self.lists.first().map_or(0, |list| list.1.len() as u64);
        let points = AxisChunks::regular(n_points, POINTS_PER_CHUNK);
        let others = self.others(input.grid.ndim()).into_iter().map(|axis| input.grid.axis(axis).clone());
        Ok(ArrayMeta { grid: std::iter::once(points).chain(others).collect(), ..input.clone() })
    }

    /// For each chunk of points, the blocks along the listed axes that it needs, and where each point lies in them.
    fn located(&self, input: &Grid, points: &AxisChunks) -> Vec<Located> {
        (0..points.n_blocks())
            .map(|chunk| {
                let mut blocks = BTreeMap::new();
                let mut picks = Vec::new();
                for i in points.block_range(chunk).unwrap_or(0..0) {
                    // Positions were checked when the expression was built.
                    let place = self.lists.iter().map(|(axis, list)| {
                        let chunks = input.axis(*axis);
                        let block = chunks.block_of(list[i as usize]).unwrap_or(0);
                        (block, list[i as usize] - chunks.block_range(block).map_or(0, |range| range.start))
                    });
                    let (block, local): (Vec<u64>, Vec<u64>) = place.unzip();
                    let next = blocks.len() as u32;
                    picks.push((*blocks.entry(block).or_insert(next), local));
                }
                let mut order: Vec<(Vec<u64>, u32)> = blocks.into_iter().collect();
                order.sort_unstable_by_key(|entry| entry.1);
                Located { blocks: order.into_iter().map(|entry| entry.0).collect(), picks }
            })
            .collect()
    }
}

#[derive(Debug)]
struct Located {
    blocks: Vec<Vec<u64>>,
    picks: Vec<(u32, Vec<u64>)>,
}

impl OpSpec for PointsOp {
    fn name(&self) -> &'static str {
        "points"
    }

    fn hash_params(&self, mut state: &mut dyn Hasher) {
        self.hash(&mut state);
    }

    fn lower(&self, node: &Node, lowering: &mut Lowering<'_>) -> Result<Lowered> {
        let input = node.inputs[0];
        let in_grid = lowering.meta(input).grid.clone();
        let located = self.located(&in_grid, node.meta.grid.axis(0));
        let others = self.others(in_grid.ndim());
        let lists = (0..node.meta.grid.n_blocks()).map(|number| {
            let position = node.meta.grid.block_index(number);
            let blocks = &located[position[0] as usize].blocks;
            blocks.iter().map(|block| self.block_number(&in_grid, block, &others, &position[1..])).collect::<Vec<u64>>()
        });
        let map = BlockMap::explicit(lists, in_grid.n_blocks());
        let body = PointsBody { op: self.clone(), grid: node.meta.grid.clone(), located };
        Ok(lowering.push_blocks(node, vec![lowering.edge(input, map)], body, lowering.block_bytes(node)))
    }
}

impl PointsOp {
    fn block_number(&self, grid: &Grid, listed: &[u64], others: &[usize], at: &[u64]) -> u64 {
        let mut index = vec![0; grid.ndim()];
        self.axes().zip(listed).for_each(|(axis, &block)| index[axis] = block);
        others.iter().zip(at).for_each(|(&axis, &block)| index[axis] = block);
        grid.block_number(&index)
    }
}

#[derive(Debug)]
struct PointsBody {
    op: PointsOp,
    grid: Grid,
    located: Vec<Located>,
}

impl LayerBody for PointsBody {
    fn kernel(&self, index: u64) -> Result<Kernel> {
        let chunk = self.grid.block_index(index)[0];
        let picks = &self.located[chunk as usize].picks;
        Ok(Kernel::PointTake(PointTake {
            axes: self.op.axes().collect(),
            at: 0,
            inputs: picks.iter().map(|pick| pick.0).collect(),
            indices: picks.iter().flat_map(|pick| pick.1.iter().copied()).collect(),
        }))
    }
}
