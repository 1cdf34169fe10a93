//! Parts of an array: slices, single indices, masks. The fill is kept.

use std::sync::Arc;

use ndarray::ArrayViewD;

use super::coo::Coo;
use super::keys::{Key, with_width};
use super::region::Region;
use super::sort::sort_entries;
use crate::chunks::AxisRange;
use crate::chunks::select::{normalize_axis, normalize_index};
use crate::element::Element;
use crate::error::{Error, Result, Shown};

impl<T: Element> Coo<T> {
    /// The elements of one range per axis.
    ///
    /// # Errors
    /// Not one range per axis, or one that leaves its axis.
    ///
    /// # Complexity
    /// Two binary searches cut off the entries before and behind; the others are looked at one by one, unless the
    /// elements asked for are consecutive.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::{chunks::AxisRange, sparse::Coo};
    /// let a = Coo::new(&[[0, 0, 1, 2], [1, 2, 0, 3]], vec![5, 3, -2, 7], [3, 4])?;
    /// let rows = AxisRange::from_slice(None, None, 2, 3)?;
    /// let columns = AxisRange::from_slice(None, None, -2, 4)?;
    /// assert_eq!(a.slice(&[rows, columns])?.to_dense()?, ndarray::arr2(&[[0, 5], [7, 0]]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn slice(&self, ranges: &[AxisRange]) -> Result<Coo<T>> {
        let region = Region::new("slice", self.shape(), ranges)?;
        if region.is_whole() {
            return Ok(self.clone());
        }
        let candidates = region.candidates(self.keys());
        with_width!(self.keys().width(), K => {
            let (mut keys, mut values) = (Vec::<K>::new(), Vec::new());
            let old_values = &self.values()[candidates.clone()];
            region.classify(&K::view(self.keys())[candidates], |first, inside, positions| {
                let start = keys.len();
                keys.resize(start + inside.len(), K::default());
                values.resize(start + inside.len(), self.fill());
                let mut end = start;
                for (i, (&inside, &position)) in inside.iter().zip(positions).enumerate() {
                    keys[end] = position;
                    values[end] = old_values[first + i];
                    end += usize::from(inside);
                }
                keys.truncate(end);
                values.truncate(end);
            });
            let n_elems = region.shape.iter().map(|&len| len as u128).product::<u128>();
            if !region.is_ascending() {
                sort_entries(&mut keys, &mut values, n_elems.saturating_sub(1));
            }
            Ok(Coo::from_sorted(region.shape.as_slice().into(), keys, values, self.fill(), n_elems))
        })
    }

    /// The elements at one index of an axis, without that axis; negative axes and indices count from the end.
    ///
    /// # Errors
    /// The axis or the index is out of range.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let a = Coo::new(&[[0, 1], [2, 1]], vec![5, 6], [2, 3])?;
    /// assert_eq!(a.index_axis(0, -1)?, Coo::new(&[[1]], vec![6], [3])?);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn index_axis(&self, axis: isize, index: i64) -> Result<Coo<T>> {
        let axis = normalize_axis("index_axis", axis, self.ndim())?;
        let at = normalize_index("index_axis", axis, index, self.shape()[axis])?;
        let mut ranges: Vec<AxisRange> = self.shape().iter().map(|&len| AxisRange::full(len)).collect();
        ranges[axis] = AxisRange::contiguous(at..at + 1);
        self.slice(&ranges)?.squeeze_axes(&[axis as isize])
    }

    /// The elements where a mask of the same shape is true, in C order, as an array with one axis.
    ///
    /// # Errors
    /// The shapes differ, or 2^64 elements or more are true.
    ///
    /// # Complexity
    /// One merge of the entries of both.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let a = Coo::new(&[[0, 1], [2, 1]], vec![5, -6], [2, 3])?;
    /// let positive = a.map(|x| x >= 0);
    /// assert_eq!(a.mask(&positive)?, Coo::new(&[[2]], vec![5], [5])?);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn mask(&self, mask: &Coo<bool>) -> Result<Coo<T>> {
        if self.shape() != mask.shape() {
            let (a, b) = (Shown(self.shape()), Shown(mask.shape()));
            return Err(Error::shape("mask", format!("an array of shape {a} does not take a mask of shape {b}")));
        }
        // What differs from the mask's fill decides; explicit fills would count twice.
        let mask = mask.prune();
        let n_true = if mask.fill() { self.size() - mask.nnz() as u128 } else { mask.nnz() as u128 };
        let len = u64::try_from(n_true).map_err(|_| Error::shape("mask", format!("{n_true} elements are true")))?;
        with_width!(self.keys().width(), K => {
            let (keys, values) = select_true(&K::view(self.keys()), self.values(), &K::view(mask.keys()), mask.fill());
            Ok(Coo::from_sorted(Arc::new([len]), keys, values, self.fill(), n_true))
        })
    }

    /// The elements where a dense mask of the same shape is true, as [`mask`](Coo::mask) gives them.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let a = Coo::new(&[[1, 2]], vec![5, 6], [4])?;
    /// let mask = ndarray::arr1(&[true, false, true, true]).into_dyn();
    /// assert_eq!(a.mask_dense(&mask.view())?, Coo::new(&[[1]], vec![6], [3])?);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn mask_dense(&self, mask: &ArrayViewD<'_, bool>) -> Result<Coo<T>> {
        self.mask(&Coo::from_dense(mask)?)
    }
}

/// The entries at true positions, numbered by the true positions before them.
///
/// `flips` are the positions that differ from `mask_fill`: the true ones if it is false, the false ones if it is true.
fn select_true<K: Key, T: Copy>(keys: &[K], values: &[T], flips: &[K], mask_fill: bool) -> (Vec<K>, Vec<T>) {
    let (mut new_keys, mut new_values) = (Vec::new(), Vec::new());
    let mut n_flips = 0;
    for (&key, &value) in keys.iter().zip(values) {
        while n_flips < flips.len() && flips[n_flips] < key {
            n_flips += 1;
        }
        let is_flipped = flips.get(n_flips) == Some(&key);
        if is_flipped != mask_fill {
            let before = K::from_usize_lossy(n_flips);
            new_keys.push(if mask_fill { key - before } else { before });
            new_values.push(value);
        }
    }
    (new_keys, new_values)
}

#[cfg(test)]
mod tests {
    use ndarray::{ArrayD, Axis, Slice};
    use proptest::prelude::*;

    use super::*;
    use crate::sparse::testing::{dense_with_fill, shapes};

    fn range() -> impl Strategy<Value = (Option<i64>, Option<i64>, i64)> {
        let step = prop_oneof![3 => Just(1i64), 1 => 2i64..4, 1 => -3i64..0];
        (prop::option::of(-6i64..7), prop::option::of(-6i64..7), step)
    }

    fn cases() -> impl Strategy<Value = (ArrayD<i64>, Vec<AxisRange>)> {
        (shapes(), prop::collection::vec(prop_oneof![Just((None, None, 1)), range()], 4)).prop_flat_map(
            |(shape, raw)| {
                let ranges: Vec<AxisRange> = shape
                    .iter()
                    .zip(raw)
                    .map(|(&len, (a, b, step))| AxisRange::from_slice(a, b, step, len as u64).unwrap())
                    .collect();
                (dense_with_fill(shape, 7i64), Just(ranges))
            },
        )
    }

    /// The slice of a dense array, axis by axis.
    pub(super) fn dense_slice(a: &ArrayD<i64>, ranges: &[AxisRange]) -> ArrayD<i64> {
        ranges.iter().enumerate().fold(a.clone(), |a, (axis, range)| {
            let positions: Vec<usize> = range.positions().map(|position| position as usize).collect();
            a.select(Axis(axis), &positions)
        })
    }

    proptest! {
        #[test]
        fn slices_are_those_of_dense_arrays((a, ranges) in cases()) {
            let s = Coo::from_dense_with_fill(&a.view(), 7).unwrap();
            let found = s.slice(&ranges).unwrap();
            prop_assert_eq!(found.to_dense().unwrap(), dense_slice(&a, &ranges));
            prop_assert!(found.keys().is_canonical(found.size()));
            for axis in 0..a.ndim() {
                for index in 0..a.shape()[axis] {
                    let part = s.index_axis(axis as isize, index as i64).unwrap();
                    prop_assert_eq!(part.to_dense().unwrap(), a.index_axis(Axis(axis), index));
                }
            }
        }

        #[test]
        fn masks_select_in_c_order(
            (a, mask) in shapes().prop_flat_map(|s| (dense_with_fill(s.clone(), 7i64), dense_with_fill(s, true))),
        ) {
            let s = Coo::from_dense_with_fill(&a.view(), 7).unwrap();
            let expected: Vec<i64> = a.iter().zip(mask.iter()).filter(|(_, m)| **m).map(|(x, _)| *x).collect();
            for fill in [false, true] {
                let sparse_mask = Coo::from_dense_with_fill(&mask.view(), fill).unwrap();
                let found = s.mask(&sparse_mask).unwrap();
                prop_assert_eq!(found.to_dense().unwrap().into_raw_vec_and_offset().0, expected.clone());
                prop_assert!(found.keys().is_canonical(found.size()));
            }
            prop_assert_eq!(s.mask_dense(&mask.view()).unwrap().size(), expected.len() as u128);
        }
    }

    #[test]
    fn a_run_is_cut_out_without_looking_at_it() {
        let a = ArrayD::from_shape_fn(ndarray::IxDyn(&[6, 5, 4]), |i| (i[0] * 20 + i[1] * 4 + i[2]) as i64 % 3);
        let s = Coo::from_dense(&a.view()).unwrap();
        let found = s.slice(&[AxisRange::contiguous(2..4), AxisRange::full(5), AxisRange::full(4)]).unwrap();
        assert_eq!(found.to_dense().unwrap(), a.slice_axis(Axis(0), Slice::from(2..4)));
    }

    #[test]
    fn shapes_beyond_64_bits_slice() {
        let n = 1u64 << 41;
        let a = Coo::new(&[[n - 1, 0, 5], [n - 1, 5, 5]], vec![1, 2, 3], [n, n]).unwrap();
        let last = AxisRange::contiguous(n - 10..n);
        assert_eq!(a.slice(&[last, last]).unwrap(), Coo::new(&[[9], [9]], vec![1], [10, 10]).unwrap());
        assert_eq!(a.index_axis(1, 5).unwrap(), Coo::new(&[[0, 5]], vec![2, 3], [n]).unwrap());
        let reversed = AxisRange::from_slice(None, None, -1, n).unwrap();
        let flipped = a.slice(&[reversed, AxisRange::full(n)]).unwrap();
        assert_eq!(flipped, a.flip(&[0]).unwrap());
        let all = a.map(|_| true).with_fill(true);
        assert!(a.mask(&all).unwrap_err().is_shape());
    }

    #[test]
    fn explicit_fills_of_a_mask_do_not_count() {
        let mask = Coo::new(&[[0, 1]], vec![false, true], [3]).unwrap();
        let a = Coo::new(&[[0, 1]], vec![4, 5], [3]).unwrap();
        assert_eq!(a.mask(&mask).unwrap(), Coo::new(&[[0]], vec![5], [1]).unwrap());
        assert!(a.mask(&Coo::empty([4], true).unwrap()).unwrap_err().is_shape());
    }
}
