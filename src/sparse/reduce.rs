//! Reductions that count implicit entries exactly: sums, products, extrema, truth, means, counts.
//!
//! Every reduction comes twice: `sum()` over all elements, and `sum_axes(&[0, -1])` over some axes, where negative axes
//! count from the end. The fill of a result is the reduction of a group without entries. A group all of whose elements
//! are stored never meets the fill, so a NaN fill does not spread to it. Reducing all axes leaves an array without axes
//! and without entries: its fill is its value.
//!
//! `sum_axes` and its siblings fail where an axis is out of range or named twice. They take one pass over the entries,
//! which are sorted by group first where groups are neither runs of entries nor few.

use super::coo::Coo;
use super::group::{Fold, Groups, fold, fold_all};
use crate::element::{C64, Element, Real, Scalar};
use crate::error::{Error, Result, Shown};

impl<T: Element> Coo<T> {
    /// The sum of all elements; of none: 0.
    ///
    /// Integers and `bool` are summed in 64 bits and wrap; `f32` is accumulated in `f64`.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// assert_eq!(Coo::from_coords_with_fill(&[[1]], vec![5i8], [4], 1)?.sum(), 8i64);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn sum(&self) -> T::Sum {
        fold_all(self, &sum_of(self.fill()))
    }

    /// The sum over some axes, as [`sum`](Coo::sum) adds.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let a = Coo::new(&[[0, 0, 1, 2], [1, 2, 0, 3]], vec![5i64, 3, -2, 7], [3, 4])?;
    /// assert_eq!(a.sum_axes(&[0])?.to_dense()?.into_raw_vec_and_offset().0, [-2, 5, 3, 7]);
    /// assert_eq!(a.sum_axes(&[-1])?.to_dense()?.into_raw_vec_and_offset().0, [8, -2, 7]);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn sum_axes(&self, axes: &[isize]) -> Result<Coo<T::Sum>> {
        Ok(fold(self, &Groups::new("sum", self.shape(), axes)?, &sum_of(self.fill())))
    }

    /// The product of all elements; of none: 1.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// assert_eq!(Coo::from_coords_with_fill(&[[1]], vec![5i64], [4], 2)?.prod(), 40);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn prod(&self) -> T::Sum {
        fold_all(self, &product_of(self.fill()))
    }

    /// The product over some axes; types are those of sums.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let a = Coo::from_coords_with_fill(&[[0], [1]], vec![5i64], [2, 3], 2)?;
    /// let rows = a.prod_axes(&[1])?;
    /// assert_eq!((rows.fill(), rows.values()), (8, &[20][..]));
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn prod_axes(&self, axes: &[isize]) -> Result<Coo<T::Sum>> {
        Ok(fold(self, &Groups::new("prod", self.shape(), axes)?, &product_of(self.fill())))
    }

    /// The mean of all elements; of none: NaN.
    ///
    /// Integers are averaged in `f64`, so that large ones do not wrap; `f32` is accumulated in `f64`.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// assert_eq!(Coo::new(&[[0, 2]], vec![3i64, 4], [4])?.mean(), 1.75);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn mean(&self) -> T::Mean {
        fold_all(self, &mean_of(self.fill(), self.size()))
    }

    /// The mean over some axes, as [`mean`](Coo::mean) averages.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let a = Coo::new(&[[0, 0], [1, 2]], vec![5i64, 3], [2, 4])?;
    /// assert_eq!(a.mean_axes(&[1])?.to_dense()?.into_raw_vec_and_offset().0, [2.0, 0.0]);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn mean_axes(&self, axes: &[isize]) -> Result<Coo<T::Mean>> {
        let groups = Groups::new("mean", self.shape(), axes)?;
        Ok(fold(self, &groups, &mean_of(self.fill(), groups.group_len)))
    }

    /// Whether any element is not zero; NaN counts as true.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// assert!(Coo::new(&[[1]], vec![f64::NAN], [4])?.any());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn any(&self) -> bool {
        fold_all(self, &truth_of(self.fill(), Quantifier::Any))
    }

    /// Whether any element is not zero, over some axes.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let a = Coo::new(&[[0], [1]], vec![5], [2, 2])?;
    /// assert_eq!(a.any_axes(&[1])?.to_dense()?.into_raw_vec_and_offset().0, [true, false]);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn any_axes(&self, axes: &[isize]) -> Result<Coo<bool>> {
        Ok(fold(self, &Groups::new("any", self.shape(), axes)?, &truth_of(self.fill(), Quantifier::Any)))
    }

    /// Whether no element is zero; NaN counts as true.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// assert!(Coo::from_coords_with_fill(&[[1]], vec![5], [4], 1)?.all());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn all(&self) -> bool {
        fold_all(self, &truth_of(self.fill(), Quantifier::All))
    }

    /// Whether no element is zero, over some axes.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let a = Coo::new(&[[0, 0], [0, 1]], vec![5, 6], [2, 2])?;
    /// assert_eq!(a.all_axes(&[1])?.to_dense()?.into_raw_vec_and_offset().0, [true, false]);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn all_axes(&self, axes: &[isize]) -> Result<Coo<bool>> {
        Ok(fold(self, &Groups::new("all", self.shape(), axes)?, &truth_of(self.fill(), Quantifier::All)))
    }

    /// The number of elements that are not zero; NaN counts.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// assert_eq!(Coo::from_coords_with_fill(&[[0, 1]], vec![0, 5], [4], 1)?.count_nonzero(), 3);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn count_nonzero(&self) -> i64 {
        fold_all(self, &count_of(self.fill()))
    }

    /// The number of elements that are not zero, over some axes.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let a = Coo::new(&[[0, 0], [0, 1]], vec![5, 0], [2, 2])?;
    /// assert_eq!(a.count_nonzero_axes(&[1])?.to_dense()?.into_raw_vec_and_offset().0, [1, 0]);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn count_nonzero_axes(&self, axes: &[isize]) -> Result<Coo<i64>> {
        Ok(fold(self, &Groups::new("count_nonzero", self.shape(), axes)?, &count_of(self.fill())))
    }
}

impl<T: Real> Coo<T> {
    /// The smallest element; NaN if any element is.
    ///
    /// # Errors
    /// There are no elements.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// assert_eq!(Coo::new(&[[1]], vec![5], [4])?.min()?, 0);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn min(&self) -> Result<T> {
        check_not_empty("min", self.shape(), 1, self.size())?;
        Ok(fold_all(self, &extremum_of(self.fill(), T::highest(), |a, b| a < b)))
    }

    /// The smallest elements over some axes; NaN where any element is.
    ///
    /// # Errors
    /// As all reductions, or a group has no elements.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let a = Coo::new(&[[0, 0], [0, 1]], vec![5, 6], [2, 2])?;
    /// assert_eq!(a.min_axes(&[1])?.to_dense()?.into_raw_vec_and_offset().0, [5, 0]);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn min_axes(&self, axes: &[isize]) -> Result<Coo<T>> {
        let groups = Groups::new("min", self.shape(), axes)?;
        check_not_empty("min", self.shape(), groups.n_groups, groups.group_len)?;
        Ok(fold(self, &groups, &extremum_of(self.fill(), T::highest(), |a, b| a < b)))
    }

    /// The largest element; NaN if any element is.
    ///
    /// # Errors
    /// There are no elements.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// assert_eq!(Coo::new(&[[1]], vec![-5], [4])?.max()?, 0);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn max(&self) -> Result<T> {
        check_not_empty("max", self.shape(), 1, self.size())?;
        Ok(fold_all(self, &extremum_of(self.fill(), T::lowest(), |a, b| a > b)))
    }

    /// The largest elements over some axes; NaN where any element is.
    ///
    /// # Errors
    /// As all reductions, or a group has no elements.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let a = Coo::new(&[[0, 0], [0, 1]], vec![-5, -6], [2, 2])?;
    /// assert_eq!(a.max_axes(&[1])?.to_dense()?.into_raw_vec_and_offset().0, [-5, 0]);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn max_axes(&self, axes: &[isize]) -> Result<Coo<T>> {
        let groups = Groups::new("max", self.shape(), axes)?;
        check_not_empty("max", self.shape(), groups.n_groups, groups.group_len)?;
        Ok(fold(self, &groups, &extremum_of(self.fill(), T::lowest(), |a, b| a > b)))
    }
}

/// Refuses the extremum of a group without elements; no groups at all are fine.
pub(crate) fn check_not_empty(op: &'static str, shape: &[u64], n_groups: u128, group_len: u128) -> Result<()> {
    if n_groups == 0 || group_len > 0 {
        return Ok(());
    }
    Err(Error::value(op, format!("no elements to choose from in an array of shape {}", Shown(shape))))
}

fn cast<T: Element, U: Element>(value: T) -> U {
    U::from_scalar(value.to_scalar())
}

/// Fixes the types of the functions of a reduction, which closures alone leave open.
fn fold_of<T, A, R, S, M, F>(init: A, step: S, merge: M, finish: F) -> Fold<A, S, M, F>
where
    S: Fn(A, T) -> A,
    M: Fn(A, A) -> A,
    F: Fn(A, u128) -> R,
{
    Fold { init, step, merge, finish }
}

macro_rules! fold_type {
    ($t:ty, $state:ty, $out:ty) => {
        Fold<$state, impl Fn($state, $t) -> $state, impl Fn($state, $state) -> $state, impl Fn($state, u128) -> $out>
    };
}

fn plus<W: Element>(a: W, b: W) -> W {
    a.plus(b)
}

fn times<W: Element>(a: W, b: W) -> W {
    a.times(b)
}

fn scaled<W: Element>(value: W, n: u128) -> W {
    value.scaled(n)
}

fn sum_of<T: Element>(fill: T) -> fold_type!(T, T::Accum, T::Sum) {
    let copies = move |n: u128| scaled(cast::<T, T::Accum>(fill), n);
    fold_of(T::Accum::zero(), |sum, value: T| plus(sum, cast(value)), plus, move |sum, n| cast(plus(sum, copies(n))))
}

fn product_of<T: Element>(fill: T) -> fold_type!(T, T::Accum, T::Sum) {
    let copies = move |n: u128| power(cast::<T, T::Accum>(fill), n);
    fold_of(T::Accum::one(), |all, value: T| times(all, cast(value)), times, move |all, n| cast(times(all, copies(n))))
}

/// A power by repeated squaring; to the power of none: 1.
fn power<W: Element>(mut base: W, mut n: u128) -> W {
    let mut power = W::one();
    while n > 0 {
        if n % 2 == 1 {
            power = power.times(base);
        }
        base = base.times(base);
        n /= 2;
    }
    power
}

/// The mean of `T`, which is an `M`.
fn mean_of<T: Element, M: Element>(fill: T, n_elems: u128) -> fold_type!(T, M::Accum, M) {
    let widen = |value: T| cast::<M, M::Accum>(cast(value));
    let finish = move |sum: M::Accum, n_implicit| {
        let total = plus(sum, scaled(widen(fill), n_implicit)).to_scalar().to_c64();
        let n_elems = n_elems as f64;
        // Part by part: a complex division by a real number is not.
        M::from_scalar(Scalar::C64(C64::new(total.re / n_elems, total.im / n_elems)))
    };
    fold_of(M::Accum::zero(), move |sum, value: T| plus(sum, widen(value)), plus, finish)
}

#[derive(Clone, Copy, PartialEq)]
enum Quantifier {
    Any,
    All,
}

fn truth_of<T: Element>(fill: T, quantifier: Quantifier) -> fold_type!(T, bool, bool) {
    // `Any` looks for a true element, `All` for a false one.
    let sought = quantifier == Quantifier::Any;
    fold_of(
        !sought,
        move |truth: bool, value: T| if (value != T::zero()) == sought { sought } else { truth },
        move |a: bool, b: bool| if a == sought { a } else { b },
        move |truth: bool, n_implicit| if n_implicit > 0 && (fill != T::zero()) == sought { sought } else { truth },
    )
}

fn count_of<T: Element>(fill: T) -> fold_type!(T, i64, i64) {
    fold_of(
        0i64,
        |n: i64, value: T| n + i64::from(value != T::zero()),
        |a: i64, b: i64| a + b,
        move |n: i64, n_implicit| n.wrapping_add(if fill == T::zero() { 0 } else { n_implicit as i64 }),
    )
}

/// The element that `is_better` than all others; NaN is better than everything.
fn extremum_of<T: Real>(fill: T, worst: T, is_better: fn(T, T) -> bool) -> fold_type!(T, T, T) {
    let better = move |best: T, value: T| {
        if best.is_nan() || !(value.is_nan() || is_better(value, best)) { best } else { value }
    };
    fold_of(worst, better, better, move |best: T, n_implicit| if n_implicit > 0 { better(best, fill) } else { best })
}

#[cfg(test)]
mod tests {
    use ndarray::{ArrayD, Axis};
    use proptest::prelude::*;

    use super::*;
    use crate::sparse::testing::{Drawn, dense_with_fill, same, shapes};

    /// A dense array with this fill, and some of its axes.
    fn cases<T: Drawn>(fill: T) -> impl Strategy<Value = (ArrayD<T>, Vec<isize>)> {
        (shapes().prop_flat_map(move |shape| dense_with_fill(shape, fill)), prop::collection::vec(any::<bool>(), 4))
            .prop_map(|(a, picks)| {
                let ndim = a.ndim();
                let axes = (0..ndim).filter(|&axis| picks[axis]);
                let axes = axes.map(|axis| if axis % 2 == 0 { axis as isize } else { axis as isize - ndim as isize });
                (a, axes.collect())
            })
    }

    /// Folds some axes of a dense array, from the last to the first.
    fn dense_fold<T: Element, R: Clone>(a: &ArrayD<T>, axes: &[isize], f: impl Fn(&[T]) -> R) -> ArrayD<R> {
        let mut axes: Vec<usize> = axes.iter().map(|&axis| axis.rem_euclid(a.ndim() as isize) as usize).collect();
        axes.sort_unstable();
        let kept: Vec<usize> = (0..a.ndim()).filter(|axis| !axes.contains(axis)).collect();
        let order: Vec<usize> = kept.iter().chain(&axes).copied().collect();
        let shape: Vec<usize> = kept.iter().map(|&axis| a.shape()[axis]).collect();
        let turned = a.view().permuted_axes(order);
        ArrayD::from_shape_fn(shape, |index| {
            let group = (0..kept.len()).fold(turned.view(), |view, axis| view.index_axis_move(Axis(0), index[axis]));
            f(&group.iter().copied().collect::<Vec<T>>())
        })
    }

    fn check<T: Drawn, R: Element>(
        (a, axes): &(ArrayD<T>, Vec<isize>),
        fill: T,
        sparse: impl Fn(&Coo<T>, &[isize]) -> Result<Coo<R>>,
        dense: impl Fn(&[T]) -> R,
    ) {
        let coo = Coo::from_dense_with_fill(&a.view(), fill).unwrap();
        let found = sparse(&coo, axes).unwrap();
        let expected = dense_fold(a, axes, dense);
        assert!(same(&found.to_dense().unwrap(), &expected), "{found:?} {} {expected}", found.to_dense().unwrap());
        assert_eq!(found, found.prune());
    }

    fn nan_max(values: &[f64]) -> f64 {
        values.iter().fold(f64::NEG_INFINITY, |a, &b| if a.is_nan() || b.is_nan() { f64::NAN } else { a.max(b) })
    }

    proptest! {
        #[test]
        fn integers_reduce_like_dense_ones(case in prop_oneof![cases(0i64)]) {
            check(&case, 0, Coo::sum_axes, |x| x.iter().sum());
            check(&case, 0, Coo::prod_axes, |x| x.iter().product());
            check(&case, 0, Coo::any_axes, |x| x.iter().any(|&x| x != 0));
            check(&case, 0, Coo::all_axes, |x| x.iter().all(|&x| x != 0));
            check(&case, 0, Coo::count_nonzero_axes, |x| x.iter().filter(|&&x| x != 0).count() as i64);
            check(&case, 0, Coo::mean_axes, |x| x.iter().sum::<i64>() as f64 / x.len() as f64);
        }

        #[test]
        fn fills_are_counted(case in cases(3i64)) {
            check(&case, 3, Coo::sum_axes, |x| x.iter().sum());
            check(&case, 3, Coo::prod_axes, |x| x.iter().product());
            check(&case, 3, Coo::all_axes, |x| x.iter().all(|&x| x != 0));
            check(&case, 3, Coo::mean_axes, |x| x.iter().sum::<i64>() as f64 / x.len() as f64);
            if !case.0.is_empty() {
                check(&case, 3, Coo::min_axes, |x| *x.iter().min().unwrap());
                check(&case, 3, Coo::max_axes, |x| *x.iter().max().unwrap());
            }
        }

        #[test]
        fn truth_reduces(case in cases(true)) {
            check(&case, true, Coo::sum_axes, |x| x.iter().filter(|&&x| x).count() as i64);
            check(&case, true, Coo::all_axes, |x| x.iter().all(|&x| x));
            check(&case, true, Coo::any_axes, |x| x.iter().any(|&x| x));
        }

        #[test]
        fn nan_spreads_from_elements_only(case in prop_oneof![cases(f64::NAN)]) {
            if !case.0.is_empty() {
                check(&case, f64::NAN, Coo::max_axes, nan_max);
            }
            check(&case, f64::NAN, Coo::count_nonzero_axes, |x| x.iter().filter(|&&x| x != 0.0).count() as i64);
            // Sums of halves are exact, in whatever order.
            check(&case, f64::NAN, Coo::sum_axes, |x| x.iter().sum::<f64>() + 0.0);
        }
    }

    #[test]
    fn nan_fill_does_not_reach_full_groups() {
        let coords = [[0, 0, 1], [0, 1, 0]];
        let a = Coo::from_coords_with_fill(&coords, vec![1.0f64, 2.0, 4.0], [2, 2], f64::NAN).unwrap();
        let rows = a.sum_axes(&[1]).unwrap();
        assert!(rows.fill().is_nan());
        assert_eq!(rows.values(), [3.0]);
        assert!(rows.get(&[1]).unwrap().is_nan() && a.sum().is_nan());
        let full = Coo::from_coords_with_fill(&[[0, 1]], vec![1.0f64, 2.0], [2], f64::NAN).unwrap();
        assert_eq!((full.sum(), full.prod(), full.mean(), full.max().unwrap()), (3.0, 2.0, 1.5, 2.0));
    }

    #[test]
    fn empty_arrays_have_neutral_reductions() {
        let a = Coo::empty([0, 3], 5.0f64).unwrap();
        assert_eq!((a.sum(), a.prod(), a.any(), a.all(), a.count_nonzero()), (0.0, 1.0, false, true, 0));
        assert!(a.mean().is_nan() && a.max().is_err() && a.max_axes(&[0]).is_err());
        assert_eq!(a.max_axes(&[1]).unwrap().shape(), [0]);
        assert_eq!(a.sum_axes(&[0]).unwrap(), Coo::empty([3], 0.0).unwrap());
    }

    #[test]
    fn accumulators_are_wide() {
        let n = 3u64 << 62;
        let a = Coo::from_coords_with_fill(&[[0]], vec![i64::MAX], [n], i64::MAX).unwrap();
        assert_eq!(a.mean(), i64::MAX as f64);
        let b = Coo::from_coords_with_fill(&[[0]], vec![1.0f32], [100_000_001], 0.1).unwrap();
        assert_eq!(b.sum(), (0.1f32 as f64 * 1e8 + 1.0) as f32);
        assert_eq!(Coo::from_coords_with_fill(&[[0]], vec![1u8], [1000], 255).unwrap().sum(), 999 * 255 + 1);
        assert_eq!(Coo::from_coords_with_fill(&[[0]], vec![1u8], [65], 2).unwrap().prod(), 0);
    }

    #[test]
    fn shapes_beyond_64_bits_reduce_along_one_axis() {
        let n = 1u64 << 41;
        let a = Coo::new(&[[n - 1, 0, n - 1], [n - 1, 5, 6]], vec![1i64, 2, 3], [n, n]).unwrap();
        assert_eq!(a.sum_axes(&[1]).unwrap(), Coo::new(&[[0, n - 1]], vec![2, 4], [n]).unwrap());
        assert_eq!(a.sum_axes(&[0]).unwrap(), Coo::new(&[[5, 6, n - 1]], vec![2, 3, 1], [n]).unwrap());
        assert_eq!((a.sum(), a.max().unwrap()), (6, 3));
    }

    #[test]
    fn a_long_sum_is_taken_in_halves() {
        let n = 1u64 << 20;
        let a = Coo::new(&[(0..n).collect::<Vec<_>>()], vec![0.1f64; n as usize], [n]).unwrap();
        assert!((a.sum() - 0.1 * n as f64).abs() < 1e-9);
    }
}
