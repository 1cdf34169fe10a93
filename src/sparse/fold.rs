//! Reductions by a function of the user's.

use super::coo::Coo;
use super::group::{Fold, Groups, fold};
use super::reduce::check_not_empty;
use crate::element::Element;
use crate::error::Result;

impl<T: Element> Coo<T> {
    /// Joins all elements of each group that the given axes make, two at a time.
    ///
    /// `f` must be associative and commutative: entries are joined first, then the fill as often as it occurs, by doubling.
    ///
    /// # Errors
    /// An axis is out of range or named twice, or a group has no elements.
    ///
    /// # Complexity
    /// One call per entry, and a few per group for the fill.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let a = Coo::from_coords_with_fill(&[[0, 0], [0, 1]], vec![5, 7], [2, 3], 1)?;
    /// assert_eq!(a.reduce(&[1], |x, y| x.max(y))?.to_dense()?, ndarray::arr1(&[7, 1]).into_dyn());
    /// assert_eq!(a.reduce(&[1], |x, y| x + y)?.to_dense()?, ndarray::arr1(&[13, 3]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn reduce(&self, axes: &[isize], f: impl Fn(T, T) -> T) -> Result<Coo<T>> {
        let groups = Groups::new("reduce", self.shape(), axes)?;
        check_not_empty("reduce", self.shape(), groups.n_groups, groups.group_len)?;
        let join = |a: Option<T>, b: Option<T>| match (a, b) {
            (Some(a), Some(b)) => Some(f(a, b)),
            (a, None) => a,
            (None, b) => b,
        };
        let fill = self.fill();
        let finish = |state: Option<T>, n_implicit: u128| {
            let fills = (n_implicit > 0).then(|| copies(fill, n_implicit, &f));
            // A group has elements; none is left without a value.
            join(state, fills).unwrap_or(fill)
        };
        Ok(fold(
            self,
            &groups,
            &Fold { init: None, step: |state, value| join(state, Some(value)), merge: join, finish },
        ))
    }

    /// The sum over some axes in the element type itself, where integers wrap and `bool` means *or*.
    pub(crate) fn sum_in_type(&self, axes: &[isize]) -> Result<Coo<T>> {
        let groups = Groups::new("sum", self.shape(), axes)?;
        let fill = self.fill();
        let finish = |sum: T, n_implicit: u128| sum.plus(fill.scaled(n_implicit));
        Ok(fold(self, &groups, &Fold { init: T::zero(), step: T::plus, merge: T::plus, finish }))
    }
}

/// `f` of `n` copies of a value, at least one.
fn copies<T: Copy>(value: T, n: u128, f: impl Fn(T, T) -> T) -> T {
    let (mut power, mut rest, mut all) = (value, n, None);
    while rest > 0 {
        if rest % 2 == 1 {
            all = Some(all.map_or(power, |all| f(all, power)));
        }
        rest /= 2;
        if rest > 0 {
            power = f(power, power);
        }
    }
    all.unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sparse::testing::{dense_with_fill, shapes};

    proptest! {
        #[test]
        fn users_reductions_agree_with_ours(
            a in shapes().prop_flat_map(|shape| dense_with_fill(shape, 3i64)), picks in prop::collection::vec(any::<bool>(), 4),
        ) {
            let coo = Coo::from_dense_with_fill(&a.view(), 3).unwrap();
            let axes: Vec<isize> = (0..a.ndim()).filter(|&axis| picks[axis]).map(|axis| axis as isize).collect();
            let dense = |reduced: Coo<i64>| reduced.to_dense().unwrap();
            match coo.max_axes(&axes) {
                Ok(max) => {
                    let found = |f: fn(i64, i64) -> i64| dense(coo.reduce(&axes, f).unwrap());
                    prop_assert_eq!(found(Ord::max), dense(max));
                    prop_assert_eq!(found(i64::wrapping_add), dense(coo.sum_axes(&axes).unwrap()));
                    prop_assert_eq!(found(i64::wrapping_mul), dense(coo.prod_axes(&axes).unwrap()));
                }
                Err(_) => prop_assert!(coo.reduce(&axes, Ord::max).is_err()),
            }
            prop_assert_eq!(coo.sum_in_type(&axes).unwrap(), coo.sum_axes(&axes).unwrap());
        }
    }
}
