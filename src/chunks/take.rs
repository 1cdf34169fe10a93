//! The part of a piece table that is a list: `take` and fancy indexing.
//!
//! A list of positions is stored once; what is derived from it is only which output chunks need which blocks, in both
//! directions (a *pair* each). Runs of evenly spaced positions in one block become one piece.
//!
//! The cut of the output decides how many tasks and how much memory an indexing costs; [`output_chunks`] tells how it is
//! chosen. Use the tables through [`PieceTable::take`](super::slicing::PieceTable::take).

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use super::axis::AxisChunks;
use super::select::AxisRange;
use super::slicing::Piece;

/// So many input blocks may be put together in one output chunk of a list that goes block by block.
pub(crate) const MAX_MERGED_BLOCKS: usize = 16;

/// A list goes block by block if it comes to each of its blocks so many times on average, or less.
const RUNS_PER_BLOCK: usize = 4;

/// The cut of the elements at `positions`: no chunk is longer than the longest chunk of the input.
///
/// A list that goes through the input block by block, as sorted ones do, is cut where it leaves a block; neighbours are
/// merged while they fit into one chunk, at most [`MAX_MERGED_BLOCKS`] of them, because all of them are in memory at
/// once. There are then at most as many cuts as changes of block. A list that jumps about needs many blocks for any
/// chunk, and cutting it at each jump would give as many chunks as elements; it is cut evenly.
pub(crate) fn output_chunks(input: &AxisChunks, positions: &[u64]) -> AxisChunks {
    let most = input.max_block_len().unwrap_or(0).max(1);
    let runs = block_runs(input, positions);
    let touched: HashSet<u64> = runs.iter().map(|run| run.block).collect();
    if runs.len() > RUNS_PER_BLOCK * touched.len() {
        return AxisChunks::regular(positions.len() as u64, most);
    }
    let mut sizes: Vec<u64> = Vec::new();
    let (mut size, mut merged) = (0, 0);
    for run in runs {
        if merged == MAX_MERGED_BLOCKS || size + run.len > most {
            sizes.extend((merged > 0).then_some(size));
            (size, merged) = (0, 0);
        }
        let mut rest = run.len;
        while rest > most {
            sizes.push(most);
            rest -= most;
        }
        (size, merged) = (size + rest, merged + 1);
    }
    sizes.extend((merged > 0).then_some(size));
    // The sizes add up to the length of a list in memory.
    AxisChunks::from_sizes(&sizes).unwrap_or_else(|_| AxisChunks::whole(positions.len() as u64))
}

/// Consecutive positions in one block.
struct Run {
    block: u64,
    len: u64,
}

fn block_runs(input: &AxisChunks, positions: &[u64]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut chunk = 0..0;
    for &position in positions {
        match runs.last_mut() {
            Some(run) if chunk.contains(&position) => run.len += 1,
            _ => {
                // The positions were checked to lie in the axis, so each has a block.
                let block = input.block_of(position).unwrap_or(0);
                chunk = input.block_range(block).unwrap_or(0..0);
                runs.push(Run { block, len: 1 });
            }
        }
    }
    runs
}

/// Lists of numbers under ascending keys.
#[derive(Debug, Default)]
struct Lists {
    keys: Vec<u64>,
    starts: Vec<usize>,
    items: Vec<u64>,
}

impl Lists {
    /// From pairs in ascending order.
    fn new(pairs: impl Iterator<Item = (u64, u64)>) -> Self {
        let mut lists = Self::default();
        for (key, item) in pairs {
            if lists.keys.last() != Some(&key) {
                lists.keys.push(key);
                lists.starts.push(lists.items.len());
            }
            lists.items.push(item);
        }
        lists.starts.push(lists.items.len());
        lists
    }

    fn get(&self, key: u64) -> &[u64] {
        match self.keys.binary_search(&key) {
            Ok(i) => &self.items[self.starts[i]..self.starts[i + 1]],
            Err(_) => &[],
        }
    }
}

/// Output element `i` is input element `positions[i]`.
#[derive(Debug)]
pub(crate) struct ListMap {
    positions: Arc<[u64]>,
    blocks: Lists,
    users: Lists,
}

impl ListMap {
    pub(crate) fn new(input: &AxisChunks, output: &AxisChunks, positions: Arc<[u64]>) -> Self {
        let mut pairs: Vec<(u64, u64)> = Vec::new();
        let mut blocks: Vec<u64> = Vec::new();
        for out in 0..output.n_blocks() {
            let span = output.block_range(out).unwrap_or(0..0);
            let within = &positions[span.start as usize..span.end as usize];
            blocks.clear();
            blocks.extend(within.iter().filter_map(|&position| input.block_of(position)));
            blocks.sort_unstable();
            blocks.dedup();
            pairs.extend(blocks.iter().map(|&block| (out, block)));
        }
        let by_out = Lists::new(pairs.iter().copied());
        pairs.sort_unstable_by_key(|&(out, block)| (block, out));
        Self { positions, blocks: by_out, users: Lists::new(pairs.into_iter().map(|(out, block)| (block, out))) }
    }

    pub(crate) fn blocks_of(&self, out: u64) -> &[u64] {
        self.blocks.get(out)
    }

    pub(crate) fn users_of(&self, block: u64) -> &[u64] {
        self.users.get(block)
    }

    pub(crate) fn pieces<'a>(&'a self, input: &'a AxisChunks, span: Range<u64>) -> ListPieces<'a> {
        ListPieces { input, rest: &self.positions[span.start as usize..span.end as usize], done: 0 }
    }
}

/// The longest stretches of a list that are evenly spaced and lie in one block each.
#[derive(Debug)]
pub(crate) struct ListPieces<'a> {
    input: &'a AxisChunks,
    rest: &'a [u64],
    done: u64,
}

impl Iterator for ListPieces<'_> {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        let first = *self.rest.first()?;
        let block = self.input.block_of(first)?;
        let chunk = self.input.block_range(block)?;
        let signed = |position: u64| position as i64;
        let step = match self.rest.get(1) {
            Some(second) if chunk.contains(second) && *second != first => signed(*second).wrapping_sub(signed(first)),
            _ => 1,
        };
        let follows = |w: &&[u64]| chunk.contains(&w[1]) && signed(w[1]).wrapping_sub(signed(w[0])) == step;
        let n = 1 + self.rest.windows(2).take_while(follows).count();
        let to = self.done;
        self.rest = &self.rest[n..];
        self.done += n as u64;
        Some(Piece { block, src: AxisRange::canonical(first - chunk.start, step, n as u64), dst: to..self.done })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::slicing::PieceTable;
    use super::super::testing::{check, chunks, cut_of};
    use super::*;

    fn take(input: &AxisChunks, positions: &[u64]) -> PieceTable {
        PieceTable::take("take", 0, input, positions.into()).unwrap()
    }

    #[test]
    fn runs_in_one_block_are_one_piece() {
        let table = take(&AxisChunks::regular(10, 5), &[4, 2, 0, 7, 7, 8, 9]);
        let pieces: Vec<_> = (0..2).flat_map(|out| table.pieces_of(out).unwrap()).map(|p| (p.block, p.src)).collect();
        let expected =
            [(0, AxisRange::canonical(4, -2, 3)), (1, AxisRange::contiguous(2..3)), (1, AxisRange::contiguous(2..5))];
        assert_eq!((table.output(), pieces.as_slice()), (&chunks(&[3, 4]), expected.as_slice()));
    }

    #[test]
    fn sorted_lists_are_cut_at_blocks_and_scattered_ones_evenly() {
        let input = AxisChunks::regular(40, 10);
        let sorted: Vec<u64> = (0..40).filter(|i| i % 7 != 0).collect();
        assert_eq!(take(&input, &sorted).output(), &chunks(&[8, 9, 8, 9]));
        let sparse: Vec<u64> = (0..40).filter(|i| i % 10 < 2).collect();
        assert_eq!(take(&input, &sparse).output(), &chunks(&[8]));
        let scattered: Vec<u64> = (0..40).map(|i| i * 17 % 40 / 3).collect();
        assert_eq!(take(&input, &scattered).output(), &AxisChunks::regular(40, 10));
        let repeated: Vec<u64> = (0..25).map(|i| i / 20).collect();
        assert_eq!(take(&input, &repeated).output(), &chunks(&[10, 10, 5]));
    }

    #[test]
    fn evenly_spaced_lists_are_slices() {
        let input = AxisChunks::regular(40, 10);
        let all: Vec<u64> = (0..40).collect();
        assert!(take(&input, &all).is_identity());
        let down: Vec<u64> = (0..40).rev().step_by(3).collect();
        assert_eq!(take(&input, &down).output(), &chunks(&[4, 3, 3, 4]));
    }

    proptest! {
        #[test]
        fn lists_have_the_listed_elements(
            (input, positions) in (1u64..24).prop_flat_map(|len| (cut_of(len), prop::collection::vec(0..len, 0..40))),
            sort in any::<bool>(),
        ) {
            let mut positions = positions;
            if sort {
                positions.sort_unstable();
            }
            let table = take(&input, &positions);
            check(&table, &positions);
            let (longest, n) = (input.max_block_len().unwrap(), positions.len() as u64);
            prop_assert!(table.output().max_block_len().unwrap() <= longest);
            // At most one cut for each arrival at a block, and one for each full chunk.
            prop_assert!(table.output().n_blocks() <= 4 * input.n_blocks() + n.div_ceil(longest).max(1));
        }
    }
}
