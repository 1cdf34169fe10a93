//! Where the elements of an output block come from.
//!
//! Slicing, taking a list of indices, rechunking and concatenating all copy pieces of input blocks into output blocks.
//! Along one axis, that is a [`PieceTable`]: for each output chunk its [`Piece`]s, and in both directions which blocks
//! have to do with each other.
//!
//! ```text
//! input      │ 0  1  2  3 │ 4  5  6  7 │ 8  9 │
//! x[7:1:-2]    .  .  .  c   .  b  .  a           positions 7, 5, 3
//! output                   │ a  b │ c │           chunk 0 from block 1, chunk 1 from block 0
//! ```
//!
//! A table of a slice or of a rechunk holds the two cuts and the selection, and answers by arithmetic: its size does not
//! depend on the number of blocks or elements. Only a list of indices is stored, with the pairs of blocks it relates.
//!
//! *Exact both ways:* `users_of` is the inverse of `blocks_of`, also where chunks are empty. An empty output chunk needs
//! no block, an empty block has no user, except in an identity, where each block is handed on as it is, and in an
//! *anchored* table, where an empty chunk needs the first block: beside an axis of unknown length only a block can tell
//! how long an empty result is there.
//!
//! Tables know one axis only; the blocks of an n-d array are the products over their axes.

use std::ops::Range;
use std::sync::Arc;

use super::axis::AxisChunks;
use super::select::AxisRange;
use super::take::ListMap;
use crate::error::{Error, Result};

/// A part of one input block and the place it goes to in an output block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    /// The input block.
    pub(crate) block: u64,
    /// The elements of it, counted from its start.
    pub(crate) src: AxisRange,
    /// Where they go, counted from the start of the output block.
    pub(crate) dst: Range<u64>,
}

/// Block numbers in ascending order, each once.
#[derive(Clone, Debug)]
pub(crate) enum BlockSet<'a> {
    /// Consecutive ones.
    Range(Range<u64>),
    /// A list that the table holds.
    Slice(&'a [u64]),
    /// A list made for this answer.
    List(Vec<u64>),
}

impl BlockSet<'_> {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        match self {
            BlockSet::Range(range) => (range.end - range.start) as usize,
            BlockSet::Slice(list) => list.len(),
            BlockSet::List(list) => list.len(),
        }
    }

    /// The one at place `i`.
    pub(crate) fn at(&self, i: usize) -> u64 {
        match self {
            BlockSet::Range(range) => range.start + i as u64,
            BlockSet::Slice(list) => list[i],
            BlockSet::List(list) => list[i],
        }
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u64> + '_ {
        (0..self.len()).map(|i| self.at(i))
    }

    /// The place of `block` among them.
    pub(crate) fn place_of(&self, block: u64) -> Option<usize> {
        match self {
            BlockSet::Range(range) => range.contains(&block).then(|| (block - range.start) as usize),
            BlockSet::Slice(list) => list.binary_search(&block).ok(),
            BlockSet::List(list) => list.binary_search(&block).ok(),
        }
    }

    /// A set from block numbers in any order and number.
    pub(super) fn from_unsorted(mut list: Vec<u64>) -> Self {
        list.sort_unstable();
        list.dedup();
        Self::from_ascending(list)
    }

    /// A set from ascending block numbers, as a range if they are consecutive.
    fn from_ascending(list: Vec<u64>) -> Self {
        match (list.first(), list.last()) {
            (Some(&first), Some(&last)) if last - first + 1 == list.len() as u64 => BlockSet::Range(first..last + 1),
            (None, None) => BlockSet::Range(0..0),
            _ => BlockSet::List(list),
        }
    }
}

/// How the chunks of one axis are put together from the blocks of another cut or selection of it.
#[derive(Clone, Debug)]
pub(crate) struct PieceTable {
    input: AxisChunks,
    output: AxisChunks,
    map: Map,
    anchored: bool,
}

#[derive(Clone, Debug)]
enum Map {
    /// Output blocks are the input blocks.
    Identity,
    /// Output element `i` is input element `range.at(i)`.
    Range(AxisRange),
    /// Output element `i` is input element `list[i]`.
    List(Arc<ListMap>),
}

impl PieceTable {
    fn new(input: &AxisChunks, output: AxisChunks, map: Map) -> Self {
        Self { input: input.clone(), output, map, anchored: false }
    }

    /// The table that hands every block on; the only one for an axis of unknown length.
    pub(crate) fn identity(chunks: AxisChunks) -> Self {
        Self { input: chunks.clone(), output: chunks, map: Map::Identity, anchored: false }
    }

    /// The same table, whose empty chunks need the first block.
    pub(crate) fn anchored(self) -> Self {
        Self { anchored: !self.is_identity(), ..self }
    }

    fn is_anchored_at(&self, out: u64) -> bool {
        self.anchored && self.output.block_len(out) == Some(0)
    }

    /// The same elements in other chunks.
    ///
    /// # Errors
    /// The lengths differ, or one is unknown and the chunks are not the same.
    pub(crate) fn rechunk(op: &'static str, old: &AxisChunks, new: &AxisChunks) -> Result<Self> {
        match (old.len(), new.len()) {
            _ if old == new => Ok(Self::identity(old.clone())),
            (Some(len), Some(new_len)) if len == new_len => {
                Ok(Self::new(old, new.clone(), Map::Range(AxisRange::full(len))))
            }
            (Some(len), Some(new_len)) => {
                Err(Error::chunks(op, format!("chunks add up to {new_len} on an axis with length {len}")))
            }
            _ => Err(Error::unknown_chunks(op, format_args!("chunks {old} can not be cut to {new}"))),
        }
    }

    /// The elements of `range`, one output chunk for every input block that has some, in the order of the selection.
    ///
    /// # Errors
    /// The length of the axis is unknown.
    pub(crate) fn slice(op: &'static str, input: &AxisChunks, range: AxisRange) -> Result<Self> {
        let len = known_len(op, input)?;
        if range.is_full(len) {
            return Ok(Self::identity(input.clone()));
        }
        let mut borders = vec![0];
        borders.extend(RangePieces::new(input, range, 0..range.len()).map(|piece| piece.dst.end));
        Ok(Self::new(input, chunks_from(borders), Map::Range(range)))
    }

    /// The elements at `positions`, in that order, duplicates included. Evenly spaced positions make a slice.
    ///
    /// Output chunks are not longer than the longest input chunk. Where the list goes through the input block by block,
    /// an output chunk holds what it takes from up to [`MAX_MERGED_BLOCKS`](super::take::MAX_MERGED_BLOCKS) neighbouring
    /// blocks; a list that jumps about is cut evenly, so that the number of chunks depends on its length alone.
    ///
    /// # Errors
    /// The length of the axis is unknown, or a position lies outside it.
    pub(crate) fn take(op: &'static str, axis: usize, input: &AxisChunks, positions: Arc<[u64]>) -> Result<Self> {
        let len = known_len(op, input)?;
        if let Some(&outside) = positions.iter().find(|&&position| position >= len) {
            return Err(Error::index(op, outside as i64, axis, len));
        }
        if let Some(range) = AxisRange::from_positions(&positions) {
            return Self::slice(op, input, range);
        }
        let output = super::take::output_chunks(input, &positions);
        let map = Map::List(Arc::new(ListMap::new(input, &output, positions)));
        Ok(Self::new(input, output, map))
    }

    /// The chunks before.
    #[cfg(test)]
    pub(crate) fn input(&self) -> &AxisChunks {
        &self.input
    }

    /// The chunks after.
    pub(crate) fn output(&self) -> &AxisChunks {
        &self.output
    }

    /// Whether every block is handed on as it is.
    pub(crate) fn is_identity(&self) -> bool {
        matches!(self.map, Map::Identity)
    }

    /// The pieces of output chunk `out`, in the order of their places; `None` if the chunk is a block of unknown length
    /// that is handed on whole.
    pub(crate) fn pieces_of(&self, out: u64) -> Option<Pieces<'_>> {
        let span = self.output.block_range(out)?;
        if self.is_anchored_at(out) {
            return Some(Pieces::Whole(Some(Piece { block: 0, src: AxisRange::contiguous(0..0), dst: 0..0 })));
        }
        Some(match &self.map {
            Map::Identity => Pieces::Whole(Some(Piece {
                block: out,
                src: AxisRange::full(span.end - span.start),
                dst: 0..span.end - span.start,
            })),
            Map::Range(range) => Pieces::Range(RangePieces::new(&self.input, *range, span)),
            Map::List(list) => Pieces::List(list.pieces(&self.input, span)),
        })
    }

    /// The input blocks that output chunk `out` needs.
    pub(crate) fn blocks_of(&self, out: u64) -> BlockSet<'_> {
        match &self.map {
            _ if self.is_anchored_at(out) => BlockSet::Range(0..1),
            Map::Identity => BlockSet::Range(out..out + 1),
            Map::Range(range) => self.range_blocks(*range, out),
            Map::List(list) => BlockSet::Slice(list.blocks_of(out)),
        }
    }

    /// The output chunks that need input block `block`.
    pub(crate) fn users_of(&self, block: u64) -> BlockSet<'_> {
        let users = self.users_of_elements(block);
        if !self.anchored || block > 0 {
            return users;
        }
        let empty = (0..self.output.n_blocks()).filter(|&out| self.is_anchored_at(out));
        BlockSet::from_unsorted(users.iter().chain(empty).collect())
    }

    fn users_of_elements(&self, block: u64) -> BlockSet<'_> {
        match &self.map {
            Map::Identity => BlockSet::Range(block..block + 1),
            Map::Range(range) => self.range_users(*range, block),
            Map::List(list) => BlockSet::Slice(list.users_of(block)),
        }
    }

    /// For each element of output chunk `out`, the place of its block in [`PieceTable::blocks_of`] and its position in
    /// that block; `None` as for [`PieceTable::pieces_of`].
    pub(crate) fn sources_of(&self, out: u64) -> Option<Vec<(usize, u64)>> {
        let blocks = self.blocks_of(out);
        let pieces = self.pieces_of(out)?;
        Some(
            pieces
                // A block of a piece is one of the blocks of its chunk.
                .filter_map(|piece| blocks.place_of(piece.block).map(|place| (place, piece.src)))
                .flat_map(|(place, src)| (0..src.len()).map(move |i| (place, src.at(i))))
                .collect(),
        )
    }

    fn range_blocks(&self, range: AxisRange, out: u64) -> BlockSet<'static> {
        let span = self.output.block_range(out).unwrap_or(0..0);
        if span.is_empty() {
            return BlockSet::Range(0..0);
        }
        let ends = [range.at(span.start), range.at(span.end - 1)];
        let [Some(a), Some(b)] = ends.map(|position| self.input.block_of(position)) else {
            return BlockSet::Range(0..0);
        };
        let (first, last) = (a.min(b), a.max(b));
        // Steps within the chunk size of a regular axis hit every block on the way.
        let no_gaps = last - first < 2
            || (self.input.is_regular() && Some(range.step().unsigned_abs()) <= self.input.max_block_len());
        if no_gaps {
            return BlockSet::Range(first..last + 1);
        }
        let mut list: Vec<u64> = RangePieces::new(&self.input, range, span).map(|piece| piece.block).collect();
        if range.step() < 0 {
            list.reverse();
        }
        BlockSet::from_ascending(list)
    }

    fn range_users(&self, range: AxisRange, block: u64) -> BlockSet<'static> {
        let selected = range.indices_in(self.input.block_range(block).unwrap_or(0..0));
        if selected.is_empty() {
            return BlockSet::Range(0..0);
        }
        let ends = [selected.start, selected.end - 1];
        let [Some(first), Some(last)] = ends.map(|i| self.output.block_of(i)) else { return BlockSet::Range(0..0) };
        // Only an irregular cut has empty chunks in between.
        if self.output.is_regular() || last - first < 2 {
            return BlockSet::Range(first..last + 1);
        }
        BlockSet::from_ascending((first..=last).filter(|&out| self.output.block_len(out) != Some(0)).collect())
    }
}

fn known_len(op: &'static str, chunks: &AxisChunks) -> Result<u64> {
    chunks.len().ok_or_else(|| Error::unknown_chunks(op, format_args!("the axis has chunks {chunks}")))
}

/// Chunks between borders, of which a lone 0 means an empty axis.
fn chunks_from(borders: Vec<u64>) -> AxisChunks {
    if borders.len() < 2 { AxisChunks::whole(0) } else { AxisChunks::from_borders(borders) }
}

/// The pieces of one output chunk.
#[derive(Debug)]
pub(crate) enum Pieces<'a> {
    /// A whole block.
    Whole(Option<Piece>),
    /// Pieces of a range.
    Range(RangePieces<'a>),
    /// Pieces of a list.
    List(super::take::ListPieces<'a>),
}

impl Iterator for Pieces<'_> {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        match self {
            Pieces::Whole(piece) => piece.take(),
            Pieces::Range(pieces) => pieces.next(),
            Pieces::List(pieces) => pieces.next(),
        }
    }
}

/// The longest stretches of a selection that lie in one block each.
#[derive(Debug)]
pub(crate) struct RangePieces<'a> {
    input: &'a AxisChunks,
    range: AxisRange,
    /// The selected elements that are to come.
    rest: Range<u64>,
    first: u64,
}

impl<'a> RangePieces<'a> {
    pub(super) fn new(input: &'a AxisChunks, range: AxisRange, span: Range<u64>) -> Self {
        Self { input, range, first: span.start, rest: span }
    }
}

impl Iterator for RangePieces<'_> {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        if self.rest.is_empty() {
            return None;
        }
        let position = self.range.at(self.rest.start);
        let block = self.input.block_of(position)?;
        let chunk = self.input.block_range(block)?;
        let step = self.range.step();
        let room = if step > 0 { chunk.end - 1 - position } else { position - chunk.start };
        let n = (room / step.unsigned_abs() + 1).min(self.rest.end - self.rest.start);
        let to = self.rest.start - self.first;
        self.rest.start += n;
        Some(Piece { block, src: AxisRange::canonical(position - chunk.start, step, n), dst: to..to + n })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::extent::SizeVar;
    use super::super::testing::{check, chunks, cut_of};
    use super::*;

    #[test]
    fn slices_keep_one_chunk_per_block_in_the_order_of_the_selection() {
        let slice = |start, stop, step| {
            let range = AxisRange::from_slice(start, stop, step, 10).unwrap();
            let table = PieceTable::slice("slice", &chunks(&[4, 4, 2]), range).unwrap();
            (table.output().to_string(), table.blocks_of(0).iter().collect::<Vec<_>>())
        };
        assert_eq!(slice(Some(7), Some(1), -2), ("2".into(), vec![1]));
        assert_eq!(slice(Some(1), Some(9), 1), ("(3, 4, 1)".into(), vec![0]));
        assert_eq!(slice(None, None, -1), ("(2, 4, 4)".into(), vec![2]));
        assert_eq!(slice(Some(5), Some(5), 1), ("0".into(), vec![]));
        assert_eq!(slice(Some(9), None, 1), ("1".into(), vec![2]));
    }

    #[test]
    fn unknown_axes_are_handed_on_and_nothing_else() {
        let unknown = AxisChunks::unknown(SizeVar(1), 3);
        let table = PieceTable::rechunk("rechunk", &unknown, &unknown).unwrap();
        assert!(table.is_identity() && table.pieces_of(2).is_none() && table.sources_of(2).is_none());
        assert_eq!((table.blocks_of(2).at(0), table.users_of(1).len()), (2, 1));
        assert!(PieceTable::slice("slice", &unknown, AxisRange::full(3)).unwrap_err().is_unknown_chunks());
        assert!(PieceTable::rechunk("rechunk", &unknown, &chunks(&[3])).unwrap_err().is_unknown_chunks());
    }

    #[test]
    fn chunks_of_another_length_are_refused() {
        let text = PieceTable::rechunk("rechunk", &chunks(&[3, 3]), &chunks(&[5])).unwrap_err().to_string();
        assert_eq!(text, "rechunk: chunks add up to 5 on an axis with length 6");
        let outside = PieceTable::take("take", 1, &chunks(&[3, 3]), vec![0, 6, 1].into()).unwrap_err();
        assert_eq!(outside.to_string(), "take: index 6 is out of bounds for axis 1 with length 6");
    }

    #[test]
    fn huge_axes_answer_by_arithmetic() {
        let len = 1u64 << 60;
        let (old, new) = (AxisChunks::regular(len, 3), AxisChunks::regular(len, 5));
        let table = PieceTable::rechunk("rechunk", &old, &new).unwrap();
        let last = new.n_blocks() - 1;
        assert_eq!(table.blocks_of(last).at(0), old.block_of(last * 5).unwrap());
        assert_eq!(table.users_of(old.n_blocks() - 1).at(0), last);
    }

    fn range_of(len: u64) -> impl Strategy<Value = AxisRange> {
        let step = (-7i64..8).prop_filter("a step is not 0", |&step| step != 0);
        (prop::option::of(-25i64..25), prop::option::of(-25i64..25), step)
            .prop_map(move |(start, stop, step)| AxisRange::from_slice(start, stop, step, len).unwrap())
    }

    proptest! {
        #[test]
        fn rechunked_axes_have_the_same_elements(
            (old, new) in (0u64..24).prop_flat_map(|len| (cut_of(len), cut_of(len))),
        ) {
            let table = PieceTable::rechunk("rechunk", &old, &new).unwrap();
            check(&table, &(0..old.len().unwrap()).collect::<Vec<_>>());
        }

        #[test]
        fn slices_have_the_selected_elements(
            (input, range) in (0u64..24).prop_flat_map(|len| (cut_of(len), range_of(len))),
        ) {
            let table = PieceTable::slice("slice", &input, range).unwrap();
            let positions: Vec<u64> = range.positions().collect();
            check(&table, &positions);
            if !table.is_identity() {
                prop_assert!((0..table.output().n_blocks()).all(|out| table.blocks_of(out).len() == usize::from(!positions.is_empty())));
            }
        }
    }
}
