//! Blocks with a margin of their neighbours, for `map_overlap`.
//!
//! A window function at the edge of a block needs elements of the next one. A [`HaloAxis`] tells for each block which
//! pieces of which blocks make the block with its *halo*: `before` elements in front and `after` elements behind it.
//! The halo may reach over any number of blocks. Beyond the array it is filled as the [`Boundary`] says:
//!
//! ```text
//! blocks        │ 0  1  2 │ 3  4  5 │           halo 2 before, 1 after
//! None                │ 0  1  2  3 │            halos end with the array
//! Constant    c  c    │ 0  1  2  3 │
//! Nearest     0  0    │ 0  1  2  3 │
//! Reflect     1  0    │ 0  1  2  3 │            the edge element is repeated: NumPy's `symmetric`
//! Periodic    4  5    │ 0  1  2  3 │
//! ```
//!
//! A halo longer than the axis is reflected or wrapped again and again. An axis without elements has nothing to repeat:
//! only `None` and `Constant` fit it.
//!
//! Each axis stands alone; the corners of an n-d block are products of pieces.

use std::ops::Range;

use super::axis::AxisChunks;
use super::select::AxisRange;
use super::slicing::{BlockSet, Piece, RangePieces};
use crate::error::{Error, Result};

/// What lies beyond the ends of an axis.
///
/// ```text
/// 1 2 3 4 with a margin of 2
///
/// none                 1 2 3 4
/// reflect       2 1 | 1 2 3 4 | 4 3
/// periodic      3 4 | 1 2 3 4 | 1 2
/// nearest       1 1 | 1 2 3 4 | 4 4
/// constant 0    0 0 | 1 2 3 4 | 0 0
/// ```
///
/// # Examples
/// ```
/// use hyperslab::prelude::*;
/// let x = Array::from_vec(vec![1, 2, 3, 4], Chunks::size(4))?;
/// let with_margin = |boundary| {
///     let (around, sizes) = (Overlap::depth(2).boundary(boundary).untrimmed(), MapBlocks::new().chunks([vec![8]]));
///     x.map_overlap_with(around, sizes, |b| Ok(b.dense()?.to_owned().into()))
/// };
/// let reflected: Array<i32> = with_margin(Boundary::Reflect)?;
/// assert_eq!(reflected.compute()?, ndarray::arr1(&[2, 1, 1, 2, 3, 4, 4, 3]).into_dyn());
/// # Ok::<(), hyperslab::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Boundary {
    /// Nothing: blocks at the ends have shorter halos.
    None,
    /// The axis backwards, the edge element repeated, then forwards, and so on.
    Reflect,
    /// The axis again.
    Periodic,
    /// The element at the edge.
    Nearest,
    /// One value.
    Constant,
}

/// A part of a block with its halo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HaloPart {
    /// Elements of a block, backwards where the boundary reflects.
    Copy(Piece),
    /// One element of a block again and again.
    Repeat {
        /// The block.
        block: u64,
        /// The element, counted from the start of the block.
        src: u64,
        /// Where it goes, counted from the start of the halo.
        dst: Range<u64>,
    },
    /// The constant.
    Fill {
        /// Where it goes, counted from the start of the halo.
        dst: Range<u64>,
    },
}

/// The blocks of an axis with their halos.
#[derive(Clone, Debug)]
pub(crate) struct HaloAxis {
    chunks: AxisChunks,
    len: i128,
    before: u64,
    after: u64,
    boundary: Boundary,
}

/// Where a stretch of a halo comes from.
enum Source {
    Elements(AxisRange),
    Element(u64),
    Constant,
}

impl HaloAxis {
    /// Halos of `depth` elements before and after each block of axis number `axis`.
    ///
    /// # Errors
    /// The length of the axis is unknown and the depth is not 0; the axis is empty and the boundary repeats its elements;
    /// the lengths overflow.
    pub(crate) fn new(
        op: &'static str,
        axis: usize,
        chunks: AxisChunks,
        depth: (u64, u64),
        boundary: Boundary,
    ) -> Result<Self> {
        let (before, after) = depth;
        if depth == (0, 0) {
            let len = i128::from(chunks.len().unwrap_or(0));
            return Ok(Self { chunks, len, before, after, boundary });
        }
        let Some(len) = chunks.len() else {
            return Err(Error::unknown_chunks(op, format_args!("axis {axis} with chunks {chunks} can not overlap")));
        };
        if len == 0 && !matches!(boundary, Boundary::None | Boundary::Constant) {
            return Err(Error::value(
                op,
                format!("axis {axis} has no elements to fill a halo of {before} and {after} with"),
            )
            .with_remedy("use a constant boundary or none"));
        }
        if len.checked_add(before).and_then(|n| n.checked_add(after)).is_none_or(|n| i64::try_from(n).is_err()) {
            return Err(Error::value(
                op,
                format!("axis {axis} with length {len} and a halo of {before} and {after} is too long"),
            ));
        }
        Ok(Self { chunks, len: i128::from(len), before, after, boundary })
    }

    /// The chunks without halos.
    #[cfg(test)]
    pub(crate) fn chunks(&self) -> &AxisChunks {
        &self.chunks
    }

    /// Whether there are no halos at all.
    pub(crate) fn is_identity(&self) -> bool {
        (self.before, self.after) == (0, 0)
    }

    /// The chunks with halos, one after the other.
    ///
    /// # Errors
    /// They add up to 2^64 or more.
    pub(crate) fn padded(&self) -> Result<AxisChunks> {
        if self.is_identity() {
            return Ok(self.chunks.clone());
        }
        let sizes: Vec<u64> = (0..self.chunks.n_blocks())
            .map(|block| {
                let (before, after) = self.halo_of(block);
                before + self.chunks.block_len(block).unwrap_or(0) + after
            })
            .collect();
        AxisChunks::from_sizes(&sizes)
    }

    /// The lengths of the halo of `block` before and after it.
    pub(crate) fn halo_of(&self, block: u64) -> (u64, u64) {
        match (self.boundary, self.chunks.block_range(block)) {
            (Boundary::None, Some(own)) => (self.before.min(own.start), self.after.min(self.len as u64 - own.end)),
            _ => (self.before, self.after),
        }
    }

    /// The parts of `block` with its halo, in order; `None` for a block of unknown length, which has no halo.
    pub(crate) fn parts_of(&self, block: u64) -> Option<Vec<HaloPart>> {
        let window = self.window(block)?;
        let mut parts = Vec::new();
        let mut at = window.start;
        while at < window.end {
            let (source, n) = self.stretch(at, window.end);
            let dst = (at - window.start) as u64;
            match source {
                Source::Constant => parts.push(HaloPart::Fill { dst: dst..dst + n }),
                Source::Element(position) => parts.extend(
                    RangePieces::new(&self.chunks, AxisRange::contiguous(position..position + 1), 0..1).map(|piece| {
                        HaloPart::Repeat { block: piece.block, src: piece.src.start(), dst: dst..dst + n }
                    }),
                ),
                Source::Elements(range) => {
                    parts.extend(RangePieces::new(&self.chunks, range, 0..n).map(|piece| {
                        HaloPart::Copy(Piece { dst: dst + piece.dst.start..dst + piece.dst.end, ..piece })
                    }));
                }
            }
            at += i128::from(n);
        }
        Some(parts)
    }

    /// The blocks that `block` with its halo needs.
    pub(crate) fn blocks_of(&self, block: u64) -> BlockSet<'static> {
        if self.is_identity() {
            return BlockSet::Range(block..block + 1);
        }
        let blocks = self.parts_of(block).unwrap_or_default().into_iter().filter_map(|part| match part {
            HaloPart::Copy(Piece { block, .. }) | HaloPart::Repeat { block, .. } => Some(block),
            HaloPart::Fill { .. } => None,
        });
        BlockSet::from_unsorted(blocks.collect())
    }

    /// The blocks whose halo or self needs `block`.
    pub(crate) fn users_of(&self, block: u64) -> BlockSet<'static> {
        if self.is_identity() {
            return BlockSet::Range(block..block + 1);
        }
        let own = self.chunks.block_range(block).unwrap_or(0..0);
        if own.is_empty() {
            return BlockSet::Range(0..0);
        }
        let (start, end) = (i128::from(own.start), i128::from(own.end));
        let users = self.images(start..end).into_iter().flat_map(|image| self.windows_over(&image));
        BlockSet::from_unsorted(users.collect())
    }

    /// The positions of a block with its halo, which may lie beyond the axis.
    fn window(&self, block: u64) -> Option<Range<i128>> {
        let own = self.chunks.block_range(block)?;
        let (before, after) = self.halo_of(block);
        Some(i128::from(own.start) - i128::from(before)..i128::from(own.end) + i128::from(after))
    }

    /// What is at position `at`, and for how many positions up to `end` it goes on like that.
    fn stretch(&self, at: i128, end: i128) -> (Source, u64) {
        let up_to = |stop: i128| (stop.min(end) - at) as u64;
        let upwards = |from: i128, n: u64| (Source::Elements(AxisRange::canonical(from as u64, 1, n)), n);
        let outside_stop = if at < 0 { 0 } else { end };
        match self.boundary {
            _ if (0..self.len).contains(&at) => upwards(at, up_to(self.len)),
            // A window without boundary ends with the axis; `None` is never asked for more.
            Boundary::None | Boundary::Constant => (Source::Constant, up_to(outside_stop)),
            Boundary::Nearest => (Source::Element(if at < 0 { 0 } else { self.len as u64 - 1 }), up_to(outside_stop)),
            Boundary::Periodic => {
                let from = at.rem_euclid(self.len);
                upwards(from, up_to(at + self.len - from))
            }
            Boundary::Reflect => {
                let phase = at.rem_euclid(2 * self.len);
                if phase < self.len {
                    return upwards(phase, up_to(at + self.len - phase));
                }
                let n = up_to(at + 2 * self.len - phase);
                (Source::Elements(AxisRange::canonical((2 * self.len - 1 - phase) as u64, -1, n)), n)
            }
        }
    }

    /// The places at which elements `own` of the axis appear, in it and beyond it.
    fn images(&self, own: Range<i128>) -> Vec<Range<i128>> {
        let (before, after) = (i128::from(self.before), i128::from(self.after));
        let shifted = |by: i128| own.start + by..own.end + by;
        let periods = |period: i128| (-before).div_euclid(period)..=(self.len + after).div_euclid(period);
        match self.boundary {
            Boundary::None | Boundary::Constant => vec![own],
            Boundary::Periodic => periods(self.len).map(|k| shifted(k * self.len)).collect(),
            Boundary::Reflect => {
                let period = 2 * self.len;
                let mirrored = |by: i128| by + period - own.end..by + period - own.start;
                periods(period).flat_map(|k| [shifted(k * period), mirrored(k * period)]).collect()
            }
            Boundary::Nearest => {
                let low = if own.start == 0 { -before } else { own.start };
                let high = if own.end == self.len { self.len + after } else { own.end };
                let image = low..high;
                vec![image]
            }
        }
    }

    /// The blocks whose windows have positions in `image`.
    fn windows_over(&self, image: &Range<i128>) -> Range<u64> {
        let bounds = |block: u64| {
            let own = self.chunks.block_range(block).unwrap_or(0..0);
            (i128::from(own.start) - i128::from(self.before), i128::from(own.end) + i128::from(self.after))
        };
        let n = self.chunks.n_blocks();
        let first = first_block(n, |block| bounds(block).1 > image.start);
        first..first_block(n, |block| bounds(block).0 >= image.end).max(first)
    }
}

/// The first block from which on `holds` is true; `n` if it never is.
fn first_block(n: u64, holds: impl Fn(u64) -> bool) -> u64 {
    let (mut low, mut high) = (0, n);
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::extent::SizeVar;
    use super::super::testing::{chunks, cut_of};
    use super::*;

    const BOUNDARIES: [Boundary; 5] =
        [Boundary::None, Boundary::Reflect, Boundary::Periodic, Boundary::Nearest, Boundary::Constant];

    fn halo(chunks: AxisChunks, depth: (u64, u64), boundary: Boundary) -> HaloAxis {
        HaloAxis::new("map_overlap", 0, chunks, depth, boundary).unwrap()
    }

    /// Stands for the constant in lists of positions.
    const CONSTANT: i64 = -1;

    /// The positions of a block with its halo.
    fn gathered(axis: &HaloAxis, block: u64) -> Vec<i64> {
        let at = |block, i| (axis.chunks().block_range(block).unwrap().start + i) as i64;
        let mut got = Vec::new();
        for part in axis.parts_of(block).unwrap() {
            let dst = match &part {
                HaloPart::Copy(piece) => piece.dst.clone(),
                HaloPart::Repeat { dst, .. } | HaloPart::Fill { dst } => dst.clone(),
            };
            assert_eq!(dst.start, got.len() as u64);
            match part {
                HaloPart::Copy(piece) => got.extend(piece.src.positions().map(|i| at(piece.block, i))),
                HaloPart::Repeat { block, src, .. } => got.extend(dst.clone().map(|_| at(block, src))),
                HaloPart::Fill { .. } => got.extend(dst.clone().map(|_| CONSTANT)),
            }
            assert_eq!(dst.end, got.len() as u64);
        }
        got
    }

    /// What `pad` has at a position, `None` where there is nothing.
    fn padded_at(at: i64, len: i64, boundary: Boundary) -> Option<i64> {
        match boundary {
            _ if (0..len).contains(&at) => Some(at),
            Boundary::None => None,
            Boundary::Constant => Some(CONSTANT),
            Boundary::Nearest => Some(at.clamp(0, len - 1)),
            // One step at a time, so that it owes nothing to remainders.
            Boundary::Periodic => padded_at(if at < 0 { at + len } else { at - len }, len, boundary),
            Boundary::Reflect => padded_at(if at < 0 { -1 - at } else { 2 * len - 1 - at }, len, boundary),
        }
    }

    #[test]
    fn boundaries_fill_as_drawn() {
        let first = |boundary| {
            let axis = halo(AxisChunks::regular(6, 3), (2, 1), boundary);
            gathered(&axis, 0).iter().map(i64::to_string).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(BOUNDARIES.map(first), ["0 1 2 3", "1 0 0 1 2 3", "4 5 0 1 2 3", "0 0 0 1 2 3", "-1 -1 0 1 2 3"]);
        let none = halo(AxisChunks::regular(10, 4), (1, 0), Boundary::None);
        assert_eq!(none.padded().unwrap(), chunks(&[4, 5, 3]));
    }

    #[test]
    fn halos_that_can_not_be_filled_are_refused() {
        let new = |chunks, depth, boundary| HaloAxis::new("map_overlap", 2, chunks, depth, boundary);
        let text = new(AxisChunks::whole(0), (1, 2), Boundary::Nearest).unwrap_err().to_string();
        assert!(text.starts_with("map_overlap: axis 2 has no elements to fill a halo of 1 and 2 with"));
        assert!(new(AxisChunks::whole(0), (1, 2), Boundary::Constant).is_ok());
        assert!(new(AxisChunks::whole(3), (u64::MAX, 2), Boundary::Constant).is_err());
        let unknown = AxisChunks::unknown(SizeVar(1), 2);
        assert!(new(unknown.clone(), (0, 1), Boundary::None).unwrap_err().is_unknown_chunks());
        let identity = new(unknown.clone(), (0, 0), Boundary::Reflect).unwrap();
        assert!(identity.parts_of(0).is_none() && identity.blocks_of(1).at(0) == 1);
        assert_eq!(identity.padded().unwrap(), unknown);
    }

    #[test]
    fn empty_blocks_at_the_ends_reach_the_edge_elements() {
        let axis = halo(chunks(&[0, 2, 0]), (1, 0), Boundary::Nearest);
        assert_eq!((gathered(&axis, 0), gathered(&axis, 2)), (vec![0], vec![1]));
        assert_eq!(axis.users_of(1).iter().collect::<Vec<_>>(), [0, 1, 2]);
    }

    #[test]
    fn inner_blocks_of_huge_axes_need_their_neighbours_only() {
        let axis = halo(AxisChunks::regular(1 << 60, 1 << 20), (1, 1), Boundary::Periodic);
        let last = axis.chunks().n_blocks() - 1;
        assert_eq!(axis.blocks_of(5).iter().collect::<Vec<_>>(), [4, 5, 6]);
        assert_eq!(axis.users_of(0).iter().collect::<Vec<_>>(), [0, 1, last]);
    }

    fn depth() -> impl Strategy<Value = u64> {
        prop_oneof![Just(0u64), 1u64..4, 4u64..40]
    }

    proptest! {
        #[test]
        fn halos_hold_what_pad_would_put_there(
            chunks in (0u64..14).prop_flat_map(cut_of), before in depth(), after in depth(), which in 0usize..5,
        ) {
            let boundary = BOUNDARIES[which];
            let len = chunks.len().unwrap() as i64;
            let fits = len > 0 || before + after == 0 || matches!(boundary, Boundary::None | Boundary::Constant);
            let axis = HaloAxis::new("map_overlap", 0, chunks.clone(), (before, after), boundary);
            prop_assert_eq!(axis.is_ok(), fits);
            let Ok(axis) = axis else { return Ok(()) };
            let padded = axis.padded().unwrap();
            let mut pairs = Vec::new();
            for block in 0..chunks.n_blocks() {
                let own = chunks.block_range(block).unwrap();
                let window = own.start as i64 - before as i64..own.end as i64 + after as i64;
                let expected: Vec<_> = window.filter_map(|at| padded_at(at, len, boundary)).collect();
                prop_assert_eq!(gathered(&axis, block), expected.clone());
                prop_assert_eq!(padded.block_len(block), Some(expected.len() as u64));
                let (halo_before, halo_after) = axis.halo_of(block);
                prop_assert_eq!(halo_before + own.end - own.start + halo_after, expected.len() as u64);
                let inside = expected.into_iter().filter(|&at| at != CONSTANT);
                let mut blocks: Vec<u64> = inside.map(|at| chunks.block_of(at as u64).unwrap()).collect();
                if axis.is_identity() {
                    blocks.push(block);
                }
                blocks.sort_unstable();
                blocks.dedup();
                prop_assert_eq!(axis.blocks_of(block).iter().collect::<Vec<_>>(), blocks.clone());
                pairs.extend(blocks.into_iter().map(|source| (source, block)));
            }
            pairs.sort_unstable();
            let users_of = |block| axis.users_of(block).iter().map(|user| (block, user)).collect::<Vec<_>>();
            prop_assert_eq!((0..chunks.n_blocks()).flat_map(users_of).collect::<Vec<_>>(), pairs);
        }
    }
}
