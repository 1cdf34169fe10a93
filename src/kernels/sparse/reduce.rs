//! Reductions of sparse arrays that are more than a fold: variances, and reductions that skip NaN.

use crate::element::{Element, Real};
use crate::error::Result;
use crate::kernels::lift::reduce_fill;
use crate::kernels::reduce::{Cells, Ddof, Place, Reducer, Reduction, lift_segments};
use crate::sparse::Coo;
use crate::sparse::group::{Groups, Segments};

/// A reduction of some axes. Only groups that have entries are worked on; all others have the fill of the result, which is
/// the reduction of a group of fills.
pub(crate) fn reduce_axes<T: Element, R: Element>(
    coo: &Coo<T>,
    reduction: Reduction,
    axes: &[isize],
) -> Result<Coo<R>> {
    let reducer = Reducer::new(reduction, T::DTYPE)?;
    let groups = Groups::new(reduction.name(), coo.shape(), axes)?;
    let (n_groups, group_len) = (groups.n_groups, groups.group_len);
    let reduced = reduced_flags(coo.ndim(), axes);
    let place = Place::new(coo.shape(), &reduced, &vec![0; coo.ndim()], coo.shape());
    let segments = Segments::new(coo, groups);
    let n_stored = segments.len();
    let partial = lift_segments(reducer, &segments, coo.fill(), Cells::Stored, Some(&place), &[n_stored])?;
    let block = reducer.finish(&partial)?;
    let values: Vec<R> = block.to_array::<R>()?.iter().copied().collect();
    let has_empty = n_groups > n_stored as u128;
    let len = u64::try_from(group_len).unwrap_or(u64::MAX);
    let fill = match reduce_fill(reducer, coo.fill().to_scalar(), len) {
        Ok(fill) => R::from_scalar(fill),
        // No group is all fill, so that nobody asks for what has no answer.
        Err(_) if !has_empty => R::zero(),
        Err(error) => return Err(error),
    };
    Ok(segments.finish(values, fill))
}

/// A reduction of all elements.
fn reduce_all<T: Element, R: Element>(coo: &Coo<T>, reduction: Reduction) -> Result<R> {
    let axes: Vec<isize> = (0..coo.ndim() as isize).collect();
    let all: Coo<R> = reduce_axes(coo, reduction, &axes)?;
    all.get(&[])
}

fn reduced_flags(ndim: usize, axes: &[isize]) -> Vec<bool> {
    let is_named =
        |axis: usize| axes.iter().any(|&named| named == axis as isize || named + ndim as isize == axis as isize);
    (0..ndim).map(is_named).collect()
}

macro_rules! reductions {
    ($(
        $(#[doc = $doc:literal])+
        $bound:ident: $all:ident, $several:ident -> $out:ty, $reduction:expr;
    )*) => {$(
        impl<T: $bound> Coo<T> {
            $(#[doc = $doc])+
            ///
            /// # Errors
            /// There is no answer: no element takes part, or more than 2^64 do.
            pub fn $all(&self) -> Result<$out> {
                reduce_all(self, $reduction)
            }

            #[doc = concat!("Like [`", stringify!($all), "`](Coo::", stringify!($all), "), over some axes.")]
            ///
            /// # Errors
            /// An axis is out of range or named twice, or there is no answer somewhere.
            pub fn $several(&self, axes: &[isize]) -> Result<Coo<$out>> {
                reduce_axes(self, $reduction, axes)
            }
        }
    )*};
}

reductions! {
    /// The variance: the mean squared deviation from the mean, with divisor `n`.
    ///
    /// [`var_with`](Coo::var_with) takes another divisor. Computed in `f64` without cancellation; of complex numbers real.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let a = Coo::new(&[[0, 0], [0, 1]], vec![2.0_f64, 2.0], [2, 4])?;
    /// assert_eq!(a.var()?, 0.75);
    /// assert_eq!(a.var_axes(&[1])?.to_dense()?.into_raw_vec_and_offset().0, [1.0, 0.0]);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    Element: var, var_axes -> T::Spread, Reduction::Var { ddof: Ddof::ZERO };
    /// The standard deviation: the square root of the variance with divisor `n`.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let a = Coo::new(&[[0]], vec![4.0_f64], [2])?;
    /// assert_eq!(a.std()?, 2.0);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    Element: std, std_axes -> T::Spread, Reduction::Std { ddof: Ddof::ZERO };
    /// The sum of all elements that are not NaN.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let a = Coo::new(&[[0, 0], [0, 1]], vec![f64::NAN, 3.0], [2, 4])?;
    /// assert_eq!(a.nansum()?, 3.0);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    Element: nansum, nansum_axes -> T::Sum, Reduction::NanSum;
    /// The product of all elements that are not NaN.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let a = Coo::from_coords_with_fill(&[[0, 1]], vec![f64::NAN, 3.0], [4], 2.0)?;
    /// assert_eq!(a.nanprod()?, 12.0);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    Element: nanprod, nanprod_axes -> T::Sum, Reduction::NanProd;
    /// The mean of all elements that are not NaN; NaN if all are.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let a = Coo::new(&[[0, 1]], vec![f64::NAN, 3.0], [4])?;
    /// assert_eq!(a.nanmean()?, 1.0);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    Element: nanmean, nanmean_axes -> T::Mean, Reduction::NanMean;
    /// The smallest element that is not NaN; NaN if all are.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let a = Coo::new(&[[0, 1]], vec![f64::NAN, 3.0], [4])?;
    /// assert_eq!(a.nanmin()?, 0.0);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    Real: nanmin, nanmin_axes -> T, Reduction::NanMin;
    /// The largest element that is not NaN; NaN if all are.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let a = Coo::new(&[[0, 1]], vec![f64::NAN, 3.0], [4])?;
    /// assert_eq!(a.nanmax()?, 3.0);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    Real: nanmax, nanmax_axes -> T, Reduction::NanMax;
    /// The variance of all elements that are not NaN, with divisor `n`.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let a = Coo::new(&[[0, 1]], vec![f64::NAN, 2.0], [3])?;
    /// assert_eq!(a.nanvar()?, 1.0);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    Element: nanvar, nanvar_axes -> T::Spread, Reduction::NanVar { ddof: Ddof::ZERO };
    /// The standard deviation of all elements that are not NaN, with divisor `n`.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let a = Coo::new(&[[0, 1]], vec![f64::NAN, 2.0], [3])?;
    /// assert_eq!(a.nanstd()?, 1.0);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    Element: nanstd, nanstd_axes -> T::Spread, Reduction::NanStd { ddof: Ddof::ZERO };
    /// The C-order position of the first smallest element that is not NaN.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let a = Coo::new(&[[0, 1]], vec![f64::NAN, 3.0], [4])?;
    /// assert_eq!(a.nanargmin()?, 2);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    Real: nanargmin, nanargmin_axes -> i64, Reduction::NanArgMin;
    /// The C-order position of the first largest element that is not NaN.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let a = Coo::new(&[[0, 1]], vec![f64::NAN, 3.0], [4])?;
    /// assert_eq!(a.nanargmax()?, 1);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    Real: nanargmax, nanargmax_axes -> i64, Reduction::NanArgMax;
}

#[cfg(test)]
mod tests {
    use ndarray::ArrayD;
    use proptest::prelude::*;

    use super::*;
    use crate::block::Block;
    use crate::kernels::reduce::LiftSpec;
    use crate::sparse::testing::{dense_with_fill, shapes};

    fn check(a: &ArrayD<f64>, fill: f64, picks: &[bool], reduction: Reduction) {
        let coo = Coo::from_dense_with_fill(&a.view(), fill).unwrap();
        let axes: Vec<isize> = (0..a.ndim()).filter(|&k| picks[k]).map(|k| k as isize - a.ndim() as isize).collect();
        let reducer = Reducer::new(reduction, f64::DTYPE).unwrap();
        let spec = LiftSpec::new(a.shape(), &picks[..a.ndim()]);
        let partial = reducer.lift(&Block::from_dense(a.clone()), None, &spec).unwrap();
        let expected = reducer.finish(&partial).map(|block| block.to_array::<f64>().unwrap().into_owned());
        match (reduce_axes::<f64, f64>(&coo, reduction, &axes), expected) {
            (Ok(found), Ok(expected)) => {
                let found = found.to_dense().unwrap();
                let near =
                    |x: &f64, y: &f64| x == y || (x.is_nan() && y.is_nan()) || (x - y).abs() < 1e-12 * x.abs().max(1.0);
                assert!(
                    found.len() == expected.len() && found.iter().zip(&expected).all(|(x, y)| near(x, y)),
                    "{reduction} {found} {expected}"
                );
            }
            (Err(_), Err(_)) => {}
            (found, expected) => panic!("{reduction}: {found:?} {expected:?}"),
        }
    }

    proptest! {
        #[test]
        fn reductions_are_those_of_dense_arrays(
            a in shapes().prop_flat_map(|shape| dense_with_fill(shape, 0.0)),
            b in shapes().prop_flat_map(|shape| dense_with_fill(shape, f64::NAN)),
            picks in prop::collection::vec(any::<bool>(), 4),
        ) {
            let ddof = Ddof::new(1.0);
            for reduction in [Reduction::Var { ddof }, Reduction::NanSum, Reduction::NanMean, Reduction::NanMax, Reduction::NanStd { ddof }] {
                check(&a, 0.0, &picks, reduction);
                check(&b, f64::NAN, &picks, reduction);
            }
        }
    }

    #[test]
    fn most_groups_may_be_empty() {
        let n = 1u64 << 41;
        let a = Coo::new(&[[3, 3, n - 1], [0, 1, 1]], vec![1.0, 3.0, 4.0], [n, 4]).unwrap();
        let var = a.var_axes(&[1]).unwrap();
        assert_eq!((var.values(), var.fill()), (&[1.5, 3.0][..], 0.0));
        assert_eq!(a.nanargmax_axes(&[1]).unwrap().values(), [1, 1]);
        assert!(Coo::empty([n, n], 1.0).unwrap().var().unwrap_err().is_usage());
        assert!(Coo::<f64>::empty([2, 0], 1.0).unwrap().nanmax_axes(&[1]).is_err());
        assert!(Coo::<f64>::empty([0, 2], 1.0).unwrap().nanmax_axes(&[1]).is_ok());
    }
}
