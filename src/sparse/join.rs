//! Putting arrays together along an axis.

use super::coo::Coo;
use super::keys::{Key, Width, n_elems, with_width};
use super::remap::{Remap, c_strides};
use super::sort::sort_above;
use crate::chunks::select::normalize_axis;
use crate::element::Element;
use crate::error::{Error, Result, Shown};

impl<T: Element> Coo<T> {
    /// Arrays one after the other along an existing axis.
    ///
    /// # Errors
    /// There are no arrays, their other axes or their fills differ, or the axis is out of range.
    ///
    /// # Complexity
    /// Entries are copied; along the first axis nothing is sorted.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let a = Coo::new(&[[0], [1]], vec![5], [1, 2])?;
    /// let b = Coo::new(&[[1], [0]], vec![6], [2, 2])?;
    /// let c = Coo::concatenate(&[a, b], 0)?;
    /// assert_eq!(c.to_dense()?, ndarray::arr2(&[[0, 5], [0, 0], [6, 0]]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn concatenate(arrays: &[Coo<T>], axis: isize) -> Result<Coo<T>> {
        join("concatenate", arrays, axis)
    }

    /// Arrays of one shape one after the other along a new axis, which stands at `axis` in the result.
    ///
    /// # Errors
    /// There are no arrays, their shapes or their fills differ, or the axis is out of range.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let a = Coo::new(&[[1, 2]], vec![1, 2], [3])?;
    /// let b = Coo::new(&[[0]], vec![3], [3])?;
    /// let c = Coo::stack(&[a, b], -1)?;
    /// assert_eq!(c.to_dense()?, ndarray::arr2(&[[0, 3], [1, 0], [2, 0]]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn stack(arrays: &[Coo<T>], axis: isize) -> Result<Coo<T>> {
        let expand = |array: &Coo<T>| array.expand_dims(axis).map_err(|_| Error::axis("stack", axis, array.ndim() + 1));
        if let Some(other) = arrays.iter().find(|array| array.shape() != arrays[0].shape()) {
            let detail = format!("shapes {} and {} differ", Shown(arrays[0].shape()), Shown(other.shape()));
            return Err(Error::shape("stack", detail));
        }
        join("stack", &arrays.iter().map(expand).collect::<Result<Vec<_>>>()?, axis)
    }
}

fn join<T: Element>(op: &'static str, arrays: &[Coo<T>], axis: isize) -> Result<Coo<T>> {
    let Some(first) = arrays.first() else {
        return Err(Error::value(op, "there are no arrays to put together"));
    };
    let axis = normalize_axis(op, axis, first.ndim())?;
    let mut shape = first.shape().to_vec();
    shape[axis] = 0;
    for array in arrays {
        check_fits(op, first, array, axis)?;
        let len = shape[axis].checked_add(array.shape()[axis]);
        shape[axis] = len.ok_or_else(|| Error::shape(op, format!("axis {axis} gets 2^64 elements or more")))?;
    }
    let n_elems = n_elems(op, &shape)?;
    with_width!(Width::of(n_elems), K => {
        let n_entries = arrays.iter().map(Coo::nnz).sum();
        let (mut keys, mut values) = (Vec::<K>::with_capacity(n_entries), Vec::with_capacity(n_entries));
        let strides = c_strides(&shape);
        let mut start = 0u128;
        for array in arrays {
            let place = Remap::<K>::new(array.shape(), &strides).with_offset(start.wrapping_mul(strides[axis]));
            place.for_each_tile(&K::view(array.keys()), |_, tile| keys.extend_from_slice(tile));
            values.extend_from_slice(array.values());
            start += array.shape()[axis] as u128;
        }
        // Entries that agree up to the axis come from one array, in order.
        sort_above(&mut keys, &mut values, n_elems.saturating_sub(1), strides[axis].max(1));
        Ok(Coo::from_sorted(shape.into(), keys, values, first.fill(), n_elems))
    })
}

fn check_fits<T: Element>(op: &'static str, first: &Coo<T>, other: &Coo<T>, axis: usize) -> Result<()> {
    let is_same_but_axis = first.ndim() == other.ndim()
        && (0..first.ndim())
            .all(|other_axis| other_axis == axis || first.shape()[other_axis] == other.shape()[other_axis]);
    if !is_same_but_axis {
        let (a, b) = (Shown(first.shape()), Shown(other.shape()));
        return Err(Error::shape(op, format!("shapes {a} and {b} differ in other axes than {axis}")));
    }
    if !first.fill().is_same(other.fill()) {
        return Err(Error::layout(op, format!("fills {} and {} differ", first.fill(), other.fill()))
            .with_remedy("bring the arrays to one fill with `refill`"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use ndarray::{ArrayD, Axis};
    use proptest::prelude::*;

    use super::*;
    use crate::sparse::testing::dense_with_fill;

    /// Arrays of two to four axes that agree on all axes but one.
    fn parts() -> impl Strategy<Value = (Vec<ArrayD<i64>>, usize)> {
        let shape = prop::collection::vec(0usize..5, 1..4);
        (shape, prop::collection::vec(0usize..4, 1..4), any::<prop::sample::Index>()).prop_flat_map(
            |(shape, lens, axis)| {
                let axis = axis.index(shape.len());
                let part = move |len: usize| {
                    let mut shape = shape.clone();
                    shape[axis] = len;
                    dense_with_fill(shape, 2i64)
                };
                (lens.into_iter().map(part).collect::<Vec<_>>(), Just(axis))
            },
        )
    }

    proptest! {
        #[test]
        fn joining_equals_the_dense_join((parts, axis) in parts()) {
            let sparse: Vec<Coo<i64>> =
                parts.iter().map(|part| Coo::from_dense_with_fill(&part.view(), 2).unwrap()).collect();
            let views: Vec<_> = parts.iter().map(|part| part.view()).collect();
            let joined = Coo::concatenate(&sparse, axis as isize).unwrap();
            prop_assert_eq!(joined.to_dense().unwrap(), ndarray::concatenate(Axis(axis), &views).unwrap());
            prop_assert!(joined.keys().is_canonical(joined.size()));
            let copies = vec![sparse[0].clone(); 3];
            let stacked = Coo::stack(&copies, axis as isize).unwrap();
            let expected = ndarray::stack(Axis(axis), &[views[0].view(), views[0].view(), views[0].view()]).unwrap();
            prop_assert_eq!(stacked.to_dense().unwrap(), expected);
        }
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let a = Coo::empty([2, 3], 0).unwrap();
        assert!(Coo::concatenate(&[a.clone(), Coo::empty([2, 4], 0).unwrap()], 0).unwrap_err().is_shape());
        assert!(Coo::stack(&[a.clone(), Coo::empty([2, 4], 0).unwrap()], 0).unwrap_err().is_shape());
        assert!(Coo::concatenate(&[a.clone(), Coo::empty([2, 3], 1).unwrap()], 0).unwrap_err().is_usage());
        assert!(Coo::concatenate(std::slice::from_ref(&a), 2).unwrap_err().is_shape());
        assert!(Coo::stack(std::slice::from_ref(&a), 3).unwrap_err().is_shape());
        assert!(Coo::<i64>::concatenate(&[], 0).unwrap_err().is_usage());
        let long = Coo::empty([u64::MAX, 1], 0).unwrap();
        assert!(Coo::concatenate(&[long.clone(), long], 0).unwrap_err().is_shape());
    }

    #[test]
    fn keys_widen_where_the_result_needs_it() {
        let n = 1u64 << 31;
        let a = Coo::new(&[[n - 1]], vec![1], [n]).unwrap();
        let c = Coo::concatenate(&[a.clone(), a.clone(), a], 0).unwrap();
        assert_eq!(c.coords(), ndarray::arr2(&[[n - 1, 2 * n - 1, 3 * n - 1]]));
    }
}
