//! Reshaping block by block.
//!
//! A reshape keeps the elements in row-major order. Both grids can be chosen such that each output block is one input
//! block with another shape: then no task sees more than one block. [`plan_reshape`] finds such grids.
//!
//! # How
//! The axes of both shapes fall into the smallest *groups* with equal products, read from the left: (6, 4, 5) to (3, 8, 5)
//! has the groups 6·4 = 3·8 and 5 = 5. A group of one axis on each side keeps its chunks. In any other group, blocks must
//! be stretches of the row-major order on both sides: on each side there is one axis which is cut, the axes before it have
//! chunks of 1, those after it are whole.
//!
//! ```text
//! (6, 4) in chunks of (2, 4)      (3, 8) in chunks of (1, 8)
//!  0  1  2  3                      0  1  2  3  4  5  6  7
//!  4  5  6  7                     ───────────────────────
//! ────────────                     8  9 10 11 12 13 14 15
//!  8  9 10 11                     ───────────────────────
//!     ...                                  ...
//! ```
//!
//! Let `t` and `s` be the lengths of what is whole behind the cut axes, `R` and `Q` those lengths times the cut axes
//! (or the whole group where the cut axis is the first). Borders then repeat with the *period* gcd(R, Q) and are
//! multiples of the *unit* lcm(t, s), which must divide the period. Among the pairs of axes for which it does, the one
//! whose blocks are closest in size to those of the array is taken.
//!
//! Where lengths have so little in common that all pairs give far too large or far too small blocks, as from (10007, 1000)
//! to (1000, 10007), the group goes through its flat form in two steps, each with blocks of a good size.

use super::axis::AxisChunks;
use super::grid::{Grid, count_elems};
use crate::error::{Error, Result, Shown};

/// Blocks that are by this factor larger or smaller than those of the array are avoided at the price of a second step.
const SIZE_RATIO: u64 = 16;

/// A reshape block by block: block number `i` of `output` is block number `i` of `input` with another shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReshapeStep {
    /// The grid that the array is rechunked to first.
    pub(crate) input: Grid,
    /// The grid of the result.
    pub(crate) output: Grid,
}

/// The steps that reshape an array with the grid `old`: one, or two where there is no good way in one.
///
/// Blocks have about as many elements as those of `old`. They exceed the larger of `limit_bytes` and the largest block of
/// `old` never.
///
/// # Errors
/// A length is unknown, or the numbers of elements differ.
pub(crate) fn plan_reshape(
    op: &'static str,
    old: &Grid,
    new_shape: &[u64],
    item_bytes: usize,
    limit_bytes: u64,
) -> Result<Vec<ReshapeStep>> {
    let shape = old.require_shape(op)?;
    let n_elems = check_elems(op, &shape, new_shape)?;
    if n_elems == 0 {
        return Ok(vec![ReshapeStep { input: Grid::single(&shape), output: Grid::single(new_shape) }]);
    }
    let block_elems = old.max_block_elems().unwrap_or(1).max(1);
    let mut slack = (limit_bytes / (item_bytes as u64).max(1) / block_elems).max(1);
    let mut steps = [(vec![], vec![]), (vec![], vec![])];
    for group in groups(old, new_shape) {
        let ways = group.ways(slack);
        slack /= ways.growth.min(slack);
        for (step, (input, output)) in steps.iter_mut().zip(ways.steps) {
            step.0.extend(input);
            step.1.extend(output);
        }
    }
    let [first, second] =
        steps.map(|(input, output)| ReshapeStep { input: Grid::new(input), output: Grid::new(output) });
    let done = second.input == second.output && second.input == first.output;
    let first = ReshapeStep { input: with_ones(&first.input, &shape), ..first };
    Ok(if done {
        vec![ReshapeStep { output: with_ones(&first.output, new_shape), ..first }]
    } else {
        vec![first, ReshapeStep { output: with_ones(&second.output, new_shape), ..second }]
    })
}

/// The shape meant by `lens`, in which one -1 stands for whatever makes `n_elems` elements.
///
/// # Errors
/// There is another negative length or a second -1; the numbers of elements do not agree; any length would do.
pub(crate) fn infer_shape(op: &'static str, lens: &[i64], n_elems: u64) -> Result<Vec<u64>> {
    let cannot =
        |why: String| Error::shape(op, format!("{n_elems} elements can not be reshaped into {}: {why}", Shown(lens)));
    if let Some(negative) = lens.iter().find(|&&len| len < -1) {
        return Err(cannot(format!("{negative} is not a length")));
    }
    let known: Vec<u64> = lens.iter().filter_map(|&len| u64::try_from(len).ok()).collect();
    let n_known = count_elems(&known).ok_or_else(|| cannot("that is 2^64 elements or more".to_owned()))?;
    let n_missing = lens.iter().filter(|&&len| len == -1).count();
    let missing = match n_missing {
        0 if n_known == n_elems => 0,
        0 => return Err(cannot(format!("that is {n_known} elements"))),
        1 if n_known == 0 => return Err(cannot("-1 could be any length".to_owned())),
        1 if n_elems.is_multiple_of(n_known) => n_elems / n_known,
        1 => return Err(cannot(format!("{n_elems} is not a multiple of {n_known}"))),
        _ => return Err(cannot("only one length can be -1".to_owned())),
    };
    Ok(lens.iter().map(|&len| u64::try_from(len).unwrap_or(missing)).collect())
}

fn check_elems(op: &'static str, shape: &[u64], new_shape: &[u64]) -> Result<u64> {
    match (count_elems(shape), count_elems(new_shape)) {
        (Some(a), Some(b)) if a == b => Ok(a),
        (a, b) => {
            let shown = |n: Option<u64>| n.map_or_else(|| "2^64 or more".to_owned(), |n| n.to_string());
            let (from, to) = (Shown(shape), Shown(new_shape));
            let detail = format!("shape {from} has {} elements and shape {to} has {}", shown(a), shown(b));
            Err(Error::shape(op, detail))
        }
    }
}

/// Puts the axes of length 1 back, which take no part in the grouping.
fn with_ones(grid: &Grid, shape: &[u64]) -> Grid {
    let mut rest = grid.axes().iter();
    shape
        .iter()
        .map(|&len| if len == 1 { None } else { rest.next().cloned() })
        .map(|axis| axis.unwrap_or_else(|| AxisChunks::whole(1)))
        .collect()
}

/// Axes of the old grid and lengths of the new shape with the same product, none of them 1.
#[derive(Debug, Default)]
struct Group<'a> {
    old: Vec<&'a AxisChunks>,
    new: Vec<u64>,
}

/// The smallest groups, from the left. The shapes have equal products above 0.
fn groups<'a>(old: &'a Grid, new_shape: &[u64]) -> Vec<Group<'a>> {
    let mut old_axes = old.axes().iter().filter(|axis| axis.len() != Some(1)).peekable();
    let mut new_lens = new_shape.iter().copied().filter(|&len| len != 1).peekable();
    let mut groups = Vec::new();
    while old_axes.peek().is_some() {
        let mut group = Group::default();
        let (mut n_old, mut n_new) = (1, 1);
        while n_old != n_new || group.old.is_empty() {
            if n_old <= n_new {
                let Some(axis) = old_axes.next() else { break };
                n_old *= axis.len().unwrap_or(1);
                group.old.push(axis);
            } else {
                let Some(len) = new_lens.next() else { break };
                n_new *= len;
                group.new.push(len);
            }
        }
        groups.push(group);
    }
    groups
}

type Axes = Vec<AxisChunks>;

/// How a group is reshaped in each of two steps, the second of which may do nothing.
struct Ways {
    steps: [(Axes, Axes); 2],
    /// By how much the blocks are larger than the array's, rounded up.
    growth: u64,
}

impl Group<'_> {
    fn ways(&self, slack: u64) -> Ways {
        let [axis] = self.old.as_slice() else { return self.cut_ways(slack) };
        if self.new.len() != 1 {
            return self.cut_ways(slack);
        }
        let same = || (vec![(*axis).clone()], vec![(*axis).clone()]);
        Ways { steps: [same(), same()], growth: 1 }
    }

    fn cut_ways(&self, slack: u64) -> Ways {
        let lens: Vec<u64> = self.old.iter().filter_map(|axis| axis.len()).collect();
        let target = self.old.iter().filter_map(|axis| axis.max_block_len()).product::<u64>().max(1);
        let most = target.saturating_mul(slack.min(SIZE_RATIO));
        if let Some(cut) = best_cut(&lens, &self.new, target, most) {
            let (input, output) = cut.axes(&lens, &self.new, self.old[cut.old_axis]);
            let second = (output.clone(), output.clone());
            return Ways { steps: [(input, output), second], growth: cut.block_elems.div_ceil(target) };
        }
        let flat = [lens.iter().product::<u64>()];
        let through = |from: &[u64], to: &[u64], old: &dyn Fn(usize) -> AxisChunks| {
            // One side is flat, so its unit is 1 and the other's last axis can always be cut to the target.
            let cut = any_cut(from, to, target);
            cut.axes(from, to, &old(cut.old_axis))
        };
        let (input, flat_chunks) = through(&lens, &flat, &|axis| self.old[axis].clone());
        let second = through(&flat, &self.new, &|_| flat_chunks[0].clone());
        Ways { steps: [(input, flat_chunks), second], growth: 1 }
    }
}

/// One cut axis on each side, and the borders that both share.
#[derive(Debug)]
struct Cut {
    old_axis: usize,
    new_axis: usize,
    /// Row-major elements behind one position of the cut axes.
    old_unit: u64,
    new_unit: u64,
    /// Borders are multiples of this many elements...
    unit: u64,
    /// ...and repeat after so many.
    period: u64,
    /// The largest block.
    block_elems: u64,
}

/// The pair of axes with blocks closest to `target` elements; none if all are too far from it or above `most`.
fn best_cut(old: &[u64], new: &[u64], target: u64, most: u64) -> Option<Cut> {
    let ratio = |cut: &Cut| cut.even_elems().max(target) as f64 / cut.even_elems().min(target) as f64;
    cuts(old, new, target)
        .filter(|cut| cut.block_elems <= most && ratio(cut) <= SIZE_RATIO as f64)
        .min_by(|a, b| ratio(a).total_cmp(&ratio(b)).then(b.period.cmp(&a.period)))
}

/// The pair of axes with the largest blocks up to `target`, or the smallest blocks if all are larger.
fn any_cut(old: &[u64], new: &[u64], target: u64) -> Cut {
    let badness = |cut: &Cut| (cut.block_elems.saturating_sub(target), target.saturating_sub(cut.block_elems));
    // The last axes of both sides always have a common unit of 1.
    cuts(old, new, target).min_by_key(badness).expect("the last axes of both sides can be cut together")
}

/// All pairs of axes that can be cut together.
fn cuts<'a>(old: &'a [u64], new: &'a [u64], target: u64) -> impl Iterator<Item = Cut> + 'a {
    let pairs = (0..old.len()).flat_map(move |old_axis| (0..new.len()).map(move |new_axis| (old_axis, new_axis)));
    pairs.filter_map(move |(old_axis, new_axis)| {
        let behind = |lens: &[u64], axis: usize| lens[axis + 1..].iter().product::<u64>();
        let row = |lens: &[u64], axis: usize| lens[axis..].iter().product::<u64>();
        let (old_unit, new_unit) = (behind(old, old_axis), behind(new, new_axis));
        let period = gcd(row(old, old_axis), row(new, new_axis));
        let unit = old_unit / gcd(old_unit, new_unit) * new_unit;
        let block_elems = (target / unit).max(1).saturating_mul(unit).min(period);
        period.is_multiple_of(unit).then_some(Cut { old_axis, new_axis, old_unit, new_unit, unit, period, block_elems })
    })
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

impl Cut {
    /// The largest block where a period is cut evenly.
    fn even_elems(&self) -> u64 {
        (self.period / self.unit).div_ceil(self.period.div_ceil(self.block_elems)) * self.unit
    }

    /// The chunks of both sides. `chunks` are those that the cut axis has now; borders are kept where they can be.
    fn axes(&self, old: &[u64], new: &[u64], chunks: &AxisChunks) -> (Axes, Axes) {
        let row = old[self.old_axis] * self.old_unit;
        // A period shorter than the axis leaves no choice of single borders.
        let old_borders = if self.period == row { chunks.borders().unwrap_or_default() } else { vec![0] };
        let kept = old_borders.into_iter().map(|border| border * self.old_unit);
        let mut kept: Vec<u64> =
            kept.filter(|border| border.is_multiple_of(self.unit)).map(|b| b / self.unit).collect();
        kept.push(self.period / self.unit);
        let borders = snapped(&kept, self.block_elems / self.unit);
        let side = |lens: &[u64], axis: usize, unit: u64| {
            let cut = repeated(&borders, self.unit / unit, lens[axis] * unit / self.period);
            let leading = lens[..axis].iter().map(|&len| AxisChunks::regular(len, 1));
            let trailing = lens[axis + 1..].iter().map(|&len| AxisChunks::whole(len));
            leading.chain([cut]).chain(trailing).collect()
        };
        (side(old, self.old_axis, self.old_unit), side(new, self.new_axis, self.new_unit))
    }
}

/// Borders at most `width` apart, through those of `kept` that are within reach, evenly where none is.
fn snapped(kept: &[u64], width: u64) -> Vec<u64> {
    let mut borders = vec![0];
    let mut at = 0;
    let mut next = 0;
    while let Some(&far) = kept.get(next) {
        if far <= at {
            next += 1;
            continue;
        }
        if far - at > width {
            let step = (far - at).div_ceil((far - at).div_ceil(width));
            while far - at > step {
                at += step;
                borders.push(at);
            }
        }
        while kept.get(next).is_some_and(|&border| border <= at.max(far) || border - at <= width) {
            next += 1;
        }
        at = kept[next - 1];
        borders.push(at);
    }
    borders
}

/// The borders `scale` times as far apart, `times` times after each other.
fn repeated(borders: &[u64], scale: u64, times: u64) -> AxisChunks {
    let period = borders[borders.len() - 1] * scale;
    let once = AxisChunks::from_borders(borders.iter().map(|border| border * scale).collect());
    match once.max_block_len() {
        Some(size) if once.is_regular() && (times == 1 || period.is_multiple_of(size)) => {
            AxisChunks::regular(period * times, size)
        }
        _ => {
            let starts = (0..times).flat_map(|i| borders[1..].iter().map(move |border| i * period + border * scale));
            AxisChunks::from_borders(std::iter::once(0).chain(starts).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::extent::SizeVar;
    use super::super::testing::{chunks, cut_of};
    use super::*;

    fn grid(axes: &[&[u64]]) -> Grid {
        axes.iter().map(|sizes| chunks(sizes)).collect()
    }

    fn regular(shape: &[u64], sizes: &[u64]) -> Grid {
        shape.iter().zip(sizes).map(|(&len, &size)| AxisChunks::regular(len, size)).collect()
    }

    fn texts(old: &Grid, new_shape: &[u64]) -> Vec<String> {
        let steps = plan_reshape("reshape", old, new_shape, 8, 1 << 30).unwrap();
        steps.iter().map(|step| format!("{} -> {}", step.input.chunks_text(), step.output.chunks_text())).collect()
    }

    /// The row-major numbers of the elements of a block, in its row-major order.
    fn elements(grid: &Grid, block: u64) -> Vec<u64> {
        let shape = grid.known_shape().unwrap();
        let ranges = grid.block_ranges(&grid.block_index(block)).unwrap();
        ranges.into_iter().zip(&shape).fold(vec![0], |heads, (range, &len)| {
            heads.iter().flat_map(|head| range.clone().map(move |i| head * len + i)).collect()
        })
    }

    fn check(old: &Grid, new_shape: &[u64], limit_elems: u64) {
        let steps = plan_reshape("reshape", old, new_shape, 4, 4 * limit_elems).unwrap();
        assert!((1..=2).contains(&steps.len()));
        assert_eq!(steps[0].input.known_shape(), old.known_shape());
        assert_eq!(steps[steps.len() - 1].output.known_shape().as_deref(), Some(new_shape));
        assert!(steps.windows(2).all(|pair| pair[0].output.known_shape() == pair[1].input.known_shape()));
        let most = limit_elems.max(old.max_block_elems().unwrap());
        for step in &steps {
            assert_eq!(step.input.n_blocks(), step.output.n_blocks());
            let mut all: Vec<u64> = (0..step.input.n_blocks()).flat_map(|block| elements(&step.input, block)).collect();
            all.sort_unstable();
            assert_eq!(all, (0..old.n_elems().unwrap()).collect::<Vec<_>>());
            for block in 0..step.input.n_blocks() {
                let inside = elements(&step.input, block);
                assert_eq!(inside, elements(&step.output, block), "block {block} of {step:?}");
                assert!(inside.len() as u64 <= most, "{} > {most}: {step:?}", inside.len());
            }
        }
    }

    #[test]
    fn common_reshapes_cut_leading_axes() {
        assert_eq!(texts(&grid(&[&[2, 1], &[2, 2]]), &[12]), ["(1, 4) -> (4)"]);
        assert_eq!(texts(&grid(&[&[12]]), &[3, 4]), ["(12) -> (3, 4)"]);
        assert_eq!(texts(&grid(&[&[4, 4, 4]]), &[3, 4]), ["(4) -> (1, 4)"]);
        assert_eq!(texts(&grid(&[&[3, 3, 3, 3]]), &[3, 4]), ["(4) -> (1, 4)"]);
        assert_eq!(texts(&grid(&[&[3, 3, 3, 1]]), &[2, 5]), ["((3, 2, 3, 2)) -> (1, 3)"]);
        assert_eq!(texts(&grid(&[&[2, 2, 2], &[4]]), &[3, 8]), ["(2, 4) -> (1, 8)"]);
        assert_eq!(texts(&regular(&[8000, 8000], &[1000, 1000]), &[64_000_000]), ["(125, 8000) -> (1000000)"]);
        assert_eq!(texts(&regular(&[64, 100], &[16, 10]), &[8, 8, 100]), ["(16, 10) -> (2, 8, 10)"]);
    }

    #[test]
    fn lengths_of_one_come_and_go() {
        assert_eq!(texts(&grid(&[&[0, 1], &[3, 2]]), &[5, 1, 1]), ["(1, 3) -> (3, 1, 1)"]);
        assert_eq!(texts(&grid(&[]), &[1, 1]), ["() -> (1, 1)"]);
        assert_eq!(texts(&grid(&[&[1]]), &[]), ["(1) -> ()"]);
    }

    #[test]
    fn nothing_can_be_reshaped_to_nothing() {
        assert_eq!(texts(&grid(&[&[1, 1], &[0], &[3]]), &[0, 6]), ["(2, 0, 3) -> (0, 6)"]);
        let huge = [1 << 40, 1 << 40, 0];
        assert_eq!(texts(&Grid::single(&huge), &[0]).len(), 1);
    }

    #[test]
    fn lengths_with_little_in_common_go_through_the_flat_form() {
        let old = regular(&[10007, 1000], &[125, 1000]);
        let steps = texts(&old, &[1000, 10007]);
        assert_eq!(steps, ["(125, 1000) -> (125000)", "(120084) -> (12, 10007)"]);
    }

    #[test]
    fn what_can_not_be_reshaped_is_named_with_numbers() {
        let text = |new: &[u64]| plan_reshape("reshape", &grid(&[&[6], &[4]]), new, 8, 1).unwrap_err().to_string();
        assert_eq!(text(&[5, 5]), "reshape: shape (6, 4) has 24 elements and shape (5, 5) has 25");
        assert!(text(&[1 << 40, 1 << 40]).ends_with("has 2^64 or more"));
        let unknown = Grid::new(vec![AxisChunks::unknown(SizeVar(1), 2)]);
        assert!(plan_reshape("reshape", &unknown, &[1], 8, 1).unwrap_err().is_unknown_chunks());
    }

    #[test]
    fn one_length_is_inferred() {
        let infer = |lens: &[i64], n| infer_shape("reshape", lens, n).map_err(|error| error.to_string());
        assert_eq!(infer(&[2, -1], 10), Ok(vec![2, 5]));
        assert_eq!(infer(&[-1], 0), Ok(vec![0]));
        assert_eq!(infer(&[3, 4], 12), Ok(vec![3, 4]));
        assert_eq!(infer(&[-1, 5], 0), Ok(vec![0, 5]));
        let fails = |lens: &[i64], n, why: &str| {
            assert!(infer(lens, n).unwrap_err().ends_with(why), "{lens:?}: {:?}", infer(lens, n));
        };
        fails(&[4, -1], 10, "10 elements can not be reshaped into (4, -1): 10 is not a multiple of 4");
        fails(&[4, 2], 10, "that is 8 elements");
        fails(&[-1, -1], 10, "only one length can be -1");
        fails(&[0, -1], 0, "-1 could be any length");
        fails(&[-2, 5], 10, "-2 is not a length");
        fails(&[i64::MAX, 4, -1], 10, "that is 2^64 elements or more");
    }

    #[test]
    fn borders_in_reach_are_kept() {
        assert_eq!(snapped(&[0, 3, 6, 10], 3), [0, 3, 6, 8, 10]);
        assert_eq!(snapped(&[0, 2, 4, 6, 7], 5), [0, 4, 7]);
        assert_eq!(snapped(&[0, 10], 4), [0, 4, 8, 10]);
        assert_eq!(snapped(&[0, 0, 1, 1], 4), [0, 1]);
    }

    /// Two shapes with one number of elements, from small factors put together in two ways.
    fn two_shapes() -> impl Strategy<Value = (Vec<u64>, Vec<u64>)> {
        let factors = prop::collection::vec(prop_oneof![8 => 1u64..6, 1 => Just(0u64)], 0..6);
        let joins = || prop::collection::vec(any::<bool>(), 6);
        (factors, joins(), joins(), any::<bool>()).prop_map(|(factors, a, b, turn)| {
            let join = |factors: &[u64], joins: &[bool]| {
                let mut shape: Vec<u64> = Vec::new();
                for (&factor, &join) in factors.iter().zip(joins) {
                    match shape.last_mut() {
                        Some(last) if join => *last *= factor,
                        _ => shape.push(factor),
                    }
                }
                shape
            };
            let turned: Vec<u64> = if turn { factors.iter().rev().copied().collect() } else { factors.clone() };
            let (old, new) = (join(&factors, &a), join(&turned, &b));
            (old, new)
        })
    }

    proptest! {
        #[test]
        fn blocks_are_reshaped_one_by_one(
            (old, new_shape) in two_shapes()
                .prop_flat_map(|(old, new)| (old.into_iter().map(cut_of).collect::<Vec<_>>(), Just(new))),
            limit_elems in 0u64..200,
        ) {
            check(&Grid::new(old), &new_shape, limit_elems);
        }

        #[test]
        fn snapped_borders_are_narrow_and_keep_what_they_can(chunks in (1u64..40).prop_flat_map(cut_of), width in 1u64..20) {
            let kept = chunks.borders().unwrap();
            let borders = snapped(&kept, width);
            prop_assert!(borders.windows(2).all(|w| w[0] < w[1] && w[1] - w[0] <= width));
            prop_assert_eq!((borders[0], borders.last()), (0, kept.last()));
            // No two neighbours could be one chunk between kept borders.
            let is_kept = |border: &u64| kept.contains(border);
            let mergeable = |w: &[u64]| w.iter().all(is_kept) && w[2] - w[0] <= width;
            prop_assert!(!borders.windows(3).any(mergeable), "{:?} of {:?}", borders, kept);
        }

        #[test]
        fn blocks_keep_their_size_where_rows_are_merged(rows in 1u64..60, columns in 1u64..60, a in 1u64..60, b in 1u64..60) {
            let old = regular(&[rows, columns], &[a, b]);
            let steps = plan_reshape("reshape", &old, &[rows * columns], 8, 0).unwrap();
            prop_assert_eq!(steps.len(), 1);
            let (before, after) = (old.max_block_elems().unwrap(), steps[0].output.max_block_elems().unwrap());
            prop_assert!(after <= before && after * 4 >= before, "{} to {}", before, after);
        }
    }
}
