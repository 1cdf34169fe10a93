//! What the user says about chunks, and the grid it means for a shape.
//!
//! Chunk sizes are the user's opinion: one size for all axes, a size per axis, explicit lists, a byte target, or no
//! opinion at all. [`Chunks`] is that opinion; normalising it against a shape gives a [`Grid`].
//!
//! It does not look at data, files or operations; an automatic axis never makes a block larger than the limit, but sizes
//! that the user fixed may.

use serde::{Deserialize, Serialize};

use super::axis::AxisChunks;
use super::grid::Grid;
use super::select::normalize_axis;
use crate::config::Config;
use crate::error::{Error, Result, Shown};

/// How one axis shall be cut.
///
/// Integers convert: a size, or NumPy's `-1` for the whole axis; lists of integers are explicit chunk sizes.
///
/// ```
/// use hyperslab::chunks::AxisSpec;
/// assert_eq!(AxisSpec::from(4), AxisSpec::Size(4));
/// assert_eq!(AxisSpec::from(-1), AxisSpec::Whole);
/// assert_eq!(AxisSpec::from(vec![4, 4, 2]), AxisSpec::Sizes(vec![4, 4, 2]));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum AxisSpec {
    /// Chunks of one size, the last may be shorter.
    Size(u64),
    /// Chunks of these sizes, whose sum is the length of the axis.
    Sizes(Vec<u64>),
    /// One chunk.
    Whole,
    /// A size chosen from the byte limit: see [`Chunks::auto`].
    Auto,
    /// The chunks that are there; only an existing array can be rechunked so.
    Keep,
    /// A negative number other than `-1`, kept to be refused with the axis it stands for.
    Negative(i64),
}

/// The chunks that a user asks for.
///
/// Wherever a function takes `impl Into<Chunks>`, numbers and lists do as well:
///
/// | written as | meaning |
/// |---|---|
/// | `100` or `Chunks::size(100)` | chunks of 100 on every axis |
/// | `(100, 50)`, `[100, 50]`, `vec![100, 50]` | a size for each axis, `-1` for the whole axis |
/// | `(100, vec![30, 20])`, `vec![vec![60, 40], vec![30, 20]]` | explicit lists of sizes |
/// | `(100, AxisSpec::Auto)` | automatic on the second axis |
/// | `Chunks::auto()`, `Chunks::bytes(1 << 20)` | automatic on every axis, by bytes |
/// | `Chunks::keep().with_axis(1, -1)` | for `rechunk`: the second axis in one chunk, the others as they are |
///
/// # Examples
/// ```
/// use hyperslab::Chunks;
/// let grid = Chunks::from((3, -1)).grid_for(&[7, 4], 8)?;
/// assert_eq!(grid.to_string(), "(7, 4) chunks (3, 4)");
/// let grid = Chunks::from((vec![5, 1, 1], 2)).grid_for(&[7, 4], 8)?;
/// assert_eq!(grid.to_string(), "(7, 4) chunks ((5, 1, 1), 2)");
/// # Ok::<(), hyperslab::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Chunks {
    axes: Axes,
    /// Replacements for single axes, later ones first in force.
    overrides: Vec<(isize, AxisSpec)>,
    limit_bytes: Option<u64>,
    balanced: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
enum Axes {
    Every(AxisSpec),
    PerAxis(Vec<AxisSpec>),
}

impl Chunks {
    /// Automatic chunks within the byte target of [`Config`], 8 MiB a block unless configured otherwise.
    ///
    /// The limit is shared by all automatic axes, less what fixed axes take. Sizes are chosen from the last axis to the
    /// first. With what is left of the limit, let the *side* be the edge of the largest cube-like block that fits, where
    /// axes shorter than the side count with their length. An axis no longer than four sides is taken whole, so that
    /// blocks are contiguous pieces of a row-major array wherever that does not make them slivers; a longer one is cut
    /// to the side. Cuts are even: 8000 elements at most 1024 each become 8 chunks of 1000, not 7 of 1024 and one of 832.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::Chunks;
    /// let limited = Chunks::auto().with_limit_bytes(8 << 20);
    /// assert_eq!(limited.grid_for(&[8000, 8000], 8)?.chunks_text(), "(1000, 1000)");
    /// assert_eq!(limited.grid_for(&[1_000_000, 10], 8)?.chunks_text(), "(100000, 10)");
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn auto() -> Self {
        Self::every(AxisSpec::Auto)
    }

    /// Automatic chunks of at most `limit_bytes` bytes a block.
    ///
    /// ```
    /// use hyperslab::Chunks;
    /// assert_eq!(Chunks::bytes(80).grid_for(&[100], 8)?.chunks_text(), "(10)");
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn bytes(limit_bytes: u64) -> Self {
        Self::auto().with_limit_bytes(limit_bytes)
    }

    /// One block for the whole array.
    ///
    /// ```
    /// use hyperslab::Chunks;
    /// assert_eq!(Chunks::whole().grid_for(&[7, 4], 8)?.n_blocks(), 1);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn whole() -> Self {
        Self::every(AxisSpec::Whole)
    }

    /// Chunks of `size` on every axis.
    ///
    /// ```
    /// use hyperslab::Chunks;
    /// assert_eq!(Chunks::size(3).grid_for(&[7, 4], 8)?.block_counts(), [3, 2]);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn size(size: u64) -> Self {
        Self::every(AxisSpec::Size(size))
    }

    /// The chunks that are there: the start of a spec for `rechunk` that changes some axes only.
    ///
    /// ```
    /// use hyperslab::Chunks;
    /// use hyperslab::chunks::{AxisChunks, Grid};
    /// let old = Grid::new(vec![AxisChunks::regular(6, 2), AxisChunks::regular(9, 3)]);
    /// let new = Chunks::keep().with_axis(-1, -1).grid_from(&old, 8)?;
    /// assert_eq!(new.chunks_text(), "(2, 9)");
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn keep() -> Self {
        Self::every(AxisSpec::Keep)
    }

    /// One spec for every axis.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::chunks::{AxisSpec, Chunks};
    /// assert_eq!(Chunks::every(AxisSpec::Whole), Chunks::whole());
    /// ```
    pub fn every(spec: AxisSpec) -> Self {
        Self { axes: Axes::Every(spec), overrides: Vec::new(), limit_bytes: None, balanced: false }
    }

    /// One spec for each axis.
    ///
    /// ```
    /// use hyperslab::chunks::{AxisSpec, Chunks};
    /// let chunks = Chunks::per_axis(vec![AxisSpec::Auto, AxisSpec::Whole]).with_limit_bytes(160);
    /// assert_eq!(chunks.grid_for(&[10, 4], 8)?.chunks_text(), "(5, 4)");
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn per_axis(specs: Vec<AxisSpec>) -> Self {
        Self { axes: Axes::PerAxis(specs), ..Self::auto() }
    }

    /// Another spec for one axis, which may be counted from the end with a negative number.
    ///
    /// ```
    /// use hyperslab::Chunks;
    /// assert_eq!(Chunks::whole().with_axis(0, 2).grid_for(&[6, 4], 8)?.chunks_text(), "(2, 4)");
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn with_axis(mut self, axis: isize, spec: impl Into<AxisSpec>) -> Self {
        self.overrides.push((axis, spec.into()));
        self
    }

    /// The byte limit of a block for automatic axes, in place of the configured one.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::Chunks;
    /// let rows = Chunks::auto().with_axis(1, -1).with_limit_bytes(160);
    /// assert_eq!(rows.grid_for(&[10, 4], 8)?.chunks_text(), "(5, 4)");
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn with_limit_bytes(mut self, limit_bytes: u64) -> Self {
        self.limit_bytes = Some(limit_bytes);
        self
    }

    /// Evens the chunks of every axis out, so that no short one is left over; a chunk may grow for that. Automatic axes
    /// are even anyway.
    ///
    /// ```
    /// use hyperslab::Chunks;
    /// let sizes = |chunks: Chunks| Ok::<_, hyperslab::Error>(chunks.grid_for(&[10], 8)?.axis(0).sizes().collect::<Vec<_>>());
    /// assert_eq!(sizes(Chunks::size(4))?, [4, 4, 2]);
    /// assert_eq!(sizes(Chunks::size(4).balanced())?, [5, 5]);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn balanced(mut self) -> Self {
        self.balanced = true;
        self
    }

    /// The grid of a new array with this shape, whose elements take `item_bytes` bytes.
    ///
    /// # Errors
    /// The number of specs is not the number of axes; sizes do not add up to the length of their axis; a size is zero or
    /// negative; an axis is to keep chunks that do not exist; there are 2^64 blocks or more.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::Chunks;
    /// assert_eq!(Chunks::from((3, -1)).grid_for(&[7, 4], 8)?.n_blocks(), 3);
    /// assert!(Chunks::from((3, 3, 3)).grid_for(&[7, 4], 8).unwrap_err().is_usage());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn grid_for(&self, shape: &[u64], item_bytes: usize) -> Result<Grid> {
        self.normalize("chunks", shape, item_bytes)
    }

    /// The grid that rechunks an array with the grid `old`.
    ///
    /// # Errors
    /// As [`Chunks::grid_for`], and an axis of unknown length is not kept.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::Chunks;
    /// let old = Chunks::size(2).grid_for(&[6, 9], 8)?;
    /// assert_eq!(Chunks::keep().with_axis(0, -1).grid_from(&old, 8)?.chunks_text(), "(6, 2)");
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn grid_from(&self, old: &Grid, item_bytes: usize) -> Result<Grid> {
        self.normalize_rechunk("rechunk", old, item_bytes)
    }

    /// The grid of a new array, in the name of operation `op`.
    pub(crate) fn normalize(&self, op: &'static str, shape: &[u64], item_bytes: usize) -> Result<Grid> {
        let specs = self.specs(op, shape.len())?;
        let axes = specs.iter().zip(shape).enumerate().map(|(axis, (spec, &len))| match spec {
            AxisSpec::Auto => Ok(None),
            AxisSpec::Keep => Err(Error::chunks(op, format!("axis {axis} has no chunks to keep"))
                .with_remedy("`Keep` is for rechunk: give a size, `Auto` or `Whole`")),
            _ => fixed_axis(op, axis, len, spec).map(Some),
        });
        self.finish(op, axes.collect::<Result<_>>()?, shape, item_bytes)
    }

    /// The grid that rechunks `old`, in the name of operation `op`.
    pub(crate) fn normalize_rechunk(&self, op: &'static str, old: &Grid, item_bytes: usize) -> Result<Grid> {
        let specs = self.specs(op, old.ndim())?;
        let axes = specs.iter().zip(old.axes()).enumerate().map(|(axis, (spec, chunks))| match (spec, chunks.len()) {
            (AxisSpec::Keep, _) => Ok(Some(chunks.clone())),
            (_, None) => Err(Error::unknown_chunks(
                op,
                format_args!("axis {axis} of shape {} can only keep its chunks", old.shape_text()),
            )),
            (AxisSpec::Auto, Some(_)) => Ok(None),
            (_, Some(len)) => fixed_axis(op, axis, len, spec).map(Some),
        });
        // An unknown axis is always kept, never automatic: its length is not looked at.
        let lens: Vec<u64> = old.axes().iter().map(|chunks| chunks.len().unwrap_or(0)).collect();
        self.finish(op, axes.collect::<Result<_>>()?, &lens, item_bytes)
    }

    /// One spec per axis, with the overrides in place.
    fn specs(&self, op: &'static str, ndim: usize) -> Result<Vec<AxisSpec>> {
        let mut specs = match &self.axes {
            Axes::Every(spec) => vec![spec.clone(); ndim],
            Axes::PerAxis(specs) if specs.len() == ndim => specs.clone(),
            Axes::PerAxis(specs) => {
                let given = specs.len();
                return Err(Error::chunks(op, format!("chunks are given for {given} axes of an array with {ndim}"))
                    .with_remedy("give one size or one list of sizes per axis"));
            }
        };
        for (axis, spec) in &self.overrides {
            specs[normalize_axis(op, *axis, ndim)?] = spec.clone();
        }
        Ok(specs)
    }

    /// Evens out what is fixed and fills in what is automatic (`None`).
    fn finish(
        &self,
        op: &'static str,
        mut axes: Vec<Option<AxisChunks>>,
        lens: &[u64],
        item_bytes: usize,
    ) -> Result<Grid> {
        if self.balanced {
            for axis in axes.iter_mut().flatten() {
                *axis = evened(axis);
            }
        }
        let limit_bytes = self.limit_bytes.unwrap_or_else(|| Config::global().chunk_bytes());
        let grid = fill_auto(axes, lens, limit_bytes / (item_bytes as u64).max(1));
        match grid.axes().iter().try_fold(1u64, |n, axis| n.checked_mul(axis.n_blocks())) {
            Some(_) => Ok(grid),
            None => Err(Error::chunks(op, format!("{grid} make 2^64 blocks or more")).with_remedy("use larger chunks")),
        }
    }
}

/// The chunks of an axis whose spec does not depend on the other axes.
fn fixed_axis(op: &'static str, axis: usize, len: u64, spec: &AxisSpec) -> Result<AxisChunks> {
    match spec {
        AxisSpec::Size(_) | AxisSpec::Whole if len == 0 => Ok(AxisChunks::whole(0)),
        AxisSpec::Size(0) => Err(bad_size(op, axis, len, 0)),
        AxisSpec::Negative(size) => Err(bad_size(op, axis, len, *size)),
        AxisSpec::Size(size) => Ok(AxisChunks::regular(len, *size)),
        AxisSpec::Sizes(sizes) => sized_axis(op, axis, len, sizes),
        AxisSpec::Whole | AxisSpec::Auto | AxisSpec::Keep => Ok(AxisChunks::whole(len)),
    }
}

fn bad_size(op: &'static str, axis: usize, len: u64, size: i64) -> Error {
    Error::chunks(op, format!("chunk size {size} on axis {axis} with length {len}"))
        .with_remedy("sizes are at least 1; -1 means the whole axis")
}

fn sized_axis(op: &'static str, axis: usize, len: u64, sizes: &[u64]) -> Result<AxisChunks> {
    let sum = sizes.iter().map(|&size| u128::from(size)).sum::<u128>();
    if sum != u128::from(len) {
        let detail = format!("chunks {} on axis {axis} add up to {sum}, its length is {len}", Shown(sizes));
        return Err(Error::chunks(op, detail));
    }
    AxisChunks::from_sizes(sizes)
}

/// The chunks of an axis without a short remainder: as many as before, or one less where the shortest is at most half of
/// the longest. An unknown axis stays as it is.
pub(crate) fn evened(chunks: &AxisChunks) -> AxisChunks {
    let (Some(len), Some(longest)) = (chunks.len(), chunks.max_block_len()) else { return chunks.clone() };
    let n = chunks.n_blocks();
    // A regular axis is answered without a walk: only its last chunk can be short.
    let shortest = if chunks.is_regular() { chunks.block_len(n - 1) } else { chunks.sizes().min() };
    let n = if n > 1 && shortest.unwrap_or(0) <= longest / 2 { n - 1 } else { n };
    AxisChunks::regular(len, len.div_ceil(n))
}

/// Sizes the automatic axes (`None`) so that a block has at most `limit_elems` elements.
fn fill_auto(axes: Vec<Option<AxisChunks>>, lens: &[u64], limit_elems: u64) -> Grid {
    let taken =
        axes.iter().flatten().fold(1u64, |n, chunks| n.saturating_mul(chunks.max_block_len().unwrap_or(1).max(1)));
    let mut budget = (limit_elems / taken).max(1);
    let mut auto_lens: Vec<u64> = axes.iter().zip(lens).filter(|(a, _)| a.is_none()).map(|(_, &len)| len).collect();
    let mut filled: Vec<AxisChunks> = Vec::with_capacity(axes.len());
    for (axis, &len) in axes.into_iter().zip(lens).rev() {
        filled.push(axis.unwrap_or_else(|| {
            let side = cube_side(&auto_lens, budget);
            auto_lens.pop();
            let chunks = even_cut(len, side, budget);
            budget /= chunks.max_block_len().unwrap_or(1).max(1);
            chunks
        }));
    }
    filled.reverse();
    Grid::new(filled)
}

/// An axis up to this many sides long is not cut: blocks with an aspect ratio of 16 are still no slivers.
const WHOLE_SIDES: u64 = 4;

fn even_cut(len: u64, side: u64, budget: u64) -> AxisChunks {
    if len <= side.saturating_mul(WHOLE_SIDES).min(budget) {
        return AxisChunks::whole(len);
    }
    AxisChunks::regular(len, len.div_ceil(len.div_ceil(side)))
}

/// The largest side of which a block `min(len, side)` long on each axis has at most `budget` elements; at least 1.
fn cube_side(lens: &[u64], budget: u64) -> u64 {
    let mut sorted: Vec<u64> = lens.iter().map(|&len| len.max(1)).collect();
    sorted.sort_unstable();
    let mut rest = budget;
    for (i, &len) in sorted.iter().enumerate() {
        let side = root(rest, (sorted.len() - i) as u32);
        if len >= side {
            return side.max(1);
        }
        rest /= len;
    }
    // Everything fits whole.
    sorted.last().copied().unwrap_or(1)
}

/// The integer root of degree `degree`, rounded down.
pub(super) fn root(value: u64, degree: u32) -> u64 {
    let fits = |side: u64| side.checked_pow(degree).is_some_and(|power| power <= value);
    let guess = (value as f64).powf(1.0 / f64::from(degree)) as u64;
    // The guess is off by rounding only; both loops end after a step or two.
    let mut side = guess;
    while side > 0 && !fits(side) {
        side -= 1;
    }
    while side.checked_add(1).is_some_and(fits) {
        side += 1;
    }
    side
}

/// Integer types in which chunk sizes are written. `i32` is the type of a literal that nothing else decides.
macro_rules! sizes_from {
    ($($int:ty),*) => {$(
        impl From<$int> for AxisSpec {
            fn from(size: $int) -> Self {
                spec_from(size as i128)
            }
        }
        impl From<Vec<$int>> for AxisSpec {
            fn from(sizes: Vec<$int>) -> Self {
                Self::from(sizes.as_slice())
            }
        }
        impl From<&[$int]> for AxisSpec {
            fn from(sizes: &[$int]) -> Self {
                list_from(sizes.iter().map(|&size| size as i128))
            }
        }
        impl From<$int> for Chunks {
            fn from(size: $int) -> Self {
                Self::every(size.into())
            }
        }
    )*};
}

sizes_from!(u64, usize, u32, i64, i32);

fn spec_from(size: i128) -> AxisSpec {
    match u64::try_from(size) {
        Ok(size) => AxisSpec::Size(size),
        Err(_) if size == -1 => AxisSpec::Whole,
        Err(_) => AxisSpec::Negative(size as i64),
    }
}

fn list_from(sizes: impl Iterator<Item = i128> + Clone) -> AxisSpec {
    match sizes.clone().find(|&size| size < 0) {
        Some(negative) => AxisSpec::Negative(negative as i64),
        None => AxisSpec::Sizes(sizes.map(|size| size as u64).collect()),
    }
}

impl From<()> for Chunks {
    fn from((): ()) -> Self {
        Self::per_axis(Vec::new())
    }
}

impl<A: Into<AxisSpec>, const N: usize> From<[A; N]> for Chunks {
    fn from(specs: [A; N]) -> Self {
        Self::per_axis(specs.into_iter().map(Into::into).collect())
    }
}

impl<A: Into<AxisSpec>> From<Vec<A>> for Chunks {
    fn from(specs: Vec<A>) -> Self {
        Self::per_axis(specs.into_iter().map(Into::into).collect())
    }
}

impl<A: Clone + Into<AxisSpec>> From<&[A]> for Chunks {
    fn from(specs: &[A]) -> Self {
        Self::per_axis(specs.iter().cloned().map(Into::into).collect())
    }
}

/// Tuples of axis specs, which may differ in type.
macro_rules! chunks_from_tuple {
    ($($name:ident)*) => {
        impl<$($name: Into<AxisSpec>),*> From<($($name,)*)> for Chunks {
            #[allow(non_snake_case)]
            fn from(($($name,)*): ($($name,)*)) -> Self {
                Self::per_axis(vec![$($name.into()),*])
            }
        }
    };
}

chunks_from_tuple!(A);
chunks_from_tuple!(A B);
chunks_from_tuple!(A B C);
chunks_from_tuple!(A B C D);
chunks_from_tuple!(A B C D E);
chunks_from_tuple!(A B C D E F);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::extent::SizeVar;
    use super::*;

    fn sizes(grid: &Grid) -> Vec<Vec<u64>> {
        grid.axes().iter().map(|axis| axis.sizes().collect()).collect()
    }

    fn normal(chunks: impl Into<Chunks>, shape: &[u64]) -> Result<Grid> {
        chunks.into().normalize("test", shape, 8)
    }

    #[test]
    fn every_way_of_writing_chunks_means_what_it_says() {
        assert_eq!(sizes(&normal(-1, &[7, 4]).unwrap()), [vec![7], vec![4]]);
        assert_eq!(sizes(&normal((3, 3), &[0, 4]).unwrap()), [vec![0], vec![3, 1]]);
        assert_eq!(sizes(&normal([3u64, 9], &[7, 4]).unwrap()), [vec![3, 3, 1], vec![4]]);
        assert_eq!(sizes(&normal(vec![3usize, 2], &[7, 4]).unwrap()), [vec![3, 3, 1], vec![2, 2]]);
        assert_eq!(sizes(&normal(vec![vec![3, 4], vec![0, 4]], &[7, 4]).unwrap()), [vec![3, 4], vec![0, 4]]);
        assert_eq!(sizes(&normal((AxisSpec::Whole, vec![1, 3]), &[7, 4]).unwrap()), [vec![7], vec![1, 3]]);
        assert_eq!(normal(Chunks::auto(), &[]).unwrap(), normal((), &[]).unwrap());
    }

    #[test]
    fn wrong_specs_name_axis_chunks_and_length() {
        let text = |chunks: Chunks| normal(chunks, &[3, 4]).unwrap_err().to_string();
        assert_eq!(text((3, vec![1, 2]).into()), "test: chunks (1, 2) on axis 1 add up to 3, its length is 4");
        assert!(text([3].into()).starts_with("test: chunks are given for 1 axes of an array with 2"));
        assert!(text((3, 0).into()).starts_with("test: chunk size 0 on axis 1 with length 4"));
        assert!(text((-2, 1).into()).starts_with("test: chunk size -2 on axis 0 with length 3"));
        assert!(text(Chunks::keep()).starts_with("test: axis 0 has no chunks to keep"));
        assert!(text(Chunks::auto().with_axis(2, 1)).starts_with("test: axis 2 is out of range"));
        assert!(text((3, vec![u64::MAX, 5]).into()).contains("add up to 18446744073709551620"));
    }

    #[test]
    fn rechunk_keeps_unknown_axes_and_refuses_to_cut_them() {
        let unknown = AxisChunks::unknown(SizeVar(7), 3);
        let old = Grid::new(vec![unknown.clone(), AxisChunks::regular(10, 4)]);
        let kept = Chunks::keep().with_axis(1, 4).balanced().normalize_rechunk("rechunk", &old, 8).unwrap();
        assert_eq!(kept, Grid::new(vec![unknown, AxisChunks::regular(10, 5)]));
        let error = Chunks::auto().normalize_rechunk("rechunk", &old, 8).unwrap_err();
        assert!(error.is_unknown_chunks() && error.to_string().contains("axis 0"));
    }

    #[test]
    fn balance_leaves_no_short_chunk() {
        for (len, size, expected) in [(10, 4, 5), (13, 4, 5), (9, 3, 3), (100, 33, 34), (11, 4, 4), (3, 5, 3)] {
            assert_eq!(evened(&AxisChunks::regular(len, size)), AxisChunks::regular(len, expected), "{len} by {size}");
        }
    }

    #[test]
    fn automatic_blocks_are_rows_unless_rows_are_slivers() {
        let text = |shape: &[u64]| Chunks::bytes(8 << 20).normalize("test", shape, 8).unwrap().chunks_text();
        assert_eq!(text(&[40_000_000]), "(1025642)");
        assert_eq!(text(&[4000, 4000]), "(250, 4000)");
        assert_eq!(text(&[1000, 1000, 1000]), "(100, 100, 100)");
        assert_eq!(text(&[3, 100_000, 10_000]), "(3, 592, 589)");
        assert_eq!(text(&[0, 100_000_000]), "(0, 1041667)");
    }

    #[test]
    fn automatic_axes_share_what_fixed_axes_leave_and_never_overflow() {
        let chunks = Chunks::per_axis(vec![AxisSpec::Auto, AxisSpec::Whole, AxisSpec::Auto]).with_limit_bytes(8000);
        assert_eq!(
            chunks.normalize("test", &[9, u64::MAX, 7], 8).unwrap().chunks_text(),
            format!("(1, {}, 1)", u64::MAX)
        );
        let error = chunks.normalize("test", &[u64::MAX, 1, u64::MAX], 8).unwrap_err().to_string();
        assert!(error.ends_with("make 2^64 blocks or more; use larger chunks"), "{error}");
        assert_eq!(chunks.normalize("test", &[50, 10, 50], 8).unwrap().chunks_text(), "(10, 10, 10)");
        assert_eq!(chunks.normalize("test", &[50, 10, 40], 8).unwrap().chunks_text(), "(2, 10, 40)");
        assert_eq!(Chunks::bytes(1).normalize("test", &[3, 4], 8).unwrap().n_blocks(), 12);
    }

    proptest! {
        #[test]
        fn roots_are_exact(value in any::<u64>(), degree in 1u32..9) {
            let side = root(value, degree);
            prop_assert!(side.checked_pow(degree).unwrap() <= value);
            prop_assert!((side + u64::from(side < u64::MAX)).checked_pow(degree).is_none_or(|p| p > value || side == u64::MAX));
        }

        #[test]
        fn automatic_blocks_fit_and_are_not_wasteful(
            shape in prop::collection::vec(1u64..5000, 1..5), limit_elems in 1u64..100_000, item_bytes in 1usize..17,
        ) {
            let limit_bytes = limit_elems * item_bytes as u64;
            let grid = Chunks::bytes(limit_bytes).normalize("test", &shape, item_bytes).unwrap();
            prop_assert_eq!(grid.known_shape(), Some(shape.clone()));
            let block = grid.max_block_elems().unwrap();
            prop_assert!(block <= limit_elems);
            // Each axis loses less than half to integer rounding of the side and to even cuts each.
            let most = shape.iter().product::<u64>().min(limit_elems);
            prop_assert!(block * 4u64.pow(shape.len() as u32) >= most, "{} for {:?} of {}", block, shape, limit_elems);
        }

        #[test]
        fn mixed_specs_sum_to_the_shape(shape in prop::collection::vec(0u64..40, 0..4), size in 1u64..12, limit in 1u64..4000) {
            let specs = (0..shape.len()).map(|i| if i % 2 == 0 { AxisSpec::Size(size) } else { AxisSpec::Auto }).collect();
            let grid = Chunks::per_axis(specs).with_limit_bytes(limit).normalize("test", &shape, 4).unwrap();
            for (axis, &len) in grid.axes().iter().zip(&shape) {
                prop_assert_eq!(axis.sizes().sum::<u64>(), len);
            }
            let fixed: u64 = grid.axes().iter().step_by(2).map(|axis| axis.max_block_len().unwrap().max(1)).product();
            prop_assert!(grid.max_block_elems().unwrap() <= fixed.max(limit / 4));
        }

        #[test]
        fn balancing_never_adds_chunks(len in 1u64..200, size in 1u64..60) {
            let old = AxisChunks::regular(len, size);
            let new = evened(&old);
            prop_assert_eq!(new.len(), Some(len));
            prop_assert!(new.n_blocks() <= old.n_blocks());
            let spread = |axis: &AxisChunks| axis.max_block_len().unwrap() - axis.sizes().min().unwrap();
            prop_assert!(spread(&new) <= spread(&old).max(new.n_blocks() - 1));
        }
    }
}
