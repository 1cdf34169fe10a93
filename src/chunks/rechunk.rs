//! The way from one grid to another.
//!
//! A rechunk in one step copies, for each pair of an old and a new block that overlap, one piece. Turning rows into
//! columns makes as many pieces as there are rows times columns, each of them tiny, and each new block needs every old
//! one. Going over a grid in between costs one more copy of the data and saves most of the pieces:
//!
//! ```text
//! old: 16 x 1        between: 4 x 4       new: 1 x 16
//! ┌─────────────┐    ┌──┬──┬──┬──┐        ┌┬┬┬┬┬┬┬┬┬┬┬┬┬┬┬┐
//! ├─────────────┤    │  │  │  │  │        ││││││││││││││││
//! ├─────────────┤    ├──┼──┼──┼──┤        ││││││││││││││││
//!       ...             ...               ││││││││││││││││
//!          16 * 4 pieces    4 * 16 pieces        directly: 16 * 16
//! ```
//!
//! # How steps are chosen
//! Merging first, up to a byte limit for a block, and splitting then is Matthew Rocklin's idea in `dask.array.rechunk`.
//! Here the steps are laid out so that all of them make about equally many pieces. Let blocks grow by a factor `M` along
//! the axes where they become longer, shrink by `S` along those where they become shorter, and let the limit leave a
//! *slack* of `L` above the old block size. In logarithms, after step `j` of `s` the shrinking axes have gone
//! `j g + (j - 1) ln L` of their way `ln S`, with `g` such that the last step arrives (but not below 0, where the slack
//! alone suffices), and the growing axes as much as the limit allows. With no slack that is the geometric mean of both
//! grids, with much of it a pure merge followed by a pure split. Plans of one to [`MAX_STEPS`] steps are made in full
//! and counted; the cheapest is taken, where copying the data once more counts as much as [`PIECES_PER_BLOCK`] pieces for
//! each block of the finer of both grids.
//!
//! It plans grids only: which pieces a step copies is told by [`PieceTable`](super::slicing::PieceTable).

use super::axis::AxisChunks;
use super::grid::Grid;

/// Another step must save so many pieces for every block of data that it copies once more. By time alone, copying a block
/// of some MiB is worth a few thousand pieces; but where blocks are spilled, each piece may mean to read a block back.
const PIECES_PER_BLOCK: f64 = 256.0;

/// No plan has more steps.
const MAX_STEPS: u32 = 4;

/// The grids to go through from `old` to `new`, the last of them `new`; only unequal axes of known length may change.
///
/// No block of a grid in between is larger than `limit_bytes`, or than the largest block of `old` or `new` if that is
/// larger. Where an axis has unknown length, `limit_bytes` means nothing and only the latter holds.
pub(crate) fn plan_rechunk(old: &Grid, new: &Grid, item_bytes: usize, limit_bytes: u64) -> Vec<Grid> {
    let direct = vec![new.clone()];
    if old == new || old.axes().iter().any(AxisChunks::is_empty) {
        return direct;
    }
    let way = Way::new(old, new, item_bytes, limit_bytes);
    let plans = (2..=MAX_STEPS).map(|n_steps| way.plan(n_steps)).filter(|plan| way.fits(plan));
    let first = (cost(old, &direct), direct);
    plans.map(|plan| (cost(old, &plan), plan)).fold(first, |a, b| if b.0 < a.0 { b } else { a }).1
}

/// The number of pieces that a rechunk in one step copies: pairs of an old and a new block that overlap.
pub(crate) fn n_pieces(old: &Grid, new: &Grid) -> u128 {
    let pairs = old.axes().iter().zip(new.axes());
    pairs.fold(1, |n: u128, (a, b)| n.saturating_mul(u128::from(axis_pieces(a, b))))
}

fn axis_pieces(old: &AxisChunks, new: &AxisChunks) -> u64 {
    if old == new {
        return old.n_blocks();
    }
    let inner = |axis: &AxisChunks| axis.borders().unwrap_or_default();
    let mut borders = inner(old);
    borders.extend(inner(new));
    borders.sort_unstable();
    borders.dedup();
    borders.len() as u64 - 1
}

fn cost(old: &Grid, plan: &[Grid]) -> f64 {
    let n_blocks = plan.last().map_or(0, Grid::n_blocks).max(old.n_blocks());
    let steps = std::iter::once(old).chain(plan).zip(plan);
    steps.map(|(from, to)| n_pieces(from, to) as f64 + PIECES_PER_BLOCK * n_blocks as f64).sum()
}

/// Two grids and what is between them; sizes of chunks are those of the largest.
struct Way<'a> {
    old: &'a Grid,
    new: &'a Grid,
    limit_elems: u128,
    /// The logarithms of `M`, `S` and `L`.
    growth: f64,
    shrink: f64,
    slack: f64,
}

/// The length of the longest chunk. Axes of unknown length do not change, so any number does for all of them.
fn longest(axis: &AxisChunks) -> u64 {
    axis.max_block_len().unwrap_or(1)
}

fn block_elems(grid: &Grid) -> u128 {
    grid.axes().iter().fold(1, |n: u128, axis| n.saturating_mul(u128::from(longest(axis))))
}

/// How far the longest chunk grows, as a logarithm.
fn log_ratio(old: &AxisChunks, new: &AxisChunks) -> f64 {
    (longest(new) as f64).ln() - (longest(old) as f64).ln()
}

impl<'a> Way<'a> {
    fn new(old: &'a Grid, new: &'a Grid, item_bytes: usize, limit_bytes: u64) -> Self {
        let given = if old.is_known() { u128::from(limit_bytes / (item_bytes as u64).max(1)) } else { 0 };
        let limit_elems = given.max(block_elems(old)).max(block_elems(new));
        let ratios = || old.axes().iter().zip(new.axes()).map(|(a, b)| log_ratio(a, b));
        Self {
            old,
            new,
            limit_elems,
            growth: ratios().filter(|&ratio| ratio > 0.0).sum(),
            shrink: -ratios().filter(|&ratio| ratio < 0.0).sum::<f64>(),
            slack: (limit_elems as f64).ln() - (block_elems(old) as f64).ln(),
        }
    }

    /// A plan of `n_steps` steps, or less where grids in between come out equal.
    fn plan(&self, n_steps: u32) -> Vec<Grid> {
        let n = f64::from(n_steps);
        let gap = ((self.shrink - (n - 1.0) * self.slack) / n).max(0.0);
        let mut plan: Vec<Grid> = Vec::with_capacity(n_steps as usize);
        for step in 1..n_steps {
            let shrunk = (f64::from(step) * gap + f64::from(step - 1) * self.slack).min(self.shrink);
            let grown = (shrunk + self.slack).min(self.growth);
            let share = |part: f64, whole: f64| if whole > 0.0 { part / whole } else { 1.0 };
            let grid = self.between(share(grown, self.growth), share(shrunk, self.shrink));
            if &grid != plan.last().unwrap_or(self.old) && &grid != self.new {
                plan.push(grid);
            }
        }
        plan.push(self.new.clone());
        plan
    }

    /// The grid at which growing and shrinking axes have gone these shares of their ways.
    fn between(&self, grown: f64, shrunk: f64) -> Grid {
        let pairs = self.old.axes().iter().zip(self.new.axes());
        pairs
            .map(|(old, new)| {
                let ratio = log_ratio(old, new);
                let share = if ratio > 0.0 { grown } else { shrunk };
                match share {
                    // Misaligned cuts of one size wait for the last step.
                    _ if ratio == 0.0 => old.clone(),
                    0.0 => old.clone(),
                    share if share >= 1.0 => new.clone(),
                    share => {
                        // Meant whole numbers come out a little below themselves.
                        let width = (longest(old) as f64 * (ratio * share).exp() * (1.0 + 1e-9)) as u64;
                        grouped(if ratio > 0.0 { old } else { new }, width)
                    }
                }
            })
            .collect()
    }

    /// Whether no block exceeds the limit; rounding may make a candidate do so.
    fn fits(&self, plan: &[Grid]) -> bool {
        plan.iter().all(|grid| block_elems(grid) <= self.limit_elems)
    }
}

/// Neighbouring chunks put together while they are at most `width` long.
fn grouped(chunks: &AxisChunks, width: u64) -> AxisChunks {
    let (Some(len), Some(longest)) = (chunks.len(), chunks.max_block_len()) else { return chunks.clone() };
    if chunks.is_regular() {
        return AxisChunks::regular(len, (width / longest.max(1)).max(1) * longest);
    }
    let mut borders = vec![0];
    let mut end = 0;
    for border in chunks.borders().unwrap_or_default() {
        if border - borders[borders.len() - 1] > width && end > borders[borders.len() - 1] {
            borders.push(end);
        }
        end = border;
    }
    borders.push(end);
    AxisChunks::from_borders(borders)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::extent::SizeVar;
    use super::super::slicing::PieceTable;
    use super::super::testing::{chunks, cut_of};
    use super::*;

    fn regular(shape: &[u64], sizes: &[u64]) -> Grid {
        shape.iter().zip(sizes).map(|(&len, &size)| AxisChunks::regular(len, size)).collect()
    }

    fn texts(plan: &[Grid]) -> Vec<String> {
        plan.iter().map(Grid::chunks_text).collect()
    }

    #[test]
    fn few_pieces_go_directly() {
        let (old, new) = (regular(&[8000, 8000], &[1000, 1000]), regular(&[8000, 8000], &[8000, 125]));
        assert_eq!(n_pieces(&old, &new), 8 * 64);
        assert_eq!(texts(&plan_rechunk(&old, &new, 8, 1 << 30)), ["(8000, 125)"]);
        assert_eq!(plan_rechunk(&old, &old, 8, 0), [old]);
    }

    #[test]
    fn rows_become_columns_over_squares_without_slack() {
        let (old, new) = (regular(&[4096, 4096], &[1, 4096]), regular(&[4096, 4096], &[4096, 1]));
        assert_eq!(texts(&plan_rechunk(&old, &new, 8, 0)), ["(64, 64)", "(4096, 1)"]);
    }

    #[test]
    fn slack_is_used_to_merge_first_and_split_then() {
        let (old, new) = (regular(&[4096, 4096], &[1, 4096]), regular(&[4096, 4096], &[4096, 1]));
        assert_eq!(texts(&plan_rechunk(&old, &new, 8, 8 << 24)), ["(4096, 4096)", "(4096, 1)"]);
        assert_eq!(texts(&plan_rechunk(&old, &new, 8, 16 * 8 * 4096)), ["(256, 256)", "(4096, 1)"]);
    }

    #[test]
    fn unknown_axes_stay_and_do_not_hinder() {
        let unknown = AxisChunks::unknown(SizeVar(1), 3);
        let grid = |rows, columns| {
            Grid::new(vec![AxisChunks::regular(4096, rows), unknown.clone(), AxisChunks::regular(4096, columns)])
        };
        let plan = plan_rechunk(&grid(1, 4096), &grid(4096, 1), 8, u64::MAX);
        assert_eq!(plan, [grid(64, 64), grid(4096, 1)]);
    }

    #[test]
    fn empty_arrays_and_huge_ones_are_planned() {
        let empty = |size| Grid::new(vec![AxisChunks::whole(0), AxisChunks::regular(10, size)]);
        assert_eq!(plan_rechunk(&empty(1), &empty(10), 8, 0), [empty(10)]);
        let len = 1 << 40;
        let (old, new) = (regular(&[len, len], &[len / 4, len / 4]), regular(&[len, len], &[len, len / 2]));
        assert_eq!(plan_rechunk(&old, &new, 8, 0), [new]);
    }

    #[test]
    fn groups_are_as_wide_as_allowed() {
        assert_eq!(grouped(&chunks(&[2, 0, 1, 3, 1, 5]), 4), chunks(&[3, 4, 5]));
        assert_eq!(grouped(&AxisChunks::regular(100, 10), 39), AxisChunks::regular(100, 30));
    }

    proptest! {
        #[test]
        fn pieces_are_counted_exactly((a, b) in (1u64..30).prop_flat_map(|len| (cut_of(len), cut_of(len)))) {
            let table = PieceTable::rechunk("rechunk", &a, &b).unwrap();
            let n: usize = (0..b.n_blocks()).map(|out| table.pieces_of(out).unwrap().count()).sum();
            prop_assert_eq!(n_pieces(&Grid::new(vec![a]), &Grid::new(vec![b])), n as u128);
        }

        #[test]
        fn groups_keep_borders_and_the_width(chunks in (1u64..40).prop_flat_map(cut_of), width in 1u64..40) {
            let groups = grouped(&chunks, width);
            let borders = chunks.borders().unwrap();
            prop_assert!(groups.borders().unwrap().iter().all(|border| borders.contains(border)));
            prop_assert!(groups.max_block_len().unwrap() <= width.max(chunks.max_block_len().unwrap()));
            prop_assert_eq!(groups.len(), chunks.len());
        }

        #[test]
        fn plans_arrive_within_the_limit_and_never_cost_more(
            (old, new) in prop::collection::vec((1u64..600).prop_flat_map(|len| (cut_of(len), cut_of(len))), 1..4)
                .prop_map(|axes| axes.into_iter().unzip::<_, _, Vec<_>, Vec<_>>())
                .prop_map(|(old, new)| (Grid::new(old), Grid::new(new))),
            limit_elems in 0u64..100_000,
        ) {
            let plan = plan_rechunk(&old, &new, 4, 4 * limit_elems);
            prop_assert_eq!(plan.last(), Some(&new));
            prop_assert!(plan.len() <= MAX_STEPS as usize);
            let limit = limit_elems.max(old.max_block_elems().unwrap()).max(new.max_block_elems().unwrap());
            for grid in &plan {
                prop_assert_eq!(grid.known_shape(), old.known_shape());
                prop_assert!(grid.max_block_elems().unwrap() <= limit);
            }
            prop_assert!(cost(&old, &plan) <= cost(&old, std::slice::from_ref(&new)));
        }

        #[test]
        fn rows_to_columns_need_far_fewer_pieces(n in 400u64..2000) {
            let (old, new) = (regular(&[n, n], &[1, n]), regular(&[n, n], &[n, 1]));
            let plan = plan_rechunk(&old, &new, 8, 0);
            let steps = std::iter::once(&old).chain(&plan).zip(&plan);
            let pieces: u128 = steps.map(|(from, to)| n_pieces(from, to)).sum();
            // Two balanced steps make 2 n^1.5 pieces; uneven cuts add some.
            prop_assert!((pieces as f64) < 4.0 * (n as f64).powf(1.5), "{} for {}", pieces, n);
        }
    }
}
