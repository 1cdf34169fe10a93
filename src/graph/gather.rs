//! Layers whose blocks are put together from pieces of other blocks: slices, lists, rechunks.
//!
//! Each axis has a [`PieceTable`]; the pieces of a block are the product over its axes.

use std::sync::Arc;

use super::dag::{Node, NodeId};
use super::layer::LayerBody;
use super::lower::{Lowered, Lowering, NewLayer};
use super::map::{BlockMap, Link};
use crate::block::ArrayMeta;
use crate::chunks::slicing::PieceTable;
use crate::element::Scalar;
use crate::error::Result;
use crate::kernels::{Gather, Kernel, Piece};

/// Adds the layer that makes the blocks of `node` from those of `input` by one table per axis. A node that hands every
/// block on makes no layer.
pub(crate) fn gather_layer(
    node: &Node,
    input: NodeId,
    tables: Vec<PieceTable>,
    lowering: &mut Lowering<'_>,
) -> Result<Lowered> {
    if tables.iter().all(PieceTable::is_identity) {
        return Ok(lowering.same_as(input));
    }
    let is_known = node.meta.grid.is_known();
    let anchored = |table: PieceTable| Arc::new(if is_known { table } else { table.anchored() });
    let tables: Vec<Arc<PieceTable>> = tables.into_iter().map(anchored).collect();
    let links = tables.iter().enumerate().map(|(axis, table)| {
        if table.is_identity() { Link::Same(axis) } else { Link::Pieces { axis, table: Arc::clone(table) } }
    });
    let out_counts = node.meta.grid.block_counts();
    let in_counts = lowering.meta(input).grid.block_counts();
    let map = BlockMap::separable(out_counts.clone(), in_counts, links.collect());
    let layer = NewLayer {
        label: node.op.spec().name().into(),
        counts: out_counts,
        edges: vec![lowering.edge(input, map)],
        body: Arc::new(GatherBody { meta: node.meta.clone(), tables }),
        task_bytes: lowering.block_bytes(node),
        reduces: false,
    };
    Ok(lowering.push(node, layer))
}

#[derive(Debug)]
struct GatherBody {
    meta: ArrayMeta,
    tables: Vec<Arc<PieceTable>>,
}

impl LayerBody for GatherBody {
    fn kernel(&self, index: u64) -> Result<Kernel> {
        let position = self.meta.grid.block_index(index);
        let (shape, axes) = self.tables.iter().zip(position).map(|(table, out)| axis_pieces(table, out)).unzip();
        // The fill only tells the element type of a block that has no pieces at all.
        Ok(Kernel::Gather(Gather { shape, axes, fill: Some(Scalar::zero(self.meta.dtype)) }))
    }
}

/// The length and the pieces of output chunk `out`, with input blocks numbered as the kernel gets them.
fn axis_pieces(table: &PieceTable, out: u64) -> (u64, Vec<Piece>) {
    let Some(pieces) = table.pieces_of(out) else { return (Gather::WHOLE, vec![Piece::whole(0, Gather::WHOLE, 0)]) };
    let blocks = table.blocks_of(out);
    let pieces = pieces.filter_map(|piece| {
        // A piece's block is one of the blocks of its chunk.
        let input = blocks.place_of(piece.block)? as u32;
        let (start, step, len) = (piece.src.start(), piece.src.step(), piece.src.len());
        Some(Piece { input, start, step, len, dst: piece.dst.start })
    });
    (table.output().block_len(out).unwrap_or(0), pieces.collect())
}
