//! Random cuts and the oracle of piece tables, for the tests of this folder.

use proptest::prelude::*;

use super::axis::AxisChunks;
use super::slicing::PieceTable;

pub(super) fn chunks(sizes: &[u64]) -> AxisChunks {
    AxisChunks::from_sizes(sizes).expect("a valid case")
}

/// Any cut of an axis: regular or not, with and without empty chunks.
pub(super) fn cut_of(len: u64) -> impl Strategy<Value = AxisChunks> {
    let irregular = prop::collection::vec(0..=len, 0..8).prop_map(move |mut borders| {
        borders.extend([0, len]);
        borders.sort_unstable();
        AxisChunks::from_borders(borders)
    });
    prop_oneof![irregular, (0..=len).prop_map(move |size| AxisChunks::regular(len, size))]
}

/// The positions that the table brings to an output chunk, read off its pieces.
fn gathered(table: &PieceTable, out: u64) -> Vec<u64> {
    let mut got = Vec::new();
    for piece in table.pieces_of(out).expect("a valid case") {
        assert_eq!(piece.dst, got.len() as u64..got.len() as u64 + piece.src.len());
        let block = table.input().block_range(piece.block).expect("a valid case");
        assert!(piece.src.span().end <= block.end - block.start);
        got.extend(piece.src.positions().map(|i| block.start + i));
    }
    got
}

/// Checks a table against the plain list of the positions it stands for.
pub(super) fn check(table: &PieceTable, positions: &[u64]) {
    let (input, output) = (table.input(), table.output());
    assert_eq!(output.len(), Some(positions.len() as u64));
    let mut pairs = Vec::new();
    for out in 0..output.n_blocks() {
        let span = output.block_range(out).expect("a valid case");
        let expected = &positions[span.start as usize..span.end as usize];
        assert_eq!(gathered(table, out), expected);
        let mut blocks: Vec<u64> = expected.iter().map(|&p| input.block_of(p).expect("a valid case")).collect();
        let local = |(&p, &b): (&u64, &u64)| (b, p - input.block_range(b).expect("a valid case").start);
        let sources: Vec<(u64, u64)> = expected.iter().zip(&blocks).map(local).collect();
        if table.is_identity() {
            blocks.push(out);
        }
        blocks.sort_unstable();
        blocks.dedup();
        let set = table.blocks_of(out);
        assert_eq!(set.iter().collect::<Vec<_>>(), blocks);
        let by_place = table.sources_of(out).expect("a valid case");
        assert_eq!(by_place.into_iter().map(|(place, i)| (set.at(place), i)).collect::<Vec<_>>(), sources);
        pairs.extend(blocks.into_iter().map(|block| (block, out)));
    }
    pairs.sort_unstable();
    let users_of = |block| table.users_of(block).iter().map(|out| (block, out)).collect::<Vec<_>>();
    assert_eq!((0..input.n_blocks()).flat_map(users_of).collect::<Vec<_>>(), pairs);
}
