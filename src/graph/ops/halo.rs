//! Blocks with a margin taken from their neighbours, for stencils.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::OpSpec;
use crate::block::ArrayMeta;
use crate::chunks::window::{HaloAxis, HaloPart};
use crate::chunks::{AxisChunks, Boundary, Grid};
use crate::element::Scalar;
use crate::error::Result;
use crate::graph::dag::Node;
use crate::graph::layer::LayerBody;
use crate::graph::lower::{Lowered, Lowering};
use crate::graph::map::{BlockMap, Link};
use crate::kernels::{Gather, Kernel, Piece};

/// For each axis how far a block reaches into its neighbours and what lies beyond the array; `fill` is the constant of
/// [`Boundary::Constant`].
#[derive(Clone, Debug)]
pub(crate) struct HaloOp {
    pub(crate) axes: Vec<Margin>,
    pub(crate) fill: Scalar,
}

/// The margin along one axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Margin {
    pub(crate) before: u64,
    pub(crate) after: u64,
    pub(crate) boundary: Boundary,
}

impl HaloOp {
    fn halos(&self, grid: &Grid) -> Result<Vec<HaloAxis>> {
        let plan = |(axis, (chunks, margin)): (usize, (&AxisChunks, &Margin))| {
            HaloAxis::new("map_overlap", axis, chunks.clone(), (margin.before, margin.after), margin.boundary)
        };
        grid.axes().iter().zip(&self.axes).enumerate().map(plan).collect()
    }

    /// What is promised of the result: the blocks with their margins.
    pub(crate) fn meta(&self, input: &ArrayMeta) -> Result<ArrayMeta> {
        let grid: Grid = self.halos(&input.grid)?.iter().map(HaloAxis::padded).collect::<Result<_>>()?;
        Ok(ArrayMeta { grid, ..input.clone() })
    }
}

impl OpSpec for HaloOp {
    fn name(&self) -> &'static str {
        "halo"
    }

    fn hash_params(&self, mut state: &mut dyn Hasher) {
        self.axes.hash(&mut state);
        self.fill.hash_bits(&mut state);
    }

    fn lower(&self, node: &Node, lowering: &mut Lowering<'_>) -> Result<Lowered> {
        let input = node.inputs[0];
        let halos: Vec<Arc<HaloAxis>> = self.halos(&lowering.meta(input).grid)?.into_iter().map(Arc::new).collect();
        let counts = node.meta.grid.block_counts();
        let links = halos.iter().enumerate().map(|(axis, halo)| {
            if halo.is_identity() { Link::Same(axis) } else { Link::Halo { axis, halo: Arc::clone(halo) } }
        });
        let map = BlockMap::separable(counts.clone(), counts, links.collect());
        Ok(lowering.push_blocks(
            node,
            vec![lowering.edge(input, map)],
            HaloBody { grid: node.meta.grid.clone(), halos, fill: self.fill },
            lowering.block_bytes(node),
        ))
    }
}

#[derive(Debug)]
struct HaloBody {
    grid: Grid,
    halos: Vec<Arc<HaloAxis>>,
    fill: Scalar,
}

impl LayerBody for HaloBody {
    fn kernel(&self, index: u64) -> Result<Kernel> {
        let position = self.grid.block_index(index);
        let along = |(axis, (halo, &block)): (usize, (&Arc<HaloAxis>, &u64))| match halo.parts_of(block) {
            // Without a margin the block is read even if it is empty.
            Some(_) if halo.is_identity() => {
                let len = self.grid.axis(axis).block_len(block).unwrap_or(Gather::WHOLE);
                (len, vec![Piece::whole(0, len, 0)])
            }
            Some(parts) => {
                let inputs = halo.blocks_of(block);
                // A part's block is one of the blocks of the halo.
                let place = |block: u64| inputs.place_of(block).unwrap_or(0) as u32;
                let pieces = parts.iter().filter_map(|part| piece(part, &place)).collect();
                (self.grid.axis(axis).block_len(block).unwrap_or(0), pieces)
            }
            None => (Gather::WHOLE, vec![Piece::whole(0, Gather::WHOLE, 0)]),
        };
        let (shape, axes) = self.halos.iter().zip(&position).enumerate().map(along).unzip();
        Ok(Kernel::Gather(Gather { shape, axes, fill: Some(self.fill) }))
    }
}

fn piece(part: &HaloPart, place: &dyn Fn(u64) -> u32) -> Option<Piece> {
    match part {
        HaloPart::Copy(piece) => Some(Piece {
            input: place(piece.block),
            start: piece.src.start(),
            step: piece.src.step(),
            len: piece.src.len(),
            dst: piece.dst.start,
        }),
        HaloPart::Repeat { block, src, dst } => {
            Some(Piece { input: place(*block), start: *src, step: 0, len: dst.end - dst.start, dst: dst.start })
        }
        HaloPart::Fill { .. } => None,
    }
}
