//! The positions of extrema: first occurrence in C order, implicit entries included.
//!
//! The stored entries of a group ascend by position, so the first implicit entry is the first gap between them:
//!
//! ```text
//! positions of the entries   0 1 2 4 7     first gap: 3, where the fill stands
//! ```

use super::coo::Coo;
use super::group::{Groups, Segments};
use super::reduce::check_not_empty;
use crate::element::Real;
use crate::error::{Error, Result};

impl<T: Real> Coo<T> {
    /// The C-order position of the first smallest element; of the first NaN if there is one.
    ///
    /// # Errors
    /// There are no elements, or more than 2^63.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// assert_eq!(Coo::new(&[[0, 1]], vec![5, 3], [4])?.argmin()?, 2);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn argmin(&self) -> Result<i64> {
        let axes: Vec<isize> = (0..self.ndim() as isize).collect();
        Ok(self.arg_best("argmin", &axes, |a, b| a < b)?.fill())
    }

    /// The C-order position of the first largest element; of the first NaN if there is one.
    ///
    /// # Errors
    /// There are no elements, or more than 2^63.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// assert_eq!(Coo::new(&[[0, 1], [1, 1]], vec![5, 6], [2, 3])?.argmax()?, 4);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn argmax(&self) -> Result<i64> {
        let axes: Vec<isize> = (0..self.ndim() as isize).collect();
        Ok(self.arg_best("argmax", &axes, |a, b| a > b)?.fill())
    }

    /// The positions of the first smallest elements along an axis; of the first NaN where there is one.
    ///
    /// # Errors
    /// The axis is out of range, or has no elements, or more than 2^63.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let a = Coo::new(&[[0, 0, 1], [0, 1, 1]], vec![5, -6, 7], [2, 3])?;
    /// assert_eq!(a.argmin_axis(1)?.to_dense()?.into_raw_vec_and_offset().0, [1, 0]);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn argmin_axis(&self, axis: isize) -> Result<Coo<i64>> {
        self.arg_best("argmin", &[axis], |a, b| a < b)
    }

    /// The positions of the first largest elements along an axis; of the first NaN where there is one.
    ///
    /// # Errors
    /// The axis is out of range, or has no elements, or more than 2^63.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let a = Coo::new(&[[0, 0, 1], [0, 1, 1]], vec![-5, -6, 7], [2, 3])?;
    /// assert_eq!(a.argmax_axis(1)?.to_dense()?.into_raw_vec_and_offset().0, [2, 1]);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn argmax_axis(&self, axis: isize) -> Result<Coo<i64>> {
        self.arg_best("argmax", &[axis], |a, b| a > b)
    }

    fn arg_best(&self, op: &'static str, axes: &[isize], is_better: fn(T, T) -> bool) -> Result<Coo<i64>> {
        let groups = Groups::new(op, self.shape(), axes)?;
        check_not_empty(op, self.shape(), groups.n_groups, groups.group_len)?;
        if groups.group_len > 1 << 63 {
            return Err(Error::value(op, format!("a position among {} elements does not fit int64", groups.group_len)));
        }
        let segments = Segments::new(self, groups);
        let best = (0..segments.len()).map(|i| best_of(&segments, i, self.fill(), is_better) as i64).collect();
        // In a group without entries the first element is as good as any other.
        Ok(segments.finish(best, 0))
    }
}

/// The position of the best element of group `i`.
fn best_of<T: Real>(segments: &Segments<T>, i: usize, fill: T, is_better: fn(T, T) -> bool) -> u64 {
    let beats = |a: T, b: T| !b.is_nan() && (a.is_nan() || is_better(a, b));
    let values = segments.values_of(i);
    let first = segments.borders[i];
    let best = (1..values.len()).fold(0, |best, at| if beats(values[at], values[best]) { at } else { best });
    let stored = segments.inner.at(first + best) as u64;
    if segments.n_implicit(i) == 0 || beats(values[best], fill) {
        return stored;
    }
    let gap = segments.first_gap(i);
    if beats(fill, values[best]) { gap } else { gap.min(stored) }
}

#[cfg(test)]
mod tests {
    use ndarray::ArrayD;
    use proptest::prelude::*;

    use super::*;
    use crate::sparse::testing::{Drawn, dense_with_fill, shapes};

    fn first_best<T: Real>(values: impl Iterator<Item = T>, is_better: fn(T, T) -> bool) -> i64 {
        let values: Vec<T> = values.collect();
        if let Some(nan) = values.iter().position(|value| value.is_nan()) {
            return nan as i64;
        }
        (1..values.len()).fold(0, |best, at| if is_better(values[at], values[best]) { at } else { best }) as i64
    }

    fn check<T: Drawn + Real>(a: &ArrayD<T>, fill: T) {
        if a.is_empty() {
            return;
        }
        let coo = Coo::from_dense_with_fill(&a.view(), fill).unwrap();
        assert_eq!(coo.argmax().unwrap(), first_best(a.iter().copied(), |a, b| a > b));
        assert_eq!(coo.argmin().unwrap(), first_best(a.iter().copied(), |a, b| a < b));
        for axis in 0..a.ndim() {
            let lanes = a.lanes(ndarray::Axis(axis));
            let expected: Vec<i64> =
                lanes.into_iter().map(|lane| first_best(lane.iter().copied(), |a, b| a < b)).collect();
            let found = coo.argmin_axis(axis as isize).unwrap();
            assert_eq!(found.to_dense().unwrap().into_raw_vec_and_offset().0, expected, "axis {axis} of {a}");
        }
    }

    proptest! {
        #[test]
        fn positions_are_those_of_dense_arrays(
            a in shapes().prop_flat_map(|shape| dense_with_fill(shape, 0i64)),
            b in shapes().prop_flat_map(|shape| dense_with_fill(shape, f64::NAN)),
            c in shapes().prop_flat_map(|shape| dense_with_fill(shape, 0.0)),
            d in shapes().prop_flat_map(|shape| dense_with_fill(shape, true)),
        ) {
            check(&a, 0);
            check(&b, f64::NAN);
            check(&c, 0.0);
            check(&d, true);
        }
    }

    #[test]
    fn there_must_be_something_to_choose_from() {
        assert!(Coo::<i64>::empty([0, 3], 0).unwrap().argmax().is_err());
        assert!(Coo::<i64>::empty([0, 3], 0).unwrap().argmax_axis(0).is_err());
        assert_eq!(Coo::<i64>::empty([0, 3], 0).unwrap().argmax_axis(1).unwrap().shape(), [0]);
        assert!(Coo::<i64>::empty([1 << 41, 1 << 41], 0).unwrap().argmax().is_err());
    }
}
