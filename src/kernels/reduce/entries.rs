//! Reductions of sparse blocks: entries are read group by group, everything else counts as many fill values.
//!
//! ```text
//!  . 5 3 .      sum over axis 0:   cell   entries   implicit
//! -2 . . .                           0      -2          2
//!  . . . 7                           1       5          2    …
//! ```
//!
//! No element that is not stored is ever looked at. The partial result is the one that the dense block has, so that dense
//! and sparse blocks of one array combine.

use std::sync::Arc;

use super::family::{Fills, LiftSpec};
use super::reducer::{Partial, Reducer};
use crate::config::Config;
use crate::element::Element;
use crate::error::{Error, Result};
use crate::kernels::program::TileRef;
use crate::sparse::group::Segments;
use crate::sparse::keys::{Key, with_keys};

/// Which cells a partial result has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cells {
    /// One for every position on the kept axes.
    All,
    /// One for every position that has entries, in their order.
    Stored,
}

/// Where positions inside of a group lie along the reduced axes of the whole array.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The lengths of the reduced axes of the block.
    lens: Vec<u64>,
    /// Where the block starts on them.
    start: Vec<u64>,
    /// The distance of neighbours on them.
    strides: Vec<u64>,
}

impl Place {
    /// The place of a block of this shape that starts at `start` in an array of shape `whole`.
    pub(crate) fn new(shape: &[u64], reduced: &[bool], start: &[u64], whole: &[u64]) -> Self {
        let on_reduced = |values: &[u64]| -> Vec<u64> {
            values.iter().zip(reduced).filter(|(_, is_reduced)| **is_reduced).map(|(&value, _)| value).collect()
        };
        let whole = on_reduced(whole);
        let mut strides = vec![1u64; whole.len()];
        for axis in (1..whole.len()).rev() {
            strides[axis - 1] = strides[axis].wrapping_mul(whole[axis]);
        }
        Self { lens: on_reduced(shape), start: on_reduced(start), strides }
    }

    /// The position in the array of position `inner` of a group.
    fn of(&self, mut inner: u128) -> i64 {
        let mut position = 0u64;
        for axis in (0..self.lens.len()).rev() {
            let len = self.lens[axis].max(1) as u128;
            position =
                position.wrapping_add((self.start[axis] + (inner % len) as u64).wrapping_mul(self.strides[axis]));
            inner /= len;
        }
        position as i64
    }
}

/// The partial result of a sparse array in groups. Its cells have shape `shape`, which has as many of them as `cells`
/// tells; `place` is needed where positions are the answer.
pub(crate) fn lift_segments<T: Element>(
    reducer: Reducer,
    segments: &Segments<T>,
    fill: T,
    cells: Cells,
    place: Option<&Place>,
    shape: &[usize],
) -> Result<Partial> {
    let op = reducer.reduction().name();
    let n_cells = match cells {
        Cells::Stored => segments.len(),
        Cells::All => cell_count(op, segments.groups.n_groups)?,
    };
    let numbers: Vec<usize> = match cells {
        Cells::Stored => (0..n_cells).collect(),
        Cells::All => with_keys!(&segments.keys, keys => keys.iter().map(|key| key.to_usize_lossy()).collect()),
    };
    let place = place.filter(|_| reducer.reduction().is_arg());
    let positions = place.map(|place| -> Arc<[i64]> {
        with_keys!(&segments.inner, inner => inner.iter().map(|at| place.of(at.widen())).collect())
    });
    let longest = segments.borders.windows(2).map(|run| run[1] - run[0]).max().unwrap_or(0);
    let mut lift = reducer.lift_with(LiftSpec::of_groups(n_cells, longest, positions))?;
    lift.groups(&numbers, &segments.borders, TileRef::new(&segments.values));
    let stored = Partial::of(lift);
    let implicit = fill_partial(reducer, segments, fill, (&numbers, n_cells), place)?;
    reducer.combine(&[&stored, &implicit])?.reshaped(shape)
}

/// The partial result of the elements that are not stored.
fn fill_partial<T: Element>(
    reducer: Reducer,
    segments: &Segments<T>,
    fill: T,
    (numbers, n_cells): (&[usize], usize),
    place: Option<&Place>,
) -> Result<Partial> {
    let group_len = u64::try_from(segments.groups.group_len).map_err(|_| {
        Error::value(reducer.reduction().name(), format!("{} elements are reduced to one", segments.groups.group_len))
            .with_remedy("reduce fewer axes at a time")
    })?;
    let mut counts = vec![group_len; n_cells];
    numbers.iter().enumerate().for_each(|(i, &cell)| counts[cell] = segments.n_implicit(i) as u64);
    let mut first = Vec::new();
    if let Some(place) = place {
        first = vec![if group_len > 0 { place.of(0) } else { -1 }; n_cells];
        for (i, &cell) in numbers.iter().enumerate() {
            let gap = segments.first_gap(i);
            first[cell] = if gap < group_len { place.of(gap as u128) } else { -1 };
        }
    }
    reducer.fills(&Fills { fill: fill.to_scalar(), counts: &counts, first: &first, shape: &[n_cells, 1] })
}

/// The number of cells, which must fit in memory: partial results are dense.
fn cell_count(op: &'static str, n_groups: u128) -> Result<usize> {
    const BYTES_PER_CELL: u128 = 16;
    let need_bytes = n_groups.saturating_mul(BYTES_PER_CELL);
    let budget = Config::global().memory_bytes();
    if need_bytes > budget as u128 {
        return Err(Error::memory(op, need_bytes.min(u64::MAX as u128) as u64, budget)
            .with_remedy("use smaller chunks along the axes that are kept"));
    }
    Ok(n_groups as usize)
}

#[cfg(test)]
mod tests {
    use ndarray::ArrayD;
    use proptest::prelude::*;

    use super::*;
    use crate::block::{Block, with_block};
    use crate::element::C64;
    use crate::kernels::reduce::{Ddof, Reduction};
    use crate::sparse::Coo;
    use crate::sparse::group::Groups;
    use crate::sparse::testing::{Drawn, dense_with_fill, same, shapes};

    const ALL: [Reduction; 21] = [
        Reduction::Sum,
        Reduction::Prod,
        Reduction::Min,
        Reduction::Max,
        Reduction::Any,
        Reduction::All,
        Reduction::CountNonzero,
        Reduction::Mean,
        Reduction::Var { ddof: Ddof::ZERO },
        Reduction::Std { ddof: Ddof::ZERO },
        Reduction::ArgMin,
        Reduction::ArgMax,
        Reduction::NanSum,
        Reduction::NanProd,
        Reduction::NanMin,
        Reduction::NanMax,
        Reduction::NanMean,
        Reduction::NanVar { ddof: Ddof::ZERO },
        Reduction::NanStd { ddof: Ddof::ZERO },
        Reduction::NanArgMin,
        Reduction::NanArgMax,
    ];

    fn close(a: &Block, b: &Block) -> bool {
        with_block!(a, T, x => with_block!(b, U, y => {
            let (x, y) = (x.to_dense().unwrap(), y.to_dense().unwrap());
            x.shape() == y.shape() && x.iter().zip(y.iter()).all(|(x, y)| {
                let (x, y) = (x.to_scalar().to_c64(), y.to_scalar().to_c64());
                let near = |a: f64, b: f64| a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= 1e-12 * a.abs().max(1.0);
                near(x.re, y.re) && near(x.im, y.im)
            })
        }))
    }

    fn check<T: Drawn>(a: &ArrayD<T>, fill: T, picks: &[bool]) {
        let coo = Coo::from_dense_with_fill(&a.view(), fill).unwrap();
        assert!(same(&coo.to_dense().unwrap(), a));
        let reduced: Vec<bool> = (0..a.ndim()).map(|axis| picks[axis]).collect();
        let axes: Vec<isize> = (0..a.ndim()).filter(|&axis| reduced[axis]).map(|axis| axis as isize).collect();
        let kept: Vec<usize> = a.shape().iter().zip(&reduced).map(|(&len, &gone)| if gone { 1 } else { len }).collect();
        let start: Vec<u64> = (3u64..).take(a.ndim()).collect();
        let whole: Vec<u64> = a.shape().iter().zip(&start).map(|(&len, start)| len as u64 + start + 2).collect();
        let place = Place::new(coo.shape(), &reduced, &start, &whole);
        for reduction in ALL {
            let Ok(reducer) = Reducer::new(reduction, T::DTYPE) else { continue };
            let segments = Segments::new(&coo, Groups::new("reduce", coo.shape(), &axes).unwrap());
            let sparse = lift_segments(reducer, &segments, fill, Cells::All, Some(&place), &kept).unwrap();
            let spec = LiftSpec::new(a.shape(), &reduced).at(&start, &whole);
            let dense = reducer.lift(&Block::from_dense(a.clone()), None, &spec).unwrap();
            match (reducer.finish(&sparse), reducer.finish(&dense)) {
                (Ok(found), Ok(expected)) => assert!(close(&found, &expected), "{reduction}: {found:?} {expected:?}"),
                (Err(_), Err(_)) => {}
                (found, expected) => panic!("{reduction}: {found:?} {expected:?}"),
            }
        }
    }

    proptest! {
        #[test]
        fn sparse_blocks_reduce_like_dense_ones(
            floats in shapes().prop_flat_map(|shape| dense_with_fill(shape, 0.0)),
            numbers in shapes().prop_flat_map(|shape| dense_with_fill(shape, f64::NAN)),
            ints in shapes().prop_flat_map(|shape| dense_with_fill(shape, 3i64)),
            complex in shapes().prop_flat_map(|shape| dense_with_fill(shape, C64::new(1.0, 0.0))),
            truth in shapes().prop_flat_map(|shape| dense_with_fill(shape, true)),
            picks in prop::collection::vec(any::<bool>(), 4),
        ) {
            check(&floats, 0.0, &picks);
            check(&numbers, f64::NAN, &picks);
            check(&ints, 3, &picks);
            check(&complex, C64::new(1.0, 0.0), &picks);
            check(&truth, true, &picks);
        }
    }

    #[test]
    fn cells_beyond_memory_are_an_error() {
        let coo = Coo::new(&[[1], [2]], vec![5.0], [1 << 45, 3]).unwrap();
        let segments = Segments::new(&coo, Groups::new("var", coo.shape(), &[1]).unwrap());
        let reducer = Reducer::new(Reduction::Var { ddof: Ddof::ZERO }, f64::DTYPE).unwrap();
        let all = lift_segments(reducer, &segments, 0.0, Cells::All, None, &[1 << 45, 1]);
        assert!(all.unwrap_err().is_memory());
        assert!(lift_segments(reducer, &segments, 0.0, Cells::Stored, None, &[1, 1]).is_ok());
    }
}
