//! Lists of indices and masks along one axis.

use std::ops::Range;

use super::coo::Coo;
use super::keys::{Divisor, Key, Width, n_elems, with_width};
use super::remap::c_strides;
use super::sort::sort_above;
use crate::chunks::select::{normalize_axis, normalize_index};
use crate::element::Element;
use crate::error::{Error, Result};

/// Axes of up to this length are looked up in a table whatever the number of indices.
const TABLE_MIN_LEN: u64 = 1 << 16;

impl<T: Element> Coo<T> {
    /// The elements at a list of indices of an axis, in the order of the list; repeated indices repeat elements.
    ///
    /// Negative axes and indices count from the end.
    ///
    /// # Errors
    /// The axis or an index is out of range.
    ///
    /// # Complexity
    /// One look-up per entry; entries are sorted only if the list does not ascend.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let a = Coo::new(&[[0, 1], [1, 0]], vec![5, 6], [2, 3])?;
    /// let b = a.take(&[1, 0, 1], -1)?;
    /// assert_eq!(b.to_dense()?, ndarray::arr2(&[[5, 0, 5], [0, 6, 0]]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn take(&self, indices: &[i64], axis: isize) -> Result<Coo<T>> {
        let axis = normalize_axis("take", axis, self.ndim())?;
        let len = self.shape()[axis];
        let positions =
            indices.iter().map(|&index| normalize_index("take", axis, index, len)).collect::<Result<Vec<_>>>()?;
        self.take_positions("take", &positions, axis)
    }

    /// The elements of an axis where a mask is true.
    ///
    /// # Errors
    /// The axis is out of range, or the mask has not its length.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let a = Coo::new(&[[0, 2]], vec![5, 6], [3])?;
    /// assert_eq!(a.compress(&[false, true, true], 0)?, Coo::new(&[[1]], vec![6], [2])?);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn compress(&self, mask: &[bool], axis: isize) -> Result<Coo<T>> {
        let axis = normalize_axis("compress", axis, self.ndim())?;
        if mask.len() as u64 != self.shape()[axis] {
            let detail = format!("a mask of length {} for axis {axis} of length {}", mask.len(), self.shape()[axis]);
            return Err(Error::bad_index("compress", detail));
        }
        let positions: Vec<u64> = (0u64..).zip(mask).filter(|(_, is_kept)| **is_kept).map(|(at, _)| at).collect();
        self.take_positions("compress", &positions, axis)
    }

    fn take_positions(&self, op: &'static str, positions: &[u64], axis: usize) -> Result<Coo<T>> {
        let len = self.shape()[axis];
        let mut shape = self.shape().to_vec();
        shape[axis] = positions.len() as u64;
        let n_elems = n_elems(op, &shape)?;
        let tail = c_strides(self.shape())[axis];
        let places = Places::new(positions, len);
        with_width!(Width::of(n_elems.max(self.size())), K => {
            let (mut keys, mut values) = (Vec::<K>::new(), Vec::new());
            let (by_tail, by_len) = (Divisor::<K>::new(tail), Divisor::<K>::new(len as u128));
            let (tail_len, new_len) = (K::truncate(tail), K::truncate(positions.len() as u128));
            for (&key, &value) in K::view(self.keys()).iter().zip(self.values()) {
                let (head, inner) = by_tail.div_rem(key);
                let (outer, at) = by_len.div_rem(head);
                for &place in places.of(at.widen() as u64) {
                    keys.push((outer * new_len + K::truncate(place as u128)) * tail_len + inner);
                    values.push(value);
                }
            }
            // An index that stands several times in a row puts a whole line of entries between its copies.
            if !positions.is_sorted_by(|a, b| a < b) {
                sort_above(&mut keys, &mut values, n_elems.saturating_sub(1), tail.max(1));
            }
            Ok(Coo::from_sorted(shape.into(), keys, values, self.fill(), n_elems))
        })
    }
}

/// Where each position of an axis stands in a list of positions.
struct Places {
    /// The positions in the list, ascending, without repetition; left out where `starts` has a row for every position.
    listed: Option<Vec<u64>>,
    /// Row `i` of `places` is `starts[i]..starts[i + 1]`.
    starts: Vec<usize>,
    /// Indices into the list, ascending in every row.
    places: Vec<u64>,
}

impl Places {
    fn new(positions: &[u64], len: u64) -> Self {
        let mut places: Vec<u64> = (0..positions.len() as u64).collect();
        places.sort_by_key(|&place| positions[place as usize]);
        let position_at = |i: usize| positions[places[i] as usize];
        if len <= TABLE_MIN_LEN.max(4 * positions.len() as u64) {
            let mut starts = vec![0; len as usize + 1];
            positions.iter().for_each(|&position| starts[position as usize + 1] += 1);
            (0..len as usize).for_each(|row| starts[row + 1] += starts[row]);
            return Self { listed: None, starts, places };
        }
        let mut starts: Vec<usize> =
            (0..places.len()).filter(|&i| i == 0 || position_at(i) != position_at(i - 1)).collect();
        let listed = starts.iter().map(|&start| position_at(start)).collect();
        starts.push(places.len());
        Self { listed: Some(listed), starts, places }
    }

    fn of(&self, position: u64) -> &[u64] {
        let row = match &self.listed {
            None => Some(position as usize),
            Some(listed) => listed.binary_search(&position).ok(),
        };
        row.map_or(&[], |row| &self.places[Range { start: self.starts[row], end: self.starts[row + 1] }])
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{ArrayD, Axis};
    use proptest::prelude::*;

    use super::*;
    use crate::sparse::testing::dense_with_fill;

    fn cases() -> impl Strategy<Value = (ArrayD<i64>, usize, Vec<usize>)> {
        let picks = prop::collection::vec(any::<prop::sample::Index>(), 0..7);
        (prop::collection::vec(1usize..5, 1..4), any::<prop::sample::Index>(), picks, any::<bool>()).prop_flat_map(
            |(shape, axis, picks, sort)| {
                let axis = axis.index(shape.len());
                let mut picks: Vec<usize> = picks.iter().map(|pick| pick.index(shape[axis])).collect();
                if sort {
                    picks.sort_unstable();
                }
                (dense_with_fill(shape, 3i64), Just(axis), Just(picks))
            },
        )
    }

    proptest! {
        #[test]
        fn lists_select_like_dense_ones((a, axis, picks) in cases()) {
            let s = Coo::from_dense_with_fill(&a.view(), 3).unwrap();
            let len = a.shape()[axis] as i64;
            let signed: Vec<i64> = picks.iter().enumerate().map(|(i, &p)| p as i64 - if i % 2 == 0 { len } else { 0 }).collect();
            let found = s.take(&signed, axis as isize).unwrap();
            prop_assert_eq!(found.to_dense().unwrap(), a.select(Axis(axis), &picks));
            prop_assert!(found.keys().is_canonical(found.size()));
            let mask: Vec<bool> = (0..len as usize).map(|at| picks.contains(&at)).collect();
            let kept: Vec<usize> = (0..mask.len()).filter(|&at| mask[at]).collect();
            prop_assert_eq!(s.compress(&mask, axis as isize).unwrap().to_dense().unwrap(), a.select(Axis(axis), &kept));
        }
    }

    #[test]
    fn long_axes_are_searched() {
        let n = 1u64 << 40;
        let a = Coo::new(&[[0, 1], [n - 1, 7]], vec![5, 6], [2, n]).unwrap();
        let b = a.take(&[-1, 7, 8, -1], 1).unwrap();
        assert_eq!(b.to_dense().unwrap(), ndarray::arr2(&[[5, 0, 0, 5], [0, 6, 0, 0]]).into_dyn());
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let a = Coo::empty([2, 3], 0).unwrap();
        assert!(a.take(&[3], 1).unwrap_err().is_index());
        assert!(a.take(&[0], 2).unwrap_err().is_shape());
        assert!(a.compress(&[true; 2], 1).unwrap_err().is_index());
        assert_eq!(a.take(&[], 0).unwrap().shape(), [0, 3]);
    }
}
