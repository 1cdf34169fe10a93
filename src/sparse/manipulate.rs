//! Changes of shape and order: transposition, reshaping, new axes, flips.
//!
//! A key is a C-order position, so reshaping and adding or dropping axes of length 1 change the shape and share all
//! entries. Transposition and flips map keys linearly and put them back in order.

use std::borrow::Cow;

use super::coo::Coo;
use super::keys::{Key, Width, n_elems, with_width};
use super::remap::{Remap, c_strides};
use super::sort::sort_above;
use crate::chunks::AxisRange;
use crate::chunks::select::{normalize_axes, normalize_axis};
use crate::element::Element;
use crate::error::{Error, Result, Shown};

impl<T: Element> Coo<T> {
    /// The array with its axes in another order: axis `i` of the result is axis `axes[i]` of this array.
    ///
    /// # Errors
    /// `axes` does not name every axis once.
    ///
    /// # Complexity
    /// One counting sort over the axes in front of those that stay in order.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let a = Coo::new(&[[0, 1, 1], [1, 0, 1], [2, 0, 2]], vec![1, 2, 3], [2, 2, 3])?;
    /// let b = a.transpose(&[2, 0, 1])?;
    /// assert_eq!((b.shape(), b.values()), (&[3, 2, 2][..], &[2, 1, 3][..]));
    /// assert_eq!(b.get(&[2, 0, 1])?, 1);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn transpose(&self, axes: &[isize]) -> Result<Coo<T>> {
        let order = normalize_axes("transpose", axes, self.ndim())?;
        if order.len() != self.ndim() {
            let detail = format!("{} axes were given for an array with {}", order.len(), self.ndim());
            return Err(Error::shape("transpose", detail));
        }
        Ok(self.permute(&order))
    }

    /// The array with its axes in reverse order.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let a = Coo::new(&[[0], [2]], vec![5], [2, 3])?;
    /// assert_eq!(a.t().get(&[2, 0])?, 5);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn t(&self) -> Coo<T> {
        self.permute(&(0..self.ndim()).rev().collect::<Vec<_>>())
    }

    /// The array whose axis `i` is axis `order[i]` of this one.
    pub(super) fn permute(&self, order: &[usize]) -> Coo<T> {
        if order.is_sorted() {
            return self.clone();
        }
        let shape = order.iter().map(|&axis| self.shape()[axis]).collect();
        with_width!(self.keys().width(), K => {
            let (keys, values) = permuted::<K, T>(self, order);
            Coo::from_sorted(shape, keys.into_owned(), values.into_owned(), self.fill(), self.size())
        })
    }

    /// The array with some axes in reverse.
    ///
    /// # Errors
    /// An axis is out of range or named twice.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let a = Coo::new(&[[0], [2]], vec![5], [2, 3])?;
    /// assert_eq!(a.flip(&[-1])?.get(&[0, 0])?, 5);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn flip(&self, axes: &[isize]) -> Result<Coo<T>> {
        let axes = normalize_axes("flip", axes, self.ndim())?;
        let mut strides = c_strides(self.shape());
        let mut offset = 0u128;
        for &axis in &axes {
            offset = offset.wrapping_add(strides[axis].wrapping_mul((self.shape()[axis].max(1) - 1) as u128));
            strides[axis] = strides[axis].wrapping_neg();
        }
        let n_front = axes.iter().max().map_or(0, |last| last + 1);
        let tail = self.shape()[n_front..].iter().map(|&len| len.max(1) as u128).product();
        with_width!(self.keys().width(), K => {
            let flip = Remap::<K>::new(self.shape(), &strides).with_offset(offset);
            let (mut keys, mut values) = (flip.apply(&K::view(self.keys())), self.values().to_vec());
            sort_above(&mut keys, &mut values, self.size().saturating_sub(1), tail);
            Ok(Coo::from_sorted(self.shared_shape(), keys, values, self.fill(), self.size()))
        })
    }

    /// The same elements in C order in another shape. Entries are shared.
    ///
    /// # Errors
    /// The shapes have different numbers of elements.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let a = Coo::new(&[[0, 1], [2, 0]], vec![5, 6], [2, 3])?;
    /// assert_eq!(a.reshape([3, 2])?.coords(), ndarray::arr2(&[[1, 1], [0, 1]]));
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn reshape(&self, shape: impl AsRef<[u64]>) -> Result<Coo<T>> {
        let shape = shape.as_ref();
        let n_elems = n_elems("reshape", shape)?;
        if n_elems != self.size() {
            let (from, n_from) = (Shown(self.shape()), self.size());
            let detail = format!("shape {from} has {n_from} elements and shape {} has {n_elems}", Shown(shape));
            return Err(Error::shape("reshape", detail));
        }
        Ok(Coo::from_parts(shape.into(), self.keys().clone(), self.shared_values().clone(), self.fill()))
    }

    /// All elements in C order along one axis. Entries are shared.
    ///
    /// # Errors
    /// There are 2^64 elements or more.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let a = Coo::new(&[[1], [2]], vec![5], [2, 3])?;
    /// assert_eq!(a.ravel()?, Coo::new(&[[5]], vec![5], [6])?);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    #[doc(alias = "flatten")]
    pub fn ravel(&self) -> Result<Coo<T>> {
        let len = u64::try_from(self.size())
            .map_err(|_| Error::shape("ravel", format!("{} elements do not fit one axis", self.size())))?;
        self.reshape([len])
    }

    /// The array with two axes exchanged.
    ///
    /// # Errors
    /// An axis is out of range.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// assert_eq!(Coo::empty([2, 3, 4], 0)?.swap_axes(0, -1)?.shape(), [4, 3, 2]);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn swap_axes(&self, a: isize, b: isize) -> Result<Coo<T>> {
        let (a, b) = (normalize_axis("swap_axes", a, self.ndim())?, normalize_axis("swap_axes", b, self.ndim())?);
        let mut order: Vec<usize> = (0..self.ndim()).collect();
        order.swap(a, b);
        Ok(self.permute(&order))
    }

    /// The array with axis `source[i]` moved to place `destination[i]`; the other axes keep their order.
    ///
    /// # Errors
    /// An axis or a place is out of range or named twice, or there are not as many of them.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// assert_eq!(Coo::empty([2, 3, 4], 0)?.move_axes(&[0], &[-1])?.shape(), [3, 4, 2]);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    #[doc(alias = "moveaxis")]
    pub fn move_axes(&self, source: &[isize], destination: &[isize]) -> Result<Coo<T>> {
        const OP: &str = "move_axes";
        let (from, to) = (normalize_axes(OP, source, self.ndim())?, normalize_axes(OP, destination, self.ndim())?);
        if from.len() != to.len() {
            let detail = format!("{} axes are moved to {} places", from.len(), to.len());
            return Err(Error::shape(OP, detail));
        }
        let mut others = (0..self.ndim()).filter(|axis| !from.contains(axis));
        let axis_at = |place: usize| match to.iter().position(|&taken| taken == place) {
            Some(i) => from[i],
            // As many places are left as axes.
            None => others.next().unwrap_or(place),
        };
        let order: Vec<usize> = (0..self.ndim()).map(axis_at).collect();
        Ok(self.permute(&order))
    }

    /// The array with its elements moved along an axis by `shift` places; those that leave it at one end come in at the
    /// other.
    ///
    /// # Errors
    /// The axis is out of range.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let a = Coo::new(&[[0, 3]], vec![5, 6], [4])?;
    /// assert_eq!(a.roll(1, 0)?, Coo::new(&[[0, 1]], vec![6, 5], [4])?);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn roll(&self, shift: i64, axis: isize) -> Result<Coo<T>> {
        let axis = normalize_axis("roll", axis, self.ndim())?;
        let len = self.shape()[axis];
        let cut = if len == 0 { 0 } else { (-(shift as i128)).rem_euclid(len as i128) as u64 };
        if cut == 0 {
            return Ok(self.clone());
        }
        let part = |range: std::ops::Range<u64>| {
            let mut ranges: Vec<AxisRange> = self.shape().iter().map(|&len| AxisRange::full(len)).collect();
            ranges[axis] = AxisRange::contiguous(range);
            self.slice(&ranges)
        };
        Coo::concatenate(&[part(cut..len)?, part(0..cut)?], axis as isize)
    }

    /// The array with elements of value `fill` before and after each axis: `widths[axis]` is how many.
    ///
    /// Only the fill can be padded with, as everything else would have to be stored.
    ///
    /// # Errors
    /// Not one pair of widths per axis, or the shape gets 2^128 elements or more.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let a = Coo::new(&[[0]], vec![5], [2])?;
    /// assert_eq!(a.pad(&[(1, 2)])?, Coo::new(&[[1]], vec![5], [5])?);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn pad(&self, widths: &[(u64, u64)]) -> Result<Coo<T>> {
        const OP: &str = "pad";
        if widths.len() != self.ndim() {
            let detail = format!("{} pairs of widths were given for an array with {} axes", widths.len(), self.ndim());
            return Err(Error::shape(OP, detail));
        }
        let sum = |(&len, &(before, after)): (&u64, &(u64, u64))| len.checked_add(before)?.checked_add(after);
        let shape: Option<Vec<u64>> = self.shape().iter().zip(widths).map(sum).collect();
        let shape = shape.ok_or_else(|| Error::shape(OP, "an axis gets 2^64 elements or more"))?;
        let n_elems = n_elems(OP, &shape)?;
        let strides = c_strides(&shape);
        let offset = widths
            .iter()
            .zip(&strides)
            .fold(0u128, |sum, (&(before, _), stride)| sum.wrapping_add((before as u128).wrapping_mul(*stride)));
        with_width!(Width::of(n_elems), K => {
            let place = Remap::<K>::new(self.shape(), &strides).with_offset(offset);
            let (keys, values) = (place.apply(&K::view(self.keys())), self.values().to_vec());
            Ok(Coo::from_sorted(shape.into(), keys, values, self.fill(), n_elems))
        })
    }

    /// The array without its axes of length 1. Entries are shared.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// assert_eq!(Coo::empty([1, 2, 1], 0)?.squeeze().shape(), [2]);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn squeeze(&self) -> Coo<T> {
        let shape: Vec<u64> = self.shape().iter().copied().filter(|&len| len != 1).collect();
        Coo::from_parts(shape.into(), self.keys().clone(), self.shared_values().clone(), self.fill())
    }

    /// The array without some axes of length 1. Entries are shared.
    ///
    /// # Errors
    /// An axis is out of range, named twice or not of length 1.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// assert_eq!(Coo::empty([1, 2, 1], 0)?.squeeze_axes(&[0])?.shape(), [2, 1]);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn squeeze_axes(&self, axes: &[isize]) -> Result<Coo<T>> {
        let axes = normalize_axes("squeeze", axes, self.ndim())?;
        if let Some(&axis) = axes.iter().find(|&&axis| self.shape()[axis] != 1) {
            let detail = format!("axis {axis} of shape {} has not length 1", Shown(self.shape()));
            return Err(Error::shape("squeeze", detail));
        }
        let kept = (0..self.ndim()).filter(|axis| !axes.contains(axis));
        let shape: Vec<u64> = kept.map(|axis| self.shape()[axis]).collect();
        Ok(Coo::from_parts(shape.into(), self.keys().clone(), self.shared_values().clone(), self.fill()))
    }

    /// The array with a new axis of length 1, which stands at `axis` in the result. Entries are shared.
    ///
    /// # Errors
    /// The axis is out of range.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// assert_eq!(Coo::empty([2, 3], 0)?.expand_dims(-1)?.shape(), [2, 3, 1]);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn expand_dims(&self, axis: isize) -> Result<Coo<T>> {
        let axis = normalize_axis("expand_dims", axis, self.ndim() + 1)?;
        let mut shape = self.shape().to_vec();
        shape.insert(axis, 1);
        Ok(Coo::from_parts(shape.into(), self.keys().clone(), self.shared_values().clone(), self.fill()))
    }
}

/// The entries of the array whose axis `i` is axis `order[i]` of this one, sorted; borrowed where nothing moves.
pub(crate) fn permuted<'a, K: Key, T: Element>(coo: &'a Coo<T>, order: &[usize]) -> (Cow<'a, [K]>, Cow<'a, [T]>) {
    let old_keys = K::view(coo.keys());
    if order.is_sorted() {
        return (old_keys, Cow::Borrowed(coo.values()));
    }
    let shape: Vec<u64> = order.iter().map(|&axis| coo.shape()[axis]).collect();
    let mut strides = vec![0; shape.len()];
    order.iter().zip(c_strides(&shape)).for_each(|(&axis, stride)| strides[axis] = stride);
    // The last axes keep the order of their entries as long as they ascend.
    let n_tail = 1 + order.windows(2).rev().take_while(|pair| pair[0] < pair[1]).count();
    let tail = shape[shape.len() - n_tail..].iter().map(|&len| len.max(1) as u128).product();
    let (mut keys, mut values) = (Remap::new(coo.shape(), &strides).apply(&old_keys), coo.values().to_vec());
    sort_above(&mut keys, &mut values, coo.size().saturating_sub(1), tail);
    (keys.into(), values.into())
}

#[cfg(test)]
mod tests {
    use ndarray::{ArrayD, Axis};
    use proptest::prelude::*;

    use super::*;
    use crate::sparse::testing::{dense_with_fill, shapes};

    fn with_order() -> impl Strategy<Value = (ArrayD<i64>, Vec<usize>)> {
        shapes().prop_flat_map(|shape| {
            let order: Vec<usize> = (0..shape.len()).collect();
            (dense_with_fill(shape, 0i64), Just(order).prop_shuffle())
        })
    }

    proptest! {
        #[test]
        fn moves_are_those_of_dense_arrays(
            a in shapes().prop_flat_map(|shape| dense_with_fill(shape, 3i64)), shift in -9i64..10,
            pick in any::<[prop::sample::Index; 2]>(), widths in any::<[(u8, u8); 4]>(),
        ) {
            let s = Coo::from_dense_with_fill(&a.view(), 3).unwrap();
            prop_assert_eq!(s.ravel().unwrap().to_dense().unwrap().into_raw_vec_and_offset().0, a.iter().copied().collect::<Vec<_>>());
            let widths: Vec<(u64, u64)> = widths[..a.ndim()].iter().map(|w| (w.0 as u64 % 3, w.1 as u64 % 3)).collect();
            let padded = s.pad(&widths).unwrap();
            prop_assert!(padded.keys().is_canonical(padded.size()));
            prop_assert_eq!(padded.nnz(), s.nnz());
            for (at, value) in padded.iter() {
                let at: Vec<usize> = at.iter().zip(&widths).map(|(&at, w)| (at - w.0) as usize).collect();
                prop_assert_eq!(a[at.as_slice()], value);
            }
            if a.ndim() > 0 {
                let (from, to) = (pick[0].index(a.ndim()), pick[1].index(a.ndim()));
                let rolled = s.roll(shift, from as isize).unwrap().to_dense().unwrap();
                let n = a.shape()[from] as i64;
                for (at, &x) in a.indexed_iter() {
                    let mut at = ndarray::Dimension::slice(&at).to_vec();
                    at[from] = (at[from] as i64 + shift).rem_euclid(n) as usize;
                    prop_assert_eq!(rolled[at.as_slice()], x);
                }
                let mut order: Vec<usize> = (0..a.ndim()).filter(|&axis| axis != from).collect();
                order.insert(to, from);
                let moved = s.move_axes(&[from as isize], &[to as isize]).unwrap();
                prop_assert_eq!(moved.to_dense().unwrap(), a.view().permuted_axes(order));
                let mut swapped = a.view();
                swapped.swap_axes(from, to);
                prop_assert_eq!(s.swap_axes(from as isize, to as isize - a.ndim() as isize).unwrap().to_dense().unwrap(), swapped);
            }
        }

        #[test]
        fn axes_move_like_dense_ones((a, order) in with_order()) {
            let s = Coo::from_dense(&a.view()).unwrap();
            let axes: Vec<isize> = order.iter().map(|&axis| axis as isize).collect();
            let found = s.transpose(&axes).unwrap();
            prop_assert_eq!(found.to_dense().unwrap(), a.view().permuted_axes(order.clone()));
            prop_assert!(found.keys().is_canonical(found.size()));
            prop_assert_eq!(s.t().to_dense().unwrap(), a.t());
            let some = &axes[..axes.len() / 2];
            let mut flipped = a.clone();
            some.iter().for_each(|&axis| flipped.invert_axis(Axis(axis as usize)));
            prop_assert_eq!(s.flip(some).unwrap().to_dense().unwrap(), flipped);
        }

        #[test]
        fn reshaping_keeps_c_order(a in shapes().prop_flat_map(|shape| dense_with_fill(shape, 0i64))) {
            let s = Coo::from_dense(&a.view()).unwrap();
            let flat = s.reshape([a.len() as u64]).unwrap();
            prop_assert_eq!(flat.to_dense().unwrap().into_raw_vec_and_offset().0, a.iter().copied().collect::<Vec<_>>());
            prop_assert_eq!(flat.reshape(s.shape()).unwrap(), s.clone());
            let wider = s.expand_dims(-1).unwrap().expand_dims(0).unwrap();
            prop_assert_eq!(wider.squeeze_axes(&[0, -1]).unwrap(), s.clone());
            prop_assert_eq!(wider.squeeze(), s.squeeze());
        }
    }

    #[test]
    fn many_entries_sort_on_the_moved_axes_only() {
        let n = 5000u64;
        let keys: Vec<u64> = (0..n).map(|i| i * 7 % (20 * 30 * 10)).collect();
        let rows: Vec<Vec<u64>> = vec![
            keys.iter().map(|k| k / 300).collect(),
            keys.iter().map(|k| k / 10 % 30).collect(),
            keys.iter().map(|k| k % 10).collect(),
        ];
        let a = Coo::new(&rows, (0..n as i64).collect(), [20, 30, 10]).unwrap();
        let dense = a.to_dense().unwrap();
        for order in [[2, 0, 1], [1, 0, 2], [2, 1, 0], [0, 2, 1]] {
            let moved = a.transpose(&order.map(|axis| axis as isize)).unwrap();
            assert_eq!(moved.to_dense().unwrap(), dense.view().permuted_axes(order.to_vec()));
        }
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let a = Coo::empty([2, 3], 0).unwrap();
        assert!(a.transpose(&[0]).unwrap_err().is_shape());
        assert!(a.transpose(&[0, 0]).unwrap_err().is_shape());
        assert!(a.reshape([7]).unwrap_err().to_string().contains("has 6 elements"));
        assert!(a.squeeze_axes(&[0]).unwrap_err().is_shape());
        assert!(a.expand_dims(3).unwrap_err().is_shape());
        assert!(a.flip(&[2]).unwrap_err().is_shape());
    }

    #[test]
    fn shapes_beyond_64_bits_transpose() {
        let n = 1u64 << 41;
        let a = Coo::new(&[[n - 1, 0], [6, n - 2]], vec![1, 2], [n, n]).unwrap();
        assert_eq!(a.t().coords(), ndarray::arr2(&[[6, n - 2], [n - 1, 0]]));
        assert_eq!(a.flip(&[0, 1]).unwrap().coords(), ndarray::arr2(&[[0, n - 1], [n - 7, 1]]));
    }
}
